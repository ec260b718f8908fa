"""A store that was set back to an older copy of itself: what it has lost is given to it again, and
what no process knows any more is doubted."""

from __future__ import annotations

import pytest

from tests.coordination.store_process import NEW, OLD, Process, away, empty


def look(each):
    """The next look of a process at the store."""
    each.pause()
    each.look(began=10_000)
    return each.parts.endings.born


def end(each, name, store, seconds=3600):
    return each.parts.endings.end(name, "signed_out", until=store.clock() + seconds)


def copy_of(shared, state):
    """What a snapshot would have of it."""
    if shared.kind == "redis":
        client = state._store.backend._redis()
        return {key: client.dump(key) for key in client.scan_iter()}
    with state._store.backend._connection() as connection:
        return connection.execute("SELECT * FROM entries").fetchall()


def set_back(shared, state, copy):
    """The store is restarted from a snapshot."""
    empty(shared, state)
    if shared.kind == "redis":
        for key, value in copy.items():
            state._store.backend._redis().restore(key, 10**8, value)
    else:
        with state._store.backend._connection() as connection:
            for row in copy:
                connection.execute(f"INSERT INTO entries VALUES ({','.join('?' * len(row))})", row)


@pytest.mark.parametrize("before", [None, 50])
@pytest.mark.parametrize("by_name", [True, False])
def test_security_r7_a_store_that_was_set_back_gets_what_it_has_lost(store, before, by_name):
    """A Redis from its last snapshot still knows its life, and perhaps an older end."""
    one, two = Process(store), Process(store)
    one.look(began=1)
    two.look(began=1)
    if before is not None:
        two.end(at=before)
    copy = copy_of(store, one.ends)
    one.end(at=100)
    if by_name:
        one.parts.endings.end("by name", "signed_out", until=store.clock() + 3600)
    store.clock.advance(600)
    set_back(store, one.ends, copy)
    assert one.look(began=80) == "revoked", "it still knows"
    for each in (one, two, one, two):
        each.pause()
        each.look(began=200)
    fresh = Process(store)
    for each in (one, two, fresh):
        assert each.look(began=80) == "revoked"
        assert each.look(began=101) is None
        assert each.parts.endings.reason("by name") == ("signed_out" if by_name else None)


def test_security_r7_a_store_that_was_set_back_is_doubted(store):
    """It may have lost what a process knew that is gone: older tokens are refreshed."""
    one, two, gone = Process(store), Process(store), Process(store)
    for each in (one, two):
        each.look(began=1)
    copy = copy_of(store, one.ends)
    gone.end(at=100)
    # Of what this process has recorded nobody asks here again.
    one.parts.endings.end("by name", "signed_out", until=store.clock() + 3600)
    store.clock.advance(600)
    set_back(store, one.ends, copy)
    del gone
    one.pause()
    one.look(began=200)
    two.pause()
    two.look(began=200)
    assert one.parts.endings.born == two.parts.endings.born == pytest.approx(store.clock(), abs=1)
    store.clock.advance(600)
    born = one.parts.endings.born
    for each in (one, two) * 3:
        each.pause()
        each.look(began=200)
    assert one.parts.endings.born == two.parts.endings.born == born, "once"


def test_a_copy_that_lags_behind_loses_nothing_and_is_not_doubted(store, monkeypatch):
    """A question goes to a replica that has not got the last writes yet."""
    one = Process(store)
    one.look(began=1)
    born = one.parts.endings.born
    backend = one.ends._store.backend
    get_many = backend.get_many
    one.end(at=100)
    monkeypatch.setattr(backend, "get_many", lambda *names: [None] * len(names))
    store.clock.advance(10)
    assert one.look(began=80) == "revoked"
    monkeypatch.setattr(backend, "get_many", get_many)
    one.pause()
    assert one.look(began=80) == Process(store).look(began=80) == "revoked"
    assert one.parts.endings.born == born


def test_what_has_run_out_is_not_taken_for_lost(make_shared):
    store = make_shared("sqlite")
    one = Process(store)
    one.look(began=1)
    born = one.parts.endings.born
    one.end(at=100)
    one.parts.endings.end("by name", "signed_out", until=store.clock() + 3600)
    remembered = one.parts.cut_offs._remembered
    for seconds in (3600, remembered - 3600 - 30, 30, 1):
        store.clock.advance(seconds)
        if seconds != 3600:
            # A store's clock may be a little ahead of ours.
            one.ends._store.delete("ends:" + one.parts.keys.digests("cut-off", "everybody ")[0])
        one.pause()
        one.look(began=200)
    assert one.parts.endings.born == born
    assert one.look(began=80) is None


def set_back_after_an_end(store):
    """A process that has ended a session, of which the store does not know any more."""
    one = Process(store)
    look(one)
    copy = copy_of(store, one.ends)
    end(one, "first", store)
    store.clock.advance(600)
    set_back(store, one.ends, copy)
    return one


def is_doubted(store, *processes):
    return all(each.parts.endings.born == pytest.approx(store.clock(), abs=1) for each in processes)


def test_security_r7_a_loss_is_noticed_though_something_is_written_before_the_next_look(store):
    one = set_back_after_an_end(store)
    end(one, "second", store)
    look(one)
    assert Process(store).parts.endings.reason("first") == "signed_out"
    assert is_doubted(store, one)


def test_security_r7_a_loss_is_noticed_though_an_event_came_twice_since(store):
    """What was there already is no proof that what was written before it is still there."""
    one = Process(store)
    look(one)
    one.end(at=100)
    copy = copy_of(store, one.ends)
    end(one, "first", store)
    one.end(at=100)
    one.parts.endings.end("first", "revoked", until=store.clock() + 3600)
    store.clock.advance(600)
    set_back(store, one.ends, copy)
    for _ in range(2):
        look(one)
    assert Process(store).parts.endings.reason("first") == "signed_out"
    assert is_doubted(store, one)


@pytest.mark.parametrize("first", ["set back", "emptied"])
def test_security_r7_a_life_that_was_over_and_comes_back_is_a_loss(store, first):
    """It still has what was there in that life: nobody has to miss anything of their own."""
    one, two, gone = Process(store), Process(store), Process(store)
    for each in (one, two, gone):
        look(each)
    copy = copy_of(store, one.ends)
    end(one, "first", store)
    store.clock.advance(600)
    if first == "emptied":
        empty(store, one.ends)
    else:
        set_back(store, one.ends, copy)
    for each in (one, one, two, gone):
        look(each)
    assert is_doubted(store, one, two, gone)
    store.clock.advance(600)
    end(gone, "of gone", store)
    del gone
    set_back(store, one.ends, copy)
    for each in (one, two) * 15:
        look(each)
    assert Process(store).parts.endings.reason("first") == "signed_out"
    assert is_doubted(store, one, two)


@pytest.mark.parametrize("fails", ["add", "set"])
def test_security_r7_the_doubt_outlasts_a_store_that_fails_again(store, fails):
    one = set_back_after_an_end(store)
    patch = pytest.MonkeyPatch()

    def fail(*_):
        raise OSError

    patch.setattr(one.ends._store.backend, fails, fail)
    look(one)
    patch.undo()
    for _ in range(3):
        look(one)
    assert Process(store).parts.endings.reason("first") == "signed_out"
    assert is_doubted(store, one)


def test_a_store_that_loses_things_again_and_again_is_doubted_once_in_a_minute(store):
    """One that evicts: each time all tokens are refreshed, and all that is known is copied."""
    one = Process(store)
    look(one)
    lives = set()
    for number in range(24):
        end(one, f"session {number}", store)
        for key in one.parts.endings.keys(f"session {number}"):
            one.ends._store.delete(key)
        store.clock.advance(10)
        lives.add(look(one))
        assert Process(store).parts.endings.reason(f"session {number}") == "signed_out"
    # Ten seconds pass between two looks, by the steady clock.
    assert 3 <= len(lives) <= 5


def test_what_another_has_ended_for_a_shorter_time_is_not_missed_when_that_is_over(make_shared):
    store = make_shared("sqlite")
    one, two = Process(store), Process(store)
    look(two)
    born = look(one)
    patch = away(one.ends, None)
    end(one, "a session", store, 30 * 86_400)
    end(two, "a session", store, 7_200)
    patch.undo()
    look(one)
    store.clock.advance(7_300)
    for _ in range(3):
        one.ends.ask_all(one.parts.endings.keys("a session"))
        look(one)
    assert one.parts.endings.born == born


def test_an_old_copy_that_is_asked_for_an_end_makes_it_nobody_elses(store, monkeypatch):
    one = Process(store)
    look(one)
    end(one, "a session", store)
    (key,) = one.parts.endings.keys("a session")
    backend = one.ends._store.backend
    monkeypatch.setattr(backend, "get", lambda name: None)
    added = one.ends._store.add(key, b"another", 60)
    assert (added.given, added.value) == (True, False)
    monkeypatch.undo()
    assert Process(store).parts.endings.reason("a session") == "signed_out"


def test_a_life_goes_on_when_the_old_password_is_taken_out(store):
    first = {"WORKOS_COOKIE_PASSWORD": OLD, "WORKOS_COOKIE_PASSWORD_FALLBACKS": [NEW]}
    born = look(Process(store, **first))
    store.clock.advance(600)
    assert look(Process(store, WORKOS_COOKIE_PASSWORD=NEW)) == born


def test_a_new_life_is_later_than_the_one_before_whatever_a_clock_says(store):
    one, two = Process(store), Process(store)
    born = look(one)
    look(two)
    one.ends._clock = lambda: store.clock() - 600
    one.ends._tell()
    assert look(one) == look(two) > born
