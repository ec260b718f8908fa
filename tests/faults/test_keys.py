"""The key set of WorkOS is rotated, gone, slow, or down right after an exchange."""

from itertools import accumulate, pairwise

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

KEYS = "/sso/jwks"


def fetches(world):
    return len([each for each in world.workos.requests if each.path.startswith(KEYS)])


def warm(world, fleet, cookie):
    for _ in range(6):
        fleet.ask_all([cookie] * 8)


def test_keys_that_are_rotated_are_fetched_and_nobody_notices(world):
    fleet = world.fleet(3, 8)
    cookie, guest = world.expired(fleet, left=200, count=2)
    warm(world, fleet, guest)
    up = fleet.ask_all([""] * 8, "/up")
    world.workos.rotate_keys()
    world.times.advance(61)
    begun = fetches(world)
    world.times.advance(200)
    replies = [reply for _ in range(4) for reply in fleet.ask_all([cookie] * 12)]
    row = world.row("key set rotated", fleet, replies, up)
    assert (row.signed_out, row.statuses, row.cookies) == (0, {200: 48}, 1)
    assert fetches(world) - begun <= 3, "one for each process at most"


def test_keys_that_are_gone_for_hours_sign_nobody_out(world):
    fleet = world.fleet(3, 8)
    cookies = world.expired(fleet, left=200, count=6)
    warm(world, fleet, cookies[0])
    up = fleet.ask_all([""] * 8, "/up")
    replies, fetched = [], []
    with world.workos.down(503, only=KEYS):
        for _ in range(40):
            begun = fetches(world)
            # Twice within a minute: a process that has verified nobody in the first round has
            # new tokens to verify in the second one.
            for seconds in (30, 330):
                asked = fleet.ask_all(cookies * 2)
                newer = {each.sent: each.cookie for each in asked if each.cookie}
                cookies = [newer.get(cookie, cookie) for cookie in cookies]
                replies += asked
                world.times.advance(seconds)
            fetched.append(fetches(world) - begun)
    row = world.row("key set gone for 4 h", fleet, replies, up)
    assert (row.signed_out, row.statuses) == (0, {200: 960})
    assert len({each.process for each in replies}) == 3
    assert sum(fetched) > 40
    # One in a minute for each process at most. They fetch beside the requests: what was sent at the
    # end of one round may arrive in the next one, and is then missing in its own.
    assert all(total <= 3 * (n + 1) for n, total in enumerate(accumulate(fetched)))
    assert all(one + two <= 6 for one, two in pairwise(fetched))


def test_keys_that_come_slowly_keep_nobody_waiting_who_has_some(world):
    fleet = world.fleet(3, 8)
    (cookie,) = world.expired(fleet, left=200)
    warm(world, fleet, cookie)
    up = fleet.ask_all([""] * 8, "/up")
    world.times.advance(3700)  # they are an hour old now, and to be fetched again
    begun = fetches(world)
    with world.workos.down(500, delay=6, only=KEYS):
        replies = fleet.ask_all([cookie] * 12) + fleet.ask_all([cookie] * 12)
    row = world.row("key set an hour old and slow to come", fleet, replies, up)
    assert (row.signed_out, row.statuses) == (0, {200: 24})
    assert row.slower < fleet.slowness(up), "nobody waits for it"
    assert 0 < fetches(world) - begun <= 3


AWAY = {"down": {"status": 503}, "slow": {"status": 500, "delay": 6}}


@pytest.mark.idle
@pytest.mark.parametrize("how", AWAY)
def test_keys_that_are_away_right_after_an_exchange_cost_no_tokens(world, how):
    fleet = world.fleet(3, 8)
    cookie, guest = world.expired(fleet, left=200, count=2)
    warm(world, fleet, guest)
    up = fleet.ask_all([""] * 8, "/up")
    world.times.advance(61)
    world.workos.rotate_keys()
    world.times.advance(200)
    begun = fetches(world)
    with world.workos.down(**AWAY[how], only=KEYS):
        replies = fleet.ask_all([cookie] * 8)
    assert {each.status for each in replies} == {503}
    assert max(each.seconds for each in replies) < 4 * fleet.slowness(up), "three seconds and a bit"
    assert fetches(world) - begun <= 3
    world.times.advance(61)
    replies += fleet.ask_all([cookie] * 8)
    row = world.row(f"key set rotated, and {how} right after an exchange", fleet, replies, up)
    assert (row.exchanges, row.signed_out, row.cookies) == (1, 0, 1)
    assert replies[-1].status == 200


@pytest.mark.parametrize("how", AWAY)
def test_who_has_a_valid_token_does_not_wait_for_the_key_of_the_next_one(world, how):
    fleet = world.fleet(3, 8)
    cookie, guest = world.expired(fleet, left=82, count=2)
    warm(world, fleet, guest)
    up = fleet.ask_all([""] * 8, "/up")
    world.times.advance(61)
    world.workos.rotate_keys()
    with world.workos.down(**AWAY[how], only=KEYS):
        replies = fleet.ask_all([cookie] * 8) + fleet.ask_all([cookie] * 8)
    world.times.advance(61)
    replies += fleet.ask_all([cookie] * 8)
    row = world.row(f"key set rotated, and {how} after an early exchange", fleet, replies, up)
    assert (row.exchanges, row.signed_out, row.statuses) == (1, 0, {200: 24})
    assert row.slower < fleet.slowness(up)


@pytest.mark.parametrize("seconds", [60, -60])
def test_a_clock_a_minute_off_changes_nothing(world, seconds):
    world.times.skew(seconds)
    fleet = world.fleet(2, 8)
    (cookie,) = world.expired(fleet, left=100)
    up = fleet.ask_all([""] * 8, "/up")
    replies = []
    for _ in range(10):
        replies += fleet.ask_all([cookie] * 4)
        cookie = next((each.cookie for each in replies[-4:] if each.cookie), cookie)
        world.times.advance(60)
    row = world.row(f"clock {seconds:+d} s off", fleet, replies, up)
    assert (row.signed_out, row.statuses) == (0, {200: 40})
    assert row.exchanges <= 4


@pytest.mark.parametrize("seconds", [400, -400])
def test_a_clock_far_off_keeps_the_cookie_and_is_named(world, seconds):
    fleet = world.fleet(2, 8)
    (cookie,) = world.expired(fleet, left=100)
    up = fleet.ask_all([""] * 8, "/up")
    fleet.ask_all([cookie] * 8)
    world.times.skew(seconds)
    world.times.advance(101 - min(0, seconds))
    replies = []
    for _ in range(20):
        replies += fleet.ask_all([cookie] * 2)
        world.times.advance(2)
    row = world.row(f"clock {seconds:+d} s off", fleet, replies, up)
    assert row.signed_out == 0
    assert replies[-1].status == 503
    assert row.exchanges <= 2, "no loop"
    assert any("clock of this machine" in line for line in fleet.lines)
    world.times.skew(-seconds)
    world.times.advance(61)
    assert fleet.ask(cookie).status == 200
