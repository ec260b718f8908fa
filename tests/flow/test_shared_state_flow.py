"""Sessions whose state is shared: what it costs a request, and what a dead store does to it."""

import secrets
import time

import pytest

from flask_workos_sessions import login_required


@pytest.fixture(params=["sqlite", "redis"])
def config(request, tmp_path):
    """Settings with which several sites are to each other what processes are."""
    password = {"WORKOS_COOKIE_PASSWORD": secrets.token_hex(32)}
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
        return {**password, "WORKOS_CACHE_TYPE": "redis", "WORKOS_CACHE_REDIS_URL": url}
    directory = str(tmp_path / "state")
    return {**password, "WORKOS_CACHE_TYPE": "sqlite", "WORKOS_CACHE_DIR": directory}


@pytest.fixture
def reads(monkeypatch):
    """Counts the reads of a site's store."""

    def count(site):
        store, asked = site.parts.state._store.backend, []
        get, get_many = store.get, store.get_many
        monkeypatch.setattr(store, "get", lambda key: asked.append(key) or get(key))
        monkeypatch.setattr(store, "get_many", lambda *keys: asked.append(keys) or get_many(*keys))
        return asked

    return count


def test_a_session_costs_one_read_of_the_store_in_a_second(make_site, config, clock, reads):
    site = make_site(**config)
    browser = site.browser()
    browser.sign_in()
    browser.get("/dashboard")
    clock.advance(1)
    asked = reads(site)
    for seconds in range(1, 11):
        for _ in range(20):
            assert browser.get("/dashboard").status_code == 200
        assert len(asked) == seconds
        clock.advance(1)


def test_a_stranger_costs_none(make_site, config, reads):
    site = make_site(**config)
    asked = reads(site)
    browser = site.browser()
    assert browser.get("/dashboard").status_code == 302
    browser.cookie = "A" * 900
    assert browser.get("/dashboard").status_code == 302
    assert browser.get("/hello").status_code == 200
    assert asked == []


def test_a_refresh_in_one_is_followed_in_another_with_the_same_cookie(
    make_site, config, clock, workos
):
    one, two = make_site(**config), make_site(**config)
    browser = one.browser()
    browser.sign_in()
    cookie = f"{one.parts.store.name}={browser.cookie}"
    clock.advance(301)
    answers = [site.browser().send(cookie) for site in (one, two, one)]
    assert [each.status_code for each in answers] == [200, 200, 200]
    # Without the attributes: Expires is by the machine's clock, which may tick in between.
    assert len({each.headers["Set-Cookie"].partition(";")[0] for each in answers}) == 1
    assert len(workos.exchanges("refresh_token")) == 1
    assert len(one.signal("session_refreshed")) == 1
    assert two.signal("session_refreshed") == []


def test_security_r1_a_sign_out_elsewhere_is_looked_for_before_an_exchange(
    make_site, config, clock, workos
):
    one, two = make_site(**config), make_site(**config)
    browser = one.browser()
    browser.sign_in()
    cookie = f"{one.parts.store.name}={browser.cookie}"
    clock.advance(301)
    known = two.parts.reader.peek(browser.cookie)
    assert two.parts.endings.reason_at(known.watch) is None
    assert browser.post("/auth/logout").status_code == 303
    # No time has passed: what the second one believes is not old, and not good enough.
    assert two.browser().send(cookie).json["required"] == {"reason": "signed_out"}
    assert workos.exchanges("refresh_token") == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/session/extend", None),
        ("/auth/organization", {"organization_id": "org_01GLOBEX00000000000000000000"}),
    ],
)
def test_security_r1_a_sign_out_elsewhere_is_looked_for_before_extending_and_switching(
    make_site, config, clock, workos, path, body
):
    one, two = make_site(**config), make_site(**config)
    browser, copy = one.browser(), two.browser()
    browser.sign_in()
    copy.cookie = browser.cookie
    clock.advance(100)
    assert copy.fetch("/api/me").status_code == 200  # the second one believes that for a second
    assert browser.post("/auth/logout").status_code == 303
    assert copy.fetch(path, "POST", json=body).status_code == 401
    assert workos.exchanges("refresh_token") == []


@pytest.fixture
def expired(make_site, config, clock):
    """Two processes, and a cookie whose access token has run out."""
    one, two = make_site(**config), make_site(**config)
    browser = one.browser()
    browser.sign_in()
    clock.advance(301)
    return one, two, f"{one.parts.store.name}={browser.cookie}"


def sign_out_at(site, workos):
    session_id = workos.sessions[0].id
    site.parts.endings.end(session_id, "signed_out", until=site.clock() + 3600)


def test_a_token_that_another_process_exchanged_in_the_same_moment_is_not_sent_again(
    expired, workos, monkeypatch
):
    one, two, cookie = expired
    leases = two.parts.refresher._leases
    take = leases.take

    def after_the_other(name):
        assert one.browser().send(cookie).status_code == 200
        return take(name)

    monkeypatch.setattr(leases, "take", after_the_other)
    assert two.browser().send(cookie).status_code == 200
    assert len(workos.exchanges("refresh_token")) == 1


def test_security_r1_a_sign_out_elsewhere_wins_against_an_exchange_under_way(
    expired, workos, monkeypatch
):
    one, two, cookie = expired
    client = two.parts.client
    exchange = client.exchange_refresh_token

    def overtaken(*arguments, **keywords):
        sign_out_at(one, workos)
        return exchange(*arguments, **keywords)

    monkeypatch.setattr(client, "exchange_refresh_token", overtaken)
    answer = two.browser().send(cookie)
    assert answer.json["required"] == {"reason": "signed_out"}
    assert len(workos.exchanges("refresh_token")) == 1


def test_security_r1_a_sign_out_elsewhere_during_a_slow_view_keeps_its_new_cookie_back(
    expired, workos
):
    one, two, cookie = expired

    @two.app.get("/slow")
    @login_required
    def slow():
        sign_out_at(one, workos)
        return "done"

    answer = two.browser().send(cookie, "/slow")
    assert answer.text == "done"
    assert "Set-Cookie" not in answer.headers


def test_a_dead_redis_signs_nobody_out_and_keeps_nobody_waiting(
    make_site, redis_server, clock, workos
):
    settings = {"WORKOS_CACHE_TYPE": "redis", "WORKOS_CACHE_REDIS_URL": redis_server.url}
    site = make_site(**settings)
    browser = site.browser()
    browser.sign_in()
    redis_server.kill()
    clock.advance(301)
    begun = time.monotonic()
    assert browser.get("/dashboard").status_code == 200
    assert len(workos.exchanges("refresh_token")) == 1
    clock.advance(2)
    assert browser.get("/dashboard").status_code == 200
    copied = f"{site.parts.store.name}={browser.cookie}"
    assert browser.post("/auth/logout").status_code == 303
    assert browser.send(copied).status_code == 401
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("then", ["nothing", "emptied", "a new life", "the old password taken out"])
def test_security_r2_an_outgrown_cookie_adopts_nothing_after_a_new_life_of_the_store(
    make_site, clock, tmp_path, then
):
    """Who had made its exchange still knows of the successor, for hours; the others had ended that
    when a browser came with the successor."""
    old, new = secrets.token_hex(32), secrets.token_hex(32)
    store = {"WORKOS_CACHE_TYPE": "sqlite", "WORKOS_CACHE_DIR": str(tmp_path / "state")}
    mine = {**store, "WORKOS_COOKIE_PASSWORD": new}
    both = {**mine, "WORKOS_COOKIE_PASSWORD_FALLBACKS": [old]}
    make_site(**store, WORKOS_COOKIE_PASSWORD=old).browser().sign_in("bob@acme.test")
    one, two = make_site(**both), make_site(**both)
    browser, bob = one.browser(), one.browser()
    browser.sign_in("alice@acme.test")
    bob.sign_in("bob@acme.test")
    copied = f"{one.parts.store.name}={browser.cookie}"
    clock.advance(100)
    assert browser.fetch("/auth/session/extend", "POST").status_code == 200
    seen = two.browser()
    seen.cookie = browser.cookie
    assert seen.fetch("/api/me").status_code == 200
    clock.advance(200)
    assert two.browser().send(copied).status_code == 401
    born = one.parts.state.born
    if then == "emptied":
        with one.parts.state._store.backend._connection() as connection:
            connection.execute("DELETE FROM entries")
    if then == "a new life":
        one.parts.state._tell()
    if then == "the old password taken out":
        make_site(**mine).browser().send(f"{one.parts.store.name}={browser.cookie}")
    clock.advance(50)
    for each in (bob, seen) * 2:
        for site in (one, two):
            site.parts.state._look_at = 0.0
        assert each.fetch("/api/me").status_code == 200
        clock.advance(6)
    assert (one.parts.state.born != born) is (then != "nothing")
    for site in (one, two, make_site(**(mine if "password" in then else both))):
        assert site.browser().send(copied).status_code == 401
