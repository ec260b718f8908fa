"""Refreshes of one session that cross each other, a switch, or a clock that is wrong."""

import secrets

import pytest
from flask import jsonify

from flask_workos_sessions import current_session, login_required, public


@pytest.fixture
def signed_in(site):
    return site.browser()


@pytest.fixture(params=["sqlite", "redis"])
def shared(request, tmp_path):
    password = {"WORKOS_COOKIE_PASSWORD": secrets.token_hex(32)}
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
        return {**password, "WORKOS_CACHE_TYPE": "redis", "WORKOS_CACHE_REDIS_URL": url}
    directory = str(tmp_path / "state")
    return {**password, "WORKOS_CACHE_TYPE": "sqlite", "WORKOS_CACHE_DIR": directory}


def cookie_of(browser):
    return f"{browser.site.parts.store.name}={browser.cookie}"


def test_a_slow_view_sends_what_is_newest_when_it_ends(signed_in, site, clock):
    """refresh.md, failure mode 6: generation n+1 after n+2."""
    newer = []

    @site.app.get("/slow")
    @login_required
    def slow_view():
        clock.advance(301)
        newer.append(signed_in.fetch("/api/me").json["iat"])
        return "done"

    signed_in.sign_in("bob@acme.test")
    old = cookie_of(signed_in)
    clock.advance(301)
    client = site.app.test_client(use_cookies=False)
    slow = client.get("/slow", headers={"Cookie": old, "Accept": "*/*"})
    assert slow.status_code == 200
    sent = slow.headers["Set-Cookie"].partition(";")[0]
    assert sent == cookie_of(signed_in)
    assert signed_in.send(sent).json["iat"] == newer[0]


def test_a_slow_view_sends_nothing_when_the_newest_was_shown_more_than_a_minute_ago(
    signed_in, site, clock, workos
):
    """The record of what became of its session is gone by then."""

    @site.app.get("/slow")
    @login_required
    def slow_view():
        assert signed_in.fetch("/api/me").status_code == 200  # another tab, with the same session
        clock.advance(61)
        assert signed_in.fetch("/auth/session/extend", "POST").status_code == 200
        assert signed_in.fetch("/api/me").status_code == 200
        clock.advance(61)
        return "done"

    signed_in.sign_in("bob@acme.test")
    clock.advance(301)
    slow = signed_in.send(cookie_of(signed_in), "/slow")
    assert slow.text == "done"
    assert "Set-Cookie" not in slow.headers
    clock.advance(190)  # when a session that it might have sent would have run out
    assert signed_in.fetch("/api/me").status_code == 200


def test_a_slow_view_sends_nothing_when_the_newest_cannot_be_verified(
    make_site, shared, clock, workos
):
    one, two = make_site(**shared), make_site(**shared)
    browser = one.browser()

    @two.app.get("/slow")
    @login_required
    def slow_view():
        workos.rotate_keys()
        clock.advance(61)
        assert browser.fetch("/auth/session/extend", "POST").status_code == 200
        return "done"

    browser.sign_in("bob@acme.test")
    clock.advance(301)
    old = cookie_of(browser)
    assert browser.fetch("/api/me").status_code == 200
    slow = two.browser().send(old, "/slow")
    assert slow.text == "done"
    assert "Set-Cookie" not in slow.headers


def test_security_r9_a_form_whose_session_changed_organization_in_flight_gets_409(
    make_site, shared, workos, clock
):
    site = make_site(**shared)

    @site.app.post("/open")
    @public
    def anybody():
        return jsonify(organization=current_session.organization_id)

    @site.app.post("/transfer")
    @login_required
    def transfer():
        return jsonify(organization=current_session.organization_id)

    browser = site.browser()
    browser.sign_in("alice@acme.test")
    old = cookie_of(browser)
    other = workos.add_organization("Other")
    workos.add_membership("alice@acme.test", other)
    switched = browser.fetch("/auth/organization", "POST", json={"organization_id": other.id})
    assert switched.status_code == 200, switched.data
    # Later the old cookie's token needs a refresh: it leads to the other organization.
    clock.advance(301)
    client = site.app.test_client(use_cookies=False)

    def send(method, path, **headers):
        given = {"Cookie": old, "Accept": "*/*", "Sec-Fetch-Mode": "cors", **headers}
        return client.open(path, method=method, headers=given)

    refused = send("POST", "/transfer")
    assert (refused.status_code, refused.json["error"]) == (409, "organization_changed")
    page = send("POST", "/transfer", **{"Sec-Fetch-Mode": "navigate", "Accept": "text/html"})
    assert page.status_code == 409
    assert b"another organization" in page.data
    assert send("GET", "/api/me").json["organization"] == other.id
    assert send("POST", "/open").json["organization"] == other.id


def test_a_clock_a_minute_off_changes_nothing(make_site, clock, workos):
    for seconds in (60, -60):
        site = make_site()
        off = lambda seconds=seconds: clock() + seconds  # noqa: E731
        site = type(site)(workos, off)
        browser = site.browser()
        browser.sign_in()
        for _ in range(5):
            clock.advance(120)
            assert browser.fetch("/api/me").status_code == 200
        assert len(workos.exchanges("refresh_token")) <= 6


@pytest.mark.parametrize("seconds", [400, -400])
def test_a_clock_far_off_keeps_the_cookie_says_503_and_names_the_clock(
    make_site, clock, workos, caplog, seconds
):
    off = [0]
    site = type(make_site())(workos, lambda: clock() + off[0])
    browser = site.browser()
    browser.sign_in()
    off[0] = seconds
    clock.advance(301 - min(seconds, 0))
    answers = []
    for _ in range(60):
        answers.append(browser.fetch("/api/me"))
        clock.advance(1)
    statuses = {each.status_code for each in answers}
    assert statuses <= {200, 503}
    assert 503 in statuses
    assert len(workos.exchanges("refresh_token")) <= 2, "no loop"
    assert "clock of this machine" in caplog.text
    off[0] = 0
    clock.advance(60)
    assert browser.fetch("/api/me").status_code == 200


def test_security_r7_revocation_required_answers_503_while_the_store_cannot_be_read(
    make_site, shared, clock, monkeypatch
):
    site = make_site(**shared, WORKOS_REVOCATION_REQUIRED=True)
    browser = site.browser()
    browser.sign_in()
    assert browser.fetch("/api/me").status_code == 200
    cookie = browser.cookie
    clock.advance(1)
    store = site.parts.endings._state._store.backend
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "get", lambda key: 1 / 0)
        patch.setattr(store, "get_many", lambda *keys: 1 / 0)
        refused = browser.fetch("/api/me")
        assert refused.status_code == 503
        assert "Set-Cookie" not in refused.headers
        assert browser.get("/hello").text == "Hello stranger, unavailable"
        assert browser.fetch("/auth/session").status_code == 503
    assert browser.cookie == cookie
    site.parts.breaker._retry_at = 0.0
    assert browser.fetch("/api/me").status_code == 200


def test_security_r7_without_it_a_valid_token_is_served_meanwhile(
    make_site, shared, clock, monkeypatch
):
    site = make_site(**shared)
    browser = site.browser()
    browser.sign_in()
    clock.advance(1)
    store = site.parts.endings._state._store.backend
    monkeypatch.setattr(store, "get", lambda key: 1 / 0)
    monkeypatch.setattr(store, "get_many", lambda *keys: 1 / 0)
    assert browser.fetch("/api/me").status_code == 200


def test_security_r7_tokens_older_than_the_store_are_refreshed_within_a_token_life(
    make_site, shared, clock, workos
):
    site = make_site(**shared)
    browsers = [site.browser() for _ in range(24)]
    for browser in browsers:
        browser.sign_in()
    clock.advance(100)
    # As after a store that was emptied just now.
    for state in (site.parts.state, site.parts.endings._state):
        state._life = bytes(8) + int(clock() * 1000).to_bytes(8, "big")
        state._look_at = 10**12
        state._current_life = lambda: True
    seen = []
    for _ in range(26):
        for browser in browsers:
            assert browser.fetch("/api/me").status_code == 200
        seen.append(len(workos.exchanges("refresh_token")))
        clock.advance(8)
    assert 0 < seen[7] < 24, "spread, and before the tokens' end"
    assert seen[-1] >= 24
