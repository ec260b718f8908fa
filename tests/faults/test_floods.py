"""One person's flood is no reason to keep another one waiting."""

import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(180)]

JUNK, THREADS, OTHERS = 1_000, 10, 40
#: Codes that a process sends in vain within so many seconds (coordination/budget.py).
IN_VAIN, WINDOW = 20, 10.0

OURS = {"Origin": "http://localhost", "Sec_Fetch_Site": "same-origin"}
BACK = {"Accept": "text/html", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Site": "cross-site"}


def test_security_r4_a_thousand_junk_callbacks_and_extends_let_others_refresh(world):
    fleet = world.fleet(4, 16, WORKOS_SESSION_INACTIVITY_TIMEOUT=3600)
    (flooding,) = world.expired(fleet, left=150)
    others = world.expired(fleet, count=OTHERS)
    up = fleet.ask_all([""] * 16, "/up")
    # Begun where it comes back to: the processes are asked by another name.
    begun = fleet.ask("", "/auth/login?moved=1", Accept="text/html", Sec_Fetch_Mode="navigate")
    (state,) = parse_qs(urlsplit(begun.headers["Location"]).query)["state"]
    attempt = begun.headers["Set-Cookie"].partition(";")[0]
    callbacks, extends, newest = [], [], [flooding]

    def call_back(number):
        path = f"/auth/callback?state={state}&code=junk-{number}"
        callbacks.append(fleet.ask(attempt, path, **BACK))

    def extend(_):
        reply = fleet.ask(newest[0], "/auth/session/extend", "POST", **OURS)
        newest[0] = reply.cookie or newest[0]
        extends.append(reply)

    def flood(ask, first):
        for number in range(first, JUNK, THREADS):
            ask(number)

    floods = [
        threading.Thread(target=flood, args=(ask, first))
        for ask in (call_back, extend)
        for first in range(THREADS)
    ]
    for thread in floods:
        thread.start()
    while min(len(callbacks), len(extends)) < JUNK / 10:
        time.sleep(0.01)
    replies = []
    for start in range(0, OTHERS, 8):
        replies += fleet.ask_all(others[start : start + 8])
    still = any(thread.is_alive() for thread in floods)
    for thread in floods:
        thread.join()
    codes = world.workos.exchanges("authorization_code")
    row = world.row(
        "1,000 junk callbacks and 1,000 extends: the others", fleet, replies, up, since=1
    )
    world.row(
        f"1,000 junk callbacks and 1,000 extends: the flood, {len(codes)} codes sent",
        fleet,
        callbacks + extends,
        up,
        since=OTHERS,
    )
    assert still, "the others came meanwhile"
    assert (row.statuses, row.exchanges, row.signed_out) == ({200: OTHERS}, OTHERS, 0)
    assert row.slower < 2 * fleet.slowness(up)
    assert {each.status for each in callbacks} == {400, 503}
    assert {each.status for each in extends} == {200}
    # Each process has its own budget, and all four are used.
    assert IN_VAIN < max(within(codes, each.at) for each in codes) <= IN_VAIN * fleet.workers
    assert len([each for each in callbacks if each.status == 400]) == len(codes)
    stats = fleet.stats()
    assert stats["backoffs"] == 0
    assert stats["exchanges"] == OTHERS + 1, "extending in a loop made one"


def within(codes, begun):
    """How many were sent from then on, while the first of them counts."""
    return len([each for each in codes if begun <= each.at < begun + WINDOW])
