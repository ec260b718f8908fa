"""One exchange, whatever happens in it."""

from __future__ import annotations

import threading

import pytest

from flask_workos_sessions.coordination.background import Background
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.refresh.refresher import Caller, Refresher
from flask_workos_sessions.refresh.results import (
    Dead,
    Failed,
    Interaction,
    OrganizationClosed,
    Renewed,
)
from flask_workos_sessions.refresh.rotation import MAX_RECORD_SECONDS, Rotations
from flask_workos_sessions.session import SessionRecord
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
def rotations(clock):
    return Rotations(
        MemoryState(clock=clock), lambda purpose, value: f"{purpose} {value}", clock=clock
    )


@pytest.fixture
def background():
    return Background(workers=2, queue=0)


@pytest.fixture
def refresher(client, rotations, background, clock):
    return Refresher(
        client,
        rotations,
        background,
        seal=lambda record: f"sealed {record.refresh_token}",
        inactivity_timeout=600,
        clock=clock,
    )


def test_the_sealed_successor_is_recorded_under_the_old_token(refresher, rotations):
    assert refresher.refresh(RECORD, Caller()) == Renewed("sealed r2")
    assert rotations.successor(rotations.digest("r1")) == "sealed r2"
    assert refresher.refresh(RECORD, Caller()) == Renewed("sealed r2")


def test_the_session_stays_in_its_organization_unless_another_is_wanted(refresher, client):
    refresher.refresh(RECORD, Caller())
    assert client.asked == [("r1", "org_1")]


def test_security_r2_the_record_ends_with_the_inactivity_timeout(refresher, rotations, clock):
    refresher.refresh(RECORD, Caller())
    clock.advance(599)
    assert rotations.successor(rotations.digest("r1"))
    clock.advance(1)
    assert rotations.successor(rotations.digest("r1")) is None


def test_security_r2_a_record_lives_twelve_hours_at_most(rotations, clock):
    rotations.record("d", "value", until=10**9)
    clock.advance(MAX_RECORD_SECONDS)
    assert rotations.successor("d") is None


def test_a_refused_token_is_not_sent_again_for_a_minute(refresher, client, clock):
    client.answer = Rejected("invalid_grant", 400)
    assert refresher.refresh(RECORD, Caller()) == Dead("revoked")
    assert refresher.refresh(RECORD, Caller()) == Dead("revoked")
    assert len(client.asked) == 1
    clock.advance(61)
    refresher.refresh(RECORD, Caller())
    assert len(client.asked) == 2


def test_before_a_token_counts_as_refused_the_record_is_looked_at_again(
    refresher, client, rotations
):
    """Peers: bug class A, another process has exchanged the token in the meantime."""

    def exchange(refresh_token, **more):
        rotations.record(rotations.digest("r1"), "the other's", until=90_000)
        return Rejected("invalid_grant", 400)

    client.exchange_refresh_token = exchange
    assert refresher.refresh(RECORD, Caller()) == Renewed("the other's")


@pytest.mark.parametrize(
    "answer",
    [Transient("status 500"), Transient("x", 7.0), Misconfigured("unauthorized", "WORKOS_API_KEY")],
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


def test_near_the_end_the_pause_is_longer_than_after_it(refresher, client, clock):
    client.answer = Transient("status 500")
    refresher.refresh(RECORD, Caller(), proactive=True)
    clock.advance(2)
    refresher.refresh(RECORD, Caller(), proactive=True)
    assert len(client.asked) == 1
    refresher.refresh(RECORD, Caller())
    assert len(client.asked) == 2


def test_a_fault_of_our_own_ends_nothing_either(refresher, client, caplog):
    client.answer = ValueError("oops")
    assert refresher.refresh(RECORD, Caller()) == Failed("internal", 1.0, fresh=True)
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


def test_a_refused_own_organization_ends_the_whole_session(refresher, client):
    client.answer = OrganizationRefused("organization_membership_not_found")
    assert refresher.refresh(RECORD, Caller()) == Dead("access_removed", whole_session=True)


def test_a_full_pool_is_a_fault_and_no_queue_without_end(refresher, client):
    client.go.clear()
    others = [
        threading.Thread(
            target=refresher.refresh,
            args=(SessionRecord("a", f"x{n}", {"id": "u"}, None, 0, 9_000), Caller()),
        )
        for n in range(2)
    ]
    for thread in others:
        thread.start()
    while len(client.asked) < 2:
        pass
    assert refresher.refresh(RECORD, Caller()) == Failed("busy", 1.0)
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
