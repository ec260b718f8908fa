"""The stores of the package, and the example, keep to the contract that ships with it."""

import secrets
import time

import pytest
from flask import Flask

from examples.sqlalchemy_store import DatabaseSessions
from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.parts import PARTS
from flask_workos_sessions.stores.server import LONGEST, _Ticket, new_ticket
from flask_workos_sessions.stores.session_store import LONGEST_VALUE
from flask_workos_sessions.testing import SessionStoreContract, settings


@pytest.fixture
def make_store(request, tmp_path):
    """The store of an app with ``WORKOS_SESSION_STORE="cache"``."""

    def make(kind):
        config = settings(WORKOS_SESSION_STORE="cache", WORKOS_CACHE_TYPE=kind)
        if kind == "sqlite":
            config["WORKOS_CACHE_DIR"] = str(tmp_path / "state")
        if kind == "redis":
            config["WORKOS_CACHE_REDIS_URL"] = request.getfixturevalue("redis_server").url
        app = Flask("with its sessions in the cache")
        app.config.update(config)
        WorkOSSessions(app)
        return app.extensions[PARTS].store

    return make


class TestCache(SessionStoreContract):
    @pytest.fixture(params=["memory", "sqlite", "redis"])
    def store(self, request, make_store):
        return make_store(request.param)._rows


class TestDatabase(SessionStoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        sessions = DatabaseSessions(f"sqlite:///{tmp_path}/app.db")
        yield sessions
        sessions._engine.dispose()


def test_the_example_holds_no_connection_that_a_fork_would_share(tmp_path):
    sessions = DatabaseSessions(f"sqlite:///{tmp_path}/app.db")
    assert sessions._engine.pool.checkedin() == 0
    sessions.save("a", b"1", int(time.time()) + 60)
    assert sessions._engine.pool.checkedin() == 1
    sessions._engine.dispose()


def test_no_value_is_longer_than_the_contract_says(make_store):
    ticket = _Ticket.read(new_ticket(0))
    row = make_store("memory")._row(ticket, secrets.token_hex(LONGEST // 2))
    assert LONGEST < len(row) <= LONGEST_VALUE
