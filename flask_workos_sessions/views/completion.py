"""The end of a sign-in: the session is sealed, announced and given to the browser."""

from __future__ import annotations

import logging
from dataclasses import replace

from flask import Response
from flask import session as flask_session

from .. import signals
from ..context import request_state
from ..errors import SessionTooLarge
from ..lifetime import IMPERSONATION_MAX_LENGTH
from ..memo import Known
from ..opened import Opening, signed_in
from ..parts import Parts
from ..session import kept_profile
from ..session_record import SessionRecord
from ..stores.server import StoreUnavailable
from ..tokens.access_token import AccessToken
from ..tokens.refusals import InvalidToken
from ..urls import in_this_app, our_path
from ..workos.outcomes import Authenticated
from .attempts import Attempt
from .flask_session import forget_flask_session
from .pages import redirect_to

log = logging.getLogger("flask_workos_sessions")


class NotConfirmed(Exception):
    """The sign-in worked and gives no session: which page says why."""

    def __init__(self, word: str, status: int) -> None:
        super().__init__(word)
        self.word = word
        self.status = status


def verified_sign_in(parts: Parts, outcome: Authenticated) -> AccessToken:
    """The access token of an exchange, verified and bound to the user that came with it.

    :raises InvalidToken: it is not a token of that user for this application.
    :raises KeysUnavailable: the key set cannot be fetched.
    """
    token = parts.verifier.verify(outcome.access_token)
    if token.subject != outcome.user.get("id"):
        raise InvalidToken("another user than the one that came with it")
    if token.expires_at <= parts.clock():
        raise InvalidToken("run out already; compare this machine's clock with WorkOS's")
    return token


def complete(
    parts: Parts, outcome: Authenticated, token: AccessToken, attempt: Attempt
) -> Response:
    """Start the session and send the browser on.

    :raises NotConfirmed: a step-up brought no newer proof, or the session does not fit.
    """
    return_to = attempt.return_to
    expected = attempt.expected
    if expected:
        if token.subject != expected.get("sub"):
            return_to = None  # somebody else came back: not to the page of the first
        elif not _advanced(token, expected.get("auth_time")):
            _discard(parts, token)
            raise NotConfirmed("not_recent", 403)
    record = record_of(parts, outcome, token)
    return start(parts, record, token, return_to, resume=attempt.resume)


def start(
    parts: Parts,
    record: SessionRecord,
    token: AccessToken,
    return_to: str | None,
    *,
    resume: bool = False,
) -> Response:
    """Give the browser this session in place of what it had.

    :param resume: whether a page in another tab waits for it, and is to be told.
    :raises NotConfirmed: it does not fit into a cookie, or whose session it would replace cannot
        be found out (security C10, R8).
    """
    state = request_state()
    before = state.open(active=False, fetch=False)
    if _is_unreadable(before):
        raise NotConfirmed("sign_in_unavailable", 503)
    try:
        record, value = _sealed(parts, record)
    except SessionTooLarge as too_large:
        log.error("A sign-in failed: %s", too_large)
        _discard(parts, token)
        raise NotConfirmed("session_too_large", 500) from too_large
    except StoreUnavailable as unavailable:
        _discard(parts, token)
        raise NotConfirmed("sign_in_unavailable", 503) from unavailable
    known = parts.reader.build(record, token, True)
    old = before.held
    forgotten = forget_flask_session(parts) if _somebody_else_was_here(parts, before, known) else {}
    try:
        signals.send(signals.signed_in, session=known.session, first=old is None)
    except BaseException:
        # The application refused the sign-in: nothing of it may remain, here or at WorkOS.
        _discard(parts, token)
        parts.store.discard(record)
        if forgotten:
            flask_session.update(forgotten)  # nobody else has signed in after all
        raise
    if old is not None:
        parts.store.discard(old.record)
    if old is not None and old.token.session_id != token.session_id:
        same_person = old.token.subject == token.subject
        parts.adoption.end(old, "signed_out" if same_person else "user_changed")
    log.info(
        "Signed in: session %s%s.",
        parts.keys.digest("log", token.session_id)[:12],
        " (impersonated)" if known.session.impersonator else "",
    )
    remaining = record.not_after - parts.clock()
    state.cookies.append(parts.store.header(record.ticket or value, remaining=remaining))
    state.settled = True
    state.replace(signed_in(known))
    if resume:
        return redirect_to(our_path(parts, "/signed-in", return_to=return_to))
    return redirect_to(return_to or in_this_app(parts.settings.sign_in_return_to))


def record_of(parts: Parts, outcome: Authenticated, token: AccessToken) -> SessionRecord:
    """What is kept of a session that begins. Asks WorkOS when it ends, if the settings do not say
    how long it lasts (security C6)."""
    settings = parts.settings
    expires_at = None
    if settings.session_max_length is None:
        expires_at = parts.client.session_expires_at(token.subject, token.session_id)
    signed_in_at = token.issued_at
    ends = [signed_in_at + settings.longest if expires_at is None else expires_at]
    if outcome.impersonator is not None or token.actor is not None:
        ends.append(signed_in_at + IMPERSONATION_MAX_LENGTH)
    return SessionRecord(
        access_token=outcome.access_token,
        refresh_token=outcome.refresh_token,
        user=kept_profile(outcome.user),
        organization_id=outcome.organization_id or token.organization_id,
        signed_in_at=signed_in_at,
        not_after=min(ends),
        authentication_method=outcome.authentication_method,
        impersonator=outcome.impersonator,
        expires_at=expires_at,
    )


def _sealed(parts: Parts, record: SessionRecord) -> tuple[SessionRecord, str]:
    try:
        return parts.store.begin(record)
    except SessionTooLarge:
        user = {name: field for name, field in record.user.items() if name != "metadata"}
        return parts.store.begin(replace(record, user=user))


def _discard(parts: Parts, token: AccessToken) -> None:
    """Nobody gets this session: revoke it, unless it is the one that this browser has, or may
    have."""
    opening = request_state().open(active=False, fetch=False)
    held = opening.held
    if _is_unreadable(opening) or (held and held.token.session_id == token.session_id):
        return
    parts.revoker.soon(token.session_id)


def _is_unreadable(opening: Opening) -> bool:
    """Whether there is a session of which nothing can be said just now, not even whose it is."""
    return opening.retry_after is not None and opening.held is None


def _advanced(token: AccessToken, before: object) -> bool:
    if token.authenticated_at is None:
        return False
    return not isinstance(before, int | float) or token.authenticated_at > before


def _somebody_else_was_here(parts: Parts, before: Opening, now: Known) -> bool:
    """Whether what is in ``flask.session`` may belong to another person (security C10)."""
    subject = parts.reader.subject(now)
    if before.held is not None:
        return parts.reader.subject(before.held) != subject
    return before.mark is not None and before.mark.subject != subject
