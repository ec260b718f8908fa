"""Every state of the banner, the dialog and our pages, side by side: for whoever restyles them.

    python -m examples.gallery --style my.css --templates my_app/templates

Each frame runs the real script. Its server is the gallery, which answers so that the frame comes
into its state and stays there; no WorkOS is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, jsonify, render_template, request, url_for

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.testing import settings
from flask_workos_sessions.ui.assets import asset_name
from flask_workos_sessions.ui.markup import render_markup

from .states import ENDED, PAGES, STATES, UNKNOWN, State

#: The strictest that an app may have.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "frame-src 'self'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)


def create_app(*, style: Path | None = None, templates: Path | None = None) -> Flask:
    """The gallery.

    :param style: a style sheet of yours, for every frame.
    :param templates: a folder of yours with ``workos_sessions/…`` in it.
    """
    app = Flask(__name__)
    app.config.update(settings())
    if templates is not None:  # the first blueprint's templates come before ours
        app.register_blueprint(Blueprint("own", __name__, template_folder=templates.resolve()))
    WorkOSSessions(app)
    states = {state.name: state for state in STATES}

    def found(name: str) -> State:
        return states.get(name) or abort(404)

    @app.get("/")
    def index() -> str:
        return render_template("gallery/index.html", states=STATES, pages=PAGES)

    @app.get("/<name>/")
    def frame(name: str) -> str:
        state = found(name)
        return render_template(
            "gallery/frame.html", state=state, ours=_markup(state), styled=style is not None
        )

    @app.get("/<name>/status")
    def status(name: str) -> Response:
        state = found(name)
        # Whoever has signed in again is told something else than before.
        answers = state.answers[-1] if "again" in request.cookies else state.answers[0]
        return _answer(answers)

    @app.post("/<name>/extend")
    def extend(name: str) -> Response:
        return _answer(found(name).extends or UNKNOWN)

    @app.get("/style.css")
    def style_sheet() -> Response:
        return Response(style.read_bytes() if style else abort(404), mimetype="text/css")

    @app.after_request
    def show_in_frames(response: Response) -> Response:
        response.headers.pop("X-Frame-Options", None)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


def _answer(answer: Mapping[str, Any]) -> Response:
    response = jsonify(answer)
    if answer["state"] != "active":
        response.status_code = 401 if answer["state"] == ENDED else 503
    return response


def page_config(state: State) -> dict[str, Any]:
    """What the script of a frame is told: as a real page tells it, but for the addresses."""
    return {
        "urls": {
            "status": url_for("status", name=state.name),
            "extend": url_for("extend", name=state.name),
            "sign_out": url_for("workos_sessions.logout"),
            "ended": url_for("workos_sessions.signed_out"),
        },
        "show": True,
        "warn": 120,
        "notice": 300,
        "poll": 1,
        "idle": 1800,
        "input": False,
        "leave": False,
        "title": True,
        "channel": f"gallery-{state.name}",
        "csrf": None,
        "state": state.page,
    }


def _markup(state: State) -> str:
    return render_markup(
        page_config(state),
        resume_url=url_for("workos_sessions.login", resume=1),
        style_url=f"/auth/assets/{asset_name('session.css')}",
        script_url=f"/auth/assets/{asset_name('session.js')}",
        impersonated=state.impersonated,
    )
