"""How often the page asks: seldom, less when nobody is there, not at all when nobody looks."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

STATUS, EXTEND = "/auth/session", "/auth/session/extend"
FOREVER = {"because": None, "extendable": False, "idle_in": None, "max_in": None}


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable:"
        " true }); document.dispatchEvent(new Event('visibilitychange', { bubbles: true })); }",
        hidden,
    )


def moments(site: Any, page: Page, seconds: int) -> list[int]:
    """The seconds, counted from now, at which a question came."""
    found = []
    for second in range(1, seconds + 1):
        before = len(site.asked)
        site.run(page, 1)
        found += [second] * (len(site.asked) - before)
    return found


def gaps(times: list[int]) -> list[int]:
    return [later - earlier for earlier, later in zip([0, *times], times, strict=False)]


def test_a_visible_page_asks_every_half_minute(site: Any) -> None:
    page = site.show(1740)
    site.answer(1740)
    asked = gaps(moments(site, page, 200))
    assert 5 <= len(asked) <= 7
    assert all(27 <= each <= 34 for each in asked)
    assert set(site.asked) == {f"GET {STATUS}"}


def test_the_intervals_differ_so_that_pages_do_not_ask_in_step(site: Any) -> None:
    """Ten per cent more or less."""
    page = site.show(None, **FOREVER)
    site.answer(None, **FOREVER)
    for share, least, most in ((0, 26.9, 27.1), (0.999999, 32.9, 33.1)):
        page.evaluate("share => { Math.random = () => share; }", share)
        page.evaluate("workosSession.check()")
        site.settle(page)
        site.asked.clear()
        page.clock.run_for(int(least * 1000))
        site.settle(page)
        assert site.asked == []
        page.clock.run_for(int((most - least) * 1000) + 250)
        site.settle(page)
        assert site.asked == [f"GET {STATUS}"]


def test_it_asks_half_as_often_when_nobody_has_done_anything_for_ten_minutes(site: Any) -> None:
    site.chance = 0.5
    page = site.show(None, **FOREVER)
    site.answer(None, **FOREVER)
    page.clock.run_for(610_000)
    site.settle(page)
    page.evaluate("workosSession.check()")
    site.settle(page)
    assert gaps(moments(site, page, 130)) == [60, 60]
    page.mouse.click(300, 300)
    assert gaps(moments(site, page, 100))[1:] == [30]


@pytest.mark.parametrize("gesture", ["key", "pointer", "wheel"])
def test_whoever_does_something_is_asked_for_as_before(site: Any, gesture: str) -> None:
    site.chance = 0.5
    page = site.show(None, **FOREVER)
    site.answer(None, **FOREVER)
    page.clock.run_for(900_000)
    if gesture == "key":
        page.keyboard.press("a")
    elif gesture == "pointer":
        page.mouse.click(300, 300)
    else:
        page.mouse.wheel(0, 10)
        page.wait_for_timeout(100)
    page.evaluate("workosSession.check()")
    site.settle(page)
    assert gaps(moments(site, page, 61)) == [30, 30]


def test_questions_without_an_answer_become_rare(site: Any) -> None:
    """Twice, four and eight times the interval, not more; one answer, and it is as before."""
    site.chance = 0.5
    page = site.show(None, **FOREVER)
    assert gaps(moments(site, page, 700)) == [30, 60, 120, 240, 240]
    page.keyboard.press("a")
    site.answer(None, **FOREVER)
    page.evaluate("workosSession.check()")
    site.settle(page)
    page.keyboard.press("a")
    assert gaps(moments(site, page, 61)) == [30, 30]


@pytest.mark.parametrize(("said", "kept"), [("50", 50), ("3600", 60)])
def test_the_server_says_when_to_come_again(site: Any, said: str, kept: int) -> None:
    """``Retry-After``, but never for longer than a minute: the end would be overlooked."""
    site.chance = 0.5
    page = site.show(None, **FOREVER)
    site.answers[STATUS] = 503, {"state": "unknown"}
    site.headers["Retry-After"] = said
    assert moments(site, page, 30 + kept) == [30, 30 + kept]


def test_a_date_as_retry_after_is_not_understood_and_does_no_harm(site: Any) -> None:
    site.chance = 0.5
    page = site.show(None, **FOREVER)
    site.answers[STATUS] = 503, {"state": "unknown"}
    site.headers["Retry-After"] = "Fri, 31 Dec 1999 23:59:59 GMT"
    assert moments(site, page, 91) == [30, 90]


def test_half_an_hour_hidden_costs_no_question(site: Any) -> None:
    page = site.show(1000)
    site.answer(1000)
    hide(page, True)
    for _ in range(30):
        page.clock.run_for(60_000)
        site.settle(page)
    assert site.asked == []
    assert page.evaluate("document.title") == "Notes"
    assert page.locator("[data-workos-live]").all_text_contents() == ["", ""]


def test_a_page_that_becomes_hidden_during_the_warning_falls_silent(site: Any) -> None:
    page = site.show(110)
    site.answer(110)
    hide(page, True)
    spoken = page.locator("[data-workos-live]").all_text_contents()
    site.run(page, 60)
    assert site.asked == []
    assert page.locator("[data-workos-live]").all_text_contents() == spoken


@pytest.mark.parametrize("state", [{}, {"because": "max_length"}])
def test_while_it_warns_it_asks_every_quarter_of_a_minute(site: Any, state: Any) -> None:
    """Staying in another tab closes the dialog here soon."""
    page = site.show(118, **state)
    site.answer(118, **state)
    assert gaps(moments(site, page, 76)) == [15, 15, 15, 15, 15]


def test_a_warning_that_the_server_does_not_answer_asks_again_as_soon(site: Any) -> None:
    page = site.show(118)
    assert all(each <= 31 for each in gaps(moments(site, page, 100)))


@pytest.mark.parametrize("reason", ["inactivity", "max_length"])
def test_nothing_is_asked_for_after_the_end(site: Any, reason: str) -> None:
    page = site.show(1740)
    site.end(reason)
    page.evaluate("workosSession.check()")
    site.settle(page)
    site.asked.clear()
    for _ in range(30):
        page.clock.run_for(60_000)
        site.settle(page)
    assert site.asked == []


def test_a_page_that_does_not_poll_asks_only_before_the_end(site: Any) -> None:
    page = site.show(1000, config={"poll": 0})
    site.answer(1000)
    page.clock.run_for(600_000)
    site.elapsed += 600
    site.settle(page)
    assert site.asked == []
    assert 95 <= moments(site, page, 104)[0] <= 103
    assert len(site.asked) == 1


def test_many_reasons_to_ask_are_one_question(site: Any) -> None:
    page = site.show(1740)
    site.answer(1740)
    site.run(page, 6)
    page.evaluate(
        "for (let n = 0; n < 50; n++) for (const name of ['focus', 'online'])"
        " dispatchEvent(new Event(name))"
    )
    hide(page, False)
    site.settle(page)
    assert site.asked == [f"GET {STATUS}"]


@pytest.mark.parametrize("event", ["focus", "online"])
def test_coming_back_is_a_reason_to_ask_when_the_last_answer_is_old(site: Any, event: str) -> None:
    page = site.show(1740)
    site.answer(1740)
    site.run(page, 3)
    page.evaluate("name => dispatchEvent(new Event(name))", event)
    site.settle(page)
    assert site.asked == []
    site.run(page, 3)
    page.evaluate("name => dispatchEvent(new Event(name))", event)
    site.settle(page)
    assert site.asked == [f"GET {STATUS}"]


def test_being_seen_again_is_a_reason_to_ask(site: Any) -> None:
    page = site.show(1740)
    hide(page, True)
    site.run(page, 40)
    site.end("inactivity")
    hide(page, False)
    site.settle(page)
    assert site.asked == [f"GET {STATUS}"]
    assert page.evaluate("workosSession.state") == "ended"


def test_asking_never_extends(site: Any) -> None:
    """A poll is a GET; only a person posts."""
    page = site.show(118)
    site.answer(118)
    for _ in range(105):
        site.run(page, 1)
        page.evaluate("dispatchEvent(new Event('focus'))")
    assert set(site.asked) == {f"GET {STATUS}"}
