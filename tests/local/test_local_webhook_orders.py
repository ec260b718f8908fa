"""How webhooks go wrong when a test orders it: twice, late, out of order, stale, forged, lost."""

from __future__ import annotations

import pytest

from flask_workos_sessions.local import LocalWorkOS, sign
from flask_workos_sessions.local.signature import SIGNATURES


@pytest.fixture
def workos(clock):
    with LocalWorkOS(clock=clock, webhook_delays=[0.01]) as running:
        yield running


@pytest.fixture
def webhook(workos, receiver):
    return workos.add_webhook(receiver.url)


def times_of(receiver):
    headers = (each.signature for each in receiver.received)
    return [int(header.split("t=")[1].split(",")[0]) for header in headers]


def is_right(received, secret, t=1_800_000_000_000):
    return received.signature == sign(received.body, secret, t=t)


def test_an_event_can_be_delivered_once_more(workos, receiver, webhook):
    event = workos.emit("a.thing")
    workos.wait_for_deliveries()

    again = workos.deliver(event, times=2)

    assert [each.status for each in again] == [200, 200]
    assert receiver.ids == [event.id] * 3
    assert workos.deliveries[1:] == again


def test_an_endpoint_can_be_chosen(workos, receiver, webhook):
    other = workos.add_webhook(f"{receiver.url}/other", ["b.thing"])
    workos.deliver(workos.events[0] if workos.events else workos.emit("c.thing"), to=other)

    workos.wait_for_deliveries()

    assert sorted(each.path for each in receiver.received) == [
        "/auth/webhook",
        "/auth/webhook/other",
    ]


def test_a_delivery_by_hand_is_not_repeated(workos, receiver, webhook):
    receiver.statuses = [200, 500]
    event = workos.emit("a.thing")
    workos.wait_for_deliveries()

    assert [each.status for each in workos.deliver(event)] == [500]

    workos.wait_for_deliveries()
    assert len(receiver.received) == 2


@pytest.mark.parametrize(("age", "t"), [(600, 1_799_999_400_000), (-600, 1_800_000_600_000)])
def test_stale_or_from_the_future(workos, receiver, webhook, age, t):
    workos.webhooks_next(age=age)
    workos.emit("a.thing")

    workos.wait_for_deliveries()

    assert times_of(receiver) == [t]
    assert is_right(receiver.received[0], webhook.secret, t)


def test_forged(workos, receiver, webhook):
    workos.webhooks_next(forged=True)
    workos.emit("a.thing")
    workos.wait_for_deliveries()
    workos.emit("b.thing")
    workos.wait_for_deliveries()

    assert [is_right(each, webhook.secret) for each in receiver.received] == [False, True]
    assert times_of(receiver) == [1_800_000_000_000] * 2


def test_twice(workos, receiver, webhook):
    workos.webhooks_next(2, times=2)
    noted = [workos.emit("a.thing").id for _ in range(3)]

    workos.wait_for_deliveries()

    assert sorted(receiver.ids) == sorted([*noted, *noted[:2]])


def test_lost(workos, receiver, webhook):
    workos.webhooks_next(lost=True)
    lost, told = workos.emit("a.thing"), workos.emit("b.thing")

    workos.wait_for_deliveries()

    assert receiver.ids == [told.id]
    assert workos.events == [lost, told]


def test_orders_are_for_events_that_somebody_listens_to(workos, receiver):
    workos.add_webhook(receiver.url, ["b.thing"])
    workos.webhooks_next(lost=True)
    workos.emit("a.thing")
    workos.emit("b.thing")

    workos.wait_for_deliveries()

    assert receiver.received == []


def test_late(workos, receiver, webhook):
    workos.webhooks_next(delay=60)
    workos.emit("a.thing")
    soon = workos.emit("b.thing")

    assert receiver.arrived.acquire(timeout=10)

    assert receiver.ids == [soon.id]
    with pytest.raises(TimeoutError):
        workos.wait_for_deliveries(0.01)


def test_a_little_late(workos, receiver, webhook):
    workos.webhooks_next(delay=0.01)
    late = workos.emit("a.thing")

    workos.wait_for_deliveries()

    assert receiver.ids == [late.id]


def test_held_until_released(workos, receiver, webhook):
    with workos.hold_webhooks() as held:
        event = workos.emit("a.thing")
        workos.wait_for_deliveries()
        assert (receiver.received, held.events) == ([], [event])

        assert [each.status for each in held.release()] == [200]
        assert receiver.ids == [event.id]
        assert held.events == []

    assert receiver.ids == [event.id]


def test_out_of_order(workos, receiver, webhook):
    with workos.hold_webhooks() as held:
        noted = [workos.emit("a.thing").id for _ in range(4)]
        held.release(reverse=True)

    assert receiver.ids == noted[::-1]


def test_what_is_left_is_delivered_in_order_at_the_end(workos, receiver, webhook):
    with workos.hold_webhooks():
        noted = [workos.emit("a.thing").id for _ in range(4)]

    assert receiver.ids == noted


def test_what_is_held_can_be_dropped(workos, receiver, webhook):
    with workos.hold_webhooks() as held:
        workos.emit("a.thing")
        held.drop()
    after = workos.emit("b.thing")

    workos.wait_for_deliveries()

    assert receiver.ids == [after.id]


def test_nothing_is_delivered_by_a_test_that_failed(workos, receiver, webhook):
    def fail():
        with workos.hold_webhooks():
            workos.emit("a.thing")
            raise AssertionError

    with pytest.raises(AssertionError):
        fail()
    after = workos.emit("b.thing")

    workos.wait_for_deliveries()

    assert receiver.ids == [after.id]


def test_what_is_released_and_fails_is_repeated(workos, receiver, webhook):
    receiver.statuses = [500]
    with workos.hold_webhooks():
        event = workos.emit("a.thing")

    workos.wait_for_deliveries()

    assert receiver.ids == [event.id] * 2


def test_orders_hold_for_what_is_released(workos, receiver, webhook):
    workos.webhooks_next(lost=True)
    workos.webhooks_next(delay=0.01)
    with workos.hold_webhooks():
        noted = [workos.emit("a.thing").id for _ in range(2)]

    workos.wait_for_deliveries()

    assert receiver.ids == noted[1:]


def test_the_body_may_be_bare(workos, receiver, webhook):
    event = workos.emit("a.thing", {"x": 1})
    workos.wait_for_deliveries()
    workos.deliver(event, bare=True)

    whole, bare = (each.event for each in receiver.received)
    assert set(whole) - set(bare) == {"object", "context"}
    assert bare == {name: whole[name] for name in bare}
    assert is_right(receiver.received[1], webhook.secret)


@pytest.mark.parametrize("spelling", SIGNATURES)
def test_the_header_can_be_spelled_otherwise(workos, receiver, webhook, spelling):
    workos.webhooks_next(signature=spelling)
    workos.emit("a.thing")
    workos.wait_for_deliveries()

    (received,) = receiver.received
    t, v1 = sign(received.body, webhook.secret, t=1_800_000_000_000).split(", ")
    got = received.signature
    if spelling == "absent":
        assert got is None
        return
    assert (t in got) == (spelling != "no_time")
    assert (v1 in got) == (spelling != "no_digest")
    assert got.count("v1=") == {"several": 2, "no_digest": 0}.get(spelling, 1)
    assert (got == f"{t}, {v1}") == (spelling == "usual")


@pytest.mark.parametrize(
    "order",
    [{"times": 0}, {"delay": -1}, {"age": float("nan")}, {"signature": "x"}, {"count": -1}],
)
def test_an_order_that_cannot_be_is_refused(workos, order):
    with pytest.raises(ValueError, match=r"from 0|one of"):
        workos.webhooks_next(**order)
