"""Our texts in the language of the person, when the app has Flask-Babel."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask, render_template_string
from flask_babel import Babel
from markupsafe import Markup

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.testing import login_as, settings
from flask_workos_sessions.ui.translation import gettext, language
from flask_workos_sessions.views.pages import _PROBLEMS

GERMAN = {"Sign out": "Abmelden", "Keep %(name)s": "%(name)s behalten"}
MakeApp = Callable[..., Flask]


def write_catalogue(folder: Path, locale: str, texts: dict[str, str], domain: str) -> None:
    """A compiled catalogue, where Flask-Babel looks for it."""
    catalogue = Catalog(locale=locale)
    for text, translated in texts.items():
        catalogue.add(text, translated)
    target = folder / locale / "LC_MESSAGES" / f"{domain}.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_mo(file, catalogue)


@pytest.fixture
def make_app(tmp_path: Path) -> MakeApp:
    """An app with Flask-Babel, translated into a language, in a folder of its own."""

    def make(locale: str, texts: dict[str, str], domain: str = "workos_sessions") -> Flask:
        app = Flask("translated", root_path=str(tmp_path))
        folder = tmp_path / f"translations-{locale}-{domain}"
        write_catalogue(folder, locale, texts, domain)
        Babel(
            app,
            default_translation_directories=str(folder),
            locale_selector=lambda: locale,
        )
        return app

    return make


def test_without_flask_babel_it_is_english() -> None:
    with Flask("plain").app_context():
        assert gettext("Sign out") == "Sign out"
        assert gettext("Keep %(name)s", name="Ada") == "Keep Ada"
        assert language() == ("en", "ltr")


def test_outside_an_app_it_is_english() -> None:
    assert gettext("Sign out") == "Sign out"
    assert language() == ("en", "ltr")


def test_a_text_is_translated_with_its_values(make_app: MakeApp) -> None:
    with make_app("de", GERMAN).test_request_context():
        assert gettext("Sign out") == "Abmelden"
        assert gettext("Keep %(name)s", name="Ada") == "Ada behalten"
        assert gettext("Stay signed in") == "Stay signed in"


@pytest.mark.parametrize("app", [Flask("plain"), None], ids=["without", "with"])
def test_the_text_around_markup_is_escaped(app: Flask | None, make_app: MakeApp) -> None:
    app = app or make_app("de", {"Keep %(a)s & %(b)s": "%(a)s & %(b)s <behalten>"})
    with app.test_request_context():
        text = gettext("Keep %(a)s & %(b)s", a=Markup("<b>Ada</b>"), b="<i>")
        assert isinstance(text, Markup)
        assert "<b>Ada</b> &amp; &lt;i&gt;" in text
        assert "<behalten>" not in text
        assert not isinstance(gettext("Keep %(a)s & %(b)s", a="A", b="B"), Markup)


def test_a_percent_sign_in_a_text_without_values_is_one() -> None:
    assert gettext("100 % of it") == "100 % of it"


def test_what_our_domain_lacks_is_looked_up_in_the_app_s_own(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app("de", GERMAN)
    folder = tmp_path / "translations-de-workos_sessions"
    write_catalogue(folder, "de", {"Sign out": "Tschüs", "Stay": "Bleiben"}, "messages")
    with app.test_request_context():
        assert gettext("Sign out") == "Abmelden"
        assert gettext("Stay") == "Bleiben"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("de", ("de", "ltr")),
        ("pt_BR", ("pt-BR", "ltr")),
        ("zh_Hans_CN", ("zh-Hans-CN", "ltr")),
        ("ar", ("ar", "rtl")),
        ("he_IL", ("he-IL", "rtl")),
        ("ca_ES_VALENCIA", ("ca-ES-VALENCIA", "ltr")),
    ],
)
def test_the_language_is_told_as_a_browser_knows_it(
    locale: str, expected: tuple[str, str], make_app: MakeApp
) -> None:
    with make_app(locale, GERMAN).test_request_context():
        assert language() == expected


def test_a_page_that_nobody_has_translated_says_that_it_is_english(make_app: MakeApp) -> None:
    with make_app("ar", {"Save": "حفظ"}, domain="messages").test_request_context():
        assert gettext("Sign out") == "Sign out"
        assert language() == ("en", "ltr")


def test_two_apps_do_not_share_their_translations(make_app: MakeApp) -> None:
    one, two = make_app("de", GERMAN), make_app("de", {"Sign out": "Weg"}, domain="messages")
    with one.test_request_context():
        assert gettext("Sign out") == "Abmelden"
    with two.test_request_context():
        assert gettext("Sign out") == "Weg"


def test_another_extension_of_the_name_babel_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flask_babel", ModuleType("flask_babel"))
    app = Flask("other")
    app.extensions["babel"] = object()
    with app.test_request_context():
        assert gettext("Sign out") == "Sign out"
        assert language() == ("en", "ltr")


def _set_up(app: Flask) -> Flask:
    app.config.update(settings())
    WorkOSSessions(app)
    return app


def test_our_pages_are_in_the_language_of_the_person(make_app: MakeApp) -> None:
    texts = {"Sign out?": "تسجيل الخروج؟", "You are signed in as %(name)s.": "أنت %(name)s."}
    app = _set_up(make_app("ar", texts))
    client = app.test_client()
    login_as(client, user={"name": "<Ada>"})
    page = client.get("/auth/logout").text
    assert '<html lang="ar" dir="rtl">' in page
    assert "<title>تسجيل الخروج؟</title>" in page
    assert "أنت <strong>&lt;Ada&gt;</strong>." in page
    assert ">Sign out</button>" in page


def test_a_problem_is_told_in_the_language_of_the_person(make_app: MakeApp) -> None:
    texts = {"That took too long": "Zu lange", "Sign in": "Anmelden"}
    texts["This sign-in did not begin here"] = "Nicht hier begonnen"
    begun = _PROBLEMS["sign_in_not_started"].text
    texts[begun] = "Fangen Sie bitte hier an."
    page = _set_up(make_app("de", texts)).test_client().get("/auth/callback?state=x").text
    assert "<h1>Nicht hier begonnen</h1>" in page
    assert "<p>Fangen Sie bitte hier an.</p>" in page
    assert ">Anmelden</a>" in page
    assert '<html lang="de" dir="ltr">' in page


@pytest.mark.parametrize("order", ["before", "after"])
def test_the_app_keeps_its_own_gettext_in_templates(order: str, tmp_path: Path) -> None:
    app = Flask("own", root_path=str(tmp_path))
    if order == "before":
        _set_up(app)
    write_catalogue(tmp_path / "translations", "de", {"Sign out": "Tschüs"}, "messages")
    write_catalogue(tmp_path / "translations", "de", GERMAN, "workos_sessions")
    Babel(app, locale_selector=lambda: "de")
    if order == "after":
        _set_up(app)
    app.add_url_rule("/", "home", lambda: render_template_string('{{ _("Sign out") }}'))
    client = app.test_client()
    assert "Abmelden" in client.get("/auth/logout").text
    assert client.get("/").text == "Tschüs"


def test_flask_babel_is_not_loaded_by_an_app_that_does_not_use_it() -> None:
    code = "import sys, flask_workos_sessions; print('flask_babel' in sys.modules)"
    command = [sys.executable, "-W", "error", "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert loaded.stdout.strip() == "False"
