"""Served by gunicorn: several processes, several threads, forked from one that loaded the app."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from flask_workos_sessions.parts import Customization, assemble
from flask_workos_sessions.session import SessionRecord, kept_profile
from flask_workos_sessions.settings import load_settings

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@pytest.fixture
def gunicorn(workos: Any, clock: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    clock.set(time.time()).run()
    settings = workos.settings("http://localhost/auth/callback")
    environ = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers=2", "--threads=4"]
    process = subprocess.Popen(
        [*command, "--bind=127.0.0.1:0", "served_app:app"],
        cwd=HERE,
        env={**os.environ, **environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        found = re.search(r"Listening at: (http://\S+)", line)
        if found:
            break
    else:
        pytest.fail("gunicorn did not start:\n" + "".join(lines))
    drain = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
    drain.start()
    yield found[1], settings
    process.terminate()
    process.wait(30)
    drain.join(5)
    process.stderr.close()


def cookie_of(answer: dict[str, Any], settings: dict[str, Any]) -> str:
    """The session cookie of an exchange, as the app would have sealed it."""
    parts = assemble(load_settings(settings, {}), time.time, Customization())
    token = parts.verifier.inspect(answer["access_token"])
    record = SessionRecord(
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        user=kept_profile(answer["user"]),
        organization_id=answer["organization_id"],
        signed_in_at=token.issued_at,
        not_after=token.issued_at + 8 * 3600,
    )
    return f"{parts.store.name}={parts.store.seal(record)}"


def test_an_expired_token_in_two_processes_signs_nobody_out(
    gunicorn: tuple[str, dict[str, Any]], workos: Any, clock: Any
) -> None:
    url, settings = gunicorn
    clock.advance(-310)
    answer = workos.sign_in("alice@acme.test")
    clock.advance(310)
    cookie = cookie_of(answer, settings)
    answers: list[requests.Response] = []
    start = threading.Barrier(12)

    def ask() -> None:
        start.wait()
        answers.append(requests.get(f"{url}/me", headers={"Cookie": cookie}, timeout=20))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.status_code for each in answers] == [200] * 12
    exchanges = workos.exchanges("refresh_token")
    processes = {each.json()["pid"] for each in answers}
    # One per process at most: the second one gets the same pair within the grace of 30 seconds.
    assert 1 <= len(exchanges) <= len(processes)
    assert {each.json()["session"] for each in answers} == {workos.sessions[0].id}

    successor = answers[0].headers["Set-Cookie"].partition(";")[0]
    for _ in range(6):
        assert requests.get(f"{url}/me", headers={"Cookie": successor}, timeout=20).ok
    assert len(workos.exchanges("refresh_token")) == len(exchanges)
