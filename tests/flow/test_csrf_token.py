"""Extending brings a fresh form token where the app has Flask-WTF's CSRFProtect."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from flask import Flask
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.testing import login_as, settings

OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}


def make_app(*, protect=True, **more):
    app = Flask("forms")
    app.config.update(settings(**more))
    WorkOSSessions(app)
    if protect:
        CSRFProtect(app)
    app.add_url_rule("/token", "token", generate_csrf)
    app.add_url_rule("/form", "form", lambda: "accepted", methods=["POST"])
    return app


def signed_in(app, **who):
    client = app.test_client()
    login_as(client, **who)
    return client


def extend(client):
    return client.post("/auth/session/extend", headers=OURS)


def post(client, token):
    return client.post("/form", data={"csrf_token": token}).status_code


def test_a_form_whose_token_has_ended_is_accepted_with_the_one_that_extending_gave():
    app = make_app()
    client = signed_in(app)
    old = client.get("/token").text
    app.config["WTF_CSRF_TIME_LIMIT"] = -1
    assert post(client, old) == 400
    answer = extend(client)
    assert (answer.status_code, answer.json["state"]) == (200, "active")
    app.config["WTF_CSRF_TIME_LIMIT"] = 3600
    assert post(client, answer.json["csrf_token"]) == 200


def test_a_session_that_cannot_be_extended_brings_one_too():
    client = signed_in(make_app(WORKOS_SESSION_MAX_LENGTH=600))
    answer = extend(client)
    assert (answer.status_code, answer.json["error"]) == (409, "not_extendable")
    assert post(client, answer.json["csrf_token"]) == 200


def test_the_status_brings_none():
    assert "csrf_token" not in signed_in(make_app()).get("/auth/session", headers=OURS).json


def test_nobody_gets_one():
    answer = extend(make_app().test_client())
    assert answer.status_code == 401
    assert "csrf_token" not in answer.json
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "app",
    [
        lambda: make_app(protect=False),
        lambda: make_app(WTF_CSRF_ENABLED=False),
        lambda: make_app(SECRET_KEY=None, WTF_CSRF_SECRET_KEY="for the forms alone"),
    ],
    ids=["without CSRFProtect", "turned off", "without a secret key"],
)
def test_an_app_that_does_not_check_form_tokens_gets_none(app):
    answer = extend(signed_in(app()))
    assert answer.status_code == 200
    assert "csrf_token" not in answer.json
    assert "session=" not in answer.headers.get("Set-Cookie", "")


@pytest.mark.parametrize("installed", [True, False])
def test_another_extension_of_the_name_csrf_does_no_harm(installed, monkeypatch):
    app = make_app(protect=False)
    app.extensions["csrf"] = object()
    if not installed:
        monkeypatch.setitem(sys.modules, "flask_wtf.csrf", ModuleType("flask_wtf.csrf"))
    answer = extend(signed_in(app))
    assert answer.status_code == 200
    assert "csrf_token" not in answer.json
