"""One session from sign-in to sign-out, in Chromium, against a LocalWorkOS and the sample app."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from flask_workos_sessions.local import LocalWorkOS

pytestmark = pytest.mark.browser

LIFE, IDLE = 300, 1800


def test_a_session_from_sign_in_to_sign_out(alice: Any, workos: LocalWorkOS) -> None:
    refreshes = lambda: len(workos.exchanges("refresh_token"))  # noqa: E731

    # Signing in, on WorkOS's page; Carol has two organizations, and is asked.
    alice.context.clock.install()
    page = alice.open("/account")
    page.get_by_role("button", name="Continue as Carol Consultant").click()
    page.get_by_role("button", name="Acme").or_(page.get_by_role("link", name="Acme")).click()
    if not page.url.endswith("/account"):
        page.get_by_role("button", name="Continue as Carol Consultant").click()

    # Name and remaining time.
    expect(page.get_by_role("definition").first).to_have_text("Carol Consultant")
    expect(page.locator(".clock")).to_have_text("30 minutes")
    alice.wait(61)
    expect(page.locator(".clock")).to_have_text("29 minutes")
    assert refreshes() == 0

    # Three access tokens run out; each is exchanged once.
    for number in range(1, 4):
        alice.clock.advance(LIFE + 1)
        page.goto(f"{alice.url}/notes")
        page.goto(f"{alice.url}/account")
        expect(page.get_by_role("definition").first).to_have_text("Carol Consultant")
        assert refreshes() == number

    # Another organization.
    page.get_by_label("Go on in").select_option(label="Globex")
    page.get_by_role("button", name="Switch").click()
    expect(page.get_by_text("Globex").first).to_be_visible()
    expect(page.get_by_role("definition").nth(3)).to_have_text("admin")

    # Near the end the page warns; the button extends.
    alice.wait(IDLE - 100)
    button = page.get_by_role("dialog").get_by_role("button", name="Stay signed in")
    expect(button).to_be_visible()
    assert refreshes() == 4
    button.click()
    expect(button).to_be_hidden()
    expect(page.locator(".clock")).to_have_text("30 minutes")
    assert refreshes() == 5

    # Out, and Back shows nothing.
    page.locator("header").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert {each.status for each in workos.sessions} == {"revoked"}
    page.evaluate("history.back()")
    page.wait_for_load_state()
    expect(page.locator("body")).not_to_contain_text("Carol")
    page.goto(f"{alice.url}/account")
    expect(page.locator("body")).to_contain_text("signed out")
    expect(page.locator("body")).not_to_contain_text("Carol")
    assert alice.console == []
