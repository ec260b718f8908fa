"""From a cookie to a session: the way of a request, from top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from . import opened
from .adoption import Adoption
from .coordination.endings import Endings, Unreadable
from .coordination.watch import Change
from .memo import Known
from .opened import Opening
from .reading import Reader, Unconfirmed
from .refresh.exchange import Caller
from .refresh.pace import Pace
from .refresh.refresher import Refresher
from .session_record import Marks
from .stores.cookie import CookieStore, EndMark
from .stores.server import StoreUnavailable
from .tokens.jwks import WAIT

log = logging.getLogger("flask_workos_sessions")

#: Exchanges that a switch of organization, or a change, makes at most.
_MAX_EXCHANGES = 3
#: Seconds between two looks for a successor, while a session's own token is valid.
_LOOK_SECONDS = 1.0


def _mark_of_birth(born: float) -> int:
    """The number by which the tokens of a session remember the life of the shared state."""
    return int(born * 1000)


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens cookies: every step is a part that can be tested alone."""

    reader: Reader
    store: CookieStore
    endings: Endings
    refresher: Refresher
    adoption: Adoption
    pace: Pace
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
        try:
            values = self.store.candidates(header)
        except StoreUnavailable:
            return opened.unavailable(None)
        if not values:
            return Opening()
        try:
            known, opening = self._choose(values, fetch)
            if known is None:
                return opening
            self.adoption.seen(known)
            if self._is_quiet(known):
                return opened.signed_in(known)
            opening = self._decide(known, caller, active=active, fetch=fetch)
        except (Unconfirmed, Unreadable):
            sessions = {each.token.session_id: each for each in self._peeked(values)}
            return opened.unavailable(sessions.popitem()[1] if len(sessions) == 1 else None)
        after = opening.known
        opening.moved = after is not None and (
            after.token.organization_id != known.token.organization_id
        )
        return opening

    def switch(self, known: Known, organization_id: str, caller: Caller) -> Opening:
        """Exchange the refresh token for one of another organization.

        Another request's exchange of the same token may be under way, and answers for the old
        organization: then its successor is exchanged in turn.
        """
        with suppress(Unreadable):
            for _ in range(_MAX_EXCHANGES):
                opening = self._exchange(known, caller, organization_id=organization_id)
                if opening.known is None or opening.session.organization_id == organization_id:
                    return opening
                known = opening.known
        return opened.unavailable(known)

    def extend(self, known: Known, caller: Caller) -> Opening:
        """Refresh now, as an active request whose token has run out would."""
        with suppress(Unreadable):
            return self._exchange(known, caller)
        return opened.unavailable(known)

    def held(self, header: str) -> list[Known]:
        """Every session in the request's cookies, whether it can be used or not: for sign-out.

        :raises StoreUnavailable: when they lie in a store that cannot be read.
        """
        return self._peeked(self.store.candidates(header))

    # The steps, in their order.

    def _peeked(self, values: list[str]) -> list[Known]:
        return [known for value in values if (known := self.reader.peek(value)) is not None]

    def _is_quiet(self, known: Known) -> bool:
        """Whether nothing has to be decided: verified, no clock has run out, not ended, its key
        still published (security C4). Nearly every request ends here."""
        return (
            self.clock() < min(known.quiet_until, self._renewal_due(known))
            and self.endings.reason_at(known.watch) is None
            and not known.watch.change
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
        found = [each for each in read if each is not None]
        sessions = [each for each in found if isinstance(each, Known)]
        marks = {each.session_id: each for each in found if isinstance(each, EndMark)}
        if len({(each.token.session_id, each.token.subject) for each in sessions}) > 1:
            log.warning(
                "A request brought two different sessions; both cookies are deleted. If two apps "
                "share a domain, give each a WORKOS_COOKIE_NAME of its own."
            )
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
        known, value = self._follow(known, now, fetch)
        reason = self.endings.reason_at(known.watch)
        if reason is not None:
            return self.adoption.ended(known, reason, call=fetch)
        over: str | None = known.session.ends.over(now)
        if over is None and now >= known.record.not_after:
            over = "max_length"
        if over is not None:
            return self.adoption.end(known, over, call=fetch)
        usable = known.lives(now)
        if usable and not self.reader.confirm(known, fetch=fetch):
            return Opening()
        # What WorkOS has to confirm is not served before it has, whatever its token says.
        usable = usable and known.watch.change is not Change.CONFIRM
        if usable and not (active and self._is_due(known, now)):
            return opened.signed_in(known, value)
        if not active:
            if self.refresher.refused(known.record):
                return self.adoption.ended(known, "revoked")
            return opened.stale(known, value)
        opening = self._confirmed(known, caller(), usable)
        if opening.held is known:
            # Also with a 503: the next request need not look for it again.
            opening.value = value
        return opening

    def _is_due(self, known: Known, now: float) -> bool:
        """Whether a session that can be served is to be refreshed. Thousands are not at once,
        because of one change: the rest is with one of its next requests."""
        if now >= self._renewal_due(known):
            return True
        if not known.watch.change:
            return False
        if self.refresher.refused(known.record):
            return True  # WorkOS is not asked again, and so no place is needed
        return not self.refresher.waits(known.record) and self.pace.take()

    def _confirmed(self, known: Known, caller: Caller, usable: bool) -> Opening:
        """Exchange, again if need be: what another request got may be older than the change."""
        value = None
        for _ in range(_MAX_EXCHANGES):
            opening = self._exchange(known, caller, usable=usable)
            after = opening.known
            if usable or after is None or after.watch.change is not Change.CONFIRM:
                return opening
            known, value = after, opening.value
        return opened.unavailable(known, value=value)

    def _exchange(
        self,
        known: Known,
        caller: Caller,
        *,
        usable: bool = False,
        organization_id: str | None = None,
    ) -> Opening:
        """Every exchange begins here: with a look at whether the session has ended (security R1).

        :param usable: whether the session can be served as it is when nothing is decided.
        :raises Unreadable: when that look is required, and cannot be had.
        """
        reason = self.endings.look(known.watch)
        if reason is not None:
            return self.adoption.ended(known, reason)
        asked_after, newer_than = self._settled_by(known)
        result = self.refresher.refresh(
            known.record,
            caller,
            proactive=usable,
            organization_id=organization_id,
            asked_after=asked_after,
            newer_than=newer_than,
        )
        return self.adoption.settle(known, result, serve_current=usable, deadline=caller.deadline)

    def _settled_by(self, known: Known) -> tuple[Marks, Marks]:
        """What the tokens of an exchange are asked for after, and newer than."""
        asked_after = sorted(known.watch.changed)
        if known.token.issued_at < int(self.endings.born):
            # One exchange is enough, whatever the clock says by which the store was born.
            asked_after.append(_mark_of_birth(self.endings.born))
        return tuple(asked_after), known.watch.proven

    def _follow(self, known: Known, now: float, fetch: bool) -> tuple[Known, str | None]:
        """The session that this one was exchanged for, if there is need for it."""
        changed = bool(known.watch.change)
        if now < min(known.quiet_until, self._renewal_due(known)) and not changed:
            return known, None
        lives = known.lives(now)
        if lives and 0 <= now - known.followed_at < _LOOK_SECONDS and not changed:
            return known, None
        if not lives and self.refresher.under_way(known.record):
            return known, None  # its result is the successor
        known.followed_at = now
        return self.adoption.follow(known, fetch=fetch, wait=0.0 if lives else WAIT)

    def _renewal_due(self, known: Known) -> float:
        """From when to refresh. What others had ended may be forgotten when the shared state is
        younger than the token: then WorkOS is asked, spread over a token life (security R7)."""
        born, issued_at = self.endings.born, known.token.issued_at
        if issued_at >= int(born) or _mark_of_birth(born) in known.record.asked_after:
            return known.refresh_at
        share = int(known.watch.key[-6:], 16) / 0x1000000
        return min(known.refresh_at, born + share * (known.token.expires_at - issued_at))
