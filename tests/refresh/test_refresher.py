"""One exchange, whatever happens in it."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future
from dataclasses import replace

import pytest

from flask_workos_sessions.coordination.background import Background
from flask_workos_sessions.coordination.breaker import Answer
from flask_workos_sessions.coordination.counters import Counters
from flask_workos_sessions.coordination.lease import LEASE_SECONDS, Leases
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.refresh.attempts import Attempts
from flask_workos_sessions.refresh.backoff import FIRST_PAUSE, LONGEST_PAUSE, Admission, Backoff
from flask_workos_sessions.refresh.exchange import CLOCK_PAUSE, Caller, Exchange
from flask_workos_sessions.refresh.refresher import Refresher
from flask_workos_sessions.refresh.results import (
    Dead,
    Failed,
    Interaction,
    OrganizationClosed,
    Renewed,
)
from flask_workos_sessions.refresh.rotation import (
    MAX_RECORD_SECONDS,
    REPLAY_SECONDS,
    SEEN_SECONDS,
    Rotations,
)
from flask_workos_sessions.sealing.keys import KeyRing
from flask_workos_sessions.sealing.seal import Sealer
from flask_workos_sessions.session_record import SessionRecord
from flask_workos_sessions.workos.outcomes import (
    Authenticated,
    InteractionRequired,
    Misconfigured,
    OrganizationRefused,
    Rejected,
    Transient,
)

RECORD = SessionRecord(
    access_token="a1",
    refresh_token="r1",
    user={"id": "user_1"},
    organization_id="org_1",
    signed_in_at=0,
    not_after=100_000,
)
NEXT = Authenticated(user={"id": "user_1"}, access_token="a2", refresh_token="r2")


class Client:
    """Answers as a test says; counts what it was asked."""

    def __init__(self) -> None:
        self.answer = NEXT
        self.asked = []
        self.arrived = []
        self.go = threading.Event()
        self.go.set()

    def exchange_refresh_token(self, refresh_token, **more):
        self.asked.append((refresh_token, more["organization_id"]))
        self.go.wait(5)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def state(clock):
    return MemoryState(clock=clock)


@pytest.fixture
def background():
    return Background(workers=2, queue=0)


class Store:
    """A session store that only writes down what it is told."""

    def __init__(self, rotations):
        self.kept = []
        self.rotations = rotations

    def seal_successor(self, successor, previous):
        self.previous = previous.refresh_token
        return f"sealed {successor.refresh_token}"

    def keep(self, value):
        assert self.rotations.successor(self.previous) == value, "recorded first"
        self.kept.append(value)


@pytest.fixture
def make(client, state, background, clock):
    """A refresher; each is to the others what one in another process would be."""

    def make(*passwords, **more):
        keys = KeyRing(passwords or ["p" * 32])
        sealer = Sealer(keys, purpose="rotation", client_id="client_1")
        rotations = Rotations(state, keys.digests, sealer, clock=clock)
        attempts, backoff, counters = (
            Attempts(state, clock=clock),
            Backoff(state, clock=clock),
            Counters(),
        )
        exchange = Exchange(
            client,
            Store(rotations),
            rotations,
            attempts,
            backoff,
            counters,
            name=lambda token: "somebody",
            expires_at=lambda token: 10.0 if token == "expired" else 10**9,
            arrived=lambda token: client.arrived.append(token),
            inactivity_timeout=600,
            clock=clock,
        )
        refresher = Refresher(
            exchange,
            rotations,
            attempts,
            backoff,
            Leases(state),
            background,
            counters,
            clock=clock,
            **more,
        )
        refresher.counters = counters
        refresher.backoff = backoff
        return refresher

    return make


@pytest.fixture
def refresher(make):
    return make()


@pytest.fixture
def rotations(refresher):
    return refresher.rotations


def record(token):
    return replace(RECORD, refresh_token=token)


def test_the_sealed_successor_is_recorded_under_the_old_token(refresher, rotations):
    assert refresher.refresh(RECORD, Caller()) == Renewed("sealed r2")
    assert rotations.successor("r1") == "sealed r2"
    assert refresher.refresh(RECORD, Caller()) == Renewed("sealed r2")


def test_the_session_stays_in_its_organization_unless_another_is_wanted(refresher, client):
    refresher.refresh(RECORD, Caller())
    assert client.asked == [("r1", "org_1")]


def test_security_r2_the_record_ends_with_the_inactivity_timeout(refresher, rotations, clock):
    refresher.refresh(RECORD, Caller())
    clock.advance(599)
    assert rotations.successor("r1")
    clock.advance(1)
    assert rotations.successor("r1") is None


def test_security_r2_a_record_lives_twelve_hours_at_most(rotations, clock):
    rotations.record("d", "value", until=10**9)
    clock.advance(MAX_RECORD_SECONDS)
    assert rotations.successor("d") is None


def test_a_refused_token_is_not_sent_again_for_a_quarter_of_an_hour(refresher, client, clock):
    client.answer = Rejected("invalid_grant", 400)
    assert refresher.refresh(RECORD, Caller()) == Dead("revoked")
    assert refresher.refresh(RECORD, Caller()) == Dead("revoked")
    assert len(client.asked) == 1
    clock.advance(901)
    refresher.refresh(RECORD, Caller())
    assert len(client.asked) == 2


def test_before_a_token_counts_as_refused_the_record_is_looked_at_again(
    refresher, client, rotations
):
    """Peers: bug class A, another process has exchanged the token in the meantime."""

    def exchange(refresh_token, **more):
        rotations.record("r1", "the other's", until=90_000)
        return Rejected("invalid_grant", 400)

    client.exchange_refresh_token = exchange
    assert refresher.refresh(RECORD, Caller()) == Renewed("the other's")


@pytest.mark.parametrize(
    "answer",
    [
        Transient("server_error"),
        Transient("x", 7.0),
        Misconfigured("unauthorized", "WORKOS_API_KEY"),
    ],
)
def test_a_fault_pauses_this_session_and_ends_nothing(refresher, client, clock, answer):
    client.answer = answer
    first = refresher.refresh(RECORD, Caller())
    assert isinstance(first, Failed)
    assert first.fresh
    again = refresher.refresh(RECORD, Caller())
    assert isinstance(again, Failed)
    assert not again.fresh
    assert len(client.asked) == 1
    clock.advance(10)
    client.answer = NEXT
    assert refresher.refresh(RECORD, Caller()) == Renewed("sealed r2")


@pytest.mark.parametrize("answer", [Transient("refused"), Transient("rate_limited")])
def test_near_the_end_the_pause_is_longer_than_after_it(refresher, client, clock, answer):
    client.answer = answer
    refresher.refresh(RECORD, Caller(), proactive=True)
    clock.advance(2)
    refresher.refresh(RECORD, Caller(), proactive=True)
    assert len(client.asked) == 1
    refresher.refresh(RECORD, Caller())
    assert len(client.asked) == 2


@pytest.mark.parametrize("reason", ["timeout", "network", "unreadable", "server_error"])
@pytest.mark.parametrize("then", ["network", "rate_limited"])
def test_near_the_end_an_answer_that_may_be_lost_is_asked_for_five_times_in_thirty_seconds(
    make, client, clock, reason, then
):
    client.answer = Transient(reason)
    sent = []
    for second in range(30):
        before = len(client.asked)
        make().refresh(RECORD, Caller(), proactive=True)
        if len(client.asked) > before:
            sent.append(second)
            client.answer = Transient(then)
        clock.advance(1)
    assert sent == [0, 1, 3, 7, 15]


def test_a_fault_of_our_own_ends_nothing_either(refresher, client, caplog):
    client.answer = ValueError("oops")
    assert refresher.refresh(RECORD, Caller()) == Failed("internal", fresh=True)
    assert "kept" in caplog.text


def test_what_the_person_has_to_do_is_remembered_for_a_moment(refresher, client):
    client.answer = InteractionRequired("sso_required")
    expected = Interaction("sso_required", "org_1")
    assert refresher.refresh(RECORD, Caller()) == expected
    assert refresher.refresh(RECORD, Caller()) == expected
    assert len(client.asked) == 1


def test_a_refused_switch_leaves_the_session(refresher, client):
    client.answer = OrganizationRefused("organization_not_found")
    assert refresher.refresh(RECORD, Caller(), organization_id="org_2") == OrganizationClosed(
        "organization_not_found"
    )
    client.answer = NEXT
    assert refresher.refresh(RECORD, Caller()) == Renewed("sealed r2")


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (OrganizationRefused("organization_not_found"), OrganizationClosed),
        (InteractionRequired("sso_required"), Interaction),
    ],
)
def test_security_r4_switching_in_a_loop_to_where_one_may_not_go_makes_one_call(
    refresher, client, clock, answer, result
):
    client.answer = answer
    for _ in range(10):
        told = refresher.refresh(RECORD, Caller(), organization_id="org_2")
        assert isinstance(told, result)
    assert len(client.asked) == 1
    clock.advance(10)
    client.answer = NEXT
    assert refresher.refresh(RECORD, Caller(), organization_id="org_2") == Renewed("sealed r2")


def test_a_refused_own_organization_ends_the_whole_session(refresher, client):
    client.answer = OrganizationRefused("organization_membership_not_found")
    assert refresher.refresh(RECORD, Caller()) == Dead("access_removed", whole_session=True)


def test_a_full_pool_is_a_fault_and_no_queue_without_end(refresher, client):
    client.go.clear()
    others = [
        threading.Thread(
            target=refresher.refresh,
            args=(record(f"x{n}"), Caller()),
        )
        for n in range(2)
    ]
    for thread in others:
        thread.start()
    while len(client.asked) < 2:
        pass
    assert refresher.refresh(RECORD, Caller()) == Failed("busy")
    client.go.set()
    for thread in others:
        thread.join()


def test_an_exchange_is_announced_once(refresher, rotations):
    refresher.refresh(RECORD, Caller())
    digest = rotations.digest("r1")
    assert refresher.announce(digest)
    assert not refresher.announce(digest)


def test_a_child_process_has_a_pool_of_its_own(background, monkeypatch):
    background.submit(lambda: 1).result()
    parents = background._pool
    monkeypatch.setattr("os.getpid", lambda: -7)
    assert background.submit(lambda: 2).result() == 2
    assert background._pool is not parents
    parents.shutdown()
    background._pool.shutdown()


def test_security_r2_a_record_opens_only_with_the_old_token(refresher, rotations, state):
    refresher.refresh(RECORD, Caller())
    found = state.get("rotated:" + rotations.digest("r1"))
    state.set("rotated:" + rotations.digest("r0"), found, 60)
    assert rotations.successor("r0") is None
    assert rotations.successor("r1") == "sealed r2"


def test_while_a_password_is_changed_either_side_finds_the_other_s_record(make, client):
    old, new = "o" * 32, "n" * 32
    before, after = make(old, new), make(new, old)
    before.refresh(RECORD, Caller())
    assert after.refresh(RECORD, Caller()) == Renewed("sealed r2")
    assert len(client.asked) == 1


def test_a_lease_keeps_the_others_from_asking_and_they_find_the_result(make, client):
    client.go.clear()
    one, two = make(), make(sleep=lambda seconds: client.go.set())
    leader = threading.Thread(target=one.refresh, args=(RECORD, Caller()))
    leader.start()
    while not client.asked:
        pass
    assert two.refresh(RECORD, Caller()) == Renewed("sealed r2")
    leader.join()
    assert len(client.asked) == 1
    assert two.counters["waited"] == 1
    assert two.counters["exchanges"] == 0


def test_near_the_end_nobody_waits_for_another_process(make, state):
    one, two = make(), make(sleep=lambda seconds: pytest.fail("it waited"))
    assert Leases(state).take(one.rotations.digest("r1"))
    assert two.refresh(RECORD, Caller(), proactive=True) is None


def test_a_waiting_request_gives_up_and_is_told_to_come_back(make, state, clock):
    elapsed = [0.0]

    def sleep(seconds):
        elapsed[0] += seconds

    refresher = make(monotonic=lambda: elapsed[0], sleep=sleep)
    assert Leases(state).take(refresher.rotations.digest("r1"))
    assert refresher.refresh(RECORD, Caller(deadline=3.0)) == Failed("timeout")
    assert 3.0 <= elapsed[0] < 3.2


def test_the_lease_of_a_holder_that_died_is_free_after_eight_seconds(make, state, clock, client):
    refresher = make(sleep=clock.advance, monotonic=clock)
    assert Leases(state).take(refresher.rotations.digest("r1"))
    begun = clock()
    assert refresher.refresh(RECORD, Caller(deadline=begun + 20)) == Renewed("sealed r2")
    assert LEASE_SECONDS <= clock() - begun < LEASE_SECONDS + 0.2
    assert len(client.asked) == 1


def test_who_held_a_lease_that_ran_out_does_not_free_another_s(state, clock):
    leases = Leases(state)
    first = leases.take("t")
    clock.advance(LEASE_SECONDS)
    second = leases.take("t")
    assert second
    leases.free("t", first)
    assert leases.take("t") is None
    leases.free("t", second)
    assert leases.take("t")


class Queue:
    """A background that is busy until a test says so."""

    def __init__(self):
        self.jobs = []

    def submit(self, call, *arguments):
        self.jobs.append(lambda: call(*arguments))
        return Future()


@pytest.fixture
def queued(make):
    """A request of one process waits for its exchange, which waits for a worker."""
    refresher, results = make(), []
    queue = refresher._background = Queue()
    thread = threading.Thread(target=lambda: results.append(refresher.refresh(RECORD, Caller())))
    thread.start()
    while not queue.jobs:
        pass

    def run():
        queue.jobs.pop(0)()

    yield run, results
    thread.join()


def test_a_lease_begins_when_its_exchange_does(queued, client, state, clock, rotations):
    run, _ = queued
    clock.advance(LEASE_SECONDS - 1)
    client.go.clear()
    worker = threading.Thread(target=run)
    worker.start()
    while not client.asked:
        pass
    clock.advance(LEASE_SECONDS - 1)
    assert Leases(state).take(rotations.digest("r1")) is None
    client.go.set()
    worker.join()
    assert Leases(state).take(rotations.digest("r1"))


def test_who_waited_too_long_for_a_worker_leaves_the_token_to_who_has_the_lease_now(
    queued, make, client, clock
):
    run, results = queued
    clock.advance(LEASE_SECONDS)
    client.go.clear()
    other = make()
    leader = threading.Thread(target=other.refresh, args=(RECORD, Caller()))
    leader.start()
    while not client.asked:
        pass
    run()
    client.go.set()
    leader.join()
    while not results:
        pass
    assert results == [Renewed("sealed r2")]
    assert len(client.asked) == 1


def test_a_refused_token_is_not_dead_while_somebody_else_exchanges_it(
    refresher, rotations, client, state, clock
):
    """Their record may come a moment after the refusal."""

    def exchange(refresh_token, **more):
        clock.advance(LEASE_SECONDS)
        assert Leases(state).take(rotations.digest("r1"))
        return Rejected("invalid_grant", 400)

    client.exchange_refresh_token = exchange
    assert refresher.refresh(RECORD, Caller()) == Failed("unconfirmed", 1.0, fresh=True)
    rotations.record("r1", "the other's", until=90_000)
    assert refresher.refresh(RECORD, Caller()) == Renewed("the other's")


def test_a_failed_exchange_frees_its_lease_at_once(refresher, client, state):
    client.answer = Transient("server_error")
    refresher.refresh(RECORD, Caller())
    assert Leases(state).take(refresher.rotations.digest("r1"))


def test_the_pauses_of_a_token_grow_and_all_processes_keep_to_them(make, client, clock):
    client.answer = Transient("server_error")
    sent = []
    for second in range(130):
        before = len(client.asked)
        make().refresh(RECORD, Caller())
        if len(client.asked) > before:
            sent.append(second)
        clock.advance(1)
    # Five sends within the thirty seconds in which WorkOS repeats its answer.
    assert sent == [0, 1, 3, 7, 15, 31, 63, 123]


def test_what_workos_asks_for_pauses_the_token_a_minute_at_most(make, client, clock):
    client.answer = Transient("rate_limited", 30.0)
    failed = make().refresh(RECORD, Caller())
    assert failed.retry_after == 30
    clock.advance(29)
    make().refresh(RECORD, Caller())
    assert len(client.asked) == 1
    clock.advance(1)
    make().refresh(RECORD, Caller())
    assert len(client.asked) == 2


def test_security_r4_one_session_s_failures_stop_nobody_else(make, client, clock):
    client.answer = Transient("rate_limited", 1.0)
    for _ in range(8):
        make().refresh(RECORD, Caller())
        clock.advance(1)
    client.answer = NEXT
    assert make().refresh(record("other"), Caller()) == Renewed("sealed r2")


def test_security_r4_three_failing_sessions_pause_everybody_and_one_probes(make, client, clock):
    client.answer = Transient("server_error")
    for token in "abc":
        make().refresh(record(token), Caller())
    assert len(client.asked) == 3
    failed = make().refresh(record("d"), Caller())
    assert failed.outcome == "paused"
    assert 0.9 * FIRST_PAUSE <= failed.retry_after <= 1.1 * FIRST_PAUSE
    clock.advance(1.1 * FIRST_PAUSE)
    make().refresh(record("e"), Caller())
    assert len(client.asked) == 4, "one probe"
    assert make().refresh(record("f"), Caller()).outcome == "paused"
    clock.advance(2 * FIRST_PAUSE * 0.9 - 0.1)
    assert make().refresh(record("f"), Caller()).outcome == "paused", "its failure doubles it"
    clock.advance(FIRST_PAUSE)
    client.answer = NEXT
    assert make().refresh(record("g"), Caller()) == Renewed("sealed r2")
    assert make().refresh(record("h"), Caller()) == Renewed("sealed r2")


def test_security_r4_only_one_of_many_probes(make, client, clock):
    client.answer = Transient("server_error")
    for token in "abc":
        make().refresh(record(token), Caller())
    clock.advance(1.1 * FIRST_PAUSE)
    client.go.clear()
    probe = threading.Thread(target=make().refresh, args=(record("d"), Caller()))
    probe.start()
    while len(client.asked) < 4:
        pass
    assert make().refresh(record("e"), Caller()).outcome == "paused"
    client.answer = NEXT
    client.go.set()
    probe.join()
    assert make().refresh(record("e"), Caller()) == Renewed("sealed r2")


def test_security_r4_a_probe_whose_process_died_is_followed_by_another(make, client, clock):
    client.answer = Transient("server_error")
    for token in "abc":
        make().refresh(record(token), Caller())
    clock.advance(1.1 * FIRST_PAUSE)
    assert make().backoff.admit().probing
    assert not make().backoff.admit().probing
    clock.advance(LEASE_SECONDS + 1)
    assert make().backoff.admit().probing


def test_security_r4_nobody_probes_right_after_a_probe_that_failed(make, clock, state, monkeypatch):
    one, two = make().backoff, make().backoff
    for digest in "abc":
        one.failed(Admission(), digest, None)
    clock.advance(1.1 * FIRST_PAUSE)
    probe = one.admit()
    assert probe.probing
    add = state.add

    def late(*arguments):
        # The probe fails after the other one has seen that the pause is over.
        monkeypatch.setattr(state, "add", add)
        one.failed(probe, "a", None)
        return add(*arguments)

    monkeypatch.setattr(state, "add", late)
    admission = two.admit()
    assert not admission.probing
    assert admission.wait > FIRST_PAUSE
    clock.advance(2.2 * FIRST_PAUSE)
    assert two.admit().probing


def test_security_r4_who_asks_when_a_probe_has_just_succeeded_is_let_through(
    make, clock, state, monkeypatch
):
    one, two = make().backoff, make().backoff
    for digest in "abc":
        one.failed(Admission(), digest, None)
    clock.advance(1.1 * FIRST_PAUSE)
    probe, add = one.admit(), state.add

    def late(*arguments):
        monkeypatch.setattr(state, "add", add)
        one.succeeded(probe)
        return add(*arguments)

    monkeypatch.setattr(state, "add", late)
    assert two.admit() == Admission()
    assert one.admit() == Admission()


def test_security_r4_three_sessions_that_fail_at_the_same_moment_pause_everybody(
    make, state, monkeypatch
):
    add, others = state.add, ["b", "c"]

    def late(*arguments):
        # The others have looked by now, and are a moment faster.
        while others:
            make().backoff.failed(Admission(), others.pop(), None)
        return add(*arguments)

    monkeypatch.setattr(state, "add", late)
    make().backoff.failed(Admission(), "a", None)
    assert make().backoff.wait() > 0


def test_security_r4_the_pause_of_everybody_is_a_minute_at_most(make, client, clock):
    client.answer = Transient("rate_limited", 3600.0)
    for token in "abc":
        make().refresh(record(token), Caller())
    assert make().backoff.wait() == LONGEST_PAUSE
    for _ in range(6):
        clock.advance(LONGEST_PAUSE)
        make().refresh(record("d"), Caller())
        assert make().backoff.wait() <= LONGEST_PAUSE


def test_security_r4_failures_that_are_far_apart_pause_nobody(make, client, clock):
    client.answer = Transient("server_error")
    for token in "abcde":
        make().refresh(record(token), Caller())
        clock.advance(5.5)
    assert make().backoff.wait() == 0


def test_security_r2_a_token_that_is_used_long_after_its_successor_was_shown_is_refused_unasked(
    refresher, rotations, client, clock, caplog
):
    refresher.refresh(RECORD, Caller())
    rotations.seen(rotations.digest("r1"))
    clock.advance(SEEN_SECONDS - 1)
    assert refresher.refresh(RECORD, Caller()) == Renewed("sealed r2")
    clock.advance(1)
    assert refresher.refresh(RECORD, Caller()) == Dead("revoked")
    assert len(client.asked) == 1
    assert refresher.counters["replayed"] == 1
    assert "copied a cookie" in caplog.text
    clock.advance(REPLAY_SECONDS)
    refresher.refresh(RECORD, Caller())
    assert len(client.asked) == 2, "WorkOS refuses it by itself then"


def test_a_token_that_has_expired_on_arrival_is_not_exchanged_in_turn(
    refresher, client, clock, caplog
):
    client.answer = replace(NEXT, access_token="expired")
    assert refresher.refresh(RECORD, Caller()) == Renewed("sealed r2")
    assert "clock" in caplog.text
    failed = refresher.refresh(record("r2"), Caller())
    assert (failed.outcome, failed.retry_after) == ("clock", CLOCK_PAUSE)
    assert len(client.asked) == 1


def test_the_key_of_a_new_token_is_looked_for_when_the_token_is_recorded(make, client, monkeypatch):
    refresher = make()
    recorded = []
    arrived = client.arrived.append
    monkeypatch.setattr(
        refresher._exchange,
        "_arrived",
        lambda token: arrived(token) or recorded.append(refresher.rotations.successor("r1")),
    )
    refresher.refresh(RECORD, Caller())
    assert client.arrived == ["a2"]
    assert recorded == ["sealed r2"]


def test_each_exchange_is_one_line_without_values(refresher, caplog):
    caplog.set_level("INFO")
    refresher.refresh(RECORD, Caller("192.0.2.7", "A browser"))
    (line,) = [each.getMessage() for each in caplog.records]
    assert line.startswith("refresh session=somebody outcome=renewed attempt=1 seconds=")
    assert "192.0.2.7" not in caplog.text


def test_failures_are_counted_by_kind(refresher, client):
    client.answer = Transient("timeout")
    refresher.refresh(RECORD, Caller())
    assert refresher.counters["failed_timeout"] == refresher.counters["exchanges"] == 1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_process_does_not_wait_for_its_parent_s_exchange(make, client, state):
    client.go.clear()
    refresher = make()
    leader = threading.Thread(target=refresher.refresh, args=(RECORD, Caller()))
    leader.start()
    while not client.asked:
        pass
    with refresher._lock:
        pid = os.fork()
        if pid == 0:
            # The lease is the parent's; a child that waited on its thread would never end.
            ended = refresher.refresh(RECORD, Caller(deadline=time.monotonic() + 0.3)) == Failed(
                "timeout"
            )
            os._exit(0 if ended else 1)
    assert os.waitpid(pid, 0)[1] == 0
    client.go.set()
    leader.join()


def test_a_refused_token_is_not_dead_while_the_store_cannot_be_looked_at(
    refresher, client, state, monkeypatch
):
    """DESIGN decision 5: another process may have exchanged it, and recorded that."""
    client.answer = Rejected("invalid_grant", 400)
    monkeypatch.setattr(state, "ask", lambda key: Answer(False, state.get(key)))
    assert refresher.refresh(RECORD, Caller()) == Failed("unconfirmed", 1.0, fresh=True)


def test_who_joins_a_flight_asks_the_store_nothing(make, client, state, monkeypatch):
    client.go.clear()
    refresher = make()
    leader = threading.Thread(target=refresher.refresh, args=(RECORD, Caller()))
    leader.start()
    while not client.asked:
        pass
    asked = []
    get = state.get
    monkeypatch.setattr(state, "get", lambda key: asked.append(threading.get_ident()) or get(key))
    results = []
    joiner = threading.Thread(target=lambda: results.append(refresher.refresh(RECORD, Caller())))
    joiner.start()
    while not refresher.counters["waited"]:
        pass
    client.go.set()
    joiner.join()
    leader.join()
    assert results == [Renewed("sealed r2")]
    assert joiner.ident not in asked
