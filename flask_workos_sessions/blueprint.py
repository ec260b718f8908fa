"""Our routes, in one blueprint."""

from __future__ import annotations

from flask import Blueprint, Response, abort

from .ui.assets import find_asset
from .urls import BLUEPRINT
from .views.callback import callback
from .views.events import events
from .views.organization import switch_organization
from .views.replacement import decide
from .views.session import extend, session
from .views.sign_in import login
from .views.sign_out import logout, signed_out
from .views.signed_in import signed_in
from .views.webhook import webhook

#: One year, in seconds: an asset's name changes with its content.
_ASSET_SECONDS = 31_536_000


def make_blueprint(url_prefix: str) -> Blueprint:
    """A new blueprint: every app has its own."""
    blueprint = Blueprint(
        BLUEPRINT, __name__, url_prefix=url_prefix, template_folder="ui/templates"
    )
    blueprint.add_url_rule("/login", view_func=login)
    blueprint.add_url_rule("/callback", view_func=callback)
    blueprint.add_url_rule("/callback", "decide", decide, methods=["POST"])
    blueprint.add_url_rule("/logout", view_func=logout, methods=["GET", "POST"])
    blueprint.add_url_rule("/organization", view_func=switch_organization, methods=["POST"])
    blueprint.add_url_rule("/session", view_func=session)
    blueprint.add_url_rule("/session/events", "session_events", events)
    blueprint.add_url_rule("/session/extend", view_func=extend, methods=["POST"])
    blueprint.add_url_rule("/signed-in", view_func=signed_in)
    blueprint.add_url_rule("/signed-out", view_func=signed_out)
    blueprint.add_url_rule("/webhook", view_func=webhook, methods=["POST"])
    blueprint.add_url_rule("/assets/<name>", view_func=asset)
    return blueprint


def asset(name: str) -> Response:
    """The script and the styles, under names that change with their content."""
    found = find_asset(name)
    if found is None:
        abort(404)
    response = Response(found.body, mimetype=found.mimetype)
    response.set_etag(found.etag)
    response.headers["Cache-Control"] = f"public, max-age={_ASSET_SECONDS}, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
