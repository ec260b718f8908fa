"""The example keeps to the contract that ships with the package, and serves an app."""

import pytest
from flask import Flask

from examples.sqlalchemy_store import DatabaseSessions
from flask_workos_sessions import WorkOSSessions, current_session, login_required
from flask_workos_sessions.local import LocalWorkOS


@pytest.fixture
def database(tmp_path):
    sessions = DatabaseSessions(f"sqlite:///{tmp_path}/app.db")
    yield sessions
    sessions._engine.dispose()


def test_a_session_lies_in_the_table(database):
    with LocalWorkOS() as workos:
        app = Flask("with a database")
        app.config.update(workos.settings("http://localhost/auth/callback"), TESTING=True)
        app.secret_key = "for the tests"
        WorkOSSessions(app, store=database)

        @app.get("/me")
        @login_required
        def me():
            return current_session.user.email

        client = app.test_client()
        begun = client.get("/auth/login")
        back = workos.approve(begun.headers["Location"], "alice@acme.test")
        client.get(back.removeprefix("http://localhost"))
        assert client.get("/me").text == "alice@acme.test"
