"""An HTTP server in a thread, on loopback only."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from ..validators import is_loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class _QuietHandler(WSGIRequestHandler):
    """Writes no access log: it would hold authorization codes and addresses (security T2)."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
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
        self._server: BaseWSGIServer | None = None
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
            server = make_server(
                self.host,
                self.port,
                app,
                threaded=True,
                request_handler=_QuietHandler,
                fd=listening.fileno(),
            )
        self._server, self.port = server, server.port
        self._thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="local-workos",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening. Does nothing when it does not run."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.shutdown()
            thread.join()
            server.server_close()

    def wait(self) -> None:
        """Wait until it has been stopped."""
        if self._thread is not None:
            self._thread.join()
