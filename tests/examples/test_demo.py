"""``python -m examples.demo``: one command, an address, people, and a clean end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from examples.demo import main

ROOT = Path(__file__).parents[2]


class Demo:
    """The running demo and what it printed until it was ready."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-W", "error", "-m", "examples.demo", *options],
            cwd=ROOT,
            env={n: v for n, v in os.environ.items() if not n.startswith(("WORKOS_", "FLASK_"))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.printed = ""
        for line in self.process.stdout:
            self.printed += line
            if "Ctrl-C" in line:
                break

    @property
    def url(self) -> str:
        found = re.search(r"sample app: +(http://127\.0\.0\.1:\d+)", self.printed)
        assert found, self.printed
        return found[1]

    def stop(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=20)
        return self.process.returncode, rest.strip()


@pytest.fixture
def demo() -> Iterator[Demo]:
    started = Demo("--port", "0")
    with started.process:
        yield started
        started.process.kill()


def test_it_prints_the_address_and_who_can_sign_in(demo: Demo) -> None:
    for person in ("alice@acme.test", "bob@acme.test", "carol@acme.test", "dave@example.test"):
        assert person in demo.printed
    assert "Admin in Acme" in demo.printed
    assert "secret" not in demo.printed
    assert "Decisions, in one place" in requests.get(demo.url, timeout=10).text


def test_its_sign_in_leads_to_the_local_workos(demo: Demo) -> None:
    answer = requests.get(f"{demo.url}/auth/login", timeout=10, allow_redirects=False)
    assert answer.status_code == 302
    found = re.search(r"local WorkOS: (http://127\.0\.0\.1:\d+)", demo.printed)
    assert found
    assert answer.headers["Location"].startswith(f"{found[1]}/user_management/authorize?")
    assert "Alice Admin" in requests.get(answer.headers["Location"], timeout=10).text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_without_a_word_too_many(demo: Demo, number: int) -> None:
    requests.get(demo.url, timeout=10)
    assert demo.stop(number) == (0, "Stopped.")


def test_a_port_that_was_asked_for_and_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = Demo("--port", str(port))
        demo.process.communicate(timeout=20)
    assert demo.process.returncode == 1
    assert demo.printed == f"Port {port} cannot be used: Address already in use.\n"


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_what_is_no_port_is_said(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--port", port])
    assert stopped.value.code == 2
    assert "--port" in capsys.readouterr().err
