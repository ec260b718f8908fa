"""The authorization endpoint: its checks, its page, and WorkOS's own cookie."""

from __future__ import annotations

import pytest


def test_choosing_a_person_leads_back_with_a_code_and_the_state(application, browser, workos):
    answer = browser.submit(application.authorize_url(), user=workos.user("alice@acme.test").id)

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(application.callback + "?")
    query = application.query_of(answer)
    assert set(query) == {"code", "state"}
    assert query["state"] == "the-state"
    exchanged = application.exchange_code(query["code"])
    assert exchanged.json()["user"]["email"] == "alice@acme.test"


def test_without_a_state_none_comes_back(application, browser, workos):
    url = application.authorize_url(state=None)

    answer = browser.submit(url, user=workos.user("alice@acme.test").id)

    assert set(application.query_of(answer)) == {"code"}


def test_the_query_of_the_redirect_uri_is_kept(application, browser, workos):
    workos.allow_redirect_uri("http://127.0.0.1:5000/auth/callback?kept=1")
    url = application.authorize_url(redirect_uri="http://127.0.0.1:5000/auth/callback?kept=1")

    answer = browser.submit(url, user=workos.user("alice@acme.test").id)

    assert application.query_of(answer)["kept"] == "1"


def test_a_typed_address_signs_in_whatever_its_case(application, browser):
    answer = browser.submit(application.authorize_url(), email=" BOB@acme.test ", action="continue")

    exchanged = application.exchange_code(application.query_of(answer)["code"])
    assert exchanged.json()["user"]["email"] == "bob@acme.test"


def test_an_unknown_address_is_refused_on_the_page_escaped(application, browser):
    typed = '"><script>alert(1)</script>@x.test'

    answer = browser.submit(application.authorize_url(), email=typed, action="continue")

    assert answer.status_code == 422
    assert "There is no account with this address" in answer.text
    assert "<script>" not in answer.text


def test_signing_up_makes_a_new_person(application, browser, workos):
    answer = browser.submit(
        application.authorize_url(screen_hint="sign-up"),
        action="sign-up",
        email="erin@new.test",
        first_name="Erin",
        last_name="",
    )

    exchanged = application.exchange_code(application.query_of(answer)["code"]).json()
    assert (exchanged["user"]["first_name"], exchanged["user"]["last_name"]) == ("Erin", None)
    assert "organization_id" not in exchanged
    assert workos.user("erin@new.test").email_verified


@pytest.mark.parametrize("email", ["alice@acme.test", "nonsense", "a b@c.test", "@x", ""])
def test_signing_up_with_a_taken_or_impossible_address_is_refused(
    application, browser, workos, email
):
    before = len(workos.users)

    answer = browser.submit(application.authorize_url(), action="sign-up", email=email)

    assert answer.status_code == 422
    assert len(workos.users) == before


def test_the_screen_hint_opens_the_sign_up_form(application, browser):
    page = browser.get(application.authorize_url(screen_hint="sign-up"))

    assert "Create your account" in page.text
    assert "Continue as" not in page.text


def test_the_login_hint_fills_in_the_address(application, browser):
    page = browser.get(application.authorize_url(login_hint="bob@acme.test"))

    assert 'value="bob@acme.test"' in page.text


def test_cancel_leads_back_with_access_denied(application, browser):
    answer = browser.submit(application.authorize_url(), action="cancel")

    query = application.query_of(answer)
    assert (query["error"], query["state"]) == ("access_denied", "the-state")
    assert "code" not in query


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "client_other"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "http://127.0.0.1:5000/elsewhere"},
        {"redirect_uri": "http://127.0.0.1:5000/auth/callback/"},
    ],
)
def test_an_unknown_client_or_redirect_uri_stays_on_a_page_of_workos(
    application, browser, workos, changes
):
    url = application.authorize_url(**changes)

    for answer in (browser.get(url), browser.submit(url, user=workos.user("bob@acme.test").id)):
        assert answer.status_code == 400
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"provider": None}, "invalid_connection_selector"),
        ({"connection_id": "conn_unknown"}, "connection_invalid"),
        ({"organization_id": "org_unknown"}, "organization_invalid"),
    ],
)
def test_any_other_fault_leads_back_with_an_error(application, browser, changes, error):
    answer = browser.get(application.authorize_url(**changes))

    query = application.query_of(answer)
    assert (answer.status_code, query["error"], query["state"]) == (302, error, "the-state")


def test_a_second_authorization_in_the_same_browser_is_silent(application, browser, workos, clock):
    browser.submit(application.authorize_url(), user=workos.user("alice@acme.test").id)
    clock.advance(1000)

    answer = browser.get(application.authorize_url(state="another"))

    assert answer.status_code == 302
    assert application.query_of(answer)["state"] == "another"
    exchanged = application.exchange_code(application.query_of(answer)["code"]).json()
    claims = application.claims_of(exchanged["access_token"])
    assert (claims["iat"], claims["auth_time"]) == (1_800_001_000, 1_800_000_000)


@pytest.mark.parametrize(
    "changes",
    [{"max_age": "0"}, {"max_age": "999"}, {"prompt": "login"}, {"login_hint": "bob@acme.test"}],
)
def test_a_forced_sign_in_asks_again_and_moves_auth_time(
    application, browser, workos, clock, changes
):
    alice = workos.user("alice@acme.test")
    browser.submit(application.authorize_url(), user=alice.id)
    clock.advance(1000)
    url = application.authorize_url(**changes)

    page = browser.get(url)
    assert page.status_code == 200
    assert "Confirm that it is you" in page.text

    answer = browser.submit(url, user=alice.id)
    exchanged = application.exchange_code(application.query_of(answer)["code"]).json()
    assert application.claims_of(exchanged["access_token"])["auth_time"] == 1_800_001_000


def test_a_max_age_that_is_not_yet_reached_is_silent(application, browser, workos, clock):
    browser.submit(application.authorize_url(), user=workos.user("alice@acme.test").id)
    clock.advance(1000)

    assert browser.get(application.authorize_url(max_age="1000")).status_code == 302


def test_a_deleted_person_is_not_signed_in_silently(application, browser, workos):
    browser.submit(application.authorize_url(), user=workos.user("bob@acme.test").id)
    workos.remove_user("bob@acme.test")

    assert browser.get(application.authorize_url()).status_code == 200


def test_the_organization_decides_who_is_offered_and_who_gets_in(application, browser, workos):
    globex = workos.organization("Globex").id
    url = application.authorize_url(organization_id=globex)

    page = browser.get(url)
    assert "Carol Consultant" in page.text
    assert "Bob Member" not in page.text

    refused = browser.submit(url, email="bob@acme.test", action="continue")
    assert "Bob Member is not a member of Globex" in refused.text

    answer = browser.submit(url, email="carol@acme.test", action="continue")
    exchanged = application.exchange_code(application.query_of(answer)["code"]).json()
    assert exchanged["organization_id"] == globex


def test_a_silent_authorization_into_a_foreign_organization_asks(application, browser, workos):
    browser.submit(application.authorize_url(), user=workos.user("bob@acme.test").id)
    globex = workos.organization("Globex").id

    assert browser.get(application.authorize_url(organization_id=globex)).status_code == 200


def test_a_connection_signs_in_by_sso(application, browser, workos):
    connection = workos.organization("Acme").connection_id
    url = application.authorize_url(connection_id=connection, provider=None)

    answer = browser.submit(url, user=workos.user("bob@acme.test").id)

    exchanged = application.exchange_code(application.query_of(answer)["code"]).json()
    assert exchanged["authentication_method"] == "SSO"
    assert exchanged["organization_id"] == workos.organization("Acme").id


def test_workos_s_own_cookie_is_hidden_from_scripts_and_named_after_the_client(
    application, browser, workos
):
    answer = browser.submit(application.authorize_url(), user=workos.user("bob@acme.test").id)

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("workos-local-")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
    ],
)
def test_a_form_from_another_site_signs_nobody_in(application, browser, workos, headers):
    answer = browser.submit(
        application.authorize_url(), headers=headers, user=workos.user("bob@acme.test").id
    )

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_the_pages_are_not_framed_not_cached_and_load_nothing_from_elsewhere(application, browser):
    page = browser.get(application.authorize_url())

    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert "http" not in page.text.replace("</html>", "")
    assert "<script" not in page.text


def test_approve_is_the_hosted_page_without_a_browser(application, workos):
    globex = workos.organization("Globex").id

    back = workos.approve(application.authorize_url(organization_id=globex), "carol@acme.test")

    code = back.split("code=")[1].split("&")[0]
    assert back.endswith("state=the-state")
    assert application.exchange_code(code).json()["organization_id"] == globex


def test_a_crowd_does_not_make_the_page_endless(application, browser, workos):
    for number in range(50):
        workos.add_user(f"person{number}@crowd.test")

    assert browser.get(application.authorize_url()).text.count("Continue as") == 12
