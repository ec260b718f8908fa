"""The clocks of a session, as they are mirrored here."""

from __future__ import annotations

from ..tokens.access_token import TOKEN_SECONDS
from .finding import Finding, ok, warning
from .subject import Subject

_MAX, _IDLE = "WORKOS_SESSION_MAX_LENGTH", "WORKOS_SESSION_INACTIVITY_TIMEOUT"


def max_length(subject: Subject) -> list[Finding]:
    """Security C6: when the cookie ends."""
    settings = subject.settings
    if subject.misread(_MAX):
        return []
    if settings.session_max_length is None:
        return [
            warning(
                "max-length",
                f"{_MAX} is not set: it is asked at each sign-in, and when there is no answer the "
                f"cookie opens a session for {settings.cookie_max_age // 86_400} days.",
                _MAX,
                "Set the maximum session length of the WorkOS dashboard, in seconds.",
            )
        ]
    what = f"A session lasts {settings.session_max_length} seconds at most."
    return [ok("max-length", what, _MAX)]


def inactivity(subject: Subject, token_seconds: int | None) -> list[Finding]:
    """The inactivity timeout against the access token's life, which is assumed when there is no
    token, and against the maximum length."""
    idle, longest = subject.settings.session_inactivity_timeout, subject.settings.session_max_length
    if subject.misread(_IDLE):
        return []
    if idle is None:
        what = f"{_IDLE} is not set: right only if the dashboard has none."
        return [ok("inactivity-timeout", what, _IDLE)]
    if longest is not None and idle >= longest:
        what = "The inactivity timeout is no shorter than the session: nobody is ever inactive."
        remedy = "Compare both with the WorkOS dashboard; they are in seconds."
        return [warning("inactivity-timeout", what, _IDLE, remedy)]
    life = token_seconds or TOKEN_SECONDS
    known = "as the token says" if token_seconds else "WorkOS's default"
    remedy = "Make it at least twice the access token duration, in the dashboard and here."
    if idle <= life:
        what = f"{_IDLE} ({idle}) is not longer than an access token lives ({life}, {known}): "
        what += "somebody may be signed out after half of it."
        return [warning("inactivity-timeout", what, _IDLE, remedy)]
    if idle < 2 * life:
        what = f"{_IDLE} ({idle}) is less than two lives of an access token ({life}, {known}): "
        what += "little is left to be warned in."
        return [warning("inactivity-timeout", what, _IDLE, remedy)]
    what = f"A session ends after {idle} seconds without activity."
    return [ok("inactivity-timeout", what, _IDLE)]
