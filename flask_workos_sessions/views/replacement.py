"""Asking before another site's sign-in replaces somebody's session (security S1, ASVS 7.6.2)."""

from __future__ import annotations

import json

from flask import Response, request

from ..context import request_state
from ..parts import Parts, current_parts
from ..reports import report_failed_sign_in
from ..sealing.cookie import decode_record, encode_record
from ..session import User
from ..tokens.access_token import AccessToken
from ..tokens.refusals import InvalidToken, KeysUnavailable
from ..urls import in_this_app, our_path
from ..workos.outcomes import Authenticated
from .attempts import ATTEMPT_SECONDS, Attempt
from .completion import NotConfirmed, record_of, start
from .origin import require_our_origin
from .pages import page, problem_page, redirect_to

_NAME = "pending-session"
# Between the JSON, which has no such byte, and the record.
_BETWEEN = b"\0"


def replaces_somebody(token: AccessToken) -> bool:
    """Whether a session of another person or organization would go that has not ended, as far as
    is known: one that cannot be confirmed just now may well live."""
    opening = request_state().open(active=False)
    known = opening.held if opening.ended is None else None
    return known is not None and (known.token.subject, known.token.organization_id) != (
        token.subject,
        token.organization_id,
    )


def ask_first(
    parts: Parts, outcome: Authenticated, token: AccessToken, attempt: Attempt
) -> Response:
    """The page that asks. The new session waits in it, sealed, for ten minutes."""
    known = request_state().opening.held
    assert known is not None
    record = record_of(parts, outcome, token)
    waiting = {
        "replaces": known.token.session_id,
        "return_to": None if attempt.expected else attempt.return_to,
        "resume": attempt.resume,
        "asked_at": int(parts.clock()),
    }
    return page(
        "replace_session",
        action=our_path(parts, "/callback"),
        pending=parts.pending_sealer.seal(
            json.dumps(waiting).encode() + _BETWEEN + encode_record(record), name=_NAME
        ),
        current=known.session.user.display_name,
        other=User.from_profile(record.user).display_name,
    )


def decide() -> Response:
    """POST to the callback: switch to the session that waits, or keep the one that is there."""
    parts = current_parts()
    request_state().private = True
    require_our_origin(parts)
    plaintext = parts.pending_sealer.open(request.form.get("pending", ""), name=_NAME)
    if plaintext is None:
        return _failed("sign_in_not_started")
    waiting, _, encoded = plaintext.partition(_BETWEEN)
    pending, record = json.loads(waiting), decode_record(encoded)
    opening = request_state().open(active=False)
    held = opening.held if opening.ended is None else None
    if held is None or held.token.session_id != pending["replaces"]:
        return _failed("sign_in_expired")
    if parts.clock() - pending["asked_at"] > ATTEMPT_SECONDS:
        return _failed("sign_in_expired")
    try:
        token = parts.verifier.verify(record.access_token)
    except (InvalidToken, KeysUnavailable):
        return _failed("sign_in_expired")
    if parts.endings.reason(token.session_id) is not None:
        return _failed("sign_in_expired")
    if request.form.get("decision") != "switch":
        parts.revoker.soon(token.session_id)
        return redirect_to(in_this_app(parts.settings.sign_in_return_to))
    try:
        return start(
            parts, record, token, pending["return_to"], resume=pending.get("resume", False)
        )
    except NotConfirmed as refused:
        return problem_page(refused.word, refused.status)


def _failed(word: str) -> Response:
    report_failed_sign_in(word)
    return problem_page(word, 400)
