"""A bound on the whole of an HTTP call.

A timeout of a socket's is for each piece that comes, and for each address that is tried: a byte now
and then, in the headers, in the body or in the TLS handshake, would hold a call for ever.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import allowed_gai_family, create_connection

#: Seconds of a connection's shortest handshake.
_SHORTEST = 0.05
_current = threading.local()


class Deadline:
    """Shuts down the connection of this thread's call ``seconds`` after the call began.

    To be used with ``with``, once. Only the look-up of a name is not bounded. Whoever reads or
    writes when it is shut down gets an error, or an early end: :attr:`passed` tells why.

    :raises RuntimeError: when the thread that watches cannot be started.
    """

    def __init__(self, seconds: float) -> None:
        #: Whether the time was up before the call had ended.
        self.passed = False
        #: Whether anything of the request may have been sent; ``None``: nobody was connected to.
        self.sent: bool | None = None
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._timer.start()
        _current.deadline = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _current.deadline = None
        self._timer.cancel()
        self._timer.join()
        if self._handle is not None:
            self._handle.close()

    def watch(self, connected: socket.socket) -> None:
        """Shut down this connection when the time is up, or now if it is.

        By a descriptor of our own: TLS takes the socket's away from it, and one that was closed
        meanwhile may be somebody else's file by now.
        """
        if self._handle is not None:
            self._handle.close()
        self._handle = socket.fromfd(connected.fileno(), connected.family, connected.type)
        if self.passed:
            self._shut()

    def _pass(self) -> None:
        self.passed = True
        self._shut()

    def _shut(self) -> None:
        with suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    @property
    def watching(self) -> bool:
        """Whether there is a connection to shut down."""
        return self._handle is not None


class _Watched(HTTPConnection):
    """A connection that the deadline of the call at hand ends."""

    def connect(self) -> None:
        deadline = _deadline()
        try:
            super().connect()
        finally:
            if deadline is not None:
                # What was sent so far went to a proxy.
                deadline.sent = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        deadline = _deadline()
        if deadline is not None and self.sock is not None:
            if not deadline.watching:
                deadline.watch(self.sock)
            deadline.sent = True
        super().send(data)

    def _new_conn(self) -> socket.socket:
        """A connection to one of the host's addresses, in ``timeout`` seconds for all of them."""
        found = socket.getaddrinfo(
            self._dns_host.strip("[]"), self.port, allowed_gai_family(), socket.SOCK_STREAM
        )
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        until = time.monotonic() + (self.timeout or 0.0)
        connected = self._connect_to_one(addresses, until)
        # For a handshake that follows.
        connected.settimeout(max(until - time.monotonic(), _SHORTEST))
        deadline = _deadline()
        if deadline is not None:
            deadline.watch(connected)
            if deadline.passed:
                connected.close()
                raise TimeoutError("the name was looked up for too long")
        return connected

    def _connect_to_one(self, addresses: list[str], until: float) -> socket.socket:
        fault = OSError("no address")
        for number, address in enumerate(addresses, start=1):
            left = until - time.monotonic()
            # Half of what is left, for an address that does not answer must not take it all.
            share = left if number == len(addresses) else left / 2
            try:
                return create_connection(
                    (address, self.port),
                    max(share, _SHORTEST),
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except OSError as refused:
                fault = refused
        raise fault


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched  # pyright: ignore[reportAssignmentType] - as urllib3's own does


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS  # pyright: ignore[reportAssignmentType]


class WatchedAdapter(HTTPAdapter):
    """Connections that a :class:`Deadline` ends; all but those through a SOCKS proxy."""

    def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
        super().init_poolmanager(*arguments, **keywords)
        _watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **keywords)
        if isinstance(manager, ProxyManager):
            _watch(manager)
        return manager


def _watch(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}


def _deadline() -> Deadline | None:
    return getattr(_current, "deadline", None)
