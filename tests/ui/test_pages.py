"""Our own pages: fixed texts, escaped values, usable without a script."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template

from flask_workos_sessions import ui
from flask_workos_sessions.ui.translation import gettext, language

TEMPLATES = Path(ui.__file__).parent / "templates"
EVIL = "<script>alert(1)</script>\"'"

PAGES: dict[str, dict[str, Any]] = {
    "signed_out.html": {"reason": "inactivity", "sign_in_url": "/auth/login"},
    "sign_out.html": {"action": "/auth/logout", "name": "Ada"},
    "problem.html": {"title": "Please try again", "text": "It took too long.", "links": []},
    "organizations.html": {"organizations": [{"name": "Acme", "sign_in_url": "/auth/login?a"}]},
    "replace_session.html": {
        "action": "/auth/callback",
        "pending": "sealed",
        "current": "Ada",
        "other": "Grace",
    },
}


class _Page(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def _render(name: str, /, **values: Any) -> _Page:
    app = Flask(__name__, template_folder=str(TEMPLATES))
    with app.test_request_context():
        return _Page(
            render_template(
                f"workos_sessions/{name}",
                style_url="/auth/static/pages.css",
                language=language(),
                _=gettext,
                **values,
            )
        )


@pytest.mark.parametrize(("name", "values"), PAGES.items(), ids=PAGES)
def test_every_page_says_its_language_its_title_and_stays_out_of_indexes(
    name: str, values: dict[str, Any]
) -> None:
    page = _render(name, **values)
    assert page.all("html") == [{"lang": "en", "dir": "ltr"}]
    assert {"name": "robots", "content": "noindex"} in page.all("meta")
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )
    assert [len(page.all(tag)) for tag in ("title", "h1", "main")] == [1, 1, 1]
    assert {"rel": "stylesheet", "href": "/auth/static/pages.css"} in page.all("link")


@pytest.mark.parametrize(("name", "values"), PAGES.items(), ids=PAGES)
def test_no_page_needs_a_script_or_inline_style(name: str, values: dict[str, Any]) -> None:
    page = _render(name, **values)
    assert not page.all("script")
    assert not page.all("style")
    assert not [
        each for _, attrs in page.tags for each in attrs if each.startswith(("on", "style"))
    ]


@pytest.mark.parametrize(("name", "values"), PAGES.items(), ids=PAGES)
def test_every_value_is_escaped(name: str, values: dict[str, Any]) -> None:
    """Security S2: nothing that arrives becomes markup on our pages."""
    evil = {key: EVIL if isinstance(value, str) else value for key, value in values.items()}
    if "organizations" in evil:
        evil["organizations"] = [{"name": EVIL, "sign_in_url": EVIL}]
    if "links" in evil:
        evil["links"] = [(EVIL, EVIL)]
    page = _render(name, **evil)
    assert not page.all("script")
    assert page.tags[0][0] == "html"


@pytest.mark.parametrize("stylesheet", ["pages.css"])
def test_the_styles_know_no_left_and_no_right(stylesheet: str) -> None:
    """In Arabic or Hebrew the page begins on the other side."""
    styles = (Path(ui.__file__).parent / "static" / stylesheet).read_text()
    assert not re.findall(
        r"[-:\s](?:left|right)\b|(?:^|[\s;{])(?:width|height|top|bottom)\s*:", styles
    )


REASONS = ["inactivity", "max_length", "revoked", "signed_out", "user_changed", "access_removed"]


def test_the_signed_out_page_has_words_of_its_own_for_each_reason() -> None:
    texts = {
        _render("signed_out.html", reason=each, sign_in_url="/auth/login").text for each in REASONS
    }
    assert len(texts) == len(REASONS)


@pytest.mark.parametrize("reason", [None, "", "Call +1 555 0100", "title", "items"])
def test_an_unknown_reason_gets_a_fixed_text(reason: str | None) -> None:
    page = _render("signed_out.html", reason=reason, sign_in_url="/auth/login")
    assert "You are signed out" in page.text
    assert "Call" not in page.text


@pytest.mark.parametrize("reason", REASONS)
def test_the_signed_out_page_avoids_technical_words(reason: str) -> None:
    text = _render("signed_out.html", reason=reason, sign_in_url="/auth/login").text.lower()
    assert not [
        word for word in ("session", "expired", "time out", "inactiv", "token") if word in text
    ]


def test_the_signed_out_page_leads_to_the_sign_in_when_there_is_one() -> None:
    with_link = _render("signed_out.html", reason="revoked", sign_in_url="/auth/login")
    assert [each["href"] for each in with_link.all("a")] == ["/auth/login"]
    assert not _render("signed_out.html", reason="revoked", sign_in_url=None).all("a")


def test_signing_out_is_a_post() -> None:
    page = _render("sign_out.html", action="/auth/logout", name="Ada")
    assert [(each["method"], each["action"]) for each in page.all("form")] == [
        ("post", "/auth/logout")
    ]
    assert "Ada" in page.text
    assert "signed in as" not in _render("sign_out.html", action="/x", name=None).text


def test_the_problem_page_shows_its_ways_on() -> None:
    page = _render("problem.html", title="A", text="B", links=[("Try again", "/a"), ("Home", "/")])
    assert [each["href"] for each in page.all("a")] == ["/a", "/"]
    assert not _render("problem.html", title="A", text="B").all("a")


def test_the_organizations_page_has_a_link_for_each_and_words_for_none() -> None:
    page = _render(
        "organizations.html",
        organizations=[
            {"name": "Acme", "sign_in_url": "/auth/login?o=1"},
            {"name": "Borg", "sign_in_url": "/auth/login?o=2"},
        ],
    )
    assert [each["href"] for each in page.all("a")] == ["/auth/login?o=1", "/auth/login?o=2"]
    assert "administrator" in _render("organizations.html", organizations=[]).text


def test_replacing_a_session_is_a_choice_that_is_posted() -> None:
    """Security S1: a sign-in that began elsewhere replaces nothing unasked."""
    page = _render("replace_session.html", action="/p", pending="s", current="Ada", other="Grace")
    assert [(each["method"], each["action"]) for each in page.all("form")] == [("post", "/p")]
    assert [(each["name"], each["value"]) for each in page.all("input")] == [("pending", "s")]
    assert [(each["name"], each["value"]) for each in page.all("button")] == [
        ("decision", "keep"),
        ("decision", "switch"),
    ]
