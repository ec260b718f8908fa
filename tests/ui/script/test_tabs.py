"""What one tab learns, all know within a second: they tell each other to ask."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

POLL, EXTEND, SIGN_OUT = "GET /auth/session", "POST /auth/session/extend", "POST /auth/logout"
NO_CHANNEL = "delete window.BroadcastChannel;"


def state(page: Page) -> str:
    text: str = page.evaluate("() => workosSession.state")
    return text


def signs_out(tabs: Any) -> None:
    """The server's part of a sign-out."""

    def reply(request: Any) -> dict[str, Any]:
        tabs.asked.append(f"{request.method} /auth/logout")
        tabs.end("signed_out")
        return {"json": {"v": 1, "state": "ended", "logout_url": "/goodbye"}}

    tabs.replies["/auth/logout"] = reply


def test_two_visible_windows_make_one_poll_per_interval(tabs: Any) -> None:
    tabs.answer()
    tabs.open()
    tabs.open()
    tabs.run(150)
    # And each asks itself once in two minutes: it need not believe the other.
    assert 150 / 33 - 1 <= tabs.count(POLL) <= 150 / 27 + 2


def test_one_window_makes_as_many(tabs: Any) -> None:
    tabs.open()
    tabs.answer()
    tabs.run(120)
    assert 120 / 33 - 1 <= tabs.count(POLL) <= 120 / 27 + 1


def test_a_window_that_others_ask_for_asks_itself_after_two_minutes(tabs: Any) -> None:
    page = tabs.open()
    tabs.answer()
    for _ in range(149):
        left = page.evaluate("() => workosSession.info.expiresIn")
        known = tabs.state()
        whose = {"sid": known["sid"], "access": known["access"], "left": left}
        tabs.say(page, {"v": 1, "t": "asked", **whose})
        tabs.run(1)
    assert tabs.count(POLL) == 1


def test_an_extension_closes_the_warning_of_the_other_tab(tabs: Any) -> None:
    page, other = tabs.open(100), tabs.open(100)
    tabs.answer(1700)
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(other.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Stay signed in").click()
    tabs.run(1)
    expect(other.locator("dialog")).to_be_hidden()
    assert state(other) == "active"
    assert tabs.asked == [EXTEND, POLL]


def test_an_extension_is_seen_by_a_hidden_tab_when_somebody_looks_at_it(tabs: Any) -> None:
    """Although its own answer is fresh; and not before: hidden tabs ask nothing."""
    page, other = tabs.open(100), tabs.open(100)
    tabs.hide(other)
    tabs.answer(1700)
    page.get_by_role("button", name="Stay signed in").click()
    tabs.run(2)
    assert tabs.asked == [EXTEND]
    tabs.show(other)
    assert tabs.asked == [EXTEND, POLL]
    expect(other.locator("dialog")).to_be_hidden()


@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
@pytest.mark.parametrize("way", ["form", "button", "script"])
def test_a_sign_out_ends_the_other_tabs(tabs: Any, way: str, hidden: bool) -> None:
    tabs.site.body = (
        '<form action="/auth/logout" method="post"><button>Leave</button></form>'
        '<button data-workos-action="signout">Go</button><textarea id="note"></textarea>'
    )
    page, other = tabs.open(), tabs.open()
    other.locator("#note").press("x")
    if hidden:
        tabs.hide(other)
    signs_out(tabs)
    if way == "script":
        page.evaluate("() => { workosSession.signOut(); }")
    else:
        page.get_by_role("button", name="Leave" if way == "form" else "Go").click()
    page.wait_for_url("**/goodbye")
    tabs.run(1)
    assert state(other) == "ended"
    assert other.evaluate("() => workosSession.info.reason") == "signed_out"
    assert tabs.count(SIGN_OUT) == 1


def test_the_others_hear_of_a_sign_out_when_it_is_done(tabs: Any) -> None:
    page, other = tabs.open(), tabs.open()
    tabs.replies["/auth/logout"] = {"status": 503, "body": "busy"}
    page.evaluate("() => { workosSession.signOut(); }")
    page.wait_for_url("**/auth/logout")
    tabs.run(2)
    assert tabs.count(POLL) == 0
    assert state(other) == "active"


def test_a_form_that_the_app_stops_signs_nobody_out(tabs: Any) -> None:
    tabs.site.body = '<form action="/auth/logout" method="post"><button>Leave</button></form>'
    page = tabs.open()
    page.evaluate("() => document.forms[0].addEventListener('submit', (e) => e.preventDefault())")
    page.get_by_role("button", name="Leave").click()
    tabs.run(1)
    assert tabs.asked == []


def test_an_end_that_one_tab_learns_reaches_the_other(tabs: Any) -> None:
    page, other = tabs.open(), tabs.open()
    tabs.end("inactivity")
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()
    assert state(other) == "active"  # it asks first
    tabs.run(1)
    assert state(other) == "ended"
    tabs.run(5)
    asked = tabs.count(POLL)
    assert asked <= 3
    tabs.run(60)
    assert tabs.count(POLL) == asked


def test_a_tab_of_another_person_takes_the_first_ones_page_away(tabs: Any) -> None:
    page = tabs.open()
    page.locator("#note").press("x")
    tabs.answer(sub="bob", sid="s2", access="b1")
    tabs.open(sub="bob", sid="s2", access="b1")
    tabs.run(1)
    assert page.evaluate("() => workosSession.info.reason") == "user_changed"
    expect(page.locator("#note")).to_have_count(0)


def test_a_new_sign_in_brings_the_pages_of_all_tabs_back(tabs: Any) -> None:
    first, second = tabs.open(), tabs.open()
    tabs.end("inactivity")
    first.evaluate("() => { workosSession.check(); }")
    tabs.run(1)
    assert [state(first), state(second)] == ["ended", "ended"]
    tabs.answer(sid="s2", ver=9)
    tabs.open(sid="s2", ver=9)
    tabs.run(1)
    assert [state(first), state(second)] == ["active", "active"]
    expect(first.locator("#note")).to_be_visible()
    expect(second.locator("#note")).to_be_visible()


def test_a_new_session_of_the_same_person_is_asked_for(tabs: Any) -> None:
    page = tabs.open()
    tabs.answer(sid="s2", ver=9)
    tabs.open(sid="s2", ver=9)
    tabs.run(1)
    assert state(page) == "active"
    assert tabs.count(POLL) == 1


def test_a_tab_that_has_ended_asks_when_another_goes_on_with_the_same_session(tabs: Any) -> None:
    """The server may have been wrong for a moment."""
    page, other = tabs.open(), tabs.open(1700)
    tabs.end("inactivity")
    page.evaluate("() => { workosSession.check(); }")
    page.evaluate("() => workosSession.check()")
    tabs.answer(1700)
    other.evaluate("() => { workosSession.check(); }")
    tabs.run(1)
    assert [state(page), state(other)] == ["active", "active"]


def test_tabs_of_two_apps_do_not_hear_each_other(tabs: Any) -> None:
    page = tabs.open(config={"channel": "other"})
    tabs.say(page, {"v": 1, "t": "ended"})
    tabs.run(2)
    assert tabs.asked == []


class TestWithoutAChannel:
    """Older browsers, and those that part the tabs: each asks when somebody looks at it."""

    def test_nothing_breaks(self, tabs: Any) -> None:
        tabs.scripts.append(NO_CHANNEL)
        tabs.answer()
        page = tabs.open()
        assert page.evaluate("() => typeof BroadcastChannel") == "undefined"
        tabs.run(40)
        assert tabs.count(POLL) == 1

    def test_a_sign_out_is_seen_when_somebody_looks(self, tabs: Any) -> None:
        tabs.scripts.append(NO_CHANNEL)
        page, other = tabs.open(), tabs.open()
        other.locator("#note").press("x")
        tabs.hide(other)
        signs_out(tabs)
        page.evaluate("() => { workosSession.signOut(); }")
        page.wait_for_url("**/goodbye")
        tabs.run(10)
        assert state(other) == "active"
        tabs.show(other)
        assert state(other) == "ended"

    def test_a_page_comes_back_when_somebody_looks(self, tabs: Any) -> None:
        tabs.scripts.append(NO_CHANNEL)
        page = tabs.open()
        tabs.end("inactivity")
        page.evaluate("() => { workosSession.check(); }")
        tabs.settle()
        tabs.answer(sid="s2", ver=9)
        page.evaluate("() => window.dispatchEvent(new Event('focus'))")
        tabs.settle()
        assert state(page) == "active"

    def test_an_extension_elsewhere_is_seen_before_anybody_is_warned(self, tabs: Any) -> None:
        tabs.scripts.append(NO_CHANNEL)
        page = tabs.open(310, config={"poll": 0})
        tabs.answer(1700)
        tabs.run(12)
        assert state(page) == "active"
        expect(page.locator("[data-workos-banner]")).to_be_hidden()


def test_a_sign_out_is_heard_while_a_question_is_under_way(tabs: Any) -> None:
    """Its answer may be older than what another tab has heard."""
    first, second = tabs.open(), tabs.open()
    tabs.answer()
    late: list[Any] = []
    tabs.context.route("**/auth/session", lambda route: late.append(route), times=1)
    second.evaluate("() => { workosSession.check(); }")
    for _ in range(500):
        if late:
            break
        second.title()
    tabs.end("signed_out")
    first.evaluate("() => { workosSession.check(); }")
    tabs.context.clock.run_for(1400)
    late[0].fulfill(json=tabs.state(ver=1))
    for _ in range(40):
        tabs.context.clock.run_for(100)
        first.title()  # lets the browser's messages in
    second.wait_for_url("**/auth/signed-out?reason=signed_out")
