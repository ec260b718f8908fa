"""One of several processes that share a store, and what can happen to the store."""

from __future__ import annotations

import secrets

import pytest

from flask_workos_sessions.coordination import layered
from flask_workos_sessions.coordination.breaker import PAUSE_SECONDS
from flask_workos_sessions.coordination.watch import subjects
from flask_workos_sessions.parts import PARTS

OLD, NEW = secrets.token_hex(32), secrets.token_hex(32)
EVERYBODY = subjects("user_a", None, ())


class Time:
    """Monotonic seconds that a test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def running(state, time):
    state._monotonic = state.breaker._monotonic = time
    return state


def empty(shared, state):
    if shared.kind == "redis":
        state._store.backend._redis().flushall()
    else:
        with state._store.backend._connection() as connection:
            connection.execute("DELETE FROM entries")


def away(state, monkeypatch):
    """The store fails, as long as the returned context lasts."""
    patch = pytest.MonkeyPatch()

    def fail(*_):
        raise OSError

    for name in ("get", "get_many", "set", "add", "delete", "remove"):
        patch.setattr(state._store.backend, name, fail)
    return patch


class Process:
    """The parts of an app that record ends, with a monotonic clock of their own."""

    def __init__(self, store, **config):
        self.time = Time()
        self.parts = store.app(**config).extensions[PARTS]
        self.ends = running(self.parts.endings._state, self.time)
        self.state = running(self.parts.state, self.time)

    def look(self, began):
        watch = self.parts.endings.watch("session", EVERYBODY, signed_in_at=began)
        return self.parts.endings.look(watch)

    def end(self, at, **more):
        return self.parts.cut_offs.end("everybody", "", "revoked", at=at, **more)

    def pause(self):
        self.time.now += PAUSE_SECONDS + layered.LIFE_SECONDS
