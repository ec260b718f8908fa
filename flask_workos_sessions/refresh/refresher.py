"""One exchange of a refresh token, however many requests of how many processes ask for it."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field, replace

from ..coordination.background import Background
from ..coordination.counters import Counters
from ..coordination.lease import Leases
from ..coordination.process_lock import ProcessLock
from ..session_record import Marks, SessionRecord
from .answers import Answers
from .attempts import Attempts
from .backoff import Backoff
from .exchange import Caller, Exchange, Order
from .results import Dead, Failed, Interaction, OrganizationClosed, Renewed, Result
from .rotation import Rotations

log = logging.getLogger("flask_workos_sessions")

#: Seconds that the one request waits which refreshes before the end.
PROACTIVE_WAIT = 1.5
#: Seconds between two looks at the record while another process exchanges: first, and at most.
FIRST_LOOK, LONGEST_LOOK = 0.02, 0.1
_MAX_REMEMBERED = 10_000


@dataclass(slots=True, eq=False)
class _Flight:
    """What the requests of this process that need one token wait for."""

    wanted: str | None
    landed: Future[Result | None] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Joined:
    """What became of an exchange that was for another organization than this request's."""

    result: Result


@dataclass(slots=True, eq=False)
class _Flights:
    """The flights of one process; those of its parent never land here."""

    pid: int = field(default_factory=os.getpid)
    by_digest: dict[str, _Flight] = field(default_factory=dict)


class Refresher:
    """Exchanges refresh tokens: single flight among threads, a lease among processes and hosts.

    The exchange itself runs beside the requests, so that an answer which comes late, or to a
    request that has gone, is not lost.
    """

    def __init__(
        self,
        exchange: Exchange,
        rotations: Rotations,
        attempts: Attempts,
        backoff: Backoff,
        leases: Leases,
        background: Background,
        counters: Counters,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.rotations = rotations
        self._exchange = exchange
        self._attempts = attempts
        self._backoff = backoff
        self._leases = leases
        self._background = background
        self._counters = counters
        self._clock = clock
        self._monotonic = monotonic
        # Not bound now: gevent may take its place later.
        self._sleep = sleep or (lambda seconds: time.sleep(seconds))
        self._lock = ProcessLock()
        self._flights = _Flights()
        self._answers = Answers(clock)
        self._unannounced: dict[str, SessionRecord] = {}

    def refresh(
        self,
        record: SessionRecord,
        caller: Caller,
        *,
        proactive: bool = False,
        organization_id: str | None = None,
        asked_after: Marks = (),
        newer_than: Marks = (),
    ) -> Result | None:
        """Exchange the record's refresh token, or take part in the exchange that is under way.

        With ``proactive`` one request goes and the others get ``None`` at once. Without
        ``organization_id`` the session stays in its organization. ``asked_after`` and
        ``newer_than`` are for the record of its successor.
        """
        wanted = organization_id or record.organization_id
        digest = self.rotations.digest(record.refresh_token)
        order = Order(digest, record, wanted, caller, asked_after, newer_than)
        deadline = caller.deadline
        if proactive:
            deadline = min(deadline, self._monotonic() + PROACTIVE_WAIT)
        while True:
            result = self._join(order, proactive, deadline)
            if isinstance(result, _Joined):
                if not isinstance(result.result, OrganizationClosed | Interaction):
                    return result.result
                # The other request wanted another organization: its refusal says nothing of ours.
            elif result is not None or proactive:
                return result
            if self._monotonic() >= deadline:
                return Failed("timeout")

    def under_way(self, record: SessionRecord) -> bool:
        """Whether a request of this process exchanges this token, or looks for its result."""
        return self.rotations.digest(record.refresh_token) in self._flights_of_this_process()

    def waits(self, record: SessionRecord) -> bool:
        """Whether a request that can do without would not exchange this token now: another one of
        this process does, WorkOS has just answered, or it is too early to try again."""
        digest = self.rotations.digest(record.refresh_token)
        if digest in self._flights_of_this_process():
            return True
        if self._answers.of(digest, record.organization_id) is not None:
            return True
        return self._attempts.pause(digest, proactive=True)[0] > 0 or self._backoff.wait() > 0

    def refused(self, record: SessionRecord) -> bool:
        """Whether WorkOS has refused this token, as far as that is known already."""
        return self.rotations.dead(self.rotations.digest(record.refresh_token))

    def announce(self, digest: str) -> SessionRecord | None:
        """What was exchanged, for the first who tells the application about it."""
        with self._lock:
            return self._unannounced.pop(digest, None)

    # The steps of one request.

    def _join(self, order: Order, proactive: bool, deadline: float) -> Result | _Joined | None:
        if order.digest not in self._flights_of_this_process():
            # Not under the lock, for a store may take its time; and only by those who lead.
            known = self._settled(order, proactive)
            if known is not None:
                return known
        with self._lock:
            flights = self._flights_of_this_process()
            flight = flights.get(order.digest)
            leads = flight is None
            if flight is None:
                flight = flights[order.digest] = _Flight(order.wanted)
        if leads:
            return self._lead(flight, order, proactive, deadline)
        if proactive:
            return None
        self._counters.count("waited")
        result = self._wait(flight, deadline)
        return _Joined(result) if result and flight.wanted != order.wanted else result

    def _lead(
        self, flight: _Flight, order: Order, proactive: bool, deadline: float
    ) -> Result | None:
        result: Result | None = None
        handed_over = False
        try:
            owner = self._leases.take(order.digest)
            if owner is None and not proactive:
                self._counters.count("waited")
                result, owner = self._watch(order, deadline)
            if owner is None:
                return result
            started = self._background.submit(self._exchange_under, owner, order, flight)
            handed_over = started is not None
            if not handed_over:
                self._leases.free(order.digest, owner)
                result = Failed("busy")
                return result
        finally:
            # Whatever happened to this thread, the others must not wait for it.
            if not handed_over:
                self._land(flight, order, result)
        result = self._wait(flight, deadline)
        return replace(result, fresh=True) if isinstance(result, Failed) else result

    def _wait(self, flight: _Flight, deadline: float) -> Result | None:
        try:
            return flight.landed.result(max(0.0, deadline - self._monotonic()))
        except FutureTimeout:
            return Failed("timeout")

    def _watch(self, order: Order, deadline: float) -> tuple[Result | None, bytes | None]:
        """Look for the result of another process, or for its lease when it has run out."""
        pause = FIRST_LOOK
        while (left := deadline - self._monotonic()) > 0:
            self._sleep(min(left, pause * random.uniform(0.75, 1.25)))  # noqa: S311
            pause = min(LONGEST_LOOK, pause * 1.5)
            result = self._settled(order, False)
            if result is not None:
                return result, None
            owner = self._leases.take(order.digest)
            if owner is not None:
                return None, owner
        return Failed("timeout"), None

    def _exchange_under(self, taken: bytes, order: Order, flight: _Flight) -> None:
        """Beside the requests, by whoever holds the lease: from now on, for the order may have
        waited longer than a lease lasts."""
        owner: bytes | None = taken
        result: Result | None = None
        try:
            owner = self._leases.renew(order.digest, taken)
            if owner is not None:
                result = self._settled(order, False) or self._send(order, owner)
        finally:
            if owner is not None:
                self._leases.free(order.digest, owner)
            self._land(flight, order, result)

    def _send(self, order: Order, owner: bytes) -> Result:
        if self.rotations.replayed(order.digest):
            log.warning(
                "A refresh token was used more than a minute after a browser had shown its "
                "successor: somebody may have copied a cookie (session=%s).",
                self._exchange.name(order.record.access_token),
            )
            self._counters.count("replayed")
            self._to_announce(order)
            return Dead("revoked")
        admission = self._backoff.admit()
        if admission.wait:
            return Failed("paused", admission.wait)
        result = self._exchange.make(
            order, admission, lambda: self._leases.is_elsewhere(order.digest, owner)
        )
        if isinstance(result, Renewed | Dead):
            self._to_announce(order)
        if isinstance(result, Interaction | OrganizationClosed):
            self._answers.keep(order.digest, order.wanted, result)
        return result

    def _settled(self, order: Order, proactive: bool) -> Result | None:
        """What is known without an exchange, or why there must be none now."""
        answered = self._answers.of(order.digest, order.wanted)
        if answered is not None:
            return answered
        result = self._exchange.recorded(order)
        if result is not None:
            if isinstance(result, Renewed):
                self._counters.count("adopted")
            return result
        left, reason = self._attempts.pause(order.digest, proactive=proactive)
        if left > 0:
            return Failed(reason or "paused", left)
        left = self._backoff.wait()
        return Failed("paused", left) if left > 0 else None

    def _land(self, flight: _Flight, order: Order, result: Result | None) -> None:
        with self._lock:
            flights = self._flights_of_this_process()
            if flights.get(order.digest) is flight:
                del flights[order.digest]
        flight.landed.set_result(result)

    def _flights_of_this_process(self) -> dict[str, _Flight]:
        if self._flights.pid != os.getpid():
            self._flights = _Flights()
        return self._flights.by_digest

    def _to_announce(self, order: Order) -> None:
        with self._lock:
            while len(self._unannounced) >= _MAX_REMEMBERED:
                del self._unannounced[next(iter(self._unannounced))]
            self._unannounced[order.digest] = order.record
