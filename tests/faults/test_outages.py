"""WorkOS fails, hangs, refuses us, or asks us to wait."""

import contextlib

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(180)]

PEOPLE = 6


class Person:
    """Somebody who asks again and again, and keeps the cookie that is sent."""

    def __init__(self, fleet, cookie):
        self.fleet, self.cookie = fleet, cookie
        self.replies = []

    def ask(self, path="/me", method="GET", **headers):
        reply = self.fleet.ask(self.cookie, path, method, **headers)
        self.cookie = reply.cookie or self.cookie
        self.replies.append(reply)
        return reply


def people(world, fleet, left=200):
    """People whom every process has served before: each has the key set by now."""
    some = [Person(fleet, cookie) for cookie in world.expired(fleet, left=left, count=PEOPLE)]
    (guest,) = world.expired(fleet, left=200)
    for _ in range(8):
        fleet.ask_all([guest] * 8)
    return some


@contextlib.contextmanager
def answering(world, how):
    if how == "500":
        with world.workos.down(500):
            yield
    else:
        with world.workos.down("drop"):
            yield


@pytest.mark.parametrize("how", ["500", "refused"])
@pytest.mark.parametrize(("minutes", "step"), [(2, 5), (150, 60)])
def test_an_outage_signs_nobody_out_and_is_probed_once_per_pause(world, how, minutes, step):
    fleet = world.fleet(3, 4)
    some = people(world, fleet, left=60)
    up = fleet.ask_all([""] * 8, "/up")
    begun = world.exchanges
    with answering(world, how):
        for second in range(0, minutes * 60, step):
            for person in some:
                reply = person.ask()
                assert reply.status == (200 if second < 55 else 503) or 50 <= second <= 70
                assert reply.seconds < 2.5
                assert not (reply.cookie and fleet.is_mark(reply.cookie))
            world.times.advance(step)
    probes = world.exchanges - begun
    # Three sessions find out; then a pause of 10, 20, 40, 60, 60 … seconds before each probe.
    assert probes <= 3 + 3 + minutes * 60 / 54
    world.times.advance(66)
    for _ in range(2):
        after = [person.ask() for person in some]
    assert [each.status for each in after] == [200] * PEOPLE
    replies = [each for person in some for each in person.replies]
    row = world.row(f"WorkOS {how} for {minutes} min", fleet, replies, up)
    assert row.signed_out == 0


def test_a_workos_that_hangs_costs_one_slower_answer_per_pause(world):
    fleet = world.fleet(3, 8)
    some = people(world, fleet, left=100)
    up = fleet.ask_all([""] * 8, "/up")
    world.workos.fail_next(50, status=500, delay=20)
    world.times.advance(75)
    replies = []
    for _ in range(4):
        replies += [reply for person in some for reply in [person.ask()]]
        world.times.advance(1)
    assert {each.status for each in replies} == {200}
    slow = [each for each in replies if each.seconds > 1]
    assert len(slow) <= PEOPLE + 3, "one each until it is known, then one per pause"
    assert max(each.seconds for each in replies) < 2 + max(each.seconds for each in up)
    world.times.advance(30)
    late = fleet.ask_all([person.cookie for person in some])
    assert {each.status for each in late} == {503}
    assert max(each.seconds for each in late) < 6
    row = world.row("WorkOS hangs", fleet, replies + late, up)
    assert row.signed_out == 0
    world.workos.clear_faults()


RETRY_AFTER = {"1": "1", "30": "30", "3600": "3600", "date": None, "NaN": "NaN", "none": ""}


@pytest.mark.parametrize("asked", RETRY_AFTER)
def test_security_r4_429_for_one_session_pauses_that_one_only(make_world, asked):
    world = make_world("sqlite")
    fleet = world.fleet(2, 4)
    flooded, other = people(world, fleet, left=-5)[:2]
    up = fleet.ask_all([""] * 8, "/up")
    world.workos.fail_next(1, status=429, headers=retry_after(world, asked))
    first = flooded.ask()
    assert first.status == 503
    assert 1 <= int(first.retry_after) <= 60
    assert other.ask().status == 200
    world.times.advance(61)
    assert flooded.ask().status == 200
    row = world.row(
        f"429, Retry-After {asked}, for one session", fleet, flooded.replies + other.replies, up
    )
    assert (row.exchanges, row.signed_out) == (3, 0)


def retry_after(world, asked):
    if asked == "none":
        return {}
    if asked == "date":
        from email.utils import formatdate

        return {"Retry-After": formatdate(world.times.workos() + 30, usegmt=True)}
    return {"Retry-After": RETRY_AFTER[asked]}


@pytest.mark.parametrize("asked", ["1", "3600", "none"])
def test_security_r4_429_for_many_pauses_everybody_a_minute_at_most(world, asked):
    fleet = world.fleet(2, 4)
    some = people(world, fleet, left=-5)
    up = fleet.ask_all([""] * 8, "/up")
    world.workos.fail_next(50, status=429, headers=retry_after(world, asked))
    for person in some:
        assert person.ask().status == 503
    assert world.exchanges == 3, "the others were not sent"
    world.workos.clear_faults()
    world.times.advance(66)
    for _ in range(2):
        after = [person.ask() for person in some]
    assert [each.status for each in after] == [200] * PEOPLE
    replies = [each for person in some for each in person.replies]
    row = world.row(f"429, Retry-After {asked}, for many", fleet, replies, up)
    assert row.signed_out == 0


def test_a_wrong_api_key_for_ten_minutes_signs_nobody_out_and_is_named(world):
    fleet = world.fleet(2, 4)
    some = people(world, fleet, left=60)
    up = fleet.ask_all([""] * 8, "/up")
    right, world.workos.api_key = world.workos.api_key, "sk_test_of_another_environment"
    for _ in range(20):
        for person in some:
            assert person.ask().status in (200, 503)
        world.times.advance(30)
    world.workos.api_key = right
    world.times.advance(66)
    for _ in range(2):
        after = [person.ask() for person in some]
    assert [each.status for each in after] == [200] * PEOPLE
    replies = [each for person in some for each in person.replies]
    row = world.row("a wrong API key for 10 min", fleet, replies, up)
    assert row.signed_out == 0
    assert any("WORKOS_API_KEY" in line for line in fleet.lines)
