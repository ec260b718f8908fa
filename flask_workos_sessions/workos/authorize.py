"""The URL that sends somebody to AuthKit, and the random values of one attempt to sign in.

Parameters: WorkOS API reference, *Get an authorization URL*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from authlib.common.security import generate_token  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

#: The options that may come from anybody's query string (security S1).
QUERY_OPTIONS = frozenset({"login_hint", "screen_hint", "invitation_token"})
#: Every option that an application may pass.
AUTHORIZE_OPTIONS = QUERY_OPTIONS | {
    "connection_id",
    "domain_hint",
    "max_age",
    "organization_id",
    "prompt",
    "provider",
    "provider_query_params",
    "provider_scopes",
}

_MAX_LENGTH = 2000
_SCREENS = ("sign-in", "sign-up")
_PROVIDER = re.compile(r"authkit|[A-Z][A-Za-z]{0,40}OAuth")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")


def authorize_url(
    *,
    base_url: str,
    client_id: str,
    redirect_uri: str,
    state: str,
    code_challenge: str,
    options: Mapping[str, str],
) -> str:
    """Where to send the browser. ``options`` are what :func:`check_options` returned."""
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": code_challenge,
        "code_challenge_method": "S256",
    }
    if "connection_id" not in options:
        # A connection is a provider of its own; WorkOS wants one or the other.
        parameters["provider"] = "authkit"
    for name, value in options.items():
        if name == "provider_query_params":
            query = json.loads(value)
            parameters |= {f"{name}[{each}]": query[each] for each in query}
        elif name in AUTHORIZE_OPTIONS:
            parameters[name] = value
    return f"{base_url.rstrip('/')}/user_management/authorize?{urlencode(parameters)}"


def check_options(options: Mapping[str, Any]) -> dict[str, str]:
    """The options as text; those that are ``None`` are left out.

    ``max_age`` is in seconds, ``provider_scopes`` a text or a sequence of texts,
    ``provider_query_params`` a mapping (or that as JSON, as this function returns it).

    :raises ValueError: naming an option that does not exist or has a value that cannot be.
    """
    checked = {}
    for name, value in options.items():
        if name not in AUTHORIZE_OPTIONS:
            known = ", ".join(sorted(AUTHORIZE_OPTIONS))
            raise ValueError(f"There is no sign-in option {name!r}. There are: {known}.")
        if value is not None:
            checked[name] = _check(name, value)
    return checked


def new_state() -> str:
    """A random ``state`` (about 256 bits), in letters and digits."""
    return str(generate_token(43))


def new_code_verifier() -> str:
    """A random PKCE code verifier (RFC 7636, 4.1)."""
    return str(generate_token(64))


def code_challenge(verifier: str) -> str:
    """The S256 code challenge of a verifier (RFC 7636, 4.2)."""
    return str(create_s256_code_challenge(verifier))


def _check(name: str, value: Any) -> str:
    if name == "max_age":
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,9}", text):
            raise ValueError("The sign-in option max_age is a number of seconds, 0 or more.")
        return text
    if name == "provider_query_params":
        return _check_query(value)
    if name == "provider_scopes" and isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join([_check_text(name, each) for each in value])
    text = _check_text(name, value)
    if name == "screen_hint" and text not in _SCREENS:
        raise ValueError('The sign-in option screen_hint is "sign-in" or "sign-up".')
    if name == "provider" and not _PROVIDER.fullmatch(text):
        raise ValueError('The sign-in option provider is "authkit" or such as "GoogleOAuth".')
    return text


def _check_text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_LENGTH or not _PRINTABLE.fullmatch(value):
        raise ValueError(
            f"The sign-in option {name} is a text of 1 to {_MAX_LENGTH:,} printable characters."
        )
    return value


def _check_query(value: object) -> str:
    fault = ValueError("The sign-in option provider_query_params is a mapping of texts.")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise fault from None
    if not isinstance(value, Mapping) or not value:
        raise fault
    try:
        checked = {_check_text("name", name): _query_text(value[name]) for name in value}
    except ValueError:
        raise fault from None
    return json.dumps(checked, ensure_ascii=False, separators=(",", ":"))


def _query_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _check_text("value", str(value) if isinstance(value, int) else value)
