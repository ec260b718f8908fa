from __future__ import annotations

import pytest
from flask import Flask

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.testing import settings


@pytest.fixture
def app():
    app = Flask("guarded")
    app.config.update(settings())
    app.sessions = WorkOSSessions(app)
    return app


@pytest.fixture
def client(app):
    return app.test_client()
