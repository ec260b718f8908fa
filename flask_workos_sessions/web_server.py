"""How many requests the server under an app answers at the same time, as far as can be seen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .settings import Settings

#: Streams of a process when that is not set, where a stream costs no thread.
GREEN_STREAMS = 1_000

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
    return []


def streams_of(settings: Settings) -> int:
    """How many streams a process may have open."""
    return settings.ui_push_streams or GREEN_STREAMS


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
