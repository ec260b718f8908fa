"""``/auth/organization``: the same person in another organization."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from ..context import request_state
from ..errors import OrganizationRefused, SessionUnavailable, SignInRequired
from ..fetch_metadata import kind_of
from ..guards import require_session
from ..parts import current_parts
from ..refresh.exchange import Caller
from ..session import Session
from ..status import status_of
from ..urls import current_page, in_this_app, requested_return_path, sign_in_url
from .origin import require_our_origin
from .pages import problem_page, redirect_to


def switch_organization() -> Response:
    """POST ``organization_id``, as a form or as JSON; 303 back, or the new status as JSON."""
    parts = current_parts()
    request_state().private = True
    require_our_origin(parts)
    given: Any = request.get_json(silent=True) if request.is_json else request.form
    wanted = given.get("organization_id") if hasattr(given, "get") else None
    scripted = kind_of(request) != "navigation"
    if not isinstance(wanted, str) or not wanted.isascii() or not 0 < len(wanted) <= 100:
        if not scripted:
            return problem_page("organization_missing", 400)
        response = jsonify(error="organization_missing", required={"organization_id": "org_…"})
        response.status_code = 400
        return response
    caller = request_state().caller()  # one bound for both
    request_state().open(active=True)
    return_to = (
        requested_return_path(parts, given.get("return_to"))
        or requested_return_path(parts, current_page())
        or in_this_app(parts.settings.sign_in_return_to)
    )
    try:
        switch_to(wanted, caller)
    except SignInRequired as interaction:
        if scripted or not interaction.options:
            raise
        location = sign_in_url(return_to, **interaction.options)
    else:
        known = request_state().opening.known
        if scripted and known is not None:
            return jsonify(status_of(parts, known))
        location = return_to
    return redirect_to(location)


def switch_to(organization_id: str, caller: Caller | None = None) -> Session:
    """Switch the current session to an organization; the rest of the request sees it there.

    :param caller: who asks, and until when they wait; without it the wait begins now.
    :raises SignInRequired: that organization asks for another sign-in (``options`` says which).
    :raises OrganizationRefused: the person does not belong to it.
    :raises SessionUnavailable: WorkOS does not answer; the session stays where it was.
    """
    state = request_state()
    session = require_session()
    if session.organization_id == organization_id:
        return session
    known = state.opening.known
    assert known is not None
    opening = state.parts.opener.switch(known, organization_id, caller or state.caller())
    if opening.closed is not None:
        raise OrganizationRefused(required={"organization": organization_id})
    if opening.known is not None:
        state.replace(opening)
        return opening.session
    if opening.interaction is not None:
        raise SignInRequired(options=opening.interaction)
    if opening.retry_after is not None:
        raise SessionUnavailable(opening.retry_after)
    state.replace(opening)
    return require_session()
