"""Access tokens run out, and nobody notices."""

import random
import threading
import time
from dataclasses import replace

import pytest
import responses

from flask_workos_sessions import sign_in_url, signals
from flask_workos_sessions.refresh.exchange import Caller

LIFE = 300


@pytest.fixture
def refreshes(workos):
    return lambda: workos.exchanges("refresh_token")


@pytest.fixture
def signed_in(browser):
    browser.sign_in("alice@acme.test")
    return browser


def test_a_fresh_token_is_not_exchanged(signed_in, refreshes, clock):
    clock.advance(LIFE - 60)
    assert signed_in.fetch("/api/me").status_code == 200
    assert refreshes() == []


def test_a_token_near_its_end_is_exchanged_before_the_view_runs(signed_in, refreshes, clock, site):
    """Peers: bug class C, near-expiry tokens handed to back-ends."""
    before = signed_in.fetch("/api/me").json["iat"]
    clock.advance(LIFE - 20)
    response = signed_in.fetch("/api/me")
    assert response.json["iat"] == before + LIFE - 20
    assert "wos-session=" in response.headers["Set-Cookie"]
    assert len(refreshes()) == 1
    assert len(site.signal("session_refreshed")) == 1
    assert "Set-Cookie" not in signed_in.fetch("/api/me").headers


def test_an_expired_token_is_exchanged_and_the_view_sees_the_new_session(
    signed_in, refreshes, clock
):
    clock.advance(LIFE + 100)
    response = signed_in.fetch("/api/me")
    assert response.status_code == 200
    assert response.json["iat"] == int(clock())
    assert len(refreshes()) == 1


def test_three_token_lifetimes_make_three_exchanges(signed_in, refreshes, clock):
    for _ in range(3):
        clock.advance(LIFE + 1)
        for _ in range(4):
            assert signed_in.get("/dashboard").status_code == 200
    assert len(refreshes()) == 3


def test_with_a_buffer_of_zero_it_waits_for_the_end(make_site, refreshes, clock):
    browser = make_site(WORKOS_REFRESH_BUFFER=0).browser()
    browser.sign_in()
    clock.advance(LIFE - 2)
    browser.fetch("/api/me")
    assert refreshes() == []
    clock.advance(2)
    assert browser.fetch("/api/me").status_code == 200
    assert len(refreshes()) == 1


def test_the_session_keeps_its_organization(signed_in, refreshes, clock):
    """Peers: bug class K, the organization was lost at a normal expiry."""
    organization = signed_in.fetch("/api/me").json["organization"]
    clock.advance(LIFE + 1)
    assert signed_in.fetch("/api/me").json["organization"] == organization
    assert refreshes()[0].request["organization_id"] == organization


def test_a_member_of_two_organizations_stays_in_the_chosen_one(browser, clock, site):
    with site.app.test_request_context("/"):
        url = sign_in_url(organization_id="org_01GLOBEX".ljust(30, "0"))
    browser.sign_in("carol@acme.test", url)
    clock.advance(LIFE + 1)
    assert browser.fetch("/api/me").json["organization"] == "org_01GLOBEX".ljust(30, "0")


def test_half_of_the_inactivity_timeout_makes_a_refresh_due(workos, make_site, clock, refreshes):
    workos.set_clocks(access_token_seconds=3600)
    browser = make_site().browser()
    browser.sign_in()
    clock.advance(1800 // 2 + 1)
    assert browser.fetch("/api/me").status_code == 200
    assert len(refreshes()) == 1


def test_eight_requests_at_once_make_one_exchange_and_get_one_cookie(
    signed_in, refreshes, clock, site
):
    """Peers: bug class A, authkit-nextjs #28: seven of eight requests are signed out."""
    clock.advance(LIFE + 1)
    value, answers = signed_in.cookie, []
    start = threading.Barrier(8)

    def run():
        browser = site.browser()
        browser.cookie = value
        start.wait()
        answers.append(browser.fetch("/api/me"))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.status_code for each in answers} == {200}
    assert len({each.headers["Set-Cookie"].partition(";")[0] for each in answers}) == 1
    assert len(refreshes()) == 1
    assert len(site.signal("session_refreshed")) == 1


def test_near_the_end_one_goes_and_nobody_waits(signed_in, refreshes, clock, site, workos):
    clock.advance(LIFE - 10)
    workos.fail_next(1, status=500, delay=0.5)
    value, answers = signed_in.cookie, []

    def lead():
        browser = site.browser()
        browser.cookie = value
        answers.append(browser.fetch("/api/me"))

    leader = threading.Thread(target=lead)
    leader.start()
    while not site.parts.refresher._flights.by_digest:
        pass
    assert signed_in.fetch("/api/me").status_code == 200
    assert leader.is_alive()
    leader.join()
    assert answers[0].status_code == 200
    assert len(refreshes()) == 1


def test_the_old_cookie_adopts_the_successor(signed_in, refreshes, clock, site):
    """Peers: authkit-nextjs #260, a request with the old cookie after the refresh."""
    old = signed_in.cookie
    clock.advance(LIFE + 1)
    fresh = signed_in.fetch("/api/me")
    late = site.browser()
    late.cookie = old
    adopted = late.fetch("/api/me")
    assert adopted.json == fresh.json
    values = {each.headers["Set-Cookie"].partition(";")[0] for each in (adopted, fresh)}
    assert len(values) == 1
    assert len(refreshes()) == 1


def test_security_r2_the_record_ends_a_minute_after_the_successor_was_seen(
    signed_in, refreshes, clock, site
):
    old = signed_in.cookie
    clock.advance(LIFE + 1)
    signed_in.fetch("/api/me")
    clock.advance(LIFE - 20)
    signed_in.fetch("/api/me")  # brings the successor, and is due itself
    clock.advance(61)
    late = site.browser()
    late.cookie = old
    assert late.fetch("/api/me").status_code == 401


def test_an_exception_in_the_view_does_not_lose_the_new_session(signed_in, refreshes, clock, site):
    """Flask trap T19: in debug and tests the Set-Cookie is lost with the exception."""

    clock.advance(LIFE + 1)
    with pytest.raises(ZeroDivisionError):
        signed_in.get("/boom")
    assert signed_in.fetch("/api/me").status_code == 200
    assert len(refreshes()) == 1


FAULTS = [
    {"status": "html"},
    {"status": "no_tokens"},
    {"status": "redirect"},
    {"status": "drop"},
    {"status": 429, "headers": {"Retry-After": "NaN"}},
    {"status": 429, "headers": {"Retry-After": "7"}},
    {"status": 500},
    {"status": 503},
    {"status": 401},
    {"status": 422},
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_keeps_the_session(signed_in, workos, clock, site, fault):
    """Peers: bug class B, a transient failure signs everyone out."""
    clock.advance(LIFE - 10)
    workos.fail_next(1, **fault)
    near = signed_in.fetch("/api/me")
    assert near.status_code == 200
    assert "Set-Cookie" not in near.headers
    assert len(site.signal("refresh_failed")) == 1

    clock.advance(11)
    workos.fail_next(1, **fault)
    expired = signed_in.fetch("/api/me")
    assert expired.status_code == 503
    assert 1 <= int(expired.headers["Retry-After"]) <= 60
    assert "Set-Cookie" not in expired.headers

    clock.advance(61)
    assert signed_in.fetch("/api/me").status_code == 200


def test_half_an_answer_is_replayed_within_the_grace(signed_in, workos, clock):
    clock.advance(LIFE + 1)
    workos.fail_next(1, status="half")
    assert signed_in.fetch("/api/me").status_code == 503
    clock.advance(2)
    assert signed_in.fetch("/api/me").status_code == 200
    assert workos.exchanges("refresh_token")[-1].replayed


def test_during_an_outage_a_page_says_so_and_an_open_view_runs(signed_in, workos, clock):
    clock.advance(LIFE + 1)
    with workos.down():
        page = signed_in.get("/dashboard?tab=2&row=3")
        assert page.status_code == 503
        assert "still signed in" in page.text
        assert 'href="/dashboard?tab=2&amp;row=3">Try again</a>' in page.text
        assert "Retry-After" in page.headers
        assert signed_in.get("/hello").text == "Hello stranger, unavailable"
    clock.advance(2)
    assert signed_in.get("/hello").text == "Hello Alice"


def test_a_form_that_meets_an_outage_is_not_sent_again_by_a_link(signed_in, workos, clock):
    clock.advance(LIFE + 1)
    with workos.down():
        page = signed_in.post("/api/me", {"text": "typed"}, Accept="text/html")
    assert page.status_code == 503
    assert "One moment" in page.text
    assert "Try again" not in page.text


def test_after_a_fault_the_next_requests_do_not_ask_at_once(signed_in, workos, clock):
    clock.advance(LIFE - 10)
    workos.fail_next(5, status=500)
    for _ in range(5):
        assert signed_in.fetch("/api/me").status_code == 200
    assert len(workos.exchanges("refresh_token")) == 1


def test_our_rejected_api_key_signs_nobody_out_and_names_the_setting(
    signed_in, workos, clock, caplog
):
    clock.advance(LIFE - 10)
    key, workos.api_key = workos.api_key, "sk_another"
    assert signed_in.fetch("/api/me").status_code == 200
    assert "WORKOS_API_KEY" in caplog.text
    assert any(record.levelname == "ERROR" for record in caplog.records)
    clock.advance(11)
    assert signed_in.fetch("/api/me").status_code == 503
    workos.api_key = key
    clock.advance(2)
    assert signed_in.fetch("/api/me").status_code == 200


def test_a_revoked_session_ends_at_the_next_exchange(signed_in, workos, clock, site):
    workos.revoke(workos.sessions[0].id)
    clock.advance(LIFE + 1)
    response = signed_in.fetch("/api/me")
    assert response.status_code == 401
    assert response.json["error"] == "session_ended"
    assert response.json["required"] == {"reason": "revoked"}
    assert site.signal("session_ended") == [
        {"session_id": workos.sessions[0].id, "reason": "revoked"}
    ]
    # Not asked again for every request of a dead session.
    signed_in.fetch("/api/me")
    assert len(workos.exchanges("refresh_token")) == 1


def test_somebody_who_left_the_organization_loses_access(signed_in, workos, clock, site):
    workos.remove_membership("alice@acme.test", "Acme")
    clock.advance(LIFE + 1)
    response = signed_in.fetch("/api/me")
    assert response.status_code == 401
    assert response.json["required"]["reason"] in ("access_removed", "revoked")


def test_an_interaction_at_refresh_leads_to_sign_in_with_the_organization(signed_in, workos, clock):
    workos.set_organization("Acme", sso_required=True)
    clock.advance(LIFE + 1)
    page = signed_in.get("/dashboard")
    assert page.status_code == 302
    begun = signed_in.get(page.location, Sec_Fetch_Site="same-origin")
    assert "organization_id=org_01ACME" in begun.location
    assert signed_in.fetch("/api/me").json["error"] == "sign_in_required"


def test_a_role_change_is_seen_and_told(signed_in, workos, clock, site):
    """Peers: bug class N, roles that stay as they were."""
    assert signed_in.get("/admin").status_code == 200
    workos.set_role("alice@acme.test", "Acme", "member")
    clock.advance(LIFE + 1)
    assert signed_in.get("/admin").status_code == 403
    (changed,) = site.signal("session_changed")
    assert (changed["previous"].role, changed["session"].role) == ("admin", "member")


@pytest.mark.parametrize(
    "headers", [{"X_Session_Passive": "1"}, {"Sec_Purpose": "prefetch"}, {"Purpose": "prefetch"}]
)
def test_what_nobody_asked_for_refreshes_nothing(signed_in, refreshes, clock, headers):
    """Peers: bug class R, polling defeats the inactivity timeout."""
    clock.advance(LIFE - 10)
    assert signed_in.fetch("/api/me", **headers).status_code == 200
    clock.advance(11)
    stale = signed_in.fetch("/api/me", **headers)
    assert (stale.status_code, stale.json["error"]) == (409, "passive_stale")
    assert refreshes() == []


def test_a_passive_view_refreshes_nothing(signed_in, refreshes, clock):
    clock.advance(LIFE + 1)
    assert signed_in.fetch("/api/poll").status_code == 409
    htmx = signed_in.fetch("/api/poll", HX_Request="true")
    assert (htmx.status_code, htmx.data) == (204, b"")
    assert refreshes() == []


def test_polling_all_along_does_not_outlive_the_inactivity_timeout(signed_in, clock, refreshes):
    for _ in range(31):
        signed_in.fetch("/api/poll")
        signed_in.fetch("/auth/session")
        clock.advance(60)
    assert refreshes() == []
    assert signed_in.fetch("/auth/session").json["reason"] == "inactivity"


def test_static_files_and_unknown_paths_refresh_nothing(signed_in, refreshes, clock, site):
    clock.advance(LIFE + 1)
    signed_in.get("/static/missing.css")
    signed_in.get("/nowhere")
    assert refreshes() == []


def test_security_r3_tokens_of_another_person_are_never_adopted(
    signed_in, workos, clock, site, caplog
):
    other = workos.sign_in("bob@acme.test")
    clock.advance(LIFE + 1)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        mocked.add_passthru(f"{workos.url}/sso")
        mocked.post(f"{workos.url}/user_management/authenticate", json=other)
        response = signed_in.fetch("/api/me")
    assert response.status_code == 401
    assert "another session or person" in caplog.text
    assert other["refresh_token"] not in caplog.text
    assert signed_in.fetch("/api/me").status_code == 401
    assert [each["reason"] for each in site.signal("session_ended")] == ["revoked"]


def answering(monkeypatch, site, **changes):
    """WorkOS answers refreshes with other members than its tokens say."""
    exchange = site.parts.client.exchange_refresh_token
    monkeypatch.setattr(
        site.parts.client,
        "exchange_refresh_token",
        lambda *arguments, **more: replace(exchange(*arguments, **more), **changes),
    )


def test_security_r3_a_token_of_another_organization_than_the_answer_is_not_adopted(
    signed_in, clock, site, monkeypatch
):
    answering(monkeypatch, site, organization_id="org_other")
    clock.advance(LIFE + 1)
    assert signed_in.fetch("/api/me").status_code == 401
    assert [each["reason"] for each in site.signal("session_ended")] == ["revoked"]


def test_an_answer_that_names_no_organization_keeps_the_session_in_its_own(
    signed_in, clock, site, monkeypatch, refreshes
):
    """WorkOS's documentation calls that member optional."""
    before = signed_in.fetch("/api/me").json["organization"]
    answering(monkeypatch, site, organization_id=None)
    for _ in range(2):
        clock.advance(LIFE + 1)
        assert signed_in.fetch("/api/me").json["organization"] == before
    assert {each.organization_id for each in refreshes()} == {before}


def test_the_result_is_kept_when_the_key_set_cannot_be_had(
    signed_in, workos, clock, site, refreshes
):
    """Peers: adcp #2293. Stored first, verified second."""
    workos.rotate_keys()
    clock.advance(LIFE + 1)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        mocked.add_passthru(f"{workos.url}/user_management")
        mocked.get(f"{workos.url}/sso/jwks/{workos.client_id}", status=503)
        assert signed_in.fetch("/api/me").status_code == 503
    clock.advance(61)
    assert signed_in.fetch("/api/me").status_code == 200
    assert len(refreshes()) == 1


def test_a_late_answer_is_kept_when_the_request_has_given_up(
    signed_in, workos, clock, site, monkeypatch
):
    monkeypatch.setattr(
        "flask_workos_sessions.context.RequestState.caller",
        lambda self, *_: Caller(deadline=time.monotonic() + 0.01),
    )
    clock.advance(LIFE + 1)
    release = threading.Event()
    exchange = site.parts.client.exchange_refresh_token

    def slowly(*arguments, **keywords):
        release.wait(5)
        return exchange(*arguments, **keywords)

    monkeypatch.setattr(site.parts.client, "exchange_refresh_token", slowly)
    assert signed_in.fetch("/api/me").status_code == 503
    (flight,) = site.parts.refresher._flights.by_digest.values()
    release.set()
    flight.landed.result()
    assert signed_in.fetch("/api/me").status_code == 200
    assert len(workos.exchanges("refresh_token")) == 1
    assert len(site.signal("session_refreshed")) == 1


def test_session_refreshed_is_sent_with_the_session_before_it(signed_in, clock, site):
    heard = []
    signals.session_refreshed.connect(
        lambda sender, session, previous: heard.append(previous.refreshed_at), site.app, weak=False
    )
    first = signed_in.fetch("/api/me").json["iat"]
    clock.advance(LIFE + 1)
    signed_in.fetch("/api/me")
    assert heard == [first]


def test_a_refreshed_session_that_is_too_large_is_kept_for_as_long_as_its_record(
    signed_in, workos, clock, caplog
):
    chance = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz:"
    workos.set_permissions("admin", *("".join(chance.choices(letters, k=24)) for _ in range(260)))
    clock.advance(LIFE + 1)
    response = signed_in.fetch("/api/me")
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert "WORKOS_SESSION_STORE" in caplog.text
    assert signed_in.fetch("/api/me").status_code == 200
    assert len(workos.exchanges("refresh_token")) == 1
