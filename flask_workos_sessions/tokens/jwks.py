"""The key set, kept for a while: an outage of WorkOS's must not sign anybody out."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from joserfc.jwk import RSAKey

from .key_set import KeySet, parse_keys
from .refusals import SKEW, KeysUnavailable, KeyUnknown

log = logging.getLogger("flask_workos_sessions")

__all__ = ["KeySetCache", "KeyUnknown", "KeysUnavailable"]

#: Seconds for which a key set is used without asking for a newer one.
FRESH = 3600
#: Seconds for which the last good key set serves when no newer one can be had (security C5).
STALE = 24 * 3600
#: Seconds between two fetches of one process, whatever keys are asked for.
FETCH_INTERVAL = 60
#: Seconds between two looks of one process at what others have fetched.
LOOK_INTERVAL = 1
#: Seconds for which a thread without any key waits for another one's fetch.
WAIT = 3.0

_SHARED = "jwks"


class Shared(Protocol):
    """What processes share, as far as it is needed here. Raises nothing."""

    def get(self, key: str) -> bytes | None: ...
    def set(self, key: str, value: bytes, seconds: int) -> None: ...


@dataclass(slots=True, eq=False)
class _Flight:
    """A fetch that is under way, or that whoever comes first makes.

    ``begun`` is of the monotonic clock.
    """

    serial: int
    taken: bool = False
    begun: float = field(default_factory=time.monotonic)
    landed: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True, eq=False)
class _Fetches:
    """The fetches of one process. ``last_at`` is when the last one began, ``looked_at`` when the
    process last looked at what others have fetched; ``look`` is set when that look has ended."""

    pid: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)
    flight: _Flight | None = None
    last_at: float | None = None
    looked_at: float | None = None
    look: threading.Event = field(default_factory=threading.Event)


class KeySetCache:
    """The JWKS of one WorkOS application.

    A set is fresh for an hour. After that it is fetched again, beside the requests; when that fails
    the old one serves for up to 24 hours in all. One thread of a process fetches, without holding a
    lock, and at most once a minute. Threads that have a usable key never wait for it.

    :param fetch: returns the document, and raises anything when it cannot.
    :param clock: tells seconds since the epoch.
    :param state: where processes share the last good set, so that one fetch serves all.
    :param beside: runs a call soon, in another thread; without it the request at hand does.
    """

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, Any]],
        *,
        clock: Callable[[], float] = time.time,
        state: Shared | None = None,
        beside: Callable[[Callable[[], object]], object] = lambda call: call(),
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._state = state
        self._beside = beside
        self._held: KeySet | None = None
        self._fetches = _Fetches()
        self._serials = itertools.count()

    def holds(self, kid: str) -> bool:
        """Whether the key is in a set of at most 24 hours (security C4). Does no I/O."""
        return self._held_key(kid, STALE) is not None

    def find(self, kid: str, issued_at: float, *, wait: float = WAIT) -> RSAKey:
        """The key with this id, for a token that was issued at ``issued_at`` (epoch seconds).

        Waits for the network, ``wait`` seconds at most, only when there is no usable key.

        :raises KeyUnknown: when a key set that was fetched after that lacks it.
        :raises KeysUnavailable: when no such key set can be had just now.
        """
        key = self._held_key(kid, FRESH)
        if key is not None:
            return key
        key = self._held_key(kid, STALE)
        if key is not None:
            self._renew(kid)
            return key
        fetched = None if self._adopt(kid) else self._fetch_or_wait(kid, wait)
        key = self._held_key(kid, STALE)
        if key is not None:
            return key
        if fetched is not None and kid not in fetched:
            # That fetch began after the token had reached us.
            raise KeyUnknown
        held = self._held
        # Any other must have begun after the second in which the token was issued (``iat`` has no
        # fraction), by clocks that may differ: which those of other hosts may by even more.
        if (
            held is not None
            and held.own
            and self._age(held) <= STALE
            and held.fetched_at >= issued_at + 1 + SKEW
        ):
            raise KeyUnknown
        raise KeysUnavailable("the key set cannot be fetched")

    def prepare(self, kid: str) -> None:
        """Have this key fetched, unless it is at hand. Neither waits nor raises."""
        if self._held_key(kid, FRESH) is None:
            self._renew(kid)

    def seed(self, jwks: Mapping[str, Any]) -> None:
        """Hold this document as if it had been fetched now.

        :raises ValueError: when there is no usable key in it.
        """
        self._held = KeySet(parse_keys(jwks), self._clock(), next(self._serials))

    def _held_key(self, kid: str, seconds: float) -> RSAKey | None:
        """The key, if the set that we hold is not older than that."""
        held = self._held
        if held is None or kid not in held.keys or self._age(held) > seconds:
            return None
        return held.keys[kid]

    def _age(self, held: KeySet) -> float:
        # The clock may have been set back since; a set from the future must not live for ever.
        return abs(self._clock() - held.fetched_at)

    # Fetching.

    def _renew(self, kid: str) -> None:
        """Fetch the key set beside the request, if that may be done."""
        fetches = self._of_this_process()
        with fetches.lock:
            flight = self._begin(fetches)
        if flight is not None:
            # When there is no room for it, whoever needs a key takes it, or the next minute does.
            self._beside(partial(self._fly, fetches, flight, kid))

    def _fetch_or_wait(self, kid: str, wait: float) -> Mapping[str, RSAKey] | None:
        """Fetch the key set if that may be done: the keys, if this call did, with success.

        While another thread fetches, this one waits a moment for it. Who may not wait for as long
        as a fetch may take has it made beside.
        """
        fetches = self._of_this_process()
        with fetches.lock:
            begun = self._begin(fetches)
            flight = begun or fetches.flight
        if flight is None:
            return None
        fetched = None
        if wait >= WAIT:
            fetched = self._fly(fetches, flight, kid)
        elif begun is not None:
            self._beside(partial(self._fly, fetches, flight, kid))
        flight.landed.wait(max(0.0, min(wait, flight.begun + WAIT - time.monotonic())))
        return fetched

    def _begin(self, fetches: _Fetches) -> _Flight | None:
        now = self._clock()
        if fetches.last_at is not None and abs(now - fetches.last_at) < FETCH_INTERVAL:
            return None
        fetches.last_at = now
        fetches.flight = _Flight(next(self._serials))
        return fetches.flight

    def _fly(self, fetches: _Fetches, flight: _Flight, kid: str) -> Mapping[str, RSAKey] | None:
        """Make a fetch, unless another thread does: the keys, or ``None`` without success."""
        with fetches.lock:
            if flight.taken:
                return None
            flight.taken = True
        try:
            if self._adopt(kid) and self._held_key(kid, FRESH) is not None:
                fetches.last_at = None  # there was no need to fetch
                return None
            begun = self._clock()
            fetched = KeySet(parse_keys(self._fetch()), begun, flight.serial)
            with fetches.lock:
                # A fetch that hung, and lands after a later one, brings older news.
                newest = self._held is None or self._held.serial < flight.serial
                if newest:
                    self._held = fetched
        except Exception as fault:
            # Whatever went wrong, the set that we hold is better than none. Only the kind of
            # fault is told: its text may hold an address.
            log.warning(
                "WorkOS's key set cannot be fetched (%s): check WORKOS_BASE_URL and "
                "WORKOS_CLIENT_ID if that goes on.",
                type(fault).__name__,
            )
            return None
        finally:
            flight.landed.set()
        if newest:
            self._share(fetched)
        return fetched.keys

    def _of_this_process(self) -> _Fetches:
        if self._fetches.pid != os.getpid():
            # In a child process: whoever fetched, or held the lock, stayed behind.
            self._fetches = _Fetches()
        return self._fetches

    # Sharing.

    def _share(self, held: KeySet) -> None:
        value = held.to_bytes()
        if self._state is not None and value is not None:
            self._state.set(_SHARED, value, STALE)

    def _adopt(self, kid: str) -> bool:
        """Hold what another process has fetched, if it is newer and has the key."""
        fetches, now = self._of_this_process(), self._clock()
        with fetches.lock:
            looked_at, look = fetches.looked_at, fetches.look
            looks = looked_at is None or abs(now - looked_at) >= LOOK_INTERVAL
            if looks:
                fetches.looked_at = now
                look = fetches.look = threading.Event()
        if not looks:
            # Another thread may be about to find it: to fetch it as well would take longer.
            look.wait(WAIT)
            return self._held_key(kid, STALE) is not None
        try:
            return self._look(fetches, kid)
        finally:
            look.set()

    def _look(self, fetches: _Fetches, kid: str) -> bool:
        value = None if self._state is None else self._state.get(_SHARED)
        found = None if value is None else KeySet.from_bytes(value, next(self._serials))
        if found is None or kid not in found.keys or self._age(found) > STALE:
            return False
        with fetches.lock:
            if self._held is not None and self._held.fetched_at >= found.fetched_at:
                return False
            self._held = found
        return True
