"""What a page gets of us: a block of JSON, styles, parts, a script; nothing of it is ever run."""

from __future__ import annotations

import gzip
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask, render_template_string, request

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.session_record import Impersonator
from flask_workos_sessions.testing import login_as, settings
from flask_workos_sessions.ui.assets import asset_name
from flask_workos_sessions.ui.markup import render_markup

ODD = "\"><b>é&'</script><!--"


class _Elements(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.found if tag in tags]


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config.update(settings())
    WorkOSSessions(app)
    page = "<html><body><p>Hi</p>{{ workos_session_ui() }}</body></html>"
    app.add_url_rule("/", "home", lambda: render_template_string(page))
    return app


def render(app: Flask, config: dict[str, Any] | None = None, **values: Any) -> str:
    values = {
        "resume_url": "/auth/login?resume=1",
        "style_url": "/auth/s.css",
        "script_url": "/auth/s.js",
    } | values
    urls = {"status": "/a", "extend": "/b", "sign_out": "/c", "ended": "/auth/signed-out"}
    with app.test_request_context():
        return render_markup({"show": True, "urls": urls} | (config or {}), **values)


def test_what_an_app_s_own_tests_find_of_us_is_as_is_told(app: Flask) -> None:
    """docs/session-end.md: with somebody acted for, there is a second section."""
    elements = _Elements(render(app))
    tags = {tag for tag, _ in elements.found}
    assert not tags & {"form", "input", "select", "main"}
    assert not [attrs for _, attrs in elements.found if "name" in attrs]
    for tag in ("dialog", "h2", "textarea", "section"):
        assert len(elements.all(tag)) == 1, tag
    assert len([attrs for _, attrs in elements.found if attrs.get("role") == "status"]) == 2
    for words in ("Stay signed in", "Sign out", "Reload", "Sign in again"):
        assert words in elements.text


def page_of(app: Flask) -> _Elements:
    client = app.test_client()
    login_as(client)
    return _Elements(client.get("/").text)


@pytest.mark.parametrize("who", [{"user": {"email": ""}}, {"claims": {"org_id": ""}}])
def test_a_page_needs_no_address_and_no_organization(app: Flask, who: dict[str, Any]) -> None:
    client = app.test_client()
    login_as(client, **who)
    assert _Elements(client.get("/").text).all("dialog")


def config_of(markup: str) -> dict[str, Any]:
    _, _, rest = markup.partition('<script type="application/json">')
    config: dict[str, Any] = json.loads(rest.partition("</script>")[0])
    return config


def test_a_page_has_a_block_of_json_a_style_sheet_and_a_script(app: Flask) -> None:
    markup = render(app, {"warn": 120})
    assert _Elements(markup).all("script", "link") == [
        {"type": "application/json"},
        {"rel": "stylesheet", "href": "/auth/s.css"},
        {"src": "/auth/s.js", "defer": None},
    ]
    assert config_of(markup)["warn"] == 120


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]>",
        "&lt;/script&gt;",
        "\u2028\u2029",
        "'\"`\\",
        "日本 \U0001f600 \ud800",
        "\x00\x1f",
    ],
)
def test_no_value_ends_the_block(app: Flask, text: str) -> None:
    markup = render(app, {"channel": text})
    assert config_of(markup)["channel"] == text
    assert len(_Elements(markup).all("script")) == 2


def test_addresses_and_nonce_are_escaped(app: Flask) -> None:
    odd = dict.fromkeys(("style_url", "script_url", "nonce", "resume_url", "impersonated"), ODD)
    page = _Elements(render(app, **odd))
    assert page.all("script", "link")[1:] == [
        {"rel": "stylesheet", "href": ODD, "nonce": ODD},
        {"src": ODD, "defer": None, "nonce": ODD},
    ]
    assert page.all("a")[0]["href"] == ODD
    assert f"Viewing as {ODD}." in page.text
    assert {tuple(each) for each in page.all("b")} == {
        ("data-workos-countdown",),
        ("data-workos-countdown", "aria-hidden"),
    }


@pytest.mark.parametrize("nonce", [None, ""])
def test_without_a_nonce_there_is_no_attribute_for_it(app: Flask, nonce: str | None) -> None:
    assert "nonce" not in render(app, nonce=nonce)


@pytest.mark.parametrize("way", ["request", "callable on the request", "Flask-Talisman"])
def test_a_nonce_of_the_app_stands_on_what_the_browser_loads(app: Flask, way: str) -> None:
    def offer() -> None:
        if way == "request":
            request.csp_nonce = "n0nce"  # type: ignore[attr-defined]
        elif way == "callable on the request":
            request.csp_nonce = lambda: "n0nce"  # type: ignore[attr-defined]
        else:
            app.jinja_env.globals["csp_nonce"] = lambda: "n0nce"

    app.before_request(offer)
    data, style, script = page_of(app).all("script", "link")
    assert (style["nonce"], script["nonce"]) == ("n0nce", "n0nce")
    assert "nonce" not in data


def test_with_push_there_is_one_more_script_with_the_nonce_of_the_app() -> None:
    app = Flask(__name__)
    push = {"WORKOS_UI_PUSH": "sse", "WORKOS_UI_PUSH_STREAMS": 1}
    app.config.update(settings(**push))
    WorkOSSessions(app)
    page = "<html><body><p>Hi</p>{{ workos_session_ui() }}</body></html>"
    app.add_url_rule("/", "home", lambda: render_template_string(page))
    app.jinja_env.globals["csp_nonce"] = lambda: "n0nce"
    found = page_of(app)
    *_, session, script = found.all("script")
    assert script == {
        "type": "module",
        "src": f"/auth/assets/{asset_name('push.js')}",
        "nonce": "n0nce",
    }
    assert "defer" in session
    assert config_of(render(app)).keys() == {"show", "urls"}, "it needs no configuration"


def test_a_page_in_any_charset_can_hold_it(app: Flask) -> None:
    app.jinja_env.globals["csp_nonce"] = lambda: "é"
    client = app.test_client()
    login_as(client, user={"email": "zoë@acme.test"}, impersonator=Impersonator("ann@acme.test"))
    page = client.get("/").text
    assert page.isascii()
    assert "zo&#235;@acme.test" in page


def test_no_part_of_it_has_inline_script_or_style(app: Flask) -> None:
    page = _Elements(render(app, impersonated="ada@acme.test"))
    names = {name for _, attrs in page.found for name in attrs}
    assert not [name for name in names if name.startswith(("on", "style"))]
    assert not page.all("style", "iframe", "object", "base")


def test_every_element_of_it_has_its_own_id(app: Flask) -> None:
    page = _Elements(render(app, impersonated="ada@acme.test"))
    ids = [attrs["id"] for _, attrs in page.found if "id" in attrs]
    assert len(ids) == len(set(ids))
    referred = [
        attrs[name]
        for _, attrs in page.found
        for name in ("aria-labelledby", "aria-describedby")
        if name in attrs
    ]
    assert referred
    assert set(referred) <= set(ids)
    assert all((each or "").startswith("workos-session-") for each in ids)


def test_an_app_that_shows_it_all_itself_gets_configuration_and_script_only(app: Flask) -> None:
    markup = render(app, {"show": False}, impersonated="ada@acme.test")
    assert [tag for tag, _ in _Elements(markup).found] == ["div", "script", "script"]


def test_the_bar_of_an_impersonation_stands_there_for_impersonators_only(app: Flask) -> None:
    assert "Viewing as" not in render(app)
    assert "Viewing as ada@acme.test." in _Elements(render(app, impersonated="ada@acme.test")).text
    assert "Viewing as" in render(app, impersonated="")


def test_the_markup_of_a_page_is_small(app: Flask) -> None:
    """It comes with every page, in bytes after compression: all of it, and what is everybody's."""
    client = app.test_client()
    login_as(client)
    page = client.get("/").data
    ours = page.removeprefix(b"<html><body><p>Hi</p>").removesuffix(b"</body></html>")
    assert len(gzip.compress(ours, 9)) <= 2048
    before, _, rest = ours.partition(b'<script type="application/json">')
    assert len(gzip.compress(before + rest.partition(b"</script>")[2], 9)) <= 1638
