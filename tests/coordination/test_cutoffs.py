"""Cut-offs: later ones win, in whatever order they come, and every process finds them."""

from itertools import permutations, product
from random import Random

import pytest

from flask_workos_sessions.coordination.cutoffs import (
    CHANGE_SECONDS,
    COMBINE,
    CutOff,
    CutOffs,
    merged,
)
from flask_workos_sessions.coordination.endings import BELIEVED_SECONDS, Endings
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.coordination.watch import Change, membership, subjects
from flask_workos_sessions.local import MovableClock
from flask_workos_sessions.refresh.pace import PER_SECOND, Pace

MINE = subjects("user_a", "org_a", ["admin"])


def digests(purpose, value):
    return (f"{purpose} {value}",)


class Process:
    def __init__(self, state, clock, names=digests):
        self.clock = clock
        self.endings = Endings(state, names, clock=clock)
        self.cut_offs = CutOffs(
            state, names, clock=clock, remembered=10_000, heard=self.endings.hear
        )

    def watch(self, name="session", who=MINE, began=900, issued=900, **moments):
        return self.endings.watch(name, who, signed_in_at=began, issued_at=issued, **moments)

    def change(self, **values):
        watch = self.watch(**values)
        assert self.endings.look(watch) is None
        return watch.change

    def changed(self, **values):
        watch = self.watch(**values)
        assert self.endings.look(watch) is None
        return watch.changed


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def state(clock):
    return MemoryState(clock=clock, combine=COMBINE)


@pytest.fixture
def process(state, clock):
    return lambda state=state, **more: Process(state, clock, **more)


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
        ("membership", membership("user_a", "org_a"), Change.TOLD),
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


def test_security_w2_a_token_that_was_asked_for_when_the_change_was_known_is_newer(process):
    """Whatever the clocks say: WorkOS's may be behind ours, and behind its own events."""
    one = process()
    one.cut_offs.change("role", "admin", at=1_000.5)
    assert one.change(issued=1_000) == Change.TOLD
    known = one.changed(issued=1_000)
    assert one.change(issued=990, newer_than=known) == Change.NONE
    # Of the same second, and another one all the same.
    one.cut_offs.change("role", "admin", at=1_000.501)
    assert one.change(issued=990, newer_than=known) == Change.TOLD
    assert one.change(issued=1_000, newer_than=known) == Change.TOLD
    assert one.change(issued=1_000, newer_than=one.changed(issued=1_000)) == Change.NONE


@pytest.mark.parametrize("at", [990, 1_000, 1_050, 1_100])
@pytest.mark.parametrize(
    "first", [("everybody", ""), ("membership", membership("user_a", "org_a"))]
)
def test_security_w2_what_is_known_of_one_change_says_nothing_of_another(process, clock, at, first):
    """Also when the first one is stamped ahead of the clock of the tokens, and of the same kind."""
    one = process()
    one.cut_offs.change(*first, at=1_100, confirm=True)
    known = one.changed(issued=1_000)
    clock.advance(0.001)
    assert one.change(issued=990, newer_than=known) == Change.NONE
    one.cut_offs.change("membership", membership("user_a", "org_a"), at=at, confirm=True)
    assert one.change(issued=990, newer_than=known) == Change.CONFIRM


def test_what_a_token_is_newer_than_is_kept_until_its_moment_of_issue_proves_it(process):
    one = process()

    def proven(**values):
        watch = one.watch(**values)
        assert one.endings.look(watch) is None
        return set(watch.proven)

    one.cut_offs.change("role", "admin", at=950.2)
    first = one.changed(issued=900)
    one.cut_offs.change("everybody", "", at=960.9)
    one.cut_offs.change("person", "user_b", at=960.9)
    both = one.changed(issued=900)
    assert len(first) == 1
    assert len(both) == 2
    assert first < both
    for kept in ("asked_after", "newer_than"):
        assert proven(issued=950, **{kept: tuple(both)}) == both
        assert proven(issued=951, **{kept: tuple(both)}) == both - first
        assert proven(issued=961, **{kept: tuple(both)}) == set()
    assert proven(issued=950, asked_after=tuple(first)) == first
    # What is recorded now is another change than the one that was known.
    one.cut_offs.change("role", "admin", at=955)
    assert proven(issued=950, newer_than=tuple(both)) == both - first


def test_a_watch_remembers_what_is_recorded_now_however_much_was(process, clock):
    """While WorkOS does not answer, and many things change: they all go into a cookie."""
    one = process()
    watch = one.watch()
    for number in range(100):
        clock.advance(1)
        one.cut_offs.change("everybody", "", at=clock())
        one.cut_offs.change("role", "admin", at=clock(), told=bool(number % 2))
        assert one.endings.look(watch) is None
    assert len(watch.changed) == len(watch.open) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_workos_has_to_confirm_what_was_issued_up_to_the_last_change_that_asks_for_it(
    process, order
):
    one = process()
    place = membership("user_a", "org_a")
    for at, confirm in ((940, False), (950, True), (960, False))[::order]:
        one.cut_offs.change("membership", place, at=at, confirm=confirm)
    found = {issued: one.change(issued=issued) for issued in (940, 950, 951, 960, 961)}
    confirm, told = Change.CONFIRM, Change.TOLD
    assert found == {940: confirm, 950: confirm, 951: told, 960: told, 961: Change.NONE}
    assert one.change(issued=940, newer_than=one.changed(issued=940)) == Change.NONE


@pytest.mark.parametrize("order", [1, -1])
def test_pages_are_told_up_to_the_last_change_that_concerns_them(process, order):
    one = process()
    for at, told in ((940, False), (950, True), (960, False))[::order]:
        one.cut_offs.change("person", "user_a", at=at, told=told)
    assert [one.change(issued=issued) for issued in (940, 950, 951, 961)] == [
        Change.TOLD,
        Change.TOLD,
        Change.RENEW,
        Change.NONE,
    ]


def test_the_strongest_change_counts(process):
    one = process()
    one.cut_offs.change("everybody", "", at=950)
    one.cut_offs.change("membership", membership("user_a", "org_a"), at=950, confirm=True)
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


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_later_end_spares_nobody_from_an_earlier_one(process, order):
    """A new password ends all sessions, and a thief who still has one of them then keeps it, and
    ends all others."""
    one = process()
    kept = {name: one.endings.keys(name) for name in ("thief", "mine")}
    ends = [(940, None), (950, kept["mine"]), (960, kept["thief"])]
    for number in order:
        at, keep = ends[number]
        one.cut_offs.end("person", "user_a", "revoked", at=at, keep=keep)
    reason = {
        (name, began): one.endings.look(one.watch(name, began=began))
        for name in ("thief", "mine", "third")
        for began in (940, 950, 951, 960, 961)
    }
    served = {each for each, why in reason.items() if why is None}
    assert served == {("thief", 951), ("thief", 960)} | {
        (name, 961) for name in ("thief", "mine", "third")
    }


def test_merging_is_the_same_in_any_order():
    some = [
        bytes(CutOff(at, firm, told, until, reason, keep))
        for at in (1, 2)
        for firm in (0, 1)
        for told in (0, 1)
        for until, reason in ((5, "revoked"), (6, "access_removed"))
        for keep in ("", "a", "b")
    ]
    for one, two in product(some, some):
        both = merged(one, two)
        assert both == merged(two, one)
        assert merged(both, one) == merged(both, two) == both
    drawn = Random(7)
    for _ in range(2_000):
        one, two, three = drawn.choices(some, k=3)
        left, right = (
            CutOff.read(merged(merged(*pair), third))
            for pair, third in (((one, two), three), ((two, three), one))
        )
        assert left.at == right.at
        assert (left.firm, left.told) == (right.firm, right.told)
        assert left.until == right.until
        if left.firm < left.at:
            assert left.keep == right.keep


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


def test_the_pace_of_a_process_is_so_many_in_a_second(clock, state):
    pace = Pace(state, clock=clock, per_second=3)
    assert [pace.take() for _ in range(5)] == [True, True, True, False, False]
    clock.advance(1)
    assert [pace.take() for _ in range(4)] == [True, True, True, False]


def test_all_processes_together_keep_a_pace(clock, state):
    paces = [Pace(state, clock=clock, per_second=10, of_all=20) for _ in range(8)]
    for _ in range(3):
        took = sum(pace.take() for _ in range(15) for pace in paces)
        assert 15 <= took <= 20
        clock.advance(1)


def test_what_one_process_may_do_at_its_pace_it_may_do_always(clock, state):
    for _ in range(20):
        pace = Pace(state, clock=clock)
        assert all(pace.take() for _ in range(PER_SECOND))
        clock.advance(1)
