"""Many requests at the moment when the token has expired."""

import re

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]


@pytest.fixture(params=["sqlite", "redis", "memory"])
def any_world(request, make_world):
    # Without shared state WorkOS's grace has to help.
    return make_world(request.param, grace=30 if request.param == "memory" else 0)


def test_two_hundred_requests_at_expiry_make_one_exchange(any_world):
    fleet = any_world.fleet(8, 25)
    (cookie,) = any_world.expired(fleet)
    up = fleet.ask_all([""] * 200, "/up")
    any_world.workos.fail_next(8, status="late", delay=0.3)
    replies = fleet.ask_all([cookie] * 200)
    row = any_world.row("200 parallel requests at expiry", fleet, replies, up)
    assert row.signed_out == 0
    assert row.statuses == {200: 200}
    if any_world.backend == "memory":
        assert row.exchanges <= 8
    else:
        assert row.exchanges == 1
        assert row.cookies == 1
        told_of_one_exchange(fleet)


def told_of_one_exchange(fleet):
    """What operators see of it: the numbers of all processes, and one line in one log."""
    stats = fleet.stats()
    assert stats["exchanges"] == 1
    assert stats["adopted"] > 0
    assert stats["waited"] > 0
    assert (stats["store_errors"], stats["backoffs"], stats["replayed"]) == (0, 0, 0)
    assert not [name for name in stats if name.startswith("failed_")]
    (line,) = fleet.logged("refresh session=")
    assert re.search(
        r"session=[0-9a-f]{12} outcome=renewed attempt=1 seconds=0\.\d{3} probe=", line
    )


def test_two_hundred_requests_at_expiry_with_sessions_on_the_server_make_one_exchange(world):
    fleet = world.fleet(8, 25, WORKOS_SESSION_STORE="cache")
    (cookie,) = world.expired(fleet)
    assert len(cookie) < 120, "a ticket"
    up = fleet.ask_all([""] * 200, "/up")
    world.workos.fail_next(8, status="late", delay=0.3)
    replies = fleet.ask_all([cookie] * 200)
    row = world.row("200 parallel requests, sessions on the server", fleet, replies, up)
    assert (row.exchanges, row.signed_out, row.statuses) == (1, 0, {200: 200})
    assert row.cookies == 0, "the ticket stays the same"


def test_each_of_two_hundred_sessions_makes_one_exchange(world):
    fleet = world.fleet(8, 25)
    cookies = world.expired(fleet, count=200)
    up = fleet.ask_all([""] * 200, "/up")
    replies = []
    for start in range(0, 200, 40):
        replies += fleet.ask_all(cookies[start : start + 40] * 5)
    row = world.row("200 sessions, 5 parallel requests each", fleet, replies, up)
    assert row.exchanges == 200
    assert (row.signed_out, row.statuses, row.cookies) == (0, {200: 1000}, 200)


def test_with_twenty_seconds_left_one_request_refreshes_and_nobody_else_waits(world):
    fleet = world.fleet(8, 25)
    (cookie,) = world.expired(fleet, left=20)
    up = fleet.ask_all([""] * 200, "/up")
    world.workos.fail_next(1, status="late", delay=4)
    replies = fleet.ask_all([cookie] * 200)
    row = world.row("200 parallel requests, 20 s left on the token", fleet, replies, up)
    assert row.exchanges == 1
    assert (row.signed_out, row.statuses) == (0, {200: 200})
    slow = [each for each in replies if each.seconds > max(e.seconds for e in up) + 1.2]
    assert len(slow) <= 1, "who refreshes waits a second and a half, nobody else"
