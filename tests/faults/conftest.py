"""Fleets of real processes, a LocalWorkOS, a clock that both follow, and counts."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_workos_sessions.assembly import assemble
from flask_workos_sessions.coordination.cache import open_store
from flask_workos_sessions.local import LocalWorkOS, MovableClock
from flask_workos_sessions.parts import Customization
from flask_workos_sessions.session import kept_profile
from flask_workos_sessions.session_record import SessionRecord
from flask_workos_sessions.settings import load_settings
from flask_workos_sessions.stores.cookie import EndMark

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ORIGIN = "http://localhost"
#: Seconds for which an access token of LocalWorkOS lives.
LIFE = 300
#: Seconds that so many plain views at once take at most, where no time bound is relaxed: for each
#: of them, and for the crowd to come together.
PLAIN_VIEW, PLAIN_CROWD = 0.0025, 0.05


@dataclass
class Row:
    """One line of the table."""

    fault: str
    backend: str
    exchanges: int
    signed_out: int
    statuses: dict[int, int]
    cookies: int
    slower: float


_ROWS: list[Row] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--faults-table", None)
    if path and _ROWS and not hasattr(session.config, "workerinput"):
        Path(path).write_text(_table())


def _table() -> str:
    lines = [
        "| fault | shared state | exchanges | signed out | answers | cookie values | slowest |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in sorted(_ROWS, key=lambda row: (row.fault, row.backend)):
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(row.statuses.items()))
        lines.append(
            f"| {row.fault} | {row.backend} | {row.exchanges} | {row.signed_out} | {answers} "
            f"| {row.cookies} | {row.slower:.1f} s |"
        )
    return "\n".join(lines) + "\n"


@dataclass
class Reply:
    """One answer, as the browser saw it; ``status`` 0 is none at all."""

    status: int
    cookie: str | None
    seconds: float
    process: str
    retry_after: str | None = None
    sent: str = field(default="", repr=False)
    headers: http.client.HTTPMessage = field(default_factory=http.client.HTTPMessage, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def slowest(replies: list[Reply]) -> float:
    return max(each.seconds for each in replies)


class Times:
    """One clock for WorkOS and for every process of the fleet."""

    def __init__(self, path: Path) -> None:
        self.workos = MovableClock()
        self.path = path
        self._moved = 0.0
        self._write()

    def advance(self, seconds: float) -> None:
        self.workos.advance(seconds)
        self._moved += seconds
        self._write()

    def skew(self, seconds: float) -> None:
        """Move only the processes' clock."""
        self._moved += seconds
        self._write()

    def _write(self) -> None:
        with open(self.path, "r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("d", self._moved))


class Fleet:
    """gunicorn with several workers."""

    def __init__(
        self, settings: dict[str, Any], times: Times, options: list[str], under: list[str]
    ) -> None:
        self.settings = settings
        command = [sys.executable, "-m", "gunicorn", *options, "--bind=127.0.0.1:0", "served:app"]
        command = [*under, *command]
        environ = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in settings.items()
        }
        self.process = subprocess.Popen(
            command,
            cwd=HERE,
            env={
                **os.environ,
                **environ,
                "FAULTS_CLOCK": str(times.path),
                "PYTHONPATH": str(ROOT),
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self.port = self._port()
        self._drain = threading.Thread(target=self._read, daemon=True)
        self._drain.start()
        self.workers = int(next(each for each in options if "--workers=" in each).split("=")[1])
        loaded, rows = load_settings(settings, {}), None
        if loaded.session_store == "cache":
            rows = open_store(Flask(__name__), loaded, time.time)
        self._parts = assemble(loaded, time.time, Customization(), rows)
        self.name = self._parts.store.name

    def _port(self) -> int:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.search(r"Listening at: http://\S+:(\d+)", line)
            if found:
                return int(found[1])
        self.process.kill()
        self.process.wait(30)
        self.process.stderr.close()
        pytest.fail("gunicorn did not start:\n" + "".join(self.lines))

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._drain.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def kill(self, pid: str) -> None:
        """End one worker as the kernel does when memory runs out."""
        os.kill(int(pid), signal.SIGKILL)

    def cookie(self, answer: dict[str, Any]) -> str:
        """The session cookie of a sign-in, as the app would have sealed it."""
        parts = self._parts
        token = parts.verifier.inspect(answer["access_token"])
        record = SessionRecord(
            access_token=answer["access_token"],
            refresh_token=answer["refresh_token"],
            user=kept_profile(answer["user"]),
            organization_id=answer["organization_id"],
            signed_in_at=token.issued_at,
            not_after=token.issued_at + 24 * 3600,
        )
        kept, value = parts.store.begin(record)
        return f"{self.name}={kept.ticket or value}"

    def is_mark(self, cookie: str) -> bool:
        value = cookie.partition("=")[2]
        return not value or isinstance(self._parts.store.open(value), EndMark)

    def stats(self) -> Counter[str]:
        """What all processes together have counted."""
        return sum((Counter(each) for each in self.stats_by_process().values()), Counter())

    def stats_by_process(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        deadline = time.monotonic() + 20
        while len(found) < self.workers and time.monotonic() < deadline:
            for reply in self.ask_all([""] * 4 * self.workers, "/stats"):
                found[reply.process] = reply.json
        assert len(found) == self.workers, found
        return found

    def slowness(self, up: list[Reply]) -> float:
        """By what a time bound is multiplied: 1, and more where a crowd of plain views, before and
        right after what was measured, is slower than on a machine that nobody else uses."""
        again = self.ask_all([""] * len(up), "/up")
        return max(1.0, slowest(up + again) / (PLAIN_CROWD + PLAIN_VIEW * len(up)))

    def logged(self, text: str) -> list[str]:
        return [line for line in self.lines if text in line]

    def ask(self, cookie: str, path: str = "/me", method: str = "GET", **headers: str) -> Reply:
        return self.ask_all([cookie], path, method, **headers)[0]

    def ask_all(
        self, cookies: list[str], path: str = "/me", method: str = "GET", **headers: str
    ) -> list[Reply]:
        """One request for each cookie, all at once; ``form`` is the body of a form."""
        replies: list[Reply] = []
        start = threading.Barrier(len(cookies))
        threads = [
            threading.Thread(
                target=lambda cookie=cookie: replies.append(
                    self._ask(cookie, path, method, headers, start)
                )
            )
            for cookie in cookies
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return replies

    def _ask(
        self,
        cookie: str,
        path: str,
        method: str,
        headers: dict[str, str],
        start: threading.Barrier,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = headers.get("form")
        if body is not None:
            headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        named = {name.replace("_", "-"): value for name, value in headers.items() if name != "form"}
        try:
            connection.connect()
            start.wait()
            begun = time.monotonic()
            sent = {"Cookie": cookie, "Accept": "*/*", **named}
            connection.request(method, path, body, headers=sent)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            return Reply(0, None, time.monotonic() - begun, "", sent=cookie)
        finally:
            connection.close()
        found = [
            each.partition(";")[0]
            for each in answer.msg.get_all("Set-Cookie", [])
            if each.startswith(self.name + "=")
        ]
        return Reply(
            answer.status,
            found[0] if found else None,
            time.monotonic() - begun,
            answer.getheader("X-Process", ""),
            answer.getheader("Retry-After"),
            cookie,
            answer.msg,
            content,
        )


@dataclass
class World:
    """What a row of the table needs."""

    times: Times
    workos: LocalWorkOS
    backend: str
    config: dict[str, Any]
    redis: Any
    fleets: list[Fleet]
    #: Fleets of the test before, which may not have ended yet.
    ending: list[Fleet] = field(default_factory=list)

    def fleet(
        self,
        workers: int = 2,
        threads: int = 4,
        *options: str,
        kind: str = "gthread",
        under: list[str] | None = None,
        preload: bool = True,
        **config: Any,
    ) -> Fleet:
        """:param under: a command that starts another one, with its options."""
        settings = {
            **self.workos.settings(f"{ORIGIN}/auth/callback"),
            **self.config,
            "WORKOS_SESSION_INACTIVITY_TIMEOUT": None,
            **config,
        }
        settings = {name: value for name, value in settings.items() if value is not None}
        arguments = [f"--workers={workers}", f"--threads={threads}", f"--worker-class={kind}"]
        fleet = Fleet(
            settings,
            self.times,
            [*arguments, "--timeout=60", *options, *["--preload"] * preload],
            under or [],
        )
        self.fleets.append(fleet)
        self.see_the_others_end()
        return fleet

    def see_the_others_end(self) -> None:
        """What a test measures begins when nothing of the one before it runs any more."""
        while self.ending:
            self.ending.pop().stop()

    def expired(self, fleet: Fleet, left: float = -5, count: int = 1) -> list[str]:
        """Cookies of people who signed in long enough ago; ``left`` seconds of their token."""
        self.times.workos.advance(left - LIFE)
        answers = [self.workos.sign_in("alice@acme.test") for _ in range(count)]
        self.times.workos.advance(LIFE - left)
        return [fleet.cookie(each) for each in answers]

    @property
    def exchanges(self) -> int:
        return len(self.workos.exchanges("refresh_token"))

    def redis_lifetimes(self, name: str) -> list[float]:
        """Seconds for which Redis keeps each entry of this name: by its own clock."""
        import redis

        client = redis.Redis.from_url(self.redis.url)
        return [client.pttl(key) / 1000 for key in client.keys(f"*{name}*")]

    def row(
        self, fault: str, fleet: Fleet, replies: list[Reply], up: list[Reply], since: int = 0
    ) -> Row:
        """The figures of a run; nobody is signed out unless the caller says otherwise.

        :param since: exchanges that there had been before.
        """
        cookies = {each.cookie for each in replies if each.cookie}
        gone = [
            each
            for each in replies
            if each.status in (302, 303, 401) or (each.cookie and fleet.is_mark(each.cookie))
        ]
        row = Row(
            fault,
            self.backend,
            self.exchanges - since,
            len(gone),
            dict(Counter(each.status for each in replies)),
            len(cookies),
            max(0.0, slowest(replies) - slowest(up)),
        )
        _ROWS.append(row)
        return row


@pytest.fixture(scope="session")
def ending() -> Iterator[list[Fleet]]:
    """Fleets that were told to end: they do so while the next one starts."""
    fleets: list[Fleet] = []
    yield fleets
    for fleet in fleets:
        fleet.stop()


@pytest.fixture
def make_world(
    tmp_path: Path, request: pytest.FixtureRequest, ending: list[Fleet]
) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(backend: str, grace: float = 0, **more: Any) -> World:
        times = Times(tmp_path / "clock")
        workos = LocalWorkOS(
            clock=times.workos,
            grace_seconds=grace,
            max_length=24 * 3600,
            inactivity_timeout=more.pop("inactivity_timeout", 23 * 3600),
            redirect_uris=[f"{ORIGIN}/auth/callback"],
            **more,
        ).start()
        config: dict[str, Any] = {
            "WORKOS_CACHE_TYPE": backend,
            "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
        }
        redis = None
        if backend == "sqlite":
            config["WORKOS_CACHE_DIR"] = str(tmp_path / "state")
        if backend == "redis":
            redis = request.getfixturevalue("redis_server")
            config["WORKOS_CACHE_REDIS_URL"] = redis.url
        world = World(times, workos, backend, config, redis, [], ending)
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        world.see_the_others_end()
        for fleet in world.fleets:
            fleet.process.terminate()
            ending.append(fleet)
        world.workos.stop()


@pytest.fixture(params=["sqlite", "redis"])
def world(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> World:
    """Processes that share their state; WorkOS repeats nothing."""
    return make_world(request.param)


@pytest.fixture(params=["sqlite", "redis"])
def lenient(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> World:
    """The same, and WorkOS repeats its answer for thirty seconds."""
    return make_world(request.param, grace=30)


@pytest.fixture
def record_row() -> Callable[[str, str], None]:
    """For a row that makes no requests."""

    def record(fault: str, backend: str) -> None:
        _ROWS.append(Row(fault, backend, 0, 0, {}, 0, 0.0))

    return record
