"""Somebody of WorkOS's customer acts as a person: what WorkOS's events do to that (security G4)."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

SECRET = secrets.token_urlsafe(32)
SUPPORT, WHY = "support@vendor.test", "Ticket 7"
ALICE = "alice@acme.test"


@pytest.fixture
def site(make_site):
    return make_site(WORKOS_WEBHOOK_SECRET=SECRET, WORKOS_SESSION_MAX_LENGTH=24 * 3600)


@pytest.fixture
def support(site, workos):
    """A browser in which somebody acts as Alice."""
    browser = site.browser()
    asked = parse_qs(urlsplit(browser.get("/auth/login").location).query)
    code = workos.authorize_code(
        ALICE,
        redirect_uri="http://localhost/auth/callback",
        code_challenge=asked["code_challenge"][0],
        organization="Acme",
        impersonator={"email": SUPPORT, "reason": WHY},
    )
    browser.get(f"/auth/callback?code={code}&state={asked['state'][0]}")
    return browser


@pytest.fixture
def tell(site, workos):
    """Deliver what has happened in WorkOS since the sign-in, as webhooks."""

    def tell(kind):
        for event in [each for each in workos.events if each.event == kind]:
            body = json.dumps(event.as_json()).encode()
            headers = {"WorkOS-Signature": workos.sign(body, SECRET)}
            client = site.app.test_client()
            assert client.post("/auth/webhook", data=body, headers=headers).status_code == 200

    return tell


def test_security_g4_a_revoked_impersonation_is_over_and_tells_whose_it_was(
    site, support, workos, clock, tell, caplog
):
    caplog.set_level("INFO", logger="flask_workos_sessions")
    session_id = workos.sessions[-1].id
    other = site.browser()
    other.sign_in(ALICE)
    clock.advance(10)
    workos.revoke(session_id)
    tell("session.revoked")
    assert support.fetch("/api/me").json["required"] == {"reason": "revoked"}
    assert support.fetch("/auth/session").json["reason"] == "revoked"
    assert other.fetch("/api/me").status_code == 200, "the person's own goes on"
    (ended,) = site.signal("session_ended")
    assert ended == {"session_id": session_id, "reason": "revoked"}
    # Who it was: in the event, and in the session that the app was told of at its sign-in.
    (event,) = [each["event"] for each in site.signal("workos_event")]
    assert dict(event.data["impersonator"]) == {"email": SUPPORT, "reason": WHY}
    (begun,) = [
        each["session"]
        for each in site.signal("signed_in")
        if each["session"].id == ended["session_id"]
    ]
    assert (begun.impersonator.email, begun.impersonator.reason) == (SUPPORT, WHY)
    exchanged = len(workos.exchanges("refresh_token"))
    clock.advance(400)
    assert support.fetch("/api/me").status_code == 401
    assert len(workos.exchanges("refresh_token")) == exchanged
    for word in (SUPPORT, WHY, ALICE, session_id):
        assert word not in caplog.text, "an address is in signals only (security T2)"


def test_security_g4_a_change_leaves_the_impersonation_and_its_end_as_they_are(
    site, support, workos, clock, tell
):
    clock.advance(600)
    assert support.fetch("/api/me").json["role"] == "admin"
    clock.advance(10)
    workos.set_role(ALICE, "Acme", "member")
    tell("organization_membership.updated")
    clock.advance(2)
    assert support.fetch("/api/me").json["role"] == "member"
    (changed,) = site.signal("session_changed")
    for session in (changed["session"], changed["previous"]):
        assert session.impersonator.email == SUPPORT
    assert support.fetch("/auth/session").json["max_in"] <= 3600 - 612


def test_security_g4_who_is_removed_while_somebody_acts_as_them_ends_that_too(
    support, workos, clock, tell
):
    clock.advance(10)
    workos.remove_user(ALICE)
    tell("user.deleted")
    assert support.fetch("/api/me").json["required"] == {"reason": "access_removed"}


@pytest.mark.parametrize("sealed", [True, False])
def test_security_g4_the_token_decides_who_acts_and_the_seal_adds_why(site, support, sealed):
    reader = site.parts.reader
    known = reader.read(support.cookie)
    record = known.record if sealed else replace(known.record, impersonator=None)
    another = known.token._replace(actor="another@vendor.test")
    by = reader.build(record, another, True).session.impersonator
    assert (by.email, by.reason) == ("another@vendor.test", WHY if sealed else None)
