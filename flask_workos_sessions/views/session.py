"""``/auth/session`` and ``/auth/session/extend``: how long it lasts, and a little longer."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from ..context import request_state
from ..opened import Opening
from ..parts import Parts, current_parts
from ..refresh.due import extension_due
from ..status import ended_status, status_of
from ..urls import sign_in_url
from .csrf import fresh_csrf_token
from .origin import require_no_other_origin, require_our_origin


def session() -> Response:
    """The status of the session. Never refreshes, never sets a cookie, never calls WorkOS."""
    require_no_other_origin()
    parts = current_parts()
    state = request_state()
    state.private = state.settled = True
    response = _status(parts, state.open(active=False, fetch=False))
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def extend() -> Response:
    """Refresh now. Within a minute of the last refresh that would gain nothing, and is not done."""
    parts = current_parts()
    state = request_state()
    state.private = True
    require_our_origin(parts)
    caller = state.caller()  # one bound for both
    opening = state.open(active=True)
    if opening.known is not None:
        if opening.session.lifetime.because == "max_length":
            answer = {"error": "not_extendable", **status_of(parts, opening.known)}
            response = jsonify({**answer, **_form_token()})
            response.status_code = 409
            return response
        token = opening.known.token
        due = extension_due(issued_at=token.issued_at, expires_at=token.expires_at)
        if parts.clock() >= due:
            before = opening
            opening = parts.opener.extend(opening.known, caller)
            if opening.known is before.known:
                opening.value = before.value
            state.replace(opening)
    if opening.known is not None:
        return jsonify({**status_of(parts, opening.known), **_form_token()})
    return _status(parts, opening)


def _form_token() -> dict[str, str]:
    token = fresh_csrf_token()
    return {} if token is None else {"csrf_token": token}


def _status(parts: Parts, opening: Opening) -> Response:
    if opening.known is not None:
        return jsonify(status_of(parts, opening.known))
    if opening.stale and opening.held is not None:
        # The access token has run out, the session has not: the next request refreshes it.
        return jsonify(status_of(parts, opening.held))
    if opening.retry_after is not None:
        response = jsonify({"v": 1, "state": "unknown"})
        response.status_code = 503
        response.headers["Retry-After"] = str(opening.retry_after)
        return response
    options: dict[str, Any] = dict(opening.interaction or {})
    if opening.ended and parts.settings.reauthenticate_after_end:
        options["max_age"] = 0
    response = jsonify(ended_status(opening, sign_in_url(**options)))
    response.status_code = 401
    return response
