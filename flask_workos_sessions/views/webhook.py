"""``/auth/webhook``: WorkOS tells what has happened (security W4)."""

from __future__ import annotations

import logging

from flask import Response, abort, current_app, jsonify, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from ..parts import Parts, current_parts
from ..reactions import Unrecorded
from ..workos.events import Event, MalformedEvent, parse_event
from ..workos.webhooks import HEADER, Signature, SignatureRefused

log = logging.getLogger("flask_workos_sessions")

#: Bytes of the longest body that is read.
LIMIT = 1_048_576
#: Seconds after which WorkOS may try again what could not be recorded.
RETRY_SECONDS = 10


def webhook() -> Response:
    """Verify a webhook, act upon its event, and tell the application's receivers of it.

    200 for what was done, now or before; WorkOS sends everything else again.
    """
    parts = current_parts()
    if parts.settings.webhook_secret is None:
        abort(404)
    try:
        event = _read(parts)
    except RequestEntityTooLarge:
        return _refusal(parts, 413, "too_large", "larger than 1 MiB, or than MAX_CONTENT_LENGTH")
    except ClientDisconnected:
        return _refusal(parts, 400, "incomplete", "cut off on its way")
    except SignatureRefused as refused:
        return _refusal(parts, 400, "signature_refused", refused.reason)
    except MalformedEvent as malformed:
        return _refusal(parts, 400, "malformed", str(malformed))
    try:
        parts.reactions.act(event)
        told = parts.reactions.tell(event)
    except Unrecorded as unrecorded:
        log.warning("A webhook waits for the shared state: WorkOS will send it again.")
        if unrecorded.__cause__ is not None:
            current_app.logger.error(
                "A receiver of session_ended has raised. The session has ended all the same.",
                exc_info=unrecorded.__cause__,
            )
        told = False
    if not told:
        response = _answer(503, {"error": "try_again"})
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    return _answer(200, {})


def _read(parts: Parts) -> Event:
    """Bounded before the first byte of the body is read, and only read when a signature of now
    came with it."""
    limit = request.max_content_length  # of the app, for any body
    limit = LIMIT if limit is None else min(LIMIT, limit)
    if (request.content_length or 0) > limit:
        raise RequestEntityTooLarge
    signature = Signature.read(request.headers.get(HEADER, ""), now=parts.clock())
    body = _body(limit)
    secrets = (parts.settings.webhook_secret or "", *parts.settings.webhook_secret_fallbacks)
    signature.check(body, secrets)
    return parse_event(body)


def _body(limit: int) -> bytes:
    """The raw body; of one without a length that is too long, one byte more than that is read."""
    body = get_input_stream(request.environ, max_content_length=limit + 1).read()
    if len(body) > limit:
        raise RequestEntityTooLarge
    return body


def _refusal(parts: Parts, status: int, error: str, reason: str) -> Response:
    """Anybody can send anything here: a flood of it is a few lines in the log."""
    held = parts.refused_webhooks.admit()
    if held is not None:
        more = f" (and {held} others since the last such line)" if held else ""
        log.warning("Refused a webhook: %s%s.", reason, more)
    return _answer(status, {"error": error})


def _answer(status: int, body: dict[str, str]) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
