"""What the processes share fails: before, during and after an exchange."""

import os
import threading
import time

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

#: Seconds that a store which errs may add to a request.
ADDED = 0.6


def test_redis_killed_before_an_exchange(make_world):
    world = make_world("redis", grace=30)
    fleet = world.fleet(4, 16)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 16, "/up")
    world.redis.kill()
    good_or_added(world, fleet, "Redis killed before an exchange", cookie, up, exchanges=4)


def good_or_added(world, fleet, fault, cookie, up, exchanges, added=ADDED):
    """Everybody is served, by one exchange per process at most, and hardly later."""
    replies = fleet.ask_all([cookie] * 24)
    row = world.row(fault, fleet, replies, up)
    assert (row.signed_out, row.statuses) == (0, {200: 24})
    assert row.exchanges <= exchanges
    # Ten times a plain view beside it allows for a slow machine.
    assert row.slower <= added + 10 * max(each.seconds for each in up)
    return row


def test_redis_killed_during_an_exchange(make_world):
    world = make_world("redis", grace=30)
    fleet = world.fleet(4, 16)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 16, "/up")
    world.workos.fail_next(8, status="late", delay=1)

    def kill_it():
        while not world.exchanges:
            time.sleep(0.01)
        world.redis.kill()

    killer = threading.Thread(target=kill_it)
    killer.start()
    # One second for each of two exchanges, one after the other at worst.
    good_or_added(world, fleet, "Redis killed during an exchange", cookie, up, 4, added=2 + ADDED)
    killer.join()


def test_redis_killed_after_an_exchange(make_world):
    world = make_world("redis", grace=30)
    fleet = world.fleet(4, 16)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 16, "/up")
    fleet.ask(cookie)
    world.redis.kill()
    good_or_added(world, fleet, "Redis killed after an exchange", cookie, up, exchanges=4)


def test_redis_black_holed(make_world):
    world = make_world("redis", grace=30)
    fleet = world.fleet(4, 16)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 16, "/up")
    world.redis.freeze()
    try:
        good_or_added(world, fleet, "Redis answers nothing", cookie, up, exchanges=4)
    finally:
        world.redis.thaw()


def test_redis_restarted_empty(make_world):
    world = make_world("redis", grace=30)
    fleet = world.fleet(4, 16)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 16, "/up")
    fleet.ask(cookie)
    world.redis.kill()
    world.redis.start()
    good_or_added(world, fleet, "Redis restarted empty", cookie, up, exchanges=4)


def test_redis_that_takes_no_writes(make_world):
    world = make_world("redis", grace=30)
    fleet = world.fleet(4, 16)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 16, "/up")
    import redis

    client = redis.Redis.from_url(world.redis.url)
    client.config_set("min-replicas-to-write", 1)
    good_or_added(world, fleet, "Redis is read-only", cookie, up, exchanges=4)


def _delete(directory):
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))


def _read_only(directory):
    # Root writes to anything but a directory that is none; for others the mode would do.
    _delete(directory)
    os.rmdir(directory)
    with open(directory, "w") as file:
        file.write("in its place")


def _of_another_user(directory):
    for name in [*os.listdir(directory), ""]:
        os.chown(os.path.join(directory, name), 12345, 12345)


SQLITE = {
    "deleted": _delete,
    "its directory replaced": _read_only,
    "owned by another user": _of_another_user,
}


@pytest.mark.parametrize("fault", SQLITE)
def test_a_sqlite_file_that_cannot_be_used_is_one_error_line_and_memory_goes_on(make_world, fault):
    world = make_world("sqlite", grace=30)
    # Threads only: what a process remembers is its own then.
    fleet = world.fleet(2, 24)
    first, cookie = world.expired(fleet, count=2)
    fleet.ask_all([first] * 16)
    if fault == "owned by another user":
        # Connections that are open go on; processes that start now do not take the file.
        fleet.stop()
        world.fleets.remove(fleet)
        SQLITE[fault](world.config["WORKOS_CACHE_DIR"])
        fleet = world.fleet(2, 24)
    else:
        SQLITE[fault](world.config["WORKOS_CACHE_DIR"])
    before = world.exchanges
    up = fleet.ask_all([""] * 16, "/up")
    replies = fleet.ask_all([cookie] * 24)
    row = world.row(f"SQLite file {fault}", fleet, replies, up)
    assert (row.signed_out, row.statuses) == (0, {200: 24})
    assert world.exchanges - before <= 2
    errors = [line for line in fleet.lines if "shared state cannot be used" in line]
    assert len(errors) <= 2, "one for each process"
    assert errors


def test_a_full_disk_is_one_error_line_and_memory_goes_on(make_world, monkeypatch):
    world = make_world("sqlite", grace=30)
    # Writing beyond this size fails, as on a full disk.
    fleet = world.fleet(2, 24, limit=8)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 16, "/up")
    replies = fleet.ask_all([cookie] * 24)
    row = world.row("SQLite, disk full", fleet, replies, up)
    assert (row.signed_out, row.statuses) == (0, {200: 24})
    assert row.exchanges <= 2
    errors = [line for line in fleet.lines if "shared state cannot be used" in line]
    assert 1 <= len(errors) <= 2
