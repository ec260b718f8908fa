"""What a check has found."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

Level = Literal["ok", "warning", "fault", "ignored"]

#: Every check, and the part of the report in which it stands; the names are for ``--ignore``.
CHECKS = {
    "app": "App",
    "versions": "App",
    "settings": "Settings",
    "configuration": "Settings",
    "variables": "Settings",
    "password-strength": "Settings",
    "password-reuse": "Settings",
    "fallbacks": "Settings",
    "redirect-uri": "Redirect URI and cookies",
    "cookie-secure": "Redirect URI and cookies",
    "cookie-name": "Redirect URI and cookies",
    "cookie-domain": "Redirect URI and cookies",
    "cookie-samesite": "Redirect URI and cookies",
    "proxy": "Redirect URI and cookies",
    "testing": "Redirect URI and cookies",
    "max-length": "Session clocks",
    "inactivity-timeout": "Session clocks",
    "warning-time": "Pages",
    "polling": "Pages",
    "push": "Pages",
    "memory": "Shared state",
    "network-disk": "Shared state",
    "directory": "Shared state",
    "redis-tls": "Shared state",
    "redis-password": "Shared state",
    "redis": "Shared state",
    "redis-eviction": "Shared state",
    "redis-persistence": "Shared state",
    "base-url": "WorkOS",
    "reachable": "WorkOS",
    "clock": "WorkOS",
    "key-set": "WorkOS",
    "api-key": "WorkOS",
    "token": "WorkOS",
    "issuer": "WorkOS",
    "news": "News from WorkOS",
    "webhook-endpoint": "News from WorkOS",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check looked at: ``what`` it is like, of which ``setting``, the
    ``remedy``."""

    check: str
    level: Level
    what: str
    setting: str = ""
    remedy: str = ""

    @property
    def part(self) -> str:
        """The part of the report in which it stands."""
        return CHECKS[self.check]


def ok(check: str, what: str, setting: str = "") -> Finding:
    """As it should be."""
    return Finding(check, "ok", what, setting)


def warning(check: str, what: str, setting: str, remedy: str) -> Finding:
    """It works, and not as well, or not as safely, as it could."""
    return Finding(check, "warning", what, setting, remedy)


def fault(check: str, what: str, setting: str, remedy: str) -> Finding:
    """It does not work, or must not be served like this."""
    return Finding(check, "fault", what, setting, remedy)


def without_warnings_of(checks: Collection[str], findings: Iterable[Finding]) -> list[Finding]:
    """Whoever runs the app has looked at these warnings, and knows better. A fault stays one."""
    return [
        replace(each, level="ignored") if each.level == "warning" and each.check in checks else each
        for each in findings
    ]
