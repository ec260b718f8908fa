"""The contract of session stores finds what it is there to find: every careless store fails it."""

import threading
import time

import pytest

from flask_workos_sessions.testing import SessionStoreContract


class Careful:
    """A store in a dictionary that keeps to the contract."""

    def __init__(self):
        self.rows = {}
        self.lock = threading.Lock()

    def load(self, session_id):
        value, expires_at = self.rows.get(session_id, (None, 0))
        return value if expires_at > time.time() else None

    def save(self, session_id, value, expires_at):
        self.rows[session_id] = (value, expires_at)

    def update(self, session_id, value, expires_at):
        with self.lock:
            if self.load(session_id) is None:
                return False
            self.save(session_id, value, expires_at)
            return True

    def delete(self, session_id):
        with self.lock:
            self.rows.pop(session_id, None)


class LooksThenWrites(Careful):
    def update(self, session_id, value, expires_at):
        if self.load(session_id) is None:
            return False
        time.sleep(0.01)
        self.save(session_id, value, expires_at)
        return True


class KeepsTheFirst(Careful):
    def save(self, session_id, value, expires_at):
        self.rows.setdefault(session_id, (value, expires_at))


class NeverEnds(Careful):
    def load(self, session_id):
        return self.rows.get(session_id, (None, 0))[0]


class UpdatesWhatIsNotThere(Careful):
    def update(self, session_id, value, expires_at):
        self.save(session_id, value, expires_at)
        return True


class ShortColumn(Careful):
    def save(self, session_id, value, expires_at):
        super().save(session_id, value[:65_535], expires_at)


class NoBytes(Careful):
    def load(self, session_id):
        value = super().load(session_id)
        return value if value is None else memoryview(value)


class MissesASecondDelete(Careful):
    def delete(self, session_id):
        del self.rows[session_id]


class OneThread(Careful):
    def __init__(self):
        super().__init__()
        self.owner = threading.get_ident()

    def save(self, *arguments):
        if threading.get_ident() != self.owner:
            raise RuntimeError("made in another thread")
        super().save(*arguments)


def failed_by(make):
    """The tests of the contract that a store fails."""
    failed = set()
    for name in (each for each in vars(SessionStoreContract) if each.startswith("test_")):
        try:
            getattr(SessionStoreContract(), name)(make())
        except Exception:
            failed.add(name.removeprefix("test_"))
    return failed


def test_a_careful_store_passes():
    assert failed_by(Careful) == set()


@pytest.mark.parametrize(
    ("careless", "told"),
    [
        (LooksThenWrites, "what_is_deleted_while_it_is_updated_stays_so"),
        (KeepsTheFirst, "a_later_value_replaces_the_earlier"),
        (NeverEnds, "a_value_that_has_expired_is_none"),
        (UpdatesWhatIsNotThere, "only_what_is_there_is_updated"),
        (ShortColumn, "the_longest_value_has_room"),
        (NoBytes, "a_value_comes_back_as_it_was"),
        (MissesASecondDelete, "what_was_deleted_stays_so"),
        (OneThread, "threads_may_use_it_at_the_same_time"),
    ],
)
def test_a_careless_store_is_told_what_it_misses(careless, told):
    assert told in failed_by(careless)
