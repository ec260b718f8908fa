"""Extending brings a fresh form token, into the page's own forms and no other (security P4)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

FIELD = '<input name="csrf_token" value="old">'


def extended(tabs: Any, body: str, **config: Any) -> Page:
    """The page after an extension that brought a token."""
    tabs.site.body = body
    page: Page = tabs.open(1000, {"csrf": "csrf_token", **config})
    tabs.answer(1700, csrf_token="new")
    info = page.evaluate("() => workosSession.extend()")
    assert info["expiresIn"] == 1700
    return page


@pytest.mark.parametrize(
    "attributes",
    ["", 'action=""', 'action="/save"', 'action="save?x=1"', 'action="https://harbour.test/save"'],
)
def test_a_form_of_this_site_has_a_fresh_token(tabs: Any, attributes: str) -> None:
    page = extended(tabs, f'<form method="post" {attributes}>{FIELD}</form>')
    expect(page.locator("[name=csrf_token]")).to_have_value("new")


def test_a_field_that_belongs_to_a_form_elsewhere_in_the_page_has_it_too(tabs: Any) -> None:
    page = extended(
        tabs, '<form id="f" action="/save"></form><input name="csrf_token" form="f" value="old">'
    )
    expect(page.locator("[name=csrf_token]")).to_have_value("new")


@pytest.mark.parametrize(
    "form",
    [
        '<form action="https://evil.test/">{}</form>',
        '<form action="//evil.test/save">{}</form>',
        '<form action="/\\evil.test/save">{}</form>',
        '<form action="https://harbour.test.evil.test/">{}</form>',
        '<form action="https://harbour.test@evil.test/">{}</form>',
        '<form action="http://harbour.test/save">{}</form>',
        '<form action="https://evil.test/">{}<input name="action" value="/save"></form>',
        '<form action="https://evil.test/">{}<input name="getAttribute"></form>',
        '<form action="https://evil.test/">{}<input id="attributes"></form>',
        '<form action="javascript:alert(1)">{}</form>',
    ],
)
def test_a_form_that_leads_elsewhere_has_none(tabs: Any, form: str) -> None:
    page = extended(tabs, form.format(FIELD))
    expect(page.locator("[name=csrf_token]")).to_have_value("old")


def test_a_form_has_it_although_it_has_a_field_named_action(tabs: Any) -> None:
    page = extended(tabs, f'<form action="/save">{FIELD}<input name="action" value="x"></form>')
    expect(page.locator("[name=csrf_token]")).to_have_value("new")
    expect(page.locator("[name=action]")).to_have_value("x")


@pytest.mark.parametrize(
    "form",
    [
        '<form action="http://[">{}</form>',
        '<form name="csrf_token"><input name="form"></form>',
        '<img name="csrf_token">',
        '<form action="/"><input name="getAttribute"></form>',
    ],
)
def test_a_strange_form_takes_nothing_from_the_others(tabs: Any, form: str) -> None:
    body = form.format(FIELD) + f'<form id="own" action="/save">{FIELD}</form>'
    page = extended(tabs, body)
    expect(page.locator("#own [name=csrf_token]")).to_have_value("new")
    assert page.evaluate("() => workosSession.state") == "active"


def test_a_page_that_leads_relative_addresses_elsewhere_gives_nothing_away(tabs: Any) -> None:
    """The base of a page is not where the page came from."""
    tabs.replies["/open"] = {"content_type": "text/html"}
    tabs.site.body = f'<base href="https://evil.test/"><form action="save">{FIELD}</form>'
    tabs.site.config |= {"state": tabs.state(1000), "csrf": "csrf_token"}
    # Our own files lie under a path, which the base moves too.
    document = tabs.site.document()
    for attribute in ("href", "src"):
        document = document.replace(
            f'{attribute}="/auth', f'{attribute}="https://harbour.test/auth'
        )
    tabs.replies["/open"]["body"] = document
    page = tabs.visit("/open")
    tabs.answer(1700, csrf_token="new")
    page.evaluate("() => workosSession.extend()")
    expect(page.locator("[name=csrf_token]")).to_have_value("old")


def test_scripts_find_it_in_the_head(tabs: Any) -> None:
    page = extended(tabs, '<meta name="csrf-token" content="old"><meta name="other" content="old">')
    expect(page.locator("[name=csrf-token]")).to_have_attribute("content", "new")
    expect(page.locator("[name=other]")).to_have_attribute("content", "old")


def test_the_field_may_have_another_name(tabs: Any) -> None:
    body = f'<form>{FIELD}<input name="token" value="old"></form>'
    page = extended(tabs, body, csrf="token")
    expect(page.locator("[name=token]")).to_have_value("new")
    expect(page.locator("[name=csrf_token]")).to_have_value("old")


def test_an_answer_without_a_token_leaves_the_old_one(tabs: Any) -> None:
    tabs.site.body = f"<form>{FIELD}</form>"
    page = tabs.open(1000)
    tabs.answer(1700)
    page.evaluate("() => workosSession.extend()")
    expect(page.locator("[name=csrf_token]")).to_have_value("old")


def test_the_other_tabs_are_not_told_of_it(tabs: Any) -> None:
    page = extended(tabs, f"<form>{FIELD}</form>")
    assert tabs.messages(page)
    assert "new" not in str(tabs.messages(page))
