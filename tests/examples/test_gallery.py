"""The gallery: every frame comes into its state, in Chromium, with the real script."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from examples.gallery import create_app
from examples.gallery import page_config as gallery_config
from examples.gallery.states import PAGES, STATES, State
from flask_workos_sessions import WorkOSSessions, login_required
from flask_workos_sessions.testing import login_as, settings

#: What Chromium itself notes about an answer that is no success.
_ANSWER = "Failed to load resource: the server responded with a status of"


@pytest.fixture(scope="module")
def gallery() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def console() -> list[str]:
    return []


@pytest.fixture(scope="module")
def page(chromium: Browser, gallery: str, console: list[str]) -> Iterator[Page]:
    """The gallery with all of its frames."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.on("pageerror", lambda error: console.append(str(error)))
    page.on("console", lambda line: line.text.startswith(_ANSWER) or console.append(line.text))
    page.goto(gallery)
    yield page
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_frame_comes_into_its_state(page: Page, console: list[str], state: State) -> None:
    frame = page.frame_locator(f"iframe[name={state.name}]")
    expect(frame.locator("html")).to_have_attribute(
        "data-workos-session", state.becomes, timeout=15_000
    )
    if state.name == "resumed":
        expect(frame.get_by_label("And here they write")).to_have_value(state.says, timeout=15_000)
        expect(frame.get_by_role("dialog")).to_be_hidden()
    else:
        said = frame.get_by_text(state.says).filter(visible=True)
        expect(said.first).to_be_visible(timeout=15_000)
    in_dialog = state.caption.startswith("Dialog")
    expect(frame.get_by_role("dialog")).to_be_visible(visible=in_dialog)
    assert console == []


@pytest.mark.browser
@pytest.mark.parametrize(("caption", "query", "says"), PAGES, ids=lambda each: str(each))
def test_our_pages_are_there_too(
    page: Page, console: list[str], caption: str, query: str, says: str
) -> None:
    frame = page.frame_locator(f'iframe[title="{caption}"]')
    expect(frame.locator("body")).to_contain_text(says)
    assert console == []


@pytest.mark.browser
@pytest.mark.parametrize("name", ["warning-inactivity", "notice-inactivity"])
def test_on_a_page_that_is_scrolled_it_is_in_sight(
    chromium: Browser, gallery: str, name: str
) -> None:
    page = chromium.new_page(viewport={"width": 700, "height": 480})
    page.add_init_script(
        """document.addEventListener("DOMContentLoaded", () => {
            document.body.style.paddingBottom = "3000px";
            scrollTo(0, 1500);
        })"""
    )
    page.goto(f"{gallery}/{name}/")
    button = page.get_by_role("button", name="Stay signed in")
    expect(button).to_be_in_viewport()
    assert page.evaluate("scrollY") == 1500
    page.close()


@pytest.fixture(scope="module")
def alone(chromium: Browser, gallery: str) -> Iterator[Callable[[State], Page]]:
    """Opens a frame by itself, on a phone, when it has come into its state."""
    context = chromium.new_context(viewport={"width": 320, "height": 560}, base_url=gallery)
    page = context.new_page()

    def open_alone(state: State) -> Page:
        page.goto(f"/{state.name}/")
        if state.name == "resumed":
            return page
        expect(page.get_by_text(state.says).filter(visible=True).first).to_be_visible(
            timeout=15_000
        )
        return page

    yield open_alone
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_every_target_is_large_and_nothing_is_cut_off_on_a_phone(
    alone: Callable[[State], Page], state: State
) -> None:
    """WCAG 2.5.8 asks for 24 pixels, 2.5.5 for 44; 1.4.10 for 320 without a sideways scroll."""
    page = alone(state)
    targets = page.locator(".workos-session").locator("a, button").filter(visible=True)
    for box in (each.bounding_box() for each in targets.all()):
        assert box is not None
        # A layout in floating point: 43.99997 is what 44 measures now and then.
        assert round(box["height"], 3) >= 44
        assert round(box["width"], 3) >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.browser
@pytest.mark.parametrize(
    "state",
    # Nobody can type in front of an open dialog, as the gallery pretends in "dirty".
    [each for each in STATES if each.name not in ("resumed", "warning-dirty")],
    ids=lambda state: state.name,
)
def test_what_shows_is_spoken(alone: Callable[[State], Page], state: State) -> None:
    """WCAG 4.1.3: by a live region in the place that shows; behind a dialog none is heard."""
    page = alone(state)
    if state.impersonated:
        return  # it is there from the beginning, as the rest of the page is
    inside = "dialog [role=status]"
    beside = "[role=status]:not(dialog *)"
    live = page.locator(inside if state.caption.startswith("Dialog") else beside)
    # What is checked has no sentence of its own: the heading has the focus, and is read.
    expect(live).to_contain_text("" if state.name == "checking" else state.says)


@pytest.mark.browser
def test_what_has_the_focus_is_not_behind_the_banner(alone: Callable[[State], Page]) -> None:
    """WCAG 2.4.11."""
    page = alone(next(each for each in STATES if each.name == "notice-inactivity"))
    page.evaluate(
        """() => {
            for (let number = 0; number < 40; number++) {
                const field = document.createElement("input");
                field.style.display = "block";
                document.querySelector("form").append(field);
            }
            document.querySelector("#text").focus();
        }"""
    )
    for _ in range(30):
        page.keyboard.press("Tab")
        page.wait_for_timeout(150)  # scrolling takes a frame
        assert page.evaluate(
            """() => {
                const banner = document.querySelector("[data-workos-banner]");
                const focused = document.activeElement.getBoundingClientRect();
                return focused.bottom <= banner.getBoundingClientRect().top;
            }"""
        )


def test_a_frame_is_told_what_a_page_is_told() -> None:
    """A key that a page has and a frame lacks would show another script than the real one's."""
    app = Flask("real")
    app.config.update(settings())
    WorkOSSessions(app)
    app.add_url_rule("/", "home", login_required(lambda: "<body></body>"))
    client = app.test_client()
    login_as(client)
    page = client.get("/", headers={"Sec-Fetch-Mode": "navigate"}).text
    block = re.search(r'<script type="application/json">(.*?)</script>', page)
    assert block is not None
    real = json.loads(block[1])
    with create_app().test_request_context():
        shown = gallery_config(STATES[0])
    assert shown.keys() == real.keys()
    assert shown["state"].keys() == real["state"].keys()
    assert shown["urls"].keys() == real["urls"].keys()


def test_a_style_sheet_and_templates_of_ones_own_are_used(tmp_path: Path) -> None:
    (tmp_path / "my.css").write_text(":root { --workos-accent: #a3231a }")
    ours = tmp_path / "workos_sessions"
    ours.mkdir()
    (ours / "_banner.html").write_text("<p data-workos-banner>My own banner</p>")
    client = create_app(style=tmp_path / "my.css", templates=tmp_path).test_client()
    frame = client.get("/notice-inactivity/").text
    assert "My own banner" in frame
    assert 'href="/style.css"' in frame
    assert "#a3231a" in client.get("/style.css").text


def test_a_name_that_is_not_there_is_not_found() -> None:
    client = create_app().test_client()
    assert {client.get(path).status_code for path in ("/nothing/", "/style.css")} == {404}
