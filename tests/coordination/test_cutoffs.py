"""Cut-offs: later ones win, in whatever order they come, and every process finds them."""

import threading

import pytest

from flask_workos_sessions.coordination.cutoffs import CHANGE_SECONDS, CutOffs
from flask_workos_sessions.coordination.endings import BELIEVED_SECONDS, Endings
from flask_workos_sessions.coordination.lease import Leases
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.coordination.watch import Change, membership, subjects
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.refresh.pace import Pace

MINE = subjects("user_a", "org_a", ["admin"])


def digests(purpose, value):
    return (f"{purpose} {value}",)


class Process:
    def __init__(self, state, clock, names=digests):
        self.endings = Endings(state, names, clock=clock)
        self.cut_offs = CutOffs(
            state,
            names,
            Leases(state),
            clock=clock,
            remembered=10_000,
            heard=self.endings.hear,
            sleep=lambda seconds: None,
        )

    def watch(self, name="session", who=MINE, began=900, issued=900):
        return self.endings.watch(name, who, signed_in_at=began, issued_at=issued)

    def change(self, **values):
        watch = self.watch(**values)
        assert self.endings.look(watch) is None
        return watch.change


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def state(clock):
    return MemoryState(clock=clock)


@pytest.fixture
def process(state, clock):
    return lambda **more: Process(state, clock, **more)


ENDS = [("person", "user_a"), ("organization", "org_a"), ("everybody", "")]


@pytest.mark.parametrize(("scope", "name"), ENDS)
def test_an_end_takes_what_began_up_to_it_and_nothing_later(process, scope, name):
    process().cut_offs.end(scope, name, "revoked", at=950.9)
    endings = process().endings
    for began, ended in ((900, "revoked"), (950, "revoked"), (951, None)):
        # A refresh after it does not save a session that had begun before.
        watch = endings.watch("s", MINE, signed_in_at=began, issued_at=999)
        assert endings.look(watch) == endings.reason_at(watch) == ended


def test_an_end_concerns_nobody_else(process):
    one = process()
    one.cut_offs.end("person", "user_b", "revoked", at=2_000)
    one.cut_offs.end("organization", "org_b", "revoked", at=2_000)
    assert one.endings.look(one.watch()) is None
    # An organization is no person of that name.
    one.cut_offs.end("organization", "user_a", "revoked", at=2_000)
    assert one.endings.look(one.watch()) is None


def test_a_membership_has_no_end_of_its_own(process):
    with pytest.raises(ValueError, match="membership"):
        process().cut_offs.end("membership", membership("user_a", "org_a"), "revoked", at=1)


def test_the_session_that_is_kept_goes_on(process):
    one = process()
    one.cut_offs.end("person", "user_a", "revoked", at=950, keep=one.endings.keys("kept"))
    assert one.endings.look(one.watch("kept")) is None
    assert one.endings.look(one.watch("other")) == "revoked"


def test_two_ends_of_one_second_that_keep_different_sessions_keep_neither(process):
    one = process()
    for kept in ("a", "b"):
        one.cut_offs.end("person", "user_a", "revoked", at=950, keep=one.endings.keys(kept))
    assert [one.endings.look(one.watch(name)) for name in "ab"] == ["revoked", "revoked"]


def test_the_same_end_twice_changes_nothing(process):
    one = process()
    for _ in range(2):
        one.cut_offs.end("person", "user_a", "revoked", at=950, keep=one.endings.keys("kept"))
    assert one.endings.look(one.watch("kept")) is None


@pytest.mark.parametrize(
    ("scope", "name", "asks"),
    [
        ("person", "user_a", Change.RENEW),
        ("membership", membership("user_a", "org_a"), Change.CONFIRM),
        ("organization", "org_a", Change.RENEW),
        ("role", "admin", Change.TOLD),
        ("everybody", "", Change.RENEW),
    ],
)
def test_security_w2_a_token_of_the_same_second_is_older_than_the_change(
    process, scope, name, asks
):
    one = process()
    one.cut_offs.change(scope, name, at=950.9)
    assert one.change(issued=949) == asks
    assert one.change(issued=950) == asks
    assert one.change(issued=951) == Change.NONE


def test_security_w2_a_token_of_this_very_second_is_replaced_when_the_second_is_over(
    process, clock
):
    """Until then its successor would be of the same second, and would be replaced as well."""
    one = process()
    one.cut_offs.change("role", "admin", at=1_000.5)
    assert one.change(issued=999) == Change.TOLD
    assert one.change(issued=1_000) == Change.NONE
    clock.advance(1)
    assert one.change(issued=1_000) == Change.TOLD


def test_the_strongest_change_counts(process):
    one = process()
    one.cut_offs.change("everybody", "", at=950)
    one.cut_offs.change("membership", membership("user_a", "org_a"), at=950)
    one.cut_offs.change("role", "admin", at=950)
    assert one.change() == Change.CONFIRM


@pytest.mark.parametrize("order", [(940, 960), (960, 940)])
def test_security_w4_a_late_event_takes_nothing_back(process, order):
    one = process()
    for at in order:
        one.cut_offs.change("role", "admin", at=at)
        one.cut_offs.end("person", "user_b", "revoked", at=at)
    assert one.change(issued=950) == Change.TOLD
    assert one.endings.look(one.watch(who=subjects("user_b", None, ()), began=950)) == "revoked"


def test_a_late_event_takes_nothing_back_though_two_processes_write_at_once(state, clock):
    """The earlier one is between its look and its write when the later one comes."""
    looked, go = threading.Event(), threading.Event()

    class Slow(MemoryState):
        def get(self, key):
            value = super().get(key)
            if key.startswith("changes:") and threading.current_thread() is slow:
                looked.set()
                go.wait(5)
            return value

    state = Slow(clock=clock)
    one, two = Process(state, clock), Process(state, clock)
    two.cut_offs._sleep = lambda seconds: go.set() or slow.join()
    slow = threading.Thread(target=one.cut_offs.change, args=("role", "admin"), kwargs={"at": 940})
    slow.start()
    assert looked.wait(5)
    two.cut_offs.change("role", "admin", at=960)
    assert two.change(issued=950) == Change.TOLD


def test_a_cut_off_is_recorded_though_its_lease_is_never_free(process, state):
    one = process()
    for key in ("changes:cut-off role admin",):
        assert Leases(state).take(key)
    one.cut_offs.change("role", "admin", at=950)
    assert one.change() == Change.TOLD


def test_another_process_hears_of_it_within_a_second_and_this_one_at_once(process, clock):
    one, two = process(), process()
    mine, theirs = one.watch(), two.watch()
    assert one.endings.reason_at(mine) is two.endings.reason_at(theirs) is None
    one.cut_offs.end("person", "user_a", "revoked", at=950)
    assert one.endings.reason_at(mine) == "revoked"
    clock.advance(BELIEVED_SECONDS)
    assert two.endings.reason_at(theirs) == "revoked"


def test_what_a_look_has_found_is_not_forgotten_in_favour_of_what_was_believed(process):
    one, two = process(), process()
    mine = one.watch()
    assert one.endings.reason_at(mine) is None
    two.cut_offs.end("person", "user_a", "revoked", at=950)
    assert one.endings.look(mine) == "revoked"
    assert one.endings.reason_at(mine) == "revoked"


def test_it_is_found_by_a_process_to_which_another_password_is_the_first(process):
    old, new = (
        process(names=lambda purpose, value, order=order: [f"{purpose}{value}{p}" for p in order])
        for order in ("on", "no")
    )
    old.cut_offs.end("person", "user_a", "revoked", at=950, keep=old.endings.keys("kept"))
    assert new.endings.look(new.watch()) == "revoked"
    assert new.endings.look(new.watch("kept")) is None
    old.cut_offs.change("role", "admin", at=950)
    assert new.change(name="kept") == Change.TOLD


def test_changes_are_forgotten_after_a_day_and_ends_when_no_session_is_left(process, clock):
    one = process()
    one.cut_offs.change("role", "admin", at=950)
    one.cut_offs.end("person", "user_b", "revoked", at=950)
    clock.advance(9_999)
    them = subjects("user_b", None, ())
    assert one.endings.look(one.watch(who=them)) == "revoked"
    clock.advance(1)
    assert one.endings.look(one.watch(who=them)) is None
    clock.advance(CHANGE_SECONDS - 10_000 - 1)
    assert one.change() == Change.TOLD
    clock.advance(1)
    assert one.change() == Change.NONE


def test_the_pace_is_so_many_in_a_second(clock):
    pace = Pace(clock=clock, per_second=3)
    assert [pace.take() for _ in range(5)] == [True, True, True, False, False]
    clock.advance(1)
    assert [pace.take() for _ in range(4)] == [True, True, True, False]
