"""What the application kept in ``flask.session`` for whoever was there before (security C10)."""

from __future__ import annotations

from flask import current_app, session

from ..parts import Parts


def forget_flask_session(parts: Parts) -> dict[str, object]:
    """Clear ``flask.session``, unless the settings say not to or the app has none; what was there
    is returned."""
    kept = session._get_current_object()  # type: ignore[attr-defined]
    if not parts.settings.clear_flask_session:
        return {}
    if current_app.session_interface.is_null_session(kept):
        return {}
    before = dict(kept)
    if before:
        kept.clear()
    return before
