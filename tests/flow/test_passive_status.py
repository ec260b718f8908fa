"""A question for the status leaves no trace: no cookie, no ``flask.session``, no hook."""

from __future__ import annotations

import pytest
from flask import Flask, flash
from flask import session as flask_session
from flask.sessions import SecureCookieSession, SessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_workos_sessions import WorkOSSessions, errors
from flask_workos_sessions.passive_status import _APART
from flask_workos_sessions.testing import login_as, settings

OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}


class StoredSessions(SessionInterface):
    """As Flask-Session does it: a look at a session writes its new expiry into a store."""

    def __init__(self):
        self.opened = self.saved = 0

    def open_session(self, app, request):
        self.opened += 1
        return SecureCookieSession()

    def save_session(self, app, session, response):
        self.saved += 1
        response.set_cookie("stored", "again")


def make_app(app=None, **more):
    app = app or Flask("status")
    app.config.update(settings(**more))
    WorkOSSessions(app)
    return app


def signed_in(app):
    client = app.test_client()
    login_as(client)
    return client


def make_permanent(app):
    @app.get("/permanent")
    def permanent():
        flask_session.permanent = True
        flask_session["seen"] = True
        return "kept"


def test_a_permanent_flask_session_is_not_refreshed():
    app = make_app()
    make_permanent(app)
    app.add_url_rule("/plain", "plain", lambda: "plain")
    client = signed_in(app)
    client.get("/permanent")
    assert "Set-Cookie" in client.get("/plain").headers, "Flask sends it again with every answer"
    response = client.get("/auth/session", headers=OURS)
    assert response.json["state"] == "active"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_session_in_a_store_is_neither_opened_nor_saved(method):
    app = make_app()
    app.session_interface = stored = StoredSessions()
    client = signed_in(app)
    response = client.open("/auth/session", method=method, headers=OURS)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert (stored.opened, stored.saved) == (0, 0)
    client.get("/nowhere")
    assert (stored.opened, stored.saved) == (1, 1)


@pytest.mark.parametrize("order", ["before", "after"])
def test_no_hook_of_the_app_runs_and_teardown_does(order):
    app = Flask("status")
    ran = []
    if order == "after":
        make_app(app)
    app.before_request(lambda: ran.append("before"))
    app.after_request(lambda response: ran.append("after") or response)
    app.teardown_request(lambda error: ran.append("teardown"))
    app.teardown_appcontext(lambda error: ran.append("app teardown"))
    if order == "before":
        make_app(app)
    client = signed_in(app)
    assert client.get("/auth/session", headers=OURS).status_code == 200
    assert ran == ["teardown", "app teardown"]
    ran.clear()
    client.get("/nowhere")
    assert ran == ["before", "after", "teardown", "app teardown"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_middleware_may_be_put_around_the_app_before_or_after(order):
    app = Flask("status")
    app.session_interface = stored = StoredSessions()
    if order == "before":
        app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1, x_host=1)
    make_app(app)
    if order == "after":
        app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1, x_host=1)
    proxied = {"X-Forwarded-Prefix": "/team", "X-Forwarded-Host": "app.acme.test"}
    response = signed_in(app).get("/auth/session", headers={**OURS, **proxied})
    assert response.json["state"] == "active"
    ended = app.test_client().get("/auth/session", headers={**OURS, **proxied})
    assert ended.json["login_url"].startswith("/team/auth/login")
    assert (stored.opened, stored.saved) == (0, 0)


@pytest.mark.parametrize("prefix", ["/auth", "/konto/über"])
def test_it_is_so_below_every_prefix(prefix):
    app = make_app(
        WORKOS_URL_PREFIX=prefix, WORKOS_REDIRECT_URI=f"http://localhost/team{prefix}/callback"
    )
    app.session_interface = stored = StoredSessions()
    client = signed_in(app)
    response = client.get(f"{prefix}/session", base_url="http://localhost/team", headers=OURS)
    assert response.json["state"] == "active"
    assert (stored.opened, stored.saved) == (0, 0)


def test_an_error_handler_may_write_to_a_session_that_nobody_keeps():
    app = make_app()

    @app.errorhandler(errors.OriginRefused)
    def refused(error):
        flash("No")
        flask_session.permanent = True
        flask_session.update(a=1)
        flask_session.setdefault("b", 2)
        flask_session.pop("a")
        del flask_session["b"]
        flask_session.clear()
        response = app.make_response(("refused", 403))
        response.set_cookie("mine", "1")
        return response

    response = signed_in(app).get("/auth/session", headers=ELSEWHERE)
    assert (response.status_code, response.text) == (403, "refused")
    assert "Set-Cookie" not in response.headers


def test_what_is_no_question_for_the_status_goes_its_usual_way():
    app = make_app()
    app.session_interface = stored = StoredSessions()
    ran = []
    app.before_request(lambda: ran.append("before"))
    assert signed_in(app).post("/auth/session", headers=OURS).status_code == 405
    assert app.test_client().get("/auth/session/", headers=OURS).status_code == 404
    assert app.test_client().options("/auth/session").allow == {"GET", "HEAD", "OPTIONS"}
    assert (stored.opened, len(ran)) == (3, 3)


class LaterFlask(Flask):
    """As Flask 3.2 has it: the context is handed on as an argument."""

    def wsgi_app(self, environ, start_response):
        context = self.request_context(environ)
        context.push()
        try:
            return self.full_dispatch_request(context)(environ, start_response)
        finally:
            context.pop()

    def full_dispatch_request(self, context):
        return super().full_dispatch_request()

    def handle_user_exception(self, *given):
        assert len(given) == (2 if self.own else 1)
        return super().handle_user_exception(given[-1])


def test_the_context_may_be_handed_on_as_an_argument():
    app = make_app(LaterFlask("later"))
    app.session_interface = stored = StoredSessions()
    app.own = True
    client = signed_in(app)
    assert client.get("/auth/session", headers=OURS).status_code == 200
    assert client.get("/auth/session", headers=ELSEWHERE).status_code == 403
    app.own = False
    assert client.get("/auth/login", headers={"Accept": "text/html"}).status_code == 302
    assert stored.opened == 1


@pytest.mark.parametrize("name", ["_session", "session"])
def test_the_session_is_given_under_the_name_that_this_flask_has(name, monkeypatch):
    class Context:
        pass

    context = Context()
    if name == "_session":
        context._session = None
    app = Flask("names")
    monkeypatch.setattr(app, "request_context", lambda environ: context)
    make_app(app)
    app.request_context({"PATH_INFO": "/auth/session", "REQUEST_METHOD": "GET"})
    assert app.session_interface.is_null_session(getattr(context, name))


def test_a_fault_in_the_status_sets_no_cookie_of_a_hook(monkeypatch):
    app = make_app(TESTING=False, WORKOS_CACHE_TYPE="memory")

    @app.after_request
    def remember(response):
        response.set_cookie("seen", "now")
        return response

    def fault():
        raise RuntimeError("a fault of ours")

    monkeypatch.setitem(_APART, "session", _APART["session"]._replace(view=fault))
    answer = app.test_client().get("/auth/session")
    assert answer.status_code == 500
    assert "Set-Cookie" not in answer.headers
