"""The endpoints of a LocalWorkOS as one WSGI application."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask, Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from .api import api_blueprint
from .control import control_blueprint
from .environment import Environment
from .pages import pages_blueprint
from .wire import MAX_EXCHANGE, Wire


def create_app(environment: Environment) -> Flask:
    """The endpoints of ``environment``, behind the Host check, the faults and the journal."""
    app = Flask(__name__, static_folder="static", static_url_path="/local/static")
    app.config["MAX_CONTENT_LENGTH"] = MAX_EXCHANGE
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(api_blueprint(environment))
    app.register_blueprint(pages_blueprint(environment))
    app.register_blueprint(control_blueprint(environment))

    @app.errorhandler(HTTPException)
    def say_in_json(error: HTTPException) -> ResponseReturnValue:
        return {"message": error.name}, error.code or 500

    @app.after_request
    def date(response: Response) -> Response:
        # By the clock from which tokens and events have their moments.
        response.date = datetime.fromtimestamp(environment.clock(), UTC)
        return response

    app.wsgi_app = Wire(app.wsgi_app, environment)  # type: ignore[method-assign]
    return app
