"""Sign-out and organization switch against a refresh: what the person did last counts."""

import threading
import time

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

OURS = {"Origin": "http://localhost", "Sec_Fetch_Site": "same-origin"}


def sign_out(fleet, cookie):
    reply = fleet.ask(cookie, "/auth/logout", "POST", **OURS)
    assert reply.status in (200, 303)
    return reply


def test_a_sign_out_before_a_refresh_wins(world):
    fleet = world.fleet(4, 40)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 8, "/up")
    sign_out(fleet, cookie)
    replies = fleet.ask_all([cookie] * 16)
    row = world.row("sign-out, then a refresh", fleet, replies, up)
    assert (row.statuses, row.exchanges) == ({401: 16}, 0)


def test_a_sign_out_during_a_refresh_wins(world):
    fleet = world.fleet(4, 40)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 8, "/up")
    world.workos.fail_next(1, status="late", delay=1)
    replies = []
    asking = threading.Thread(target=lambda: replies.extend(fleet.ask_all([cookie] * 16)))
    asking.start()
    while not world.exchanges:
        time.sleep(0.01)
    sign_out(fleet, cookie)
    asking.join()
    row = world.row("sign-out during a refresh", fleet, replies, up)
    assert (row.statuses, row.cookies) == ({401: 16}, 0)
    assert {each.status for each in fleet.ask_all([cookie] * 8)} == {401}


def test_a_sign_out_after_a_refresh_ends_the_new_cookie_and_the_old_one(world):
    fleet = world.fleet(4, 40)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 8, "/up")
    newer = fleet.ask(cookie).cookie
    sign_out(fleet, newer)
    time.sleep(1)  # for so long a process believes that a session it served has not ended
    replies = fleet.ask_all([cookie, newer] * 8)
    row = world.row("a refresh, then sign-out", fleet, replies, up)
    assert row.statuses == {401: 16}
    assert row.exchanges == 1


def test_security_r1_a_signed_out_cookie_is_refused_whenever_it_comes_back(world):
    fleet = world.fleet(3, 8)
    (cookie,) = world.expired(fleet, left=LIFE_LEFT)
    up = fleet.ask_all([""] * 8, "/up")
    assert {each.status for each in fleet.ask_all([cookie] * 12)} == {200}
    sign_out(fleet, cookie)
    if world.backend == "redis":
        # Its lifetimes run by its own clock: look at those that were set.
        kept = world.redis_lifetimes("ended:")
        assert len(kept) == 1
        # To the session's absolute end, and a day more: as long as its row in a store.
        assert abs(kept[0] - 2 * 24 * 3600) < 60
    replies = []
    after = 0
    for seconds in (1, 4 * 60 + 59, 5 * 60 + 1, 11 * 3600):
        world.times.advance(seconds - after)
        after = seconds
        replies += fleet.ask_all([cookie] * 12)
    row = world.row("signed-out cookie at 0:01, 4:59, 5:01, 11 h", fleet, replies, up)
    assert row.statuses == {401: 48}
    assert row.exchanges == 0
    assert len({each.process for each in replies}) > 1


LIFE_LEFT = 290


@pytest.mark.parametrize("order", ["switch first", "refresh first"])
def test_a_switch_wins_against_a_refresh_in_either_order(world, order):
    fleet = world.fleet(4, 40)
    (cookie,) = world.expired(fleet)
    up = fleet.ask_all([""] * 8, "/up")
    workos = world.workos
    other = workos.add_organization("Other")
    workos.add_membership("alice@acme.test", other)
    workos.fail_next(1, status="late", delay=0.7)
    switched, replies = [], []

    def switch():
        switched.append(
            fleet.ask(
                cookie, "/auth/organization", "POST", form=f"organization_id={other.id}", **OURS
            )
        )

    def refresh():
        replies.extend(fleet.ask_all([cookie] * 8))

    first, second = (switch, refresh) if order == "switch first" else (refresh, switch)
    threads = [threading.Thread(target=each) for each in (first, second)]
    threads[0].start()
    while not world.exchanges:
        time.sleep(0.01)
    threads[1].start()
    for thread in threads:
        thread.join()
    (switch_reply,) = switched
    assert switch_reply.status in (200, 303), switch_reply
    row = world.row(f"organization switch against a refresh, {order}", fleet, replies, up)
    assert row.signed_out == 0
    # The browser ends with the switch's cookie, or with one that leads to it.
    world.times.advance(301)
    for last in {switch_reply.cookie, *(each.cookie for each in replies if each.cookie)}:
        asked = fleet.ask(last)
        assert asked.status == 200
        assert world.workos.sessions[0].organization_id == other.id
