"""How it looks where people need it to look otherwise, and where an app wants it otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

BANNER, DIALOG = "[data-workos-banner]", "dialog"
CONTROLS = ".workos-session :is(button, a, textarea):visible"
#: Whether the first line of an element is what one sees where it is.
_HIT = """(part) => {
  const { x, y, width } = part.getBoundingClientRect();
  return part.contains(document.elementFromPoint(x + width / 2, y + 8));
}"""


def style(locator: Locator, name: str, pseudo: str = "") -> str:
    value: str = locator.evaluate(
        "(node, [name, pseudo]) => getComputedStyle(node, pseudo)[name]", [name, pseudo]
    )
    return value


def add_style(page: Page, rules: str) -> None:
    page.evaluate(
        "(rules) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rules);"
        " document.adoptedStyleSheets = [sheet]; }",
        rules,
    )


def box(locator: Locator) -> dict[str, float]:
    """Where it is when nothing moves any more."""
    locator.page.evaluate("document.getAnimations().forEach((each) => each.finish())")
    found = locator.bounding_box()
    assert found is not None
    return dict(found)


def check(site: Any, page: Page) -> Page:
    page.evaluate("workosSession.check()")
    site.settle(page)
    return page


def failed(site: Any) -> Page:
    page = site.show(105)
    page.locator("[data-workos-action=extend]:visible").click()
    site.settle(page)
    return page


def over(site: Any, reason: str) -> Page:
    page = site.show(1740)
    page.locator("#note").press_sequentially("An idea")
    site.end(reason)
    return check(site, page)


def changed(site: Any) -> Page:
    page = site.show(1740)
    site.answer(1740, access="a2")
    return check(site, page)


STATES: dict[str, Callable[[Any], Page]] = {
    "notice": lambda site: site.show(290),
    "notice of the maximum": lambda site: site.show(590, because="max_length"),
    "changed": changed,
    "warning": lambda site: site.show(105),
    "warning of the maximum": lambda site: site.show(105, because="max_length"),
    "failed": failed,
    "ended, kept": lambda site: over(site, "inactivity"),
    "ended, with what was typed": lambda site: over(site, "revoked"),
}
every_state = pytest.mark.parametrize("show", STATES.values(), ids=STATES)


def test_targets_are_large_where_an_app_makes_its_letters_small(site: Any) -> None:
    page = site.show(105)
    add_style(page, ":root { font-size: 62.5%; }")
    assert min(box(each)["height"] for each in page.locator(CONTROLS).all()) >= 44


def test_nothing_of_it_is_printed(site: Any) -> None:
    for left in (290, 105):
        page = site.show(left)
        page.emulate_media(media="print")
        assert page.locator(".workos-session :visible").count() == 0
        expect(page.locator("#note")).to_be_visible()


def test_nothing_moves_for_people_who_want_no_motion(site: Any) -> None:
    page = site.show(105)
    for motion, name in (("reduce", "none"), ("no-preference", "workos-session-in")):
        page.emulate_media(reduced_motion=motion)
        assert style(page.locator(DIALOG), "animationName") == name
        assert style(page.locator(BANNER), "animationName") == name


@every_state
@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_its_window_and_its_targets_are_large(
    site: Any, show: Callable[[Any], Page], width: int
) -> None:
    """WCAG 2.2: 1.4.10 Reflow, 2.5.5 Target Size (Enhanced)."""
    site.impersonated = "ada.lovelace.of.the.analytical.engine@acme.test"
    page = show(site)
    page.set_viewport_size({"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for card in page.locator(".workos-session-card:visible").all():
        at = box(card)
        assert 0 <= at["x"] <= at["x"] + at["width"] <= width
        assert 0 <= at["y"] <= at["y"] + at["height"] <= 700
        assert card.evaluate("card => card.scrollWidth <= card.clientWidth")
    targets = [box(each) for each in page.locator(CONTROLS).all()]
    assert targets
    assert min(min(each["height"], each["width"]) for each in targets) >= 44


@every_state
@pytest.mark.parametrize("size", ["100%", "150%"])
def test_at_four_hundred_per_cent_everything_is_reached_by_scrolling_inside(
    site: Any, show: Callable[[Any], Page], size: str
) -> None:
    """WCAG 2.2: 1.4.10 Reflow, 1.4.4 Resize Text. 1280 by 1024 pixels are 320 by 256 then."""
    site.impersonated = "ada.lovelace.of.the.analytical.engine@acme.test"
    page = show(site)
    page.set_viewport_size({"width": 320, "height": 256})
    add_style(page, f":root {{ font-size: {size}; }}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for card in page.locator(".workos-session-card:visible").all():
        at = box(card)
        assert 0 <= at["y"] <= at["y"] + at["height"] <= 256
    inside = DIALOG if page.locator(DIALOG).is_visible() else ".workos-session-corner"
    parts = page.locator(f"{inside} :is(h2, p, button, a):visible:not([data-workos-live])").all()
    assert len(parts) >= 3
    for part in parts:
        part.evaluate("part => part.scrollIntoView({ block: 'nearest' })")
        assert part.evaluate(_HIT), part.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_edges_and_its_focus_stand_out(site: Any, scheme: Any) -> None:
    """WCAG 2.2: 1.4.11 Non-text Contrast; axe-core looks at the text."""
    page = site.show(105)
    page.emulate_media(color_scheme=scheme)
    page.keyboard.press("Tab")
    button = page.get_by_role("button", name="Stay signed in")
    expect(button).to_be_focused()
    assert (style(button, "outlineStyle"), style(button, "outlineWidth")) == ("solid", "3px")
    ground = style(page.locator(DIALOG), "backgroundColor")
    assert contrast(style(button, "outlineColor"), ground) >= 3
    assert contrast(style(button, "backgroundColor"), ground) >= 3
    assert contrast(style(button, "color"), style(button, "backgroundColor")) >= 4.5
    assert contrast(style(page.locator(DIALOG), "color"), ground) >= 7


def test_it_is_dark_where_people_want_dark(site: Any) -> None:
    page = site.show(105)
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        grounds.append(_luminance(style(page.locator(DIALOG), "backgroundColor")))
    assert grounds[0] > 0.9
    assert grounds[1] < 0.05


def test_forced_colors_show_its_edge_and_its_main_button(site: Any) -> None:
    page = site.show(105)
    page.emulate_media(forced_colors="active")
    assert style(page.locator(DIALOG), "borderTopStyle") == "solid"
    main = page.get_by_role("button", name="Stay signed in")
    other = page.locator(DIALOG).get_by_role("button", name="Sign out")
    assert style(main, "borderTopWidth") == "3px"
    assert style(other, "borderTopWidth") == "1px"


def test_the_dialog_is_in_sight_on_a_page_that_is_scrolled(site: Any) -> None:
    site.body = f'<textarea id="note"></textarea>{"<p>A line</p>" * 200}'
    page = site.show(130)
    page.evaluate("scrollTo(0, 4000)")
    site.answer(130)
    site.run(page, 12)
    expect(page.locator(DIALOG)).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 4000, "and the page is where it was"


def test_what_gets_the_focus_scrolls_clear_of_the_banner(site: Any) -> None:
    """WCAG 2.2: 2.4.11 Focus Not Obscured."""
    site.body = f'{"<br>" * 60}<input id="low">{"<br>" * 60}'
    page = site.show(290)
    page.set_viewport_size({"width": 480, "height": 600})
    # As little as a browser may scroll for what gets the focus.
    page.locator("#low").evaluate("field => field.scrollIntoView({ block: 'nearest' })")
    field, over = box(page.locator("#low")), box(page.locator(BANNER))
    assert field["y"] + field["height"] <= over["y"]


def test_a_click_beside_the_cards_reaches_the_page(site: Any) -> None:
    site.impersonated = "ada@acme.test"
    site.body = (
        '<main><button id="own">Own</button></main>'
        "<p>The corner is as wide as its cards, and has room around them.</p>"
    )
    page = site.show(290)
    add_style(page, "#own { position: fixed; inset: 0; width: 100%; }")
    for at in (box(page.locator(BANNER)), box(page.get_by_role("region", name="Impersonation"))):
        hit = page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).id", [at["x"] + 50, at["y"] - 3]
        )
        assert hit == "own"


@pytest.mark.parametrize("name", ["notice", "notice of the maximum", "changed"])
def test_a_sentence_that_stands_alone_has_no_gap_above_it(site: Any, name: str) -> None:
    page = STATES[name](site)
    sentence = page.locator(f"{BANNER} p:visible").first
    assert round(box(sentence)["y"] - box(page.locator(BANNER))["y"]) == 19


VARIABLES = {
    "background": ("backgroundColor", DIALOG),
    "text": ("color", DIALOG),
    "border": ("borderTopColor", DIALOG),
    "accent": ("backgroundColor", ".workos-session-main:visible"),
    "accent-text": ("color", ".workos-session-main:visible"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VARIABLES)
def test_an_app_sets_its_own_colors(site: Any, name: str, scheme: Any) -> None:
    page = site.show(105)
    page.emulate_media(color_scheme=scheme)
    add_style(page, f":root {{ --workos-{name}: rgb(1, 2, 3); }}")
    what, where = VARIABLES[name]
    assert style(page.locator(where).first, what) == "rgb(1, 2, 3)"


def test_an_app_sets_its_own_font_corners_and_place_in_the_stack(site: Any) -> None:
    page = site.show(290)
    add_style(page, ":root { --workos-font: monospace; --workos-radius: 3px; --workos-z: 7; }")
    assert style(page.locator(BANNER), "fontFamily") == "monospace"
    assert style(page.locator(BANNER), "borderTopLeftRadius") == "3px"
    assert style(page.locator(".workos-session-corner"), "zIndex") == "7"


def test_the_styles_of_an_app_for_its_elements_do_not_change_ours(site: Any) -> None:
    page = site.show(105)
    main = page.get_by_role("button", name="Stay signed in")
    sheet = (
        "button { padding: 50px; color: red; background: red; font-size: 9px }"
        " h2 { font-size: 90px } p { margin: 80px; color: red } dialog { width: 100% }"
    )
    before = [style(main, "padding"), box(page.locator(DIALOG))]
    add_style(page, sheet)
    assert [style(main, "padding"), box(page.locator(DIALOG))] == before


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    """Of ``rgb(r, g, b)``, as WCAG defines it."""
    parts = [int(each) / 255 for each in color.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
