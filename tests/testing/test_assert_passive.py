"""Does a poll of the app keep sessions alive? ``assert_passive`` tells."""

import time

import pytest
from flask import Flask
from flask import session as flask_session

from flask_workos_sessions import WorkOSSessions, current_session, login_required, passive
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.testing import assert_passive, login_as, settings

PASSIVE = {"X-Session-Passive": "1"}
#: What may make a refresh due: the inactivity timeout, the end of the token, or only that.
DUE = {
    "inactivity": {},
    "long inactivity": {"WORKOS_SESSION_INACTIVITY_TIMEOUT": 86_400},
    "buffer": {"WORKOS_SESSION_INACTIVITY_TIMEOUT": None},
    "long buffer": {
        "WORKOS_SESSION_INACTIVITY_TIMEOUT": None,
        "WORKOS_REFRESH_BUFFER": 3000,
    },
    "short buffer": {"WORKOS_SESSION_INACTIVITY_TIMEOUT": None, "WORKOS_REFRESH_BUFFER": 2},
    "end": {"WORKOS_SESSION_INACTIVITY_TIMEOUT": None, "WORKOS_REFRESH_BUFFER": 0},
}


def make_app(clock=time.time, **more):
    app = Flask("polled")
    app.config.update(settings(**more))
    app.sessions = WorkOSSessions(app, clock=clock)

    @app.route("/active", methods=["GET", "POST"])
    @login_required
    def active():
        return "active"

    @app.get("/open")
    def open_():
        return "open"

    @app.get("/poll")
    @passive
    @login_required
    def poll():
        return f"for {current_session.user.id}"

    @app.get("/permanent")
    @passive
    def permanent():
        flask_session.permanent = True
        return str(flask_session.get("seen"))

    return app


def signed_in(app, **who):
    client = app.test_client()
    login_as(client, **who)
    return client


@pytest.mark.parametrize("due", DUE.values(), ids=DUE)
def test_a_request_that_would_refresh_fails(due):
    client = signed_in(make_app(**due))
    with pytest.raises(AssertionError, match=r"GET /active is not passive: .*@passive"):
        assert_passive(client, "/active")


@pytest.mark.parametrize("due", DUE.values(), ids=DUE)
def test_a_passive_view_or_request_passes(due):
    client = signed_in(make_app(**due))
    assert_passive(client, "/poll")
    assert_passive(client, "/active", headers=PASSIVE)
    assert_passive(client, "/auth/session")


def test_the_view_runs_and_its_answer_is_returned():
    response = assert_passive(signed_in(make_app(), user={"id": "user_7"}), "/poll")
    assert (response.status_code, response.text) == (200, "for user_7")


def test_a_view_without_a_guard_is_active_too():
    with pytest.raises(AssertionError, match="/open"):
        assert_passive(signed_in(make_app()), "/open")


def test_the_request_is_sent_as_it_is_asked_for():
    client = signed_in(make_app())
    assert assert_passive(client, "/active", method="POST", headers=PASSIVE).status_code == 200
    with pytest.raises(AssertionError, match="POST /active"):
        assert_passive(client, "/active", method="POST")


def test_a_view_that_refreshes_in_its_own_way_fails():
    app = make_app()

    @app.get("/switch")
    @passive
    def switch():
        app.sessions.switch_organization("org_other")
        return "switched"

    with pytest.raises(AssertionError, match="asked WorkOS for a new token"):
        assert_passive(signed_in(app), "/switch")


def test_extending_is_not_passive():
    client = signed_in(make_app())
    with pytest.raises(AssertionError, match="asked WorkOS"):
        assert_passive(
            client,
            "/auth/session/extend",
            method="POST",
            headers={"Sec-Fetch-Site": "same-origin"},
        )


def test_a_session_cookie_that_is_set_fails():
    client = signed_in(make_app())
    with pytest.raises(AssertionError, match="set the session cookie"):
        assert_passive(
            client, "/auth/logout", method="POST", headers={"Sec-Fetch-Site": "same-origin"}
        )


@pytest.mark.parametrize("name", ["session", "own"])
def test_a_flask_session_that_is_sent_again_fails(name):
    app = make_app(SESSION_COOKIE_NAME=name)
    client = signed_in(app)
    with client.session_transaction() as kept:
        kept.permanent = True
        kept["seen"] = "once"
    with pytest.raises(AssertionError, match="SESSION_REFRESH_EACH_REQUEST"):
        assert_passive(client, "/poll")
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    assert_passive(client, "/poll")


@pytest.mark.parametrize("url", ["/poll", "/active"])
def test_afterwards_the_client_is_signed_in_as_before(url):
    client = signed_in(make_app(), role="admin")
    before = client.get_cookie("wos-session").value
    if url == "/active":
        with pytest.raises(AssertionError):
            assert_passive(client, url)
    else:
        assert_passive(client, url)
    assert client.get_cookie("wos-session").value == before
    assert client.get("/active").text == "active"


def test_the_rights_are_those_of_the_client():
    app = make_app()
    app.add_url_rule("/admin", "admin", passive(login_required(role="admin")(lambda: "in")))
    assert assert_passive(signed_in(app, role="admin"), "/admin").status_code == 200
    assert assert_passive(signed_in(app, role="member"), "/admin").status_code == 403


def test_it_works_on_a_clock_that_the_test_moves():
    clock = MovableClock().freeze()
    client = signed_in(make_app(clock))
    clock.advance(3000)
    assert_passive(client, "/poll")
    with pytest.raises(AssertionError):
        assert_passive(client, "/active")


def test_it_works_with_sessions_on_the_server_and_a_server_name():
    app = make_app(
        WORKOS_SESSION_STORE="cache",
        SERVER_NAME="app.acme.test",
        WORKOS_REDIRECT_URI="https://app.acme.test/auth/callback",
    )
    client = signed_in(app)
    assert assert_passive(client, "/poll", base_url="https://app.acme.test").status_code == 200


def test_who_is_not_signed_in_by_login_as_is_told_so():
    app = make_app()
    with pytest.raises(RuntimeError, match="login_as"):
        assert_passive(app.test_client(), "/poll")
    client = signed_in(app)
    client.post("/auth/logout", headers={"Sec-Fetch-Site": "same-origin"})
    with pytest.raises(RuntimeError, match="login_as"):
        assert_passive(client, "/poll")
    with pytest.raises(RuntimeError, match="login_as"):
        assert_passive(app.test_client(), "/poll")
