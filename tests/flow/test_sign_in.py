"""Sign-in through LocalWorkOS over HTTP."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import abort

from flask_workos_sessions import sign_in_url, signals
from flask_workos_sessions.stores.cookie import MARK_SECONDS
from flask_workos_sessions.views.attempts import MAX_ATTEMPTS


def query(response):
    return {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}


def attempts_of(browser):
    return [
        cookie
        for cookie in browser.client._cookies.values()
        if cookie.key.startswith("wos-attempt-")
    ]


def test_a_guarded_page_leads_through_sign_in_and_back(browser):
    begun = browser.get("/dashboard?tab=2")
    assert begun.status_code == 302
    assert begun.location.startswith("/auth/login?return_to=")
    response = browser.sign_in("alice@acme.test", begun.location)
    assert (response.status_code, response.location) == (303, "/dashboard?tab=2")
    page = browser.get("/dashboard?tab=2")
    assert page.status_code == 200
    assert "Alice 179" in page.text


def test_state_and_pkce_are_always_sent(browser):
    sent = query(browser.get("/auth/login"))
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["code_challenge"]) == 43
    assert len(sent["state"]) >= 32
    assert sent["response_type"] == "code"
    assert sent["provider"] == "authkit"


def test_address_and_browser_are_forwarded_with_the_code(browser, workos):
    begun = browser.get("/auth/login")
    back = workos.approve(begun.location, "alice@acme.test")
    browser.client.get(
        back.partition("localhost")[2],
        headers={"User-Agent": "Netscape/4"},
        environ_overrides={"REMOTE_ADDR": "203.0.113.7"},
    )
    (exchange,) = workos.exchanges("authorization_code")
    assert exchange.request["ip_address"] == "203.0.113.7"
    assert exchange.request["user_agent"] == "Netscape/4"
    assert exchange.request["code_verifier"]


def test_without_a_wish_the_default_page_is_where_one_lands(make_site):
    site = make_site(WORKOS_SIGN_IN_RETURN_TO="/dashboard")
    assert site.browser().sign_in().location == "/dashboard"


@pytest.mark.parametrize("purpose", [{"Sec_Purpose": "prefetch"}, {"Purpose": "prefetch"}])
def test_a_prefetch_begins_nothing(browser, purpose):
    response = browser.get("/auth/login", **purpose)
    assert response.status_code == 204
    assert "Set-Cookie" not in response.headers


def test_a_fetch_begins_nothing(browser):
    response = browser.fetch("/auth/login")
    assert response.status_code == 400
    assert "Set-Cookie" not in response.headers


def test_htmx_is_told_to_send_the_browser(browser):
    response = browser.fetch("/auth/login?return_to=/x", HX_Request="true")
    assert response.headers["HX-Redirect"] == "/auth/login?return_to=/x"
    assert "Set-Cookie" not in response.headers


def test_security_s1_another_site_chooses_neither_organization_nor_connection(browser):
    chosen = {
        "organization_id": "org_evil",
        "connection_id": "conn_evil",
        "domain_hint": "evil.test",
        "provider": "GoogleOAuth",
        "prompt": "none",
        "max_age": "9",
        "login_hint": "a@acme.test",
        "screen_hint": "sign-up",
        "invitation_token": "inv",
    }
    sent = query(browser.get(f"/auth/login?{urlencode(chosen)}", Sec_Fetch_Site="cross-site"))
    assert sent["login_hint"] == "a@acme.test"
    assert sent["screen_hint"] == "sign-up"
    assert sent["invitation_token"] == "inv"
    assert sent["provider"] == "authkit"
    assert not {"organization_id", "connection_id", "domain_hint", "prompt", "max_age"} & set(sent)


def test_security_s1_our_own_page_may_choose_them(browser):
    sent = query(browser.get("/auth/login?organization_id=org_1", Sec_Fetch_Site="same-origin"))
    assert sent["organization_id"] == "org_1"


def test_security_s1_sealed_options_work_from_anywhere(site, browser):
    with site.app.test_request_context("/somewhere"):
        url = sign_in_url(organization_id="org_1", max_age=0)
    assert "org_1" not in url
    sent = query(browser.get(url, Sec_Fetch_Site="cross-site"))
    assert (sent["organization_id"], sent["max_age"]) == ("org_1", "0")


def test_an_option_that_workos_does_not_have_is_an_error(site):
    with site.app.test_request_context("/"), pytest.raises(ValueError, match="organisation"):
        sign_in_url(organisation="org_1")


def test_security_s1_a_foreign_sign_in_asks_before_it_replaces_somebody(browser, site, workos):
    browser.sign_in("alice@acme.test")
    asked = browser.sign_in("bob@acme.test", "/auth/login", Sec_Fetch_Site="cross-site")
    assert asked.status_code == 200
    assert "Alice" in asked.text
    assert "Bob" in asked.text
    assert browser.fetch("/api/me").json["id"] != workos.sessions[-1].user_id
    pending = asked.text.split('name="pending" value="')[1].split('"')[0]

    kept = browser.post("/auth/callback", {"pending": pending, "decision": "keep"})
    assert kept.status_code == 303
    assert browser.fetch("/api/me").json["session"] == workos.sessions[0].id

    forged = browser.post(
        "/auth/callback",
        {"pending": pending, "decision": "switch"},
        Origin="http://evil.test",
        Sec_Fetch_Site="cross-site",
    )
    assert forged.status_code == 403


def test_security_s1_the_person_may_switch(browser, workos):
    browser.sign_in("alice@acme.test")
    asked = browser.sign_in("bob@acme.test", "/auth/login", Sec_Fetch_Site="cross-site")
    pending = asked.text.split('name="pending" value="')[1].split('"')[0]
    switched = browser.post("/auth/callback", {"pending": pending, "decision": "switch"})
    assert switched.status_code == 303
    assert browser.fetch("/api/me").json["session"] == workos.sessions[-1].id


def test_security_s1_a_waiting_session_is_bound_to_the_one_that_it_would_replace(browser, site):
    browser.sign_in("alice@acme.test")
    asked = browser.sign_in("bob@acme.test", "/auth/login", Sec_Fetch_Site="cross-site")
    pending = asked.text.split('name="pending" value="')[1].split('"')[0]
    other = site.browser()
    other.sign_in("bob@acme.test")
    assert (
        other.post("/auth/callback", {"pending": pending, "decision": "switch"}).status_code == 400
    )


def test_an_own_sign_in_as_somebody_else_asks_nothing_and_ends_the_first(browser, workos, site):
    browser.sign_in("alice@acme.test")
    first = workos.sessions[0].id
    assert browser.sign_in("bob@acme.test").status_code == 303
    assert browser.fetch("/api/me").json["session"] == workos.sessions[-1].id
    assert site.signal("session_ended") == [{"session_id": first, "reason": "user_changed"}]


@pytest.fixture
def unreadable(make_site, tmp_path, clock, monkeypatch):
    """A browser of Alice's; whether her session has ended has to be known, and cannot be."""
    site = make_site(
        WORKOS_CACHE_TYPE="sqlite",
        WORKOS_CACHE_DIR=str(tmp_path / "state"),
        WORKOS_REVOCATION_REQUIRED=True,
    )
    browser = site.browser()
    browser.sign_in("alice@acme.test")
    browser.get("/remember/secret")
    clock.advance(2)
    for state in (site.parts.state, site.parts.endings._state):
        for name in ("get", "get_many", "set", "add", "delete"):
            monkeypatch.setattr(state._store.backend, name, lambda *_: 1 / 0)
    assert browser.get("/hello").text == "Hello stranger, unavailable"
    return browser


def test_security_s1_a_foreign_sign_in_asks_also_when_the_session_cannot_be_confirmed(unreadable):
    asked = unreadable.sign_in("bob@acme.test", "/auth/login", Sec_Fetch_Site="cross-site")
    assert asked.status_code == 200
    assert 'name="pending"' in asked.text


def test_security_r8_c10_an_own_sign_in_ends_also_a_session_that_cannot_be_confirmed(
    unreadable, workos
):
    site = unreadable.site
    assert unreadable.sign_in("bob@acme.test").status_code == 303
    assert unreadable.get("/remembered").text == "None"
    assert [each["first"] for each in site.signal("signed_in")] == [True, False]
    site.parts.revoker._background._pool.shutdown()
    assert [each.status for each in workos.sessions] == ["revoked", "active"]


def test_several_tabs_may_sign_in_at_once(browser, workos):
    """Peers: authkit-nextjs #403, one verifier cookie for all tabs."""
    first, second = browser.get("/auth/login?return_to=/a"), browser.get("/auth/login?return_to=/b")
    assert browser.come_back(first, "alice@acme.test").location == "/a"
    assert browser.come_back(second, "alice@acme.test").location == "/b"


def test_abandoned_attempts_do_not_pile_up(browser):
    """Peers: bug class E. Peers: authkit-nextjs #432, requests too large for the server."""
    for number in range(12):
        browser.get(f"/auth/login?return_to=/{number}")
    kept = attempts_of(browser)
    assert 1 <= len(kept) <= MAX_ATTEMPTS
    assert sum(len(each.key) + len(each.value) for each in kept) <= 4096


def test_long_return_paths_keep_attempts_within_four_kilobytes(browser):
    for number in range(5):
        browser.get(f"/auth/login?return_to=/{number}{'x' * 1900}")
    kept = attempts_of(browser)
    assert sum(len(each.key) + len(each.value) for each in kept) <= 4096


def test_the_attempt_cookie_is_httponly_lax_and_short_lived(browser):
    (header,) = browser.get("/auth/login").headers.getlist("Set-Cookie")
    for attribute in ("HttpOnly", "SameSite=Lax", "Max-Age=600", "Path=/"):
        assert attribute in header


def test_security_c1_cookies_carry_the_host_prefix_on_https(make_site):
    site = make_site(WORKOS_REDIRECT_URI="https://localhost/auth/callback")
    (header,) = site.browser().get("/auth/login").headers.getlist("Set-Cookie")
    assert header.startswith("__Host-wos-attempt-")
    assert "Secure" in header
    assert "Domain" not in header


def test_the_redirect_uri_never_follows_the_host_header(make_site):
    """Security S6."""
    browser = make_site().browser()
    moved = browser.get("/auth/login", Host="evil.test")
    assert moved.location == "http://localhost/auth/login?moved=1"
    response = browser.get("/auth/login?moved=1", Host="evil.test")
    assert query(response)["redirect_uri"] == "http://localhost/auth/callback"


def test_a_sign_in_that_begins_at_another_name_of_the_host_goes_on_at_the_one_it_comes_back_to(
    make_site,
):
    """flask run is told as 127.0.0.1, and registered as localhost."""
    site = make_site()
    browser = site.browser()
    begun = browser.get("/dashboard?tab=2", Host="127.0.0.1:5000")
    moved = browser.get(begun.location, Host="127.0.0.1:5000")
    assert moved.status_code == 302
    assert "Set-Cookie" not in moved.headers
    origin, path = (
        moved.location[: len("http://localhost")],
        moved.location[len("http://localhost") :],
    )
    assert origin == "http://localhost"
    assert browser.sign_in("alice@acme.test", path).location == "/dashboard?tab=2"
    assert browser.get("/dashboard?tab=2").status_code == 200


def test_what_a_sign_in_was_asked_for_goes_with_it_to_the_other_host(make_site):
    """Also what only a page of ours may ask for: over there it comes from another site."""
    site = make_site()
    browser = site.browser()
    with site.app.test_request_context("/"):
        wish = sign_in_url("/a?c=d&e=f", organization_id="org_1", max_age=0)
    plain = "/auth/login?return_to=/a%3Fc%3Dd%26e%3Df&organization_id=org_1&max_age=0"
    for asked in (wish, plain):
        sent = browser.get(asked, Host="127.0.0.1:5000", Sec_Fetch_Site="same-origin")
        assert query(sent)["return_to"] == "/a?c=d&e=f"
        moved = sent.location.removeprefix("http://localhost")
        asked = query(browser.get(moved, Sec_Fetch_Site="cross-site"))
        assert (asked["organization_id"], asked["max_age"]) == ("org_1", "0")


@pytest.mark.parametrize(
    ("prefix", "uri"),
    [
        ("/auth", "http://localhost/team/auth/callback"),
        ("/team/auth", "http://localhost/team/auth/callback"),
    ],
)
def test_behind_a_proxy_that_tells_neither_host_nor_prefix_sign_in_begins_at_once(
    make_site, workos, prefix, uri
):
    workos.allow_redirect_uri(uri)
    site = make_site(WORKOS_REDIRECT_URI=uri, WORKOS_URL_PREFIX=prefix)
    browser = site.browser()
    begun = browser.get(f"{prefix}/login", Host="10.0.0.1:8000")
    if prefix == "/team/auth":
        # The path is the right one: one more round, and no second.
        assert begun.location == "http://localhost/team/auth/login?moved=1"
        begun = browser.get(f"{prefix}/login?moved=1", Host="10.0.0.1:8000")
    assert query(begun)["redirect_uri"] == uri


def test_of_several_redirect_uris_the_one_for_this_host_is_used(make_site):
    uris = ["http://localhost/auth/callback", "http://127.0.0.1:5000/auth/callback"]
    site = make_site(WORKOS_REDIRECT_URI=uris)
    sent = query(site.browser().get("/auth/login", Host="127.0.0.1:5000"))
    assert sent["redirect_uri"] == uris[1]


def test_signed_in_is_sent_with_the_session(browser, site):
    browser.sign_in("alice@acme.test")
    (values,) = site.signal("signed_in")
    assert values["session"].user.email == "alice@acme.test"
    assert values["first"] is True


def test_somebody_who_replaces_an_idle_session_is_not_the_first(browser, site, clock):
    browser.sign_in("alice@acme.test")
    clock.advance(400)
    browser.sign_in("bob@acme.test")
    assert [each["first"] for each in site.signal("signed_in")] == [True, False]


def test_security_g4_a_sign_in_by_an_impersonator_is_in_the_log(browser, workos, caplog):
    caplog.set_level("INFO", logger="flask_workos_sessions")
    begun = browser.get("/auth/login")
    code = workos.authorize_code(
        "alice@acme.test",
        redirect_uri="http://localhost/auth/callback",
        code_challenge=query(begun)["code_challenge"],
        impersonator={"email": "support@vendor.test", "reason": None},
    )
    browser.get(f"/auth/callback?code={code}&state={query(begun)['state']}")
    assert "(impersonated)" in caplog.text


def test_a_receiver_that_raises_leaves_no_session_behind(site, workos):
    """Peers: authkit-nextjs 4.3.2, bug class O."""
    site.app.config["TESTING"] = False
    site.app.testing = False

    def refuse(sender, session, first):
        raise ValueError("not you")

    signals.signed_in.connect(refuse, site.app)
    browser = site.browser()
    response = browser.sign_in("alice@acme.test")
    assert response.status_code == 500
    assert browser.cookie is None
    assert (
        browser.get("/api/me", Accept="application/json", Sec_Fetch_Mode="cors").status_code == 401
    )
    site.parts.revoker._background._pool.shutdown(wait=True)
    assert workos.sessions[-1].status == "revoked"


def test_a_receiver_may_answer_itself(site):
    def refuse(sender, session, first):
        abort(403)

    signals.signed_in.connect(refuse, site.app)
    browser = site.browser()
    assert browser.sign_in().status_code == 403
    assert browser.cookie is None


def test_an_async_receiver_is_run(site, browser):
    """Flask trap T22."""
    heard = []

    async def receiver(sender, session, first):
        heard.append(session.id)

    signals.signed_in.connect(receiver, site.app)
    browser.sign_in()
    assert len(heard) == 1


def test_an_impersonated_session_says_so(browser, workos, site):
    """Peers: bug class F, and security G4."""
    begun = browser.get("/auth/login")
    state = query(begun)["state"]
    code = workos.authorize_code(
        "alice@acme.test",
        redirect_uri="http://localhost/auth/callback",
        code_challenge=query(begun)["code_challenge"],
        impersonator={"email": "support@vendor.test", "reason": "Ticket 42"},
    )
    browser.get(f"/auth/callback?code={code}&state={state}", Sec_Fetch_Site="cross-site")
    (values,) = site.signal("signed_in")
    session = values["session"]
    assert session.impersonator.email == "support@vendor.test"
    assert session.impersonator.reason == "Ticket 42"
    assert session.lifetime.max_in <= 3600


def test_nothing_touches_the_network_at_start(make_site, workos):
    before = len(workos.requests)
    make_site()
    assert len(workos.requests) == before


def test_security_c6_the_sealed_expiry_is_the_maximum_length_and_refuses_to_the_second(
    make_site, workos, clock
):
    """The browser keeps the value for as long after that as it would keep the mark of an end."""
    workos.set_clocks(inactivity_timeout=None, access_token_seconds=12 * 3600)
    site = make_site(WORKOS_SESSION_INACTIVITY_TIMEOUT=None, WORKOS_REFRESH_BUFFER=0)
    browser = site.browser()
    response = browser.sign_in()
    (header,) = [h for h in response.headers.getlist("Set-Cookie") if h.startswith("wos-session=")]
    age = int(header.split("Max-Age=")[1].split(";")[0])
    record = site.parts.store.open(browser.cookie)
    assert record.not_after == record.signed_in_at + 8 * 3600
    assert age == int(record.not_after - clock()) + MARK_SECONDS
    clock.advance(record.not_after - 1 - clock())
    assert browser.fetch("/api/me").status_code == 200
    clock.advance(1)
    assert browser.fetch("/api/me").json["required"] == {"reason": "max_length"}


def test_the_maximum_is_asked_once_when_the_setting_is_silent(make_site, workos):
    site = make_site(WORKOS_SESSION_MAX_LENGTH=None)
    browser = site.browser()
    browser.sign_in()
    assert sum("/sessions" in each.path for each in workos.requests) == 1
    status = browser.fetch("/auth/session").json
    assert 8 * 3600 - 10 <= status["max_in"] <= 8 * 3600


def test_the_answer_of_the_callback_is_private(browser):
    """Security C9."""
    response = browser.sign_in()
    assert response.headers["Cache-Control"] == "private, no-store"


def test_json_of_the_session_has_no_token(site, browser):
    """Security C8."""
    browser.sign_in()
    session = site.signal("signed_in")[0]["session"]
    for shown in (repr(session), str(session), f"{session}"):
        assert session.access_token not in shown
    with site.app.test_request_context("/"):
        assert "eyJ" not in json.dumps(repr(session))
