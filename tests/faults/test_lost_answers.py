"""A refresh whose answer is lost between WorkOS and us, or between us and the browser."""

import time

import pytest

pytestmark = [pytest.mark.idle, pytest.mark.timeout(120)]

#: Seconds after which the lease of a process that died is free (coordination/lease.py).
LEASE = 8


def processes_of(fleet, cookies=()):
    return {each.process for each in fleet.ask_all([""] * 40, "/up")}


def ask_until(fleet, cookie, good, seconds=30):
    """Ask once a second, as somebody does who is told to come back."""
    replies = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        replies.append(fleet.ask(cookie))
        if replies[-1].status == good:
            break
        time.sleep(1)
    return replies


def test_a_holder_that_is_killed_after_the_rotation_costs_eight_seconds(lenient):
    fleet = lenient.fleet(4, 60)
    (cookie,) = lenient.expired(fleet)
    up = fleet.ask_all([""] * 8, "/up")
    lenient.workos.fail_next(1, status="late", delay=30)
    killed = []

    def kill_the_holder():
        while not lenient.exchanges:
            time.sleep(0.01)
        # Nobody else talks to WorkOS: the holder is the one with a connection to it.
        port = int(lenient.workos.url.rpartition(":")[2])
        holder = holder_of(port, fleet)
        fleet.kill(holder)
        killed.append(time.monotonic())

    import threading

    killer = threading.Thread(target=kill_the_holder)
    killer.start()
    first = fleet.ask_all([cookie] * 60)
    killer.join()
    served = [each for each in first if each.status]
    assert {each.status for each in served} == {503}
    assert max(each.seconds for each in served) < 5 + fleet.slowness(up)
    assert all(each.retry_after for each in served)
    time.sleep(max(0.0, killed[0] + LEASE + 1 - time.monotonic()))
    after = fleet.ask_all([cookie] * 60)
    row = lenient.row("holder killed after the rotation, grace 30", fleet, first + after, up)
    assert row.signed_out == 0
    assert {each.status for each in after} == {200}


def holder_of(port, fleet):
    """The worker that has a connection to this port."""
    import subprocess

    out = subprocess.run(
        ["pgrep", "-P", str(fleet.process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    for pid in out:
        if _connected(pid, port):
            return pid
    raise AssertionError("no worker is connected to WorkOS")


def _connected(pid, port):
    import os

    sockets = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    with open(f"/proc/{pid}/net/tcp") as table:
        for line in list(table)[1:]:
            fields = line.split()
            if int(fields[2].rpartition(":")[2], 16) == port and fields[9] in sockets:
                return True
    return False


LOST = {
    "connection ended without the answer": {"status": "lost"},
    "half of the answer": {"status": "half"},
    "connection reset": {"status": "reset"},
    "headers drip": {"status": "drip_headers"},
    "body drips": {"status": "drip_body"},
    "answer later than we read": {"status": "late", "delay": 9},
}


@pytest.mark.parametrize("how", LOST)
def test_an_answer_lost_after_the_rotation_signs_nobody_out_at_grace_thirty(lenient, how):
    fleet = lenient.fleet(4, 25)
    (cookie,) = lenient.expired(fleet)
    up = fleet.ask_all([""] * 8, "/up")
    lenient.workos.fail_next(1, **LOST[how])
    replies = fleet.ask_all([cookie] * 8)
    replies += ask_until(fleet, cookie, 200)
    row = lenient.row(f"{how}, grace 30", fleet, replies, up)
    assert row.signed_out == 0
    assert set(row.statuses) <= {200, 503}
    assert replies[-1].status == 200
    assert row.exchanges <= 3
    assert row.cookies == 1
    assert max(each.seconds for each in replies) < 5 + fleet.slowness(up)


@pytest.mark.parametrize("how", LOST)
def test_an_answer_lost_after_the_rotation_costs_one_session_once_at_grace_zero(world, how):
    # A call ends sooner than it does elsewhere, for the answers that would be waited for.
    fleet = world.fleet(4, 25, FAULTS_REFRESH_TIMEOUT="2")
    cookie, other = world.expired(fleet, count=2)
    up = fleet.ask_all([""] * 8, "/up")
    world.workos.fail_next(1, **LOST[how])
    replies = fleet.ask_all([cookie] * 8)
    replies += ask_until(fleet, cookie, 401)
    replies += fleet.ask_all([cookie] * 8)
    row = world.row(f"{how}, grace 0", fleet, replies, up)
    assert {each.status for each in replies[-9:]} == {401}
    assert set(row.statuses) == {503, 401}
    assert row.exchanges == 2, "one that was lost, one that was refused, and no storm"
    assert fleet.ask(other).status == 200


def test_an_answer_seven_seconds_late_is_kept(world):
    fleet = world.fleet(4, 25)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 8, "/up")
    world.workos.fail_next(1, status="late", delay=7)
    replies = fleet.ask_all([cookie] * 8)
    assert {each.status for each in replies} == {503}
    assert max(each.seconds for each in replies) < 5 + fleet.slowness(up)
    replies += ask_until(fleet, cookie, 200)
    row = world.row("answer 7 s late, grace 0", fleet, replies, up)
    assert (row.exchanges, row.signed_out, row.cookies) == (1, 0, 1)
    assert replies[-1].status == 200


@pytest.mark.parametrize(("hours", "word"), [(1 / 60, "1 min"), (1, "1 h"), (11, "11 h")])
def test_a_response_that_the_browser_never_got_is_found_later(world, hours, word):
    fleet = world.fleet(2, 2)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 8, "/up")
    replies = fleet.ask_all([cookie] * 4)
    assert {each.status for each in replies} == {200}
    if world.backend == "redis":
        # Its lifetimes run by its own clock: look at the one that was set.
        kept = world.redis_lifetimes("rotated:")
        assert len(kept) == 1
        assert abs(kept[0] - 12 * 3600) < 60
    world.times.advance(hours * 3600)
    replies += fleet.ask_all([cookie] * 4)
    row = world.row(f"every answer lost to the browser, back after {word}", fleet, replies, up)
    assert (row.signed_out, row.statuses) == (0, {200: 8})
    # The successor's own token has run out meanwhile, but for the first minutes.
    assert row.exchanges == (1 if hours < 0.05 else 2)


@pytest.mark.parametrize("backend", ["sqlite", "redis"])
def test_a_browser_that_comes_back_after_the_inactivity_timeout_is_told_that_it_is_over(
    make_world, backend
):
    world = make_world(backend, inactivity_timeout=1800)
    fleet = world.fleet(2, 2, WORKOS_SESSION_INACTIVITY_TIMEOUT=1800)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 8, "/up")
    assert fleet.ask(cookie).status == 200
    world.times.advance(31 * 60)
    replies = fleet.ask_all([cookie] * 4)
    row = world.row(
        "every answer lost to the browser, inactivity timeout 30 min, back after 31",
        fleet,
        replies,
        up,
    )
    assert row.statuses == {401: 4}
    assert row.exchanges == 1
    assert [each.json["required"] for each in replies] == [{"reason": "inactivity"}] * 4
    page = fleet.ask(cookie, Accept="text/html", Sec_Fetch_Mode="navigate")
    assert page.status == 303
    assert "/auth/signed-out?reason=inactivity" in page.headers["Location"]
