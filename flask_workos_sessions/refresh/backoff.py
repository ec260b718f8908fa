"""When WorkOS does not answer many: nobody calls it for a while, and then one tries."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from ..coordination.lease import LEASE_SECONDS
from ..coordination.shared_state import SharedState

#: So many sessions must fail within so many seconds: one person's flood is no outage.
SESSIONS = 3
WINDOW_SECONDS = 10
#: Seconds of the first pause, and of the longest; each is twice the one before.
FIRST_PAUSE = 10.0
LONGEST_PAUSE = 60.0
#: Seconds after the last failure at which the pauses begin again.
_KEPT_SECONDS = 300
_KEY = "backoff"
_PROBE = "backoff:probe"


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether an exchange may be made: ``wait`` is 0, or the seconds until one may be."""

    wait: float = 0.0
    probing: bool = False


class Backoff:
    """Back-off of all processes together, for 429 and for outages (security R4).

    It opens when exchanges of three sessions failed within ten seconds. After the pause one
    exchange is let through: its success ends the back-off, its failure doubles the pause.
    """

    def __init__(self, state: SharedState, *, clock: Callable[[], float]) -> None:
        self.begun = 0
        self._state = state
        self._clock = clock

    def admit(self) -> Admission:
        """Ask for one exchange; an admission that probes must be told how it went."""
        until, _ = self._current()
        if until is None:
            return Admission()
        left = self._left(until)
        if left > 0:
            return Admission(left)
        if not self._state.add(_PROBE, b"1", LEASE_SECONDS + 1):
            return Admission(1.0)
        # Another probe may have ended between the two: then there is a new pause, or none any more.
        until, _ = self._current()
        left = 0.0 if until is None else self._left(until)
        if until is None or left > 0:
            self._state.delete(_PROBE)
            return Admission(left)
        return Admission(probing=True)

    def wait(self) -> float:
        """Seconds until the back-off lets somebody through; 0 when there is none."""
        until, _ = self._current()
        return 0.0 if until is None else self._left(until)

    def succeeded(self, admission: Admission) -> None:
        """WorkOS has answered."""
        if admission.probing:
            for key in (_KEY, _PROBE, *_slots()):
                self._state.delete(key)

    def unused(self, admission: Admission) -> None:
        """No exchange was made after all."""
        if admission.probing:
            self._state.delete(_PROBE)

    def failed(self, admission: Admission, digest: str, retry_after: float | None) -> None:
        """WorkOS did not answer, or not usefully. ``digest`` names the session's token."""
        if admission.probing:
            _, pause = self._current()
            self._pause(min(2 * pause, LONGEST_PAUSE), retry_after)
            self._state.delete(_PROBE)
        elif self._current()[0] is None and self._counts(digest) >= SESSIONS:
            self._pause(FIRST_PAUSE, retry_after)

    def _counts(self, digest: str) -> int:
        """How many sessions have failed lately, with this one."""
        name, free = digest.encode(), []
        for slot in _slots():
            there = self._state.get(slot)
            if there == name:
                return 0  # counted before
            if there is None:
                free.append(slot)
        if not any(self._state.add(slot, name, WINDOW_SECONDS) for slot in free):
            return SESSIONS + 1
        # Others may have failed at this very moment: the last of them counts all.
        return sum(self._state.get(slot) is not None for slot in _slots())

    def _left(self, until: float) -> float:
        left = until - self._clock()
        # Longer than any pause: the clock was set back since.
        return max(0.0, left) if left <= LONGEST_PAUSE else 0.0

    def _pause(self, pause: float, retry_after: float | None) -> None:
        self.begun += 1
        # Fleets that were paused together need not come back together.
        seconds = max(pause * random.uniform(0.9, 1.1), retry_after or 0.0)  # noqa: S311
        seconds = min(seconds, LONGEST_PAUSE)
        record = json.dumps([self._clock() + seconds, pause])
        self._state.set(_KEY, record.encode(), _KEPT_SECONDS)

    def _current(self) -> tuple[float | None, float]:
        """Until when nobody calls (epoch seconds), and how long that pause is."""
        found = self._state.get(_KEY)
        if found is None:
            return None, FIRST_PAUSE
        until, pause = json.loads(found)
        return until, pause


def _slots() -> list[str]:
    return [f"{_KEY}:{number}" for number in range(SESSIONS)]
