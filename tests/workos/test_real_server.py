"""The same against a real server, for what a mock of requests does not go through."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flask_workos_sessions.workos import client as client_module
from flask_workos_sessions.workos.client import WorkOSClient
from flask_workos_sessions.workos.outcomes import Authenticated, Transient
from flask_workos_sessions.workos.transport import Unreachable

GOOD = json.dumps(
    {"user": {"id": "user_1"}, "access_token": "access", "refresh_token": "refresh"}
).encode()


class Server(ThreadingHTTPServer):
    """Answers as ``answer`` says, and keeps what came: (path, headers, body)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list = []
        self.answer = lambda handler: handler.reply(200, GOOD)
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.path, dict(self.headers), body))
        self.server.answer(self)

    do_GET = do_POST  # noqa: N815 - http.server looks for this name

    def reply(self, status, body=b"", length=None, **headers) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def running() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    yield from running()


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    yield from running()


@pytest.fixture
def client(server) -> Iterator[WorkOSClient]:
    client = WorkOSClient(base_url=server.url, client_id="client_1", api_key="sk_test_key")
    yield client
    if client._transport._session is not None:
        client._transport._session.close()


def test_an_exchange(client, server):
    assert isinstance(client.exchange_refresh_token("refresh_1"), Authenticated)
    ((path, headers, body),) = server.requests
    assert path == "/user_management/authenticate"
    assert json.loads(body)["refresh_token"] == "refresh_1"
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_secrets_do_not_follow_a_redirect(client, server, elsewhere, status):
    """Security S7: a 307 would be sent again, with the key and the token, to another host."""
    server.answer = lambda handler: handler.reply(status, Location=elsewhere.url + "/x")
    assert client.exchange_refresh_token("refresh_1") == Transient("unreadable", status=status)
    assert client.revoke_session("session_1") is False
    assert client.session_expires_at("user_1", "session_1") is None
    with pytest.raises(Unreachable):
        client.fetch_keys()
    assert len(server.requests) == 4
    assert not elsewhere.requests


def test_netrc_does_not_replace_our_key(client, server, tmp_path, monkeypatch):
    """Security S7."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client.revoke_session("session_1")
    client.exchange_refresh_token("refresh_1")
    sent = [headers.get("Authorization") for _, headers, _ in server.requests]
    assert sent == ["Bearer sk_test_key", None]


def test_half_a_body_is_transient(client, server):
    def cut(handler) -> None:
        handler.close_connection = True
        handler.reply(200, GOOD[:40], length=len(GOOD))

    server.answer = cut
    assert client.exchange_refresh_token("refresh_1") == Transient("network")


def test_half_a_chunked_body_is_transient(client, server):
    def cut(handler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(GOOD), GOOD))

    server.answer = cut
    assert client.exchange_refresh_token("refresh_1") == Transient("network")


def test_a_connection_that_breaks_is_transient_and_not_tried_again(client, server):
    server.answer = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
    assert client.exchange_refresh_token("refresh_1") == Transient("network")
    assert len(server.requests) == 1
    assert client.session_expires_at("user_1", "session_1") is None
    assert len(server.requests) == 2


def test_a_silent_server_is_transient(client, server, monkeypatch):
    monkeypatch.setattr(client_module, "REFRESH_TIMEOUT", 0.2)
    server.answer = lambda handler: server.released.wait(5)
    assert client.exchange_refresh_token("refresh_1") == Transient("timeout")


def test_a_refused_connection_is_transient_and_says_that_nothing_was_sent(server):
    client = WorkOSClient(base_url=server.url, client_id="client_1", api_key="sk_test_key")
    client._transport._base_url = "http://127.0.0.1:1"
    assert client.exchange_refresh_token("refresh_1") == Transient("refused")
    assert client.revoke_session("session_1") is False


def test_an_answer_in_another_encoding_is_bounded(client, server):
    import gzip

    bomb = gzip.compress(b"0" * 50_000_000)
    server.answer = lambda handler: handler.reply(200, bomb, Content_Encoding="gzip")
    assert client.exchange_refresh_token("refresh_1") == Transient("unreadable", status=200)


def test_connections_are_used_again(client, server):
    ports = set()

    def answer(handler) -> None:
        ports.add(handler.client_address[1])
        handler.reply(200, GOOD)

    server.answer = answer
    for _ in range(3):
        assert isinstance(client.exchange_refresh_token("refresh_1"), Authenticated)
    assert len(ports) == 1


def test_a_cookie_is_not_sent_back(client, server):
    server.answer = lambda handler: handler.reply(200, GOOD, Set_Cookie="of=somebody; Path=/")
    client.exchange_refresh_token("refresh_1")
    client.exchange_refresh_token("refresh_2")
    assert all("Cookie" not in headers for _, headers, _ in server.requests)
