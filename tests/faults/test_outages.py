"""WorkOS fails, hangs, refuses us, or asks us to wait."""

import itertools
import threading
import time
from email.utils import formatdate

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(180)]

PEOPLE = 6
#: Seconds by which somebody may be slower while the token lives; and without one: a request waits
#: for five.
SLOWER, WAITS = 2, 6


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


def people(world, fleet, left=200, count=PEOPLE):
    """People whom every process has served before: each has the key set by now."""
    some = [Person(fleet, cookie) for cookie in world.expired(fleet, left=left, count=count)]
    (guest,) = world.expired(fleet, left=200)
    for _ in range(8):
        fleet.ask_all([guest] * 8)
    return some


def all_ask(some):
    """All at once."""
    threads = [threading.Thread(target=person.ask) for person in some]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [person.replies[-1] for person in some]


def slowest(replies):
    return max(each.seconds for each in replies)


def replies_of(some):
    return [each for person in some for each in person.replies]


def all_well(some):
    """The first request of all may be the probe that ends the pause."""
    for _ in range(2):
        after = [person.ask() for person in some]
    return [each.status for each in after] == [200] * len(some)


def sends(world, begun):
    """The exchanges since then."""
    return world.workos.exchanges("refresh_token")[begun:]


def pauses_grow(sent):
    """Whether each of these exchanges came a pause after the one before it: 10 seconds, 20, 40,
    60, 60 …, a tenth more or less (refresh/backoff.py)."""
    pauses = [10, 20, 40, *[60] * len(sent)]
    gaps = [after.at - before.at for before, after in itertools.pairwise(sent)]
    return all(gap >= 0.9 * pause for gap, pause in zip(gaps, pauses, strict=False))


OUTAGES = {"answers 500": 500, "refuses": "refuse"}
#: So many sessions fail before nobody calls WorkOS any more (refresh/backoff.py).
FAIL = 3
#: A setting with which every token of less than two minutes is due.
ALL_DUE = {"WORKOS_REFRESH_BUFFER": 160}


@pytest.mark.parametrize("how", OUTAGES)
@pytest.mark.parametrize(("minutes", "step"), [(2, 5), (150, 60)])
def test_an_outage_signs_nobody_out_and_is_probed_once_per_pause(world, how, minutes, step):
    fleet = world.fleet(3, 4, **ALL_DUE)
    some = people(world, fleet, left=60)
    up = fleet.ask_all([""] * 8, "/up")
    begun = world.exchanges
    with world.workos.down(OUTAGES[how]):
        for second in range(0, minutes * 60, step):
            for person in some:
                reply = person.ask()
                assert reply.status == (200 if second < 55 else 503) or 50 <= second <= 70
                assert not (reply.cookie and fleet.is_mark(reply.cookie))
            world.times.advance(step)
    assert slowest(replies_of(some)) < SLOWER * fleet.slowness(up)
    sent = sends(world, begun)
    assert len({each.request["refresh_token"] for each in sent[:FAIL]}) == FAIL
    assert len(sent) > FAIL
    assert pauses_grow(sent[FAIL - 1 :])
    assert fleet.stats()["backoffs"] == len(sent) - FAIL + 1
    world.times.advance(66)
    assert all_well(some)
    row = world.row(f"WorkOS {how} for {minutes} min", fleet, replies_of(some), up)
    assert row.signed_out == 0


@pytest.mark.idle
@pytest.mark.parametrize(("minutes", "step", "call"), [(2, 9, 2), (150, 240, 0.3)])
def test_a_workos_that_hangs_costs_one_slower_answer_per_pause(world, minutes, step, call):
    """A call ends after ``call`` seconds here, not after 7.5: with that a pause begins."""
    fleet = world.fleet(3, 8, FAULTS_REFRESH_TIMEOUT=str(call), **ALL_DUE)
    some = people(world, fleet, left=85)
    up = fleet.ask_all([""] * PEOPLE, "/up")
    begun, now = world.exchanges, world.times.workos
    expires, ends = now() + 85, now() + minutes * 60
    alive, over = [], []
    with world.workos.down(500, delay=60):
        while now() < ends:
            left = expires - now()
            replies = all_ask(some)
            if abs(left) > 10:
                (alive if left > 0 else over).extend(replies)
            while fleet.stats()["failed_timeout"] < world.exchanges - begun:
                time.sleep(0.1)  # until the call has ended
            world.times.advance(step)
    sent = sends(world, begun)
    probes = [each for each in sent[PEOPLE:] if each.at < expires]
    assert {each.status for each in alive} == {200}
    assert slowest(alive) < SLOWER * fleet.slowness(up)
    # All find out at once; from then on one of them does, after each pause.
    assert len([each for each in alive if each.seconds > 1]) <= PEOPLE + len(probes)
    assert {each.status for each in over} == {503}
    assert slowest(over) < WAITS * fleet.slowness(up)
    assert len(sent) >= PEOPLE + 2
    assert pauses_grow(sent[PEOPLE - 1 :])
    world.times.advance(66)
    assert all_well(some)
    row = world.row(f"WorkOS hangs for {minutes} min", fleet, replies_of(some), up)
    assert row.signed_out == 0


#: What WorkOS asks for; for how many seconds that pauses one session, and for how many all of them.
RETRY_AFTER = {
    "1": (1, (9, 11)),
    "30": (30, (29, 30)),
    "3600": (60, (60, 60)),
    "a date": (30, (28, 30)),
    "NaN": (1, (9, 11)),
    "nothing": (1, (9, 11)),
}


def retry_after(world, asked):
    if asked == "nothing":
        return {}
    if asked == "a date":
        return {"Retry-After": formatdate(world.times.workos() + 30, usegmt=True)}
    return {"Retry-After": asked}


@pytest.mark.parametrize("asked", RETRY_AFTER)
def test_security_r4_429_for_one_session_pauses_that_one_only(world, asked):
    fleet = world.fleet(2, 4)
    flooded, other = people(world, fleet, left=-5, count=2)
    up = fleet.ask_all([""] * 8, "/up")
    seconds, _ = RETRY_AFTER[asked]
    world.workos.fail_next(1, status=429, headers=retry_after(world, asked))
    first = flooded.ask()
    assert first.status == 503
    assert seconds - 2 <= int(first.retry_after) <= seconds
    assert other.ask().status == 200
    if seconds > 1:
        world.times.advance(seconds * 2 / 3)
        assert flooded.ask().status == 503
        assert world.exchanges == 2, "not before its time"
    world.times.advance(seconds / 3 + 1)
    assert flooded.ask().status == 200
    row = world.row(
        f"429, Retry-After {asked}, for one session", fleet, flooded.replies + other.replies, up
    )
    assert (row.exchanges, row.signed_out) == (3, 0)


@pytest.mark.parametrize("asked", RETRY_AFTER)
def test_security_r4_429_for_many_pauses_everybody_a_minute_at_most(world, asked):
    fleet = world.fleet(2, 8)
    some = people(world, fleet, left=-5)
    up = fleet.ask_all([""] * 8, "/up")
    _, (least, most) = RETRY_AFTER[asked]
    world.workos.fail_next(50, status=429, headers=retry_after(world, asked))
    for person in some:
        assert person.ask().status == 503
    assert world.exchanges == FAIL, "the others were not sent"
    for person in some[FAIL:]:
        assert least - 1 <= int(person.replies[-1].retry_after) <= most
    world.times.advance(least * 2 / 3)
    all_ask(some)
    assert world.exchanges == FAIL, "nor before the pause was over"
    world.times.advance(least / 3 + most - least + 1)
    assert {each.status for each in all_ask(some)} == {503}
    assert world.exchanges == FAIL + 1, "one probe"
    world.workos.clear_faults()
    world.times.advance(66)
    assert all_well(some)
    row = world.row(f"429, Retry-After {asked}, for many", fleet, replies_of(some), up)
    assert (row.exchanges, row.signed_out) == (FAIL + 1 + PEOPLE, 0)


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
    assert all_well(some)
    row = world.row("a wrong API key for 10 min", fleet, replies_of(some), up)
    assert row.signed_out == 0
    assert fleet.logged("WORKOS_API_KEY")
