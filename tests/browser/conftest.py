"""Real servers on one clock, which a test moves; and a browser whose pages' clocks move along."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import make_server

from examples.team_app import create_app
from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.local import LocalWorkOS, MovableClock

#: Seconds: an access token's life, an absence, a session.
LIFE, IDLE, MOST = 300, 1800, 8 * 3600

#: What Chromium and htmx note of themselves: an answer that is no success, and a sign-out.
_NOTES = (
    "Failed to load resource: the server responded",
    "Response Status Error Code 401",
    "Clear-Site-Data header on",
)

# A browser without a screen shows every tab.
_VISIBILITY = """
(state) => {
  const settings = { configurable: true };
  Object.defineProperty(document, "hidden", { ...settings, get: () => state === "hidden" });
  Object.defineProperty(document, "visibilityState", { ...settings, get: () => state });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def idle() -> int | None:
    """The inactivity timeout, for a test to replace."""
    return IDLE


@pytest.fixture
def most() -> int:
    """The maximum length of a session, likewise."""
    return MOST


@pytest.fixture
def workos(clock: MovableClock, idle: int | None, most: int) -> Iterator[LocalWorkOS]:
    with LocalWorkOS(
        clock=clock, access_token_seconds=LIFE, inactivity_timeout=idle, max_length=most
    ) as local:
        yield local


@pytest.fixture
def serve(workos: LocalWorkOS, clock: MovableClock) -> Iterator[Callable[..., str]]:
    """Serves what ``make(sessions, settings)`` returns, on the clock of the test; its address."""
    running = []

    def start(make: Callable[[WorkOSSessions, dict[str, Any]], Flask]) -> str:
        # The port is known before the app is: its settings name it.
        server = make_server("127.0.0.1", 0, lambda environ, start: [], threaded=True)
        url = f"http://127.0.0.1:{server.port}"
        workos.allow_logout_uri(f"{url}/")
        settings = workos.settings(f"{url}/auth/callback", SECRET_KEY="for this test")
        server.app = make(WorkOSSessions(clock=clock), settings)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return url

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def harbour(serve: Callable[..., str], workos: LocalWorkOS, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the sample app."""

    def make(sessions: WorkOSSessions, settings: dict[str, Any]) -> Flask:
        monkeypatch.setattr("examples.team_app.sessions", sessions)
        organizations = {each.id: each.name for each in workos.organizations}
        return create_app(settings, HARBOUR_ORGANIZATIONS=organizations)

    return serve(make)


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """With the back/forward cache, which Playwright turns off."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox"],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


class Somebody:
    """A person with a browser, who signs in as one of LocalWorkOS's people."""

    def __init__(self, context: BrowserContext, url: str, clock: MovableClock) -> None:
        self.context, self.url, self.clock = context, url, clock
        self.console: list[str] = []
        context.set_default_timeout(10_000)
        context.on("page", self._listen)
        self._moves = False

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on(
            "console", lambda line: line.text.startswith(_NOTES) or self.console.append(line.text)
        )

    def open(self, path: str) -> Page:
        """A new tab."""
        page = self.context.new_page()
        page.goto(self.url + path)
        return page

    def sign_in(self, path: str, name: str = "Alice Admin") -> Page:
        """A new tab, after signing in there. Its clock is the test's from now on."""
        if not self._moves:
            self.context.clock.install()
            self._moves = True
        page = self.open(path)
        page.get_by_role("button", name=f"Continue as {name}").click()
        page.wait_for_url(self.url + path)
        return page

    def sign_in_again(self, page: Page, link: str, name: str = "Alice Admin") -> Page:
        """Follow a link to the sign-in, which opens in a new tab; that tab, after the sign-in."""
        with self.context.expect_page() as opened:
            page.get_by_role("link", name=link).click()
        tab = opened.value
        tab.get_by_role("button", name=f"Continue as {name}").click()
        expect(tab.get_by_role("heading", name="You're signed in again")).to_be_visible()
        return tab

    @staticmethod
    def set_visible(page: Page, visible: bool) -> None:
        """Another tab comes to the front, or this one again."""
        page.evaluate(_VISIBILITY, "visible" if visible else "hidden")

    def wait(self, seconds: float) -> None:
        """Time goes by, for all servers and all tabs.

        A page that is loaded afterwards believes that it has been there all the time: its
        ``performance.now()`` is Playwright's.
        """
        self.clock.advance(seconds)
        self.context.clock.fast_forward(seconds * 1000)


@pytest.fixture
def person(chromium: Browser, clock: MovableClock) -> Iterator[Callable[[str], Somebody]]:
    """Makes somebody with a browser of their own, who uses the app at an address."""
    contexts = []

    def make(url: str) -> Somebody:
        contexts.append(chromium.new_context())
        return Somebody(contexts[-1], url, clock)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def alice(person: Callable[[str], Somebody], harbour: str) -> Somebody:
    """A person who uses the sample app."""
    return person(harbour)
