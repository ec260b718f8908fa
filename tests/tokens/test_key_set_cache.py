"""The key set (security C5): fetched seldom, kept through an outage, never for ever."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_workos_sessions.tokens import jwks as jwks_module
from flask_workos_sessions.tokens.jwks import KeySetCache, KeysUnavailable, KeyUnknown

HOUR = 3600


class Source:
    """What is published, and how often it was asked for. ``answer`` may be an exception."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.fetches = 0

    def __call__(self):
        self.fetches += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def source(issuer) -> Source:
    return Source(issuer.jwks())


@pytest.fixture
def keys(source, clock) -> KeySetCache:
    return KeySetCache(source, clock=clock)


def test_nothing_is_fetched_before_a_key_is_asked_for(keys, source):
    assert not keys.holds("key_1")
    assert source.fetches == 0


def test_a_key_is_fetched_once_and_parsed_once(keys, source, clock):
    found = keys.find("key_1", clock())
    for _ in range(100):
        assert keys.find("key_1", clock()) is found
    assert source.fetches == 1
    assert keys.holds("key_1")


def test_after_an_hour_it_is_fetched_again_on_the_next_find(keys, source, clock):
    keys.find("key_1", clock())
    clock.now += HOUR
    keys.find("key_1", clock())
    assert source.fetches == 1
    clock.now += 1
    keys.find("key_1", clock())
    keys.find("key_1", clock())
    assert source.fetches == 2


# --- outages


def test_a_failing_fetch_keeps_the_old_keys_for_24_hours_and_not_longer(keys, source, clock):
    keys.find("key_1", clock())
    source.answer = OSError("down")
    for _ in range(23):
        clock.now += HOUR
        assert keys.holds("key_1")
        assert keys.find("key_1", clock())
    clock.now += HOUR
    assert keys.find("key_1", clock())
    clock.now += 61
    assert not keys.holds("key_1")
    with pytest.raises(KeysUnavailable):
        keys.find("key_1", clock())


def test_keys_come_back_after_an_outage(keys, source, clock, issuer):
    source.answer = OSError("down")
    with pytest.raises(KeysUnavailable):
        keys.find("key_1", clock())
    source.answer = issuer.jwks()
    clock.now += 60
    assert keys.find("key_1", clock())


@pytest.mark.parametrize("fault", [OSError(), ValueError(), KeyError("x"), RuntimeError("any")])
def test_any_exception_of_the_fetch_is_a_failure(keys, source, clock, fault):
    source.answer = fault
    with pytest.raises(KeysUnavailable):
        keys.find("key_1", clock())


def test_an_outage_is_logged_once_a_minute_without_what_the_fault_says(keys, source, clock, caplog):
    source.answer = OSError("https://user:secret@api.workos.test")
    for _ in range(100):
        with pytest.raises(KeysUnavailable):
            keys.find("key_1", clock())
    assert [each.getMessage() for each in caplog.records] == [
        "WorkOS's key set cannot be fetched (OSError): check WORKOS_BASE_URL and WORKOS_CLIENT_ID "
        "if that goes on."
    ]


# --- at most one fetch a minute


def test_ten_thousand_unknown_kids_cause_one_fetch_a_minute(keys, source, clock):
    for number in range(10_000):
        with pytest.raises((KeyUnknown, KeysUnavailable)):
            keys.find(f"unknown_{number}", clock() - 5)
        clock.now += 0.06  # ten minutes in all
    assert 9 <= source.fetches <= 10
    assert keys.find("key_1", clock())


def test_ten_thousand_unknown_kids_during_an_outage_cause_one_fetch_a_minute(keys, source, clock):
    source.answer = OSError("down")
    for number in range(10_000):
        with pytest.raises(KeysUnavailable):
            keys.find(f"unknown_{number}", clock())
        clock.now += 0.06
    assert 9 <= source.fetches <= 10


def test_unknown_kids_fill_no_memory(keys, clock):
    import tracemalloc

    keys.find("key_1", clock())
    tracemalloc.start()
    try:
        for number in range(2_000):
            with pytest.raises((KeyUnknown, KeysUnavailable)):
                keys.find(f"unknown_{number}", clock())
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()


# --- unknown, or not to be had


def test_a_key_is_unknown_when_the_fetch_that_it_caused_lacks_it(keys, clock):
    with pytest.raises(KeyUnknown):
        keys.find("key_2", clock())


def test_a_key_is_unknown_when_a_set_fetched_after_the_token_lacks_it(keys, source, clock):
    keys.find("key_1", clock())
    with pytest.raises(KeyUnknown):
        keys.find("key_2", clock() - 61)
    assert source.fetches == 1


def test_our_clock_may_be_a_minute_ahead_without_a_key_being_called_unknown(keys, clock):
    """The set was fetched before the token was issued, though our clock says after."""
    keys.find("key_1", clock())
    with pytest.raises(KeysUnavailable):
        keys.find("key_2", clock() - 60)


def test_a_token_newer_than_the_set_is_not_called_unknown_before_the_next_fetch(
    keys, source, clock, issuer
):
    """WorkOS has a new key: everybody refreshed with it, and our set is some seconds old."""
    keys.find("key_1", clock())
    source.answer = issuer.jwks("key_1", "key_2")
    clock.now += 10
    with pytest.raises(KeysUnavailable):
        keys.find("key_2", clock())
    clock.now += 50
    assert keys.find("key_2", clock() - 50)


def test_a_token_of_the_second_of_the_fetch_is_not_called_unknown(keys, clock):
    # ``iat`` is cut to whole seconds: it may have been issued after the fetch.
    clock.now += 0.2
    keys.find("key_1", clock())
    with pytest.raises(KeysUnavailable):
        keys.find("key_2", int(clock()) - 60)
    with pytest.raises(KeyUnknown):
        keys.find("key_2", int(clock()) - 61)


def test_a_token_issued_during_the_fetch_is_not_called_unknown(clock, issuer):
    def slow():
        clock.now += 5
        return issuer.jwks()

    keys = KeySetCache(slow, clock=clock)
    keys.find("key_1", clock())
    with pytest.raises(KeysUnavailable):
        keys.find("key_2", clock() - 3)


def test_a_key_is_not_called_unknown_by_a_set_older_than_24_hours(keys, source, clock):
    keys.find("key_1", clock())
    source.answer = OSError("down")
    clock.now += 25 * HOUR
    with pytest.raises(KeysUnavailable):
        keys.find("key_2", clock() - 26 * HOUR)


def test_a_withdrawn_key_is_not_held_after_the_next_fetch(keys, source, clock, issuer):
    keys.find("key_1", clock())
    source.answer = issuer.jwks("key_2")
    clock.now += HOUR + 1
    keys.find("key_1", clock())
    assert not keys.holds("key_1")
    assert keys.holds("key_2")
    with pytest.raises(KeyUnknown):
        keys.find("key_1", clock() - HOUR)


def test_a_new_key_is_found_without_losing_the_old_one(keys, source, clock, issuer):
    keys.find("key_1", clock())
    source.answer = issuer.jwks("key_1", "key_2")
    clock.now += 61
    assert keys.find("key_2", clock())
    assert keys.holds("key_1")


# --- several threads, several processes


class Gate(Source):
    """A fetch that hangs until it is let go."""

    def __init__(self, answer) -> None:
        super().__init__(answer)
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self):
        self.entered.set()
        assert self.open.wait(10)
        return super().__call__()


@pytest.fixture
def gate(issuer):
    gate = Gate(issuer.jwks())
    yield gate
    gate.open.set()


def test_threads_that_come_first_cause_one_fetch_and_share_it(gate, clock):
    keys = KeySetCache(gate, clock=clock)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(keys.find, "key_1", clock()) for _ in range(8)]
        assert gate.entered.wait(5)
        gate.open.set()
        assert len({id(each.result(5)) for each in found}) == 1
    assert gate.fetches == 1


def test_who_holds_a_usable_key_never_fetches_but_has_it_fetched_beside(source, clock, issuer):
    queue = []
    keys = KeySetCache(source, clock=clock, beside=queue.append)
    keys.seed(issuer.jwks())
    clock.now += HOUR + 1
    assert [keys.find("key_1", clock()) for _ in range(10)]
    assert source.fetches == 0
    assert len(queue) == 1
    queue.pop()()
    assert source.fetches == 1
    keys.find("key_1", clock())
    assert not queue


def test_a_hanging_fetch_blocks_nobody_who_has_a_key(gate, clock, issuer):
    with ThreadPoolExecutor(1) as pool:
        keys = KeySetCache(gate, clock=clock, beside=pool.submit)
        keys.seed(issuer.jwks())
        clock.now += HOUR + 1
        assert keys.find("key_1", clock())
        assert gate.entered.wait(5)
        assert keys.holds("key_1")
        assert keys.find("key_1", clock())
        gate.open.set()


def test_who_has_no_key_makes_a_fetch_that_still_waits_for_its_turn(source, clock, issuer):
    queue = []
    keys = KeySetCache(source, clock=clock, beside=queue.append)
    keys.prepare("key_1")
    assert keys.find("key_1", clock())
    assert source.fetches == 1
    queue.pop()()
    assert source.fetches == 1


def test_without_room_beside_the_next_minute_tries_again(source, clock, issuer):
    keys = KeySetCache(source, clock=clock, beside=lambda _: None)
    keys.seed(issuer.jwks())
    clock.now += HOUR + 1
    assert keys.find("key_1", clock())
    tried = []
    keys._beside = tried.append
    assert keys.find("key_1", clock())
    assert not tried
    clock.now += 60
    assert keys.find("key_1", clock())
    assert len(tried) == 1


# --- a key that will be needed


def test_a_key_is_prepared_beside_and_without_an_exception(source, clock, issuer):
    queue = []
    keys = KeySetCache(source, clock=clock, beside=queue.append)
    keys.find("key_1", clock())
    keys.prepare("key_1")
    assert not queue
    source.answer = issuer.jwks("key_1", "key_2")
    clock.now += 61
    keys.prepare("key_2")
    queue.pop()()
    assert source.fetches == 2
    assert keys.holds("key_2")
    source.answer = OSError("down")
    clock.now += 61
    keys.prepare("key_3")
    queue.pop()()


def test_preparing_keys_fetches_once_a_minute(keys, source, clock):
    for number in range(1000):
        keys.prepare(f"unknown_{number}")
        clock.now += 0.06
    assert source.fetches == 1


def test_the_wait_for_another_thread_is_bounded(gate, clock, monkeypatch):
    monkeypatch.setattr(jwks_module, "WAIT", 0.05)
    keys = KeySetCache(gate, clock=clock)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(keys.find, "key_1", clock())
        assert gate.entered.wait(5)
        with pytest.raises(KeysUnavailable):
            keys.find("key_1", clock())
        # The bound counts from the beginning of the fetch: whoever comes later waits no more.
        monkeypatch.setattr(threading.Event, "wait", lambda _, seconds=None: seconds == 0 or None)
        with pytest.raises(KeysUnavailable):
            keys.find("key_1", clock())
        monkeypatch.undo()
        gate.open.set()
        assert hanging.result(5)


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_who_may_not_wait_for_a_whole_fetch_has_it_made_beside(gate, clock, seconds):
    with ThreadPoolExecutor(1) as pool:
        keys = KeySetCache(gate, clock=clock, beside=pool.submit)
        for _ in range(2):
            begun = time.monotonic()
            with pytest.raises(KeysUnavailable):
                keys.find("key_1", clock(), wait=seconds)
            assert time.monotonic() - begun < seconds + 1
        gate.open.set()
    assert keys.holds("key_1")


def test_a_fetch_that_hung_does_not_replace_what_came_later(clock, issuer):
    gate = Gate(issuer.jwks("key_1"))
    answers = [gate, lambda: issuer.jwks("key_2")]
    keys = KeySetCache(lambda: answers.pop(0)(), clock=clock)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(keys.find, "key_1", clock())
        assert gate.entered.wait(5)
        clock.now += 61
        assert keys.find("key_2", clock())
        gate.open.set()
        with pytest.raises(KeyUnknown):
            hanging.result(5)
    assert keys.holds("key_2")


def test_a_fetch_that_lands_late_is_kept_when_nothing_is_held(clock, issuer):
    gate = Gate(issuer.jwks())
    answers = [gate, Source(OSError("down"))]
    keys = KeySetCache(lambda: answers.pop(0)(), clock=clock)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(keys.find, "key_1", clock())
        assert gate.entered.wait(5)
        clock.now += 61
        with pytest.raises(KeysUnavailable):
            keys.find("key_1", clock())
        gate.open.set()
        assert hanging.result(5)
    assert keys.holds("key_1")


def in_a_child(call) -> bytes:
    """What ``call`` returns in a forked child process; one that hangs is ended, and returns b""."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(writer, call())
        finally:
            os._exit(0)
    os.close(writer)
    try:
        if not select.select([reader], [], [], 5)[0]:
            os.kill(pid, signal.SIGKILL)
        return os.read(reader, 100)
    finally:
        os.close(reader)
        os.waitpid(pid, 0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_process_forked_during_a_fetch_fetches_for_itself(clock, issuer):
    """The parent's thread, its lock and its minute are no concern of the child's."""
    gate = Gate(issuer.jwks())
    parent = os.getpid()
    keys = KeySetCache(lambda: gate() if os.getpid() == parent else issuer.jwks(), clock=clock)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(keys.find, "key_1", clock())
        assert gate.entered.wait(5)
        with keys._fetches.lock:
            found = in_a_child(lambda: keys.find("key_1", clock()).kid.encode())
        gate.open.set()
        hanging.result(5)
    assert found == b"key_1"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_keeps_the_keys(keys, source, clock):
    keys.find("key_1", clock())

    def child() -> bytes:
        keys.find("key_1", clock())
        return b"%d" % source.fetches

    assert in_a_child(child) == b"1"


# --- the clock


def test_a_clock_that_is_set_back_does_not_stop_the_fetches(keys, source, clock, issuer):
    keys.find("key_1", clock())
    source.answer = issuer.jwks("key_2")
    clock.now -= 365 * 24 * HOUR
    assert not keys.holds("key_1")
    assert keys.find("key_2", clock())


# --- what is not a key set


@pytest.mark.parametrize(
    "document",
    [
        None, "<html>", b"<html>", [], {}, 7,
        {"keys": None}, {"keys": {}}, {"keys": []}, {"keys": "x"},
        {"keys": [None, 1, "x", [], {}]}, {"message": "Not found"}, {"keys": [{"kid": "key_1"}]},
    ],
)  # fmt: skip
def test_a_document_without_a_usable_key_is_a_failed_fetch(keys, source, clock, issuer, document):
    source.answer = document
    with pytest.raises(KeysUnavailable):
        keys.find("key_1", clock())
    source.answer = issuer.jwks()
    clock.now += 61
    keys.find("key_1", clock())
    source.answer = document
    clock.now += HOUR + 1
    assert keys.find("key_1", clock())


def bad_entries(good):
    from joserfc.jwk import ECKey, OctKey

    yield "elliptic", {**ECKey.generate_key("P-256").as_dict(private=False), "kid": "bad"}
    yield "symmetric", {**OctKey.generate_key(256).as_dict(), "kid": "bad"}
    yield "1024-bits", {**good, "n": "x" * 170 + "w", "kid": "bad"}
    yield "1024-bits-padded", {**good, "n": "A" * 172 + "x" * 170 + "w", "kid": "bad"}
    for name, changes in {
        "kty": {"kty": "rsa"},
        "kty-list": {"kty": ["RSA"]},
        "encryption": {"use": "enc"},
        "other-algorithm": {"alg": "RS512"},
        "no-kid": {"kid": None},
        "kid-empty": {"kid": ""},
        "kid-list": {"kid": ["bad"]},
        "n-number": {"n": 7},
        "n-junk": {"n": "!" * 342},
        "n-huge": {"n": "A" * 100_000},
        "n-accents": {"n": "é" * 342},
        "e-null": {"e": None},
        "e-junk": {"e": "!!"},
        "e-empty": {"e": ""},
        "e-one": {"e": "AQ"},
        "e-even": {"e": "Ag"},
    }.items():
        yield name, {**good, "kid": "bad", **changes}


def test_unusable_entries_are_left_out_and_the_others_used(clock, issuer):
    good = issuer.jwks()["keys"][0]
    for name, bad in bad_entries(good):
        document = {"keys": [bad, None, good]}
        keys = KeySetCache(lambda document=document: document, clock=clock)
        assert keys.find("key_1", clock()), name
        assert not keys.holds("bad"), name
        assert not keys.holds(""), name


def test_members_that_we_do_not_need_are_ignored(clock, issuer):
    entry = {**issuer.jwks()["keys"][0], "x5c": 7, "x5t#S256": [], "key_ops": "junk", "new": {}}
    keys = KeySetCache(lambda: {"keys": [entry], "more": 1}, clock=clock)
    assert keys.find("key_1", clock())


def test_use_and_algorithm_may_be_absent(clock, issuer):
    entry = {k: v for k, v in issuer.jwks()["keys"][0].items() if k not in ("use", "alg")}
    assert KeySetCache(lambda: {"keys": [entry]}, clock=clock).find("key_1", clock())


def test_of_two_keys_with_one_id_the_first_counts(clock, issuer):
    first, second = issuer.jwks("key_1", "key_2")["keys"]
    document = {"keys": [first, {**second, "kid": "key_1"}]}
    found = KeySetCache(lambda: document, clock=clock).find("key_1", clock())
    assert found.as_dict(private=False)["n"] == first["n"]


# --- seeding


def test_a_seed_serves_as_if_it_had_been_fetched(keys, source, clock, issuer):
    keys.seed(issuer.jwks("key_2"))
    assert keys.holds("key_2")
    assert keys.find("key_2", clock())
    assert source.fetches == 0
    assert keys.find("key_1", clock())
    assert source.fetches == 1


def test_a_seed_without_a_key_is_a_value_error(keys):
    with pytest.raises(ValueError, match="usable key"):
        keys.seed({"keys": []})


def test_who_comes_while_another_thread_looks_takes_what_that_finds(source, clock):
    shared = Shelf()
    KeySetCache(source, clock=clock, state=shared).find("key_1", clock())
    source.answer = OSError("away")
    fresh = KeySetCache(source, clock=clock, state=shared)
    shared.open.clear()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(fresh.find, "key_1", clock())
        assert shared.asked.wait(10)
        two = pool.submit(fresh.find, "key_1", clock())
        with pytest.raises(TimeoutError):
            two.result(0.1)
        shared.open.set()
        assert one.result(10) is two.result(10)
    assert source.fetches == 1


class Shelf:
    """Shared state that answers when it is open."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.open, self.asked = threading.Event(), threading.Event()
        self.open.set()

    def get(self, key):
        if not self.open.is_set():
            self.asked.set()
        self.open.wait(10)
        return self.values.get(key)

    def set(self, key, value, seconds):
        self.values[key] = value
