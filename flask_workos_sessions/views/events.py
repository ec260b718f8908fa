"""``/auth/session/events``: tells a page at once that it should ask what became of its session."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Generator, Iterable, Iterator

from flask import Response, request

from ..context import request_state
from ..coordination.streams import LIFE_SECONDS, Stream, Streams, is_stopping
from ..coordination.watch import Change
from ..parts import current_parts
from ..web_server import SYNC_REMEDY, is_concurrent
from .origin import require_no_other_origin

log = logging.getLogger("flask_workos_sessions")

#: Seconds between two signs of life, at most: a page that has gone is noticed by one of them.
HEARTBEAT_SECONDS = 15.0
#: Seconds after news at which they are told again: another process, which answers what the page
#: asks then, may have believed for a second that there were none.
AGAIN_SECONDS = 1.1

# A browser connects again after so many milliseconds: when the connection was lost, and when it
# was our wish.
_BEGIN = b"retry: 3000\n\n"
_RENEW = b"retry: 1000\n\n"
#: The same, when nobody knows just now whether there is a session: between these two.
_LATER = (4_000, 8_000)
_HEARTBEAT = b":\n\n"
# No id, and nothing about the session: who wants to know has to ask.
_CHECK = b"event: check\ndata: check\n\n"
_BYE = b"event: bye\ndata: bye\n\n"

_HEADERS = {
    # A proxy must neither keep it, nor hold it back to compress it or to fill a buffer.
    "Cache-Control": "private, no-store, no-transform",
    "X-Accel-Buffering": "no",
    "Vary": "Cookie",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def events() -> Response:
    """A stream for the page of a live session. Never refreshes, never sets a cookie, never calls
    WorkOS. 204 in any other case: an ``EventSource`` then stops. Unless the session cannot be
    confirmed just now, by this process perhaps alone: then it is told to come back."""
    require_no_other_origin()
    parts = current_parts()
    state = request_state()
    state.settled = True
    streams = parts.streams
    if streams is None or request.method == "HEAD" or not _holds_streams(streams):
        return _refusal()
    opening = state.open(active=False, fetch=False)
    # When its token has run out, the session may still live: the next request refreshes it.
    known = opening.known or (opening.held if opening.stale else None)
    if known is not None:
        # Pages that were opened together do not connect again together.
        seconds = LIFE_SECONDS * random.uniform(0.8, 1)  # noqa: S311
        stream = streams.open(known.watch, known.token.subject, seconds)
        if stream is not None:
            return _answer(EventStream(streams, stream))
        parts.counters.count("refused_streams")
    elif opening.retry_after is not None:
        return _answer([b"retry: %d\n\n" % random.randint(*_LATER)])  # noqa: S311
    return _refusal()


def _holds_streams(streams: Streams) -> bool:
    if is_concurrent(request.environ):
        return True
    if not streams.told:
        streams.told = True
        log.error("WORKOS_UI_PUSH=sse does nothing in this process: %s", SYNC_REMEDY)
    return False


def _answer(lines: Iterable[bytes]) -> Response:
    # As it is: the headers are complete, and the session is read here for the last time.
    return Response(lines, mimetype="text/event-stream", headers=_HEADERS, direct_passthrough=True)


def _refusal() -> Response:
    return Response(status=204, headers=_HEADERS)


class EventStream:
    """What is sent, and the place that is given back when that ends.

    A generator that was never begun runs no ``finally``; a server calls :meth:`close` in any case.
    """

    def __init__(self, streams: Streams, stream: Stream) -> None:
        self._streams = streams
        self._stream = stream
        self._lines = _lines(streams, stream)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._lines)
        except BaseException:
            self._streams.close(self._stream)
            raise

    def close(self) -> None:
        """Give the place back."""
        self._streams.close(self._stream)
        self._lines.close()


def _lines(streams: Streams, stream: Stream) -> Generator[bytes, None, None]:
    yield _BEGIN
    news, beat_at = streams.first_look(stream), _next_beat()
    again_at, changed = float("inf"), False
    while not stream.bye:
        now = time.monotonic()
        if news or now >= again_at:
            yield _CHECK
            again_at = now + AGAIN_SECONDS if news else float("inf")
        told = again_at == float("inf")
        if stream.ended and told:
            return
        # With another role other news concern the session: the page comes back with what it has
        # become. Not at once for a change from before this stream, or it would do so for ever.
        if (changed and told) or now >= stream.until or is_stopping():
            yield _RENEW
            return
        woken = stream.wait(min(beat_at, again_at, stream.until) - now)
        now, news = time.monotonic(), False
        if now >= beat_at:
            yield _HEARTBEAT
            beat_at = _next_beat()
            streams.check(stream)
            woken = True
        if woken and not (stream.ended or stream.bye):
            news = streams.look(stream)
            changed = changed or (news and stream.watch.change >= Change.TOLD)
    yield _BYE


def _next_beat() -> float:
    # Streams that were opened together look at the shared state one after the other.
    return time.monotonic() + HEARTBEAT_SECONDS * random.uniform(0.8, 1)  # noqa: S311
