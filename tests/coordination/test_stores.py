"""What lies in the store tells nothing, and what others put there is not believed."""

import os
import stat

import pytest
from flask import Flask
from flask_caching import Cache

from flask_workos_sessions import WorkOSSessions
from flask_workos_sessions.parts import PARTS
from flask_workos_sessions.testing import settings


def raw(state, key):
    return state._store.backend.get(state._store.name(key))


def plant(state, key, value):
    state._store.backend.set(state._store.name(key), value, 60)


def test_security_r6_a_value_is_sealed_and_of_another_length_of_life_than_its_text(store):
    state = store.process()
    state.set("k", b"a refresh token", 60)
    assert b"refresh" not in raw(state, "k")
    assert store.config["WORKOS_CLIENT_ID"] not in state._store.name("k")


def test_security_r6_a_value_copied_to_another_key_or_client_is_not_believed(store):
    state = store.process()
    other = store.process(WORKOS_CLIENT_ID="client_other")
    state.set("k", b"v", 60)
    plant(state, "copied", raw(state, "k"))
    plant(other, "k", raw(state, "k"))
    assert store.process().get("copied") is None
    assert other.get("k") is None


@pytest.mark.parametrize("planted", [b"", b"v", b"\x80\x04K\x01.", b"\xff" * 20_000])
def test_security_r5_a_planted_value_is_neither_unpickled_nor_in_the_way(store, planted):
    state = store.process()
    plant(state, "k", planted)
    assert state.get("k") is None
    assert state.add("k", b"mine", 60)
    assert store.process().get("k") == b"mine"


def test_a_value_sealed_with_an_earlier_password_is_opened(store):
    state = store.process()
    state.set("k", b"v", 60)
    new = settings()["WORKOS_COOKIE_PASSWORD"]
    old = store.config["WORKOS_COOKIE_PASSWORD"]
    after = store.process(WORKOS_COOKIE_PASSWORD=new, WORKOS_COOKIE_PASSWORD_FALLBACKS=[old])
    assert after.get("k") == b"v"


def test_nothing_is_opened_before_the_first_use(make_shared):
    shared = make_shared("sqlite")
    state = shared.process()
    assert not os.path.exists(shared.config["WORKOS_CACHE_DIR"])
    state.get("k")
    assert os.path.exists(shared.config["WORKOS_CACHE_DIR"])


def test_the_file_lies_below_the_instance_folder_unless_it_is_said_where(
    make_shared, tmp_path, monkeypatch
):
    monkeypatch.delenv("WORKOS_CACHE_DIR")
    config = {**make_shared("sqlite").config, "TESTING": False}
    del config["WORKOS_CACHE_DIR"], config["WORKOS_CACHE_TYPE"]
    app = Flask("with an instance folder", instance_path=str(tmp_path / "instance"))
    app.config.update(config)
    WorkOSSessions(app)
    app.extensions[PARTS].state.set("k", b"v", 60)
    assert (tmp_path / "instance" / "workos-sessions" / "state.sqlite3").is_file()


def test_a_connection_to_redis_is_made_when_it_is_needed(make_shared):
    state = make_shared("redis").process()
    assert state._store.backend._client is None
    state.get("k")
    assert state._store.backend._client[0] == os.getpid()


def test_security_r6_the_files_are_private(make_shared):
    shared = make_shared("sqlite")
    shared.process().set("k", b"v", 60)
    directory = shared.config["WORKOS_CACHE_DIR"]
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    names = set(os.listdir(directory))
    assert {".gitignore", "state.sqlite3", "state.sqlite3-wal"} <= names
    for name in names:
        assert stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode) == 0o600
    with open(os.path.join(directory, ".gitignore")) as ignored:
        assert ignored.read() == "*\n"


def test_the_app_s_own_cache_is_left_alone(store):
    app = Flask("with a cache")
    app.config.update(
        store.config,
        CACHE_TYPE="SimpleCache",
        CACHE_OPTIONS={"threshold": 10},
        CACHE_KEY_PREFIX="theirs",
        CACHE_DEFAULT_TIMEOUT=7,
        CACHE_REDIS_URL="redis://nowhere.invalid",
        CACHE_DIR="nowhere",
    )
    theirs = Cache(app)
    before = {name: value for name, value in app.config.items() if name.startswith("CACHE_")}
    WorkOSSessions(app)
    assert {n: v for n, v in app.config.items() if n.startswith("CACHE_")} == before
    state = app.extensions[PARTS].state
    state.set("k", b"v", 60)
    with app.app_context():
        theirs.set("k", "theirs")
        theirs.clear()
    assert store.process().get("k") == b"v"
    assert app.jinja_env.extensions["flask_caching.jinja2ext.CacheExtension"]


def test_two_apps_in_one_process_may_have_the_state_in_two_places(make_shared):
    one, two = make_shared("sqlite"), make_shared("memory")
    state, other = one.process(), two.process()
    with two.app().app_context():
        state.set("k", b"v", 60)
        assert state.get("k") == b"v"
    assert other.get("k") is None
