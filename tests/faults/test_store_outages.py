"""What the processes share fails: before, during and after an exchange."""

import os
import subprocess
import threading
import time

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

#: Seconds that a store which errs may add to a request.
ADDED = 0.6


@pytest.fixture
def fleet_on_redis(make_world):
    """Processes that share a Redis, somebody whose token has run out, and how long that takes when
    nothing is wrong."""
    world = make_world("redis", grace=30)
    fleet = world.fleet(4, 16)
    cookie, other = world.expired(fleet, count=2)
    up = fleet.ask_all([""] * 24, "/up")
    well = fleet.ask_all([other] * 24)
    assert {each.status for each in well} == {200}
    return world, fleet, cookie, up, max(each.seconds for each in well)


def hardly_later(on_redis, fault, added=0.0):
    """Everybody is served, by one exchange per process at most, and hardly later."""
    world, fleet, cookie, up, well = on_redis
    replies = fleet.ask_all([cookie] * 24)
    row = world.row(fault, fleet, replies, up, since=1)
    assert (row.signed_out, row.statuses) == (0, {200: 24})
    assert row.exchanges <= fleet.workers
    assert max(each.seconds for each in replies) - well <= added + ADDED * fleet.slowness(up)
    return fleet.stats()


def test_redis_killed_before_an_exchange(fleet_on_redis):
    world, fleet, cookie, *_ = fleet_on_redis
    world.redis.kill()
    stats = hardly_later(fleet_on_redis, "Redis killed before an exchange")
    assert stats["store_errors"] >= fleet.workers
    asked = set()
    while len(asked) < fleet.workers:  # the system may give all of the first ones to the others
        asked |= {each.process for each in fleet.ask_all([cookie] * 24)}
    assert len(fleet.logged("shared state cannot be used")) == fleet.workers, "one for each process"


def test_redis_killed_during_an_exchange(fleet_on_redis):
    world, *_ = fleet_on_redis
    world.workos.fail_next(8, status="late", delay=1)
    before = world.exchanges

    def kill_it():
        while world.exchanges == before:
            time.sleep(0.01)
        world.redis.kill()

    killer = threading.Thread(target=kill_it)
    killer.start()
    # One second for each of two exchanges, one after the other at worst.
    stats = hardly_later(fleet_on_redis, "Redis killed during an exchange", added=2)
    killer.join()
    assert stats["store_errors"] > 0


def test_redis_killed_after_an_exchange(fleet_on_redis):
    world, fleet, cookie, *_ = fleet_on_redis
    fleet.ask(cookie)
    world.redis.kill()
    stats = hardly_later(fleet_on_redis, "Redis killed after an exchange")
    assert stats["store_errors"] > 0


def test_redis_black_holed(fleet_on_redis):
    world, fleet, *_ = fleet_on_redis
    world.redis.freeze()
    try:
        stats = hardly_later(fleet_on_redis, "Redis answers nothing")
    finally:
        world.redis.thaw()
    assert stats["store_errors"] >= fleet.workers


def test_redis_restarted_empty(fleet_on_redis):
    world, fleet, cookie, *_ = fleet_on_redis
    fleet.ask(cookie)
    world.redis.kill()
    world.redis.start()
    hardly_later(fleet_on_redis, "Redis restarted empty")


def test_redis_that_takes_no_writes(fleet_on_redis):
    import redis

    world, *_ = fleet_on_redis
    client = redis.Redis.from_url(world.redis.url)
    client.config_set("min-replicas-to-write", 1)
    stats = hardly_later(fleet_on_redis, "Redis is read-only")
    assert stats["store_errors"] > 0


def _delete(directory):
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))


def _replace(directory):
    _delete(directory)
    os.rmdir(directory)
    with open(directory, "w") as file:
        file.write("in its place")


def _read_only(directory):
    for name in os.listdir(directory):
        os.chmod(os.path.join(directory, name), 0o400)
    os.chmod(directory, 0o500)


def _of_another_user(directory):
    for name in [*os.listdir(directory), ""]:
        os.chown(os.path.join(directory, name), 12345, 12345)


ROOT = os.geteuid() == 0
#: Root as anybody else is: without the right to pass over owners and modes (capabilities(7)).
ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if ROOT else []


def one_error_line(world, fleet, cookie, fault):
    """Everybody is served, and each process says once what is wrong."""
    up = fleet.ask_all([""] * 16, "/up")
    before = world.exchanges
    replies = fleet.ask_all([cookie] * 24)
    row = world.row(f"SQLite, {fault}", fleet, replies, up, since=before)
    assert (row.signed_out, row.statuses) == (0, {200: 24})
    assert row.exchanges <= fleet.workers
    lines = fleet.logged("shared state cannot be used")
    assert 1 <= len(lines) <= fleet.workers
    assert all("] ERROR " in line for line in lines)
    assert fleet.stats()["store_errors"] > 0
    return lines


@pytest.mark.parametrize(
    ("fault", "happen"), [("file deleted", _delete), ("directory replaced by a file", _replace)]
)
def test_a_sqlite_file_that_is_gone_is_one_error_line_and_memory_goes_on(make_world, fault, happen):
    world = make_world("sqlite", grace=30)
    fleet = world.fleet(2, 24)
    first, cookie = world.expired(fleet, count=2)
    fleet.ask_all([first] * 16)
    happen(world.config["WORKOS_CACHE_DIR"])
    one_error_line(world, fleet, cookie, fault)


def test_a_sqlite_file_that_cannot_be_written_is_one_error_line_and_memory_goes_on(make_world):
    world = make_world("sqlite", grace=30)
    fleet = world.fleet(2, 24, under=ANYBODY)
    first, cookie = world.expired(fleet, count=2)
    fleet.ask_all([first] * 16)
    # Connections that are open go on: what is tried is a process that starts now.
    fleet.stop()
    world.fleets.remove(fleet)
    directory = world.config["WORKOS_CACHE_DIR"]
    _read_only(directory)
    assert subprocess.run([*ANYBODY, "touch", directory + "/new"], check=False).returncode
    one_error_line(world, world.fleet(2, 24, under=ANYBODY), cookie, "read-only")


def test_a_sqlite_file_of_another_user_is_one_error_line_and_memory_goes_on(make_world):
    world = make_world("sqlite", grace=30)
    fleet = world.fleet(2, 24)
    first, cookie = world.expired(fleet, count=2)
    fleet.ask_all([first] * 16)
    fleet.stop()
    world.fleets.remove(fleet)
    directory, others = world.config["WORKOS_CACHE_DIR"], {}
    if ROOT:
        _of_another_user(directory)
    else:
        # Who may give nothing away takes a directory of root's.
        others = {"WORKOS_CACHE_DIR": "/usr"}
    fleet = world.fleet(2, 24, under=ANYBODY, **others)
    lines = one_error_line(world, fleet, cookie, "owned by another user")
    assert all("belongs to another user" in line for line in lines)


def test_a_full_disk_is_one_error_line_and_memory_goes_on(make_world):
    world = make_world("sqlite", grace=30)
    # Writing beyond this size (bytes) fails, as on a full disk.
    fleet = world.fleet(2, 24, under=["prlimit", "--fsize=8192"])
    (cookie,) = world.expired(fleet)
    one_error_line(world, fleet, cookie, "disk full")
