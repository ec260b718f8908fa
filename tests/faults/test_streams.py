"""Open streams take nothing from ordinary requests, with gevent and with threads; and end."""

from __future__ import annotations

import http.client
import random
import secrets
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

PUSH = {"WORKOS_UI_PUSH": "sse"}
#: Streams do not end when a worker is told to: it ends them after a second.
STOP = "--graceful-timeout=1"
#: How much slower the slowest twentieth of the ordinary requests may be.
MOST = 1.5
ROUNDS, REQUESTS = 5, 200


class Pages:
    """Open pages of many people, each with a stream."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sockets: list[socket.socket] = []
        self.received: list[bytes] = []

    def open(self, cookies: list[str]) -> None:
        for cookie in cookies:
            self.sockets.append(self._open(self.port, cookie))
        self.received = [self._begin(each) for each in self.sockets]

    @staticmethod
    def _open(port: int, cookie: str) -> socket.socket:
        page = socket.create_connection(("127.0.0.1", port), timeout=20)
        page.sendall(
            b"GET /auth/session/events HTTP/1.1\r\nHost: localhost\r\n"
            b"Accept: text/event-stream\r\nSec-Fetch-Site: same-origin\r\n"
            b"Cookie: " + cookie.encode() + b"\r\n\r\n"
        )
        return page

    @staticmethod
    def _begin(page: socket.socket) -> bytes:
        received = b""
        while b"retry: 3000\n\n" not in received and b" 204 " not in received:
            chunk = page.recv(4096)
            if not chunk:
                break
            received += chunk
        return received

    @property
    def statuses(self) -> Counter[int]:
        return Counter(int(each.split(b" ", 2)[1]) for each in self.received)

    def told(self, seconds: float) -> list[float]:
        """After how many seconds which of them got something, until no more time is left."""
        began, found = time.monotonic(), []
        with selectors.DefaultSelector() as selector:
            for page in self.sockets:
                selector.register(page, selectors.EVENT_READ)
            while selector.get_map() and (left := began + seconds - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    received = key.fileobj.recv(4096)
                    if b"event: check" in received:
                        found.append(time.monotonic() - began)
                    if b"event: check" in received or not received:
                        selector.unregister(key.fileobj)
        return found

    def close(self) -> None:
        for page in self.sockets:
            page.close()


@contextmanager
def pages(fleet: Any, cookies: list[str]) -> Iterator[Pages]:
    opened = Pages(fleet.port)
    try:
        opened.open(cookies)
        yield opened
    finally:
        opened.close()


def slowest_twentieth(with_streams: Any, without: Any, cookie: str) -> float:
    """How many times slower it is: both are asked in turn, in the same moments."""
    connections = {
        fleet: http.client.HTTPConnection("127.0.0.1", fleet.port, timeout=20)
        for fleet in (with_streams, without)
    }
    ratios = []
    for _ in range(ROUNDS):
        taken: dict[Any, list[float]] = {with_streams: [], without: []}
        for _ in range(REQUESTS):
            for fleet in random.sample([with_streams, without], 2):
                began = time.perf_counter()
                connections[fleet].request("GET", "/me", headers={"Cookie": cookie})
                answer = connections[fleet].getresponse()
                answer.read()
                assert answer.status == 200
                taken[fleet].append(time.perf_counter() - began)
        first, second = (sorted(taken[each])[int(0.95 * REQUESTS)] for each in connections)
        ratios.append(first / second)
    for connection in connections.values():
        connection.close()
    return sorted(ratios)[ROUNDS // 2]


def cookies_of(world: Any, fleet: Any, count: int) -> list[str]:
    """Of different people, whose session every process can confirm: it has fetched the keys."""
    first = len(world.workos.users)
    people = [world.workos.add_user(f"{first + n}@many.test") for n in range(count)]
    for each in people:
        world.workos.add_membership(each, "Acme")
    cookies = [fleet.cookie(world.workos.sign_in(each)) for each in people]
    processes: set[str] = set()
    while len(processes) < fleet.workers:
        processes |= {each.process for each in fleet.ask_all(cookies[-1:] * 4 * fleet.workers)}
    return cookies


def under_gevent(world: Any) -> float:
    """What 500 open streams of one process cost ordinary requests."""
    served = {"kind": "gevent", **PUSH}
    fleet, without = (
        world.fleet(1, 1, "--worker-connections=1000", STOP, **served) for _ in range(2)
    )
    cookies = cookies_of(world, fleet, 501)
    with pages(fleet, cookies[:500]) as opened:
        assert opened.statuses == {200: 500}
        time.sleep(1)  # each has had its first look by then
        ratio = slowest_twentieth(fleet, without, cookies[-1])
        assert fleet.stats()["streams"] == 500
        assert sign_out(fleet, cookies[0])
        assert len(opened.told(2)) == 1
    return ratio


def under_gthread(world: Any) -> float:
    """What the streams of a whole budget, and one that is refused, cost."""
    served = {**PUSH, "WORKOS_UI_PUSH_STREAMS": 4}
    fleet, without = (world.fleet(1, 16, STOP, **served) for _ in range(2))
    cookies = cookies_of(world, fleet, 6)
    with pages(fleet, cookies[:5]) as opened:
        assert opened.statuses == {200: 4, 204: 1}
        ratio = slowest_twentieth(fleet, without, cookies[-1])
        stats = fleet.stats()
        assert (stats["streams"], stats["refused_streams"]) == (4, 1)
    return ratio


def sign_out(fleet: Any, cookie: str) -> bool:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
    return fleet.ask(cookie, "/auth/logout", "POST", **headers).status in (200, 303)


def test_five_hundred_open_streams_under_gevent(world):
    assert under_gevent(world) <= MOST


def test_a_budget_of_threads_and_one_more_under_gthread(world):
    assert under_gthread(world) <= MOST


def accepted(world: Any, event: str) -> None:
    """Wait until one of the processes has answered the webhook."""
    world.workos.wait_for_deliveries(20)
    assert [each.status for each in world.workos.deliveries if each.event == event] == [200]


def test_every_process_tells_its_pages_of_a_webhook_within_two_seconds(world, capsys):
    secret = secrets.token_hex(32)
    served = {**PUSH, "WORKOS_UI_PUSH_STREAMS": 4, "WORKOS_WEBHOOK_SECRET": secret}
    fleet = world.fleet(8, 16, STOP, **served)
    url = f"http://127.0.0.1:{fleet.port}/auth/webhook"
    world.workos.add_webhook(url, ["session.revoked", "role.updated"], secret=secret)
    (cookie,) = cookies_of(world, fleet, 1)
    session_id = world.workos.sessions[-1].id
    others = cookies_of(world, fleet, 12)
    world.times.advance(2)
    with pages(fleet, [cookie, *others]) as opened:
        # One process may get many of them, and refuse some.
        assert b" 200 " in opened.received[0]
        assert opened.statuses.total() == 13
        time.sleep(1)
        world.workos.revoke(session_id)
        accepted(world, "session.revoked")
        one = opened.told(2)
        assert len(one) == 1, "the page of this session, and no other"
        opened.sockets.pop(0).close()  # it was told twice
        world.workos.set_permissions("member", "notes:read")
        accepted(world, "role.updated")
        all_others = opened.told(2)
        assert len(all_others) == opened.statuses[200] - 1
    with capsys.disabled():
        print(
            f" accepted -> told by its process, {world.backend}: one revoked {one[0]:.2f} s, "
            f"{len(all_others)} changed {max(all_others):.2f} s",
            end="",
        )


@pytest.mark.parametrize("kind", ["gthread", "gevent"])
def test_a_server_that_stops_does_not_wait_for_open_pages(make_world, kind):
    world = make_world("sqlite")
    served = {"kind": kind, **PUSH, "WORKOS_UI_PUSH_STREAMS": 4}
    fleet = world.fleet(1, 16, STOP, **served)
    with pages(fleet, cookies_of(world, fleet, 4)) as opened:
        assert opened.statuses == {200: 4}
        before = fleet.ask("", "/up").process
        fleet.process.send_signal(1)  # SIGHUP: new workers, the old ones finish
        began = time.monotonic()
        while fleet.ask("", "/up").process in (before, "") or _lives(int(before)):
            assert time.monotonic() - began < 10 * fleet.slowness([fleet.ask("", "/up")])
            time.sleep(0.1)
        assert not fleet.logged("WORKER TIMEOUT")


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_sync_workers_are_refused_and_it_is_said_why(make_world):
    world = make_world("sqlite")
    with pytest.raises(pytest.fail.Exception) as refused:
        world.fleet(1, 1, kind="sync", **PUSH, WORKOS_UI_PUSH_STREAMS=1)
    assert "does not work with gunicorn's sync workers" in str(refused.value)
    assert "gunicorn --threads 16" in str(refused.value)


@pytest.mark.parametrize("preload", [True, False])
def test_a_budget_of_all_threads_is_refused_and_it_is_said_why(make_world, preload):
    world = make_world("sqlite")
    served = {**PUSH, "WORKOS_UI_PUSH_STREAMS": 4}
    if preload:
        with pytest.raises(pytest.fail.Exception) as refused:
            world.fleet(1, 4, **served)
        said = str(refused.value)
    else:
        fleet = world.fleet(1, 4, preload=False, **served)
        fleet.process.wait(20)
        fleet.stop()
        said = "".join(fleet.lines)
    assert "answers 4 requests at a time (--threads)" in said
    assert "Set --threads to 16, or it to 1." in said


def test_threads_without_a_budget_are_refused(make_world):
    world = make_world("sqlite")
    with pytest.raises(pytest.fail.Exception, match="needs WORKOS_UI_PUSH_STREAMS"):
        world.fleet(1, 16, **PUSH)
