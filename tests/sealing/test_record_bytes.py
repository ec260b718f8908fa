"""Session records as bytes: what goes in comes out, nothing else is accepted, and it is small."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import json
import os
import random
import struct
import zlib
from types import MappingProxyType

import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from flask_workos_sessions.sealing import cookie
from flask_workos_sessions.sealing.cookie import decode_record, encode_record
from flask_workos_sessions.sealing.dictionary import DICTIONARY
from flask_workos_sessions.sealing.keys import KeyRing
from flask_workos_sessions.sealing.seal import Sealer
from flask_workos_sessions.session_record import Impersonator, SessionRecord

USER = {
    "object": "user",
    "id": "user_01K9R2QZ7W8YB3M5N6P0T4V2XA",
    "email": "martina.weiß@acme-logistics.example",
    "email_verified": True,
    "first_name": "Martina",
    "last_name": "Weiß",
    "name": None,
    "profile_picture_url": "https://workoscdn.com/images/v1/SgSWWLLUjTSnUKqjtmYhXQkxuo3DLRuDhH2CIxO",
    "external_id": None,
    "metadata": {},
    "locale": "de-DE",
    "last_sign_in_at": "2026-11-23T14:57:26.607Z",
    "created_at": "2025-03-02T09:11:54.120Z",
    "updated_at": "2026-11-23T14:57:26.611Z",
}
RESOURCES = [
    "shipments", "warehouses", "carriers", "invoices", "contracts",
    "drivers", "routes", "pallets", "customs", "returns",
]  # fmt: skip
PERMISSIONS = [f"{each}:{verb}" for each in RESOURCES for verb in ("view", "edit", "approve")]
FLAGS = [
    "live-map", "bulk-upload", "carrier-scorecards", "customs-prefill", "co2-report",
    "dock-booking", "driver-chat", "eta-model-v3", "fuel-cards", "geo-fences", "invoice-ocr",
    "multi-stop", "night-mode", "pallet-tracking", "quick-quote", "returns-portal",
    "route-replay", "slot-auction", "toll-costs", "weather-overlay",
]  # fmt: skip


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def access_token(permissions=(), flags=(), signature: bytes | None = None) -> str:
    """A token of the shape and size of a real one. (Its signature is noise.)"""
    header = {
        "alg": "RS256",
        "kid": "sso_oidc_key_pair_01J5X2M8Q6ZP9T4WBRC3VN7YDE",
        "typ": "JWT",
    }
    claims = {
        "iss": "https://api.workos.com/user_management/client_01J5X2M8R0K4G7SDHQ2FB6TNWC",
        "sub": USER["id"],
        "sid": "session_01KAC3W5E8N0RJ4M7T2XGBQ9PF",
        "jti": "01KAC3W5FYV6H1D8S3KZ0C7RQM",
        "org_id": "org_01J5X4D9T2BQ8WMNR6HV0CKYPE",
        "role": "logistics-manager",
        "roles": ["logistics-manager"],
        "permissions": list(permissions),
        "entitlements": ["audit-logs", "sso"],
        "feature_flags": list(flags),
        "client_id": "client_01J5X2M8R0K4G7SDHQ2FB6TNWC",
        "auth_time": 1795445846,
        "exp": 1795446146,
        "iat": 1795445846,
    }
    claims = {name: value for name, value in claims.items() if value != []}
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (header, claims)]
    return ".".join(base64url(part) for part in [*parts, signature or os.urandom(256)])


def record(**changes) -> SessionRecord:
    values = {
        "access_token": access_token(PERMISSIONS[:3]),
        "refresh_token": "yAjhKk23hJMM3DaRq0W7vTzXs",
        "user": USER,
        "organization_id": "org_01J5X4D9T2BQ8WMNR6HV0CKYPE",
        "signed_in_at": 1795445846,
        "not_after": 1830005846,
        "authentication_method": "GoogleOAuth",
        "impersonator": None,
        "expires_at": 1798037846,
        "previous": "5e" * 32,
    }
    return SessionRecord(**{**values, **changes})


# --- what goes in comes out


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"organization_id": None, "expires_at": None, "previous": None},
        {"authentication_method": None},
        {"impersonator": Impersonator("support@vendor.test", "Ticket 42")},
        {"impersonator": Impersonator("support@vendor.test")},
        {"access_token": "opaque", "refresh_token": ""},
        {"access_token": ""},
        {"access_token": "a.b"},
        {"access_token": "e30.e30."},
        {"access_token": ".."},
        {"access_token": "ü.ö.\ud800"},
        {"access_token": "e31.e30.AB"},  # spare bits: would be put together as e30
        {"access_token": "e30=.e30.AB"},
        {"user": {"id": "user_1"}},
        {"user": {"id": "user_1", "first_name": "\ud83d", "metadata": {"ü": [1, {"a": None}]}}},
        {"user": {"id": "user_1", "metadata": None, "email_verified": None}},
    ],
)
def test_a_record_survives(changes):
    before = record(**changes)
    assert decode_record(encode_record(before)) == before


def test_mappings_that_are_not_dicts_survive_as_dicts():
    user = MappingProxyType({"id": "user_1", "metadata": MappingProxyType({"team": "core"})})
    after = decode_record(encode_record(record(user=user)))
    assert after.user == {"id": "user_1", "metadata": {"team": "core"}}


texts = st.text(max_size=30)


@given(
    st.builds(
        record,
        access_token=texts
        | st.builds(access_token, st.lists(texts), signature=st.binary(min_size=1)),
        refresh_token=texts,
        user=st.fixed_dictionaries(
            {"id": st.text(min_size=1)},
            optional={"email": texts, "metadata": st.dictionaries(texts, texts)},
        ),
        organization_id=st.none() | texts,
        signed_in_at=st.integers(0, 2**40),
        expires_at=st.none() | st.integers(0, 2**40),
        impersonator=st.none() | st.builds(Impersonator, texts, st.none() | texts),
    )
)
def test_any_record_survives(before):
    encoded = encode_record(before)
    assert len(encoded) % 64 == 0
    assert decode_record(encoded) == before


# --- malformed

REST = [USER, None, 1795445846, 1830005846, None, None, None, None]


def encoded_as(rest, *, header=b"", payload=b"", kind=2, refresh=b"r", signature=b"s") -> bytes:
    """Bytes in our layout around any content."""
    text = rest if isinstance(rest, bytes) else json.dumps(rest).encode()
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    deflated = deflater.compress(header + payload + text) + deflater.flush()
    sizes = [len(part) for part in (refresh, signature, deflated, header, payload)]
    whole = struct.pack(">BHHHHH", kind, *sizes) + refresh + signature + deflated
    return whole + bytes(-len(whole) % 64)


def changed(place, value):
    return [*REST[:place], value, *REST[place + 1 :]]


def test_the_layout_of_these_tests_is_ours():
    assert decode_record(encoded_as(REST)).user == USER
    assert decode_record(encoded_as(REST, header=b"{}", payload=b"{}", kind=1)).access_token == (
        "e30.e30.cw"
    )


@pytest.mark.parametrize(
    "rest",
    [
        *[changed(0, user) for user in (None, "user_1", [], {})],
        *[changed(0, {"id": value}) for value in (None, 1, "")],
        *[
            changed(0, {"id": "user_1", name: value})
            for name in ("email", "first_name", "name", "locale", "created_at")
            for value in (1, True, [], {})
        ],
        *[changed(0, {"id": "user_1", "email_verified": value}) for value in (1, 0, "yes", [])],
        *[changed(0, {"id": "user_1", "metadata": value}) for value in (1, "x", [], [["a", "b"]])],
        *[changed(place, value) for place in (1, 4, 7) for value in (1, True, [], {})],
        *[
            changed(place, value)
            for place in (2, 3)
            for value in (None, "1", 1.5, True, -1, 2**53, 10**400, [])
        ],
        *[changed(6, value) for value in ("1", 1.5, False, -1, 2**53, {})],
        *[
            changed(5, value)
            for value in ("", "by", [], ["a"] * 3, [1, None], [None, None], ["a", 1], {}, 7, False)
        ],
        None, 1, "text", {}, [], REST[:-1], [*REST, None],
        b"", b"{", b"\xff\xfe", b"[NaN]", b"nul", b"[" * 40_000, b"{" * 40_000,
        json.dumps(REST).encode() + b"x",
        json.dumps(changed(2, "X")).replace('"X"', "NaN").encode(),
        json.dumps(changed(0, {"id": "user_1", "metadata": {"a": float("nan")}})).encode(),
        json.dumps(changed(2, "X")).replace('"X"', "9" * 5000).encode(),
    ],
)  # fmt: skip
def test_a_malformed_rest_is_a_value_error(rest):
    with pytest.raises(ValueError, match=r".") as caught:
        decode_record(encoded_as(rest))
    assert "user_1" not in str(caught.value)


def test_an_impersonator_as_text_of_two_characters_is_a_value_error():
    # Impersonator(*"ab") would be one.
    with pytest.raises(ValueError, match="shape"):
        decode_record(encoded_as(changed(5, "ab")))


@pytest.mark.parametrize("sizes", [(9999, 0), (0, 9999), (9999, 9999)])
def test_parts_that_are_longer_than_the_whole_are_a_value_error(sizes):
    encoded = bytearray(encoded_as(REST, kind=1))
    struct.pack_into(">HH", encoded, 7, *sizes)
    with pytest.raises(ValueError, match=r"."):
        decode_record(bytes(encoded))


@pytest.mark.parametrize("kind", [0, 3, 255])
def test_an_unknown_format_is_a_value_error(kind):
    with pytest.raises(ValueError, match="format"):
        decode_record(encoded_as(REST, kind=kind))


def test_an_opaque_token_with_a_jwt_inside_is_a_value_error():
    with pytest.raises(ValueError, match="format"):
        decode_record(encoded_as(REST, header=b"{}", kind=2))


def test_truncated_at_any_byte_is_a_value_error():
    encoded = encode_record(record())
    for end in range(len(encoded)):
        with pytest.raises(ValueError, match="session record"):
            decode_record(encoded[:end])


def test_more_bytes_or_padding_that_is_not_zero_is_a_value_error():
    encoded = encoded_as(REST)
    assert encoded[-1] == 0
    for wrong in (encoded + b"\0", encoded + bytes(64), encoded[:-1] + b"\1"):
        with pytest.raises(ValueError, match="length"):
            decode_record(wrong)


def test_a_flipped_bit_raises_nothing_but_a_value_error():
    # The seal is what notices every change; this is about what comes of one.
    encoded = encode_record(record())
    for place in range(len(encoded) * 8):
        wrong = bytearray(encoded)
        wrong[place // 8] ^= 1 << place % 8
        with contextlib.suppress(ValueError):
            decode_record(bytes(wrong))


@given(st.binary(max_size=400))
def test_junk_is_a_value_error(junk):
    with pytest.raises(ValueError, match="session record"):
        decode_record(junk)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


@given(st.integers(0, 7), json_values)
def test_any_json_in_any_place_is_a_record_or_a_value_error(place, value):
    try:
        after = decode_record(encoded_as(changed(place, value)))
    except ValueError:
        return
    assert decode_record(encode_record(after)) == after


@pytest.mark.parametrize(
    "changes",
    [
        {"user": {}},
        {"user": {"id": "user_1", "first_name": 1}},
        {"user": {"id": "user_1", "metadata": {"a": float("nan")}}},
        {"user": {"id": "user_1", "metadata": {"a": object()}}},
        {"user": None},
        {"signed_in_at": 1.5},
        {"refresh_token": None},
        {"refresh_token": "x" * 70_000},
        {"access_token": "x" * 70_000},
        {"user": {"id": "user_1", "metadata": {"a": "x" * 70_000}}},
    ],
)
def test_a_record_that_could_not_be_read_again_is_not_written(changes):
    with pytest.raises(ValueError, match=r"session record|JSON compliant"):
        encode_record(record(**changes))


# --- what the length tells (security C2)


def test_a_decompression_bomb_is_not_inflated(monkeypatch):
    """Five megabytes of zeros are five kilobytes; not more than 64 kB of them are made."""
    made = []

    class Watched:
        def __init__(self, *arguments, **options):
            self.real = zlib.decompressobj(*arguments, **options)

        def decompress(self, *arguments):
            made.append(len(out := self.real.decompress(*arguments)))
            return out

        def __getattr__(self, name):
            return getattr(self.real, name)

    class Zlib:
        error = zlib.error
        decompressobj = Watched

    bomb = encoded_as(b"0" * 5_000_000)
    monkeypatch.setattr(cookie, "zlib", Zlib)
    with pytest.raises(ValueError, match="length"):
        decode_record(bomb)
    assert made == [cookie.MAX_INFLATED + 1]


def deflated(record: SessionRecord) -> bytes:
    encoded = encode_record(record)
    _, refresh, signature, length, _, _ = struct.unpack_from(">BHHHHH", encoded)
    start = 11 + refresh + signature
    return encoded[start : start + length]


@pytest.mark.parametrize("shared", range(0, 26, 5))
def test_a_guess_of_the_refresh_token_does_not_change_the_length(shared):
    """A name that begins like the refresh token compresses like any other."""
    secret = "yAjhKk23hJMM3DaRq0W7vTzXs"
    guess = secret[:shared] + "Zp5QmB8cLfE1uVd6NxGtI4wHo"[shared:]
    user = {**USER, "first_name": guess}
    token = access_token()
    right = record(user=user, refresh_token=secret, access_token=token)
    wrong = record(user=user, refresh_token=secret[::-1], access_token=token)
    assert len(encode_record(right)) == len(encode_record(wrong))
    assert deflated(right) == deflated(wrong)


def test_a_guess_of_the_signature_does_not_change_the_length():
    signature = random.Random(5).randbytes(256)
    guess = base64url(signature)[:100]
    user = {**USER, "first_name": guess}
    right = record(user=user, access_token=access_token(signature=signature))
    wrong = record(user=user, access_token=access_token(signature=signature[::-1]))
    assert deflated(right) == deflated(wrong)


def test_an_opaque_access_token_stays_outside_the_deflate_stream():
    right = record(user={**USER, "first_name": "secret-token"}, access_token="secret-token")
    wrong = record(user={**USER, "first_name": "secret-token"}, access_token="nekot-terces")
    assert deflated(right) == deflated(wrong)


def test_lengths_are_padded_to_64_bytes():
    lengths = {len(encode_record(record(refresh_token="x" * size))) for size in range(1, 300)}
    assert all(length % 64 == 0 for length in lengths)
    assert len(lengths) <= 6


# --- size, beside what WorkOS's own libraries for JavaScript write


def fe26(password: str, plaintext: str, encryption_salt: str, mac_salt: str, iv: bytes) -> str:
    """Iron's seal ``Fe26.2``, as authkit-session and iron-session write it."""

    def key(salt: str) -> bytes:
        return hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), 1, 32)

    padder = padding.PKCS7(128).padder()
    padded = padder.update(plaintext.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key(encryption_salt)), modes.CBC(iv)).encryptor()
    ciphertext = encryptor.update(padded) + encryptor.finalize()
    fields = f"Fe26.2*1*{encryption_salt}*{base64url(iv)}*{base64url(ciphertext)}*"
    mac = hmac.digest(key(mac_salt), fields.encode(), "sha256")
    return f"{fields}*{mac_salt}*{base64url(mac)}~2"


def test_the_fe26_of_these_tests_is_the_real_one():
    known = (
        "Fe26.2*1*7a4a11ec7e5b63da6168a3d059d1c831d8800f5b7f745b6784d9b9ec97c453ac"
        "*M5_9dn-qMnJkpX_P1jcuKw*j4p7SbXsnyHK7FabfH4hhhwCtGmaNehLHrWvdc4ATfu_JRFk2WwYw98Zu_5eM-V2q"
        "Uohi"
        "N_j4IRaxCCAp7irWolPc5PpnW6gaAVsGP1dI-pMmaO7xO5d3fdybDNn4zBZ**44d504849ac140b6d0920a067204"
        "69624eefe4bea36777474f0bb0d8c31837c7*5viwnESt-OIhibZfv21eXgJjmDVQCKsuG_DhimQ1OoY~2"
    )
    fields = known.split("*")
    assert known == fe26(
        "0123456789abcdef0123456789abcdef-test",
        '{"accessToken":"at.é","refreshToken":"rt","user":{"id":"user_1","firstName":null}}',
        encryption_salt=fields[2],
        mac_salt=fields[6],
        iv=base64.urlsafe_b64decode(fields[3] + "=="),
    )


def fe26_of(session: SessionRecord) -> str:
    def camel(name: str) -> str:
        first, *others = name.split("_")
        return first + "".join(word.title() for word in others)

    payload = {
        "organizationId": session.organization_id,
        "user": {camel(name): value for name, value in session.user.items()},
        "accessToken": session.access_token,
        "refreshToken": session.refresh_token,
        "authenticationMethod": session.authentication_method,
    }
    plaintext = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    return fe26("p" * 32, plaintext, os.urandom(32).hex(), os.urandom(32).hex(), os.urandom(16))


def sealed_size(session: SessionRecord) -> int:
    seal = Sealer(KeyRing(["p" * 32]), purpose="session", client_id="client_1").seal
    return len(seal(encode_record(session), name="__Host-wos-session"))


def test_with_30_permissions_and_20_flags_it_is_at_most_half_of_fe26():
    session = record(access_token=access_token(PERMISSIONS, FLAGS))
    assert len(PERMISSIONS) == 30
    assert len(FLAGS) == 20
    assert sealed_size(session) * 2 <= len(fe26_of(session))


def test_with_60_permissions_it_still_fits_into_a_cookie():
    more = [f"{each}:{verb}" for each in RESOURCES for verb in ("archive", "export", "audit")]
    session = record(access_token=access_token(PERMISSIONS + more, FLAGS))
    assert len(fe26_of(session)) > 4000
    assert sealed_size(session) < 2600


def test_a_record_is_frozen_and_shows_no_token():
    after = decode_record(encode_record(record()))
    with pytest.raises(dataclasses.FrozenInstanceError):
        after.refresh_token = "x"
    assert after.refresh_token not in repr(after)
