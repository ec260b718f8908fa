"""From a cookie to a session: the way of a request, from top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import signals
from .coordination.endings import Endings
from .coordination.revocations import Revoker
from .memo import Known
from .reading import Reader, Unconfirmed
from .refresh.refresher import (
    Caller,
    Dead,
    Failed,
    Interaction,
    OrganizationClosed,
    Refresher,
    Renewed,
)
from .session import NO_SESSION, Session
from .stores.cookie import CookieStore, EndMark

log = logging.getLogger("flask_workos_sessions")

#: Seconds after which somebody tries again when nothing better is known.
RETRY_AFTER = 5
#: Rotation records that are followed for one request.
_MAX_SUCCESSORS = 8
#: Exchanges that a switch of organization makes at most.
_MAX_SWITCHES = 3


@dataclass(slots=True)
class Opening:
    """What became of a request's cookie.

    ``known`` is there when somebody is signed in; ``held`` also when the session cannot be used
    at this moment; ``value`` is its cookie value, when the browser does not have that yet.
    ``ended`` says why there is a session no more;
    ``retry_after`` (seconds) that it cannot be confirmed just now; ``stale`` that a request which
    must not refresh would need to; ``interaction`` that the person has to act at WorkOS, with
    which options. ``closed`` is why a switch of organization was refused.
    """

    known: Known | None = None
    session: Session = NO_SESSION
    held: Known | None = None
    value: str | None = None
    ambiguous: bool = False
    ended: str | None = None
    mark: EndMark | None = None
    retry_after: int | None = None
    stale: bool = False
    interaction: Mapping[str, str] | None = None
    closed: str | None = None


_UNAVAILABLE = Session(unavailable=True)


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens cookies: every step is a part that can be tested alone."""

    reader: Reader
    store: CookieStore
    endings: Endings
    refresher: Refresher
    revoker: Revoker
    clock: Callable[[], float]

    def open(
        self,
        header: str,
        caller: Callable[[], Caller],
        *,
        active: bool = True,
        fetch: bool = True,
    ) -> Opening:
        """Open the session of a request.

        :param caller: tells who asks, when WorkOS has to be told.
        :param active: whether the request may refresh; polls and prefetches may not.
        :param fetch: whether the key set may be fetched to verify a token.
        """
        values = self.store.candidates(header)
        if not values:
            return Opening()
        try:
            known, opening = self._choose(values, fetch)
            if known is None:
                return opening
            if self._is_quiet(known):
                return Opening(known, known.session, known)
            return self._decide(known, caller, active=active, fetch=fetch)
        except Unconfirmed:
            return _unavailable(RETRY_AFTER)

    def switch(self, known: Known, organization_id: str, caller: Caller) -> Opening:
        """Exchange the refresh token for one of another organization.

        Another request's exchange of the same token may be under way, and answers for the old
        organization: then its successor is exchanged in turn.
        """
        for _ in range(_MAX_SWITCHES):
            result = self.refresher.refresh(known.record, caller, organization_id=organization_id)
            opening = self._settle(known, result, serve_current=False)
            if opening.known is None or opening.session.organization_id == organization_id:
                return opening
            if isinstance(result, OrganizationClosed):
                return opening
            known = opening.known
        return _unavailable(RETRY_AFTER)

    def extend(self, known: Known, caller: Caller) -> Opening:
        """Refresh now, as an active request whose token has run out would."""
        result = self.refresher.refresh(known.record, caller)
        return self._settle(known, result, serve_current=False)

    def end(self, known: Known, reason: str) -> None:
        """End a session in this process and at WorkOS, and tell the application once."""
        if self.endings.end(known.token.session_id, reason, until=known.record.not_after):
            self.revoker.soon(known.token.session_id)
            signals.send(signals.session_ended, session_id=known.token.session_id, reason=reason)

    def held(self, header: str) -> list[Known]:
        """Every session in the request's cookies, whether it can be used or not: for sign-out."""
        return [
            known
            for value in self.store.candidates(header)
            if (known := self.reader.peek(value)) is not None
        ]

    # The steps, in their order.

    def _is_quiet(self, known: Known) -> bool:
        """Whether nothing has to be decided: verified, no clock has run out, not ended, its key
        still published (security C4). Nearly every request ends here."""
        return (
            self.clock() < known.quiet_until
            and self.endings.reason_at(known.ended_key) is None
            and self.reader.holds(known)
        )

    def _choose(self, values: list[str], fetch: bool) -> tuple[Known | None, Opening]:
        """One session out of the cookies of our name (security C1)."""
        if len(values) == 1:
            only = self.reader.read(values[0], fetch=fetch)
            if only is None or isinstance(only, Known):
                return only, Opening()
            return None, Opening(ended=only.reason, mark=only)
        read = (self.reader.read(value, fetch=fetch) for value in values)
        found = [opened for opened in read if opened is not None]
        sessions = [each for each in found if isinstance(each, Known)]
        marks = {each.session_id: each for each in found if isinstance(each, EndMark)}
        if len({(each.token.session_id, each.token.subject) for each in sessions}) > 1:
            log.warning("A request brought two different sessions; both cookies are deleted.")
            return None, Opening(ambiguous=True)
        for mark in marks.values():
            if not sessions or mark.session_id == sessions[0].token.session_id:
                return None, Opening(ended=mark.reason, mark=mark)
        if not sessions:
            return None, Opening()
        return max(sessions, key=lambda each: each.token.issued_at), Opening()

    def _decide(
        self, known: Known, caller: Callable[[], Caller], *, active: bool, fetch: bool
    ) -> Opening:
        now = self.clock()
        value = None
        if now >= known.quiet_until:
            known, value = self._follow(known, fetch)
        reason = self.endings.reason_at(known.ended_key)
        if reason is None and now >= known.record.not_after:
            reason = "max_length"
            self.end(known, reason)
        if reason is None:
            reason = known.session.ends.over(now)
            if reason is not None:
                self.end(known, reason)
        if reason is not None:
            return self._ended(known, reason)
        usable = known.verified and now < known.token.expires_at
        if usable and not self.reader.confirm(known, fetch=fetch):
            return Opening()
        if usable and (now < known.refresh_at or not active):
            return Opening(known, known.session, known, value)
        if not active:
            return Opening(stale=True, session=_UNAVAILABLE, held=known, value=value)
        result = self.refresher.refresh(known.record, caller(), proactive=usable)
        opening = self._settle(known, result, serve_current=usable)
        if opening.known is known:
            opening.value = value
        return opening

    def _follow(self, known: Known, fetch: bool) -> tuple[Known, str | None]:
        """The newest session that this one was exchanged for, as far as that is recorded, and its
        cookie value."""
        rotations = self.refresher.rotations
        current, newest = known, None
        for _ in range(_MAX_SUCCESSORS):
            digest = rotations.digest(current.record.refresh_token)
            value = rotations.successor(digest)
            if value is None:
                break
            successor = self._verified_successor(current, value, fetch=fetch)
            if successor is None:
                break
            self._announce(digest, successor, current)
            current, newest = successor, value
        if current is known and known.record.previous is not None:
            rotations.seen(known.record.previous)
        return current, newest

    def _verified_successor(self, known: Known, value: str, *, fetch: bool = True) -> Known | None:
        """What another request stored, verified here as if it came from a browser (security R3)."""
        successor = self.reader.read(value, fetch=fetch)
        if not isinstance(successor, Known):
            return None
        if (successor.token.session_id, successor.token.subject) != (
            known.token.session_id,
            known.token.subject,
        ):
            log.error("A refresh answered with another session or person; it is not used.")
            self.refresher.rotations.bury(
                self.refresher.rotations.digest(known.record.refresh_token)
            )
            return None
        return successor

    def _settle(self, known: Known, result: object, *, serve_current: bool) -> Opening:
        """What an exchange means for the request that asked for it."""
        current = Opening(known, known.session, known)
        if result is None:
            return current
        digest = self.refresher.rotations.digest(known.record.refresh_token)
        if isinstance(result, Renewed):
            return self._adopt(known, digest, result.value, current if serve_current else None)
        if isinstance(result, Dead):
            if result.whole_session:
                self.end(known, result.reason)
            elif self.refresher.announce(digest):
                signals.send(
                    signals.session_ended,
                    session_id=known.token.session_id,
                    reason=result.reason,
                )
            return self._ended(known, result.reason)
        outcome = _word(result)
        if not isinstance(result, Failed) or result.fresh:
            signals.send(signals.refresh_failed, session=known.session, outcome=outcome)
        if isinstance(result, OrganizationClosed):
            current.closed = result.code
            return current
        if serve_current:
            return current
        if isinstance(result, Interaction):
            options = {"organization_id": result.organization_id} if result.organization_id else {}
            return Opening(interaction=options)
        assert isinstance(result, Failed)
        return _unavailable(max(1, round(result.retry_after)))

    def _adopt(self, known: Known, digest: str, value: str, otherwise: Opening | None) -> Opening:
        try:
            successor = self._verified_successor(known, value)
        except Unconfirmed:
            # The new tokens are stored; they are verified as soon as the keys can be had.
            return otherwise or _unavailable(RETRY_AFTER)
        if successor is None:
            if self.refresher.rotations.dead(digest):
                return self._ended(known, "revoked")
            return otherwise or _unavailable(RETRY_AFTER)
        # The session may have been ended while the exchange was under way.
        reason = self.endings.reason_at(known.ended_key)
        if reason is not None:
            return self._ended(known, reason)
        if not (successor.verified and self.clock() < successor.token.expires_at):
            return otherwise or _unavailable(RETRY_AFTER)
        self._announce(digest, successor, known)
        return Opening(successor, successor.session, successor, value)

    def _ended(self, known: Known, reason: str) -> Opening:
        mark = EndMark(known.token.session_id, self.reader.subject(known), reason)
        return Opening(held=known, ended=reason, mark=mark)

    def _announce(self, digest: str, successor: Known, previous: Known) -> None:
        if not self.refresher.announce(digest):
            return
        sessions = {"session": successor.session, "previous": previous.session}
        signals.send(signals.session_refreshed, **sessions)
        if successor.session.rev != previous.session.rev:
            signals.send(signals.session_changed, **sessions)


def _unavailable(retry_after: int) -> Opening:
    return Opening(session=_UNAVAILABLE, retry_after=retry_after)


def _word(result: object) -> str:
    if isinstance(result, Failed):
        return result.outcome
    return getattr(result, "code", "refused")
