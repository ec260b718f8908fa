"""What every kind of shared state keeps to: memory, SQLite and Redis."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from flask_workos_sessions.sealing.seal import MAX_LENGTH

ROOT = Path(__file__).parents[2]


def test_bytes_come_back_as_they_were(shared):
    state = shared.process()
    values = [b"", b"\0", bytes(range(256)), "Grüße".encode(), b"x" * MAX_LENGTH]
    for number, value in enumerate(values):
        state.set(f"k{number}", value, 10)
    assert [shared.process().get(f"k{number}") for number in range(len(values))] == values
    assert state.get("nothing") is None


def test_a_value_ends_with_its_lifetime_and_makes_room(shared):
    state = shared.process()
    state.set("short", b"v", 1)
    assert state.add("added", b"v", 1)
    state.set("long", b"v", 60)
    assert shared.process().get("short") == b"v"
    shared.wait(1)
    assert [shared.process().get(key) for key in ("short", "added", "long")] == [None, None, b"v"]
    assert state.get("short") is None
    assert shared.process().add("added", b"w", 10)
    assert state.get("added") == b"w"


@pytest.mark.parametrize("seconds", [0, -5])
def test_a_lifetime_is_one_second_at_least_and_never_endless(shared, seconds):
    state = shared.process()
    state.set("set", b"v", seconds)
    assert state.add("added", b"v", seconds)
    assert state.get("set") == state.get("added") == b"v"
    shared.wait(1)
    assert state.get("set") is None
    assert state.get("added") is None


def test_a_later_value_and_its_lifetime_replace_the_earlier(shared):
    one, two = shared.process(), shared.process()
    one.set("k", b"1", 60)
    two.set("k", b"2", 1)
    assert one.get("k") == b"2"
    shared.wait(1)
    assert one.get("k") is None


def test_what_one_process_deletes_is_gone_for_the_one_that_wrote_it(shared):
    one, two = shared.process(), shared.process()
    assert one.add("k", b"1", 60)
    two.delete("k")
    two.delete("k")
    assert one.get("k") is None
    assert one.add("k", b"2", 60)


def test_add_keeps_what_is_there(shared):
    one, two = shared.process(), shared.process()
    assert one.add("k", b"1", 60)
    assert not two.add("k", b"2", 60)
    assert not one.add("k", b"3", 60)
    assert two.get("k") == b"1"


def test_add_has_one_winner_among_sixteen_threads(shared):
    states = [shared.process() for _ in range(4)]
    for number in range(20):
        wins = []
        start = threading.Barrier(16)

        def run(which, number=number, wins=wins, start=start):
            start.wait()
            if states[which % 4].add(f"lease{number}", b"x", 8):
                wins.append(which)

        threads = [threading.Thread(target=run, args=(which,)) for which in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(wins) == 1


_PROCESS = """
import json, random, sys
from flask import Flask
from flask_workos_sessions import WorkOSSessions
app = Flask("one of eight")
app.config.update(json.loads(sys.argv[1]))
WorkOSSessions(app)
state = app.extensions["workos_sessions.parts"].state
state.get("warm")
print("ready", flush=True)
sys.stdin.readline()
# In the same order, the one that is ahead would win them all.
numbers = random.sample(range(1000), 1000)
print(json.dumps([number for number in numbers if state.add(f"lease{number}", b"x", 60)]))
"""


def test_add_has_one_winner_among_eight_processes(store):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, json.dumps(store.config)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    won = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert sorted(number for each in won for number in each) == list(range(1000))
    assert sum(1 for each in won if each) > 1, "they did not run at the same time"


def owner(store):
    """The process that opened the connections which are used."""
    return store._client[0] if hasattr(store, "_client") else store._connections.pid


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_leaves_both_with_a_state_that_works(store):
    state = store.process()
    state.set("before", b"1", 60)
    pid = os.fork()
    if pid == 0:
        worked = False
        try:
            state.set("child", b"2", 60)
            worked = (
                state.get("before") == b"1"
                and not state.add("before", b"3", 60)
                and not state.breaker.failures
                and owner(state._store.backend) == os.getpid()
            )
        finally:
            os._exit(0 if worked else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert state.get("child") == b"2"
    assert state.get("before") == b"1"
    assert state.add("after", b"4", 60)
    assert store.process().get("after") == b"4"
    assert state.breaker.failures == 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_while_the_memory_is_locked_locks_nobody_out(make_shared):
    state = make_shared("memory").process()
    with state._lock:
        pid = os.fork()
        if pid == 0:
            signalled = threading.Thread(target=state.set, args=("k", b"v", 10), daemon=True)
            signalled.start()
            signalled.join(5)
            os._exit(0 if state.get("k") == b"v" else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_what_has_run_out_does_not_pile_up(shared):
    state = shared.process()
    for number in range(600):
        state.set(f"old{number}", b"v" * 100, 1)
    shared.wait(1)
    for number in range(200):
        state.set(f"new{number}", b"v" * 100, 60)
    assert _entries(shared, state) <= 320
    assert state.get("new0") == state.get("new199") == b"v" * 100


def _entries(shared, state):
    if shared.kind == "memory":
        # Bounded by its number of entries, tested with the memory.
        return sum(1 for number in range(600) if state.get(f"old{number}"))
    if shared.kind == "redis":
        # Redis removes what has run out in its own time.
        deadline = time.monotonic() + 20
        while (
            found := state._store.backend._redis().dbsize()
        ) > 320 and time.monotonic() < deadline:
            time.sleep(0.05)
        return found
    with state._store.backend._connection() as connection:
        return connection.execute("SELECT count(*) FROM entries").fetchone()[0]


def test_an_app_with_another_client_id_shares_nothing(shared):
    mine, other = shared.process(), shared.process(WORKOS_CLIENT_ID="client_other")
    mine.set("k", b"1", 60)
    assert other.get("k") is None
    assert other.add("k", b"2", 60)
    assert mine.get("k") == b"1"


def test_only_this_very_value_is_discarded(shared):
    one, two = shared.process(), shared.process()
    assert one.add("lease", b"mine", 60)
    two.discard("lease", b"theirs")
    assert not two.add("lease", b"theirs", 60)
    one.discard("lease", b"mine")
    assert two.add("lease", b"theirs", 60)
    one.discard("lease", b"mine")
    assert two.get("lease") == b"theirs"


def test_a_backend_replaces_only_what_is_there_and_removes_only_what_it_was_shown(store):
    backend = store.process()._store.backend
    assert not backend.replace("k", b"1", 60)
    assert backend.get("k") is None
    backend.set("k", b"1", 1)
    assert backend.replace("k", b"2", 60)
    assert not backend.remove("k", b"1")
    assert backend.get("k") == b"2"
    assert backend.remove("k", b"2")
    assert not backend.remove("k", b"2")
    backend.set("k", b"1", 1)
    store.wait(1)
    assert not backend.replace("k", b"2", 60)
