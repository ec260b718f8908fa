"""``/auth/login``: send the browser to AuthKit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from ..context import request_state
from ..fetch_metadata import is_prefetch
from ..parts import Parts, current_parts
from ..urls import (
    begin_url,
    home_of_sign_in,
    open_options,
    origin_of,
    our_origins,
    redirect_uri,
    requested_return_path,
)
from ..workos.authorize import (
    AUTHORIZE_OPTIONS,
    QUERY_OPTIONS,
    authorize_url,
    check_options,
    code_challenge,
    new_code_verifier,
    new_state,
)
from . import attempts
from .pages import redirect_to


def login() -> Response:
    """Begin a sign-in: 302 to AuthKit. WorkOS's "initiate login" URI is this one too."""
    if is_prefetch(request):
        return Response(status=204)
    if request.headers.get("HX-Request"):
        # htmx cannot follow a redirect to another site; it can send the browser back here.
        return Response(status=204, headers={"HX-Redirect": _this_url()})
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        response = jsonify(error="navigation_required", login_url=_this_url())
        response.status_code = 400
        return response
    parts = current_parts()
    options, expected, elsewhere = open_options(parts, request.args.get("options"))
    here = _began_here(parts) and not elsewhere
    ours = request.headers.get("Sec-Fetch-Site") == "same-origin"
    readable = AUTHORIZE_OPTIONS if ours else QUERY_OPTIONS
    options = _query_options(readable) | options
    ended = request_state().open(active=False, fetch=False).ended
    if ended is not None and parts.settings.reauthenticate_after_end:
        options.setdefault("max_age", "0")
    return_to = request.args.get("return_to", "")
    # Anybody may say so: it only leads to another page of ours.
    resume = request.args.get("resume") == "1"
    home = home_of_sign_in(parts)
    if home is not None:
        request_state().private = True
        path = begin_url(
            return_to, options, expected, cross_site=not here, resume=resume, moved=True
        )
        return redirect_to(home + path, 302)
    return begin(
        parts,
        options,
        return_to=requested_return_path(parts, return_to),
        expected=expected,
        cross_site=not here,
        resume=resume,
    )


def begin(
    parts: Parts,
    options: Mapping[str, str],
    *,
    return_to: str | None = None,
    expected: Mapping[str, Any] | None = None,
    cross_site: bool = False,
    restarted: bool = False,
    escalated: bool = False,
    resume: bool = False,
) -> Response:
    """Redirect to AuthKit with a new state and PKCE challenge, remembered in a sealed cookie."""
    state = new_state()
    attempt = attempts.Attempt(
        state=attempts.mark_restarted(state) if restarted else state,
        verifier=new_code_verifier(),
        started_at=int(parts.clock()),
        return_to=return_to,
        options=dict(options),
        expected=dict(expected or {}),
        cross_site=cross_site,
        escalated=escalated,
        resume=resume,
    )
    location = authorize_url(
        base_url=parts.settings.base_url,
        client_id=parts.settings.client_id,
        redirect_uri=redirect_uri(parts),
        state=attempt.state,
        code_challenge=code_challenge(attempt.verifier),
        options=options,
    )
    response = redirect_to(location, 303 if request.method == "POST" else 302)
    state_of_request = request_state()
    state_of_request.private = True
    state_of_request.cookies += attempts.keep(parts, request, attempt)
    return response


def _this_url() -> str:
    return request.script_root + request.full_path.rstrip("?")


def _began_here(parts: Parts) -> bool:
    """Whether a page of ours, or the person at the keyboard, began this (security S1)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    return origin_of(request.headers.get("Referer", "")) in our_origins(parts)


def _query_options(readable: frozenset[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for name in readable & set(request.args):
        try:
            options |= check_options({name: request.args[name]})
        except ValueError:
            continue
    return options
