"""Base64url: each value has one spelling, and no other text is accepted."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_workos_sessions.sealing import base64url


@given(st.binary(max_size=100))
def test_decode_undoes_encode(raw):
    text = base64url.encode(raw)
    assert not set(text) & set("+/=")
    assert base64url.decode(text) == raw


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4))
def test_parts_stand_between_dots(parts):
    assert [base64url.decode(part) for part in base64url.encode(*parts).split(".")] == parts


def test_each_short_text_is_the_only_spelling_of_its_value():
    alphabet = "AQgw_-1+/=. é"
    for length in range(5):
        for letters in itertools.product(alphabet, repeat=length):
            text = "".join(letters)
            with contextlib.suppress(ValueError):
                assert base64url.encode(base64url.decode(text)) == text


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AB", "AAB", "AA==", "A A=", "AA\n", "ÄÄ", "\ud800"]
)
def test_another_spelling_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        base64url.decode(text)
