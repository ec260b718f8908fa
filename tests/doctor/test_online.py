"""What the doctor asks over HTTP: WorkOS, and the app's own webhook route."""

from __future__ import annotations

import json
import os
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import ScriptInfo
from werkzeug.serving import make_server

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.doctor import workos_answers
from flask_workos_sessions.doctor.examination import examine
from flask_workos_sessions.doctor.subject import Subject
from flask_workos_sessions.events_command import events_command
from flask_workos_sessions.local import LocalWorkOS, MovableClock
from flask_workos_sessions.workos.transport import Answer, Transport, Unreachable


def told(diagnosis):
    return [(each["level"], each["what"]) for each in diagnosis.wrong]


@pytest.fixture
def serve():
    servers = []

    def serve(app):
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_all_is_well(diagnose, online, workos):
    found = diagnose(online, "--strict")
    assert (told(found), found.exit_code) == ([], 0)
    said = str(found.findings)
    assert "The clock of this machine is WorkOS's." in said
    assert "1 RS256 key." in said
    assert "WorkOS takes the API key." in said
    assert {each.method for each in workos.requests} == {"GET"}


def test_an_api_key_that_was_revoked(diagnose, online, workos):
    workos.api_key = "sk_test_another_one"
    found = diagnose(online)
    assert told(found) == [("fault", "WorkOS refuses the API key.")]
    assert found.exit_code == 1


def test_a_client_id_that_is_unknown(diagnose, online):
    found = diagnose({**online, "WORKOS_CLIENT_ID": "client_unknown"})
    assert told(found) == [("fault", "WorkOS knows no such client id.")]


def test_a_line_begins_with_its_setting_if_the_text_does_not_name_it(doctor, online):
    done = doctor({**online, "WORKOS_CLIENT_ID": "client_unknown"})
    assert "  FAULT   WORKOS_CLIENT_ID: WorkOS knows no such client id." in done.stdout


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"WORKOS_BASE_URL": "ftp://nowhere"}, []),
        ({"WORKOS_CLIENT_ID": None}, ["/events"]),
        ({"WORKOS_API_KEY": None}, ["/sso/jwks/client"]),
    ],
)
def test_workos_is_asked_only_what_can_be_asked(online, monkeypatch, change, asked):
    paths = []

    def call(transport, method, path, **_):
        paths.append(path.partition("_")[0])
        raise Unreachable("refused")

    monkeypatch.setattr(Transport, "call", call)
    found = list(examine(Subject.of({**online, **change}, {}, testing=True)))
    assert paths == asked
    assert ["reachable"] * len(asked) == [each.check for each in found if each.part == "WorkOS"][
        : len(asked)
    ]


def test_workos_is_away_and_need_not_be_asked(diagnose, online, workos):
    workos.stop()
    found = diagnose(online)
    assert told(found) == [("fault", "WorkOS cannot be reached (refused).")]
    assert diagnose(online, "--offline", "--strict").exit_code == 0


def test_offline_asks_nobody(diagnose, online, workos):
    diagnose(online, "--offline")
    assert workos.requests == []


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [
        (0, "ok", "is WorkOS's"),
        (30, "warning", "30 seconds ahead of"),
        (-30, "warning", "30 seconds behind"),
        (-300, "fault", "300 seconds behind"),
    ],
)
def test_a_clock_that_is_wrong(tmp_path, ahead, level, words):
    clock = MovableClock(1_800_000_000.5).freeze()
    with LocalWorkOS(clock=clock) as workos:
        settings = workos.settings("http://localhost/auth/callback", WORKOS_CACHE_DIR=str(tmp_path))
        subject = Subject.of(settings, {}, testing=True, clock=lambda: clock() + ahead)
        (found,) = [each for each in examine(subject) if each.check == "clock"]
    assert found.level == level
    assert words in found.what


@pytest.mark.parametrize(
    ("headers", "level"),
    [
        ({"Date": "Thu, 01 Jan 1970 00:10:00 GMT"}, "ok"),
        ({"Date": "Thu, 01 Jan 1970 00:05:00 GMT"}, "fault"),
        ({"Date": "Thu, 01 Jan 1970 00:05:00 GMT", "Age": "300"}, "ok"),
        ({"Date": "Thu, 01 Jan 1970 00:10:00 GMT", "Age": "old"}, "ok"),
    ],
)
def test_an_answer_out_of_a_cache_is_as_old_as_it_says(headers, level):
    (found,) = workos_answers.clock_difference(Answer(200, headers, b""), 600.5)
    assert found.level == level


@pytest.mark.parametrize(
    ("seconds", "level"), [(5, "ok"), (6, "warning"), (60, "warning"), (61, "fault")]
)
@pytest.mark.parametrize("side", [1, -1])
def test_how_far_a_clock_may_be_off(seconds, level, side):
    answer = Answer(200, {"Date": "Thu, 01 Jan 1970 00:10:00 GMT"}, b"")
    (found,) = workos_answers.clock_difference(answer, 600.5 + side * seconds)
    assert found.level == level


def test_keys_in_an_error_are_no_keys(workos, online):
    path = f"/sso/jwks/{online['WORKOS_CLIENT_ID']}"
    answer = Transport(online["WORKOS_BASE_URL"]).call("GET", path, timeout=5)
    assert [each.level for each in workos_answers.keys(answer)] == ["ok"]
    (found,) = workos_answers.keys(replace(answer, status=500))
    assert (found.level, "(status 500)" in found.what) == ("fault", True)


@pytest.mark.parametrize("date", [None, "today"])
def test_a_clock_that_cannot_be_compared_is_not_called_right(date):
    headers = {} if date is None else {"Date": date}
    (found,) = workos_answers.clock_difference(Answer(200, headers, b""), 600.5)
    assert (found.level, "sent no date" in found.what) == ("ok", True)


@pytest.mark.parametrize("keys", [{"keys": []}, {"keys": [{"kty": "EC", "kid": "a"}]}, ["odd"]])
def test_a_key_set_without_a_key_for_us(diagnose, online, serve, keys):
    app = Flask("proxy")
    app.add_url_rule("/sso/jwks/<client>", "keys", lambda client: keys)
    app.add_url_rule("/events", "events", lambda: {"data": []})
    found = diagnose({**online, "WORKOS_BASE_URL": serve(app)})
    assert told(found) == [("fault", "There is no RS256 key in what is answered (status 200).")]


@pytest.mark.parametrize(("status", "words"), [(403, "may not read events"), (500, "answered 500")])
def test_a_key_that_workos_does_not_answer(diagnose, online, serve, workos, status, words):
    app = Flask("proxy")
    app.add_url_rule("/events", "events", lambda: ({"message": "no"}, status))
    found = diagnose({**online, "WORKOS_BASE_URL": serve(app)})
    assert any(level == "warning" and words in what for level, what in told(found))


# A real token.


@pytest.fixture
def token(workos):
    return workos.sign_in("alice@acme.test")["access_token"]


def test_the_issuer_is_suggested_from_a_token_that_is_not_shown(doctor, online, workos, token):
    del online["WORKOS_ISSUER"]
    done = doctor(online, "--token-file", "-", input=f"{token}\n")
    assert "WARNING WORKOS_ISSUER is not set: `iss` is not checked." in done.stdout
    assert f"By this token it is: {workos.issuer}" in done.stdout
    assert not [part for part in token.split(".") if part in done.output]
    assert (done.exit_code, "user_0" in done.output) == (0, False)


def test_an_issuer_that_accepts_no_real_token(diagnose, online, token, tmp_path):
    (tmp_path / "token").write_text(token)
    online["WORKOS_ISSUER"] = "https://elsewhere.example.com"
    found = diagnose(online, "--token-file", str(tmp_path / "token"))
    assert told(found) == [
        ("fault", "WORKOS_ISSUER does not accept this token: nobody can sign in.")
    ]


def test_the_token_says_how_long_tokens_live(diagnose, online, workos):
    workos.set_clocks(access_token_seconds=3600)
    token = workos.sign_in("alice@acme.test")["access_token"]
    (found,) = told(diagnose(online, "--token-file", "-", input=token))
    assert "is not longer than an access token lives (3600, as the token says)" in found[1]


@pytest.mark.parametrize(
    ("change", "words"), [("cut", "no readable form"), ("other", "another client id")]
)
def test_a_token_that_is_none_of_ours(diagnose, online, token, change, words):
    if change == "other":
        online["WORKOS_CLIENT_ID"] = "client_other"
    raw = token[:100] if change == "cut" else token
    found = diagnose(online, "--offline", "--token-file", "-", input=raw)
    assert [(level, words in what) for level, what in told(found)] == [("fault", True)]


def test_a_file_that_is_no_text_holds_no_token(diagnose, online, tmp_path):
    (tmp_path / "token").write_bytes(b"\xff\xfe\x00")
    found = diagnose(online, "--offline", "--token-file", str(tmp_path / "token"))
    assert [(level, "no readable form" in what) for level, what in told(found)] == [("fault", True)]


def unsigned(online, **claims):
    """A token as far as the doctor looks at it."""
    now = int(time.time())
    client = {"client_id": online["WORKOS_CLIENT_ID"]}
    given = {"sub": "user_1", "sid": "session_1", "iat": now, "exp": now + 300, **client, **claims}
    parts = (json.dumps(each).encode() for each in ({"alg": "RS256", "kid": "k"}, given))
    return ".".join([*(urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2ln"])


@pytest.mark.parametrize(
    ("issuer", "suggested"),
    [
        ("https://" + "i" * 192, True),
        ("http://127.0.0.1:1", True),
        ("https://" + "i" * 193, False),
        ("https://a\u202eb", False),
        ("canary of a claim", False),
        ("", False),
        (None, False),
        (["https://a"], False),
    ],
)
def test_only_an_issuer_that_can_be_one_is_suggested(online, issuer, suggested):
    del online["WORKOS_ISSUER"]
    token = unsigned(online, iss=issuer)
    (found,) = [
        each
        for each in examine(Subject.of(online, {}, testing=True), offline=True, token=token)
        if each.check == "issuer"
    ]
    assert found.level == "warning"
    told = f"By this token it is: {issuer}"
    assert (found.remedy == told) is suggested
    assert suggested or "Save the access token" in found.remedy


@pytest.mark.parametrize("lasting", [(-7200, -6900), (7200, 7500)])
def test_a_token_of_another_time_tells_the_issuer_too(online, lasting):
    iat, exp = (int(time.time()) + each for each in lasting)
    token = unsigned(online, iss=online["WORKOS_ISSUER"], iat=iat, exp=exp)
    found = list(examine(Subject.of(online, {}, testing=True), offline=True, token=token))
    assert [each.what for each in found if each.check in ("token", "issuer")] == [
        "WORKOS_ISSUER accepts this token."
    ]


# News.


def test_a_poller_that_runs_is_as_good_as_webhooks(diagnose, online):
    del online["WORKOS_WEBHOOK_SECRET"]
    assert "no events poller was seen" in told(diagnose(online))[0][1]
    app = Flask("polling")
    app.config.update(online)
    WorkOSSessions(app)
    done = CliRunner().invoke(events_command, ["--once"], obj=ScriptInfo(create_app=lambda: app))
    assert (done.exit_code, done.output) == (0, "")
    assert told(diagnose(online)) == []


@pytest.mark.parametrize(("seconds", "found"), [(599, 0), (602, 1)])
def test_a_poller_that_ended_is_not_taken_for_one_that_runs(online, seconds, found):
    del online["WORKOS_WEBHOOK_SECRET"]
    then = time.time() - seconds
    subject = Subject.of(online, {}, testing=True, last_polled=lambda: then)
    wrong = [each for each in examine(subject) if each.level != "ok"]
    assert len(wrong) == found
    assert all("the events poller has last read 602 seconds ago" in each.what for each in wrong)


REDIS = {"WORKOS_CACHE_DIR": None, "WORKOS_CACHE_REDIS_URL": "redis://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("offline", "change", "level"),
    [(True, REDIS, "ok"), (False, {"WORKOS_CACHE_TYPE": "memory"}, "warning")],
)
def test_the_shared_state_is_not_asked_for_the_poller_when_it_may_not_or_cannot(
    online, offline, change, level
):
    del online["WORKOS_WEBHOOK_SECRET"]

    def asked():
        pytest.fail("it was asked")

    subject = Subject.of({**online, **change}, {}, last_polled=asked)
    found = list(examine(subject, offline=offline))
    assert [each.level for each in found if each.check == "news"] == [level]


def test_a_file_is_asked_for_the_poller_offline_too(online):
    del online["WORKOS_WEBHOOK_SECRET"]
    subject = Subject.of({**online, "WORKOS_CACHE_TYPE": "sqlite"}, {}, last_polled=time.time)
    found = list(examine(subject, offline=True))
    assert [each.level for each in found if each.check == "news"] == ["ok"]


def test_the_webhook_endpoint_refuses_what_is_not_signed(diagnose, online, serve):
    app = Flask("served")
    app.config.update(online)
    WorkOSSessions(app)
    url = f"{serve(app)}/auth/webhook"
    found = diagnose(online, "--webhook-url", url)
    assert told(found) == []
    assert "answers, and refuses what is not signed" in str(found.findings)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (200, "See that the app answers there"),
        (299, "See that the app answers there"),
        (302, "Let POSTs to it through"),
        (401, "Let POSTs to it through"),
        (403, "Let POSTs to it through"),
        (400, "See that the app answers there"),
        (404, "Its route is /auth/webhook."),
    ],
)
def test_something_else_answers_for_the_webhook(diagnose, online, serve, status, remedy):
    app = Flask("another")
    app.add_url_rule("/auth/webhook", "webhook", lambda: ({}, status), methods=["POST"])
    found = diagnose(online, "--webhook-url", f"{serve(app)}/auth/webhook")
    assert told(found) == [
        ("fault", f"The webhook endpoint answers {status}, not 400 signature_refused.")
    ]
    assert remedy in found.wrong[0]["remedy"]


def test_nothing_answers_for_the_webhook(diagnose, online):
    found = diagnose(online, "--webhook-url", "http://127.0.0.1:9/auth/webhook")
    assert told(found) == [("fault", "The webhook endpoint does not answer (refused).")]


@pytest.mark.parametrize("given", ["--offline --webhook-url http://localhost/x", "--webhook-url x"])
def test_a_webhook_url_that_cannot_be_asked(doctor, online, given):
    assert doctor(online, *given.split()).exit_code == 2


def test_nothing_of_the_environment_is_in_the_way():
    assert not [name for name in os.environ if name.startswith("WORKOS_API")]
