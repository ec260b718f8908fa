"""A store that was away or emptied: what is written to it again, and what is not believed since."""

import pytest

from flask_workos_sessions import current_session
from flask_workos_sessions.coordination import layered
from flask_workos_sessions.coordination.breaker import PAUSE_SECONDS


class Time:
    """Monotonic seconds that a test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def running(state, time):
    state._monotonic = state.breaker._monotonic = time
    return state


def empty(shared, state):
    if shared.kind == "redis":
        state._store._redis().flushall()
    else:
        with state._store._connection() as connection:
            connection.execute("DELETE FROM entries")


def away(state, monkeypatch):
    """The store fails, as long as the returned context lasts."""
    patch = pytest.MonkeyPatch()

    def fail(*_):
        raise OSError

    for name in ("get", "get_many", "set", "add", "delete", "remove"):
        patch.setattr(state._store, name, fail)
    return patch


def use_until_all_is_copied(state, time):
    time.now += PAUSE_SECONDS + layered.LIFE_SECONDS
    for _ in range(20):
        state.get("anything")


@pytest.mark.parametrize("key", ["ended:a", "rotated:a", "dead:a"])
def test_what_was_written_while_the_store_was_away_is_copied_to_it(store, monkeypatch, key):
    time = Time()
    one, two = running(store.process(), time), store.process()
    one.get("anything")
    patch = away(one, monkeypatch)
    one.set(key, b"1", 60)
    assert not one.ask(key).given
    patch.undo()
    assert two.get(key) is None
    use_until_all_is_copied(one, time)
    assert one.ask(key).given
    assert two.get(key) == b"1"


def test_many_are_copied_a_few_at_a_time(store, monkeypatch):
    time = Time()
    one, two = running(store.process(), time), store.process()
    patch = away(one, monkeypatch)
    for number in range(100):
        one.set(f"ended:{number}", b"1", 60)
    patch.undo()
    use_until_all_is_copied(one, time)
    assert all(two.get(f"ended:{number}") for number in range(100))


def test_a_lease_is_not_copied(store, monkeypatch):
    time = Time()
    one, two = running(store.process(), time), store.process()
    patch = away(one, monkeypatch)
    one.add("lease:a", b"1", 60)
    patch.undo()
    use_until_all_is_copied(one, time)
    assert two.get("lease:a") is None


def test_what_a_process_had_written_comes_back_after_the_store_was_emptied(store):
    time = Time()
    one, two = running(store.process(), time), store.process()
    one.set("ended:a", b"1", 60)
    empty(store, one)
    assert two.get("ended:a") is None
    use_until_all_is_copied(one, time)
    assert two.get("ended:a") == b"1"


def test_what_another_wrote_meanwhile_is_not_overwritten(store, monkeypatch):
    time = Time()
    one, two = running(store.process(), time), store.process()
    patch = away(one, monkeypatch)
    one.set("ended:a", b"old", 60)
    patch.undo()
    two.set("ended:a", b"new", 60)
    use_until_all_is_copied(one, time)
    assert two.get("ended:a") == b"new"


def test_security_r7_a_store_knows_when_it_was_born_and_all_processes_agree(store):
    one, two = store.process(), store.process()
    one.get("anything")
    store.clock.advance(3600)
    two.get("anything")
    assert one.born == two.born == pytest.approx(store.clock() - 3600, abs=0.01)


def test_security_r7_an_emptied_store_is_noticed(store):
    time = Time()
    one = running(store.process(), time)
    one.get("anything")
    store.clock.advance(3600)
    empty(store, one)
    use_until_all_is_copied(one, time)
    assert one.born == pytest.approx(store.clock(), abs=0.01)


def test_security_r6_a_planted_birth_is_not_believed(store):
    state = store.process()
    state._store.set(state._name("life"), bytes(16), 60)
    state.get("anything")
    assert state.born == pytest.approx(store.clock(), abs=0.01)


def test_security_r7_revocation_required_needs_a_shared_state(store):
    with pytest.raises(Exception, match="WORKOS_REVOCATION_REQUIRED"):
        store.app(
            WORKOS_REVOCATION_REQUIRED=True,
            WORKOS_CACHE_TYPE="memory",
            WORKOS_CACHE_REDIS_URL=None,
        )
    assert not current_session
