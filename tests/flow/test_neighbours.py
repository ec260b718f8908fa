"""Beside the extensions that apps have."""

import gzip

import pytest
from flask import Flask, make_response, render_template_string, request
from flask_compress import Compress
from flask_login import LoginManager, UserMixin, login_user
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_workos_sessions import WorkOSSessions, current_session, login_required
from flask_workos_sessions.testing import login_as, settings

OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
PAGE = "<!doctype html><html><body>" + "hello " * 200 + "</body></html>"


def make_app(**more):
    app = Flask("neighbours")
    app.config.update(settings(**more))
    return app


@pytest.mark.parametrize("order", ["before", "after"])
def test_flask_trap_t18_csrf_protect_lets_our_posts_through(order):
    app = make_app()
    if order == "before":
        CSRFProtect(app)
    WorkOSSessions(app)
    if order == "after":
        CSRFProtect(app)
    app.add_url_rule("/form", "form", lambda: "in", methods=["POST"])
    client = app.test_client()
    login_as(client)
    assert client.post("/form").status_code == 400
    assert client.post("/auth/session/extend", headers=OURS).status_code == 200
    assert client.post("/auth/logout", headers=OURS).status_code == 200


@pytest.mark.parametrize("order", ["before", "after"])
def test_flask_trap_t20_a_compressed_page_has_the_warning(order):
    app = make_app(COMPRESS_ALGORITHM="gzip")
    if order == "before":
        Compress(app)
    WorkOSSessions(app)
    if order == "after":
        Compress(app)
    app.add_url_rule("/", "home", login_required(lambda: PAGE))
    client = app.test_client()
    login_as(client)
    response = client.get("/", headers={**NAVIGATION, "Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert b'class="workos-session"' in gzip.decompress(response.data)
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in response.headers["Vary"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_compressed_page_with_an_entity_tag_has_the_warning_and_no_tag(order):
    """The tag is of a page without it."""
    app = make_app(COMPRESS_ALGORITHM="gzip")
    if order == "before":
        Compress(app)
    WorkOSSessions(app)
    if order == "after":
        Compress(app)

    @app.get("/")
    @login_required
    def home():
        response = make_response(PAGE)
        response.add_etag()
        return response.make_conditional(request)

    client = app.test_client()
    login_as(client)
    headers = {**NAVIGATION, "Accept-Encoding": "gzip"}
    response = client.get("/", headers=headers)
    assert b'class="workos-session"' in gzip.decompress(response.data)
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert "ETag" not in response.headers
    tag = app.response_class(PAGE)
    tag.add_etag()
    unchanged = client.get("/", headers={**headers, "If-None-Match": tag.headers["ETag"]})
    assert (unchanged.status_code, unchanged.data) == (304, b"")


class Member(UserMixin):
    id = "7"


@pytest.mark.parametrize("order", ["before", "after"])
def test_flask_login_keeps_its_people_and_we_ours(order):
    """Flask trap T24: both have a `current_user` in templates; `current_session` is ours."""
    app = make_app()
    if order == "after":
        WorkOSSessions(app)
    manager = LoginManager(app)
    manager.user_loader(lambda user_id: Member())
    if order == "before":
        WorkOSSessions(app)

    @app.get("/legacy")
    def legacy():
        login_user(Member())
        return "in"

    @app.get("/both")
    @login_required
    def both():
        return render_template_string("{{ current_session.user.id }} {{ session_expires_in }}")

    client = app.test_client()
    login_as(client)
    client.get("/legacy")
    assert client.get("/both", headers=NAVIGATION).text.startswith("user_test 359")


def test_talismans_nonce_is_on_our_script():
    app = make_app()
    WorkOSSessions(app)
    Talisman(
        app,
        force_https=False,
        content_security_policy={"script-src": "'self'", "style-src": "'self'"},
        content_security_policy_nonce_in=["script-src", "style-src"],
    )
    app.add_url_rule("/", "home", login_required(lambda: PAGE))
    client = app.test_client()
    login_as(client)
    response = client.get("/", headers=NAVIGATION)
    nonce = response.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
    assert '<script src="/auth/assets/session.' in response.text
    assert f'nonce="{nonce}"' in response.text


def test_behind_a_proxy_the_scheme_and_address_are_the_browsers(workos):
    """Peers: authkit-remix #77, TLS ends at the proxy."""
    app = make_app(**workos.settings(WORKOS_REDIRECT_URI=None))
    app.config.pop("WORKOS_REDIRECT_URI")
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
    WorkOSSessions(app)
    workos.allow_redirect_uri("https://app.acme.test/team/auth/callback")
    client = app.test_client()
    proxied = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "app.acme.test",
        "X-Forwarded-Prefix": "/team",
        "Accept": "text/html",
    }
    begun = client.get("/auth/login", headers=proxied)
    assert "redirect_uri=https%3A%2F%2Fapp.acme.test%2Fteam%2Fauth%2Fcallback" in begun.location
    (header,) = begun.headers.getlist("Set-Cookie")
    assert header.startswith("__Host-wos-attempt-")
    back = workos.approve(begun.location, "alice@acme.test")
    path = back.partition("app.acme.test/team")[2]
    response = client.get(path, headers=proxied, base_url="https://localhost")
    assert response.status_code == 303
    assert workos.exchanges("authorization_code")[0].request["ip_address"] == "203.0.113.9"


def test_below_a_prefix_every_path_is_below_it(workos):
    app = make_app(WORKOS_REDIRECT_URI="http://localhost/team/auth/callback")
    app.config.update(workos.settings("http://localhost/team/auth/callback"))
    WorkOSSessions(app)
    app.add_url_rule("/x", "x", login_required(lambda: PAGE))
    client, root = app.test_client(), "http://localhost/team"
    asked = client.get("/x", base_url=root, headers=NAVIGATION)
    assert asked.location == "/team/auth/login?return_to=/team/x"
    htmx = client.get("/auth/login", base_url=root, headers={"HX-Request": "true"})
    assert htmx.headers["HX-Redirect"] == "/team/auth/login"
    begun = client.get("/auth/login", base_url=root, headers=NAVIGATION)
    back = workos.approve(begun.location, "alice@acme.test").partition("/team")[2]
    landed = client.get(back, base_url=root, headers=NAVIGATION)
    assert landed.location == "/team/"
    page = client.get("/x", base_url=root, headers=NAVIGATION)
    assert '"status":"/team/auth/session"' in page.text
    problem = client.get("/auth/callback", base_url=root, headers=NAVIGATION)
    assert 'href="/team/"' in problem.text


def test_the_origin_is_compared_as_a_browser_writes_it():
    app = make_app(WORKOS_REDIRECT_URI="https://App.Example.com:443/auth/callback")
    WorkOSSessions(app)
    client = app.test_client()
    for origin, status in (("https://app.example.com", 303), ("https://app.example.com:444", 403)):
        response = client.post("/auth/logout", headers={"Origin": origin, "Accept": "text/html"})
        assert response.status_code == status


def test_without_the_proxys_word_a_forwarded_address_is_not_believed(workos):
    """Security S6: X-Forwarded-* counts only through ProxyFix. Peers: flask-login #700."""
    app = make_app(**workos.settings("http://localhost/auth/callback"))
    WorkOSSessions(app)
    client = app.test_client()
    begun = client.get("/auth/login")
    back = workos.approve(begun.location, "alice@acme.test").partition("localhost")[2]
    client.get(back, headers={"X-Forwarded-For": "203.0.113.9", "Accept": "text/html"})
    assert workos.exchanges()[0].request["ip_address"] == "127.0.0.1"


def test_an_app_without_a_secret_key_works():
    app = make_app()
    app.config["SECRET_KEY"] = None
    WorkOSSessions(app)
    app.add_url_rule("/", "home", login_required(lambda: str(current_session.id)))
    client = app.test_client()
    login_as(client)
    assert client.get("/", headers=NAVIGATION).status_code == 200
    assert client.post("/auth/logout", headers=OURS).status_code == 200
