"""The sample app: who sees what, whose board it is, and that it has no script or style inline."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from examples.team_app import create_app
from flask_workos_sessions.testing import login_as, settings

ORGANIZATIONS = {"org_acme": "Acme", "org_globex": "Globex"}
#: A click of a person in a browser.
CLICK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
#: The same for a form of this site.
OURS = {**CLICK, "Sec-Fetch-Site": "same-origin"}
HTMX = {"HX-Request": "true", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


@pytest.fixture
def app() -> Flask:
    return create_app(settings(), HARBOUR_ORGANIZATIONS=ORGANIZATIONS)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def member(app: Flask) -> FlaskClient:
    return _signed_in(app, "user_bob", "Bob", "org_acme")


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return _signed_in(app, "user_alice", "Alice", "org_acme", role="admin")


def _signed_in(
    app: Flask, user_id: str, name: str, organization: str | None, role: str | None = None
) -> FlaskClient:
    client = app.test_client()
    person = {"id": user_id, "first_name": name, "last_name": "Example"}
    login_as(client, user=person, organization_id=organization, role=role)
    return client


def _write(client: FlaskClient, title: str, text: str = "") -> None:
    answer = client.post("/notes", data={"title": title, "text": text}, headers=OURS)
    assert (answer.status_code, answer.location) == (303, "/notes")


def test_the_front_page_is_for_everybody(visitor: FlaskClient, member: FlaskClient) -> None:
    page = visitor.get("/", headers=CLICK).text
    assert "Create an account" in page
    assert "workos-session" not in page
    assert "Go to your board" in member.get("/", headers=CLICK).text


@pytest.mark.parametrize("path", ["/notes", "/admin", "/account", "/notes/search"])
def test_the_other_pages_ask_for_a_sign_in(visitor: FlaskClient, path: str) -> None:
    answer = visitor.get(path, headers=CLICK)
    assert answer.status_code == 302
    assert answer.location.startswith("/auth/login?return_to=")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://blog.localhost"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Origin": "http://localhost.evil.test"},
        {"Origin": "https://localhost"},
    ],
)
def test_a_form_of_another_site_changes_nothing(
    app: Flask, admin: FlaskClient, said: dict[str, str]
) -> None:
    _write(admin, "Where do we eat?")
    forms = [
        rule.rule.replace("<int:note_id>", "1").replace("<person_id>", "user_alice")
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.endpoint.startswith(("harbour.", "devices."))
    ]
    assert len(forms) == 6
    before = app.extensions["harbour"].notes("org_acme")
    for path in forms:
        sent = {"Sec-Fetch-Mode": "cors", **said}
        answer = admin.post(path, data={"title": "Forged"}, headers=sent)
        assert (answer.status_code, answer.json["error"]) == (403, "origin_refused")
    assert app.extensions["harbour"].notes("org_acme") == before


def test_a_browser_that_only_tells_its_origin_can_write(admin: FlaskClient) -> None:
    ours = {**CLICK, "Origin": "http://localhost"}
    assert admin.post("/notes", data={"title": "Lunch?"}, headers=ours).status_code == 303


def test_a_member_sees_the_board_and_no_way_to_the_admin_page(member: FlaskClient) -> None:
    page = member.get("/notes", headers=CLICK).text
    assert "<h1>Acme</h1>" in page
    assert 'href="/admin"' not in page
    assert member.get("/admin", headers=CLICK).status_code == 403


def test_an_admin_sees_who_writes_and_tidies(admin: FlaskClient, member: FlaskClient) -> None:
    _write(member, "Where do we eat?")
    page = admin.get("/admin", headers=CLICK).text
    assert re.search(r"Bob Example</th><td>1</td><td>0</td>", page)
    assert member.post("/admin/notes/1/remove", headers=OURS).status_code == 403
    assert admin.post("/admin/notes/1/remove", headers=OURS).status_code == 303
    assert admin.post("/admin/notes/1/remove", headers=OURS).status_code == 404
    assert "Where do we eat?" not in member.get("/notes", headers=CLICK).text


def test_a_note_is_written_and_decided(member: FlaskClient, admin: FlaskClient) -> None:
    _write(member, "Where do we eat?", "Not the canteen.\nPlease.")
    assert "Not the canteen.\nPlease." in admin.get("/notes", headers=CLICK).text
    assert admin.post("/notes/1/decide", headers=OURS).status_code == 303
    assert "Decided by Alice Example" in member.get("/notes", headers=CLICK).text


def test_what_somebody_writes_is_shown_as_text(member: FlaskClient) -> None:
    _write(member, "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
    page = member.get("/notes", headers=CLICK).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_a_board_belongs_to_one_organization(app: Flask, member: FlaskClient) -> None:
    _write(member, "A secret of Acme")
    globex = _signed_in(app, "user_carol", "Carol", "org_globex", role="admin")
    for path in ("/notes", "/admin", "/notes/search?search=secret", "/notes/latest"):
        assert "A secret of Acme" not in globex.get(path, headers=CLICK).text
    assert globex.post("/notes/1/decide", headers=OURS).status_code == 404
    assert globex.post("/admin/notes/1/remove", headers=OURS).status_code == 404


def test_somebody_without_an_organization_has_a_board_alone(app: Flask) -> None:
    dave = _signed_in(app, "user_dave", "Dave", None)
    erin = _signed_in(app, "user_erin", "Erin", None)
    _write(dave, "Only mine")
    assert "Your own board" in dave.get("/notes", headers=CLICK).text
    assert "Only mine" not in erin.get("/notes", headers=CLICK).text


def test_a_form_without_a_title_comes_back_with_what_was_typed(member: FlaskClient) -> None:
    answer = member.post("/notes", data={"title": " ", "text": "Half a thought"}, headers=OURS)
    assert answer.status_code == 422
    assert ">Half a thought</textarea>" in answer.text
    assert "Please write the question" in answer.text


def test_the_search_finds_every_word_in_any_case(member: FlaskClient) -> None:
    _write(member, "Second office", "in spring")
    _write(member, "Coffee machine")
    found = member.get("/notes/search?search=SPRING+office", headers=HTMX)
    assert "Second office" in found.text
    assert "Coffee machine" not in found.text
    assert "<html" not in found.text
    assert (
        "Nothing on the board fits that" in member.get("/notes/search?search=x1", headers=HTMX).text
    )


def test_the_list_that_fetches_itself_is_passive(app: Flask, member: FlaskClient) -> None:
    page = member.get("/notes", headers=CLICK).text
    assert 'hx-get="/notes/latest" hx-trigger="every 10s"' in page
    late = app.test_client()
    login_as(late, token_seconds=-20)
    answer = late.get("/notes/latest", headers=HTMX)
    assert answer.status_code == 204, "after the token's end it is not refreshed for a timer"


def test_a_refused_part_leaves_the_page_as_it_is(visitor: FlaskClient) -> None:
    answer = visitor.get("/notes/search?search=x", headers=HTMX)
    assert answer.status_code == 401
    assert answer.headers["HX-Reswap"] == "none"


def test_the_account_page_says_who_and_how_long(admin: FlaskClient) -> None:
    page = admin.get("/account", headers=CLICK).text
    assert "Alice Example" in page
    assert "data-workos-countdown>60 minutes<" in page
    assert 'data-workos-action="extend"' in page
    assert 'action="/auth/organization"' in page
    assert '<option value="org_acme" selected>Acme</option>' in page
    assert 'method="post" action="/auth/logout"' in page


def test_without_names_of_organizations_there_is_a_field_for_the_id() -> None:
    app = create_app(settings())
    client = _signed_in(app, "user_bob", "Bob", "org_acme")
    page = client.get("/account", headers=CLICK).text
    assert 'name="organization_id" value="org_acme"' in page


def test_names_of_organizations_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HARBOUR_ORGANIZATIONS", '{"org_x": "Initech"}')
    app = create_app(settings())
    assert app.config["HARBOUR_ORGANIZATIONS"] == {"org_x": "Initech"}


@pytest.mark.parametrize("path", ["/", "/notes", "/admin", "/account"])
def test_every_page_keeps_to_its_strict_policy(admin: FlaskClient, path: str) -> None:
    answer = admin.get(path, headers=CLICK)
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", answer.text)
    assert answer.text.count('class="workos-session"') == 1


def test_every_field_has_a_label_and_every_id_is_there_once(admin: FlaskClient) -> None:
    _write(admin, "One")
    for path in ("/notes", "/account", "/admin"):
        page = admin.get(path, headers=CLICK).text
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        fields = re.findall(r'<(?:input|textarea|select)[^>]*\sid="([^"]+)"', page)
        assert {*fields} <= {*re.findall(r'<label[^>]*\sfor="([^"]+)"', page)}
