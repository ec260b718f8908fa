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

from flask_workos_sessions.assembly import assemble
from flask_workos_sessions.parts import Customization
from flask_workos_sessions.session import kept_profile
from flask_workos_sessions.session_record import SessionRecord
from flask_workos_sessions.settings import load_settings

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@pytest.fixture(params=["sqlite", "redis"])
def gunicorn(
    workos: Any, clock: Any, request: pytest.FixtureRequest
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Two workers that share their state in a file, or in Redis."""
    clock.set(time.time()).run()
    settings = workos.settings("http://localhost/auth/callback")
    if request.param == "redis":
        settings["WORKOS_CACHE_REDIS_URL"] = request.getfixturevalue("redis_server").url
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


def ask(url: str, cookie: str) -> requests.Response:
    """A request on a connection of its own, so that any of the processes may answer."""
    return requests.get(f"{url}/me", headers={"Cookie": cookie, "Accept": "*/*"}, timeout=20)


def ask_another(url: str, cookie: str, than: str) -> requests.Response:
    """The first answer of another process."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = ask(url, cookie)
        if answer.headers["X-Process"] != than:
            return answer
    pytest.fail("one process answers everything")


def sign_out(url: str, cookie: str) -> str:
    """Sign out; the process that did it."""
    headers = {"Cookie": cookie, "Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    answer = requests.post(f"{url}/auth/logout", headers=headers, timeout=20, allow_redirects=False)
    assert answer.status_code in (200, 303), answer.text
    return answer.headers["X-Process"]


def test_security_r1_a_sign_out_in_one_process_is_refused_in_the_other_at_once(
    gunicorn: tuple[str, dict[str, Any]], workos: Any
) -> None:
    url, settings = gunicorn
    cookie = cookie_of(workos.sign_in("alice@acme.test"), settings)
    answer = ask_another(url, cookie, than=sign_out(url, cookie))
    assert (answer.status_code, answer.json()["required"]) == (401, {"reason": "signed_out"})
    assert workos.exchanges("refresh_token") == []


def test_security_r1_a_process_that_served_the_session_just_now_refuses_it_within_a_second(
    gunicorn: tuple[str, dict[str, Any]], workos: Any
) -> None:
    url, settings = gunicorn
    cookie = cookie_of(workos.sign_in("alice@acme.test"), settings)
    first = ask(url, cookie)
    assert first.ok
    assert ask_another(url, cookie, than=first.headers["X-Process"]).ok
    sign_out(url, cookie)
    signed_out_at = time.monotonic()
    time.sleep(1.05)
    refused: dict[str, int] = {}
    while len(refused) < 2 and time.monotonic() < signed_out_at + 20:
        answer = ask(url, cookie)
        refused[answer.headers["X-Process"]] = answer.status_code
        assert answer.status_code == 401
    assert len(refused) == 2


def test_security_r2_a_lost_answer_is_found_by_the_other_process_after_the_grace(
    gunicorn: tuple[str, dict[str, Any]], workos: Any, clock: Any
) -> None:
    url, settings = gunicorn
    clock.advance(-310)
    signed_in = workos.sign_in("alice@acme.test")
    clock.advance(310)
    cookie = cookie_of(signed_in, settings)
    lost = ask(url, cookie)
    assert lost.ok
    # WorkOS alone is forty seconds on: it would refuse the old token now.
    clock.advance(40)
    found = ask_another(url, cookie, than=lost.headers["X-Process"])
    assert found.ok
    assert (
        found.headers["Set-Cookie"].partition(";")[0]
        == lost.headers["Set-Cookie"].partition(";")[0]
    )
    assert len(workos.exchanges("refresh_token")) == 1


def test_security_r2_a_dead_token_is_asked_about_once_by_all_processes(
    gunicorn: tuple[str, dict[str, Any]], workos: Any, clock: Any
) -> None:
    url, settings = gunicorn
    clock.advance(-310)
    cookie = cookie_of(workos.sign_in("alice@acme.test"), settings)
    clock.advance(310)
    workos.revoke(workos.sessions[0].id)
    first = ask(url, cookie)
    second = ask_another(url, cookie, than=first.headers["X-Process"])
    assert [each.status_code for each in (first, second)] == [401, 401]
    assert len(workos.exchanges("refresh_token")) == 1
