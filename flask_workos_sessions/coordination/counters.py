"""Counts of what this process did: for a health page or a metric."""

from __future__ import annotations

from collections import Counter

from .process_lock import ProcessLock


class Counters:
    """Numbers that only grow."""

    def __init__(self) -> None:
        self._lock = ProcessLock()
        self._counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        """One more."""
        with self._lock:
            self._counts[name] += 1

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def items(self) -> dict[str, int]:
        """What was counted so far."""
        with self._lock:
            return dict(self._counts)
