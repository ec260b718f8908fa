"""Revocations are tried until WorkOS confirms them (security R1)."""

import pytest

from flask_workos_sessions.coordination.background import Background
from flask_workos_sessions.coordination.endings import Endings
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.coordination.revocations import RETRY_SECONDS, Revoker
from flask_workos_sessions.local import MovableClock


class AtOnce(Background):
    """Runs what it is given, in the thread that gives it."""

    def submit(self, call, *arguments):
        call(*arguments)


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def workos():
    return {"up": True, "asked": []}


@pytest.fixture
def revoker(workos, clock):
    def revoke(session_id):
        workos["asked"].append(session_id)
        return workos["up"]

    return Revoker(revoke, AtOnce(), clock=clock)


def test_a_confirmed_revocation_is_done(revoker, workos):
    assert revoker.now("s")
    assert revoker.pending == 0


def test_a_failed_one_is_tried_again_until_it_is_confirmed(revoker, workos, clock):
    workos["up"] = False
    assert not revoker.now("s")
    revoker.retry()
    assert workos["asked"] == ["s"]
    clock.advance(RETRY_SECONDS)
    revoker.retry()
    assert workos["asked"] == ["s", "s"]
    workos["up"] = True
    clock.advance(RETRY_SECONDS)
    revoker.retry()
    assert revoker.pending == 0


def test_later_waits_for_somebodys_request(revoker, workos):
    revoker.later("s")
    assert workos["asked"] == []
    revoker.retry()
    assert workos["asked"] == ["s"]


def test_what_waits_is_bounded(revoker, workos):
    workos["up"] = False
    for number in range(1_500):
        revoker.now(f"s{number}")
    assert revoker.pending == 1_000


def test_an_end_is_remembered_as_long_as_it_matters_and_told_once(clock):
    endings = Endings(MemoryState(clock=clock), lambda purpose, value: (value,), clock=clock)
    assert endings.end("s", "signed_out", until=1_100).first
    assert not endings.end("s", "revoked", until=1_100).first
    clock.advance(99)
    assert endings.reason("s") == "signed_out"
    clock.advance(1)
    assert endings.reason("s") is None
