"""Somebody's sessions, as WorkOS knows them: listed, and ended from the app (security W1, W3)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from . import signals
from .coordination.cutoffs import CutOffs
from .coordination.endings import BEYOND_SECONDS, Endings, Unreadable
from .coordination.revocations import Revoker
from .coordination.watch import subjects
from .errors import SessionNotFound, SessionsUnavailable, UserNotFound
from .session import Session, User
from .workos.active_session import ActiveSession
from .workos.client import WorkOSClient
from .workos.transport import Unreachable

log = logging.getLogger("flask_workos_sessions")

#: Seconds that a caller waits until WorkOS has confirmed the end of many sessions; what is left is
#: done beside later requests.
REVOKE_SECONDS = 5.0
_REASON = "revoked"
_NOT_SHARED = (
    "Sessions that were ended from the app are refused by this process alone: the shared state "
    "cannot be used. The others hear of it when it can be used again, if this process runs then; "
    "end them again otherwise."
)

#: Whose sessions: one of these, or WorkOS's id of the person.
Person = User | Session | str
#: Which session goes on: one of these, or its id.
Kept = Session | ActiveSession | str | None


@dataclass(frozen=True, slots=True)
class ActiveSessions:
    """Lists and ends the sessions of people. Needs no request, but an app: there are signals.

    :param longest: seconds that a session can last, when WorkOS does not say.
    """

    client: WorkOSClient
    endings: Endings
    cut_offs: CutOffs
    revoker: Revoker
    clock: Callable[[], float]
    longest: int

    def of(self, user: Person, *, current: str | None = None) -> list[ActiveSession]:
        """Their sessions, newest first, without those that have ended here.

        :param current: the id of the session of this request.
        :raises UserNotFound: WorkOS knows no such person.
        :raises SessionsUnavailable: WorkOS does not answer.
        """
        return [
            replace(each, current=each.id == current)
            for each in self._listed(id_of(user))
            if not self._ended(each)
        ]

    def revoke(self, session_id: str, user: Person) -> None:
        """End one session of theirs, here and at WorkOS. One that has ended is ended again at
        WorkOS, which may not have heard of it.

        :raises SessionNotFound: they have no such session.
        :raises UserNotFound, SessionsUnavailable: as :meth:`of`.
        """
        found = [each for each in self._listed(id_of(user)) if each.id == session_id]
        if not found:
            raise SessionNotFound
        self._end(found)

    def revoke_user(self, user: Person, *, keep: Kept = None) -> int:
        """End all of their sessions but one; how many of them were ended by name.

        What is recorded first ends them in all processes, also if WorkOS does not answer: then
        each is revoked there when it comes the next time.

        :raises TypeError, ValueError: ``user`` is nobody that WorkOS could know, or ``keep`` no
            session. Nothing is ended.
        """
        user_id, kept = id_of(user), _kept(keep)
        shared = self.cut_offs.end(
            "person",
            user_id,
            _REASON,
            at=self.client.now(),
            keep=self.endings.keys(kept) if kept else None,
        )
        if not shared:
            log.error(_NOT_SHARED)
        try:
            listed = self._listed(user_id)
        except (UserNotFound, SessionsUnavailable):
            return 0
        return self._end([each for each in listed if each.id != kept])

    def revoke_all(self) -> None:
        """End every session of everybody. Each is revoked at WorkOS when it comes the next time."""
        if not self.cut_offs.end("everybody", "", _REASON, at=self.client.now()):
            log.error(_NOT_SHARED)
        log.warning("Every session that began up to now has been ended: revoke_all was called.")

    def _listed(self, user_id: str) -> list[ActiveSession]:
        try:
            return list(self.client.sessions_of(user_id))
        except Unreachable as unreachable:
            log.warning(
                "WorkOS did not list somebody's sessions (%s): `flask workos doctor` asks it too.",
                unreachable,
            )
            raise SessionsUnavailable from None

    def _ended(self, session: ActiveSession) -> bool:
        about = subjects(session.user_id, session.organization_id, ())
        began = session.created_at
        signed_in_at = int(self.clock()) if began is None else began
        watch = self.endings.watch(session.id, about, signed_in_at=signed_in_at)
        try:
            return self.endings.look(watch) is not None
        except Unreadable:
            raise SessionsUnavailable from None

    def _end(self, sessions: Sequence[ActiveSession]) -> int:
        now = self.clock()
        ended, shared = [], True
        for each in sessions:
            until = max(each.expires_at or now + self.longest, now) + BEYOND_SECONDS
            recorded = self.endings.end(each.id, _REASON, until=until)
            shared = shared and recorded.shared
            if recorded.first:
                ended.append(each.id)
        if not shared:
            log.error(_NOT_SHARED)
        self._revoke_at_workos([each.id for each in sessions])
        # Last: a receiver that raises must not keep any of them alive.
        for session_id in ended:
            signals.send(signals.session_ended, session_id=session_id, reason=_REASON)
        return len(ended)

    def _revoke_at_workos(self, session_ids: Sequence[str]) -> None:
        deadline = time.monotonic() + REVOKE_SECONDS
        waits = True
        for session_id in session_ids:
            if waits and time.monotonic() < deadline:
                waits = self.revoker.now(session_id)
            else:
                self.revoker.later(session_id)
        if waits:
            self.revoker.retry()


def _kept(keep: Kept) -> str | None:
    """The id of the session that goes on; ``None`` for none, as with ``current_session`` where
    nobody is signed in.

    :raises TypeError: it is something else.
    :raises ValueError: the id is empty: somebody means to keep one, and all would end.
    """
    if keep is None:
        return None
    if isinstance(keep, Session | ActiveSession):
        return keep.id
    if not isinstance(keep, str):
        raise TypeError("Which session goes on? Pass keep=current_session, or the id of a session.")
    if not keep:
        raise ValueError("Which session goes on? The id is empty; keep=None ends all of them.")
    return keep


def id_of(user: Person) -> str:
    """WorkOS's id of a person.

    :raises TypeError: it is something else, an app's own user object for instance: its ``id`` may
        be another one's.
    :raises ValueError: it is nobody.
    """
    if isinstance(user, Session):
        user = user.user
    if isinstance(user, User):
        user_id = user.id
    elif isinstance(user, str):
        user_id = user
    else:
        raise TypeError(
            "Whose sessions? Pass a user id of WorkOS, or current_session: an object of your own "
            "user_loader may have other ids."
        )
    if not user_id:
        raise ValueError("Whose sessions? Nobody is signed in, or the id is empty.")
    return user_id
