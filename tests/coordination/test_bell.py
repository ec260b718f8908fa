"""News reach every process in which somebody waits, and cost nothing where nobody does."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from flask_workos_sessions.coordination.bell import LOOK_SECONDS, Bell
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.parts import PARTS

KEY = "ended:7"


class Counted(MemoryState):
    reads = 0

    def get(self, key):
        self.reads += key == "news"
        return super().get(key)


class Ears:
    """Somebody who waits, or does not, and what was heard."""

    def __init__(self, bell: Bell) -> None:
        self.bell, self.needed = bell, False
        self.heard: list[Any] = []
        self.woken = threading.Event()
        bell.connect(hear=self._hear, wake=self._wake, needed=lambda: self.needed)

    def _hear(self, keys: Any) -> None:
        self.heard.append(("hear", keys))

    def _wake(self, keys: Any) -> None:
        self.heard.append(keys)
        self.woken.set()

    def attend(self) -> Ears:
        self.needed = True
        self.bell.attend()
        assert self.woken.wait(5), "what came before the first look is news"
        return self.again()

    def again(self) -> Ears:
        self.heard.clear()
        self.woken.clear()
        return self

    def leave(self) -> None:
        self.needed = False
        until(lambda: self.bell._thread is None)


def until(what: Callable[[], Any], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.01)


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def state(clock):
    return Counted(clock=clock)


@pytest.fixture
def make_ears() -> Iterator[Callable[..., Ears]]:
    made: list[Ears] = []

    def make(state: Any, channel: Any = None, **more: Any) -> Ears:
        made.append(Ears(Bell(state, channel, **more)))
        return made[-1]

    yield make
    for each in made:
        each.leave()


def test_who_rings_tells_its_own_pages_at_once(state, make_ears):
    here = make_ears(state)
    here.bell.ring([KEY])
    assert here.heard == [[KEY]]
    assert here.bell._thread is None


def test_another_process_finds_it_by_a_look(state, make_ears):
    here, there = make_ears(state), make_ears(state).attend()
    began = time.monotonic()
    here.bell.ring([KEY])
    assert there.woken.wait(5)
    assert time.monotonic() - began < LOOK_SECONDS + 1
    assert there.heard == [("hear", None), None], "nothing older is believed when the pages look"
    assert not there.again().woken.wait(2 * LOOK_SECONDS), "one ring is one piece of news"


def test_one_key_is_read_every_half_second_and_none_when_nobody_waits(state, make_ears):
    ears = make_ears(state)
    for _ in range(5):
        ears.bell.ring([KEY])
    assert state.reads == 0
    ears.attend()
    before = state.reads
    time.sleep(3 * LOOK_SECONDS)
    assert 1 <= state.reads - before <= 4
    ears.leave()
    before = state.reads
    time.sleep(3 * LOOK_SECONDS)
    assert state.reads == before


def test_a_value_whose_time_is_over_is_no_news(state, make_ears, clock):
    ears = make_ears(state)
    ears.bell.ring([KEY])
    ears.again().attend()
    clock.advance(61)
    assert not ears.woken.wait(3 * LOOK_SECONDS)


def test_many_who_come_together_start_one_thread(state, make_ears):
    ears = make_ears(state).attend()
    thread = ears.bell._thread
    for _ in range(10):
        ears.bell.attend()
    assert ears.bell._thread == thread
    assert thread is not None
    assert thread[1].daemon
    ears.leave()
    assert ears.attend().bell._thread != thread


def test_who_comes_while_the_thread_begins_starts_no_other(state, make_ears, monkeypatch):
    ears = make_ears(state)
    ears.needed = True
    begun: list[threading.Thread] = []
    others: list[threading.Thread] = []
    start = threading.Thread.start

    def slow_start(thread: threading.Thread) -> None:
        if thread.name == "workos-news":
            begun.append(thread)
            if len(begun) == 1:
                others.append(threading.Thread(target=ears.bell.attend))
                start(others[0])
                others[0].join(0.2)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slow_start)
    ears.bell.attend()
    others[0].join()
    assert len(begun) == 1


def test_a_thread_that_has_died_is_replaced(state, make_ears):
    ears = make_ears(state)
    dead = threading.Thread(target=int)
    dead.start()
    dead.join()
    ears.bell._thread = (os.getpid(), dead)
    ears.attend()


def test_after_a_fork_the_child_has_a_thread_of_its_own(state, make_ears):
    ears = make_ears(state).attend()
    thread = ears.bell._thread
    ears.bell._thread = (os.getppid(), thread[1])  # as a child finds it
    ears.attend()
    assert ears.bell._thread != thread


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_was_forked_while_the_lock_was_held_hears(store, make_ears):
    ears = make_ears(store.process()).attend()
    read, write = os.pipe()
    with ears.bell._lock:
        child = os.fork()
        if child == 0:
            try:
                ears.again()
                ears.bell.attend()
                os.write(write, b"+" if ears.woken.wait(5) else b"-")
            finally:
                os._exit(0)
    assert os.read(read, 1) == b"+"
    os.waitpid(child, 0)
    os.close(read)
    os.close(write)


# With a channel.


class Wire:
    """A channel that a test takes away."""

    def __init__(self) -> None:
        self.down = False
        self.subscribed = 0
        self.sent: list[str] = []

    def publish(self, message: str) -> None:
        self.sent.append(message)

    @contextmanager
    def subscribe(self) -> Iterator[Any]:
        if self.down:
            raise ConnectionError
        self.subscribed += 1
        yield self._receive

    def _receive(self, seconds: float) -> str | None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.down:
                raise ConnectionError
            if self.sent:
                return self.sent.pop(0)
            time.sleep(0.005)
        return None


def test_a_channel_carries_the_keys_at_once_and_nothing_is_looked_at(state, make_ears):
    wire = Wire()
    there = make_ears(state, wire).attend()
    before = state.reads
    make_ears(state, wire).bell.ring([KEY, "ended:8"])
    assert there.woken.wait(5)
    assert there.heard == [("hear", [KEY, "ended:8"]), [KEY, "ended:8"]]
    time.sleep(2 * LOOK_SECONDS)
    assert state.reads == before


def test_without_its_channel_it_looks_and_comes_back_to_it(state, make_ears, caplog):
    wire = Wire()
    wire.down = True
    there = make_ears(state, wire).attend()
    make_ears(state).bell.ring([KEY])
    assert there.woken.wait(5)
    assert there.heard == [("hear", None), None]
    assert "News cannot be received at once (ConnectionError)" in caplog.text
    wire.down = False
    until(lambda: wire.subscribed == 1)
    wire.down = True
    until(lambda: caplog.text.count("News cannot") > 1)
    there.again()
    make_ears(state).bell.ring([KEY])
    assert there.woken.wait(5)


def test_what_was_rung_before_the_channel_was_there_is_found(state, make_ears):
    wire = Wire()
    wire.down = True
    there = make_ears(state, wire).attend()
    original = wire.subscribe

    @contextmanager
    def late() -> Iterator[Any]:
        make_ears(state).bell.ring([KEY])
        with original() as receive:
            yield receive

    wire.subscribe = late  # type: ignore[method-assign]
    wire.down = False
    assert there.woken.wait(5)
    assert there.heard == [("hear", None), None]


# In an app, with every kind of shared state.


def bells(shared: Any, count: int = 2) -> list[Any]:
    config = {"WORKOS_UI_PUSH": "sse", "WORKOS_UI_PUSH_STREAMS": 4}
    return [shared.app(**config).extensions[PARTS].streams for _ in range(count)]


@pytest.fixture
def open_streams() -> Iterator[Callable[..., Any]]:
    opened: list[Any] = []

    def start(streams: Any, session_id: str = "session_1", **more: Any) -> Any:
        begins = streams._bell._thread is None
        stream = streams.open(streams._endings.watch(session_id, **more), session_id)
        opened.append((streams, stream))
        if begins:
            assert stream.wait(5), "once it listens, it looks"
        streams.first_look(stream)
        return stream

    yield start
    for streams, stream in opened:
        streams.close(stream)
    until(lambda: not any(streams._bell._thread for streams, _ in opened))


def test_an_end_in_one_process_wakes_the_page_in_another(store, open_streams):
    here, there = bells(store)
    stream = open_streams(there)
    began = time.monotonic()
    here._endings.end("session_1", "revoked", until=store.clock() + 60)
    assert stream.wait(5)
    assert time.monotonic() - began < 1
    assert there.look(stream)
    assert stream.ended


def test_in_redis_only_those_are_woken_whom_it_is_about(make_shared, open_streams, redis_server):
    store = make_shared("redis")
    here, there = bells(store)
    mine, other = open_streams(there), open_streams(there, "session_2")
    everybody = open_streams(there, "session_3", subjects=[("everybody", "")])
    here._endings.end("session_1", "revoked", until=store.clock() + 60)
    assert mine.wait(5)
    assert not other.wait(0.3)
    assert not everybody.wait(0)
    client = redis.Redis.from_url(redis_server.url)
    (channel,) = client.pubsub_channels()
    assert channel.startswith(b"workos-sessions:")
    assert not [each for each in client.client_list() if each["name"]]
    client.close()


def test_what_goes_over_the_channel_is_a_hash(make_shared, redis_server):
    store = make_shared("redis")
    (here,) = bells(store, 1)
    client = redis.Redis.from_url(redis_server.url)
    with client.pubsub() as heard:
        heard.psubscribe("*")
        assert heard.get_message(timeout=2)["type"] == "psubscribe"
        here._endings.end("session_1", "revoked", until=store.clock() + 60)
        sent = heard.get_message(timeout=2)["data"].decode()
    client.close()
    assert sent == here._endings.watch("session_1").key
    assert "session_1" not in sent


def test_while_redis_is_away_nothing_fails_and_afterwards_it_is_heard(
    make_shared, open_streams, redis_server, monkeypatch
):
    monkeypatch.setattr("flask_workos_sessions.coordination.breaker.PAUSE_SECONDS", 0.1)
    store = make_shared("redis")
    here, there = bells(store)
    stream = open_streams(there)
    redis_server.kill()
    here._endings.end("session_0", "revoked", until=store.clock() + 60)
    redis_server.start()
    time.sleep(0.2)
    until(lambda: here._state.ask("news").given and there._state.ask("news").given)
    here._endings.end("session_1", "revoked", until=store.clock() + 60)
    until(lambda: stream.wait(0.1) and there.look(stream), 10)
    assert stream.ended


def test_a_redis_that_falls_silent_is_noticed(make_shared, redis_server, monkeypatch):
    from flask_workos_sessions.coordination import redis_channel

    monkeypatch.setattr(redis_channel, "PING_SECONDS", 0.2)
    monkeypatch.setattr(redis_channel, "SILENCE_SECONDS", 0.6)
    (streams,) = bells(make_shared("redis"), 1)
    with streams._bell._channel.subscribe() as receive:
        for _ in range(10):
            assert receive(0.1) is None, "it answers that it is there"
        redis_server.freeze()
        with pytest.raises(redis_channel.Silent):
            any(receive(0.1) for _ in range(20))
        redis_server.thaw()


def test_a_redis_that_refuses_channels_still_serves_keys(make_shared, redis_server, open_streams):
    client = redis.Redis.from_url(redis_server.url)
    client.execute_command("ACL", "SETUSER", "default", "resetchannels")
    client.close()
    store = make_shared("redis")
    here, there = bells(store)
    stream = open_streams(there)
    here._endings.end("session_1", "revoked", until=store.clock() + 60)
    assert stream.wait(3)
    assert there.look(stream)
    assert not here._state.breaker.failing
