"""What screen readers say: little, in whole sentences, and when it matters."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

LIVE = "[data-workos-live]"
STAY = "To protect your account, we'll sign you out in {}."

#: Notes what the live regions that are heard say from now on, with their urgency.
_LISTEN = """() => {
  window.spoken = [];
  const note = (live) => {
    const modal = document.querySelector(":modal") ?? document;
    if (live.textContent && live.checkVisibility() && modal.contains(live)) {
      spoken.push([live.ariaLive, live.textContent]);
    }
  };
  for (const live of document.querySelectorAll("[data-workos-live]")) {
    note(live);
    new MutationObserver(() => note(live)).observe(live, { childList: true });
  }
}"""


def listen(page: Page) -> None:
    page.evaluate(_LISTEN)


def spoken(page: Page) -> list[str]:
    heard: list[tuple[str, str]] = page.evaluate("spoken")
    return [text for _, text in heard]


def check(site: Any, page: Page) -> None:
    page.evaluate("workosSession.check()")
    site.settle(page)


def test_two_minutes_have_few_announcements(site: Any) -> None:
    page = site.show(123)
    site.answer(123)
    listen(page)
    page.evaluate("spoken.length = 0")  # the notice
    site.run(page, 122)
    assert spoken(page) == [
        STAY.format(each) for each in ("2 minutes", "60 seconds", "40 seconds", "20 seconds")
    ]


def test_only_the_last_one_interrupts(site: Any) -> None:
    page = site.show(118)
    site.answer(118)
    listen(page)
    site.run(page, 117)
    urgencies = [urgency for urgency, _ in page.evaluate("spoken")]
    assert urgencies == ["polite"] * 3 + ["assertive"]
    site.answer(1700)
    page.get_by_role("button", name="Stay signed in").click()
    site.settle(page)
    assert page.evaluate("spoken.at(-1)") == ["polite", "You're still signed in."]


def test_each_is_the_whole_of_what_one_reads(site: Any) -> None:
    page = site.show(130, because="max_length")
    page.locator("#note").fill("An idea")
    site.answer(130, because="max_length")
    site.run(page, 15)
    listen(page)
    assert spoken(page) == [
        "You've been signed in for as long as your organization allows. This ends in 2 minutes "
        "and can't be extended. You have changes on this page that aren't saved."
    ]


def test_the_notice_is_said_once(site: Any) -> None:
    page = site.show(310)
    site.answer(310)
    listen(page)
    site.run(page, 180)
    assert spoken(page) == ["You'll be signed out in 5 minutes if you don't use this page."]


def test_the_warning_that_was_put_off_goes_on_in_the_banner(site: Any) -> None:
    page = site.show(118, because="max_length")
    site.answer(118, because="max_length")
    page.get_by_role("button", name="Not yet").click()
    listen(page)
    site.run(page, 117)
    text = "You'll need to sign in again in {}. Save your work before then."
    assert spoken(page) == [
        text.format(each) for each in ("2 minutes", "60 seconds", "40 seconds", "20 seconds")
    ]


def test_what_fails_is_said_once(site: Any) -> None:
    page = site.show(105)
    listen(page)
    page.evaluate("spoken.length = 0")
    page.get_by_role("button", name="Stay signed in").click()
    site.run(page, 30)
    assert spoken(page) == [
        STAY.format("2 minutes") + " We couldn't reach the server, so your time was not extended."
        " Check your connection and try again."
    ]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("inactivity", "You were away, so we signed you out to protect your account."),
        ("max_length", "Your sign-in reached its time limit."),
    ],
)
def test_the_end_is_said_with_its_reason(site: Any, reason: str, text: str) -> None:
    page = site.show(1740)
    site.end(reason)
    check(site, page)
    listen(page)
    assert spoken(page) == [f"{text} The page comes back when you sign in again."]


def test_what_was_entered_is_spoken_of_only_if_something_was(site: Any) -> None:
    page = site.show(1740)
    page.locator("#note").press_sequentially("Ink")
    site.end("inactivity")
    check(site, page)
    listen(page)
    assert spoken(page) == [
        "You were away, so we signed you out to protect your account. "
        "What you entered is still on this page. The page comes back when you sign in again."
    ]


def test_the_dialog_is_described_by_what_is_spoken(site: Any) -> None:
    """With the time, which the sentence that shows has for eyes only."""
    page = site.show(105)
    expect(page.get_by_role("dialog")).to_have_accessible_description(STAY.format("2 minutes"))


def test_changed_rights_are_said_once(site: Any) -> None:
    page = site.show(1740)
    listen(page)
    site.answer(1740, access="a2")
    for _ in range(3):
        check(site, page)
    assert spoken(page) == ["Your access has changed. Reload to see what you can do now."]


def test_nothing_is_said_while_all_is_well(site: Any) -> None:
    page = site.show(1740)
    site.answer(1740)
    listen(page)
    site.run(page, 65)
    assert spoken(page) == []


def test_nothing_is_said_in_a_hidden_tab(site: Any) -> None:
    page = site.show(125)
    site.answer(125)
    listen(page)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    page.evaluate("spoken.length = 0")
    site.run(page, 100)
    assert spoken(page) == []


def test_what_speaks_in_the_corner_is_there_before_it_speaks(site: Any) -> None:
    """Screen readers tell changes of what they know; a region that appears is none."""
    page = site.show(1740)
    expect(page.get_by_role("status")).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("")


def test_what_speaks_during_the_dialog_is_inside_it(site: Any) -> None:
    """What is outside of a modal dialog does not exist for screen readers."""
    page = site.show(105)
    inside = page.get_by_role("dialog").get_by_role("status")
    expect(inside).to_have_text(STAY.format("2 minutes"))


def test_the_number_that_counts_down_is_not_read_besides(site: Any) -> None:
    page = site.show(59)
    assert page.locator("dialog b:visible").get_attribute("aria-hidden") == "true"
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("59 seconds")
    assert page.locator("[role=alert], [role=timer]").count() == 0


def test_what_speaks_takes_no_place_on_the_screen(site: Any) -> None:
    page = site.show(105)
    box = page.locator(f"dialog {LIVE}").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (1, 1)
