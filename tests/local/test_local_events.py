"""What is noted as an event, in WorkOS's words and order (workos.md §5)."""

from __future__ import annotations

import pytest

from flask_workos_sessions.local import LocalWorkOS, UnknownName, events


def names(workos):
    return [each.event for each in workos.events]


def last(workos):
    return workos.events[-1].as_json()


def test_the_seeded_people_were_there_before(workos):
    assert workos.events == []


def test_an_event_has_the_envelope_of_workos(workos):
    workos.add_user("eve@acme.test", first_name="Eve")

    event = last(workos)

    assert event.pop("id").startswith("event_")
    assert event == {
        "object": "event",
        "event": "user.created",
        "data": workos.user("eve@acme.test").as_json(),
        "created_at": "2027-01-15T08:00:00.000Z",
        "context": {"client_id": workos.client_id},
    }


def test_ids_sort_as_things_happened_whatever_the_clock_does(workos, clock):
    for seconds in (0, 0, -60, 3600, -1):
        clock.advance(seconds)
        workos.emit("some.thing")

    ids = [each.id for each in workos.events]

    assert ids == sorted(ids)
    assert len(set(ids)) == 5


def test_what_changes_later_does_not_change_an_event(workos):
    workos.add_user("eve@acme.test")
    workos.set_user("eve@acme.test", first_name="Eve", metadata={"team": "core"})

    created, updated = workos.events

    assert created.data["first_name"] is None
    assert created.data["metadata"] == {}
    assert updated.context["previous_attributes"] == {"first_name": None, "metadata": {}}


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("Password", "password"),
        ("GoogleOAuth", "oauth"),
        ("MagicAuth", "magic_auth"),
        ("Passkey", "passkey"),
        ("SSO", "sso"),
    ],
)
def test_a_sign_in_is_two_events(workos, method, kind):
    workos.sign_in("alice@acme.test", method=method)

    created, authenticated = workos.events
    session = workos.sessions[0]

    assert created.event == "session.created"
    assert created.data == session.as_json()
    assert authenticated.event == f"authentication.{kind}_succeeded"
    acme = workos.organization("Acme")
    sso = {
        "organization_id": acme.id,
        "connection_id": acme.connection_id,
        "session_id": session.id,
    }
    assert authenticated.data == {
        "type": kind,
        "status": "succeeded",
        "user_id": session.user_id,
        "email": "alice@acme.test",
        "ip_address": None,
        "user_agent": None,
        **({"sso": sso} if kind == "sso" else {}),
    }


def test_nobody_authenticates_in_an_impersonation(workos):
    workos.impersonate("bob@acme.test", by="support@vendor.test")

    (created,) = workos.events

    assert created.data["impersonator"] == {"email": "support@vendor.test", "reason": None}


def test_over_http_a_sign_in_is_noted_and_a_refresh_is_not(application, workos):
    answer = application.exchange_code(
        application.code_for("carol@acme.test", "Acme"), ip_address="192.0.2.7"
    ).json()
    assert names(workos) == ["session.created", "authentication.password_succeeded"]
    assert workos.events[1].data["ip_address"] == "192.0.2.7"

    answer = application.refresh(answer["refresh_token"]).json()
    globex = workos.organization("Globex").id
    assert application.refresh(answer["refresh_token"], organization_id=globex).ok

    assert len(workos.events) == 2


def test_a_choice_of_organization_is_noted_once(application, workos):
    pending = application.exchange_code(application.code_for("carol@acme.test")).json()
    assert workos.events == []

    chosen = {
        "grant_type": "urn:workos:oauth:grant-type:organization-selection",
        "pending_authentication_token": pending["pending_authentication_token"],
        "organization_id": workos.organization("Globex").id,
    }
    assert application.post(chosen).ok

    assert names(workos) == ["session.created", "authentication.password_succeeded"]


def test_a_sign_up_at_the_page_is_a_new_user(application, workos, browser):
    sent = browser.submit(application.authorize_url(), action="sign-up", email="eve@example.test")

    assert sent.status_code == 303
    assert names(workos) == ["user.created"]


@pytest.mark.parametrize("how", ["api", "logout", "control", "object"])
def test_a_revocation_is_noted_once(application, workos, browser, clock, how):
    workos.sign_in("bob@acme.test")
    session = workos.sessions[0]
    clock.advance(60)

    for _ in range(2):
        if how == "api":
            sent = {"session_id": session.id}
            application.api("POST", "/user_management/sessions/revoke", json=sent)
        elif how == "logout":
            logout = f"{workos.url}/user_management/sessions/logout"
            browser.get(logout, params={"session_id": session.id})
        elif how == "control":
            secret = {"Authorization": f"Bearer {workos.control_secret}"}
            sent = {"session_id": session.id}
            application.api("POST", "/local/revoke", json=sent, headers=secret)
        else:
            workos.revoke(session.id)

    assert names(workos)[2:] == ["session.revoked"]
    assert workos.events[-1].data == session.as_json()
    assert workos.events[-1].data["status"] == "revoked"
    assert workos.events[-1].data["ended_at"] == "2027-01-15T08:01:00.000Z"
    assert workos.events[-1].data["updated_at"] == "2027-01-15T08:01:00.000Z"


def test_a_session_that_runs_out_is_no_event(workos, clock):
    workos.set_clocks(inactivity_timeout=60)
    workos.sign_in("bob@acme.test")
    clock.advance(61)

    assert workos.sessions[0].status == "expired"
    assert len(workos.events) == 2


def test_a_deleted_user_takes_sessions_and_memberships_along(workos):
    for _ in range(2):
        workos.sign_in("carol@acme.test", "Acme")
    workos.sign_in("bob@acme.test")
    carol = workos.user("carol@acme.test").as_json()
    before = len(workos.events)

    workos.remove_user("carol@acme.test")

    cascade = workos.events[before:]
    assert [each.event for each in cascade] == [
        "session.revoked",
        "session.revoked",
        "organization_membership.deleted",
        "organization_membership.deleted",
        "user.deleted",
    ]
    for revoked in cascade[:2]:
        assert (revoked.data["status"], revoked.data["ended_at"]) == ("active", None)
        assert revoked.data["user_id"] == carol["id"]
    assert cascade[-1].data == carol
    assert [each.status for each in workos.sessions] == ["revoked", "revoked", "active"]


def test_a_deleted_organization_takes_memberships_along_and_revokes_nothing(workos):
    workos.sign_in("alice@acme.test")
    before = len(workos.events)

    workos.remove_organization("Acme")

    assert names(workos)[before:] == [
        *["organization_membership.deleted"] * 3,
        "organization.deleted",
    ]
    assert workos.events[-1].data["name"] == "Acme"
    assert workos.sessions[0].status == "active"


def test_a_membership_is_told_as_workos_does(workos, clock):
    made = workos.add_membership("dave@example.test", "Acme")

    event = last(workos)

    assert event["event"] == "organization_membership.created"
    assert made.id.startswith("om_")
    assert event["data"] == {
        "object": "organization_membership",
        "id": made.id,
        "user_id": workos.user("dave@example.test").id,
        "organization_id": workos.organization("Acme").id,
        "role": {"slug": "member"},
        "status": "active",
        "external_id": None,
        "metadata": {},
        "directory_managed": False,
        "custom_attributes": {},
        "created_at": "2027-01-15T08:00:00.000Z",
        "updated_at": "2027-01-15T08:00:00.000Z",
    }


def test_a_role_that_is_given_updates_the_membership(workos, clock):
    clock.advance(60)
    workos.set_role("bob@acme.test", "Acme", "admin", "member")

    event = last(workos)

    assert event["event"] == "organization_membership.updated"
    assert event["data"]["role"] == {"slug": "admin"}
    assert event["data"]["roles"] == [{"slug": "admin"}, {"slug": "member"}]
    assert event["data"]["updated_at"] == "2027-01-15T08:01:00.000Z"
    assert event["context"]["previous_attributes"] == {"role": {"slug": "member"}, "roles": None}


def test_an_inactive_membership_stops_refreshes_and_keeps_its_id(application, workos):
    token = workos.sign_in("bob@acme.test")["refresh_token"]
    workos.set_membership_active("bob@acme.test", "Acme", False)
    off = last(workos)
    assert (off["event"], off["data"]["status"]) == ("organization_membership.updated", "inactive")
    assert off["context"]["previous_attributes"] == {"status": "active"}
    refused = application.refresh(token).json()
    assert refused["error"] == "organization_membership_not_found"

    workos.set_role("bob@acme.test", "Acme", "admin")
    assert last(workos)["data"]["status"] == "inactive"

    workos.add_membership("bob@acme.test", "Acme")
    assert last(workos)["data"]["status"] == "active"
    assert last(workos)["data"]["id"] == off["data"]["id"]
    assert application.refresh(token).ok


def test_only_a_member_can_be_deactivated(workos):
    with pytest.raises(UnknownName):
        workos.set_membership_active("dave@example.test", "Acme", False)


def test_who_was_no_member_is_no_event_when_removed(workos):
    workos.remove_membership("dave@example.test", "Acme")
    assert workos.events == []

    workos.remove_membership("bob@acme.test", "Acme")
    assert names(workos) == ["organization_membership.deleted"]


def test_an_organization_is_told_as_workos_does(workos):
    workos.add_organization("Initech")
    workos.set_organization("Initech", name="Initrode")

    created, updated = (each.as_json() for each in workos.events)

    assert created["event"] == "organization.created"
    assert created["data"]["object"] == "organization"
    assert created["data"]["id"] == workos.organization("Initrode").id
    assert created["data"]["domains"] == []
    assert updated["event"] == "organization.updated"
    assert updated["data"]["name"] == "Initrode"
    assert updated["context"]["previous_attributes"] == {"name": "Initech"}


def test_what_is_not_in_workos_s_object_is_no_update(workos):
    workos.set_entitlements("Acme", "sso")
    workos.set_organization("Acme", mfa_required=True)
    workos.set_user("bob@acme.test", required="mfa_challenge")
    workos.set_user("bob@acme.test", first_name="Bob")
    workos.set_role("bob@acme.test", "Acme", "member")
    workos.set_permissions("member", "posts:read")

    assert workos.events == []


def test_roles_are_told_with_their_permissions(workos):
    workos.add_role("editor", ["posts:write"])
    workos.set_permissions("editor", "posts:write", "posts:delete")
    workos.remove_role("editor")

    created, updated, deleted = (each.as_json() for each in workos.events)

    assert [created["event"], updated["event"], deleted["event"]] == [
        "role.created",
        "role.updated",
        "role.deleted",
    ]
    assert created["data"]["object"] == "role"
    assert (created["data"]["slug"], created["data"]["name"]) == ("editor", "Editor")
    assert updated["data"]["permissions"] == ["posts:write", "posts:delete"]
    assert updated["context"]["previous_attributes"] == {"permissions": ["posts:write"]}
    assert deleted["data"] == updated["data"]


def test_a_role_of_one_organization_has_events_of_its_own(workos):
    acme = workos.organization("Acme")
    workos.add_role("org-owner", ["posts:write"], organization="Acme")
    workos.set_permissions("org-owner")
    workos.remove_role("org-owner")

    assert names(workos) == [
        "organization_role.created",
        "organization_role.updated",
        "organization_role.deleted",
    ]
    assert {each.organization_id for each in workos.events} == {acme.id}


def test_who_had_only_a_deleted_role_becomes_a_member(workos):
    workos.remove_role("admin")

    assert names(workos) == [
        "organization_membership.updated",
        "organization_membership.updated",
        "role.deleted",
    ]
    assert workos.places_of("alice@acme.test") == ["Member in Acme"]
    with pytest.raises(ValueError, match="default role"):
        workos.remove_role("member")
    with pytest.raises(UnknownName):
        workos.remove_role("admin")


def test_a_flag_tells_for_whom_it_is_on(workos):
    acme, bob = workos.organization("Acme"), workos.user("bob@acme.test")
    workos.set_feature_flags("Acme", "new-editor", "beta")
    workos.set_feature_flags("bob@acme.test", "beta")
    workos.set_feature_flags("Acme", "new-editor")

    assert names(workos) == ["flag.created", *["flag.rule_updated"] * 3]
    first, second, third = workos.events[1:]
    assert first.data["slug"] == second.data["slug"] == third.data["slug"] == "beta"
    of_acme = {"id": acme.id, "name": "Acme"}
    of_bob = {"id": bob.id, "email": "bob@acme.test"}
    both = {"organizations": [of_acme], "users": [of_bob]}
    assert first.context["previous_attributes"]["context"]["access_type"] == "none"
    assert (second.context["access_type"], second.context["configured_targets"]) == ("some", both)
    assert third.context["configured_targets"] == {"organizations": [], "users": [of_bob]}
    assert third.context["previous_attributes"]["context"]["configured_targets"] == both


def test_any_other_event_can_be_emitted(workos):
    data = {"user_id": "user_1"}
    event = workos.emit("password_reset.succeeded", data, actor={"name": "Ann"})
    data["user_id"] = "changed"

    assert workos.events == [event]
    assert event.data == {"user_id": "user_1"}
    assert event.context == {"client_id": workos.client_id, "actor": {"name": "Ann"}}


@pytest.mark.parametrize(("event", "data"), [("", {}), ("a,b", {}), ("x", {"a": object()})])
def test_what_could_not_be_told_is_refused(workos, event, data):
    with pytest.raises((TypeError, ValueError)):
        workos.emit(event, data)
    assert workos.events == []


def test_a_wrong_field_changes_nothing(workos):
    with pytest.raises(ValueError, match="no field"):
        workos.set_user("bob@acme.test", first_name="Rob", nonsense=1)

    assert workos.user("bob@acme.test").first_name == "Bob"
    assert workos.events == []


def test_the_log_is_bounded():
    workos = LocalWorkOS()
    for number in range(events.KEPT + 10):
        workos.emit("some.thing", {"number": number})

    assert len(workos.events) == events.KEPT
    assert workos.events[0].data == {"number": 10}
