"""What templates can read."""

import pytest
from flask import Flask, render_template, render_template_string
from jinja2 import DictLoader

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.testing import login_as, settings

TEMPLATES = {
    "macros.html": "{% macro left() %}[{{ session_expires_in }}|{{ current_user.first_name }}|"
    "{{ sign_out_url() }}]{% endmacro %}",
    "imports.html": "{% from 'macros.html' import left %}{{ left() }}",
    "imports_with_context.html": "{% from 'macros.html' import left with context %}{{ left() }}",
    "includes.html": "{% include 'part.html' %}",
    "part.html": "{{ session_expires_in is none }}",
}


@pytest.fixture
def app():
    app = Flask("templates")
    app.config.update(settings())
    WorkOSSessions(app)
    app.jinja_loader = DictLoader(TEMPLATES)
    app.add_url_rule("/<name>", "template", lambda name: render_template(name))
    app.add_url_rule(
        "/text",
        "text",
        lambda: render_template_string(
            "{{ session_expires_in }} {{ session_expiring }} {{ current_session.role }} "
            "{{ current_user.first_name }} {{ session_expires_in is none }} "
            "{{ (session_expires_in or 0) // 60 }} {{ sign_in_url() }} {{ sign_up_url() }}"
        ),
    )
    return app


def test_the_context_has_session_user_and_urls(app):
    client = app.test_client()
    login_as(client, role="admin")
    words = client.get("/text").text.split()
    assert words[0] in ("3594", "3595")
    assert words[1:6] == ["False", "admin", "Test", "False", "59"]
    assert words[6].startswith("/auth/login")
    assert words[7].startswith("/auth/login")


def test_for_nobody_the_remaining_time_is_none(app):
    words = app.test_client().get("/text").text.split()
    assert words[0] == "None"
    assert words[4] == "True"


@pytest.mark.parametrize("name", ["imports.html", "imports_with_context.html"])
def test_imported_macros_see_this_requests_session(app, name):
    """Jinja keeps an imported template: one person's values must not be another one's."""
    one, two, nobody = app.test_client(), app.test_client(), app.test_client()
    login_as(one, user={"first_name": "One"})
    clock = app.extensions["workos_sessions.parts"].clock
    login_as(two, user={"first_name": "Two"}, signed_in_at=int(clock()) - 8 * 3600 + 100)
    first, second = one.get(f"/{name}").text, two.get(f"/{name}").text
    assert first.startswith(("[3595|One|", "[3594|One|"))
    assert second.startswith(("[95|Two|", "[94|Two|"))
    assert nobody.get(f"/{name}").text == "[None|None|/auth/logout]"


def test_included_templates_see_it_too(app):
    assert app.test_client().get("/includes.html").text == "True"


def test_templates_outside_a_request_see_nobody(app):
    with app.app_context():
        text = render_template_string("{{ session_expires_in }} {{ current_user.first_name }}")
    assert text == "None None"


def test_a_context_class_of_the_app_is_kept():
    from jinja2.runtime import Context

    class Own(Context):
        pass

    app = Flask("own")
    app.config.update(settings())
    app.jinja_env.context_class = Own
    WorkOSSessions(app)
    assert issubclass(app.jinja_env.context_class, Own)
