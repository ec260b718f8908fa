"""What a browser gets at its next request after something has happened at WorkOS."""

from __future__ import annotations

import json
import secrets

import pytest

from flask_workos_sessions import signals
from flask_workos_sessions.reactions import EVENT_TYPES, PASSWORD_RESET
from flask_workos_sessions.workos.moment import write_moment

SECRET = secrets.token_urlsafe(32)
ALICE, BOB, CAROL = "alice@acme.test", "bob@acme.test", "carol@acme.test"


@pytest.fixture
def site(make_site):
    return make_site(WORKOS_WEBHOOK_SECRET=SECRET)


@pytest.fixture
def post(site, workos):
    """Deliver one event, as a webhook."""

    def post(event, to=site):
        body = json.dumps(event).encode()
        headers = {"WorkOS-Signature": workos.sign(body, SECRET)}
        return to.app.test_client().post("/auth/webhook", data=body, headers=headers)

    return post


@pytest.fixture
def tell(workos, post):
    """Deliver what has happened since the last time, in this order or another one."""
    told = set()

    def tell(order=list, **how):
        fresh = [each for each in workos.events if each.id not in told]
        told.update(each.id for each in fresh)
        for each in order(fresh):
            assert post(each.as_json(**how)).status_code == 200

    return tell


@pytest.fixture
def happen(clock, post):
    """Deliver an event that is made up."""
    count = iter(range(1_000))

    def happen(kind, data, at=None, to=None, **more):
        moment = write_moment(clock() if at is None else at)
        event = {"id": f"event_{next(count)}", "event": kind, "data": data, "created_at": moment}
        answer = post({**event, **more}, **({"to": to} if to else {}))
        assert answer.status_code == 200

    return happen


@pytest.fixture
def browser(site, clock, tell):
    browser = site.browser()
    browser.sign_in(ALICE)
    clock.advance(10)
    tell()
    clock.advance(2)
    assert browser.fetch("/api/me").json["role"] == "admin"
    return browser


def me(browser):
    return browser.fetch("/api/me")


def status(browser):
    return browser.fetch("/auth/session").json


def ended(browser, reason):
    """Whether every kind of request hears why."""
    assert me(browser).json["required"] == {"reason": reason}
    assert status(browser)["reason"] == reason
    return browser.get("/dashboard").status_code == 303


def exchanges(workos):
    return len(workos.exchanges("refresh_token"))


# --- ends


def test_a_revoked_session_is_over_and_no_other_one(site, browser, workos, tell):
    other = site.browser()
    other.sign_in(ALICE)
    first, second = (each.id for each in workos.sessions[-2:])
    workos.revoke(first)
    tell()
    assert ended(browser, "revoked")
    assert me(other).json["session"] == second
    assert site.signal("session_ended") == [{"session_id": first, "reason": "revoked"}]
    tell(lambda events: [])
    assert exchanges(workos) == 0


def test_a_revoked_session_that_was_ended_here_is_told_of_once(site, browser, workos, tell):
    browser.post("/auth/logout")
    tell()
    assert status(browser)["reason"] == "signed_out"
    assert site.signal("session_ended") == []
    assert len(site.signal("signed_out")) == 1


def test_somebody_who_signs_in_again_is_not_met_by_the_end_of_the_session_before(
    site, browser, workos, clock, tell
):
    workos.revoke(workos.sessions[-1].id)
    clock.advance(1)
    again = site.browser()
    again.sign_in(ALICE)
    tell()
    tell()
    assert me(again).status_code == 200
    assert ended(browser, "revoked")


@pytest.mark.parametrize("expires_at", [None, "2000-01-01T00:00:00Z", "9999-12-31T00:00:00Z", 7])
def test_the_end_of_a_session_is_remembered_for_as_long_as_it_matters(
    site, browser, workos, clock, happen, expires_at
):
    session_id = workos.sessions[-1].id
    happen("session.revoked", {"id": session_id, "expires_at": expires_at})
    clock.advance(8 * 3600)
    assert site.parts.endings.reason(session_id) == "revoked"
    clock.advance(401 * 86_400)
    assert site.parts.endings.reason(session_id) is None


def test_an_agent_s_session_is_no_session_of_ours(browser, workos, happen):
    happen("agent.instance.session.revoked", {"id": workos.sessions[-1].id})
    assert me(browser).status_code == 200


def test_a_deleted_person_is_out_in_all_their_browsers(site, browser, workos, clock, happen):
    """Their user.deleted alone: the webhooks of their sessions are lost."""
    other, colleague = site.browser(), site.browser()
    other.sign_in(ALICE)
    colleague.sign_in(BOB)
    clock.advance(5)
    happen("user.deleted", {"id": workos.user(ALICE).id})
    assert ended(browser, "access_removed")
    assert ended(other, "access_removed")
    assert me(colleague).status_code == 200
    assert len(site.signal("session_ended")) == 2


@pytest.mark.parametrize("order", [list, lambda events: events[::-1]])
def test_a_person_who_is_deleted_at_workos_is_out_in_any_order_of_the_events(
    site, browser, workos, clock, tell, order
):
    workos.remove_user(ALICE)
    tell(order)
    assert me(browser).status_code == 401
    assert status(browser)["reason"] in ("revoked", "access_removed")
    assert len(site.signal("session_ended")) == 1


def test_a_deleted_organization_ends_its_sessions_and_no_others(site, browser, workos, clock, tell):
    elsewhere = site.browser()
    begun = elsewhere.get("/auth/login")
    url = f"{begun.location}&organization_id={workos.organization('Globex').id}"
    begun.headers["Location"] = url
    elsewhere.come_back(begun, CAROL)
    clock.advance(5)
    workos.remove_organization("Acme")
    tell()
    assert ended(browser, "access_removed")
    clock.advance(2)
    assert me(elsewhere).status_code == 200


def test_who_was_removed_from_the_organization_is_out_at_the_next_request(
    site, browser, workos, clock, tell
):
    workos.remove_membership(ALICE, "Acme")
    clock.advance(1)
    tell()
    assert ended(browser, "access_removed")


def test_who_was_deactivated_is_out_and_back_when_that_is_undone(
    site, browser, workos, clock, tell
):
    workos.set_membership_active(ALICE, "Acme", False)
    clock.advance(1)
    tell()
    assert ended(browser, "access_removed")
    workos.set_membership_active(ALICE, "Acme", True)
    clock.advance(1)
    again = site.browser()
    again.sign_in(ALICE)
    tell()
    clock.advance(2)
    assert me(again).status_code == 200


def test_security_w2_who_was_removed_and_added_again_is_welcome(site, browser, workos, clock, tell):
    workos.remove_membership(ALICE, "Acme")
    clock.advance(5)
    workos.add_membership(ALICE, "Acme", "member")
    again = site.browser()
    again.sign_in(ALICE)
    clock.advance(1)
    tell(lambda events: events[::-1])  # late, and the removal last
    assert me(again).json["role"] == "member"
    clock.advance(2)
    assert me(again).status_code == 200
    # The session from before: WorkOS says that it is a member's again.
    assert me(browser).json["role"] == "member"


def test_security_w2_a_deletion_that_comes_late_does_not_meet_who_came_after_it(
    site, browser, workos, clock, happen
):
    user_id, deleted_at = workos.user(ALICE).id, clock()
    clock.advance(60)
    again = site.browser()
    again.sign_in(ALICE)
    clock.advance(5)
    happen("user.deleted", {"id": user_id}, at=deleted_at)
    assert me(again).status_code == 200
    assert me(browser).status_code == 401


# --- changes


def test_a_changed_role_is_there_at_the_next_request(site, browser, workos, clock, tell):
    assert browser.get("/admin").status_code == 200
    workos.set_role(ALICE, "Acme", "member")
    clock.advance(1)
    assert me(browser).json["role"] == "admin"
    tell()
    assert status(browser)["changed"] is True
    assert browser.get("/admin").status_code == 403
    assert me(browser).json["role"] == "member"
    assert status(browser)["changed"] is False
    assert len(site.signal("session_changed")) == 1


def test_security_w2_a_token_of_the_second_of_the_change_is_old(site, browser, workos, clock, tell):
    fresh = site.browser()
    fresh.sign_in(ALICE)
    clock.advance(0.2)
    workos.set_role(ALICE, "Acme", "member")
    tell()
    clock.advance(1)
    assert me(fresh).json["role"] == "member"


def test_a_role_that_may_do_something_else_is_told_and_refreshed(
    site, browser, workos, clock, tell
):
    other = site.browser()
    other.sign_in(BOB)  # a member
    clock.advance(2)
    tell()
    before = exchanges(workos)
    workos.set_permissions("admin", "posts:read", "posts:burn")
    clock.advance(1)
    tell()
    assert status(browser)["changed"] is True
    assert status(other)["changed"] is False
    me(browser)
    me(other)
    assert exchanges(workos) - before == 1


@pytest.mark.parametrize(
    ("kind", "data", "concerned"),
    [
        ("organization.updated", {"id": "Acme"}, True),
        ("organization.updated", {"id": "Globex"}, False),
        ("permission.updated", {"slug": "posts:read"}, True),
        ("flag.rule_updated", {"slug": "beta"}, True),
        ("flag.updated", {"slug": "beta", "organization_id": "Globex"}, False),
        ("flag.updated", {"slug": "beta", "organization_id": "Acme"}, True),
        ("user.updated", {"id": ALICE}, True),
        ("user.updated", {"id": BOB}, False),
        ("role.updated", {"slug": "admin"}, True),
        ("organization_role.deleted", {"slug": "admin"}, True),
        ("organization_role.updated", {"slug": "auditor"}, False),
        ("user.created", {"id": ALICE}, False),
        ("organization.created", {"id": "Acme"}, False),
        ("session.created", {"user_id": ALICE}, False),
        (PASSWORD_RESET, {"user_id": ALICE}, False),
        ("dsync.user.updated", {"user_id": ALICE}, False),
    ],
)
def test_whom_a_change_makes_refresh(browser, workos, clock, happen, kind, data, concerned):
    def named(value):
        if "@" in value:
            return workos.user(value).id
        return workos.organization(value).id if value in ("Acme", "Globex") else value

    before = exchanges(workos)
    happen(kind, {name: named(value) for name, value in data.items()})
    clock.advance(1.1)
    assert me(browser).status_code == 200
    assert exchanges(workos) - before == concerned
    clock.advance(1.1)
    assert me(browser).status_code == 200
    assert exchanges(workos) - before == concerned, "once is enough"


@pytest.mark.parametrize(
    ("context", "concerned"),
    [
        ({}, True),
        ({"previous_attributes": {}}, True),
        ({"previous_attributes": None}, True),
        ({"previous_attributes": ["last_sign_in_at"]}, True),
        ({"previous_attributes": {"last_sign_in_at": None, "updated_at": "x"}}, False),
        ({"previous_attributes": {"last_sign_in_at": None}}, False),
        ({"previous_attributes": {"last_sign_in_at": None, "first_name": "A"}}, True),
    ],
)
def test_a_sign_in_elsewhere_is_no_change_of_a_person(
    browser, workos, clock, happen, context, concerned
):
    before = exchanges(workos)
    happen("user.updated", {"id": workos.user(ALICE).id}, context=context)
    clock.advance(1.1)
    me(browser)
    assert exchanges(workos) - before == concerned


def test_a_changed_profile_is_on_the_next_page(browser, workos, clock, tell):
    workos.set_user(ALICE, first_name="Alicia")
    clock.advance(1)
    tell()
    assert "Alicia" in browser.get("/dashboard").text


def test_a_flag_that_was_switched_on_is_there_at_the_next_request(
    site, browser, workos, clock, tell
):
    workos.set_feature_flags("Acme", "beta")
    clock.advance(1)
    tell()
    me(browser)
    (changed,) = site.signal("session_changed")
    assert "beta" in changed["session"].feature_flags


def test_a_flag_of_one_person_is_told_to_them_and_to_nobody_else(
    site, browser, workos, clock, tell
):
    workos.set_feature_flags(CAROL, "beta")  # the flag is made
    clock.advance(1)
    tell()
    clock.advance(1)
    other = site.browser()
    other.sign_in(BOB)
    me(browser)
    clock.advance(1)
    before = exchanges(workos)
    workos.set_feature_flags(ALICE, "beta")
    clock.advance(1)
    tell()
    assert status(browser)["changed"] is True
    assert status(other)["changed"] is False
    me(other)
    me(browser)
    assert exchanges(workos) - before == 1
    assert status(browser)["changed"] is False


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("permission.updated", {"slug": "posts:read"}, True),
        ("flag.updated", {"slug": "beta"}, True),
        ("role.updated", {"slug": "admin"}, True),
        ("user.updated", {"id": ALICE}, False),
        ("organization.updated", {"id": "Acme"}, False),
    ],
)
def test_the_page_is_told_when_what_somebody_may_do_may_be_another(
    browser, workos, clock, happen, kind, data, told
):
    ids = {ALICE: workos.user(ALICE).id, "Acme": workos.organization("Acme").id}
    happen(kind, {name: ids.get(value, value) for name, value in data.items()})
    clock.advance(1.1)
    assert status(browser)["changed"] is told
    me(browser)
    assert status(browser)["changed"] is False


def test_events_that_come_twice_and_in_any_order_leave_the_same(site, browser, workos, clock, tell):
    clock.advance(2)
    for role in ("member", "admin", "member"):
        workos.set_role(ALICE, "Acme", role)
        clock.advance(1)
    tell(lambda events: [*events[::-1], *events, *events[1:]])
    clock.advance(1.1)
    before = exchanges(workos)
    assert me(browser).json["role"] == "member"
    clock.advance(1.1)
    assert me(browser).json["role"] == "member"
    assert exchanges(workos) - before == 1


def test_a_bare_body_does_what_a_whole_one_does(browser, workos, clock, tell):
    workos.set_role(ALICE, "Acme", "member")
    clock.advance(1)
    tell(bare=True)
    assert me(browser).json["role"] == "member"


# --- a new password


@pytest.mark.parametrize("setting", [True, False])
def test_a_new_password_ends_the_sessions_if_that_is_set(make_site, workos, clock, happen, setting):
    site = make_site(WORKOS_WEBHOOK_SECRET=SECRET, WORKOS_END_SESSIONS_ON_PASSWORD_RESET=setting)
    browser, other = site.browser(), site.browser()
    browser.sign_in(ALICE)
    other.sign_in(BOB)
    clock.advance(5)
    happen(PASSWORD_RESET, {"user_id": workos.user(ALICE).id}, to=site)
    clock.advance(1)
    assert (me(browser).status_code == 401) == setting
    if setting:
        assert ended(browser, "revoked")
    assert me(other).status_code == 200
    clock.advance(1)
    again = site.browser()
    again.sign_in(ALICE)
    assert me(again).status_code == 200


# --- what lacks something


@pytest.mark.parametrize(
    "data", [None, {}, [], {"id": None, "user_id": 7, "organization_id": [], "slug": {}}]
)
def test_an_event_that_lacks_what_it_is_about_is_ignored_with_one_line(
    make_site, happen, caplog, data
):
    site = make_site(WORKOS_WEBHOOK_SECRET=SECRET, WORKOS_END_SESSIONS_ON_PASSWORD_RESET=True)
    for kind in (*EVENT_TYPES, PASSWORD_RESET):
        caplog.clear()
        happen(kind, data, to=site)
        names = [each for each in caplog.records if each.name.startswith("flask_workos")]
        logged = [each.getMessage() for each in names]
        # A permission need not say whom it is about: it is about everybody.
        assert len(logged) == (0 if kind.startswith(("permission", "flag")) else 1)
        assert all(repr(kind) in line for line in logged)
    assert len(site.signal("workos_event")) == len(EVENT_TYPES) + 1


def test_a_cut_off_without_a_time_is_none(browser, workos, clock, happen):
    user, organization = workos.user(ALICE).id, workos.organization("Acme").id
    before = exchanges(workos)
    for kind in EVENT_TYPES:
        about = {"id": user if kind.startswith("user") else organization, "slug": "admin"}
        data = {"user_id": user, "organization_id": organization, **about}
        for created_at in (None, "soon", 7, "2026-99-99T00:00:00Z"):
            happen(kind, data, created_at=created_at)
    clock.advance(1.1)
    assert me(browser).status_code == 200
    assert exchanges(workos) == before


@pytest.mark.parametrize("ahead", [1, 100])
def test_security_w2_an_event_that_is_stamped_ahead_hides_none_of_the_same_kind(
    site, browser, workos, clock, happen, ahead
):
    role = {"slug": "admin"}
    happen("role.updated", role, at=clock() + ahead)
    for _ in range(3):
        clock.advance(0.1)
        assert me(browser).status_code == 200
    before = len(workos.exchanges("refresh_token"))
    clock.advance(0.1)
    happen("role.updated", role)
    clock.advance(0.1)
    assert me(browser).status_code == 200
    assert len(workos.exchanges("refresh_token")) == before + 1


@pytest.mark.parametrize("by", [-170, -60, -2, 2, 60])
def test_security_w2_an_event_counts_though_our_clock_was_set_since_workos_last_answered(
    make_site, workos, clock, happen, tmp_path, by
):
    config = {
        "WORKOS_CACHE_TYPE": "sqlite",
        "WORKOS_CACHE_DIR": str(tmp_path / "state"),
        "WORKOS_COOKIE_PASSWORD": secrets.token_urlsafe(32),
        "WORKOS_WEBHOOK_SECRET": SECRET,
    }
    set_by = [-by]
    site = make_site(here=lambda: clock() + set_by[0], **config)
    serving = make_site(**config)
    browser = serving.browser()
    browser.sign_in(ALICE)
    site.parts.client.fetch_keys()
    set_by[0] = 0
    clock.advance(30)
    assert me(browser).status_code == 200
    happen("user.deleted", {"id": workos.user(ALICE).id}, to=site)
    clock.advance(2)
    assert me(browser).status_code == 401


def test_security_w2_an_event_of_the_future_does_not_meet_who_signs_in_tomorrow(
    site, browser, workos, clock, happen
):
    happen("user.deleted", {"id": workos.user(ALICE).id}, at=clock() + 365 * 86_400)
    assert ended(browser, "access_removed")
    clock.advance(181)
    again = site.browser()
    again.sign_in(ALICE)
    assert me(again).status_code == 200


# --- what others cannot know of yet


@pytest.mark.parametrize(
    ("kind", "status", "confirmed"),
    [
        ("created", "active", False),
        ("updated", "active", False),
        ("updated", "inactive", True),
        ("updated", "pending", True),
        ("updated", None, True),
        ("deleted", "active", True),
    ],
)
def test_a_membership_that_may_be_over_is_confirmed_before_it_is_served(
    site, browser, workos, clock, happen, kind, status, confirmed
):
    data = {"user_id": workos.user(ALICE).id, "organization_id": workos.organization("Acme").id}
    if status is not None:
        data["status"] = status
    happen(f"organization_membership.{kind}", data)
    clock.advance(1.1)
    with workos.down(503):
        assert me(browser).status_code == (503 if confirmed else 200)


@pytest.fixture
def served(make_site, tmp_path):
    return make_site(
        WORKOS_WEBHOOK_SECRET=SECRET,
        WORKOS_CACHE_TYPE="sqlite",
        WORKOS_CACHE_DIR=str(tmp_path / "state"),
    )


@pytest.fixture
def away(served):
    """Writes under some keys fail, and another thread finds at once that all is well again."""
    breaker, store = served.parts.breaker, served.parts.endings._state._store.backend
    call, patch = breaker.call, pytest.MonkeyPatch()

    def recovers(operation, *arguments):
        answer = call(operation, *arguments)
        breaker._failing = False
        return answer

    def fails(write, kinds):
        def fail(name, *arguments):
            if any(f":{kind}:" in name for kind in kinds):
                raise OSError
            return write(name, *arguments)

        return fail

    def begin(*kinds):
        for name in ("set", "add"):
            patch.setattr(store, name, fails(getattr(store, name), kinds))
        patch.setattr(breaker, "call", recovers)
        return patch

    yield begin
    patch.undo()


@pytest.mark.parametrize("kind", ["session.revoked", "user.deleted", "role.updated"])
def test_what_others_do_not_know_of_is_not_taken_though_the_store_is_back_already(
    served, away, post, workos, clock, kind
):
    data = {
        "session.revoked": {"id": "session_1"},
        "user.deleted": {"id": workos.user(ALICE).id},
        "role.updated": {"slug": "admin"},
    }[kind]
    event = {"id": "event_1", "event": kind, "data": data, "created_at": write_moment(clock())}
    patch = away("ended", "ends", "changes")
    assert [post(event, to=served).status_code for _ in range(2)] == [503, 503]
    assert served.signal("workos_event") == []
    patch.undo()
    assert post(event, to=served).status_code == 200
    told = [each["session_id"] for each in served.signal("session_ended")]
    assert told == (["session_1"] if kind == "session.revoked" else [])
    assert len(served.signal("workos_event")) == 1


def test_a_receiver_that_raises_does_not_hide_that_others_do_not_know(
    served, away, post, workos, clock, caplog
):
    away("ended")

    def raises(sender, **_):
        raise ZeroDivisionError

    signals.session_ended.connect(raises, served.app)
    event = {"id": "event_1", "event": "session.revoked", "data": {"id": "session_1"}}
    answer = post({**event, "created_at": write_moment(clock())}, to=served)
    assert answer.status_code == 503
    assert "A receiver of session_ended has raised." in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_nobody_is_told_of_an_event_while_it_is_not_known_whether_they_were(
    served, away, post, clock
):
    event = {"id": "event_1", "event": "user.created", "data": {}}
    event["created_at"] = write_moment(clock())
    patch = away("event")
    assert post(event, to=served).status_code == 503
    assert served.signal("workos_event") == []
    patch.undo()
    assert post(event, to=served).status_code == 200
    assert len(served.signal("workos_event")) == 1
