"""What WorkOS tells by webhook, on a page that is open: at once with push, else with its poll."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from examples.team_app import create_app
from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.local import LocalWorkOS

pytestmark = pytest.mark.browser

#: Milliseconds from when a webhook was accepted, with push.
SOON = 2_000
#: Seconds of the longest wait for a poll.
POLL = 33
TEXT = "For: three of us commute. And"
PUSH = {"WORKOS_UI_PUSH": "sse", "WORKOS_UI_PUSH_STREAMS": 8, "WORKOS_UI_POLL": 0}


@pytest.fixture(params=[{}, PUSH], ids=["poll", "push"])
def told(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How the page hears of it: two settings."""
    settings: dict[str, Any] = request.param
    return settings


@pytest.fixture
def bob(
    serve: Callable[..., str],
    person: Callable[[str], Any],
    workos: LocalWorkOS,
    monkeypatch: pytest.MonkeyPatch,
    told: dict[str, Any],
    tmp_path: Any,
) -> Any:
    """Somebody who uses the sample app, which WorkOS tells what happens."""
    secret = "whsec_of_this_test_only"
    more = {
        **told,
        "WORKOS_WEBHOOK_SECRET": secret,
        "WORKOS_CACHE_TYPE": "sqlite",
        "WORKOS_CACHE_DIR": str(tmp_path / "state"),
    }

    def make(sessions: WorkOSSessions, settings: dict[str, Any]) -> Flask:
        monkeypatch.setattr("examples.team_app.sessions", sessions)
        return create_app(settings, **more)

    url = serve(make)
    workos.add_webhook(f"{url}/auth/webhook", secret=secret)
    return person(url)


#: A page that never asks of its own accord, and is not told.
UNTOLD = pytest.mark.parametrize("told", [{"WORKOS_UI_POLL": 0}], ids=["neither"])


def accepted(workos: LocalWorkOS, event: str) -> None:
    workos.wait_for_deliveries(10)
    assert [each.status for each in workos.deliveries if each.event == event] == [200]


def hear(somebody: Any, page: Page, told: dict[str, Any]) -> None:
    """Let pass what a page that nobody touches may need to ask."""
    if not told:
        somebody.wait(POLL)


def listening(page: Page, told: dict[str, Any]) -> None:
    """Push: the page is looked at for a second before it listens."""
    if told:
        page.clock.run_for(1_100)
        page.wait_for_timeout(500)


def test_who_is_revoked_at_workos_while_typing_is_told_why_and_loses_no_word(
    bob: Any, workos: LocalWorkOS, told: dict[str, Any]
) -> None:
    page = bob.sign_in("/notes", "Bob Member")
    page.get_by_label("What speaks for it").press_sequentially(TEXT)
    listening(page, told)
    bob.clock.advance(2)
    workos.revoke(workos.sessions[-1].id)
    accepted(workos, "session.revoked")
    hear(bob, page, told)
    dialog = page.get_by_role("dialog", name="You've been signed out")
    expect(dialog).to_be_visible(timeout=SOON)
    assert TEXT in dialog.get_by_role("textbox", name="What you typed").input_value()
    assert "Harbour" not in page.evaluate("document.body.innerText")
    assert bob.console == []


def test_who_loses_a_role_is_told_and_the_next_click_says_so(
    bob: Any, workos: LocalWorkOS, told: dict[str, Any]
) -> None:
    page = bob.sign_in("/notes")
    listening(page, told)
    bob.clock.advance(2)
    workos.set_role("alice@acme.test", "Acme", "member")
    accepted(workos, "organization_membership.updated")
    hear(bob, page, told)
    expect(page.get_by_text("Your access has changed").first).to_be_visible(timeout=SOON)
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", name="This page is not for you")).to_be_visible()
    expect(page.get_by_role("link", name="Admin", exact=True)).to_be_hidden()
    assert bob.console == []


def revoked_unnoticed(bob: Any, page: Page, workos: LocalWorkOS) -> None:
    """WorkOS has told the app, and the page does not know it, however long nobody touches it."""
    bob.wait(10)
    workos.revoke(workos.sessions[-1].id)
    accepted(workos, "session.revoked")
    bob.wait(POLL)
    page.wait_for_timeout(1_500)
    assert page.evaluate("workosSession.state") == "active"


def expect_told(page: Page) -> None:
    """Nothing was typed, and so the page gives way to the one that says why."""
    page.wait_for_url("**/auth/signed-out?reason=revoked", timeout=SOON, wait_until="commit")


@UNTOLD
def test_who_comes_back_to_a_hidden_tab_is_told_at_once(bob: Any, workos: LocalWorkOS) -> None:
    page = bob.sign_in("/account", "Bob Member")
    bob.set_visible(page, False)
    revoked_unnoticed(bob, page, workos)
    bob.set_visible(page, True)
    expect_told(page)
    assert bob.console == []


@UNTOLD
def test_who_comes_back_to_the_window_is_told_at_once(bob: Any, workos: LocalWorkOS) -> None:
    page = bob.sign_in("/account", "Bob Member")
    revoked_unnoticed(bob, page, workos)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect_told(page)
    assert bob.console == []


@UNTOLD
def test_any_request_of_the_page_tells_it(bob: Any, workos: LocalWorkOS) -> None:
    page = bob.sign_in("/account", "Bob Member")
    revoked_unnoticed(bob, page, workos)
    page.evaluate("fetch('/notes/search').then((answer) => answer.text())")
    expect_told(page)
    assert bob.console == []
