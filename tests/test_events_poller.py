"""The events poller: cursor, leader, back-off and stop, by a clock that nobody waits for."""

from __future__ import annotations

import itertools
import json
import re

import pytest
import responses

from flask_workos_sessions.coordination.breaker import Answer
from flask_workos_sessions.coordination.lease import Leases
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.events_poller import (
    BEGIN_SECONDS,
    LEADER_SECONDS,
    LOOK_SECONDS,
    TRIES,
    EventsPoller,
)
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.reactions import Unrecorded
from flask_workos_sessions.workos.client import WorkOSClient
from flask_workos_sessions.workos.event_page import (
    PAGE_SIZE,
    EventPage,
    EventsRefused,
    EventsUnavailable,
)
from flask_workos_sessions.workos.events import read_event

TYPES = ("session.revoked", "user.deleted")


class Stopped(Exception):
    """The test has seen enough."""


class API:
    """WorkOS's Events API, as far as the poller can tell."""

    def __init__(self):
        self.events = []
        self.asked = []
        self.faults = []
        self.known = set()

    def happen(self, count=1):
        for _ in range(count):
            number = len(self.events)
            document = {"id": f"event_{number:05}", "event": "session.revoked", "data": {}}
            self.events.append(read_event(document))
        return [each.id for each in self.events[-count:]]

    def read(self, types, *, after=None, since=None, limit=PAGE_SIZE):
        self.asked.append((after, since, limit))
        if self.faults:
            fault = self.faults.pop(0)
            if fault is not None:
                raise fault
        assert types == TYPES
        start = 0
        if after is not None:
            ids = [each.id for each in self.events]
            if after not in ids:
                raise EventsRefused(400, "Could not find the event.")
            start = ids.index(after) + 1
        page = tuple(self.events[start : start + limit])
        last = page[-1].id if page else None
        return EventPage(page, last, start + limit < len(self.events))


class Heard:
    """What is done with the events, once each, as :class:`Reactions` does it."""

    def __init__(self, known):
        self.known = known
        self.acted, self.told = [], []
        self.raises = {}
        self.busy = set()
        self.failing = False

    def act(self, event):
        if self.failing:
            raise Unrecorded
        self.acted.append(event.id)

    def tell(self, event):
        if event.id in self.busy:
            return False
        if event.id in self.known:
            return True
        if self.raises.get(event.id, 0):
            self.raises[event.id] -= 1
            raise ZeroDivisionError
        self.known.add(event.id)
        self.told.append(event.id)
        return True


@pytest.fixture
def clock():
    return MovableClock(1_795_000_000).freeze()


@pytest.fixture
def state(clock):
    return MemoryState(clock=clock)


@pytest.fixture
def api():
    return API()


class Process:
    """One process with a poller, whose waits take no time but move the clock."""

    def __init__(self, api, state, clock, known, interval=10):
        self.heard = Heard(known)
        self.raised, self.waits, self.steps = [], [], []
        self.stop = False
        self.clock = clock
        self.poller = EventsPoller(
            api.read,
            self.heard,
            state,
            Leases(state, seconds=LEADER_SECONDS),
            types=[*TYPES, TYPES[0]],
            interval=interval,
            clock=clock,
            wait=self.wait,
            raised=self.raised.append,
        )

    def wait(self, seconds):
        if seconds:
            self.waits.append(seconds)
            self.clock.advance(seconds)
            if not self.steps:
                raise Stopped
            self.steps.pop(0)()
        return self.stop

    def run(self, *steps):
        """Run, with one step at each wait, up to the wait after the last of them."""
        self.steps = list(steps)
        with pytest.raises(Stopped):
            self.poller.run()


@pytest.fixture
def process(api, state, clock):
    known = set()
    return lambda **more: Process(api, state, clock, known, **more)


def nothing():
    pass


# --- the cursor


def test_the_first_read_begins_two_token_lives_ago(api, process, clock):
    began = clock()
    process().run()
    assert api.asked == [(None, began - BEGIN_SECONDS, PAGE_SIZE)]
    assert BEGIN_SECONDS == 600


def test_nothing_is_left_out_while_nothing_happens_for_a_long_time(api, process, clock):
    """The beginning stays where it was until there is an event to go on from."""
    began = clock()
    process(interval=5).run(nothing, lambda: clock.advance(7_200), nothing)
    assert {since for _, since, _ in api.asked} == {began - BEGIN_SECONDS}


def test_every_event_is_acted_upon_once_and_in_order(api, process):
    ids = api.happen(250)
    one = process(interval=5)
    one.run(lambda: ids.extend(api.happen(3)), nothing)
    assert one.heard.acted == one.heard.told == ids
    assert [after for after, _, _ in api.asked] == [None, ids[99], ids[199], ids[249], ids[252]]


def test_a_process_that_starts_later_goes_on_where_the_last_one_stopped(api, process, clock):
    first = api.happen(3)
    assert process().poller.once()
    clock.advance(3 * 86_400)
    second, two = api.happen(2), process()
    assert two.poller.once()
    assert two.heard.acted == second
    assert api.asked[-1][0] == first[-1]


def test_security_w2_a_cursor_that_is_lost_begins_two_token_lives_ago(api, process, state, clock):
    api.happen(3)
    process().poller.once()
    state.delete("events:cursor")
    two = process()
    two.poller.once()
    assert api.asked[-1] == (None, clock() - BEGIN_SECONDS, PAGE_SIZE)
    assert two.heard.told == []


@pytest.mark.parametrize("status", [400, 404, 422])
def test_security_w2_a_cursor_that_workos_does_not_know_begins_two_token_lives_ago(
    api, process, clock, caplog, status
):
    api.happen(3)
    process().poller.once()
    api.faults = [EventsRefused(status)]
    two = process()
    assert two.poller.once()
    assert api.asked[-1] == (None, clock() - BEGIN_SECONDS, PAGE_SIZE)
    assert "600 seconds" in caplog.text
    two.poller.once()
    assert api.asked[-1][0] == api.events[-1].id


def test_a_wrong_type_does_not_lose_the_cursor(api, process):
    last = api.happen(3)[-1]
    process().poller.once()
    api.faults = [EventsRefused(422), EventsRefused(422)]
    with pytest.raises(EventsRefused):
        process().poller.once()
    process().poller.once()
    assert api.asked[-1][0] == last


@pytest.mark.parametrize("odd", [b"{}", b'{"after": 7}', b'{"since": "x"}', b'{"after": ""}'])
def test_a_cursor_of_another_version_is_none(api, process, state, clock, odd):
    state.set("events:cursor", odd, 100)
    process().poller.once()
    assert api.asked == [(None, clock() - BEGIN_SECONDS, PAGE_SIZE)]


def test_a_server_that_does_not_know_cursors_is_not_asked_for_ever(process, api):
    page = EventPage((), "event_1", True)
    api.read = lambda types, **more: api.asked.append(more) or page
    one = process()
    one.poller._read = api.read
    one.run()
    assert len(api.asked) == 2


# --- one leader


def test_one_of_two_reads_and_the_other_takes_over_when_it_stops(api, process, caplog):
    one, two = process(), process()
    ids = api.happen(2)

    def both():
        assert not two.poller.once()
        one.stop = True

    one.steps = [both]
    one.poller.run()
    assert two.poller.once()
    assert one.heard.acted == ids
    assert two.heard.acted == []


def test_another_goes_on_within_the_lease_when_the_leader_is_killed(api, process, clock):
    one, two = process(), process()
    ids = api.happen(2)
    one.run()
    one.poller._owner = None  # the lease was given back in the test's own way out
    one.poller._leases.take("events")  # as if it had not been: it was killed
    began = clock()
    ids += api.happen(2)
    while not two.heard.acted:
        two.run()
    assert clock() - began <= LEADER_SECONDS + LOOK_SECONDS
    assert one.heard.told + two.heard.told == ids


def test_a_leader_that_was_killed_on_a_page_leaves_no_gap_and_no_repeat(api, process, clock):
    one, two = process(), process()
    ids = api.happen(5)
    tell = one.heard.tell

    def killed(event):
        if event.id == ids[2]:
            raise SystemExit
        return tell(event)

    one.heard.tell = killed
    with pytest.raises(SystemExit):
        one.poller.run()
    clock.advance(LEADER_SECONDS)
    two.run()
    assert one.heard.told == ids[:2]
    assert two.heard.told == ids[2:]
    assert two.heard.acted == ids, "what is done again changes nothing"


def test_who_lost_the_lease_on_a_page_leaves_the_cursor_alone(api, process, state, clock):
    one, two = process(), process()
    ids = api.happen(3)
    tell = one.heard.tell

    def slow(event):
        told = tell(event)
        clock.advance(LEADER_SECONDS + 1)
        if event.id == ids[0]:
            two.poller.once()
            two.poller._lead()  # and it stays the leader
        return told

    one.heard.tell = slow
    one.run()
    assert one.heard.told + two.heard.told == ids
    assert json.loads(state.get("events:cursor")) == {"after": ids[-1]}


def test_the_leader_stays_it_during_a_long_pause(api, process):
    one, two = process(interval=60), process()
    checks = [lambda: assert_not_leading(two)] * 24
    one.run(*checks)
    assert all(wait <= LOOK_SECONDS for wait in one.waits)
    assert len(api.asked) == 3


def assert_not_leading(process):
    assert not process.poller.once()


# --- faults


def test_it_backs_off_and_goes_on(api, process):
    api.faults = [EventsUnavailable("timeout")] * 9
    ids = api.happen(2)
    one = process()
    paused = []
    read = one.poller._read

    def noted(*args, **more):
        paused.append(one.clock())
        return read(*args, **more)

    one.poller._read = noted
    one.run(*[nothing] * 60)
    pauses = [round(b - a) for a, b in itertools.pairwise(paused)]
    assert pauses[:11] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 10, 10]
    assert one.heard.acted == ids


@pytest.mark.parametrize(("asked", "pause"), [(30.0, 30), (60.0, 60), (0.5, 1), (None, 1)])
def test_retry_after_is_respected(api, process, asked, pause):
    api.faults = [EventsUnavailable("rate_limited", asked)]
    one = process()
    began = one.clock()
    at = []
    read = one.poller._read
    one.poller._read = lambda *a, **k: at.append(one.clock()) or read(*a, **k)
    one.run(*[nothing] * 13)
    assert at[1] - began == pause


def test_an_answer_that_is_too_long_is_asked_for_in_smaller_pages(api, process):
    api.faults = [EventsUnavailable("unreadable")] * 9
    api.happen(1)
    one = process()
    one.run(*[nothing] * 70)
    assert [limit for _, _, limit in api.asked][:11] == [100, 50, 25, 12, 6, 3, 1, 1, 1, 1, 100]


def test_a_first_question_that_is_refused_ends_it(api, process):
    api.faults = [EventsRefused(401)]
    with pytest.raises(EventsRefused, match="WORKOS_API_KEY"):
        process().poller.run()


def test_a_key_that_is_refused_later_is_an_error_in_the_log_and_tried_again(api, process, caplog):
    api.faults = [None, EventsRefused(401), None]
    one = process()
    one.run(*[nothing] * 16)
    errors = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert len(errors) == 1
    assert "WORKOS_API_KEY" in errors[0]
    assert len(api.asked) == 4


def test_what_cannot_be_shared_waits_and_the_cursor_too(api, process, state):
    ids = api.happen(2)
    one = process()
    one.heard.failing = True
    one.run(nothing)
    assert state.get("events:cursor") is None
    one.heard.failing = False
    one.run()
    assert one.heard.told == ids


def test_a_cursor_that_cannot_be_read_is_not_written_over(api, process, state, monkeypatch):
    first = api.happen(2)
    one = process()
    one.run()
    kept = state.get("events:cursor")
    ask = state.ask
    monkeypatch.setattr(
        state, "ask", lambda key: Answer(False) if key == "events:cursor" else ask(key)
    )
    api.happen(1)
    asked = len(api.asked)
    one.run(nothing)
    assert len(api.asked) == asked, "it waits"
    assert state.get("events:cursor") == kept
    monkeypatch.undo()
    one.run(nothing)
    assert api.asked[-1][0] == first[-1]


def test_workos_is_not_asked_for_what_it_has_not_kept(api, process, clock):
    began, day = clock(), 86_400
    process(interval=5).run(*[lambda: clock.advance(day)] * 40)
    since = [each for _, each, _ in api.asked]
    assert since[:29] == [began - BEGIN_SECONDS] * 29
    assert since[35] == pytest.approx(began + 6 * day, abs=300)


def test_what_a_receiver_has_raised_is_told_though_the_event_waits(api, process):
    api.happen(1)
    one = process()

    def raises(event):
        raise Unrecorded from ZeroDivisionError()

    one.heard.act = raises
    one.run(nothing)
    assert [type(each) for each in one.raised] == [ZeroDivisionError] * len(one.raised) != []


def test_a_receiver_that_raises_gets_it_again_and_keeps_nobody_waiting(api, process):
    ids = api.happen(3)
    one = process()
    one.heard.raises = {ids[1]: 2}
    one.run(nothing, lambda: ids.extend(api.happen(1)), nothing)
    assert one.heard.acted[:3] == ids[:3]
    assert one.heard.told == [ids[0], ids[2], ids[1], ids[3]]
    assert one.waits[:2] == [1, 2]
    assert len(one.raised) == 2


def test_a_receiver_that_always_raises_is_left_after_five_times(api, process, caplog):
    ids = api.happen(2)
    one = process()
    one.heard.raises = {ids[0]: 1_000, ids[1]: 1_000}
    one.run(*[nothing] * 12)
    assert len(one.raised) == 2 * TRIES
    assert "told 5 times" in caplog.text
    last = api.happen(1)
    one.run()
    assert one.heard.told == last


def test_what_another_process_is_telling_is_looked_at_again(api, process):
    ids = api.happen(2)
    one = process()
    one.heard.busy = {ids[0]}
    one.run(*[nothing] * 20)
    assert one.heard.told == [ids[1]], "however long: nobody else is known to have told of it"
    one.heard.busy.clear()
    one.run(nothing)
    assert one.heard.told == [ids[1], ids[0]]


def test_a_receiver_of_an_end_that_raises_does_not_stop_it(api, process):
    ids = api.happen(2)
    one = process()
    act = one.heard.act

    def raises(event):
        act(event)
        raise ZeroDivisionError

    one.heard.act = raises
    one.run()
    assert one.heard.told == ids
    assert len(one.raised) == 2


def test_events_that_cannot_be_read_are_left_out_with_a_line(process, api, caplog):
    page = EventPage(tuple(api.events), "event_9", False, unreadable=2)
    one = process()
    one.poller._read = lambda *args, **more: page
    assert one.poller.once()
    assert "2 events" in caplog.text


# --- stop


def test_it_finishes_the_page_that_it_is_at_when_it_is_to_stop(api, process, state):
    ids = api.happen(250)
    one = process()
    tell = one.heard.tell

    def told(event):
        one.stop = True
        return tell(event)

    one.heard.tell = told
    one.poller.run()
    assert one.heard.told == ids[:100]
    assert json.loads(state.get("events:cursor")) == {"after": ids[99]}
    assert state.get("lease:events") is None
    two = process()
    assert two.poller.once()
    assert two.heard.told == ids[100:]


def test_once_tries_again_what_a_receiver_has_refused(api, process):
    ids = api.happen(1)
    one = process()
    one.heard.raises = {ids[0]: 2}
    one.steps = [nothing] * 5
    assert one.poller.once()
    assert one.heard.told == ids


# --- the wire


@pytest.fixture
def wire():
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def client():
    return WorkOSClient(base_url="https://api.workos.test", client_id="c", api_key="sk_test_key")


EVENTS = "https://api.workos.test/events"


def query(wire):
    return wire.calls[-1].request.params


def test_what_is_asked(client, wire):
    wire.get(EVENTS, json={"object": "list", "data": [], "list_metadata": {}})
    page = client.list_events(TYPES, since=1_795_445_846.607)
    assert page == EventPage((), None, False)
    expected = {"events": "session.revoked,user.deleted", "limit": "100"}
    assert query(wire) == {**expected, "range_start": "2026-11-23T14:57:26.607Z"}
    assert wire.calls[0].request.headers["Authorization"] == "Bearer sk_test_key"
    client.list_events(TYPES, after="event_1", limit=3)
    assert query(wire) == {**expected, "after": "event_1", "limit": "3"}


def test_a_page_is_read(client, wire):
    items = [
        {"id": "event_1", "event": "user.deleted", "data": {"id": "user_1"}},
        {"id": "event_2"},
        7,
    ]
    wire.get(EVENTS, json={"data": items, "list_metadata": {"after": "event_2"}})
    page = client.list_events(TYPES)
    assert [each.id for each in page.events] == ["event_1"]
    assert (page.last, page.more, page.unreadable) == ("event_2", True, 2)


def test_a_full_page_may_have_a_next_one(client, wire):
    wire.get(EVENTS, json={"data": [{"id": "event_1", "event": "a.b"}], "list_metadata": None})
    assert client.list_events(TYPES, limit=1).more
    assert not client.list_events(TYPES, limit=2).more


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 301, 307])
def test_what_is_asked_for_again(client, wire, status):
    headers = {"Retry-After": "7", "Location": "https://elsewhere.test"}
    wire.get(EVENTS, status=status, json={"message": "no"}, headers=headers)
    with pytest.raises(EventsUnavailable) as caught:
        client.list_events(TYPES)
    assert caught.value.retry_after == 7
    assert len(wire.calls) == 1


@pytest.mark.parametrize("body", ["", "[]", "{", "{}", '{"data": {}}', "<html>", "[" * 50_000])
@pytest.mark.parametrize("status", [200, 201])
def test_half_an_answer_is_asked_for_again(client, wire, body, status):
    wire.get(EVENTS, status=status, body=body)
    with pytest.raises(EventsUnavailable, match="unreadable"):
        client.list_events(TYPES)


def test_a_page_of_a_proxy_is_not_workos_s_word(client, wire):
    wire.get(EVENTS, status=403, body="<html>Forbidden</html>")
    with pytest.raises(EventsUnavailable):
        client.list_events(TYPES)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "WORKOS_API_KEY"),
        (403, "WORKOS_API_KEY"),
        (404, "WORKOS_BASE_URL"),
        (400, "WORKOS_EVENTS_TYPES"),
        (422, "WORKOS_EVENTS_TYPES"),
    ],
)
def test_what_is_refused_says_what_to_check(client, wire, status, remedy):
    wire.get(EVENTS, status=status, json={"message": "Unauthorized\n" + "x" * 1000})
    with pytest.raises(EventsRefused, match=remedy) as caught:
        client.list_events(TYPES)
    text = str(caught.value)
    assert f"status {status}" in text
    assert len(text) < 500
    assert re.search(r"\n|sk_test", text) is None


def test_a_network_that_is_down_is_told_without_the_url(client, wire):
    wire.get(EVENTS, body=ConnectionError("https://api.workos.test/events?secret"))
    with pytest.raises(EventsUnavailable) as caught:
        client.list_events(TYPES)
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)
