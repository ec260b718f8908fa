"""What holds for every test: a clean environment, no context left behind, nothing skipped."""

from __future__ import annotations

import functools
import itertools
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import flask
import hypothesis
import pytest

from flask_workos_sessions.local import keys

# The same examples in every run, on a machine of any speed. HYPOTHESIS_PROFILE=search looks for
# new ones.
hypothesis.settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=50, database=None
)
hypothesis.settings.register_profile("search", deadline=None, max_examples=5000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="fail the run when a test was skipped or xfailed"
    )
    parser.addoption("--faults-table", help="write the figures of the fault table to this file")


def pytest_configure(config: pytest.Config) -> None:
    # Here too, and not only around each test: fixtures of a wider scope start earlier.
    for name in _settings_in_environment():
        del os.environ[name]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A check that does not run is no check."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or not session.config.getoption("--no-skips"):
        return
    left_out = [
        report
        for word in ("skipped", "xfailed", "xpassed")
        for report in terminal.stats.get(word, ())
    ]
    if left_out:
        terminal.section("skipped, which --no-skips forbids", red=True)
        for report in left_out:
            terminal.line(f"{report.nodeid}: {report.longreprtext}")
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's own ``WORKOS_*`` variables must not reach a test."""
    for name in _settings_in_environment():
        monkeypatch.delenv(name)
    # Apps that do not say that they are for tests share state in a file: each test has its own.
    monkeypatch.setenv("WORKOS_CACHE_DIR", str(tmp_path / "workos-sessions"))


#: Signing keys that a process makes; then their turn comes again.
KEYS = 16


@pytest.fixture(scope="session", autouse=True)
def _signing_keys_in_turn() -> Iterator[None]:
    """Making a key takes longer than most tests that need a LocalWorkOS: nobody gets a new one when
    there are enough, and no two of so many that follow each other have the same."""
    make, turns = keys.new_signing_key, itertools.cycle(range(KEYS))
    made = functools.cache(lambda turn: make())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "new_signing_key", lambda: made(next(turns)))
        yield


@pytest.fixture(autouse=True)
def _no_context_left_behind() -> Iterator[None]:
    """A test that leaves a Flask context pushed would lend it to the tests after it."""
    yield
    if not flask.has_app_context():
        return
    while flask.has_app_context():
        _pop_context()
    pytest.fail("This test left a Flask context pushed.")


#: What must not be in a log line of ours: tokens, keys, cookie values, addresses, session ids.
_SECRET = re.compile(
    r"eyJ[\w-]{8,}|\bsk_\w+_\w{6,}|[\w-]{60,}|session_\w{12,}|[\w.+-]+@[\w-]+\.\w+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b"
)


class _Scan(logging.Handler):
    """Looks at everything that the package logs in a test."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if _SECRET.search(line):
            self.found.append(line)


@pytest.fixture(autouse=True)
def _no_secret_in_the_log() -> Iterator[None]:
    """Security T2: every log line of every test is scanned."""
    scan, logger = _Scan(), logging.getLogger("flask_workos_sessions")
    level = logger.level
    logger.addHandler(scan)
    logger.setLevel(logging.DEBUG)
    yield
    logger.removeHandler(scan)
    logger.setLevel(level)
    if scan.found:
        pytest.fail(f"This was logged: {scan.found}")


class RedisServer:
    """A Redis server of the test's own, on a free port, that keeps nothing on the disk."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="redis-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        """Start it, empty."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", self.folder]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    probe.sendall(b"PING\r\n")
                    if probe.recv(16).startswith(b"+PONG"):
                        return self
            time.sleep(0.02)
        pytest.fail("redis-server does not answer")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(20)
        self._process = None

    def freeze(self) -> None:
        """Let it take connections and answer nothing, as behind a network that drops packets."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder)


@pytest.fixture
def make_redis() -> Iterator[Callable[[], RedisServer]]:
    """Starts Redis servers, which end with the test."""
    started: list[RedisServer] = []

    def make() -> RedisServer:
        server = RedisServer()
        started.append(server)
        return server.start()

    yield make
    for server in started:
        server.close()


@pytest.fixture
def redis_server(make_redis: Callable[[], RedisServer]) -> RedisServer:
    return make_redis()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium that Playwright is to start."""
    return str(Path(__file__).with_name("chromium"))


def _pop_context() -> None:
    if flask.has_request_context() and hasattr(flask.globals, "_cv_request"):
        flask.globals._cv_request.get().pop()  # takes the app context that it pushed along
    else:
        flask.globals._cv_app.get().pop()


def _settings_in_environment() -> list[str]:
    return [name for name in os.environ if name.startswith("WORKOS_")]
