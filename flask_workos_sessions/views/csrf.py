"""A fresh form token of Flask-WTF, for a page that has stood longer than its own one is good."""

from __future__ import annotations

from flask import current_app, session


def fresh_csrf_token() -> str | None:
    """A new token for this ``flask.session``; ``None`` when the app is not under CSRFProtect.

    Flask-WTF's tokens end after an hour, whatever becomes of the session: the forms of a page
    that was extended would be refused.
    """
    protection = current_app.extensions.get("csrf")
    if protection is None or not current_app.config.get("WTF_CSRF_ENABLED", True):
        return None
    try:
        from flask_wtf.csrf import CSRFProtect, generate_csrf  # type: ignore[import-untyped]
    except ImportError:
        return None  # another extension of this name
    kept = session._get_current_object()  # type: ignore[attr-defined]
    if current_app.session_interface.is_null_session(kept):
        return None  # without a secret key there is nowhere to keep it
    return str(generate_csrf()) if isinstance(protection, CSRFProtect) else None
