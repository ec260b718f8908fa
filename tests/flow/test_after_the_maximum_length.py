"""After the maximum length: the browser still has its cookie, so that the end can be told, and the
cookie opens nothing any more (security C6, G3)."""

from __future__ import annotations

import html
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from flask_workos_sessions import login_required
from flask_workos_sessions.stores.cookie import MARK_SECONDS, EndMark
from flask_workos_sessions.stores.server import OVER_SECONDS

MOST = 3600
#: Seconds from the sign-in: right at the end, the next morning, and when a row is gone as well.
LATER = [MOST, MOST + 16 * 3600, MOST + OVER_SECONDS + 1, MOST + MARK_SECONDS - 60]


class Keeper:
    """A browser that heeds the Max-Age of its session cookie, on the clock of the test."""

    def __init__(self, browser, clock):
        self.browser = browser
        self.clock = clock
        self.until = 0.0

    def __getattr__(self, name):
        asked = getattr(self.browser, name)
        return self._heeding(asked) if callable(asked) else asked

    def _heeding(self, asked):
        def ask(*arguments, **keywords):
            if self.until <= self.clock():
                self.browser.client.delete_cookie(self.browser.site.parts.store.name)
            response = asked(*arguments, **keywords)
            for age in ages(response):
                self.until = self.clock() + age
            return response

        return ask


def ages(response):
    """The Max-Age of each session cookie that a response sets."""
    headers = response.headers.getlist("Set-Cookie")
    sessions = [each for each in headers if each.startswith("wos-session=")]
    return [int(each.split("Max-Age=")[1].split(";")[0]) for each in sessions]


@pytest.fixture(params=["cookie", "cache"])
def site(make_site, workos, request):
    workos.set_clocks(inactivity_timeout=None, max_length=MOST)
    site = make_site(
        WORKOS_SESSION_STORE=request.param,
        WORKOS_SESSION_MAX_LENGTH=MOST,
        WORKOS_SESSION_INACTIVITY_TIMEOUT=None,
    )
    site.app.add_url_rule("/note", "note", login_required(lambda: "kept"), methods=["POST"])
    return site


@pytest.fixture
def alice(site, clock):
    alice = Keeper(site.browser(), clock)
    alice.sign_in("alice@acme.test")
    return alice


@pytest.mark.parametrize("later", LATER)
def test_security_g3_the_next_page_says_why_and_its_sign_in_asks_for_credentials(
    alice, clock, workos, later
):
    clock.advance(later)
    page = alice.get("/dashboard")
    assert page.status_code == 303
    assert page.location == "/auth/signed-out?reason=max_length&return_to=/dashboard"
    shown = alice.get(page.location)
    assert "as long as your organization allows" in html.unescape(shown.text)
    link = html.unescape(re.search(r'href="(/auth/login[^"]*)"', shown.text).group(1))
    begun = alice.get(link, Sec_Fetch_Site="same-origin")
    assert "max_age=0" in begun.location
    assert workos.exchanges("refresh_token") == []


@pytest.mark.parametrize("later", LATER)
def test_security_g3_a_plain_sign_in_link_asks_for_credentials_too(alice, clock, later):
    clock.advance(later)
    assert "max_age=0" in alice.get("/auth/login").location


@pytest.mark.parametrize("later", LATER)
def test_a_form_that_is_sent_then_leads_to_the_page_that_knows_the_way_back(alice, clock, later):
    clock.advance(later)
    before = alice.cookie
    refused = alice.post("/note", {"note": "an hour of work"}, Referer="http://localhost/note")
    assert refused.status_code == 303
    assert parse_qs(urlsplit(refused.location).query) == {
        "reason": ["max_length"],
        "form": ["1"],
        "return_to": ["/note"],
    }
    page = alice.get(refused.location)
    assert "the form is still filled in" in html.unescape(page.text)
    assert ages(refused) == ages(page) == []
    assert alice.cookie == before


@pytest.mark.parametrize("later", LATER)
def test_a_script_is_told_the_reason_and_keeps_the_cookie(alice, clock, later):
    clock.advance(later)
    refused = alice.fetch("/api/me")
    assert (refused.status_code, refused.json["required"]) == (401, {"reason": "max_length"})
    status = alice.fetch("/auth/session")
    assert (status.status_code, status.json["reason"]) == (401, "max_length")
    assert ages(refused) == ages(status) == []


@pytest.mark.parametrize("later", LATER)
def test_the_next_page_leaves_the_mark_of_an_end_in_place_of_the_session(alice, clock, later):
    clock.advance(later)
    assert ages(alice.get("/dashboard")) == [MARK_SECONDS]
    mark = alice.browser.site.parts.store.open(alice.cookie)
    assert isinstance(mark, EndMark)
    assert mark.reason == "max_length"
    assert ages(alice.get("/dashboard")) == []


def test_security_c6_a_copy_opens_nothing_from_the_second_on(alice, clock, site, workos):
    copy = f"wos-session={alice.cookie}"
    clock.advance(site.parts.store.open(value_of(site, copy)).not_after - 1 - clock())
    assert alice.send(copy).status_code == 200
    exchanges = len(workos.exchanges("refresh_token"))
    for seconds in (1, 60, OVER_SECONDS, MARK_SECONDS, 400 * 24 * 3600):
        clock.advance(seconds)
        refused = alice.send(copy)
        assert (refused.status_code, refused.json["required"]) == (401, {"reason": "max_length"})
    assert len(workos.exchanges("refresh_token")) == exchanges


def value_of(site, header):
    (value,) = site.parts.store.candidates(header)
    return value


@pytest.mark.parametrize("site", ["cookie"], indirect=True)
def test_a_cookie_that_is_renewed_lives_no_longer_for_it(alice, clock, site):
    clock.advance(1000)
    not_after = site.parts.store.open(alice.cookie).not_after
    assert ages(alice.get("/dashboard")) == [int(not_after - clock()) + MARK_SECONDS]


def test_security_g3_who_comes_back_the_next_day_has_the_session_revoked_and_the_app_hears_of_it(
    alice, clock, site, workos
):
    clock.advance(MOST + 16 * 3600)
    alice.get("/dashboard")
    site.parts.revoker._background._pool.shutdown(wait=True)
    assert any("sessions/revoke" in each.path for each in workos.requests)
    assert [each["reason"] for each in site.signal("session_ended")] == ["max_length"]


def test_a_script_that_polls_all_night_ends_the_session_once(alice, clock, site, workos):
    clock.advance(MOST)
    for _ in range(16):
        assert alice.fetch("/api/poll").status_code == 401
        clock.advance(1)
        while site.parts.revoker.pending:
            time.sleep(0.01)
        clock.advance(3600)
    assert len(site.signal("session_ended")) == 1
    assert len([each for each in workos.requests if "sessions/revoke" in each.path]) == 1


def test_the_same_person_finds_flask_session_as_it_was_the_next_day(alice, clock):
    alice.get("/remember/basket")
    clock.advance(MOST + 16 * 3600)
    alice.sign_in("alice@acme.test")
    assert alice.get("/remembered").text == "basket"


@pytest.mark.parametrize("later", LATER)
def test_security_c10_the_next_person_finds_nothing(alice, clock, later):
    alice.get("/remember/secret")
    clock.advance(later)
    alice.sign_in("bob@acme.test")
    assert alice.get("/remembered").text == "None"


def test_no_cookie_lives_for_ever(alice, clock):
    clock.advance(MOST + MARK_SECONDS)
    page = alice.get("/dashboard")
    assert urlsplit(page.location).path == "/auth/login"
    assert alice.cookie is None
