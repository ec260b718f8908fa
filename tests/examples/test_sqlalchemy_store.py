"""The example keeps to the contract that ships with the package, and serves an app."""

import time

import pytest
from flask import Flask

from examples.sqlalchemy_store import DatabaseSessions
from flask_workos_sessions import WorkOSSessions, current_session, login_required
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.local import LocalWorkOS
from flask_workos_sessions.stores.session_store import CachedSessions, SessionStore
from flask_workos_sessions.testing.session_store import SessionStoreContract


@pytest.fixture
def database(tmp_path):
    sessions = DatabaseSessions(f"sqlite:///{tmp_path}/app.db")
    yield sessions
    sessions._engine.dispose()


class TestSQLAlchemy(SessionStoreContract):
    @pytest.fixture
    def store(self, database):
        return database


class TestCache(SessionStoreContract):
    @pytest.fixture
    def store(self) -> SessionStore:
        return CachedSessions(MemoryState(clock=time.time), namespace="n", clock=time.time)

    def test_a_value_that_has_expired_is_none(self, store):
        """Not here: an entry of a cache lives for a second at least."""


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
