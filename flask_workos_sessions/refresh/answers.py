"""What WorkOS has just answered of a token: it is not asked again at once."""

from __future__ import annotations

from collections.abc import Callable

from ..coordination.process_lock import ProcessLock
from .results import Interaction, OrganizationClosed

#: Seconds for which an answer holds.
_SECONDS = 10.0
_MOST = 10_000


class Answers:
    """What WorkOS asks of a person, or its refusal of an organization: for ten seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = ProcessLock()
        self._until: dict[
            tuple[str, str | None], tuple[float, Interaction | OrganizationClosed]
        ] = {}

    def keep(
        self, digest: str, wanted: str | None, answer: Interaction | OrganizationClosed
    ) -> None:
        """Note an answer; the oldest one goes when there is no room."""
        with self._lock:
            while len(self._until) >= _MOST:
                del self._until[next(iter(self._until))]
            self._until[digest, wanted] = (self._clock() + _SECONDS, answer)

    def of(self, digest: str, wanted: str | None) -> Interaction | OrganizationClosed | None:
        """The answer of a moment ago, if there was one."""
        found = self._until.get((digest, wanted))
        return found[1] if found is not None and self._clock() < found[0] else None
