"""Many sessions for a long time: what is kept stays bounded, and is what matters."""

import os
import random
import secrets
import threading
import time

import pytest
from flask import Flask

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.coordination.memory import CAPACITY, ENDS_CAPACITY
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.testing import settings

pytestmark = pytest.mark.timeout(180)

SESSIONS = 50_000


@pytest.mark.parametrize("backend", ["memory", "sqlite", "redis"])
def test_fifty_thousand_sessions_leave_what_matters_and_no_more(
    backend, tmp_path, request, record_row
):
    config = {"WORKOS_CACHE_TYPE": backend}
    if backend == "sqlite":
        config["WORKOS_CACHE_DIR"] = str(tmp_path / "state")
    if backend == "redis":
        config["WORKOS_CACHE_REDIS_URL"] = request.getfixturevalue("redis_server").url
    clock = MovableClock().freeze()
    app = Flask("soak")
    app.config.update(settings(**config))
    WorkOSSessions(app, clock=clock)
    parts = app.extensions["workos_sessions.parts"]
    rotations, endings = parts.refresher.rotations, parts.endings
    value = secrets.token_hex(600)
    until = clock() + 10 * 3600
    begun = time.monotonic()
    for number in range(SESSIONS):
        token = f"token {number}"
        rotations.record(token, value, until=until)
        if number % 10:
            rotations.seen(rotations.digest(token))  # nine of ten browsers got the answer
        if number % 2:
            endings.end(f"session {number}", "signed_out", until=until)
        if number % 500 == 499:
            clock.advance(5)
    seconds = time.monotonic() - begun
    ended = [endings.look(endings.key(f"session {n}")) for n in range(1, SESSIONS, 2)]
    assert ended == ["signed_out"] * (SESSIONS // 2)
    unseen = range(0, SESSIONS, 10)
    if backend == "memory":
        # A memory has room for so many; the oldest are what is missing.
        assert len(parts.state) <= CAPACITY
        assert len(endings._state) <= ENDS_CAPACITY
        unseen = range(SESSIONS - 5_000, SESSIONS, 10)
        size = (len(parts.state) + len(endings._state)) * 2_000
    elif backend == "sqlite":
        folder = str(tmp_path / "state")
        size = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
    else:
        size = parts.state._store._redis().info("memory")["used_memory"]
    assert all(rotations.successor(f"token {number}") == value for number in unseen)
    assert size < 200 * 2**20
    record_row(f"{SESSIONS:,} sessions: {size / 2**20:.0f} MiB in {seconds:.0f} s", backend)


@pytest.mark.alone
def test_random_faults_under_load_sign_nobody_out(lenient):
    """Five exchanges of a hundred go wrong, for ten minutes of simulated time."""
    fleet = lenient.fleet(3, 16)
    chance = random.Random(3)
    cookies = lenient.expired(fleet, left=120, count=150)
    up = fleet.ask_all([""] * 16, "/up")
    faults = (500, 502, 429, "drop", "lost", "reset", "half", "html", "no_tokens")
    lenient.workos.fail_randomly(0.05, *faults, seed=3)
    replies, lock = [], threading.Lock()

    def live(number):
        for _ in range(2):
            reply = fleet.ask(cookies[number])
            if reply.status == 503:
                time.sleep(0.05)
            with lock:
                replies.append(reply)
                if reply.cookie:
                    cookies[number] = reply.cookie

    for _ in range(60):
        some = chance.sample(range(len(cookies)), 40)
        threads = [threading.Thread(target=live, args=(number,)) for number in some]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lenient.times.advance(10)
    lenient.workos.clear_faults()
    lenient.times.advance(61)
    last = fleet.ask_all(cookies)
    last += fleet.ask_all(cookies)
    row = lenient.row("random faults, 5 %, ten minutes", fleet, replies + last, up)
    assert row.signed_out == 0
    assert {each.status for each in last[150:]} == {200}
