"""Every kind of gunicorn worker, forked from a process that has loaded the app or not."""

from collections import Counter

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

#: Seconds that the exchange takes.
EXCHANGE = 1.0


@pytest.mark.parametrize(
    ("kind", "workers", "threads", "requests"),
    [("gthread", 4, 50, 200), ("sync", 4, 1, 4), ("gevent", 2, 1, 500)],
)
def test_all_who_wait_are_served_within_a_second_of_the_result(
    world, kind, workers, threads, requests
):
    options = ["--worker-connections=1000"] if kind == "gevent" else []
    fleet = world.fleet(workers, threads, *options, kind=kind)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * requests, "/up")
    world.workos.fail_next(1, status="late", delay=EXCHANGE)
    replies = fleet.ask_all([cookie] * requests)
    row = world.row(f"{requests} waiting requests, {kind} workers", fleet, replies, up)
    assert (row.exchanges, row.signed_out, row.statuses) == (1, 0, {200: requests})
    assert row.cookies == 1
    assert row.slower < EXCHANGE + fleet.slowness(up)


@pytest.mark.idle
def test_a_sync_worker_waits_three_seconds_at_most(world):
    fleet = world.fleet(3, 1, kind="sync")
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 3, "/up")
    world.workos.fail_next(1, status="late", delay=6)
    replies = fleet.ask_all([cookie] * 3)
    world.row("WorkOS takes 6 s, sync workers", fleet, replies, up)
    assert {each.status for each in replies} == {503}
    assert max(each.seconds for each in replies) < 3 + fleet.slowness(up)


def test_workers_that_load_the_app_themselves_share_as_well(world):
    fleet = world.fleet(4, 8, "--max-requests=20", preload=False)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 16, "/up")
    replies = [reply for _ in range(6) for reply in fleet.ask_all([cookie] * 16)]
    row = world.row("workers that are replaced all the time", fleet, replies, up)
    assert (row.exchanges, row.signed_out, row.cookies) == (1, 0, 1)
    assert set(row.statuses) <= {200, 0}
    assert row.statuses[200] >= 90


def test_a_fork_while_every_lock_is_held_keeps_nobody_waiting(world):
    fleet = world.fleet(3, 16, FAULTS_HOLD_LOCKS="3")
    (held,) = fleet.logged("held: ")
    names = Counter(held.split("held: ")[1].split())
    assert {"Breaker._gate", "_Fetches.lock"} <= set(names)
    assert names["ProcessLock._locks"] >= 10
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 48, "/up")
    world.workos.fail_next(1, status="late", delay=EXCHANGE)
    replies = fleet.ask_all([cookie] * 48)
    row = world.row(f"fork while {names.total()} locks are held", fleet, replies, up)
    assert (row.exchanges, row.signed_out, row.statuses) == (1, 0, {200: 48})
    assert row.slower < EXCHANGE + fleet.slowness(up)
    assert len(fleet.logged("held: ")) == 1, "held before the fork"
    assert sum(fleet.stats().values()) > 0, "every process answers"
