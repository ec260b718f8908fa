"""The movable clock."""

from __future__ import annotations

import time

import pytest

from flask_workos_sessions.local import MovableClock


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's own clocks, which stand until a test sets them."""
    now = [5000.0]
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000 + now[0])
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_it_shows_the_present_and_runs_along(machine):
    clock = MovableClock()
    machine[0] += 7
    assert clock() == 1_700_005_007


def test_it_can_be_moved_both_ways_while_it_runs(machine):
    clock = MovableClock(1000)
    assert clock() == 1000
    machine[0] += 1
    assert clock.advance(10)() == 1011
    assert clock.advance(-20)() == 991


def test_a_frozen_clock_shows_its_start_sharp_and_stands(machine):
    clock = MovableClock(1000)
    machine[0] += 3
    clock.freeze()
    machine[0] += 3
    assert clock() == 1000
    assert clock.advance(5)() == 1005


def test_set_leaves_a_frozen_clock_frozen_and_a_running_one_running(machine):
    frozen, running = MovableClock(0).freeze().set(50), MovableClock(0).set(50)
    assert (frozen(), running()) == (50, 50)
    machine[0] += 2
    assert (frozen(), running()) == (50, 52)


def test_it_runs_on_from_what_it_shows(machine):
    clock = MovableClock(0)
    clock()
    machine[0] += 4
    clock.freeze()
    machine[0] += 100
    clock.run()
    assert clock() == 4
    machine[0] += 1
    assert clock() == 5


def test_to_run_a_running_clock_changes_nothing(machine):
    clock = MovableClock(0)
    clock()
    machine[0] += 4
    clock.run()
    machine[0] += 1
    assert clock() == 5
