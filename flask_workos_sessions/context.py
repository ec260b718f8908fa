"""Who is signed in, in this request: ``current_session`` and ``current_user``."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, cast

from flask import current_app, has_request_context, request
from flask.wrappers import Request
from werkzeug.local import LocalProxy

from .errors import UserUnknown
from .fetch_metadata import is_background
from .marks import marks_of
from .opened import Opening
from .parts import Parts, current_parts
from .refresh.exchange import Caller
from .reports import report
from .session import ANONYMOUS, NO_SESSION, Session, User
from .urls import OURS

_ATTRIBUTE = "_workos_sessions"
_UNLOADED = object()


class RequestState:
    """What we know about one request. It lies on the request object, not on ``flask.g``: a context
    that is pushed around several requests would share that among them (Flask-Login #721)."""

    __slots__ = (
        "_active",
        "_fetch",
        "_opening",
        "_user",
        "cookies",
        "opened_at",
        "parts",
        "passive",
        "private",
        "quiet",
        "request",
        "settled",
        "shown",
    )

    def __init__(self, asked: Request, parts: Parts) -> None:
        self.request = asked
        self.parts = parts
        #: Whether the view is ``@passive``: no look at the session may refresh it.
        self.passive = False
        #: Whether the view is one of ours: somebody else's look may not even fetch keys.
        self.quiet = False
        #: Whether the response shows, or depends on, who is signed in.
        self.private = False
        #: Cookie headers that a view of ours decided on; then nothing else sets the cookie.
        self.cookies: list[str] = []
        self.settled = False
        #: Whether a template has placed the warning itself.
        self.shown = False
        #: When it was known what became of the session cookie (epoch seconds).
        self.opened_at = 0.0
        self._opening: Opening | None = None
        self._active = self._fetch = False
        self._user: Any = _UNLOADED

    @property
    def opening(self) -> Opening:
        """What became of the session cookie; opened on the first look."""
        if self._opening is None:
            active = not (self.passive or self.quiet or is_background(self.request))
            self.open(active=active, fetch=not self.quiet)
        assert self._opening is not None
        return self._opening

    @property
    def opened(self) -> Opening | None:
        """The same, if anybody has looked."""
        return self._opening

    def open(self, *, active: bool, fetch: bool = True) -> Opening:
        """Open the session cookie of this request, unless that was done as thoroughly."""
        done = self._opening
        if done is not None:
            may_refresh = active and not self._active and done.value is None
            may_confirm = fetch and not self._fetch and done.retry_after is not None
            if self.settled or not (may_refresh or may_confirm):
                return done
        self._active, self._fetch = active, fetch
        header = self.request.environ.get("HTTP_COOKIE")
        self._opening = (
            self.parts.opener.open(
                header, partial(self.caller, time.monotonic()), active=active, fetch=fetch
            )
            if header
            else Opening()
        )
        self.opened_at = self.parts.clock()
        return self._opening

    def caller(self, since: float | None = None) -> Caller:
        """The person's address and browser; behind a proxy, ProxyFix makes the address right.

        :param since: when (monotonic clock) the request began to wait; now, if that is not said.
        """
        agent = self.request.environ.get("HTTP_USER_AGENT")
        return Caller(
            self.request.remote_addr,
            agent[:1000] if agent else None,
            # A worker without threads serves nobody else while one request waits.
            (time.monotonic() if since is None else since)
            + (5.0 if self.request.environ.get("wsgi.multithread", True) else 3.0),
        )

    def replace(self, opening: Opening) -> None:
        """The session was refreshed or switched in the middle of this request."""
        self._opening = opening
        self._active = self._fetch = True
        self._user = _UNLOADED

    def user(self) -> Any:
        """WorkOS's user, or what the application's ``user_loader`` makes of the session.

        :raises UserUnknown: when the loader returns ``None``.
        """
        session = self.opening.session
        loader = self.parts.customization.user_loader
        if loader is None or not session:
            return session.user
        if self._user is _UNLOADED:
            user = loader(session)
            # The page that explains the refusal may ask again, and must be able to render.
            self._user = ANONYMOUS if user is None else user
            if user is None:
                raise report(UserUnknown())
        return self._user


def request_state() -> RequestState:
    """The state of the current request."""
    asked = current_request()
    state = state_of(asked)
    if state is None:
        state = begin_state(asked, current_parts())
        state.passive = marks_of(current_app, asked).passive
    return state


def current_request() -> Request:
    """The request itself. Each use of Flask's proxy costs more than a look into a dictionary, and
    a hook that every request passes makes a dozen of them."""
    return request._get_current_object()  # type: ignore[attr-defined,no-any-return]


def state_of(asked: Request) -> RequestState | None:
    """The state of a request, if anybody has asked for it."""
    return cast(RequestState | None, getattr(asked, _ATTRIBUTE, None))


def begin_state(asked: Request, parts: Parts) -> RequestState:
    """A new state for a request."""
    state = RequestState(asked, parts)
    # Our own routes decide for themselves; somebody's hook that looks first decides nothing.
    state.quiet = (asked.endpoint or "").startswith(OURS)
    setattr(asked, _ATTRIBUTE, state)
    return state


def get_current_session() -> Session:
    """The session of this request; falsy when nobody is signed in, and outside a request."""
    if not has_request_context():
        return NO_SESSION
    state = request_state()
    state.private = True
    return state.opening.session


def get_current_user() -> Any:
    """The person of this request; an anonymous, falsy user when nobody is signed in."""
    if not has_request_context():
        return ANONYMOUS
    state = request_state()
    state.private = True
    return state.user()


#: The session of this request: an immutable :class:`~flask_workos_sessions.session.Session`.
current_session: Session = LocalProxy(get_current_session)  # type: ignore[assignment]

#: The person of this request. Never ``None``: anonymous is falsy, with every field ``None``.
current_user: User = LocalProxy(get_current_user)  # type: ignore[assignment]
