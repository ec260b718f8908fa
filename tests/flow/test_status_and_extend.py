"""``/auth/session`` and ``/auth/session/extend``."""

import re
import time

import pytest

from flask_workos_sessions import Impersonator
from flask_workos_sessions.status import channel_name
from flask_workos_sessions.testing import login_as


@pytest.fixture
def signed_in(browser):
    browser.sign_in("alice@acme.test")
    return browser


def test_the_status_has_everything_that_a_page_needs(signed_in, clock):
    response = signed_in.fetch("/auth/session")
    assert response.status_code == 200
    status = response.json
    assert set(status) == {
        "v",
        "state",
        "expires_in",
        "because",
        "extendable",
        "idle_in",
        "max_in",
        "ver",
        "rev",
        "sub",
        "sid",
        "access",
        "changed",
    }
    assert (status["v"], status["state"], status["because"]) == (1, "active", "inactivity")
    assert status["expires_in"] == status["idle_in"] == 1794
    assert status["extendable"] is True
    for name in ("rev", "sub", "sid", "access"):
        assert re.fullmatch("[0-9a-f]{16}", status[name])
    assert len({status["rev"], status["sub"], status["sid"], status["access"]}) == 4
    assert "user_" not in response.text
    assert "session_" not in response.text


def _status_as(site, **who):
    client = site.app.test_client()
    login_as(client, **who)
    return client.get("/auth/session").json


def test_access_is_equal_for_two_sessions_of_one_person_with_the_same_rights(site):
    who = {"role": "admin", "permissions": ["b", "a"], "feature_flags": ["x"]}
    first, second = _status_as(site, **who), _status_as(site, **who)
    assert first["access"] == second["access"]
    assert first["sub"] == second["sub"]
    assert first["sid"] != second["sid"]
    assert first["rev"] != second["rev"]
    assert _status_as(site, **{**who, "permissions": ["a", "b"]})["access"] == first["access"]


@pytest.mark.parametrize(
    "other",
    [
        {"user": {"id": "user_other"}},
        {"organization_id": "org_other"},
        {"role": "member"},
        {"roles": ["admin", "billing"]},
        {"permissions": ["a"]},
        {"entitlements": ["sso"]},
        {"feature_flags": ["x"]},
        {"impersonator": Impersonator("support@vendor.test")},
    ],
    ids=lambda other: next(iter(other)),
)
def test_access_differs_when_the_person_or_a_right_does(site, other):
    same = {"organization_id": "org_1", "role": "admin", "permissions": ["a", "b"]}
    assert _status_as(site, **same)["access"] != _status_as(site, **{**same, **other})["access"]


def test_two_apps_on_one_host_have_two_channels(make_site):
    secret = {"WORKOS_COOKIE_PASSWORD": "Uq7hd8a2Lk1jf9Zx0vBn5mTr3wEy6sPo"}
    sites = [
        make_site(**secret, **more)
        for more in ({}, {}, {"WORKOS_COOKIE_NAME": "two"}, {"WORKOS_CLIENT_ID": "client_two"})
    ]
    names = [channel_name(each.parts) for each in sites]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)


def test_later_answers_have_higher_versions(signed_in, clock):
    first = signed_in.fetch("/auth/session").json["ver"]
    clock.advance(1)
    assert signed_in.fetch("/auth/session").json["ver"] > first


def test_the_status_never_refreshes_sets_a_cookie_or_calls_workos(signed_in, workos, clock):
    before = len(workos.requests)
    for seconds in (0, 280, 30, 600):
        clock.advance(seconds)
        response = signed_in.fetch("/auth/session")
        assert response.json["state"] == "active"
        assert "Set-Cookie" not in response.headers
    clock.advance(1800)
    assert signed_in.fetch("/auth/session").status_code == 401
    assert [r for r in workos.requests[before:] if "revoke" not in r.path] == []


def test_after_the_end_it_says_why_and_where_to_go(signed_in, clock):
    clock.advance(1801)
    response = signed_in.fetch("/auth/session")
    assert response.status_code == 401
    assert response.json["state"] == "ended"
    assert response.json["reason"] == "inactivity"
    assert response.json["login_url"].startswith("/auth/login")


@pytest.mark.parametrize("seconds", [0, 30, 600])
def test_what_an_exchange_has_found_out_the_status_says(signed_in, workos, clock, seconds):
    """A page hears of a revocation by the refusal of a request, and asks what it means."""
    workos.revoke(workos.sessions[0].id)
    clock.advance(301)
    assert signed_in.fetch("/auth/session").status_code == 200, "nobody knows it yet"
    assert signed_in.fetch("/api/me").status_code == 401
    clock.advance(seconds)
    response = signed_in.fetch("/auth/session")
    assert (response.status_code, response.json["reason"]) == (401, "revoked")


def test_nobody_gets_no_reason(browser):
    response = browser.fetch("/auth/session")
    assert response.status_code == 401
    assert response.json["reason"] is None


def test_a_fresh_process_without_keys_says_that_it_does_not_know(signed_in, make_site, workos):
    other = make_site(
        WORKOS_COOKIE_PASSWORD=signed_in.site.app.config["WORKOS_COOKIE_PASSWORD"]
    ).browser()
    other.cookie = signed_in.cookie
    before = len(workos.requests)
    response = other.fetch("/auth/session")
    assert (response.status_code, response.json["state"]) == (503, "unknown")
    assert "Retry-After" in response.headers
    assert len(workos.requests) == before
    assert other.fetch("/api/me").status_code == 200
    assert other.fetch("/auth/session").status_code == 200


@pytest.mark.parametrize("site_header", ["cross-site", "same-site", "none"])
def test_security_g5_the_status_is_for_our_pages(signed_in, site_header, monkeypatch):
    monkeypatch.setattr(
        signed_in.site.parts.store, "candidates", lambda header: pytest.fail("read the cookie")
    )
    response = signed_in.fetch("/auth/session", Sec_Fetch_Site=site_header)
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers


def test_the_status_cannot_be_embedded_or_kept(signed_in):
    response = signed_in.fetch("/auth/session")
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "private, no-store"


def test_extending_moves_the_end(signed_in, clock, workos):
    clock.advance(1700)
    assert signed_in.fetch("/auth/session").json["expires_in"] < 100
    response = signed_in.fetch("/auth/session/extend", "POST")
    assert response.status_code == 200
    assert response.json["expires_in"] >= 1790
    assert "wos-session=" in response.headers["Set-Cookie"]
    assert len(workos.exchanges("refresh_token")) == 1


def test_extending_with_a_valid_token_is_an_exchange_too(signed_in, clock, workos):
    clock.advance(100)
    response = signed_in.fetch("/auth/session/extend", "POST")
    assert response.json["idle_in"] >= 1790
    assert len(workos.exchanges("refresh_token")) == 1


def test_security_r4_extending_in_a_loop_makes_no_calls(signed_in, clock, workos):
    clock.advance(100)
    for _ in range(1_000):
        assert signed_in.fetch("/auth/session/extend", "POST").status_code == 200
    assert len(workos.exchanges("refresh_token")) == 1


def test_extending_is_accepted_until_the_truth(signed_in, clock):
    clock.set(signed_in.site.signal("signed_in")[0]["session"].refreshed_at + 1799)
    assert signed_in.fetch("/auth/session").json["expires_in"] == 0
    assert signed_in.fetch("/auth/session/extend", "POST").status_code == 200


def test_after_the_end_extending_is_too_late(signed_in, clock, workos):
    clock.advance(1801)
    response = signed_in.fetch("/auth/session/extend", "POST")
    assert (response.status_code, response.json["reason"]) == (401, "inactivity")
    assert workos.exchanges("refresh_token") == []


def test_the_maximum_cannot_be_extended(make_site, workos):
    browser = make_site(WORKOS_SESSION_MAX_LENGTH=600).browser()
    browser.sign_in()
    response = browser.fetch("/auth/session/extend", "POST")
    assert response.status_code == 409
    assert response.json["error"] == "not_extendable"
    assert response.json["because"] == "max_length"


def test_extending_in_an_outage_is_503_and_keeps_the_session(signed_in, clock, workos):
    clock.advance(400)
    with workos.down():
        response = signed_in.fetch("/auth/session/extend", "POST")
    assert (response.status_code, response.json["state"]) == (503, "unknown")
    clock.advance(2)
    assert signed_in.fetch("/api/me").status_code == 200


def test_extending_waits_no_longer_than_any_request(signed_in, clock, workos):
    """Three seconds, for without threads: also when it has waited for a refresh before."""
    clock.advance(281)
    workos.fail_next(1, status="late", delay=6)
    begun = time.monotonic()
    assert signed_in.fetch("/auth/session/extend", "POST").status_code == 503
    assert time.monotonic() - begun < 4


def test_without_clocks_the_remaining_time_is_unknown(make_site, workos, clock):
    workos.set_clocks(inactivity_timeout=None)
    site = make_site(WORKOS_SESSION_MAX_LENGTH=None, WORKOS_SESSION_INACTIVITY_TIMEOUT=None)
    site.parts.client.session_expires_at = lambda *a, **k: None
    browser = site.browser()
    browser.sign_in()
    status = browser.fetch("/auth/session").json
    assert (status["expires_in"], status["because"], status["extendable"]) == (None, None, False)
    clock.advance(100)
    assert browser.fetch("/auth/session/extend", "POST").status_code == 200
    assert browser.get("/dashboard").status_code == 200


@pytest.mark.parametrize("life", [60, 300, 3600])
@pytest.mark.parametrize("timeout", [60, 61, 90, 100, 119, 120, 125, 130, 200, 240, 1800])
def test_from_the_moment_of_the_warning_extending_moves_the_end(
    make_site, workos, clock, timeout, life
):
    """However short the timeout is: "Stay signed in" makes the warning go away."""
    workos.set_clocks(inactivity_timeout=timeout, access_token_seconds=life)
    site = make_site(WORKOS_SESSION_INACTIVITY_TIMEOUT=timeout)
    browser = site.browser()
    browser.sign_in()
    settings = site.parts.settings
    for begins in (settings.notice, settings.warn):
        left = browser.fetch("/auth/session").json["expires_in"]
        clock.advance(left - begins - 1)
        while (left := browser.fetch("/auth/session").json["expires_in"]) > begins:
            clock.advance(0.1)
        assert left == begins
        extended = browser.fetch("/auth/session/extend", "POST", Origin="http://localhost").json
        assert extended["expires_in"] >= timeout - 7
