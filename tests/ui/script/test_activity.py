"""Somebody who works on a page stays signed in; a page that works by itself keeps nobody so."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

POLL, EXTEND = "GET /auth/session", "POST /auth/session/extend"
#: Half of the time without activity is over: idle is 1800 in these pages.
HALF = 890


def opened(tabs: Any, left: int = HALF, **config: Any) -> Page:
    tabs.answer(1795)
    page = tabs.open(left, config={"poll": 0, **config})
    assert isinstance(page, Page)
    return page


@pytest.mark.parametrize("gesture", ["key", "click", "wheel", "touch"])
def test_what_somebody_does_extends_in_the_second_half(tabs: Any, gesture: str) -> None:
    page = opened(tabs)
    if gesture == "key":
        page.locator("#note").press("a")
    elif gesture == "click":
        page.locator("h1").click()
    elif gesture == "wheel":
        page.mouse.wheel(0, 50)
    else:
        session = page.context.new_cdp_session(page)
        touch = {"type": "touchStart", "touchPoints": [{"x": 30, "y": 30}]}
        session.send("Input.dispatchTouchEvent", touch)
    for _ in range(50):
        tabs.settle()
        if tabs.asked:
            break
    assert tabs.asked == [EXTEND]
    assert page.evaluate("() => workosSession.info.expiresIn") == 1795


def test_in_the_first_half_nothing_is_extended(tabs: Any) -> None:
    page = opened(tabs, 910)
    page.locator("#note").press("a")
    tabs.settle()
    assert tabs.asked == []


@pytest.mark.parametrize(("idle", "pause"), [(1800, 180), (600, 60), (120, 60)])
def test_it_is_extended_once_in_a_while(tabs: Any, idle: int, pause: int) -> None:
    """The answer does not matter: WorkOS may not have counted it."""
    left = idle // 2 - 5
    page = opened(tabs, left, idle=idle, warn=5, notice=6)
    tabs.answer(left)
    page.locator("#note").press("a")
    tabs.settle()
    assert tabs.asked == [EXTEND]
    tabs.answer(left)
    tabs.skip(pause - 10)
    page.locator("#note").press("b")
    tabs.settle()
    assert tabs.count(EXTEND) == 1
    tabs.skip(12)
    page.locator("#note").press("c")
    tabs.settle()
    assert tabs.count(EXTEND) == (1 if idle == 120 else 2)


def test_moving_the_mouse_and_scrolling_are_no_activity(tabs: Any) -> None:
    tabs.site.body = "<h1>Notes</h1>" + "<p>Long</p>" * 100
    page = opened(tabs)
    page.mouse.move(100, 100)
    page.mouse.move(200, 200)
    page.evaluate("() => scrollTo(0, 500)")
    page.evaluate("() => document.querySelector('h1').focus()")
    tabs.run(2)
    assert tabs.asked == []


def test_a_script_is_nobody(tabs: Any) -> None:
    page = opened(tabs)
    page.evaluate(
        """() => {
          const field = document.querySelector("#note");
          for (const kind of ["keydown", "pointerdown", "wheel", "touchstart", "click", "input"]) {
            field.dispatchEvent(new Event(kind, { bubbles: true }));
          }
          field.click();
          field.focus();
        }"""
    )
    tabs.run(2)
    assert tabs.asked == []


def test_once_warned_it_takes_an_answer(tabs: Any) -> None:
    """Typing on behind the dialog is no decision to stay."""
    page = opened(tabs, 100)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.mouse.click(5, 5)
    page.keyboard.press("a")
    tabs.settle()
    assert tabs.asked == []


def test_once_warned_by_the_app_itself_it_takes_an_answer(tabs: Any) -> None:
    tabs.scripts.append(
        "document.addEventListener('workos-session:warning', (event) => event.preventDefault());"
    )
    page = opened(tabs, 100)
    assert page.evaluate("() => workosSession.state") == "warning"
    page.locator("#note").press("a")
    tabs.settle()
    assert tabs.asked == []


def test_in_the_notice_typing_still_extends(tabs: Any) -> None:
    page = opened(tabs, 250)
    expect(page.locator("[data-workos-banner]")).to_be_visible()
    page.locator("#note").press("a")
    tabs.settle()
    assert tabs.asked == [EXTEND]
    tabs.run(1)
    expect(page.locator("[data-workos-banner]")).to_be_hidden()


def test_what_somebody_does_in_our_own_parts_is_not_work_on_the_page(tabs: Any) -> None:
    page = opened(tabs, 250)
    page.get_by_role("button", name="Dismiss").click()
    tabs.settle()
    assert tabs.asked == []


def test_requests_alone_can_be_what_counts(tabs: Any) -> None:
    page = opened(tabs, input=False)
    page.locator("#note").press("a")
    tabs.run(2)
    assert tabs.asked == []


def test_a_session_that_cannot_be_extended_is_not(tabs: Any) -> None:
    tabs.answer(700, because="max_length", idle_in=700)
    page = tabs.open(700, {"poll": 0}, because="max_length", idle_in=700)
    page.locator("#note").press("a")
    tabs.run(2)
    assert tabs.asked == []


def test_a_session_without_such_a_limit_is_not_extended(tabs: Any) -> None:
    tabs.answer(None)
    page = tabs.open(None, {"poll": 0}, because=None, max_in=None)
    page.locator("#note").press("a")
    tabs.run(2)
    assert tabs.asked == []


def test_after_the_end_nothing_is_extended(tabs: Any) -> None:
    page = opened(tabs)
    tabs.end("inactivity")
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()
    asked = len(tabs.asked)
    page.keyboard.press("a")
    page.mouse.click(3, 3)
    tabs.run(2)
    assert len(tabs.asked) == asked


def test_an_activity_that_does_not_reach_the_server_is_said(tabs: Any) -> None:
    page = opened(tabs)
    page.evaluate(
        """() => {
          window.told = [];
          workosSession.on("extend-failed", ({ detail }) => told.push(detail.source));
        }"""
    )
    tabs.lose()
    page.locator("#note").press("a")
    tabs.settle()
    assert page.evaluate("() => told") == ["activity"]
    assert page.evaluate("() => workosSession.state") == "active"
