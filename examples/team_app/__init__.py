"""Harbour: a board on which a team keeps its decisions. A small app with complete sessions.

Pages for everybody, for members and for administrators; one htmx part; a form that takes a while
to fill in. Everything is kept in memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue

from flask_workos_sessions import errors, refusals

from .board import Board
from .devices import devices
from .extensions import sessions
from .pages import pages
from .people import People

#: Only files of this site: neither the warning nor htmx needs more. `form-action` is left out on
#: purpose: browsers apply it to redirects too, and signing out leads to WorkOS.
POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


def create_app(config: Mapping[str, Any] | None = None, **more: Any) -> Flask:
    """The app. ``WORKOS_*`` settings come from ``config`` and ``more``, else the environment.

    ``HARBOUR_ORGANIZATIONS`` (a mapping, or JSON in the environment) names the organizations
    that the account page offers: ``{"org_…": "Acme"}``.

    :raises flask_workos_sessions.ConfigurationError: when a setting is missing or wrong.
    """
    app = Flask(__name__)
    organizations = os.environ.get("HARBOUR_ORGANIZATIONS", "{}")
    app.config["HARBOUR_ORGANIZATIONS"] = json.loads(organizations)
    app.config.from_mapping(config or {})
    app.config.from_mapping(more)
    sessions.init_app(app)
    app.extensions["harbour"] = Board()
    app.extensions["harbour.people"] = People()
    app.register_blueprint(pages)
    app.register_blueprint(devices)
    app.register_error_handler(errors.InsufficientRole, _say_which_role)
    app.after_request(_keep_to_this_site)
    return app


def _say_which_role(error: errors.InsufficientRole) -> ResponseReturnValue:
    """A page of our own for people, the extension's answer for scripts. Somebody may have had the
    role until a moment ago."""
    if request.headers.get("Sec-Fetch-Mode") != "navigate":
        return refusals.answer(error)
    return render_template("harbour/denied.html", required=error.required["role"]), 403


def _keep_to_this_site(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response
