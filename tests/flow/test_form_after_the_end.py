"""A form that is sent after the end: it is refused, and going back finds it filled in."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from flask_workos_sessions import login_required
from flask_workos_sessions.coordination.memory import MemoryState

FORM = {"note": "three hours of work"}


@pytest.fixture
def signed_in(browser):
    app = browser.site.app

    def note():
        return "kept"

    app.add_url_rule(
        "/note", "note", login_required(note), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]
    )
    browser.sign_in("alice@acme.test")
    return browser


@pytest.fixture
def ended(signed_in, clock):
    clock.advance(1801)
    return signed_in


def send(browser, **headers):
    return browser.post("/note", FORM, Referer="http://localhost/note?n=1", **headers)


def link_in(page):
    (tag,) = re.findall('<a class="workos-button"[^>]*>', page.text)
    return tag, html.unescape(re.search('href="([^"]*)"', tag).group(1))


def test_it_leads_to_the_page_that_says_why_and_sets_no_cookie(ended):
    before = ended.cookie
    refused = send(ended)
    assert refused.status_code == 303
    assert urlsplit(refused.location).path == "/auth/signed-out"
    assert parse_qs(urlsplit(refused.location).query) == {
        "reason": ["inactivity"],
        "form": ["1"],
        "return_to": ["/note?n=1"],
    }
    assert "Set-Cookie" not in refused.headers
    page = ended.get(refused.location)
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert ended.cookie == before


def test_a_request_that_does_not_say_where_it_comes_from_is_told_the_same(ended):
    assert ended.post("/note", FORM).location == "/auth/signed-out?reason=inactivity&form=1"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_it_is_so_for_every_method_that_changes_something(ended, method):
    refused = ended.client.open("/note", method=method, headers={"Sec-Fetch-Mode": "navigate"})
    assert "form=1" in refused.location
    assert "Set-Cookie" not in refused.headers


def test_a_page_that_is_asked_for_takes_the_cookie_away_as_ever(ended):
    before = ended.cookie
    page = ended.get("/note")
    assert page.location == "/auth/signed-out?reason=inactivity&return_to=/note"
    assert "Set-Cookie" in page.headers
    assert ended.cookie != before


def test_two_sessions_in_one_request_are_not_taken_away_by_a_form_either(signed_in, site):
    other = site.browser()
    other.sign_in("bob@acme.test")
    both = f"wos-session={signed_in.cookie}; wos-session={other.cookie}"
    client = site.app.test_client(use_cookies=False)
    headers = {"Cookie": both, "Sec-Fetch-Mode": "navigate"}
    assert "Set-Cookie" not in client.post("/note", headers=headers).headers
    assert "Set-Cookie" in client.get("/note", headers=headers).headers


def test_the_page_says_what_became_of_the_form_and_what_to_do(ended):
    page = ended.get(send(ended).location)
    text = html.unescape(page.text)
    assert "You were away" in text
    assert "not accepted, and nothing of it was stored" in text
    assert "the form is still filled in" in text
    assert "three hours" not in page.text
    tag, _ = link_in(page)
    assert 'target="_blank"' in tag
    assert 'rel="noopener"' in tag


def test_the_sign_in_in_a_new_tab_is_for_the_same_person_and_tells_this_one(ended):
    _, url = link_in(ended.get(send(ended).location))
    begun = ended.get(url, Sec_Fetch_Site="same-origin")
    assert "login_hint=alice%40acme.test" in begun.location
    assert "max_age=0" in begun.location
    landed = ended.come_back(begun, "alice@acme.test")
    assert landed.location == "/auth/signed-in?return_to=/note?n%3D1"
    assert send(ended).text == "kept"


def test_loaded_again_after_that_the_page_says_to_go_back(ended):
    shown = send(ended).location
    _, url = link_in(ended.get(shown))
    ended.come_back(ended.get(url, Sec_Fetch_Site="same-origin"), "alice@acme.test")
    page = ended.get(shown)
    assert page.status_code == 200
    text = html.unescape(page.text)
    assert "You're signed in again" in text
    assert "Go back with your browser" in text
    assert "<a " not in page.text


def test_the_page_without_a_form_is_as_it_was(ended):
    page = ended.get("/auth/signed-out?reason=inactivity")
    assert "stored" not in page.text
    assert "_blank" not in page.text
    assert "resume" not in page.text


def test_flask_session_is_kept_and_not_for_the_next_person(signed_in, clock):
    """Security C10, without an end mark in the cookie."""
    signed_in.get("/remember/secret")
    clock.advance(1801)
    signed_in.get(send(signed_in).location)
    assert signed_in.get("/remembered").text == "secret"
    signed_in.sign_in("bob@acme.test")
    assert signed_in.get("/remembered").text == "None"


def test_security_p2_nothing_of_the_form_is_stored(ended, monkeypatch, caplog):
    stored = []
    for name in ("set", "add"):
        keep = getattr(MemoryState, name)

        def record(self, key, value, seconds, keep=keep):
            stored.append(value)
            return keep(self, key, value, seconds)

        monkeypatch.setattr(MemoryState, name, record)
    page = ended.get(send(ended).location)
    assert stored, "the end was, and would have been recorded here"
    assert not [value for value in stored if b"three hours" in value]
    cookies = [cookie.value for cookie in ended.client._cookies.values()]
    assert "three hours" not in page.text + caplog.text + "".join(cookies)


def test_who_was_never_signed_in_is_sent_to_sign_in(browser):
    browser.site.app.add_url_rule("/note", "note", login_required(lambda: "kept"), methods=["POST"])
    assert send(browser).location.startswith("/auth/login")
