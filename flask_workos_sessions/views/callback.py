"""``/auth/callback``: the browser comes back from AuthKit."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping

from flask import Response, request

from ..context import request_state
from ..fetch_metadata import is_prefetch
from ..parts import Parts, current_parts
from ..reports import report_failed_sign_in
from ..tokens.refusals import InvalidToken, KeysUnavailable
from ..urls import begin_url, in_this_app
from ..workos.outcomes import (
    Authenticated,
    InteractionRequired,
    Misconfigured,
    OrganizationRefused,
    Outcome,
    Rejected,
    Transient,
)
from . import attempts
from .attempts import ATTEMPT_SECONDS, Attempt
from .completion import NotConfirmed, complete, verified_sign_in
from .pages import page, problem_page
from .replacement import ask_first, replaces_somebody
from .sign_in import begin

log = logging.getLogger("flask_workos_sessions")

#: What AuthKit may send back as ``error``; anything else is logged as unknown.
_KNOWN_ERRORS = frozenset(
    {
        "access_denied",
        "ambiguous_connection_selector",
        "connection_invalid",
        "connection_strategy_invalid",
        "connection_unlinked",
        "invalid_connection_selector",
        "organization_invalid",
        "oauth_failed",
        "server_error",
        "temporarily_unavailable",
        "login_required",
    }
)
#: The person's organization wants another way to sign in: going there with it is the way on.
_ORGANIZATION_SIGN_IN = frozenset(
    ("sso_required", "organization_authentication_methods_required", "mfa_enrollment")
)
#: What comes of a code that AuthKit gave to somebody, not of a made-up one.
_OF_A_GOOD_CODE = (Authenticated, InteractionRequired, OrganizationRefused)


def callback() -> Response:
    """Exchange the code and start the session; or explain what went wrong, and a way on."""
    if is_prefetch(request):
        return Response(status=204)
    parts = current_parts()
    request_state().private = True
    state = request.args.get("state", "")
    attempt = attempts.find(parts, request, state) if state else None
    if attempt is None:
        return _without_attempt(parts, state)
    if parts.clock() - attempt.started_at > ATTEMPT_SECONDS:
        _forget(parts, attempt)
        return _failed("sign_in_expired", 400)
    if "error" in request.args:
        _forget(parts, attempt)
        return _refused_by_authkit(request.args["error"])
    code = request.args.get("code", "")
    if not code:
        _forget(parts, attempt)
        return _failed("sign_in_not_started", 400)
    return _exchange(parts, attempt, code)


def _exchange(parts: Parts, attempt: Attempt, code: str) -> Response:
    wait = parts.code_budget.take()
    if wait:
        # The code has not been sent, and the attempt stays: loading the page again goes on.
        return _failed("sign_in_busy", 503, retry_after=wait)
    outcome = _ask(parts, attempt, code)
    if not isinstance(outcome, Authenticated):
        return _not_authenticated(parts, attempt, outcome)
    _forget(parts, attempt)
    try:
        token = verified_sign_in(parts, outcome)
    except InvalidToken as invalid:
        log.error(
            "WorkOS answered a sign-in with a token that has %s: check WORKOS_CLIENT_ID, "
            "WORKOS_ISSUER, WORKOS_BASE_URL and the clock of this machine.",
            invalid.reason,
        )
        return _failed("sign_in_misconfigured", 502)
    except KeysUnavailable:
        return _failed("sign_in_unavailable", 503)
    try:
        if replaces_somebody(token) and attempt.cross_site:
            return ask_first(parts, outcome, token, attempt)
        return complete(parts, outcome, token, attempt)
    except NotConfirmed as refused:
        return _failed(refused.word, refused.status)


def _ask(parts: Parts, attempt: Attempt, code: str) -> Outcome:
    caller = request_state().caller()
    in_vain = True
    try:
        outcome = parts.client.exchange_code(
            code,
            code_verifier=attempt.verifier,
            ip_address=caller.ip_address,
            user_agent=caller.user_agent,
            invitation_token=attempt.options.get("invitation_token"),
        )
        in_vain = not isinstance(outcome, _OF_A_GOOD_CODE)
        return outcome
    finally:
        parts.code_budget.give_back(in_vain=in_vain)


def _not_authenticated(parts: Parts, attempt: Attempt, outcome: Outcome) -> Response:
    if isinstance(outcome, Rejected):
        _forget(parts, attempt)
        return _failed("sign_in_used", 400)
    if isinstance(outcome, InteractionRequired):
        _forget(parts, attempt)
        return _interaction(parts, attempt, outcome)
    if isinstance(outcome, Misconfigured):
        log.error(
            "WorkOS refused a sign-in because of our settings (%s): check %s.",
            outcome.reason,
            outcome.setting,
        )
        _forget(parts, attempt)
        return _failed("sign_in_misconfigured", 502)
    if not isinstance(outcome, Transient):
        _forget(parts, attempt)
        return _failed("sign_in_refused", 403)
    # The code may still be good: the attempt stays, so that loading the page again is a try.
    log.warning(
        "WorkOS did not answer a sign-in (%s, status %s): loading the page again goes on with it.",
        outcome.reason,
        outcome.status,
    )
    return _failed("sign_in_unavailable", 503, retry_after=outcome.retry_after)


def _interaction(parts: Parts, attempt: Attempt, outcome: InteractionRequired) -> Response:
    if outcome.code == "organization_selection_required":
        choices = [
            {
                "name": str(each.get("name") or each["id"]),
                "sign_in_url": begin_url(
                    attempt.return_to or in_this_app(parts.settings.sign_in_return_to),
                    {**attempt.options, "organization_id": each["id"]},
                    attempt.expected,
                    cross_site=attempt.cross_site,
                    resume=attempt.resume,
                ),
            }
            for each in outcome.pending.get("organizations", [])
            if isinstance(each, Mapping) and isinstance(each.get("id"), str)
        ]
        if choices:
            report_failed_sign_in(outcome.code)
            return page("organizations", organizations=choices)
    if outcome.code in _ORGANIZATION_SIGN_IN:
        selector = _organization_selector(attempt, outcome)
        if selector and not attempt.escalated:
            report_failed_sign_in(outcome.code)
            kept = {k: v for k, v in attempt.options.items() if k not in ("provider", *selector)}
            return begin(
                parts,
                {**kept, **selector},
                return_to=attempt.return_to,
                expected=attempt.expected,
                cross_site=attempt.cross_site,
                escalated=True,
                resume=attempt.resume,
            )
        return _failed("organization_sign_in", 403, reason=outcome.code)
    word = "email_verification_required" if outcome.code.startswith("email_") else "mfa_required"
    if not outcome.code.startswith(("email_", "mfa_", "radar_")):
        word = "sign_in_refused"
    return _failed(word, 403, reason=outcome.code)


def _organization_selector(attempt: Attempt, outcome: InteractionRequired) -> dict[str, str]:
    connections = outcome.pending.get("connection_ids")
    if isinstance(connections, list) and len(connections) == 1:
        return {"connection_id": str(connections[0])}
    organization_id = outcome.organization_id or attempt.options.get("organization_id")
    return {"organization_id": organization_id} if organization_id else {}


def _without_attempt(parts: Parts, state: str) -> Response:
    """Nothing is exchanged, deleted or shown without an attempt of this browser (security S2).

    A code without a cookie of ours is mostly honest: an impersonation or a sign-in that began at
    the identity provider, a bookmark, a cookie that was lost. Those begin again, once.
    """
    signed_in = request_state().open(active=False).known is not None
    begins_again = (
        "code" in request.args
        and "error" not in request.args
        and not attempts.is_restarted(state)
        # A state that is not ours, beside attempts that are, is somebody else's.
        and not (state and (signed_in or attempts.any_kept(parts, request)))
    )
    if begins_again:
        report_failed_sign_in("sign_in_restarted")
        return begin(parts, {}, restarted=True, cross_site=True)
    return _failed("sign_in_used" if signed_in and state else "sign_in_not_started", 400)


def _refused_by_authkit(error: str) -> Response:
    known = error if error in _KNOWN_ERRORS else "unknown_error"
    description = request.args.get("error_description", "")[:200]
    log.warning("AuthKit refused a sign-in: %s (%r).", known, _without_addresses(description))
    if known == "access_denied":
        return _failed("sign_in_cancelled", 400, reason=known)
    if known in ("server_error", "temporarily_unavailable"):
        return _failed("sign_in_failed", 503, reason=known)
    return _failed("sign_in_refused", 400, reason=known)


def _failed(
    word: str, status: int, *, reason: str | None = None, retry_after: float | None = None
) -> Response:
    report_failed_sign_in(reason or word)
    response = problem_page(word, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    return response


def _forget(parts: Parts, attempt: Attempt) -> None:
    name = attempts.cookie_name(parts, attempt.state)
    request_state().cookies.append(attempts.drop(parts, name))


def _without_addresses(text: str) -> str:
    """A description for the log, without what may be somebody's address (security T2)."""
    return re.sub(r"\S*[@:]\S*|\d+\.\d+\.\d+\.\d+", "…", text)
