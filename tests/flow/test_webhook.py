"""WorkOS's webhooks: which are believed, what is answered, and that nothing else comes of them."""

from __future__ import annotations

import io
import json
import logging
import secrets
import threading
import time

import pytest
from flask import Flask, abort
from flask import session as flask_session
from flask.sessions import SecureCookieSession, SessionInterface
from werkzeug.serving import make_server
from werkzeug.test import create_environ, run_wsgi_app

from flask_workos_sessions import ConfigurationError, WorkOSSessions, signals, testing
from flask_workos_sessions.workos.moment import write_moment

SECRET, OTHER = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
PATH = "/auth/webhook"
LINE = "Refused a webhook"


@pytest.fixture
def site(make_site):
    return make_site(WORKOS_WEBHOOK_SECRET=SECRET)


@pytest.fixture
def body(clock):
    """A webhook of an event, new unless it is given an id."""
    count = iter(range(1_000_000))

    def make(kind="unknown.happened", data=None, **more):
        event = {
            "object": "event",
            "id": f"event_{next(count)}",
            "event": kind,
            "data": data or {},
            "created_at": write_moment(clock()),
            **more,
        }
        return json.dumps(event).encode()

    return make


@pytest.fixture
def post(site, workos):
    """Post a body as WorkOS does."""

    def post(body, *, secret=SECRET, to=None, header=None, age=0, **more):
        app = (to or site).app
        t = int((workos._environment.clock() - age) * 1000)
        signature = workos.sign(body, secret, t=t) if header is None else header
        headers = {"WorkOS-Signature": signature, "Content-Type": "application/json"}
        client = app.test_client(use_cookies=False)
        return client.post(PATH, data=body, headers=headers, **more)

    return post


def lines(caplog):
    return [each.getMessage() for each in caplog.records if LINE in each.getMessage()]


# --- what is answered


def test_an_event_is_taken_and_the_app_is_told(site, post, body):
    answer = post(body("user.created", {"id": "user_1"}))
    assert (answer.status_code, answer.json) == (200, {})
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    ((event,),) = [each.values() for each in site.signal("workos_event")]
    assert (event.type, event.user_id) == ("user.created", "user_1")
    assert event.created_at == pytest.approx(site.clock(), abs=0.002)


def test_security_s9_without_a_secret_there_is_no_webhook(make_site, post, body):
    site = make_site()
    for secret in ("", "None", SECRET):
        assert post(body(), to=site, secret=secret or " ").status_code == 404
    assert site.signal("workos_event") == []


@pytest.mark.parametrize("blank", ["", " ", "\t", " x ", 7])
def test_security_s9_a_blank_secret_is_an_error(make_site, blank):
    with pytest.raises(ConfigurationError, match="WORKOS_WEBHOOK_SECRET must"):
        make_site(WORKOS_WEBHOOK_SECRET=blank)
    with pytest.raises(ConfigurationError, match="WORKOS_WEBHOOK_SECRET_FALLBACKS must"):
        make_site(WORKOS_WEBHOOK_SECRET=SECRET, WORKOS_WEBHOOK_SECRET_FALLBACKS=[OTHER, blank])


def test_fallbacks_without_a_secret_are_an_error(make_site):
    with pytest.raises(ConfigurationError, match="WORKOS_WEBHOOK_SECRET is not"):
        make_site(WORKOS_WEBHOOK_SECRET_FALLBACKS=[OTHER])


def test_no_secret_is_shown_with_the_settings(make_site):
    site = make_site(WORKOS_WEBHOOK_SECRET=SECRET, WORKOS_WEBHOOK_SECRET_FALLBACKS=[OTHER])
    shown = repr(site.parts.settings)
    assert SECRET not in shown
    assert OTHER not in shown


def test_security_w4_both_secrets_are_good_while_one_is_changed(make_site, post, body):
    site = make_site(WORKOS_WEBHOOK_SECRET=SECRET, WORKOS_WEBHOOK_SECRET_FALLBACKS=[OTHER])
    assert post(body(), to=site).status_code == 200
    assert post(body(), to=site, secret=OTHER).status_code == 200
    assert post(body(), to=site, secret="a third one").status_code == 400


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_another_method_is_405(site, method):
    assert site.app.test_client().open(PATH, method=method).status_code == 405


def test_security_w4_signatures_are_compared_in_constant_time(site, post, body, monkeypatch):
    """And each of them, whether an earlier one was right or not."""
    compared = []
    monkeypatch.setattr(
        "flask_workos_sessions.workos.webhooks.hmac.compare_digest",
        lambda wanted, value: compared.append((wanted, value)) or False,
    )
    assert post(body()).status_code == 400
    (pair,) = compared
    assert pair[0] == pair[1]


def test_security_w4_what_was_not_signed_with_the_secret_is_refused(site, post, body):
    for answer in (
        post(body(), secret=OTHER),
        post(body(), header=""),
        post(body(), header="t=1, v1=" + "0" * 64),
        site.app.test_client().post(PATH, data=body()),
        post(body(), age=181),
        post(body(), age=-181),
        post(b"", header=""),
    ):
        assert (answer.status_code, answer.json) == (400, {"error": "signature_refused"})
        assert answer.headers["Cache-Control"] == "no-store"
    assert site.signal("workos_event") == []


def test_security_w4_a_replay_is_taken_for_three_minutes_and_does_nothing(
    site, workos, clock, body, post
):
    told = body()
    header = workos.sign(told, SECRET)
    assert post(told, header=header).status_code == 200
    clock.advance(179)
    assert post(told, header=header).status_code == 200
    clock.advance(2)
    assert post(told, header=header).status_code == 400
    assert len(site.signal("workos_event")) == 1


@pytest.mark.parametrize("told", [b"", b"[]", b"{", b"null", b"\xff", b"{}", b"[" * 50_000])
def test_security_w4_what_is_no_event_is_refused_also_when_it_is_signed(post, told):
    answer = post(told)
    assert (answer.status_code, answer.json) == (400, {"error": "malformed"})


def test_a_body_without_object_and_context_is_an_event(site, post, clock):
    bare = {"id": "event_x", "event": "dsync.activated", "data": {"id": "directory_1"}}
    assert post(json.dumps(bare).encode()).status_code == 200
    assert site.signal("workos_event")[0]["event"].created_at is None


# --- the body


class Unread(io.RawIOBase):
    """A body of which nothing may be read."""

    def readable(self):
        return True

    def readinto(self, buffer):
        pytest.fail("It was read.")


CLAIMED = {"CONTENT_LENGTH": str(10 * 1024 * 1024), "wsgi.input": Unread()}


class Endless(io.RawIOBase):
    """A body that goes on and on."""

    def __init__(self):
        self.read_so_far = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        buffer[:] = bytes(len(buffer))
        self.read_so_far += len(buffer)
        return len(buffer)


def test_security_w4_a_body_that_claims_ten_megabytes_is_not_read(site):
    client = site.app.test_client()
    answer = client.post(PATH, environ_overrides=CLAIMED)
    assert (answer.status_code, answer.json) == (413, {"error": "too_large"})


@pytest.mark.parametrize("kind", ["missing", "without a time", "stale", "of the future"])
def test_security_w4_without_a_signature_of_now_the_body_is_not_read(site, clock, kind):
    ages = {"stale": 181, "of the future": -181}
    t = int((clock() - ages.get(kind, 0)) * 1000)
    header = {"missing": "", "without a time": "v1=" + "0" * 64}.get(kind, f"t={t}, v1={'0' * 64}")
    answer = site.app.test_client().post(
        PATH,
        headers={"WorkOS-Signature": header},
        environ_overrides={"CONTENT_LENGTH": "1000000", "wsgi.input": Unread()},
    )
    assert (answer.status_code, answer.json) == (400, {"error": "signature_refused"})


def test_security_w4_a_chunked_body_is_read_up_to_the_limit(site, workos):
    endless = Endless()
    answer = site.app.test_client().post(
        PATH,
        headers={
            "Transfer-Encoding": "chunked",
            "WorkOS-Signature": workos.sign(b"another one", SECRET),
        },
        environ_overrides={"wsgi.input": endless, "wsgi.input_terminated": True},
    )
    assert answer.status_code == 413
    assert endless.read_so_far < 1_200_000


def test_a_chunked_body_is_taken(site, workos, body):
    told = body()
    answer = site.app.test_client().post(
        PATH,
        input_stream=io.BytesIO(told),
        headers={"Transfer-Encoding": "chunked", "WorkOS-Signature": workos.sign(told, SECRET)},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 200


def test_security_w4_without_a_length_nothing_is_read(site):
    environ = create_environ(PATH, method="POST") | {"wsgi.input": Unread()}
    _, status, _ = run_wsgi_app(site.app, environ)
    assert status == "400 BAD REQUEST"


def test_a_body_that_was_cut_off_is_refused(site, workos, body):
    told = body()
    answer = site.app.test_client().post(
        PATH,
        input_stream=io.BytesIO(told[:-1]),
        headers={"WorkOS-Signature": workos.sign(told, SECRET)},
        environ_overrides={"CONTENT_LENGTH": str(len(told))},
    )
    assert (answer.status_code, answer.json) == (400, {"error": "incomplete"})


def test_one_mebibyte_is_taken_and_a_byte_more_is_not(site, post, body):
    room = 1_048_576 - len(body(data={"text": ""})) - 1
    assert post(body(data={"text": "x" * room})).status_code == 200
    assert post(body(data={"text": "x" * (room + 10)})).status_code == 413


def test_the_app_s_own_limit_holds_and_the_log_names_it(make_site, post, body, caplog):
    site = make_site(WORKOS_WEBHOOK_SECRET=SECRET, MAX_CONTENT_LENGTH=300)
    assert post(body(), to=site).status_code == 200
    assert post(body(data={"text": "x" * 300}), to=site).status_code == 413
    assert "MAX_CONTENT_LENGTH" in lines(caplog)[0]


# --- nothing else comes of it


class StoredSessions(SessionInterface):
    """As Flask-Session does it: it writes."""

    touched = 0

    def open_session(self, app, request):
        self.touched += 1
        return SecureCookieSession()

    def save_session(self, app, session, response):
        self.touched += 1
        response.set_cookie("stored", "again")


def test_no_session_is_opened_no_hook_runs_and_no_cookie_is_set(site, post, body, workos):
    browser = site.browser()
    browser.sign_in()
    site.app.session_interface = stored = StoredSessions()
    ran = []
    site.app.before_request_funcs.setdefault(None, []).append(lambda: ran.append("before"))
    site.app.after_request_funcs[None].append(lambda response: ran.append("after") or response)
    told = body()
    headers = {"WorkOS-Signature": workos.sign(told, SECRET)}
    asked = len(workos.requests)
    for answer in (
        browser.client.post(PATH, data=told, headers=headers),
        browser.client.post(PATH, data=told),
        browser.client.post(PATH, data=b"x" * 2_000_000),
    ):
        assert "Set-Cookie" not in answer.headers
        assert "Server-Timing" not in answer.headers
    assert (stored.touched, ran) == (0, [])
    assert len(workos.requests) == asked


def test_it_is_exempt_from_a_form_token_and_from_protect_all(make_site, post, body):
    from flask_wtf.csrf import CSRFProtect

    site = make_site(
        WORKOS_WEBHOOK_SECRET=SECRET, WORKOS_PROTECT_ALL=True, WTF_CSRF_CHECK_DEFAULT=True
    )
    CSRFProtect(site.app)
    assert post(body(), to=site).status_code == 200


def test_it_moves_with_the_prefix(make_site, workos, body):
    site = make_site(
        WORKOS_WEBHOOK_SECRET=SECRET,
        WORKOS_URL_PREFIX="/konto/über",
        WORKOS_REDIRECT_URI="http://localhost/konto/über/callback",
    )
    told = body()
    headers = {"WorkOS-Signature": workos.sign(told, SECRET)}
    client = site.app.test_client()
    assert client.post("/konto/über/webhook", data=told, headers=headers).status_code == 200


# --- the app's receivers


def listen(app, receive):
    signals.workos_event.connect(receive, app)
    return receive


def test_security_w4_an_event_that_comes_twice_is_told_once(site, post, body):
    told = body()
    for _ in range(3):
        assert post(told).status_code == 200
    assert len(site.signal("workos_event")) == 1
    assert post(body()).status_code == 200
    assert len(site.signal("workos_event")) == 2


def test_events_are_told_once_by_all_processes_together(make_site, post, body, tmp_path):
    config = {
        "WORKOS_WEBHOOK_SECRET": SECRET,
        "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
        "WORKOS_CACHE_TYPE": "sqlite",
        "WORKOS_CACHE_DIR": str(tmp_path / "state"),
    }
    one = make_site(**config)
    # A process that has the next password in use already.
    config["WORKOS_COOKIE_PASSWORD_FALLBACKS"] = [config["WORKOS_COOKIE_PASSWORD"]]
    config["WORKOS_COOKIE_PASSWORD"] = secrets.token_hex(32)
    two = make_site(**config)
    told = body()
    assert [post(told, to=site).status_code for site in (one, two, one)] == [200] * 3
    assert len(one.signal("workos_event") + two.signal("workos_event")) == 1


def test_a_receiver_may_be_async(site, post, body):
    heard = []

    async def receive(sender, event):
        heard.append(event.type)

    listen(site.app, receive)
    assert post(body("user.created")).status_code == 200
    assert heard == ["user.created"]


def test_a_receiver_that_raises_gets_the_event_again_and_nothing_comes_back(
    site, post, body, workos
):
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    browser = site.browser()
    browser.sign_in()
    session_id = workos.sessions[-1].id
    faults = [ZeroDivisionError, ZeroDivisionError]

    def receive(sender, event):
        if faults:
            raise faults.pop()

    listen(site.app, receive)
    told = body("session.revoked", {"id": session_id})
    for status in (500, 500, 200, 200):
        answer = post(told)
        assert answer.status_code == status
        assert "Set-Cookie" not in answer.headers
        assert browser.fetch("/api/me").json["required"] == {"reason": "revoked"}
    assert len(site.signal("session_ended")) == 1
    assert site.signal("workos_event")[-1]["event"].type == "session.revoked"


def test_what_a_receiver_aborts_with_is_answered_and_it_is_told_again(site, post, body):
    heard = []

    def receive(sender, event):
        heard.append(event)
        if len(heard) == 1:
            flask_session["seen"] = True  # which nobody keeps
            abort(503)

    listen(site.app, receive)
    told = body()
    assert [post(told).status_code for _ in range(3)] == [503, 200, 200]
    assert len(heard) == 2


def test_a_second_delivery_while_the_first_is_at_it_comes_back_later(site, post, body, clock):
    told, answers = body(), []

    def receive(sender, event):
        if not answers:
            answers.append(None)
            answers.append(post(told))

    listen(site.app, receive)
    assert post(told).status_code == 200
    assert (answers[1].status_code, answers[1].json) == (503, {"error": "try_again"})
    assert answers[1].headers["Retry-After"] == "10"
    assert post(told).status_code == 200


def test_a_process_that_was_killed_on_the_way_has_not_told_of_it(site, post, body, clock):
    told = body()
    event_id = json.loads(told)["id"]
    site.parts.reactions._told.begin(event_id)  # and then it was killed
    assert post(told).status_code == 503
    clock.advance(61)
    assert post(told).status_code == 200
    assert len(site.signal("workos_event")) == 1


def test_what_cannot_be_shared_is_not_taken(make_site, post, body, redis_server, workos, clock):
    site = make_site(
        WORKOS_WEBHOOK_SECRET=SECRET,
        WORKOS_CACHE_TYPE="redis",
        WORKOS_CACHE_REDIS_URL=redis_server.url,
    )
    browser = site.browser()
    browser.sign_in()
    told = body("session.revoked", {"id": workos.sessions[-1].id})
    redis_server.kill()
    assert post(told, to=site).status_code == 503
    assert browser.fetch("/api/me").status_code == 401, "in this process it has ended"
    assert site.signal("workos_event") == []
    redis_server.start()
    site.parts.breaker._retry_at = 0
    assert post(told, to=site).status_code == 200
    assert len(site.signal("workos_event")) == 1


# --- floods


@pytest.mark.alone
def test_security_w4_a_flood_of_ten_thousand_is_not_believed_and_hardly_logged(
    site, post, body, workos, caplog
):
    caplog.set_level(logging.DEBUG)
    browser = site.browser()
    browser.sign_in()
    told = body("session.revoked", {"id": workos.sessions[-1].id})
    stale = workos.sign(told, SECRET, t=int(site.clock() * 1000) - 200_000)
    forged = workos.sign(told, OTHER)
    client = site.app.test_client(use_cookies=False)
    began = time.monotonic()
    for number in range(2_000):
        answers = [
            client.post(PATH, data=told, headers={"WorkOS-Signature": forged}),
            client.post(PATH, data=told, headers={"WorkOS-Signature": stale}),
            client.post(PATH, data=told, headers={"WorkOS-Signature": f"t={number}, v1=x"}),
            client.post(PATH, data=b"[" * 1000),
            client.post(PATH, environ_overrides=CLAIMED),
        ]
        assert [each.status_code for each in answers] == [400, 400, 400, 400, 413]
    took = time.monotonic() - began
    logged = lines(caplog)
    assert len(logged) <= took / 10 + 1
    whole = "\n".join(each.getMessage() for each in caplog.records)
    assert len(caplog.records) < 20
    for secret in (SECRET, OTHER, stale, forged, stale[-64:], told.decode()):
        assert secret not in whole
    assert browser.fetch("/api/me").status_code == 200
    assert site.signal("workos_event") == []


@pytest.mark.parametrize(
    "kind", ["forged", "stale", "unreadable", "no event", "not JSON", "too large", "cut off"]
)
def test_security_w4_no_line_about_a_refused_webhook_has_anything_of_it(
    site, post, body, workos, caplog, kind
):
    caplog.set_level(logging.DEBUG)
    told = body("user.deleted", {"id": "user_of_this_test"})
    whole = {"environ_overrides": {"CONTENT_LENGTH": str(len(told) + 9)}}
    sent = {
        "forged": lambda: post(told, secret=OTHER),
        "stale": lambda: post(told, age=200),
        "unreadable": lambda: post(told, header=f"t=now, v1={SECRET}"),
        "no event": lambda: post(b'{"id":"user_of_this_test"}'),
        "not JSON": lambda: post(b"user_of_this_test"),
        "too large": lambda: post(told * 10_000),
        "cut off": lambda: post(told, **whole),
    }
    assert sent[kind]().status_code in (400, 413)
    assert len(lines(caplog)) == 1
    signed = {workos.sign(told, each)[-64:] for each in (SECRET, OTHER)}
    for word in (SECRET, OTHER, "user_of_this_test", "v1=", *signed):
        assert word not in caplog.text


def test_the_next_line_tells_how_many_there_were(site, post, body, caplog, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(site.parts.refused_webhooks, "_monotonic", lambda: now[0])
    for second in range(25):
        now[0] = float(second)
        post(body(), secret=OTHER)
    assert len(lines(caplog)) == 3
    assert "9 others" in lines(caplog)[1]


# --- over HTTP, as LocalWorkOS delivers


@pytest.fixture
def served(make_site, workos):
    """A site behind a real server, and LocalWorkOS's webhook to it."""
    site = make_site(WORKOS_WEBHOOK_SECRET=SECRET)
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    site.hook = workos.add_webhook(f"http://127.0.0.1:{server.port}{PATH}", secret=SECRET)
    yield site
    workos.remove_webhook(site.hook)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_local_workos_tells_of_a_revoked_session(served, workos, clock):
    browser = served.browser()
    browser.sign_in()
    workos.revoke(workos.sessions[-1].id)
    assert {each.status for each in workos.wait_for_deliveries()} == {200}
    assert browser.fetch("/api/me").json["required"] == {"reason": "revoked"}
    assert [each["reason"] for each in served.signal("session_ended")] == ["revoked"]
    kinds = [each["event"].type for each in served.signal("workos_event")]
    assert "session.revoked" in kinds


@pytest.mark.parametrize("spelling", ["usual", "tight", "loose", "swapped", "several"])
def test_a_local_workos_may_spell_the_signature_in_many_ways(served, workos, spelling):
    event = workos.emit("custom.happened")
    (delivery,) = workos.deliver(event, signature=spelling)
    assert delivery.status == 200


@pytest.mark.parametrize(
    "how",
    [
        {"forged": True},
        {"age": 181},
        {"age": -181},
        {"signature": "no_time"},
        {"signature": "no_digest"},
        {"signature": "absent"},
    ],
)
def test_security_w4_what_a_local_workos_sends_wrong_is_refused(served, workos, how):
    with workos.hold_webhooks() as held:
        event = workos.emit("user.created", {"id": "user_1"})
        held.drop()
    (delivery,) = workos.deliver(event, **how)
    assert delivery.status == 400
    assert served.signal("workos_event") == []


def test_events_that_come_out_of_order_and_twice_do_no_harm(served, workos, clock):
    browser = served.browser()
    browser.sign_in("alice@acme.test")
    with workos.hold_webhooks() as held:
        clock.advance(10)
        for role in ("member", "admin", "member"):
            workos.set_role("alice@acme.test", "Acme", role)
            clock.advance(1)
        workos.webhooks_next(9, times=2)
        assert {each.status for each in held.release(reverse=True)} == {200}
    clock.advance(2)
    assert browser.fetch("/api/me").json["role"] == "member"


def test_it_answers_in_milliseconds(served, workos):
    began = time.monotonic()
    for number in range(50):
        event = workos.emit("user.updated", {"id": f"user_{number}"})
        workos.deliver(event)
    workos.wait_for_deliveries()
    assert (time.monotonic() - began) / 50 < 0.1


def test_an_app_in_a_factory_has_its_webhook():
    app = Flask("factory")
    app.config.update(testing.settings(WORKOS_WEBHOOK_SECRET=SECRET))
    WorkOSSessions().init_app(app)
    assert app.test_client().post(PATH).status_code == 400
