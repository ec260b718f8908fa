"""WorkOS's access token: what it says, and whether to believe it.

The rules: WorkOS's user tokens are RS256 JWTs (RFC 7519) with a session id; agent and widget
tokens are signed with the same keys and are no session (security C7).
"""

from __future__ import annotations

import binascii
import json
import math
import time
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from .jwks import WAIT, KeySetCache
from .refusals import SKEW, ClockSkewed, InvalidToken, KeysUnavailable, KeyUnknown

__all__ = [
    "AccessToken",
    "AccessTokenVerifier",
    "ClockSkewed",
    "InvalidToken",
    "KeyUnknown",
    "KeysUnavailable",
]

#: Seconds that a token lives unless the dashboard says otherwise.
TOKEN_SECONDS = 300
#: Characters of the longest token that is looked at.
MAX_LENGTH = 16_384

_MAX_TIME = 2**53
_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_URL_SAFE = _STANDARD[:-2] + b"-_"
_TO_STANDARD = bytes.maketrans(_URL_SAFE, _STANDARD)
_PADDING, _HASH = PKCS1v15(), SHA256()


class AccessToken(NamedTuple):
    """The claims of a user's access token. Times are seconds since the epoch.

    ``authenticated_at`` is when the person last proved who they are (``auth_time``); ``actor`` is
    who acts as the person, by address (``act``).
    """

    raw: str
    kid: str
    subject: str
    session_id: str
    organization_id: str | None
    issued_at: int
    expires_at: int
    authenticated_at: int | None
    role: str | None
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    entitlements: tuple[str, ...]
    feature_flags: tuple[str, ...]
    actor: str | None

    @property
    def claims(self) -> Mapping[str, Any]:
        """Every claim. Decoded when asked for: a process remembers thousands of tokens, and what
        is rarely looked at need not lie in its memory twice."""
        return MappingProxyType(_parts(self.raw)[1])

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"<AccessToken of {self.session_id}>"  # never the token or its claims


class AccessTokenVerifier:
    """Reads and checks the access tokens of one WorkOS application.

    ``issuers`` are the accepted ``iss`` values; empty: not checked, because WorkOS has several.
    Whether ``exp`` has passed is for the caller to judge: a token that has run out is still good
    for a refresh.
    """

    def __init__(
        self,
        keys: KeySetCache,
        *,
        client_id: str,
        issuers: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys
        self._client_id = client_id
        self._issuers = frozenset(issuers)
        self._clock = clock

    def inspect(
        self, raw: str, claims_json: bytes | None = None, *, any_time: bool = False
    ) -> AccessToken:
        """The token's claims, checked in all but the signature. Does no I/O.

        :param claims_json: what the token's second part holds, if it is at hand decoded.
        :param any_time: whether it may come from the future: to learn whose it is.
        :raises ClockSkewed: when it was issued more than 60 seconds in the future.
        :raises InvalidToken: for any other fault.
        """
        header, claims = _parts(raw, claims_json)
        kid = _key_id(header)
        subject, session_id = claims.get("sub"), claims.get("sid")
        if not isinstance(subject, str) or not subject:
            raise InvalidToken("no subject")
        if not isinstance(session_id, str) or not session_id:
            raise InvalidToken("no session id")
        self._check_audience(claims)
        issued_at, expires_at = self._times(claims, any_time)
        organization_id, role = claims.get("org_id"), claims.get("role")
        return AccessToken(
            raw=raw,
            kid=kid,
            subject=subject,
            session_id=session_id,
            organization_id=organization_id if isinstance(organization_id, str) else None,
            issued_at=issued_at,
            expires_at=expires_at,
            authenticated_at=_time(claims.get("auth_time")),
            role=role if isinstance(role, str) else None,
            roles=_texts(claims.get("roles")),
            permissions=_texts(claims.get("permissions")),
            entitlements=_texts(claims.get("entitlements")),
            feature_flags=_texts(claims.get("feature_flags")),
            actor=_actor(claims.get("act")),
        )

    def verify(self, raw: str) -> AccessToken:
        """The same, and the signature is right. May fetch the key set.

        :raises ClockSkewed: when it was issued more than 60 seconds in the future.
        :raises KeyUnknown: when a key set that was fetched after it was issued lacks its key.
        :raises InvalidToken: for any other fault.
        :raises KeysUnavailable: when its key cannot be had just now.
        """
        token = self.inspect(raw)
        self.check_signature(token)
        return token

    def check_signature(self, token: AccessToken, *, wait: float = WAIT) -> None:
        """Check the signature of a token that was inspected. May fetch the key set.

        :param wait: seconds to wait for that at most.
        :raises InvalidToken: when it is wrong; or :exc:`KeyUnknown`.
        :raises KeysUnavailable: when its key cannot be had just now.
        """
        key = self.keys.find(token.kid, token.issued_at, wait=wait)
        signed, _, signature = token.raw.rpartition(".")
        try:
            # What joserfc does for RS256, without looking up the algorithm and the key again.
            key.public_key.verify(_base64(signature), signed.encode("ascii"), _PADDING, _HASH)
        except (InvalidSignature, ValueError):
            raise InvalidToken("a wrong signature") from None

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        # Not ``aud``: WorkOS sends none, and a JWT template may add any.
        if claims.get("client_id", self._client_id) != self._client_id:
            raise InvalidToken("another client id")
        if claims.get("sub_profile") not in (None, "user") or claims.get("sub_type") is not None:
            raise InvalidToken("a subject that is not a user")
        issuer = claims.get("iss")
        if self._issuers and not (isinstance(issuer, str) and issuer in self._issuers):
            raise InvalidToken("an issuer that is not accepted")

    def _times(self, claims: Mapping[str, Any], any_time: bool) -> tuple[int, int]:
        issued_at, expires_at = _time(claims.get("iat")), _time(claims.get("exp"))
        if expires_at is None:
            raise InvalidToken("no expiry")
        if issued_at is None:
            raise InvalidToken("no time of issue")
        not_before = issued_at
        if claims.get("nbf") is not None:
            limit = _time(claims["nbf"])
            if limit is None:
                raise InvalidToken("a wrong time")
            not_before = max(issued_at, limit)
        if not any_time and not_before > self._clock() + SKEW:
            raise ClockSkewed
        return issued_at, expires_at


def _parts(raw: str, claims_json: bytes | None = None) -> tuple[str, dict[str, Any]]:
    """Header, still encoded, and claims of a compact JWS (RFC 7515, 7.1)."""
    if not isinstance(raw, str) or len(raw) > MAX_LENGTH:
        raise InvalidToken("no readable form")
    header, _, rest = raw.partition(".")
    claims, _, signature = rest.partition(".")
    if "." in signature:
        raise InvalidToken("no readable form")
    return header, _object(claims, claims_json)


# One header stands before all tokens that one key signs.
@lru_cache(maxsize=16)
def _key_id(header: str) -> str:
    members = _object(header)
    if members.get("alg") != "RS256":
        raise InvalidToken("an algorithm other than RS256")
    if "crit" in members:
        raise InvalidToken("a critical extension")
    kid = members.get("kid")
    if not isinstance(kid, str) or not kid:
        raise InvalidToken("no key id")
    return kid


def _base64(part: str) -> bytes:
    """The bytes of a part in base64url (RFC 7515, 2): no other character, no padding."""
    spelt = part.encode("ascii")
    if spelt.translate(None, _URL_SAFE):
        raise ValueError("not base64url")
    return binascii.a2b_base64(spelt.translate(_TO_STANDARD) + b"=" * (-len(spelt) % 4))


def _object(part: str, decoded: bytes | None = None) -> dict[str, Any]:
    try:
        value = _JSON.decode((decoded or _base64(part)).decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidToken("no readable form")
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a number")


_JSON = json.JSONDecoder(parse_constant=_refuse)


def _time(value: object) -> int | None:
    """A NumericDate (RFC 7519, 2) in whole seconds, ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return math.floor(value) if 0 <= value < _MAX_TIME else None


def _actor(value: object) -> str | None:
    """The subject of an actor claim (RFC 8693, 4.1)."""
    actor = value.get("sub") if isinstance(value, dict) else None
    return actor if isinstance(actor, str) else None


def _texts(value: object) -> tuple[str, ...]:
    """The texts of a list; a JWT template may have put anything in its place."""
    if type(value) is not list:
        return ()
    if {*map(type, value)} == {str}:
        return tuple(value)
    return tuple([each for each in value if isinstance(each, str)])
