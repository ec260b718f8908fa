"""Access tokens (security C7): which are believed, and what they say."""

from __future__ import annotations

import base64
import json
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_workos_sessions.tokens.access_token import (
    MAX_LENGTH,
    AccessTokenVerifier,
    ClockSkewed,
    InvalidToken,
    KeysUnavailable,
    KeyUnknown,
)
from flask_workos_sessions.tokens.jwks import KeySetCache

HEADER = {"alg": "RS256", "typ": "JWT", "kid": "key_1"}
NOW = 1_795_445_846


def verifier(issuer, clock, *, fetch=None, **options) -> AccessTokenVerifier:
    keys = KeySetCache(fetch or issuer.jwks, clock=clock)
    return AccessTokenVerifier(keys, **{"client_id": "client_1", "clock": clock, **options})


@pytest.fixture
def tokens(issuer, clock) -> AccessTokenVerifier:
    return verifier(issuer, clock)


@pytest.fixture
def inspector(issuer, clock) -> AccessTokenVerifier:
    """One that fails the test when it fetches the key set."""

    def fetch():
        pytest.fail("the key set was fetched")

    return verifier(issuer, clock, fetch=fetch)


def test_a_good_token_says_who_is_signed_in(tokens, issuer):
    raw = issuer.token()
    token = tokens.verify(raw)
    assert token.raw == raw
    assert token.kid == "key_1"
    assert token.subject == "user_1"
    assert token.session_id == "session_1"
    assert token.organization_id == "org_1"
    assert (token.issued_at, token.expires_at) == (NOW - 10, NOW + 290)
    assert token.authenticated_at == NOW - 100
    assert (token.role, token.roles) == ("admin", ("admin",))
    assert token.permissions == ("posts:read", "posts:write")
    assert token.entitlements == ("audit-logs",)
    assert token.feature_flags == ("beta",)
    assert token.claims["jti"] == "jti_1"


def test_inspect_says_the_same_without_a_key_and_without_io(tokens, inspector, issuer):
    raw = issuer.token()
    assert inspector.inspect(raw) == tokens.verify(raw)


def test_what_the_claims_do_not_have_is_empty(tokens, issuer):
    bare = dict.fromkeys(
        ("org_id", "role", "roles", "permissions", "entitlements", "feature_flags", "auth_time"),
        ...,
    )
    token = tokens.verify(issuer.token(**bare, client_id=..., iss=...))
    assert (token.organization_id, token.role, token.authenticated_at) == (None, None, None)
    assert token.roles == token.permissions == token.entitlements == token.feature_flags == ()


@pytest.mark.parametrize("value", [1, True, "text", {"a": 1}, None, 1.5])
def test_claims_that_a_template_has_overridden_do_not_break_anything(tokens, issuer, value):
    names = ("roles", "permissions", "entitlements", "feature_flags")
    token = tokens.verify(issuer.token(**dict.fromkeys(names, value)))
    assert [getattr(token, name) for name in names] == [()] * 4


def test_only_texts_are_roles_and_organizations(tokens, issuer):
    token = tokens.verify(issuer.token(role=["admin"], org_id=7, permissions=["a", 1, None, "b"]))
    assert (token.role, token.organization_id) == (None, None)
    assert token.permissions == ("a", "b")


def test_an_audience_is_no_concern(tokens, issuer):
    assert tokens.verify(issuer.token(aud="anything"))


def test_a_token_that_has_run_out_is_for_the_caller_to_judge(tokens, issuer):
    assert tokens.verify(issuer.token(exp=NOW - 5000)).expires_at == NOW - 5000


# --- what is refused

REFUSED = {
    "no-exp": ({"exp": ...}, "no expiry"),
    "exp-null": ({"exp": None}, "no expiry"),
    "exp-text": ({"exp": "1795446146"}, "no expiry"),
    "exp-true": ({"exp": True}, "no expiry"),
    "exp-negative": ({"exp": -1}, "no expiry"),
    "exp-endless": ({"exp": 10**400}, "no expiry"),
    "no-iat": ({"iat": ...}, "no time of issue"),
    "iat-text": ({"iat": "now"}, "no time of issue"),
    "nbf-text": ({"nbf": "now"}, "a wrong time"),
    "no-sid": ({"sid": ...}, "no session id"),
    "sid-null": ({"sid": None}, "no session id"),
    "sid-empty": ({"sid": ""}, "no session id"),
    "sid-number": ({"sid": 1}, "no session id"),
    "no-sub": ({"sub": ...}, "no subject"),
    "sub-empty": ({"sub": ""}, "no subject"),
    "sub-list": ({"sub": ["user_1"]}, "no subject"),
    "foreign-client": ({"client_id": "client_2"}, "another client id"),
    "client-null": ({"client_id": None}, "another client id"),
    "client-list": ({"client_id": ["client_1"]}, "another client id"),
    "agent": ({"sub_profile": "agent"}, "a subject that is not a user"),
    "profile-list": ({"sub_profile": ["user"]}, "a subject that is not a user"),
    "widget": ({"sub_type": "widget"}, "a subject that is not a user"),
    "sub-type-empty": ({"sub_type": ""}, "a subject that is not a user"),
}


@pytest.mark.parametrize(("changes", "reason"), REFUSED.values(), ids=REFUSED)
def test_wrong_claims_are_refused(inspector, issuer, changes, reason):
    with pytest.raises(InvalidToken) as refused:
        inspector.inspect(issuer.token(**changes))
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "changes", [{"sub_profile": "user"}, {"sub_profile": None, "sub_type": None}]
)
def test_a_user_by_another_spelling_is_accepted(tokens, issuer, changes):
    assert tokens.verify(issuer.token(**changes))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "HS256", "RS512", "PS256", "ES256", None, 1, ["RS256"]]
)
def test_another_algorithm_than_rs256_is_refused(inspector, issuer, algorithm):
    for signature in (b"", b"signature"):
        token = issuer.unsigned({**HEADER, "alg": algorithm}, issuer.claims(), signature)
        with pytest.raises(InvalidToken, match="algorithm"):
            inspector.inspect(token)


def test_hs256_with_the_public_key_as_its_secret_is_refused(tokens, issuer):
    """The classic confusion: our public key, known to everybody, taken for an HMAC secret."""
    import hashlib
    import hmac

    unsigned = issuer.unsigned({**HEADER, "alg": "HS256"}, issuer.claims()).rpartition(".")[0]
    secret = issuer.keys["key_1"].as_pem(private=False)
    mac = hmac.digest(secret, unsigned.encode(), hashlib.sha256)
    signature = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    with pytest.raises(InvalidToken, match="algorithm"):
        tokens.verify(f"{unsigned}.{signature}")


@pytest.mark.parametrize("kid", [None, "", 1, ["key_1"], {}])
def test_a_header_without_a_key_id_is_refused(inspector, issuer, kid):
    with pytest.raises(InvalidToken, match="no key id"):
        inspector.inspect(issuer.unsigned({**HEADER, "kid": kid}, issuer.claims()))


def test_a_header_member_that_we_do_not_know_is_ignored(tokens, issuer):
    # RFC 7515, 4.1.11. A new one at WorkOS's must not sign everybody out.
    assert tokens.verify(issuer.token(header={"x-new": "1"}))


def test_a_critical_header_member_is_refused(inspector, issuer):
    header = {**HEADER, "crit": ["b64"], "b64": False}
    with pytest.raises(InvalidToken, match="critical"):
        inspector.inspect(issuer.unsigned(header, issuer.claims()))


@pytest.mark.parametrize(
    "raw",
    [
        "", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "e30.e30.", "é.é.é", "\ud800..",
        None, 7, b"e30.e30.",
        "bnVsbA.bnVsbA.", "W10.W10.", "e30=.e30.AA", "e3 0.e30.AA", "e30\n.e30.AA",
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused(inspector, raw):
    with pytest.raises(InvalidToken):
        inspector.inspect(raw)


@pytest.mark.parametrize(
    "claims",
    [
        b"", b"null", b"[]", b'"text"', b"{", b"\xff\xfe{", b'{"exp": NaN}',
        b"[" * 9_000, b'{"exp": ' + b"9" * 9000 + b"}",
    ],
)  # fmt: skip
def test_claims_that_are_no_json_object_are_refused(inspector, issuer, claims):
    for header, payload in ((HEADER, claims), (claims, issuer.claims())):
        with pytest.raises(InvalidToken, match="no readable form"):
            inspector.inspect(issuer.unsigned(header, payload))


def test_a_giant_token_is_not_even_decoded(inspector, issuer, monkeypatch):
    token = issuer.token(filler="x" * MAX_LENGTH)
    monkeypatch.setattr("flask_workos_sessions.tokens.access_token._base64", None)
    with pytest.raises(InvalidToken, match="no readable form"):
        inspector.inspect(token)


@given(
    st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){2}", fullmatch=True)
)
def test_no_text_raises_anything_else(raw):
    tokens = AccessTokenVerifier(KeySetCache(dict), client_id="client_1")
    with pytest.raises(InvalidToken):
        tokens.inspect(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.sampled_from(["alg", "kid", "crit", "typ"]),
    st.sampled_from(
        [
            "iss", "sub", "sid", "org_id", "role", "roles", "permissions", "client_id",
            "auth_time", "iat", "exp", "nbf", "sub_profile", "sub_type",
        ]
    ),
    json_values,
    json_values,
)  # fmt: skip
def test_no_value_in_any_claim_raises_anything_else(issuer, member, claim, first, second):
    tokens = AccessTokenVerifier(
        KeySetCache(dict), client_id="client_1", issuers=["https://api.workos.com"]
    )
    for header, claims in (
        (HEADER, issuer.claims(**{claim: second})),
        ({**HEADER, member: first}, issuer.claims()),
    ):
        try:
            token = tokens.inspect(issuer.unsigned(header, claims))
        except InvalidToken:
            continue
        assert hash(token) == hash(tokens.inspect(token.raw))


# --- the issuer


@pytest.mark.parametrize("iss", ["https://api.workos.com", "https://login.acme.test"])
def test_any_of_the_accepted_issuers_will_do(issuer, clock, iss):
    """Peers: bug class I, an issuer that was pinned too hard."""
    accepted = ("https://api.workos.com", "https://login.acme.test")
    assert verifier(issuer, clock, issuers=accepted).verify(issuer.token(iss=iss))


@pytest.mark.parametrize(
    "iss",
    ["https://api.workos.com/", "https://evil.test", "", None, ..., 1, ["https://api.workos.com"]],
)
def test_another_issuer_is_refused_when_issuers_are_named(issuer, clock, iss):
    named = verifier(issuer, clock, issuers=["https://api.workos.com"])
    with pytest.raises(InvalidToken, match="issuer"):
        named.inspect(issuer.token(iss=iss))
    assert verifier(issuer, clock).inspect(issuer.token(iss=iss))


# --- clocks


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_from_the_future_is_skewed_beyond_a_minute(inspector, issuer, claim):
    """Peers: bug class M, workos-python #468."""
    assert inspector.inspect(issuer.token(**{claim: NOW + 60}))
    with pytest.raises(ClockSkewed):
        inspector.inspect(issuer.token(**{claim: NOW + 61}))


@pytest.mark.parametrize(
    ("auth_time", "expected"),
    [
        (NOW, NOW), (NOW + 0.9, NOW), (0, 0),
        ("now", None), (True, None), (None, None), (-1, None), (1e300, None), ([], None),
    ],
)  # fmt: skip
def test_authenticated_at_is_a_number_of_seconds_or_unknown(inspector, issuer, auth_time, expected):
    assert inspector.inspect(issuer.token(auth_time=auth_time)).authenticated_at == expected


# --- the signature


def test_any_change_of_header_claims_or_signature_is_refused(tokens, issuer):
    header, claims, signature = issuer.token().split(".")
    other = json.dumps(issuer.claims(role="owner")).encode()
    forged = base64.urlsafe_b64encode(other).rstrip(b"=").decode()
    another_header = issuer.unsigned({**HEADER, "x": 1}, b"").partition(".")[0]
    for wrong in (
        f"{header}.{forged}.{signature}",
        f"{another_header}.{claims}.{signature}",
        f"{header}.{claims}.",
        f"{header}.{claims}.{signature[:-4]}",
        f"{header}.{claims}.{signature}AAAA",
        f"{header}.{claims}.{signature[:50]}{'A' if signature[50] != 'A' else 'B'}{signature[51:]}",
        f"{header}.{claims}.é",
        f"{header}.{claims}.A",
    ):
        with pytest.raises(InvalidToken, match="a wrong signature"):
            tokens.verify(wrong)


def test_a_signature_by_another_published_key_is_refused(issuer, clock):
    both = verifier(issuer, clock, fetch=lambda: issuer.jwks("key_1", "key_2"))
    signed_by_2 = issuer.token(kid="key_2", header={"kid": "key_1"})
    with pytest.raises(InvalidToken, match="a wrong signature"):
        both.verify(signed_by_2)


def test_a_key_that_is_not_published_is_unknown(tokens, issuer):
    with pytest.raises(KeyUnknown):
        tokens.verify(issuer.token(kid="key_2"))


def test_without_keys_nothing_is_decided(issuer, clock):
    def fetch():
        raise OSError("down")

    with pytest.raises(KeysUnavailable):
        verifier(issuer, clock, fetch=fetch).verify(issuer.token())
    assert not issubclass(KeysUnavailable, InvalidToken)


def test_an_inspected_token_can_be_checked_later(tokens, issuer):
    tokens.check_signature(tokens.inspect(issuer.token()))
    forged = issuer.unsigned(HEADER, issuer.claims())
    with pytest.raises(InvalidToken, match="a wrong signature"):
        tokens.check_signature(tokens.inspect(forged))


# --- nothing is told


def test_neither_repr_nor_errors_tell_the_token_or_its_claims(tokens, issuer):
    raw = issuer.token(act={"sub": "support@vendor.test"}, sub_type=...)
    shown = repr(tokens.verify(raw)) + str(tokens.verify(raw))
    assert raw not in shown
    assert "support@vendor.test" not in shown
    with pytest.raises(InvalidToken) as refused:
        tokens.verify(issuer.token(client_id="client_secret"))
    assert "client_secret" not in str(refused.value) + repr(refused.value)


def test_a_verified_token_is_immutable(tokens, issuer):
    token = tokens.verify(issuer.token())
    with pytest.raises(TypeError):
        token.claims["role"] = "owner"
    with pytest.raises(AttributeError):
        token.role = "owner"


def test_no_library_warns(tokens, issuer):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tokens.verify(issuer.token())
    assert not caught
