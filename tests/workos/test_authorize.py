"""The way to AuthKit: state and PKCE in every URL, and only options that exist (security S1)."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from flask_workos_sessions.workos.authorize import (
    AUTHORIZE_OPTIONS,
    QUERY_OPTIONS,
    authorize_url,
    check_options,
    code_challenge,
    new_code_verifier,
    new_state,
)


def url(base_url="https://api.workos.com", **options) -> str:
    return authorize_url(
        base_url=base_url,
        client_id="client_1",
        redirect_uri="https://app.acme.test/auth/callback?a=b",
        state="state_1",
        code_challenge="challenge_1",
        options=check_options(options),
    )


def query(text: str) -> dict[str, str]:
    found = parse_qs(urlsplit(text).query, strict_parsing=True, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


ALWAYS = {
    "response_type": "code",
    "client_id": "client_1",
    "redirect_uri": "https://app.acme.test/auth/callback?a=b",
    "state": "state_1",
    "code_challenge": "challenge_1",
    "code_challenge_method": "S256",
}


@pytest.mark.parametrize("base_url", ["https://api.workos.com", "https://api.workos.com/"])
def test_state_and_pkce_are_always_there(base_url):
    text = url(base_url)
    assert text.startswith("https://api.workos.com/user_management/authorize?")
    assert query(text) == {**ALWAYS, "provider": "authkit"}


def test_options_are_added():
    options = {
        "login_hint": "alice+x@acme.test",
        "screen_hint": "sign-up",
        "organization_id": "org_1",
        "max_age": 0,
        "prompt": "login",
        "domain_hint": "acme.test",
        "invitation_token": "a&b=c",
    }
    assert query(url(**options)) == {**ALWAYS, "provider": "authkit", **options, "max_age": "0"}


def test_a_connection_or_provider_takes_the_place_of_authkit():
    assert query(url(connection_id="conn_1")) == {**ALWAYS, "connection_id": "conn_1"}
    assert query(url(provider="GoogleOAuth"))["provider"] == "GoogleOAuth"


def test_no_option_can_replace_state_or_client():
    with pytest.raises(ValueError, match="state"):
        check_options({"state": "mine"})
    text = authorize_url(
        base_url="https://api.workos.com",
        client_id="client_1",
        redirect_uri=ALWAYS["redirect_uri"],
        state="state_1",
        code_challenge="challenge_1",
        options={"state": "mine", "client_id": "mine", "redirect_uri": "https://evil.test"},
    )
    assert query(text) == {**ALWAYS, "provider": "authkit"}


def test_provider_parameters():
    text = url(
        provider_query_params={"hd": "acme.test", "n": 1, "b": True}, provider_scopes=["a", "b"]
    )
    assert query(text) == {
        **ALWAYS,
        "provider": "authkit",
        "provider_query_params[hd]": "acme.test",
        "provider_query_params[n]": "1",
        "provider_query_params[b]": "true",
        "provider_scopes": "a,b",
    }


def test_checking_twice_changes_nothing():
    options = {
        "provider_query_params": {"hd": "äcme"},
        "provider_scopes": ("a", "b"),
        "max_age": 300,
        "screen_hint": "sign-in",
    }
    once = check_options(options)
    assert check_options(once) == once
    assert all(isinstance(value, str) for value in once.values())


def test_none_is_left_out():
    assert check_options({"login_hint": None, "max_age": None}) == {}


@pytest.mark.parametrize(
    "name", ["state", "redirect_uri", "client_id", "nonsense", "Login_hint", ""]
)
def test_an_unknown_option_is_named_beside_those_that_exist(name):
    with pytest.raises(ValueError, match=re.escape(repr(name))) as refused:
        check_options({name: "x"})
    assert "login_hint" in str(refused.value)


WRONG = [
    ("screen_hint", "sign-out"),
    ("screen_hint", "sign_in"),
    ("provider", "google"),
    ("provider", "authkit&state=x"),
    ("provider", "GoogleOAuth "),
    ("provider_scopes", ["a", 1]),
    ("provider_query_params", "x"),
    ("provider_query_params", []),
    ("provider_query_params", {}),
    ("provider_query_params", {"a": None}),
    ("provider_query_params", {1: "a"}),
    ("provider_query_params", "[" * 100_000),
    *[
        ("max_age", value)
        for value in (
            -1,
            "-1",
            1.5,
            "1.5",
            True,
            "",
            "soon",
            [],
            "9" * 10,
            "\N{ARABIC-INDIC DIGIT THREE}",
        )
    ],
    *[
        (name, value)
        for name in sorted(AUTHORIZE_OPTIONS - {"max_age", "provider_query_params"})
        for value in ("", "a\nb", "a\x00", "\x7f", "\ud800", "x" * 2001, 1, True, b"x", {})
    ],
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_names_its_option_and_not_itself(name, value):
    with pytest.raises(ValueError, match=name) as refused:
        check_options({name: value})
    assert "x" * 50 not in str(refused.value)


def test_an_option_from_anybody_is_a_hint_and_chooses_no_connection():
    """Security S1."""
    assert {"login_hint", "screen_hint", "invitation_token"} == QUERY_OPTIONS
    assert QUERY_OPTIONS < AUTHORIZE_OPTIONS


def test_states_and_verifiers_are_long_random_and_plain():
    for new, length in ((new_state, 43), (new_code_verifier, 64)):
        values = {new() for _ in range(200)}
        assert len(values) == 200
        assert all(re.fullmatch(f"[A-Za-z0-9]{{{length}}}", value) for value in values)


def test_the_challenge_is_the_sha256_of_the_verifier():
    verifier = new_code_verifier()
    digest = hashlib.sha256(verifier.encode()).digest()
    assert code_challenge(verifier) == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    # RFC 7636, appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
