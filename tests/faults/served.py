"""The app of the fault table, for gunicorn. Its settings come from the environment, its clock from
a file with the seconds by which the test has moved it."""

import logging
import mmap
import os
import struct
import time

from flask import Flask, Response, jsonify
from held_locks import hold_every_lock

from flask_workos_sessions import WorkOSSessions, current_session, login_required
from flask_workos_sessions.workos import client

with open(os.environ["FAULTS_CLOCK"], "rb") as file:
    moved = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)


def clock() -> float:
    return time.time() + struct.unpack("d", moved[:8])[0]


logging.basicConfig(format="[%(process)d] %(levelname)s %(message)s")
logging.getLogger("flask_workos_sessions").setLevel(logging.INFO)

if "FAULTS_REFRESH_TIMEOUT" in os.environ:
    client.REFRESH_TIMEOUT = float(os.environ["FAULTS_REFRESH_TIMEOUT"])

app = Flask(__name__)
sessions = WorkOSSessions(app, clock=clock)


@app.after_request
def name_the_process(response: Response) -> Response:
    response.headers["X-Process"] = str(os.getpid())
    return response


@app.route("/me", methods=["GET", "POST"])
@login_required
def me() -> Response:
    return jsonify(
        session=current_session.id,
        organization=current_session.organization_id,
        role=current_session.role,
    )


@app.get("/up")
def up() -> str:
    return "up"


@app.get("/stats")
def stats() -> Response:
    return jsonify(sessions.stats())


if "FAULTS_HOLD_LOCKS" in os.environ:
    # Each is used before: what lies there is this process's own.
    parts = app.extensions["workos_sessions.parts"]
    parts.state.set("used", b"1", 60)
    parts.verifier.keys.prepare("no key")
    while not parts.verifier.keys._fetches.flight.landed.wait(0.1):
        pass
    held = hold_every_lock(int(os.environ["FAULTS_HOLD_LOCKS"]))
    logging.getLogger("flask_workos_sessions").warning("held: %s", " ".join(held))
