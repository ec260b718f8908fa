"""A store that was away or emptied: what is written to it again, and what is not believed since."""

import threading
from itertools import permutations

import pytest

from flask_workos_sessions import current_session
from flask_workos_sessions.coordination import layered
from flask_workos_sessions.coordination.breaker import PAUSE_SECONDS
from flask_workos_sessions.coordination.endings import Unreadable
from flask_workos_sessions.coordination.watch import Change, subjects
from tests.coordination.store_process import (
    NEW,
    OLD,
    Process,
    Time,
    away,
    empty,
    running,
)


def use_until_all_is_copied(state, time):
    time.now += PAUSE_SECONDS + layered.LIFE_SECONDS
    for _ in range(20):
        state.get("anything")


@pytest.mark.parametrize("key", ["ended:a", "rotated:a", "dead:a", "event:a"])
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
    state._store.backend.set(state._store.name("life"), bytes(16), 60)
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


def test_security_w3_an_end_that_could_not_be_shared_is_not_lost_to_an_earlier_one(store):
    one, two = Process(store), Process(store)
    assert two.end(at=100)
    patch = away(one.ends, None)
    assert not one.end(at=200), "only this process knows of it"
    assert one.look(began=150) == "revoked"
    patch.undo()
    one.pause()
    assert one.look(began=150) == "revoked"
    assert two.look(began=150) == "revoked"
    assert two.look(began=201) is one.look(began=201) is None


def test_what_a_process_could_not_share_counts_for_it_before_it_is_copied(store, monkeypatch):
    one, two = Process(store), Process(store)
    two.end(at=100)
    patch = away(one.ends, None)
    one.end(at=200)
    patch.undo()
    one.pause()
    monkeypatch.setattr(one.ends, "_copy", lambda: None)
    assert one.look(began=150) == "revoked"
    assert two.look(began=150) is None


def test_an_earlier_end_does_not_take_the_place_of_a_later_one_while_the_store_is_away(store):
    one = Process(store)
    patch = away(one.ends, None)
    one.end(at=200)
    one.end(at=100)
    assert one.look(began=150) == "revoked"
    patch.undo()
    one.pause()
    one.look(began=300)
    assert one.look(began=150) == Process(store).look(began=150) == "revoked"


@pytest.mark.parametrize("first", [0, 1])
def test_security_w3_the_later_of_two_ends_is_back_after_the_store_was_emptied(store, first):
    """Whoever copies first: one knows only of the earlier end."""
    earlier, later = Process(store), Process(store)
    earlier.end(at=100)
    later.end(at=200)
    empty(store, earlier.ends)
    for each in (earlier, later)[:: -1 if first else 1]:
        each.pause()
        each.look(began=300)
    assert {each.look(began=150) for each in (earlier, later, Process(store))} == {"revoked"}


def test_an_earlier_end_does_not_take_the_place_of_a_later_one_in_a_store_just_emptied(store):
    one = Process(store)
    one.end(at=200)
    empty(store, one.ends)
    one.end(at=100)
    assert one.look(began=150) == Process(store).look(began=150) == "revoked"


def test_security_r1_the_write_that_failed_is_copied_though_another_state_finds_the_store_back(
    store,
):
    """Several share one breaker: who makes the next good call is not who had failed."""
    one, two = Process(store), Process(store)
    one.look(began=1)
    patch = away(one.ends, None)
    recorded = one.parts.endings.end("session", "signed_out", until=store.clock() + 60)
    assert recorded == (True, False)
    patch.undo()
    one.pause()
    one.state.get("anything")
    assert not one.ends.breaker.failing
    one.ends.get("anything")
    assert two.look(began=1) == "signed_out"
    assert one.parts.endings.end("session", "revoked", until=store.clock() + 60) == (False, True)


def test_one_call_is_enough_to_copy(store):
    one, two = Process(store), Process(store)
    one.look(began=1)
    patch = away(one.ends, None)
    one.parts.endings.end("session", "signed_out", until=store.clock() + 60)
    patch.undo()
    one.pause()
    one.ends.get("anything")
    assert two.look(began=1) == "signed_out"


def test_an_end_that_is_shared_late_is_news_then(store):
    rung = []
    one = Process(store)
    one.parts.endings._recorded = lambda keys: rung.append(keys)
    patch = away(one.ends, None)
    one.parts.endings.end("session", "revoked", until=store.clock() + 60)
    patch.undo()
    one.pause()
    one.parts.endings.end("session", "revoked", until=store.clock() + 60)
    one.parts.endings.end("session", "revoked", until=store.clock() + 60)
    assert len(rung) == 2


def test_what_another_has_ended_first_is_shared_for_who_ended_it_too(store):
    one, two = Process(store), Process(store)
    patch = away(one.ends, None)
    one.parts.endings.end("session", "revoked", until=store.clock() + 60)
    patch.undo()
    two.parts.endings.end("session", "signed_out", until=store.clock() + 60)
    one.pause()
    assert one.parts.endings.end("session", "revoked", until=store.clock() + 60) == (False, True)


def test_what_was_done_while_the_store_was_away_is_done_when_it_is_back(store):
    """And not begun again, in the place of what this process knows."""
    one, two = Process(store), Process(store)
    patch = away(one.state, None)
    one.state.add("told:a", b"begun", 60)
    one.state.set("told:a", b"done", 60)
    patch.undo()
    one.pause()
    assert not one.state.add("told:a", b"begun", 60)
    assert one.state.get("told:a") == two.state.get("told:a") == b"done"


def test_what_another_began_while_the_store_was_away_for_us_is_theirs(store):
    one, two = Process(store), Process(store)
    patch = away(one.state, None)
    assert one.state.add("told:a", b"ours", 60)
    assert not one.state.is_shared("told:a")
    patch.undo()
    assert two.state.add("told:a", b"theirs", 60)
    one.pause()
    assert not one.state.add("told:a", b"ours", 60)
    assert one.state.is_shared("told:a")
    assert one.state.get("told:a") == b"theirs"


def test_two_who_merge_at_once_lose_nothing(store):
    one, two = Process(store), Process(store)
    order = [(each, at) for at in range(100, 120) for each in (one, two)]
    threads = [
        threading.Thread(target=each.end, kwargs={"at": at + (each is two) * 50})
        for each, at in order
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert Process(store).look(began=169) == "revoked"
    assert Process(store).look(began=170) is None


def test_who_reads_between_two_writes_sees_the_end(store, monkeypatch):
    """The writer in between is the earlier one, and slow: nobody overtakes it, or is overtaken."""
    one, two = Process(store), Process(store)
    write, done = one.ends._store.backend.set, []

    def slow(name, *arguments):
        if name.endswith(tuple(one.parts.keys.digests("cut-off", "everybody "))) and not done:
            done.append(threading.Thread(target=two.end, kwargs={"at": 200}))
            done[0].start()
            done[0].join(0.05)
        return write(name, *arguments)

    monkeypatch.setattr(one.ends._store.backend, "set", slow)
    one.end(at=100)
    done[0].join()
    assert Process(store).look(began=150) == "revoked"


def test_the_lock_of_a_process_that_died_holds_nobody_up_for_long(store):
    one = Process(store)
    name = one.ends._store.name("ends:" + one.parts.keys.digests("cut-off", "everybody ")[0])
    one.ends._store.backend.add(name + ":merging", b"somebody", 60)
    slept = []
    one.ends._store._sleep = slept.append
    one.end(at=100)
    assert sum(slept) == pytest.approx(1, abs=0.1)
    assert Process(store).look(began=100) == "revoked"


def test_waiting_is_left_to_whatever_has_taken_the_place_of_sleep_since(store, monkeypatch):
    """gevent does so after a preload; the sleep of before would stop all requests of the worker."""
    one, slept = Process(store), []
    monkeypatch.setattr("time.sleep", slept.append)
    one.ends._store._sleep(1)
    one.parts.refresher._sleep(2)
    assert slept == [1, 2]


def test_what_is_owed_is_bounded(store):
    one = Process(store)
    one.state._memory.capacity = 100
    patch = away(one.state, None)
    for number in range(300):
        one.state.set(f"rotated:{number}", b"1", 60)
    patch.undo()
    assert len(one.state._owed) <= 100


def test_security_r7_an_earlier_end_that_is_known_does_not_stand_for_the_store(store):
    """Whom it meets is out; of all others it is not known whether a later one does."""
    one = Process(store)
    one.end(at=100)
    one.parts.endings._required = True
    away(one.ends, None)
    assert one.look(began=100) == "revoked"
    with pytest.raises(Unreadable):
        one.look(began=101)


@pytest.mark.parametrize("asks", ["before the store is looked at again", "after it"])
def test_security_r7_an_emptied_store_gets_what_it_had_whoever_notices(store, asks):
    """A question for something that was there finds out, too, and first as a rule."""
    one = Process(store)
    one.end(at=200)
    one.parts.endings.end("another", "signed_out", until=store.clock() + 60)
    empty(store, one.ends)
    if asks == "after it":
        one.pause()
    assert one.look(began=150) == "revoked"
    for _ in range(3):
        one.pause()
        one.look(began=300)
    fresh = Process(store)
    assert fresh.look(began=150) == "revoked"
    assert fresh.parts.endings.reason("another") == "signed_out"


@pytest.mark.parametrize("kept", [None, "other"])
def test_an_older_end_that_is_copied_does_not_shorten_the_life_of_a_newer_one(make_shared, kept):
    store = make_shared("sqlite")
    one, two = Process(store), Process(store)
    remembered = one.parts.cut_offs._remembered
    one.end(at=100)
    store.clock.advance(remembered - 100)
    empty(store, one.ends)
    two.end(at=200, keep=kept and two.parts.endings.keys(kept))
    one.pause()
    one.look(began=300)
    store.clock.advance(200)
    assert {each.look(began=150) for each in (one, two, Process(store))} == {"revoked"}


def test_security_w3_what_ended_before_the_password_was_changed_stays_ended(store):
    before = Process(store, WORKOS_COOKIE_PASSWORD=OLD)
    kept = before.parts.endings.keys("session")
    before.end(at=100)
    before.parts.cut_offs.end("person", "user_a", "revoked", at=150, keep=kept)
    before.parts.cut_offs.change("role", "admin", at=300)
    before.parts.endings.end("by name", "signed_out", until=store.clock() + 60)
    after = Process(
        store, WORKOS_COOKIE_PASSWORD=NEW, WORKOS_COOKIE_PASSWORD_FALLBACKS=[OLD]
    ).parts.endings
    about = subjects("user_a", "org_a", ["admin"])
    assert after.look(after.watch("session", about, signed_in_at=100)) == "revoked"
    assert after.look(after.watch("other", about, signed_in_at=150)) == "revoked"
    going_on = after.watch("session", about, signed_in_at=150, issued_at=300)
    assert after.look(going_on) is None
    assert going_on.change is Change.TOLD
    assert after.reason("by name") == "signed_out"
    assert after.look(after.watch("other", about, signed_in_at=151, issued_at=301)) is None


def test_security_w3_what_ends_while_the_password_is_changed_stays_ended(store):
    """Recorded by who has the old one in use still, and read by who has only the new one."""
    first = {"WORKOS_COOKIE_PASSWORD": OLD, "WORKOS_COOKIE_PASSWORD_FALLBACKS": [NEW]}
    then = {"WORKOS_COOKIE_PASSWORD": NEW, "WORKOS_COOKIE_PASSWORD_FALLBACKS": [OLD]}
    recorder = Process(store, **first)
    recorder.end(at=100)
    recorder.parts.cut_offs.change("role", "admin", at=300)
    recorder.parts.endings.end("by name", "signed_out", until=store.clock() + 60)
    for config in (first, then, {"WORKOS_COOKIE_PASSWORD": NEW}, {"WORKOS_COOKIE_PASSWORD": OLD}):
        endings = Process(store, **config).parts.endings
        about = subjects("user_a", "org_a", ["admin"])
        assert endings.look(endings.watch("session", about, signed_in_at=100)) == "revoked"
        assert endings.reason("by name") == "signed_out"
        going_on = endings.watch("session", about, signed_in_at=101, issued_at=300)
        assert endings.look(going_on) is None
        assert going_on.change is Change.TOLD


@pytest.mark.parametrize("order", list(permutations(range(3), 2)))
def test_an_end_has_one_who_was_first_also_while_the_password_is_changed(store, order):
    """Who is first tells the application, and WorkOS."""
    configs = (
        {"WORKOS_COOKIE_PASSWORD": OLD},
        {"WORKOS_COOKIE_PASSWORD": OLD, "WORKOS_COOKIE_PASSWORD_FALLBACKS": [NEW]},
        {"WORKOS_COOKIE_PASSWORD": NEW, "WORKOS_COOKIE_PASSWORD_FALLBACKS": [OLD]},
    )
    until = store.clock() + 60
    earlier, later = (Process(store, **configs[number]).parts.endings for number in order)
    for number in range(10):
        assert earlier.end(f"session {number}", "revoked", until=until).first
        assert not later.end(f"session {number}", "revoked", until=until).first


def test_of_two_who_end_a_session_at_once_while_the_password_is_changed_one_is_first(
    store, monkeypatch
):
    one = Process(store, WORKOS_COOKIE_PASSWORD=OLD, WORKOS_COOKIE_PASSWORD_FALLBACKS=[NEW])
    two = Process(store, WORKOS_COOKIE_PASSWORD=NEW, WORKOS_COOKIE_PASSWORD_FALLBACKS=[OLD])
    both, firsts = threading.Barrier(2, timeout=10), []

    def step_by_step(state, name):
        step = getattr(state, name)

        def together(*arguments):
            result = step(*arguments)
            both.wait()
            return result

        monkeypatch.setattr(state, name, together)

    for each in (one, two):
        step_by_step(each.ends, "ask_all")
        step_by_step(each.ends, "add")

    def end(process):
        until = store.clock() + 60
        firsts.append(process.parts.endings.end("session", "revoked", until=until).first)

    threads = [threading.Thread(target=end, args=(each,)) for each in (one, two)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(firsts) == [False, True]


def test_an_older_event_that_comes_late_does_not_shorten_the_life_of_a_change(make_shared):
    store = make_shared("sqlite")
    one, two = Process(store), Process(store)
    about = subjects("user_a", "org_a", ["admin"])
    one.parts.cut_offs.change("role", "admin", at=100)
    store.clock.advance(86_400 - 100)
    empty(store, one.ends)
    two.parts.cut_offs.change("role", "admin", at=200, told=True)
    one.pause()
    one.look(began=300)
    store.clock.advance(200)
    for each in (one, two, Process(store)):
        watch = each.parts.endings.watch("session", about, issued_at=150)
        assert each.parts.endings.look(watch) is None
        assert watch.change is Change.TOLD
