"""Sessions that are ended from the sample app, as those see it whose sessions they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flask_workos_sessions.local import LocalWorkOS

pytestmark = pytest.mark.browser

QUESTION, TEXT = "Do we open the second office?", "For: three of us commute. And"
NARROW = {"width": 320, "height": 640}


def write(page: Page) -> None:
    """Type a note, as a person does, and do not send it."""
    page.get_by_label("Question").press_sequentially(QUESTION)
    page.get_by_label("What speaks for it").press_sequentially(TEXT)


def expect_no_sideways_scrolling(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_a_colleague_who_is_typing_is_told_why_and_loses_no_word(
    alice: Any, harbour: str, person: Callable[[str], Any], workos: LocalWorkOS
) -> None:
    bob = person(harbour)
    typing = bob.sign_in("/notes", "Bob Member")
    write(typing)
    admin = alice.sign_in("/admin")
    admin.get_by_role("button", name="Sign out Bob Member").click()
    expect(admin.get_by_text("Signed out by Alice Admin")).to_be_visible()
    expect(admin.locator(".name")).to_have_text("Alice Admin")
    # For a second the server believes what it has just looked up. Then the page asks.
    bob.clock.advance(1.1)
    typing.evaluate("workosSession.check()")
    dialog = typing.get_by_role("dialog", name="You've been signed out")
    expect(dialog).to_contain_text("by an administrator or a security check.")
    typed = dialog.get_by_role("textbox", name="What you typed")
    for words in (QUESTION, TEXT):
        assert words in typed.input_value()
    assert "Harbour" not in typing.evaluate("document.body.innerText")
    assert [each.status for each in workos.sessions] == ["revoked", "active"]
    tab = bob.sign_in_again(typing, "Sign in again", "Bob Member")
    expect(typing.get_by_role("dialog", name="You're signed in again")).to_be_visible()
    tab.goto(f"{harbour}/notes")
    admin.reload()
    expect(admin.get_by_role("button", name="Sign out Bob Member")).to_be_visible()
    assert alice.console == bob.console == []


def test_the_devices_page_on_a_small_screen(
    alice: Any, harbour: str, person: Callable[[str], Any]
) -> None:
    page = alice.sign_in("/account")
    page.set_viewport_size(NARROW)
    for _ in range(3):
        person(harbour).sign_in("/notes")
    laptop = person(harbour)
    other = laptop.sign_in("/notes")
    page.get_by_role("link", name="See your devices").click()
    devices = page.get_by_role("listitem")
    expect(devices).to_have_count(5)
    expect(devices.first).to_contain_text("This device")
    expect_no_sideways_scrolling(page)
    devices.nth(1).get_by_role("button", name="Sign out").click()
    expect(devices).to_have_count(4)
    other.goto(f"{harbour}/account")
    expect(other.get_by_role("heading", name="You were signed out")).to_be_visible()
    page.get_by_role("button", name="Sign out everywhere else").click()
    expect(devices).to_have_count(1)
    expect(page.get_by_text("You are signed in nowhere else.")).to_be_visible()
    assert alice.console == []


def test_the_devices_page_asks_who_is_there_and_comes_back(alice: Any) -> None:
    page = alice.sign_in("/notes")
    alice.wait(601)
    page.goto(f"{alice.url}/devices")
    page.get_by_role("button", name="Continue as Alice Admin").click()
    expect(page.get_by_role("heading", name="Your devices")).to_be_visible()
    expect(page.get_by_text("This device")).to_be_visible()


def test_a_role_that_is_gone_is_said_on_the_next_click(alice: Any, workos: LocalWorkOS) -> None:
    page = alice.sign_in("/notes")
    page.set_viewport_size(NARROW)
    workos.set_role("alice@acme.test", "Acme", "member")
    alice.wait(301)
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", name="This page is not for you")).to_be_visible()
    expect(page.get_by_text("Yours is “member”.")).to_be_visible()
    expect(page.get_by_role("link", name="Admin", exact=True)).to_be_hidden()
    expect_no_sideways_scrolling(page)
