"""Sessions in a store of the server's: the cookie is a ticket, and a dump opens nothing."""

from __future__ import annotations

import logging
import os
import secrets
import threading

import pytest
from flask import Flask, jsonify

from flask_workos_sessions import (
    ConfigurationError,
    WorkOSSessions,
    current_session,
    login_required,
    signals,
)
from flask_workos_sessions.local import LocalWorkOS, MovableClock
from flask_workos_sessions.parts import EXTENSION, PARTS
from flask_workos_sessions.refresh.exchange import Caller
from flask_workos_sessions.refresh.results import Renewed
from flask_workos_sessions.sealing import base64url
from flask_workos_sessions.stores.server import _Ticket
from flask_workos_sessions.testing import settings

ORIGIN = "http://localhost"
OURS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
LIFE = 300


class Rows:
    """A SessionStore in a dictionary, which counts and can fail."""

    def __init__(self, clock):
        self.clock = clock
        self.rows = {}
        self.loads = 0
        self.updates = 0
        self.failing = False
        self.full = False

    def load(self, session_id):
        self.loads += 1
        self._check()
        value, expires_at = self.rows.get(session_id, (None, 0))
        return value if expires_at > self.clock() else None

    def save(self, session_id, value, expires_at):
        self._check()
        self.rows[session_id] = (value, expires_at)

    def update(self, session_id, value, expires_at):
        self.updates += 1
        self._check()
        if self.full:
            raise OSError("no space left")
        if session_id not in self.rows:
            return False
        self.rows[session_id] = (value, expires_at)
        return True

    def delete(self, session_id):
        self._check()
        self.rows.pop(session_id, None)

    def _check(self):
        if self.failing:
            raise OSError("postgresql://somebody:secret@db")


class Site:
    def __init__(self, tmp_path, request, kind):
        self.clock = MovableClock().freeze()
        self.workos = LocalWorkOS(
            clock=self.clock,
            max_length=8 * 3600,
            inactivity_timeout=1800,
            redirect_uris=[f"{ORIGIN}/auth/callback"],
        ).start()
        self.config = {
            "SECRET_KEY": "for the tests",
            "TESTING": True,
            **self.workos.settings(f"{ORIGIN}/auth/callback"),
            "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
            "WORKOS_CACHE_TYPE": "memory",
        }
        self.rows = Rows(self.clock) if kind == "own" else None
        if kind == "sqlite":
            self.config["WORKOS_CACHE_TYPE"] = "sqlite"
            self.config["WORKOS_CACHE_DIR"] = str(tmp_path / "state")
        if kind == "redis":
            self.config["WORKOS_CACHE_TYPE"] = "redis"
            self.config["WORKOS_CACHE_REDIS_URL"] = request.getfixturevalue("redis_server").url
        if self.rows is None:
            self.config["WORKOS_SESSION_STORE"] = "cache"
        self.app = self.process()
        self.name = self.parts.store.name

    @property
    def parts(self):
        return self.app.extensions[PARTS]

    def process(self):
        app = Flask("one of several")
        app.config.update(self.config)
        WorkOSSessions(app, store=self.rows, clock=self.clock)

        @app.route("/me", methods=["GET", "POST"])
        @login_required
        def me():
            return jsonify(session=current_session.id, org=current_session.organization_id)

        @app.get("/open")
        def anybody():
            return "unavailable" if current_session.unavailable else "open"

        return app

    def stats(self):
        with self.app.app_context():
            return self.app.extensions[EXTENSION].stats()

    def try_the_store_again(self):
        """As if it had been left alone long enough."""
        for breaker in (self.parts.store._reading, self.parts.store._writing, self.parts.breaker):
            breaker._retry_at = 0.0

    def sign_in(self, who="alice@acme.test", client=None):
        client = client or self.app.test_client()
        begun = client.get("/auth/login", headers={"Sec-Fetch-Mode": "navigate"})
        back = self.workos.approve(begun.headers["Location"], who)
        answer = client.get(back.removeprefix(ORIGIN))
        assert answer.status_code == 303, answer.data
        return client

    def cookie(self, client):
        return client.get_cookie(self.name).value

    def send(self, cookie, path="/me", method="GET", app=None, **headers):
        client = (app or self.app).test_client(use_cookies=False)
        given = {"Cookie": f"{self.name}={cookie}", "Accept": "*/*", **headers}
        return client.open(path, method=method, headers=given)


@pytest.fixture(params=["own", "sqlite", "redis"])
def site(request, tmp_path):
    site = Site(tmp_path, request, request.param)
    yield site
    site.workos.stop()


@pytest.fixture
def own(request, tmp_path):
    site = Site(tmp_path, request, "own")
    yield site
    site.workos.stop()


def test_the_cookie_is_a_short_ticket_and_stays_the_same_when_the_session_is_refreshed(site):
    client = site.sign_in()
    cookie = site.cookie(client)
    assert cookie.startswith("t.")
    assert len(cookie) == 73
    for _ in range(3):
        site.clock.advance(LIFE + 1)
        answer = site.send(cookie)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert len(site.workos.exchanges("refresh_token")) == 3


def test_another_process_reads_what_the_first_has_refreshed(site):
    cookie = site.cookie(site.sign_in())
    site.clock.advance(LIFE + 1)
    other = site.process()
    assert site.send(cookie).status_code == 200
    site.clock.advance(1)
    assert site.send(cookie, app=other).status_code == 200
    assert len(site.workos.exchanges("refresh_token")) == 1


def test_many_threads_make_one_exchange(site):
    cookie = site.cookie(site.sign_in())
    site.clock.advance(LIFE + 1)
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(site.send(cookie).status_code))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert len(site.workos.exchanges("refresh_token")) == 1


def test_security_r8_a_dump_of_the_store_with_the_password_opens_nothing(own):
    own.sign_in()
    ((row, (value, _)),) = own.rows.rows.items()
    sealer = own.parts.store._row_sealer
    assert sealer.open(value.decode(), name=row) is None
    assert sealer.open(value.decode(), name=row, also=secrets.token_bytes(32)) is None
    assert own.parts.store.open(value.decode()) is None


def test_security_r8_the_id_of_a_row_opens_nothing_without_its_key_and_is_given_none(site):
    """A dump of the store shows ids; the person's own requests keep the row at hand."""
    cookie = site.cookie(site.sign_in())
    ticket = base64url.decode(cookie[2:])
    row, end = ticket[:16], ticket[48:]
    forged = "t." + base64url.encode(row + secrets.token_bytes(32) + end)
    for seconds in (0, LIFE + 1):
        site.clock.advance(seconds)
        assert site.send(cookie, "/auth/session", **OURS).status_code == 200
        refused = site.send(forged)
        assert refused.status_code == 401
        assert "Set-Cookie" not in refused.headers
        assert site.send(cookie).status_code == 200
        assert site.send(forged).status_code == 401


def test_security_c6_a_ticket_with_another_end_opens_nothing(site):
    cookie = site.cookie(site.sign_in())
    ticket = base64url.decode(cookie[2:])
    later = "t." + base64url.encode(ticket[:48] + b"\xff" * 5)
    assert site.send(later).status_code == 401
    assert site.send(cookie).status_code == 200


def test_a_row_moved_to_another_id_does_not_open(own):
    cookie = own.cookie(own.sign_in())
    own.sign_in("bob@acme.test")
    first, second = own.rows.rows
    own.rows.rows[first] = own.rows.rows[second]
    own.clock.advance(1)
    assert own.send(cookie).status_code == 401


def _first_word(key):
    """The kind of a key, or of the first of several."""
    return (key if isinstance(key, str) else key[0]).split(":")[-2]


@pytest.fixture
def reads(site, monkeypatch):
    """The kinds of what is read, of the store of the sessions and of the shared state."""
    asked = []

    def watch(place, method, kind_of):
        real = getattr(place, method)

        def watched(*keys):
            asked.append(kind_of(keys[0]))
            return real(*keys)

        monkeypatch.setattr(place, method, watched)

    if site.rows is not None:
        watch(site.rows, "load", lambda _: "session")
    state = site.parts.endings._state
    store = state._store.backend if hasattr(state, "_store") else None
    for method in ("get", "get_many") if store else ("ask", "ask_all"):
        watch(store or state, method, _first_word)
    # By the real clock, every five seconds: not now.
    monkeypatch.setattr(state, "_look_at", float("inf"), raising=False)
    return asked


def test_a_session_costs_one_read_of_its_row_and_one_of_its_end_in_a_second(site, reads):
    cookie = site.cookie(site.sign_in())
    site.send(cookie)
    site.clock.advance(1)
    for _ in range(5):
        reads.clear()
        for _ in range(10):
            assert site.send(cookie).status_code == 200
        assert reads == ["session", "ended"]
        site.clock.advance(1)


def test_security_r1_an_end_counts_within_a_second_though_the_row_does_not_tell_of_it(site):
    """A refresh under way may write the row after the sign-out; another ticket has another row."""
    cookie = site.cookie(site.sign_in())
    other = site.process()
    assert site.send(cookie, app=other).status_code == 200
    (session,) = site.workos.sessions
    site.parts.endings.end(session.id, "signed_out", until=site.clock() + 3600)
    site.clock.advance(1)
    shares = site.config["WORKOS_CACHE_TYPE"] != "memory"
    refused = site.send(cookie, app=other if shares else site.app)
    assert refused.json["required"] == {"reason": "signed_out"}


def test_security_r1_sign_out_leaves_a_mark_in_the_row_and_a_copy_is_refused(site):
    client = site.sign_in()
    cookie = site.cookie(client)
    assert client.post("/auth/logout", headers=OURS).status_code == 303
    for seconds in (1, 299, 3600, 11 * 3600):
        site.clock.advance(seconds)
        refused = site.send(cookie)
        assert (refused.status_code, refused.json["required"]) == (401, {"reason": "signed_out"})
    assert site.workos.exchanges("refresh_token") == []


def test_an_end_by_the_clock_says_why_in_every_process(site):
    cookie = site.cookie(site.sign_in())
    site.clock.advance(1801)
    other = site.process()
    assert site.send(cookie).json["required"] == {"reason": "inactivity"}
    site.clock.advance(1)
    assert site.send(cookie, app=other).json["required"] == {"reason": "inactivity"}
    page = site.send(cookie, **{"Sec-Fetch-Mode": "navigate", "Accept": "text/html"})
    assert page.status_code == 303
    assert "/auth/signed-out" in page.location


def test_security_g3_a_ticket_without_a_row_is_an_end_and_no_silent_sign_in(own):
    cookie = own.cookie(own.sign_in())
    own.rows.rows.clear()
    own.clock.advance(1)
    assert own.send(cookie).json["required"] == {"reason": "revoked"}
    page = own.send(cookie, **{"Sec-Fetch-Mode": "navigate", "Accept": "text/html"})
    assert "/auth/signed-out" in page.location


def test_an_end_that_only_the_row_knows_of_takes_the_place_of_the_ticket_on_the_next_page(own):
    """So that no ticket outlives what it leads to."""
    client = own.sign_in()
    own.send(own.cookie(client), "/auth/logout", "POST", **OURS)
    own.clock.advance(1)
    assert client.get("/me", headers={"Sec-Fetch-Mode": "cors"}).status_code == 401
    assert own.cookie(client).startswith("t.")
    page = client.get("/me", headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"})
    assert "reason=signed_out" in page.location
    assert own.parts.store.open(own.cookie(client)).reason == "signed_out"


def test_a_row_that_is_missing_before_its_time_leaves_the_ticket_in_the_browser(own):
    client = own.sign_in()
    rows, own.rows.rows = own.rows.rows, {}
    own.clock.advance(1)
    headers = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    assert "reason=revoked" in client.get("/me", headers=headers).location
    own.rows.rows = rows
    own.clock.advance(1)
    assert client.get("/me", headers=headers).status_code == 200


@pytest.mark.parametrize(("store", "status"), [("cache", 401), ("cookie", 200)])
def test_a_redis_restarted_empty_has_signed_everybody_out_unless_the_session_is_in_the_cookie(
    request, tmp_path, redis_server, store, status
):
    site = Site(tmp_path, request, "redis")
    site.config["WORKOS_SESSION_STORE"] = store
    site.app = site.process()
    cookie = site.cookie(site.sign_in())
    redis_server.kill()
    redis_server.start()
    site.clock.advance(1)
    answers = [site.send(cookie, app=app) for app in (site.app, site.process())]
    site.workos.stop()
    assert [each.status_code for each in answers] == [status, status]
    if store == "cache":
        assert answers[0].json["required"] == {"reason": "revoked"}


def test_a_refresh_under_way_does_not_bring_back_a_row_that_was_deleted(own, monkeypatch):
    """Peers: nextjs-auth0 #2530."""
    cookie = own.cookie(own.sign_in())
    own.clock.advance(LIFE + 1)
    exchange = own.parts.client.exchange_refresh_token

    def overtaken(*arguments, **more):
        answer = exchange(*arguments, **more)
        own.rows.rows.clear()
        return answer

    monkeypatch.setattr(own.parts.client, "exchange_refresh_token", overtaken)
    own.send(cookie)
    assert own.rows.rows == {}


def test_a_row_that_could_not_be_written_is_repaired_by_the_next_request(own):
    cookie = own.cookie(own.sign_in())
    own.clock.advance(LIFE + 1)
    before = dict(own.rows.rows)
    own.rows.full = True
    assert own.send(cookie).status_code == 200
    assert own.rows.rows == before
    own.rows.full = False
    own.try_the_store_again()
    own.clock.advance(1)
    assert own.send(cookie).status_code == 200
    assert own.rows.rows != before
    assert len(own.workos.exchanges("refresh_token")) == 1


class Outage:
    """A store that can be broken and mended, and what it was asked for while it was broken."""

    def __init__(self, kind, tmp_path, request, monkeypatch):
        self.kind = kind
        self.site = Site(tmp_path, request, kind.split()[0])
        self.redis = request.getfixturevalue("redis_server") if "redis" in kind else None
        self.directory = str(tmp_path / "state")
        self.asked = []
        load = self.site.parts.store._rows.load
        monkeypatch.setattr(
            self.site.parts.store._rows, "load", lambda row: self.asked.append(row) or load(row)
        )

    def begin(self):
        if self.kind == "own":
            self.site.rows.failing = True
        elif self.kind == "sqlite":
            os.rename(self.directory, self.directory + "-aside")
            with open(self.directory, "w"):
                pass
        elif self.kind == "redis killed":
            self.redis.kill()
        else:
            self.redis.freeze()
        self.asked.clear()

    def end(self):
        if self.kind == "own":
            self.site.rows.failing = False
        elif self.kind == "sqlite":
            os.unlink(self.directory)
            os.rename(self.directory + "-aside", self.directory)
        elif self.kind == "redis killed":
            self.redis.start()
        else:
            self.redis.thaw()
        self.site.try_the_store_again()


@pytest.fixture(params=["own", "sqlite", "redis killed", "redis frozen"])
def outage(request, tmp_path, monkeypatch):
    outage = Outage(request.param, tmp_path, request, monkeypatch)
    yield outage
    outage.site.workos.stop()


def test_a_store_that_is_down_is_503_at_once_with_one_line_and_the_cookie_stays(outage, caplog):
    site = outage.site
    client = site.sign_in()
    cookie = site.cookie(client)
    site.clock.advance(1)
    caplog.set_level(logging.WARNING, "flask_workos_sessions")
    caplog.clear()
    outage.begin()
    for _ in range(5):
        refused = site.send(cookie)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert "Set-Cookie" not in refused.headers
    assert site.send(cookie, "/open").text == "unavailable"
    status = site.send(cookie, "/auth/session", **{"Sec-Fetch-Site": "same-origin"})
    assert status.status_code == 503
    signed_out = client.post("/auth/logout", headers=OURS)
    assert signed_out.status_code == 503
    assert "Set-Cookie" not in signed_out.headers
    assert len(outage.asked) == 1, "whoever comes after the first does not wait for it"
    assert site.stats()["store_errors"] == 1
    (line,) = caplog.messages
    assert line.startswith("The store of the sessions cannot be read (")
    assert "secret" not in line
    outage.end()
    # A Redis that was killed comes back empty; what that means is in the guide.
    after = site.send(cookie)
    assert after.status_code == (401 if outage.kind == "redis killed" else 200)
    assert caplog.messages[1:] == ["The store of the sessions can be read again."]


def test_a_store_that_takes_no_writes_is_left_alone_with_them_and_still_read(own, caplog):
    cookies = [own.cookie(own.sign_in(who)) for who in ("alice@acme.test", "bob@acme.test")]
    own.clock.advance(LIFE + 1)
    own.rows.full, own.rows.updates, own.rows.loads = True, 0, 0
    assert [own.send(cookie).status_code for cookie in cookies] == [200, 200]
    own.clock.advance(1)
    assert [own.send(cookie).status_code for cookie in cookies] == [200, 200]
    assert (own.rows.updates, own.rows.loads) == (1, 4)
    assert len(own.workos.exchanges("refresh_token")) == 2
    assert own.stats()["store_errors"] == 1
    (line,) = [each for each in caplog.messages if "store of the sessions" in each]
    assert line.startswith("The store of the sessions cannot be written (OSError)")


@pytest.mark.parametrize(("testing", "level"), [(False, "ERROR"), (True, "WARNING")])
def test_the_first_failure_of_a_store_is_an_error_outside_of_tests(own, caplog, testing, level):
    cookie = own.cookie(own.sign_in())
    own.config["TESTING"] = testing
    own.rows.failing = True
    assert own.send(cookie, app=own.process()).status_code == 503
    told = [each.levelname for each in caplog.records if "store of the sess" in each.getMessage()]
    assert told == [level]


def test_security_r8_nobody_signs_in_over_a_session_that_cannot_be_read(own, monkeypatch):
    client = own.sign_in()
    cookie = own.cookie(client)
    begun = client.get("/auth/login", headers={"Sec-Fetch-Mode": "navigate", **OURS})
    back = own.workos.approve(begun.headers["Location"], "bob@acme.test")
    own.clock.advance(1)
    with monkeypatch.context() as patch:
        patch.setattr(own.rows, "load", lambda _: 1 / 0)
        assert client.get(back.removeprefix(ORIGIN)).status_code == 503
    own.try_the_store_again()
    assert own.cookie(client) == cookie
    assert own.send(cookie).status_code == 200


def test_a_store_that_fails_at_sign_in_says_so_and_leaves_no_session_at_workos(own):
    own.rows.failing = True
    client = own.app.test_client()
    begun = client.get("/auth/login", headers={"Sec-Fetch-Mode": "navigate"})
    back = own.workos.approve(begun.headers["Location"], "alice@acme.test")
    assert client.get(back.removeprefix(ORIGIN)).status_code == 503
    assert client.get_cookie(own.name) is None
    own.parts.revoker._background._pool.shutdown()
    assert [each.status for each in own.workos.sessions] == ["revoked"]


def test_security_r8_a_sign_in_renews_id_and_key_and_the_old_row_goes(own):
    client = own.sign_in()
    old = own.cookie(client)
    own.sign_in(client=client)
    new = own.cookie(client)
    assert old[2:24] != new[2:24]
    assert old[-30:] != new[-30:]
    assert len(own.rows.rows) == 1
    own.clock.advance(1)
    assert own.send(old).status_code == 401
    assert own.send(new).status_code == 200
    own.parts.revoker._background._pool.shutdown()
    assert [each.status for each in own.workos.sessions] == ["revoked", "active"]


def test_security_r8_a_receiver_that_refuses_a_sign_in_leaves_no_row(own):
    def refuse(sender, **_):
        raise RuntimeError("not today")

    with signals.signed_in.connected_to(refuse, own.app), pytest.raises(RuntimeError):
        own.sign_in()
    assert own.rows.rows == {}


def test_security_r8_a_switch_renews_the_ticket_and_the_old_one_serves_for_a_minute(site):
    other = site.workos.add_organization("Other")
    client = site.sign_in()
    old = site.cookie(client)
    site.workos.add_membership("alice@acme.test", other)
    switched = client.post(
        "/auth/organization",
        json={"organization_id": other.id},
        headers={**OURS, "Sec-Fetch-Mode": "cors"},
    )
    assert switched.status_code == 200, switched.data
    new = site.cookie(client)
    assert new != old
    assert site.send(new).json["org"] == other.id
    assert site.send(old).status_code == 200
    site.clock.advance(30)
    assert site.send(new).status_code == 200
    site.clock.advance(31)
    if site.config["WORKOS_CACHE_TYPE"] != "redis":  # its lifetimes run by its own clock
        assert site.send(old).status_code == 401
    assert site.send(new).status_code == 200


def test_security_t2_no_value_is_in_the_repr_of_what_knows_one(site):
    cookie = site.cookie(site.sign_in())
    site.clock.advance(LIFE + 1)
    with site.app.test_request_context("/"):
        opening = site.parts.opener.open(f"{site.name}={cookie}", Caller)
    assert opening.value not in repr(opening)
    assert opening.value not in repr(Renewed(opening.value))
    shown = repr(_Ticket.read(cookie))
    assert repr(base64url.decode(cookie[2:])[16:]) not in shown
    assert cookie not in repr(opening) + shown


def test_a_session_too_large_for_a_cookie_fits(site):
    site.workos.add_role("huge", permissions=[secrets.token_hex(12) for _ in range(400)])
    site.workos.set_role("alice@acme.test", "Acme", "huge")
    cookie = site.cookie(site.sign_in())
    site.clock.advance(LIFE + 1)
    assert site.send(cookie).status_code == 200
    assert site.send(cookie, app=site.process()).status_code == 200


def test_the_memory_of_one_process_is_no_store(tmp_path):
    app = Flask("production")
    app.config.update(
        settings(WORKOS_SESSION_STORE="cache", WORKOS_CACHE_TYPE="memory"), TESTING=False
    )
    with pytest.raises(ConfigurationError, match="all processes share"):
        WorkOSSessions(app)


def test_two_stores_are_one_too_many():
    app = Flask("two stores")
    app.config.update(settings(WORKOS_SESSION_STORE="cache"), TESTING=True)
    with pytest.raises(ConfigurationError, match="leave one out"):
        WorkOSSessions(app, store=Rows(None))
