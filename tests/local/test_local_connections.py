"""Many connections at once, and how each of them ends."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import requests

SLOW = [("late", 60), (503, 60), ("drip_headers", 0.05), ("drip_headers", 60), ("drip_body", 60)]


@pytest.fixture
def token(workos):
    return workos.sign_in("alice@acme.test")["refresh_token"]


@pytest.fixture
def answering():
    """How many threads answer a request at the moment."""
    before = set(threading.enumerate())

    def count():
        threads = set(threading.enumerate()) - before
        return len([each for each in threads if "process_request" in each.name])

    return count


def connect(workos):
    host, port = workos.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def ask(connection, workos):
    host = workos.url.removeprefix("http://")
    path = f"/sso/jwks/{workos.client_id}"
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


def wait_until(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_three_hundred_connections_at_once_are_answered(workos):
    workos.fail_next(300, status="late", delay=0.5, only="/sso/jwks")
    connections = [connect(workos) for _ in range(300)]
    for connection in connections:
        ask(connection, workos)
    for connection in connections:
        with connection:
            assert connection.recv(12) == b"HTTP/1.1 200"
    assert len(workos.requests) == 300


@pytest.mark.parametrize(("kind", "delay"), SLOW)
def test_stopping_ends_the_answers_that_are_not_finished(workos, answering, kind, delay):
    workos.fail_next(4, status=kind, delay=delay, only="/sso/jwks")
    connections = [connect(workos) for _ in range(4)]
    for connection in connections:
        ask(connection, workos)
    wait_until(lambda: len(workos.requests) == 4)

    workos.stop()

    wait_until(lambda: not answering())
    for connection in connections:
        with connection:
            while connection.recv(65_536):
                pass


def test_stopping_ends_a_connection_that_says_nothing(workos, answering):
    with connect(workos) as connection:
        wait_until(answering)
        workos.stop()
        assert connection.recv(1) == b""
    wait_until(lambda: not answering())


@pytest.mark.parametrize(("kind", "delay"), SLOW)
def test_an_answer_ends_when_its_client_hangs_up(workos, answering, kind, delay):
    workos.fail_next(status=kind, delay=delay, only="/sso/jwks")
    with connect(workos) as connection:
        ask(connection, workos)
        wait_until(lambda: workos.requests)
    wait_until(lambda: not answering())


def test_a_request_that_nobody_reads_does_not_cut_an_answer_short(application, workos):
    path = "/user_management/sessions/revoke"
    workos.fail_next(status=503, delay=0.2, only=path)
    began = time.monotonic()
    assert application.api("POST", path, data=b"x" * 200_000).status_code == 503
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("kind", ["reset", "refuse", "drop", "lost", "half"])
def test_a_connection_that_is_cut_off_is_no_error_of_the_server(
    application, workos, token, answering, capfd, caplog, kind
):
    workos.fail_next(status=kind)
    with pytest.raises(requests.RequestException):
        application.refresh(token)
    wait_until(lambda: not answering())
    assert capfd.readouterr().err == ""
    assert caplog.messages == []
