"""The code exchange: what it answers, and what it refuses."""

from __future__ import annotations

import pytest
import requests

SELECTION = "urn:workos:oauth:grant-type:organization-selection"


def test_an_exchange_has_workos_s_shape(application, workos):
    answer = application.exchange_code(
        application.code_for("alice@acme.test"), ip_address="192.0.2.7", user_agent="Tests"
    )

    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {
        "user",
        "organization_id",
        "access_token",
        "refresh_token",
        "authentication_method",
    }
    assert body["user"] == {
        "object": "user",
        "id": "user_01ALICE0000000000000000000",
        "email": "alice@acme.test",
        "email_verified": True,
        "first_name": "Alice",
        "last_name": "Admin",
        "name": None,
        "profile_picture_url": None,
        "external_id": "ext-alice",
        "metadata": {"team": "core"},
        "locale": None,
        "last_sign_in_at": "2027-01-15T08:00:00.000Z",
        "created_at": "2027-01-15T08:00:00.000Z",
        "updated_at": "2027-01-15T08:00:00.000Z",
    }
    assert answer.headers["Cache-Control"] == "no-store"
    (session,) = workos.sessions
    assert (session.ip_address, session.user_agent) == ("192.0.2.7", "Tests")


def test_the_claims_are_those_of_an_access_token_of_workos(application, workos):
    body = application.exchange_code(application.code_for("alice@acme.test")).json()

    claims = application.claims_of(body["access_token"])
    assert len(claims.pop("jti")) == 26
    assert claims.pop("sid") == workos.sessions[0].id
    assert claims == {
        "iss": f"{workos.url}/user_management/{workos.client_id}",
        "sub": "user_01ALICE0000000000000000000",
        "iat": 1_800_000_000,
        "exp": 1_800_000_300,
        "auth_time": 1_800_000_000,
        "client_id": workos.client_id,
        "org_id": "org_01ACME00000000000000000000",
        "role": "admin",
        "roles": ["admin"],
        "permissions": ["posts:read", "posts:write", "members:manage"],
        "entitlements": ["audit-logs", "sso"],
        "feature_flags": ["new-editor"],
    }


def test_without_an_organization_the_claims_about_it_are_absent(application):
    body = application.exchange_code(application.code_for("dave@example.test")).json()

    claims = application.claims_of(body["access_token"])
    assert "organization_id" not in body
    absent = {"org_id", "role", "roles", "permissions", "entitlements", "feature_flags"}
    assert absent.isdisjoint(claims)


def test_empty_lists_are_absent_never_empty(application, workos):
    workos.set_permissions("member")

    body = application.exchange_code(application.code_for("carol@acme.test", "Globex")).json()

    claims = application.claims_of(body["access_token"])
    assert [] not in claims.values()
    assert "entitlements" not in claims


def test_a_template_adds_claims_and_cannot_replace_the_registered_ones(application, workos):
    workos.set_jwt_template(role="custom", plan="gold", sub="user_other", exp=1)

    body = application.exchange_code(application.code_for("alice@acme.test")).json()

    claims = application.claims_of(body["access_token"])
    assert (claims["role"], claims["plan"]) == ("custom", "gold")
    assert claims["sub"] == "user_01ALICE0000000000000000000"
    assert claims["exp"] == 1_800_000_300


def test_a_code_serves_once(application):
    code = application.code_for("alice@acme.test")
    application.exchange_code(code)

    answer = application.exchange_code(code)

    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": f"The code '{code}' has expired or is invalid.",
    }


def test_a_code_lives_for_ten_minutes(application, clock):
    early, late = application.code_for("bob@acme.test"), application.code_for("bob@acme.test")
    clock.advance(600)
    assert application.exchange_code(early).status_code == 200
    clock.advance(1)
    assert application.exchange_code(late).json()["error"] == "invalid_grant"


def test_a_wrong_verifier_is_refused_and_uses_the_code_up(application):
    code = application.code_for("alice@acme.test")

    wrong = application.exchange_code(code, code_verifier="x" * 43)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert application.exchange_code(code).json()["error"] == "invalid_grant"


def test_a_missing_verifier_is_an_invalid_request(application):
    answer = application.exchange_code(application.code_for("alice@acme.test"), code_verifier=None)

    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_request",
        "error_description": "code_verifier is required.",
    }


def test_a_verifier_for_a_code_without_a_challenge_is_refused(application, workos):
    code = workos.authorize_code(
        "bob@acme.test", redirect_uri=application.callback, code_challenge=None
    )

    answer = application.exchange_code(code)

    assert (answer.status_code, answer.json()["code"]) == (400, "code_challenge_not_found")


def test_the_code_of_somebody_who_was_deleted_is_refused(application, workos):
    code = application.code_for("bob@acme.test")
    workos.remove_user("bob@acme.test")

    assert application.exchange_code(code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ({}, "grant_type is required."),
        ({"grant_type": "authorization_code"}, "code is required."),
        ({"grant_type": "refresh_token"}, "refresh_token is required."),
        ({"grant_type": "refresh_token", "refresh_token": 5}, "refresh_token is required."),
        ({"grant_type": "magic"}, "The grant type is not supported: magic"),
    ],
)
def test_what_is_missing_or_unknown_is_named(application, body, description):
    answer = application.post(body)

    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_request", "error_description": description}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"text"', b"\xff"])
def test_bad_json_is_said_to_be_so(workos, raw):
    answer = requests.post(
        f"{workos.url}/user_management/authenticate",
        data=raw,
        headers={"Content-Type": "application/json"},
        timeout=10,
    )

    assert answer.status_code == 400
    assert answer.json() == {"code": "invalid_request_body", "message": "Problems parsing JSON"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_id": "client_other"}, 400),
        ({"client_id": None}, 400),
        ({"client_secret": "sk_wrong"}, 401),
        ({"client_secret": ""}, 401),
        ({"client_secret": None}, 401),
        ({"client_secret": "sk_ü"}, 401),
    ],
)
def test_the_client_id_and_the_api_key_are_checked_before_the_code(application, changes, status):
    code = application.code_for("alice@acme.test")

    answer = application.exchange_code(code, **changes)

    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_client")
    assert application.exchange_code(code).status_code == 200


def test_a_wrong_key_in_the_authorization_header_is_unauthorized(application, workos):
    answer = application.api(
        "POST",
        "/user_management/authenticate",
        json={},
        headers={"Authorization": "Bearer sk_wrong"},
    )

    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


def test_two_memberships_and_no_organization_ask_for_a_selection(application, workos):
    answer = application.exchange_code(application.code_for("carol@acme.test"))

    body = answer.json()
    assert answer.status_code == 403
    assert body["code"] == "organization_selection_required"
    assert [each["name"] for each in body["organizations"]] == ["Acme", "Globex"]
    assert body["user"]["email"] == "carol@acme.test"
    assert workos.sessions == []

    selected = application.post(
        {
            "grant_type": SELECTION,
            "pending_authentication_token": body["pending_authentication_token"],
            "organization_id": body["organizations"][1]["id"],
        }
    )
    assert selected.json()["organization_id"] == workos.organization("Globex").id


def test_a_pending_authentication_serves_once(application, workos):
    pending = application.exchange_code(application.code_for("carol@acme.test")).json()
    grant = {
        "grant_type": SELECTION,
        "pending_authentication_token": pending["pending_authentication_token"],
        "organization_id": workos.organization("Acme").id,
    }
    application.post(grant)

    answer = application.post(grant)

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_pending_authentication_token"


@pytest.mark.parametrize(
    ("organization", "error"),
    [("org_unknown", "organization_not_found"), ("Globex", "organization_membership_not_found")],
)
def test_a_selection_of_a_foreign_organization_is_refused(application, workos, organization, error):
    workos.set_user("bob@acme.test", required="organization_selection_required")
    pending = application.exchange_code(application.code_for("bob@acme.test")).json()
    workos.set_user("bob@acme.test", required=None)
    chosen = workos.organization(organization).id if organization == "Globex" else organization

    answer = application.post(
        {
            "grant_type": SELECTION,
            "pending_authentication_token": pending["pending_authentication_token"],
            "organization_id": chosen,
        }
    )

    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    "code", ["mfa_challenge", "mfa_enrollment", "radar_challenge", "email_verification_required"]
)
def test_an_open_step_is_a_403_with_a_pending_authentication(application, workos, code):
    workos.set_user("bob@acme.test", required=code)

    answer = application.exchange_code(application.code_for("bob@acme.test"))

    body = answer.json()
    assert (answer.status_code, body["code"]) == (403, code)
    assert body["pending_authentication_token"]
    assert ("authentication_challenge" in body) == (code == "mfa_challenge")


def test_an_address_that_is_not_verified_has_to_be(application, workos):
    workos.set_user("bob@acme.test", email_verified=False)

    body = application.exchange_code(application.code_for("bob@acme.test")).json()

    assert body["code"] == "email_verification_required"
    assert body["email"] == "bob@acme.test"


def test_an_organization_with_sso_wants_its_own_sign_in(application, browser, workos):
    acme = workos.set_organization("Acme", sso_required=True)

    refused = application.exchange_code(application.code_for("bob@acme.test"))
    assert refused.status_code == 400
    assert refused.json()["error"] == "sso_required"
    assert refused.json()["connection_ids"] == [acme.connection_id]
    assert refused.json()["email"] == "bob@acme.test"

    url = application.authorize_url(organization_id=acme.id)
    answer = browser.submit(url, user=workos.user("bob@acme.test").id)
    exchanged = application.exchange_code(application.query_of(answer)["code"]).json()
    assert exchanged["authentication_method"] == "SSO"


def test_a_password_sign_in_is_not_silently_taken_for_sso(application, browser, workos):
    browser.submit(application.authorize_url(), user=workos.user("bob@acme.test").id)
    acme = workos.set_organization("Acme", sso_required=True)

    assert browser.get(application.authorize_url(organization_id=acme.id)).status_code == 200


def test_an_organization_with_mfa_is_entered_after_enrolling_at_the_hosted_page(
    application, browser, workos
):
    acme = workos.set_organization("Acme", mfa_required=True)
    refused = application.exchange_code(application.code_for("bob@acme.test"))
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_enrollment")

    url = application.authorize_url(organization_id=acme.id)
    answer = browser.submit(url, user=workos.user("bob@acme.test").id)

    assert application.exchange_code(application.query_of(answer)["code"]).status_code == 200


def test_an_impersonation_is_told_in_token_and_answer_and_leaves_last_sign_in_alone(
    application, workos
):
    body = workos.impersonate("bob@acme.test", by="support@vendor.test", reason="Ticket 42")

    assert body["impersonator"] == {"email": "support@vendor.test", "reason": "Ticket 42"}
    assert body["authentication_method"] == "Impersonation"
    assert application.claims_of(body["access_token"])["act"] == {"sub": "support@vendor.test"}
    assert body["user"]["last_sign_in_at"] is None
    assert workos.sessions[0].as_json()["auth_method"] == "impersonation"


def test_an_impersonation_reaches_the_application_through_the_browser_once(
    application, browser, workos
):
    link = workos.impersonation_url("bob@acme.test", by="support@vendor.test")

    assert browser.get(link).status_code == 200
    assert browser.get(link).status_code == 404
    answer = browser.get(application.authorize_url())
    exchanged = application.exchange_code(application.query_of(answer)["code"]).json()
    assert exchanged["impersonator"] == {"email": "support@vendor.test", "reason": None}


def test_sign_in_without_http_answers_as_an_exchange(workos, application):
    body = workos.sign_in("carol@acme.test", "Globex")

    assert body["organization_id"] == workos.organization("Globex").id
    assert application.refresh(body["refresh_token"]).status_code == 200


def test_a_code_for_an_unregistered_redirect_uri_is_not_made(workos):
    with pytest.raises(ValueError, match="not registered"):
        workos.authorize_code(
            "bob@acme.test", redirect_uri="http://127.0.0.1:1/x", code_challenge=None
        )
