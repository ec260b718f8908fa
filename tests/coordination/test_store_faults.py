"""A store that fails costs a request next to nothing, and never an error (security R7)."""

import logging
import os
import socket
import sqlite3
import threading
import time

import pytest

from flask_workos_sessions.coordination.breaker import AT_ONCE, PAUSE_SECONDS, Breaker
from flask_workos_sessions.coordination.endings import Unreadable
from flask_workos_sessions.parts import PARTS

#: What a store that errs may cost one request (seconds).
BOUND = 0.6


@pytest.fixture
def lines(caplog):
    """What was logged so far: levels, and texts."""
    caplog.set_level(logging.WARNING, "flask_workos_sessions")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def pause(state):
    """As if the store had been left alone long enough."""
    state.breaker._retry_at = 0.0


def goes_on_alone(state, lines):
    state.set("own", b"1", 60)
    assert state.get("own") == b"1"
    assert not state.add("own", b"2", 60)
    assert state.add("lease", b"1", 60)
    assert not state.add("lease", b"2", 60)
    assert state.get("nothing") is None
    state.delete("own")
    assert state.get("own") is None
    assert [level for level, _ in lines()] == ["WARNING"]


def test_redis_killed_and_started_again_empty(make_shared, redis_server, lines):
    shared = make_shared("redis")
    one, two = shared.process(), shared.process()
    one.set("rotated", b"1", 60)
    two.set("others", b"1", 60)
    redis_server.kill()
    begun = time.monotonic()
    assert one.get("rotated") == b"1"
    assert one.get("others") is None
    one.set("meanwhile", b"2", 60)
    assert one.get("meanwhile") == b"2"
    assert time.monotonic() - begun < BOUND
    assert [level for level, _ in lines()] == ["WARNING"]
    redis_server.start()
    pause(one)
    pause(two)
    assert one.get("rotated") == b"1", "the store was emptied, and this process remembers"
    assert one.get("meanwhile") == b"2"
    assert one.add("new", b"3", 60)
    assert two.get("new") == b"3"
    assert lines()[-1] == ("WARNING", "The shared state can be used again.")
    assert len(lines()) == 2, "two was not used while Redis was away"


def test_a_redis_that_is_emptied_forgets_nothing_that_this_process_wrote(make_shared):
    state = make_shared("redis").process()
    state.set("rotated", b"1", 60)
    assert state.add("ended", b"1", 60)
    state._store.backend._redis().flushall()
    assert state.get("rotated") == b"1"
    assert not state.add("ended", b"2", 60)


@pytest.mark.parametrize("url", ["redis://10.255.255.1:6379", "redis://127.0.0.1:1"])
def test_an_address_at_which_nobody_answers(make_shared, make_redis, lines, url):
    state = make_shared("redis").process(WORKOS_CACHE_REDIS_URL=url)
    begun = time.monotonic()
    goes_on_alone(state, lines)
    assert time.monotonic() - begun < BOUND


def test_a_redis_that_accepts_and_never_answers(make_shared, lines):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        state = make_shared("redis").process(WORKOS_CACHE_REDIS_URL=url)
        begun = time.monotonic()
        goes_on_alone(state, lines)
        assert time.monotonic() - begun < BOUND


def test_an_address_that_swallows_what_is_sent_to_it(make_shared, lines):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
        # Its queue is full: the kernel drops whoever knocks.
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}"
        state = make_shared("redis").process(WORKOS_CACHE_REDIS_URL=url)
        begun = time.monotonic()
        goes_on_alone(state, lines)
        assert 0.2 < time.monotonic() - begun < BOUND
        for each in waiting:
            each.close()


def test_a_redis_that_takes_no_writes(make_shared, lines):
    state = make_shared("redis").process()
    client = state._store.backend._redis()
    client.config_set("min-replicas-to-write", 1)
    goes_on_alone(state, lines)
    client.config_set("min-replicas-to-write", 0)


def test_a_file_that_is_deleted_is_made_again(make_shared, lines):
    shared = make_shared("sqlite")
    one, two = shared.process(), shared.process()
    one.set("rotated", b"1", 60)
    assert two.get("rotated") == b"1"
    directory = shared.config["WORKOS_CACHE_DIR"]
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))
    assert one.get("rotated") == b"1"
    assert [level for level, _ in lines()] == ["WARNING"]
    assert "removed" in lines()[0][1]
    pause(one)
    assert one.get("rotated") == b"1"
    one.set("new", b"2", 60)
    two.get("new")
    pause(two)
    assert two.get("new") == b"2", "both write to the new file"


def _a_file_in_its_place(directory):
    with open(directory, "w"):
        pass


def _a_link(directory):
    os.mkdir(f"{directory}-elsewhere", 0o700)
    os.symlink(f"{directory}-elsewhere", directory)


def _open_to_others(directory):
    os.mkdir(directory)
    os.chmod(directory, 0o755)


def _of_another_user(directory):
    os.mkdir(directory, 0o700)
    os.chown(directory, 12345, 12345)


def _no_database(directory):
    os.mkdir(directory, 0o700)
    path = os.path.join(directory, "state.sqlite3")
    with open(path, "w") as file:
        file.write("not a database, but long enough to be taken for one" * 100)
    os.chmod(path, 0o600)


def _a_link_to_a_file(directory):
    os.mkdir(directory, 0o700)
    target = os.path.join(directory, "target")
    with open(target, "w"):
        pass
    os.symlink(target, os.path.join(directory, "state.sqlite3"))


@pytest.mark.parametrize(
    "make",
    [_a_file_in_its_place, _a_link, _open_to_others, _no_database, _a_link_to_a_file],
)
def test_security_r6_a_place_that_is_not_ours_alone_is_not_used(make_shared, lines, make):
    shared = make_shared("sqlite")
    make(shared.config["WORKOS_CACHE_DIR"])
    goes_on_alone(shared.process(), lines)


def test_security_r6_a_directory_of_another_user_is_not_used(make_shared, lines, monkeypatch):
    shared = make_shared("sqlite")
    if os.geteuid() == 0:
        _of_another_user(shared.config["WORKOS_CACHE_DIR"])
    else:
        os.mkdir(shared.config["WORKOS_CACHE_DIR"], 0o700)
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    goes_on_alone(shared.process(), lines)


def test_a_directory_below_one_that_cannot_be_written(make_shared, lines):
    shared = make_shared("sqlite")
    goes_on_alone(shared.process(WORKOS_CACHE_DIR="/proc/workos-sessions"), lines)


@pytest.mark.alone
def test_a_full_or_locked_file_delays_nobody_for_long(make_shared, lines):
    shared = make_shared("sqlite")
    state = shared.process()
    state.set("k", b"v", 60)
    path = os.path.join(shared.config["WORKOS_CACHE_DIR"], "state.sqlite3")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    assert state.get("k") == b"v", "reading waits for no writer"
    state.set("k", b"w", 60)
    assert time.monotonic() - begun < BOUND + 0.2
    assert state.get("k") == b"w"
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize(("testing", "level"), [(False, "ERROR"), (True, "WARNING")])
def test_security_r7_falling_back_to_memory_is_an_error_outside_of_tests(
    make_shared, lines, testing, level
):
    shared = make_shared("sqlite")
    _a_file_in_its_place(shared.config["WORKOS_CACHE_DIR"])
    state = shared.process(TESTING=testing)
    for _ in range(3):
        state.get("k")
        pause(state)
    assert [each for each, _ in lines()] == [level]
    assert "link or something else" in lines()[0][1]


class Broken:
    """A store that raises, and counts how often it was asked."""

    asked = 0

    def ask(self):
        self.asked += 1
        raise ConnectionError("at 10.0.0.1")


def test_security_r7_a_question_without_an_answer_is_one_though_another_was_answered(
    make_shared, monkeypatch
):
    """Mine fails, and before I look on another one finds the store back."""
    parts = make_shared("sqlite").app(WORKOS_REVOCATION_REQUIRED=True).extensions[PARTS]
    state, other = parts.endings._state, []
    get, failed = state._store.backend.get, state.breaker._failed
    state.get("anything")

    def answer(name):
        if threading.current_thread() not in other:
            raise OSError
        return get(name)

    def overtaken(fault):
        failed(fault)
        state.breaker._retry_at = 0
        other.append(threading.Thread(target=state.get, args=("anything",)))
        other[0].start()
        other[0].join()
        assert not state.breaker.failing

    monkeypatch.setattr(state._store.backend, "get", answer)
    monkeypatch.setattr(
        state._store.backend, "get_many", lambda *names: [answer(name) for name in names]
    )
    monkeypatch.setattr(state.breaker, "_failed", overtaken)
    with pytest.raises(Unreadable):
        parts.endings.reason("session_1")


def test_a_call_that_began_before_the_failure_and_ends_well_after_it_tells_nothing(lines):
    now = [100.0]
    breaker, broken = Breaker(fatal=True, monotonic=lambda: now[0]), Broken()
    begun, go = threading.Event(), threading.Event()

    def slow():
        begun.set()
        go.wait(5)
        return "of before"

    answers = []
    other = threading.Thread(target=lambda: answers.append(breaker.call(slow)))
    other.start()
    assert begun.wait(5)
    assert not breaker.call(broken.ask).given
    go.set()
    other.join()
    assert [(each.given, each.value) for each in answers] == [(True, "of before")]
    assert breaker.failing
    breaker.call(broken.ask)
    assert broken.asked == 1
    assert [level for level, _ in lines()] == ["ERROR"]
    now[0] += PAUSE_SECONDS
    assert breaker.call(lambda: "back").given
    assert not breaker.failing


def test_a_store_that_fails_is_left_alone_for_a_while_with_one_line(lines):
    now = [100.0]
    breaker, broken = Breaker(fatal=True, monotonic=lambda: now[0]), Broken()
    for _ in range(10):
        assert not breaker.call(broken.ask).given
    assert broken.asked == 1
    now[0] += PAUSE_SECONDS
    breaker.call(broken.ask)
    breaker.call(broken.ask)
    assert broken.asked == 2
    assert [level for level, _ in lines()] == ["ERROR"]
    assert "ConnectionError" in lines()[0][1]
    now[0] += PAUSE_SECONDS
    assert breaker.call(lambda: 7) == (True, 7)
    breaker.call(broken.ask)
    assert [level for level, _ in lines()] == ["ERROR", "WARNING", "WARNING"]


def test_while_it_is_tried_again_nobody_else_waits():
    now = [0.0]
    breaker, broken = Breaker(fatal=False, monotonic=lambda: now[0]), Broken()
    breaker.call(broken.ask)
    now[0] += PAUSE_SECONDS

    def probe():
        assert not breaker.call(broken.ask).given
        return "back"

    assert breaker.call(probe).value == "back"
    assert broken.asked == 1


def test_a_crowd_does_not_make_a_store_look_dead():
    breaker, at_once, most = Breaker(fatal=False), [], []

    def operation():
        at_once.append(1)
        most.append(len(at_once))
        time.sleep(0.001)
        at_once.pop()

    threads = [threading.Thread(target=breaker.call, args=(operation,)) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 < max(most) <= AT_ONCE
    assert len(most) == 100


def test_who_waited_while_a_store_failed_does_not_try_it_too():
    breaker, tried = Breaker(fatal=False), []

    def fail():
        tried.append(1)
        time.sleep(0.2)
        raise OSError

    threads = [threading.Thread(target=breaker.call, args=(fail,)) for _ in range(3 * AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tried) <= AT_ONCE
