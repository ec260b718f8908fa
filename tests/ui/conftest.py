"""A browser, and a page with our script whose server answers as a test says."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.testing import settings
from flask_workos_sessions.ui import assets
from flask_workos_sessions.ui.markup import render_markup

ORIGIN = "http://harbour.test"
STATUS, EXTEND = "/auth/session", "/auth/session/extend"
SIGN_OUT, SIGNED_OUT = "/auth/logout", "/auth/signed-out"
#: Nothing but what the script may need (no inline script or style, no strings as markup).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)


#: In place of the JSON: the answer is for the test to give, later.
HOLD = "hold"
Answer = tuple[int, Any]


def status(expires_in: int | None, **more: Any) -> dict[str, Any]:
    """A live session that ends by inactivity, or with ``because="max_length"``."""
    by_length = more.get("because") == "max_length"
    return {
        "v": 1,
        "state": "active",
        "expires_in": expires_in,
        "because": "inactivity",
        "extendable": not by_length,
        "idle_in": 1700 if by_length else expires_in,
        "max_in": expires_in if by_length else 28_000,
        "ver": 1,
        "rev": "r",
        "sub": "ada",
        "sid": "s1",
        "access": "a1",
        "changed": False,
    } | more


def ended(reason: str | None) -> Answer:
    return 401, {"v": 1, "state": "ended", "reason": reason, "login_url": "/auth/login"}


class Site:
    """A page of an app and the server behind it.

    ``answers`` maps a path to ``(status code, JSON or None for no answer at all)``, or to what
    gives that; ``asked`` is what came, as ``"POST /auth/session/extend"``, ``held`` what has no
    answer yet.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.answers: dict[str, Answer | Callable[[], Answer]] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.held: list[Route] = []
        self.body = '<h1>Notes</h1><textarea id="note"></textarea>'
        #: Pages beside the one of the app.
        self.pages: dict[str, str] = {}
        self.policy: str | None = POLICY
        #: The app whose templates and translations make our markup.
        self.app = _app()
        #: What ``Math.random`` gives on the page.
        self.chance: float | None = None
        #: Seconds for which :meth:`run` has let the clocks run.
        self.elapsed = 0
        self.config: dict[str, Any] = {
            "urls": {
                "status": STATUS,
                "extend": EXTEND,
                "sign_out": SIGN_OUT,
                "ended": SIGNED_OUT,
            },
            "show": True,
            "warn": 120,
            "notice": 300,
            "poll": 30,
            "idle": 1800,
            "input": True,
            "leave": False,
            "title": True,
            "channel": "harbour",
            "csrf": None,
            "state": None,
        }
        #: The address of the person whom somebody acts for.
        self.impersonated: str | None = None
        self.faults: list[str] = []
        context.route("**/*", self._answer)

    status = staticmethod(status)

    def show(
        self, expires_in: int | None, *, config: dict[str, Any] | None = None, **state: Any
    ) -> Page:
        """The page of somebody whose session lasts for so many seconds."""
        return self.open(status(expires_in, **state), **(config or {}))

    def answer(self, expires_in: int | None, **state: Any) -> None:
        """What the server says from now on. Its clock goes on, too; each answer is a newer one."""
        begun = self.elapsed

        def answer() -> Answer:
            now = status(expires_in, **{"ver": 2 + len(self.asked), **state})
            for name in ("expires_in", "idle_in", "max_in"):
                if now[name] is not None:
                    now[name] = max(0, now[name] - (self.elapsed - begun))
            return 200, now

        self.answers[STATUS] = self.answers[EXTEND] = answer

    def end(self, reason: str | None) -> None:
        """From now on the session has ended."""
        self.answers[STATUS] = self.answers[EXTEND] = ended(reason)

    def open(self, state: dict[str, Any] | None, **config: Any) -> Page:
        """The page, with its clocks stopped: only :meth:`run` moves them."""
        self.config |= {"state": state} | config
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda line: line.type == "error" and self.faults.append(line.text))
        page.add_init_script(_SETTLED)
        if self.chance is not None:
            page.add_init_script(f"Math.random = () => {self.chance}")
        page.clock.install(time=1_800_000_000)
        page.clock.pause_at(1_800_000_001)
        page.goto(f"{ORIGIN}/notes")
        self.settle(page)
        return page

    def run(self, page: Page, seconds: int) -> None:
        """Let the page's clocks run, timers and all, and the answers arrive that it asks for."""
        self.settle(page)  # or what was asked for before is answered a second later
        for _ in range(seconds):
            self.elapsed += 1
            page.clock.run_for(1000)
            self.settle(page)

    def run_blindly(self, page: Page, seconds: int) -> None:
        """Let the page's clocks run, and wait until the question is here that has no answer."""
        page.clock.run_for(seconds * 1000)
        while not self.held:
            page.title()  # lets the browser's messages in

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
        elif path == "/notes" or path in self.pages:
            route.fulfill(
                body=self.pages.get(path) or self.document(),
                content_type="text/html; charset=utf-8",
                headers={"Content-Security-Policy": self.policy} if self.policy else {},
            )
        elif path in (STATUS, EXTEND):
            self.asked.append(f"{route.request.method} {path}")
            given = self.answers.get(path, (0, None))
            code, answer = given() if callable(given) else given
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

    def ours(self) -> str:
        """The markup that the extension puts into the page."""
        with self.app.test_request_context("/notes"):
            return render_markup(
                self.config,
                resume_url="/auth/login?resume=1&return_to=/notes",
                style_url=f"/auth/assets/{assets.asset_name('session.css')}",
                script_url=f"/auth/assets/{assets.asset_name('session.js')}",
                impersonated=self.impersonated,
            )

    def document(self) -> str:
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Notes</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<link rel="icon" href="data:,">'
            f"<body>{self.body}{self.ours()}</body></html>"
        )


@functools.cache
def _app() -> Flask:
    app = Flask(__name__)
    app.config.update(settings())
    WorkOSSessions(app)
    return app


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
def ui_chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(ui_chromium: Browser) -> Iterator[Site]:
    context = ui_chromium.new_context(base_url=ORIGIN)
    context.set_default_timeout(5000)
    site = Site(context)
    yield site
    context.close()
