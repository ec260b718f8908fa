"""Streams: one per session, never too many, none lost."""

from __future__ import annotations

import pytest

from flask_workos_sessions.coordination.bell import Bell
from flask_workos_sessions.coordination.cutoffs import COMBINE, CutOffs
from flask_workos_sessions.coordination.endings import Endings
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.coordination.streams import Streams
from flask_workos_sessions.local import MovableClock


class Still(Bell):
    """A bell without a thread."""

    def attend(self):
        pass


class Process:
    def __init__(self, state, clock, most=3):
        self.now = 0.0
        self.bell = Still(state)
        digests = lambda purpose, value: (f"{purpose}={value}",)  # noqa: E731
        self.endings = Endings(state, digests, clock=clock, recorded=self.bell.ring)
        self.cut_offs = CutOffs(
            state,
            digests,
            clock=clock,
            remembered=3_600,
            heard=self.endings.hear,
        )
        self.streams = Streams(state, self.endings, self.bell, most, monotonic=lambda: self.now)

    def watch(self, name="s", **more):
        subjects = [("person", f"user of {name}"), ("everybody", "")]
        watch = self.endings.watch(name, subjects, signed_in_at=900, issued_at=900, **more)
        assert self.endings.look(watch) is None
        return watch

    def open(self, name="s", person=None):
        return self.streams.open(self.watch(name), person or f"user of {name}")


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def state(clock):
    return MemoryState(clock=clock, combine=COMBINE)


@pytest.fixture
def process(state, clock):
    return Process(state, clock)


def test_beyond_the_budget_nobody_gets_in_and_a_place_given_back_is_free(process):
    opened = [process.open(name) for name in "abc"]
    assert all(opened)
    assert process.open("d") is None
    assert len(process.streams) == 3
    for _ in range(2):
        process.streams.close(opened[0])
    assert len(process.streams) == 2
    assert process.open("d")
    assert process.open("e") is None


def test_a_newer_stream_of_a_session_takes_over(process):
    older = process.open()
    newer = process.open()
    assert older.wait(0)
    assert (older.bye, newer.bye) == (True, False)
    process.streams.close(older)
    assert len(process.streams) == 1
    assert process.open().wait(0) is False
    assert newer.bye


def test_taking_over_goes_beyond_the_budget_by_one_at_most(process):
    for name in "abc":
        assert process.open(name)
    assert process.open("a")
    assert process.open("a") is None
    assert process.open("b") is None
    assert len(process.streams) == 4


@pytest.mark.parametrize(("most", "of_one"), [(1, 1), (3, 1), (4, 2), (8, 4), (100, 4)])
def test_of_one_person_with_many_sessions_the_newest_few_have_places(state, clock, most, of_one):
    process = Process(state, clock, most)
    opened = []
    for number in range(of_one + 3):
        opened.append(process.open(f"session {number}", "one person"))
        for each in opened[:-of_one]:
            assert each.bye
            process.streams.close(each)
        assert not any(each.bye for each in opened[-of_one:])
    assert opened[-of_one - 1].wait(0), "it is told at once"
    assert len(process.streams) == of_one
    if most > 1:
        assert process.open("another session", "somebody else")


def test_a_person_s_own_session_is_replaced_before_another_one(state, clock):
    process = Process(state, clock, 8)
    first, second, *others = [process.open(name, "one person") for name in "abcd"]
    assert process.open("b", "one person")
    assert second.bye
    assert not any(each.bye for each in (first, *others))


def test_one_person_takes_one_place_more_at_most_while_the_oldest_goes(state, clock):
    process = Process(state, clock, 8)
    opened = [process.open(f"session {number}", "one person") for number in range(7)]
    assert opened[5:] == [None, None]
    assert len(process.streams) == 5
    process.streams.close(opened[0])
    assert process.open("session 8", "one person")


def test_a_newer_stream_in_another_process_is_noticed_at_a_heartbeat(process, state, clock):
    older = process.open()
    process.streams.check(older)
    assert not older.bye
    Process(state, clock).open()
    process.streams.check(older)
    assert older.bye


def test_only_those_look_whom_it_concerns(process):
    one, other = process.open("a"), process.open("b")
    process.endings.end("a", "revoked", until=2_000)
    assert (one.wait(0), other.wait(0)) == (True, False)
    process.cut_offs.change("person", "user of b", at=950)
    assert (one.wait(0), other.wait(0)) == (False, True)
    process.cut_offs.end("everybody", "", "revoked", at=950)
    assert (one.wait(0), other.wait(0)) == (True, True)
    process.streams.wake(None)
    assert (one.wait(0), other.wait(0)) == (True, True)


def test_an_end_is_news_and_a_change_once_and_a_later_one_again(process):
    ended, changed = process.open("a"), process.open("b")
    assert not process.streams.look(ended)
    process.endings.end("a", "revoked", until=2_000)
    assert process.streams.look(ended)
    assert ended.ended
    for at in (950, 960):
        process.cut_offs.change("person", "user of b", at=at)
        assert process.streams.look(changed)
        assert not process.streams.look(changed)
    assert not changed.ended


def test_what_a_request_has_found_meanwhile_is_still_news_for_the_stream(process):
    watch = process.watch("b")
    stream = process.streams.open(watch, "user of s")
    process.cut_offs.change("person", "user of b", at=950)
    assert process.endings.look(watch) is None
    assert process.streams.look(stream)


def test_when_it_begins_a_page_is_told_what_it_may_not_know(process):
    watch = process.endings.watch("s", [("role", "admin")], issued_at=900)
    process.cut_offs.change("role", "admin", at=950)
    process.endings.look(watch)
    assert process.streams.first_look(process.streams.open(watch, "user of s"))
    assert not process.streams.first_look(process.open("other"))


def test_what_cannot_be_read_is_no_news(process, monkeypatch):
    from flask_workos_sessions.coordination.endings import Unreadable

    stream = process.open()

    def look(watch):
        raise Unreadable

    monkeypatch.setattr(process.endings, "look", look)
    assert not process.streams.look(stream)


def test_a_place_that_no_server_gives_back_is_free_after_all(process):
    for name in "abc":
        process.open(name)
    process.now = 300 + 59
    assert process.open("d") is None
    process.now = 300 + 61
    assert process.open("d")
    assert len(process.streams) == 1


def test_without_a_thread_that_looks_no_place_is_taken(process, monkeypatch):
    def attend():
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(process.bell, "attend", attend)
    with pytest.raises(RuntimeError):
        process.open()
    assert len(process.streams) == 0


def test_after_a_fork_the_places_are_free(process, monkeypatch):
    inherited = process.open("a")
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert len(process.streams) == 0
    process.streams._lock._locks.clear()
    opened = [process.open(name) for name in "abc"]
    assert all(opened)
    process.streams.close(inherited)
    assert len(process.streams) == 3
    assert not inherited.bye
