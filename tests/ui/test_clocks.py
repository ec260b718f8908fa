"""Clocks that stand still, jump, or run for weeks: they say when to ask, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

STATUS = "/auth/session"
DIALOG = "dialog"
DAY = 86_400

#: The steady clock stands still in sleep on some systems, the other one never does.
SLEEP = {
    "both clocks": "() => {}",
    "a steady clock that stood still": (
        "(seconds) => { const steady = performance.now.bind(performance);"
        " performance.now = () => steady() - seconds * 1000; }"
    ),
}


def state(page: Page) -> str:
    shown: str = page.evaluate("workosSession.state")
    return shown


def sleep(site: Any, page: Page, seconds: int, how: str = "both clocks") -> None:
    """A computer that is closed and opened: no timer ran, all the due ones run once."""
    page.evaluate(SLEEP[how], seconds)
    site.elapsed += seconds
    page.clock.fast_forward(seconds * 1000)
    site.settle(page)
    site.run(page, 1)


@pytest.mark.parametrize("how", SLEEP)
def test_sleep_past_the_end_ends_as_the_server_says(site: Any, how: str) -> None:
    page = site.show(1740)
    site.end("inactivity")
    sleep(site, page, 3600, how)
    assert state(page) == "ended"
    assert site.asked == [f"GET {STATUS}"]
    expect(page.locator("#note")).not_to_be_attached()


@pytest.mark.parametrize("how", SLEEP)
def test_sleep_past_the_end_of_a_session_that_goes_on_shows_nothing(site: Any, how: str) -> None:
    """Another tab, another window of the same person stayed signed in."""
    page = site.show(600)
    site.answer(5340)
    sleep(site, page, 3600, how)
    assert state(page) == "active"
    assert site.count(f"GET {STATUS}") == len(site.asked) >= 1
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator("#note")).to_be_visible()


def test_sleep_past_the_end_covers_the_page_while_the_answer_is_awaited(site: Any) -> None:
    page = site.show(600)
    site.answers[STATUS] = 200, "hold"
    page.clock.fast_forward(3600_000)
    site.run_blindly(page, 2)
    assert state(page) == "checking"
    expect(page.locator(DIALOG)).to_be_visible()


def test_sleep_into_the_warning_leaves_time_to_read_it(site: Any) -> None:
    """WCAG 2.2.1: at least 20 seconds. With less than that it is the banner that says it."""
    page = site.show(600)
    site.answer(600)
    sleep(site, page, 585)
    assert state(page) == "warning"
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator("[data-workos-banner]")).to_contain_text("You'll be signed out in")


@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_that_is_set_otherwise_ends_nothing_and_warns_of_nothing(
    site: Any, days: int
) -> None:
    page = site.show(1740)
    site.answer(1740)
    jump = days * DAY * 1000
    page.evaluate(f"const real = Date.now; Date.now = () => real() + {jump}")
    site.run(page, 35)
    assert state(page) == "active"
    assert site.asked
    assert set(site.asked) == {f"GET {STATUS}"}
    expect(page.locator(DIALOG)).to_be_hidden()
    assert 1700 <= page.evaluate("workosSession.info.expiresIn") <= 1710


def test_a_clock_that_is_set_forward_is_no_reason_to_say_anything_else(site: Any) -> None:
    """It shows while the server does not answer: nothing has been taken away then."""
    page = site.show(1740)
    page.evaluate(f"const real = Date.now; Date.now = () => real() + {DAY * 1000}")
    site.run(page, 35)
    assert state(page) == "offline"
    expect(page.locator("#note")).to_be_attached()
    site.answer(1740)
    page.get_by_role("button", name="Try again").click()
    site.settle(page)
    assert state(page) == "active"


def test_a_clock_that_is_set_back_gives_no_time(site: Any) -> None:
    page = site.show(130)
    site.answer(130)
    page.evaluate(f"const real = Date.now; Date.now = () => real() - {DAY * 1000}")
    site.run(page, 12)
    assert state(page) == "warning"


@pytest.mark.parametrize("days", [26, 60, 400])
def test_a_session_of_weeks_does_not_ask_without_a_pause(site: Any, days: int) -> None:
    """A timer of more than 24.8 days runs at once, for browsers count in 31 bits."""
    page = site.show(days * DAY, config={"poll": 0})
    page.evaluate(
        "() => { window.timers = 0; const real = setTimeout;"
        " window.setTimeout = (...given) => { timers++; return real(...given); }; }"
    )
    page.evaluate("dispatchEvent(new Event('online'))")
    site.run(page, 20)
    assert page.evaluate("timers") == 1
    assert site.asked == []
    assert state(page) == "active"


def test_a_session_of_weeks_is_warned_of_all_the_same(site: Any) -> None:
    page = site.show(60 * DAY, config={"poll": 0})
    site.answer(60 * DAY)
    page.clock.fast_forward((60 * DAY - 400) * 1000)
    site.elapsed += 60 * DAY - 400
    site.settle(page)
    assert state(page) == "active"
    site.run(page, 102)
    assert state(page) == "notice"
    assert set(site.asked) == {f"GET {STATUS}"}


def test_time_that_an_answer_was_under_way_is_not_given_away(site: Any) -> None:
    """The remaining time counts from the question, for nobody knows when it was answered."""
    page = site.show(1740)
    site.answers[STATUS] = 200, "hold"
    page.evaluate("void workosSession.check()")
    site.run_blindly(page, 7)
    site.held[0].fulfill(json=site.status(500, ver=9))
    site.settle(page)
    assert page.evaluate("workosSession.info.expiresIn") == 493


def test_time_that_the_page_was_under_way_is_not_given_away(site: Any) -> None:
    """It may have been kept for a while before it was shown."""
    page = site.show(500)
    begun = page.evaluate("performance.now()")
    assert page.evaluate("workosSession.info.expiresIn") == 500 - begun // 1000
