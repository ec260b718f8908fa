"""What a refused request is answered, in the language of whoever asked."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, jsonify, request

from .context import request_state
from .errors import (
    PassiveStale,
    RecentSignInRequired,
    Refused,
    SessionEnded,
    SessionUnavailable,
    SignInRequired,
)
from .fetch_metadata import SAFE_METHODS, kind_of
from .reports import report
from .urls import current_page, our_path, sign_in_url, step_up_url
from .views.pages import problem_page, redirect_to


def answer(error: Refused) -> Response:
    """The answer to a refused request: a redirect or a page for a navigation, never a redirect
    for a script, an empty body for htmx, nothing for a stream."""
    request_state().private = True
    report(error)
    kind = kind_of(request)
    if isinstance(error, PassiveStale) and kind == "htmx":
        return Response(status=204, headers={"HX-Reswap": "none"})
    if kind == "eventsource":
        # An EventSource connects again after anything but 204.
        return Response(status=204)
    if kind == "htmx":
        response = Response(status=error.code)
        response.headers["HX-Reswap"] = "none"
        response.headers["HX-Trigger"] = json.dumps({f"workos-session:{error.code}": {}})
    elif kind == "navigation":
        response = _navigation(error)
    else:
        response = _json(error)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _navigation(error: Refused) -> Response:
    code = 302 if request.method in ("GET", "HEAD") else 303
    if isinstance(error, SessionEnded):
        # The page of a form: going back to it finds the form filled in.
        form = None if request.method in SAFE_METHODS else "1"
        parts = request_state().parts
        page = our_path(
            parts, "/signed-out", reason=error.reason, form=form, return_to=current_page()
        )
        return redirect_to(page, 303)
    if isinstance(error, SignInRequired):
        return redirect_to(sign_in_url(**error.options), code)
    if isinstance(error, RecentSignInRequired):
        return redirect_to(_login_url(error), code)
    if isinstance(error, SessionUnavailable):
        # Leave the address as it is: loading the page again in a moment is the way on.
        return problem_page("session_unavailable", 503)
    return problem_page(error.error, error.code or 403)


def _json(error: Refused) -> Response:
    body: dict[str, Any] = {"error": error.error, "required": error.required}
    body["login_url"] = _login_url(error) if error.code == 401 else None
    response = jsonify(body)
    response.status_code = error.code or 403
    return response


def _login_url(error: Refused) -> str:
    if isinstance(error, RecentSignInRequired):
        session = request_state().opening.session
        return step_up_url(
            error.max_age,
            {"sub": session.user.id, "auth_time": session.authenticated_at},
        )
    if isinstance(error, SignInRequired):
        return sign_in_url(**error.options)
    return sign_in_url()
