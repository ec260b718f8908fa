"""A signed-in request to a guarded view, beside bare Flask, Flask-Login and workos-python."""

from __future__ import annotations

import itertools
import secrets
from typing import Any

import flask_login
from cryptography.fernet import Fernet
from flask import Flask, request
from measuring import Case, Limits, line, medians, repeated
from redis_server import RedisServer
from sample import Sample, authentication, bare_app, environ, get, key_set


def run(limits: Limits) -> None:
    print("A guarded view with a valid session (10 permissions, 5 feature flags)")
    sample = Sample()
    answer = authentication(sample.client_id)
    cookie = sample.cookie(answer)
    cases: dict[str, Case] = {
        "bare": _requests(bare_app(), environ(cookie)),
        "floor": _requests(_reading_the_cookie(sample.parts.store.name), environ(cookie)),
        "login": _requests(*_flask_login()),
        "ours": _requests(sample.app, environ(cookie)),
        "bare page": _requests(bare_app(), environ(cookie, "/page")),
        "our page": _requests(sample.app, environ(cookie, "/page")),
    }
    redis = RedisServer.start()
    if redis is not None:
        shared = Sample(redis_url=redis.url)
        cases["ours, redis"] = _requests(shared.app, environ(shared.cookies(1)[0]))
    # The same in apps that use flask.session anyway, for which Flask-Login is not to blame.
    secret = secrets.token_hex()
    keyed = Sample(secret_key=secret)
    cases["bare, session"] = _requests(bare_app(secret), environ(cookie))
    cases["ours, session"] = _requests(keyed.app, environ(keyed.cookies(1)[0]))
    peer = _workos_python(answer, sample.client_id)
    if peer is not None:
        cases["workos-python"] = peer

    times = medians(cases, rounds=60, number=100)
    login, ours = times["login"] - times["bare"], times["ours"] - times["bare"]
    floor = times["floor"] - times["bare"]
    line("bare Flask", times["bare"], "us")
    line("above it: the floor, request.cookies read once", floor, "us")
    line("above it: Flask-Login", login, "us")
    line("above it: this extension", ours, "us")
    limits.at_most("share of Flask-Login's overhead", ours / login, 0.4)
    if redis is None:
        print("  redis-server is not installed: not measured (make test installs it)")
        limits.broken.append("the same with Redis")
    else:
        redis.stop()
        shared_over = times["ours, redis"] - times["bare"]
        limits.at_most("the same with Redis", shared_over / login, 0.4)
    line("the floor's share of it, for comparison, in percent", 100 * floor / login, "%")
    if peer is None:
        print("  workos-python is not installed: not compared (make bench installs it)")
        limits.broken.append("comparison with workos-python")
    else:
        line("workos-python: Session.authenticate()", times["workos-python"], "us")
        limits.at_most("share of Session.authenticate()", ours / times["workos-python"], 0.5)
    print("  With a SECRET_KEY, where Flask reads its own session in all three:")
    login, ours = (
        times["login"] - times["bare, session"],
        times["ours, session"] - times["bare, session"],
    )
    line("above bare Flask: Flask-Login", login, "us")
    line("above bare Flask: this extension", ours, "us")
    print("  A page of 8 kB into which the warning is put:")
    line("above bare Flask", times["our page"] - times["bare page"], "us")


def _requests(app: Flask, sent: dict[str, Any]) -> Case:
    return repeated(get(app, itertools.repeat(sent)))


def _reading_the_cookie(name: str) -> Flask:
    """The least that a session in a cookie can cost: the cookie is read, as Flask reads it."""
    app = bare_app()

    @app.before_request
    def read() -> None:
        assert name in request.cookies

    return app


def _flask_login() -> tuple[Flask, dict[str, Any]]:
    app = Flask("flask-login")
    app.secret_key = secrets.token_hex()
    login = flask_login.LoginManager(app)

    class Person(flask_login.UserMixin):  # type: ignore[misc]
        id = "user_01J"
        first_name = "Margaret"

    people = {Person.id: Person()}

    @login.user_loader
    def load(user_id: str) -> Person | None:
        return people.get(user_id)

    @app.get("/")
    @flask_login.login_required
    def guarded() -> str:
        return f"Hello {flask_login.current_user.first_name}"

    @app.get("/sign-in")
    def sign_in() -> str:
        flask_login.login_user(people[Person.id])
        return ""

    sent = environ()
    client = app.test_client()
    client.get("/sign-in", headers={"User-Agent": sent["HTTP_USER_AGENT"]})
    cookie = client.get_cookie("session")
    assert cookie is not None
    sent["HTTP_COOKIE"] = f"session={cookie.value}"
    return app, sent


def _workos_python(answer: dict[str, Any], client_id: str) -> Case | None:
    """``Session.authenticate()`` for the same token, with its signing key at hand."""
    try:
        import jwt
        from workos import WorkOSClient
        from workos import session as workos_session
    except ImportError:
        return None
    keys = jwt.PyJWKClient("https://unused.example")
    keys.fetch_data = lambda: key_set()  # type: ignore[method-assign]
    workos_session._get_jwks_client = lambda url: keys  # type: ignore[assignment]
    password = Fernet.generate_key().decode()
    sealed = workos_session.seal_session_from_auth_response(
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        user=answer["user"],
        cookie_password=password,
    )
    client = WorkOSClient(api_key="sk_test_unused", client_id=client_id)
    session = workos_session.Session(client=client, session_data=sealed, cookie_password=password)

    def authenticate() -> None:
        if not session.authenticate().authenticated:
            raise AssertionError("workos-python refused the session")

    authenticate()
    return repeated(authenticate)
