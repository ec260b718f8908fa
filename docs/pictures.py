"""Makes the pictures of the documentation: ``python docs/pictures.py``.

They show the sample app in Chromium, signed in at a LocalWorkOS whose clocks bring the warning
at once. Needs the packages of the dependency group "test", and Chromium.
"""

from __future__ import annotations

import shutil
import socket
import sys
import threading
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from examples.demo import sample_app  # noqa: E402 - found by the line above
from flask_workos_sessions.local import LocalWorkOS  # noqa: E402

IMAGES = ROOT / "docs" / "images"
#: Seconds: a session that lasts 1:50 without a refresh is told to last 1:45.
INACTIVITY, WARN = 110, 120
VIEWPORT = {"width": 1120, "height": 740}


def main() -> None:
    """Make every picture."""
    IMAGES.mkdir(exist_ok=True)
    with (
        LocalWorkOS(access_token_seconds=100, inactivity_timeout=INACTIVITY) as workos,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        host, port = listening.getsockname()
        url = f"http://{host}:{port}"
        app = sample_app(workos, url, warn=WARN)
        server = make_server(host, port, app, threaded=True, fd=listening.fileno())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            _take(url)
        finally:
            server.shutdown()


def _take(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        context = browser.new_context(viewport=VIEWPORT, device_scale_factor=2)
        page = context.new_page()
        page.goto(f"{url}/notes")
        page.get_by_role("button", name="Alice Admin").click()
        page.wait_for_url("**/notes")
        _warning(page)
        browser.close()


def _warning(page: Page) -> None:
    """Somebody is writing when the warning comes."""
    page.get_by_label("Question").fill("Do we open the second office in spring?")
    page.get_by_label("What speaks for it, what against?").press_sequentially(
        "For: three of us commute two hours a day. The lease would begin in April, and"
    )
    warning = page.get_by_role("region", name="Your sign-in")
    warning.get_by_text("signed out").wait_for()
    page.wait_for_timeout(400)  # until it has come in
    page.screenshot(path=IMAGES / "warning.png")


if __name__ == "__main__":
    main()
