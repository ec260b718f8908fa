"""``flask workos local``: the process that a developer starts."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from flask_workos_sessions.local import sign
from flask_workos_sessions.local.command import local_command
from flask_workos_sessions.settings import load_settings


class Process:
    """A running command, and what it printed when it was ready."""

    def __init__(self, *options: str, cwd: Path) -> None:
        environment = {
            n: v for n, v in os.environ.items() if not n.startswith(("WORKOS_", "FLASK_"))
        }
        self.popen = subprocess.Popen(
            [sys.executable, "-u", "-m", "flask", "workos", "local", "--port", "0", *options],
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.popen.stdout is not None
        self.printed = ""
        for line in self.popen.stdout:
            self.printed += line
            if "-H " in line:
                break

    def exports(self) -> dict[str, str]:
        """The lines that a shell would take over."""
        lines = (line for line in self.printed.splitlines() if line.startswith("export "))
        pairs = (shlex.split(line)[1].split("=", 1) for line in lines)
        return dict(pairs)

    def interrupt(self) -> int:
        self.popen.send_signal(signal.SIGINT)
        return self.popen.wait(10)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    started = Process(
        "--access-token-seconds",
        "20",
        "--max-length",
        "600",
        "--inactivity-timeout",
        "120",
        cwd=tmp_path,
    )
    yield started
    started.popen.kill()
    started.popen.wait()
    assert started.popen.stdout is not None
    started.popen.stdout.close()


def test_it_runs_without_an_app_and_prints_settings_that_work(process):
    exported = process.exports()
    secret = exported.pop("LOCAL_WORKOS_CONTROL_SECRET")
    settings = load_settings({}, environ=exported)
    assert settings.session_inactivity_timeout == 120
    assert settings.session_max_length == 600
    assert settings.redirect_uri == (
        "http://localhost:5000/auth/callback",
        "http://127.0.0.1:5000/auth/callback",
    )
    assert f"runs at {settings.base_url}." in process.printed
    for address in ("alice@acme.test", "bob@acme.test", "carol@acme.test", "dave@example.test"):
        assert address in process.printed

    page = requests.get(
        f"{settings.base_url}/user_management/authorize",
        params={
            "client_id": settings.client_id,
            "redirect_uri": "http://127.0.0.1:5000/auth/callback",
            "response_type": "code",
            "provider": "authkit",
        },
        timeout=10,
    )
    assert "Continue as" in page.text

    moved = requests.post(
        f"{settings.base_url}/local/clock",
        json={"advance": 60},
        headers={"Authorization": f"Bearer {secret}"},
        timeout=10,
    )
    assert moved.status_code == 200

    logged_out = requests.get(
        f"{settings.base_url}/user_management/sessions/logout?session_id=session_x",
        allow_redirects=False,
        timeout=10,
    )
    assert logged_out.headers["Location"] == "http://localhost:5000/"


def test_ctrl_c_ends_it(process):
    assert process.interrupt() == 0


def test_with_a_webhook_it_prints_a_secret_and_delivers(tmp_path, receiver):
    process = Process("--webhook-url", receiver.url, cwd=tmp_path)
    try:
        exported = process.exports()
        secret, control = exported["WORKOS_WEBHOOK_SECRET"], exported["LOCAL_WORKOS_CONTROL_SECRET"]
        requests.post(
            f"{exported['WORKOS_BASE_URL']}/local/remove-user",
            json={"user": "dave@example.test"},
            headers={"Authorization": f"Bearer {control}"},
            timeout=10,
        )
        assert receiver.arrived.acquire(timeout=10)
    finally:
        assert process.interrupt() == 0
        process.popen.stdout.close()
    (received,) = receiver.received
    assert received.event["event"] == "user.deleted"
    t = int(received.signature.split(",")[0].removeprefix("t="))
    assert received.signature == sign(received.body, secret, t=t)


def test_without_a_webhook_it_prints_no_secret_for_one(process):
    assert "WORKOS_WEBHOOK_SECRET" not in process.exports()


def test_a_webhook_elsewhere_is_refused():
    """security S8"""
    result = CliRunner().invoke(local_command, ["--webhook-url", "https://example.com/hook"])

    assert result.exit_code == 2
    assert "this machine only" in result.output


def test_a_port_that_cannot_be_is_refused():
    result = CliRunner().invoke(local_command, ["--port", "99999"])

    assert result.exit_code == 2
    assert "65535" in result.output


def test_a_taken_port_is_said_to_be_taken(workos):
    port = workos.url.rsplit(":", 1)[1]

    result = CliRunner().invoke(local_command, ["--port", port])

    assert result.exit_code == 1
    assert f"Cannot listen on port {port}" in result.output
    assert "--port" in result.output
