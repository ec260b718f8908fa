"""The end of a session in the sample app: told in time, nothing lost, in every tab."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flask_workos_sessions.local import LocalWorkOS, MovableClock

pytestmark = pytest.mark.browser

IDLE, MOST = 1800, 8 * 3600
QUESTION, TEXT = "Do we open the second office?", "For: three of us commute. And"


def write(page: Page) -> None:
    """Type a note, as a person does, and do not send it."""
    page.get_by_label("Question").press_sequentially(QUESTION)
    page.get_by_label("What speaks for it").press_sequentially(TEXT)


def expect_the_form_as_it_was(page: Page) -> None:
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_label("Question")).to_have_value(QUESTION)
    expect(page.get_by_label("What speaks for it")).to_have_value(TEXT)


def expect_it_can_be_sent(page: Page) -> None:
    page.get_by_role("button", name="Put it on the board").click()
    expect(page.locator("#notes")).to_contain_text(QUESTION)
    expect(page.locator("#notes")).to_contain_text(TEXT)


def expect_nothing_of_the_app(page: Page) -> None:
    """Security P1: what the server sent has left the document."""
    text = page.evaluate("document.body.innerText")
    assert "Harbour" not in text
    assert "On the board" not in text
    assert page.locator("main, header, #notes").count() == 0


def test_somebody_is_told_then_asked_and_stays(alice: Any, workos: LocalWorkOS) -> None:
    page = alice.sign_in("/notes")
    write(page)
    alice.wait(IDLE - 250)
    banner = page.get_by_role("region", name="Your sign-in")
    expect(banner).to_contain_text("You'll be signed out in 5 minutes")
    expect(page.get_by_label("What speaks for it")).to_be_focused()
    alice.wait(140)
    dialog = page.get_by_role("dialog", name="You'll be signed out soon")
    expect(dialog).to_contain_text("You have changes on this page that aren't saved.")
    expect(banner).to_be_hidden()
    expect(page.get_by_role("heading", name="You'll be signed out soon")).to_be_focused()
    assert "2 min" in page.title()
    refreshes = len(workos.exchanges("refresh_token"))
    dialog.get_by_role("button", name="Stay signed in").click()
    expect(page.get_by_text("You're still signed in.").filter(visible=True).first).to_be_visible()
    assert len(workos.exchanges("refresh_token")) == refreshes + 1
    expect_the_form_as_it_was(page)
    expect(page.get_by_label("What speaks for it")).to_be_focused()
    alice.wait(IDLE - 400)
    expect(banner).to_be_hidden()
    expect_it_can_be_sent(page)
    assert alice.console == []


def test_security_p1_after_an_end_the_page_comes_back_for_the_same_person(alice: Any) -> None:
    page = alice.sign_in("/notes")
    write(page)
    alice.wait(IDLE + 1)
    dialog = page.get_by_role("dialog", name="You've been signed out")
    expect(dialog).to_contain_text("You were away")
    expect_nothing_of_the_app(page)
    tab = alice.sign_in_again(page, "Sign in again")
    expect(tab.get_by_text("Go back to the tab that you came from")).to_be_visible()
    expect_the_form_as_it_was(page)
    expect(page.get_by_label("What speaks for it")).to_be_focused()
    expect_it_can_be_sent(page)
    assert alice.console == []


def test_security_p1_another_person_gets_neither_the_page_nor_what_was_typed(alice: Any) -> None:
    page = alice.sign_in("/notes")
    write(page)
    alice.wait(IDLE + 1)
    expect(page.get_by_role("dialog", name="You've been signed out")).to_be_visible()
    alice.sign_in_again(page, "Sign in again", name="Bob Member")
    dialog = page.get_by_role("dialog", name="Someone else is signed in")
    expect(dialog.get_by_role("button", name="Reload")).to_be_visible()
    expect_nothing_of_the_app(page)
    assert TEXT not in page.evaluate("document.documentElement.outerHTML")
    assert page.get_by_role("textbox").filter(visible=True).count() == 0
    dialog.get_by_role("button", name="Reload").click()
    expect(page.locator(".name")).to_have_text("Bob Member")
    expect(page.get_by_label("What speaks for it")).to_have_value("")


@pytest.mark.parametrize("idle", [None])
def test_before_the_maximum_length_somebody_signs_in_again_and_the_page_goes_on(
    alice: Any,
) -> None:
    page = alice.sign_in("/notes")
    write(page)
    alice.wait(MOST - 100)
    dialog = page.get_by_role("dialog", name="You need to sign in again")
    expect(dialog).to_contain_text("can't be extended")
    alice.sign_in_again(page, "Sign in again now")
    expect_the_form_as_it_was(page)
    alice.wait(200)
    expect_it_can_be_sent(page)
    assert alice.console == []


@pytest.mark.parametrize("idle", [None])
def test_at_the_maximum_length_the_page_is_taken_away_and_comes_back(alice: Any) -> None:
    page = alice.sign_in("/notes")
    write(page)
    alice.wait(MOST - 500)
    expect(page.get_by_role("region", name="Your sign-in")).to_contain_text("Save your work")
    alice.wait(501)
    expect(page.get_by_role("dialog")).to_contain_text("reached its time limit")
    expect_nothing_of_the_app(page)
    alice.sign_in_again(page, "Sign in again")
    expect_the_form_as_it_was(page)
    expect_it_can_be_sent(page)


@pytest.mark.parametrize(("idle", "most"), [(None, 6)])
def test_security_g3_a_real_browser_still_has_its_cookie_to_learn_of_the_maximum_length(
    alice: Any, workos: LocalWorkOS
) -> None:
    """In real time: how long a browser keeps a cookie goes by its own clock."""
    page = alice.open("/notes")
    page.get_by_role("button", name="Continue as Alice Admin").click()
    page.wait_for_url(alice.url + "/notes")
    page.goto("about:blank")
    page.wait_for_timeout(6500)
    page.goto(alice.url + "/notes")
    assert "/auth/signed-out?reason=max_length" in page.url
    expect(page.locator("main")).to_contain_text("as long as your organization allows")
    with page.expect_request(lambda asked: "/user_management/authorize" in asked.url) as begun:
        page.get_by_role("link", name="Sign in again").click()
    assert "max_age=0" in begun.value.url


def test_security_p1_after_a_revocation_only_what_was_typed_is_kept(
    alice: Any, workos: LocalWorkOS
) -> None:
    page = alice.sign_in("/notes")
    write(page)
    workos.revoke(workos.sessions[0].id)
    alice.wait(301)
    # The next request of the page asks WorkOS, and the page asks what happened to it.
    page.get_by_role("searchbox", name="Search the board").press_sequentially("office")
    dialog = page.get_by_role("dialog", name="You've been signed out")
    expect(dialog).to_contain_text("by an administrator or a security check.")
    expect_nothing_of_the_app(page)
    typed = dialog.get_by_role("textbox", name="What you typed")
    for words in (QUESTION, TEXT):
        assert words in typed.input_value()
    alice.sign_in_again(page, "Sign in again")
    expect(page.get_by_role("dialog", name="You're signed in again")).to_be_visible()
    expect_nothing_of_the_app(page)
    assert alice.console == []


def test_a_sign_out_in_one_tab_is_known_in_the_other_within_a_second(alice: Any) -> None:
    page = alice.sign_in("/notes")
    write(page)
    other = alice.open("/account")
    page.evaluate(
        """() => {
            const channel = new BroadcastChannel(
                "workos-session:" + JSON.parse(document.querySelector(
                    'script[type="application/json"]').textContent).channel);
            channel.onmessage = ({data}) => { if (data.t === "ended") window.heard = Date.now(); };
            document.addEventListener("workos-session:ended", () => {
                window.took = Date.now() - window.heard;
            });
        }"""
    )
    alice.context.clock.run_for(1000)
    other.locator("header").get_by_role("button", name="Sign out").click()
    dialog = page.get_by_role("dialog", name="You signed out")
    expect(dialog).to_contain_text("You signed out in another tab.")
    assert page.evaluate("window.took") < 1000
    assert TEXT in dialog.get_by_role("textbox").input_value()
    expect_nothing_of_the_app(page)


def test_security_p7_forged_messages_are_a_reason_to_ask_and_nothing_more(alice: Any) -> None:
    page = alice.sign_in("/notes")
    write(page)
    asked: list[str] = []
    page.on("request", lambda request: "/auth/" in request.url and asked.append(request.url))
    page.evaluate(
        """() => {
            const { channel } = JSON.parse(document.querySelector(
                'script[type="application/json"]').textContent);
            const forged = new BroadcastChannel("workos-session:" + channel);
            for (const t of ["ended", "signed-in", "asked", "extend", "reload"]) {
                forged.postMessage({ v: 1, t, sid: "x", access: "y", left: 0, url: "//evil.test" });
            }
            forged.postMessage("ended");
            forged.postMessage(null);
        }"""
    )
    alice.context.clock.run_for(5000)
    page.wait_for_timeout(500)
    assert asked == [f"{alice.url}/auth/session"]
    expect_the_form_as_it_was(page)
    assert alice.console == []


def test_a_tab_in_which_nothing_was_typed_goes_to_the_page_that_explains(alice: Any) -> None:
    page = alice.sign_in("/account")
    other = alice.open("/notes")
    other.locator("header").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/auth/signed-out?reason=signed_out")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_what_one_tab_extends_the_other_knows(alice: Any, workos: LocalWorkOS) -> None:
    page = alice.sign_in("/notes")
    other = alice.open("/account")
    alice.wait(IDLE - 100)
    dialogs = [each.get_by_role("dialog") for each in (page, other)]
    for dialog in dialogs:
        expect(dialog).to_be_visible()
    dialogs[0].get_by_role("button", name="Stay signed in").click()
    for dialog in dialogs:
        expect(dialog).to_be_hidden()
    assert len(workos.exchanges("refresh_token")) == 1


def test_other_rights_are_told_and_nothing_is_reloaded(alice: Any, workos: LocalWorkOS) -> None:
    page = alice.sign_in("/notes")
    write(page)
    workos.set_role("alice@acme.test", "Acme", "member")
    alice.wait(301)
    page.get_by_role("searchbox", name="Search the board").press_sequentially("office")
    banner = page.get_by_role("region", name="Your sign-in")
    expect(banner).to_contain_text("Your access has changed.")
    expect(page.get_by_label("What speaks for it")).to_have_value(TEXT)
    banner.get_by_role("button", name="Dismiss").click()
    expect(banner).to_be_hidden()


def test_support_sees_for_whom_it_acts_and_stops(alice: Any, workos: LocalWorkOS) -> None:
    alice.open("/")
    page = alice.context.new_page()
    page.goto(workos.impersonation_url("bob@acme.test", by="support@vendor.test"))
    page.goto(f"{alice.url}/notes")
    bar = page.get_by_role("region", name="Impersonation")
    expect(bar).to_contain_text("Viewing as bob@acme.test. Ends in")
    bar.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("link", name="Create an account")).to_be_visible()
    assert {each.status for each in workos.sessions} == {"revoked"}


def test_a_poll_of_the_page_keeps_nobody_signed_in(
    alice: Any, workos: LocalWorkOS, clock: MovableClock
) -> None:
    """The list asks every ten seconds, the script every thirty; both are passive."""
    page = alice.sign_in("/notes")
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    for _ in range(5):
        alice.wait(IDLE / 5)
        page.wait_for_timeout(100)
    expect(page.get_by_role("dialog", name="You've been signed out")).to_be_visible()
    assert [each for each in seen if "/notes/latest" in each]
    assert workos.exchanges("refresh_token") == []
