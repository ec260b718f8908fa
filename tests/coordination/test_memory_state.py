"""Shared state in memory: bounded, and one winner."""

import threading

from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.local import MovableClock


def test_a_value_ends_with_its_time():
    clock = MovableClock()
    clock.freeze()
    state = MemoryState(clock=clock)
    state.set("k", b"v", 10)
    clock.advance(9)
    assert state.get("k") == b"v"
    clock.advance(1)
    assert state.get("k") is None
    assert state.add("k", b"w", 10)


def test_add_has_one_winner_among_threads():
    state = MemoryState(clock=lambda: 0.0)
    wins = []
    start = threading.Barrier(16)

    def run():
        start.wait()
        if state.add("lease", b"x", 8):
            wins.append(1)

    threads = [threading.Thread(target=run) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wins) == 1


def test_delete_makes_room_for_the_next():
    state = MemoryState(clock=lambda: 0.0)
    assert state.add("k", b"1", 5)
    assert not state.add("k", b"2", 5)
    state.delete("k")
    state.delete("k")
    assert state.add("k", b"2", 5)


def test_the_number_of_entries_is_bounded_and_the_oldest_go_first():
    state = MemoryState(clock=lambda: 0.0, capacity=100)
    for number in range(1_000):
        state.set(str(number), b"v", 60)
    assert len(state) <= 100
    assert state.get("999") == b"v"
    assert state.get("0") is None


def test_what_has_run_out_goes_before_what_lives():
    clock = MovableClock()
    clock.freeze()
    state = MemoryState(clock=clock, capacity=10)
    state.set("lives", b"v", 1_000)
    for number in range(9):
        state.set(str(number), b"v", 1)
    clock.advance(2)
    state.set("new", b"v", 10)
    assert state.get("lives") == b"v"
    assert len(state) == 2
