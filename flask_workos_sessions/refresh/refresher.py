"""One exchange of a refresh token, however many requests ask for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, replace

from ..coordination.background import Background
from ..session import SessionRecord, kept_profile
from ..workos.client import WorkOSClient
from ..workos.outcomes import (
    Authenticated,
    InteractionRequired,
    Misconfigured,
    OrganizationRefused,
    Outcome,
    Rejected,
)
from .results import Dead, Failed, Interaction, OrganizationClosed, Renewed, Result
from .rotation import Rotations

log = logging.getLogger("flask_workos_sessions")

#: Seconds that a request waits for a result when its own token has run out.
REACTIVE_WAIT = 5.0
#: Seconds that the one request waits which refreshes before the end.
PROACTIVE_WAIT = 3.0
#: After a fault, seconds until the same session asks WorkOS again: with a valid token, without.
PROACTIVE_PAUSE = 10.0
REACTIVE_PAUSE = 1.0
_MAX_PAUSES = 10_000


@dataclass(frozen=True, slots=True)
class _Joined:
    """What became of an exchange that was for another organization than this request's."""

    result: Result


@dataclass(frozen=True, slots=True)
class _Pause:
    """Until when (epoch seconds) a token is not sent again, and what its answer was."""

    proactive: float
    reactive: float
    interaction: Interaction | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom WorkOS is told about: the person's address and browser."""

    ip_address: str | None = None
    user_agent: str | None = None


class Refresher:
    """Exchanges refresh tokens: single flight among the threads of this process.

    ``seal`` turns a record into a cookie value. The result is stored before anybody verifies it,
    so an answer that comes late, or to a request that has gone, is not lost.
    """

    def __init__(
        self,
        client: WorkOSClient,
        rotations: Rotations,
        background: Background,
        *,
        seal: Callable[[SessionRecord], str],
        inactivity_timeout: int | None,
        clock: Callable[[], float],
    ) -> None:
        self.rotations = rotations
        self._client = client
        self._background = background
        self._seal = seal
        self._inactivity_timeout = inactivity_timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._flights: dict[str, tuple[Future[Result], str | None]] = {}
        self._pauses: dict[str, _Pause] = {}
        self._unannounced: set[str] = set()

    def refresh(
        self,
        record: SessionRecord,
        caller: Caller,
        *,
        proactive: bool = False,
        organization_id: str | None = None,
    ) -> Result | None:
        """Exchange the record's refresh token, or take part in the exchange that is under way.

        With ``proactive`` one request goes and the others get ``None`` at once. Without
        ``organization_id`` the session stays in its organization.
        """
        wanted = organization_id or record.organization_id
        result = self._join(record, caller, proactive, wanted)
        if isinstance(result, _Joined):
            if not isinstance(result.result, OrganizationClosed | Interaction):
                return result.result
            # The other request wanted another organization: its refusal says nothing about ours.
            result = self._join(record, caller, proactive, wanted)
            return result.result if isinstance(result, _Joined) else result
        return result

    def _join(
        self, record: SessionRecord, caller: Caller, proactive: bool, wanted: str | None
    ) -> Result | _Joined | None:
        digest = self.rotations.digest(record.refresh_token)
        # Not under the lock: a store may take its time.
        known = self._recorded(digest) or self._paused(digest, proactive)
        if known is not None:
            return known
        with self._lock:
            flight, goes_to = self._flights.get(digest, (None, wanted))
            leads = flight is None
            if flight is None:
                started = self._background.submit(self._exchange, digest, record, wanted, caller)
                if started is None:
                    return Failed("busy", REACTIVE_PAUSE)
                flight = started
                self._flights[digest] = (flight, wanted)
        if leads:
            flight.add_done_callback(lambda _: self._flights.pop(digest, None))
        elif proactive:
            return None
        try:
            result = flight.result(PROACTIVE_WAIT if proactive else REACTIVE_WAIT)
        except FutureTimeout:
            return Failed("timeout", REACTIVE_PAUSE)
        if isinstance(result, Failed):
            return replace(result, fresh=leads)
        return _Joined(result) if goes_to != wanted else result

    def announce(self, digest: str) -> bool:
        """True for the first who tells the application about this exchange."""
        with self._lock:
            if digest not in self._unannounced:
                return False
            self._unannounced.remove(digest)
            return True

    def _recorded(self, digest: str) -> Result | None:
        successor = self.rotations.successor(digest)
        if successor is not None:
            return Renewed(successor)
        if self.rotations.dead(digest):
            return Dead("revoked")
        return None

    def _paused(self, digest: str, proactive: bool) -> Result | None:
        pause = self._pauses.get(digest)
        if pause is not None:
            left = (pause.proactive if proactive else pause.reactive) - self._clock()
            if left > 0:
                return pause.interaction or Failed("paused", left)
        return None

    def _exchange(
        self, digest: str, record: SessionRecord, wanted: str | None, caller: Caller
    ) -> Result:
        try:
            return self._ask(digest, record, wanted, caller)
        except Exception:
            # A fault of ours must not end a session either; the traceback holds no values.
            log.exception("A refresh failed inside the extension; the session is kept.")
            self._pause(digest, None)
            return Failed("internal", REACTIVE_PAUSE)

    def _ask(
        self, digest: str, record: SessionRecord, wanted: str | None, caller: Caller
    ) -> Result:
        # Another thread or process may have landed since the caller looked.
        recorded = self._recorded(digest)
        if recorded is not None:
            return recorded
        outcome = self._client.exchange_refresh_token(
            record.refresh_token,
            organization_id=wanted,
            ip_address=caller.ip_address,
            user_agent=caller.user_agent,
        )
        if isinstance(outcome, Authenticated):
            return self._store(digest, record, outcome)
        if isinstance(outcome, Rejected):
            # Another process may have exchanged the token between our look and our call.
            successor = self.rotations.successor(digest)
            if successor is not None:
                return Renewed(successor)
            self.rotations.bury(digest)
            self._to_announce(digest)
            return Dead("revoked")
        if isinstance(outcome, InteractionRequired):
            interaction = Interaction(outcome.code, wanted)
            if wanted == record.organization_id:
                self._pause(digest, PROACTIVE_PAUSE, interaction)
            return interaction
        if isinstance(outcome, OrganizationRefused):
            if wanted != record.organization_id:
                return OrganizationClosed(outcome.code)
            self._to_announce(digest)
            return Dead("access_removed", whole_session=True)
        return self._failed(digest, outcome)

    def _store(self, digest: str, record: SessionRecord, outcome: Authenticated) -> Result:
        successor = SessionRecord(
            access_token=outcome.access_token,
            refresh_token=outcome.refresh_token,
            user=kept_profile(outcome.user),
            organization_id=outcome.organization_id,
            signed_in_at=record.signed_in_at,
            not_after=record.not_after,
            authentication_method=record.authentication_method,
            impersonator=outcome.impersonator or record.impersonator,
            expires_at=record.expires_at,
            previous=digest,
        )
        until = float(record.not_after)
        if self._inactivity_timeout is not None:
            until = min(until, self._clock() + self._inactivity_timeout)
        value = self._seal(successor)
        self.rotations.record(digest, value, until=until)
        self._to_announce(digest)
        return Renewed(value)

    def _failed(self, digest: str, outcome: Outcome) -> Failed:
        retry_after = getattr(outcome, "retry_after", None)
        reason = getattr(outcome, "reason", "unknown")
        if isinstance(outcome, Misconfigured):
            log.error(
                "WorkOS refused a refresh because of our settings (%s): check %s. "
                "Nobody is signed out by this while their access token is valid.",
                reason,
                outcome.setting,
            )
        else:
            log.warning("WorkOS did not answer a refresh (%s); the session is kept.", reason)
        self._pause(digest, retry_after)
        return Failed(reason, retry_after or REACTIVE_PAUSE)

    def _pause(
        self, digest: str, retry_after: float | None, interaction: Interaction | None = None
    ) -> None:
        now, least = self._clock(), retry_after or 0.0
        with self._lock:
            self._pauses[digest] = _Pause(
                now + max(PROACTIVE_PAUSE, least), now + max(REACTIVE_PAUSE, least), interaction
            )
            while len(self._pauses) > _MAX_PAUSES:
                del self._pauses[next(iter(self._pauses))]

    def _to_announce(self, digest: str) -> None:
        with self._lock:
            if len(self._unannounced) >= _MAX_PAUSES:
                self._unannounced.pop()
            self._unannounced.add(digest)
