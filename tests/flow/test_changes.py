"""What a cut-off means for somebody who is signed in: over, or refreshed before it is served."""

import threading
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


def refresh_token(site, browser):
    return site.parts.store.open(browser.cookie).refresh_token


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
def test_a_change_of_what_is_no_right_refreshes_and_the_page_is_not_told(
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
    site.parts.cut_offs.change("membership", place, at=clock(), confirm=True)
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


@pytest.mark.parametrize("scope", ["role", "everybody", "membership"])
def test_other_changes_are_served_from_an_old_token_while_workos_does_not_answer(
    site, browser, workos, clock, place, scope
):
    names = {"role": "admin", "membership": place, "everybody": ""}
    site.parts.cut_offs.change(scope, names[scope], at=clock())
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
    site.parts.cut_offs.change("membership", place, at=clock(), confirm=True)
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
    site.parts.cut_offs.change("membership", place, at=clock(), confirm=True)
    clock.advance(1)
    refused = browser.fetch("/api/me")
    assert (refused.status_code, refused.json["required"]) == (401, {"reason": "access_removed"})
    assert status(browser).json["reason"] == "access_removed"


def test_security_w2_a_member_who_was_added_again_is_welcome(site, browser, workos, clock, place):
    workos.remove_membership("alice@acme.test", "Acme")
    site.parts.cut_offs.change("membership", place, at=clock(), confirm=True)
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
    # And everywhere: by its name, for the application, and at WorkOS.
    assert [each["reason"] for each in site.signal("session_ended")] == ["revoked"]
    wait_until(lambda: [each.status for each in workos.sessions] == ["revoked"])
    assert browser.fetch("/api/me").json["required"] == {"reason": "revoked"}
    assert len(site.signal("session_ended")) == 1


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


@pytest.fixture
def places(site, monkeypatch):
    """How often a place of the pace was taken."""
    taken, pace = [], type(site.parts.opener.pace)
    take = pace.take
    monkeypatch.setattr(pace, "take", lambda self: taken.append(1) or take(self))
    return taken


def test_a_session_that_pauses_takes_no_place_of_the_others(site, browser, workos, clock, places):
    site.parts.cut_offs.change("everybody", "", at=clock())
    clock.advance(1)
    with workos.down(503):
        for _ in range(8):
            assert browser.fetch("/api/me").status_code == 200
            clock.advance(0.1)
    assert len(places) == 1
    clock.advance(60)
    assert browser.fetch("/api/me").status_code == 200
    assert len(places) == 2


def test_a_session_that_workos_has_refused_stays_refused_while_a_change_waits_and_takes_no_place(
    site, browser, workos, clock, places
):
    others = [site.browser() for _ in range(6)]
    for each in others:
        each.sign_in("bob@acme.test")
    workos.revoke(workos.sessions[0].id)
    site.parts.cut_offs.change("everybody", "", at=clock())
    clock.advance(1)
    header = f"{site.parts.store.name}={browser.cookie}"
    assert [browser.send(header).status_code for _ in range(20)] == [401] * 20
    assert len(places) == 1
    with workos.down(429):
        for each in others:
            each.fetch("/api/me")
    assert site.parts.backoff.wait() > 0
    before = len(places)
    assert [browser.send(header).status_code for _ in range(20)] == [401] * 20
    assert len(places) == before


def test_a_session_of_which_workos_asks_something_takes_no_place_of_the_others(
    site, browser, workos, clock, places
):
    workos.set_organization("Acme", sso_required=True)
    site.parts.cut_offs.change("everybody", "", at=clock())
    clock.advance(1)
    header = f"{site.parts.store.name}={browser.cookie}"
    assert [browser.send(header).status_code for _ in range(20)] == [200] * 20
    assert len(places) == exchanges(workos) == 1


# --- clocks that differ


@pytest.mark.parametrize("confirm", [False, True])
@pytest.mark.parametrize("after", [0, 1, 5, 60])
@pytest.mark.parametrize("ahead", [-2, 0.5, 2, 30])
def test_security_w2_a_change_is_there_whatever_our_clock_says(
    make_site, workos, clock, place, ahead, after, confirm
):
    """And costs two exchanges at most, also when WorkOS's clock is behind its own events."""
    site = make_site(here=lambda: clock() + ahead)
    browser = site.browser()
    browser.sign_in("alice@acme.test")
    workos.set_role("alice@acme.test", "Acme", "member")
    site.parts.cut_offs.change("membership", place, at=clock(), confirm=confirm)
    clock.advance(after)
    answers = [browser.fetch("/api/me") for _ in range(10)]
    assert [each.status_code for each in answers] == [200] * 10
    assert answers[0].json["role"] == "member"
    assert 1 <= exchanges(workos) <= 2
    assert status(browser).json["changed"] is False


@pytest.mark.parametrize("confirm", [False, True])
def test_security_w2_an_event_that_is_ahead_of_the_tokens_is_confirmed_once(
    site, browser, workos, clock, place, confirm
):
    workos.set_role("alice@acme.test", "Acme", "member")
    site.parts.cut_offs.change("membership", place, at=clock() + 100, confirm=confirm)
    for _ in range(5):
        assert browser.fetch("/api/me").json["role"] == "member"
        clock.advance(5)
    assert exchanges(workos) == 2


def test_security_w2_what_workos_gave_out_before_the_change_is_not_taken_for_newer(
    site, browser, workos, clock, place
):
    """Its answer to an exchange that was lost is the pair of then."""
    lost = site.parts.client.exchange_refresh_token(refresh_token(site, browser))
    clock.advance(2)
    workos.set_role("alice@acme.test", "Acme", "member")
    site.parts.cut_offs.change("membership", place, at=clock(), confirm=True)
    clock.advance(2)
    me = browser.fetch("/api/me")
    assert me.json["role"] == "member"
    assert refresh_token(site, browser) != lost.refresh_token


def test_who_does_not_take_the_new_cookie_gets_the_new_role_and_costs_no_more_exchanges(
    make_site, workos, clock, place
):
    site = make_site(here=lambda: clock() + 2)
    browser = site.browser()
    browser.sign_in("alice@acme.test")
    site.parts.cut_offs.change("membership", place, at=clock() + 1, confirm=True)
    header = f"{site.parts.store.name}={browser.cookie}"
    for _ in range(10):
        assert browser.send(header).status_code == 200
    assert exchanges(workos) == 2


def test_a_503_brings_the_newest_cookie_there_is(site, browser, workos, clock, place):
    old = browser.cookie
    clock.advance(100)
    assert browser.fetch("/auth/session/extend", "POST").status_code == 200
    newer = browser.cookie
    site.parts.cut_offs.change("membership", place, at=clock(), confirm=True)
    clock.advance(2)
    with workos.down(503):
        answer = browser.send(f"{site.parts.store.name}={old}")
    assert answer.status_code == 503
    assert newer in answer.headers["Set-Cookie"]


def test_a_membership_that_changes_with_every_exchange_ends_in_a_503_with_the_newest_cookie(
    site, browser, workos, clock, place, monkeypatch
):
    exchange, moments = site.parts.client.exchange_refresh_token, iter(range(100))

    def changes(*arguments, **options):
        answer = exchange(*arguments, **options)
        at = clock() + next(moments)
        site.parts.cut_offs.change("membership", place, at=at, confirm=True)
        return answer

    site.parts.cut_offs.change("membership", place, at=clock(), confirm=True)
    monkeypatch.setattr(site.parts.client, "exchange_refresh_token", changes)
    before = browser.cookie
    assert browser.fetch("/api/me").status_code == 503
    assert exchanges(workos) == 3
    newest = browser.cookie
    assert newest != before
    monkeypatch.undo()
    clock.advance(5)
    assert browser.fetch("/api/me").status_code == 200
    assert 4 <= exchanges(workos) <= 5


def test_a_client_that_ignores_its_cookies_takes_nobody_s_place(site, browser, workos, clock):
    """What was exchanged already is no exchange."""
    other = site.browser()
    other.sign_in("alice@acme.test")
    clock.advance(1)
    site.parts.cut_offs.change("role", "admin", at=clock())
    workos.set_role("alice@acme.test", "Acme", "member")
    clock.advance(1)
    header = f"{site.parts.store.name}={browser.cookie}"
    for _ in range(5 * PER_SECOND):
        assert browser.send(header).json["role"] == "member"
    assert exchanges(workos) == 1
    assert other.fetch("/api/me").json["role"] == "member"


def test_requests_of_one_session_at_the_same_time_take_one_place(site, browser, workos, clock):
    """The others see that it is refreshed just now, and are served as it is."""
    site.parts.cut_offs.change("role", "admin", at=clock())
    clock.advance(1)
    taken, take = [], site.parts.opener.pace.take
    exchange = site.parts.client.exchange_refresh_token
    waiting, go = threading.Event(), threading.Event()

    def slow(*arguments, **options):
        waiting.set()
        go.wait(5)
        return exchange(*arguments, **options)

    site.parts.client.exchange_refresh_token = slow
    site.parts.opener.pace.take = lambda: taken.append(1) or take()
    header = f"{site.parts.store.name}={browser.cookie}"
    first = threading.Thread(target=browser.send, args=(header,))
    first.start()
    assert waiting.wait(5)
    try:
        assert [browser.send(header).status_code for _ in range(12)] == [200] * 12
    finally:
        go.set()
        first.join()
    assert len(taken) == 1


def test_an_ordinary_refresh_does_not_make_a_session_old_again(site, browser, workos, clock, place):
    site.parts.cut_offs.change("membership", place, at=clock() + 170, confirm=True)
    assert browser.fetch("/api/me").status_code == 200
    assert exchanges(workos) == 2
    clock.advance(65)
    assert browser.fetch("/auth/session/extend", "POST").status_code == 200
    assert exchanges(workos) == 3
    for _ in range(3):
        assert browser.fetch("/api/me").status_code == 200
    assert exchanges(workos) == 3


def test_a_session_that_a_change_made_old_sends_no_timing(site, browser, clock):
    """A page would take it for newer than the status that tells of the change."""
    assert "Server-Timing" in browser.fetch("/api/poll").headers
    site.parts.cut_offs.change("role", "admin", at=clock())
    clock.advance(1)
    poll = browser.fetch("/api/poll")
    assert (poll.status_code, "Server-Timing" in poll.headers) == (200, False)
    assert status(browser).json["changed"] is True
    assert "Server-Timing" in browser.fetch("/api/me").headers


def begin_of_a_second(clock):
    clock.advance(1 - clock() % 1)


@pytest.mark.parametrize("scope", ["membership", "person"])
@pytest.mark.parametrize("requests", [1, 2, 3])
@pytest.mark.parametrize("confirm", [False, True])
def test_security_w2_a_second_change_of_the_same_second_counts_too(
    site, browser, workos, clock, place, scope, requests, confirm
):
    begin_of_a_second(clock)
    name = place if scope == "membership" else workos.user("alice@acme.test").id
    site.parts.cut_offs.change(scope, name, at=clock(), confirm=confirm)
    clock.advance(0.3)
    for _ in range(requests):
        assert browser.fetch("/api/me").json["role"] == "admin"
    clock.advance(0.3)
    workos.remove_membership("alice@acme.test", "Acme")
    site.parts.cut_offs.change("membership", place, at=clock(), confirm=True)
    clock.advance(1)
    assert browser.fetch("/api/me").status_code == 401


def test_security_w2_the_role_of_a_second_change_of_the_same_second_is_there(
    site, browser, workos, clock, place
):
    begin_of_a_second(clock)
    for role in ("member", "admin", "member"):
        workos.set_role("alice@acme.test", "Acme", role)
        site.parts.cut_offs.change("membership", place, at=clock())
        clock.advance(0.3)
        for _ in range(3):
            assert browser.fetch("/api/me").json["role"] == role
    clock.advance(10)
    before = exchanges(workos)
    assert browser.fetch("/api/me").json["role"] == "member"
    assert exchanges(workos) == before <= 6


@pytest.mark.parametrize("ahead", [1, 100])
def test_security_w2_an_event_that_is_stamped_ahead_hides_no_other(
    site, browser, workos, clock, place, ahead
):
    begin_of_a_second(clock)
    site.parts.cut_offs.change("everybody", "", at=clock() + ahead, told=True)
    for _ in range(4):
        clock.advance(0.2)
        assert browser.fetch("/api/me").status_code == 200
    assert exchanges(workos) == 2
    workos.remove_membership("alice@acme.test", "Acme")
    site.parts.cut_offs.change("membership", place, at=clock(), confirm=True)
    clock.advance(2)
    assert browser.fetch("/api/me").status_code == 401


@pytest.mark.parametrize("ahead", [20, 40])
def test_security_r7_a_store_that_a_fast_clock_has_made_costs_a_session_one_exchange(
    make_site, workos, clock, tmp_path, ahead
):
    store = {"WORKOS_CACHE_TYPE": "sqlite", "WORKOS_CACHE_DIR": str(tmp_path / "state")}
    site = make_site(here=lambda: clock() + ahead, **store)
    site.browser().get("/hello")

    def begins_early():
        """Whether it is among the first of those whose refresh is spread over a token's life."""
        browser = site.browser()
        browser.sign_in("alice@acme.test")
        known = site.parts.reader.read(browser.cookie)
        return browser if int(known.watch.key[-6:], 16) / 0x1000000 < 0.05 else None

    browser = next(filter(None, (begins_early() for _ in range(1_000))))
    clock.advance(15)
    for _ in range(10):
        clock.advance(0.02)
        assert browser.fetch("/api/me").status_code == 200
    assert exchanges(workos) == 1
