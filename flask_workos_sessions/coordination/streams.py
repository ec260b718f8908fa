"""The open pages of this process that are told at once: who they are, and how many there may be."""

from __future__ import annotations

import concurrent.futures.thread
import os
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from .bell import Bell
from .endings import Endings, Unreadable
from .process_lock import ProcessLock
from .shared_state import SharedState
from .watch import Change, Watch

#: Seconds that a stream lasts at most.
LIFE_SECONDS = 300
#: Seconds after that, in which a server has closed it: then its place is free in any case.
_GRACE_SECONDS = 60
#: Places that one person has at most, in any number of sessions; and no more than half of all.
MOST_OF_ONE = 4


class Stream:
    """One page that listens. Everything about it is of one process."""

    __slots__ = ("_event", "bye", "ended", "keys", "name", "person", "until", "watch")

    def __init__(self, watch: Watch, person: str, until: float) -> None:
        # Its own: what it has found is not what the requests of this session have found.
        self.watch = replace(watch)
        self.keys = frozenset(watch.keys)
        #: Whose session it is.
        self.person = person
        self.name = os.urandom(8)
        #: When (monotonic clock) it is over.
        self.until = until
        #: A newer one of the same session, or person, has taken over.
        self.bye = False
        #: The session has ended.
        self.ended = False
        self._event = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Wait until something happens, so many seconds at most; whether something did."""
        woken = self._event.wait(max(0.0, seconds))
        self._event.clear()
        return woken

    def wake(self) -> None:
        """Something may have happened."""
        self._event.set()


class Streams:
    """One stream per session, the newest; and never more than ``most`` in a process.

    Whoever comes when there is no room is refused at once: a stream holds a thread of the server,
    and requests need threads, too. A newer stream of a session has the place of the older one,
    which ends at once; until it has, there is one more. So has that of a person who has as many as
    one may have: of theirs the oldest ends.
    """

    def __init__(
        self,
        state: SharedState,
        endings: Endings,
        bell: Bell,
        most: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most = most
        self._most_of_one = max(1, min(MOST_OF_ONE, most // 2))
        #: Whether it was logged that this server cannot hold streams.
        self.told = False
        self._state = state
        self._endings = endings
        self._bell = bell
        self._monotonic = monotonic
        self._lock = ProcessLock()
        self._pid = os.getpid()
        self._open: dict[Stream, None] = {}  # the oldest first
        self._newest: dict[str, Stream] = {}
        bell.connect(hear=endings.doubt, wake=self.wake, needed=self._is_needed)

    def __len__(self) -> int:
        return len(self._open) if self._pid == os.getpid() else 0

    def open(self, watch: Watch, person: str, seconds: float = LIFE_SECONDS) -> Stream | None:
        """A stream of at most so many seconds for this session; ``None`` when there is no room.

        :param person: whose session it is.
        :raises RuntimeError: there can be no thread that looks for news. No place is taken then.
        """
        stream = Stream(watch, person, self._monotonic() + seconds)
        with self._lock:
            self._begin()
            if not self._has_room(stream):
                self._forget_lost()
                if not self._has_room(stream):
                    return None
            older = self._replaced_by(stream)
            if older is not None:
                older.bye = True
            self._open[stream] = None
            self._newest[watch.key] = stream
        if older is not None:
            older.wake()
        try:
            self._state.set(_place(watch), stream.name, int(seconds) + _GRACE_SECONDS)
            self._bell.attend()
        except BaseException:
            self.close(stream)
            raise
        return stream

    def close(self, stream: Stream) -> None:
        """Give a place back. Any number of times."""
        with self._lock:
            self._begin()
            self._remove(stream)

    def look(self, stream: Stream) -> bool:
        """Whether there is news about the session that this stream has not told of."""
        before = stream.watch.found
        try:
            stream.ended = self._endings.look(stream.watch) is not None
        except Unreadable:
            return False
        return stream.ended or stream.watch.found != before

    def first_look(self, stream: Stream) -> bool:
        """Whether the page may know less than it should, at the beginning of a stream."""
        return self.look(stream) or stream.watch.change >= Change.TOLD

    def check(self, stream: Stream) -> None:
        """Seldom: whether a newer stream is in another process, and the thread that looks lives."""
        self._bell.attend()
        newest = self._state.get(_place(stream.watch))
        stream.bye = stream.bye or newest not in (None, stream.name)

    def wake(self, keys: Collection[str] | None) -> None:
        """Let those look whose session has one of these keys, or all."""
        with self._lock:
            self._begin()
            found = [each for each in self._open if keys is None or not each.keys.isdisjoint(keys)]
        for stream in found:
            stream.wake()

    def _is_needed(self) -> bool:
        if is_stopping():
            self.wake(None)
        return len(self) > 0

    def _begin(self) -> None:
        # After a fork: the streams are the other process's.
        pid = os.getpid()
        if self._pid != pid:
            self._pid, self._open, self._newest = pid, {}, {}

    def _has_room(self, stream: Stream) -> bool:
        if len(self._of(stream.person)) > self._most_of_one:
            return False  # one that was replaced has not ended yet
        more = self._replaced_by(stream) is not None
        return len(self._open) < self.most + more

    def _replaced_by(self, stream: Stream) -> Stream | None:
        """Which one has to go, so that this one may come."""
        older = self._newest.get(stream.watch.key)
        if older is not None:
            return older
        staying = [each for each in self._of(stream.person) if not each.bye]
        return staying[0] if len(staying) >= self._most_of_one else None

    def _of(self, person: str) -> list[Stream]:
        return [each for each in self._open if each.person == person]

    def _remove(self, stream: Stream) -> None:
        self._open.pop(stream, None)
        if self._newest.get(stream.watch.key) is stream:
            del self._newest[stream.watch.key]

    def _forget_lost(self) -> None:
        """A server has to close what it was given; should one not do so, no place is lost."""
        now = self._monotonic()
        for stream in [each for each in self._open if each.until + _GRACE_SECONDS < now]:
            self._remove(stream)


def is_stopping() -> bool:
    """Whether this process is about to end, and waits for the threads of its pools: a server's
    are among them. The flag is not public; without it such a process ends a little later."""
    return bool(getattr(concurrent.futures.thread, "_shutdown", False))


def _place(watch: Watch) -> str:
    return "stream:" + watch.key
