"""Ten thousand webhooks that are not to be believed, to a real server, while people work."""

from __future__ import annotations

import http.client
import secrets
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

FLOOD, THREADS, WORKERS = 10_000, 6, 2
#: Seconds that an ordinary request takes at most meanwhile.
MOST = 1.0
TEN_MEGABYTES = 10 * 1024 * 1024

Webhook = tuple[str, str, bytes, int]


class Sender:
    """Sends webhooks one after the other, on one connection as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def send(self, kind: str, signature: str, body: bytes, length: int) -> None:
        connection = self._connection
        connection.putrequest("POST", "/auth/webhook", skip_accept_encoding=True)
        connection.putheader("Content-Length", str(length))
        connection.putheader("WorkOS-Signature", signature)
        connection.endheaders()
        with suppress(OSError):  # it may be answered before all of it was sent
            connection.send(body)
        try:
            answer = connection.getresponse()
            answer.read()
            self.answers[kind, answer.status] += 1
        except (OSError, http.client.HTTPException):
            self.answers[kind, 0] += 1
            connection.close()
        if length > len(body):
            connection.close()  # the rest will never come

    def close(self) -> None:
        self._connection.close()


def webhooks(world: Any, secret: str, session_id: str) -> tuple[list[Webhook], list[str]]:
    """One of each kind, and what no log may have."""
    workos, now = world.workos, int(world.times.workos() * 1000)
    event = (
        b'{"id":"event_of_the_flood","event":"session.revoked","data":{"id":"%s"},'
        b'"created_at":"2026-11-27T12:00:00.000Z"}' % session_id.encode()
    )
    other = secrets.token_hex(32)
    forged = workos.sign(event, other)
    stale = workos.sign(event, secret, t=now - 200_000)
    changed = workos.sign(event, secret)
    kinds = [
        ("forged", forged, event, len(event)),
        ("stale", stale, event, len(event)),
        ("changed", changed, event.replace(b"revoked", b"created"), len(event)),
        ("unsigned", "", event, len(event)),
        ("unreadable", "t=now, v1=" + secret, event, len(event)),
        ("no event", workos.sign(b"[" * 5_000, secret), b"[" * 5_000, 5_000),
        ("not UTF-8", workos.sign(b"\xff" * 50, secret), b"\xff" * 50, 50),
        ("claims ten megabytes", forged, b"x", TEN_MEGABYTES),
    ]
    shown = [secret, other, session_id, "event_of_the_flood"]
    return kinds, shown + [each.partition("v1=")[2] for each in (forged, stale, changed)]


def test_security_w4_a_flood_of_ten_thousand_through_a_server(make_world, capsys):
    world = make_world("sqlite")
    secret = secrets.token_hex(32)
    fleet = world.fleet(WORKERS, 8, WORKOS_WEBHOOK_SECRET=secret)
    cookie = fleet.cookie(world.workos.sign_in("alice@acme.test"))
    kinds, secret_words = webhooks(world, secret, world.workos.sessions[-1].id)
    up = fleet.ask_all([""] * 16, "/up")
    processes = set(fleet.stats_by_process())
    senders = [Sender(fleet.port) for _ in range(THREADS)]

    def flood(first: int) -> None:
        sender = senders[first]
        for number in range(first, FLOOD, THREADS):
            sender.send(*kinds[number % len(kinds)])
        sender.send("ten megabytes", kinds[0][1], bytes(TEN_MEGABYTES), TEN_MEGABYTES)
        sender.close()

    threads = [threading.Thread(target=flood, args=(first,)) for first in range(THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    replies = []
    while any(thread.is_alive() for thread in threads):
        replies += fleet.ask_all([cookie] * 2)
        time.sleep(0.02)
    took = time.monotonic() - began
    answers: Counter[tuple[str, int]] = sum((each.answers for each in senders), Counter())
    slow = max(each.seconds for each in replies)
    with capsys.disabled():
        print(
            f" {FLOOD:,} in {took:.1f} s; {len(replies)} ordinary requests meanwhile, the slowest "
            f"{1000 * slow:.0f} ms",
            end="",
        )
    refused = {413, 0}  # of ten megabytes that are not read the sender may hear nothing but a reset
    assert {status for (kind, status) in answers if kind == "ten megabytes"} <= refused
    expected = {(kind, 413 if kind.startswith("claims") else 400) for kind, *_ in kinds}
    assert {each for each in answers if each[0] != "ten megabytes"} == expected
    assert answers.total() == FLOOD + THREADS
    # Nobody was believed, nobody waited, nobody fell over.
    assert {each.status for each in replies} == {200}
    assert slow < MOST * fleet.slowness(up)
    assert fleet.ask(cookie).status == 200
    assert set(fleet.stats_by_process()) == processes
    log = "".join(fleet.lines)
    assert "Traceback" not in log
    assert 1 <= len(fleet.logged("Refused a webhook")) <= WORKERS * (took / 10 + 1)
    assert [word for word in secret_words if word in log] == []
