"""Cut-offs: what was issued up to a moment is over, or old. They reach every process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .lease import Leases
from .shared_state import SharedState
from .watch import Scope

#: Seconds for which a change is remembered: a token that was issued before it has run out by then,
#: and its refresh tells the truth.
CHANGE_SECONDS = 86_400
#: Attempts, and seconds between two, to be the only one who writes a cut-off.
_ATTEMPTS, _PAUSE = 50, 0.02

#: What the keys begin with.
ENDS_UNDER, CHANGES_UNDER = "ends:", "changes:"

#: What ends with a cut-off. A membership that is gone may be back: there WorkOS is asked.
ENDS: tuple[Scope, ...] = ("person", "organization", "everybody")


class CutOff(NamedTuple):
    """What is recorded: the second up to which it holds, and for an end why, until when (epoch
    seconds) it matters, and the key of a session that goes on all the same."""

    at: int
    until: int = 0
    reason: str = ""
    keep: str = ""

    @classmethod
    def read(cls, value: bytes) -> CutOff:
        at, until, reason, keep = value.decode().split(" ", 3)
        return cls(int(at), int(until), reason, keep)

    def __bytes__(self) -> bytes:
        return " ".join(map(str, self)).encode()


class CutOffs:
    """Records cut-offs in shared state.

    A later one takes the place of an earlier one, and never the other way round: events come late,
    twice and in any order.

    :param remembered: seconds for which an end matters: as long as a session can last.
    :param heard: called with the keys under which something was recorded.
    """

    def __init__(
        self,
        state: SharedState,
        digests: Callable[[str, str], Sequence[str]],
        leases: Leases,
        *,
        clock: Callable[[], float],
        remembered: int,
        heard: Callable[[Sequence[str]], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._state = state
        self._digests = digests
        self._leases = leases
        self._clock = clock
        self._remembered = remembered
        self._heard = heard
        self._sleep = sleep

    def end(
        self,
        scope: Scope,
        name: str,
        reason: str,
        *,
        at: float,
        keep: Sequence[str] | None = None,
    ) -> None:
        """End every session that began up to ``at`` (epoch seconds, WorkOS's time).

        :param keep: the keys of a session that is spared, one for each password.
        """
        if scope not in ENDS:
            raise ValueError(f"Nothing ends by a cut-off for a {scope}.")
        until = int(self._clock()) + self._remembered
        names = [ENDS_UNDER + each for each in cut_off_digests(self._digests, scope, name)]
        for number, key in enumerate(names):
            spared = keep[number] if keep else ""
            self._raise(key, CutOff(int(at), until, reason, spared), self._remembered)
        self._heard(names)

    def change(self, scope: Scope, name: str, *, at: float) -> None:
        """Call every token old that was issued up to ``at`` (epoch seconds, WorkOS's time)."""
        names = [CHANGES_UNDER + each for each in cut_off_digests(self._digests, scope, name)]
        for key in names:
            self._raise(key, CutOff(int(at)), CHANGE_SECONDS)
        self._heard(names)

    def _raise(self, key: str, cut_off: CutOff, seconds: int) -> None:
        owner = self._alone(key)
        try:
            value = self._state.get(key)
            if value is not None:
                there = CutOff.read(value)
                if there.at > cut_off.at or there == cut_off:
                    return
                if there.at == cut_off.at and there.keep != cut_off.keep:
                    cut_off = cut_off._replace(keep="")  # two that spare different sessions
            self._state.set(key, bytes(cut_off), seconds)
        finally:
            if owner is not None:
                self._leases.free(key, owner)

    def _alone(self, key: str) -> bytes | None:
        """The proof that nobody else writes this one just now; without it after a second: to
        record it is more than to be alone."""
        for _ in range(_ATTEMPTS):
            owner = self._leases.take(key)
            if owner is not None:
                return owner
            self._sleep(_PAUSE)
        return None


def cut_off_digests(
    digests: Callable[[str, str], Sequence[str]], scope: Scope, name: str
) -> Sequence[str]:
    """Under which names a cut-off is recorded: one for every password, the one in use first."""
    return digests("cut-off", f"{scope} {name}")
