"""Signed out means signed out (security R1)."""

import pytest

from flask_workos_sessions import current_user, signals


@pytest.fixture
def signed_in(browser):
    browser.sign_in("alice@acme.test")
    return browser


def sid(workos):
    return workos.sessions[0].id


def test_it_ends_here_and_at_workos_and_leads_to_workoss_logout(signed_in, workos, site):
    """Peers: bug class H, sign-out that only forgets a cookie."""
    response = signed_in.post("/auth/logout")
    assert response.status_code == 303
    assert response.location.startswith(f"{workos.url}/user_management/sessions/logout?session_id=")
    assert workos.sessions[0].status == "revoked"
    assert signed_in.fetch("/api/me").status_code == 401
    assert [each["session"].id for each in site.signal("signed_out")] == [sid(workos)]
    assert site.signal("session_ended") == []


def test_the_registered_return_uri_is_absolute(make_site, workos):
    workos.allow_logout_uri("http://localhost/bye")
    browser = make_site(WORKOS_SIGN_OUT_RETURN_TO="/bye").browser()
    browser.sign_in()
    assert "return_to=http%3A%2F%2Flocalhost%2Fbye" in browser.post("/auth/logout").location


@pytest.mark.parametrize("after", [1, 299, 301, 7 * 3600])
def test_security_r1_a_copy_of_the_cookie_is_refused_without_an_exchange(
    signed_in, site, workos, clock, after
):
    copy = signed_in.cookie
    signed_in.post("/auth/logout")
    clock.advance(after)
    thief = site.browser()
    thief.cookie = copy
    assert thief.fetch("/api/me").status_code == 401
    assert workos.exchanges("refresh_token") == []


def test_security_r1_eleven_hours_later_too(workos, make_site, clock):
    workos.set_clocks(max_length=24 * 3600)
    site = make_site(WORKOS_SESSION_MAX_LENGTH=24 * 3600)
    browser = site.browser()
    browser.sign_in()
    copy = browser.cookie
    browser.post("/auth/logout")
    clock.advance(11 * 3600)
    browser.cookie = copy
    response = browser.fetch("/api/me")
    assert response.json["required"] == {"reason": "signed_out"}
    assert workos.exchanges("refresh_token") == []


def test_with_an_expired_token_it_makes_no_exchange(signed_in, workos, clock):
    """Peers: flask-jwt-extended #454, a refresh on the answer to logout brought the cookie back."""
    clock.advance(1000)
    response = signed_in.post("/auth/logout")
    assert response.status_code == 303
    assert workos.exchanges("refresh_token") == []
    assert workos.sessions[0].status == "revoked"


def test_without_a_session_it_is_no_error(browser):
    response = browser.post("/auth/logout")
    assert response.status_code == 303
    assert response.location.startswith("/auth/signed-out")
    assert browser.get(response.location).status_code == 200


def test_in_an_outage_it_ends_here_and_is_tried_again_at_workos(signed_in, workos, clock, site):
    with workos.down():
        response = signed_in.post("/auth/logout")
        assert response.location.startswith("/auth/signed-out")
    assert signed_in.fetch("/api/me").status_code == 401
    assert workos.sessions[0].status == "active"
    clock.advance(31)
    signed_in.get("/")
    site.parts.revoker._background._pool.shutdown(wait=True)
    assert workos.sessions[0].status == "revoked"
    assert site.parts.revoker.pending == 0


def test_twice_is_no_error_and_one_signal(signed_in, site):
    copy = signed_in.cookie
    signed_in.post("/auth/logout")
    signed_in.cookie = copy
    assert signed_in.post("/auth/logout").status_code == 303
    assert len(site.signal("signed_out")) == 1


def test_security_r1_a_receiver_that_raises_keeps_nothing_alive(signed_in, site, workos):
    def raise_(sender, session):
        raise ZeroDivisionError

    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    signed_in.get("/remember/secret")
    copy = signed_in.cookie
    with signals.signed_out.connected_to(raise_, site.app):
        assert signed_in.post("/auth/logout").status_code == 500
    assert workos.sessions[0].status == "revoked"
    assert signed_in.cookie != copy
    assert signed_in.get("/remembered").text == "None"
    assert site.browser().send(f"{site.parts.store.name}={copy}").status_code == 401


def test_security_r1_a_receiver_that_raises_keeps_no_second_session_alive(site, workos):
    def raise_(sender, session):
        raise ZeroDivisionError

    browsers = site.browser(), site.browser()
    for browser in browsers:
        browser.sign_in()
    both = "; ".join(f"{site.parts.store.name}={each.cookie}" for each in browsers)
    with (
        signals.signed_out.connected_to(raise_, site.app),
        pytest.raises(ZeroDivisionError),
    ):
        site.app.test_client(use_cookies=False).post(
            "/auth/logout", headers={"Cookie": both, "Sec-Fetch-Site": "same-origin"}
        )
    assert [each.status for each in workos.sessions] == ["revoked", "revoked"]


def test_security_r1_signing_out_again_revokes_what_the_first_time_could_not(
    signed_in, site, workos
):
    """The process that ended it here may not have lived to do that."""
    site.parts.endings.end(sid(workos), "signed_out", until=site.clock() + 3600)
    assert signed_in.post("/auth/logout").status_code == 303
    site.parts.revoker._background._pool.shutdown()
    assert workos.sessions[0].status == "revoked"


def test_security_r1_with_a_clock_far_behind_it_signs_out_all_the_same(make_site, workos, clock):
    off = [0]
    site = type(make_site())(workos, lambda: clock() + off[0])
    browser = site.browser()
    browser.sign_in()
    copy = browser.cookie
    off[0] = -400
    assert browser.fetch("/api/me").status_code == 503
    assert browser.post("/auth/logout").status_code == 303
    assert workos.sessions[0].status == "revoked"
    assert browser.cookie != copy
    off[0] = 0
    browser.cookie = copy
    assert browser.fetch("/api/me").json["required"] == {"reason": "signed_out"}


def test_a_get_asks_first(signed_in, workos):
    """Peers: node #1203, a prefetch signs people out."""
    page = signed_in.get("/auth/logout")
    assert page.status_code == 200
    assert 'method="post"' in page.text
    assert "Alice" in page.text
    assert workos.sessions[0].status == "active"
    assert signed_in.fetch("/api/me").status_code == 200


@pytest.mark.parametrize("path", ["/auth/logout", "/auth/session/extend", "/auth/organization"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://sub.localhost", "Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "none"},
        {},
    ],
)
def test_security_g5_a_post_without_proof_of_origin_changes_nothing(
    signed_in, site, workos, path, headers
):
    before = signed_in.cookie
    response = signed_in.client.post(path, headers={"Accept": "text/html", **headers})
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers
    assert signed_in.cookie == before
    assert signed_in.fetch("/api/me").status_code == 200
    assert [each["error"].error for each in site.signal("refused")] == ["origin_refused"]
    assert workos.exchanges("refresh_token") == []


def test_security_c10_flask_session_is_cleared_and_the_cache_too(signed_in):
    signed_in.get("/remember/secret")
    response = signed_in.post("/auth/logout")
    assert response.headers["Clear-Site-Data"] == '"cache"'
    assert signed_in.get("/remembered").text == "None"


def test_security_c10_can_be_turned_off(make_site):
    browser = make_site(WORKOS_CLEAR_FLASK_SESSION=False).browser()
    browser.sign_in()
    browser.get("/remember/basket")
    browser.post("/auth/logout")
    assert browser.get("/remembered").text == "basket"


def test_security_c10_the_next_person_inherits_nothing(signed_in):
    signed_in.get("/remember/secret")
    signed_in.sign_in("bob@acme.test")
    assert signed_in.get("/remembered").text == "None"


def test_security_c10_not_after_an_end_by_the_clock_either(signed_in, clock):
    signed_in.get("/remember/secret")
    clock.advance(1801)
    assert signed_in.get("/dashboard").status_code == 303
    signed_in.sign_in("bob@acme.test")
    assert signed_in.get("/remembered").text == "None"


def test_what_somebody_did_before_signing_in_is_kept(browser):
    browser.get("/remember/basket")
    browser.sign_in()
    assert browser.get("/remembered").text == "basket"


def test_security_g3_after_signing_out_the_next_page_is_no_silent_sign_in(signed_in):
    signed_in.post("/auth/logout")
    page = signed_in.get("/dashboard")
    assert page.status_code == 303
    assert page.location.startswith("/auth/signed-out?reason=signed_out")
    shown = signed_in.get(page.location)
    link = shown.text.split('href="/auth/login')[1].split('"')[0].replace("&amp;", "&")
    begun = signed_in.get(f"/auth/login{link}", Sec_Fetch_Site="same-origin")
    assert "max_age=0" in begun.location


def test_security_g3_a_plain_sign_in_link_asks_for_credentials_too(signed_in):
    signed_in.post("/auth/logout")
    assert "max_age=0" in signed_in.get("/auth/login").location


def test_security_g3_can_be_turned_off(make_site):
    browser = make_site(WORKOS_REAUTHENTICATE_AFTER_END=False).browser()
    browser.sign_in()
    browser.post("/auth/logout")
    assert "max_age" not in browser.get("/auth/login").location


@pytest.mark.parametrize(("after", "reason"), [(1801, "inactivity"), (8 * 3600 + 1, "max_length")])
def test_security_g3_past_its_end_a_session_is_never_refreshed_and_revoked(
    make_site, workos, clock, site, after, reason
):
    settings = {} if reason == "inactivity" else {"WORKOS_SESSION_INACTIVITY_TIMEOUT": None}
    site = make_site(**settings)
    browser = site.browser()
    browser.sign_in()
    clock.advance(after)
    page = browser.get("/dashboard")
    assert page.status_code == 303
    assert f"reason={reason}" in page.location
    assert workos.exchanges("refresh_token") == []
    site.parts.revoker._background._pool.shutdown(wait=True)
    assert any("sessions/revoke" in each.path for each in workos.requests)
    assert site.signal("session_ended") == [{"session_id": sid(workos), "reason": reason}]


def test_an_old_cookie_that_comes_again_and_again_ends_its_session_once(
    signed_in, site, workos, clock
):
    clock.advance(9 * 3600)
    for _ in range(5):
        assert signed_in.fetch("/api/me").status_code == 401
        clock.advance(2)
    site.parts.revoker._background._pool.shutdown(wait=True)
    assert len(site.signal("session_ended")) == 1
    assert len([each for each in workos.requests if "sessions/revoke" in each.path]) == 1


def test_the_clock_that_ran_out_first_is_the_reason(signed_in, clock):
    clock.advance(9 * 3600)
    assert "reason=inactivity" in signed_in.get("/dashboard").location


def test_the_page_says_why_and_leads_back(signed_in, clock):
    clock.advance(1801)
    page = signed_in.get(signed_in.get("/dashboard?tab=2").location)
    assert page.status_code == 200
    finished = signed_in.sign_in(
        start="/auth/login"
        + page.text.split('href="/auth/login')[1].split('"')[0].replace("&amp;", "&")
    )
    assert finished.location == "/dashboard?tab=2"


def test_a_reason_that_we_do_not_know_is_not_shown(browser):
    page = browser.get("/auth/signed-out?reason=<b>evil</b>")
    assert page.status_code == 200
    assert "evil" not in page.text


def test_who_is_signed_in_is_not_told_otherwise(signed_in):
    page = signed_in.get("/auth/signed-out?reason=revoked&return_to=/dashboard")
    assert (page.status_code, page.location) == (303, "/dashboard")


def test_only_a_page_takes_the_cookie_away(signed_in, clock):
    before = signed_in.cookie
    clock.advance(1801)
    assert signed_in.fetch("/api/me").status_code == 401
    assert signed_in.cookie == before
    signed_in.get("/dashboard")
    assert signed_in.cookie != before


@pytest.mark.parametrize(("seconds", "taken_away"), [(3, False), (1, True)])
def test_a_slow_page_that_a_sign_in_may_have_overtaken_does_not_take_the_cookie_away(
    site, clock, seconds, taken_away
):
    @site.app.get("/slow")
    def slow():
        before = str(current_user.id)
        clock.advance(seconds)
        return before

    browser = site.browser()
    browser.sign_in()
    clock.advance(1801)
    answer = browser.get("/slow")
    assert answer.text == "None"
    assert ("Set-Cookie" in answer.headers) is taken_away


def test_a_script_gets_the_logout_url_and_htmx_a_redirect(site):
    first, second = site.browser(), site.browser()
    first.sign_in()
    answer = first.fetch("/auth/logout", "POST")
    assert answer.json["reason"] == "signed_out"
    assert "sessions/logout" in answer.json["logout_url"]
    second.sign_in()
    assert (
        "sessions/logout"
        in second.fetch("/auth/logout", "POST", HX_Request="true").headers["HX-Redirect"]
    )


def test_a_refresh_under_way_does_not_bring_the_cookie_back(
    signed_in, site, workos, clock, monkeypatch
):
    """The exchange ends after the sign-out: neither its answer nor its cookie counts."""
    clock.advance(301)
    exchange = site.parts.client.exchange_refresh_token
    value = signed_in.cookie

    def sign_out_meanwhile(*arguments, **keywords):
        outcome = exchange(*arguments, **keywords)
        other = site.browser()
        other.cookie = value
        other.post("/auth/logout")
        return outcome

    monkeypatch.setattr(site.parts.client, "exchange_refresh_token", sign_out_meanwhile)
    response = signed_in.fetch("/api/me")
    assert response.status_code == 401
    assert "Set-Cookie" not in response.headers


def test_the_page_says_that_somebody_else_is_signed_in(signed_in):
    """Its reader is signed in, as another person than the one whose page it was."""
    page = signed_in.get("/auth/signed-out?reason=user_changed")
    assert page.status_code == 200
    assert "Someone else has signed in with this browser." in page.text


def test_the_page_leads_back_to_the_page_that_was_taken_away(browser):
    page = browser.get("/auth/signed-out?reason=revoked", Referer="http://localhost/reports")
    assert "return_to=/reports&" in page.text
