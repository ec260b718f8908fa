"""Refused requests are answered in their own language."""

import json

import pytest

from flask_workos_sessions import errors, login_required, signals
from flask_workos_sessions.testing import login_as


@pytest.fixture(autouse=True)
def views(app):
    app.add_url_rule("/page", "page", login_required(lambda: "page"), methods=["GET", "POST"])
    app.add_url_rule("/admin", "admin", login_required(role="admin")(lambda: "admin"))
    app.add_url_rule("/fresh", "fresh", login_required(max_age=30)(lambda: "fresh"))


NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


def test_a_navigation_is_sent_to_sign_in(client):
    response = client.get("/page?a=1&b=%C3%BC", headers=NAVIGATION)
    assert response.status_code == 302
    assert response.location == "/auth/login?return_to=/page?a%3D1%26b%3D%25C3%25BC"


def test_a_form_goes_back_to_its_page(client):
    response = client.post("/page", headers={**NAVIGATION, "Referer": "http://localhost/form?x=1"})
    assert response.status_code == 303
    assert response.location == "/auth/login?return_to=/form?x%3D1"


def test_a_foreign_referer_is_no_return_path(client):
    response = client.post("/page", headers={**NAVIGATION, "Referer": "http://evil.test/form"})
    assert response.location == "/auth/login"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Mode": "cors"},
        {"X-Requested-With": "XMLHttpRequest"},
        {"Accept": "application/json"},
        {"Accept": "*/*"},
    ],
)
def test_a_script_gets_json_and_never_a_redirect(client, headers):
    """Peers: bug class J, fetch() calls redirected to AuthKit."""
    response = client.get("/page", headers=headers)
    assert response.status_code == 401
    assert response.json == {
        "error": "sign_in_required",
        "login_url": "/auth/login",
        "required": {},
    }


def test_the_login_url_of_a_script_leads_back_to_its_page(client):
    response = client.get(
        "/page", headers={"Sec-Fetch-Mode": "cors", "Referer": "http://localhost/board"}
    )
    assert response.json["login_url"] == "/auth/login?return_to=/board"


def test_htmx_gets_an_empty_body_and_an_event(client):
    response = client.get("/page", headers={"HX-Request": "true"})
    assert (response.status_code, response.data) == (401, b"")
    assert response.headers["HX-Reswap"] == "none"
    assert json.loads(response.headers["HX-Trigger"]) == {"workos-session:401": {}}
    login_as(client)
    denied = client.get("/admin", headers={"HX-Request": "true"})
    assert (denied.status_code, denied.data) == (403, b"")
    assert json.loads(denied.headers["HX-Trigger"]) == {"workos-session:403": {}}


def test_an_event_source_is_told_to_stop(client):
    response = client.get("/page", headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.data) == (204, b"")


def test_somebody_who_may_not_gets_a_page(client):
    login_as(client)
    response = client.get("/admin", headers=NAVIGATION)
    assert response.status_code == 403
    assert "You may not see this" in response.text
    assert "<script" not in response.text  # its policy would not let it run


def test_somebody_who_must_prove_it_again_goes_to_sign_in(client, app):
    parts = app.extensions["workos_sessions.parts"]
    login_as(client, authenticated_at=int(parts.clock()) - 60)
    response = client.get("/fresh", headers=NAVIGATION)
    assert response.status_code == 302
    assert "options=" in response.location
    script = client.get("/fresh", headers={"Sec-Fetch-Mode": "cors"})
    assert script.json["required"] == {"max_age": 30}


def test_security_g6_a_refusal_is_one_signal_and_one_log_line(client, app, caplog):
    heard = []
    receiver = lambda sender, error: heard.append(error.error)  # noqa: E731
    signals.refused.connect(receiver, app)
    caplog.set_level("INFO", logger="flask_workos_sessions")
    client.get("/page", headers=NAVIGATION)
    assert heard == ["sign_in_required"]
    assert [each.getMessage() for each in caplog.records if "Refused" in each.getMessage()] == [
        "Refused GET '/page': sign_in_required."
    ]


def test_security_g6_an_apps_own_answer_hides_no_refusal(client, app, caplog):
    heard = []
    receiver = lambda sender, error: heard.append(error.error)  # noqa: E731
    signals.refused.connect(receiver, app)
    caplog.set_level("INFO", logger="flask_workos_sessions")
    app.register_error_handler(errors.SignInRequired, lambda error: ("own", 401))
    assert client.get("/page").text == "own"
    assert heard == ["sign_in_required"]
    assert "Refused GET '/page'" in caplog.text


def test_security_c9_a_refusal_is_private(client):
    for headers in (NAVIGATION, {"Sec-Fetch-Mode": "cors"}, {"HX-Request": "true"}):
        response = client.get("/page", headers=headers)
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "Cookie" in response.headers["Vary"]
