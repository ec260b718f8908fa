"""Sessions that have ended: remembered until nothing of them could be used any more."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from ..session_record import Marks
from .breaker import Answer
from .cutoffs import CHANGES_UNDER, ENDS, ENDS_UNDER, CutOff, cut_off_digests, mark_of
from .doubts import Doubts
from .memory import MemoryState
from .shared_state import SharedState
from .watch import WEIGHTS, Change, Scope, Watch

#: Why a session ended. The same words in logs, signals, JSON and on pages.
REASONS = frozenset(
    {"inactivity", "max_length", "revoked", "signed_out", "user_changed", "access_removed"}
)
#: Seconds for which an end is remembered after the session would have been over anyway: its last
#: token may be as old, and its cookie may come again and again, from a script that polls all night,
#: and ends it once.
BEYOND_SECONDS = 86_400
#: Seconds for which "not ended" is believed before the shared state is asked again. No process
#: serves a session longer than that after another one has ended it.
BELIEVED_SECONDS = 1.0

#: Of these there are few, and many sessions have each of them; so many hashes are kept.
_OF_MANY: tuple[Scope, ...] = ("organization", "role", "everybody")
_MANY = 1_000


class Unreadable(Exception):
    """Whether a session has ended cannot be found out just now, and has to be (security R7)."""


class Recorded(NamedTuple):
    """Whether an end was the first of its session, and whether others can know of it: if not, the
    shared state cannot be used, and they hear of it when it can be and this process still runs."""

    first: bool
    shared: bool


class Endings:
    """Which sessions are refused whatever their cookie says (security R1), and which are older
    than a change that they have to take note of (security W2).

    ``digests(purpose, value)`` hashes a name under every password, the one in use first, so that
    the state holds none. An end is recorded under all of them: while a password is changed, a
    process with another one in use finds it too.

    :param required: refuse to answer while the shared state cannot be read (security R7).
    :param recorded: called with the keys under which this process has recorded an end, or a
        cut-off.
    """

    def __init__(
        self,
        state: SharedState,
        digests: Callable[[str, str], Sequence[str]],
        *,
        clock: Callable[[], float],
        required: bool = False,
        recorded: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        self._required = required
        self._state = state
        self._digests = digests
        self._clock = clock
        self._recorded = recorded or (lambda keys: None)
        # An end is never taken back: who knows of one need not ask again.
        self._ended = MemoryState(clock=clock)
        # The moment of the newest of all doubts: as a rule it is long ago, and nothing else is
        # looked at.
        self._believed_from = float("-inf")
        self._doubts = Doubts(BELIEVED_SECONDS)
        self._of_many: dict[tuple[Scope, str], Sequence[str]] = {}

    @property
    def born(self) -> float:
        """Since when (epoch seconds) ends are remembered."""
        return self._state.born

    def watch(
        self,
        session_id: str,
        subjects: Iterable[tuple[Scope, str]] = (),
        *,
        signed_in_at: int = 0,
        issued_at: int = 0,
        asked_after: Marks = (),
        newer_than: Marks = (),
    ) -> Watch:
        """Where news about a session would be found; worth keeping for repeated questions.

        :param subjects: what concerns it, as
            :func:`~flask_workos_sessions.coordination.watch.subjects` lists it.
        """
        ends, changes = [], []
        for scope, name in subjects:
            # Each costs a hash: those that many sessions have in common are kept.
            subject = (scope, name)
            digests = self._of_many.get(subject)
            if digests is None:
                digests = cut_off_digests(self._digests, scope, name)
                if scope in _OF_MANY:
                    if len(self._of_many) >= _MANY:
                        self._of_many.clear()
                    self._of_many[subject] = digests
            # Under every password: what was recorded before it was changed still holds.
            for digest in digests:
                changes.append((CHANGES_UNDER + digest, WEIGHTS[scope]))
                if scope in ENDS:
                    ends.append(ENDS_UNDER + digest)
        own = tuple(self.keys(session_id))
        return Watch(
            own[0],
            own,
            tuple(ends),
            tuple(changes),
            signed_in_at,
            issued_at,
            asked_after,
            newer_than,
        )

    def keys(self, session_id: str) -> list[str]:
        """Where the end of this session is recorded: under every password."""
        return ["ended:" + digest for digest in self._digests("ended", session_id)]

    def end(self, session_id: str, reason: str, *, until: float) -> Recorded:
        """Refuse the session up to ``until`` (epoch seconds)."""
        keys = self.keys(session_id)
        value = b"%d %s" % (math.ceil(until), reason.encode())
        seconds = self._seconds_to(until)
        shared_before = self._shared(keys)
        first = self._ended.add(keys[0], reason.encode(), seconds)
        # In one order everywhere: of two who end it at once, the first key tells who was first. By
        # then somebody with another password may have ended it under that alone.
        decides, *others = sorted(keys)
        if others and any(each.value is not None for each in self._state.ask_all(keys)):
            first = False
        first = self._state.add(decides, value, seconds) and first
        for other in others:
            self._state.add(other, value, seconds)
        shared = self._shared(keys)
        if first or (shared and not shared_before):
            self._recorded(keys)
        return Recorded(first, shared)

    def reason(self, session_id: str) -> str | None:
        """Why the session ended, or ``None``.

        :raises Unreadable: when that is required, and cannot be found out.
        """
        return self.look(self.watch(session_id))

    def reason_at(self, watch: Watch) -> str | None:
        """The same, for a watch that the caller has kept. An end that another process has made is
        noticed within a second: the shared state is asked once in that time."""
        ended = self._ended.get(watch.key)
        if ended is not None:
            return ended.decode()
        asked_at = watch.asked_at
        if (
            (self._believed_from < asked_at or not self._doubts.concern(watch))
            and 0 <= self._clock() - asked_at < BELIEVED_SECONDS
            and not watch.cut_off
        ):
            return None
        return self.look(watch)

    def look(self, watch: Watch) -> str | None:
        """The same, always from the shared state: before an exchange, and before a cookie. What a
        change asks of the session is noted in ``watch``."""
        ended = self._ended.get(watch.key)
        if ended is not None:
            return ended.decode()
        # Before asking: an answer may be old by the time that it comes.
        asked_at = self._clock()
        answers = self._state.ask_all(watch.keys)
        own, others = answers[: len(watch.own)], answers[len(watch.own) :]
        for answer in own:
            if answer.value is not None:
                recorded: bytes = answer.value
                until, _, reason = recorded.partition(b" ")
                self._ended.set(watch.key, reason, self._seconds_to(int(until)))
                return reason.decode()
        for answer in others[: len(watch.ends)]:
            cut_off = _cut_off(answer)
            if not cut_off or watch.signed_in_at > cut_off.at // 1000:
                continue
            if watch.signed_in_at <= cut_off.firm // 1000 or cut_off.keep not in watch.own:
                watch.cut_off = True
                return cut_off.reason
        if self._required and not all(answer.given for answer in answers):
            raise Unreadable
        older: dict[int, Change] = {}
        for (_, weight), answer in zip(watch.changes, others[len(watch.ends) :], strict=True):
            cut_off = _cut_off(answer)
            if cut_off and watch.is_older(cut_off.at):
                if watch.is_older(cut_off.told):
                    weight = max(weight, Change.TOLD)
                if watch.is_older(cut_off.firm):
                    weight = Change.CONFIRM
                mark = mark_of(answer.value)
                older[mark] = max(weight, older.get(mark, weight))
        watch.note(older)
        watch.found = tuple(answer.value for answer in others)
        watch.asked_at = asked_at
        return None

    def hear(self, keys: Sequence[str]) -> None:
        """This process has recorded something under these keys."""
        self.doubt(keys)
        self._recorded(keys)

    def doubt(self, keys: Collection[str] | None) -> None:
        """Something was recorded, by any process: of what it concerns, believe nothing that was
        found out before this moment.

        :param keys: where it was recorded; ``None`` when that is not known.
        """
        now = self._clock()
        self._doubts.note(keys, now)
        self._believed_from = now

    def _shared(self, keys: Sequence[str]) -> bool:
        return all(self._state.is_shared(key) for key in keys)

    def _seconds_to(self, until: float) -> int:
        return max(1, math.ceil(until - self._clock()))


def _cut_off(answer: Answer) -> CutOff | None:
    return None if answer.value is None else CutOff.read(answer.value)
