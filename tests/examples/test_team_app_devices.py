"""The sample app ends sessions: one's own on the devices page, a colleague's on the admin page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from examples.team_app import create_app
from examples.team_app.devices import RECENT
from examples.team_app.people import MOST, People
from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.coordination.watch import membership
from flask_workos_sessions.local import LocalWorkOS, MovableClock

ALICE, BOB, CAROL = "alice@acme.test", "bob@acme.test", "carol@acme.test"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile Safari/604.1"
#: A click of a person in a browser.
CLICK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
#: The same for a form of this site.
OURS = {**CLICK, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock().freeze()


@pytest.fixture
def workos(clock: MovableClock) -> Iterator[LocalWorkOS]:
    with LocalWorkOS(clock=clock) as local:
        yield local


@pytest.fixture
def app(workos: LocalWorkOS, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr("examples.team_app.sessions", WorkOSSessions(clock=clock))
    names = {each.id: each.name for each in workos.organizations}
    settings = workos.settings("http://localhost/auth/callback")
    return create_app(settings, HARBOUR_ORGANIZATIONS=names)


@pytest.fixture
def sign_in(app: Flask, workos: LocalWorkOS) -> Callable[..., FlaskClient]:
    def sign_in(who: str, organization: str = "Acme", agent: str = FIREFOX) -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_USER_AGENT"] = agent
        begun = client.get("/auth/login")
        chosen = f"{begun.location}&organization_id={workos.organization(organization).id}"
        client.get(workos.approve(chosen, who), headers=CLICK)
        assert client.get("/notes", headers=CLICK).status_code == 200
        return client

    return sign_in


def is_out(client: FlaskClient) -> bool:
    answer = client.get("/notes", headers=CLICK)
    return (answer.location or "").startswith("/auth/signed-out?reason=revoked")


def offered(client: FlaskClient) -> list[str]:
    """The sessions that the devices page offers to end."""
    page = client.get("/devices", headers=CLICK)
    assert page.status_code == 200
    return re.findall(r'name="session_id" value="(\w+)"', page.text)


def test_the_page_shows_every_device_and_marks_this_one(
    sign_in: Callable[..., FlaskClient],
) -> None:
    here, _ = sign_in(ALICE), sign_in(ALICE, agent=SAFARI)
    page = here.get("/devices", headers=CLICK).text
    assert re.search(r"Firefox on Windows <span class=\"badge\">This device", page)
    assert page.index("Firefox on Windows") < page.index("Safari on an iPhone"), "this one first"
    assert "Acme · 127.0.0.1 · signed in" in page
    assert len(offered(here)) == 1
    assert 'href="/devices"' in here.get("/account", headers=CLICK).text


def test_one_is_signed_out(sign_in: Callable[..., FlaskClient]) -> None:
    here, phone = sign_in(ALICE), sign_in(ALICE)
    (phone_id,) = offered(here)
    answer = here.post("/devices/end", data={"session_id": phone_id}, headers=OURS)
    assert (answer.status_code, answer.location) == (303, "/devices")
    assert is_out(phone)
    page = here.get("/devices", headers=CLICK).text
    assert "You are signed in nowhere else." in page
    again = here.post("/devices/end", data={"session_id": phone_id}, headers=OURS)
    assert again.status_code == 303, "what is over already is no fault"


def test_all_others_are_signed_out(sign_in: Callable[..., FlaskClient]) -> None:
    here, others = sign_in(ALICE), [sign_in(ALICE) for _ in range(3)]
    bob = sign_in(BOB)
    assert here.post("/devices/end-others", headers=OURS).status_code == 303
    assert all(map(is_out, others))
    assert offered(here) == []
    assert not is_out(bob)


def test_security_w1_a_copied_form_ends_nobody_elses(
    sign_in: Callable[..., FlaskClient], workos: LocalWorkOS
) -> None:
    alice, bob = sign_in(ALICE), sign_in(BOB)
    bobs = workos.sessions[-1].id
    alice.post("/devices/end", data={"session_id": bobs}, headers=OURS)
    alice.post("/devices/end", headers=OURS)
    assert not is_out(bob)
    assert not is_out(alice)


@pytest.mark.parametrize("path", ["/devices", "/devices/end", "/devices/end-others"])
def test_security_w1_the_devices_ask_for_a_recent_sign_in(
    sign_in: Callable[..., FlaskClient], clock: MovableClock, path: str
) -> None:
    here, phone = sign_in(ALICE), sign_in(ALICE)
    clock.advance(RECENT + 1)
    method = "GET" if path == "/devices" else "POST"
    answer = here.open(path, method=method, headers=OURS)
    assert answer.location.startswith("/auth/login?")
    assert not is_out(phone)


def test_an_admin_signs_a_colleague_out(sign_in: Callable[..., FlaskClient]) -> None:
    alice, bob, bobs_phone = sign_in(ALICE), sign_in(BOB), sign_in(BOB)
    page = alice.get("/admin", headers=CLICK).text
    (path,) = re.findall(r'action="(/admin/people/\w+/sign-out)"', page)
    assert 'href="/devices">Your devices' in page, "no button for oneself"
    assert alice.post(path, headers=OURS).location == "/admin"
    assert is_out(bob)
    assert is_out(bobs_phone)
    assert "Signed out by Alice Admin" in alice.get("/admin", headers=CLICK).text
    sign_in(BOB)
    assert "Signed out by" not in alice.get("/admin", headers=CLICK).text


def test_who_has_gone_on_in_another_organization_was_signed_out_by_nobody(
    sign_in: Callable[..., FlaskClient], workos: LocalWorkOS
) -> None:
    alice, carol = sign_in(ALICE), sign_in(CAROL)
    path = f"/admin/people/{workos.user(CAROL).id}/sign-out"
    globex = {"organization_id": workos.organization("Globex").id}
    switched = carol.post("/auth/organization", data=globex, headers=OURS)
    assert switched.status_code == 303
    assert "Carol" in alice.get("/admin", headers=CLICK).text
    assert alice.post(path, headers=OURS).location == "/admin"
    page = alice.get("/admin", headers=CLICK).text
    assert "Signed out by" not in page
    assert "Carol" not in page, "she is not here"
    assert not is_out(carol)


def test_security_w1_an_admin_ends_nothing_outside_of_the_organization(
    sign_in: Callable[..., FlaskClient], workos: LocalWorkOS
) -> None:
    alice, bob = sign_in(ALICE), sign_in(BOB)
    at_globex, at_acme = sign_in(CAROL, "Globex"), sign_in(CAROL, "Acme")
    dave = workos.user("dave@example.test").id
    carol, alice_id = workos.user(CAROL).id, workos.user(ALICE).id
    assert alice.post(f"/admin/people/{dave}/sign-out", headers=OURS).status_code == 404
    assert at_globex.post(f"/admin/people/{alice_id}/sign-out", headers=OURS).status_code == 404
    assert bob.post(f"/admin/people/{carol}/sign-out", headers=OURS).status_code == 403
    assert not is_out(at_acme)
    assert alice.post(f"/admin/people/{carol}/sign-out", headers=OURS).status_code == 303
    assert is_out(at_acme)
    assert not is_out(at_globex)
    assert not is_out(alice)


def test_a_role_that_is_taken_away_hides_the_admin_page_on_the_next_click(
    app: Flask, sign_in: Callable[..., FlaskClient], workos: LocalWorkOS, clock: MovableClock
) -> None:
    alice = sign_in(ALICE)
    clock.advance(10)
    assert 'href="/admin"' in alice.get("/admin", headers=CLICK).text
    workos.set_role(ALICE, "Acme", "member")
    # What WorkOS's event about it leads to.
    place = membership(workos.user(ALICE).id, workos.organization("Acme").id)
    app.extensions["workos_sessions.parts"].cut_offs.change("membership", place, at=clock())
    clock.advance(1.2)
    answer = alice.get("/admin", headers=CLICK)
    assert answer.status_code == 403
    assert "It is for people with the role “admin”. Yours is “member”." in answer.text
    assert "Alice Admin" in answer.text
    assert 'href="/admin"' not in answer.text
    assert alice.get("/admin", headers={"Sec-Fetch-Mode": "cors"}).json["error"] == (
        "insufficient_role"
    )


def test_the_new_pages_keep_to_the_policy(sign_in: Callable[..., FlaskClient]) -> None:
    bob = sign_in(BOB)
    sign_in(BOB)
    for path, status in (("/devices", 200), ("/admin", 403)):
        answer = bob.get(path, headers=CLICK)
        assert answer.status_code == status
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", answer.text)
        ids = re.findall(r'\sid="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on an iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Macintosh; Mac OS X 10_15) Chrome/140 Safari/537 Edg/140", "Edge on a Mac"),
        ("curl/8.5.0", "A browser"),
        (None, "A browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(app: Flask, agent: str | None, name: str) -> None:
    assert app.jinja_env.filters["device"](agent) == name


def test_people_are_not_remembered_without_an_end() -> None:
    people = People()
    for number in range(MOST + 5):
        people.meet("org_1", f"user_{number}", f"N{number:04}")
    assert len(people.of("org_1")) == MOST
    assert not people.knows("org_1", "user_0")
    assert people.of("org_2") == []
    people.note_end("org_1", "user_unknown", "Alice")
