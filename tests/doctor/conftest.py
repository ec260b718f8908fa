"""An app that the doctor finds nothing wrong with, and the command as somebody runs it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import ScriptInfo
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.middleware.shared_data import SharedDataMiddleware

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.cli import workos_group
from flask_workos_sessions.local import LocalWorkOS


@pytest.fixture
def healthy(tmp_path) -> dict[str, Any]:
    return {
        "SECRET_KEY": secrets.token_hex(32),
        "WORKOS_API_KEY": f"sk_live_{secrets.token_urlsafe(24)}",
        "WORKOS_CLIENT_ID": "client_01HEALTHY",
        "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
        "WORKOS_REDIRECT_URI": "https://app.example.com/auth/callback",
        "WORKOS_ISSUER": "https://api.workos.com",
        "WORKOS_SESSION_MAX_LENGTH": 8 * 3600,
        "WORKOS_SESSION_INACTIVITY_TIMEOUT": 1800,
        "WORKOS_WEBHOOK_SECRET": secrets.token_hex(32),
        "WORKOS_CACHE_DIR": str(tmp_path / "state"),
    }


@pytest.fixture
def doctor():
    """Runs the command for an app with these settings, which need not be able to start."""

    def run(
        settings: dict[str, Any],
        *arguments: str,
        proxy: Mapping[str, int] | None = MappingProxyType({}),
        wrapped: bool = False,
        **more: Any,
    ) -> Any:
        def create_app() -> Flask:
            app = Flask("examined")
            app.config.update(settings)
            if proxy is not None:
                app.wsgi_app = ProxyFix(app.wsgi_app, **proxy)
            if wrapped:
                app.wsgi_app = SharedDataMiddleware(app.wsgi_app, {})
            WorkOSSessions(app)
            return app

        return invoke(create_app, *arguments, **more)

    return run


def invoke(create_app: Any, *arguments: str, **more: Any) -> Any:
    info = ScriptInfo(create_app=create_app)
    return CliRunner().invoke(workos_group, ["doctor", *arguments], obj=info, **more)


@pytest.fixture
def diagnose(doctor):
    """What the command says in JSON, with its exit status."""

    def run(settings: dict[str, Any], *arguments: str, **more: Any) -> Any:
        done = doctor(settings, "--json", *arguments, **more)
        document = json.loads(done.stdout)
        wrong = [each for each in document["findings"] if each["level"] != "ok"]
        return SimpleNamespace(**document, exit_code=done.exit_code, wrong=wrong)

    return run


@pytest.fixture
def workos():
    with LocalWorkOS(inactivity_timeout=1800, max_length=8 * 3600) as local:
        yield local


@pytest.fixture
def online(workos, tmp_path) -> dict[str, Any]:
    """Settings of an app on this machine with a WorkOS on it."""
    return workos.settings(
        "http://localhost/auth/callback",
        WORKOS_ISSUER=workos.issuer,
        WORKOS_WEBHOOK_SECRET=secrets.token_hex(32),
        WORKOS_CACHE_DIR=str(tmp_path / "state"),
    )
