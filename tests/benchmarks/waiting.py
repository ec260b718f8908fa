"""Two hundred requests with one expired token, eight processes of twenty-five threads."""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measuring import Limits, line
from redis_server import RedisServer

from flask_workos_sessions.assembly import assemble
from flask_workos_sessions.local import LocalWorkOS, MovableClock
from flask_workos_sessions.parts import Customization
from flask_workos_sessions.session import kept_profile
from flask_workos_sessions.session_record import SessionRecord
from flask_workos_sessions.settings import load_settings

HERE = Path(__file__).parent
REQUESTS = 200
PROCESSES, THREADS = 8, 25
#: Seconds that an exchange takes.
EXCHANGE = 0.5
ROUNDS = 5


def run(limits: Limits) -> None:
    print(f"{REQUESTS} requests at expiry, {PROCESSES} processes x {THREADS} threads, p95")
    redis = RedisServer.start()
    with tempfile.TemporaryDirectory() as folder:
        kinds: dict[str, dict[str, Any]] = {
            "memory": {"WORKOS_CACHE_TYPE": "memory"},
            "SQLite": {"WORKOS_CACHE_TYPE": "sqlite", "WORKOS_CACHE_DIR": f"{folder}/state"},
        }
        if redis is not None:
            kinds["Redis"] = {"WORKOS_CACHE_REDIS_URL": redis.url}
        for kind, config in kinds.items():
            slept, waited, exchanges = _measure(config)
            line(f"{kind}: the same app sleeping for one exchange", slept * 1000, "ms")
            line(f"{kind}: waiting for one exchange", waited * 1000, "ms")
            line(f"{kind}: exchanges per expiry", exchanges, "")
            if kind == "memory":
                line("memory, without coordination: ratio", waited / slept, "x")
            else:
                limits.at_most(f"{kind}: waiting, against sleeping", waited / slept, 1.5)
                limits.at_most(f"{kind}: exchanges", exchanges, 1)
    if redis is None:
        limits.broken.append("waiting with Redis: redis-server is not installed")
    else:
        redis.stop()


def _measure(config: dict[str, Any]) -> tuple[float, float, float]:
    """The medians over some rounds, each in the same minute as its counterpart."""
    clock = MovableClock()
    slept, waited, exchanges = [], [], 0
    with LocalWorkOS(clock=clock) as workos:
        settings = {**workos.settings("http://localhost/auth/callback"), **config}
        with _served(settings) as port:
            _p95(port, "/nap", "")
            for number in range(ROUNDS):
                slept.append(_p95(port, "/nap", ""))
                clock.advance(-310)
                cookie = _cookie(workos.sign_in("alice@acme.test"), settings)
                clock.advance(310)
                workos.fail_next(PROCESSES, status="late", delay=EXCHANGE)
                waited.append(_p95(port, "/me", cookie))
                workos.clear_faults()
                exchanges = max(exchanges, len(workos.exchanges("refresh_token")) - number)
                if config.get("WORKOS_CACHE_TYPE") == "memory":
                    exchanges = len(workos.exchanges("refresh_token")) // (number + 1)
    return statistics.median(slept), statistics.median(waited), exchanges


@contextmanager
def _served(settings: dict[str, Any]) -> Iterator[int]:
    environ = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }
    command = [sys.executable, "-m", "gunicorn", f"--workers={PROCESSES}", f"--threads={THREADS}"]
    process = subprocess.Popen(
        [*command, "--bind=127.0.0.1:0", "--preload", "--keep-alive=30", "served:app"],
        cwd=HERE,
        env={**os.environ, **environ, "NAP": str(EXCHANGE), "PYTHONPATH": str(HERE.parents[1])},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        port = next(
            int(found[1])
            for found in (
                re.search(r"Listening at: http://\S+:(\d+)", each) for each in process.stderr
            )
            if found
        )
        threading.Thread(target=lambda: list(process.stderr or ()), daemon=True).start()
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _p95(port: int, path: str, cookie: str) -> float:
    """Seconds in which 95 % of the requests were answered, all sent at once."""
    taken: list[float] = []
    start = threading.Barrier(REQUESTS)

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.connect()
        start.wait()
        begun = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": cookie, "Accept": "*/*"})
        answer = connection.getresponse()
        answer.read()
        taken.append(time.perf_counter() - begun)
        assert answer.status == 200, answer.status
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(REQUESTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == REQUESTS, "some requests were refused"
    return sorted(taken)[int(0.95 * REQUESTS) - 1]


def _cookie(answer: dict[str, Any], settings: dict[str, Any]) -> str:
    """The session cookie of a sign-in, as the app would have sealed it."""
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
