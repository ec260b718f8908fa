"""Calls to WorkOS: what is sent, what is made of the answers, and what nothing ever does."""

from __future__ import annotations

import json
import os
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from flask_workos_sessions.errors import UserNotFound
from flask_workos_sessions.session_record import Impersonator
from flask_workos_sessions.workos.active_session import ActiveSession
from flask_workos_sessions.workos.client import MAX_PAGES, WorkOSClient
from flask_workos_sessions.workos.outcomes import Authenticated, Rejected, Transient
from flask_workos_sessions.workos.transport import MAX_BODY, Unreachable

BASE = "https://api.workos.test"
AUTHENTICATE = f"{BASE}/user_management/authenticate"
REVOKE = f"{BASE}/user_management/sessions/revoke"
SESSIONS = f"{BASE}/user_management/users/user_1/sessions"
JWKS = f"{BASE}/sso/jwks/client_1"
GOOD = {"user": {"id": "user_1"}, "access_token": "access", "refresh_token": "refresh"}


@pytest.fixture
def workos():
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def client() -> WorkOSClient:
    return WorkOSClient(base_url=BASE + "/", client_id="client_1", api_key="sk_test_key")


def sent(workos) -> dict:
    return json.loads(workos.calls[-1].request.body)


# --- exchanges


def test_the_exchange_of_a_code(client, workos):
    workos.post(AUTHENTICATE, json=GOOD)
    outcome = client.exchange_code(
        "code_1",
        code_verifier="verifier_1",
        ip_address="203.0.113.7",
        user_agent="Firefox",
        invitation_token="invitation_1",
    )
    assert isinstance(outcome, Authenticated)
    assert sent(workos) == {
        "grant_type": "authorization_code",
        "client_id": "client_1",
        "client_secret": "sk_test_key",
        "code": "code_1",
        "code_verifier": "verifier_1",
        "invitation_token": "invitation_1",
        "ip_address": "203.0.113.7",
        "user_agent": "Firefox",
    }
    assert workos.calls[0].request.headers["Content-Type"] == "application/json"


def test_the_exchange_of_a_refresh_token(client, workos):
    workos.post(AUTHENTICATE, json=GOOD)
    outcome = client.exchange_refresh_token(
        "refresh_1", organization_id="org_1", ip_address="2001:DB8::1", user_agent="Firefox"
    )
    assert isinstance(outcome, Authenticated)
    assert sent(workos) == {
        "grant_type": "refresh_token",
        "client_id": "client_1",
        "client_secret": "sk_test_key",
        "refresh_token": "refresh_1",
        "organization_id": "org_1",
        "ip_address": "2001:db8::1",
        "user_agent": "Firefox",
    }


def test_what_is_not_known_is_not_sent(client, workos):
    workos.post(AUTHENTICATE, json=GOOD)
    client.exchange_refresh_token("refresh_1")
    assert set(sent(workos)) == {"grant_type", "client_id", "client_secret", "refresh_token"}
    client.exchange_code("code_1", code_verifier="verifier_1", ip_address="", user_agent="")
    assert set(sent(workos)) == {
        *("grant_type", "client_id", "client_secret", "code", "code_verifier")
    }


def test_an_exchange_has_the_key_in_its_body_only(client, workos):
    workos.post(AUTHENTICATE, json=GOOD)
    client.exchange_refresh_token("refresh_1")
    assert "Authorization" not in workos.calls[0].request.headers


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Größe/1.0 (日本) \N{PILE OF POO}", "Größe/1.0 (日本) \N{PILE OF POO}"),
        ('a"b\\c</script>', 'a"b\\c</script>'),
        ("a\r\nX-Evil: 1\x00\x7f", "a  X-Evil: 1"),
        ("half \ud83d a pair", "half   a pair"),
        ("\udcff", None),
        (" \t ", None),
        ("x" * 5000, "x" * 512),
    ],
)
def test_no_user_agent_breaks_the_json(client, workos, user_agent, expected):
    workos.post(AUTHENTICATE, json=GOOD)
    client.exchange_refresh_token("refresh_1", user_agent=user_agent)
    assert workos.calls[0].request.body.isascii()
    assert sent(workos).get("user_agent") == expected
    json.dumps(sent(workos), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("ip_address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("203.0.113.7, 10.0.0.1", None),
        ("unknown", None),
        ("203.0.113.7:443", None),
        ('"\ud800', None),
        ("unix:", None),
    ],
)
def test_only_an_ip_address_is_sent_as_one(client, workos, ip_address, expected):
    workos.post(AUTHENTICATE, json=GOOD)
    client.exchange_refresh_token("refresh_1", ip_address=ip_address)
    assert sent(workos).get("ip_address") == expected


def test_no_code_breaks_the_json(client, workos):
    workos.post(AUTHENTICATE, json=GOOD)
    client.exchange_code('"\ud800\x00ü', code_verifier="verifier_1")
    assert sent(workos)["code"] == '"?\x00ü'


def test_a_refusal_is_told(client, workos):
    workos.post(AUTHENTICATE, status=400, json={"error": "invalid_grant"})
    assert client.exchange_refresh_token("refresh_1") == Rejected("invalid_grant", 400)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (requests.ConnectionError("https://api.workos.test/?secret"), "network"),
        (requests.ConnectTimeout(), "timeout"),
        (requests.ReadTimeout(), "timeout"),
        (requests.exceptions.SSLError(), "network"),
        (requests.exceptions.ProxyError(), "network"),
        (requests.exceptions.ChunkedEncodingError(), "network"),
        (requests.exceptions.InvalidHeader(), "network"),
        (OSError("Too many open files"), "network"),
    ],
)
def test_trouble_on_the_network_is_an_outcome(client, workos, fault, reason):
    workos.post(AUTHENTICATE, body=fault)
    assert client.exchange_refresh_token("refresh_1") == Transient(reason)
    assert client.exchange_code("code_1", code_verifier="verifier_1") == Transient(reason)
    assert len(workos.calls) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_transient_and_not_followed(client, workos, status):
    """Security S7."""
    workos.post(AUTHENTICATE, status=status, headers={"Location": "https://evil.test/"})
    assert client.exchange_refresh_token("refresh_1") == Transient("unreadable", status=status)
    assert len(workos.calls) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_nothing_is_tried_twice(client, workos, status):
    workos.post(AUTHENTICATE, status=status, headers={"Retry-After": "NaN"})
    outcome = client.exchange_refresh_token("refresh_1")
    assert isinstance(outcome, Transient)
    assert outcome.retry_after is None
    assert len(workos.calls) == 1


def test_every_call_has_timeouts(client, workos):
    workos.post(AUTHENTICATE, json=GOOD)
    workos.post(REVOKE, json={})
    workos.get(SESSIONS, json={})
    workos.get(JWKS, json={})
    client.exchange_refresh_token("refresh_1")
    client.exchange_code("code_1", code_verifier="verifier_1")
    client.revoke_session("session_1", timeout=2)
    client.session_expires_at("user_1", "session_1", timeout=1)
    client.fetch_keys()
    timeouts = [call.request.req_kwargs["timeout"] for call in workos.calls]
    assert timeouts[:3] == [(2.0, 7.5), (2.0, 8.0), (2.0, 2.0)]
    assert timeouts[3] == pytest.approx((1, 1), abs=0.1)
    assert timeouts[4] == (2.0, 3.0)


def test_an_answer_that_does_not_end_is_not_read_to_its_end(client, workos):
    workos.post(AUTHENTICATE, body=b"x" * (MAX_BODY + 1))
    assert client.exchange_refresh_token("refresh_1") == Transient("unreadable", status=200)


def test_no_cookie_is_kept(client, workos):
    workos.post(AUTHENTICATE, json=GOOD, headers={"Set-Cookie": "of=somebody; Path=/"})
    client.exchange_refresh_token("refresh_1")
    client.exchange_refresh_token("refresh_2")
    assert "Cookie" not in workos.calls[1].request.headers


# --- revoking


@pytest.mark.parametrize(
    ("status", "body", "gone"),
    [
        (200, "", True),
        (200, "{}", True),
        (204, "", True),
        (404, '{"message":"Session not found."}', True),
        (400, '{"message":"Session already revoked."}', True),
        (404, "<html>No such page</html>", False),
        (400, "", False),
        (400, "[]", False),
        (400, "[" * 100_000, False),
        (401, '{"message":"Unauthorized"}', False),
        (403, '{"message":"Forbidden"}', False),
        (422, '{"message":"…"}', False),
        (429, "", False),
        (500, '{"message":"…"}', False),
        (302, "", False),
    ],
)
def test_revoking_tells_whether_the_session_is_gone(client, workos, status, body, gone):
    workos.post(REVOKE, status=status, body=body)
    assert client.revoke_session("session_1") is gone
    assert sent(workos) == {"session_id": "session_1"}
    assert workos.calls[0].request.headers["Authorization"] == "Bearer sk_test_key"


def test_revoking_during_an_outage_is_to_be_tried_again(client, workos):
    workos.post(REVOKE, body=requests.ReadTimeout())
    assert client.revoke_session("session_1") is False


# --- the absolute end


def session(number, expires_at="2026-12-24T12:00:00.000Z"):
    return {"object": "session", "id": f"session_{number}", "expires_at": expires_at}


def listing(*sessions, after=None):
    return {
        "object": "list",
        "data": list(sessions),
        "list_metadata": {"before": None, "after": after},
    }


def test_the_end_of_a_session(client, workos):
    workos.get(SESSIONS, json=listing(session(2, "2027-01-01T00:00:00Z"), session(1)))
    assert client.session_expires_at("user_1", "session_1") == 1798113600
    assert workos.calls[0].request.headers["Authorization"] == "Bearer sk_test_key"


def test_the_end_of_a_session_on_a_later_page(client, workos):
    workos.get(SESSIONS, json=listing(session(2), after="session_2"))
    workos.get(SESSIONS, json=listing(session(3), after="session&3"))
    workos.get(SESSIONS, json=listing(session(1)))
    assert client.session_expires_at("user_1", "session_1") == 1798113600
    queries = [parse_qs(urlsplit(call.request.url).query) for call in workos.calls]
    assert [query.get("after") for query in queries] == [None, ["session_2"], ["session&3"]]


def test_at_most_three_pages_are_looked_at(client, workos):
    workos.get(SESSIONS, json=listing(session(2), after="session_2"))
    assert client.session_expires_at("user_1", "session_1") is None
    assert len(workos.calls) == 3


def test_the_time_for_all_pages_is_bounded(client, workos, monkeypatch):
    ticks = iter([0.0, 0.5, 0.9, 1.1])
    monkeypatch.setattr("flask_workos_sessions.workos.client.time.monotonic", lambda: next(ticks))
    workos.get(SESSIONS, json=listing(session(2), after="session_2"))
    assert client.session_expires_at("user_1", "session_1", timeout=1) is None
    assert len(workos.calls) < 3


@pytest.mark.parametrize(
    "answer",
    [
        {}, [], None, "text", {"data": None}, {"data": {}}, {"data": [None, 7, []]},
        listing(session(2)), {"data": [], "list_metadata": []}, listing(after=7),
        *[listing(session(1, value)) for value in (None, 7, "", "soon", "2026-13-45", [])],
        listing(session(1, "0001-01-01T00:00:00+23:59")),
        listing(session(1, "1969-12-31T00:00:00Z")),
    ],
)  # fmt: skip
def test_an_end_that_is_not_told_is_not_known(client, workos, answer):
    workos.get(SESSIONS, json=answer)
    assert client.session_expires_at("user_1", "session_1") is None


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500])
def test_an_end_that_is_refused_is_not_known(client, workos, status):
    workos.get(SESSIONS, status=status, json=listing(session(1)))
    assert client.session_expires_at("user_1", "session_1") is None


def test_an_end_that_cannot_be_asked_for_is_not_known(client, workos):
    workos.get(SESSIONS, body=requests.ReadTimeout())
    assert client.session_expires_at("user_1", "session_1") is None


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [
        ("2026-12-24T12:00:00Z", 1798113600),
        ("2026-12-24T12:00:00.999Z", 1798113600),
        ("2026-12-24T13:00:00+01:00", 1798113600),
        ("2026-12-24T12:00:00", 1798113600),
    ],
)
def test_the_end_in_seconds(client, workos, expires_at, expected):
    workos.get(SESSIONS, json=listing(session(1, expires_at)))
    assert client.session_expires_at("user_1", "session_1") == expected


@pytest.mark.parametrize(
    ("user_id", "path"),
    [
        ("a/../b?c#d", "a%2F..%2Fb%3Fc%23d"),
        ("ü %", "%C3%BC%20%25"),
        ("..%2f..", "..%252f.."),
        ("a\r\nb", "a%0D%0Ab"),
    ],
)
def test_ids_are_quoted_in_paths(client, workos, user_id, path):
    workos.get(f"{BASE}/user_management/users/{path}/sessions", json=listing(session(1)))
    assert client.session_expires_at(user_id, "session_1") == 1798113600


@pytest.mark.parametrize("user_id", ["", ".", ".."])
def test_an_id_that_is_a_way_up_is_not_asked_for(client, workos, user_id):
    assert client.session_expires_at(user_id, "session_1") is None
    assert not workos.calls


# --- keys


def test_the_key_set(client, workos):
    workos.get(JWKS, json={"keys": []})
    assert client.fetch_keys() == {"keys": []}
    assert "Authorization" not in workos.calls[0].request.headers


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_a_key_set_that_is_refused_raises(client, workos, status):
    workos.get(JWKS, status=status, json={"keys": []})
    with pytest.raises(Unreachable, match=str(status)):
        client.fetch_keys()


@pytest.mark.parametrize("body", ["", "<html>", "[]", "null", "{", "[" * 100_000])
def test_a_key_set_that_is_none_raises(client, workos, body):
    workos.get(JWKS, body=body)
    with pytest.raises(ValueError, match=r"."):
        client.fetch_keys()


def test_a_key_set_that_does_not_come_raises_without_the_address(client, workos):
    workos.get(JWKS, body=requests.ConnectionError("https://user:secret@api.workos.test"))
    with pytest.raises(Unreachable) as unreachable:
        client.fetch_keys()
    assert "secret" not in str(unreachable.value)
    assert unreachable.value.__suppress_context__


# --- the logout URL


def test_the_logout_url(client):
    assert client.logout_url("session_1") == (
        f"{BASE}/user_management/sessions/logout?session_id=session_1"
    )


def test_the_logout_url_quotes_what_it_is_given(client):
    text = client.logout_url("a&b=c#d/ü", "https://app.acme.test/bye?x=1&y=2")
    assert parse_qs(urlsplit(text).query) == {
        "session_id": ["a&b=c#d/ü"],
        "return_to": ["https://app.acme.test/bye?x=1&y=2"],
    }
    assert not urlsplit(text).fragment


# --- processes


def test_the_api_key_is_not_shown(client):
    assert "sk_test_key" not in repr(client) + str(client)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_opens_its_own_connections(client):
    before = client._transport._opened()
    assert client._transport._opened() is before
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(writer, b"own" if client._transport._opened() is not before else b"shared")
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 10) == b"own"
    os.close(reader)
    os.waitpid(pid, 0)


# --- a person's sessions


def test_the_sessions_of_a_person(client, workos):
    told = {
        **session(1),
        "user_id": "user_1",
        "organization_id": None,
        "status": "active",
        "auth_method": "sso",
        "ip_address": "192.0.2.7",
        "user_agent": "Browser",
        "created_at": "2026-12-23T12:00:00.500Z",
        "updated_at": "2026-12-23T13:00:00.500Z",
        "impersonator": {"email": "support@vendor.test", "reason": None},
    }
    others = [
        {**told, "id": "session_2", "status": "revoked"},
        {**told, "id": "session_3", "user_id": "user_2"},
        {**told, "id": 4},
        None,
    ]
    workos.get(SESSIONS, json=listing(told, *others))
    assert list(client.sessions_of("user_1")) == [
        ActiveSession(
            id="session_1",
            user_id="user_1",
            auth_method="sso",
            ip_address="192.0.2.7",
            user_agent="Browser",
            created_at=1798027200,
            updated_at=1798030800,
            expires_at=1798113600,
            impersonator=Impersonator("support@vendor.test"),
        )
    ]


@pytest.mark.parametrize("impersonator", [None, {}, {"email": None}, [], "support@vendor.test"])
def test_what_is_told_in_another_way_is_left_out(client, workos, impersonator):
    told = {**session(1, 7), "ip_address": {}, "user_agent": 7, "impersonator": impersonator}
    workos.get(SESSIONS, json=listing(told))
    assert list(client.sessions_of("user_1")) == [ActiveSession("session_1", "user_1")]


@pytest.mark.parametrize("status", [302, 400, 401, 403, 422, 429, 500])
def test_sessions_that_are_not_told_are_no_empty_list(client, workos, status):
    workos.get(SESSIONS, status=status, json={**listing(session(1)), "message": "…"})
    with pytest.raises(Unreachable) as raised:
        list(client.sessions_of("user_1"))
    assert raised.value.status == status


def test_half_a_list_is_none(client, workos):
    workos.get(SESSIONS, json=listing(session(1), after="session_1"))
    workos.get(SESSIONS, json={"data": {}})
    with pytest.raises(Unreachable):
        list(client.sessions_of("user_1"))


def test_a_list_without_an_end_is_given_up(client, workos):
    workos.get(SESSIONS, json=listing(session(1), after="session_1"))
    with pytest.raises(Unreachable):
        list(client.sessions_of("user_1"))
    assert len(workos.calls) == MAX_PAGES


@pytest.mark.parametrize(
    ("body", "error"),
    [('{"message":"User not found."}', UserNotFound), ("<html>No such page</html>", Unreachable)],
)
def test_only_workos_says_that_there_is_no_such_person(client, workos, body, error):
    workos.get(SESSIONS, status=404, body=body)
    with pytest.raises(error):
        list(client.sessions_of("user_1"))
