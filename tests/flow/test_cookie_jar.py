"""A browser's cookie jar, whatever becomes of the responses: reordered, twice, or not at all.

The jar never holds a dead session while the session lives at WorkOS, and never a live one after
sign-out. A response is on its way for 50 seconds at most: a record is kept for a minute after a
browser has shown what came of it (security R2).
"""

from __future__ import annotations

import secrets
import tempfile
from typing import Any

import pytest
from flask import Flask, jsonify
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flask_workos_sessions import WorkOSSessions, current_session, login_required
from flask_workos_sessions.local import LocalWorkOS, MovableClock

ORIGIN = "http://localhost"
ON_ITS_WAY = 50


class CookieJar(RuleBasedStateMachine):
    """Two processes, one browser, and a network that does what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = MovableClock().freeze()
        self.directory = tempfile.TemporaryDirectory()
        self.workos = LocalWorkOS(
            clock=self.clock,
            grace_seconds=0,
            max_length=10**7,
            inactivity_timeout=10**6,
            redirect_uris=[f"{ORIGIN}/auth/callback"],
        ).start()
        config = {
            "SECRET_KEY": "for the tests",
            "TESTING": True,
            **self.workos.settings(f"{ORIGIN}/auth/callback"),
            "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
            "WORKOS_CACHE_TYPE": "sqlite",
            "WORKOS_CACHE_DIR": f"{self.directory.name}/state",
        }
        self.apps = [self._app(config) for _ in range(2)]
        self.name = self.apps[0].extensions["workos_sessions.parts"].store.name
        self.jar = ""
        self.before: tuple[float, str] | None = None
        self.signed_out = False
        self.on_their_way: list[tuple[float, str | None]] = []

    def _app(self, config: dict[str, Any]) -> Flask:
        app = Flask("one of two")
        app.config.update(config)
        WorkOSSessions(app, clock=self.clock)

        @app.get("/me")
        @login_required
        def me() -> Any:
            return jsonify(session=current_session.id)

        return app

    @initialize()
    def sign_in(self) -> None:
        client = self.apps[0].test_client()
        begun = client.get("/auth/login")
        back = self.workos.approve(begun.headers["Location"], "alice@acme.test")
        client.get(back.removeprefix(ORIGIN))
        cookie = client.get_cookie(self.name)
        assert cookie is not None
        self.jar = cookie.value

    @rule(process=st.integers(0, 1), navigation=st.booleans())
    def send(self, process: int, navigation: bool) -> None:
        self.on_their_way.append((self.clock(), self._answer(process, "/me", navigation)))

    @rule(process=st.integers(0, 1))
    def extend(self, process: int) -> None:
        self.on_their_way.append(
            (self.clock(), self._answer(process, "/auth/session/extend", False, "POST"))
        )

    @rule(process=st.integers(0, 1), navigation=st.booleans(), seconds=st.sampled_from([0, 45]))
    def a_request_was_held_up(self, process: int, navigation: bool, seconds: int) -> None:
        """It left with the cookie before this one, and arrives now."""
        self.wait(seconds)
        if self.before is not None and self.clock() - self.before[0] <= ON_ITS_WAY:
            now, self.jar = self.jar, self.before[1]
            try:
                self.send(process, navigation)
            finally:
                self.jar = now

    @rule(processes=st.lists(st.integers(0, 1), min_size=2, max_size=3))
    def load_pages(self, processes: list[int]) -> None:
        """One after the other, as it is when the network is good."""
        for process in processes:
            self.send(process, navigation=True)
            self.deliver(len(self.on_their_way) - 1, twice=False)

    @rule(number=st.integers(0, 5), twice=st.booleans())
    def deliver(self, number: int, twice: bool) -> None:
        if number < len(self.on_their_way):
            _, cookie = self.on_their_way[number] if twice else self.on_their_way.pop(number)
            if cookie is not None and cookie != self.jar:
                self.before, self.jar = (self.clock(), self.jar), cookie

    @rule(number=st.integers(0, 5))
    def lose(self, number: int) -> None:
        del self.on_their_way[number : number + 1]

    @rule(seconds=st.sampled_from([20, 240, 301]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)
        oldest = self.clock() - ON_ITS_WAY
        self.on_their_way = [each for each in self.on_their_way if each[0] >= oldest]

    @rule(fault=st.sampled_from([500, 429, "drop", "html"]))
    def workos_fails_once(self, fault: Any) -> None:
        self.workos.fail_next(1, status=fault)

    @precondition(lambda self: not self.signed_out)
    @rule(process=st.integers(0, 1), never=st.sampled_from([True, True, True, False]))
    def sign_out(self, process: int, never: bool) -> None:
        if never:
            return
        self.on_their_way.append(
            (self.clock(), self._answer(process, "/auth/logout", True, "POST"))
        )
        self.signed_out = True
        self.clock.advance(1)  # no process serves it for longer after another has ended it

    def teardown(self) -> None:
        try:
            if self.jar:
                self.workos.clear_faults()
                # Longer than any pause after a fault.
                self.clock.advance(61)
                for process in (0, 1):
                    self._answer(process, "/me", False, faults=False)
        finally:
            self.workos.stop()
            self.directory.cleanup()

    def _answer(
        self, process: int, path: str, navigation: bool, method: str = "GET", faults: bool = True
    ) -> str | None:
        """Send what is in the jar; the cookie in the answer, if there is one."""
        mode = "navigate" if navigation else "cors"
        answer = (
            self.apps[process]
            .test_client(use_cookies=False)
            .open(
                path,
                method=method,
                headers={
                    "Cookie": f"{self.name}={self.jar}",
                    "Origin": ORIGIN,
                    "Sec-Fetch-Mode": mode,
                    "Sec-Fetch-Site": "same-origin",
                    "Accept": "text/html" if navigation else "*/*",
                },
            )
        )
        if self.signed_out:
            assert answer.status_code in (303, 401), "a cookie rose from the dead"
        elif path != "/auth/logout":
            assert answer.status_code in ((200, 503) if faults else (200,)), answer.data
        for header in answer.headers.getlist("Set-Cookie"):
            name, _, rest = header.partition("=")
            if name == self.name:
                return rest.partition(";")[0]
        return None


@pytest.mark.timeout(300)
def test_the_jar_never_holds_a_dead_session_while_the_session_lives() -> None:
    run_state_machine_as_test(
        CookieJar,
        settings=hypothesis_settings(
            hypothesis_settings.get_profile("ci"), max_examples=40, stateful_step_count=20
        ),
    )


def test_a_request_that_was_held_up_for_45_seconds_goes_on() -> None:
    machine = CookieJar()
    try:
        machine.sign_in()
        machine.wait(301)
        machine.load_pages([0, 0, 1])
        machine.a_request_was_held_up(0, navigation=False, seconds=45)
        machine.a_request_was_held_up(1, navigation=True, seconds=0)
    finally:
        machine.teardown()
