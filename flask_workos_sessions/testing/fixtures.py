"""Fixtures for pytest: ``pytest_plugins = ["flask_workos_sessions.testing.fixtures"]``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..local import LocalWorkOS, MovableClock
from .settings import settings


@pytest.fixture
def workos_clock() -> MovableClock:
    """A clock that a test can move: pass it to ``WorkOSSessions(app, clock=workos_clock)``."""
    return MovableClock()


@pytest.fixture
def workos_settings() -> dict[str, Any]:
    """Settings without secrets, for apps whose tests sign in with ``login_as``."""
    return settings()


@pytest.fixture
def local_workos(workos_clock: MovableClock) -> Iterator[LocalWorkOS]:
    """A running LocalWorkOS on a free port, with its seeded people, on ``workos_clock``."""
    with LocalWorkOS(clock=workos_clock) as workos:
        yield workos
