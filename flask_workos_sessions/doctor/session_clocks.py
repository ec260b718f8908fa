"""The clocks of a session, as they are mirrored here."""

from __future__ import annotations

from .finding import Finding, ok, warning
from .subject import TOKEN_SECONDS, Subject

_MAX, _IDLE = "WORKOS_SESSION_MAX_LENGTH", "WORKOS_SESSION_INACTIVITY_TIMEOUT"


def max_length(subject: Subject) -> list[Finding]:
    """Security C6: when the cookie ends."""
    settings = subject.settings
    if subject.misread(_MAX):
        return []
    if settings.session_max_length is None:
        return [
            warning(
                f"{_MAX} is not set: it is asked at each sign-in, and when there is no answer the "
                f"cookie opens a session for {settings.cookie_max_age // 86_400} days.",
                _MAX,
                "Set the maximum session length of the WorkOS dashboard, in seconds.",
            )
        ]
    told = [ok(f"A session lasts {settings.session_max_length} seconds at most.", _MAX)]
    idle = settings.session_inactivity_timeout
    if idle is not None and idle >= settings.session_max_length:
        told.append(
            warning(
                "The inactivity timeout is as long as the whole session: nobody is ever inactive.",
                _IDLE,
                "Compare both with the WorkOS dashboard; they are in seconds.",
            )
        )
    return told


def inactivity(subject: Subject, token_seconds: int | None) -> list[Finding]:
    """The inactivity timeout against the access token's life; assumed when there is no token."""
    idle = subject.settings.session_inactivity_timeout
    if subject.misread(_IDLE):
        return []
    if idle is None:
        return [ok(f"{_IDLE} is not set: right only if the dashboard has none.", _IDLE)]
    life = token_seconds or TOKEN_SECONDS
    known = "as the token says" if token_seconds else "WorkOS's default"
    remedy = "Make it at least twice the access token duration, in the dashboard and here."
    if idle <= life:
        what = f"{_IDLE} ({idle}) is not longer than an access token lives ({life}, {known}): "
        return [warning(what + "people are signed out while they work.", _IDLE, remedy)]
    if idle < 2 * life:
        what = f"{_IDLE} ({idle}) is less than two lives of an access token ({life}, {known}): "
        return [warning(what + "little is left to be warned in.", _IDLE, remedy)]
    return [ok(f"A session ends after {idle} seconds without activity.", _IDLE)]


def warning_time(subject: Subject) -> list[Finding]:
    """A warning that is asked for earlier than extending can gain anything."""
    settings = subject.settings
    if not subject.given("WORKOS_UI_WARN") or settings.warn == settings.ui_warn:
        return []
    return [
        warning(
            f"WORKOS_UI_WARN is {settings.ui_warn}, and people are warned {settings.warn} seconds "
            "before the end: the inactivity timeout allows no more.",
            "WORKOS_UI_WARN",
            "Make the inactivity timeout longer, or this shorter.",
        )
    ]


def polling(subject: Subject) -> list[Finding]:
    """Whether an open page is told that its session has ended elsewhere."""
    settings = subject.settings
    if settings.ui_poll or settings.ui_push != "off":
        return []
    return [
        warning(
            "WORKOS_UI_POLL is 0 and there is no push: an open page does not hear that its session "
            "was revoked.",
            "WORKOS_UI_POLL",
            "Leave it unset, or set WORKOS_UI_PUSH.",
        )
    ]
