"""The same person in another organization, by POST."""

import threading

import pytest

from flask_workos_sessions import sign_in_url
from flask_workos_sessions.refresh.exchange import Caller

ACME, GLOBEX = (f"org_01{name}".ljust(30, "0") for name in ("ACME", "GLOBEX"))


@pytest.fixture
def carol(site, browser):
    with site.app.test_request_context("/"):
        url = sign_in_url(organization_id=ACME)
    browser.sign_in("carol@acme.test", url)
    return browser


def me(browser):
    return browser.fetch("/api/me").json


def test_it_goes_to_the_other_organization_with_its_role(carol, site):
    session = me(carol)["session"]
    response = carol.post(
        "/auth/organization", {"organization_id": GLOBEX, "return_to": "/dashboard"}
    )
    assert (response.status_code, response.location) == (303, "/dashboard")
    after = me(carol)
    assert (after["organization"], after["role"], after["session"]) == (GLOBEX, "admin", session)
    (changed,) = site.signal("session_changed")
    assert changed["previous"].organization_id == ACME


def test_without_a_wish_it_goes_back_to_the_page(carol):
    response = carol.post(
        "/auth/organization", {"organization_id": GLOBEX}, Referer="http://localhost/dashboard?a=1"
    )
    assert response.location == "/dashboard?a=1"


def test_a_foreign_return_path_is_dropped(carol):
    response = carol.post(
        "/auth/organization", {"organization_id": GLOBEX, "return_to": "//evil.test"}
    )
    assert response.location == "/"


def test_a_script_gets_the_new_status(carol):
    response = carol.fetch("/auth/organization", "POST", json={"organization_id": GLOBEX})
    assert response.json["state"] == "active"
    assert me(carol)["organization"] == GLOBEX


def test_the_organization_where_one_is_needs_no_exchange(carol, workos):
    assert carol.post("/auth/organization", {"organization_id": ACME}).status_code == 303
    assert workos.exchanges("refresh_token") == []


def test_a_foreign_organization_is_refused_and_the_session_stays(site, workos):
    browser = site.browser()
    browser.sign_in("bob@acme.test")
    response = browser.post("/auth/organization", {"organization_id": GLOBEX})
    assert response.status_code == 403
    assert "stay where you were" in response.text
    assert me(browser)["organization"] == ACME
    script = browser.fetch("/auth/organization", "POST", json={"organization_id": GLOBEX})
    assert (script.status_code, script.json["error"]) == (403, "organization_refused")


@pytest.mark.parametrize("form", [{}, {"organization_id": ""}, {"organization_id": "é" * 5}])
def test_without_an_organization_it_is_400(carol, form, workos):
    assert carol.post("/auth/organization", form).status_code == 400
    assert workos.exchanges("refresh_token") == []


@pytest.mark.parametrize("body", [[], "x", 3, None, {"organization_id": ["org"]}])
def test_odd_json_is_400(carol, body):
    assert carol.fetch("/auth/organization", "POST", json=body).status_code == 400


def test_sso_required_leads_to_the_sign_in_of_that_organization(carol, workos):
    workos.set_organization("Globex", sso_required=True)
    response = carol.post("/auth/organization", {"organization_id": GLOBEX, "return_to": "/x"})
    assert response.status_code == 303
    begun = carol.get(response.location, Sec_Fetch_Site="same-origin")
    assert f"organization_id={GLOBEX}" in begun.location
    assert me(carol)["organization"] == ACME
    script = carol.fetch("/auth/organization", "POST", json={"organization_id": GLOBEX})
    assert script.status_code == 401
    assert script.json["login_url"].startswith("/auth/login")


def test_in_an_outage_the_session_stays_where_it_was(carol, workos):
    with workos.down():
        assert carol.post("/auth/organization", {"organization_id": GLOBEX}).status_code == 503
    assert me(carol)["organization"] == ACME


def test_nobody_is_led_to_sign_in(browser):
    assert browser.post("/auth/organization", {"organization_id": ACME}).status_code == 303


def test_a_switch_while_a_refresh_is_under_way_ends_in_the_wanted_organization(
    carol, workos, site, clock, monkeypatch
):
    """The refresh answers for the old organization; its successor is exchanged in turn."""
    clock.advance(301)
    exchange = site.parts.client.exchange_refresh_token
    value, answers = carol.cookie, []
    started = threading.Event()

    def slowly(*arguments, **keywords):
        started.set()
        thread.join(0.3)
        return exchange(*arguments, **keywords)

    monkeypatch.setattr(site.parts.client, "exchange_refresh_token", slowly)

    def switch():
        started.wait(5)
        opening = site.parts.opener.open(f"wos-session={value}", Caller, active=False)
        with site.app.test_request_context("/"):
            answers.append(site.parts.opener.switch(opening.held, GLOBEX, Caller()).session)

    thread = threading.Thread(target=switch)
    thread.start()
    assert me(carol)["organization"] == ACME
    thread.join()
    assert answers[0].organization_id == GLOBEX


def test_the_extension_switches_within_a_request(site, browser):
    @site.app.post("/go")
    def go():
        return site.sessions.switch_organization(GLOBEX).role

    with site.app.test_request_context("/"):
        url = sign_in_url(organization_id=ACME)
    browser.sign_in("carol@acme.test", url)
    response = browser.post("/go")
    assert response.text == "admin"
    assert "wos-session=" in response.headers["Set-Cookie"]
    assert me(browser)["organization"] == GLOBEX
