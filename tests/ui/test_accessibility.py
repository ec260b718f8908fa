"""axe-core finds nothing in what we show: in English, and in a language from right to left."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel
from playwright.sync_api import Page, expect

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.testing import settings

pytestmark = pytest.mark.browser

DIALOG, BANNER = "dialog", "[data-workos-banner]"
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
REASONS = ["inactivity", "max_length"]
NOT_KEPT = ["revoked", "signed_out", "user_changed", "access_removed", "unknown"]


@pytest.fixture(scope="module")
def hebrew(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An app in Hebrew. Every text of the catalogue has a translation that names it."""
    folder = tmp_path_factory.mktemp("hebrew")
    with (
        files("flask_workos_sessions.ui")
        .joinpath("translations/workos_sessions.pot")
        .open("rb") as file
    ):
        texts = [each.id for each in read_po(file) if isinstance(each.id, str) and each.id]
    catalogue = Catalog(locale="he")
    for text in texts:
        catalogue.add(text, f"שלום {text}")
    target = folder / "translations" / "he" / "LC_MESSAGES" / "workos_sessions.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, catalogue)
    app = Flask("hebrew", root_path=str(folder))
    app.config.update(settings())
    Babel(app, locale_selector=lambda: "he")
    WorkOSSessions(app)
    return app


@pytest.fixture(params=["ltr", "rtl"])
def direction(request: pytest.FixtureRequest, site: Any) -> str:
    if request.param == "rtl":
        site.app = request.getfixturevalue("hebrew")
    site.policy = None  # axe is put into the page as a text
    site.body = '<main><h1>Notes</h1><textarea id="note" aria-label="Note"></textarea></main>'
    given: str = request.param
    return given


def violations(page: Page, *, besides: tuple[str, ...] = ()) -> list[str]:
    """What axe finds on the whole page; its timers run on the page's clock."""
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(AXE)
    page.evaluate("() => { window.found = axe.run().then(({ violations }) => violations); }")
    page.clock.run_for(300)
    found = page.evaluate("() => window.found")
    return [
        f"{each['id']}: {[(node['html'], node.get('failureSummary')) for node in each['nodes']]}"
        for each in found
        if each["id"] not in besides
    ]


def check(site: Any, page: Page) -> None:
    page.evaluate("workosSession.check()")
    site.settle(page)


def expect_direction(page: Page, direction: str) -> None:
    ours = page.locator(".workos-session")
    assert ours.evaluate("node => getComputedStyle(node).direction") == direction
    assert ours.get_attribute("lang") == {"ltr": "en", "rtl": "he"}[direction]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("because", REASONS)
def test_the_notice(site: Any, direction: str, because: str, scheme: Any) -> None:
    site.impersonated = "ada@acme.test"
    page = site.show(290, because=because, max_in=3000)
    page.emulate_media(color_scheme=scheme)
    expect(page.locator(BANNER)).to_be_visible()
    expect_direction(page, direction)
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("because", REASONS)
def test_the_warning(site: Any, direction: str, because: str, scheme: Any) -> None:
    page = site.show(105, because=because)
    page.emulate_media(color_scheme=scheme)
    if because == "inactivity":
        page.locator("[data-workos-action=extend]:visible").click()
        site.settle(page)
    expect(page.locator(DIALOG)).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("shown", ["checking", "offline"])
def test_while_nobody_knows(site: Any, direction: str, shown: str) -> None:
    page = site.show(25)
    if shown == "checking":
        site.answer(25)
    site.run(page, 27)
    assert page.evaluate("workosSession.state") == shown
    expect(page.locator(DIALOG)).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    site.settle(page)
    expect(page.locator(BANNER)).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("reason", REASONS + NOT_KEPT)
def test_after_the_end(site: Any, direction: str, reason: str) -> None:
    page = site.show(1740)
    page.locator("#note").press_sequentially("An idea")
    site.end(reason)
    if reason == "user_changed":
        site.answer(1740, sub="grace")
    check(site, page)
    expect(page.locator(DIALOG)).to_be_visible()
    assert page.evaluate("workosSession.info.reason") == reason
    assert violations(page) == []


def test_after_the_end_when_it_was_closed(site: Any, direction: str) -> None:
    page = site.show(1740)
    site.end("inactivity")
    check(site, page)
    page.keyboard.press("Escape")
    site.settle(page)
    expect(page.locator(BANNER)).to_be_visible()
    # The page was taken away, and with it what it was about.
    assert violations(page, besides=("landmark-one-main", "page-has-heading-one")) == []


def test_signed_in_again_with_other_rights(site: Any, direction: str) -> None:
    page = site.show(1740)
    site.end("inactivity")
    check(site, page)
    site.answer(1740, access="a2")
    check(site, page)
    expect(page.locator("[data-workos-action=reload]:visible")).to_be_visible()
    assert violations(page) == []


def test_changed_rights(site: Any, direction: str) -> None:
    page = site.show(1740)
    site.answer(1740, access="a2")
    check(site, page)
    expect(page.locator(BANNER)).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/auth/signed-out?reason=inactivity", "/auth/signed-out"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_our_signed_out_page(site: Any, direction: str, path: str, scheme: Any) -> None:
    site.pages["/page"] = site.app.test_client().get(path).text
    page = site.show(1740)
    page.emulate_media(color_scheme=scheme)
    page.goto("/page")
    expect(page.locator("html")).to_have_attribute("dir", direction)
    assert violations(page) == []


def test_axe_would_find_something(site: Any, direction: str) -> None:
    """Or all of the above say nothing."""
    site.body = '<main><h1>Notes</h1><input id="note"></main>'
    page = site.show(1740)
    assert [each.partition(":")[0] for each in violations(page)] == ["label"]


def test_all_that_a_page_gets_of_us_can_be_translated(hebrew: Flask, site: Any) -> None:
    site.app = hebrew
    site.impersonated = "ada@acme.test"
    untranslated = [
        text
        for text in site.show(1740)
        .locator(".workos-session :is(p, span, button, a)")
        .all_text_contents()
        if text.strip() and not text.strip().startswith("שלום")
    ]
    assert untranslated == []


def test_the_corner_is_on_the_other_side(hebrew: Flask, site: Any) -> None:
    site.app = hebrew
    page = site.show(290)
    box = page.locator(BANNER).bounding_box()
    assert box is not None
    assert box["x"] < 100


def test_the_time_left_is_in_the_language_of_the_page(hebrew: Flask, site: Any) -> None:
    site.app = hebrew
    page = site.show(105)
    expect(page.locator(f"{DIALOG} b:visible")).to_have_text("שתי דקות")
