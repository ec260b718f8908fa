"""One extension, one app or several."""

import socket

import pytest
from flask import Blueprint, Flask

from flask_workos_sessions import ConfigurationError, WorkOSSessions, current_user
from flask_workos_sessions.testing import login_as, settings


def make_app(name="app", **more):
    app = Flask(name)
    app.config.update(settings(**more))
    app.add_url_rule("/who", "who", lambda: str(current_user.id))
    return app


def test_in_three_lines():
    app = make_app()
    sessions = WorkOSSessions(app)
    assert app.extensions["workos_sessions"] is sessions


def test_an_application_factory():
    sessions = WorkOSSessions()

    def create_app():
        app = make_app()
        sessions.init_app(app)
        return app

    for app in (create_app(), create_app()):
        assert app.test_client().get("/who").text == "None"


def test_several_apps_have_their_own_settings_routes_and_people():
    """Flask trap T12: authlib's registry sends the second app's people to the first's client."""
    sessions = WorkOSSessions()
    one = make_app("one", WORKOS_URL_PREFIX="/auth")
    two = make_app(
        "two",
        WORKOS_URL_PREFIX="/sso",
        WORKOS_REDIRECT_URI="http://localhost/sso/callback",
    )
    sessions.init_app(one)
    sessions.init_app(two)
    for app, prefix in ((one, "/auth"), (two, "/sso")):
        begun = app.test_client().get(f"{prefix}/login")
        assert f"client_id={app.config['WORKOS_CLIENT_ID']}" in begun.location
    client = one.test_client()
    login_as(client)
    assert client.get("/who").text == "user_test"
    assert two.test_client().get("/who").text == "None"


def test_an_app_within_an_app_keeps_its_own_people():
    one, two = make_app("one"), make_app("two")
    WorkOSSessions(one)
    WorkOSSessions(two)
    client = two.test_client()
    login_as(client)

    @one.get("/inner")
    def inner():
        cookie = client.get_cookie("wos-session").value
        with two.test_request_context("/", headers={"Cookie": f"wos-session={cookie}"}):
            inside = current_user.id
        return f"{inside} {current_user.id}"

    assert one.test_client().get("/inner").text == "user_test None"


def test_flask_trap_t23_a_second_init_app_is_a_clear_error():
    app = make_app()
    sessions = WorkOSSessions(app)
    with pytest.raises(RuntimeError, match="set up on this app already"):
        sessions.init_app(app)
    with pytest.raises(RuntimeError, match="set up on this app already"):
        WorkOSSessions(app)


def test_an_app_without_the_extension_is_told():
    app = Flask("bare")
    app.add_url_rule("/who", "who", lambda: str(current_user.id))
    app.testing = True
    with pytest.raises(RuntimeError, match="not set up on this app"):
        app.test_client().get("/who")


def test_missing_settings_stop_init_app_and_leave_nothing_behind():
    app = Flask("unset")
    with pytest.raises(ConfigurationError, match="WORKOS_API_KEY is missing"):
        WorkOSSessions(app)
    assert app.extensions == {}
    assert app.blueprints == {}
    app.config.update(settings())
    WorkOSSessions(app)


def test_security_s6_an_unset_redirect_uri_is_in_the_log(caplog):
    app = make_app()
    del app.config["WORKOS_REDIRECT_URI"]
    WorkOSSessions(app)
    assert "WORKOS_REDIRECT_URI is not set" in caplog.text
    begun = app.test_client().get("/auth/login", base_url="http://127.0.0.1:5000")
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fauth%2Fcallback" in begun.location


def test_nothing_touches_the_network_before_a_request(monkeypatch):
    def refuse(*arguments, **keywords):
        pytest.fail("opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    app = make_app()
    WorkOSSessions(app)
    assert app.test_client().get("/who").text == "None"
    assert app.test_client().get("/auth/login").status_code == 302


def test_the_settings_of_one_app_do_not_change_its_config():
    app = make_app()
    before = dict(app.config)
    WorkOSSessions(app)
    assert dict(app.config) == before


def test_the_prefix_moves_all_routes():
    app = make_app(
        WORKOS_URL_PREFIX="/account/session",
        WORKOS_REDIRECT_URI="http://localhost/account/session/callback",
    )
    WorkOSSessions(app)
    ours = [rule.rule for rule in app.url_map.iter_rules() if "workos_sessions" in rule.endpoint]
    assert len(ours) == 12
    assert all(rule.startswith("/account/session/") for rule in ours)


def test_stats_are_numbers():
    app = make_app()
    sessions = WorkOSSessions(app)
    with app.app_context():
        assert sessions.stats() == {
            "exchanges": 0,
            "adopted": 0,
            "waited": 0,
            "replayed": 0,
            "backoffs": 0,
            "store_errors": 0,
            "remembered_sessions": 0,
            "pending_revocations": 0,
        }


def test_protect_returns_the_blueprint():
    blueprint = Blueprint("b", __name__)
    assert WorkOSSessions().protect(blueprint) is blueprint
