"""The extension, in a module of its own: the factory sets it up, and pages call it."""

from flask_workos_sessions import WorkOSSessions

sessions = WorkOSSessions()
