"""No call lasts longer than it may, however its peer behaves: real sockets, and bytes that drip."""

from __future__ import annotations

import contextlib
import datetime
import gc
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from flask_workos_sessions.workos import deadline as deadline_module
from flask_workos_sessions.workos.deadline import Deadline
from flask_workos_sessions.workos.transport import Transport, Unreachable

# A handshake that is shut down before it begins leaves CPython's ssl module with an object that it
# does not close; nobody else has it. The garbage collector does so, after each test.
pytestmark = pytest.mark.filterwarnings(r"ignore:unclosed <ssl\.SSLSocket:ResourceWarning")

#: Seconds that a call may take here. Without a deadline every one of these would take minutes.
TIMEOUT = 0.3
LONG = 3.0
HEADER = b"HTTP/1.1 200 OK\r\nX-Long: "
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def asked(connection: socket.socket) -> bool:
    """Wait for a request, or what begins like no HTTP; false when the connection has ended."""
    request = b""
    while not request.endswith(b"\r\n\r\n{}") and not request.startswith((b"\x16", b"CONNECT")):
        piece = connection.recv(65_536)
        request += piece
        if not piece:
            return False
    return True


class Peer:
    """Accepts connections; what it says on each is a function of the test's."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.over = threading.Event()
        self.accepted = 0
        self._connections: list[socket.socket] = []
        self.says: Callable[[socket.socket], None] = self.answers
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self.over.set()
        for each in (self.listening, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for each in self._threads:
            each.join()
        self.listening.close()

    def drips(self, piece: bytes, first: bytes = b"") -> Callable[[socket.socket], None]:
        """After a request, ``first`` at once and ``piece`` again and again."""

        def say(connection: socket.socket) -> None:
            asked(connection)
            connection.sendall(first)
            while not self.over.wait(0.05):
                connection.sendall(piece)

        return say

    def answers(self, connection: socket.socket) -> None:
        while asked(connection):
            connection.sendall(WHOLE)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            connection.settimeout(10)
            self.accepted += 1
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.says(connection)


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def transport(peer) -> Iterator[Transport]:
    transport = Transport(peer.url)
    yield transport
    if transport._session is not None:
        transport._session.close()


def post(transport, timeout=TIMEOUT):
    return transport.call("POST", "/x", timeout=timeout, body={})


def refused(transport, timeout=TIMEOUT) -> str:
    begun = time.monotonic()
    with pytest.raises(Unreachable) as unreachable:
        post(transport, timeout)
    assert time.monotonic() - begun < 20
    return unreachable.value.reason


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 ", b"O"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"),
        (HEADER, b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", b"0"),
        (b"HTTP/1.1 307 Else\r\nLocation: /y\r\nContent-Length: 100000\r\n\r\n", b" "),
    ],
    ids=[
        *("status", "phrase", "headers", "header", "interim", "body", "body-to-the-end"),
        *("chunks", "chunk-size", "redirect"),
    ],
)
def test_an_answer_that_drips_is_cut_off(transport, peer, first, piece):
    peer.says = peer.drips(piece, first)
    assert refused(transport) == "timeout"


def test_a_silent_peer_is_a_timeout(transport, peer):
    peer.says = lambda _: peer.over.wait(10)
    assert refused(transport) == "timeout"


def test_what_was_shut_down_is_not_used_again(transport, peer):
    peer.says = peer.drips(b"x", HEADER)
    assert refused(transport) == "timeout"
    peer.says = peer.answers
    assert [post(transport, LONG).status for _ in range(2)] == [200, 200]
    assert peer.accepted == 2


def test_a_pooled_connection_that_was_shut_down_is_not_used_again(transport, peer, monkeypatch):
    """The time is up just when the answer has come, and the connection lies in the pool."""
    leave = Deadline.__exit__

    def late(deadline: Deadline, *fault) -> None:
        deadline._pass()
        leave(deadline, *fault)

    with monkeypatch.context() as patched:
        patched.setattr(Deadline, "__exit__", late)
        assert refused(transport, LONG) == "timeout"
    assert [post(transport, LONG).status for _ in range(2)] == [200, 200]
    assert peer.accepted == 2


def test_a_connection_that_is_used_again_is_watched_as_well(transport, peer):
    def answers_once(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(WHOLE)
        peer.drips(b"x", HEADER)(connection)

    peer.says = answers_once
    assert post(transport, LONG).status == 200
    assert refused(transport) == "timeout"
    assert peer.accepted == 1


def test_no_thread_and_no_descriptor_is_left(transport, peer):
    post(transport, LONG)
    gc.collect()
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        post(transport, LONG)
    assert threading.active_count() <= threads
    assert len(os.listdir("/proc/self/fd")) <= descriptors


def test_without_a_thread_to_watch_nothing_is_sent(transport, peer, monkeypatch):
    def none_left(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", none_left)
    with pytest.raises(Unreachable):
        post(transport)
    assert peer.accepted == 0


# --- connecting


@pytest.fixture
def dead() -> Iterator[socket.socket]:
    """A port that answers no connection: its queue is full."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = []
    for _ in range(4):
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(full.getsockname())
        waiting.append(each)
    yield full
    for each in (*waiting, full):
        each.close()


def test_a_connection_that_is_not_answered_in_two_seconds_is_refused(dead):
    transport = Transport(f"http://127.0.0.1:{dead.getsockname()[1]}")
    begun = time.monotonic()
    with pytest.raises(Unreachable) as unreachable:
        post(transport, 60)
    assert unreachable.value.reason == "refused"
    assert time.monotonic() - begun < 20


def many_addresses(monkeypatch, addresses: list[tuple[str, int]]) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each) for each in addresses]
    real = socket.getaddrinfo

    def look_up(host, port, *more):
        return found if host == "workos.test" else real(host, port, *more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_all_addresses_share_the_time_to_connect(dead, monkeypatch):
    port = dead.getsockname()[1]
    asked: list[float] = []
    monkeypatch.setattr(
        "flask_workos_sessions.workos.deadline.create_connection",
        lambda address, timeout, **_: asked.append(timeout) or fail(),
    )
    many_addresses(monkeypatch, [(f"127.0.0.{last}", port) for last in range(1, 6)])
    with pytest.raises(Unreachable) as unreachable:
        post(Transport(f"http://workos.test:{port}"), 60)
    assert unreachable.value.reason == "refused"
    assert asked[:2] == pytest.approx([1.0, 1.0], abs=0.2)  # no time passes here
    assert len(asked) == 5
    assert all(each <= 2 for each in asked)


def fail() -> None:
    raise TimeoutError


def test_an_address_that_does_not_answer_leaves_time_for_the_next(peer, dead, monkeypatch):
    # The queue of 127.0.0.1 is full on this port; on 127.0.0.2 somebody listens.
    port = dead.getsockname()[1]
    many_addresses(monkeypatch, [("127.0.0.1", port), ("127.0.0.2", port)])
    with socket.create_server(("127.0.0.2", port)) as second:

        def serve() -> None:
            connection, _ = second.accept()
            with connection:
                asked(connection)
                connection.sendall(WHOLE)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        transport = Transport(f"http://workos.test:{port}")
        assert post(transport, 10).status == 200
        thread.join()
        transport._session.close()


def test_a_name_that_was_looked_up_too_late_is_not_waited_for(transport, peer, monkeypatch):
    look_up = socket.getaddrinfo

    def slow(*asked, **more):
        deadline_module._current.deadline._pass()
        return look_up(*asked, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    assert refused(transport, 60) == "refused"


def test_an_unknown_name_is_refused(monkeypatch):
    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert refused(Transport("http://workos.test")) == "refused"


@pytest.mark.parametrize(("scheme", "reason"), [("http", "timeout"), ("https", "refused")])
def test_a_proxy_that_drips_is_cut_off(peer, monkeypatch, scheme, reason):
    monkeypatch.setenv(f"{scheme}_proxy", peer.url)
    peer.says = peer.drips(b"x", b"HTTP/1.1 200 ")
    assert refused(Transport(f"{scheme}://workos.test")) == reason


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> str:
    """The path of a file with a certificate for 127.0.0.1 and its key."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime.now(datetime.UTC)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(host, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "peer.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return str(path)


@pytest.fixture
def tls(peer, certificate, monkeypatch) -> Iterator[Transport]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
    transport = Transport(f"https://127.0.0.1:{peer.port}")
    yield transport
    if transport._session is not None:
        transport._session.close()


def over_tls(certificate, say):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def speak(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            say(wrapped)

    return speak


def test_tls_works_and_its_connections_are_used_again(tls, peer, certificate):
    peer.says = over_tls(certificate, peer.answers)
    assert [post(tls, LONG).status for _ in range(3)] == [200, 200, 200]
    assert peer.accepted == 1


def test_an_answer_that_drips_over_tls_is_cut_off(tls, peer, certificate):
    peer.says = over_tls(certificate, peer.drips(b"x", HEADER))
    assert refused(tls, 1.0) == "timeout"


def test_a_tls_handshake_that_drips_is_cut_off_and_nothing_was_sent(tls, peer):
    # A record of 4,096 bytes that does not come to its end.
    peer.says = peer.drips(b"\x02", b"\x16\x03\x03\x10\x00")
    assert refused(tls) == "refused"


def test_a_certificate_that_is_not_trusted_is_refused(tls, peer, certificate, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    peer.says = over_tls(certificate, peer.answers)
    assert refused(tls, LONG) == "refused"


# --- processes


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_has_deadlines_of_its_own(transport, peer):
    post(transport, LONG)
    peer.says = peer.drips(b"x", HEADER)
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(writer, refused(transport).encode())
        finally:
            os._exit(0)
    os.close(writer)
    try:
        if not select.select([reader], [], [], 10)[0]:
            os.kill(pid, signal.SIGKILL)
        assert os.read(reader, 100) == b"timeout"
    finally:
        os.close(reader)
        os.waitpid(pid, 0)


UNDER_GEVENT = """
import sys
from gevent import monkey
monkey.patch_all()
import gevent, threading, time
from flask_workos_sessions.workos.transport import Transport, Unreachable

def call(url):
    try:
        return Transport(url).call("POST", "/x", timeout=0.5, body={}).status
    except Unreachable as unreachable:
        return unreachable.reason

begun = time.monotonic()
calls = [gevent.spawn(call, url) for url in sys.argv[1:] for _ in range(5)]
gevent.joinall(calls)
assert time.monotonic() - begun < 5
left = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
print(*[each.value for each in calls], len(left))
"""


def test_under_gevent_every_call_has_its_own_deadline(peer, tls):
    # Half a TLS record: gevent waits anew for each piece of it.
    peer.says = peer.drips(b"\x02", b"\x16\x03\x03\x10\x00")
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT, f"https://127.0.0.1:{peer.port}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["refused"] * 5 + ["0"]
    peer.says = peer.drips(b"x", HEADER)
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT, peer.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["timeout"] * 5 + ["0"]
