"""``flask workos events``: against a LocalWorkOS, as a process, and when it cannot work."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from flask_workos_sessions import WorkOSSessions, signals, testing
from flask_workos_sessions.cli import workos_group
from flask_workos_sessions.coordination.lease import Leases
from flask_workos_sessions.local import LocalWorkOS, MovableClock
from flask_workos_sessions.testing import login_as

REDIRECT_URI = "http://localhost/auth/callback"
APP = """
import time
from flask import Flask
from flask_workos_sessions import WorkOSSessions, signals

app = Flask(__name__)
WorkOSSessions(app)

@signals.workos_event.connect_via(app)
def note(sender, event):
    with open(HEARD, "a") as file:
        print(event.type, event.id, file=file, flush=True)
    if event.type == "slow.happened":
        time.sleep(3)
"""


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock().freeze()


@pytest.fixture
def workos(clock: MovableClock) -> Iterator[LocalWorkOS]:
    with LocalWorkOS(clock=clock, max_length=8 * 3600, redirect_uris=[REDIRECT_URI]) as local:
        yield local


@pytest.fixture
def make_app(workos: LocalWorkOS, clock: MovableClock, tmp_path: Path) -> Any:
    config = {
        **workos.settings(REDIRECT_URI),
        "WORKOS_CACHE_TYPE": "sqlite",
        "WORKOS_CACHE_DIR": str(tmp_path / "state"),
    }

    def make(**more: Any) -> Flask:
        app = Flask("events")
        app.config.update({**config, **more}, TESTING=True)
        WorkOSSessions(app, clock=clock)
        return app

    return make


def run(app: Flask, *options: str) -> Any:
    # The group finds the app as `flask --app` would give it.
    from flask.cli import ScriptInfo

    info = ScriptInfo(create_app=lambda: app)
    return CliRunner().invoke(workos_group, ["events", *options], obj=info)


def parts(app: Flask) -> Any:
    return app.extensions["workos_sessions.parts"]


def test_what_happened_reaches_every_process(make_app, workos, clock):
    poller, web = make_app(), make_app()
    heard = []

    def receive(sender, event):
        heard.append(event.type)

    signals.workos_event.connect(receive, poller)
    answer = workos.sign_in("alice@acme.test")
    session_id = parts(web).verifier.inspect(answer["access_token"]).session_id
    workos.revoke(session_id)
    result = run(poller, "--once")
    assert (result.exit_code, result.output) == (0, "")
    assert parts(web).endings.reason(session_id) == "revoked"
    assert heard == ["session.revoked"]
    assert run(poller, "--once").exit_code == 0
    assert heard == ["session.revoked"]


def test_types_that_the_app_asks_for_are_read_too(make_app, workos):
    app = make_app(WORKOS_EVENTS_TYPES=["session.created", "custom.happened"])
    heard = []

    def receive(sender, event):
        heard.append(event.type)

    signals.workos_event.connect(receive, app)
    workos.sign_in("alice@acme.test")
    workos.emit("custom.happened")
    workos.emit("other.happened")
    assert run(app, "--once").exit_code == 0
    assert heard == ["session.created", "custom.happened"]


def test_a_webhook_and_the_poller_tell_of_an_event_once(make_app, workos):
    secret = secrets.token_urlsafe()
    app = make_app(WORKOS_WEBHOOK_SECRET=secret)
    heard = []

    def receive(sender, event):
        heard.append(event.id)

    signals.workos_event.connect(receive, app)
    one, two = (workos.emit("user.updated", {"id": "user_1"}) for _ in range(2))
    body = json.dumps(one.as_json()).encode()
    headers = {"WorkOS-Signature": workos.sign(body, secret)}
    assert app.test_client().post("/auth/webhook", data=body, headers=headers).status_code == 200
    assert run(app, "--once").exit_code == 0
    assert heard == [one.id, two.id]


def test_a_log_that_workos_has_lost_is_begun_anew(make_app, workos, clock):
    app = make_app()
    workos.emit("user.updated", {"id": "user_1"})
    assert run(app, "--once").exit_code == 0
    workos.forget_events()
    session_id = "session_1"
    workos.emit("session.revoked", {"id": session_id})
    assert run(app, "--once").exit_code == 0
    assert parts(app).endings.reason(session_id) == "revoked"


def test_the_types_that_we_ask_for_are_known_to_a_local_workos(make_app, workos, clock):
    """A whole page and more of them."""
    app = make_app()
    for number in range(250):
        workos.emit("session.revoked", {"id": f"session_{number}"})
    assert run(app, "--once").exit_code == 0
    assert parts(app).endings.reason("session_249") == "revoked"
    asked = [each for each in workos.requests if each.path == "/events"]
    assert len(asked) == 3


def test_a_wrong_key_ends_it_with_what_to_check(make_app, workos):
    app = make_app()
    workos.api_key = "sk_test_another"
    for options in ([], ["--once"]):
        result = run(app, *options)
        assert result.exit_code == 1
        assert "WORKOS_API_KEY" in result.output
        assert "sk_test" not in result.output


def test_memory_tells_nobody(clock):
    app = Flask("memory")
    app.config.update(testing.settings())
    WorkOSSessions(app, clock=clock)
    result = run(app)
    assert result.exit_code == 1
    assert "WORKOS_CACHE_TYPE" in result.output


def test_an_app_without_the_extension_is_told_so():
    result = run(Flask("bare"))
    assert result.exit_code == 1
    assert "WorkOSSessions(app)" in result.output


def test_while_another_process_reads_once_does_nothing(make_app, workos):
    app = make_app()
    Leases(parts(app).state, seconds=15).take("events")
    result = run(app, "--once")
    assert result.exit_code == 0
    assert "Another process" in result.output


def test_a_workos_that_is_down_is_an_error_for_once(make_app, workos):
    app = make_app()
    with workos.down():
        result = run(app, "--once")
    assert result.exit_code == 1
    assert "goes on from here" in result.output


def test_a_receiver_that_raises_is_in_the_app_s_log(make_app, workos, caplog):
    app = make_app()
    faults = [ZeroDivisionError("in a receiver")]

    def receive(sender, event):
        if faults:
            raise faults.pop()

    signals.workos_event.connect(receive, app)
    workos.emit("user.updated", {"id": "user_1"})
    assert run(app, "--once").exit_code == 0
    assert "in a receiver" in caplog.text


def test_the_handlers_of_signals_are_as_they_were(make_app):
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    run(make_app(), "--once")
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before


def test_the_next_request_of_a_browser_is_refused(make_app, workos, clock):
    """What the poller reads reaches somebody who is signed in to another process."""
    poller, web = make_app(), make_app()
    client = web.test_client()
    login_as(client)
    fetch = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert client.get("/auth/session", headers=fetch).status_code == 200
    workos.emit("user.deleted", {"id": "user_test"})
    run(poller, "--once")
    clock.advance(1)
    assert client.get("/auth/session", headers=fetch).json["reason"] == "access_removed"


# --- as a process


class Process:
    """``flask --app shown workos events``, as systemd would start it."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-u", "-m", "flask", "--app", "shown", "workos", "events"],
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, number: int) -> tuple[int, str]:
        self.popen.send_signal(number)
        output, _ = self.popen.communicate(timeout=30)
        return self.popen.returncode, output


@pytest.fixture
def start(workos, clock, tmp_path) -> Iterator[Any]:
    clock.set(time.time()).run()
    (tmp_path / "shown.py").write_text(f"HEARD = {str(tmp_path / 'heard')!r}\n{APP}")
    given = {
        **workos.settings(REDIRECT_URI),
        "WORKOS_CACHE_DIR": str(tmp_path / "state"),
        "WORKOS_EVENTS_INTERVAL": "1",
        "WORKOS_EVENTS_TYPES": '["slow.happened", "quick.happened"]',
    }
    environ = {**os.environ, **{name: str(value) for name, value in given.items()}}
    environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    started: list[Process] = []

    def start() -> Process:
        started.append(Process(tmp_path, environ))
        return started[-1]

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait(20)
        process.popen.stdout.close()


@pytest.fixture
def heard(tmp_path):
    def heard(count, seconds=40):
        """The events that were told, when there are so many."""
        deadline, path = time.monotonic() + seconds, tmp_path / "heard"
        while True:
            lines = path.read_text().split("\n")[:-1] if path.exists() else []
            if len(lines) >= count:
                return [line.split()[1] for line in lines]
            assert time.monotonic() < deadline, lines
            time.sleep(0.05)

    return heard


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_when_the_page_is_done(start, heard, workos, number):
    process = start()
    first = workos.emit("slow.happened")
    last = workos.emit("quick.happened")
    assert heard(1) == [first.id]
    code, output = process.end(number)
    assert code == 0, output
    assert output.endswith("Stopped.\n")
    assert heard(2) == [first.id, last.id]


def test_when_the_leader_is_killed_another_one_goes_on_without_gap_or_repeat(start, heard, workos):
    leader = start()
    told = [workos.emit("quick.happened").id]
    assert heard(1) == told
    other = start()
    time.sleep(1)
    told.append(workos.emit("quick.happened").id)
    heard(2)
    leader.popen.kill()
    told += [workos.emit("quick.happened").id for _ in range(3)]
    assert heard(5) == told
    assert other.end(signal.SIGTERM)[0] == 0


def test_the_other_commands_need_no_app(tmp_path):
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    flask = [sys.executable, "-m", "flask", "workos"]
    options = {"cwd": tmp_path, "env": environ, "capture_output": True, "text": True}
    secret = subprocess.run([*flask, "secret"], **options, check=True)
    assert len(secret.stdout.strip()) == 64
    events = subprocess.run([*flask, "events"], **options, check=False)
    assert events.returncode == 2
    assert "Could not locate a Flask application" in events.stderr
    listed = subprocess.run([*flask, "--help"], **options, check=True)
    assert "events" in listed.stdout
