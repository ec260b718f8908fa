"""Answers what no person asks beside everything that an app does with a request.

A page asks every half minute whether its session still lives. Flask would open ``flask.session``
for that, and send its cookie again when it is permanent; an extension would write a store's new
expiry, hooks of the app would note when somebody was last seen: an unattended page would keep them
alive for ever. So the status has a session that is nobody's, no hooks, and no cookie of anybody's.

A stream of news is the same, for minutes. And so are WorkOS's webhooks: an app's hooks ask for a
sign-in, a form token or a body that is not theirs to read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flask import Flask, Response
from flask.sessions import NullSession, SecureCookieSession

from .context import current_request
from .hooks import finish
from .urls import BLUEPRINT
from .views.events import events
from .views.session import session
from .views.webhook import webhook


class _Apart(NamedTuple):
    """A route of ours: its path below our prefix, for which methods, and its view."""

    path: str
    methods: frozenset[str]
    view: Callable[[], Response]


_ASKED = frozenset({"GET", "HEAD"})
#: By the name of their endpoint.
_APART = {
    "session": _Apart("session", _ASKED, session),
    "session_events": _Apart("session/events", _ASKED, events),
    "webhook": _Apart("webhook", frozenset({"POST"}), webhook),
}

_WRITABLE: Any = SecureCookieSession


class Unkept(NullSession):
    """A ``flask.session`` that can be written to, and is never saved: an app's error handler or
    teardown function shall not fail because this request has none."""

    __setitem__ = _WRITABLE.__setitem__
    __delitem__ = _WRITABLE.__delitem__
    clear = _WRITABLE.clear
    pop = _WRITABLE.pop
    popitem = _WRITABLE.popitem
    setdefault = _WRITABLE.setdefault
    update = _WRITABLE.update


def answer_passively(app: Flask, url_prefix: str) -> None:
    """Put the status of an app, its stream of news and its webhooks apart from its other requests.

    It is done inside of ``app.wsgi_app``: whatever is put around that, before or after this, has
    done its work by then. Teardown functions run as ever.
    """
    # WSGI has a path as its bytes (PEP 3333).
    paths = {
        f"{url_prefix}/{each.path}".encode().decode("latin-1"): each.methods
        for each in _APART.values()
    }
    make_context: Callable[[Any], Any] = app.request_context
    dispatch: Callable[..., Response] = app.full_dispatch_request

    def request_context(environ: Any) -> Any:
        context = make_context(environ)
        if environ.get("REQUEST_METHOD") in paths.get(environ.get("PATH_INFO"), ()):
            # Before the context is pushed, for that opens the session of a request without one.
            _give_session(context)
        return context

    def full_dispatch_request(*context: Any) -> Response:
        asked = current_request()
        blueprint, _, name = (asked.endpoint or "").partition(".")
        apart = _APART.get(name) if blueprint == BLUEPRINT else None
        if apart is None or asked.method not in apart.methods:
            return dispatch(*context)
        try:
            response = apart.view()
        except Exception as error:
            response = _error_answer(app, context, error)
        response.headers.remove("Set-Cookie")  # of an app's error handler, and of its hooks
        return finish(response)

    app.request_context = request_context  # type: ignore[method-assign]
    app.full_dispatch_request = full_dispatch_request  # type: ignore[method-assign]


def _error_answer(app: Flask, context: Sequence[object], error: Exception) -> Response:
    answer: Callable[..., Any] = app.handle_user_exception
    fail: Callable[..., Response] = app.handle_exception
    try:
        return app.make_response(answer(*context, error))
    except Exception as unhandled:
        # A fault: what Flask does with it runs the app's hooks after all.
        return fail(*context, unhandled)


def _give_session(context: Any) -> None:
    # Flask 3.1.3 has renamed it.
    name = "_session" if hasattr(context, "_session") else "session"
    setattr(context, name, Unkept())
