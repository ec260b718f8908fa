"""The sample app in Chromium, signed in at a LocalWorkOS."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from examples.demo import sample_app
from flask_workos_sessions.local import LocalWorkOS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def workos() -> Iterator[LocalWorkOS]:
    with LocalWorkOS(inactivity_timeout=600) as local:
        yield local


@pytest.fixture(scope="module")
def harbour(workos: LocalWorkOS) -> Iterator[str]:
    """The address of the running app."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host, port = listening.getsockname()
        url = f"http://{host}:{port}"
        app = sample_app(workos, url)
        server = make_server(host, port, app, threaded=True, fd=listening.fileno())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield url
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, harbour: str) -> Iterator[Callable[[], Page]]:
    """Opens the board in a browser of its own."""
    contexts = []

    def open_board() -> Page:
        contexts.append(chromium.new_context(base_url=harbour))
        page = contexts[-1].new_page()
        page.goto("/notes")
        return page

    yield open_board
    for context in contexts:
        context.close()


@pytest.fixture
def page(visit: Callable[[], Page]) -> Page:
    """A page of somebody who has signed in as Alice."""
    page = visit()
    sign_in(page, "Alice Admin")
    return page


def sign_in(page: Page, name: str) -> None:
    """Choose a person on the hosted page."""
    page.get_by_role("button", name=name).click()
    page.wait_for_url("**/notes")


def test_searching_replaces_the_list_while_somebody_types(page: Page) -> None:
    expect(page.locator("#notes article")).not_to_have_count(1)
    page.get_by_role("searchbox", name="Search the board").press_sequentially("invoicing")
    expect(page.locator("#notes article")).to_have_count(1)
    expect(page.locator("#notes")).to_contain_text("Which invoicing tool")


def test_the_organization_is_switched(visit: Callable[[], Page]) -> None:
    carol = visit()
    carol.get_by_role("button", name="Carol Consultant").click()
    carol.get_by_text("Acme").click()
    carol.wait_for_url("**/notes")
    expect(carol.get_by_role("link", name="Admin")).to_be_hidden()
    carol.get_by_role("link", name="Account").click()
    carol.get_by_label("Go on in").select_option(label="Globex")
    carol.get_by_role("button", name="Switch").click()
    expect(carol.get_by_role("link", name="Admin")).to_be_visible()
    expect(carol.locator("dl").first).to_contain_text("Globex")
