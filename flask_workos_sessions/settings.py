"""Every ``WORKOS_*`` setting: its default, its meaning, its check.

A setting comes from ``app.config``, else from the environment variable of the same name (there,
lists are JSON). All faults are collected and raised together.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from . import validators
from .conflicts import conflicts
from .errors import ConfigurationError
from .event_settings import EventSettings
from .lifetime import extendable_part
from .lookup import ALIASES, look_up
from .page_settings import PageSettings
from .setting import setting

PREFIX = "WORKOS_"

#: Four hundred days, in seconds: as long as a browser keeps a cookie; WorkOS's own default.
COOKIE_MAX_AGE = 34_560_000


@dataclass(frozen=True, repr=False, kw_only=True)
class Settings(EventSettings, PageSettings):
    """The checked settings of one app. A field ``api_key`` is the setting ``WORKOS_API_KEY``."""

    api_key: str = setting(
        validators.api_key,
        "",
        "The API key of your WorkOS environment (`sk_…`). Required.",
        secret=True,
    )
    client_id: str = setting(
        validators.client_id, "", "The client id of your WorkOS application. Required."
    )
    cookie_password: str = setting(
        validators.password,
        "",
        "Seals the cookies: at least 32 characters from a random source. Required.",
        secret=True,
    )
    cookie_password_fallbacks: tuple[str, ...] = setting(
        validators.passwords,
        (),
        "Earlier cookie passwords: they still open cookies, and seal none.",
        secret=True,
    )
    redirect_uri: tuple[str, ...] = setting(
        validators.urls,
        (),
        "The callback's absolute URL as registered at WorkOS; a list when the app has several "
        "hosts. Unset: taken from each request, which trusts its Host header.",
    )
    base_url: str = setting(
        validators.base_url, "https://api.workos.com", "Where the WorkOS API is."
    )
    issuer: tuple[str, ...] = setting(
        validators.issuers,
        (),
        "Accepted `iss` values of access tokens. Unset: the issuer is not checked.",
    )
    cookie_name: str = setting(
        validators.text,
        "",
        "The session cookie's name. Unset: `wos-session`, with `__Host-` before it whenever "
        "the cookie is Secure and has no Domain.",
    )
    cookie_domain: str | None = setting(validators.domain, None, "The cookies' Domain attribute.")
    cookie_samesite: str = setting(
        validators.samesite,
        "lax",
        "The session cookie's SameSite attribute.",
    )
    cookie_secure: bool | None = setting(
        validators.flag,
        None,
        "The cookies' Secure attribute. Unset: by the scheme of the redirect URI.",
    )
    cookie_max_age: int = setting(
        validators.positive_seconds,
        COOKIE_MAX_AGE,
        "Seconds from the sign-in after which the cookie opens no session any more, when the "
        "maximum session length is not known.",
    )
    url_prefix: str = setting(validators.prefix, "/auth", "Where our routes are.")
    session_max_length: int | None = setting(
        validators.positive_seconds,
        None,
        "The maximum session length (seconds) as set in the WorkOS dashboard. Unset: asked once "
        "at sign-in.",
    )
    session_inactivity_timeout: int | None = setting(
        validators.inactivity_seconds,
        None,
        "The inactivity timeout (seconds) as set in the WorkOS dashboard. Unset: not known, and "
        "nobody is warned of it.",
    )
    session_store: str = setting(
        validators.store,
        "cookie",
        "Where the session lies: `cookie`, or `cache`, which leaves a ticket in the cookie.",
    )
    cache_type: str | None = setting(
        validators.cache_type,
        None,
        "Where processes share sign-outs and refreshes: `sqlite`, `redis`, or `memory`, which "
        "shares nothing. Unset: `redis` with the next setting, else `sqlite`; in tests `memory`.",
    )
    cache_redis_url: str | None = setting(
        validators.redis_url,
        None,
        "The Redis server: `redis://`, `rediss://` or `unix://`.",
        secret=True,
    )
    cache_dir: str | None = setting(
        validators.directory,
        None,
        "The directory of the SQLite file. Unset: `workos-sessions` in Flask's instance folder.",
    )
    revocation_required: bool = setting(
        validators.flag,
        False,
        "Answer 503 while shared state cannot be read, rather than serve somebody whom another "
        "process may have signed out.",
    )
    refresh_buffer: int | None = setting(
        validators.seconds,
        None,
        "Seconds before the access token's end at which it is refreshed; 0: only after the end. "
        "Unset: 60, or 30 for tokens of five minutes or less.",
    )
    protect_all: bool = setting(
        validators.flag, False, "Every view needs a signed-in person, unless it is public."
    )
    protected_paths: tuple[str, ...] = setting(
        validators.path_patterns,
        (),
        "Path patterns that need a signed-in person, such as `/app/*`.",
    )
    public_paths: tuple[str, ...] = setting(
        validators.path_patterns, (), "Path patterns that are exempt from the two settings above."
    )
    sign_in_return_to: str = setting(
        validators.local_path, "/", "Where somebody lands after sign-in without another wish."
    )
    sign_out_return_to: str | None = setting(
        validators.return_uri,
        None,
        "Where WorkOS sends the browser after sign-out: a path or an absolute URL, registered "
        "at WorkOS. Unset: WorkOS's default sign-out redirect.",
    )
    clear_flask_session: bool = setting(
        validators.flag, True, "Clear `flask.session` at sign-out and when somebody else signs in."
    )
    reauthenticate_after_end: bool = setting(
        validators.flag, True, "Ask for credentials when somebody signs in again after an end."
    )
    impersonator_step_up: bool = setting(
        validators.flag, False, "Let an impersonator pass `@login_required(max_age=…)`."
    )

    def __repr__(self) -> str:
        shown = (
            f"{each.name}={'***' if each.metadata['secret'] else repr(getattr(self, each.name))}"
            for each in fields(self)
        )
        return f"Settings({', '.join(shown)})"

    def cache_type_for(self, *, testing: bool) -> str:
        """Where shared state lies in this app: as set, else what serves without being set up."""
        if self.cache_type is not None:
            return self.cache_type
        if testing:
            return "memory"
        return "redis" if self.cache_redis_url else "sqlite"

    @property
    def longest(self) -> int:
        """Seconds that a session can last, when WorkOS does not say."""
        return self.session_max_length or self.cookie_max_age

    @property
    def secure(self) -> bool:
        """Whether our cookies are Secure: as set, else unless every redirect URI is plain http."""
        if self.cookie_secure is not None:
            return self.cookie_secure
        return not (
            self.redirect_uri and all(urlsplit(uri).scheme == "http" for uri in self.redirect_uri)
        )

    @property
    def warn(self) -> int:
        """Seconds before the end at which the warning begins: as set, but never before extending
        makes it go away."""
        return self._when_extendable(self.ui_warn)

    @property
    def notice(self) -> int:
        """Seconds before an end by inactivity at which the quiet banner shows, limited likewise."""
        return self._when_extendable(self.ui_notice)

    def _when_extendable(self, before_end: int) -> int:
        if self.session_inactivity_timeout is None:
            return before_end
        return min(before_end, extendable_part(self.session_inactivity_timeout))

    @property
    def cookie_prefix(self) -> str:
        """``__Host-`` or ``__Secure-`` when a cookie of ours may carry it (RFC 6265bis 4.1.3)."""
        if not self.secure:
            return ""
        return "__Secure-" if self.cookie_domain else "__Host-"

    @property
    def session_cookie(self) -> str:
        """The name of the session cookie."""
        return self.cookie_name or f"{self.cookie_prefix}wos-session"

    @property
    def callback_path(self) -> str:
        """The path of the callback route."""
        return f"{self.url_prefix}/callback"


_CACHE = PREFIX + "CACHE_"
_REQUIRED = ("api_key", "client_id", "cookie_password")
_FIELDS = {each.name: each for each in fields(Settings)}
#: Every name that a setting of ours can have.
KNOWN = {PREFIX + name.upper() for name in _FIELDS} | set(ALIASES)


def load_settings(config: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting.

    :raises ConfigurationError: with every fault and its remedy.
    """
    settings, faults = read_settings(config, os.environ if environ is None else environ)
    if faults:
        raise ConfigurationError(faults)
    return settings


def read_settings(
    config: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Settings, list[str]]:
    """Every setting that can be used, and what is wrong with the others, which have defaults."""
    faults: list[str] = []
    values: dict[str, Any] = {}
    for name, each in _FIELDS.items():
        found = look_up(PREFIX + name.upper(), config, environ)
        if found is None:
            continue
        try:
            values[name] = each.metadata["check"](found.value)
        except validators.InvalidValue as invalid:
            faults.append(f"{found} {invalid}.")
    named_wrong = {fault.split(" ", 1)[0] for fault in faults}
    for name in _REQUIRED:
        key = PREFIX + name.upper()
        if name not in values and key not in named_wrong:
            faults.append(f"{key} is missing. {_remedy(name)}")
    faults += _unknown(config)
    settings = Settings(**values)
    return settings, faults + conflicts(settings)


def _remedy(name: str) -> str:
    return {
        "api_key": "Copy it from the WorkOS dashboard, API Keys.",
        "client_id": "Copy it from the WorkOS dashboard, API Keys.",
        "cookie_password": "`flask workos secret` makes one; keep it out of the source.",
    }[name]


def _unknown(config: Mapping[str, Any]) -> list[str]:
    faults = []
    for key in sorted(k for k in config if isinstance(k, str) and k.startswith(PREFIX)):
        if key.startswith(_CACHE) and key not in KNOWN:
            names = ", ".join(sorted(each for each in KNOWN if each.startswith(_CACHE)))
            faults.append(f"{key} is not a setting of Flask-WorkOS-Sessions; there are {names}.")
        elif key not in KNOWN:
            near = difflib.get_close_matches(key, KNOWN, n=1, cutoff=0.6)
            hint = (
                f"did you mean {near[0]}?" if near else "remove it, or see the docs for the names."
            )
            faults.append(f"{key} is not a setting of Flask-WorkOS-Sessions; {hint}")
    return faults
