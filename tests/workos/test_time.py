"""WorkOS's clock, told by the Date of its answers."""

from email.utils import formatdate

import pytest

from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.workos.time import WorkOSTime


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def time(clock):
    return WorkOSTime(clock)


def answer(time, clock, *, ahead, took=0.0, **headers):
    """WorkOS answers, by a clock that is ``ahead`` of ours."""
    asked = time.asked()
    clock.advance(took)
    time.told({"Date": formatdate(int(clock() + ahead), usegmt=True), **headers}, asked)


def test_without_an_answer_our_clock_is_believed(time, clock):
    assert not time.known
    assert time.now() == clock()


@pytest.mark.parametrize("ours", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("took", [0, 0.3, 2])
def test_a_clock_that_is_right_is_believed_to_the_second(time, clock, ours, took):
    clock.advance(ours)
    answer(time, clock, ahead=0, took=took)
    assert time.known
    assert time.now() == clock()


@pytest.mark.parametrize("ahead", [5, 90, 600])
@pytest.mark.parametrize("took", [0, 0.5])
def test_a_clock_that_is_wrong_is_put_right_and_never_too_early(time, clock, ahead, took):
    for _ in range(20):
        clock.advance(1.37)
        answer(time, clock, ahead=ahead, took=took)
    assert clock() + ahead <= time.now() <= clock() + ahead + 0.1 + took


def test_one_answer_tells_it_to_a_second(time, clock):
    clock.advance(100)
    answer(time, clock, ahead=-60)
    assert clock() - 60 <= time.now() <= clock() - 59


def test_a_clock_that_was_set_is_followed(time, clock):
    answer(time, clock, ahead=60)
    clock.advance(60)
    answer(time, clock, ahead=0)
    assert time.now() == clock()


@pytest.mark.parametrize("date", ["", "noon", "Fri, 99 Nov 2026 12:00:00 GMT"])
def test_a_date_that_cannot_be_read_tells_nothing(time, date):
    time.told({"Date": date}, 0)
    assert not time.known


def test_what_a_cache_has_kept_tells_nothing(time, clock):
    answer(time, clock, ahead=60, Age="5")
    assert not time.known
