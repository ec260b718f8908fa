"""The tabs of one browser, in front of a server that answers as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Request, Route

STATUS, EXTEND = "/auth/session", "/auth/session/extend"
#: Server-Timing is for pages that came over TLS.
ORIGIN = "https://harbour.test"
CHANNEL = "workos-session:harbour"

Reply = dict[str, Any]


class Tabs:
    """Pages of one browser, whose clocks stand still until :meth:`run` moves them all.

    ``replies`` maps a path, or the URL of another site, to what ``route.fulfill`` is given, or to
    a function that makes it of the request. ``requests`` are those that came for these paths.
    """

    #: Whether the tabs listen to what is said among them. A page that does is never kept by the
    #: browser for the Back button.
    listening = True

    def __init__(self, site: Any) -> None:
        self.site = site
        self.context: BrowserContext = site.context
        self.replies: dict[str, Reply | Callable[[Request], Reply]] = {}
        self.requests: list[Request] = []
        self.scripts: list[str] = []
        #: How an error begins that the console may tell.
        self.expected = "Failed to load resource"
        #: What is answered to those who ask for the status, or for more time.
        self.status: Callable[[Request], Reply] | None = None
        #: The seconds that have passed.
        self.elapsed = 0
        self._rounds = 0
        self.context.route("**/*", self._answer)

    @property
    def asked(self) -> list[str]:
        asked: list[str] = self.site.asked
        return asked

    def state(self, expires_in: int | None = 1700, **more: Any) -> dict[str, Any]:
        """The status of Ada's session, which ends by inactivity."""
        by_length = more.get("because") == "max_length"
        known = {
            "v": 1,
            "state": "active",
            "expires_in": expires_in,
            "because": "inactivity",
            "extendable": not by_length,
            "idle_in": 1700 if by_length else expires_in,
            "max_in": expires_in if by_length else 28_000,
        }
        whose = {"ver": 1, "rev": "r1", "sub": "ada", "sid": "s1", "access": "a1"}
        return known | whose | {"changed": False} | more

    def answer(self, expires_in: int | None = 1700, code: int = 200, **more: Any) -> None:
        """What the server says from now on, asked or asked for more time. Its clock goes on."""
        begun = self.elapsed

        def reply(request: Request) -> Reply:
            state = self.state(expires_in, **{"ver": 2 + len(self.asked), **more})
            for name in ("expires_in", "idle_in", "max_in"):
                if state[name] is not None:
                    state[name] = max(0, state[name] - (self.elapsed - begun))
            return {"status": code, "json": state, "headers": self.site.headers}

        self.status = reply

    def end(self, reason: str | None) -> None:
        """From now on there is no session any more."""
        answer = {"v": 1, "state": "ended", "reason": reason, "login_url": "/auth/login"}
        self.status = lambda request: {"status": 401, "json": answer}

    def refuse(self, code: int) -> None:
        """From now on the server is busy."""
        self.status = lambda request: {"status": code, "json": {"error": "busy"}}

    def lose(self) -> None:
        """From now on nobody answers."""
        self.status = None

    def open(
        self, expires_in: int | None = 1700, config: dict[str, Any] | None = None, **state: Any
    ) -> Page:
        """A tab with the app's page."""
        self.site.config |= {"state": self.state(expires_in, **state)} | (config or {})
        return self.visit("/notes")

    def visit(self, path: str) -> Page:
        if not self.context.pages:
            self.context.clock.install(time=1_800_000_000)
            self.context.clock.pause_at(1_800_000_001)
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.site.faults.append(str(error)))
        page.on("console", lambda line: line.type == "error" and self.site.faults.append(line.text))
        page.add_init_script(_PENDING)
        if self.listening:
            page.add_init_script(_LISTENING % json.dumps(CHANNEL))
        for script in self.scripts:
            page.add_init_script(script)
        page.goto(ORIGIN + path)
        self.settle()
        return page

    def run(self, seconds: int) -> None:
        """Let the clocks run, timers and all, and everything arrive that is sent meanwhile."""
        self.settle()
        for _ in range(seconds):
            self.elapsed += 1
            self.context.clock.run_for(1000)
            self.settle()

    def skip(self, seconds: int) -> None:
        """Let the clocks run, when nothing is asked or said meanwhile."""
        self.elapsed += seconds
        self.context.clock.run_for(seconds * 1000)
        self.settle()

    def sleep(self, seconds: int) -> None:
        """Let the clocks jump, as if the lid had been closed."""
        self.elapsed += seconds
        self.context.clock.fast_forward(seconds * 1000)
        self.settle()

    def settle(self) -> None:
        """Let all answers and messages arrive, while the clocks stand still."""
        while True:
            before = len(self.asked), len(self.requests)
            self._each("() => window.arrived?.()")
            if self.listening and len(self.context.pages) > 1:
                self._hear()
            if before == (len(self.asked), len(self.requests)):
                return

    def _hear(self) -> None:
        # Messages keep their order: when this one is there, those before it are there too.
        self._rounds += 1
        others = len([each for each in self._each(_SAY % self._rounds) if each]) - 1
        for _ in range(500):
            heard = self._each(f"() => window.heard?.({self._rounds})")
            if all(each >= others for each in heard if each is not None):
                break
        else:
            pytest.fail("A tab does not hear the others.")
        self._each("() => window.arrived?.()")

    def _each(self, script: str) -> list[Any]:
        answers = []
        for page in self.context.pages:
            try:
                answers.append(page.evaluate(script))
            except Error as error:  # a page that just leaves
                if page.is_closed() or "navigation" not in error.message:
                    raise
                page.wait_for_load_state()
        return answers

    def messages(self, page: Page) -> list[Any]:
        """All that was said among the tabs since this one was opened."""
        said: list[Any] = page.evaluate("() => window.said")
        return said

    def say(self, page: Page, message: Any) -> None:
        """Say something on our channel."""
        page.evaluate(
            "([name, data]) => { new BroadcastChannel(name).postMessage(data); }",
            [CHANNEL, message],
        )
        self.settle()

    def hide(self, page: Page) -> None:
        """Go to another tab, for this one."""
        page.evaluate(_VISIBILITY, "hidden")
        self.settle()

    def show(self, page: Page) -> None:
        page.evaluate(_VISIBILITY, "visible")
        self.settle()

    def headers(self, path: str, name: str) -> list[str | None]:
        """A header of the requests that came for a path."""
        found = [each for each in self.requests if urlsplit(each.url).path == path]
        return [each.headers.get(name) for each in found]

    def count(self, what: str) -> int:
        return self.asked.count(what)

    def _answer(self, route: Route) -> None:
        url = route.request.url
        path = urlsplit(url).path
        reply = self.replies.get(path if url.startswith(ORIGIN) else url)
        if path in (STATUS, EXTEND) and reply is None:
            self.asked.append(f"{route.request.method} {path}")
            return route.fulfill(**self.status(route.request)) if self.status else route.abort()
        if reply is None:
            return route.fallback()
        self.requests.append(route.request)
        return route.fulfill(**(reply(route.request) if callable(reply) else reply))


@pytest.fixture
def tabs(site: Any) -> Iterator[Tabs]:
    tabs = Tabs(site)
    yield tabs
    # Each answer that is not a success is an error for the console.
    known = ("Failed to load resource", tabs.expected)
    assert [each for each in site.faults if not each.startswith(known)] == []


#: Tells when no answer is awaited any more. A turn of the event loop is a message to oneself:
#: the page's timers are the test's.
_PENDING = """
(() => {
  const pending = new Set();
  const wait = (promise) => {
    pending.add(promise);
    promise.catch(() => 0).finally(() => pending.delete(promise));
    return promise;
  };
  const { fetch } = window;
  window.fetch = (...parts) => wait(fetch(...parts).then((response) => {
    for (const kind of ["json", "text"]) {
      const read = response[kind].bind(response);
      response[kind] = () => wait(read());
    }
    return response;
  }));
  const { send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function (...parts) {
    wait(new Promise((go) => this.addEventListener("loadend", go)));
    return send.apply(this, parts);
  };
  const turn = () => new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = go;
    port2.postMessage(0);
  });
  window.arrived = async () => {
    do {
      await Promise.allSettled([...pending]);
      await turn();
    } while (pending.size);
  };
})();
"""

#: Hears what the tabs say to each other. Rounds are ours.
_LISTENING = """
(() => {
  const channel = new BroadcastChannel(%s);
  const tab = Math.random();
  const rounds = new Map();
  window.said = [];
  channel.onmessage = ({ data }) => {
    if (data?.round) rounds.set(data.tab, data.round);
    else window.said.push(data);
  };
  window.say = (round) => channel.postMessage({ round, tab });
  window.heard = (round) => [...rounds.values()].filter((each) => each === round).length;
})();
"""

_SAY = "() => window.say ? (window.say(%s), true) : false"

_VISIBILITY = """
(state) => {
  const settings = { configurable: true };
  Object.defineProperty(document, "hidden", { ...settings, get: () => state === "hidden" });
  Object.defineProperty(document, "visibilityState", { ...settings, get: () => state });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""
