"""The refresh exchange: rotation, the grace, the three clocks, switching organization."""

from __future__ import annotations

import threading

import pytest


@pytest.fixture
def signed_in(workos):
    return workos.sign_in("alice@acme.test")


def test_a_refresh_rotates_the_token_and_keeps_sid_and_auth_time(
    application, workos, clock, signed_in
):
    clock.advance(200)

    body = application.refresh(signed_in["refresh_token"]).json()

    assert body["refresh_token"] != signed_in["refresh_token"]
    assert "authentication_method" not in body
    before = application.claims_of(signed_in["access_token"])
    after = application.claims_of(body["access_token"])
    assert {name for name in before if before[name] != after[name]} == {"jti", "iat", "exp"}
    assert after["iat"] == before["iat"] + 200


def test_within_the_grace_a_replay_gets_the_same_pair(application, clock, signed_in):
    first = application.refresh(signed_in["refresh_token"]).json()
    clock.advance(30)

    assert application.refresh(signed_in["refresh_token"]).json() == first


def test_the_grace_counts_from_the_exchange_and_not_from_the_last_replay(
    application, clock, signed_in
):
    application.refresh(signed_in["refresh_token"])
    clock.advance(20)
    application.refresh(signed_in["refresh_token"])
    clock.advance(11)

    answer = application.refresh(signed_in["refresh_token"])

    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "Refresh token already exchanged.",
    }


def test_a_late_replay_does_not_end_the_session(application, clock, signed_in):
    successor = application.refresh(signed_in["refresh_token"]).json()["refresh_token"]
    clock.advance(31)
    application.refresh(signed_in["refresh_token"])

    assert application.refresh(successor).status_code == 200


def test_a_replay_counts_as_no_activity(application, workos, clock, signed_in):
    application.refresh(signed_in["refresh_token"])
    clock.advance(20)
    application.refresh(signed_in["refresh_token"])

    assert workos.sessions[0].refreshed_at == 1_800_000_000


def test_many_at_once_get_one_pair(application, workos, signed_in):
    answers = []

    def refresh() -> None:
        answers.append(application.refresh(signed_in["refresh_token"]).json()["refresh_token"])

    threads = [threading.Thread(target=refresh) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert sum(each.replayed for each in workos.exchanges("refresh_token")) == 7


def test_an_unknown_token_is_an_invalid_grant(application):
    answer = application.refresh("unknown")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_the_api_key_is_needed_for_a_refresh_too(application, signed_in):
    answer = application.refresh(signed_in["refresh_token"], client_secret="sk_wrong")

    assert answer.status_code == 401
    assert application.refresh(signed_in["refresh_token"]).status_code == 200


def test_a_revoked_session_cannot_be_refreshed_not_even_within_the_grace(
    application, workos, signed_in
):
    successor = application.refresh(signed_in["refresh_token"]).json()["refresh_token"]
    workos.revoke(workos.sessions[0].id)

    for token in (signed_in["refresh_token"], successor):
        assert application.refresh(token).json()["error"] == "invalid_grant"


def test_the_sessions_of_somebody_who_was_deleted_end(application, workos, signed_in):
    workos.remove_user("alice@acme.test")

    assert application.refresh(signed_in["refresh_token"]).json()["error"] == "invalid_grant"
    assert workos.sessions[0].status == "revoked"


def test_a_change_of_role_permissions_and_flags_shows_at_the_next_refresh(
    application, workos, signed_in
):
    workos.add_role("owner", ["everything"])
    workos.set_role("alice@acme.test", "Acme", "owner", "member")
    workos.set_entitlements("Acme", "billing")
    workos.set_feature_flags("Acme", "beta")
    workos.set_feature_flags("alice@acme.test", "alpha")

    body = application.refresh(signed_in["refresh_token"]).json()

    claims = application.claims_of(body["access_token"])
    assert (claims["role"], claims["roles"]) == ("owner", ["owner", "member"])
    assert claims["permissions"] == ["everything", "posts:read"]
    assert claims["entitlements"] == ["billing"]
    assert claims["feature_flags"] == ["alpha", "beta"]


def test_a_change_of_name_shows_at_the_next_refresh(application, workos, signed_in):
    workos.set_user("alice@acme.test", first_name="Alicia")

    body = application.refresh(signed_in["refresh_token"]).json()

    assert body["user"]["first_name"] == "Alicia"


def test_a_refresh_can_switch_the_organization_for_good(application, workos):
    signed_in = workos.sign_in("carol@acme.test", "Acme")
    globex = workos.organization("Globex").id

    switched = application.refresh(signed_in["refresh_token"], organization_id=globex).json()
    assert switched["organization_id"] == globex
    assert application.claims_of(switched["access_token"])["role"] == "admin"

    later = application.refresh(switched["refresh_token"]).json()
    assert later["organization_id"] == globex


@pytest.mark.parametrize(
    ("organization", "error"),
    [
        ("org_unknown", "organization_not_found"),
        ("org_01GLOBEX000000000000000000", "organization_membership_not_found"),
    ],
)
def test_a_refused_switch_leaves_token_and_session_as_they_were(
    application, workos, signed_in, organization, error
):
    answer = application.refresh(signed_in["refresh_token"], organization_id=organization)

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    body = application.refresh(signed_in["refresh_token"]).json()
    assert body["organization_id"] == workos.organization("Acme").id


def test_who_is_no_member_any_more_is_refused(application, workos, signed_in):
    workos.remove_membership("alice@acme.test", "Acme")

    answer = application.refresh(signed_in["refresh_token"])

    assert answer.status_code == 400
    assert answer.json()["error"] == "organization_membership_not_found"


def test_an_organization_that_was_deleted_is_not_found(application, workos, signed_in):
    workos.remove_organization("Acme")

    answer = application.refresh(signed_in["refresh_token"])

    assert answer.json()["error"] == "organization_not_found"


@pytest.mark.parametrize(
    ("rule", "error"), [("sso_required", "sso_required"), ("mfa_required", "mfa_enrollment")]
)
def test_an_organization_s_rule_is_asked_for_when_switching_into_it(
    application, workos, rule, error
):
    signed_in = workos.sign_in("carol@acme.test", "Acme")
    globex = workos.set_organization("Globex", **{rule: True})

    answer = application.refresh(signed_in["refresh_token"], organization_id=globex.id)

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    if rule == "sso_required":
        assert answer.json()["connection_ids"] == [globex.connection_id]
        assert answer.json()["email"] == "carol@acme.test"


def test_a_step_that_is_asked_of_a_person_stops_the_refresh_and_keeps_the_token(
    application, workos, signed_in
):
    workos.set_user("alice@acme.test", required="mfa_challenge")
    answer = application.refresh(signed_in["refresh_token"])
    assert (answer.status_code, answer.json()["code"]) == (403, "mfa_challenge")

    workos.set_user("alice@acme.test", required=None)
    assert application.refresh(signed_in["refresh_token"]).status_code == 200


def test_the_maximum_length_ends_a_session_however_often_it_is_refreshed(
    application, workos, clock
):
    workos.set_clocks(max_length=1000)
    token = workos.sign_in("alice@acme.test")["refresh_token"]
    clock.advance(999)
    token = application.refresh(token).json()["refresh_token"]
    clock.advance(1)

    assert application.refresh(token).json()["error"] == "invalid_grant"
    (session,) = workos.sessions
    assert (session.status, session.ended_at) == ("expired", 1_800_001_000)


def test_only_a_refresh_starts_the_inactivity_timeout_again(application, workos, clock):
    workos.set_clocks(inactivity_timeout=600)
    token = workos.sign_in("alice@acme.test")["refresh_token"]
    clock.advance(599)
    token = application.refresh(token).json()["refresh_token"]
    clock.advance(599)
    token = application.refresh(token).json()["refresh_token"]
    clock.advance(600)

    assert application.refresh(token).json()["error"] == "invalid_grant"
    assert workos.sessions[0].status == "expired"


def test_an_impersonation_ends_after_an_hour(application, workos, clock):
    token = workos.impersonate("bob@acme.test", by="support@vendor.test")["refresh_token"]
    clock.advance(3599)
    body = application.refresh(token).json()
    assert body["impersonator"] == {"email": "support@vendor.test", "reason": None}
    clock.advance(1)

    assert application.refresh(body["refresh_token"]).json()["error"] == "invalid_grant"


def test_the_access_token_duration_can_be_changed(application, workos, signed_in):
    workos.set_clocks(access_token_seconds=20)

    body = application.refresh(signed_in["refresh_token"]).json()

    claims = application.claims_of(body["access_token"])
    assert claims["exp"] - claims["iat"] == 20


def test_an_unknown_clock_is_named(workos):
    with pytest.raises(ValueError, match="idle"):
        workos.set_clocks(idle=5)
