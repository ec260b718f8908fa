"""What is private is kept from every cache, and what is not is left alone (security C9)."""

import re

import pytest
from flask import Flask, Response, g, make_response, render_template_string

from flask_workos_sessions import WorkOSSessions, current_session, current_user, login_required
from flask_workos_sessions.testing import login_as, settings

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
PAGE = "<!doctype html><html><body>{}</body></html>"


@pytest.fixture
def app():
    app = Flask("private")
    app.config.update(settings())
    WorkOSSessions(app)

    @app.get("/open")
    def open_():
        response = make_response(PAGE.format("open"))
        response.headers["Cache-Control"] = "public, max-age=60"
        response.headers["Expires"] = "Thu, 01 Jan 2032 00:00:00 GMT"
        return response

    @app.get("/guarded")
    @login_required
    def guarded():
        response = make_response(PAGE.format("guarded"))
        response.headers["Cache-Control"] = "public, max-age=60"
        response.headers["Expires"] = "Thu, 01 Jan 2032 00:00:00 GMT"
        response.headers["CDN-Cache-Control"] = "max-age=60"
        response.headers["Surrogate-Control"] = "max-age=60"
        response.headers["Vary"] = "Accept"
        return response

    @app.get("/reads")
    def reads():
        return PAGE.format("yes" if current_session else "no")

    @app.get("/user")
    def user():
        return PAGE.format(current_user.first_name)

    @app.get("/template")
    def template():
        return render_template_string(PAGE.format("{{ session_expires_in }}"))

    @app.get("/plain-template")
    def plain_template():
        return render_template_string(PAGE.format("{{ 1 + 1 }}"))

    @app.get("/json")
    @login_required
    def json():
        return {"a": 1}

    @app.get("/stream")
    @login_required
    def stream():
        return Response(iter([PAGE.format("stream")]), mimetype="text/html")

    @app.get("/script")
    @login_required
    def script():
        return '<body><script>var x = "</body>";</script>'

    return app


@pytest.fixture
def client(app):
    client = app.test_client()
    login_as(client)
    return client


@pytest.mark.parametrize("path", ["/guarded", "/reads", "/user", "/template", "/json"])
def test_a_view_that_was_guarded_or_read_the_session_is_private(client, path):
    response = client.get(path, headers=NAVIGATION)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in response.headers["Vary"]
    for name in ("Expires", "CDN-Cache-Control", "Surrogate-Control"):
        assert name not in response.headers
    assert response.headers["Server-Timing"].startswith('workos;desc="')


def test_security_p5_the_timing_header_has_numbers_and_no_id(client):
    """Maximum, inactivity, extendable, version and a hash of the rights, which is the session's."""
    header = client.get("/guarded", headers=NAVIGATION).headers["Server-Timing"]
    assert re.fullmatch(r'workos;desc="\d+\.\d+\.[01]\.\d{13}\.[0-9a-f]{16}"', header)
    assert "Server-Timing" not in client.get("/open", headers=NAVIGATION).headers


def test_vary_is_added_to(client):
    assert client.get("/guarded", headers=NAVIGATION).headers["Vary"] == "Accept, Cookie"


@pytest.mark.parametrize("path", ["/reads", "/user", "/template"])
def test_it_is_private_for_nobody_too(app, path):
    response = app.test_client().get(path, headers=NAVIGATION)
    assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/open", "/plain-template"])
def test_all_others_are_left_alone(client, path):
    """Security P6: nobody's values in what everybody may keep."""
    response = client.get(path, headers=NAVIGATION)
    assert "no-store" not in response.headers.get("Cache-Control", "")
    assert "Vary" not in response.headers
    assert "Server-Timing" not in response.headers
    assert "workos" not in response.text


def test_security_c9_a_hook_that_read_the_session_before_ours_counts():
    app = Flask("early")
    app.config.update(settings())

    @app.before_request
    def early():
        g.name = current_user.first_name

    WorkOSSessions(app)
    app.add_url_rule("/", "home", lambda: g.name)
    client = app.test_client()
    login_as(client)
    response = client.get("/", headers=NAVIGATION)
    assert response.text == "Test"
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_response_that_sets_our_cookie_is_private(app):
    clock = app.extensions["workos_sessions.parts"].clock
    client = app.test_client()
    login_as(client, signed_in_at=int(clock()) - 9 * 3600)
    response = client.get("/open", headers=NAVIGATION)
    assert "Set-Cookie" in response.headers
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Expires" not in response.headers


def test_the_warning_is_put_into_private_pages_once(client):
    page = client.get("/guarded", headers=NAVIGATION)
    assert page.text.count('class="workos-session"') == 1
    assert page.text.endswith("</script></div></body></html>")
    assert int(page.headers["Content-Length"]) == len(page.data)


def test_a_form_that_is_shown_again_gets_the_warning_too(app, client):
    """What was typed into it is still there, and can be lost."""

    @app.post("/form")
    @login_required
    def form():
        return PAGE.format("Not yet: fill in the title."), 422

    page = client.post("/form", headers=NAVIGATION)
    assert page.status_code == 422
    assert page.text.count('class="workos-session"') == 1


@pytest.mark.parametrize("automatic", [True, False])
def test_a_length_that_the_view_gave_is_corrected(app, client, automatic, monkeypatch):
    monkeypatch.setattr(Response, "automatically_set_content_length", automatic)

    @app.get("/own-length")
    @login_required
    def own_length():
        response = make_response(PAGE.format("é"))
        response.content_length = len(response.get_data())
        return response

    page = client.get("/own-length", headers=NAVIGATION)
    assert 'class="workos-session"' in page.text
    assert int(page.headers["Content-Length"]) == len(page.data)


def test_the_entity_tag_of_a_page_goes_when_it_is_changed_and_only_then(app, client):
    def tagged(text):
        def view():
            response = make_response(text)
            response.add_etag()
            return response

        return login_required(view)

    app.add_url_rule("/tagged", "tagged", tagged(PAGE.format("x")))
    app.add_url_rule("/part", "part", tagged("<p>part</p>"))
    assert "ETag" not in client.get("/tagged", headers=NAVIGATION).headers
    assert "ETag" in client.get("/part", headers=NAVIGATION).headers


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/guarded", {"HX-Request": "true"}),
        ("/guarded", {"Sec-Fetch-Mode": "cors"}),
        ("/json", NAVIGATION),
        ("/stream", NAVIGATION),
        ("/script", NAVIGATION),
        ("/open", NAVIGATION),
    ],
)
def test_fragments_streams_and_other_types_are_left_alone(client, path, headers):
    assert b"workos-session" not in client.get(path, headers=headers).data


def test_nobody_gets_no_warning(app):
    assert "workos-session" not in app.test_client().get("/reads", headers=NAVIGATION).text


def test_injection_can_be_turned_off():
    app = Flask("off")
    app.config.update(settings(WORKOS_UI_INJECT=False))
    WorkOSSessions(app)
    app.add_url_rule("/", "home", login_required(lambda: PAGE.format("x")))
    app.add_url_rule(
        "/own",
        "own",
        login_required(lambda: render_template_string(PAGE.format("{{ workos_session_ui() }}"))),
    )
    client = app.test_client()
    login_as(client)
    assert "workos-session" not in client.get("/", headers=NAVIGATION).text
    assert "workos-session" in client.get("/own", headers=NAVIGATION).text


def test_security_c8_nothing_in_the_page_is_a_token(client, app):
    session = login_as(client)
    page = client.get("/guarded", headers=NAVIGATION).text
    assert session.access_token not in page
    assert "eyJ" not in page


def test_the_script_and_the_styles_are_served_for_ever(client):
    page = client.get("/guarded", headers=NAVIGATION).text
    urls = [part.split('"')[0] for part in page.split('"/auth/assets/')[1:]]
    assert [url.rpartition(".")[2] for url in urls] == ["css", "js"]
    for url in urls:
        response = client.get(f"/auth/assets/{url}")
        assert response.status_code == 200
        assert "immutable" in response.headers["Cache-Control"]
    assert client.get("/auth/assets/session.js").status_code == 404
    assert client.get("/auth/assets/../session.py").status_code == 404
