"""What people write into a page, and what is said on our channel, gets nobody anywhere."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

POLL = "GET /auth/session"
EVIL = "https://evil.test/"


def ask(tabs: Any, page: Page) -> None:
    page.evaluate("() => { workosSession.check(); }")
    tabs.settle()


class TestContent:
    """Security P4: an app's users may write ids and attributes, and forms; not script elements."""

    def test_ids_of_ours(self, tabs: Any) -> None:
        tabs.site.body = (
            '<h1>Notes</h1><p id="workos-session-">Theirs</p><p id="workosSession">Theirs</p>'
            '<p id="workos-session">Theirs</p><form id="config"><input name="urls"></form>'
        )
        page = tabs.open(1000)
        assert page.evaluate("() => workosSession.state") == "active"
        tabs.end("inactivity")
        ask(tabs, page)
        expect(page.get_by_role("dialog", name="You've been signed out")).to_be_visible()

    def test_a_name_in_the_place_of_a_property(self, tabs: Any) -> None:
        """An image of this name is what ``document.currentScript`` gives."""
        tabs.site.body = (
            '<div><img name="currentScript" alt=""><script type="application/json">{"urls": {}}'
            "</script></div><h1>Notes</h1>"
        )
        page = tabs.open(1000)
        assert page.evaluate("() => document.currentScript.tagName") == "IMG"
        assert page.evaluate("() => workosSession.info.expiresIn") == 1000

    def test_the_id_of_the_dialogs_name_cannot_be_guessed(self, tabs: Any) -> None:
        first, second = tabs.site.ours(), tabs.site.ours()
        names = [
            re.search(r'aria-labelledby="(workos-session-\w+)"', each)[1]
            for each in (first, second)
        ]
        assert names[0] != names[1]

    def test_attributes_of_ours(self, tabs: Any) -> None:
        """They show when it is time; they do not take the place of what is ours."""
        tabs.site.body = (
            "<section data-workos-banner hidden>Theirs</section>"
            "<textarea data-workos-typed>Theirs</textarea><p data-workos-live>Theirs</p>"
            '<p data-workos-say data-workos-when="warning">Pay here</p><h2>Theirs</h2>'
            '<dialog data-workos-banner>Theirs</dialog><input id="name">'
        )
        page = tabs.open(1000)
        page.locator("#name").press_sequentially("Ada")
        tabs.answer(250)
        ask(tabs, page)
        expect(page.locator(".workos-session [data-workos-banner]")).to_be_visible()
        expect(page.locator("section").first).to_be_hidden()
        expect(page.locator("textarea").first).to_have_value("Theirs")
        tabs.answer(100)
        ask(tabs, page)
        tabs.run(4)
        expect(page.get_by_role("dialog")).to_contain_text("You'll be signed out soon")
        status = page.get_by_role("dialog").get_by_role("status")
        expect(status).to_contain_text("we'll sign you out in")
        expect(status).not_to_contain_text("Pay here")
        expect(page.locator("p[data-workos-live]").first).to_have_text("Theirs")
        tabs.end("revoked")
        ask(tabs, page)
        expect(page.locator("[data-workos-typed]")).to_have_value("Ada")

    @pytest.mark.parametrize("place", ["before", "after"])
    def test_a_configuration_of_theirs(self, tabs: Any, place: str) -> None:
        """Even where a script element of data gets through."""
        urls = dict.fromkeys(("status", "extend", "sign_out", "ended"), EVIL)
        config = json.dumps({"urls": urls, "state": tabs.state(50, sub="eve")})
        block = (
            f'<div class="workos-session"><script type="application/json">{config}</script></div>'
        )
        tabs.site.body = f"<h1>Notes</h1>{block}"
        if place == "after":
            document = tabs.site.document
            tabs.site.document = lambda: document().replace("</body>", f"{block}</body>")
        page = tabs.open(1000)
        tabs.answer(1000)
        assert page.evaluate("() => workosSession.info.expiresIn") == 1000
        page.evaluate("() => workosSession.check()")
        page.evaluate("() => workosSession.extend()")
        assert tabs.asked == [POLL, "POST /auth/session/extend"]

    @pytest.mark.parametrize("name", ["status", "extend", "sign_out", "ended"])
    @pytest.mark.parametrize("url", [EVIL, "//evil.test/", "javascript:alert(1)"])
    def test_addresses_of_other_sites_are_never_used(self, tabs: Any, name: str, url: str) -> None:
        urls = tabs.site.config["urls"] | {name: url}
        page = tabs.open(50, {"urls": urls})
        tabs.run(5)
        assert page.evaluate("() => typeof workosSession") == "undefined"
        assert tabs.asked == []

    def test_a_form_that_leads_elsewhere_is_not_taken_for_a_sign_out(self, tabs: Any) -> None:
        tabs.site.body = (
            '<form action="/save" method="post"><input name="action" value="/auth/logout">'
            '<input name="getAttribute"><button>Save</button></form>'
        )
        tabs.replies["/save"] = {"status": 204}
        page = tabs.open()
        page.evaluate("() => document.forms[0].requestSubmit()")
        tabs.run(1)
        assert [each.url for each in tabs.requests] == ["https://harbour.test/save"]
        assert tabs.asked == []

    def test_a_form_to_sign_out_is_one_whatever_its_fields_are_called(self, tabs: Any) -> None:
        tabs.site.body = (
            '<form action="/auth/logout" method="post"><input name="action" type="hidden">'
            '<input name="method" type="hidden"><button name="submit">Leave</button></form>'
        )
        tabs.replies["/auth/logout"] = {"json": {"logout_url": "/goodbye"}}
        page = tabs.open()
        page.get_by_role("button", name="Leave").click()
        page.wait_for_url("**/goodbye")


class TestCachedBlock:
    """Security P6: an app that caches what a view returns serves one person's block to others."""

    def test_a_page_of_somebody_else_is_taken_away(self, tabs: Any) -> None:
        tabs.answer(1700, sub="bob", sid="s2", access="b1")
        page = tabs.open(1700)
        page.locator("#note").press("x")
        tabs.run(34)
        expect(page.locator("h1")).to_have_count(0)
        assert page.evaluate("() => workosSession.info.reason") == "user_changed"

    def test_nothing_of_the_answer_is_taken_for_the_other_person(self, tabs: Any) -> None:
        tabs.answer(50, sub="bob", sid="s2", access="b1")
        page = tabs.open(1700, {"show": False})
        info = page.evaluate("() => workosSession.check()")
        assert info["expiresIn"] == 1700


OURS = {"sid": "s1", "access": "a1"}
#: What might be said by somebody who means no good, and whether it leads to a question.
FORGED = [
    (None, 0),
    (7, 0),
    ("ended", 0),
    ([], 0),
    ({}, 0),
    ({"v": 2, "t": "ended"}, 0),
    ({"v": "1", "t": "ended"}, 0),
    ({"v": 1}, 1),
    ({"v": 1, "t": "ended"}, 1),
    ({"v": 1, "t": "ended", "reason": "revoked", **OURS}, 1),
    ({"v": 1, "t": "signed-in"}, 1),
    ({"v": 1, "t": "snap", "info": {"state": "ended"}}, 1),
    ({"v": 1, "t": {"toString": None}}, 1),
    ({"v": 1, "t": "asked"}, 1),
    ({"v": 1, "t": "asked", "sid": "s2", "access": "a1", "left": 1700}, 1),
    ({"v": 1, "t": "asked", "sid": "s1", "access": "a2", "left": 1700}, 1),
    ({"v": 1, "t": "asked", "sid": [], "access": {}, "left": []}, 1),
    # In an active page the time that is left elsewhere is no news.
    ({"v": 1, "t": "asked", **OURS}, 0),
    ({"v": 1, "t": "asked", **OURS, "left": "soon"}, 0),
    ({"v": 1, "t": "asked", **OURS, "left": 0}, 0),
    ({"v": 1, "t": "asked", **OURS, "left": 10**9}, 0),
]


class TestChannel:
    """Security P7: messages are hints that lead to a question to the server."""

    @pytest.mark.parametrize(("message", "questions"), FORGED, ids=lambda each: str(each)[:60])
    def test_a_forged_message_is_not_believed(
        self, tabs: Any, message: Any, questions: int
    ) -> None:
        tabs.answer(1700)
        page = tabs.open(1700)
        before = page.evaluate("() => workosSession.info")
        tabs.say(page, message)
        assert page.evaluate("() => workosSession.info") == before
        tabs.run(3)
        assert page.evaluate("() => workosSession.state") == "active"
        assert tabs.asked == [POLL] * questions
        assert tabs.site.faults == []

    def test_a_flood_leads_to_a_question_a_second(self, tabs: Any) -> None:
        tabs.answer(1700)
        page = tabs.open(1700)
        for _ in range(30):
            tabs.say(page, {"v": 1, "t": "ended"})
            tabs.say(page, {"v": 1, "t": "signed-in"})
            tabs.context.clock.run_for(100)
            tabs.settle()
        assert 2 <= tabs.count(POLL) <= 4

    def test_a_warning_does_not_close_by_a_message(self, tabs: Any) -> None:
        tabs.answer(100)
        page = tabs.open(100)
        tabs.say(page, {"v": 1, "t": "asked", **OURS, "left": 1700})
        tabs.run(2)
        assert tabs.count(POLL) == 1
        expect(page.get_by_role("dialog")).to_be_visible()

    def test_nothing_is_said_but_hashes_and_a_time(self, tabs: Any) -> None:
        page = tabs.open(1700, rev="revision", login_url="/auth/login")
        tabs.answer(1700, csrf_token="token", rev="revision")
        page.evaluate("() => workosSession.check()")
        page.evaluate("() => workosSession.extend()")
        tabs.end("revoked")
        page.locator("#note").press_sequentially("secret")
        page.evaluate("() => workosSession.check()")
        tabs.answer(1700, sid="s2")
        page.evaluate("() => workosSession.check()")
        tabs.settle()
        said = tabs.messages(page)
        assert {each["t"] for each in said} == {"asked", "ended"}
        assert {key for each in said for key in each} == {"v", "t", "sid", "access", "left"}
        assert {each["sid"] for each in said} == {"s1", "s2"}
        assert all(isinstance(each["left"], int) for each in said)
