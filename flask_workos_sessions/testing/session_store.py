"""What every session store keeps to: subclass it in the tests of your own.

::

    from flask_workos_sessions.testing import SessionStoreContract

    class TestOurStore(SessionStoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return OurStore(f"sqlite:///{tmp_path}/test.db")
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from ..stores.session_store import LONGEST_VALUE, SessionStore

#: Deletions of a row that is being updated, each at a later moment of the update.
_MOMENTS = 25


class SessionStoreContract:
    """Tests for pytest. A subclass has a fixture ``store`` that makes an empty one."""

    def test_a_value_comes_back_as_it_was(self, store: SessionStore) -> None:
        value = bytes(range(256)) * 40
        store.save("a", value, _later())
        loaded = store.load("a")
        assert isinstance(loaded, bytes)
        assert loaded == value
        assert store.load("b") is None

    def test_the_longest_value_has_room(self, store: SessionStore) -> None:
        value = bytes(LONGEST_VALUE)
        store.save("a", value, _later())
        assert store.load("a") == value

    def test_a_later_value_replaces_the_earlier(self, store: SessionStore) -> None:
        store.save("a", b"1", _later())
        store.save("a", b"2", _later())
        assert store.load("a") == b"2"

    def test_a_value_that_has_expired_is_none(self, store: SessionStore) -> None:
        store.save("a", b"1", int(time.time()) - 5)
        assert store.load("a") is None
        assert not store.update("a", b"2", _later())

    def test_only_what_is_there_is_updated(self, store: SessionStore) -> None:
        assert store.update("a", b"1", _later()) is False
        assert store.load("a") is None
        store.save("a", b"1", _later())
        assert store.update("a", b"2", _later()) is True
        assert store.load("a") == b"2"

    def test_what_was_deleted_stays_so(self, store: SessionStore) -> None:
        store.save("a", b"1", _later())
        store.delete("a")
        store.delete("a")
        assert store.load("a") is None
        assert store.update("a", b"2", _later()) is False
        assert store.load("a") is None

    def test_what_is_deleted_while_it_is_updated_stays_so(self, store: SessionStore) -> None:
        """An update that first looks and then writes brings back what was deleted in between."""
        store.save("a", b"1", _later())
        update = partial(store.update, "a", b"2", _later())
        length = min(_seconds(update) for _ in range(3))
        for moment in range(_MOMENTS):
            store.save("a", b"1", _later())
            _at_the_same_time(update, partial(_delete, store, "a", length * moment / _MOMENTS))
            assert store.load("a") is None

    def test_threads_may_use_it_at_the_same_time(self, store: SessionStore) -> None:
        def use(name: str) -> None:
            for number in range(10):
                store.save(name, b"%d" % number, _later())
                assert store.load(name) == b"%d" % number
                assert store.update(name, b"x", _later())

        _at_the_same_time(*(partial(use, f"thread {number}") for number in range(4)))


def _at_the_same_time(*functions: Callable[[], object]) -> None:
    """Run each in a thread; what one raises fails the test."""
    begun = threading.Barrier(len(functions))
    faults: list[Exception] = []

    def run(function: Callable[[], object]) -> None:
        begun.wait()
        try:
            function()
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(each,)) for each in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def _delete(store: SessionStore, name: str, after: float) -> None:
    time.sleep(after)
    store.delete(name)


def _seconds(function: Callable[[], object]) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def _later() -> int:
    return int(time.time()) + 600
