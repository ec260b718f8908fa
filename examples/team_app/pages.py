"""Harbour's pages."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from flask_workos_sessions import (
    current_session,
    current_user,
    errors,
    login_required,
    passive,
)

from .board import Board
from .extensions import sessions
from .origin import refuse_other_sites
from .people import People

LONGEST_TITLE, LONGEST_TEXT = 120, 4000

pages = Blueprint("harbour", __name__)
pages.before_request(refuse_other_sites)


def _board() -> Board:
    board: Board = current_app.extensions["harbour"]
    return board


def _people() -> People:
    people: People = current_app.extensions["harbour.people"]
    return people


def _team() -> str:
    """Whose board it is: the organization's, else the person's own."""
    return current_session.organization_id or current_session.user.id or ""


@pages.before_request
def _meet() -> None:
    """So that administrators see who is there."""
    if current_session.organization_id:
        user = current_session.user
        _people().meet(
            current_session.organization_id, user.id or "", user.display_name or "Somebody"
        )


@pages.app_context_processor
def _names() -> dict[str, object]:
    organizations = current_app.config["HARBOUR_ORGANIZATIONS"]
    return {
        "organizations": organizations,
        "name_of": lambda organization_id: organizations.get(organization_id, organization_id),
    }


@pages.app_template_filter("moment")
def _moment(when: datetime | float | None) -> str:
    """A moment as ``24 Nov, 14:05 UTC``."""
    if when is None:
        return "not known"
    moment = when if isinstance(when, datetime) else datetime.fromtimestamp(when, UTC)
    return f"{moment:%d %b, %H:%M} UTC".lstrip("0")


@pages.get("/")
def home() -> str:
    """For everybody."""
    return render_template("harbour/home.html")


@pages.get("/notes")
@login_required
def notes() -> str:
    """The team's board."""
    search = request.args.get("search", "")
    return render_template("harbour/notes.html", notes=_board().notes(_team(), search))


@pages.get("/notes/search")
@login_required
def search_notes() -> str:
    """The list alone, while somebody types into the search field."""
    return _list()


@pages.get("/notes/latest")
@passive
@login_required
def latest_notes() -> str:
    """The same for the page's own timer: passive, since nobody may be sitting there."""
    return _list()


def _list() -> str:
    search = request.args.get("search", "")
    return render_template("harbour/_list.html", notes=_board().notes(_team(), search))


@pages.post("/notes")
@login_required
def write_note() -> Response | tuple[str, int]:
    """Put a note on the board."""
    title = request.form.get("title", "").strip()[:LONGEST_TITLE]
    text = request.form.get("text", "").strip()[:LONGEST_TEXT]
    if not title:
        # What was typed goes back into the form.
        found = _board().notes(_team())
        return render_template("harbour/notes.html", notes=found, text=text, missing=True), 422
    _board().add(
        _team(),
        title=title,
        text=text,
        author_id=current_session.user.id or "",
        author=current_user.display_name or "Somebody",
    )
    return redirect(url_for(".notes"), 303)


@pages.post("/notes/<int:note_id>/decide")
@login_required
def decide(note_id: int) -> Response:
    """Close a question."""
    if not _board().decide(_team(), note_id, current_user.display_name or "Somebody"):
        abort(404)
    return redirect(url_for(".notes"), 303)


@pages.get("/admin")
@login_required(role="admin")
def admin() -> str:
    """For administrators of the organization."""
    board, team = _board(), _team()
    return render_template(
        "harbour/admin.html",
        authors=board.authors(team),
        notes=board.notes(team),
        people=_people().of(team),
    )


@pages.post("/admin/people/<person_id>/sign-out")
@login_required(role="admin", organization=True)
def sign_out_colleague(person_id: str) -> Response:
    """End what a colleague does here. Only colleagues, and only in this organization: they may be
    in others too, which are no business of its administrators."""
    organization = current_session.organization_id or ""
    if not _people().knows(organization, person_id):
        abort(404)
    found = [
        each
        for each in sessions.list(person_id)
        if each.organization_id == organization and not each.current
    ]
    for each in found:
        with suppress(errors.SessionNotFound):  # it has ended meanwhile
            sessions.revoke(each.id, user=person_id)
    if found:
        _people().note_end(organization, person_id, current_user.display_name or "Somebody")
    else:
        # They have signed out, or gone on in another organization: nobody has ended anything.
        _people().forget(organization, person_id)
    return redirect(url_for(".admin"), 303)


@pages.post("/admin/notes/<int:note_id>/remove")
@login_required(role="admin")
def remove_note(note_id: int) -> Response:
    """Take a note off the board."""
    if not _board().remove(_team(), note_id):
        abort(404)
    return redirect(url_for(".admin"), 303)


@pages.get("/account")
@login_required
def account() -> str:
    """Who am I, and how long."""
    return render_template("harbour/account.html")
