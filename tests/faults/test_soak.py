"""Many sessions for a long time: what is kept stays bounded, and is what matters."""

import base64
import json
import os
import secrets
import time
import tracemalloc
from dataclasses import replace

import pytest
from flask import Flask

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.coordination.memory import CAPACITY, ENDS_CAPACITY
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.refresh.exchange import Caller
from flask_workos_sessions.refresh.results import Renewed
from flask_workos_sessions.session_record import SessionRecord
from flask_workos_sessions.testing import settings
from flask_workos_sessions.workos.outcomes import Authenticated

pytestmark = pytest.mark.timeout(300)

SESSIONS = 50_000
MEBIBYTE = 2**20


def part(claims):
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


class Population:
    """Sessions of an app whose WorkOS answers at once, with tokens that nobody has signed: a
    signature takes longer than all that is looked at here."""

    def __init__(self, parts, clock, monkeypatch):
        self.parts, self.clock = parts, clock
        monkeypatch.setattr(parts.client, "exchange_refresh_token", self.answer)

    def token(self, number):
        now = int(self.clock())
        claims = {"sub": "user", "sid": f"session {number}", "iat": now, "exp": now + 300}
        return f"{part({'alg': 'RS256', 'kid': 'key'})}.{part(claims)}.{secrets.token_hex(171)}"

    def record(self, number):
        now = int(self.clock())
        return SessionRecord(
            access_token=self.token(number),
            refresh_token=f"token {number}",
            user={"id": "user"},
            organization_id=None,
            signed_in_at=now,
            not_after=now + 10 * 3600,
        )

    def answer(self, refresh_token, **_):
        number = refresh_token.split()[-1]
        return Authenticated({"id": "user"}, self.token(number), f"next of {number}")

    def refresh(self, number):
        """As a request does: with its lease, its attempt and its record."""
        assert isinstance(self.parts.refresher.refresh(self.record(number), Caller()), Renewed)

    def successor(self, number):
        value = self.parts.refresher.rotations.successor(f"token {number}")
        return value and self.parts.store.open(value).refresh_token


# Redis has a quarter of a second for each of two hundred thousand answers.
@pytest.mark.parametrize(
    "backend", ["memory", "sqlite", pytest.param("redis", marks=pytest.mark.alone)]
)
def test_fifty_thousand_sessions_leave_what_matters_and_no_more(
    backend, tmp_path, request, record_row, monkeypatch
):
    """Nine of ten browsers show the successor. One session in fifty is refreshed as by a request;
    for the others only what remains of that is written. Half of all are signed out."""
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
    population = Population(parts, clock, monkeypatch)
    value = parts.store.seal(replace(population.record("x"), refresh_token="next of another"))
    until = clock() + 10 * 3600
    if backend == "memory":
        tracemalloc.start()
        request.addfinalizer(tracemalloc.stop)
    begun = time.monotonic()
    for number in range(SESSIONS):
        token = f"token {number}"
        if number % 50:
            rotations.record(token, value, until=until)
        else:
            population.refresh(number)
        if number % 10:
            rotations.seen(rotations.digest(token))  # nine of ten browsers got the answer
        if number % 2:
            endings.end(f"session {number}", "signed_out", until=until)
        if number % 500 == 499:
            clock.advance(5)
    seconds = time.monotonic() - begun
    unseen = range(0, SESSIONS, 10)
    if backend == "memory":
        size = tracemalloc.get_traced_memory()[0]
        # A memory has room for so many; the oldest are what is missing.
        assert len(parts.state) <= CAPACITY
        assert len(endings._state) <= ENDS_CAPACITY
        unseen = range(SESSIONS - 5_000, SESSIONS, 10)
    elif backend == "sqlite":
        folder = str(tmp_path / "state")
        size = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
    else:
        size = parts.state._store.backend._redis().info("memory")["used_memory"]
    ended = [endings.reason(f"session {n}") for n in range(1, SESSIONS, 2)]
    assert ended == ["signed_out"] * (SESSIONS // 2)
    for number in unseen:
        assert population.successor(number) == f"next of {'another' if number % 50 else number}"
    assert size < 200 * MEBIBYTE
    record_row(f"{SESSIONS:,} sessions: {size / MEBIBYTE:.0f} MiB in {seconds:.0f} s", backend)


#: People, each with a refresh every 270 s of ten minutes, and steps of so many simulated seconds.
PEOPLE, STEP = 60, 4
FAULTS = (500, 502, 429, "drop", "lost", "reset", "half", "html", "no_tokens")


def test_random_faults_under_load_sign_nobody_out(lenient):
    """Five exchanges of a hundred go wrong, for ten minutes of simulated time.

    Everybody asks all the time. A session is lost when an answer is lost after the rotation (one
    fault in three) and the four sends that fit into the grace after it (refresh/attempts.py) fail
    too: 0.05 ** 5 / 3, and with the sequences that begin with another fault 2.5e-7 for each
    refresh. 60 people make 180 exchanges: less than 5e-5 for a run.
    """
    fleet = lenient.fleet(3, 16)
    cookies = [
        cookie
        for number in range(PEOPLE)
        for cookie in lenient.expired(fleet, left=20 + 270 * number / PEOPLE)
    ]
    for _ in range(6):
        fleet.ask_all(cookies[-1:] * 8)
    up = fleet.ask_all([""] * PEOPLE, "/up")
    lenient.workos.fail_randomly(0.05, *FAULTS, seed=3)
    replies = []

    def everybody():
        # Two requests of each at once, as a page makes them.
        asked = fleet.ask_all([*cookies, *cookies])
        for number, cookie in enumerate(cookies):
            cookies[number] = next(
                (each.cookie for each in asked if each.sent == cookie and each.cookie), cookie
            )
        replies.extend(asked)
        return asked

    for _ in range(600 // STEP):
        everybody()
        lenient.times.advance(STEP)
    played = {each.fault for each in lenient.workos.exchanges("refresh_token")} - {None}
    lenient.workos.clear_faults()
    lenient.times.advance(61)
    everybody()
    last = everybody()
    row = lenient.row("random faults, 5 %, ten minutes", fleet, replies, up)
    assert row.signed_out == 0
    assert set(row.statuses) <= {200, 503}
    assert {each.status for each in last} == {200}
    assert row.exchanges > 2 * PEOPLE
    assert len(played) >= 3
    assert played & {"lost", "reset", "half"}, "some answers were lost"
    assert sum(n for name, n in fleet.stats().items() if name.startswith("failed_")) >= len(played)
