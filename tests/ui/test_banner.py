"""The quiet ones in the corner: the notice, what has changed, for whom somebody acts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

STATUS, EXTEND = "/auth/session", "/auth/session/extend"
BANNER, DIALOG, NOTE = "[data-workos-banner]", "dialog", "#note"


def check(site: Any, page: Page) -> None:
    page.evaluate("workosSession.check()")
    site.settle(page)


def sentences(page: Page) -> list[str]:
    found = page.locator(f"{BANNER} [data-workos-say]:visible").all_inner_texts()
    return [each.replace("\u00a0", " ") for each in found]


def controls(page: Page) -> list[str]:
    found: list[str] = page.locator(f"{BANNER} :is(button, a):visible").all_inner_texts()
    return found


def test_the_notice_before_the_end_by_inactivity(site: Any) -> None:
    page = site.show(290)
    expect(page.locator(BANNER)).to_contain_text(
        "You'll be signed out in 5 minutes if you don't use this page."
    )
    assert controls(page) == ["Stay signed in", "Dismiss"]
    assert page.get_by_role("region", name="Your sign-in").is_visible()


def test_the_notice_before_the_end_by_length(site: Any) -> None:
    page = site.show(590, because="max_length")
    expect(page.locator(BANNER)).to_contain_text(
        "You'll need to sign in again in 10 minutes. Save your work before then."
    )
    assert controls(page) == ["Sign in again now", "Dismiss"]
    link = page.get_by_role("link", name="Sign in again now")
    assert link.get_attribute("href") == "/auth/login?resume=1&return_to=/notes"
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (7205, "2 hours 1 minute"),
        (7200, "2 hours"),
        (7199, "2 hours"),
        (3661, "1 hour 2 minutes"),
        (3660, "1 hour 1 minute"),
        (3600, "1 hour"),
        (3540, "59 minutes"),
        (61, "2 minutes"),
        (60, "60 seconds"),
        (2, "2 seconds"),
        (1, "1 second"),
    ],
)
def test_the_time_left_reads_as_a_person_would_say_it(site: Any, left: int, words: str) -> None:
    page = site.show(left, config={"notice": 8000, "warn": 0})
    expect(page.locator(BANNER)).to_contain_text(f"You'll be signed out in {words} if")


def test_the_notice_takes_nobody_s_focus_and_nothing_that_is_typed(site: Any) -> None:
    page = site.show(310)
    page.locator(NOTE).focus()
    site.answer(310)
    for letter in "twelve keys ":
        page.keyboard.type(letter)
        site.run(page, 1)
    expect(page.locator(BANNER)).to_be_visible()
    expect(page.locator(NOTE)).to_be_focused()
    assert page.locator(NOTE).input_value() == "twelve keys "


def test_staying_hides_the_notice_and_gives_the_focus_back(site: Any) -> None:
    page = site.show(290, config={"input": False})
    site.answer(1795)
    page.locator(NOTE).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Stay signed in")).to_be_focused()
    page.keyboard.press("Enter")
    site.settle(page)
    assert site.asked == [f"POST {EXTEND}"]
    expect(page.locator(BANNER)).to_contain_text("You're still signed in.")
    expect(page.locator(NOTE)).to_be_focused()
    site.run(page, 6)
    expect(page.locator(BANNER)).to_be_hidden()


def test_a_notice_that_was_dismissed_stays_away_until_the_warning(site: Any) -> None:
    page = site.show(200)
    site.answer(200)
    page.locator(NOTE).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator(BANNER)).to_be_hidden()
    expect(page.locator(NOTE)).to_be_focused()
    site.run(page, 70)
    expect(page.locator(BANNER)).to_be_hidden()
    site.run(page, 12)
    expect(page.locator(DIALOG)).to_be_visible()


def test_a_notice_that_was_dismissed_comes_before_the_next_end_again(site: Any) -> None:
    page = site.show(290)
    page.get_by_role("button", name="Dismiss").click()
    site.answer(1000)
    check(site, page)
    site.answer(280)
    check(site, page)
    expect(page.locator(BANNER)).to_be_visible()


def test_the_banner_tells_when_staying_failed(site: Any) -> None:
    page = site.show(290)
    page.get_by_role("button", name="Stay signed in").click()
    site.settle(page)
    expect(page.locator(BANNER)).to_contain_text("so your time was not extended.")
    expect(page.locator(BANNER)).to_contain_text("You'll be signed out in 5 minutes")
    site.answer(1795)
    site.run(page, 6)
    assert sentences(page) == ["You're still signed in."]


def test_the_notice_goes_when_another_tab_has_extended(site: Any) -> None:
    page = site.show(290)
    site.answer(1795)
    check(site, page)
    expect(page.locator(BANNER)).to_be_hidden()
    assert site.asked == [f"GET {STATUS}"]


@pytest.mark.parametrize("news", [{"access": "a2"}, {"changed": True, "rev": "r2"}])
def test_changed_rights_are_told_and_a_reload_is_offered(site: Any, news: Any) -> None:
    page = site.show(1740)
    site.answer(1740, **news)
    check(site, page)
    expect(page.locator(BANNER)).to_contain_text(
        "Your access has changed. Reload to see what you can do now."
    )
    assert controls(page) == ["Reload", "Dismiss"]
    assert page.evaluate("workosSession.state") == "active"
    page.evaluate("window.same = true")
    with page.expect_navigation():
        page.get_by_role("button", name="Reload").click()
    assert not page.evaluate("window.same")


def test_changed_rights_are_told_once(site: Any) -> None:
    page = site.show(1740)
    site.answer(1740, access="a2")
    check(site, page)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(BANNER)).to_be_hidden()
    check(site, page)
    expect(page.locator(BANNER)).to_be_hidden()
    site.answer(1740, access="a3", ver=90)
    check(site, page)
    expect(page.locator(BANNER)).to_be_visible()


def test_rights_that_are_as_the_page_has_them_again_need_no_reload(site: Any) -> None:
    page = site.show(1740)
    for access, shown in (("a2", True), ("a1", False)):
        site.answer(1740, access=access)
        check(site, page)
        expect(page.locator(BANNER)).to_be_visible(visible=shown)


def test_another_session_of_the_same_person_with_the_same_rights_changes_nothing(
    site: Any,
) -> None:
    page = site.show(1740)
    site.answer(1740, sid="s2", rev="r2")
    check(site, page)
    expect(page.locator(BANNER)).to_be_hidden()


def test_the_near_end_is_more_urgent_than_changed_rights(site: Any) -> None:
    page = site.show(290)
    site.answer(290, access="a2")
    check(site, page)
    assert sentences(page) == ["You'll be signed out in 5 minutes if you don't use this page."]
    page.get_by_role("button", name="Dismiss").click()
    assert sentences(page) == ["Your access has changed. Reload to see what you can do now."]
    assert controls(page) == ["Reload", "Dismiss"]
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(BANNER)).to_be_hidden()


def test_an_app_that_gives_the_notice_itself_still_tells_of_changed_rights(site: Any) -> None:
    page = site.show(310)
    page.evaluate("() => { workosSession.on('notice', (event) => event.preventDefault()); }")
    site.answer(310, access="a2")
    site.run(page, 15)
    assert page.evaluate("workosSession.state") == "notice"
    assert sentences(page) == ["Your access has changed. Reload to see what you can do now."]
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(BANNER)).to_be_hidden()


def test_what_the_banner_says_goes_with_its_button(site: Any) -> None:
    """Somebody who uses the page is not signed out: the focus falls back to where it was."""
    page = site.show(290)
    site.answer(1795)
    page.locator(NOTE).focus()
    page.keyboard.press("Tab")  # is activity, and extends
    site.settle(page)
    expect(page.locator(BANNER)).to_be_hidden()
    expect(page.locator(NOTE)).to_be_focused()


def test_offline_in_the_banner_offers_to_try_again(site: Any) -> None:
    page = site.show(10)
    site.run(page, 12)
    assert sentences(page) == ["We can't reach the server."]
    assert controls(page) == ["Try again"]
    before = len(site.asked)
    site.answer(1740)
    page.get_by_role("button", name="Try again").click()
    site.settle(page)
    assert site.asked[before:] == [f"GET {STATUS}"]
    expect(page.locator(BANNER)).to_be_hidden()


def test_support_sees_for_whom_it_acts_and_how_long(site: Any) -> None:
    site.impersonated = "ada@acme.test"
    page = site.show(1740, max_in=3540)
    site.answer(1740, max_in=3540)
    bar = page.get_by_role("region", name="Impersonation")
    expect(bar).to_contain_text("Viewing as ada@acme.test. Ends in 59 minutes.")
    expect(page.locator(BANNER)).to_be_hidden()
    site.run(page, 61)
    expect(bar).to_contain_text("Ends in 58 minutes.")


def test_support_stops_with_one_click(site: Any) -> None:
    site.impersonated = "ada@acme.test"
    page = site.show(1740, max_in=3540)
    site.answers["/auth/logout"] = 200, {"logout_url": "/elsewhere"}
    with page.expect_navigation():
        page.get_by_role("button", name="Stop").click()
    assert site.asked[0] == "POST /auth/logout"


def test_the_bar_of_an_impersonation_stays_beside_the_notice(site: Any) -> None:
    site.impersonated = "ada@acme.test"
    page = site.show(290, max_in=3540)
    bar = page.get_by_role("region", name="Impersonation").bounding_box()
    notice = page.locator(BANNER).bounding_box()
    assert bar is not None
    assert notice is not None
    assert bar["y"] + bar["height"] <= notice["y"]


def test_nothing_of_an_impersonation_is_left_after_the_end(site: Any) -> None:
    site.impersonated = "ada@acme.test"
    page = site.show(1740)
    site.end("max_length")
    check(site, page)
    expect(page.get_by_text("Viewing as")).to_be_hidden()


@pytest.mark.parametrize("reason", ["revoked", "max_length"])
def test_security_p1_whom_support_acted_for_is_not_in_the_document_after_the_end(
    site: Any, reason: str
) -> None:
    site.impersonated = "ada@acme.test"
    page = site.show(1740)
    page.locator("#note").press_sequentially("Mine.")
    assert "ada@acme.test" in page.content()
    site.end(reason)
    check(site, page)
    assert "ada@acme.test" not in page.content()


def test_a_page_of_nobody_in_particular_has_no_such_bar(site: Any) -> None:
    page = site.show(1740)
    assert page.get_by_text("Viewing as").count() == 0
