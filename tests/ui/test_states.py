"""When the page says that the end is near: at which time left, and only after asking."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

STATUS = "/auth/session"
BANNER, DIALOG = "[data-workos-banner]", "dialog"


def state(page: Page) -> str:
    shown: str = page.evaluate("document.documentElement.dataset.workosSession")
    assert page.evaluate("workosSession.state") == shown
    return shown


@pytest.mark.parametrize(
    ("because", "left", "expected"),
    [
        ("inactivity", 1740, "active"),
        ("inactivity", 301, "active"),
        ("inactivity", 300, "notice"),
        ("inactivity", 121, "notice"),
        ("inactivity", 120, "warning"),
        ("inactivity", 1, "warning"),
        ("max_length", 601, "active"),
        ("max_length", 600, "notice"),
        ("max_length", 121, "notice"),
        ("max_length", 120, "warning"),
    ],
)
def test_the_time_left_decides(site: Any, because: str, left: int, expected: str) -> None:
    """What cannot be extended is said twice as early: work has to be saved before it."""
    page = site.show(left, because=because)
    assert state(page) == expected
    expect(page.locator(BANNER)).to_be_visible(visible=expected == "notice" or left < 20)
    expect(page.locator(DIALOG)).to_be_visible(visible=expected == "warning" and left >= 20)


def test_a_session_whose_end_nobody_knows_is_never_counted_down(site: Any) -> None:
    page = site.show(None, because=None, extendable=False, idle_in=None, max_in=None)
    site.answer(None, because=None, extendable=False, idle_in=None, max_in=None)
    site.run(page, 60)
    assert state(page) == "active"
    assert page.evaluate("workosSession.info.expiresIn") is None
    expect(page.locator(BANNER)).to_be_hidden()
    assert site.faults == []


def test_an_app_sets_both_thresholds(site: Any) -> None:
    page = site.show(81, config={"notice": 80, "warn": 60})
    site.answer(81)
    seen = [state(page)]
    for seconds in (1, 20):
        site.run(page, seconds)
        seen.append(state(page))
    assert seen == ["active", "notice", "warning"]


@pytest.mark.parametrize("left", [310, 130])
def test_the_server_is_asked_before_anything_begins(site: Any, left: int) -> None:
    """Another tab may have extended in the meantime."""
    page = site.show(left)
    site.answer(1740)
    site.run(page, 9)
    assert site.asked == []
    site.run(page, 3)
    assert site.asked == [f"GET {STATUS}"]
    assert state(page) == "active"
    expect(page.locator(DIALOG)).to_be_hidden()


@pytest.mark.parametrize(("left", "begun"), [(310, "notice"), (130, "warning")])
def test_it_begins_when_the_server_says_so_too(site: Any, left: int, begun: str) -> None:
    page = site.show(left)
    before = state(page)
    site.answer(left)
    site.run(page, 9)
    assert state(page) == before
    site.run(page, 2)
    assert state(page) == begun
    assert site.asked == [f"GET {STATUS}"]


@pytest.mark.parametrize(("left", "before"), [(310, "active"), (130, "notice")])
def test_nothing_begins_while_the_answer_is_awaited(site: Any, left: int, before: str) -> None:
    page = site.show(left)
    site.answers[STATUS] = 200, "hold"
    site.run_blindly(page, 14)
    assert state(page) == before
    assert site.asked == [f"GET {STATUS}"]
    site.held[0].fulfill(json=site.status(left - 14, ver=2))
    site.settle(page)
    assert state(page) != before


@pytest.mark.parametrize(("left", "begun"), [(310, "notice"), (130, "warning")])
def test_it_begins_also_when_the_server_is_not_reached(site: Any, left: int, begun: str) -> None:
    page = site.show(left)
    site.run(page, 12)
    assert state(page) == begun
    assert site.asked == [f"GET {STATUS}"]


def test_the_local_clock_ends_nothing(site: Any) -> None:
    """The server may know better: another tab, another device, another clock."""
    page = site.show(8)
    site.answer(8)
    site.run(page, 60)
    assert state(page) == "checking"
    expect(page.locator("#note")).to_be_attached()
    site.answer(1740)
    site.run(page, 3)
    assert state(page) == "active"
    expect(page.locator(DIALOG)).to_be_hidden()


def test_at_zero_the_page_is_covered_after_a_second(site: Any) -> None:
    page = site.show(25)
    site.answer(25)
    site.run(page, 25)
    assert state(page) == "checking"
    expect(page.locator(DIALOG)).to_be_visible()
    expect(page.get_by_role("heading", name="Checking if you're still signed in")).to_be_visible()
    ground = page.locator(DIALOG).evaluate(
        "dialog => getComputedStyle(dialog, '::backdrop').backgroundColor"
    )
    assert ground.startswith("rgb("), "nothing shows through"


def test_at_zero_the_server_is_asked_every_two_seconds(site: Any) -> None:
    page = site.show(3)
    site.answers[STATUS] = 200, site.status(0, ver=2)
    site.run(page, 3)
    site.asked.clear()
    site.run(page, 20)
    assert 9 <= len(site.asked) <= 11


def test_at_zero_without_an_answer_it_is_offline_and_says_so(site: Any) -> None:
    page = site.show(25)
    site.run(page, 26)
    assert state(page) == "offline"
    expect(page.get_by_role("heading", name="We can't reach the server")).to_be_visible()
    expect(page.locator(DIALOG)).to_contain_text("We can't tell whether you're still signed in.")
    kept = page.locator(DIALOG).get_by_text("What you entered is still on this page.", exact=True)
    expect(kept).to_be_hidden()
    site.answer(1740)
    page.get_by_role("button", name="Try again").click()
    site.settle(page)
    assert state(page) == "active"
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator("#note")).to_be_attached()


def test_offline_says_that_what_was_entered_is_still_there_if_something_was(site: Any) -> None:
    page = site.show(25, config={"warn": 5, "notice": 0})
    page.locator("#note").press_sequentially("Ink")
    site.run(page, 26)
    assert state(page) == "offline"
    kept = page.locator(DIALOG).get_by_text("What you entered is still on this page.", exact=True)
    expect(kept).to_be_visible()


def test_offline_is_asked_again_by_itself(site: Any) -> None:
    page = site.show(25)
    site.run(page, 40)
    assert state(page) == "offline"
    site.answer(1740)
    site.run(page, 31)
    assert state(page) == "active"


@pytest.mark.parametrize("reason", ["inactivity", "max_length"])
def test_it_has_ended_when_the_server_says_so(site: Any, reason: str) -> None:
    page = site.show(1740)
    site.end(reason)
    site.run(page, 34)
    assert state(page) == "ended"
    assert page.evaluate("workosSession.info.reason") == reason
    expect(page.locator(DIALOG)).to_be_visible()


@pytest.mark.parametrize(
    "answer", [(200, {}), (200, {"state": "unknown"}), (200, []), (500, {"state": "x"}), (403, "<")]
)
def test_an_answer_that_is_no_status_ends_nothing(site: Any, answer: Any) -> None:
    page = site.show(100)
    site.answers[STATUS] = answer
    site.run(page, 16)
    assert state(page) == "warning"
    assert site.faults == [] or "Failed to load" in site.faults[0]


def test_a_redirect_is_no_answer_and_is_not_followed(site: Any) -> None:
    """A sign-in page says nothing about the session, and asking for it would begin a sign-in."""
    page = site.show(100)
    site.answers[STATUS] = 302, {}
    site.headers["Location"] = "/auth/login"
    site.run(page, 16)
    assert site.asked == [f"GET {STATUS}"]
    assert state(page) == "warning"


def test_an_older_answer_never_replaces_a_newer_one(site: Any) -> None:
    page = site.show(100, ver=7)
    site.answer(1740, ver=6)
    site.run(page, 16)
    assert site.asked == [f"GET {STATUS}"]
    assert page.evaluate("workosSession.info.expiresIn") == 84


def test_what_begins_is_told_to_the_app_once(site: Any) -> None:
    page = site.show(310)
    page.evaluate(
        "() => { window.told = []; for (const name of ['notice', 'warning', 'offline', 'ended'])"
        " workosSession.on(name, () => told.push(name)); }"
    )
    site.answer(310)
    site.run(page, 200)
    site.answers[STATUS] = 0, None
    site.run(page, 40)
    site.end("inactivity")
    site.run(page, 90)
    assert page.evaluate("told") == ["notice", "warning", "offline", "ended"]
