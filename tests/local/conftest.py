"""An application's side of the conversation with a LocalWorkOS, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from flask_workos_sessions.local import LocalWorkOS, MovableClock

CALLBACK = "http://127.0.0.1:5000/auth/callback"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


class Application:
    """Speaks to WorkOS as an application's server does."""

    callback = CALLBACK
    verifier = VERIFIER
    challenge = CHALLENGE

    def __init__(self, workos: LocalWorkOS) -> None:
        self.workos = workos

    def authorize_url(self, **changes: str | None) -> str:
        """The authorization URL; ``changes`` set parameters, ``None`` leaves one out."""
        query = {
            "client_id": self.workos.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "provider": "authkit",
            "state": "the-state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        given = {name: value for name, value in query.items() if value is not None}
        return f"{self.workos.url}/user_management/authorize?{urlencode(given)}"

    def post(self, body: dict[str, Any], **changes: Any) -> requests.Response:
        """An exchange with the right credentials, unless ``changes`` say otherwise."""
        sent = {
            "client_id": self.workos.client_id,
            "client_secret": self.workos.api_key,
            **body,
            **changes,
        }
        return requests.post(
            f"{self.workos.url}/user_management/authenticate",
            json={name: value for name, value in sent.items() if value is not None},
            allow_redirects=False,
            timeout=10,
        )

    def exchange_code(self, code: str, **changes: Any) -> requests.Response:
        grant = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
        return self.post(grant, **changes)

    def refresh(self, refresh_token: str, **changes: Any) -> requests.Response:
        return self.post({"grant_type": "refresh_token", "refresh_token": refresh_token}, **changes)

    def code_for(self, who: str, organization: str | None = None) -> str:
        return self.workos.authorize_code(
            who, redirect_uri=CALLBACK, code_challenge=CHALLENGE, organization=organization
        )

    @staticmethod
    def claims_of(token: str) -> dict[str, Any]:
        """The claims of a JWT, not verified."""
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        assert isinstance(claims, dict)
        return claims

    @staticmethod
    def query_of(response: requests.Response) -> dict[str, str]:
        """The query of the URL that a response leads to."""
        return dict(parse_qsl(urlsplit(response.headers["Location"]).query))

    def api(self, method: str, path: str, **more: Any) -> requests.Response:
        """A call with the API key."""
        more.setdefault("headers", {"Authorization": f"Bearer {self.workos.api_key}"})
        return requests.request(method, f"{self.workos.url}{path}", timeout=10, **more)


class Browser:
    """Visits the hosted pages: keeps cookies, does not follow redirects away."""

    def __init__(self) -> None:
        self.session = requests.Session()

    def get(self, url: str, **more: Any) -> requests.Response:
        return self.session.get(url, allow_redirects=False, timeout=10, **more)

    def submit(self, url: str, headers: dict[str, str] | None = None, **form: str) -> Any:
        """Send a form of the page at ``url``."""
        return self.session.post(url, data=form, headers=headers, allow_redirects=False, timeout=10)

    def close(self) -> None:
        self.session.close()


@dataclass
class Received:
    """One request: the raw body, and its signature."""

    path: str
    signature: str | None
    content_type: str | None
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event = json.loads(self.body)
        assert isinstance(event, dict)
        return event


class Receiver:
    """Listens on a free port. ``statuses`` are answered first, then 200; while ``closed`` is set
    nothing is answered."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.statuses: list[int] = []
        self.closed = threading.Event()
        self.arrived = threading.Semaphore(0)
        self._open = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                named = (self.headers[name] for name in ("WorkOS-Signature", "Content-Type"))
                receiver.received.append(Received(self.path, *named, body))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                receiver.arrived.release()
                if receiver.closed.is_set():
                    receiver._open.wait(20)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                receiver.received.append(Received(self.path, None, None, b""))
                self.send_error(405)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # the other side has hung up

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/auth/webhook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def ids(self) -> list[str]:
        return [each.event["id"] for each in self.received]

    def close(self) -> None:
        self._open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(1_800_000_000).freeze()


@pytest.fixture
def workos(clock: MovableClock) -> Iterator[LocalWorkOS]:
    with LocalWorkOS(clock=clock, redirect_uris=[CALLBACK]) as running:
        yield running


@pytest.fixture
def application(workos: LocalWorkOS) -> Application:
    return Application(workos)


@pytest.fixture
def browser() -> Iterator[Browser]:
    visitor = Browser()
    yield visitor
    visitor.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    listening = Receiver()
    yield listening
    listening.close()
