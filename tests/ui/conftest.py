"""A browser, and a page with our script whose server answers as a test says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from flask_workos_sessions.ui import assets
from flask_workos_sessions.ui.injection import snippet

ORIGIN = "http://harbour.test"
STATUS, EXTEND = "/auth/session", "/auth/session/extend"
#: Nothing but what the script may need (no inline script or style, no strings as markup).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)


#: In place of the JSON: the answer is for the test to give, later.
HOLD = "hold"


class Site:
    """A page of an app and the server behind it.

    ``answers`` maps a path to ``(status code, JSON or None for no answer at all)``; ``asked`` is
    what came, as ``"POST /auth/session/extend"``, ``held`` what has no answer yet.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.answers: dict[str, tuple[int, Any]] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.held: list[Route] = []
        self.body = '<h1>Notes</h1><textarea id="note"></textarea>'
        self.config: dict[str, Any] = {
            "status_url": STATUS,
            "extend_url": EXTEND,
            "sign_in_url": "/auth/login?return_to=/notes",
            "sign_out_url": "/auth/logout",
            "warn": 120,
            "state": None,
        }
        self.faults: list[str] = []
        context.route("**/*", self._answer)

    def open(self, state: dict[str, Any] | None, **config: Any) -> Page:
        """The page, with its clocks stopped: only :meth:`run` moves them."""
        self.config |= {"state": state} | config
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda line: line.type == "error" and self.faults.append(line.text))
        page.add_init_script(_SETTLED)
        page.clock.install(time=1_800_000_000)
        page.clock.pause_at(1_800_000_001)
        page.goto(f"{ORIGIN}/notes")
        self.settle(page)
        return page

    def run(self, page: Page, seconds: int) -> None:
        """Let the page's clocks run, timers and all, and the answers arrive that it asks for."""
        for _ in range(seconds):
            page.clock.run_for(1000)
            self.settle(page)

    def settle(self, page: Page) -> None:
        """Let what the page has asked for arrive, while its clocks stand still."""
        page.evaluate("() => window.settled()")

    def count(self, what: str) -> int:
        return self.asked.count(what)

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        asset = assets.find_asset(path.rpartition("/")[2])
        if asset is not None:
            route.fulfill(body=asset.body, content_type=f"{asset.mimetype}; charset=utf-8")
        elif path == "/notes":
            route.fulfill(
                body=self.document(),
                content_type="text/html; charset=utf-8",
                headers={"Content-Security-Policy": POLICY},
            )
        elif path in (STATUS, EXTEND):
            self.asked.append(f"{route.request.method} {path}")
            code, answer = self.answers.get(path, (0, None))
            if answer is HOLD:
                self.held.append(route)
            elif answer is None:
                route.abort()
            else:
                route.fulfill(
                    status=code,
                    body=json.dumps(answer) if not isinstance(answer, str) else answer,
                    content_type="application/json",
                    headers=self.headers,
                )
        else:
            self.asked.append(f"{route.request.method} {path}")
            route.fulfill(body="<title>Elsewhere</title>", content_type="text/html")

    def document(self) -> str:
        ours = snippet(
            self.config,
            script_url=f"/auth/static/{assets.asset_name('session.js')}",
            style_url=f"/auth/static/{assets.asset_name('session.css')}",
        )
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Notes</title>'
            '<link rel="icon" href="data:,">'
            f"<body>{self.body}{ours}</body></html>"
        )


#: Tells when no answer is awaited any more. A turn of the event loop is a message to oneself:
#: the page's timers are the test's.
_SETTLED = """
const pending = new Set();
const sent = window.fetch;
window.fetch = (...parts) => {
  const answer = sent(...parts).then((response) => {
    const read = response.json.bind(response);
    response.json = () => {
      const body = read();
      pending.add(body);
      body.catch(() => 0).finally(() => pending.delete(body));
      return body;
    };
    return response;
  });
  pending.add(answer);
  answer.catch(() => 0).finally(() => pending.delete(answer));
  return answer;
};
const turn = () => new Promise((go) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = go;
  port2.postMessage(0);
});
window.settled = async () => {
  do {
    await Promise.allSettled([...pending]);
    await turn();
  } while (pending.size);
};
"""


# Of a module, not of the session: while Playwright runs there is an event loop in this thread,
# in which neither async views nor another Playwright would run.
@pytest.fixture(scope="module")
def ui_chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def site(ui_chromium: Browser) -> Iterator[Site]:
    context = ui_chromium.new_context(base_url=ORIGIN)
    context.set_default_timeout(5000)
    site = Site(context)
    yield site
    context.close()
