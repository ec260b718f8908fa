"""The dialog before the end: what it says, whom it disturbs, and what its keys and buttons do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

STATUS, EXTEND = "/auth/session", "/auth/session/extend"
BANNER, DIALOG, NOTE = "[data-workos-banner]", "dialog", "#note"
FAILED = "We couldn't reach the server, so your time was not extended."


def stay(page: Page) -> Locator:
    return page.get_by_role("button", name="Stay signed in")


def state(page: Page) -> str:
    shown: str = page.evaluate("workosSession.state")
    return shown


def test_before_the_end_by_inactivity_one_may_stay_or_leave(site: Any) -> None:
    page = site.show(105)
    dialog = page.get_by_role("dialog", name="You'll be signed out soon")
    expect(dialog).to_contain_text("To protect your account, we'll sign you out in 2 minutes.")
    expect(dialog).not_to_contain_text("You have changes", use_inner_text=True)
    assert dialog.locator(":is(button, a):visible").all_inner_texts() == [
        "Stay signed in",
        "Sign out",
    ]
    assert dialog.evaluate("dialog => dialog.matches(':modal')")


def test_before_the_end_by_length_one_may_sign_in_again_in_another_tab(site: Any) -> None:
    page = site.show(105, because="max_length")
    dialog = page.get_by_role("dialog", name="You need to sign in again")
    expect(dialog).to_contain_text(
        "You've been signed in for as long as your organization allows. "
        "This ends in 2 minutes and can't be extended."
    )
    assert dialog.locator(":is(button, a):visible").all_inner_texts() == [
        "Sign in again now",
        "Not yet",
        "Sign out",
    ]
    link = dialog.get_by_role("link", name="Sign in again now")
    assert link.get_attribute("href") == "/auth/login?resume=1&return_to=/notes"
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (120, "2 minutes"),
        (61, "2 minutes"),
        (60, "60 seconds"),
        (21, "21 seconds"),
    ],
)
def test_the_time_left_is_in_minutes_and_in_the_last_one_in_seconds(
    site: Any, left: int, words: str
) -> None:
    page = site.show(left)
    expect(page.locator(DIALOG)).to_contain_text(f"we'll sign you out in {words}.")


def test_the_time_left_counts_down(site: Any) -> None:
    page = site.show(62)
    site.answer(62)
    shown = []
    for _ in range(4):
        shown.append(page.locator(f"{DIALOG} b:visible").inner_text())
        site.run(page, 1)
    assert shown == ["2 minutes", "2 minutes", "60 seconds", "59 seconds"]


def test_changes_that_are_not_saved_are_mentioned(site: Any) -> None:
    page = site.show(130)
    page.locator(NOTE).fill("An idea")
    site.answer(130)
    site.run(page, 13)
    expect(page.locator(DIALOG)).to_contain_text("You have changes on this page that aren't saved.")


def test_the_focus_is_on_the_heading_and_comes_back(site: Any) -> None:
    page = site.show(130)
    page.locator(NOTE).fill("An idea that nobody else has")
    page.locator(NOTE).evaluate("area => area.setSelectionRange(3, 7)")
    site.answer(130)
    site.run(page, 12)
    expect(page.get_by_role("heading", name="You'll be signed out soon")).to_be_focused()
    site.answer(1795)
    stay(page).click()
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator(NOTE)).to_be_focused()
    assert page.locator(NOTE).evaluate("area => [area.selectionStart, area.value]") == [
        3,
        "An idea that nobody else has",
    ]


def test_the_tab_key_reaches_its_buttons_in_their_order_and_nothing_else(site: Any) -> None:
    page = site.show(105)
    for name in ("Stay signed in", "Sign out"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('dialog, body').tagName") in (
        "DIALOG",
        "BODY",
    )
    expect(page.locator(NOTE)).not_to_be_focused()


def test_it_stands_above_a_dialog_of_the_app_and_gives_the_focus_back_to_it(site: Any) -> None:
    site.body = '<dialog id="own"><input id="field"></dialog>'
    page = site.show(130)
    page.evaluate("own.showModal()")
    page.locator("#field").focus()
    site.answer(130)
    site.run(page, 12)
    site.answer(1700)
    stay(page).click()
    site.settle(page)
    expect(page.locator("#field")).to_be_focused()
    assert page.evaluate("own.matches(':modal')")


def test_it_waits_while_somebody_types(site: Any) -> None:
    page = site.show(123)
    site.answer(123)
    for _ in range(4):
        page.locator(NOTE).press("x")
        site.run(page, 1)
    assert state(page) == "warning"
    expect(page.locator(DIALOG)).to_be_hidden()
    site.run(page, 2)
    expect(page.locator(DIALOG)).to_be_visible()


def test_it_waits_for_three_seconds_at_most(site: Any) -> None:
    page = site.show(123)
    site.answer(123)
    for _ in range(8):
        if page.locator(DIALOG).is_visible():
            break
        page.locator(NOTE).press("x")
        site.run(page, 1)
    assert page.locator(NOTE).input_value() in ("x" * 6, "x" * 7)


def test_it_does_not_wait_when_time_is_short(site: Any) -> None:
    page = site.show(26, config={"warn": 22})
    site.answer(26)
    opened = 0
    for second in range(1, 9):
        page.locator(NOTE).press("x") if not opened else None
        site.run(page, 1)
        if not opened and page.locator(DIALOG).is_visible():
            opened = 26 - second
    assert opened >= 18


def test_typing_while_it_opens_presses_nothing(site: Any) -> None:
    """A space or Enter would press the button that comes up under the fingers."""
    page = site.show(123, config={"input": False})
    site.answer(123)
    page.locator(NOTE).focus()
    for letter in "I wrote this and \n that ":
        page.keyboard.type(letter)
        page.clock.run_for(400)
        site.settle(page)
    expect(page.locator(DIALOG)).to_be_visible()
    assert site.count(f"POST {EXTEND}") == 0
    assert page.url.endswith("/notes")


def test_with_less_than_twenty_seconds_it_is_the_banner_that_says_it(site: Any) -> None:
    """WCAG 2.2.1: nobody reads and answers a dialog in less."""
    page = site.show(19)
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator(BANNER)).to_contain_text("You'll be signed out in 19 seconds")
    expect(page.locator(BANNER).get_by_role("button", name="Stay signed in")).to_be_visible()


def test_staying_is_a_post_and_closes_it_and_says_so(site: Any) -> None:
    page = site.show(105)
    site.answer(1795)
    stay(page).click()
    site.settle(page)
    assert site.asked == [f"POST {EXTEND}"]
    assert state(page) == "active"
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator(BANNER)).to_contain_text("You're still signed in.")
    site.run(page, 4)
    expect(page.locator(BANNER)).to_be_visible()
    site.run(page, 2)
    expect(page.locator(BANNER)).to_be_hidden()


def test_one_may_stay_as_often_as_one_likes(site: Any) -> None:
    """WCAG 2.2.1 asks for ten times at least."""
    page = site.show(105)
    for time in range(12):
        site.answer(100, ver=10 + time)
        stay(page).click()
        site.settle(page)
    assert site.asked == [f"POST {EXTEND}"] * 12


def test_a_click_in_the_last_second_counts(site: Any) -> None:
    page = site.show(30)
    site.answer(30)
    site.run(page, 29)
    assert page.evaluate("workosSession.info.expiresIn") == 1
    site.answer(1795)
    stay(page).click()
    site.run(page, 3)
    assert state(page) == "active"
    expect(page.locator(DIALOG)).to_be_hidden()


def test_a_click_during_a_question_is_sent_after_it_and_wins(site: Any) -> None:
    """Answers come in the order of the questions: a slow old one undoes nothing."""
    page = site.show(105)
    site.answers[STATUS] = 200, "hold"
    site.run_blindly(page, 17)
    stay(page).click()
    stay(page).click()
    assert len(site.asked) == 1
    site.answer(1795, ver=3)
    site.held[0].fulfill(json=site.status(88, ver=2))
    expect(page.locator(DIALOG)).to_be_hidden()
    assert site.asked[:2] == [f"GET {STATUS}", f"POST {EXTEND}"]


@pytest.mark.parametrize("answer", [(0, None), (503, {"state": "unknown"}), (502, "<h1>Bad</h1>")])
def test_an_extension_that_failed_says_so_and_is_tried_again(site: Any, answer: Any) -> None:
    page = site.show(105)
    site.answers[EXTEND] = answer
    stay(page).click()
    site.settle(page)
    expect(page.locator(DIALOG)).to_contain_text(FAILED)
    expect(page.locator(DIALOG)).to_contain_text("2 minutes")
    site.run(page, 6)
    assert site.count(f"POST {EXTEND}") == 2
    expect(page.locator(DIALOG)).to_contain_text(FAILED)
    site.answer(1795)
    site.run(page, 12)
    assert site.count(f"POST {EXTEND}") == 3
    assert state(page) == "active"
    expect(page.locator(BANNER)).to_contain_text("You're still signed in.")


def test_a_click_is_forgotten_after_a_minute(site: Any) -> None:
    """By then somebody else may sit there."""
    page = site.show(119)
    stay(page).click()
    site.run(page, 62)
    posted = site.count(f"POST {EXTEND}")
    assert 3 <= posted <= 6
    site.run(page, 45)
    assert site.count(f"POST {EXTEND}") == posted
    assert site.count(f"GET {STATUS}") >= 1


def test_an_extension_that_came_back_without_more_time_is_not_repeated(site: Any) -> None:
    page = site.show(105)
    site.answer(104)
    stay(page).click()
    site.run(page, 40)
    assert site.count(f"POST {EXTEND}") == 1


def test_what_cannot_be_extended_any_more_says_so(site: Any) -> None:
    """409 and the state of things: the maximum has become nearer than the inactivity."""
    page = site.show(105)
    site.answer(100, because="max_length")
    site.answers[EXTEND] = 409, site.status(100, because="max_length", ver=2)
    stay(page).click()
    site.settle(page)
    expect(page.get_by_role("dialog", name="You need to sign in again")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in again now")).to_be_visible()
    expect(stay(page)).to_be_hidden()
    expect(page.locator(BANNER)).to_be_hidden()
    site.run(page, 20)
    assert site.count(f"POST {EXTEND}") == 1


def test_an_extension_after_the_end_says_that_it_has_ended(site: Any) -> None:
    page = site.show(105)
    site.end("inactivity")
    stay(page).click()
    site.settle(page)
    assert state(page) == "ended"
    expect(page.get_by_role("dialog", name="You've been signed out")).to_be_visible()


def test_escape_stays_signed_in(site: Any) -> None:
    page = site.show(105)
    site.answer(1795)
    page.keyboard.press("Escape")
    site.settle(page)
    assert site.asked == [f"POST {EXTEND}"]
    assert state(page) == "active"
    expect(page.locator(DIALOG)).to_be_hidden()


def test_escape_while_the_server_is_not_reached_says_so_in_the_dialog(site: Any) -> None:
    page = site.show(105)
    page.locator(DIALOG).click(position={"x": 30, "y": 30})
    page.keyboard.press("Escape")
    site.settle(page)
    expect(page.locator(DIALOG)).to_contain_text(FAILED)
    expect(page.locator(DIALOG)).to_be_visible()
    expect(page.locator(BANNER)).to_be_hidden()


def test_escape_twice_while_the_server_is_not_reached_leaves_the_banner(site: Any) -> None:
    """The second one cannot be stopped; nothing may then count down unseen."""
    page = site.show(105)
    page.locator(DIALOG).click(position={"x": 30, "y": 30})
    for _ in range(3):
        page.keyboard.press("Escape")
        site.settle(page)
    assert state(page) == "warning"
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator(BANNER)).to_contain_text("You'll be signed out in 2 minutes")
    expect(page.locator(BANNER)).to_contain_text(FAILED)
    assert site.count(f"POST {EXTEND}") >= 1


@pytest.mark.parametrize("way", ["Escape", "Escape twice", "Not yet"])
def test_before_the_end_by_length_it_can_be_put_off(site: Any, way: str) -> None:
    page = site.show(105, because="max_length")
    site.answer(105, because="max_length")
    if way == "Not yet":
        page.get_by_role("button", name="Not yet").click()
    else:
        page.locator(DIALOG).click(position={"x": 30, "y": 30})
        for _ in way.split():
            page.keyboard.press("Escape")
    site.run(page, 1)
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator(BANNER)).to_contain_text("You'll need to sign in again in 2 minutes.")
    expect(page.locator(BANNER).get_by_role("link", name="Sign in again now")).to_be_visible()
    site.run(page, 60)
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator(BANNER)).to_contain_text(re.compile(r"in 4\d seconds\."))
    assert site.count(f"POST {EXTEND}") == 0


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("shown", ["checking", "offline"])
def test_escape_while_nobody_knows_leaves_the_banner(site: Any, shown: str, times: int) -> None:
    page = site.show(25)
    if shown == "checking":
        site.answer(25)
    site.run(page, 27)
    assert state(page) == shown
    expect(page.locator(DIALOG)).to_be_visible()
    page.locator(DIALOG).click(position={"x": 30, "y": 30})
    for _ in range(times):
        page.keyboard.press("Escape")
    site.run(page, 1)
    expect(page.locator(DIALOG)).to_be_hidden()
    text = {"checking": "Checking if you're still signed in.", "offline": "We can't reach"}
    expect(page.locator(BANNER)).to_contain_text(text[shown])
    assert state(page) == shown


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("reason", ["inactivity", "max_length"])
def test_escape_after_the_end_shows_nothing_of_the_page(site: Any, reason: str, times: int) -> None:
    page = site.show(1740)
    site.end(reason)
    page.evaluate("workosSession.check()")
    site.settle(page)
    page.locator(DIALOG).click(position={"x": 30, "y": 30})
    for _ in range(times):
        page.keyboard.press("Escape")
    site.run(page, 1)
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator(NOTE)).not_to_be_attached()
    assert state(page) == "ended"
    banner = page.locator(BANNER)
    expect(banner).to_contain_text("You're no longer signed in.")
    page.get_by_role("button", name="Show why").click()
    expect(page.locator(DIALOG)).to_be_visible()
    expect(banner).to_be_hidden()
    expect(page.get_by_role("heading")).to_be_focused()
