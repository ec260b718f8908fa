"""Sessions that are to be revoked at WorkOS, until WorkOS has confirmed it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .background import Background
from .process_lock import ProcessLock

log = logging.getLogger("flask_workos_sessions")

#: Seconds between two attempts for one session.
RETRY_SECONDS = 30
#: Sessions that wait at most; the oldest goes first.
CAPACITY = 1_000


class Revoker:
    """Revokes sessions at WorkOS, again and again until it is confirmed (security R1).

    ``revoke(session_id)`` makes one attempt and returns whether WorkOS no longer has the session.
    """

    def __init__(
        self,
        revoke: Callable[[str], bool],
        background: Background,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._revoke = revoke
        self._background = background
        self._clock = clock
        self._lock = ProcessLock()
        self._pending: dict[str, float] = {}

    @property
    def pending(self) -> int:
        """How many sessions wait for another attempt."""
        return len(self._pending)

    def now(self, session_id: str) -> bool:
        """Try at once, in this thread; what fails is tried again later."""
        if self._attempt(session_id):
            return True
        log.warning("A session could not be revoked at WorkOS; it will be tried again.")
        return False

    def soon(self, session_id: str) -> None:
        """Try beside the request."""
        self.later(session_id)
        self.retry()

    def later(self, session_id: str) -> None:
        """Try at the next call of :meth:`retry`."""
        self._later(session_id, after=0)

    def retry(self) -> None:
        """Start the attempts that are due. Costs one look when nothing waits."""
        if not self._pending:
            return
        now = self._clock()
        with self._lock:
            due = [sid for sid, at in self._pending.items() if at <= now]
            for sid in due:
                self._pending[sid] = now + RETRY_SECONDS
        for sid in due:
            self._background.submit(self._attempt, sid)

    def _attempt(self, session_id: str) -> bool:
        if self._revoke(session_id):
            with self._lock:
                self._pending.pop(session_id, None)
            return True
        self._later(session_id, after=RETRY_SECONDS)
        return False

    def _later(self, session_id: str, *, after: float) -> None:
        with self._lock:
            self._pending[session_id] = self._clock() + after
            while len(self._pending) > CAPACITY:
                del self._pending[next(iter(self._pending))]
