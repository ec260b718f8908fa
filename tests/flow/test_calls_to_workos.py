"""What an app asks of WorkOS beside refreshes: codes have their budget (security R4), revocations
their workers, keys their minute."""

from __future__ import annotations

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from flask_workos_sessions.workos.client import WorkOSClient

# --- revocations


def test_a_hundred_revocations_that_hang_keep_no_refresh_waiting(browser, site, workos, clock):
    browser.sign_in()
    clock.advance(301)
    for number in range(100):
        site.parts.revoker.later(f"session_{number}")
    with workos.down(503, only="/user_management/sessions/revoke", delay=5):
        begun = time.monotonic()
        assert browser.fetch("/api/me").status_code == 200
        assert time.monotonic() - begun < 2
    assert site.parts.revoker.pending == 100


# --- codes


def begun(site):
    """A sign-in that began: its state, and the Cookie header of its browser."""
    browser = site.browser()
    state = parse_qs(urlsplit(browser.get("/auth/login").location).query)["state"][0]
    cookies = browser.client._cookies.values()
    return state, "; ".join(f"{each.key}={each.value}" for each in cookies)


def come_back(site, state, code, cookie=""):
    client = site.app.test_client(use_cookies=False)
    headers = {"Cookie": cookie, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}
    return client.get(f"/auth/callback?state={state}&code={code}", headers=headers)


@pytest.mark.parametrize("status", [None, 429, 500])
def test_security_r4_a_flood_of_callbacks_is_bounded_and_others_refresh(
    site, workos, clock, status
):
    browser = site.browser()
    browser.sign_in()
    clock.advance(400)  # its token has run out
    state, cookie = begun(site)
    before = len(workos.exchanges("authorization_code"))
    if status is not None:
        workos.fail_next(20, status=status, headers={"Retry-After": "60"})
    for number in range(500):
        come_back(site, state, f"junk-{number}", cookie)
        come_back(site, f"junk-{number}", "junk")
    assert len(workos.exchanges("authorization_code")) - before == 20
    assert browser.fetch("/api/me").status_code == 200
    assert len(workos.exchanges("refresh_token")) == 1
    assert site.parts.backoff.begun == 0


def test_beyond_it_the_code_is_kept_and_loading_the_page_again_signs_in(site, workos, clock):
    state, cookie = begun(site)
    browser = site.browser()
    back = workos.approve(browser.get("/auth/login").location, "alice@acme.test")
    path = back.partition("http://localhost")[2]
    for number in range(20):
        come_back(site, state, f"junk-{number}", cookie)
    clock.advance(3)
    before = len(workos.exchanges())
    busy = browser.get(path, Sec_Fetch_Site="cross-site")
    assert busy.status_code == 503
    assert busy.headers["Retry-After"] == "7"
    assert busy.headers["Cache-Control"] == "private, no-store"
    assert "load this page again" in busy.text
    assert "Set-Cookie" not in busy.headers
    assert len(workos.exchanges()) == before
    assert site.signal("sign_in_failed")[-1] == {"reason": "sign_in_busy"}
    clock.advance(7)
    assert browser.get(path, Sec_Fetch_Site="cross-site").status_code == 303
    assert browser.get("/dashboard").status_code == 200


def test_many_honest_sign_ins_are_served(site):
    for _ in range(30):
        assert site.browser().sign_in().status_code == 303


def test_four_codes_are_exchanged_at_once(site, monkeypatch):
    entered, leave = threading.Semaphore(0), threading.Event()
    real = WorkOSClient.exchange_code

    def hangs(client, code, **more):
        entered.release()
        assert leave.wait(20)
        return real(client, code, **more)

    monkeypatch.setattr(WorkOSClient, "exchange_code", hangs)
    state, cookie = begun(site)
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(come_back, site, state, f"junk-{n}", cookie) for n in range(4)]
        try:
            assert all(entered.acquire(timeout=10) for _ in range(4))
            fifth = come_back(site, state, "junk", cookie)
        finally:
            leave.set()
        assert (fifth.status_code, fifth.headers["Retry-After"]) == (503, "1")
        assert [each.result().status_code for each in running] == [400] * 4
    assert come_back(site, state, "junk", cookie).status_code == 400


def test_an_exchange_that_fails_inside_gives_its_place_back(site, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    state, cookie = begun(site)
    with monkeypatch.context() as patched:
        patched.setattr(WorkOSClient, "exchange_code", broken)
        for _ in range(6):
            with pytest.raises(ZeroDivisionError):
                come_back(site, state, "junk", cookie)
    assert come_back(site, state, "junk", cookie).status_code == 400


def test_the_page_says_for_how_long_workos_asked_to_wait(site, workos):
    state, cookie = begun(site)
    workos.fail_next(1, status=429, headers={"Retry-After": "42"})
    answer = come_back(site, state, "any", cookie)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "42")


# --- keys


def key_fetches(workos) -> int:
    return len([each for each in workos.requests if "/sso/jwks" in each.path])


@pytest.fixture
def hosts(make_site, tmp_path):
    """Two processes of one host."""
    shared = {
        "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
        "WORKOS_CACHE_TYPE": "sqlite",
        "WORKOS_CACHE_DIR": str(tmp_path / "state"),
    }
    return [make_site(**shared) for _ in range(2)]


def test_a_new_process_needs_no_fetch(hosts, workos):
    one, two = (site.browser() for site in hosts)
    one.sign_in()
    assert key_fetches(workos) == 1
    with workos.down(only="/sso/jwks"):
        assert two.send(f"{one.site.parts.store.name}={one.cookie}").status_code == 200


def test_after_the_keys_were_changed_one_process_fetches_for_all(hosts, workos, clock):
    one, two = (site.browser() for site in hosts)
    one.sign_in()
    two.sign_in()
    clock.advance(400)
    workos.rotate_keys()
    state = one.site.parts.state
    before = state.get("jwks")
    assert one.fetch("/api/me").status_code == 200  # with a token of the new key
    assert key_fetches(workos) == 2
    while state.get("jwks") == before:
        time.sleep(0.01)  # it is shared beside the request
    clock.advance(1)
    two.cookie = one.cookie
    with workos.down(only="/sso/jwks"):
        assert two.fetch("/api/me").status_code == 200


def test_changed_keys_that_cannot_be_fetched_after_an_exchange_end_nothing(browser, workos, clock):
    browser.sign_in()
    clock.advance(400)
    workos.rotate_keys()
    with workos.down(only="/sso/jwks"):
        for _ in range(30):
            assert browser.fetch("/api/me").status_code == 503
            clock.advance(4)
        assert key_fetches(workos) <= 4
    clock.advance(60)
    assert browser.fetch("/api/me").status_code == 200
    assert len(workos.exchanges("refresh_token")) == 1


def test_a_slow_exchange_and_a_key_set_that_hangs_have_one_bound(hosts, workos, clock):
    """Three seconds, for without threads; and a second."""
    one, two = (site.browser() for site in hosts)
    one.sign_in()
    hosts[1].parts.state.delete("jwks")
    two.cookie = one.cookie
    clock.advance(301)
    workos.fail_next(1, status="late", delay=2.2)
    with workos.down(503, only="/sso/jwks", delay=20):
        begun = time.monotonic()
        answer = two.fetch("/api/me")
        held = time.monotonic() - begun
    assert answer.status_code == 503
    assert 2.2 < held < 4


def test_nobody_with_a_valid_token_waits_for_the_keys_of_the_next(browser, workos, clock):
    browser.sign_in()
    cookie = f"{browser.site.parts.store.name}={browser.cookie}"
    clock.advance(281)
    workos.rotate_keys()
    with workos.down(503, only="/sso/jwks", delay=20):
        begun = time.monotonic()
        for _ in range(4):
            assert browser.send(cookie).status_code == 200
            clock.advance(1)
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("exchanges_before", [0, 1])
def test_a_valid_token_is_served_while_the_one_after_it_cannot_be_verified(
    browser, workos, clock, exchanges_before
):
    """DESIGN decision 5. With an exchange before it, the cookie leads there by way of a record."""
    browser.sign_in()
    cookie = f"{browser.site.parts.store.name}={browser.cookie}"
    for _ in range(exchanges_before):
        clock.advance(301)
        assert browser.send(cookie).status_code == 200
    clock.advance(281)
    workos.rotate_keys()
    with workos.down(only="/sso/jwks"):
        for _ in range(6):  # the last time with four seconds left
            assert browser.send(cookie).status_code == 200
            clock.advance(3)
        clock.advance(10)
        assert browser.send(cookie).status_code == 503
    clock.advance(61)
    assert browser.send(cookie).status_code == 200
    assert len(workos.exchanges("refresh_token")) == exchanges_before + 1
