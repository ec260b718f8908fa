"""Pages that htmx updates, in both of its majors: polls are marked, and a refusal harms nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[3]
VERSIONS = {
    "2": ROOT / "examples/team_app/static/htmx-2.0.11.min.js",
    "4": ROOT / "tests/ui/vendor/htmx-4.0.1.min.js",
}
BODY = (
    '<script src="/htmx.js"></script><h1>Tasks</h1><div id="list">Water the plants</div>'
    '<button id="ask" hx-get="/api" hx-target="#list">Ask</button>'
)
POLL = "GET /auth/session"
#: What the extension answers when the session has ended.
REFUSED = {
    "status": 401,
    "headers": {"HX-Reswap": "none", "HX-Trigger": '{"workos-session:401":{}}'},
    "body": "",
}


@pytest.fixture(params=VERSIONS)
def htmx(request: pytest.FixtureRequest, tabs: Any) -> Any:
    """Opens a page that has htmx, and markup of its own."""
    source = {"path": str(VERSIONS[request.param]), "content_type": "text/javascript"}
    tabs.replies["/htmx.js"] = source
    tabs.replies["/tasks"] = lambda request: {
        "body": tabs.site.document(),
        "content_type": "text/html; charset=utf-8",
    }
    tabs.replies["/api"] = {"body": "Feed the cat", "content_type": "text/html"}

    def open_page(body: str = "", left: int = 1700, **state: Any) -> Page:
        tabs.site.body = BODY + body
        tabs.site.config["state"] = tabs.state(left, **state)
        page: Page = tabs.visit("/tasks")
        return page

    return open_page


def passive(tabs: Any, path: str = "/api") -> list[str | None]:
    found: list[str | None] = tabs.headers(path, "x-session-passive")
    return found


@pytest.mark.parametrize(
    "trigger",
    ['hx-trigger="every 2s"', 'data-hx-trigger="every 2s"', 'hx-trigger="click, every 2s"'],
)
def test_a_poll_keeps_nobody_signed_in(tabs: Any, htmx: Any, trigger: str) -> None:
    prefix = "data-" if trigger.startswith("data-") else ""
    page = htmx(f'<div {prefix}hx-get="/poll" {trigger} id="poll"></div>')
    if prefix and page.evaluate("() => htmx.version").startswith("4"):
        page.evaluate("() => { htmx.config.prefix = 'data-hx-'; htmx.process(document.body); }")
    tabs.replies["/poll"] = {"body": "1", "content_type": "text/html"}
    page.locator("h1").click()  # somebody is there; and it is a poll all the same
    tabs.run(5)
    marks = passive(tabs, "/poll")
    assert len(marks) >= 2
    assert set(marks) == {"1"}


def test_a_click_is_somebody(tabs: Any, htmx: Any) -> None:
    page = htmx()
    page.locator("#ask").click()
    tabs.settle()
    expect(page.locator("#list")).to_have_text("Feed the cat")
    assert passive(tabs) == [None]


def test_a_click_on_what_is_polled_is_somebody(tabs: Any, htmx: Any) -> None:
    page = htmx('<div hx-get="/poll" hx-trigger="click, every 60s" id="poll">Poll</div>')
    tabs.replies["/poll"] = {"body": "1", "content_type": "text/html"}
    page.locator("#poll").click()
    tabs.settle()
    assert passive(tabs, "/poll") == [None]


def test_in_a_hidden_tab_everything_is_passive(tabs: Any, htmx: Any) -> None:
    page = htmx()
    tabs.hide(page)
    page.evaluate("() => htmx.ajax('GET', '/api', '#list')")
    tabs.settle()
    assert passive(tabs) == ["1"]


def test_a_request_soon_after_a_gesture_is_somebodys(tabs: Any, htmx: Any) -> None:
    page = htmx()
    tabs.run(10)
    page.evaluate("() => htmx.ajax('GET', '/api', '#list')")
    tabs.settle()
    page.locator("h1").click()
    tabs.run(4)
    page.evaluate("() => htmx.ajax('GET', '/api', '#list')")
    tabs.run(2)
    page.evaluate("() => htmx.ajax('GET', '/api', '#list')")
    tabs.settle()
    assert passive(tabs) == ["1", None, "1"]


def test_what_a_page_loads_when_it_opens_is_somebodys(tabs: Any, htmx: Any) -> None:
    tabs.replies["/first"] = {"body": "1", "content_type": "text/html"}
    htmx('<div hx-get="/first" hx-trigger="load"></div>')
    tabs.run(1)
    assert passive(tabs, "/first") == [None]


def test_a_refused_click_leaves_its_target_and_says_why(tabs: Any, htmx: Any) -> None:
    page = htmx()
    tabs.end("inactivity")
    tabs.replies["/api"] = REFUSED
    tabs.expected = "Response Status Error Code 401"  # htmx 2 says so
    page.evaluate("() => { window.list = document.querySelector('#list'); }")
    page.locator("#ask").click()
    tabs.settle()
    expect(page.locator("#list")).to_have_text("Water the plants")
    tabs.run(2)
    assert tabs.asked == [POLL]
    expect(page.get_by_role("dialog")).to_contain_text("You've been signed out")
    assert page.evaluate("() => list.innerText") == "Water the plants"
    tabs.answer(sid="s2")
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()
    tabs.replies["/api"] = {"body": "Feed the cat", "content_type": "text/html"}
    page.locator("#ask").click()
    tabs.settle()
    expect(page.locator("#list")).to_have_text("Feed the cat")


def test_the_header_alone_is_a_reason_to_ask(tabs: Any, htmx: Any) -> None:
    """Not every browser tells a script the status of what it has loaded."""
    tabs.scripts.append("delete window.PerformanceObserver;")
    tabs.scripts.append("window.PerformanceObserver = class { observe() {} };")
    page = htmx()
    tabs.end("inactivity")
    tabs.replies["/api"] = REFUSED
    tabs.expected = "Response Status Error Code 401"  # htmx 2 says so
    page.locator("#ask").click()
    tabs.run(2)
    assert tabs.asked == [POLL]
    assert page.evaluate("() => workosSession.state") == "ended"


def test_a_poll_that_nobody_answers_leaves_its_target(tabs: Any, htmx: Any) -> None:
    """204: the access token has run out, and a poll does not renew it."""
    page = htmx('<div hx-get="/poll" hx-trigger="every 2s" id="poll">Three tasks</div>')
    tabs.replies["/poll"] = {"status": 204}
    tabs.run(5)
    assert len(passive(tabs, "/poll")) >= 2
    expect(page.locator("#poll")).to_have_text("Three tasks")
    assert tabs.asked == []


def boosted(tabs: Any, htmx: Any, **state: Any) -> Page:
    """The page after its whole body was replaced by that of the next."""
    tabs.site.config["input"] = False
    page: Page = htmx('<a id="next" hx-boost="true" href="/next">Next</a>', 250)
    expect(page.locator("[data-workos-banner]")).to_be_visible()
    page.evaluate("() => { window.ready = 0; workosSession.on('ready', () => { ready += 1; }); }")

    def reply(request: Any) -> dict[str, Any]:
        tabs.site.config["state"] = tabs.state(**{"ver": 5, **state})
        tabs.site.body = '<h1>The next page</h1><textarea id="note"></textarea>'
        return {"body": tabs.site.document(), "content_type": "text/html; charset=utf-8"}

    tabs.replies["/next"] = reply
    page.locator("#next").click()
    tabs.settle()
    expect(page.locator("h1")).to_have_text("The next page")
    expect(page.locator(".workos-session")).to_have_count(1)
    page.wait_for_function("() => workosSession.info.expiresIn > 500")
    return page


def test_a_page_that_is_swapped_in_is_gone_on_with(tabs: Any, htmx: Any) -> None:
    page = boosted(tabs, htmx, expires_in=1000)
    assert page.evaluate("() => [ready, workosSession.info.expiresIn]") == [0, 1000]
    expect(page.locator("[data-workos-banner]")).to_be_hidden()
    tabs.answer(1000)
    tabs.run(34)
    assert tabs.count(POLL) == 1


def test_a_page_that_is_swapped_in_can_be_warned_and_ended(tabs: Any, htmx: Any) -> None:
    page = boosted(tabs, htmx, expires_in=1000)
    tabs.answer(100, ver=6)
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()
    expect(page.get_by_role("dialog")).to_contain_text("You'll be signed out soon")
    page.keyboard.press("Escape")
    tabs.settle()
    assert tabs.asked[-1] == "POST /auth/session/extend"
    tabs.end("inactivity")
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()
    expect(page.locator("h1")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_contain_text("You've been signed out")
    tabs.answer(sid="s2", ver=9)
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()
    expect(page.locator("h1")).to_have_text("The next page")


def test_a_page_that_is_swapped_in_may_be_for_other_rights(tabs: Any, htmx: Any) -> None:
    page = boosted(tabs, htmx, expires_in=1000, access="a2")
    tabs.answer(1000, access="a2")
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()
    expect(page.locator("[data-workos-banner]")).to_be_hidden()


def test_a_page_that_is_swapped_in_needs_no_other_reload(tabs: Any, htmx: Any) -> None:
    """The one before it was told that its rights had changed; this one has them."""
    page = htmx('<a id="next" hx-boost="true" href="/next">Next</a>')
    tabs.answer(1000, access="a2")
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()
    expect(page.locator("[data-workos-banner]")).to_contain_text("Your access has changed.")

    def reply(request: Any) -> dict[str, Any]:
        tabs.site.config["state"] = tabs.state(1000, ver=9, access="a2")
        return {"body": tabs.site.document(), "content_type": "text/html; charset=utf-8"}

    tabs.replies["/next"] = reply
    page.locator("#next").click()
    tabs.settle()
    page.wait_for_function("() => location.pathname === '/next'")
    tabs.settle()
    expect(page.locator("[data-workos-banner]")).to_be_hidden()


def test_what_was_typed_before_the_swap_is_no_reason_to_keep_the_next_page(
    tabs: Any, htmx: Any
) -> None:
    page = htmx('<input id="name"><a id="next" hx-boost="true" href="/next">Next</a>')
    page.locator("#name").press_sequentially("Ada")

    def reply(request: Any) -> dict[str, Any]:
        tabs.site.config["state"] = tabs.state(1000, ver=9)
        return {"body": tabs.site.document(), "content_type": "text/html; charset=utf-8"}

    tabs.replies["/next"] = reply
    page.locator("#next").click()
    tabs.settle()
    page.wait_for_function("() => workosSession.info.expiresIn <= 1000")
    tabs.end("revoked")
    page.evaluate("() => { workosSession.check(); }")
    page.wait_for_url("**/auth/signed-out?reason=revoked")
