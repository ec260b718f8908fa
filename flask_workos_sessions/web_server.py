"""How many requests the server under an app answers at the same time, as far as can be seen."""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .settings import Settings

#: Streams of a process when that is not set, where a stream costs no thread; no more than a part
#: of the connections that the server takes.
GREEN_STREAMS, GREEN_SHARE = 1_000, 2
#: What part of a worker's threads streams should have.
THREADS_SHARE = 4

#: Workers of gunicorn that answer several requests at a time.
_CONCURRENT = ("gthread", "ggevent", "geventlet", "gtornado", "gasgi")

#: Those of them whose threads are greenlets.
_GREEN = ("ggevent", "geventlet")

#: What helps when there is one request at a time.
SYNC_REMEDY = (
    "a sync worker serves one request at a time, and one open page would take all of it. Use "
    "threads (gunicorn --threads 16) or gevent (gunicorn -k gevent), or leave WORKOS_UI_PUSH off: "
    "pages then ask every WORKOS_UI_POLL seconds."
)


def push_conflicts(settings: Settings) -> list[str]:
    """Why pages cannot be told at once by this server, and the remedy."""
    if settings.ui_push == "off":
        return []
    if is_sync_gunicorn():
        return [f"WORKOS_UI_PUSH=sse does not work with gunicorn's sync workers: {SYNC_REMEDY}"]
    if settings.ui_push_streams is None and not has_green_threads():
        return [
            "WORKOS_UI_PUSH=sse needs WORKOS_UI_PUSH_STREAMS: how many threads of a process open "
            "pages may hold, at most a quarter of a worker's threads (4 for gunicorn --threads "
            "16). Only where gevent or eventlet has patched threading it need not be set."
        ]
    streams, room = streams_of(settings), _room()
    # While a stream takes over from another one there is one more.
    if room is not None and streams + 1 >= room.requests:
        less = room.requests // room.share
        return [
            f"WORKOS_UI_PUSH_STREAMS is {streams}, but a worker of this gunicorn answers "
            f"{room.requests} requests at a time ({room.option}): open pages would take all of it. "
            f"Set {room.option} to {streams * room.share}"
            + (f", or it to {less}." if less else ".")
        ]
    return []


def streams_of(settings: Settings) -> int:
    """How many streams a process may have open."""
    if settings.ui_push_streams is not None:
        return settings.ui_push_streams
    room = _room()
    return (
        GREEN_STREAMS if room is None else max(1, min(GREEN_STREAMS, room.requests // room.share))
    )


class _Room(NamedTuple):
    """How many requests a worker answers at a time, by which option, and the streams' share."""

    requests: int
    option: str
    share: int


def _room() -> _Room | None:
    """What is known of it: only under gunicorn, and while that loads the app."""
    given = _gunicorn_settings()
    if given is None:
        return None
    if has_green_threads():
        return _Room(given.worker_connections, "--worker-connections", GREEN_SHARE)
    if "gunicorn.workers.gthread" in sys.modules:
        return _Room(given.threads, "--threads", THREADS_SHARE)
    return None


def _gunicorn_settings() -> Any:
    """gunicorn tells an app nothing of its options, but it is gunicorn's call that loads the app:
    they are in one of the frames that have led here."""
    config: Any = sys.modules.get("gunicorn.config")
    frame: FrameType | None = sys._getframe()
    while config is not None and frame is not None:
        if str(frame.f_globals.get("__name__")).startswith("gunicorn."):
            found = getattr(frame.f_locals.get("self"), "cfg", None)
            if isinstance(found, config.Config):
                return found
        frame = frame.f_back
    return None


def is_sync_gunicorn() -> bool:
    """Whether gunicorn has loaded its sync worker and no other one."""
    loaded = sys.modules
    return "gunicorn.workers.sync" in loaded and not any(
        f"gunicorn.workers.{name}" in loaded for name in _CONCURRENT
    )


def has_green_threads() -> bool:
    """Whether a thread is a greenlet here, which costs next to nothing while it waits."""
    if any(f"gunicorn.workers.{name}" in sys.modules for name in _GREEN):
        return True  # with --preload it patches threading only when the app is made
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("threading"):
        return True
    return eventlet is not None and bool(eventlet.is_monkey_patched("thread"))


def is_concurrent(environ: dict[str, Any]) -> bool:
    """Whether this server answers other requests while it answers this one (PEP 3333)."""
    # gevent's own server says no, for it has one thread.
    return bool(environ.get("wsgi.multithread")) or has_green_threads()
