"""Rules whose removal nothing else would notice."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import jinja2
import pytest
import responses
from flask import Flask, stream_template_string
from flask import session as flask_session
from flask.sessions import SecureCookieSession, SessionInterface
from flask_wtf import CSRFProtect

from flask_workos_sessions import (
    WorkOSSessions,
    current_session,
    current_user,
    login_required,
    passive,
    sign_in_url,
    signals,
)
from flask_workos_sessions.refresh.exchange import Caller
from flask_workos_sessions.stores.cookie import MARK_SECONDS
from flask_workos_sessions.testing import login_as, settings
from flask_workos_sessions.views import attempts

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
ACME, GLOBEX = (f"org_01{name}".ljust(30, "0") for name in ("ACME", "GLOBEX"))


def local(url):
    return url.partition("http://localhost")[2]


@pytest.fixture
def early(workos, clock):
    """A signed-in client of an app with a hook that looks at the session before ours does."""
    app = Flask("early")
    app.config.update(SECRET_KEY="x", TESTING=True, **workos.settings())
    app.config["WORKOS_REDIRECT_URI"] = "http://localhost/auth/callback"
    app.before_request(lambda: str(current_user.email) and None)
    WorkOSSessions(app, clock=clock)
    app.add_url_rule("/poll", "poll", passive(login_required(lambda: "polled")))
    client = app.test_client()
    begun = client.get("/auth/login", headers=NAVIGATION)
    back = workos.approve(begun.location, "alice@acme.test")
    client.get(local(back), headers=NAVIGATION)
    return client


def test_an_early_look_at_the_session_makes_no_poll_refresh(early, workos, clock):
    """Peers: bug class R."""
    clock.advance(301)
    assert early.get("/poll", headers=OURS).status_code == 409
    assert early.get("/auth/session", headers=OURS).status_code == 200
    early.post("/auth/logout", headers=OURS)
    assert workos.exchanges("refresh_token") == []


def test_an_early_look_does_not_keep_from_extending(early, workos, clock):
    clock.advance(400)
    response = early.post("/auth/session/extend", headers=OURS)
    assert (response.status_code, response.json["idle_in"]) == (200, 1794)
    assert len(workos.exchanges("refresh_token")) == 1
    assert "wos-session=" in response.headers["Set-Cookie"]


def test_the_first_request_of_a_process_may_be_a_post_of_ours():
    """Flask trap T18: CSRFProtect was set up after us."""
    app = Flask("first")
    app.config.update(settings())
    WorkOSSessions(app)
    CSRFProtect(app)
    client = app.test_client()
    login_as(client)
    assert client.post("/auth/session/extend", headers=OURS).status_code == 200


@pytest.mark.parametrize("header", ["Referer", "HX-Current-URL"])
@pytest.mark.parametrize("url", ["http://[", "http://localhost:99999999/", "///", "\x7f"])
def test_an_odd_referer_of_a_refused_post_is_no_error(browser, header, url):
    response = browser.client.post("/api/me", headers={header: url, "Sec-Fetch-Mode": "cors"})
    assert response.status_code == 401
    assert response.json["login_url"] == "/auth/login"
    assert browser.client.get("/auth/login", headers={header: url}).status_code == 302


def test_security_c9_a_stream_that_may_read_the_session_is_private():
    app = Flask("stream")
    app.config.update(settings())
    WorkOSSessions(app)

    @app.get("/")
    def stream():
        headers = {"Cache-Control": "public, max-age=60"}
        return stream_template_string("{{ current_user.email }}"), 200, headers

    client = app.test_client()
    assert client.get("/").headers["Cache-Control"] == "public, max-age=60"
    login_as(client)
    response = client.get("/")
    assert "test@example.test" in response.text
    assert response.headers["Cache-Control"] == "private, no-store"


def choices(response):
    links = [part.split('"')[0] for part in response.text.split('href="')[1:]]
    return [link.replace("&amp;", "&") for link in links if "/auth/login?" in link]


def test_security_s1_choosing_an_organization_does_not_make_a_foreign_flow_ours(browser, workos):
    browser.sign_in("alice@acme.test")
    offered = browser.sign_in("carol@acme.test", "/auth/login", Sec_Fetch_Site="cross-site")
    asked = browser.sign_in("carol@acme.test", choices(offered)[0], Sec_Fetch_Site="same-origin")
    assert asked.status_code == 200
    assert 'name="pending"' in asked.text
    assert browser.fetch("/api/me").json["session"] == workos.sessions[0].id


def test_security_g2_choosing_an_organization_keeps_who_has_to_come_back(site, browser, clock):
    site.app.add_url_rule("/money", "money", login_required(max_age=60)(lambda: "money"))
    browser.sign_in("alice@acme.test")
    clock.advance(61)
    step_up = browser.get("/money").location
    offered = browser.sign_in("carol@acme.test", step_up, Sec_Fetch_Site="same-origin")
    landed = browser.sign_in("carol@acme.test", choices(offered)[0], Sec_Fetch_Site="same-origin")
    assert landed.location == "/"


@pytest.mark.parametrize("refusal", ["not a member", "sso_required"])
def test_a_refused_switch_says_nothing_to_a_refresh_beside_it(
    site, workos, clock, monkeypatch, refusal
):
    """Security C4: the refresh has to be made, and not be answered with a token that ran out."""
    if refusal == "sso_required":
        workos.set_organization("Globex", sso_required=True)
    with site.app.test_request_context("/"):
        url = sign_in_url(organization_id=ACME)
    browser = site.browser()
    browser.sign_in("carol@acme.test" if refusal == "sso_required" else "bob@acme.test", url)
    clock.advance(301)
    exchange, started = site.parts.client.exchange_refresh_token, threading.Event()
    answers = []

    def refresh():
        started.wait(5)
        other = site.browser()
        other.cookie = browser.cookie
        answers.append(other.fetch("/api/me"))

    thread = threading.Thread(target=refresh)

    def slowly(*arguments, **keywords):
        if keywords["organization_id"] == GLOBEX:
            started.set()
            thread.join(0.3)
        return exchange(*arguments, **keywords)

    monkeypatch.setattr(site.parts.client, "exchange_refresh_token", slowly)
    known = site.parts.opener.held(f"wos-session={browser.cookie}")[0]
    thread.start()
    with site.app.test_request_context("/"):
        opening = site.parts.opener.switch(known, GLOBEX, Caller())
    thread.join()
    assert opening.session.organization_id != GLOBEX
    assert answers[0].status_code == 200
    assert answers[0].json["iat"] == int(clock())


def test_our_pages_render_under_strict_undefined(site, browser):
    site.app.jinja_env.undefined = jinja2.StrictUndefined
    browser.sign_in()
    page = browser.get("/auth/logout")
    assert page.status_code == 200
    assert "Stay signed in" in page.text
    for path in ("/auth/signed-out?reason=revoked", "/auth/callback", "/admin"):
        assert browser.get(path).status_code in (200, 303, 400)
    assert browser.sign_in("carol@acme.test", "/auth/login").status_code == 200


def test_security_c10_a_session_interface_without_a_secret_key_is_cleared_too():
    kept = SecureCookieSession({"word": "secret"})

    class OnTheServer(SessionInterface):
        def open_session(self, app, request):
            return kept

        def save_session(self, app, session, response):
            pass

    app = Flask("server-side")
    app.config.update(settings(SECRET_KEY=None))
    app.session_interface = OnTheServer()
    WorkOSSessions(app)
    client = app.test_client()
    login_as(client)
    client.post("/auth/logout", headers=OURS)
    assert not kept


# Each of these fails when the check of its name is taken away.


def exchanged(workos, browser, answer, start="/auth/login"):
    """A callback at which WorkOS gives this answer."""
    begun = browser.get(start)
    back = workos.approve(begun.location, "alice@acme.test")
    with responses.RequestsMock() as mocked:
        mocked.add_passthru(f"{workos.url}/sso")
        mocked.post(f"{workos.url}/user_management/authenticate", json=answer)
        return browser.get(local(back), Sec_Fetch_Site="cross-site")


def test_a_token_of_another_person_than_the_answers_gives_no_session(browser, workos):
    """Peers: bug class L, SEC-1219."""
    answer = workos.sign_in("alice@acme.test")
    answer["user"] = workos.sign_in("bob@acme.test")["user"]
    assert exchanged(workos, browser, answer).status_code == 502
    assert browser.cookie is None


def test_a_sealed_token_of_another_person_is_anonymous(browser, site, workos):
    """Peers: bug class L."""
    browser.sign_in("alice@acme.test")
    record = site.parts.store.open(browser.cookie)
    browser.cookie = site.parts.store.seal(replace(record, user={**record.user, "id": "user_x"}))
    assert browser.fetch("/api/me").status_code == 401


def test_security_c6_the_cookie_of_an_impersonator_ends_after_an_hour(browser, workos, site):
    answer = workos.impersonate("alice@acme.test", by="support@vendor.test")
    response = exchanged(workos, browser, answer)
    (header,) = [
        each for each in response.headers.getlist("Set-Cookie") if each.startswith("wos-session=")
    ]
    assert int(header.partition("Max-Age=")[2].partition(";")[0]) <= 3600 + MARK_SECONDS
    assert site.parts.store.open(browser.cookie).not_after <= site.clock() + 3600


@pytest.mark.parametrize("headers", [{"Sec_Fetch_Site": "same-site"}, {}])
def test_security_s1_a_sibling_or_an_old_browser_proves_nothing(site, browser, headers):
    browser.sign_in("alice@acme.test")
    sent = {"Accept": "text/html", **{k.replace("_", "-"): v for k, v in headers.items()}}
    begun = browser.client.get("/auth/login", headers=sent)
    assert 'name="pending"' in browser.come_back(begun, "bob@acme.test").text


def test_security_s1_an_old_browser_proves_it_by_its_referer(browser):
    browser.sign_in("alice@acme.test")
    sent = {"Accept": "text/html", "Referer": "http://localhost/page"}
    begun = browser.client.get("/auth/login", headers=sent)
    assert browser.come_back(begun, "bob@acme.test").status_code == 303


@pytest.fixture
def pending(browser):
    """Alice is signed in, and Bob's session waits."""
    browser.sign_in("alice@acme.test")
    asked = browser.sign_in("bob@acme.test", "/auth/login", Sec_Fetch_Site="cross-site")
    return asked.text.split('name="pending" value="')[1].split('"')[0]


def test_security_s1_a_session_waits_ten_minutes(browser, pending, clock, site):
    clock.advance(601)
    response = browser.post("/auth/callback", {"pending": pending, "decision": "switch"})
    assert response.status_code == 400
    assert site.signal("sign_in_failed")[-1] == {"reason": "sign_in_expired"}


def test_security_r1_a_session_that_nobody_wanted_is_revoked(browser, pending, site, workos):
    browser.post("/auth/callback", {"pending": pending, "decision": "keep"})
    site.parts.revoker._background._pool.shutdown(wait=True)
    assert workos.sessions[-1].status == "revoked"


def test_security_r1_a_waiting_session_does_not_replace_one_that_has_ended(browser, pending):
    copy = browser.cookie
    browser.post("/auth/logout")
    browser.cookie = copy
    response = browser.post("/auth/callback", {"pending": pending, "decision": "switch"})
    assert response.status_code == 400


def test_a_token_that_has_run_out_at_sign_in_is_explained(make_site, workos):
    site = make_site()
    ahead = site.browser()
    answer = workos.sign_in("alice@acme.test")
    site.clock.advance(301)
    assert exchanged(workos, ahead, answer).status_code == 502
    assert ahead.cookie is None


def test_security_r1_a_session_that_ends_during_a_request_gets_no_cookie(browser, site, clock):
    """The view is slow; somebody signs out elsewhere before it has ended."""

    def slow():
        session_id = current_session.id
        site.parts.endings.end(session_id, "signed_out", until=clock() + 3600)
        return "done"

    site.app.add_url_rule("/slow", "slow", login_required(slow))
    browser.sign_in()
    clock.advance(301)
    response = browser.fetch("/slow")
    assert response.text == "done"
    assert "Set-Cookie" not in response.headers


def test_an_attempt_belongs_to_its_whole_state_and_not_to_its_cookies_name(site, browser):
    begun = browser.get("/auth/login")
    (cookie,) = browser.client._cookies.values()
    parts = site.parts
    plaintext = parts.attempt_sealer.open(cookie.value, name=cookie.key)
    forged = json.dumps({**json.loads(plaintext), "state": "another"}).encode()
    browser.client.set_cookie(cookie.key, parts.attempt_sealer.seal(forged, name=cookie.key))
    response = browser.come_back(begun, "alice@acme.test")
    assert response.status_code == 400
    assert browser.cookie is None
    assert attempts.cookie_name(parts, json.loads(plaintext)["state"]) == cookie.key


def test_a_cookie_that_is_not_ours_is_left_at_sign_out(browser):
    """It may be a sibling's."""
    browser.cookie = "somebody-elses"
    response = browser.post("/auth/logout")
    assert "Set-Cookie" not in response.headers
    assert browser.cookie == "somebody-elses"


def test_a_receiver_may_write_into_the_session_of_the_next_person(browser, site):
    def remember(sender, session, first):
        flask_session["word"] = session.user.first_name

    signals.signed_in.connect(remember, site.app)
    browser.sign_in("alice@acme.test")
    browser.sign_in("bob@acme.test")
    assert browser.get("/remembered").text == "Bob"


def test_a_sign_in_without_state_begins_again_beside_others(browser, workos):
    """Peers: bug class F, a sign-in that began at the identity provider."""
    browser.get("/auth/login")
    begun = browser.get("/auth/callback?code=idp", Sec_Fetch_Site="cross-site")
    assert begun.status_code == 302
    assert begun.location.startswith(workos.url)


def test_host_matching_is_refused():
    app = Flask("hosts", host_matching=True, static_host="a.test")
    app.config.update(settings())
    with pytest.raises(RuntimeError, match="host_matching"):
        WorkOSSessions(app)
