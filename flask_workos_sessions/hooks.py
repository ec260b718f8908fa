"""What happens before and after every request of an app."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, request

from .context import RequestState, request_state
from .errors import Refused, SessionTooLarge
from .fetch_metadata import is_background, kind_of
from .guards import (
    automatic_options,
    is_flasks_static,
    is_passive,
    is_protected,
    is_public,
    require_session,
)
from .parts import Parts
from .refusals import answer
from .status import server_timing
from .stores.cookie import MARK_SECONDS
from .ui.injection import inject
from .ui.variables import is_inserted, page_snippet
from .urls import BLUEPRINT

log = logging.getLogger("flask_workos_sessions")

_KEY = "flask_workos_sessions.request"
_CACHES = ("Expires", "CDN-Cache-Control", "Surrogate-Control")


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
    prepared = False

    def open_session() -> None:
        nonlocal prepared
        if not prepared:
            prepared = True
            _prepare(app)
        endpoint = request.endpoint
        if endpoint is None or endpoint.startswith(f"{BLUEPRINT}.") or is_flasks_static(app):
            return
        state = request_state()
        state.passive = is_passive(app)
        parts.revoker.retry()
        state.open(active=not (state.passive or is_background(request)))
        if not guards_paths or automatic_options() or is_public(app):
            return
        if is_protected(
            everything=settings.protect_all,
            protected=settings.protected_paths,
            public=settings.public_paths,
        ):
            require_session()

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
    state = request.environ.get(_KEY)
    if state is None or not state.private or response.mimetype != "text/html":
        return response
    if not state.parts.settings.ui_inject or request.blueprint == BLUEPRINT or is_inserted():
        return response
    opening = state.opened
    if opening is None or opening.known is None or not _changeable(response):
        return response
    page = inject(response.get_data(), page_snippet(state).encode())
    if page is not None:
        response.set_data(page)
        response.headers.pop("ETag", None)
    return response


def finish(response: Response) -> Response:
    """Give the browser its cookie, and keep every cache away from what is private."""
    state = request.environ.get(_KEY)
    if state is None or state.parts is not current_app.extensions.get("workos_sessions.parts"):
        return response
    cookies = _cookies(state)
    for header in cookies:
        response.headers.add("Set-Cookie", header)
    if cookies or state.private:
        _keep_private(response, state)
    return response


def _cookies(state: RequestState) -> list[str]:
    if state.settled:
        return state.cookies
    opening, parts = state.opened, state.parts
    if opening is None:
        return state.cookies
    if opening.ambiguous:
        return state.cookies + parts.store.deletions(request.host.partition(":")[0])
    if opening.mark is not None and opening.held is not None:
        # Only a page takes the cookie away: a script's request may have been overtaken.
        if kind_of(request) == "navigation" and not is_background(request):
            value = parts.store.seal_mark(opening.mark)
            return [*state.cookies, parts.store.header(value, max_age=MARK_SECONDS)]
        return state.cookies
    known = opening.held
    if not opening.adopted or known is None or parts.endings.reason_at(known.ended_key):
        return state.cookies
    try:
        parts.store.check_size(known.value)
    except SessionTooLarge as too_large:
        # The record of the rotation keeps the session for as long as it lives.
        log.error("A refreshed session cannot be sent to the browser: %s", too_large)
        return state.cookies
    max_age = max(1, int(known.record.not_after - parts.clock()))
    return [*state.cookies, parts.store.header(known.value, max_age=max_age)]


def _keep_private(response: Response, state: RequestState) -> None:
    """RFC 9111: nobody but this browser may keep it, and not even that (security C9)."""
    headers = response.headers
    headers["Cache-Control"] = "private, no-store"
    for name in _CACHES:
        headers.pop(name, None)
    vary = headers.get("Vary")
    if vary is None:
        headers["Vary"] = "Cookie"
    elif "cookie" not in vary.lower():
        headers["Vary"] = f"{vary}, Cookie"
    opening = state.opened
    if opening is not None and opening.known is not None:
        timing = server_timing(opening.session, state.parts.clock())
        headers.add("Server-Timing", timing)


def _changeable(response: Response) -> bool:
    return (
        request.method == "GET"
        and response.is_sequence
        and not response.direct_passthrough
        and "Content-Encoding" not in response.headers
        and kind_of(request) == "navigation"
    )
