"""An open page is told within two seconds, though it asks of its own accord only much later."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from flask_workos_sessions import WorkOSSessions, login_required
from flask_workos_sessions.local import LocalWorkOS, MovableClock
from flask_workos_sessions.parts import PARTS

pytestmark = pytest.mark.browser

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE = (
    '<!doctype html><html lang="en"><head><title>Notes</title><link rel="icon" href="data:,">'
    "</head><body><h1>Notes</h1><textarea></textarea></body></html>"
)
#: Milliseconds within which a page says it, after news.
SOON = 2_000


class Notes:
    """An app whose pages are told, and another process of it that serves nobody."""

    def __init__(self, workos: LocalWorkOS, clock: MovableClock, folder: str) -> None:
        self.workos = workos
        self.clock = clock
        self.asked: list[str] = []
        self.policy = POLICY
        self.config: dict[str, Any] = {
            "WORKOS_UI_PUSH": "sse",
            "WORKOS_UI_PUSH_STREAMS": 3,
            "WORKOS_UI_POLL": 0,
            "WORKOS_CACHE_TYPE": "sqlite",
            "WORKOS_CACHE_DIR": folder,
            "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
        }

    def make(self, sessions: WorkOSSessions, settings: dict[str, Any]) -> Flask:
        app = Flask("notes")
        app.config.update({**settings, **self.config})
        sessions.init_app(app)
        app.add_url_rule("/notes", "notes", login_required(lambda: PAGE))
        app.after_request(self._keep_to_policy)
        self.app, self.parts = app, app.extensions[PARTS]
        inner = app.wsgi_app

        def note(environ: Any, start: Any) -> Any:
            self.asked.append(environ["PATH_INFO"])
            return inner(environ, start)

        app.wsgi_app = note  # type: ignore[method-assign]
        return app

    def _keep_to_policy(self, response: Any) -> Any:
        response.headers.setdefault("Content-Security-Policy", self.policy)
        return response

    def elsewhere(self) -> Any:
        """The parts of another process."""
        app = Flask("elsewhere")
        app.config.update({**self.app.config, "TESTING": False})
        WorkOSSessions(app, clock=self.clock)
        return app.extensions[PARTS]

    def revoke(self) -> None:
        """End the session of who signed in last, in the other process."""
        sid = self.workos.sessions[-1].id
        self.elsewhere().endings.end(sid, "revoked", until=self.clock() + 60)

    @property
    def streams(self) -> int:
        return len(self.parts.streams)

    def until(self, page: Page, what: Callable[[], Any], seconds: float = 8) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, "in vain"
            page.wait_for_timeout(20)

    def listening(self, page: Page, count: int = 1) -> None:
        """Wait until so many streams are open, and have had their first look."""
        self.until(page, lambda: self.streams == count)
        page.wait_for_timeout(300)


@pytest.fixture
def notes(workos: LocalWorkOS, clock: MovableClock, tmp_path: Any) -> Notes:
    return Notes(workos, clock, str(tmp_path / "state"))


@pytest.fixture
def somebody(notes: Notes, serve: Callable[..., str], person: Callable[[str], Any]) -> Any:
    return person(serve(notes.make))


@pytest.fixture
def _beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that has gone is noticed soon."""
    monkeypatch.setattr("flask_workos_sessions.views.events.HEARTBEAT_SECONDS", 0.2)


def expect_told(page: Page) -> None:
    """The page says why: nothing was typed there, and so it gives way to the page that does."""
    page.wait_for_url("**/auth/signed-out?reason=*", timeout=SOON, wait_until="commit")


def test_an_end_in_another_process_is_on_the_page_within_two_seconds(
    somebody: Any, notes: Notes
) -> None:
    page = somebody.sign_in("/notes")
    page.get_by_role("textbox").fill("Three of us commute")
    notes.listening(page)
    notes.asked.clear()
    page.wait_for_timeout(500)
    assert notes.asked == [], "it does not ask by itself"
    notes.revoke()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("signed out", timeout=SOON)
    expect(dialog.get_by_role("textbox")).to_have_value("Three of us commute")
    assert set(notes.asked) == {"/auth/session"}
    notes.until(page, lambda: notes.streams == 0)
    page.wait_for_timeout(3500)
    assert "/auth/session/events" not in notes.asked, "after the end there is nothing to hear"
    assert somebody.console == [], "with this policy, and after what was told"


def test_a_cut_off_in_another_process_is_told_too(somebody: Any, notes: Notes) -> None:
    page = somebody.sign_in("/notes")
    notes.listening(page)
    user = notes.workos.sessions[-1].user_id
    notes.elsewhere().cut_offs.end("person", user, "access_removed", at=notes.clock())
    expect_told(page)
    assert somebody.console == []


@pytest.mark.usefixtures("_beats")
def test_a_page_that_listens_extends_nothing_and_refreshes_nothing(
    somebody: Any, notes: Notes
) -> None:
    page = somebody.sign_in("/notes")
    notes.listening(page)
    before = page.evaluate("workosSession.info.idleIn")
    exchanges = len(notes.workos.exchanges("refresh_token"))
    somebody.wait(700)
    somebody.set_visible(page, False)
    notes.until(page, lambda: notes.streams == 0)
    somebody.set_visible(page, True)
    notes.listening(page)
    page.evaluate("workosSession.check()")
    assert page.evaluate("workosSession.info.idleIn") <= before - 690
    assert len(notes.workos.exchanges("refresh_token")) == exchanges


def test_of_two_tabs_one_has_the_stream_and_both_say_it(somebody: Any, notes: Notes) -> None:
    first = somebody.sign_in("/notes")
    notes.listening(first)
    second = somebody.open("/notes")
    notes.until(second, lambda: notes.asked.count("/auth/session/events") == 2)
    notes.listening(second)
    notes.revoke()
    for page in (first, second):
        expect_told(page)
    assert somebody.console == []


def test_who_was_told_to_go_listens_again_when_somebody_comes_back(
    somebody: Any, notes: Notes
) -> None:
    first = somebody.sign_in("/notes")
    notes.listening(first)
    second = somebody.open("/notes")
    notes.until(second, lambda: notes.asked.count("/auth/session/events") == 2)
    notes.listening(second)
    second.wait_for_timeout(4000)
    assert notes.asked.count("/auth/session/events") == 2, "the first tab does not fight for it"
    first.evaluate("window.dispatchEvent(new Event('focus'))")
    notes.until(first, lambda: notes.asked.count("/auth/session/events") == 3)
    notes.listening(first)


def test_after_a_change_of_rights_it_listens_for_the_session_that_there_is_then(
    somebody: Any, notes: Notes
) -> None:
    """A page that stays: its session gets another role by a request of its own."""

    def change(role: str) -> None:
        notes.clock.advance(2)
        notes.elsewhere().cut_offs.change("role", role, at=notes.clock())
        notes.clock.advance(2)

    def opened() -> int:
        return notes.asked.count("/auth/session/events")

    page = somebody.sign_in("/notes")
    notes.listening(page)
    notes.workos.set_role("alice@acme.test", "Acme", "member")
    change("admin")
    expect(page.get_by_text("Your access has changed").first).to_be_visible(timeout=SOON)
    notes.until(page, lambda: opened() == 2)
    page.wait_for_timeout(4000)
    assert opened() == 2, "once, however long nobody does anything"
    page.evaluate("fetch('/notes').then((answer) => answer.text())")
    notes.until(page, lambda: opened() == 3)
    notes.listening(page)
    page.wait_for_timeout(4000)
    assert opened() == 3
    notes.asked.clear()
    change("member")
    notes.until(page, lambda: "/auth/session" in notes.asked, SOON / 1000)
    assert somebody.console == []


@pytest.mark.usefixtures("_beats")
def test_a_hidden_tab_has_no_stream(somebody: Any, notes: Notes) -> None:
    page = somebody.sign_in("/notes")
    notes.listening(page)
    somebody.set_visible(page, False)
    notes.asked.clear()
    notes.until(page, lambda: notes.streams == 0)
    page.wait_for_timeout(4000)
    assert notes.asked == []
    somebody.set_visible(page, True)
    notes.listening(page)


def test_a_frame_has_no_stream(
    notes: Notes, serve: Callable[..., str], person: Callable[[str], Any]
) -> None:
    notes.config["WORKOS_UI_FRAMES"] = True
    somebody = person(serve(notes.make))
    notes.policy += "; frame-src 'self'"
    page = somebody.sign_in("/notes")
    notes.listening(page)
    notes.asked.clear()
    page.evaluate(
        "const frame = document.createElement('iframe'); frame.src = '/notes';"
        " document.body.append(frame);"
    )
    active = "document.documentElement.dataset.workosSession === 'active'"
    notes.until(page, lambda: len(page.frames) == 2 and page.frames[1].evaluate(active))
    page.wait_for_timeout(2000)
    assert "/auth/session/events" not in notes.asked


def test_beyond_the_budget_the_page_asks_as_without_push(
    somebody: Any, notes: Notes, serve: Callable[..., str]
) -> None:
    watches = [notes.parts.endings.watch(f"session of somebody {n}") for n in range(3)]
    held = [notes.parts.streams.open(watch, watch.key) for watch in watches]
    page = somebody.sign_in("/notes")
    notes.until(page, lambda: "/auth/session/events" in notes.asked)
    notes.until(page, lambda: "/auth/session" in notes.asked)
    assert page.evaluate("workosSession.state") == "active"
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.wait_for_timeout(2500)
    assert notes.asked.count("/auth/session/events") == 1, "once a minute at most"
    for stream in held:
        notes.parts.streams.close(stream)
    somebody.context.clock.fast_forward(60_000)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    somebody.context.clock.fast_forward(2_000)
    notes.listening(page)
    assert somebody.console == []


def test_a_server_that_comes_back_is_listened_to_again(somebody: Any, notes: Notes) -> None:
    page = somebody.sign_in("/notes")
    notes.listening(page)
    (stream,) = notes.parts.streams._open
    stream.until = 0.0
    stream.wake()
    notes.until(page, lambda: notes.asked.count("/auth/session/events") == 2)
    notes.listening(page)
    notes.revoke()
    expect_told(page)


def test_security_p4_nothing_in_the_page_leads_the_stream_elsewhere(
    somebody: Any, notes: Notes
) -> None:
    """Security P4: an element of the page stands in no property's place."""
    clobbered = PAGE.replace(
        "<h1>",
        '<form id="workosSession"><input name="check"></form><a id="url" href="//evil.test"></a>'
        '<img name="EventSource"><base-uri id="session"></base-uri><h1>',
    )
    notes.app.view_functions["notes"] = login_required(lambda: clobbered)
    page = somebody.sign_in("/notes")
    notes.listening(page)
    notes.revoke()
    expect_told(page)
    assert somebody.console == []


def test_our_own_stream_is_no_request_of_the_app(somebody: Any, notes: Notes) -> None:
    """The script that watches the page's requests for news takes nothing from it."""
    page = somebody.sign_in("/notes")
    notes.listening(page)
    (stream,) = notes.parts.streams._open
    notes.asked.clear()
    stream.until = 0.0
    stream.wake()
    found = (
        "() => performance.getEntriesByType('resource')"
        ".filter((each) => each.name.endsWith('/events')).map((each) => each.serverTiming.length)"
    )
    notes.until(page, lambda: "/auth/session/events" in notes.asked)
    page.wait_for_timeout(1500)
    assert not any(page.evaluate(found)), "a browser that notes it notes no news"
    assert "/auth/session" not in notes.asked
