"""What is not a good session is nobody's: no exception, no call to WorkOS, no shared state."""

import base64
import json
import logging
import time

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.sealing.keys import KeyRing
from flask_workos_sessions.sealing.seal import Sealer
from flask_workos_sessions.session_record import SessionRecord
from flask_workos_sessions.stores.cookie import CookieStore


@pytest.fixture
def quiet(workos, site):
    """Asserts that a test made no call and wrote no shared state."""

    def state():
        return len(workos.requests), len(site.parts.endings._state)

    before = []

    class Quiet:
        def __enter__(self):
            before.append(state())

        def __exit__(self, kind, *_):
            if kind is None:
                assert state() == before.pop()

    return Quiet()


def anonymous(browser, value=None):
    if value is not None:
        browser.cookie = value
    response = browser.fetch("/api/me")
    assert response.status_code == 401
    assert response.json["error"] == "sign_in_required"
    return response


@pytest.fixture
def value(browser):
    browser.sign_in()
    return browser.cookie


def test_a_cookie_cut_at_any_byte_is_anonymous(browser, value, quiet):
    with quiet:
        for length in [*range(0, len(value), 7), len(value) - 1]:
            anonymous(browser, value[:length])


def test_a_cookie_with_a_flipped_bit_is_anonymous(browser, value, quiet):
    with quiet:
        for at in range(0, len(value), 11):
            flipped = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
            anonymous(browser, flipped)


@pytest.mark.parametrize(
    "junk",
    ["", " ", "x", "\x7f", "é", "a" * 65_000, "Fe26.2*1*x*y", "gAAAAABx", "=", "%00", '"', "," * 9],
)
def test_junk_is_anonymous(browser, value, quiet, junk):
    with quiet:
        response = browser.send(f"wos-session={junk}")
        assert response.status_code == 401


def test_a_cookie_under_an_unknown_key_is_anonymous_and_stays(browser, site, quiet, value):
    record = site.parts.store.open(value)
    foreign = Sealer(
        KeyRing(("another password, quite long enough",)),
        purpose="session",
        client_id=site.parts.settings.client_id,
    )
    with quiet:
        response = anonymous(browser, CookieStore(site.parts.settings, foreign).seal(record))
    # It may be a sibling's.
    assert "Set-Cookie" not in response.headers


def test_a_cookie_of_another_version_is_anonymous(browser, value, quiet):
    with quiet:
        anonymous(browser, "Ag" + value[2:])


def test_security_c3_sixty_cookies_of_one_name_are_anonymous(
    browser, value, quiet, site, monkeypatch
):
    opened = []
    monkeypatch.setattr(site.parts.store.sealer, "open", lambda *a, **k: opened.append(1))
    with quiet:
        response = browser.send("; ".join([f"wos-session={value}"] * 60))
    assert response.status_code == 401
    assert opened == []


def test_security_c1_two_different_sessions_are_anonymous_and_both_deleted(site, caplog):
    """Peers: bug class Q, duplicate cookies at different domains."""
    one, two = site.browser(), site.browser()
    one.sign_in("alice@acme.test")
    two.sign_in("bob@acme.test")
    both = f"wos-session={one.cookie}; wos-session={two.cookie}"
    response = one.send(both)
    assert response.status_code == 401
    deleted = response.headers.getlist("Set-Cookie")
    assert deleted
    assert all("Max-Age=0" in header for header in deleted)
    assert "two different sessions" in caplog.text
    assert one.cookie not in caplog.text


def test_two_cookies_of_one_session_are_the_newer_one(site, clock):
    browser = site.browser()
    browser.sign_in()
    old = browser.cookie
    clock.advance(280)
    newer = browser.fetch("/api/me")
    both = f"wos-session={old}; wos-session={browser.cookie}"
    response = site.browser().send(both)
    assert response.json == newer.json


def test_a_junk_cookie_beside_a_good_one_does_no_harm(site, value):
    both = f"wos-session=junk; wos-session={value}"
    response = site.browser().send(both)
    assert response.status_code == 200


def forged(site, value, *, header=None, key=None, **changed):
    """A cookie that we sealed, around a token that we should not have believed."""
    record = site.parts.store.open(value)
    token = site.parts.verifier.inspect(record.access_token)
    claims = {**token.claims, **changed}
    claims = {name: claim for name, claim in claims.items() if claim is not None}
    protected = {"alg": "RS256", "typ": "JWT", "kid": token.kid, **(header or {})}
    key = key or RSAKey.generate_key(2048)
    if protected["alg"] == "none":
        raw = f"{_encoded(protected)}.{_encoded(claims)}."
    else:
        raw = jwt.encode(protected, claims, key, algorithms=[protected["alg"]])
    return site.parts.store.seal(
        SessionRecord(
            access_token=raw,
            refresh_token=record.refresh_token,
            user=record.user,
            organization_id=record.organization_id,
            signed_in_at=record.signed_in_at,
            not_after=record.not_after,
        )
    )


def _encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


SECRET = OctKey.import_key("a shared secret that is long enough")


@pytest.mark.parametrize(
    "change",
    [
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}, "key": SECRET},
        {"exp": None},
        {"sid": None},
        {"sid": 7},
        {"client_id": "client_other"},
        {"sub_profile": "agent"},
        {"sub_type": "widget"},
        {"sub": "user_other"},
        {},
    ],
)
def test_security_c7_a_token_that_is_not_a_persons_is_anonymous_with_one_warning(
    browser, site, value, quiet, change, caplog
):
    """Peers: bug class L, a sealed user and another token."""
    bad = forged(site, value, **change)
    caplog.clear()
    with quiet:
        for _ in range(3):
            anonymous(browser, bad)
    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "eyJ" not in warnings[0].getMessage()


def test_an_unknown_key_is_anonymous_when_the_key_set_says_so(browser, site, value, clock):
    bad = forged(site, value, header={"kid": "withdrawn"})
    clock.advance(61)
    anonymous(browser, bad)


def test_an_unknown_key_is_503_when_the_key_set_cannot_be_had(browser, site, value, workos, clock):
    bad = forged(site, value, header={"kid": "new"}, iat=int(clock()) + 30)
    clock.advance(61)
    browser.cookie = bad
    with workos.down():
        response = browser.fetch("/api/me")
    assert response.status_code == 503
    assert "Set-Cookie" not in response.headers
    assert "Retry-After" in response.headers


def test_ten_thousand_unknown_keys_make_one_fetch_a_minute(site, value, workos, clock):
    keys = site.parts.verifier.keys
    clock.advance(61)
    before = len(workos.requests)
    for number in range(10_000):
        with pytest.raises(Exception):  # noqa: B017, PT011 - which one depends on the minute
            keys.find(f"kid-{number}", clock())
    assert len(workos.requests) - before == 1


def test_security_c4_a_withdrawn_key_ends_what_is_remembered(browser, site, value, workos, clock):
    assert browser.fetch("/api/me").status_code == 200
    workos.rotate_keys(withdraw=True)
    clock.advance(61)
    other = site.browser()
    other.sign_in("bob@acme.test")  # its new key makes the process fetch the set
    anonymous(browser)


def test_security_c5_a_key_set_serves_for_24_hours_at_most(workos, make_site, clock):
    workos.set_clocks(access_token_seconds=30 * 3600, max_length=40 * 3600, inactivity_timeout=None)
    site = make_site(WORKOS_SESSION_MAX_LENGTH=40 * 3600, WORKOS_SESSION_INACTIVITY_TIMEOUT=None)
    browser = site.browser()
    browser.sign_in()
    with workos.down():
        clock.advance(23 * 3600)
        assert browser.fetch("/api/me").status_code == 200
        clock.advance(2 * 3600)
        assert browser.fetch("/api/me").status_code == 503
    clock.advance(61)
    assert browser.fetch("/api/me").status_code == 200


def test_security_c4_the_memo_belongs_to_one_app(make_site, workos):
    one, two = make_site(), make_site()
    browser = one.browser()
    browser.sign_in()
    assert browser.fetch("/api/me").status_code == 200
    stranger = two.browser()
    stranger.cookie = browser.cookie
    anonymous(stranger)


def test_what_was_verified_is_not_verified_again(browser, site, value, monkeypatch):
    browser.fetch("/api/me")
    checked = []
    monkeypatch.setattr(site.parts.verifier, "check_signature", lambda token: checked.append(token))
    monkeypatch.setattr(site.parts.store.sealer, "open", lambda *a, **k: checked.append(a))
    for _ in range(5):
        assert browser.fetch("/api/me").status_code == 200
    assert checked == []


def test_the_memo_is_bounded(site):
    memo = site.parts.reader.memo
    for number in range(5_000):
        memo.keep(str(number).encode(), None)
    assert len(memo) <= 2_048


def test_anonymous_requests_cost_workos_nothing(browser, workos, quiet):
    """Security S5."""
    with quiet:
        for path in (
            "/dashboard",
            "/auth/session",
            "/auth/callback",
            "/auth/callback?code=1&state=2",
        ):
            browser.get(path)


def test_real_time_is_the_default_clock(site):
    assert WorkOSSessions()._clock is time.time
