"""The session list, revocation, and the browser's way out."""

from __future__ import annotations

import pytest

HOME = "http://127.0.0.1:5000/"


def _list(application, workos, who, **query):
    path = f"/user_management/users/{workos.user(who).id}/sessions"
    return application.api("GET", path, params=query)


def test_active_sessions_are_listed_with_their_absolute_end(application, workos):
    workos.set_clocks(max_length=3600)
    application.exchange_code(application.code_for("alice@acme.test"), ip_address="192.0.2.7")

    body = _list(application, workos, "alice@acme.test").json()

    assert body["object"] == "list"
    assert body["list_metadata"] == {"before": None, "after": None}
    (session,) = body["data"]
    assert session.pop("id").startswith("session_")
    assert session == {
        "object": "session",
        "user_id": workos.user("alice@acme.test").id,
        "organization_id": workos.organization("Acme").id,
        "ip_address": "192.0.2.7",
        "user_agent": None,
        "auth_method": "password",
        "status": "active",
        "expires_at": "2027-01-15T09:00:00.000Z",
        "ended_at": None,
        "created_at": "2027-01-15T08:00:00.000Z",
        "updated_at": "2027-01-15T08:00:00.000Z",
    }


def test_sessions_that_are_over_and_those_of_others_are_not_listed(application, workos, clock):
    workos.set_clocks(inactivity_timeout=100)
    workos.sign_in("alice@acme.test")
    clock.advance(100)
    workos.sign_in("alice@acme.test")
    workos.revoke(workos.sessions[-1].id)
    workos.sign_in("bob@acme.test")

    assert _list(application, workos, "alice@acme.test").json()["data"] == []


def test_a_long_list_comes_in_pages_newest_first(application, workos, clock):
    for _ in range(5):
        workos.sign_in("bob@acme.test")
        clock.advance(1)
    newest_first = [session.id for session in workos.sessions][::-1]

    first = _list(application, workos, "bob@acme.test", limit=2).json()
    assert [each["id"] for each in first["data"]] == newest_first[:2]
    assert first["list_metadata"] == {"before": None, "after": newest_first[1]}

    second = _list(application, workos, "bob@acme.test", limit=2, after=newest_first[1]).json()
    assert [each["id"] for each in second["data"]] == newest_first[2:4]
    assert second["list_metadata"] == {"before": newest_first[2], "after": newest_first[3]}

    last = _list(application, workos, "bob@acme.test", limit=2, after=newest_first[3]).json()
    assert [each["id"] for each in last["data"]] == newest_first[4:]
    assert last["list_metadata"]["after"] is None

    back = _list(application, workos, "bob@acme.test", limit=2, before=newest_first[4]).json()
    assert [each["id"] for each in back["data"]] == newest_first[2:4]

    oldest = _list(application, workos, "bob@acme.test", limit=1, order="asc").json()
    assert [each["id"] for each in oldest["data"]] == newest_first[4:]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"order": "up"}])
def test_a_wrong_page_is_unprocessable(application, workos, query):
    answer = _list(application, workos, "bob@acme.test", **query)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request_parameters")


def test_an_unknown_person_has_no_list(application):
    assert application.api("GET", "/user_management/users/user_x/sessions").status_code == 404


def test_a_session_is_revoked_once(application, workos):
    workos.sign_in("bob@acme.test")
    revoke = {"session_id": workos.sessions[0].id}

    answer = application.api("POST", "/user_management/sessions/revoke", json=revoke)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (workos.sessions[0].status, workos.sessions[0].ended_at) == ("revoked", 1_800_000_000)

    again = application.api("POST", "/user_management/sessions/revoke", json=revoke)
    assert again.status_code == 400
    assert "message" in again.json()


def test_an_unknown_session_is_not_found(application):
    answer = application.api("POST", "/user_management/sessions/revoke", json={"session_id": "x"})

    assert answer.status_code == 404


def test_revoking_without_a_session_is_unprocessable(application):
    answer = application.api("POST", "/user_management/sessions/revoke", json={})

    assert answer.status_code == 422


@pytest.mark.parametrize("key", [None, "Bearer sk_wrong", "Bearer ", "Basic c2s6"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/user_management/sessions/revoke"),
        ("GET", "/user_management/users/user_01BOB00000000000000000000/sessions"),
    ],
)
def test_the_api_key_is_needed(application, workos, key, method, path):
    workos.sign_in("bob@acme.test")
    headers = {} if key is None else {"Authorization": key}
    body = {"session_id": workos.sessions[0].id}

    answer = application.api(method, path, headers=headers, json=body)

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert workos.sessions[0].status == "active"


def test_an_api_key_can_be_replaced(application, workos):
    old = workos.api_key
    workos.api_key = "sk_test_another"

    answer = application.exchange_code(application.code_for("bob@acme.test"), client_secret=old)
    assert answer.status_code == 401


def _log_out(workos, browser, session_id="session_x", **query):
    given = "&".join(f"{name}={value}" for name, value in query.items())
    return browser.get(
        f"{workos.url}/user_management/sessions/logout?session_id={session_id}&{given}"
    )


def test_logging_out_ends_the_session_and_workos_s_own_cookie(application, browser, workos):
    workos.allow_logout_uri(HOME)
    back = browser.submit(application.authorize_url(), user=workos.user("bob@acme.test").id)
    application.exchange_code(application.query_of(back)["code"])

    answer = _log_out(workos, browser, workos.sessions[0].id, return_to=HOME)

    assert (answer.status_code, answer.headers["Location"]) == (302, HOME)
    assert workos.sessions[0].status == "revoked"
    assert not browser.session.cookies
    assert browser.get(application.authorize_url()).status_code == 200


def test_a_copy_of_workos_s_own_cookie_is_worth_nothing_after_logout(application, browser, workos):
    workos.allow_logout_uri(HOME)
    browser.submit(application.authorize_url(), user=workos.user("bob@acme.test").id)
    copy = dict(browser.session.cookies)
    _log_out(workos, browser)

    assert browser.get(application.authorize_url(), cookies=copy).status_code == 200


def test_an_unknown_session_still_leads_back(browser, workos):
    workos.allow_logout_uri(HOME)

    assert _log_out(workos, browser, return_to=HOME).headers["Location"] == HOME


def test_without_return_to_the_first_registered_uri_is_the_default(browser, workos):
    workos.allow_logout_uri(HOME)
    workos.allow_logout_uri("http://127.0.0.1:5000/other")

    assert _log_out(workos, browser).headers["Location"] == HOME


@pytest.mark.parametrize("query", [{}, {"return_to": "http://evil.test/"}])
def test_an_unregistered_uri_ends_on_an_error_page_of_workos(browser, workos, query):
    if query:
        workos.allow_logout_uri(HOME)

    answer = _log_out(workos, browser, **query)

    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_logging_out_without_a_session_is_unprocessable(browser, workos):
    answer = browser.get(f"{workos.url}/user_management/sessions/logout")

    assert answer.status_code == 422
    assert "message" in answer.json()


def test_revoking_from_the_server_leaves_workos_s_own_cookie(application, browser, workos):
    back = browser.submit(application.authorize_url(), user=workos.user("bob@acme.test").id)
    application.exchange_code(application.query_of(back)["code"])
    workos.revoke(workos.sessions[0].id)

    assert browser.get(application.authorize_url()).status_code == 302
