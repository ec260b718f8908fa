"""What an open page learns of its session, and when."""

from __future__ import annotations

from .finding import Finding, ok, warning
from .subject import Subject

_WARN, _POLL = "WORKOS_UI_WARN", "WORKOS_UI_POLL"
_PUSH, _STREAMS = "WORKOS_UI_PUSH", "WORKOS_UI_PUSH_STREAMS"


def warning_time(subject: Subject) -> list[Finding]:
    """A warning that is asked for earlier than extending can gain anything."""
    settings = subject.settings
    if not subject.given(_WARN) or settings.warn == settings.ui_warn:
        return []
    return [
        warning(
            "warning-time",
            f"{_WARN} is {settings.ui_warn}, and people are warned {settings.warn} seconds "
            "before the end: the inactivity timeout allows no more.",
            _WARN,
            "Make the inactivity timeout longer, or this shorter.",
        )
    ]


def polling(subject: Subject) -> list[Finding]:
    """Whether an open page is told that its session has ended elsewhere."""
    settings = subject.settings
    if subject.misread(_POLL):
        return []
    if settings.ui_poll:
        return [ok("polling", f"An open page asks every {settings.ui_poll} seconds.", _POLL)]
    if settings.ui_push != "off":
        return [ok("polling", "An open page does not ask: it is told by push alone.", _POLL)]
    return [
        warning(
            "polling",
            f"{_POLL} is 0 and there is no push: an open page does not hear that its session was "
            "revoked.",
            _POLL,
            f"Leave it unset, or set {_PUSH}.",
        )
    ]


def push(subject: Subject) -> list[Finding]:
    """The streams of a process. Their default counts where gevent or eventlet serves, and a
    command cannot see what does; where neither is installed, the app's own error says so."""
    settings = subject.settings
    if settings.ui_push == "off" or subject.misread(_STREAMS):
        return []
    if settings.ui_push_streams:
        what = f"A process has {settings.ui_push_streams} streams at most: see that its server has "
        return [ok("push", what + "four times as many threads, or greenlets.", _STREAMS)]
    return [
        warning(
            "push",
            f"{_STREAMS} is not set: the app starts only where gevent or eventlet serves it, and "
            "not for commands such as `flask workos events`.",
            _STREAMS,
            "Set it to 1000 with gevent or eventlet, else to a quarter of a worker's threads.",
        )
    ]
