"""The app of ``waiting.py``, for gunicorn: its settings come from the environment."""

import os
import time

from flask import Flask

from flask_workos_sessions import WorkOSSessions, current_session, login_required

app = Flask(__name__)
WorkOSSessions(app)


@app.get("/me")
@login_required
def me() -> str:
    return current_session.id


@app.get("/nap")
def nap() -> str:
    time.sleep(float(os.environ["NAP"]))
    return "rested"
