"""``WorkOSSessions``: settings, parts and hooks, put together on an app."""

from __future__ import annotations

import builtins
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

from flask import Blueprint, Flask, current_app

from .active_sessions import Kept, Person
from .assembly import assemble
from .blueprint import make_blueprint
from .conflicts import store_conflicts
from .context import current_request, get_current_session, request_state
from .coordination.cache import open_store
from .errors import ConfigurationError, Refused
from .guards import automatic_options, require_session
from .hooks import add_hooks, exempt_from_csrf
from .marks import marks_of
from .parts import EXTENSION, PARTS, Customization, current_parts
from .passive_status import answer_passively
from .reports import report
from .session import Session
from .settings import load_settings
from .stores.session_store import SessionStore
from .ui.variables import add_variables
from .views.organization import switch_to
from .web_server import push_conflicts
from .workos.active_session import ActiveSession

#: Blueprints that have their guard.
_PROTECTED: WeakSet[Blueprint] = WeakSet()

log = logging.getLogger("flask_workos_sessions")

Loader = TypeVar("Loader", bound=Callable[[Session], Any])


class WorkOSSessions:
    """Complete WorkOS AuthKit sessions for one or several Flask apps.

    :param app: the app to set up now; or call :meth:`init_app` in your application factory.
    :param store: where sessions lie, if not in the cookie: your own
        :class:`~flask_workos_sessions.SessionStore`.
    :param clock: where the time comes from (epoch seconds); tests set another one.
    :raises ConfigurationError: listing every setting that cannot work. Nothing is sent to the
        network before the first request.

    ::

        app = Flask(__name__)
        sessions = WorkOSSessions(app)
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        store: SessionStore | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clock = clock
        self._customization = Customization()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, *, clock: Callable[[], float] | None = None) -> None:
        """Set up an app: settings, routes, hooks and template variables.

        :param clock: another clock for this app, as tests have it.

        :raises ConfigurationError: listing every setting that cannot work.
        :raises RuntimeError: when the app has been set up already, or matches hosts.
        """
        if EXTENSION in app.extensions:
            raise RuntimeError(
                "Flask-WorkOS-Sessions is set up on this app already: call init_app once, or "
                "pass the app to WorkOSSessions, not both."
            )
        if app.url_map.host_matching:
            raise RuntimeError(
                "Flask-WorkOS-Sessions does not work with host_matching, for its routes have no "
                "host: make the app without it."
            )
        settings = load_settings(app.config)
        faults = store_conflicts(settings, given=self._store is not None, testing=app.testing)
        if faults := faults + push_conflicts(settings):
            raise ConfigurationError(faults)
        clock = clock or self._clock
        parts = assemble(
            settings,
            clock,
            self._customization,
            open_store(app, settings, clock),
            sessions=self._store,
            testing=app.testing,
        )
        app.register_blueprint(make_blueprint(settings.url_prefix))
        app.extensions[EXTENSION] = self
        app.extensions[PARTS] = parts
        if not settings.redirect_uri:
            log.warning(
                "WORKOS_REDIRECT_URI is not set: absolute URLs and the expected Origin follow each "
                "request's Host header. Set it in production."
            )
        add_hooks(app, parts)
        answer_passively(app, settings.url_prefix)
        add_variables(app)
        exempt_from_csrf(app)

    def user_loader(self, loader: Loader) -> Loader:
        """Register what makes your own user object of a session; ``current_user`` is then that.

        It is called at most once per request, when somebody asks for the user. ``None`` means
        that the person is not known here, and is answered 403. ``current_session.user`` stays
        WorkOS's user. ::

            @sessions.user_loader
            def load(session):
                return Member.query.filter_by(workos_id=session.user.id).one_or_none()
        """
        self._customization.user_loader = loader
        return loader

    def protect(self, blueprint: Blueprint) -> Blueprint:
        """Let only signed-in people reach a blueprint's views, but for those marked ``@public``.

        Once is enough: an application factory that protects a blueprint again changes nothing.

        :raises AssertionError: when the blueprint has been registered without it.
        """
        if blueprint in _PROTECTED:
            return blueprint

        @blueprint.before_request
        def guard() -> None:
            app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
            marks = marks_of(app, current_request())
            if marks.static or marks.public or automatic_options(current_request()):
                return
            try:
                require_session()
            except Refused as refused:
                raise report(refused) from None

        _PROTECTED.add(blueprint)
        return blueprint

    def switch_organization(self, organization_id: str) -> Session:
        """Switch the current session to another organization of the same person.

        The rest of the request sees the new session, and its cookie is sent with the response.

        :raises SignInRequired: nobody is signed in, or that organization asks for another
            sign-in: the error's ``options`` say which.
        :raises OrganizationRefused: the person does not belong to that organization.
        :raises SessionUnavailable: WorkOS does not answer; nothing has changed.
        """
        request_state().private = True
        return switch_to(organization_id)

    # The name that callers read best; from here on in the class `list` is this method.
    def list(self, user: Person) -> builtins.list[ActiveSession]:
        """The active sessions of a person, newest first, for a page such as "your devices".

        Without those that have ended here; ``current`` marks the one of this request. WorkOS is
        asked each time, five seconds at most. Needs an app context, and no request.

        :param user: WorkOS's id of a person, or a ``User`` or ``Session`` of ours. Anything else
            is a :exc:`TypeError`, and nobody a :exc:`ValueError`.
        :raises UserNotFound: (a ``LookupError``, 404) WorkOS knows nobody with this id.
        :raises SessionsUnavailable: (503) WorkOS does not answer.
        """
        return current_parts().active_sessions.of(user, current=get_current_session().id)

    def revoke(self, session_id: str, *, user: Person) -> None:
        """End one session of a person: here at once, in other processes within a second, and at
        WorkOS, where it is tried again until it is confirmed.

        It is looked for among the sessions of ``user`` first, so that an id from a form ends
        nobody else's (security W1). The current session may be ended too: this request goes on,
        and the next one is told that the session is over. To sign somebody out use
        :func:`~flask_workos_sessions.sign_out_url`, which ends WorkOS's session in the browser too.

        :raises SessionNotFound: (a ``LookupError``, 404) the person has no such session.
        :raises UserNotFound: (a ``LookupError``, 404) WorkOS knows nobody with this id.
        :raises SessionsUnavailable: (503) WorkOS does not answer; nothing was changed.
        """
        current_parts().active_sessions.revoke(session_id, user)

    def revoke_user(self, user: Person, *, keep: Kept = None) -> int:
        """End every session of a person that began up to now, but for ``keep``.

        Here it takes effect also while WorkOS does not answer: then each session is revoked there
        when it comes the next time (security W3).

        :param user: as in :meth:`list`.
        :param keep: a session that goes on, or its id: most often ``current_session``. An empty id
            is a :exc:`ValueError`, and ends none.
        :returns: how many sessions WorkOS listed and this call has ended; 0 while it does not
            answer, and for somebody whom it does not know.
        """
        return current_parts().active_sessions.revoke_user(user, keep=keep)

    def revoke_all(self) -> None:
        """End every session of everybody that began up to now, this one too (security W3).

        One entry in the shared state does it, however many there are. Each is revoked at WorkOS
        when it comes the next time.
        """
        current_parts().active_sessions.revoke_all()

    def stats(self) -> dict[str, int]:
        """Numbers of this process for the current app: for a health page or a metric.

        ``exchanges`` that were made, results ``adopted`` from another request or process, requests
        that ``waited`` for one, ``backoffs`` begun, ``store_errors`` of the shared state and of the
        store of the sessions, ``replayed`` tokens, ``remembered_sessions``, ``pending_revocations``
        that WorkOS has not confirmed; and ``failed_…`` with the kind of fault, once there was one.
        With ``WORKOS_UI_PUSH`` the open ``streams``, and ``refused_streams``.
        """
        parts = current_parts()
        streams = {} if parts.streams is None else {"streams": len(parts.streams)}
        return {
            **streams,
            **dict.fromkeys(("exchanges", "adopted", "waited", "replayed"), 0),
            **parts.counters.items(),
            "backoffs": parts.backoff.begun,
            "store_errors": parts.breaker.failures + parts.store.failures,
            "remembered_sessions": len(parts.reader.memo),
            "pending_revocations": parts.revoker.pending,
        }
