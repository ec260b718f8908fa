"""Signing a test client in without a network (security T1)."""

import socket

import pytest
from flask import Flask, jsonify

from flask_workos_sessions import (
    Impersonator,
    WorkOSSessions,
    current_session,
    current_user,
    login_required,
)
from flask_workos_sessions.testing import login_as, settings


def make_app(store=None, **more):
    app = Flask("tested")
    app.config.update(settings(**more))
    WorkOSSessions(app, store=store)

    @app.get("/me")
    @login_required
    def me():
        session = current_session
        return jsonify(
            id=current_user.id,
            email=current_user.email,
            organization=session.organization_id,
            role=session.role,
            roles=session.roles,
            permissions=session.permissions,
            entitlements=session.entitlements,
            flags=session.feature_flags,
            impersonator=session.impersonator and session.impersonator.email,
            department=session.claims.get("department"),
            expires_in=session.lifetime.expires_in,
        )

    return app


JSON = {"Accept": "application/json"}


def test_the_client_is_signed_in_as_asked(monkeypatch):
    app = make_app()
    client = app.test_client()
    monkeypatch.setattr(socket, "socket", lambda *a, **k: pytest.fail("opened a socket"))
    session = login_as(
        client,
        user={"id": "user_7", "email": "z@acme.test"},
        organization_id="org_7",
        role="admin",
        permissions=["a"],
        entitlements=["sso"],
        feature_flags=["beta"],
        impersonator=Impersonator("s@vendor.test"),
        claims={"department": "sales"},
    )
    me = client.get("/me", headers=JSON).json
    assert 3580 < me.pop("expires_in") <= 3595
    assert me == {
        "id": "user_7",
        "email": "z@acme.test",
        "organization": "org_7",
        "role": "admin",
        "roles": ["admin"],
        "permissions": ["a"],
        "entitlements": ["sso"],
        "flags": ["beta"],
        "impersonator": "s@vendor.test",
        "department": "sales",
    }
    assert session.user.id == "user_7"


def test_security_t1_only_when_testing():
    app = make_app(TESTING=False)
    with pytest.raises(RuntimeError, match="TESTING"):
        login_as(app.test_client())


def test_security_t1_the_cookie_is_worth_nothing_elsewhere():
    shared = settings()
    one, two = make_app(**shared), make_app(**shared)
    client = one.test_client()
    login_as(client)
    cookie = client.get_cookie("wos-session").value
    stranger = two.test_client()
    login_as(stranger, user={"id": "user_other"})
    stranger.set_cookie("wos-session", cookie)
    assert stranger.get("/me", headers=JSON).status_code == 401


def test_two_clients_are_two_people():
    app = make_app()
    one, two = app.test_client(), app.test_client()
    login_as(one, user={"id": "user_1"})
    login_as(two, user={"id": "user_2"})
    assert one.get("/me", headers=JSON).json["id"] == "user_1"
    assert two.get("/me", headers=JSON).json["id"] == "user_2"


def test_it_works_with_secure_cookies_and_a_server_name():
    app = make_app(
        SERVER_NAME="app.acme.test", WORKOS_REDIRECT_URI="https://app.acme.test/auth/callback"
    )
    client = app.test_client()
    login_as(client)
    assert client.get_cookie("__Host-wos-session", domain="app.acme.test")
    assert client.get("/me", headers=JSON, base_url="https://app.acme.test").status_code == 200


def test_settings_are_complete_and_new_each_time():
    first, second = settings(), settings()
    assert first["WORKOS_COOKIE_PASSWORD"] != second["WORKOS_COOKIE_PASSWORD"]
    assert settings(WORKOS_UI_WARN=60)["WORKOS_UI_WARN"] == 60


def test_signing_out_works_without_a_network_too():
    app = make_app()
    client = app.test_client()
    login_as(client)
    response = client.post("/auth/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert response.status_code == 303
    assert client.get("/me", headers=JSON).status_code == 401


class Untouched:
    """A SessionStore that nobody may use."""

    def __getattr__(self, name):
        pytest.fail(f"{name} was called")


@pytest.mark.parametrize("store", [Untouched(), None], ids=["own", "cache"])
def test_no_row_is_written_to_a_store(store):
    app = make_app(store, **({} if store else {"WORKOS_SESSION_STORE": "cache"}))
    client = app.test_client()
    login_as(client)
    assert client.get("/me", headers=JSON).status_code == 200
    assert not client.get_cookie("wos-session").value.startswith("t.")
    response = client.post("/auth/logout", headers={"Sec-Fetch-Site": "same-origin"})
    assert response.status_code == 303


def test_the_fixtures_are_importable():
    from flask_workos_sessions.testing import fixtures

    assert {"local_workos", "workos_clock", "workos_settings"} <= set(vars(fixtures))
