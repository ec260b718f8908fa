"""What an app's own scripts and markup can do with us."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

POLL, EXTEND = "GET /auth/session", "POST /auth/session/extend"
EVENTS = ["ready", "notice", "warning", "extended", "extend-failed"]
EVENTS += ["changed", "ended", "resumed", "offline", "online"]
#: Keeps what it hears; the app stops what is named.
HEAR = """
window.heard = [];
const hear = (event) => {
  const name = event.type.replace("workos-session:", "");
  heard.push({ name, detail: event.detail });
  if (window.stopped === name) event.preventDefault();
};
"""
HEAR += "".join(f'document.addEventListener("workos-session:{each}", hear);' for each in EVENTS)


def names(page: Page) -> list[str]:
    heard: list[str] = page.evaluate("() => heard.map((each) => each.name)")
    return heard


def detail(page: Page, name: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        "(name) => heard.find((each) => each.name === name).detail", name
    )
    return found


@pytest.fixture
def hearing(tabs: Any) -> Any:
    tabs.scripts.append(HEAR)
    return tabs


class TestTheObject:
    def test_it_cannot_be_changed(self, tabs: Any) -> None:
        page = tabs.open()
        assert page.evaluate("() => Object.isFrozen(workosSession)")
        assert page.evaluate("() => Object.keys(workosSession).sort().join()") == (
            "check,extend,fetch,info,on,signOut,state"
        )

    def test_it_knows_the_state(self, tabs: Any) -> None:
        page = tabs.open(1500, max_in=9000)
        assert page.evaluate("() => workosSession.state") == "active"
        assert page.evaluate("() => workosSession.info") == {
            "state": "active",
            "reason": None,
            "expiresIn": 1500,
            "idleIn": 1500,
            "maxIn": 9000,
            "extendable": True,
        }
        tabs.run(10)
        assert page.evaluate("() => workosSession.info.expiresIn") == 1490

    def test_what_is_not_known_is_null(self, tabs: Any) -> None:
        page = tabs.open(None, because=None, max_in=None, extendable=False)
        info = page.evaluate("() => workosSession.info")
        assert [info[name] for name in ("expiresIn", "idleIn", "maxIn")] == [None] * 3

    def test_a_check_asks_and_gives_the_answer(self, tabs: Any) -> None:
        page = tabs.open()
        tabs.answer(1234)
        info = page.evaluate("() => workosSession.check()")
        assert (info["state"], info["expiresIn"]) == ("active", 1234)
        tabs.end("revoked")
        page.locator("#note").press("x")
        info = page.evaluate("() => workosSession.check()")
        assert (info["state"], info["reason"]) == ("ended", "revoked")
        assert tabs.asked == [POLL, POLL]

    def test_an_older_answer_does_not_count(self, tabs: Any) -> None:
        """The time that an answer takes to come is not the time that the next one takes."""
        page = tabs.open(1500, ver=5)
        tabs.answer(90, ver=4)
        info = page.evaluate("() => workosSession.check()")
        assert info["expiresIn"] == 1500
        tabs.answer(90, ver=4, sid="s2")  # a new session has a clock of its own
        info = page.evaluate("() => workosSession.check()")
        assert info["expiresIn"] == 90

    def test_two_checks_at_once_are_one_question(self, tabs: Any) -> None:
        page = tabs.open()
        tabs.answer(1234)
        page.evaluate("() => Promise.all([workosSession.check(), workosSession.check()])")
        assert tabs.asked == [POLL]

    def test_an_extension_extends_and_gives_the_answer(self, tabs: Any) -> None:
        page = tabs.open(100)
        expect(page.get_by_role("dialog")).to_be_visible()
        tabs.answer(1795)
        info = page.evaluate("() => workosSession.extend()")
        assert (info["state"], info["expiresIn"]) == ("active", 1795)
        assert tabs.asked == [EXTEND]
        expect(page.locator("dialog")).to_be_hidden()

    def test_an_extension_is_not_mistaken_for_a_check_under_way(self, tabs: Any) -> None:
        page = tabs.open(1000)
        tabs.answer(1795)
        page.evaluate("() => Promise.all([workosSession.check(), workosSession.extend()])")
        assert tabs.asked == [POLL, EXTEND]

    def test_signing_out_goes_to_where_the_server_says(self, tabs: Any) -> None:
        page = tabs.open()
        tabs.replies["/auth/logout"] = {"json": {"state": "ended", "logout_url": "/goodbye"}}
        page.evaluate("() => { workosSession.signOut(); }")
        page.wait_for_url("**/goodbye")
        assert [each.method for each in tabs.requests] == ["POST"]

    @pytest.mark.parametrize("reply", [{"status": 500, "body": "Oh"}, {"json": {}}])
    def test_signing_out_goes_to_the_page_that_asks_when_that_fails(
        self, tabs: Any, reply: dict[str, Any]
    ) -> None:
        page = tabs.open()
        tabs.replies["/auth/logout"] = reply
        page.evaluate("() => { workosSession.signOut(); }")
        page.wait_for_url("**/auth/logout")
        assert [each.method for each in tabs.requests] == ["POST", "GET"]

    def test_what_listens_can_stop_listening(self, tabs: Any) -> None:
        page = tabs.open()
        tabs.answer()
        page.evaluate(
            """async () => {
              window.times = 0;
              const off = workosSession.on("extended", () => { times += 1; });
              await workosSession.extend();
              off();
              await workosSession.extend();
            }"""
        )
        assert page.evaluate("() => times") == 1


class TestFetch:
    def marks(self, tabs: Any, path: str = "/api") -> list[str | None]:
        found: list[str | None] = tabs.headers(path, "x-session-passive")
        return found

    def test_a_poll_can_say_that_it_is_one(self, tabs: Any) -> None:
        tabs.replies["/api"] = {"json": {"tasks": 3}}
        page = tabs.open()
        answer = page.evaluate(
            "async () => (await workosSession.fetch('/api', { passive: true })).json()"
        )
        assert answer == {"tasks": 3}
        page.evaluate("() => workosSession.fetch('/api')")
        page.evaluate("() => workosSession.fetch(new Request('/api'), { passive: true })")
        assert self.marks(tabs) == ["1", None, "1"]

    def test_in_a_hidden_tab_it_is_one(self, tabs: Any) -> None:
        tabs.replies["/api"] = {"json": {}}
        page = tabs.open()
        tabs.hide(page)
        page.evaluate("() => workosSession.fetch('/api')")
        assert self.marks(tabs) == ["1"]

    def test_what_the_app_sends_is_sent(self, tabs: Any) -> None:
        tabs.replies["/api"] = {"json": {}}
        page = tabs.open()
        page.evaluate(
            """() => workosSession.fetch("/api", {
              method: "PUT", body: "text", headers: { "X-Own": "yes" }, passive: true,
            })"""
        )
        (request,) = tabs.requests
        assert (request.method, request.post_data) == ("PUT", "text")
        assert request.headers["x-own"] == "yes"

    def test_other_sites_are_told_nothing(self, tabs: Any) -> None:
        """Such a header would be a reason for their browser to ask them first."""
        headers = {"Access-Control-Allow-Origin": "*"}
        tabs.replies["https://elsewhere.test/api"] = {"json": {}, "headers": headers}
        tabs.replies["/open"] = {"body": "", "content_type": "text/html"}
        tabs.site.config["state"] = tabs.state()
        tabs.replies["/open"]["body"] = tabs.site.document()
        page = tabs.visit("/open")
        page.evaluate("() => workosSession.fetch('https://elsewhere.test/api', { passive: true })")
        request = tabs.requests[-1]
        assert request.url == "https://elsewhere.test/api"
        assert "x-session-passive" not in request.headers

    def test_a_refusal_is_a_reason_to_ask(self, tabs: Any) -> None:
        tabs.scripts.append("window.PerformanceObserver = class { observe() {} };")
        tabs.replies["/api"] = {"status": 401, "json": {}}
        page = tabs.open()
        tabs.end("inactivity")
        assert page.evaluate("async () => (await workosSession.fetch('/api')).status") == 401
        tabs.run(2)
        assert tabs.asked == [POLL]
        assert page.evaluate("() => workosSession.state") == "ended"

    def test_the_pages_own_fetch_is_left_as_it_was(self, tabs: Any) -> None:
        tabs.scripts.append("window.before = window.fetch;")
        page = tabs.open()
        assert page.evaluate("() => window.fetch === before")


class TestEvents:
    def test_it_says_that_it_is_there(self, hearing: Any) -> None:
        page = hearing.open(1500)
        assert names(page) == ["ready"]
        assert detail(page, "ready") == {
            "state": "active",
            "reason": None,
            "expiresIn": 1500,
            "idleIn": 1500,
            "maxIn": 28_000,
            "extendable": True,
            "source": None,
        }

    def test_notice_and_warning(self, hearing: Any) -> None:
        page = hearing.open(310, {"poll": 0})
        hearing.answer(310)
        hearing.run(11)
        assert names(page) == ["ready", "notice"]
        assert detail(page, "notice")["state"] == "notice"
        hearing.skip(180)
        hearing.run(2)
        assert names(page) == ["ready", "notice", "warning"]
        assert detail(page, "warning")["expiresIn"] in range(115, 121)

    def test_extended_says_by_what(self, hearing: Any) -> None:
        page = hearing.open(250, {"csrf": "csrf_token"})
        hearing.answer(1795)
        page.get_by_role("button", name="Stay signed in").click()
        hearing.settle()
        page.evaluate("() => workosSession.extend()")
        hearing.end("inactivity")
        page.evaluate("() => workosSession.check()")
        hearing.answer(800, sid="s2")
        page.evaluate("() => workosSession.check()")
        hearing.settle()
        hearing.skip(200)
        page.locator("#note").press("x")
        hearing.settle()
        heard = page.evaluate("() => heard.filter((each) => each.name === 'extended')")
        sources = [each["detail"]["source"] for each in heard]
        assert sources == ["button", "app", "resumed", "activity"]

    def test_extend_failed(self, hearing: Any) -> None:
        page = hearing.open(100)
        hearing.lose()
        page.evaluate("() => workosSession.extend()")
        assert names(page)[-2:] == ["offline", "extend-failed"]
        assert detail(page, "extend-failed")["source"] == "app"

    def test_a_session_that_cannot_be_extended_is_told_so(self, hearing: Any) -> None:
        page = hearing.open(1000, because="max_length")
        hearing.answer(1000, 409, because="max_length")
        page.evaluate("() => workosSession.extend()")
        assert names(page)[-1] == "extend-failed"
        assert page.evaluate("() => workosSession.state") == "active"

    def test_offline_and_online_once_each(self, hearing: Any) -> None:
        page = hearing.open()
        hearing.lose()
        page.evaluate("() => workosSession.check()")
        page.evaluate("() => workosSession.check()")
        hearing.answer()
        page.evaluate("() => workosSession.check()")
        page.evaluate("() => workosSession.check()")
        assert names(page) == ["ready", "offline", "online"]

    def test_changed_is_told_once_per_change(self, hearing: Any) -> None:
        page = hearing.open()
        hearing.answer(access="a2")
        page.evaluate("() => workosSession.check()")
        page.evaluate("() => workosSession.check()")
        assert names(page) == ["ready", "changed"]
        hearing.answer(access="a3")
        page.evaluate("() => workosSession.check()")
        assert names(page) == ["ready", "changed", "changed"]

    def test_ended_and_resumed(self, hearing: Any) -> None:
        page = hearing.open()
        hearing.end("inactivity")
        page.evaluate("() => workosSession.check()")
        hearing.answer(sid="s2")
        page.evaluate("() => workosSession.check()")
        assert names(page) == ["ready", "ended", "resumed"]
        assert detail(page, "ended")["reason"] == "inactivity"
        assert detail(page, "ended")["state"] == "ended"

    @pytest.mark.parametrize(
        ("name", "left", "more"),
        [("notice", 250, {}), ("warning", 100, {}), ("changed", 1500, {"access": "a2"})],
    )
    def test_an_app_shows_it_itself(
        self, hearing: Any, name: str, left: int, more: dict[str, str]
    ) -> None:
        hearing.scripts.append(f"window.stopped = '{name}';")
        page = hearing.open(left)
        hearing.answer(left, **more)
        page.evaluate("() => workosSession.check()")
        hearing.run(2)
        assert name in names(page)
        expect(page.locator("[data-workos-banner]")).to_be_hidden()
        expect(page.locator("dialog")).to_be_hidden()

    def test_all_is_told_without_a_ui_of_ours(self, hearing: Any) -> None:
        page = hearing.open(100, {"show": False})
        hearing.end("inactivity")
        page.evaluate("() => workosSession.check()")
        assert names(page) == ["ready", "warning", "ended"]
        expect(page.locator("dialog")).to_have_count(0)


class TestMarkup:
    def test_an_apps_own_button_does_it(self, tabs: Any) -> None:
        tabs.site.body = (
            '<button data-workos-action="extend"><b>More</b></button>'
            '<button data-workos-action="check">Ask</button>'
            '<button data-workos-action="__proto__">Nothing</button>'
        )
        page = tabs.open(1000, {"input": False})
        tabs.answer(1700)
        page.get_by_text("More").click()
        tabs.settle()
        page.get_by_role("button", name="Ask").click()
        tabs.settle()
        page.get_by_role("button", name="Nothing").click()
        tabs.settle()
        assert tabs.asked == [EXTEND, POLL]

    def test_an_apps_own_text_shows_when_it_is_time(self, tabs: Any) -> None:
        tabs.site.body = (
            '<p id="active" data-workos-when="active">All well</p>'
            '<p id="soon" data-workos-when="notice warning" hidden>Soon</p>'
            '<p id="idle" data-workos-when="notice-inactivity" hidden>Idle</p>'
        )
        page = tabs.open(310, {"poll": 0})
        tabs.answer(310)
        expect(page.locator("#active")).to_be_visible()
        expect(page.locator("#soon")).to_be_hidden()
        tabs.run(11)
        expect(page.locator("#active")).to_be_hidden()
        expect(page.locator("#soon")).to_be_visible()
        expect(page.locator("#idle")).to_be_visible()

    def test_an_apps_own_clock_counts(self, tabs: Any) -> None:
        tabs.site.body = (
            '<b id="left" data-workos-countdown></b><b id="max" data-workos-countdown="max"></b>'
        )
        page = tabs.open(1500, {"poll": 0}, max_in=7300)
        expect(page.locator("#left")).to_have_text("25 minutes")
        expect(page.locator("#max")).to_have_text("2 hours 2 minutes")
        tabs.run(61)
        expect(page.locator("#left")).to_have_text("24 minutes")

    def test_a_clock_of_what_is_not_known_is_empty(self, tabs: Any) -> None:
        tabs.site.body = '<b id="max" data-workos-countdown="max">0</b>'
        page = tabs.open(1500, max_in=None)
        expect(page.locator("#max")).to_have_text("")
