"""What the application kept in ``flask.session`` for whoever was there before (security C10)."""

from __future__ import annotations

from flask import current_app, session

from ..parts import Parts


def forget_flask_session(parts: Parts) -> None:
    """Clear ``flask.session``, unless the settings say not to or the app has none."""
    if parts.settings.clear_flask_session and current_app.secret_key:
        session.clear()
