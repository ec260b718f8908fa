"""Complete WorkOS AuthKit sessions for Flask.

::

    from flask import Flask
    from flask_workos_sessions import WorkOSSessions, current_user, login_required

    app = Flask(__name__)
    sessions = WorkOSSessions(app)

    @app.get("/dashboard")
    @login_required
    def dashboard():
        return f"Hello {current_user.display_name}"
"""

from . import errors, signals
from .context import current_session, current_user, get_current_session, get_current_user
from .errors import ConfigurationError
from .extension import WorkOSSessions
from .guards import login_required, passive, public
from .lifetime import Lifetime
from .session import Session, User
from .session_record import Impersonator
from .stores.session_store import SessionStore
from .urls import sign_in_url, sign_out_url, sign_up_url
from .workos.active_session import ActiveSession
from .workos.events import Event

__all__ = [
    "ActiveSession",
    "ConfigurationError",
    "Event",
    "Impersonator",
    "Lifetime",
    "Session",
    "SessionStore",
    "User",
    "WorkOSSessions",
    "current_session",
    "current_user",
    "errors",
    "get_current_session",
    "get_current_user",
    "login_required",
    "passive",
    "public",
    "sign_in_url",
    "sign_out_url",
    "sign_up_url",
    "signals",
]
