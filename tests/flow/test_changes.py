"""What a cut-off means for somebody who is signed in: over, or refreshed before it is served."""

import time

import pytest

from flask_workos_sessions.coordination.watch import membership
from flask_workos_sessions.refresh.pace import PER_SECOND


def status(browser):
    return browser.fetch("/auth/session")


def exchanges(workos):
    return len(workos.exchanges("refresh_token"))


def wait_until(true):
    """For what goes on beside the requests."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def site(make_site):
    return make_site()


@pytest.fixture
def browser(site, clock):
    browser = site.browser()
    browser.sign_in("alice@acme.test")
    clock.advance(10)
    assert browser.fetch("/api/me").json["role"] == "admin"
    return browser


@pytest.fixture
def place(workos):
    """Alice's membership as a cut-off names it."""
    return membership(workos.user("alice@acme.test").id, workos.organization("Acme").id)


def test_a_changed_role_is_there_at_the_next_request(site, browser, workos, clock, place):
    workos.set_role("alice@acme.test", "Acme", "member")
    assert browser.fetch("/api/me").json["role"] == "admin"
    site.parts.cut_offs.change("membership", place, at=clock())
    clock.advance(1)
    assert browser.fetch("/api/me").json["role"] == "member"
    assert browser.get("/admin").status_code == 403
    assert exchanges(workos) == 1
    (changed,) = site.signal("session_changed")
    assert (changed["previous"].role, changed["session"].role) == ("admin", "member")


@pytest.mark.parametrize(
    ("scope", "name", "told"),
    [("membership", None, True), ("role", "admin", True), ("role", "member", False)],
)
def test_the_page_is_told_of_a_change_that_concerns_it_until_it_is_refreshed(
    site, browser, clock, place, scope, name, told
):
    assert status(browser).json["changed"] is False
    site.parts.cut_offs.change(scope, name or place, at=clock())
    clock.advance(1)
    answer = status(browser)
    assert (answer.status_code, answer.json["changed"]) == (200, told)
    assert "Set-Cookie" not in answer.headers
    browser.fetch("/api/me")
    assert status(browser).json["changed"] is False


@pytest.mark.parametrize("scope", ["person", "organization", "everybody"])
def test_a_wide_change_refreshes_and_says_nothing_that_may_not_be_true(
    site, browser, workos, clock, scope
):
    names = {
        "person": workos.user("alice@acme.test").id,
        "organization": workos.organization("Acme").id,
        "everybody": "",
    }
    workos.set_user("alice@acme.test", first_name="Alicia")
    site.parts.cut_offs.change(scope, names[scope], at=clock())
    clock.advance(1)
    assert status(browser).json["changed"] is False
    assert browser.get("/hello").text == "Hello Alicia"
    for _ in range(5):
        browser.get("/hello")
    assert exchanges(workos) == 1


def test_a_change_that_workos_has_to_confirm_is_not_served_from_an_old_token(
    site, browser, workos, clock, place
):
    site.parts.cut_offs.change("membership", place, at=clock())
    clock.advance(1)
    cookie = browser.cookie
    with workos.down(503):
        refused = browser.fetch("/api/me")
        assert (refused.status_code, refused.json["error"]) == (503, "session_unavailable")
        assert "Retry-After" in refused.headers
        assert browser.get("/hello").text == "Hello stranger, unavailable"
        assert browser.fetch("/api/poll").status_code == 409
        assert status(browser).json["changed"] is True
    assert browser.cookie == cookie
    clock.advance(60)
    assert browser.fetch("/api/me").status_code == 200


@pytest.mark.parametrize("scope", ["role", "everybody"])
def test_other_changes_are_served_from_an_old_token_while_workos_does_not_answer(
    site, browser, workos, clock, scope
):
    site.parts.cut_offs.change(scope, "admin" if scope == "role" else "", at=clock())
    clock.advance(1)
    with workos.down(503):
        assert browser.fetch("/api/me").status_code == 200
    clock.advance(60)
    before = browser.fetch("/api/me").json["iat"]
    assert before >= clock() - 61


def test_a_passive_request_refreshes_nothing_because_of_a_change(
    site, browser, workos, clock, place
):
    site.parts.cut_offs.change("role", "admin", at=clock())
    clock.advance(1)
    assert browser.fetch("/api/poll").status_code == 200
    site.parts.cut_offs.change("membership", place, at=clock())
    clock.advance(1)
    stale = browser.fetch("/api/poll")
    assert (stale.status_code, stale.json["error"]) == (409, "passive_stale")
    htmx = browser.fetch("/api/poll", HX_Request="true")
    assert (htmx.status_code, htmx.data) == (204, b"")
    assert exchanges(workos) == 0


def test_security_w2_a_member_who_was_removed_is_out_and_told_why(
    site, browser, workos, clock, place
):
    workos.remove_membership("alice@acme.test", "Acme")
    site.parts.cut_offs.change("membership", place, at=clock())
    clock.advance(1)
    refused = browser.fetch("/api/me")
    assert (refused.status_code, refused.json["required"]) == (401, {"reason": "access_removed"})
    assert status(browser).json["reason"] == "access_removed"


def test_security_w2_a_member_who_was_added_again_is_welcome(site, browser, workos, clock, place):
    workos.remove_membership("alice@acme.test", "Acme")
    site.parts.cut_offs.change("membership", place, at=clock())
    workos.add_membership("alice@acme.test", "Acme", "member")
    clock.advance(1)
    assert browser.fetch("/api/me").json["role"] == "member"
    again = site.browser()
    again.sign_in("alice@acme.test")
    assert again.fetch("/api/me").status_code == 200


def test_an_old_cookie_gets_no_successor_that_is_older_than_the_change(
    site, browser, workos, clock, place
):
    """The first exchange was before the change; a tab comes with the cookie from before it."""
    old = browser.cookie
    clock.advance(100)
    assert browser.fetch("/auth/session/extend", "POST").status_code == 200
    assert browser.cookie != old
    workos.set_role("alice@acme.test", "Acme", "member")
    site.parts.cut_offs.change("membership", place, at=clock())
    clock.advance(2)
    answer = browser.send(f"{site.parts.store.name}={old}")
    assert (answer.status_code, answer.json["role"]) == (200, "member")
    assert browser.fetch("/api/me").json["role"] == "member"
    assert exchanges(workos) == 2


def test_an_end_by_a_cut_off_is_told_once_and_reaches_workos(site, browser, workos, clock):
    other = site.browser()
    other.sign_in("alice@acme.test")
    stranger = site.browser()
    stranger.sign_in("bob@acme.test")
    site.parts.cut_offs.end("person", workos.user("alice@acme.test").id, "revoked", at=clock())
    for each in (browser, other):
        refused = each.fetch("/api/me")
        assert (refused.status_code, refused.json["required"]) == (401, {"reason": "revoked"})
        assert each.fetch("/api/me").status_code == 401
        assert status(each).json["reason"] == "revoked"
    assert stranger.fetch("/api/me").status_code == 200
    assert len(site.signal("session_ended")) == 2
    ids = {each["session_id"] for each in site.signal("session_ended")}
    wait_until(lambda: {s.id for s in workos.sessions if s.status == "revoked"} == ids)


def test_a_cut_off_that_only_the_status_has_seen_ends_the_session_all_the_same(
    site, browser, workos, clock
):
    site.parts.cut_offs.end("everybody", "", "revoked", at=clock())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(site.parts.revoker), "soon", lambda *_: pytest.fail("called WorkOS"))
        assert status(browser).json["reason"] == "revoked"
    assert len(site.signal("session_ended")) == 1
    assert browser.get("/dashboard").headers["Location"].startswith("/auth/signed-out")
    wait_until(lambda: [s.status for s in workos.sessions] == ["revoked"])


def test_a_sign_in_after_the_cut_off_is_a_new_session(site, browser, workos, clock):
    site.parts.cut_offs.end("everybody", "", "revoked", at=clock())
    assert browser.fetch("/api/me").status_code == 401
    clock.advance(1)
    browser.sign_in("alice@acme.test")
    assert browser.fetch("/api/me").status_code == 200


def test_an_end_during_an_exchange_counts(site, browser, workos, clock):
    """The answer's token is younger than the cut-off, its session is not."""
    ended = []

    def end(*arguments, **options):
        answer = exchange(*arguments, **options)
        if not ended:
            ended.append(site.parts.cut_offs.end("everybody", "", "revoked", at=clock()))
            clock.advance(2)
        return answer

    exchange = site.parts.client.exchange_refresh_token
    clock.advance(290)
    site.parts.client.exchange_refresh_token = end
    refused = browser.fetch("/api/me")
    assert (refused.status_code, refused.json["required"]) == (401, {"reason": "revoked"})


def test_thousands_are_not_refreshed_at_once_because_of_one_change(site, workos, clock):
    browsers = [site.browser() for _ in range(PER_SECOND + 5)]
    for each in browsers:
        each.sign_in("alice@acme.test")
    clock.advance(10)
    site.parts.cut_offs.change("everybody", "", at=clock())
    clock.advance(1)
    for each in browsers:
        assert each.fetch("/api/me").status_code == 200
    assert exchanges(workos) == PER_SECOND
    clock.advance(1)
    for each in browsers:
        assert each.fetch("/api/me").status_code == 200
    assert exchanges(workos) == len(browsers)


def test_a_session_is_still_asked_about_once_a_second_when_much_is_recorded(
    site, browser, workos, clock, monkeypatch
):
    parts = site.parts
    for number in range(1_000):
        parts.cut_offs.end("person", f"user_{number}", "revoked", at=clock())
        parts.endings.end(f"session_{number}", "revoked", until=clock() + 3600)
    asked, ask = [], parts.endings._state.ask_all
    monkeypatch.setattr(parts.endings._state, "ask_all", lambda keys: asked.append(1) or ask(keys))
    for seconds in range(1, 4):
        clock.advance(1)
        for _ in range(10):
            assert browser.fetch("/api/me").status_code == 200
        assert len(asked) == seconds
