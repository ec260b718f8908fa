"""The key ring: which password seals, which open, and digests under each of them."""

from __future__ import annotations

import pytest

from flask_workos_sessions.sealing.keys import KeyRing

FIRST, SECOND = "first password, long and random", "second password, long and random"


@pytest.mark.parametrize("passwords", [(), [""], [FIRST, ""], FIRST])
def test_passwords_that_cannot_be_meant_are_refused(passwords):
    with pytest.raises(ValueError, match="key ring"):
        KeyRing(passwords)


def test_digest_is_stable_and_differs_by_purpose_value_and_password():
    ring = KeyRing([FIRST])
    assert ring.digest("rotation", "token") == KeyRing([FIRST, SECOND]).digest("rotation", "token")
    different = {
        ring.digest("rotation", "token"),
        ring.digest("revocation", "token"),
        ring.digest("rotation", "tokem"),
        KeyRing([SECOND]).digest("rotation", "token"),
    }
    assert len(different) == 4
    assert all(len(digest) == 64 and int(digest, 16) >= 0 for digest in different)


def test_digests_are_those_under_each_password_the_first_one_first():
    assert KeyRing([FIRST, SECOND]).digests("rotation", "token") == (
        KeyRing([FIRST]).digest("rotation", "token"),
        KeyRing([SECOND]).digest("rotation", "token"),
    )


def test_digest_takes_any_text():
    assert KeyRing([FIRST]).digest("rotation", "\ud800 ü")


def test_repr_has_no_password():
    assert FIRST not in repr(KeyRing([FIRST])) + str(KeyRing([FIRST]))
