"""People's sessions from the app: who sees which, what ends them, and how soon everywhere."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from flask import jsonify, request

from flask_workos_sessions import (
    ActiveSession,
    Session,
    User,
    current_session,
    current_user,
    errors,
    login_required,
)

REVOKE = "/user_management/sessions/revoke"
ALICE, BOB = "alice@acme.test", "bob@acme.test"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
#: For so long (seconds) a process believes what it has looked up.
BELIEVED = 1


@pytest.fixture(params=["sqlite", "redis"])
def shared(request, tmp_path):
    """Settings with which several sites are to each other what processes are."""
    password = {"WORKOS_COOKIE_PASSWORD": secrets.token_hex(32)}
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
        return {**password, "WORKOS_CACHE_TYPE": "redis", "WORKOS_CACHE_REDIS_URL": url}
    directory = str(tmp_path / "state")
    return {**password, "WORKOS_CACHE_TYPE": "sqlite", "WORKOS_CACHE_DIR": directory}


@pytest.fixture
def somebody(site):
    """Signs somebody in with a browser of their own."""

    def sign_in(who: str = ALICE, at: Any = site, agent: str = "") -> Any:
        browser = at.browser()
        browser.client.environ_base["HTTP_USER_AGENT"] = agent
        assert browser.sign_in(who).status_code == 303
        return browser

    return sign_in


def id_of(browser):
    return browser.fetch("/api/me").json["session"]


def status_at(workos, session_id):
    (status,) = (each.status for each in workos.sessions if each.id == session_id)
    return status


def is_refused(browser, reason="revoked"):
    """Whether a page is told that its session is over, and a copy of the cookie as well."""
    store = browser.site.parts.store
    copy = browser.send(f"{store.name}={browser.cookie}")
    told = copy.status_code == 401 and copy.json["required"] == {"reason": reason}
    page = browser.get("/dashboard")
    return told and page.location.startswith(f"/auth/signed-out?reason={reason}")


def is_served(browser):
    return browser.get("/dashboard").status_code == 200


# --- the list


def test_the_list_is_workoss_without_what_has_ended(site, somebody, workos, clock):
    phone, laptop, gone = somebody(agent=FIREFOX), somebody(), somebody()
    somebody(BOB)
    gone.post("/auth/logout")
    with site.app.app_context():
        found = site.sessions.list(workos.user(ALICE).id)
    assert [each.id for each in found] == [id_of(laptop), id_of(phone)]
    listed = found[1]
    assert isinstance(listed, ActiveSession)
    assert (listed.user_id, listed.auth_method) == (workos.user(ALICE).id, "password")
    assert listed.organization_id == workos.organization("Acme").id
    assert (listed.created_at, listed.updated_at) == (int(clock()), int(clock()))
    assert listed.expires_at == int(clock()) + 8 * 3600
    assert (listed.user_agent, listed.ip_address) == (FIREFOX, "127.0.0.1")
    assert (listed.impersonator, listed.current) == (None, False)
    with pytest.raises(FrozenInstanceError):
        listed.id = "another"


def test_the_one_of_the_request_is_marked(site, somebody):
    @site.app.get("/devices")
    @login_required
    def devices() -> Any:
        return jsonify([(each.id, each.current) for each in site.sessions.list(current_user)])

    here, other = somebody(), somebody()
    assert here.fetch("/devices").json == [[id_of(other), False], [id_of(here), True]]
    assert here.fetch("/devices").headers["Cache-Control"] == "private, no-store"


def test_security_t2_what_is_shown_of_one_in_logs_names_no_place_and_no_browser(
    site, somebody, workos
):
    somebody(agent=FIREFOX)
    workos.impersonate(ALICE, by="support@vendor.test", reason="Ticket 42")
    with site.app.app_context():
        found = site.sessions.list(workos.user(ALICE).id)
    assert found[0].impersonator.email == "support@vendor.test"
    assert found[0].impersonator.reason == "Ticket 42"
    shown = repr(found)
    assert not re.search(r"Firefox|127\.0|support@|eyJ", shown)
    assert found[1].id in shown


def test_all_pages_of_the_list_are_there(site, workos):
    for _ in range(205):
        workos.sign_in(BOB)
    with site.app.app_context():
        found = site.sessions.list(workos.user(BOB).id)
    assert len({each.id for each in found}) == 205
    with site.app.app_context():
        assert site.sessions.revoke_user(workos.user(BOB).id, keep=found[-1]) == 204
    assert [each.id for each in workos.sessions if each.status == "active"] == [found[-1].id]


def test_whose_sessions_is_said_in_three_ways(site, somebody, workos):
    @site.app.get("/three")
    @login_required
    def three() -> Any:
        whom = [current_user, current_session, current_session.user.id]
        return jsonify([[each.id for each in site.sessions.list(who)] for who in whom])

    alice = somebody()
    assert alice.fetch("/three").json == [[id_of(alice)]] * 3


@pytest.mark.parametrize(
    ("who", "error"),
    [("", ValueError), (User(), ValueError), (Session(), ValueError), (7, TypeError)],
)
def test_nobodys_sessions_are_a_mistake_of_the_caller(site, who, error):
    with site.app.app_context():
        for call in (
            lambda: site.sessions.list(who),
            lambda: site.sessions.revoke("session_1", user=who),
            lambda: site.sessions.revoke_user(who),
        ):
            with pytest.raises(error, match="Whose sessions"):
                call()


def test_an_own_user_object_is_not_taken_for_workoss(site, somebody):
    """Its id may be somebody else's at WorkOS."""

    class Member:
        id = 7

    site.sessions.user_loader(lambda session: Member())

    @site.app.get("/devices")
    @login_required
    def devices() -> Any:
        with pytest.raises(TypeError, match="user_loader"):
            site.sessions.list(current_user)
        return str(len(site.sessions.list(current_session)))

    assert somebody().get("/devices").text == "1"


# --- ending one


def test_security_w1_a_foreign_or_unknown_session_is_not_found_and_nothing_ends(
    site, somebody, workos
):
    alice, bob = somebody(), somebody(BOB)
    with site.app.app_context():
        for session_id in (id_of(bob), "session_unknown", ""):
            with pytest.raises(LookupError) as raised:
                site.sessions.revoke(session_id, user=workos.user(ALICE).id)
            assert isinstance(raised.value, errors.SessionNotFound)
    assert [each.status for each in workos.sessions] == ["active", "active"]
    assert is_served(bob)
    assert is_served(alice)
    assert site.signal("session_ended") == []


def test_security_w1_a_copied_form_gets_404_and_is_told_of(site, somebody):
    @site.app.post("/devices")
    @login_required
    def end() -> str:
        site.sessions.revoke(request.form["session_id"], user=current_user)
        return "ended"

    alice, bob = somebody(), somebody(BOB)
    page = alice.post("/devices", {"session_id": id_of(bob)})
    assert (page.status_code, "That session is over" in page.text) == (404, True)
    assert is_served(bob)
    (told,) = site.signal("refused")
    assert told["error"].error == "session_not_found"
    assert bob.post("/devices", {"session_id": id_of(bob)}).text == "ended"
    assert is_refused(bob), "one's own may be ended too, from the next request on"


def test_one_that_is_ended_is_over_here_at_once_and_at_workos(site, somebody, workos, clock):
    stolen, other = somebody(), somebody()
    session_id = id_of(stolen)
    with site.app.app_context():
        assert site.sessions.revoke(session_id, user=workos.user(ALICE).id) is None
    assert is_refused(stolen)
    assert is_served(other)
    assert status_at(workos, session_id) == "revoked"
    assert site.signal("session_ended") == [{"session_id": session_id, "reason": "revoked"}]
    status = stolen.fetch("/auth/session")
    assert (status.status_code, status.json["reason"]) == (401, "revoked")
    for _ in range(15):
        clock.advance(1799)
        assert is_served(other)
        assert site.parts.endings.reason(session_id) == "revoked", "as long as it could have lasted"


def test_another_process_refuses_it_within_a_second(
    make_site, shared, somebody, workos, clock, site
):
    one, two = make_site(**shared), make_site(**shared)
    alice = somebody(at=two)
    session_id = id_of(alice)
    assert is_served(alice)
    with one.app.app_context():
        one.sessions.revoke(session_id, user=workos.user(ALICE).id)
    assert is_served(alice), "what was looked up in this second is believed"
    clock.advance(BELIEVED)
    assert is_refused(alice)
    assert len(one.signal("session_ended")) == 1
    assert two.signal("session_ended") == []
    assert workos.exchanges("refresh_token") == []


def test_one_that_workos_does_not_confirm_is_tried_again(site, somebody, workos, clock):
    alice, other = somebody(), somebody()
    session_id = id_of(alice)
    workos.fail_next(1, status=503, only=REVOKE)
    with site.app.app_context():
        site.sessions.revoke(session_id, user=workos.user(ALICE).id)
        assert site.sessions.stats()["pending_revocations"] == 1
        assert [each.id for each in site.sessions.list(workos.user(ALICE).id)] == [id_of(other)]
    assert is_refused(alice)
    assert status_at(workos, session_id) == "active"
    clock.advance(31)
    other.get("/dashboard")
    wait_for(lambda: status_at(workos, session_id) == "revoked")


def test_what_workos_did_not_hear_of_can_be_ended_again(site, somebody, workos):
    session_id = id_of(somebody())
    with site.app.app_context():
        workos.fail_next(1, status=503, only=REVOKE)
        site.sessions.revoke(session_id, user=workos.user(ALICE).id)
        site.sessions.revoke(session_id, user=workos.user(ALICE).id)
    assert status_at(workos, session_id) == "revoked"
    assert len(site.signal("session_ended")) == 1


def test_while_workos_is_away_nothing_is_listed_and_nothing_ended(site, somebody, workos):
    @site.app.get("/devices")
    @login_required
    def devices() -> str:
        return str(site.sessions.list(current_user))

    alice = somebody()
    with workos.down():
        answer = alice.get("/devices")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "cannot be looked up just now" in answer.text
        assert alice.fetch("/devices").json["error"] == "sessions_unavailable"
        with site.app.app_context(), pytest.raises(errors.SessionsUnavailable):
            site.sessions.revoke(id_of(alice), user=workos.user(ALICE).id)
    assert is_served(alice)


def test_security_r7_whether_one_has_ended_is_not_guessed(
    make_site, redis_server, workos, somebody
):
    url = {"WORKOS_CACHE_TYPE": "redis", "WORKOS_CACHE_REDIS_URL": redis_server.url}
    strict = make_site(**url, WORKOS_REVOCATION_REQUIRED=True)
    somebody(at=strict)
    redis_server.kill()
    with strict.app.app_context(), pytest.raises(errors.SessionsUnavailable):
        strict.sessions.list(workos.user(ALICE).id)


def test_somebody_whom_workos_does_not_know(site):
    with site.app.app_context():
        for who in ("user_unknown", "..", "a/b"):
            for call in (site.sessions.list, lambda who: site.sessions.revoke("s", user=who)):
                with pytest.raises(LookupError) as raised:
                    call(who)
                assert isinstance(raised.value, errors.UserNotFound)
            assert site.sessions.revoke_user(who) == 0


# --- ending all of somebody's


def test_security_w3_all_of_a_persons_sessions_but_one(
    make_site, shared, somebody, workos, clock, site
):
    one, two = make_site(**shared), make_site(**shared)

    @one.app.post("/elsewhere")
    @login_required
    def elsewhere() -> str:
        return str(one.sessions.revoke_user(current_user, keep=current_session))

    kept, phone, laptop = somebody(at=one), somebody(at=two), somebody(at=two)
    bob = somebody(BOB, at=two)
    over = [id_of(phone), id_of(laptop)]
    assert kept.post("/elsewhere").text == "2"
    clock.advance(BELIEVED)
    assert is_refused(phone)
    assert is_refused(laptop)
    assert is_served(kept)
    assert is_served(bob)
    assert {status_at(workos, each) for each in over} == {"revoked"}
    assert [told["session_id"] for told in one.signal("session_ended")] == over[::-1]
    assert two.signal("session_ended") == []
    clock.advance(301)
    assert is_served(kept), "and it is refreshed as ever"
    again = somebody(at=two)
    assert is_served(again), "a new sign-in is welcome"


@pytest.mark.parametrize(
    ("keep", "error"), [("", ValueError), (7, TypeError), (b"session", TypeError), ([], TypeError)]
)
def test_who_means_to_keep_one_and_names_none_ends_none(site, somebody, workos, keep, error):
    alice = somebody()
    with site.app.app_context(), pytest.raises(error, match="Which session goes on"):
        site.sessions.revoke_user(workos.user(ALICE).id, keep=keep)
    assert is_served(alice)


@pytest.mark.parametrize("keep", [None, "session_of_nobody", Session()])
def test_without_one_to_keep_all_end(site, somebody, workos, keep):
    browsers = [somebody(), somebody()]
    with site.app.app_context():
        assert site.sessions.revoke_user(workos.user(ALICE).id, keep=keep) == 2
        assert site.sessions.revoke_user(workos.user(ALICE).id) == 0
        assert site.sessions.list(workos.user(ALICE).id) == []
    assert all(map(is_refused, browsers))


def test_security_w3_during_an_outage_it_holds_at_once_and_workos_hears_of_it_later(
    make_site, shared, somebody, workos, clock, site
):
    one, two = make_site(**shared), make_site(**shared)
    kept, stolen = somebody(at=one), somebody(at=two)
    kept_id, stolen_id = id_of(kept), id_of(stolen)
    clock.advance(BELIEVED)
    with workos.down():
        with one.app.app_context():
            assert one.sessions.revoke_user(workos.user(ALICE).id, keep=kept_id) == 0
        assert is_refused(stolen)
        assert is_served(kept)
    assert two.signal("session_ended") == [{"session_id": stolen_id, "reason": "revoked"}]
    assert status_at(workos, stolen_id) == "active"
    with one.app.app_context():
        listed = one.sessions.list(workos.user(ALICE).id)
    assert [each.id for each in listed] == [kept_id], "what has ended here is not shown"
    clock.advance(31)
    two.browser().get("/hello")
    wait_for(lambda: status_at(workos, stolen_id) == "revoked")
    assert workos.exchanges("refresh_token") == []


def test_a_second_one_that_workos_does_not_take_waits_for_no_third(site, somebody, workos, clock):
    ids = [id_of(somebody()) for _ in range(4)]
    workos.fail_next(1, status=503, only=REVOKE)
    with site.app.app_context():
        assert site.sessions.revoke_user(workos.user(ALICE).id) == 4
        assert site.sessions.stats()["pending_revocations"] == 4
    asked = [each for each in workos.requests if each.path == REVOKE]
    assert len(asked) == 1
    clock.advance(31)
    site.browser().get("/hello")
    wait_for(lambda: {status_at(workos, each) for each in ids} == {"revoked"})


# --- ending everybody's


def test_security_w3_one_entry_ends_everybody_and_a_new_sign_in_works(
    make_site, shared, somebody, workos, clock, site
):
    one, two = make_site(**shared), make_site(**shared)
    browsers = [somebody(at=one), somebody(BOB, at=two), somebody(at=two)]
    clock.advance(BELIEVED)
    with one.app.app_context():
        one.sessions.revoke_all()
    assert all(map(is_refused, browsers))
    clock.advance(BELIEVED)
    assert workos.exchanges("refresh_token") == []
    again = somebody(at=two)
    assert is_served(again)
    for site_ in (one, two):
        site_.browser().get("/hello")
    wait_for(lambda: [each.status for each in workos.sessions].count("revoked") == 3)
    ended = [*one.signal("session_ended"), *two.signal("session_ended")]
    assert len({told["session_id"] for told in ended}) == len(ended) == 3
    clock.advance(7 * 3600)
    assert is_refused(browsers[0]), "as long as such a session could have lasted"


@pytest.mark.parametrize("ahead", [-30, -1.5, 0.4, 2, 30])
@pytest.mark.parametrize("everybody", [False, True])
def test_security_w2_ends_are_of_workoss_time_whatever_our_clock_says(
    make_site, workos, clock, ahead, everybody
):
    """Behind, it would leave those in who have just come; ahead, nobody could sign in again."""
    site = make_site(here=lambda: clock() + ahead)
    browser = site.browser()
    browser.sign_in(ALICE)
    with site.app.app_context():
        if everybody:
            site.sessions.revoke_all()
        else:
            site.sessions.revoke_user(workos.user(ALICE).id)
    assert is_refused(browser)
    clock.advance(2)
    again = site.browser()
    again.sign_in(ALICE)
    assert is_served(again)
    clock.advance(2)
    assert is_served(again)


def test_security_w2_a_process_that_has_not_talked_to_workos_asks_it_for_the_time(
    make_site, shared, somebody, clock, workos
):
    site = make_site(**shared)
    browser = somebody(at=site)
    late = make_site(here=lambda: clock() - 60, **shared)
    with late.app.app_context():
        late.sessions.revoke_all()
    clock.advance(BELIEVED)
    assert is_refused(browser)


def test_during_an_outage_the_app_s_own_clock_counts(make_site, workos, clock):
    site = make_site()
    browser = site.browser()
    browser.sign_in(ALICE)
    site.parts.client._time._ahead = None
    workos.stop()
    try:
        with site.app.app_context():
            site.sessions.revoke_all()
    finally:
        workos.start()
    assert is_refused(browser)


@pytest.mark.parametrize("what", ["revoke", "revoke_user", "revoke_all"])
def test_security_w3_an_end_that_others_cannot_hear_of_is_an_error_in_the_log(
    make_site, shared, somebody, workos, caplog, what
):
    site = make_site(**shared)
    browser = somebody(at=site)
    session_id, user_id = id_of(browser), workos.user(ALICE).id
    site.parts.breaker._failed(OSError())
    with site.app.app_context():
        if what == "revoke":
            site.sessions.revoke(session_id, user=user_id)
        elif what == "revoke_user":
            site.sessions.revoke_user(user_id)
        else:
            site.sessions.revoke_all()
    told = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert any("the others hear of it" in each.lower() for each in told)
    assert is_refused(browser)


def wait_for(condition):
    """Until what runs beside the requests has been done."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
