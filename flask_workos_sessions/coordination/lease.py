"""Who among threads, processes and hosts does something that only one should do."""

from __future__ import annotations

import os

from .shared_state import SharedState

#: Seconds after which a lease whose holder has crashed is free again. An exchange takes less.
LEASE_SECONDS = 8


class Leases:
    """Leases by name. One saves calls and is no proof: the single-use token is that."""

    def __init__(self, state: SharedState, *, seconds: int = LEASE_SECONDS) -> None:
        self._state = state
        self._seconds = seconds

    def take(self, name: str) -> bytes | None:
        """Take a lease that is free: the proof of ownership, or ``None`` if somebody has it."""
        # Looked at first: to wait for a lease must not keep writing to the store.
        if self._state.get("lease:" + name) is not None:
            return None
        owner = os.urandom(16)
        return owner if self._state.add("lease:" + name, owner, self._seconds) else None

    def renew(self, name: str, owner: bytes) -> bytes | None:
        """Begin its seconds anew, or take it again when it has run out: the proof, ``None`` when
        somebody else has it by now."""
        if self._state.get("lease:" + name) != owner:
            return self.take(name)
        self._state.set("lease:" + name, owner, self._seconds)
        return owner

    def is_elsewhere(self, name: str, owner: bytes) -> bool:
        """Whether somebody else has the lease."""
        return self._state.get("lease:" + name) not in (None, owner)

    def free(self, name: str, owner: bytes) -> None:
        """Give a lease back. One that has run out and belongs to somebody else stays theirs."""
        self._state.discard("lease:" + name, owner)
