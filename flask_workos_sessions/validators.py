"""The values that a setting can have: each check takes what was given and returns what is kept."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

#: WorkOS accepts no shorter cookie password.
MIN_PASSWORD_LENGTH = 32
#: Seconds between two polls of one page, at least: a thousand open pages are 200 requests a second.
MIN_POLL = 5
#: Seconds of the shortest inactivity timeout. Extending moves the end in the second half of it, and
#: who has less than 20 seconds cannot read a dialog and answer it (WCAG 2.2.1).
MIN_INACTIVITY = 60

# Passwords that stand in examples: somebody who copies one has published it.
_EXAMPLE_MARKS = ("your", "example", "changeme", "change-me", "change_me", "password", "<", "xxxx")
_EXAMPLE_PREFIXES = ("0123456789", "abcdefgh", "secret")

_EVENT_TYPE = re.compile(r"[a-z_]+(\.[a-z_]+)+")


class InvalidValue(ValueError):
    """A value that its setting cannot have; the text says what it must be."""


def text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue("must be a text that is not blank")
    if value != value.strip():
        raise InvalidValue("must not begin or end with white space")
    return value


def flag(value: object) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise InvalidValue("must be true or false")


def seconds(value: object) -> int:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidValue("must be a whole number of seconds, 0 or more")
    return value


def positive_seconds(value: object) -> int:
    if seconds(value) == 0:
        raise InvalidValue("must be at least one second")
    return seconds(value)


def poll_seconds(value: object) -> int:
    given = seconds(value)
    if 0 < given < MIN_POLL:
        raise InvalidValue(f"must be at least {MIN_POLL} seconds, or 0 for no polling")
    return given


def inactivity_seconds(value: object) -> int:
    given = seconds(value)
    if given < MIN_INACTIVITY:
        raise InvalidValue(
            f"is {given} seconds: in less than {MIN_INACTIVITY} nobody can be warned and answer. "
            "Set the timeout of the WorkOS dashboard, in seconds (30 minutes are 1800), and a "
            "longer one there if it is as short"
        )
    return given


def count(value: object) -> int:
    try:
        given = seconds(value)
    except InvalidValue:
        given = 0
    if given == 0:
        raise InvalidValue("must be a whole number, 1 or more")
    return given


def texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            raise InvalidValue('must be a list; in the environment as JSON: ["…", "…"]') from None
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple | set | frozenset):
        raise InvalidValue("must be a list of texts")
    return tuple(text(each) for each in value)


def event_types(value: object) -> tuple[str, ...]:
    types = texts(value)
    if not all(_EVENT_TYPE.fullmatch(each) for each in types):
        raise InvalidValue('must be a list of types of events: ["authentication.sso_failed"]')
    return types


def issuers(value: object) -> tuple[str, ...]:
    """WorkOS's own libraries read this one as a list with commas."""
    if isinstance(value, str) and not value.strip().startswith("["):
        value = [each.strip() for each in value.split(",")]
    return texts(value)


def path_patterns(value: object) -> tuple[str, ...]:
    patterns = texts(value)
    if not all(each.startswith("/") for each in patterns):
        raise InvalidValue('must be path patterns with a leading slash, such as "/app/*"')
    if any("," in each for each in patterns):
        raise InvalidValue('must be a list, not a text with commas: ["/app/*", "/api/*"]')
    return patterns


def domain(value: object) -> str:
    given = text(value)
    if not given.lstrip(".").replace("-", "").replace(".", "").isalnum() or "." not in given:
        raise InvalidValue('must be a domain, such as "acme.com": no scheme, port or path')
    return given


def api_key(value: object) -> str:
    given = text(value)
    if given.startswith(("client_", "pk_")):
        raise InvalidValue("must be the API key (sk_…), and this is another kind of value")
    return given


def client_id(value: object) -> str:
    given = text(value)
    if given.startswith("sk_"):
        raise InvalidValue("must be the client id (client_…); this is an API key, and a secret")
    return given


def samesite(value: object) -> str:
    if isinstance(value, str) and value.strip().lower() == "strict":
        raise InvalidValue(
            "must not be strict, which loses the session on the way back from AuthKit"
        )
    return choice("lax", "none")(value)


def password(value: object) -> str:
    password = text(value)
    if len(password) < MIN_PASSWORD_LENGTH:
        raise InvalidValue(
            f"must have at least {MIN_PASSWORD_LENGTH} characters (this one has {len(password)}); "
            "`flask workos secret` makes one"
        )
    lowered = password.lower()
    example = any(mark in lowered for mark in _EXAMPLE_MARKS) or lowered.startswith(
        _EXAMPLE_PREFIXES
    )
    if example or len(set(password)) < 10:
        raise InvalidValue("looks like an example, not a secret; `flask workos secret` makes one")
    return password


def passwords(value: object) -> tuple[str, ...]:
    return tuple(password(each) for each in texts(value))


def url(value: object) -> str:
    given = text(value)
    parts = _split(given)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise InvalidValue("must be an absolute http(s) URL")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise InvalidValue("must be https (http is for 127.0.0.1, [::1] and localhost only)")
    if parts.query or parts.fragment or "," in given:
        raise InvalidValue("must have no query, no fragment and no comma; several are a list")
    return given


def base_url(value: object) -> str:
    return url(value).rstrip("/")


def urls(value: object) -> tuple[str, ...]:
    return tuple(url(each) for each in texts(value))


def prefix(value: object) -> str:
    given = text(value)
    # The last four would be a variable of the route, or the end of a path.
    odd = "//" in given or any(each in given for each in "<>?#")
    if not given.startswith("/") or given == "/" or given.endswith("/") or odd:
        raise InvalidValue('must be a path such as "/auth": one leading slash, none at the end')
    return given


def local_path(value: object) -> str:
    given = text(value)
    if not given.startswith("/") or given.startswith(("//", "/\\")):
        raise InvalidValue('must be a path of this application, such as "/"')
    return given


def return_uri(value: object) -> str:
    given = text(value)
    if given.startswith("/") and not given.startswith("//"):
        return given
    try:
        return url(given)
    except InvalidValue as invalid:
        raise InvalidValue(f"must be a path such as /bye, or else {invalid}") from None


def choice(*choices: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        given = text(value).lower()
        if given not in choices:
            raise InvalidValue(f"must be one of {', '.join(choices)}")
        return given

    return check


def store(value: object) -> str:
    """Where sessions may lie."""
    return choice("cookie", "cache")(value)


def activity(value: object) -> str:
    """What may count as activity in a page."""
    return choice("input", "requests")(value)


def on_end(value: object) -> str:
    """What may become of a page after the end."""
    return choice("overlay", "replace")(value)


def push(value: object) -> str:
    """How a page may be told at once."""
    return choice("off", "sse")(value)


def cache_type(value: object) -> str:
    """Where shared state may lie. Security R5 says why nowhere else."""
    try:
        return choice("sqlite", "redis", "memory")(value)
    except InvalidValue as invalid:
        raise InvalidValue(
            f"{invalid}; Flask-Caching's other types unpickle what they find, or cannot add an "
            "entry for one process alone"
        ) from None


def redis_url(value: object) -> str:
    parts = _split(text(value))
    is_server = parts.scheme in ("redis", "rediss") and parts.hostname
    if not is_server and not (parts.scheme == "unix" and parts.path):
        raise InvalidValue('must be a URL such as "redis://host:6379/0", rediss://… or unix://…')
    return text(value)


def directory(value: object) -> str:
    given = os.fspath(value) if isinstance(value, os.PathLike) else text(value)
    if not isinstance(given, str) or not os.path.isabs(given):
        raise InvalidValue("must be an absolute path")
    return given


def _split(url: str) -> SplitResult:
    """The parts of a URL; all empty where its host or port cannot be."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts


def is_loopback(host: str) -> bool:
    """Whether ``host`` can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
