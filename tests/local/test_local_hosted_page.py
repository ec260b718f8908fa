"""The hosted page in a real browser: without scripts, narrow, dark, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

pytestmark = pytest.mark.browser

SETTINGS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1000, "height": 900}},
    "dark": {"viewport": {"width": 1000, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 640}, "has_touch": True},
}

# The least contrast of any text on the page with what lies behind it (WCAG 2.2, 1.4.3).
CONTRAST = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = channels(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let least = 21;
  while (walker.nextNode()) {
    if (!walker.currentNode.data.trim()) continue;
    const parent = walker.currentNode.parentElement;
    const pair = [light(channels(getComputedStyle(parent).color)), light(behind(parent))];
    least = Math.min(least, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05));
  }
  return least;
}"""


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(params=SETTINGS)
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in which no script of the site runs."""
    context = chromium.new_context(java_script_enabled=False, **SETTINGS[request.param])
    yield context.new_page()
    context.close()


@pytest.fixture
def arrival(workos):
    """A redirect URI at which something answers."""
    workos.allow_redirect_uri(f"{workos.url}/")
    return f"{workos.url}/"


def test_a_click_on_a_person_signs_in(page, application, arrival):
    page.goto(application.authorize_url(redirect_uri=arrival))

    page.get_by_role("button", name="Continue as Alice Admin", exact=True).click()

    page.wait_for_url("**/?code=*&state=the-state")


def test_typing_an_address_and_enter_signs_in(page, application, arrival):
    page.goto(application.authorize_url(redirect_uri=arrival))

    page.get_by_label("Email address").fill("dave@example.test")
    with page.expect_navigation(url="**/?code=*"):
        page.keyboard.press("Enter")


def test_an_unknown_address_is_explained_at_the_field_and_can_sign_up(page, application, arrival):
    page.goto(application.authorize_url(redirect_uri=arrival))
    page.get_by_label("Email address").fill("erin@new.test")
    page.get_by_role("button", name="Continue", exact=True).click()

    field = page.get_by_label("Email address")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.input_value() == "erin@new.test"
    explained = field.get_attribute("aria-describedby")
    assert "no account" in page.locator(f"#{explained}").inner_text()

    page.get_by_role("button", name="Sign up").click()
    page.get_by_label("First name").fill("Erin")
    page.get_by_label("Email address").fill("erin@new.test")
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/?code=*")


def test_cancel_goes_back(page, application, arrival):
    page.goto(application.authorize_url(redirect_uri=arrival))

    page.get_by_role("button", name="Cancel").click()

    page.wait_for_url("**/?error=access_denied*")


@pytest.mark.parametrize("changes", [{}, {"screen_hint": "sign-up"}, {"client_id": "other"}])
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_text_is_readable_and_nothing_is_cut_off(chromium, application, setting, changes):
    context = chromium.new_context(**SETTINGS[setting])
    page = context.new_page()
    faults: list[str] = []
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.goto(application.authorize_url(**changes))

    assert page.evaluate(CONTRAST) >= 4.5
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.locator("button, input").evaluate_all(
        "every => every.map(each => each.getBoundingClientRect().height)"
    )
    assert all(height >= 44 for height in heights)
    assert page.locator("h1").count() == 1
    assert faults == []
    context.close()
