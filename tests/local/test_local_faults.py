"""Wrong answers on purpose, outages, and the journal of what came in."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests


@pytest.fixture
def token(workos):
    return workos.sign_in("alice@acme.test")["refresh_token"]


def test_a_status_is_answered_as_often_as_asked_and_nothing_is_exchanged(
    application, workos, token
):
    workos.fail_next(2, status=503, headers={"Retry-After": "7"})

    for _ in range(2):
        answer = application.refresh(token)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert application.refresh(token).status_code == 200
    assert not workos.exchanges()[-1].replayed


def test_a_body_can_be_given(application, workos, token):
    workos.fail_next(status=429, body='{"error":"too_many_requests"}')

    assert application.refresh(token).json() == {"error": "too_many_requests"}


@pytest.mark.parametrize(
    ("kind", "status", "start"),
    [("html", 200, "<!doctype html>"), ("no_tokens", 200, "{}"), ("redirect", 307, "")],
)
def test_named_faults_that_have_an_answer(application, workos, token, kind, status, start):
    workos.fail_next(status=kind)

    answer = application.refresh(token)

    assert answer.status_code == status
    assert answer.text.startswith(start)
    assert ("Location" in answer.headers) == (kind == "redirect")
    assert not application.refresh(token).json().get("error")


def test_a_dropped_exchange_never_took_place(application, workos, token):
    workos.fail_next(status="drop")

    with pytest.raises(requests.ConnectionError):
        application.refresh(token)

    application.refresh(token)
    dropped, answered = workos.exchanges("refresh_token")
    assert (dropped.status, dropped.fault) == (None, "drop")
    assert (answered.status, answered.fault, answered.replayed) == (200, None, False)


@pytest.mark.parametrize("kind", ["lost", "half"])
def test_a_lost_answer_is_the_answer_to_an_exchange_that_took_place(
    application, workos, clock, token, kind
):
    workos.fail_next(status=kind)
    with pytest.raises(requests.RequestException):
        application.refresh(token)

    replay = application.refresh(token)
    assert replay.status_code == 200
    assert workos.exchanges()[-1].replayed

    clock.advance(31)
    assert application.refresh(token).json()["error"] == "invalid_grant"


def test_an_answer_can_be_late(application, workos, token):
    workos.fail_next(status=504, delay=0.2)
    began = time.monotonic()

    assert application.refresh(token).status_code == 504
    assert time.monotonic() - began >= 0.2


def test_a_late_answer_is_the_answer_to_an_exchange(application, workos, token):
    workos.fail_next(status="late", delay=0.2)
    began = time.monotonic()

    assert application.refresh(token).status_code == 200
    assert time.monotonic() - began >= 0.2


def test_a_late_answer_does_not_hold_up_others(application, workos, token):
    workos.fail_next(status="late", delay=0.5)
    waiting = threading.Thread(target=application.refresh, args=(token,))
    waiting.start()
    while not workos.exchanges():
        pass

    assert application.refresh(token).json()["user"]
    assert waiting.is_alive()
    waiting.join()


def test_faults_come_in_the_order_in_which_they_were_asked_for(application, workos, token):
    workos.fail_next(status=500)
    workos.fail_next(status=429)

    assert [application.refresh(token).status_code for _ in range(3)] == [500, 429, 200]


def test_faults_to_come_can_be_forgotten(application, workos, token):
    workos.fail_next(5)
    workos.clear_faults()

    assert application.refresh(token).status_code == 200


@pytest.mark.parametrize("status", ["nonsense", 42, 1000])
def test_an_unknown_fault_is_refused(workos, status):
    with pytest.raises(ValueError, match="A fault is"):
        workos.fail_next(status=status)


def test_faults_hit_exchanges_only(application, workos):
    workos.fail_next(status=503)

    path = f"/sso/jwks/{workos.client_id}"
    assert application.api("GET", path).status_code == 200


def test_while_it_is_down_nothing_answers(application, workos, token):
    path = f"/sso/jwks/{workos.client_id}"
    with workos.down():
        with pytest.raises(requests.ConnectionError):
            application.api("GET", path)
        with pytest.raises(requests.ConnectionError):
            application.refresh(token)

    assert application.api("GET", path).status_code == 200
    assert application.refresh(token).status_code == 200


def test_one_endpoint_can_be_down(application, workos, token):
    with workos.down(503, only="/sso/jwks"):
        assert application.api("GET", f"/sso/jwks/{workos.client_id}").status_code == 503
        assert application.refresh(token).status_code == 200


def test_an_outage_can_have_a_status(application, workos, token):
    with workos.down(503):
        assert application.refresh(token).status_code == 503
        assert application.api("GET", "/").status_code == 503


def test_the_journal_has_every_exchange_and_its_answer(application, workos, clock, token):
    application.refresh("unknown")
    clock.advance(5)
    application.refresh(token, organization_id=workos.organization("Acme").id)
    application.post({})

    refused, refreshed, nonsense = workos.exchanges()
    assert (refused.at, refused.status, refused.error) == (1_800_000_000, 400, "invalid_grant")
    assert (refreshed.at, refreshed.status, refreshed.error) == (1_800_000_005, 200, None)
    assert refreshed.organization_id == workos.organization("Acme").id
    assert refreshed.request["refresh_token"] == token
    assert nonsense.grant_type is None
    assert workos.exchanges("refresh_token") == [refused, refreshed]
    assert workos.exchanges("authorization_code") == []


def test_the_journal_has_every_request(application, workos):
    application.api("GET", "/nowhere?a=1")

    (request,) = workos.requests
    assert (request.method, request.path, request.query) == ("GET", "/nowhere", "a=1")
    assert (request.status, request.fault) == (404, None)


def test_no_secret_is_in_the_repr_of_the_journal_or_of_a_session(application, workos):
    """security T2"""
    code = application.code_for("alice@acme.test")
    application.exchange_code(code, ip_address="192.0.2.7")

    shown = repr([workos.exchanges(), workos.requests, workos.sessions, workos.users])

    answer = workos.exchanges()[0].response
    for secret in (code, workos.api_key, "192.0.2.7", "alice@acme.test", application.verifier):
        assert secret not in shown
    assert answer["refresh_token"] not in shown
    assert answer["access_token"] not in shown


@pytest.mark.parametrize("kind", ["reset", "refuse"])
def test_a_reset_is_one_and_says_whether_the_exchange_took_place(application, workos, token, kind):
    workos.fail_next(status=kind)
    with pytest.raises(requests.ConnectionError, match="reset"):
        application.refresh(token)
    assert application.refresh(token).status_code == 200
    assert workos.exchanges("refresh_token")[-1].replayed == (kind == "reset")


@pytest.mark.parametrize("kind", ["drip_headers", "drip_body"])
def test_an_answer_drips_and_can_be_read_by_who_has_the_time(application, workos, token, kind):
    workos.fail_next(status=kind, delay=0.0005)
    assert application.refresh(token).json()["refresh_token"] != token
    application.refresh(token)
    assert workos.exchanges("refresh_token")[-1].replayed


def test_faults_of_one_path_leave_the_others_alone(application, workos, token):
    workos.fail_next(2, status=503, only="/sso/jwks")
    keys = f"{workos.url}/sso/jwks/{workos.client_id}"
    assert application.refresh(token).status_code == 200
    answers = [requests.get(keys, timeout=5).status_code for _ in range(3)]
    assert answers == [503, 503, 200]


def test_a_share_of_all_exchanges_fails_the_same_in_every_run(application, workos, token):
    def run():
        workos.fail_randomly(0.5, 500, 429, seed=7)
        return [application.refresh(token).status_code for _ in range(20)]

    first = run()
    assert set(first) == {200, 429, 500}
    assert run() == first
    workos.clear_faults()
    assert application.refresh(token).status_code == 200


@pytest.mark.parametrize("grace", [0, 30])
def test_a_used_token_is_answered_again_within_the_grace_and_never_without(
    application, workos, token, grace
):
    workos.set_clocks(grace_seconds=grace)
    assert application.refresh(token).status_code == 200
    assert application.refresh(token).status_code == (200 if grace else 400)


@pytest.mark.parametrize(("status", "revoked"), [(500, "active"), ("lost", "revoked")])
def test_a_revocation_can_fail_before_or_after_it_took_place(
    application, workos, token, status, revoked
):
    path = "/user_management/sessions/revoke"
    workos.fail_next(status=status, only=path)
    try:
        application.api("POST", path, json={"session_id": workos.sessions[0].id})
    except requests.ConnectionError:
        assert status == "lost"
    assert workos.sessions[0].status == revoked
    assert application.refresh(token).status_code == (200 if revoked == "active" else 400)


@pytest.mark.parametrize("value", ["1", "3600", "Wed, 21 Oct 2026 07:28:00 GMT", "NaN", "", None])
def test_a_retry_after_is_sent_as_it_is_given(application, workos, token, value):
    workos.fail_next(status=429, headers={} if value is None else {"Retry-After": value})
    answer = application.refresh(token)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, value)


def test_without_a_grace_one_of_many_at_once_gets_a_pair(application, workos, token):
    workos.set_clocks(grace_seconds=0)
    with ThreadPoolExecutor(16) as pool:
        statuses = [each.status_code for each in pool.map(application.refresh, [token] * 16)]
    assert sorted(statuses) == [200] + [400] * 15
    assert not any(each.replayed for each in workos.exchanges())


@pytest.mark.parametrize(
    ("kind", "status", "took_place"),
    [
        (503, 503, False),
        ("drop", None, False),
        ("refuse", None, False),
        ("html", 200, False),
        ("lost", None, True),
        ("reset", None, True),
        ("half", 200, True),
        ("late", 200, True),
    ],
)
def test_the_journal_counts_what_arrived_and_tells_what_took_place(
    application, workos, token, kind, status, took_place
):
    workos.fail_next(status=kind)
    with contextlib.suppress(requests.RequestException):
        application.refresh(token)
    application.refresh(token)
    failed, second = workos.exchanges("refresh_token")
    assert (failed.status, failed.fault) == (status, str(kind))
    assert bool(failed.response.get("refresh_token")) == second.replayed == took_place


def test_an_outage_can_be_slow_and_say_when_to_come_back(application, workos, token):
    began = time.monotonic()
    with workos.down(503, headers={"Retry-After": "9"}, delay=0.2):
        assert application.refresh(token).headers["Retry-After"] == "9"
    assert time.monotonic() - began >= 0.2


def test_a_share_of_the_calls_of_one_endpoint_fails(application, workos, token):
    workos.fail_randomly(1, 503, only="/sso/jwks")
    assert application.api("GET", f"/sso/jwks/{workos.client_id}").status_code == 503
    assert application.refresh(token).status_code == 200


@pytest.mark.parametrize("more", [{"delay": -1}, {"delay": float("nan")}, {"times": -1}])
def test_a_fault_that_cannot_be_played_is_refused(workos, more):
    with pytest.raises(ValueError, match="from 0"):
        workos.fail_next(**more)


@pytest.mark.parametrize("order", [(1.5, 500), (-0.1, 500), (0.5,)])
def test_a_share_that_is_none_is_refused(workos, order):
    with pytest.raises(ValueError, match="A share from 0 to 1"):
        workos.fail_randomly(*order)
