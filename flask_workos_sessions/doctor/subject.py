"""What is examined: the settings of an app, or those of the environment alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from werkzeug.middleware.proxy_fix import ProxyFix

from ..lookup import look_up
from ..settings import PREFIX, Settings, read_settings
from ..validators import is_loopback


@dataclass(frozen=True, repr=False, kw_only=True)
class Subject:
    """Settings as they were given and as they were read, and what is known of the app.

    :param faults: all that is wrong with the settings.
    :param testing: whether the app is for tests.
    :param instance_path: where the app keeps its own files; ``None`` without an app.
    :param made: whether there is an app, made to the end; what it does after an error is not known.
    :param proxy_fix: what reads ``X-Forwarded-*`` for the app, if anything does.
    :param last_polled: tells when the events poller has last read, in seconds since the epoch; it
        asks the shared state.
    """

    config: Mapping[str, Any]
    environ: Mapping[str, str]
    settings: Settings
    faults: tuple[str, ...]
    testing: bool = False
    instance_path: str | None = None
    made: bool = False
    proxy_fix: ProxyFix | None = None
    last_polled: Callable[[], float | None] | None = None
    clock: Callable[[], float] = field(default=time.time)

    @classmethod
    def of(
        cls,
        config: Mapping[str, Any],
        environ: Mapping[str, str],
        more_faults: tuple[str, ...] = (),
        **known: Any,
    ) -> Subject:
        """Read the settings. ``more_faults`` is what else is known to be wrong with them."""
        settings, faults = read_settings(config, environ)
        every = tuple(dict.fromkeys((*faults, *more_faults)))
        return cls(config=config, environ=environ, settings=settings, faults=every, **known)

    def misread(self, *names: str) -> bool:
        """Whether one of these settings is told as a fault already, so that it has its default."""
        whole = re.compile(rf"(?:{'|'.join(names)})(?![A-Z_])")
        return any(whole.search(fault) for fault in self.faults)

    def given(self, name: str) -> bool:
        """Whether a setting was set."""
        return look_up(name, self.config, self.environ) is not None

    @property
    def is_public(self) -> bool:
        """Whether the app is served to others than this machine, as far as its settings say."""
        hosts = [urlsplit(uri).hostname or "" for uri in self.settings.redirect_uri]
        return any(not is_loopback(host) for host in hosts)

    def secrets(self) -> Iterator[str]:
        """Every secret as it was given, also one that was refused."""
        secret_key = self.config.get("SECRET_KEY")
        if isinstance(secret_key, str):
            yield secret_key
        for each in fields(Settings):
            if not each.metadata["secret"]:
                continue
            found = look_up(PREFIX + each.name.upper(), self.config, self.environ)
            values = [] if found is None else [found.value, getattr(self.settings, each.name)]
            for value in values:
                several = value if isinstance(value, list | tuple) else [value]
                yield from (text for text in several if isinstance(text, str))
