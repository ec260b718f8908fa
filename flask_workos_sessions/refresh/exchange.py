"""One exchange of a refresh token: sent, and its answer kept before anybody reads it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..coordination.counters import Counters
from ..session import kept_profile
from ..session_record import Marks, SessionRecord
from ..workos.client import WorkOSClient
from ..workos.outcomes import (
    Authenticated,
    InteractionRequired,
    Misconfigured,
    OrganizationRefused,
    Outcome,
    Rejected,
)
from .attempts import Attempts
from .backoff import Admission, Backoff
from .results import Dead, Failed, Interaction, OrganizationClosed, Renewed, Result
from .rotation import Rotations

log = logging.getLogger("flask_workos_sessions")

#: Seconds for which a token that our clock calls expired on arrival is not exchanged.
CLOCK_PAUSE = 60.0


class SuccessorStore(Protocol):
    """Where a successor lies: what an exchange needs of the session store."""

    def seal_successor(self, successor: SessionRecord, previous: SessionRecord) -> str:
        """The value under which the successor is recorded."""
        ...

    def keep(self, value: str) -> None:
        """Keep the successor in the store; called once it is recorded. Raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom WorkOS is told about: the person's address and browser.

    ``deadline`` is until when (monotonic clock) the request waits for a result that it needs.
    """

    ip_address: str | None = field(default=None, repr=False)
    user_agent: str | None = field(default=None, repr=False)
    deadline: float = field(default_factory=lambda: time.monotonic() + 5.0)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be exchanged, for which organization, and for whom; and what its successor is
    asked for after, and newer than (:class:`~flask_workos_sessions.session_record.SessionRecord`).
    """

    digest: str
    record: SessionRecord
    wanted: str | None
    caller: Caller
    asked_after: Marks = ()
    newer_than: Marks = ()


class Exchange:
    """Sends refresh tokens, and records what became of them.

    :param name: a word for the session of an access token, which tells nothing about it.
    :param expires_at: reads when an access token ends (epoch seconds), without verifying it.
    :param arrived: called with a new access token, beside the request.
    """

    def __init__(
        self,
        client: WorkOSClient,
        store: SuccessorStore,
        rotations: Rotations,
        attempts: Attempts,
        backoff: Backoff,
        counters: Counters,
        *,
        name: Callable[[str], str],
        expires_at: Callable[[str], float | None],
        arrived: Callable[[str], None],
        inactivity_timeout: int | None,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._store = store
        self._rotations = rotations
        self._attempts = attempts
        self._backoff = backoff
        self._counters = counters
        self.name = name
        self._expires_at = expires_at
        self._arrived = arrived
        self._inactivity_timeout = inactivity_timeout
        self._clock = clock

    def recorded(self, order: Order) -> Result | None:
        """What is known about the token already."""
        successor = self._rotations.successor(order.record.refresh_token)
        if successor is not None:
            return Renewed(successor)
        if self._rotations.dead(order.digest):
            return Dead("revoked")
        return None

    def make(self, order: Order, admission: Admission, is_contested: Callable[[], bool]) -> Result:
        """Send the token once. Raises nothing: a fault of ours must not end a session either.

        :param is_contested: tells whether somebody else exchanges it at this moment.
        """
        begun, attempt = time.monotonic(), self._attempts.sending(order.digest)
        self._counters.count("exchanges")
        try:
            outcome = self._client.exchange_refresh_token(
                order.record.refresh_token,
                organization_id=order.wanted,
                ip_address=order.caller.ip_address,
                user_agent=order.caller.user_agent,
            )
            result = self._settle(order, outcome, admission, is_contested)
        except Exception:
            # The traceback holds no values.
            log.exception(
                "A refresh failed inside the extension; the session is kept. Please report it with "
                "this traceback."
            )
            self._backoff.unused(admission)
            result = self._failed(order, "internal", None)
        word = result.outcome if isinstance(result, Failed) else type(result).__name__.lower()
        log.info(
            "refresh session=%s outcome=%s attempt=%d seconds=%.3f probe=%s",
            self.name(order.record.access_token),
            word,
            attempt.number,
            time.monotonic() - begun,
            admission.probing,
            extra={"workos_outcome": word, "workos_attempt": attempt.number},
        )
        return result

    def _settle(
        self,
        order: Order,
        outcome: Outcome,
        admission: Admission,
        is_contested: Callable[[], bool],
    ) -> Result:
        if isinstance(outcome, Authenticated):
            result = self._renewed(order, outcome)
            self._backoff.succeeded(admission)
            self._arrived(outcome.access_token)
            return result
        if isinstance(outcome, Rejected):
            self._backoff.succeeded(admission)
            return self._refused(order, is_contested)
        if isinstance(outcome, InteractionRequired):
            self._backoff.succeeded(admission)
            return Interaction(outcome.code, order.wanted)
        if isinstance(outcome, OrganizationRefused):
            self._backoff.succeeded(admission)
            if order.wanted != order.record.organization_id:
                return OrganizationClosed(outcome.code)
            return Dead("access_removed", whole_session=True)
        retry_after = getattr(outcome, "retry_after", None)
        reason = getattr(outcome, "reason", "unknown")
        if isinstance(outcome, Misconfigured):
            log.error(
                "WorkOS refused a refresh because of our settings (%s): check %s. "
                "Nobody is signed out by this.",
                reason,
                outcome.setting,
            )
            reason = "misconfigured"
        else:
            log.warning("WorkOS did not answer a refresh (%s); the session is kept.", reason)
        self._backoff.failed(admission, order.digest, retry_after)
        return self._failed(order, reason, retry_after)

    def _renewed(self, order: Order, outcome: Authenticated) -> Renewed:
        record, now = order.record, self._clock()
        successor = replace(
            record,
            access_token=outcome.access_token,
            refresh_token=outcome.refresh_token,
            user=kept_profile(outcome.user),
            organization_id=outcome.organization_id or order.wanted,
            impersonator=outcome.impersonator or record.impersonator,
            previous=order.digest,
            asked_after=order.asked_after,
            newer_than=order.newer_than,
        )
        until = float(record.not_after)
        if self._inactivity_timeout is not None:
            until = min(until, now + self._inactivity_timeout)
        value = self._store.seal_successor(successor, record)
        self._rotations.record(record.refresh_token, value, until=until)
        self._store.keep(value)
        expires_at = self._expires_at(outcome.access_token)
        if expires_at is not None and expires_at <= now:
            # To exchange it as well would go round for ever.
            self._attempts.hold(self._rotations.digest(outcome.refresh_token), "clock", CLOCK_PAUSE)
            log.error(
                "A new access token has expired on arrival, by the clock of this machine: compare "
                "it with the real time. Sessions are kept; their requests get 503 until then."
            )
        return Renewed(value)

    def _refused(self, order: Order, is_contested: Callable[[], bool]) -> Result:
        # Before the second look: the other one records what it got, and then frees its lease.
        contested = is_contested()
        # Another process may have exchanged the token between our look and our call.
        successor, looked = self._rotations.look(order.record.refresh_token)
        if successor is not None:
            return Renewed(successor)
        if contested or not looked:
            # The other one's record may come yet, or lie where we cannot look.
            return self._failed(order, "unconfirmed", None)
        self._rotations.bury(order.digest)
        return Dead("revoked")

    def _failed(self, order: Order, reason: str, retry_after: float | None) -> Failed:
        self._counters.count("failed_" + reason)
        attempt = self._attempts.failed(order.digest, reason, retry_after)
        return Failed(reason, attempt.until - self._clock())
