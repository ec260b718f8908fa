"""A WorkOS on this machine, for development and tests."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self
from urllib.parse import parse_qsl, urljoin, urlsplit

from .app import create_app
from .authenticate import begin_session
from .authorize_request import read_authorize_request
from .browsers import BrowserSession
from .codes import SignIn
from .environment import Environment
from .fault_orders import FaultOrders
from .journal import RecordedExchange, RecordedRequest
from .pages import sign_in_of
from .population import Population, Where, Who
from .seed import seed as seed_directory
from .server import LoopbackServer
from .sessions import LocalSession
from .webhook import LocalWebhook
from .webhook_orders import WebhookOrders


class LocalWorkOS(Population, FaultOrders, WebhookOrders):
    """WorkOS's AuthKit as an HTTP server on loopback.

    ::

        with LocalWorkOS() as workos:
            app.config.update(workos.settings("http://localhost/auth/callback"))

    A person may be given as an object, an id or an address, an organization as an object, an id
    or a name. Nothing is written to disk; keys and secrets are made anew for every object.

    :param client_id: and ``api_key``: what an application has to send; new ones when not given.
    :param clock: where the time comes from (epoch seconds).
    :param access_token_seconds: the access token duration.
    :param max_length: the maximum session length (seconds).
    :param inactivity_timeout: the inactivity timeout (seconds); ``None``: off.
    :param grace_seconds: how long a retired refresh token gets the same pair again.
    :param redirect_uris: callbacks that are registered; ``logout_uris``: sign-out redirects, of
        which the first is the default.
    :param port: 0 takes a free one.
    :param host: a loopback address. :raises ValueError: for any other (security S8).
    :param webhook_delays: seconds (real ones) before a webhook that failed is sent again, for the
        second attempt, the third, …
    :param seed: begin with the people of :func:`~flask_workos_sessions.local.seed.seed`.
    """

    def __init__(
        self,
        *,
        client_id: str | None = None,
        api_key: str | None = None,
        clock: Callable[[], float] = time.time,
        access_token_seconds: int = 300,
        max_length: float = 365 * 86_400,
        inactivity_timeout: float | None = None,
        grace_seconds: float = 30,
        redirect_uris: Iterable[str] = (),
        logout_uris: Iterable[str] = (),
        webhook_delays: Iterable[float] = (0.1, 0.3, 1, 3, 10),
        host: str = "127.0.0.1",
        port: int = 0,
        seed: bool = True,
    ) -> None:
        self._server = LoopbackServer(host, port)
        environment = Environment(
            client_id=client_id,
            api_key=api_key,
            clock=clock,
            access_token_seconds=access_token_seconds,
            max_length=max_length,
            inactivity_timeout=inactivity_timeout,
            grace_seconds=grace_seconds,
            redirect_uris=redirect_uris,
            logout_uris=logout_uris,
            webhook_delays=webhook_delays,
        )
        super().__init__(environment)
        self._app = create_app(environment)
        if seed:
            seed_directory(environment.directory)
            environment.events.forget()  # they were there before anything happened

    def start(self) -> Self:
        """Listen on loopback, on a free port unless one was given."""
        self._server.start(self._app)
        self._environment.url = self._server.url
        self._environment.webhooks.courier.start()
        return self

    def stop(self) -> None:
        """Stop listening, and end answers that are late or drip; what is known is kept, and
        :meth:`start` takes the same port again. Webhooks that wait are lost."""
        self._environment.webhooks.courier.stop()
        self._server.stop()

    def wait(self) -> None:
        """Wait until :meth:`stop`."""
        self._server.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"LocalWorkOS({self.url!r})" if self._server.running else "LocalWorkOS(stopped)"

    @property
    def url(self) -> str:
        """The base URL. :raises RuntimeError: before the first start."""
        if not self._environment.url:
            raise RuntimeError("This LocalWorkOS has not been started.")
        return self._environment.url

    @property
    def client_id(self) -> str:
        """The client id that this environment expects."""
        return self._environment.client_id

    @property
    def api_key(self) -> str:
        """The API key that this environment expects; may be set, to revoke the old one."""
        return self._environment.api_key

    @api_key.setter
    def api_key(self, key: str) -> None:
        self._environment.api_key = key

    @property
    def control_secret(self) -> str:
        """What ``POST /local/…`` wants as a bearer token."""
        return self._environment.control_secret

    @property
    def issuer(self) -> str:
        """The ``iss`` of its access tokens."""
        return self._environment.issuer

    def settings(
        self, redirect_uri: str | None = None, *, webhook: LocalWebhook | None = None, **more: Any
    ) -> dict[str, Any]:
        """``WORKOS_*`` settings for ``app.config``, with a new cookie password.

        The session clocks are mirrored. ``redirect_uri`` is registered, and so is its site's start
        page as sign-out redirect, unless there is one. ``webhook``'s secret is among them.
        ``more`` comes on top; a value of ``None`` leaves a setting out.
        """
        sessions = self._environment.sessions
        settings: dict[str, Any] = {
            "WORKOS_API_KEY": self.api_key,
            "WORKOS_CLIENT_ID": self.client_id,
            "WORKOS_BASE_URL": self.url,
            "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
            "WORKOS_REDIRECT_URI": redirect_uri,
            "WORKOS_SESSION_MAX_LENGTH": int(sessions.max_length),
            "WORKOS_SESSION_INACTIVITY_TIMEOUT": (
                None if sessions.inactivity_timeout is None else int(sessions.inactivity_timeout)
            ),
            "WORKOS_WEBHOOK_SECRET": None if webhook is None else webhook.secret,
            **more,
        }
        if redirect_uri is not None:
            self.allow_redirect_uri(redirect_uri)
            if not self._environment.logout_uris:
                self.allow_logout_uri(urljoin(redirect_uri, "/"))
        return {name: value for name, value in settings.items() if value is not None}

    def allow_redirect_uri(self, uri: str) -> None:
        """Register a redirect URI: it has to match to the letter."""
        with self._lock:
            self._environment.redirect_uris.append(uri)

    def allow_logout_uri(self, uri: str) -> None:
        """Register a sign-out redirect; the first one is the default."""
        with self._lock:
            self._environment.logout_uris.append(uri)

    def sign_in(self, who: Who, organization: Where | None = None, **more: Any) -> dict[str, Any]:
        """Begin a session and return the JSON of its exchange, without HTTP.

        :param more: fields of :class:`~flask_workos_sessions.local.codes.SignIn`, such as
            ``method="SSO"`` or ``authenticated_at``.
        :raises ApiError: what WorkOS would answer instead, such as
            ``organization_selection_required``.
        """
        with self._lock:
            return begin_session(self._environment, self._signed_in(who, organization, more), {})

    def authorize_code(
        self,
        who: Who,
        *,
        redirect_uri: str,
        code_challenge: str | None,
        organization: Where | None = None,
        **more: Any,
    ) -> str:
        """A code as the browser would bring it back to ``redirect_uri``.

        :raises ValueError: the redirect URI is not registered.
        """
        with self._lock:
            if redirect_uri not in self._environment.redirect_uris:
                raise ValueError("This redirect URI is not registered; see allow_redirect_uri.")
            more["code_challenge"] = code_challenge
            sign_in = self._signed_in(who, organization, more)
            return self._environment.codes.issue(sign_in, self._environment.clock())

    def approve(self, authorize_url: str, who: Who) -> str:
        """What the hosted page does when ``who`` signs in: the URL that the browser goes to next.

        :param authorize_url: where the application sent the browser; all of it is checked.
        :raises Unredirectable, SentBack: as the page would refuse it.
        """
        query = dict(parse_qsl(urlsplit(authorize_url).query))
        with self._lock:
            asked = read_authorize_request(self._environment, query)
            user, now = self._directory.user(who), self._environment.clock()
            sign_in = sign_in_of(asked, BrowserSession(user.id, now, asked.method))
            return asked.back(code=self._environment.codes.issue(sign_in, now))

    def impersonate(
        self, who: Who, *, by: str, reason: str | None = None, organization: Where | None = None
    ) -> dict[str, Any]:
        """As :meth:`sign_in`, by a WorkOS team member with the address ``by``."""
        return self.sign_in(who, organization, impersonator={"email": by, "reason": reason})

    def impersonation_url(self, who: Who, *, by: str, reason: str | None = None) -> str:
        """A link for a browser, once: its next sign-in is silent, and an impersonation."""
        with self._lock:
            user, now = self._directory.user(who), self._environment.clock()
            impersonator = {"email": by, "reason": reason}
            offered = BrowserSession(user.id, now, "Impersonation", impersonator)
            return f"{self.url}/local/impersonation/{self._environment.browsers.offer(offered)}"

    def _signed_in(self, who: Who, organization: Where | None, more: Mapping[str, Any]) -> SignIn:
        where = None if organization is None else self._directory.organization(organization).id
        more = {"authenticated_at": self._environment.clock(), **more}
        return SignIn(self._directory.user(who).id, organization_id=where, **more)

    @property
    def requests(self) -> list[RecordedRequest]:
        """What came in, oldest first."""
        with self._lock:
            return list(self._environment.journal.requests)

    def exchanges(self, grant_type: str | None = None) -> list[RecordedExchange]:
        """What came to ``/user_management/authenticate`` and how it was answered, also when a fault
        was played: noted before the answer goes out."""
        with self._lock:
            every = list(self._environment.journal.exchanges)
        return [each for each in every if grant_type in (None, each.grant_type)]

    @property
    def sessions(self) -> list[LocalSession]:
        """Every session that ever began, oldest first, with its present status."""
        with self._lock:
            return self._environment.sessions.all()

    def revoke(self, session_id: str) -> bool:
        """End a session from WorkOS's side; ``False`` when it is unknown or over."""
        with self._lock:
            return self._environment.sessions.revoke(session_id)

    def rotate_keys(self, *, withdraw: bool = False) -> str:
        """Sign with a new key from now on; ``withdraw`` takes the old ones out of the JWKS."""
        with self._lock:
            return self._environment.keys.rotate(withdraw=withdraw)

    def set_clocks(self, **seconds: Any) -> None:
        """Change ``access_token_seconds``, ``inactivity_timeout`` or ``grace_seconds`` for all,
        ``max_length`` for sessions that begin afterwards. :raises ValueError: another name.
        """
        with self._lock:
            self._environment.set_clocks(seconds)
