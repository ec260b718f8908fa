"""One session from sign-in to sign-out, in Chromium, against a LocalWorkOS and the sample app."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server

from examples.team_app import create_app
from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.local import LocalWorkOS, MovableClock

pytestmark = pytest.mark.browser

LIFE = 300


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def workos(clock: MovableClock) -> Iterator[LocalWorkOS]:
    with LocalWorkOS(
        clock=clock,
        access_token_seconds=LIFE,
        inactivity_timeout=1800,
        max_length=8 * 3600,
    ) as local:
        yield local


@pytest.fixture
def harbour(
    workos: LocalWorkOS, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of the sample app, on the clock of the test."""
    monkeypatch.setattr("examples.team_app.sessions", WorkOSSessions(clock=clock))
    # The port is known before the app is: its settings name it.
    server = make_server("127.0.0.1", 0, lambda environ, start: [], threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    workos.allow_logout_uri(f"{url}/")
    organizations = {each.id: each.name for each in workos.organizations}
    server.app = create_app(
        workos.settings(f"{url}/auth/callback"),
        SECRET_KEY="for this test",
        HARBOUR_ORGANIZATIONS=organizations,
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(harbour: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_context(base_url=harbour).new_page()
        page.set_default_timeout(10_000)
        yield page
        browser.close()


def test_a_session_from_sign_in_to_sign_out(
    page: Page, workos: LocalWorkOS, clock: MovableClock
) -> None:
    refreshes = lambda: len(workos.exchanges("refresh_token"))  # noqa: E731
    faults: list[str] = []
    page.clock.install()
    page.on("pageerror", lambda error: faults.append(str(error)))

    # Signing in, on WorkOS's page; Carol has two organizations, and is asked.
    page.goto("/account")
    page.get_by_role("button", name="Continue as Carol Consultant").click()
    page.get_by_role("button", name="Acme").or_(page.get_by_role("link", name="Acme")).click()
    if not page.url.endswith("/account"):
        page.get_by_role("button", name="Continue as Carol Consultant").click()

    # Name and remaining time.
    expect(page.get_by_role("definition").first).to_have_text("Carol Consultant")
    expect(page.locator(".clock")).to_have_text(re.compile(r"29:[45]\d"))
    assert refreshes() == 0

    # Three access tokens run out; each is exchanged once.
    for number in range(1, 4):
        clock.advance(LIFE + 1)
        page.goto("/notes")
        page.goto("/account")
        expect(page.get_by_role("definition").first).to_have_text("Carol Consultant")
        assert refreshes() == number

    # Near the end the page warns; the button extends.
    clock.advance(1800 - 100)
    page.clock.fast_forward(10_000)
    page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    button = page.get_by_role("button", name="Stay signed in")
    expect(button).to_be_visible()
    assert refreshes() == 3
    button.click()
    expect(button).to_be_hidden()
    assert refreshes() == 4

    # Another organization.
    page.get_by_label("Go on in").select_option(label="Globex")
    page.get_by_role("button", name="Switch").click()
    expect(page.get_by_text("Globex").first).to_be_visible()
    expect(page.get_by_role("definition").nth(3)).to_have_text("admin")

    # Out, and Back shows nothing.
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert {each.status for each in workos.sessions} == {"revoked"}
    page.go_back()
    page.wait_for_load_state()
    expect(page.locator("body")).not_to_contain_text("Carol")
    page.goto("/account")
    expect(page.locator("body")).to_contain_text("signed out")
    expect(page.locator("body")).not_to_contain_text("Carol")
    assert faults == []
