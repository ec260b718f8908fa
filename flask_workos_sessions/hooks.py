"""What happens before and after every request of an app."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from .context import RequestState, begin_state, current_request, state_of
from .coordination.process_lock import ProcessLock
from .errors import OrganizationChanged, Refused, SessionTooLarge
from .fetch_metadata import SAFE_METHODS, is_background, kind_of
from .guards import automatic_options, is_protected, require_session
from .marks import Marks, marks_of
from .parts import Parts
from .refusals import answer
from .reports import report
from .status import server_timing
from .stores.cookie import EndMark
from .ui.injection import inject, is_injectable
from .ui.markup import is_for_a_page, session_markup
from .urls import BLUEPRINT, OURS

log = logging.getLogger("flask_workos_sessions")

#: Seconds within which nobody gets to WorkOS, signs in and comes back.
OVERTAKEN_SECONDS = 2.0

_PRIVATE = "private, no-store"
_SHARED_CACHES = frozenset({"expires", "cdn-cache-control", "surrogate-control"})


def add_hooks(app: Flask, parts: Parts) -> None:
    """Register our hooks. Flask runs ``after_request`` functions in reverse order: the one that
    sets headers runs last, the one that changes the page runs before compression."""
    app.before_request(_opener(app, parts))
    app.after_request_funcs.setdefault(None, []).insert(0, finish)
    app.after_request(put_in_ui)
    app.register_error_handler(Refused, answer)


def _opener(app: Flask, parts: Parts) -> Callable[[], None]:
    settings = parts.settings
    guards_paths = settings.protect_all or bool(settings.protected_paths)
    seen: dict[tuple[str, str], Marks] = {}
    once = ProcessLock()
    prepared = False

    def open_session() -> None:
        nonlocal prepared
        asked = current_request()
        if not prepared:
            with once:
                if not prepared:
                    _prepare(app)
                    prepared = True
        endpoint = asked.endpoint
        if endpoint is None or endpoint.startswith(OURS):
            return
        marks = seen.get((endpoint, asked.method))
        if marks is None:
            marks = seen[endpoint, asked.method] = marks_of(app, asked)
        if marks.static:
            return
        parts.revoker.retry()
        # Another hook, registered before ours, may have read the session already.
        state = state_of(asked) or begin_state(asked, parts)
        state.passive = marks.passive
        opening = state.open(active=not (marks.passive or is_background(asked)))
        if opening.moved and not marks.public and asked.method not in SAFE_METHODS:
            raise report(OrganizationChanged())
        if not guards_paths or marks.public or automatic_options(asked):
            return
        if is_protected(
            everything=settings.protect_all,
            protected=settings.protected_paths,
            public=settings.public_paths,
        ):
            try:
                require_session(asked)
            except Refused as refused:
                raise report(refused) from None

    return open_session


def _prepare(app: Flask) -> None:
    """Once, when the app is complete: what depends on extensions that came after us."""
    functions = app.after_request_funcs[None]
    functions.remove(put_in_ui)
    functions.append(put_in_ui)
    exempt_from_csrf(app)


def exempt_from_csrf(app: Flask) -> None:
    """Our POST routes prove their origin by other means (security G5) than a form token."""
    csrf: Any = app.extensions.get("csrf")
    if hasattr(csrf, "exempt"):
        csrf.exempt(app.blueprints[BLUEPRINT])


def put_in_ui(response: Response) -> Response:
    """Put the warning into a page that somebody sees who is signed in."""
    asked = current_request()
    state = state_of(asked)
    if state is None or not state.private or state.shown or asked.method == "HEAD":
        return response
    opening = state.opened
    if opening is None or opening.known is None or not _is_whole(response):
        return response
    if not state.parts.settings.ui_inject or (asked.endpoint or "").startswith(OURS):
        return response
    page = response.get_data()
    # The cheapest question comes first: most answers are no pages.
    if not (is_injectable(page) and _is_readable_html(response)):
        return response
    if kind_of(asked) != "navigation" or not is_for_a_page(state):
        return response
    page = inject(page, session_markup(state).encode()) or page
    response.set_data(page)
    if "Content-Length" in response.headers:
        response.content_length = len(page)  # also where Werkzeug is told to set none
    response.headers.pop("ETag", None)
    return response


def finish(response: Response) -> Response:
    """Give the browser its cookie, and keep every cache away from what is private."""
    state = state_of(current_request())
    if state is None:
        return response
    cookies = _cookies(state)
    for header in cookies:
        response.headers.add("Set-Cookie", header)
    if cookies or state.private or _may_read_later(response, state):
        _keep_private(response, state)
    return response


def _may_read_later(response: Response, state: RequestState) -> bool:
    """Whether a stream may still read the session, when its headers are long gone."""
    opening = state.opened
    if opening is None or opening.held is None or response.direct_passthrough:
        return False
    return response.is_streamed


def _cookies(state: RequestState) -> list[str]:
    opening, parts = state.opened, state.parts
    if state.settled or opening is None:
        return state.cookies
    known = opening.held
    ends = opening.ambiguous or opening.mark is not None
    if ends and request.method not in SAFE_METHODS:
        # A browser drops the page that it came from when a cookie changes, and with it what was
        # typed there. The next page takes the cookie away.
        return state.cookies
    if opening.ambiguous:
        if _may_be_overtaken(state):
            return state.cookies
        return state.cookies + parts.store.deletions(request.host.partition(":")[0])
    if opening.mark is not None and (known is not None or _is_only_found(state, opening.mark)):
        # Only a page takes the cookie away: a script's request may have been overtaken.
        by_the_person = kind_of(request) == "navigation" and not is_background(request)
        if by_the_person and not _may_be_overtaken(state):
            mark = parts.store.seal_mark(opening.mark)
            return [*state.cookies, parts.store.header(mark)]
        return state.cookies
    if opening.value is None or known is None:
        return state.cookies
    value = parts.adoption.latest(known, opening.value)
    if value is None:
        return state.cookies
    try:
        given = parts.store.answer(value, request.environ.get("HTTP_COOKIE", ""))
    except SessionTooLarge as too_large:
        # The record of the rotation keeps the session for as long as it lives.
        log.error("A refreshed session cannot be sent to the browser: %s", too_large)
        return state.cookies
    if given is None:
        return state.cookies
    remaining = known.record.not_after - parts.clock()
    return [*state.cookies, parts.store.header(given, remaining=remaining)]


def _is_only_found(state: RequestState, mark: EndMark) -> bool:
    """Whether the mark lies in a store, and the browser still has the ticket to it."""
    return state.parts.store.is_replaced(mark, request.environ.get("HTTP_COOKIE", ""))


def _may_be_overtaken(state: RequestState) -> bool:
    """Whether somebody may have signed in while the view ran: then its answer must not take a
    cookie away, which may be the new one. The next one that is not as slow does it."""
    return not 0 <= state.parts.clock() - state.opened_at < OVERTAKEN_SECONDS


def _keep_private(response: Response, state: RequestState) -> None:
    """RFC 9111: nobody but this browser may keep it, and not even that (security C9)."""
    headers = response.headers
    names = {name.lower() for name, _ in headers}
    for name in names & _SHARED_CACHES:
        headers.remove(name)
    if "cache-control" in names:
        headers["Cache-Control"] = _PRIVATE
    else:
        headers.add("Cache-Control", _PRIVATE)
    if "vary" not in names:
        headers.add("Vary", "Cookie")
    elif "cookie" not in (vary := ", ".join(headers.getlist("Vary"))).lower():
        headers["Vary"] = f"{vary}, Cookie"
    opening = state.opened
    # Not of a session that a change has made old: a page would take that for newer than the status
    # that tells it.
    if opening is not None and opening.known is not None and not opening.known.watch.change:
        headers.add("Server-Timing", server_timing(opening.session, state.parts.clock()))


def _is_whole(response: Response) -> bool:
    return response.is_sequence and not response.direct_passthrough


def _is_readable_html(response: Response) -> bool:
    headers = response.headers
    content_type = headers.get("Content-Type", "")
    return content_type.startswith("text/html") and "Content-Encoding" not in headers
