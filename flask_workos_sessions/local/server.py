"""An HTTP server in a thread, on loopback only."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ..validators import is_loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Connections that may wait to be taken: processes under test open hundreds at once.
BACKLOG = 1024

#: Seconds that :meth:`LoopbackServer.stop` gives to the requests that it cut off.
STOP_SECONDS = 2.0

#: ``struct linger``: on, for no time. Closing then sends RST in place of FIN (socket(7)).
_NO_LINGER = struct.pack("ii", 1, 0)


def reset_when_closed(connection: socket.socket) -> None:
    """Let this connection of a :class:`LoopbackServer` end with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


class _QuietHandler(WSGIRequestHandler):
    """Writes no access log: it would hold authorization codes and addresses (security T2)."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def log(self, type: str, message: str, *args: Any) -> None:
        pass

    def send_response(self, code: int, message: str | None = None) -> None:
        # Without the machine's Date: the app has its own clock, and says what it shows.
        self.send_response_only(code, message)
        self.send_header("Server", self.version_string())

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        # Werkzeug would wait for another request.
        self.close_connection = True


class _Server(ThreadedWSGIServer):
    """Knows the connections that are open, and ends them when it stops."""

    def __init__(self, host: str, port: int, app: WSGIApplication, fd: int) -> None:
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(host, port, app, _QuietHandler, fd=fd)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        linger = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(_NO_LINGER))
        if linger == _NO_LINGER:
            self.close_request(request)  # without the FIN that would come before the reset
        else:
            super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def end_connections(self, seconds: float) -> None:
        """Cut off what is still being answered, and wait until its threads have noticed."""
        with self._changed:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open, seconds)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


class LoopbackServer:
    """Serves a WSGI app from a thread, between :meth:`start` and :meth:`stop`."""

    def __init__(self, host: str, port: int) -> None:
        """
        :param port: 0 takes a free one at the first start, and keeps it.
        :raises ValueError: ``host`` is not this machine's loopback (security S8).
        """
        if not is_loopback(host):
            raise ValueError("LocalWorkOS listens on loopback only: 127.0.0.1, ::1 or localhost.")
        self.host = host
        self.port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self, app: WSGIApplication) -> None:
        """Listen, and serve from a thread.

        :raises RuntimeError: it runs already, or the name leads away from this machine.
        :raises OSError: the port is taken.
        """
        if self._server is not None:
            raise RuntimeError("This LocalWorkOS runs already.")
        # Werkzeug would end the process when the port is taken; a library must not.
        with _listening(self.host, self.port) as listening:
            if not is_loopback(listening.getsockname()[0]):
                raise RuntimeError("LocalWorkOS listens on loopback only.")
            server = _Server(self.host, self.port, app, listening.fileno())
        self._server, self.port = server, server.port
        self._thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="local-workos",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and end the connections that are open, also those whose answer is late
        or drips. Does nothing when it does not run."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join()
            server.server_close()
            server.end_connections(STOP_SECONDS)

    def wait(self) -> None:
        """Wait until it has been stopped."""
        if self._thread is not None:
            self._thread.join()
