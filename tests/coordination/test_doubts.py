"""News about somebody else are no reason to ask the shared state about a session again."""

from __future__ import annotations

import pytest

from flask_workos_sessions.coordination.doubts import MOST
from flask_workos_sessions.coordination.endings import Endings
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.local import MovableClock


class Counted(MemoryState):
    asked = 0

    def ask_all(self, keys):
        self.asked += 1
        return super().ask_all(keys)


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def state(clock):
    return Counted(clock=clock)


@pytest.fixture
def endings(state, clock):
    return Endings(state, lambda purpose, value: (f"{purpose}={value}",), clock=clock)


@pytest.fixture
def watch(endings, clock):
    """One that was looked at a moment ago."""
    subjects = [("person", "user_1"), ("organization", "org_1"), ("role", "admin")]
    watch = endings.watch("session_1", subjects, signed_in_at=900, issued_at=900)
    assert endings.reason_at(watch) is None
    clock.advance(0.1)
    return watch


def test_news_about_others_are_not_asked_for(endings, watch, state, clock):
    before = state.asked
    for number in range(900):
        endings.doubt([f"ended:ended=session_{number + 2}"])
        assert endings.reason_at(watch) is None
        if number % 150 == 0:
            clock.advance(0.1)
    assert state.asked == before


@pytest.mark.parametrize(
    "key",
    [
        "ended:ended=session_1",
        "ends:cut-off=person user_1",
        "changes:cut-off=organization org_1",
        "changes:cut-off=role admin",
    ],
)
def test_news_about_a_session_are_asked_for_at_once(endings, watch, state, clock, key):
    before = state.asked
    assert key in watch.keys
    endings.doubt(["ended:ended=session_2", key])
    endings.doubt(["ended:ended=session_3"])
    clock.advance(0.1)
    for _ in range(3):
        endings.reason_at(watch)
    assert state.asked == before + 1, "once"


def test_when_it_is_not_known_whom_it_is_about_all_are_asked(endings, watch, state, clock):
    before = state.asked
    endings.doubt(None)
    clock.advance(0.1)
    endings.reason_at(watch)
    assert state.asked == before + 1


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_remembered_of_a_flood_is_bounded(endings, watch, state, clock, at_once):
    keys = [f"ended:ended=session_{number + 2}" for number in range(MOST)]
    before = state.asked
    for some in [[*keys, "one more"]] if at_once else [[each] for each in [*keys, "one more"]]:
        endings.doubt(some)
        assert len(endings._doubts._heard) <= MOST
    clock.advance(0.1)
    endings.reason_at(watch)
    assert state.asked == before + 1


def test_news_from_before_matter_no_more_when_many_come(endings, watch, state, clock):
    for _ in range(3):
        endings.doubt([f"ended:{clock()} {number}" for number in range(MOST)])
        clock.advance(1)
    endings.look(watch)
    before = state.asked
    clock.advance(0.1)
    endings.doubt(["ended:ended=session_2"])
    endings.reason_at(watch)
    assert state.asked == before


def test_a_second_is_a_second_however_quiet_it_is(endings, watch, state, clock):
    before = state.asked
    clock.advance(0.9)
    endings.reason_at(watch)
    assert state.asked == before + 1


def test_what_this_process_records_is_doubted_before_others_are_told(state, clock, watch):
    heard = []
    digests = lambda purpose, value: (f"{purpose}={value}",)  # noqa: E731
    endings = Endings(
        state,
        digests,
        clock=clock,
        recorded=lambda keys: heard.append((keys, endings._doubts.concern(watch))),
    )
    endings.hear(["changes:cut-off=role admin"])
    assert heard == [(["changes:cut-off=role admin"], True)]
