"""From a cookie to a session: the way of a request, from top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from . import opened
from .adoption import Adoption
from .coordination.endings import Endings
from .memo import Known
from .opened import Opening
from .reading import Reader, Unconfirmed
from .refresh.refresher import Caller, Refresher
from .refresh.results import (
    OrganizationClosed,
)
from .stores.cookie import CookieStore, EndMark

log = logging.getLogger("flask_workos_sessions")

#: Exchanges that a switch of organization makes at most.
_MAX_SWITCHES = 3


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens cookies: every step is a part that can be tested alone."""

    reader: Reader
    store: CookieStore
    endings: Endings
    refresher: Refresher
    adoption: Adoption
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
            self.adoption.seen(known)
            if self._is_quiet(known):
                return opened.signed_in(known)
            return self._decide(known, caller, active=active, fetch=fetch)
        except Unconfirmed:
            return opened.unavailable()

    def switch(self, known: Known, organization_id: str, caller: Caller) -> Opening:
        """Exchange the refresh token for one of another organization.

        Another request's exchange of the same token may be under way, and answers for the old
        organization: then its successor is exchanged in turn.
        """
        for _ in range(_MAX_SWITCHES):
            result = self.refresher.refresh(known.record, caller, organization_id=organization_id)
            opening = self.adoption.settle(known, result, serve_current=False)
            if opening.known is None or opening.session.organization_id == organization_id:
                return opening
            if isinstance(result, OrganizationClosed):
                return opening
            known = opening.known
        return opened.unavailable()

    def extend(self, known: Known, caller: Caller) -> Opening:
        """Refresh now, as an active request whose token has run out would."""
        result = self.refresher.refresh(known.record, caller)
        return self.adoption.settle(known, result, serve_current=False)

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
        found = [each for each in read if each is not None]
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
            known, value = self.adoption.follow(known, fetch=fetch)
        reason = self.endings.reason_at(known.ended_key)
        if reason is not None:
            return self.adoption.ended(known, reason)
        over: str | None = known.session.ends.over(now)
        if over is None and now >= known.record.not_after:
            over = "max_length"
        if over is not None:
            return self.adoption.end(known, over, call=fetch)
        usable = known.verified and now < known.token.expires_at
        if usable and not self.reader.confirm(known, fetch=fetch):
            return Opening()
        if usable and (now < known.refresh_at or not active):
            return opened.signed_in(known, value)
        if not active:
            return opened.stale(known, value)
        reason = self.endings.look(known.ended_key)
        if reason is not None:
            return self.adoption.ended(known, reason)
        result = self.refresher.refresh(known.record, caller(), proactive=usable)
        opening = self.adoption.settle(known, result, serve_current=usable)
        if opening.known is known:
            opening.value = value
        return opening
