"""What every session store keeps to: subclass it in the tests of your own.

::

    from flask_workos_sessions.testing.session_store import SessionStoreContract

    class TestOurStore(SessionStoreContract):
        @pytest.fixture
        def store(self):
            return OurStore("sqlite://")
"""

from __future__ import annotations

import threading
import time

from ..stores.session_store import SessionStore


class SessionStoreContract:
    """Tests for pytest. A subclass has a fixture ``store`` that makes an empty one."""

    def test_a_value_comes_back_as_it_was(self, store: SessionStore) -> None:
        value = bytes(range(256)) * 40
        store.save("a", value, _later())
        assert store.load("a") == value
        assert store.load("b") is None

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

    def test_threads_may_use_it_at_the_same_time(self, store: SessionStore) -> None:
        faults: list[Exception] = []

        def use(name: str) -> None:
            try:
                for number in range(10):
                    store.save(name, b"%d" % number, _later())
                    assert store.load(name) == b"%d" % number
                    assert store.update(name, b"x", _later())
            except Exception as fault:
                faults.append(fault)

        threads = [threading.Thread(target=use, args=(f"thread {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []


def _later() -> int:
    return int(time.time()) + 600
