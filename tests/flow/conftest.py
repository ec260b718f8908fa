"""An app, a LocalWorkOS, and a browser without a screen, all on one clock that tests move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, jsonify, render_template_string
from flask import session as flask_session
from flask.testing import FlaskClient

from flask_workos_sessions import (
    WorkOSSessions,
    current_session,
    current_user,
    login_required,
    passive,
    public,
    signals,
)
from flask_workos_sessions.local import LocalWorkOS, MovableClock

ORIGIN = "http://localhost"
REDIRECT_URI = f"{ORIGIN}/auth/callback"
PAGE = (
    "<!doctype html><title>Dashboard</title><body>{{ current_user.first_name }} "
    "{{ session_expires_in }}</body>"
)
SIGNALS = (
    "signed_in",
    "signed_out",
    "session_refreshed",
    "session_changed",
    "session_ended",
    "refresh_failed",
    "sign_in_failed",
    "refused",
    "workos_event",
)


@pytest.fixture
def clock() -> MovableClock:
    clock = MovableClock()
    clock.freeze()
    return clock


@pytest.fixture
def workos(clock: MovableClock) -> Iterator[LocalWorkOS]:
    with LocalWorkOS(
        clock=clock, max_length=8 * 3600, inactivity_timeout=1800, redirect_uris=[REDIRECT_URI]
    ) as local:
        yield local


class Site:
    """An app under test, with what its signals said.

    :param here: its own clock, if that is not WorkOS's.
    """

    def __init__(
        self,
        workos: LocalWorkOS,
        clock: MovableClock,
        *,
        here: Callable[[], float] | None = None,
        **settings: Any,
    ) -> None:
        self.workos = workos
        self.clock = clock
        self.app = Flask("site")
        self.app.config.update(
            SECRET_KEY="for the tests",
            TESTING=True,
            **workos.settings(),
            WORKOS_REDIRECT_URI=REDIRECT_URI,
        )
        self.app.config.update(settings)
        self.sessions = WorkOSSessions(self.app, clock=here or clock)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._receivers = [self._listen(name) for name in SIGNALS]
        self._views()

    @property
    def parts(self) -> Any:
        return self.app.extensions["workos_sessions.parts"]

    def signal(self, name: str) -> list[dict[str, Any]]:
        return [values for each, values in self.heard if each == name]

    def browser(self) -> Browser:
        return Browser(self)

    def _listen(self, name: str) -> Any:
        def receive(sender: Flask, **values: Any) -> None:
            assert sender is self.app
            self.heard.append((name, values))

        getattr(signals, name).connect(receive, self.app)
        return receive

    def _views(self) -> None:
        app = self.app

        @app.get("/")
        def home() -> str:
            return "Welcome"

        @app.get("/dashboard")
        @login_required
        def dashboard() -> str:
            return render_template_string(PAGE)

        @app.route("/api/me", methods=["GET", "POST"])
        @login_required
        def me() -> Any:
            return jsonify(
                id=current_user.id,
                session=current_session.id,
                organization=current_session.organization_id,
                role=current_session.role,
                iat=current_session.refreshed_at,
                expires_in=current_session.lifetime.expires_in,
            )

        @app.get("/api/poll")
        @passive
        @login_required
        def poll() -> Any:
            return jsonify(iat=current_session.refreshed_at)

        @app.get("/hello")
        @public
        def hello() -> str:
            unavailable = ", unavailable" if current_session.unavailable else ""
            return f"Hello {current_user.first_name or 'stranger'}{unavailable}"

        @app.get("/admin")
        @login_required(role="admin")
        def admin() -> str:
            return "Admin"

        @app.get("/boom")
        def boom() -> str:
            raise ZeroDivisionError

        @app.get("/remember/<word>")
        def remember(word: str) -> str:
            flask_session["word"] = word
            return word

        @app.get("/remembered")
        def remembered() -> str:
            return str(flask_session.get("word"))


class Browser:
    """A browser without a screen: it navigates, follows AuthKit, and posts from our pages."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.client: FlaskClient = site.app.test_client()

    def get(self, path: str, **headers: str) -> Any:
        """A navigation that the person began."""
        sent = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Accept": "text/html"}
        return self.client.get(path, headers={**sent, **_named(headers)})

    def fetch(self, path: str, method: str = "GET", json: Any = None, **headers: str) -> Any:
        """A fetch() of a script of ours."""
        sent = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Accept": "*/*"}
        return self.client.open(path, method=method, json=json, headers={**sent, **_named(headers)})

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Any:
        """A form of ours."""
        sent = {
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Site": "same-origin",
            "Origin": ORIGIN,
            "Accept": "text/html",
        }
        return self.client.post(path, data=form or {}, headers={**sent, **_named(headers)})

    def sign_in(
        self, who: str = "alice@acme.test", start: str = "/auth/login", **headers: str
    ) -> Any:
        """Sign in as somebody; the answer of the callback."""
        begun = self.get(start, **headers)
        assert begun.status_code in (302, 303), begun.data
        return self.come_back(begun, who)

    def come_back(self, begun: Any, who: str) -> Any:
        """Follow the redirect to AuthKit, and back as ``who``."""
        back = self.site.workos.approve(begun.headers["Location"], who)
        return self.get(local(back), Sec_Fetch_Site="cross-site")

    def send(self, cookie: str, path: str = "/api/me") -> Any:
        """A request with exactly this Cookie header."""
        client = self.site.app.test_client(use_cookies=False)
        return client.get(path, headers={"Cookie": cookie, "Accept": "*/*"})

    @property
    def cookie(self) -> str | None:
        cookie = self.client.get_cookie(self.site.parts.store.name)
        return cookie.value if cookie else None

    @cookie.setter
    def cookie(self, value: str) -> None:
        self.client.set_cookie(self.site.parts.store.name, value)


def local(url: str) -> str:
    """Path and query of a URL."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def make_site(workos: LocalWorkOS, clock: MovableClock) -> Any:
    def make(**settings: Any) -> Site:
        return Site(workos, clock, **settings)

    return make


@pytest.fixture
def site(make_site: Any) -> Site:
    return make_site()


@pytest.fixture
def browser(site: Site) -> Browser:
    return site.browser()
