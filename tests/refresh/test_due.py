"""When a token is refreshed."""

from hypothesis import given
from hypothesis import strategies as st

from flask_workos_sessions.refresh.due import extension_due, refresh_due


def due(life, **changed):
    given = {"buffer": None, "inactivity_timeout": None, "spread": 0.5}
    return refresh_due(issued_at=0, expires_at=life, **(given | changed))


def test_a_minute_before_the_end_or_half_a_minute_for_short_tokens():
    assert due(3_600) == 3_540
    assert due(300) == 270


def test_never_in_the_first_sixty_percent_of_a_tokens_life():
    assert due(20) == 12
    assert due(100, buffer=90) == 60


def test_a_buffer_of_zero_waits_for_the_end():
    assert due(300, buffer=0) == 300


def test_half_of_the_inactivity_timeout_makes_it_due_whatever_the_token_says():
    assert due(3_600, inactivity_timeout=1_000) == 500


def test_the_moment_is_spread_so_that_a_fleet_does_not_come_due_at_once():
    assert due(3_600, spread=0) == 3_555
    assert due(3_600, spread=1) == 3_525


@given(st.integers(1, 10**5), st.integers(0, 10**5), st.floats(0, 1))
def test_it_is_always_within_the_tokens_life(life, buffer, spread):
    moment = due(life, buffer=buffer, spread=spread)
    assert 0 < moment <= life
    assert moment >= 0.6 * life - 1e-6


def test_an_extension_waits_a_minute_or_half_the_life_of_a_short_token():
    assert extension_due(issued_at=0, expires_at=300) == 60
    assert extension_due(issued_at=0, expires_at=40) == 20
