"""What one process hears of, all heed: eight of them, webhooks as WorkOS sends them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from .conftest import HERE, ROOT, Fleet, Reply, World

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

#: Seconds after which no process goes on with what was true before.
HEARD = 1.2
WORKERS = 8


class Asking:
    """Asks a fleet for the same page again and again, from threads of its own."""

    def __init__(self, fleet: Fleet, cookie: str, threads: int = 16) -> None:
        self.replies: list[tuple[float, Reply]] = []
        self._fleet, self._cookie = fleet, cookie
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        cookie = self._cookie
        while not self._stopped.is_set():
            begun = time.time()
            reply = self._fleet.ask(cookie)
            self.replies.append((begun, reply))
            cookie = reply.cookie or cookie
            time.sleep(0.02)

    def wait_for_all(self, since: float = 0) -> None:
        """Until every process has answered, and a second more: all believe what they said."""
        while len({each.process for at, each in list(self.replies) if at > since}) < WORKERS:
            time.sleep(0.05)

    def until(self, moment: float) -> None:
        time.sleep(max(0.0, moment - time.time()))

    def after(self, moment: float) -> list[Reply]:
        return [reply for begun, reply in self.replies if begun >= moment]


@pytest.fixture
def secret() -> str:
    return secrets.token_hex(32)


@pytest.fixture
def fleet(world: World, secret: str) -> Fleet:
    fleet = world.fleet(WORKERS, 4, WORKOS_WEBHOOK_SECRET=secret)
    world.workos.add_webhook(f"http://127.0.0.1:{fleet.port}/auth/webhook", secret=secret)
    return fleet


def signed_in(world: World, fleet: Fleet) -> tuple[str, str]:
    """A session: its cookie, and its id."""
    answer = world.workos.sign_in("alice@acme.test", "Acme")
    world.times.advance(2)
    return fleet.cookie(answer), world.workos.sessions[-1].id


def accepted(world: World, event: str) -> float:
    """When the event was accepted by one of the processes (seconds since the epoch)."""
    world.workos.wait_for_deliveries(20)
    found = [each for each in world.workos.deliveries if each.event == event]
    assert [each.status for each in found] == [200], found
    return time.time()


def measured(capsys: Any, what: str, seconds: float) -> None:
    with capsys.disabled():
        print(f" {what}: {seconds:.2f} s", end="")


def test_no_process_serves_a_revoked_session_when_a_second_is_over(world, fleet, capsys):
    cookie, session_id = signed_in(world, fleet)
    with Asking(fleet, cookie) as asking:
        asking.wait_for_all()
        world.workos.revoke(session_id)
        at = accepted(world, "session.revoked")
        asking.until(at + HEARD)
        asking.wait_for_all(at + HEARD)
    late = asking.after(at + HEARD)
    assert {reply.status for reply in late} == {401}
    assert {reply.json["required"]["reason"] for reply in late} == {"revoked"}
    assert len({reply.process for reply in late}) == WORKERS
    # It was in use all the time, by all of them.
    before = [reply for begun, reply in asking.replies if begun < at - 0.5]
    assert {reply.status for reply in before} <= {200}
    served = [begun for begun, reply in asking.replies if reply.status == 200]
    measured(capsys, f"accepted -> last of {WORKERS} refuses, {world.backend}", max(served) - at)


def test_a_changed_role_is_there_in_every_process_when_a_second_is_over(world, fleet, capsys):
    cookie, _ = signed_in(world, fleet)
    with Asking(fleet, cookie) as asking:
        asking.wait_for_all()
        world.workos.set_role("alice@acme.test", "Acme", "member")
        at = accepted(world, "organization_membership.updated")
        asking.until(at + HEARD)
        asking.wait_for_all(at + HEARD)
    late = asking.after(at + HEARD)
    assert {reply.status for reply in late} == {200}
    assert {reply.json["role"] for reply in late} == {"member"}
    # However many came with a token from before: one exchange, perhaps two of the same second.
    assert 1 <= world.exchanges <= 2
    old = [begun for begun, reply in asking.replies if reply.json.get("role") == "admin"]
    measured(capsys, f"accepted -> last with the old role, {world.backend}", max(old) - at)


INTERVAL = 1


def poller(world: World, fleet: Fleet) -> subprocess.Popen[str]:
    """``flask workos events`` beside the app."""
    environ = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fleet.settings.items()
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "served:app", "workos", "events"],
        cwd=HERE,
        env={
            **os.environ,
            **environ,
            "WORKOS_EVENTS_INTERVAL": str(INTERVAL),
            "FAULTS_CLOCK": str(world.times.path),
            "PYTHONPATH": str(ROOT),
        },
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_poller_alone_is_heard_of_within_its_interval(world, capsys):
    fleet = world.fleet(WORKERS, 4)
    cookie, session_id = signed_in(world, fleet)
    follower = poller(world, fleet)
    try:
        listed = [each for each in world.workos.requests if each.path == "/events"]
        deadline = time.monotonic() + 30
        while not listed and time.monotonic() < deadline:
            time.sleep(0.05)
            listed = [each for each in world.workos.requests if each.path == "/events"]
        assert listed
        with Asking(fleet, cookie) as asking:
            asking.wait_for_all()
            world.workos.revoke(session_id)
            at = time.time()
            asking.until(at + INTERVAL + HEARD)
            asking.wait_for_all(at + INTERVAL + HEARD)
        late = asking.after(at + INTERVAL + HEARD)
        assert {reply.status for reply in late} == {401}
        served = [begun for begun, reply in asking.replies if reply.status == 200]
        measured(
            capsys, f"revoked -> last refuses, by the poller, {world.backend}", max(served) - at
        )
    finally:
        follower.terminate()
        assert follower.wait(15) == 0
        assert follower.stderr is not None
        follower.stderr.close()
