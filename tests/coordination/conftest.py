"""Shared state of every kind, each as an app has it, with a clock that moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.coordination.shared_state import SharedState
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.parts import PARTS
from flask_workos_sessions.testing import settings


class Shared:
    """One kind of shared state. Every ``process()`` is to the others what a process would be."""

    def __init__(self, kind: str, config: dict[str, Any]) -> None:
        self.kind = kind
        self.config = settings(**config, WORKOS_CACHE_TYPE=kind)
        self.clock = MovableClock()
        self.clock.freeze()
        self._only: SharedState | None = None

    def app(self, **config: Any) -> Flask:
        app = Flask("one of several")
        app.config.update({**self.config, **config})
        WorkOSSessions(app, clock=self.clock)
        return app

    def process(self, **config: Any) -> Any:
        """The shared state as a process of its own sees it; memory is that of one process."""
        if self.kind == "memory" and self._only is not None and not config:
            return self._only
        state = self.app(**config).extensions[PARTS].state
        self._only = self._only or state
        return state

    def wait(self, seconds: int) -> None:
        """Let time pass: our clock, and for Redis its own."""
        self.clock.advance(seconds)
        if self.kind == "redis":
            time.sleep(seconds + 0.05)


@pytest.fixture
def make_shared(request: pytest.FixtureRequest, tmp_path: Any) -> Callable[[str], Shared]:
    def make(kind: str) -> Shared:
        config = {}
        if kind == "redis":
            config["WORKOS_CACHE_REDIS_URL"] = request.getfixturevalue("redis_server").url
        if kind == "sqlite":
            config["WORKOS_CACHE_DIR"] = str(tmp_path / "state")
        return Shared(kind, config)

    return make


@pytest.fixture(params=["memory", "sqlite", "redis"])
def shared(request: pytest.FixtureRequest, make_shared: Callable[[str], Shared]) -> Shared:
    """Every kind."""
    return make_shared(request.param)


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, make_shared: Callable[[str], Shared]) -> Shared:
    """The kinds that processes share."""
    return make_shared(request.param)
