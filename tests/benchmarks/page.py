"""What the script costs: its size, and how often a page asks in an hour."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import Limits, line
from playwright.sync_api import Browser, Page, sync_playwright

#: The server that the tests of the page have, whose answers are given here.
_CONFTEST = Path(__file__).parents[1] / "ui" / "conftest.py"
_HIDES = "Object.defineProperty(document, 'hidden', { get: () => true });"
_HOUR = 3600


def run(limits: Limits) -> None:
    spec = importlib.util.spec_from_file_location("ui_conftest", _CONFTEST)
    assert spec is not None
    assert spec.loader is not None
    ui = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ui)
    print("The script and what it shows (gzip -9)")
    _sizes(ui, limits)
    executable = shutil.which("chromium")
    if executable is None:
        print("  chromium is not installed: not measured (make test installs it)")
        limits.broken.append("requests of a page")
        return
    print("Requests in an hour")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        idle = _requests(ui, browser)
        limits.at_most("1 visible tab, nobody there, poll 30", idle, 75)
        limits.at_most("10 tabs, 1 visible, nobody there", _requests(ui, browser, hidden=9), 75)
        # In short steps: in a long one both are due before either has told the other.
        two = _requests(ui, browser, visible=2, step=0.5, seconds=1200)
        limits.at_most("2 visible windows, in 20 minutes (1 window: 30)", two, 40)
        limits.at_most("1 hidden tab", _requests(ui, browser, visible=0, hidden=1), 0)
        limits.at_most("somebody at work, a request each 20 s", _requests(ui, browser, work=20), 2)
        line("1 visible tab, poll 60", _requests(ui, browser, poll=60), "")
        line("1 visible tab, poll 0", _requests(ui, browser, poll=0), "")
        browser.close()


def _sizes(ui: Any, limits: Limits) -> None:
    for name, limit in (("session.js", 4608), ("session.css", 1228), ("push.js", 768)):
        asset = ui.assets.find_asset(ui.assets.asset_name(name))
        limits.at_most(f"{name}, bytes", len(gzip.compress(asset.body, 9)), limit)
    site = ui.Site(_NoContext())
    site.config["state"] = _status(1700)
    limits.at_most("the markup in a page, bytes", len(gzip.compress(site.ours().encode(), 9)), 1750)


class _NoContext:
    def route(self, pattern: str, answer: Callable[..., None]) -> None:
        pass


def _status(left: float, version: int = 1) -> dict[str, Any]:
    return {
        "v": 1,
        "state": "active",
        "expires_in": int(left),
        "because": "inactivity",
        "extendable": True,
        "idle_in": int(left),
        "max_in": 28000,
        "ver": version,
        "rev": "0f3a",
        "sub": "ada",
        "sid": "one",
        "access": "all",
        "changed": False,
    }


def _requests(
    ui: Any,
    browser: Browser,
    *,
    visible: int = 1,
    hidden: int = 0,
    work: int = 0,
    poll: int = 30,
    step: float = 10,
    seconds: int = _HOUR,
) -> int:
    """Questions of all tabs together in ``seconds`` of a session that lasts for five hours."""
    context = browser.new_context(base_url=ui.ORIGIN)
    context.set_default_timeout(10_000)
    site = ui.Site(context)
    site.config |= {"idle": 5 * _HOUR, "poll": poll}
    pages: list[Page] = []
    for number in range(visible + hidden):
        if number == visible:
            context.add_init_script(_HIDES)
        pages.append(site.open(_status(5 * _HOUR)))
    context.route("**/work", lambda route: route.fulfill(body="done", headers=timing))
    for number in range(int(seconds / step)):
        passed = number * step
        left = 5 * _HOUR - passed
        version = 2 + number
        timing = {"Server-Timing": f'workos;desc="28000.{left}.1.{version}.0f3a"'}
        site.answers[ui.STATUS] = 200, _status(left, version)
        if work and passed % work == 0:
            pages[0].evaluate("() => fetch('/work').then((answer) => answer.text())")
        context.clock.run_for(int(step * 1000))
        for page in pages:
            site.settle(page)
    asked = site.count(f"GET {ui.STATUS}")
    context.close()
    return int(asked)
