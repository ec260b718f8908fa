"""Sealing (security C2, C3): opens what it sealed, as what it was sealed; all else is nothing."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_workos_sessions.sealing import keys as keys_module
from flask_workos_sessions.sealing import seal as seal_module
from flask_workos_sessions.sealing.keys import KeyRing
from flask_workos_sessions.sealing.seal import MAX_LENGTH, VERSION, Sealer

OLD, NEW = "an old password, long and random!", "a new password, long and random!!"
NAME = "wos-session"


def sealer(*passwords: str, purpose: str = "session", client_id: str = "client_1") -> Sealer:
    return Sealer(KeyRing(passwords or (OLD,)), purpose=purpose, client_id=client_id)


def raw(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def spelt(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@given(st.binary(max_size=3000), st.text(max_size=20))
def test_what_was_sealed_opens(plaintext, name):
    value = sealer().seal(plaintext, name=name)
    assert sealer().open(value, name=name) == plaintext


def test_a_value_is_url_safe_and_says_its_version():
    value = sealer().seal(b"x" * 100, name=NAME)
    assert set(value) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert raw(value)[0] == VERSION


def test_the_same_plaintext_never_gives_the_same_salt_or_ciphertext():
    values = [raw(sealer().seal(b"x" * 64, name=NAME)) for _ in range(50)]
    assert len({value[5:21] for value in values}) == 50
    assert len({value[21:] for value in values}) == 50


def test_truncated_at_any_byte_opens_to_nothing():
    value = sealer().seal(b"session", name=NAME)
    for end in range(len(value)):
        assert sealer().open(value[:end], name=NAME) is None
    whole = raw(value)
    for end in range(len(whole)):
        assert sealer().open(spelt(whole[:end]), name=NAME) is None


def test_any_flipped_bit_opens_to_nothing():
    whole = raw(sealer().seal(b"session", name=NAME))
    for place in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        assert sealer().open(spelt(bytes(changed)), name=NAME) is None


def test_any_changed_character_opens_to_nothing():
    # Above all the last one, some bits of which a decoder throws away.
    value = sealer().seal(b"session", name=NAME)
    assert len(value) % 4
    for place in range(len(value)):
        for other in "ABgQw_-x":
            if other != value[place]:
                changed = value[:place] + other + value[place + 1 :]
                assert sealer().open(changed, name=NAME) is None


@pytest.mark.parametrize("extra", ["=", "==", " ", "\n", "!", "A", "é", "\ud800", "%3D"])
def test_another_spelling_of_the_same_value_opens_to_nothing(extra):
    value = sealer().seal(b"session", name=NAME)
    for changed in (value + extra, extra + value, value[:9] + extra + value[9:]):
        assert sealer().open(changed, name=NAME) is None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: sealer(purpose="attempt"), id="purpose"),
        pytest.param(lambda: sealer(client_id="client_2"), id="client-id"),
        pytest.param(lambda: sealer(NEW), id="password"),
        # One part's end must not pass for the next one's beginning.
        pytest.param(lambda: sealer(purpose="sessio", client_id="nclient_1"), id="cut"),
    ],
)
def test_sealed_for_something_else_opens_to_nothing(other):
    assert sealer().open(other().seal(b"session", name=NAME), name=NAME) is None


def test_sealed_under_another_name_opens_to_nothing():
    assert sealer().open(sealer().seal(b"session", name="other"), name=NAME) is None


def test_purpose_and_client_id_are_bound_beyond_the_derived_key(monkeypatch):
    """Associated data, not only the key: the same key for everything changes nothing."""
    monkeypatch.setattr(seal_module, "derive", lambda *_, **__: bytes(44))
    value = sealer().seal(b"session", name=NAME)
    assert sealer().open(value, name=NAME) == b"session"
    assert sealer(purpose="attempt").open(value, name=NAME) is None
    assert sealer(client_id="client_2").open(value, name=NAME) is None
    assert sealer().open(value, name="other") is None


def test_each_purpose_has_its_own_key(monkeypatch):
    """Even under one salt: no purpose's key stream tells anything about another's."""
    monkeypatch.setattr(seal_module.os, "urandom", bytes)
    values = {
        raw(sealer(purpose=purpose).seal(bytes(64), name=NAME))[21:-16]
        for purpose in ("session", "attempt", "options")
    }
    assert len(values) == 3


def test_wrong_version_opens_to_nothing():
    whole = raw(sealer().seal(b"session", name=NAME))
    for version in range(256):
        if version != VERSION:
            assert sealer().open(spelt(bytes([version]) + whole[1:]), name=NAME) is None


def test_a_fallback_password_opens_and_does_not_seal():
    before = sealer(OLD).seal(b"session", name=NAME)
    after = sealer(NEW, OLD)
    assert after.open(before, name=NAME) == b"session"
    assert sealer(OLD).open(after.seal(b"session", name=NAME), name=NAME) is None
    assert sealer(NEW).open(after.seal(b"session", name=NAME), name=NAME) == b"session"


def test_the_same_password_twice_is_no_harm():
    value = sealer(OLD, OLD, NEW).seal(b"session", name=NAME)
    assert sealer(OLD).open(value, name=NAME) == b"session"


@pytest.fixture
def no_decryption(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("decrypted")

    monkeypatch.setattr(seal_module, "AESGCM", refuse)
    monkeypatch.setattr(seal_module, "derive", refuse)
    monkeypatch.setattr(seal_module.base64url, "decode", refuse)


@pytest.mark.parametrize("length", [MAX_LENGTH + 1, 64 * 1024])
@pytest.mark.usefixtures("no_decryption")
def test_a_value_that_is_too_long_is_not_even_decoded(length):
    assert sealer().open("A" * length, name=NAME) is None


def test_an_unknown_password_costs_no_derivation(monkeypatch):
    value = sealer(NEW).seal(b"session", name=NAME)
    opener = sealer(OLD)
    monkeypatch.setattr(seal_module, "derive", None)
    assert opener.open(value, name=NAME) is None


@given(st.text(max_size=200))
def test_no_text_makes_it_raise(value):
    assert sealer().open(value, name=NAME) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(junk):
    key_id, _ = KeyRing([OLD]).all[0]
    value = spelt(bytes([VERSION]) + key_id + junk)
    assert sealer().open(value, name=NAME) is None


def test_a_name_that_cannot_be_encoded_opens_to_nothing():
    assert sealer().open(sealer().seal(b"session", name=NAME), name="\ud800") is None


def test_the_key_id_is_all_that_is_told_of_a_password():
    key_id, secret = KeyRing([OLD]).all[0]
    assert len(key_id) == keys_module.KEY_ID_SIZE
    assert key_id not in secret


def test_a_value_sealed_with_another_secret_needs_that_too():
    sealer = Sealer(KeyRing(["p" * 32]), purpose="test", client_id="client_1")
    sealed = sealer.seal(b"text", name="n", also=b"a refresh token")
    assert sealer.open(sealed, name="n", also=b"a refresh token") == b"text"
    assert sealer.open(sealed, name="n", also=b"another") is None
    assert sealer.open(sealed, name="n") is None
