"""The key set, kept for a while: an outage of WorkOS's must not sign anybody out."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import RSAKey

from .key_set import parse_keys
from .refusals import KeysUnavailable, KeyUnknown

log = logging.getLogger("flask_workos_sessions")

__all__ = ["KeySetCache", "KeyUnknown", "KeysUnavailable"]

#: Seconds for which a key set is used without asking for a newer one.
FRESH = 3600
#: Seconds for which the last good key set serves when no newer one can be had (security C5).
STALE = 24 * 3600
#: Seconds between two fetches of one process, whatever keys are asked for.
FETCH_INTERVAL = 60
#: Seconds for which a thread without any key waits for another one's fetch.
WAIT = 5.0


@dataclass(frozen=True, slots=True)
class _KeySet:
    keys: Mapping[str, RSAKey]
    fetched_at: float
    serial: int


@dataclass(slots=True, eq=False)
class _Flight:
    """A fetch that is under way. ``begun`` is of the monotonic clock."""

    serial: int
    begun: float = field(default_factory=time.monotonic)
    landed: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True, eq=False)
class _Fetches:
    """The fetches of one process. ``last_at`` is when the last one began."""

    pid: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)
    flight: _Flight | None = None
    last_at: float | None = None


class KeySetCache:
    """The JWKS of one WorkOS application.

    ``fetch`` returns the document and raises anything when it cannot; ``clock`` tells seconds
    since the epoch. A set is fresh for an hour. After that it is fetched again; when that fails
    the old one serves for up to 24 hours in all. One thread fetches, without holding a lock, and
    at most once a minute. Threads that have a usable key never wait for it.
    """

    def __init__(
        self, fetch: Callable[[], Mapping[str, Any]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._held: _KeySet | None = None
        self._fetches = _Fetches()
        self._serials = itertools.count()

    def holds(self, kid: str) -> bool:
        """Whether the key is in a set of at most 24 hours (security C4). Does no I/O."""
        held = self._held
        return held is not None and kid in held.keys and self._age(held) <= STALE

    def due(self, kid: str) -> bool:
        """Whether :meth:`find` would fetch for this key. Does no I/O."""
        held = self._held
        if held is not None and kid in held.keys and self._age(held) <= FRESH:
            return False
        return self._may_fetch()

    def find(self, kid: str, issued_at: float) -> RSAKey:
        """The key with this id, for a token that was issued at ``issued_at`` (epoch seconds).

        :raises KeyUnknown: when a key set that was fetched after that lacks it.
        :raises KeysUnavailable: when no such key set can be had just now.
        """
        held = self._held
        if held is not None and kid in held.keys and self._age(held) <= FRESH:
            return held.keys[kid]
        fetched = self._refetch(waits=not self.holds(kid))
        held = self._held
        if held is not None and self._age(held) <= STALE:
            if kid in held.keys:
                return held.keys[kid]
            # A fetch of this call began after the token reached us. Any other must have begun
            # after the second in which the token was issued: ``iat`` has no fraction.
            if fetched or held.fetched_at >= issued_at + 1:
                raise KeyUnknown
        raise KeysUnavailable("the key set cannot be fetched")

    def seed(self, jwks: Mapping[str, Any]) -> None:
        """Hold this document as if it had been fetched now.

        :raises ValueError: when there is no usable key in it.
        """
        self._held = _KeySet(parse_keys(jwks), self._clock(), next(self._serials))

    def _age(self, held: _KeySet) -> float:
        # The clock may have been set back since; a set from the future must not live for ever.
        return abs(self._clock() - held.fetched_at)

    def _refetch(self, *, waits: bool) -> bool:
        """Fetch the key set if that may be done; true if this call did, with success.

        While another thread fetches, this one waits a moment for it, if it ``waits``.
        """
        fetches = self._fetches
        if fetches.pid != os.getpid():
            # In a child process: whoever fetched, or held the lock, stayed behind.
            fetches = self._fetches = _Fetches()
        with fetches.lock:
            leads = self._may_fetch()
            if leads:
                fetches.last_at = self._clock()
                fetches.flight = _Flight(next(self._serials))
            flight = fetches.flight
        if flight is None:
            return False
        if leads:
            return self._fly(flight, fetches.lock)
        if waits:
            flight.landed.wait(max(0.0, flight.begun + WAIT - time.monotonic()))
        return False

    def _fly(self, flight: _Flight, lock: threading.Lock) -> bool:
        begun = self._clock()
        try:
            held = _KeySet(parse_keys(self._fetch()), begun, flight.serial)
        except Exception as fault:
            # Whatever went wrong, the set that we hold is better than none. Only the kind of
            # fault is told: its text may hold an address.
            log.warning("WorkOS's key set cannot be fetched (%s).", type(fault).__name__)
            return False
        else:
            with lock:
                # A fetch that hung, and lands after a later one, brings older news.
                if self._held is None or self._held.serial < flight.serial:
                    self._held = held
            return True
        finally:
            flight.landed.set()

    def _may_fetch(self) -> bool:
        last_at = self._fetches.last_at
        return last_at is None or abs(self._clock() - last_at) >= FETCH_INTERVAL
