"""Webhooks: signed, asynchronous, repeated, and to this machine only (workos.md §2.8)."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_workos_sessions.local import LocalWorkOS, loopback_post, sign
from flask_workos_sessions.settings import load_settings

AT_ONCE = (0.01, 0.01, 0.01, 0.01, 0.01)


@pytest.fixture
def workos(clock):
    with LocalWorkOS(clock=clock, webhook_delays=AT_ONCE) as running:
        yield running


@pytest.fixture
def webhook(workos, receiver):
    return workos.add_webhook(receiver.url)


def parts_of(signature):
    return dict(part.split("=", 1) for part in signature.split(", "))


def is_signed(received, secret):
    parts = parts_of(received.signature)
    signed = f"{parts['t']}.".encode() + received.body
    return parts["v1"] == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def threads():
    return [each for each in threading.enumerate() if each.name == "local-workos-webhooks"]


def test_an_event_arrives_with_its_signature(workos, receiver, webhook):
    workos.add_user("zoë@acme.test")

    workos.wait_for_deliveries()

    (received,) = receiver.received
    assert received.event == workos.events[0].as_json()
    assert received.content_type == "application/json"
    assert "zoë".encode() in received.body
    assert parts_of(received.signature)["t"] == "1800000000000"
    assert is_signed(received, webhook.secret)


def test_nobody_waits_for_a_delivery(workos, receiver, webhook):
    receiver.closed.set()
    workos.emit("a.thing")

    assert receiver.arrived.acquire(timeout=10)
    assert workos.deliveries == []
    with pytest.raises(TimeoutError):
        workos.wait_for_deliveries(0.01)


def test_each_endpoint_gets_what_it_asked_for(workos, receiver):
    one = workos.add_webhook(f"{receiver.url}/one", ["a.thing"])
    two = workos.add_webhook(f"{receiver.url}/two", secret="a-secret-of-the-test")
    workos.emit("a.thing")
    workos.emit("b.thing")

    workos.wait_for_deliveries()

    got = sorted((each.path, each.event["event"]) for each in receiver.received)
    assert got == [
        ("/auth/webhook/one", "a.thing"),
        ("/auth/webhook/two", "a.thing"),
        ("/auth/webhook/two", "b.thing"),
    ]
    secrets = {"/auth/webhook/one": one.secret, "/auth/webhook/two": "a-secret-of-the-test"}
    assert all(is_signed(each, secrets[each.path]) for each in receiver.received)
    assert one.secret != two.secret
    assert workos.webhooks == [one, two]


@pytest.mark.parametrize("by", ["object", "address"])
def test_an_endpoint_can_be_removed(workos, receiver, webhook, by):
    workos.remove_webhook(webhook if by == "object" else webhook.url)
    workos.emit("a.thing")

    workos.wait_for_deliveries()

    assert receiver.received == []
    assert workos.webhooks == []


def test_a_failure_is_repeated_with_the_same_id_and_a_new_signature(
    workos, receiver, webhook, clock
):
    clock.run()
    receiver.statuses = [500, 404, 302]
    event = workos.emit("a.thing")

    done = workos.wait_for_deliveries()

    assert [each.status for each in done] == [500, 404, 302, 200]
    assert [each.attempt for each in done] == [1, 2, 3, 4]
    assert {each.id for each in done} == {event.id}
    assert len({each.body for each in receiver.received}) == 1
    assert len({each.signature for each in receiver.received}) == 4
    assert {each.path for each in receiver.received} == {"/auth/webhook"}
    assert all(is_signed(each, webhook.secret) for each in receiver.received)


def test_after_six_attempts_it_is_given_up(workos, receiver, webhook):
    receiver.statuses = [503] * 10
    workos.emit("a.thing")

    done = workos.wait_for_deliveries()

    assert [each.attempt for each in done] == [1, 2, 3, 4, 5, 6]
    assert len(receiver.received) == 6


def test_what_waits_for_a_removed_endpoint_is_not_sent(receiver, clock):
    with LocalWorkOS(clock=clock, webhook_delays=[0.2]) as workos:
        webhook = workos.add_webhook(receiver.url)
        receiver.statuses = [500]
        receiver.closed.set()
        workos.emit("a.thing")
        assert receiver.arrived.acquire(timeout=10)
        workos.remove_webhook(webhook)
        receiver._open.set()

        workos.wait_for_deliveries()

        assert len(receiver.received) == 1


def test_an_endpoint_that_is_not_there_has_no_status(workos):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        workos.add_webhook(f"http://127.0.0.1:{free.getsockname()[1]}/")
        workos.emit("a.thing")
        done = workos.wait_for_deliveries()

    assert [each.status for each in done] == [None] * 6
    assert not done[0].taken


def test_stopping_cuts_off_what_is_being_sent_and_forgets_what_waits(clock, receiver):
    before = threads()
    workos = LocalWorkOS(clock=clock, webhook_delays=[60]).start()
    workos.add_webhook(receiver.url)
    receiver.statuses = [500]
    workos.emit("a.thing")
    assert receiver.arrived.acquire(timeout=10)
    receiver.closed.set()
    workos.emit("b.thing")
    assert receiver.arrived.acquire(timeout=10)

    workos.stop()

    assert threads() == before
    workos.emit("c.thing")
    workos.wait_for_deliveries(0.1)
    assert len(receiver.received) == 2


def test_it_delivers_again_when_it_has_been_started_again(workos, receiver, webhook):
    workos.emit("a.thing")
    workos.wait_for_deliveries()
    workos.stop()
    workos.start()
    workos.emit("b.thing")

    workos.wait_for_deliveries()

    assert [each.event["event"] for each in receiver.received] == ["a.thing", "b.thing"]


def test_without_a_webhook_there_is_no_thread(clock):
    before = threads()
    with LocalWorkOS(clock=clock) as workos:
        workos.sign_in("bob@acme.test")
        assert threads() == before
        assert workos.deliveries == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/auth/webhook",
        "http://192.0.2.1/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://me@127.0.0.1/",
        "//127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http:///",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1/ü",
        "",
    ],
)
def test_security_s8_nothing_leaves_the_machine(workos, url):
    with pytest.raises(ValueError, match=r"machine|address|port|Port"):
        workos.add_webhook(url)
    assert workos.webhooks == []


def test_security_s8_a_name_that_leads_away_gets_nothing(workos, receiver, webhook, monkeypatch):
    """A resolver may answer to ``localhost`` with another machine."""
    monkeypatch.setattr(loopback_post.ipaddress, "ip_address", lambda _: AwayFromHere())
    webhook.url = webhook.url.replace("127.0.0.1", "localhost")

    (done,) = workos.deliver(workos.emit("a.thing", {}), to=webhook)

    assert done.status is None
    assert receiver.received == []


class AwayFromHere:
    is_loopback = False


def test_security_s8_no_proxy_is_asked(workos, receiver, webhook, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    workos.emit("a.thing")

    assert [each.status for each in workos.wait_for_deliveries()] == [200]


def test_a_development_server_may_have_a_certificate_of_its_own(workos):
    taken = []

    def app(environ, start_response):
        taken.append(environ["HTTP_WORKOS_SIGNATURE"])
        start_response("204 No Content", [])
        return []

    server = make_server("127.0.0.1", 0, app, ssl_context="adhoc", request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        workos.add_webhook(f"https://localhost:{server.server_port}/hook")
        workos.emit("a.thing")
        done = workos.wait_for_deliveries()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert [each.status for each in done] == [204]
    assert len(taken) == 1


class Quiet(WSGIRequestHandler):
    def log(self, type, message, *args):
        pass


def test_security_s9_a_blank_secret_is_refused(workos, receiver):
    with pytest.raises(ValueError, match="blank"):
        workos.add_webhook(receiver.url, secret=" ")


def test_one_name_is_no_list_of_names(workos, receiver):
    with pytest.raises(ValueError, match="list"):
        workos.add_webhook(receiver.url, "user.created")


def test_no_secret_is_shown(workos, receiver, webhook):
    workos.emit("user.deleted", {"email": "ann@acme.test"})
    shown = repr([workos.wait_for_deliveries(), workos.webhooks, workos.events])

    assert webhook.secret not in shown
    assert "ann@acme.test" not in shown


def test_the_secret_is_a_setting_when_asked_for(workos, receiver, webhook):
    uri = "http://localhost:5000/auth/callback"

    assert "WORKOS_WEBHOOK_SECRET" not in workos.settings()
    config = workos.settings(uri, webhook=webhook)
    assert config["WORKOS_WEBHOOK_SECRET"] == webhook.secret
    load_settings(config, environ={})


def test_a_signature_of_ones_own(workos, receiver, webhook, clock):
    body = json.dumps({"any": "thing"})

    now = workos.sign(body, "secret")
    assert now == sign(body.encode(), "secret", t=1_800_000_000_000)
    assert now == workos.sign(body, "secret", t=1_800_000_000_000)
    assert now.startswith("t=1800000000000, v1=")
    assert parts_of(sign(body, "secret"))["t"] != "1800000000000"
    with pytest.raises(ValueError, match="spelled"):
        sign(body, "secret", spelling="unheard-of")
