"""News of a moment ago: what they are about is not believed on the word of an earlier look."""

from __future__ import annotations

from collections.abc import Collection

from .process_lock import ProcessLock
from .watch import Watch

#: Keys that are kept apart; with more of them nothing older is believed, whatever it is about.
MOST = 1_000

_NEVER = float("-inf")


class Doubts:
    """Under which keys something was recorded, and when.

    A look is believed for so many ``seconds`` only, and so long does a doubt matter.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = ProcessLock()
        self._heard: dict[str, float] = {}
        self._all = _NEVER

    def note(self, keys: Collection[str] | None, now: float) -> None:
        """Something was recorded under these keys; ``None``: under any."""
        with self._lock:
            heard = self._heard
            if keys is not None and len(heard) + len(keys) > MOST:
                heard = {key: at for key, at in heard.items() if now - at < self._seconds}
            if keys is None or len(heard) + len(keys) > MOST:
                # The other way round than they are read: who looks meanwhile believes too little.
                self._all, self._heard = now, {}
                return
            heard.update(dict.fromkeys(keys, now))
            self._heard = heard

    def concern(self, watch: Watch) -> bool:
        """Whether something that concerns this session was recorded after the last look at it."""
        asked_at, heard = watch.asked_at, self._heard
        return self._all >= asked_at or any(
            heard.get(key, _NEVER) >= asked_at for key in watch.keys
        )
