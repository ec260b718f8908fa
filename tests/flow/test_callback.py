"""The way back from AuthKit, and everything that can go wrong on it."""

import logging
import random

import pytest
import responses

from flask_workos_sessions import login_required
from flask_workos_sessions.session_record import SessionRecord

CALLBACK = "/auth/callback"


def back_of(browser, who="alice@acme.test", start="/auth/login"):
    """The URL of the callback, not yet visited."""
    begun = browser.get(start)
    url = browser.site.workos.approve(begun.location, who)
    return url.partition("http://localhost")[2]


def visit(browser, path):
    return browser.get(path, Sec_Fetch_Site="cross-site")


def state_in(path):
    return path.partition("state=")[2].partition("&")[0]


def assert_our_page(response, status):
    """Security S4: our pages keep to themselves."""
    assert response.status_code == status
    assert response.mimetype == "text/html"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert 'href="/' in response.text


@pytest.mark.parametrize("path", [CALLBACK, f"{CALLBACK}?state=abc", f"{CALLBACK}?x=y"])
def test_without_code_and_attempt_there_is_a_page_with_a_way_on(browser, site, workos, path):
    assert_our_page(visit(browser, path), 400)
    assert site.signal("sign_in_failed") == [{"reason": "sign_in_not_started"}]
    assert workos.exchanges() == []


def test_without_a_code_there_is_a_page_with_a_way_on(browser, workos):
    path = f"{CALLBACK}?state={state_in(back_of(browser))}"
    assert_our_page(visit(browser, path), 400)
    assert workos.exchanges() == []


def test_security_s2_a_foreign_state_exchanges_deletes_and_shows_nothing(browser, workos):
    mine = back_of(browser)
    forged = visit(browser, f"{CALLBACK}?code=stolen&state=forged&error_description=Call+%2B1+555")
    assert_our_page(forged, 400)
    assert "555" not in forged.text
    assert "Set-Cookie" not in forged.headers
    assert workos.exchanges() == []
    assert visit(browser, mine).status_code == 303


def test_security_s2_a_forged_error_is_not_shown(browser, caplog):
    forged = visit(
        browser, f"{CALLBACK}?error=access_denied&error_description=Call+%2B1+555&state=forged"
    )
    assert_our_page(forged, 400)
    assert "555" not in forged.text


def test_an_old_attempt_is_refused(browser, clock, workos):
    path = back_of(browser)
    clock.advance(601)
    response = visit(browser, path)
    assert_our_page(response, 400)
    assert "ten minutes" in response.text
    assert workos.exchanges() == []


def test_a_code_used_twice_gets_a_page(browser, site):
    path = back_of(browser)
    cookies = [(c.key, c.value) for c in browser.client._cookies.values()]
    assert visit(browser, path).status_code == 303
    again = visit(browser, path)
    assert_our_page(again, 400)
    assert browser.get("/dashboard").status_code == 200

    other = site.browser()
    for name, value in cookies:
        other.client.set_cookie(name, value)
    assert_our_page(visit(other, path), 400)
    assert site.signal("sign_in_failed")[-1] == {"reason": "sign_in_used"}


def test_a_callback_without_its_cookie_begins_again_once(browser, site, workos):
    """Peers: bug class F; sign-ins that begin at the identity provider bring no cookie."""
    path = back_of(browser)
    browser.client._cookies.clear()
    begun = visit(browser, path)
    assert begun.status_code == 302
    assert begun.location.startswith(workos.url)
    assert workos.exchanges() == []
    back = workos.approve(begun.location, "alice@acme.test").partition("http://localhost")[2]
    assert visit(browser, back).status_code == 303


def test_the_second_missing_cookie_is_explained_and_does_not_loop(browser, workos):
    """Peers: bug class G, redirect loops when a browser keeps no cookie."""
    path = back_of(browser)
    browser.client._cookies.clear()
    begun = visit(browser, path)
    back = workos.approve(begun.location, "alice@acme.test").partition("http://localhost")[2]
    browser.client._cookies.clear()
    response = visit(browser, back)
    assert_our_page(response, 400)
    assert "allow cookies" in response.text


def test_a_code_without_any_state_begins_again(browser, workos):
    """Peers: an impersonation from the dashboard has no state of ours."""
    begun = visit(browser, f"{CALLBACK}?code=whatever")
    assert begun.status_code == 302
    assert begun.location.startswith(workos.url)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("access_denied", 400),
        ("organization_invalid", 400),
        ("server_error", 503),
        ("<script>", 400),
    ],
)
def test_an_error_of_authkit_gets_a_page_and_a_signal(browser, site, error, status, caplog):
    state = state_in(back_of(browser))
    caplog.set_level(logging.INFO)
    response = browser.client.get(
        CALLBACK,
        query_string={
            "error": error,
            "error_description": "Call me\r\nFAKE LOG LINE alice@acme.test",
            "state": state,
        },
        headers={"Accept": "text/html"},
    )
    assert_our_page(response, status)
    assert "Call me" not in response.text
    assert len(site.signal("sign_in_failed")) == 1
    assert "Call me" in caplog.text
    assert "\nFAKE LOG LINE" not in caplog.text
    assert "alice@acme.test" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 500}, 503),
        ({"status": "drop"}, 503),
        ({"status": "html"}, 503),
        ({"status": "half"}, 503),
        ({"status": "no_tokens"}, 503),
        ({"status": "redirect"}, 503),
        ({"status": 429, "headers": {"Retry-After": "NaN"}}, 503),
        ({"status": 401}, 502),
    ],
)
def test_a_fault_of_workos_gets_a_page_and_leaves_no_session(browser, workos, fault, status):
    path = back_of(browser)
    workos.fail_next(1, **fault)
    assert_our_page(visit(browser, path), status)
    assert browser.cookie is None


def test_loading_the_page_again_after_an_outage_finishes_the_sign_in(browser, workos):
    path = back_of(browser)
    workos.fail_next(1, status="drop")
    assert visit(browser, path).status_code == 503
    assert visit(browser, path).status_code == 303


def test_a_wrong_api_key_names_the_setting_in_the_log(browser, workos, caplog):
    path = back_of(browser)
    workos.api_key = "sk_other"
    assert_our_page(visit(browser, path), 502)
    assert "WORKOS_API_KEY" in caplog.text


def test_an_unreachable_key_set_is_a_503(browser, workos, site):
    path = back_of(browser)
    with responses.RequestsMock() as mocked:
        mocked.add_passthru(f"{workos.url}/user_management")
        mocked.get(f"{workos.url}/sso/jwks/{workos.client_id}", status=500)
        assert_our_page(visit(browser, path), 503)
    assert browser.cookie is None


def test_several_organizations_are_offered_and_one_is_chosen(browser, site, workos):
    response = visit(browser, back_of(browser, "carol@acme.test", "/auth/login?return_to=/x"))
    assert response.status_code == 200
    assert "Acme" in response.text
    assert "Globex" in response.text
    links = [part.split('"')[0] for part in response.text.split('href="')[1:] if "login?" in part]
    assert len(links) == 2
    finished = browser.sign_in("carol@acme.test", links[1].replace("&amp;", "&"))
    assert finished.location == "/x"
    assert browser.fetch("/api/me").json["organization"] == "org_01GLOBEX".ljust(30, "0")
    assert {"reason": "organization_selection_required"} in site.signal("sign_in_failed")


def test_sso_required_leads_to_the_organizations_sign_in_once(browser, workos, site):
    workos.set_organization("Acme", sso_required=True)
    response = visit(browser, back_of(browser))
    assert response.status_code == 302
    assert "connection_id=conn_01ACME" in response.location
    assert {"reason": "sso_required"} in site.signal("sign_in_failed")
    # Through the organization's connection, it works.
    assert browser.come_back(response, "alice@acme.test").status_code == 303


@pytest.mark.parametrize(
    "required",
    ["sso_required", "organization_authentication_methods_required", "mfa_enrollment"],
)
def test_an_organization_sign_in_that_does_not_help_is_explained_and_does_not_loop(
    browser, workos, required
):
    workos.set_user("alice@acme.test", required=required)
    response = visit(browser, back_of(browser))
    for _ in range(3):
        if response.status_code != 302:
            break
        response = browser.come_back(response, "alice@acme.test")
    assert_our_page(response, 403)


@pytest.mark.parametrize("required", ["email_verification_required", "mfa_challenge"])
def test_what_the_person_has_to_do_is_said(browser, workos, site, required):
    workos.set_user("alice@acme.test", required=required)
    assert_our_page(visit(browser, back_of(browser)), 403)
    assert site.signal("sign_in_failed") == [{"reason": required}]


def test_a_session_over_4000_bytes_names_the_setting(browser, workos, caplog):
    """Peers: bug class D, cookies that a browser drops."""
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz:", k=24)) for _ in range(260)]
    workos.set_permissions("admin", *words)
    response = visit(browser, back_of(browser))
    assert_our_page(response, 500)
    assert "WORKOS_SESSION_STORE" in response.text
    assert "WORKOS_SESSION_STORE" in caplog.text
    assert browser.cookie is None


def test_security_c8_large_metadata_stays_out_of_the_cookie(browser, workos, site):
    workos.set_user("alice@acme.test", metadata={"bio": "x" * 3000})
    assert visit(browser, back_of(browser)).status_code == 303
    record = site.parts.store.open(browser.cookie)
    assert isinstance(record, SessionRecord)
    assert "metadata" not in record.user


def test_security_g2_a_sign_in_by_somebody_else_lands_on_the_default_page(site, browser, clock):
    site.app.add_url_rule("/secret", "secret", _guarded(max_age=60))
    browser.sign_in("alice@acme.test")
    clock.advance(61)
    asked = browser.get("/secret")
    assert asked.status_code == 302
    assert (
        browser.sign_in("bob@acme.test", asked.location, Sec_Fetch_Site="same-origin").location
        == "/"
    )


def test_security_g2_step_up_asks_for_a_recent_sign_in_and_comes_back(site, browser, clock):
    site.app.add_url_rule("/secret", "secret", _guarded(max_age=60))
    browser.sign_in("alice@acme.test")
    assert browser.get("/secret").status_code == 200
    clock.advance(60)
    assert browser.get("/secret").status_code == 200
    clock.advance(1)
    asked = browser.get("/secret")
    begun = browser.get(asked.location, Sec_Fetch_Site="same-origin")
    assert "max_age=60" in begun.location
    assert browser.come_back(begun, "alice@acme.test").location == "/secret"
    assert browser.get("/secret").status_code == 200


def test_security_g2_a_step_up_that_proves_nothing_new_is_explained(site, browser, workos, clock):
    site.app.add_url_rule("/secret", "secret", _guarded(max_age=60))
    browser.sign_in("alice@acme.test")
    clock.advance(61)
    begun = browser.get(browser.get("/secret").location, Sec_Fetch_Site="same-origin")
    sent = dict(pair.split("=") for pair in begun.location.partition("?")[2].split("&"))
    code = workos.authorize_code(
        "alice@acme.test",
        redirect_uri="http://localhost/auth/callback",
        code_challenge=sent["code_challenge"],
        authenticated_at=clock() - 3600,
    )
    assert_our_page(visit(browser, f"{CALLBACK}?code={code}&state={sent['state']}"), 403)
    assert browser.get("/dashboard").status_code == 200


def _guarded(**requirements):
    return login_required(**requirements)(lambda: "secret")


def test_a_prefetched_callback_uses_no_code(browser, workos):
    path = back_of(browser)
    assert browser.get(path, Sec_Purpose="prefetch").status_code == 204
    assert workos.exchanges() == []
    assert visit(browser, path).status_code == 303


def test_security_t2_no_secret_is_in_page_or_log(browser, workos, caplog):
    caplog.set_level(logging.DEBUG, logger="flask_workos_sessions")
    path = back_of(browser)
    workos.fail_next(1, status=400, body='{"error":"invalid_grant","error_description":"x"}')
    page = visit(browser, path).text
    code = path.partition("code=")[2].partition("&")[0]
    for secret in (code, state_in(path), workos.api_key):
        assert secret not in page
        assert secret not in "\n".join(
            each.getMessage() for each in caplog.records if each.name == "flask_workos_sessions"
        )
