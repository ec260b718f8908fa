"""When a session ends, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_workos_sessions.lifetime import Ends, Lifetime


def ends(**changed):
    given = {
        "signed_in_at": 1_000,
        "refreshed_at": 1_500,
        "inactivity_timeout": 600,
        "max_length": 3_600,
        "expires_at": None,
        "impersonated": False,
    }
    return Ends.of(**(given | changed))


def test_the_nearer_of_both_clocks_ends_the_session():
    assert ends().nearest == (2_100, "inactivity")
    assert ends(refreshed_at=4_400).nearest == (4_600, "max_length")


def test_the_setting_goes_before_what_workos_said_at_sign_in():
    assert ends(expires_at=2_000).max_length == 4_600
    assert ends(max_length=None, expires_at=2_000).max_length == 2_000


def test_one_known_clock_is_enough():
    assert ends(max_length=None).nearest == (2_100, "inactivity")
    assert ends(inactivity_timeout=None).nearest == (4_600, "max_length")


def test_without_clocks_nothing_is_said():
    unknown = ends(max_length=None, inactivity_timeout=None)
    assert unknown.at(10**9) == Lifetime()
    assert unknown.over(10**9) is None
    assert unknown.at(0).expiring is False


def test_security_g4_impersonation_ends_after_sixty_minutes():
    assert ends(impersonated=True, max_length=None).max_length == 4_600
    assert ends(impersonated=True, max_length=999_999).max_length == 4_600
    assert ends(impersonated=True, max_length=60).max_length == 1_060


def test_five_seconds_less_than_the_truth_are_shown_and_the_truth_is_accepted():
    lifetime = ends().at(2_090)
    assert lifetime.expires_in == 5
    assert ends().at(2_097).expires_in == 0
    assert ends().over(2_099.9) is None
    assert ends().over(2_100) == "inactivity"


def test_expiring_begins_at_the_warning():
    assert ends().at(2_100 - 5 - 120, warn=120).expiring
    assert not ends().at(2_100 - 5 - 121, warn=120).expiring


def test_extendable_only_when_inactivity_is_what_ends_it():
    assert ends().at(1_600).extendable
    assert not ends(refreshed_at=4_400).at(4_500).extendable


@given(st.floats(0, 10**10), st.integers(1, 10**6), st.integers(1, 10**6))
def test_what_remains_is_never_negative(now, timeout, length):
    lifetime = ends(inactivity_timeout=timeout, max_length=length).at(now)
    assert lifetime.expires_in is not None
    assert lifetime.expires_in >= 0


@pytest.mark.parametrize("now", [0, 1_500, 9_999])
def test_remaining_times_agree_with_the_end(now):
    lifetime = ends().at(now)
    assert lifetime.expires_in == min(lifetime.idle_in, lifetime.max_in)
