"""Makes the pictures of the documentation: ``python docs/pictures.py``.

They show the sample app, signed in at a LocalWorkOS whose clock is moved to the warning, and the
gallery, in Chromium. Needs the packages of the dependency group "test", and Chromium.
"""

from __future__ import annotations

import logging
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from examples import gallery, team_app  # noqa: E402 - found by the line above
from examples.demo import sample_app  # noqa: E402
from flask_workos_sessions import WorkOSSessions  # noqa: E402
from flask_workos_sessions.local import LocalWorkOS, MovableClock  # noqa: E402

IMAGES = ROOT / "docs" / "images"
#: Seconds: how long somebody may be away, and what is left of it in the picture.
INACTIVITY, LEFT = 1800, 105
#: How the pictures of the gallery are taken.
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 640, "height": 420}},
    "dark": {"viewport": {"width": 640, "height": 420}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 480}},
}
#: A picture's name, the frame of the gallery, and what is to be there.
FRAMES = {
    "banner": ("notice-inactivity", "[data-workos-banner]"),
    "dialog": ("warning-inactivity", "dialog[open]"),
    "ended": ("ended-inactivity", "dialog[open]"),
    "typed": ("ended-revoked", "dialog[open]"),
    "changed": ("changed", "[data-workos-banner]"),
    "impersonation": ("impersonation", "section[aria-label=Impersonation]"),
}


def main() -> None:
    """Make every picture."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        _warning(browser)
        _states(browser)
        browser.close()


def _warning(browser: Browser) -> None:
    """Somebody is writing when the warning comes."""
    clock = MovableClock()
    team_app.sessions = WorkOSSessions(clock=clock)
    with (
        LocalWorkOS(clock=clock, inactivity_timeout=INACTIVITY) as workos,
        _served(lambda url: sample_app(workos, url, notice=300, warn=120)) as url,
    ):
        context = browser.new_context(
            viewport={"width": 1120, "height": 740}, device_scale_factor=2
        )
        page = context.new_page()
        page.clock.install()
        page.goto(f"{url}/notes")
        page.get_by_role("button", name="Alice Admin").click()
        page.wait_for_url("**/notes")
        page.get_by_label("Question").fill("Do we open the second office in spring?")
        page.get_by_label("What speaks for it, what against?").press_sequentially(
            "For: three of us commute two hours a day. The lease would begin in April, and"
        )
        clock.advance(INACTIVITY - LEFT)
        page.clock.fast_forward((INACTIVITY - LEFT) * 1000)
        page.get_by_role("dialog").wait_for()
        _take(page, "warning")
        context.close()


def _states(browser: Browser) -> None:
    """The states of the gallery, one by one."""
    with _served(lambda url: gallery.create_app()) as url:
        for view, options in VIEWS.items():
            context = browser.new_context(device_scale_factor=2, **options)
            page = context.new_page()
            for name, (frame, wanted) in FRAMES.items():
                page.goto(f"{url}/{frame}/")
                page.locator(wanted).wait_for()
                _take(page, f"{name}-{view}")
            context.close()


def _take(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.evaluate("document.getAnimations().forEach((each) => each.finish())")
    page.screenshot(path=IMAGES / f"{name}.png")


@contextmanager
def _served(make: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, Flask("not yet"), threaded=True)
    url = f"http://127.0.0.1:{server.port}"
    server.app = make(url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield url
    finally:
        server.shutdown()


if __name__ == "__main__":
    main()
