"""``/auth/logout`` and the page that says why a session ended."""

from __future__ import annotations

from flask import Response, jsonify, request

from .. import signals
from ..context import request_state
from ..coordination.endings import REASONS
from ..errors import SessionUnavailable
from ..fetch_metadata import kind_of
from ..memo import Known
from ..opened import Opening
from ..parts import Parts, current_parts
from ..reports import report
from ..session import NO_SESSION
from ..stores.cookie import EndMark
from ..stores.server import StoreUnavailable
from ..urls import (
    in_this_app,
    our_path,
    referring_page,
    requested_return_path,
    resume_url,
    sign_in_url,
    sign_out_return_uri,
    sign_out_url,
)
from .flask_session import forget_flask_session
from .origin import require_our_origin
from .pages import page, redirect_to


def logout() -> Response:
    """POST signs out; GET shows a page that asks, for links are followed by machines too."""
    parts = current_parts()
    state = request_state()
    state.private = True
    if request.method != "POST":
        held = state.open(active=False, fetch=False).held
        name = held.session.user.display_name if held else None
        stay_url = in_this_app(parts.settings.sign_in_return_to)
        return page("sign_out", action=sign_out_url(), name=name, stay_url=stay_url)
    require_our_origin(parts)
    # No refresh here, whatever the token's age: it would bring back what is to go.
    try:
        sessions = parts.opener.held(request.environ.get("HTTP_COOKIE", ""))
    except StoreUnavailable:
        # Who is to be signed out lies in the store: better to say so than to seem to do it.
        raise report(SessionUnavailable()) from None
    location, ended = _end(parts, sessions)
    if sessions:
        mark = EndMark(
            sessions[0].token.session_id, parts.reader.subject(sessions[0]), "signed_out"
        )
        value = parts.store.seal_mark(mark)
        state.cookies.append(parts.store.header(value))
    state.settled = True
    state.replace(Opening())
    try:
        # Last: a receiver that raises must not keep anything of the session alive.
        for known in ended:
            signals.send(signals.signed_out, session=known.session)
    finally:
        forget_flask_session(parts)
    response = _answer(location)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def signed_out() -> Response:
    """The page that says why a session ended, with a button that signs in again."""
    parts = current_parts()
    state = request_state()
    state.private = True
    return_to = requested_return_path(parts, request.args.get("return_to"))
    # A page that was taken away leads here without more words.
    return_to = return_to or requested_return_path(parts, referring_page())
    opening = state.open(active=False, fetch=False)
    return_to = return_to or in_this_app(parts.settings.sign_in_return_to)
    form = request.args.get("form") == "1"
    if form:
        # The form is one step back: a cookie that changes would make the browser forget it.
        state.settled = True
    elif opening.known is not None and request.args.get("reason") != "user_changed":
        return redirect_to(return_to)
    reason = opening.ended or request.args.get("reason")
    again = {"max_age": 0} if parts.settings.reauthenticate_after_end else {}
    held = opening.held.session if opening.held is not None else NO_SESSION
    return page(
        "signed_out",
        reason=reason if reason in REASONS else None,
        form=form,
        signed_in=form and opening.known is not None,
        sign_in_url=resume_url(held, return_to) if form else sign_in_url(return_to, **again),
    )


def _end(parts: Parts, sessions: list[Known]) -> tuple[str, list[Known]]:
    """End the sessions here first, then at WorkOS; where the browser goes next, and which of them
    had not ended before."""
    ended = []
    location = our_path(parts, "/signed-out", reason="signed_out")
    for known in sessions:
        session_id = known.token.session_id
        if parts.adoption.refuse(known, "signed_out"):
            ended.append(known)
            revoked = parts.revoker.now(session_id)
        else:
            # Whoever ended it may not have lived to revoke it.
            parts.revoker.soon(session_id)
            revoked = True
        # When WorkOS does not answer us, it would not answer the browser either.
        if revoked:
            location = parts.client.logout_url(session_id, sign_out_return_uri(parts))
    return location, ended


def _answer(location: str) -> Response:
    kind = kind_of(request)
    if kind == "htmx":
        return Response(status=200, headers={"HX-Redirect": location})
    if kind == "fetch" and "Sec-Fetch-Mode" in request.headers:
        return jsonify(v=1, state="ended", reason="signed_out", logout_url=location)
    return redirect_to(location)
