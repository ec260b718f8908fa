"""Which webhooks are believed, and what is read out of them (security W4)."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_workos_sessions.workos.events import Event, MalformedEvent, parse_event, read_event
from flask_workos_sessions.workos.moment import read_moment, write_moment
from flask_workos_sessions.workos.webhooks import (
    TOLERANCE,
    Signature,
    SignatureRefused,
)

NOW = 1_795_445_846.607
SECRET, OTHER = "the secret of an endpoint", "another one"
BODY = b'{"id":"event_1","event":"session.revoked"}'


def digest(body=BODY, secret=SECRET, t=int(NOW * 1000)):
    return hmac.new(secret.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()


def header(body=BODY, secret=SECRET, t=int(NOW * 1000), spelling="t={t}, v1={v1}"):
    return spelling.format(t=t, v1=digest(body, secret, t))


def verify_signature(body, given, secrets, now):
    Signature.read(given, now=now).check(body, secrets)


def refused(given, body=BODY, secrets=(SECRET,), now=NOW):
    with pytest.raises(SignatureRefused) as caught:
        verify_signature(body, given, secrets, now=now)
    return caught.value.reason


# --- signatures


def test_a_known_signature_is_believed():
    """Made with: printf '1795445846607.{"id":"event_1"}' | openssl dgst -sha256 -hmac k"""
    known = "10fbaaf2d1b76d49db74feae8b99f0d591db9e9a954c249fc070bb7dd394bc11"
    verify_signature(b'{"id":"event_1"}', f"t=1795445846607, v1={known}", ["k"], now=NOW)


@pytest.mark.parametrize(
    "spelling",
    [
        "t={t}, v1={v1}",
        "t={t},v1={v1}",
        " t = {t} ,   v1 = {v1} ",
        "v1={v1}, t={t}",
        "t={t}, v0=old, v1={v1}, v2=new, , x",
    ],
)
def test_security_w4_the_spelling_does_not_matter(spelling):
    verify_signature(BODY, header(spelling=spelling), [SECRET], now=NOW)


def test_hex_may_be_written_in_capitals():
    verify_signature(BODY, f"t={int(NOW * 1000)},v1={digest().upper()}", [SECRET], now=NOW)


def test_security_w4_one_of_several_signatures_has_to_be_right():
    wrong = digest(secret=OTHER)
    several = f"t={int(NOW * 1000)}, v1={wrong}, v1={digest()}, v1={wrong}"
    verify_signature(BODY, several, [SECRET], now=NOW)
    assert refused(f"t={int(NOW * 1000)}, v1={wrong}, v1={wrong}")


def test_security_w4_one_of_several_secrets_has_to_be_right():
    for secrets in ([OTHER, SECRET], [SECRET, OTHER]):
        verify_signature(BODY, header(), secrets, now=NOW)
    assert refused(header(), secrets=[OTHER])
    assert refused(header(), secrets=[])


def test_signatures_beyond_the_eighth_are_not_looked_at():
    wrong = ", ".join([f"v1={digest(secret=OTHER)}"] * 8)
    assert refused(f"t={int(NOW * 1000)}, {wrong}, v1={digest()}")


@pytest.mark.parametrize("age", [-TOLERANCE, -1, 0, 1, TOLERANCE])
def test_three_minutes_both_ways_are_tolerated(age):
    sent = int(NOW * 1000) - int(age * 1000)
    verify_signature(BODY, header(t=sent), [SECRET], now=int(NOW * 1000) / 1000)


@pytest.mark.parametrize("age", [-1e9, -TOLERANCE - 0.01, TOLERANCE + 0.01, 86_400, NOW])
def test_security_w4_what_is_stale_or_of_the_future_is_refused(age):
    sent = int(NOW * 1000 - age * 1000)
    assert "ago" in refused(header(t=sent))


def test_a_time_in_seconds_is_stale():
    assert refused(header(t=int(NOW)))


def test_security_w4_raw_bytes_are_signed():
    """The same JSON, written anew, is another body."""
    anew = json.dumps(json.loads(BODY)).encode()
    assert json.loads(anew) == json.loads(BODY)
    assert refused(header(), body=anew)
    latin = b'{"id":"\xe9"}'
    verify_signature(latin, header(latin), [SECRET], now=NOW)


def test_the_time_is_signed_as_it_was_sent():
    t = int(NOW * 1000)
    assert refused(f"t={t + 1}, v1={digest()}")
    padded = f"0{t}"
    signed = hmac.new(SECRET.encode(), f"{padded}.".encode() + BODY, hashlib.sha256).hexdigest()
    verify_signature(BODY, f"t={padded}, v1={signed}", [SECRET], now=NOW)


@pytest.mark.parametrize(
    "given",
    [
        "",
        ",",
        "=",
        "t=,v1=",
        "t=1795445846607",
        f"v1={digest()}",
        f"t=1795445846607 v1={digest()}",
        f"t=1795445846607, v1={digest()[:-1]}",
        f"t=1795445846607, v1={digest()}0",
        f"t=1795445846607, v1={'é' * 64}",
        f"t=1795445846607, v1={'٣' * 64}",
        f"t=-1795445846607, v1={digest()}",
        f"t=1.795445846607e12, v1={digest()}",
        f"t=NaN, v1={digest()}",
        f"t={'9' * 5000}, v1={digest()}",
        f"t=1795445846607, t=1795445846607, v1={digest()}",
        f"T=1795445846607, V1={digest()}",
        "\x00" * 8000,
        "t=1," * 2000,
    ],
)
def test_security_w4_a_header_that_cannot_be_read_is_refused(given):
    assert refused(given)


@given(st.text(max_size=200), st.binary(max_size=200))
def test_nothing_that_is_made_up_is_believed(header, body):
    with pytest.raises(SignatureRefused):
        verify_signature(body, header, [SECRET], now=NOW)


def test_no_reason_has_anything_of_the_request():
    for value in ("", header(t=1), header(secret=OTHER), "v1=" + digest()):
        reason = refused(value)
        assert SECRET not in reason
        assert not any(piece in reason for piece in (digest(), "1795445846607") if piece)


# --- events


WHOLE = {
    "object": "event",
    "id": "event_01",
    "event": "organization_membership.updated",
    "data": {"object": "organization_membership", "user_id": "user_1", "organization_id": "org_1"},
    "created_at": "2026-11-23T14:57:26.607Z",
    "context": {"client_id": "client_1"},
}


def test_an_event_is_read():
    event = parse_event(json.dumps(WHOLE).encode())
    assert (event.id, event.type) == ("event_01", "organization_membership.updated")
    assert event.created_at == 1_795_445_846.607
    assert (event.user_id, event.organization_id) == ("user_1", "org_1")
    assert event.context == {"client_id": "client_1"}
    assert event == read_event(WHOLE)
    assert len({event, read_event(WHOLE)}) == 1


def test_an_event_cannot_be_changed_and_its_repr_tells_nothing_of_a_person():
    event = read_event({**WHOLE, "data": {"email": "alice@acme.test"}})
    with pytest.raises(AttributeError):
        event.id = "other"
    with pytest.raises(TypeError):
        event.data["email"] = "other"
    assert "acme" not in repr(event)


def test_object_and_context_may_be_missing():
    bare = {name: WHOLE[name] for name in ("id", "event", "data", "created_at")}
    assert read_event(bare).context == {}


@pytest.mark.parametrize("odd", [None, 1, "text", [], [{}], True, 1e400])
@pytest.mark.parametrize("name", ["data", "context", "created_at", "object"])
def test_what_need_not_be_there_may_be_odd(name, odd):
    event = read_event({**WHOLE, name: odd})
    assert isinstance(event, Event)
    assert event.id == "event_01"
    assert event.created_at is None or name != "created_at"


@pytest.mark.parametrize(
    ("kind", "data", "user", "organization"),
    [
        ("user.deleted", {"id": "user_1"}, "user_1", None),
        ("organization.updated", {"id": "org_1"}, None, "org_1"),
        ("organization_role.updated", {"organization_id": "org_1"}, None, "org_1"),
        ("session.revoked", {"user_id": "user_1", "organization_id": None}, "user_1", None),
        ("user.deleted", {"id": 7}, None, None),
        ("user.deleted", {"id": "a b"}, None, None),
        ("user.deleted", {"id": "\ud800"}, None, None),
        ("user.deleted", {"id": "x" * 256}, None, None),
    ],
)
def test_whom_an_event_is_about(kind, data, user, organization):
    event = read_event({"id": "event_1", "event": kind, "data": data})
    assert (event.user_id, event.organization_id) == (user, organization)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"event"',
        b"\xff\xfe",
        b"\x80abc",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        b"{}",
        b'{"id":"event_1"}',
        b'{"event":"user.deleted"}',
        b'{"id":1,"event":"user.deleted"}',
        b'{"id":"","event":"user.deleted"}',
        b'{"id":"event_1","event":["user.deleted"]}',
        b'{"id":"\\ud800","event":"user.deleted"}',
        b'{"id":"a\\nb","event":"user.deleted"}',
        b'{"id":"' + b"x" * 300 + b'","event":"user.deleted"}',
    ],
)
def test_security_w4_what_is_no_event_is_refused_in_one_way(body):
    with pytest.raises(MalformedEvent):
        parse_event(body)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_value_in_any_place_is_read_or_refused(value):
    for name in ("id", "event", "data", "context", "created_at"):
        try:
            event = read_event({**WHOLE, name: value, "other": value})
        except MalformedEvent:
            continue
        assert event.user_id in (None, "user_1")


# --- moments


def test_a_moment_is_written_with_z_and_read_again():
    assert write_moment(1_795_445_846.607) == "2026-11-23T14:57:26.607Z"
    assert read_moment("2026-11-23T14:57:26.607Z") == 1_795_445_846.607
    assert read_moment("2026-11-23T15:57:26.607+01:00") == 1_795_445_846.607
    assert read_moment("2026-11-23T14:57:26") == 1_795_445_846


@pytest.mark.parametrize("odd", [None, 7, "", "soon", "1969-12-31T00:00:00Z", "2026-13-01", []])
def test_what_is_no_moment(odd):
    assert read_moment(odd) is None
