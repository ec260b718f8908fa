"""Pages that the browser has kept, for the Back button, or made before anybody asked for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

pytestmark = pytest.mark.browser

POLL = "GET /auth/session"
#: Remembers how the page came to be shown; the page's own clock stands still.
SHOWN = "window.shown = []; addEventListener('pageshow', (event) => shown.push(event.persisted));"


@pytest.fixture(scope="module")
def ui_chromium(chromium_path: str) -> Iterator[Browser]:
    """Playwright keeps Chromium from keeping pages; not here."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox"],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@pytest.fixture
def kept(tabs: Any) -> Any:
    tabs.listening = False
    tabs.scripts.append(SHOWN)
    return tabs


def leave(page: Page) -> None:
    page.goto("https://harbour.test/elsewhere")


def back(tabs: Any, page: Page) -> None:
    page.evaluate("() => history.back()")
    for _ in range(100):
        try:
            if page.evaluate("() => window.shown?.length") == 2:
                break
        except Error as error:  # the page that is left
            if "context" not in error.message:
                raise
    tabs.settle()
    assert page.evaluate("() => shown") == [False, True], "the browser has not kept the page"


def test_a_page_that_comes_back_asks_at_once(kept: Any) -> None:
    page = kept.open()
    kept.answer(1234)
    leave(page)
    back(kept, page)
    assert kept.asked.count(POLL) == 1
    assert page.evaluate("() => workosSession.info.expiresIn") == 1234


def test_a_page_that_comes_back_after_the_end_shows_nothing(kept: Any) -> None:
    kept.site.body = '<h1>Secret</h1><textarea id="note"></textarea>'
    page = kept.open()
    page.locator("#note").press("x")
    kept.end("signed_out")
    leave(page)
    back(kept, page)
    assert "Secret" not in page.evaluate("() => document.body.innerText")
    expect(page.get_by_role("dialog")).to_contain_text("You signed out")


@pytest.mark.parametrize("reason", ["inactivity", "revoked"])
def test_back_after_a_refused_form_nothing_is_lost(kept: Any, reason: str) -> None:
    kept.site.body = (
        '<h1>Notes</h1><form action="/save" method="post">'
        '<textarea id="note" name="note"></textarea><button>Save</button></form>'
    )
    kept.replies["/save"] = {"body": "<h1>You've been signed out</h1>", "content_type": "text/html"}
    page = kept.open()
    page.locator("#note").press_sequentially("Dear diary")
    kept.end(reason)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/save")
    back(kept, page)
    expect(page.get_by_role("dialog")).to_be_visible()
    if reason == "revoked":
        expect(page.locator("[data-workos-typed]")).to_have_value("Dear diary")
        return
    kept.answer(sid="s2", ver=9)
    page.evaluate("() => workosSession.check()")
    expect(page.locator("#note")).to_have_value("Dear diary")


def test_a_page_that_the_browser_keeps_hears_nothing_and_hears_again(kept: Any) -> None:
    """A message for it would make the browser throw it away."""
    page, other = kept.open(), kept.open()
    leave(page)
    kept.say(other, {"v": 1, "t": "ended"})
    kept.answer()
    kept.run(2)
    asked = kept.asked.count(POLL)  # the other tab did
    back(kept, page)
    assert kept.asked.count(POLL) == asked + 1
    kept.hide(other)
    kept.run(2)
    kept.say(other, {"v": 1, "t": "ended"})
    for _ in range(50):
        kept.run(1)
        if kept.asked.count(POLL) >= asked + 3:
            break
    assert kept.asked.count(POLL) >= asked + 3


class TestPrerendering:
    """A page that the browser makes ahead of a click that may never come."""

    AHEAD = """
    Object.defineProperty(document, "prerendering", { value: true, configurable: true });
    """

    def test_it_does_nothing(self, tabs: Any) -> None:
        tabs.scripts.append(self.AHEAD)
        other = tabs.open()
        tabs.answer(90)
        page = tabs.open(90)
        tabs.run(60)
        assert tabs.asked == []
        assert tabs.messages(other) == []
        expect(page.locator("dialog")).to_be_hidden()
        assert page.evaluate("() => document.documentElement.dataset.workosSession") is None

    def test_it_begins_when_it_is_shown(self, tabs: Any) -> None:
        tabs.scripts.append(self.AHEAD)
        page = tabs.open(1700)
        tabs.answer(1700)
        tabs.run(60)
        page.evaluate(
            """() => {
              delete document.prerendering;
              document.dispatchEvent(new Event("prerenderingchange"));
            }"""
        )
        tabs.settle()
        assert page.evaluate("() => workosSession.info.expiresIn") == 1640
        assert page.evaluate("() => workosSession.state") == "active"
        tabs.run(34)
        assert tabs.asked == [POLL]
