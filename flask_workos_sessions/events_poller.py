"""Reads WorkOS's Events API, for an application that no webhook can reach."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from .coordination.lease import Leases
from .coordination.shared_state import SharedState
from .reactions import Reactions, Unrecorded
from .tokens.access_token import TOKEN_SECONDS
from .workos.event_page import PAGE_SIZE, EventPage, EventsRefused, EventsUnavailable
from .workos.events import Event, name_of

log = logging.getLogger("flask_workos_sessions")

#: Seconds after which another process leads when the one that did was killed.
LEADER_SECONDS = 15
#: Seconds between two looks at who leads.
LOOK_SECONDS = LEADER_SECONDS / 3
#: Seconds before now at which reading begins when no cursor is known: two lives of a usual access
#: token (security W2). A token from before that has run out, and its refresh told the truth.
BEGIN_SECONDS = 2 * TOKEN_SECONDS
#: Seconds for which the cursor is kept: WorkOS keeps events as long.
CURSOR_SECONDS = 30 * 86_400
_OLDEST_SECONDS = 29.0 * 86_400
#: Seconds of the longest pause when WorkOS, the store or a receiver fails.
LONGEST_PAUSE = 60.0
#: How often an event is told to a receiver that raises.
TRIES = 5

_CURSOR, _READ_AT, _LEADER = "events:cursor", "events:read", "events"


def last_read(state: SharedState) -> float | None:
    """When a page of events was last read (epoch seconds); ``None`` when that is not known."""
    kept = state.get(_READ_AT)
    return None if kept is None else float(kept)


class EventsPoller:
    """Reads events, one page after the other, and acts upon them. Of several one does it.

    The cursor moves on when a page has been done. Who is killed before that leaves it where it
    was; what is then read again changes nothing, and is told to nobody twice.

    :param read: a page of events, as ``WorkOSClient.list_events`` returns it.
    :param types: the types that are read.
    :param interval: seconds between two reads.
    :param wait: waits for so many seconds; true, and at once, when this process is to stop.
    :param raised: is given what a receiver has raised.
    """

    def __init__(
        self,
        read: Callable[..., EventPage],
        reactions: Reactions,
        state: SharedState,
        leases: Leases,
        *,
        types: Sequence[str],
        interval: float,
        clock: Callable[[], float],
        wait: Callable[[float], bool],
        raised: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        self._read = read
        self._reactions = reactions
        self._state = state
        self._leases = leases
        self._types = tuple(dict.fromkeys(types))
        self._interval = interval
        self._clock = clock
        self._wait = wait
        self._raised = raised
        self._owner: bytes | None = None
        self._limit = PAGE_SIZE
        self._looked_at = float("-inf")
        self._failures = 0
        self._answered = False
        self._left = False
        self._tries: dict[str, int] = {}

    def run(self) -> None:
        """Read until this process is to stop; the page that it is at is finished.

        :raises EventsRefused: WorkOS refuses the first question: the settings are wrong.
        """
        try:
            while not self._rest(self._turn() if self._lead() else LOOK_SECONDS):
                pass
        finally:
            self._resign()

    def once(self) -> bool:
        """Read what there is. False when another process does that already.

        :raises EventsRefused, EventsUnavailable, Unrecorded: it did not succeed; what was done is
            done, and the next read goes on from there.
        """
        try:
            if not self._lead():
                return False
            while self._page() or self._left:
                if self._wait(self._pause() if self._left else 0):
                    break
            return True
        finally:
            self._resign()

    def _turn(self) -> float:
        """Read what there is; the seconds to the next time."""
        try:
            while self._page():
                if self._wait(0):
                    return 0
        except EventsUnavailable as fault:
            log.warning("WorkOS did not list events (%s); they are asked for again.", fault.reason)
            return max(self._pause(), fault.retry_after or 0)
        except EventsRefused as refused:
            if not self._answered:
                raise
            log.error("Events are asked for again in a minute: %s", refused)
            return LONGEST_PAUSE
        except Unrecorded:
            log.warning("WorkOS's events wait for the shared state; then they are read.")
            return self._pause()
        if self._left:
            return self._pause()
        self._failures = 0
        return self._interval

    def _page(self) -> bool:
        """Read one page and act upon it; whether there is another one already."""
        self._left = False
        if not self._lead():
            return False
        cursor, page = self._next_page()
        if page.unreadable:
            log.warning("Events of WorkOS cannot be read: %d events are left out.", page.unreadable)
        # First of all, so that nobody's end waits for what the application does.
        for event in page.events:
            self._act(event)
        before, after = cursor, None
        for event in page.events:
            if not self._lead():
                return False
            self._left = not self._tell(event) or self._left
            if not self._left:
                after = event.id
        if not self._left:
            after = page.last
        if after is not None:
            cursor = {"after": after}
        if not self._lead():
            return False
        self._state.set(_CURSOR, json.dumps(cursor).encode(), CURSOR_SECONDS)
        self._state.set(_READ_AT, str(self._clock()).encode(), CURSOR_SECONDS)
        return page.more and not self._left and cursor != before

    def _next_page(self) -> tuple[dict[str, Any], EventPage]:
        cursor = self._cursor()
        try:
            page = self._read(self._types, limit=self._limit, **cursor)
        except EventsUnavailable as fault:
            if fault.reason == "unreadable":
                self._limit = max(1, self._limit // 2)  # perhaps the answer was too long
            raise
        except EventsRefused as refused:
            if not refused.cursor or "after" not in cursor:
                raise
            cursor = self._beginning()
            page = self._read(self._types, limit=self._limit, **cursor)
            log.warning(
                "WorkOS does not know our last event: events are read from %d seconds ago on.",
                BEGIN_SECONDS,
            )
        self._answered = True
        self._limit = PAGE_SIZE
        return cursor, page

    def _act(self, event: Event) -> None:
        try:
            self._reactions.act(event)
        except Unrecorded as unrecorded:
            if isinstance(unrecorded.__cause__, Exception):
                self._raised(unrecorded.__cause__)
            raise
        except Exception as error:
            self._raised(error)  # by a receiver of session_ended; the session has ended

    def _tell(self, event: Event) -> bool:
        """Whether the application's receivers know of it, or have raised often enough."""
        try:
            known = self._reactions.tell(event)
        except Unrecorded:
            raise
        except Exception as error:
            self._raised(error)
            tries = self._tries[event.id] = self._tries.get(event.id, 0) + 1
            if tries < TRIES:
                return False
            log.error(
                "A receiver raised each time: an event %r was told %d times, and is told no more.",
                event.type,
                tries,
            )
            known = True
        if known:
            self._tries.pop(event.id, None)
        return known

    def _cursor(self) -> dict[str, Any]:
        """Where to go on: ``after`` an event, or ``since`` a moment.

        :raises Unrecorded: it cannot be read just now.
        """
        kept = self._state.ask(_CURSOR)
        if not kept.given:
            # To begin anew would leave out what is older, and write over where we were.
            raise Unrecorded
        if kept.value is not None:
            cursor = json.loads(kept.value)
            if isinstance(since := cursor.get("since"), float):
                # Nothing has happened since then. WorkOS may not answer for what it has not kept.
                return {"since": max(since, self._clock() - _OLDEST_SECONDS)}
            if name_of(cursor.get("after")):
                return dict(cursor)
        return self._beginning()

    def _beginning(self) -> dict[str, Any]:
        return {"since": float(self._clock() - BEGIN_SECONDS)}

    def _pause(self) -> float:
        self._failures += 1
        return min(2.0**self._failures / 2, LONGEST_PAUSE)

    # Who leads.

    def _lead(self) -> bool:
        """Whether this process is the one; from now on, if nobody is."""
        now, owner = self._clock(), self._owner
        if owner is not None and 0 <= now - self._looked_at < 1:
            return True
        self._looked_at = now
        self._owner = (
            self._leases.take(_LEADER) if owner is None else self._leases.renew(_LEADER, owner)
        )
        if (owner is None) != (self._owner is None):
            what = "no longer reads" if self._owner is None else "reads"
            log.info("This process %s WorkOS's events.", what)
            self._tries.clear()
        return self._owner is not None

    def _rest(self, seconds: float) -> bool:
        """Wait, and stay the leader meanwhile; true when this process is to stop."""
        while seconds > 0:
            if self._wait(min(seconds, LOOK_SECONDS)):
                return True
            seconds -= LOOK_SECONDS
            if seconds > 0 and self._owner is not None and not self._lead():
                return False
        return self._wait(0)

    def _resign(self) -> None:
        if self._owner is not None:
            self._leases.free(_LEADER, self._owner)
            self._owner = None
