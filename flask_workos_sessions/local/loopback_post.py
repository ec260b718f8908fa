"""One POST to an address of this machine: no redirect is followed, no proxy asked."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from .webhook import check_address

#: Seconds that an endpoint has to answer.
ANSWER_SECONDS = 10.0


class LoopbackPosts:
    """Sends, and can cut off what is being sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        """The status of the answer; ``None`` when there was none.

        :raises ValueError: the address is not on this machine (security S8).
        """
        check_address(url)
        connection = _connection(url)
        try:
            connection.connect()
            with self._known(connection.sock):
                _check_peer(connection.sock)
                connection.request("POST", _target(url), body, dict(headers))
                answer = connection.getresponse()
                answer.read()
                return answer.status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def cut_off(self) -> None:
        """End every connection that is open."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _known(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)


def _connection(url: str) -> HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return HTTPConnection(host, parts.port, timeout=ANSWER_SECONDS)
    # A development server's certificate is its own, and nobody stands between us and ourselves.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(host, parts.port, timeout=ANSWER_SECONDS, context=context)


def _check_peer(connection: socket.socket) -> None:
    """A name such as ``localhost`` may lead away from this machine; then no event is sent.

    :raises ConnectionRefusedError: it does.
    """
    if not ipaddress.ip_address(connection.getpeername()[0]).is_loopback:
        raise ConnectionRefusedError


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
