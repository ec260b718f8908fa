"""What an exchange means for a session: another request's, or the one that was just made."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import opened, signals
from .coordination.endings import BEYOND_SECONDS, Endings, Unreadable
from .coordination.revocations import Revoker
from .memo import Known
from .opened import Opening
from .reading import Reader, Unconfirmed
from .refresh.refresher import Refresher
from .refresh.results import (
    Dead,
    Failed,
    Interaction,
    OrganizationClosed,
    Renewed,
    Result,
)
from .session_record import SessionRecord
from .stores.cookie import EndMark
from .tokens.jwks import WAIT

log = logging.getLogger("flask_workos_sessions")

#: Rotation records that are followed for one request.
_MAX_SUCCESSORS = 8


@dataclass(frozen=True, slots=True)
class Adoption:
    """Takes over the session that an exchange has made, verified as if a browser had brought it
    (security R3); ends one that WorkOS has refused."""

    reader: Reader
    endings: Endings
    refresher: Refresher
    revoker: Revoker
    discard: Callable[[SessionRecord, EndMark | None], None]
    clock: Callable[[], float]

    def follow(self, known: Known, *, fetch: bool, wait: float = WAIT) -> tuple[Known, str | None]:
        """The newest session that this one was exchanged for, as far as that is recorded, and its
        cookie value. One that cannot be verified just now does not take the place of one that can
        be served.

        :param fetch: whether the key set may be fetched.
        :param wait: seconds to wait for that at most.
        :raises Unconfirmed: when there is nothing else.
        """
        rotations = self.refresher.rotations
        newest = None
        for _ in range(_MAX_SUCCESSORS):
            value = rotations.successor(known.record.refresh_token)
            try:
                successor = self._verified(known, value, fetch, wait) if value else None
            except Unconfirmed:
                if not known.lives(self.clock()):
                    raise
                break
            if successor is None:
                break
            self._announce(rotations.digest(known.record.refresh_token), successor, known)
            known, newest = successor, value
        return known, newest

    def latest(self, known: Known, value: str) -> str | None:
        """The value for a response that was long in the making: the newest, or none once the
        session has ended. A later exchange must not be undone by an earlier one's answer."""
        try:
            if self.endings.look(known.watch) is not None:
                return None
            newest, followed = self.follow(known, fetch=False)
        except (Unreadable, Unconfirmed):
            return None
        rotations = self.refresher.rotations
        if rotations.exchanged(rotations.digest(newest.record.refresh_token)):
            # What came of it cannot be had, and a browser may have it: then this is the older one.
            return None
        return followed or value

    def seen(self, known: Known) -> None:
        """A browser has brought this session: requests with the one before it end soon."""
        if not known.seen:
            known.seen = True
            digest = known.record.previous
            if digest is not None:
                self.refresher.rotations.seen(digest)
                # Its exchange may have landed when nobody was waiting for it any more.
                before = self.refresher.announce(digest)
                if before is not None:
                    self._tell(known, self.reader.trusted(before))

    def settle(
        self, known: Known, result: Result | None, *, serve_current: bool, deadline: float
    ) -> Opening:
        """What an exchange means for the request that asked for it.

        :param serve_current: whether the session can be used as it is when nothing was decided.
        :param deadline: until when (monotonic clock) the request waits otherwise.
        """
        current = opened.signed_in(known)
        if result is None:
            return current
        if isinstance(result, Renewed):
            return self._adopt(known, result.value, current if serve_current else None, deadline)
        if isinstance(result, Dead):
            return self._refused(known, result)
        if not isinstance(result, Failed) or result.fresh:
            outcome = result.outcome if isinstance(result, Failed) else result.code
            signals.send(signals.refresh_failed, session=known.session, outcome=outcome)
        if isinstance(result, OrganizationClosed):
            refused = current if serve_current else opened.unavailable(known)
            refused.closed = result.code
            return refused
        if serve_current:
            return current
        if isinstance(result, Interaction):
            options = {"organization_id": result.organization_id} if result.organization_id else {}
            return Opening(held=known, interaction=options)
        return opened.unavailable(known, max(1, round(result.retry_after)))

    def end(self, known: Known, reason: str, *, call: bool = True) -> Opening:
        """End a session here, in all processes, and at WorkOS, and tell the application once.

        :param call: whether WorkOS may be called now; else at the next request of anybody.
        """
        session_id = known.token.session_id
        if self.refuse(known, reason):
            if call:
                self.revoker.soon(session_id)
            else:
                self.revoker.later(session_id)
            signals.send(signals.session_ended, session_id=session_id, reason=reason)
        return self.ended(known, reason)

    def refuse(self, known: Known, reason: str) -> bool:
        """End a session here and in all processes; true for the first who ends it."""
        session_id = known.token.session_id
        self.discard(known.record, EndMark(session_id, self.reader.subject(known), reason))
        until = max(known.record.not_after, self.clock()) + BEYOND_SECONDS
        return self.endings.end(session_id, reason, until=until).first

    def ended(self, known: Known, reason: str, *, call: bool = True) -> Opening:
        """The session is over, as was found out before: here, or by a cut-off that ended many. Of
        those nobody knew the ids; each is ended by name when it comes."""
        if known.watch.cut_off:
            known.watch.cut_off = False
            return self.end(known, reason, call=call)
        return opened.ended(known, self.reader.subject(known), reason)

    def _refused(self, known: Known, dead: Dead) -> Opening:
        if dead.whole_session:
            return self.end(known, dead.reason)
        # Only this refresh token is known to be dead: another cookie of the session may be newer.
        digest = self.refresher.rotations.digest(known.record.refresh_token)
        if self.refresher.announce(digest):
            signals.send(
                signals.session_ended, session_id=known.token.session_id, reason=dead.reason
            )
        return self.ended(known, dead.reason)

    def _adopt(
        self, known: Known, value: str, otherwise: Opening | None, deadline: float
    ) -> Opening:
        digest = self.refresher.rotations.digest(known.record.refresh_token)
        try:
            # Nobody waits for keys whose own token can still be served.
            wait = 0.0 if otherwise else max(0.0, deadline - time.monotonic())
            successor = self._verified(known, value, True, wait)
        except Unconfirmed:
            # The new tokens are stored; they are verified as soon as the keys can be had.
            return otherwise or opened.unavailable(known)
        if successor is None:
            if self.refresher.rotations.dead(digest):
                return self._refused(known, Dead("revoked"))
            return otherwise or opened.unavailable(known)
        # The session may have been ended, or changed, while the exchange was under way.
        reason = self.endings.look(successor.watch)
        if reason is not None:
            return self.ended(successor, reason)
        if not successor.lives(self.clock()):
            return otherwise or opened.unavailable(known)
        self._announce(digest, successor, known)
        return opened.signed_in(successor, value)

    def _verified(self, known: Known, value: str, fetch: bool, wait: float) -> Known | None:
        successor = self.reader.read(value, fetch=fetch, wait=wait)
        if not isinstance(successor, Known):
            return None
        # The answer need not name the organization; the token says which it is.
        organizations = {successor.token.organization_id, successor.record.organization_id}
        if (successor.token.session_id, successor.token.subject) != (
            known.token.session_id,
            known.token.subject,
        ) or len(organizations - {None}) > 1:
            log.error(
                "A refresh answered with another session or person, or with a token of another "
                "organization; it is not used, and the session is over. Look for a proxy on the "
                "way to WorkOS that keeps answers."
            )
            rotations = self.refresher.rotations
            rotations.bury(rotations.digest(known.record.refresh_token))
            return None
        return successor

    def _announce(self, digest: str, successor: Known, previous: Known) -> None:
        if self.refresher.announce(digest):
            self._tell(successor, previous)

    def _tell(self, successor: Known, previous: Known) -> None:
        sessions = {"session": successor.session, "previous": previous.session}
        signals.send(signals.session_refreshed, **sessions)
        if successor.session.rev != previous.session.rev:
            signals.send(signals.session_changed, **sessions)
