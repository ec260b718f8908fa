"""An app for gunicorn: its settings come from the environment."""

import os

from flask import Flask, Response, jsonify

from flask_workos_sessions import WorkOSSessions, current_session, login_required

app = Flask(__name__)
WorkOSSessions(app)


@app.after_request
def name_the_process(response: Response) -> Response:
    response.headers["X-Process"] = str(os.getpid())
    return response


@app.get("/me")
@login_required
def me():
    return jsonify(session=current_session.id, iat=current_session.refreshed_at, pid=os.getpid())


@app.get("/up")
def up():
    return "up"
