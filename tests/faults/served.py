"""The app of the fault table, for gunicorn. Its settings come from the environment, its clock from
a file with the seconds by which the test has moved it."""

import mmap
import os
import struct
import time

from flask import Flask, Response, jsonify

from flask_workos_sessions import WorkOSSessions, current_session, login_required

with open(os.environ["FAULTS_CLOCK"], "rb") as file:
    moved = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)


def clock() -> float:
    return time.time() + struct.unpack("d", moved[:8])[0]


app = Flask(__name__)
sessions = WorkOSSessions(app, clock=clock)


@app.after_request
def name_the_process(response: Response) -> Response:
    response.headers["X-Process"] = str(os.getpid())
    return response


@app.route("/me", methods=["GET", "POST"])
@login_required
def me() -> Response:
    return jsonify(session=current_session.id, organization=current_session.organization_id)


@app.get("/up")
def up() -> str:
    return "up"


@app.get("/stats")
def stats() -> Response:
    return jsonify(sessions.stats())
