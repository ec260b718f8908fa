"""What each answer of WorkOS's means: only ``invalid_grant`` ends a session."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_workos_sessions.session import User
from flask_workos_sessions.session_record import Impersonator
from flask_workos_sessions.workos.outcomes import (
    Authenticated,
    InteractionRequired,
    Misconfigured,
    OrganizationRefused,
    Rejected,
    Transient,
    classify,
)

USER = {
    "object": "user",
    "id": "user_1",
    "email": "alice@acme.test",
    "first_name": "Alice",
    "last_name": None,
    "email_verified": True,
    "metadata": {"team": "core"},
}
GOOD = {"user": USER, "access_token": "header.claims.signature", "refresh_token": "refresh"}


def outcome(status, answer, headers=None):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return classify(status, headers or {}, body)


# --- 200


def test_a_session_with_all_that_may_come_with_it():
    answer = {
        **GOOD,
        "organization_id": "org_1",
        "authentication_method": "GoogleOAuth",
        "impersonator": {"email": "support@vendor.test", "reason": "Ticket 42"},
    }
    assert outcome(200, answer) == Authenticated(
        user=USER,
        access_token="header.claims.signature",
        refresh_token="refresh",
        organization_id="org_1",
        authentication_method="GoogleOAuth",
        impersonator=Impersonator("support@vendor.test", "Ticket 42"),
    )


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"organization_id": None, "authentication_method": None, "impersonator": None},
        {"organization_id": "", "authentication_method": 1, "impersonator": "somebody"},
        {"organization_id": [], "impersonator": {"reason": "no address"}},
    ],
)
def test_what_is_absent_null_or_of_another_type_is_none(more):
    authenticated = outcome(200, {**GOOD, **more})
    assert authenticated == Authenticated(USER, GOOD["access_token"], GOOD["refresh_token"])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"message": "OK"},
        *[{name: value for name, value in GOOD.items() if name != left_out} for left_out in GOOD],
        *[{**GOOD, name: value} for name in GOOD for value in (None, "", 1, [], True)],
        *[{**GOOD, "user": {**USER, "id": value}} for value in (None, "", 1, ["user_1"])],
        {**GOOD, "user": [USER]},
    ],
)
def test_200_without_a_token_or_a_user_is_transient(answer):
    assert outcome(200, answer) == Transient("unreadable", status=200)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>Sign in to the hotel's network</title>",
        b"null", b"[]", b"7", b'"text"', b"{", b"\xff\xfe", b"\x1f\x8b\x08", b"[" * 100_000,
        json.dumps(GOOD).encode()[:-1],
        json.dumps(GOOD).encode()[:60],
        json.dumps(GOOD).replace("true", "NaN").encode(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422, 500, 502])
def test_a_body_that_is_no_json_object_is_transient_at_any_status(status, body):
    assert isinstance(outcome(status, body), Transient)


@pytest.mark.parametrize(
    "changes",
    [
        {"first_name": {"de": "Alice"}},
        {"email_verified": "yes"},
        {"metadata": ["team"]},
        {"updated_at": 1795445846},
    ],
)
def test_a_profile_field_of_an_unknown_type_is_left_out(changes):
    user = outcome(200, {**GOOD, "user": {**USER, **changes}}).user
    assert user == {name: value for name, value in USER.items() if name not in changes}
    assert User.from_profile(user).display_name


# --- the end


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, {"error": "invalid_grant", "error_description": "Session has already ended."}),
        (400, {"error": "invalid_grant"}),
        (400, {"code": "invalid_grant", "message": "…"}),
        (401, {"error": "invalid_grant"}),
        (403, {"error": "invalid_grant"}),
    ],
)
def test_invalid_grant_is_final(status, answer):
    assert outcome(status, answer) == Rejected("invalid_grant", status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 500, 503])
@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"error": "invalid_request", "error_description": "The grant is not invalid_grant."},
        {"error": ["invalid_grant"]},
        {"error": {"code": "invalid_grant"}},
        {"error": "INVALID_GRANT"},
        {"message": "invalid_grant"},
        {"error": None, "code": 7},
        {"error": "access_denied"},
        {"error": "expired_token"},
        {"code": "user_mismatch", "message": "…"},
    ],
)
def test_nothing_else_is(status, answer):
    assert isinstance(outcome(status, answer), Transient | Misconfigured)


# --- the person has something to do

INTERACTIONS = [
    (403, "code", "mfa_enrollment"),
    (403, "code", "mfa_challenge"),
    (403, "code", "email_verification_required"),
    (403, "code", "organization_selection_required"),
    (403, "code", "authentication_method_not_allowed"),
    (403, "code", "email_password_auth_disabled"),
    (403, "code", "passkey_progressive_enrollment"),
    (403, "code", "radar_challenge"),
    (403, "code", "radar_email_challenge"),
    (403, "code", "radar_sms_challenge"),
    (403, "code", "radar_sign_up_challenge"),
    (403, "code", "radar_sms_sign_in_challenge"),
    (403, "code", "application_consent_required"),
    (400, "code", "phone_number_required"),
    (400, "error", "sso_required"),
    (400, "error", "mfa_enrollment"),
    (400, "error", "organization_authentication_methods_required"),
    (400, "error", "invitation_invalid"),
    (400, "error", "invitation_cannot_be_used_for_email"),
    (400, "error", "sign_up_not_allowed"),
    (400, "error", "extra_attributes_required"),
]


@pytest.mark.parametrize(("status", "member", "code"), INTERACTIONS)
def test_what_the_person_has_to_do_is_named(status, member, code):
    answer = {member: code, "message": "…", "pending_authentication_token": "pending"}
    found = outcome(status, answer)
    assert isinstance(found, InteractionRequired)
    assert found.code == code
    assert found.pending["pending_authentication_token"] == "pending"


def test_organizations_to_choose_from_have_an_id():
    offered = [
        {"id": "org_1", "name": "Acme"},
        {"id": "org_2"},
        {"id": None},
        {"name": "x"},
        "org_3",
        7,
    ]
    answer = {"code": "organization_selection_required", "organizations": offered}
    assert outcome(403, answer).pending["organizations"] == offered[:2]
    assert outcome(403, {**answer, "organizations": "all"}).pending["organizations"] == []


def test_single_sign_on_may_be_asked_for_by_message_only():
    found = outcome(400, {"message": "Must use SSO for selected organization"})
    assert found.code == "sso_required"


def test_the_organization_that_asks_for_something_is_kept():
    found = outcome(
        400, {"error": "sso_required", "organization_id": "org_1", "connection_ids": ["conn_1"]}
    )
    assert found.organization_id == "org_1"
    assert found.pending["connection_ids"] == ["conn_1"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("retina_scan_required", "retina_scan_required"),
        ("<script>", "unknown_challenge"),
        ("a\nb", "unknown_challenge"),
        ("x" * 65, "unknown_challenge"),
        (None, "unknown_challenge"),
    ],
)
def test_a_challenge_newer_than_we_are_is_still_one(code, expected):
    found = outcome(403, {"code": code, "pending_authentication_token": "pending"})
    assert isinstance(found, InteractionRequired)
    assert found.code == expected


# --- the organization


@pytest.mark.parametrize(
    "code",
    ["organization_membership_not_found", "organization_not_found", "invalid_organization_id"],
)
@pytest.mark.parametrize("member", ["error", "code"])
def test_an_organization_that_is_not_theirs(member, code):
    assert outcome(400, {member: code, "message": "…"}) == OrganizationRefused(code)


def test_404_is_about_the_organization_only_if_it_says_so():
    answer = {"message": "…", "code": "entity_not_found", "entity_id": "org_1"}
    assert outcome(404, answer) == OrganizationRefused("organization_not_found")
    for other in ({"message": "Not Found"}, {**answer, "entity_id": "client_1"}):
        assert isinstance(outcome(404, other), Misconfigured)


# --- our settings


@pytest.mark.parametrize(
    ("status", "answer", "setting"),
    [
        (401, {"message": "Unauthorized"}, "WORKOS_API_KEY"),
        (403, {"message": "Forbidden"}, "WORKOS_API_KEY"),
        (401, {"error": "invalid_client", "error_description": "…"}, "WORKOS_API_KEY"),
        (400, {"error": "invalid_client"}, "WORKOS_API_KEY"),
        (401, {"code": "unauthorized"}, "WORKOS_API_KEY"),
        (400, {"error": "unauthorized_client"}, "WORKOS_CLIENT_ID"),
        (403, {"error": "unauthorized_client"}, "WORKOS_CLIENT_ID"),
        (422, {"code": "invalid_request_parameters", "message": "…"}, "WORKOS_CLIENT_ID"),
        (422, {"message": "…"}, "WORKOS_CLIENT_ID"),
        (404, {"message": "Not Found"}, "WORKOS_BASE_URL and WORKOS_CLIENT_ID"),
        (400, {"error": "token_too_big"}, "the JWT template in the WorkOS dashboard"),
    ],
)
def test_a_refusal_of_us_names_the_setting(status, answer, setting):
    found = outcome(status, answer)
    assert isinstance(found, Misconfigured)
    assert found.setting == setting


# --- faults


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("answer", [b"", GOOD, {"error": "invalid_grant"}])
def test_a_redirect_is_transient_whatever_it_says(status, answer):
    assert outcome(status, answer, {"Location": "https://elsewhere.test"}) == Transient(
        "unreadable", status=status
    )


@pytest.mark.parametrize("status", [408, 425, 500, 501, 502, 503, 504, 520, 599])
@pytest.mark.parametrize(
    "answer", [b"", b"<html>", {"message": "boom"}, {"error": "invalid_client"}]
)
def test_a_fault_of_the_server_is_transient(status, answer):
    assert outcome(status, answer) == Transient("server_error", status=status)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (429, b""),
        (429, {"message": "…"}),
        (429, {"code": "daily_quota_exceeded", "message": "…"}),
        (400, {"error": "too_many_requests", "error_description": "…"}),
        (400, {"error": "slow_down"}),
    ],
)
def test_being_throttled_is_transient(status, answer):
    headers = {"Retry-After": "7"}
    assert outcome(status, answer, headers) == Transient("rate_limited", 7.0, status)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0), ("7", 7.0), (" 7 ", 7.0), ("1.5", 1.5), ("60", 60.0), ("61", 60.0),
        ("999999999", 60.0), ("NaN", None), ("nan", None), ("inf", None), ("Infinity", None),
        ("-inf", None), ("-1", None), ("-0.1", None), ("1e9", None), ("", None), ("soon", None),
        ("7 seconds", None), ("7, 8", None), ("0x7", None), ("\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("9" * 400, None), ("1_0", None), ("+7", None), ("\x00", None),
        ("Tue, 99 Foo 2026 99:99:99 GMT", None), ("Tue, 24 Nov 99999 00:00:00 GMT", None),
        ("Tue, 24 Nov 2026 00:00:00 +9999", None),
    ],
)  # fmt: skip
def test_retry_after_is_a_bounded_number_or_nothing(value, seconds):
    assert outcome(429, b"", {"Retry-After": value}) == Transient("rate_limited", seconds, 429)
    assert outcome(503, b"", {"retry-after": value}) == Transient("server_error", seconds, 503)


@pytest.fixture
def far_from_greenwich(monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Tue, 24 Nov 2026 02:00:20 GMT", 20.0),
        ("Tue, 24 Nov 2026 03:00:00 GMT", 60.0),
        ("Tue, 24 Nov 2026 02:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2026 01:59:59 GMT", None),
        ("Tue, 24 Nov 2026 02:00:20 -0000", 20.0),
    ],
)
@pytest.mark.usefixtures("far_from_greenwich")
def test_retry_after_as_a_date_is_by_the_servers_clock(value, seconds):
    headers = {"Retry-After": value, "Date": "Tue, 24 Nov 2026 02:00:00 GMT"}
    assert outcome(429, b"", headers) == Transient("rate_limited", seconds, 429)


@pytest.mark.parametrize("date", [{}, {"Date": "yesterday"}])
def test_retry_after_as_a_date_without_the_servers_clock_is_by_ours(date):
    headers = {"Retry-After": formatdate(time.time() + 30, usegmt=True), **date}
    assert 20 < outcome(429, b"", headers).retry_after <= 30


# --- any answer at all

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
answers = st.dictionaries(
    st.sampled_from(
        [
            "error",
            "code",
            "message",
            "user",
            "access_token",
            "refresh_token",
            "impersonator",
            "organization_id",
            "organizations",
            "entity_id",
            "pending_authentication_token",
        ]
    ),
    json_values | st.sampled_from(["invalid_grant", "sso_required", "org_1"]),
)


@given(
    st.integers(100, 999),
    st.dictionaries(st.sampled_from(["Retry-After", "Date"]), st.text(max_size=30)),
    st.binary(max_size=50) | answers.map(lambda answer: json.dumps(answer).encode()),
)
def test_no_answer_raises(status, headers, body):
    found = classify(status, headers, body)
    if isinstance(found, Rejected):
        assert b"invalid_grant" in body
    if isinstance(found, Authenticated):
        assert 200 <= status < 300


def test_no_outcome_shows_a_token_or_an_address():
    secrets = "header.claims.signature", "refresh", "alice@acme.test", "support@vendor.test"
    authenticated = outcome(200, {**GOOD, "impersonator": {"email": "support@vendor.test"}})
    pending = outcome(403, {"code": "mfa_challenge", "email": "alice@acme.test", "user": USER})
    for shown in (repr(authenticated), str(authenticated), repr(pending)):
        assert not [secret for secret in secrets if secret in shown]
