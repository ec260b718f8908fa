"""The answers to the page's own requests carry the news: an active user makes about no polls."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

POLL = "GET /auth/session"


def timing(desc: str) -> dict[str, Any]:
    headers = {"Server-Timing": f'db;dur=3, workos;desc="{desc}"'}
    return {"json": {}, "headers": headers}


def get(page: Page, url: str = "/api") -> int:
    """The app asks for something, and the browser tells of it: of how many timings."""
    timings: int = page.evaluate(
        """(url) => new Promise((done) => {
          const observer = new PerformanceObserver((list) => {
            const { href } = new URL(url, location.href);
            const entry = list.getEntries().find((each) => each.name === href);
            if (entry) {
              observer.disconnect();
              done(entry.serverTiming?.length);
            }
          });
          observer.observe({ type: "resource" });
          fetch(url).then((response) => response.text()).catch(() => 0);
        })""",
        url,
    )
    return timings


def left(page: Page) -> int | None:
    seconds: int | None = page.evaluate("() => workosSession.info.expiresIn")
    return seconds


@pytest.mark.parametrize("how", ["fetch", "xhr"])
def test_an_answer_moves_the_countdown_without_a_poll(tabs: Any, how: str) -> None:
    tabs.replies["/api"] = timing("27000.1790.1.5.r1")
    page = tabs.open(280)
    expect(page.locator("[data-workos-banner]")).to_be_visible()
    if how == "fetch":
        get(page)
    else:
        page.evaluate(
            "() => { const ask = new XMLHttpRequest(); ask.open('GET', '/api'); ask.send(); }"
        )
    page.wait_for_function("() => workosSession.info.expiresIn === 1790")
    expect(page.locator("[data-workos-banner]")).to_be_hidden()
    assert page.evaluate("() => workosSession.info.maxIn") == 27000
    assert tabs.asked == []


def test_an_active_user_makes_no_polls(tabs: Any) -> None:
    page = tabs.open()
    for number in range(12):
        tabs.replies["/api"] = timing(f"27000.1790.1.{5 + number}.r1")
        get(page)
        tabs.run(15)
    assert tabs.asked == []


def test_a_session_that_ends_by_length_counts_that(tabs: Any) -> None:
    tabs.replies["/api"] = timing("1000.1790.0.5.r1")
    page = tabs.open(1500, because="max_length")
    get(page)
    assert left(page) == 1000


def test_what_is_not_known_stays_so(tabs: Any) -> None:
    tabs.replies["/api"] = timing("-.1790.1.5.r1")
    page = tabs.open(1500)
    get(page)
    assert page.evaluate("() => workosSession.info.maxIn") is None
    assert left(page) == 1790


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_an_older_answer_is_ignored(tabs: Any, version: str) -> None:
    tabs.replies["/api"] = timing(f"27000.5.1.{version}.other")
    page = tabs.open(1500, ver=2)
    get(page)
    tabs.run(2)
    assert left(page) == 1498
    assert tabs.asked == []


@pytest.mark.parametrize(
    "desc",
    ["27000.1790.1.5.r2", "27000.1790.0.5.r1"],
    ids=["other rights", "no longer to be extended"],
)
def test_other_news_are_a_reason_to_ask(tabs: Any, desc: str) -> None:
    tabs.answer(1500, ver=5, rev=desc[-2:], access="a2")
    tabs.replies["/api"] = timing(desc)
    page = tabs.open(1500)
    get(page)
    get(page)
    tabs.run(2)
    assert tabs.count(POLL) == 1
    get(page)
    tabs.run(2)
    assert tabs.count(POLL) == 1


def test_other_rights_are_told(tabs: Any) -> None:
    tabs.answer(1500, ver=5, rev="r2", access="a2")
    tabs.replies["/api"] = timing("27000.1790.1.5.r2")
    page = tabs.open(1500)
    get(page)
    tabs.run(2)
    expect(page.locator("[data-workos-banner]")).to_contain_text("Your access has changed.")


def test_a_refused_request_is_a_reason_to_ask(tabs: Any) -> None:
    tabs.end("inactivity")
    tabs.replies["/api"] = {"status": 401, "json": {}}
    page = tabs.open(1500)
    get(page)
    assert page.evaluate("() => workosSession.state") == "active"
    tabs.run(2)
    assert tabs.asked == [POLL]
    assert page.evaluate("() => workosSession.state") == "ended"
    expect(page.get_by_role("dialog")).to_be_visible()
    tabs.run(10)
    assert tabs.asked == [POLL]


def test_many_refused_requests_lead_to_one_question(tabs: Any) -> None:
    tabs.answer(1500)
    tabs.replies["/api"] = {"status": 401, "json": {}}
    page = tabs.open(1500)
    for _ in range(5):
        get(page)
    for _ in range(26):
        tabs.context.clock.run_for(50)
        tabs.settle()
    assert tabs.count(POLL) == 1


@pytest.mark.parametrize("code", [403, 404, 500])
def test_other_failures_are_not(tabs: Any, code: int) -> None:
    tabs.replies["/api"] = {"status": code, "json": {}}
    page = tabs.open(1500)
    get(page)
    tabs.run(2)
    assert tabs.asked == []


def test_other_sites_are_not_believed(tabs: Any) -> None:
    url = "https://elsewhere.test/api"
    tabs.replies[url] = timing("9.9.1.5.r1")
    tabs.replies[url]["headers"] |= {
        "Access-Control-Allow-Origin": "*",
        "Timing-Allow-Origin": "*",
    }
    tabs.site.config["state"] = tabs.state(1500)
    document = {"body": tabs.site.document(), "content_type": "text/html"}
    tabs.replies["/open"] = document  # without a policy
    page = tabs.visit("/open")
    assert get(page, url) == 2
    tabs.run(2)
    assert left(page) == 1498
    tabs.replies[url] |= {"status": 401}
    get(page, url)
    tabs.run(2)
    assert tabs.asked == []


def test_after_the_end_nothing_is_adopted(tabs: Any) -> None:
    tabs.end("inactivity")
    tabs.replies["/api"] = timing("27000.1790.1.5.r1")
    page = tabs.open(1500)
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()
    said = len(tabs.messages(page))
    get(page)
    tabs.run(2)
    assert page.evaluate("() => workosSession.state") == "ended"
    assert len(tabs.messages(page)) == said


def test_where_there_is_no_such_news_a_refusal_is_still_seen(tabs: Any) -> None:
    """On pages that did not come over TLS the browser hides it."""
    tabs.scripts.append("delete PerformanceResourceTiming.prototype.serverTiming;")
    tabs.end("inactivity")
    tabs.replies["/api"] = {"json": {}}
    page = tabs.open(1500)
    get(page)
    tabs.replies["/api"] = {"status": 401, "json": {}}
    get(page)
    tabs.run(2)
    assert page.evaluate("() => workosSession.state") == "ended"
