"""What lies between the socket and the endpoints: the Host check, the faults, the journal."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .environment import Environment
from .faults import EXCHANGED, Fault
from .journal import RecordedExchange, RecordedRequest
from .server import reset_when_closed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Bytes of an exchange that we read; a real one has fewer than 4,000.
MAX_EXCHANGE = 65_536

#: Seconds between two bytes of an answer that drips: less than any time-out for a read.
DRIP_SECONDS = 0.05

_EXCHANGE = ("POST", "/user_management/authenticate")
_CONTROL = "/local/"


class _Dropped(ConnectionResetError):
    """The server takes this as the other side having gone: it sends no more, and closes."""


class Wire:
    """WSGI middleware around the endpoints of one environment."""

    def __init__(self, app: WSGIApplication, environment: Environment) -> None:
        self._app = app
        self._environment = environment

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body, fault = self._answer(environ)
        kind, delay = (None, 0.0) if fault is None else (fault.kind, fault.delay)
        connection: Any = environ.get("werkzeug.socket")
        if kind == "drip_headers":
            _drip_headers(connection, status, headers, body, delay or DRIP_SECONDS)
        if kind in ("reset", "refuse"):
            reset_when_closed(connection)
        if kind in ("drop", "lost", "reset", "refuse"):
            raise _Dropped
        start_response(status, headers)
        if kind == "drip_body":
            return _drip(connection, body, delay or DRIP_SECONDS)
        return _half(body) if kind == "half" else [body]

    def _answer(
        self, environ: WSGIEnvironment
    ) -> tuple[str, list[tuple[str, str]], bytes, Fault | None]:
        if not self._host_is_ours(environ):
            text = b"This server answers to its own loopback address only."
            return "421 Misdirected Request", _plain(text), text, None
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        exchange = (method, path) == _EXCHANGE
        sent = self._read(environ) if exchange else b""
        fault = None
        if not path.startswith(_CONTROL):
            fault = self._environment.faults.take(path, exchange=exchange)
        if fault is None or fault.kind in EXCHANGED:
            status, headers, body = _collect(self._app, environ)
        elif fault.kind in ("drop", "refuse"):
            status, headers, body = "", [], b""
        else:
            code, named, body = fault.answer()
            status = f"{code} {'OK' if code == 200 else 'Fault'}"
            headers = [*named.items(), ("Content-Length", str(len(body)))]
        self._record(environ, status, body, fault, sent if exchange else None)
        if fault is not None and fault.delay and not str(fault.kind).startswith("drip"):
            _pause(environ.get("werkzeug.socket"), fault.delay)
        return status, headers, body, fault

    def _host_is_ours(self, environ: WSGIEnvironment) -> bool:
        # A page on another name that resolves to this machine must not talk to us (security S8).
        port = environ["SERVER_PORT"]
        ours = {f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"}
        return environ.get("HTTP_HOST", "").lower() in ours

    def _read(self, environ: WSGIEnvironment) -> bytes:
        with contextlib.suppress(ValueError):
            length = min(int(environ.get("CONTENT_LENGTH") or 0), MAX_EXCHANGE)
            sent: bytes = environ["wsgi.input"].read(length)
            environ["wsgi.input"] = io.BytesIO(sent)
            environ["CONTENT_LENGTH"] = str(len(sent))
            return sent
        return b""

    def _record(
        self,
        environ: WSGIEnvironment,
        status: str,
        body: bytes,
        fault: Fault | None,
        sent: bytes | None,
    ) -> None:
        journal = self._environment.journal
        kind = None if fault is None else str(fault.kind)
        code = int(status[:3]) if status and kind not in ("lost", "reset") else None
        with self._environment.lock:
            journal.requests.append(
                RecordedRequest(
                    method=environ["REQUEST_METHOD"],
                    path=environ.get("PATH_INFO", ""),
                    status=code,
                    query=environ.get("QUERY_STRING", ""),
                    user_agent=environ.get("HTTP_USER_AGENT", ""),
                    fault=kind,
                )
            )
            if sent is not None:
                journal.exchanges.append(self._exchange(sent, code, body, kind))

    def _exchange(
        self, sent: bytes, code: int | None, body: bytes, fault: str | None
    ) -> RecordedExchange:
        asked, answered = _object(sent), _object(body)
        token = answered.get("refresh_token")
        replayed = token is not None and self._environment.journal.given_before(token)
        return RecordedExchange(
            at=self._environment.clock(),
            grant_type=asked.get("grant_type"),
            status=code,
            error=answered.get("error") or answered.get("code"),
            fault=fault,
            replayed=replayed,
            organization_id=asked.get("organization_id"),
            request=asked,
            response=answered,
        )


def _collect(
    app: WSGIApplication, environ: WSGIEnvironment
) -> tuple[str, list[tuple[str, str]], bytes]:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = [status, headers]
        return lambda _: None

    chunks = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close: Callable[[], None] | None = getattr(chunks, "close", None)
        if close is not None:
            close()
    return started[0], started[1], body


def _pause(connection: Any, seconds: float) -> None:
    """Sleep, but no longer than the connection: its client hangs up, or the server stops."""
    connection.settimeout(seconds)
    try:
        ended = not connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return
    finally:
        connection.settimeout(None)
    if ended:
        raise _Dropped
    time.sleep(seconds)  # there is more of the request, which nobody reads


def _half(body: bytes) -> Iterable[bytes]:
    yield body[: len(body) // 2]
    raise _Dropped


def _drip(connection: Any, body: bytes, seconds: float) -> Iterable[bytes]:
    for byte in body:
        _pause(connection, seconds)
        yield bytes([byte])


def _drip_headers(
    connection: Any, status: str, headers: list[tuple[str, str]], body: bytes, seconds: float
) -> None:
    fields = [*headers, ("Connection", "close")]
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
    for byte in _drip(connection, "\r\n".join(lines).encode("latin-1"), seconds):
        connection.sendall(byte)
    connection.sendall(body)
    raise _Dropped


def _object(raw: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(raw)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _plain(body: bytes) -> list[tuple[str, str]]:
    return [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
