"""How the warning looks where people need it to look otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

BAR = ".workos-session-bar"
STATE = {
    "v": 1,
    "state": "active",
    "expires_in": 105,
    "because": "inactivity",
    "extendable": True,
    "ver": 1,
    "rev": "r",
    "sub": "ada",
    "changed": False,
}


def _open(site: Any, **media: Any) -> tuple[Page, Locator]:
    page = site.open(STATE)
    page.emulate_media(**media)
    return page, page.locator(BAR)


def _style(locator: Locator, name: str) -> str:
    value: str = locator.evaluate("(node, name) => getComputedStyle(node)[name]", name)
    return value


def test_it_is_not_printed(site: Any) -> None:
    _, bar = _open(site, media="print")
    expect(bar).to_be_hidden()


def test_it_does_not_move_for_people_who_want_no_motion(site: Any) -> None:
    page, bar = _open(site, reduced_motion="reduce")
    assert _style(bar, "animationName") == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert _style(bar, "animationName") == "workos-session-in"


@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_its_window_and_its_targets_are_large(site: Any, width: int) -> None:
    """WCAG 2.2: 1.4.10 Reflow, 2.5.5 Target Size (Enhanced)."""
    page, bar = _open(site)
    page.set_viewport_size({"width": width, "height": 400})
    box = bar.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 400
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in bar.get_by_role("button").all():
        target = button.bounding_box()
        assert target is not None
        assert target["height"] >= 44


def test_it_scrolls_in_itself_when_the_text_is_very_large(site: Any) -> None:
    page, bar = _open(site)
    page.set_viewport_size({"width": 320, "height": 256})
    _add_style(page, ":root { font-size: 250%; }")
    box = bar.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.get_by_role("button", name="Sign out").scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_text_stands_out(site: Any, scheme: str) -> None:
    """WCAG 2.2: 1.4.3 Contrast (Minimum)."""
    _, bar = _open(site, color_scheme=scheme)
    main = bar.get_by_role("button", name="Stay signed in")
    for part, ground in ((bar, bar), (main, main), (bar, bar.get_by_text("Sign out"))):
        text, behind = _style(part, "color"), _style(ground, "backgroundColor")
        if behind == "rgba(0, 0, 0, 0)":
            behind = _style(bar, "backgroundColor")
        assert _contrast(text, behind) >= 4.5
    other = {"light": "dark", "dark": "light"}[scheme]
    before = _style(bar, "backgroundColor")
    bar.page.emulate_media(color_scheme=other)
    assert _style(bar, "backgroundColor") != before


def test_forced_colors_show_its_edge_and_its_main_button(site: Any) -> None:
    _, bar = _open(site, forced_colors="active")
    assert _style(bar, "borderTopWidth") == "1px"
    assert _style(bar.get_by_role("button", name="Stay signed in"), "borderTopWidth") == "3px"


def test_the_focus_is_seen(site: Any) -> None:
    page, bar = _open(site)
    page.locator("#note").focus()
    page.keyboard.press("Tab")
    stay = bar.get_by_role("button", name="Stay signed in")
    expect(stay).to_be_focused()
    assert _style(stay, "outlineStyle") == "solid"
    assert _style(stay, "outlineWidth") == "3px"


def test_what_gets_the_focus_scrolls_clear_of_it(site: Any) -> None:
    """WCAG 2.2: 2.4.11 Focus Not Obscured."""
    site.body = f'{"<br>" * 60}<input id="low">{"<br>" * 60}'
    page, bar = _open(site)
    page.set_viewport_size({"width": 480, "height": 600})
    # As little as a browser may scroll for what gets the focus.
    page.locator("#low").evaluate("field => field.scrollIntoView({ block: 'nearest' })")
    field, over = page.locator("#low").bounding_box(), bar.bounding_box()
    assert field is not None
    assert over is not None
    assert field["y"] + field["height"] <= over["y"]


def test_an_app_sets_its_own_colors(site: Any) -> None:
    page, bar = _open(site)
    _add_style(page, ":root { --workos-background: rgb(1, 2, 3); }")
    assert _style(bar, "backgroundColor") == "rgb(1, 2, 3)"


def _add_style(page: Page, rules: str) -> None:
    page.evaluate(
        "(rules) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rules);"
        " document.adoptedStyleSheets = [sheet]; }",
        rules,
    )


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    """Of ``rgb(r, g, b)``, as WCAG defines it."""
    parts = [int(each) / 255 for each in color.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
