"""What an app may replace of ours: blocks, whole parts, all of it; and the policy it sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_talisman import Talisman
from jinja2 import DictLoader
from playwright.sync_api import Page, expect

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.testing import login_as, settings

pytestmark = pytest.mark.browser

BANNER, DIALOG = "[data-workos-banner]", "dialog"
EXTEND = "/auth/session/extend"
With = Callable[..., None]


@pytest.fixture
def override(site: Any) -> With:
    """Templates of the app, which come before ours."""

    def override(**templates: str) -> None:
        app = Flask("own")
        app.config.update(settings())
        app.jinja_loader = DictLoader(
            {f"workos_sessions/{name}.html": text for name, text in templates.items()}
        )
        WorkOSSessions(app)
        site.app = app

    return override


def check(site: Any, page: Page) -> None:
    page.evaluate("workosSession.check()")
    site.settle(page)


def walk(site: Any, page: Page) -> None:
    """Through all that a page shows, from the notice to a new beginning."""
    site.answer(290)
    site.run(page, 175)
    assert page.evaluate("workosSession.state") == "warning"
    site.answer(1700, access="a2")
    check(site, page)
    site.end("inactivity")
    check(site, page)
    assert page.evaluate("workosSession.state") == "ended"
    site.answer(1700)
    check(site, page)
    assert page.evaluate("workosSession.state") == "active"


def test_a_strict_policy_is_kept(site: Any) -> None:
    """Nothing inline, nothing from a string, nothing from elsewhere: an empty console."""
    site.impersonated = "ada@acme.test"
    page = site.show(290)
    walk(site, page)
    assert [each for each in site.faults if "401 (Unauthorized)" not in each] == []
    assert page.locator("[style]").count() == 0


def test_a_block_of_the_layout(site: Any, override: With) -> None:
    override(
        ui='{% extends "workos_sessions/ui_layout.html" %}'
        "{% block banner %}<p data-workos-when='notice'>Soon: <b data-workos-countdown></b>"
        "<button data-workos-action='extend'>More time</button></p>{% endblock %}"
    )
    page = site.show(290)
    assert page.locator(BANNER).count() == 0
    expect(page.get_by_text("Soon: 5 minutes")).to_be_visible()
    site.answer(1700)
    page.get_by_role("button", name="More time").click()
    site.settle(page)
    assert site.asked == [f"POST {EXTEND}"]
    expect(page.get_by_text("Soon:")).to_be_hidden()
    site.answer(105)
    check(site, page)
    expect(page.get_by_role("dialog", name="You'll be signed out soon")).to_be_visible()


@pytest.mark.parametrize("block", ["banner", "dialog", "corner", "impersonation", "styles"])
def test_without_one_of_the_parts_the_others_go_on(site: Any, override: With, block: str) -> None:
    override(
        ui=f'{{% extends "workos_sessions/ui_layout.html" %}}{{% block {block} %}}{{% endblock %}}'
    )
    site.impersonated = "ada@acme.test"
    page = site.show(290)
    walk(site, page)
    assert page.title() == "Notes"
    assert [each for each in site.faults if "Failed to load" not in each] == []


def test_a_dialog_whose_texts_are_the_app_s(site: Any, override: With) -> None:
    ours = Path(__file__).parents[2] / "flask_workos_sessions/ui/templates/workos_sessions"
    override(
        _dialog='{% extends "ours.html" %}{% block title %}{{ super() }}'
        '<span data-workos-when="warning"> of Acme</span>{% endblock %}'
        '{% block actions %}<a href="/help" data-workos-when="warning">Help</a>{{ super() }}'
        "{% endblock %}"
    )
    site.app.jinja_loader.mapping["ours.html"] = (ours / "_dialog.html").read_text("utf-8")
    page = site.show(105)
    dialog = page.get_by_role("dialog", name="You'll be signed out soon of Acme")
    assert dialog.locator(":is(button, a):visible").all_inner_texts() == [
        "Help",
        "Stay signed in",
        "Sign out",
    ]
    expect(dialog.get_by_role("heading")).to_be_focused()


def test_a_dialog_of_the_app_s_own(site: Any, override: With) -> None:
    override(
        _dialog='<dialog id="own"><h2 tabindex="-1">Still there?</h2>'
        "<p data-workos-say data-workos-when='warning'>In <b data-workos-countdown></b>.</p>"
        "<button data-workos-action='extend'>Yes</button><p role='status' data-workos-live></p>"
        "</dialog>"
    )
    page = site.show(105)
    expect(page.locator("#own")).to_be_visible()
    expect(page.get_by_role("heading", name="Still there?")).to_be_focused()
    expect(page.locator("#own [data-workos-live]")).to_have_text("In 2 minutes.")
    site.answer(1700)
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#own")).to_be_hidden()


def test_a_banner_of_the_app_s_own(site: Any, override: With) -> None:
    override(
        _banner="<aside data-workos-banner hidden><p data-workos-say>Careful!</p></aside>"
        "<p role='status' data-workos-live></p>"
    )
    page = site.show(1700)
    expect(page.locator("aside")).to_be_hidden()
    site.answer(290)
    check(site, page)
    expect(page.locator("aside")).to_be_visible()
    expect(page.locator("aside + [data-workos-live]")).to_have_text("Careful!")


def test_parts_in_the_app_s_own_markup_need_no_script_of_its_own(site: Any) -> None:
    site.body = (
        "<p id='left'>Until the end: <b data-workos-countdown></b></p>"
        "<p id='most' data-workos-countdown='max'></p>"
        "<p id='idle' data-workos-when='notice-inactivity warning-inactivity'>Soon</p>"
        "<button data-workos-action='extend' data-workos-when='active'>Longer</button>"
    )
    page = site.show(1700, max_in=7200)
    expect(page.locator("#left")).to_have_text("Until the end: 29 minutes")
    expect(page.locator("#most")).to_have_text("2 hours")
    expect(page.locator("#idle")).to_be_hidden()
    site.answer(290)
    page.get_by_role("button", name="Longer").click()
    site.settle(page)
    expect(page.locator("#left")).to_have_text("Until the end: 5 minutes")
    expect(page.locator("#idle")).to_be_visible()
    expect(page.get_by_role("button", name="Longer")).to_be_hidden()


def test_an_unknown_end_leaves_no_number(site: Any) -> None:
    site.body = "<p id='left' data-workos-countdown>…</p>"
    page = site.show(None, because=None, extendable=False, idle_in=None, max_in=None)
    expect(page.locator("#left")).to_have_text("")


def test_an_app_that_shows_it_all_itself_gets_events_only(site: Any) -> None:
    page = site.show(310, config={"show": False})
    page.evaluate(
        "() => { window.told = []; for (const name of ['notice', 'warning', 'changed', 'ended'])"
        " workosSession.on(name, ({ type, detail }) => told.push([type, detail.state])); }"
    )
    assert page.locator("link[href*=session], dialog, section").count() == 0
    site.answer(310, access="a2")
    site.run(page, 200)
    site.end("revoked")
    check(site, page)
    assert page.evaluate("told.map(([name]) => name.split(':')[1])") == [
        "changed",
        "notice",
        "warning",
        "ended",
    ]
    assert page.title() == "Notes"
    expect(page.locator("#note")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-workos-session", "ended")
    assert page.url.endswith("/notes")


@pytest.mark.parametrize("name", ["notice", "warning"])
def test_an_app_may_show_one_of_them_itself(site: Any, name: str) -> None:
    left = {"notice": 310, "warning": 130}[name]
    page = site.show(left)
    page.evaluate("name => { workosSession.on(name, (event) => event.preventDefault()); }", name)
    site.answer(left)
    site.run(page, 15)
    assert page.evaluate("workosSession.state") == name
    expect(page.locator(BANNER)).to_be_hidden()
    expect(page.locator(DIALOG)).to_be_hidden()
    assert page.title() == "Notes"


@pytest.mark.parametrize("lang", ["tlh", "xx-Zzzz-ZZ", "", "en-x-own"])
def test_a_language_that_the_browser_does_not_know_breaks_nothing(site: Any, lang: str) -> None:
    page = site.show(105)
    page.evaluate("lang => { document.querySelector('.workos-session').lang = lang; }", lang)
    site.answer(105)
    site.run(page, 2)
    expect(page.locator(DIALOG)).to_contain_text("we'll sign you out in 2 min")
    assert site.faults == []


def test_a_nonce_is_enough_for_a_policy_that_asks_for_one(site: Any, tmp_path: Path) -> None:
    """Flask-Talisman with ``strict-dynamic``: nothing runs that has no nonce."""
    app = Flask("nonce", root_path=str(tmp_path))
    app.config.update(settings())
    Talisman(
        app,
        force_https=False,
        content_security_policy={
            "default-src": "'none'",
            "script-src": "'strict-dynamic'",
            "style-src": [],
            "connect-src": "'self'",
            "img-src": "data:",
        },
        content_security_policy_nonce_in=["script-src", "style-src"],
    )
    WorkOSSessions(app)
    page = (
        '<!doctype html><html lang="en"><head><link rel="icon" href="data:,"></head>'
        "<body>{{ workos_session_ui() }}</body></html>"
    )
    app.add_url_rule("/", "home", lambda: render_template_string(page))
    client = app.test_client()
    login_as(client)
    answer = client.get("/")
    site.pages["/talisman"] = answer.text
    site.policy = answer.headers["Content-Security-Policy"]
    assert "nonce-" in site.policy
    tab = site.context.new_page()
    tab.on("console", lambda line: site.faults.append(line.text))
    tab.goto("/talisman")
    assert tab.evaluate("workosSession.state") == "active"
    assert tab.evaluate("document.styleSheets.length") == 1
    assert site.faults == []
