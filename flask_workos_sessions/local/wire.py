"""What lies between the socket and the endpoints: the Host check, the faults, the journal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .environment import Environment
from .faults import EXCHANGED, Fault
from .journal import RecordedExchange, RecordedRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Bytes of an exchange that we read; a real one has fewer than 4,000.
MAX_EXCHANGE = 65_536

#: Seconds between two bytes of an answer that drips: less than any time-out for a read.
DRIP_SECONDS = 0.05

_EXCHANGE = ("POST", "/user_management/authenticate")
_CONTROL = "/local/"


class _Dropped(ConnectionResetError):
    """Werkzeug's server takes this as the other side having gone: nothing more is sent."""


class Wire:
    """WSGI middleware around the endpoints of one environment."""

    def __init__(self, app: WSGIApplication, environment: Environment) -> None:
        self._app = app
        self._environment = environment

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body, fault = self._answer(environ)
        if fault is not None and fault.kind in ("drop", "lost"):
            _drop(environ)
        if fault is not None and fault.kind in ("reset", "refuse"):
            _reset(environ)
        if fault is not None and fault.kind == "drip_headers":
            _drip_headers(environ, status, headers, fault.delay or DRIP_SECONDS)
        start_response(status, headers)
        if fault is not None and fault.kind == "drip_body":
            return _drip(body, fault.delay or DRIP_SECONDS)
        if fault is not None and fault.kind == "half":
            return self._half(body, environ)
        return [body]

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
            time.sleep(fault.delay)
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

    def _half(self, body: bytes, environ: WSGIEnvironment) -> Iterable[bytes]:
        yield body[: len(body) // 2]
        _drop(environ)


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


def _drop(environ: WSGIEnvironment) -> None:
    connection = environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    raise _Dropped


def _reset(environ: WSGIEnvironment) -> None:
    connection = environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            # With nothing to linger for, closing sends RST in place of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The server has the socket open in several files: closing one would not do.
            os.close(connection.detach())
    raise _Dropped


def _drip_headers(
    environ: WSGIEnvironment, status: str, headers: list[tuple[str, str]], seconds: float
) -> None:
    connection: Any = environ.get("werkzeug.socket")
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
    with contextlib.suppress(OSError):
        for byte in "\r\n".join(lines).encode("latin-1"):
            time.sleep(seconds)
            connection.sendall(bytes([byte]))
    _drop(environ)


def _drip(body: bytes, seconds: float) -> Iterable[bytes]:
    for byte in body:
        time.sleep(seconds)
        yield bytes([byte])


def _object(raw: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(raw)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _plain(body: bytes) -> list[tuple[str, str]]:
    return [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
