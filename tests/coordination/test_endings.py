"""Which sessions have ended: known at once here, within a second elsewhere, read seldom."""

import pytest

from flask_workos_sessions.coordination.endings import BELIEVED_SECONDS, Endings
from flask_workos_sessions.coordination.memory import MemoryState
from flask_workos_sessions.coordination.watch import subjects
from flask_workos_sessions.local import MovableClock


class Counted(MemoryState):
    reads = 0

    def ask_all(self, keys):
        self.reads += 1
        return super().ask_all(keys)


@pytest.fixture
def clock():
    return MovableClock(1_000).freeze()


@pytest.fixture
def state(clock):
    return Counted(clock=clock)


@pytest.fixture
def process(state, clock):
    return lambda: Endings(state, lambda purpose, value: (value,), clock=clock)


def test_a_session_that_lives_is_looked_up_once_a_second(process, state, clock):
    endings = process()
    key = endings.watch("s")
    for _ in range(10):
        for _ in range(100):
            assert endings.reason_at(key) is None
        clock.advance(BELIEVED_SECONDS)
    assert state.reads == 10


def test_another_process_s_end_is_noticed_within_a_second(process, clock):
    one, two = process(), process()
    key = one.watch("s")
    assert two.reason_at(key) is None
    assert one.end("s", "signed_out", until=2_000)
    assert two.look(two.watch("s")) == "signed_out"
    three = process()
    assert three.reason_at(three.watch("s")) == "signed_out"
    clock.advance(BELIEVED_SECONDS)
    assert two.reason_at(key) == "signed_out"


def test_a_process_s_own_end_is_known_at_once(process):
    endings = process()
    key = endings.watch("s")
    assert endings.reason_at(key) is None
    endings.end("s", "revoked", until=2_000)
    assert endings.reason_at(key) == "revoked"


def test_an_end_that_is_known_is_not_looked_up_again_and_outlives_the_store(process, state, clock):
    one, two = process(), process()
    one.end("s", "signed_out", until=2_000)
    key = one.watch("s")
    assert two.reason_at(key) == "signed_out"
    reads = state.reads
    state.delete(key.key)
    clock.advance(999)
    assert two.reason_at(key) == one.reason_at(key) == "signed_out"
    assert state.reads == reads
    clock.advance(1)
    assert two.reason_at(key) is None


def test_a_clock_that_is_set_back_does_not_prolong_what_is_believed(process, clock):
    one, two = process(), process()
    key = one.watch("s")
    assert two.reason_at(key) is None
    clock.set(500)
    one.end("s", "revoked", until=2_000)
    assert two.reason_at(key) == "revoked"


def test_only_the_first_of_several_processes_tells_of_an_end(process):
    one, two = process(), process()
    assert one.end("s", "signed_out", until=2_000).first
    assert not two.end("s", "revoked", until=2_000).first
    assert process().reason("s") == "signed_out"


def test_what_is_believed_is_kept_with_the_session_and_nowhere_else(process):
    endings = process()
    for number in range(1_000):
        assert endings.reason_at(endings.watch(str(number))) is None
    kept = [each for each in vars(endings).values() if hasattr(each, "__len__")]
    assert sum(len(each) for each in kept) == 0


def test_an_end_is_found_by_a_process_to_which_another_password_is_the_first(state, clock):
    old_first, new_first = (
        Endings(
            state, lambda purpose, value, order=order: [f"{value}{p}" for p in order], clock=clock
        )
        for order in ("on", "no")
    )
    old_first.end("s", "signed_out", until=2_000)
    assert new_first.reason("s") == "signed_out"


def test_what_many_sessions_have_in_common_is_hashed_once_and_not_kept_without_bound(state, clock):
    asked = []

    def digests(purpose, value):
        asked.append(value)
        return (f"{purpose} {value}",)

    endings = Endings(state, digests, clock=clock)
    for number in range(3):
        endings.watch(f"s{number}", subjects(f"user_{number}", "org", ["admin"]))
    shared = [value for value in asked if value in ("organization org", "role admin", "everybody ")]
    assert len(shared) == 3
    for number in range(5_000):
        endings.watch("s", subjects("user", f"org_{number}", []))
    assert len(endings._of_many) <= 1_000
    assert endings.watch("s", subjects("user", "org", [])).ends[1] == "ends:cut-off everybody "
