"""The bytes of a session record before they are sealed: small, padded, checked.

Layout::

    format 1 | lengths | refresh token | JWT signature | deflate(JWT header, JWT payload, rest) | 0…

Somebody who can choose a part of what is compressed (their name, say) learns from the length
what else is in there. So the refresh token and the signature stay outside the compressed part,
and the whole is padded to a multiple of 64 bytes (security C2).
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn

from ..session import USER_TEXTS
from ..session_record import Impersonator, Marks, SessionRecord
from . import base64url
from .dictionary import DICTIONARY

#: The padded length is a multiple of this (bytes).
BLOCK = 64
#: The compressed part never grows beyond this when it is inflated (bytes).
MAX_INFLATED = 65_536

# Format; bytes of the refresh token, of the signature, of the compressed part; and, inside the
# compressed part, of the JWT's header and payload.
_HEADER = struct.Struct(">BHHHHH")
#: The access token's parts are kept as bytes, and put together again.
_JWT = 1
#: The access token is not a JWT as we would write it: it is kept as it is, uncompressed.
_OPAQUE = 2
_MAX_TIME = 2**53

_TEXT_OR_NONE = frozenset({str, type(None)})


def encode_record(record: SessionRecord) -> bytes:
    """The record as bytes; their number is a multiple of 64.

    :raises ValueError: when the record is too large, or would be refused by
        :func:`decode_record`.
    """
    _check(record)
    kind, header, payload, signature = _split(record.access_token)
    rest = _dump(
        [
            record.user,
            record.organization_id,
            record.signed_in_at,
            record.not_after,
            record.authentication_method,
            [record.impersonator.email, record.impersonator.reason]
            if record.impersonator
            else None,
            record.expires_at,
            record.previous,
            *_marks(record),
        ]
    )
    plain = header + payload + rest
    if len(plain) > MAX_INFLATED:
        raise ValueError("session record too large")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    deflated = deflater.compress(plain) + deflater.flush()
    refresh_token = _bytes(record.refresh_token)
    try:
        lengths = _HEADER.pack(
            kind, len(refresh_token), len(signature), len(deflated), len(header), len(payload)
        )
    except struct.error:
        raise ValueError("session record too large") from None
    encoded = lengths + refresh_token + signature + deflated
    return encoded + bytes(-len(encoded) % BLOCK)


def decode_record(encoded: bytes) -> SessionRecord:
    """The record in these bytes.

    :raises ValueError: when they are anything but what :func:`encode_record` makes.
    """
    return decode_with_claims(encoded)[0]


def decode_with_claims(encoded: bytes) -> tuple[SessionRecord, bytes | None]:
    """The record, and the JSON of its access token's claims while it is at hand.

    :raises ValueError: as :func:`decode_record`.
    """
    try:
        kind, *sizes = _HEADER.unpack_from(encoded)
    except struct.error:
        raise ValueError("session record cut short") from None
    refresh_size, signature_size, deflated_size, header_size, payload_size = sizes
    signature_at = _HEADER.size + refresh_size
    deflated_at = signature_at + signature_size
    end = deflated_at + deflated_size
    if len(encoded) != end + -end % BLOCK or any(encoded[end:]):
        raise ValueError("session record of the wrong length")
    plain = _inflate(encoded[deflated_at:end])
    rest_at = header_size + payload_size
    signature = encoded[signature_at:deflated_at]
    if kind == _JWT:
        claims = plain[header_size:rest_at]
        access_token = base64url.encode(plain[:header_size], claims, signature)
    elif kind == _OPAQUE and not rest_at:
        access_token, claims = _text(signature), None
    else:
        raise ValueError("session record of an unknown format")
    record = _load(plain[rest_at:], access_token, _text(encoded[_HEADER.size : signature_at]))
    _check(record)
    return record, claims


def _split(token: str) -> tuple[int, bytes, bytes, bytes]:
    """Header, payload and signature of a token, so that base64 does not hide them from deflate."""
    try:
        header, payload, signature = [base64url.decode(part) for part in token.split(".")]
    except ValueError:
        return _OPAQUE, b"", b"", _bytes(token)
    return _JWT, header, payload, signature


def _inflate(deflated: bytes) -> bytes:
    inflater = zlib.decompressobj(-15, zdict=DICTIONARY)
    try:
        plain = inflater.decompress(deflated, MAX_INFLATED + 1)
    except zlib.error:
        raise ValueError("session record does not inflate") from None
    if len(plain) > MAX_INFLATED or not inflater.eof or inflater.unused_data:
        raise ValueError("session record inflates to the wrong length")
    return plain


def _load(rest: bytes, access_token: str, refresh_token: str) -> SessionRecord:
    try:
        (
            user,
            organization_id,
            signed_in_at,
            not_after,
            method,
            by,
            expires_at,
            previous,
            *marks,
        ) = _scan(_text(rest))
        if not isinstance(by, list | None):
            raise TypeError
        asked_after, newer_than = map(tuple, marks or ((), ()))
        impersonator = None if by is None else Impersonator(*by)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("session record of the wrong shape") from None
    return SessionRecord(
        access_token=access_token,
        refresh_token=refresh_token,
        user=user,
        organization_id=organization_id,
        signed_in_at=signed_in_at,
        not_after=not_after,
        authentication_method=method,
        impersonator=impersonator,
        expires_at=expires_at,
        previous=previous,
        asked_after=asked_after,
        newer_than=newer_than,
    )


def _marks(record: SessionRecord) -> tuple[Marks, ...]:
    """Most sessions have none, and are no larger for it."""
    marks = (record.asked_after, record.newer_than)
    return marks if any(marks) else ()


def _check(record: SessionRecord) -> None:
    """:raises ValueError: when a value of the record has the wrong type."""
    user = record.user
    by = record.impersonator
    if not (
        isinstance(user, Mapping)
        and isinstance(record.access_token, str)
        and isinstance(record.refresh_token, str)
        and isinstance(user.get("id"), str)
        and user["id"]
        and isinstance(user.get("email_verified"), bool | None)
        and (user.get("metadata") is None or isinstance(user["metadata"], Mapping))
        and _TEXT_OR_NONE.issuperset(map(type, map(user.get, USER_TEXTS)))
        and _is_text(record.organization_id)
        and _is_text(record.authentication_method)
        and _is_text(record.previous)
        and _is_time(record.signed_in_at)
        and _is_time(record.not_after)
        and (record.expires_at is None or _is_time(record.expires_at))
        and all(map(_is_time, (*record.asked_after, *record.newer_than)))
        and (by is None or (isinstance(by.email, str) and _is_text(by.reason)))
    ):
        raise ValueError("session record with a value of the wrong type")


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value < _MAX_TIME


def _dump(values: list[Any]) -> bytes:
    try:
        text = json.dumps(
            values, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
        )
    except (TypeError, RecursionError):
        raise ValueError("session record with a value that is not JSON") from None
    return _bytes(text)


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a number")


_JSON = json.JSONDecoder(parse_constant=_refuse)


def _scan(text: str) -> Any:
    """What :func:`_dump` wrote: JSON without white space around it."""
    value, end = _JSON.raw_decode(text)
    if end != len(text):
        raise ValueError("not JSON")
    return value


# JSON may hold half a surrogate pair ("\ud83d"); it must survive, not break the session.
def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")
