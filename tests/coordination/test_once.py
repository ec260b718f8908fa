"""What is done once among all processes, whoever is killed and whatever password is in use."""

import pytest

from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.coordination.once import BEGUN_SECONDS, DONE_SECONDS, Once, Turn
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.throttle import PAUSE_SECONDS, Throttle


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def state(clock):
    return MemoryState(clock=clock)


@pytest.fixture
def process(state):
    def process(passwords="a"):
        return Once(state, lambda purpose, name: [f"{name}-{each}" for each in passwords], "event")

    return process


def test_one_does_it_and_the_others_know(process):
    one, two = process(), process()
    assert one.begin("x") is Turn.MINE
    assert two.begin("x") is Turn.ANOTHER
    one.done("x")
    assert two.begin("x") is one.begin("x") is Turn.NOBODY
    assert two.begin("y") is Turn.MINE


def test_what_failed_is_the_next_one_s(process):
    one, two = process(), process()
    one.begin("x")
    one.undo("x")
    assert two.begin("x") is Turn.MINE


def test_who_was_killed_has_not_done_it(process, clock):
    process().begin("x")
    clock.advance(BEGUN_SECONDS - 1)
    assert process().begin("x") is Turn.ANOTHER
    clock.advance(1)
    assert process().begin("x") is Turn.MINE


def test_it_is_remembered_for_longer_than_workos_tries(process, clock):
    one = process()
    one.begin("x")
    one.done("x")
    clock.advance(3 * 86_400)
    assert one.begin("x") is Turn.NOBODY
    clock.advance(DONE_SECONDS)
    assert one.begin("x") is Turn.MINE


@pytest.mark.parametrize(
    ("first", "second"), [("a", "ab"), ("ab", "a"), ("ab", "ba"), ("ba", "b"), ("b", "ab")]
)
def test_processes_with_other_passwords_in_use_find_each_other(process, state, first, second):
    one, two = process(first), process(second)
    assert one.begin("x") is Turn.MINE
    assert two.begin("x") is Turn.ANOTHER
    one.done("x")
    assert two.begin("x") is Turn.NOBODY
    one.undo("x")
    assert len(state) == 0, "who was not the first leaves nothing behind"


def test_the_names_are_hashed(state):
    Once(state, lambda purpose, name: [f"{purpose} hashed"], "event").begin("event_1")
    assert [key for key, _, _ in state.items()] == ["event:event hashed"]


def test_one_line_in_ten_seconds_with_the_count_of_the_others():
    now = [0.0]
    throttle = Throttle(monotonic=lambda: now[0])
    assert throttle.admit() == 0
    for _ in range(999):
        assert throttle.admit() is None
    now[0] = PAUSE_SECONDS
    assert throttle.admit() == 999
    now[0] = 5 * PAUSE_SECONDS
    assert throttle.admit() == 0
