"""WorkOS's clock, told by the Date of its answers."""

from email.utils import formatdate

import pytest

from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.workos.time import WorkOSTime


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def steady():
    """By how many seconds our clock was set: the steady one runs on."""
    return [0.0]


@pytest.fixture
def time(clock, steady):
    return WorkOSTime(clock, monotonic=lambda: clock() - steady[0])


def answer(time, clock, *, ahead, took=0.0, **headers):
    """WorkOS answers, by a clock that is ``ahead`` of ours."""
    asked = time.asked()
    clock.advance(took)
    time.told({"Date": formatdate(int(clock() + ahead), usegmt=True), **headers}, asked)


def test_without_an_answer_our_clock_is_believed(time, clock):
    assert not time.known
    assert time.latest is None


@pytest.mark.parametrize("ours", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("ahead", [-60, -0.9, -0.2, 0, 0.2, 0.9, 60])
@pytest.mark.parametrize("took", [0, 0.3, 1])
def test_one_answer_tells_it_to_a_second_and_never_too_early(time, clock, ours, ahead, took):
    """Security W2: an end that is a little too early leaves those who have just signed in."""
    clock.advance(ours)
    answer(time, clock, ahead=ahead, took=took)
    assert time.known
    assert clock() + ahead <= time.latest <= clock() + ahead + 1 + took + 1e-6


@pytest.mark.parametrize("ahead", [-0.9, 0, 0.9, 5, 90, 600])
@pytest.mark.parametrize("took", [0, 0.5])
def test_several_answers_tell_it_more_exactly(time, clock, ahead, took):
    for _ in range(20):
        clock.advance(1.37)
        answer(time, clock, ahead=ahead, took=took)
    assert clock() + ahead <= time.latest <= clock() + ahead + 0.1 + took


def test_an_answer_that_was_long_on_its_way_is_better_than_none(time, clock):
    answer(time, clock, ahead=600, took=15)
    assert not time.known
    assert clock() + 600 <= time.latest <= clock() + 616
    answer(time, clock, ahead=600)
    assert time.known
    assert clock() + 600 <= time.latest <= clock() + 601


def test_a_clock_that_was_set_is_followed(time, clock):
    answer(time, clock, ahead=60)
    clock.advance(60)
    answer(time, clock, ahead=0)
    assert clock() <= time.latest <= clock() + 1


@pytest.mark.parametrize("by", [-3600, -60, -2, 2, 60, 3600])
def test_security_w2_a_clock_that_was_set_since_the_last_answer_is_noticed(time, clock, steady, by):
    answer(time, clock, ahead=0)
    assert time.known
    steady[0] += by
    clock.advance(by)
    there = clock() - by
    assert not time.known
    assert time.latest >= there, "an end that is too early leaves somebody in"
    answer(time, clock, ahead=-by)
    assert time.known
    assert there <= time.latest <= there + 1


@pytest.mark.parametrize("date", ["", "noon", "Fri, 99 Nov 2026 12:00:00 GMT"])
def test_a_date_that_cannot_be_read_tells_nothing(time, date):
    time.told({"Date": date}, 0)
    assert not time.known


def test_what_a_cache_has_kept_tells_nothing(time, clock):
    answer(time, clock, ahead=60, Age="5")
    assert not time.known
