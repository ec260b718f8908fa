"""The stream of news: at once, to the page of a live session, and nothing but a reason to ask."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

import pytest
from flask.sessions import SecureCookieSession, SessionInterface

from flask_workos_sessions.coordination.bell import LOOK_SECONDS
from flask_workos_sessions.testing import assert_passive, login_as
from flask_workos_sessions.views import events

PUSH = {"WORKOS_UI_PUSH": "sse", "WORKOS_UI_PUSH_STREAMS": 2}
OURS = {
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "cors",
    "Accept": "text/event-stream",
}
PATH = "/auth/session/events"
BEGIN, CHECK, BYE = (
    b"retry: 3000\n\n",
    b"event: check\ndata: check\n\n",
    b"event: bye\ndata: bye\n\n",
)


@pytest.fixture
def site(make_site: Any) -> Any:
    return make_site(**PUSH)


@pytest.fixture
def streams(site: Any) -> Any:
    streams = site.parts.streams
    yield streams
    end = time.monotonic() + 5
    while streams._bell._thread is not None and time.monotonic() < end:
        time.sleep(0.01)
    assert len(streams) == 0, "every place was given back"
    assert streams._bell._thread is None


@pytest.fixture
def alice(site: Any, streams: Any) -> Any:
    browser = site.browser()
    browser.sign_in()
    return browser


def ask(browser: Any, threads: bool = True, method: str = "GET", **headers: str) -> Any:
    sent = OURS | {name.replace("_", "-"): value for name, value in headers.items()}
    environ = {"wsgi.multithread": threads}
    return browser.client.open(PATH, method=method, headers=sent, environ_overrides=environ)


def listen(browser: Any) -> Any:
    """The chunks of a stream that has begun."""
    answer = ask(browser)
    assert answer.status_code == 200
    chunks = answer.response
    assert next(chunks) == BEGIN
    return answer, chunks


def session_id(site: Any) -> str:
    return str(site.workos.sessions[-1].id)


def test_it_is_a_stream_that_no_proxy_keeps_or_holds_back(alice):
    answer, _ = listen(alice)
    headers = answer.headers
    assert headers["Content-Type"].partition(";")[0] == "text/event-stream"
    assert headers["Cache-Control"] == "private, no-store, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Vary"] == "Cookie"
    for name in ("Set-Cookie", "Server-Timing", "Content-Length", "Access-Control-Allow-Origin"):
        assert name not in headers, name
    answer.close()


def test_an_end_in_this_process_is_told_at_once_twice_and_then_it_is_over(alice, site):
    answer, chunks = listen(alice)
    site.parts.endings.end(session_id(site), "revoked", until=site.clock() + 60)
    began = time.monotonic()
    assert next(chunks) == CHECK
    assert time.monotonic() - began < 1
    assert next(chunks) == CHECK
    assert 1 <= time.monotonic() - began < 3
    assert list(chunks) == []
    assert len(site.parts.streams) == 0, "also when the server does not close it"
    answer.close()


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_an_end_in_another_process_is_told_within_two_seconds(kind, make_site, request, tmp_path):
    config = {**PUSH, "WORKOS_CACHE_TYPE": kind, "WORKOS_CACHE_DIR": str(tmp_path / "state")}
    config["WORKOS_COOKIE_PASSWORD"] = secrets.token_hex(32)
    if kind == "redis":
        config["WORKOS_CACHE_REDIS_URL"] = request.getfixturevalue("redis_server").url
    here, there = make_site(**config), make_site(**config)
    alice = there.browser()
    alice.sign_in()
    answer, chunks = listen(alice)
    time.sleep(2 * LOOK_SECONDS)
    here.parts.endings.end(session_id(here), "revoked", until=here.clock() + 60)
    began = time.monotonic()
    assert next(chunks) == CHECK
    assert time.monotonic() - began < 2
    # The process that told of it believes nothing older when it is asked.
    assert alice.fetch("/auth/session").json["reason"] == "revoked"
    answer.close()


def test_a_change_is_told_and_the_stream_goes_on(alice, site, monkeypatch):
    monkeypatch.setattr(events, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.3)
    answer, chunks = listen(alice)
    assert next(chunks) == b":\n\n"
    site.clock.advance(2)
    site.parts.cut_offs.change("person", site.workos.user("alice@acme.test").id, at=site.clock())
    site.clock.advance(2)
    assert [next(chunks), next(chunks), next(chunks)] == [CHECK, CHECK, b":\n\n"]
    answer.close()


def test_after_a_change_of_rights_the_page_comes_back_with_its_new_session(
    alice, site, monkeypatch
):
    monkeypatch.setattr(events, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.3)
    answer, chunks = listen(alice)
    assert next(chunks) == b":\n\n"
    site.clock.advance(2)
    site.workos.set_role("alice@acme.test", "Acme", "member")
    site.parts.cut_offs.change("role", "admin", at=site.clock())
    site.clock.advance(2)
    assert list(chunks) == [CHECK, CHECK, b"retry: 1000\n\n"]
    answer.close()
    # Until somebody does something it is the old session, and this stream lasts.
    answer, chunks = listen(alice)
    assert [next(chunks) for _ in range(4)] == [CHECK, CHECK, b":\n\n", b":\n\n"]
    answer.close()
    assert alice.fetch("/api/me").status_code == 200
    answer, chunks = listen(alice)
    assert next(chunks) == b":\n\n", "nothing is new to the new session"
    site.clock.advance(2)
    site.parts.cut_offs.change("role", "member", at=site.clock())
    site.clock.advance(2)
    assert next(chunks) == CHECK
    answer.close()


def test_a_newer_stream_of_the_session_ends_the_older(alice, streams):
    older, chunks = listen(alice)
    newer, _ = listen(alice)
    assert list(chunks) == [BYE]
    older.close()
    assert len(streams) == 1
    newer.close()


def test_it_ends_after_five_minutes_at_most_and_comes_back_soon(alice, monkeypatch):
    monkeypatch.setattr(events, "LIFE_SECONDS", 0.2)
    answer, chunks = listen(alice)
    assert list(chunks) == [b"retry: 1000\n\n"]
    answer.close()


def test_the_lives_of_streams_differ(alice, streams):
    left = set()
    for _ in range(20):
        answer = ask(alice)
        (stream,) = streams._open
        left.add(round(stream.until - time.monotonic()))
        answer.close()
    assert 239 <= min(left) < max(left) <= 300


def test_beyond_the_budget_it_is_204_and_every_place_comes_back(site, streams):
    people = [site.browser() for _ in range(3)]
    for browser, who in zip(
        people, ["alice@acme.test", "bob@acme.test", "dave@example.test"], strict=True
    ):
        browser.sign_in(who)
    held = [listen(each)[0] for each in people[:2]]
    refused = ask(people[2])
    assert (refused.status_code, refused.data) == (204, b"")
    with site.app.app_context():
        assert site.sessions.stats()["refused_streams"] == 1
        assert site.sessions.stats()["streams"] == 2
    held[0].close()
    listen(people[2])[0].close()
    held[1].close()


def test_one_person_in_many_browsers_leaves_room_for_others(site, streams):
    browsers = [site.browser() for _ in range(3)]
    for browser in browsers:
        browser.sign_in()
    first, chunks = listen(browsers[0])
    second, _ = listen(browsers[1])
    assert list(chunks) == [BYE]
    first.close()
    bob = site.browser()
    bob.sign_in("bob@acme.test")
    third, _ = listen(bob)
    assert len(streams) == 2
    second.close()
    third.close()


def test_a_place_comes_back_when_nothing_was_ever_sent(alice, streams):
    ask(alice).close()
    assert len(streams) == 0


def test_a_place_comes_back_after_a_fault(alice, streams, monkeypatch):
    def fault(stream):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(streams, "first_look", fault)
    answer, chunks = listen(alice)
    with pytest.raises(RuntimeError):
        next(chunks)
    assert len(streams) == 0
    answer.close()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_without_a_live_session_it_is_204(site, streams, alice, method):
    nobody = ask(site.browser(), method=method)
    site.parts.endings.end(session_id(site), "revoked", until=site.clock() + 60)
    ended = ask(alice, method=method)
    for answer in (nobody, ended):
        assert (answer.status_code, answer.data) == (204, b"")
        assert "no-store" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers


def test_a_process_that_cannot_confirm_the_session_yet_has_it_come_back(alice, make_site, site):
    """It has no key set, and this request must not fetch one."""
    password = site.app.config["WORKOS_COOKIE_PASSWORD"]
    fresh = make_site(**PUSH, WORKOS_COOKIE_PASSWORD=password)
    other = fresh.browser()
    other.cookie = alice.cookie
    answer = ask(other)
    assert answer.status_code == 200
    assert re.fullmatch(rb"retry: [4-8]\d\d\d\n\n", answer.data)
    assert len(fresh.parts.streams) == 0
    assert other.fetch("/api/me").status_code == 200
    listen(other)[0].close()


def test_head_takes_no_place(alice, streams):
    assert ask(alice, method="HEAD").status_code == 204
    assert len(streams) == 0


def test_without_push_there_is_none(make_site):
    browser = make_site().browser()
    browser.sign_in()
    assert ask(browser).status_code == 204


def test_a_session_whose_token_has_run_out_still_has_its_stream(alice, site):
    site.clock.advance(310)
    exchanges = len(site.workos.exchanges("refresh_token"))
    listen(alice)[0].close()
    assert len(site.workos.exchanges("refresh_token")) == exchanges


@pytest.mark.parametrize("elsewhere", ["cross-site", "same-site", "none"])
def test_security_g5_a_stream_is_for_our_own_pages(alice, streams, elsewhere):
    """Security G5: refused before the cookie is read."""
    stopped = ask(alice, Sec_Fetch_Site=elsewhere)
    assert stopped.status_code == 204
    refused = ask(alice, Sec_Fetch_Site=elsewhere, Accept="*/*")
    assert refused.status_code == 403
    assert len(streams) == 0


class StoredSessions(SessionInterface):
    opened = saved = 0

    def open_session(self, app, request):
        self.opened += 1
        return SecureCookieSession()

    def save_session(self, app, session, response):
        self.saved += 1


def test_it_opens_no_flask_session_and_runs_no_hook(site, alice):
    ran: list[str] = []
    site.app.session_interface = stored = StoredSessions()
    # Flask has no way to take a hook away, nor to add one after the first request.
    site.app.before_request_funcs[None].append(lambda: ran.append("before"))
    site.app.after_request_funcs[None].append(lambda answer: ran.append("after") or answer)
    listen(alice)[0].close()
    assert (stored.opened, stored.saved, ran) == (0, 0, [])


def test_it_is_passive(site, streams):
    client = site.app.test_client()
    login_as(client)
    environ = {"wsgi.multithread": True}
    answer = assert_passive(client, PATH, headers=OURS, environ_overrides=environ)
    assert answer.status_code == 200
    answer.close()


def test_nothing_of_the_request_is_held_while_it_streams(alice, site):
    from flask import has_app_context, has_request_context

    answer, _ = listen(alice)
    assert not has_request_context()
    assert not has_app_context()
    answer.close()


def test_a_server_of_one_request_at_a_time_is_told_once(alice, streams, caplog):
    for _ in range(3):
        assert ask(alice, threads=False).status_code == 204
    lines = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert len(lines) == 1
    assert "Use threads (gunicorn --threads 16)" in lines[0].getMessage()
