"""Cut-offs: what was issued up to a moment is over, or old. They reach every process."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .shared_state import Rule, SharedState
from .watch import Scope

#: Seconds for which a change is remembered: a token that was issued before it has run out by then,
#: and its refresh tells the truth.
CHANGE_SECONDS = 86_400
#: Bytes of a mark.
_MARK_SIZE = 6
#: What the keys begin with.
ENDS_UNDER, CHANGES_UNDER = "ends:", "changes:"

#: What ends with a cut-off. A membership that is gone may be back: there WorkOS is asked.
ENDS: tuple[Scope, ...] = ("person", "organization", "everybody")


class CutOff(NamedTuple):
    """What is recorded: the moment up to which it holds, and until when it matters; for an end also
    why, and the key of a session that goes on all the same.

    In milliseconds since the epoch: two changes of one second are two, and one that is recorded
    later is another one also when the earlier was stamped ahead.

    Up to ``firm`` it holds without exception: an end spares nobody, and a change is to be
    confirmed by WorkOS before a session is served. Up to ``told`` the page is told of a change.
    """

    at: int
    firm: int = 0
    told: int = 0
    until: int = 0
    reason: str = ""
    keep: str = ""

    @classmethod
    def read(cls, value: bytes) -> CutOff:
        at, firm, told, until, reason, keep = value.decode().split(" ", 5)
        return cls(int(at), int(firm), int(told), int(until), reason, keep)

    def __bytes__(self) -> bytes:
        return " ".join(map(str, self)).encode()


def mark_of(value: bytes) -> int:
    """A number for a cut-off as it is recorded now: another one as soon as there is news."""
    return int.from_bytes(hashlib.sha256(value).digest()[:_MARK_SIZE], "big")


def merged(one: bytes, two: bytes) -> bytes:
    """What two cut-offs of the same kind are together, whichever came first.

    The later one counts, and takes nothing back: whom it spares it spares only from what came
    after the last cut-off that did not.
    """
    earlier, later = sorted((CutOff.read(one), CutOff.read(two)))
    firm = max(earlier.firm, later.firm)
    if earlier.keep != later.keep:
        firm = max(firm, earlier.at)
    told, until = max(earlier.told, later.told), max(earlier.until, later.until)
    return bytes(later._replace(firm=firm, told=told, until=until))


#: How shared state merges cut-offs, and for how long it keeps them.
RULE = Rule(merged, lambda value: CutOff.read(value).until / 1000)
COMBINE = {ENDS_UNDER: RULE, CHANGES_UNDER: RULE}


class CutOffs:
    """Records cut-offs in shared state.

    A later one takes the place of an earlier one, and never the other way round: events come late,
    twice and in any order. So it is with what a process could not share at once.

    :param state: merges as :data:`COMBINE` says.
    :param remembered: seconds for which an end matters: as long as a session can last.
    :param heard: called with the keys under which something was recorded.
    """

    def __init__(
        self,
        state: SharedState,
        digests: Callable[[str, str], Sequence[str]],
        *,
        clock: Callable[[], float],
        remembered: int,
        heard: Callable[[Sequence[str]], None],
    ) -> None:
        self._state = state
        self._digests = digests
        self._clock = clock
        self._remembered = remembered
        self._heard = heard

    def end(
        self,
        scope: Scope,
        name: str,
        reason: str,
        *,
        at: float,
        keep: Sequence[str] | None = None,
    ) -> bool:
        """End every session that began up to ``at`` (epoch seconds, WorkOS's time). False when
        only this process knows of it, because the shared state cannot be used; others hear of it
        when it can be, and this process still runs.

        :param keep: the keys of a session that is spared, one for each password.
        """
        if scope not in ENDS:
            raise ValueError(f"Nothing ends by a cut-off for a {scope}.")
        until = self._until(self._remembered)
        names = [ENDS_UNDER + each for each in cut_off_digests(self._digests, scope, name)]
        for number, key in enumerate(names):
            spared = keep[number] if keep else ""
            cut_off = CutOff(int(at * 1000), until=until, reason=reason, keep=spared)
            self._state.merge(key, bytes(cut_off))
        return self._shared(names)

    def change(
        self, scope: Scope, name: str, *, at: float, told: bool = False, confirm: bool = False
    ) -> bool:
        """Call every token old that was issued up to ``at`` (epoch seconds, WorkOS's time). The
        answer is that of :meth:`end`.

        :param told: whether pages are told, though changes of this kind need not concern them.
        :param confirm: whether WorkOS has to confirm such a session before it is served again.
        """
        names = [CHANGES_UNDER + each for each in cut_off_digests(self._digests, scope, name)]
        moment = int(at * 1000)
        cut_off = CutOff(
            moment,
            firm=moment if confirm else 0,
            told=moment if told else 0,
            until=self._until(CHANGE_SECONDS),
        )
        for key in names:
            self._state.merge(key, bytes(cut_off))
        return self._shared(names)

    def _until(self, seconds: int) -> int:
        return math.ceil((self._clock() + seconds) * 1000)

    def _shared(self, names: Sequence[str]) -> bool:
        self._heard(names)
        return all(self._state.is_shared(each) for each in names)


def cut_off_digests(
    digests: Callable[[str, str], Sequence[str]], scope: Scope, name: str
) -> Sequence[str]:
    """Under which names a cut-off is recorded: one for every password, the one in use first."""
    return digests("cut-off", f"{scope} {name}")
