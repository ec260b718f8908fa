"""Code exchanges have a small budget of their own (security R4)."""

from __future__ import annotations

import os

import pytest

from flask_workos_sessions.coordination.budget import AT_ONCE, IN_VAIN, SECONDS, Budget


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock) -> Budget:
    return Budget(clock=clock)


def spend(budget, calls, *, in_vain=True) -> int:
    """How many of so many calls were made, one after the other."""
    made = 0
    for _ in range(calls):
        if budget.take() == 0:
            made += 1
            budget.give_back(in_vain=in_vain)
    return made


def test_calls_in_vain_are_bounded_within_the_seconds(budget, clock):
    assert spend(budget, 1000) == IN_VAIN
    clock.now += 4
    assert budget.take() == SECONDS - 4
    clock.now += SECONDS - 4
    assert spend(budget, 1000) == IN_VAIN


def test_calls_that_succeed_are_not(budget):
    assert spend(budget, 1000, in_vain=False) == 1000


def test_a_few_run_at_once(budget):
    assert [budget.take() for _ in range(AT_ONCE)] == [0] * AT_ONCE
    assert budget.take() > 0
    budget.give_back(in_vain=False)
    assert budget.take() == 0


def test_those_that_run_count_as_if_they_came_to_nothing(budget):
    assert spend(budget, IN_VAIN - 1) == IN_VAIN - 1
    assert budget.take() == 0
    assert budget.take() > 0
    budget.give_back(in_vain=True)


def test_a_clock_that_is_set_back_stops_nobody(budget, clock):
    spend(budget, IN_VAIN)
    clock.now -= 1_000_000
    assert budget.take() == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_has_a_budget_of_its_own(budget):
    spend(budget, IN_VAIN - AT_ONCE)
    for _ in range(AT_ONCE):
        budget.take()
    pid = os.fork()
    if not pid:
        with budget._lock:
            pass
        os._exit(0 if budget.take() == 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
