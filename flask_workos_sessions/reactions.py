"""What an event of WorkOS means for the sessions here, however it came to us."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from . import signals
from .coordination.cutoffs import CutOffs
from .coordination.endings import BEYOND_SECONDS, Endings
from .coordination.once import Once, Turn
from .coordination.watch import Scope, membership
from .workos.events import Event, name_of
from .workos.flag_targets import targets_of
from .workos.moment import read_moment

log = logging.getLogger("flask_workos_sessions")

#: The types of events that :class:`Reactions` acts upon.
EVENT_TYPES = (
    "session.revoked",
    "user.deleted",
    "user.updated",
    "organization.deleted",
    "organization.updated",
    *(f"organization_membership.{what}" for what in ("created", "updated", "deleted")),
    *(f"organization_role.{what}" for what in ("created", "updated", "deleted")),
    *(f"role.{what}" for what in ("created", "updated", "deleted")),
    *(f"permission.{what}" for what in ("created", "updated", "deleted")),
    *(f"flag.{what}" for what in ("created", "updated", "deleted", "rule_updated")),
)
#: And, if that is set, this one.
PASSWORD_RESET = "password_reset.succeeded"  # noqa: S105

#: What every sign-in changes about a user.
_OF_A_SIGN_IN = frozenset({"last_sign_in_at", "updated_at"})
#: Seconds for which a revoked session is refused at most: no session lasts longer than a browser
#: keeps a cookie.
_LONGEST = 400 * 86_400
#: Seconds by which WorkOS's clock may be ahead of ours. A cut-off further on than that would meet
#: those who sign in tomorrow.
_AHEAD = 180


class Unrecorded(Exception):
    """The shared state cannot be used just now: other processes would not learn of the event."""


class Reactions:
    """Acts upon events, and tells the application's receivers of them.

    Events come twice, late and in any order, from webhooks and from the poller: what is recorded
    is the same however often, and never goes back. Receivers are told once.

    :param session_seconds: for how long a session can last whose own end is not said.
    """

    def __init__(
        self,
        endings: Endings,
        cut_offs: CutOffs,
        told: Once,
        *,
        clock: Callable[[], float],
        session_seconds: int,
        end_on_password_reset: bool = False,
    ) -> None:
        self._endings = endings
        self._cut_offs = cut_offs
        self._told = told
        self._clock = clock
        self._session_seconds = session_seconds
        #: The types that are acted upon.
        self.types = (*EVENT_TYPES, PASSWORD_RESET) if end_on_password_reset else EVENT_TYPES
        self._acts: dict[str, Callable[[Event], bool | None]] = {
            "session.revoked": self._end_session,
            "user.deleted": self._end_person,
            "user.updated": self._change_person,
            "organization.deleted": self._end_organization,
            "organization.updated": self._change_organization,
        }
        if end_on_password_reset:
            self._acts[PASSWORD_RESET] = self._end_person
        self._families: dict[str, Callable[[Event], bool | None]] = {
            "organization_membership": self._change_membership,
            "organization_role": self._change_role,
            "role": self._change_role,
            "permission": self._change_rights,
            "flag": self._change_rights,
        }

    def act(self, event: Event) -> None:
        """Record what the event ends or changes. One that we do not know does nothing.

        :raises Unrecorded: what it ends or changes is known in this process alone.
        :raises Exception: whatever a receiver of ``session_ended`` raises; what ends has ended.
        """
        family = event.type.partition(".")[0]
        act = self._acts.get(event.type) or self._families.get(family)
        if act is None:
            return
        shared = act(event)
        if shared is None:
            log.warning("WorkOS's event lacks what it is about (%r); it is ignored.", event.type)
        elif not shared:
            raise Unrecorded

    def tell(self, event: Event) -> bool:
        """Tell the application's receivers, unless they have been told. False when somebody else
        is at it, and may yet fail.

        :raises Unrecorded: whether they were told cannot be found out.
        :raises Exception: whatever a receiver raises. They are told again next time.
        """
        if not signals.workos_event.receivers:
            return True
        turn = self._told.begin(event.id)
        if turn is Turn.UNKNOWN:
            raise Unrecorded
        if turn is Turn.MINE:
            try:
                signals.send(signals.workos_event, event=event)
            except BaseException:
                self._told.undo(event.id)
                raise
            self._told.done(event.id)
        return turn is not Turn.ANOTHER

    # What is done. Each tells whether other processes can know of it; ``None`` when the event does
    # not say whom it is about, or when it was.

    def _end_session(self, event: Event) -> bool | None:
        session_id = name_of(event.data.get("id"))
        if session_id is None:
            return None
        now = self._clock()
        until = read_moment(event.data.get("expires_at")) or now + self._session_seconds
        until = min(max(until, now) + BEYOND_SECONDS, now + _LONGEST)
        first, shared = self._endings.end(session_id, "revoked", until=until)
        try:
            if first:
                signals.send(signals.session_ended, session_id=session_id, reason="revoked")
        except Exception as raised:
            if not shared:
                raise Unrecorded from raised
            raise
        return shared

    def _end_person(self, event: Event) -> bool | None:
        at, user_id = self._at(event), event.user_id
        if at is None or user_id is None:
            return None
        reason = "revoked" if event.type == PASSWORD_RESET else "access_removed"
        return self._cut_offs.end("person", user_id, reason, at=at)

    def _end_organization(self, event: Event) -> bool | None:
        at, organization_id = self._at(event), event.organization_id
        if at is None or organization_id is None:
            return None
        return self._cut_offs.end("organization", organization_id, "access_removed", at=at)

    def _change_person(self, event: Event) -> bool | None:
        at, user_id = self._at(event), event.user_id
        if at is None or user_id is None:
            return None
        changed = event.context.get("previous_attributes")
        if isinstance(changed, dict) and changed and changed.keys() <= _OF_A_SIGN_IN:
            return True
        return self._cut_offs.change("person", user_id, at=at)

    def _change_organization(self, event: Event) -> bool | None:
        at, organization_id = self._at(event), event.organization_id
        if at is None or organization_id is None:
            return None
        return self._cut_offs.change("organization", organization_id, at=at)

    def _change_membership(self, event: Event) -> bool | None:
        at, user_id, organization_id = self._at(event), event.user_id, event.organization_id
        if at is None or user_id is None or organization_id is None:
            return None
        name = membership(user_id, organization_id)
        return self._cut_offs.change("membership", name, at=at, confirm=_is_over(event))

    def _change_role(self, event: Event) -> bool | None:
        at, slug = self._at(event), name_of(event.data.get("slug"))
        if at is None or slug is None:
            return None
        return self._cut_offs.change("role", slug, at=at)

    def _change_rights(self, event: Event) -> bool | None:
        at = self._at(event)
        if at is None:
            return None
        concerned: Iterable[tuple[Scope, str]] | None = targets_of(event)
        if concerned is None:
            named = event.organization_id
            concerned = [("everybody", "") if named is None else ("organization", named)]
        shared = [self._cut_offs.change(scope, name, at=at, told=True) for scope, name in concerned]
        return all(shared)

    def _at(self, event: Event) -> float | None:
        """When it was, in WorkOS's time: that of the tokens that it makes old (security W2)."""
        if event.created_at is None:
            return None
        return min(event.created_at, self._clock() + _AHEAD)


def _is_over(event: Event) -> bool:
    """Whether somebody may have no place in the organization any more. They may be back since: so
    WorkOS is asked, and they are not simply out."""
    if event.type.endswith(".created"):
        return False
    return event.type.endswith(".deleted") or event.data.get("status") != "active"
