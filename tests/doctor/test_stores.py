"""Shared state as the doctor sees it: SQLite's directory, and Redis."""

from __future__ import annotations

import os
import subprocess

import pytest

from flask_workos_sessions.coordination.redis_backend import RedisBackend
from flask_workos_sessions.coordination.sqlite_backend import SQLiteBackend
from flask_workos_sessions.doctor import redis_server as examined
from flask_workos_sessions.doctor.shared_state import shared_state
from flask_workos_sessions.doctor.sqlite_file import can_be_made, file_system, network_disk
from flask_workos_sessions.doctor.subject import Subject

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv/app rw shared:2 - nfs4 files:/app rw
31 22 0:41 / /srv/with\\040space rw shared:3 - cifs //files/x rw
bad line
31 22 0:41 - nfs files:/x
31 22 0:41 / / rw
"""


def faults(diagnosis):
    return [each["what"] for each in diagnosis.wrong if each["level"] == "fault"]


def warnings(diagnosis):
    return [each["what"] for each in diagnosis.wrong if each["level"] == "warning"]


def test_a_directory_that_is_not_there_is_not_made(diagnose, healthy, tmp_path):
    found = diagnose(healthy, "--offline")
    assert (found.exit_code, (tmp_path / "state").exists()) == (0, False)


def test_an_entry_is_written_and_taken_away_again(diagnose, healthy, tmp_path):
    (tmp_path / "state").mkdir(mode=0o700)
    found = diagnose(healthy, "--offline")
    assert found.wrong == []
    assert "can be written and read (SQLite" in str(found.findings)


def test_a_directory_that_others_can_read(diagnose, healthy, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o755)
    found = diagnose(healthy, "--offline")
    assert "open to other users" in faults(found)[0]
    assert found.exit_code == 1


@pytest.mark.parametrize("kind", ["file", "link"])
def test_something_else_in_its_place(diagnose, healthy, tmp_path, kind):
    (tmp_path / "real").mkdir(mode=0o700)
    if kind == "file":
        (tmp_path / "state").write_text("in the way")
    else:
        (tmp_path / "state").symlink_to(tmp_path / "real")
    assert "a link or something else" in faults(diagnose(healthy, "--offline"))[0]


def test_a_directory_that_cannot_be_made(diagnose, healthy, tmp_path):
    (tmp_path / "file").write_text("in the way")
    healthy["WORKOS_CACHE_DIR"] = str(tmp_path / "file" / "state")
    assert len(faults(diagnose(healthy, "--offline"))) == 1


def test_a_directory_that_this_user_cannot_make_is_a_fault(monkeypatch, tmp_path):
    asked = []

    def access(path, mode):
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", access)
    (found,) = can_be_made(tmp_path / "new" / "state")
    assert (found.level, "cannot be made by this user" in found.what) == ("fault", True)
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]


def test_without_a_directory_state_lies_in_the_instance_folder(healthy, tmp_path):
    del healthy["WORKOS_CACHE_DIR"]
    (tmp_path / "workos-sessions").write_text("in the way")
    subject = Subject.of(healthy, {}, instance_path=str(tmp_path))
    assert [each.level for each in shared_state(subject, offline=True)] == ["fault"]
    subject = Subject.of(healthy, {})
    (found,) = shared_state(subject, offline=True)
    assert (found.level, "not known without an app" in found.what) == ("ok", True)


def test_a_directory_that_was_named_needs_no_app(healthy, tmp_path):
    (tmp_path / "state").write_text("in the way")
    subject = Subject.of(healthy, {})
    assert [each.level for each in shared_state(subject, offline=True)] == ["fault"]


def test_a_file_that_is_no_database(diagnose, healthy, tmp_path):
    (tmp_path / "state").mkdir(mode=0o700)
    file = tmp_path / "state" / "state.sqlite3"
    file.write_text("not a database, and long enough to be looked at" * 10)
    file.chmod(0o600)
    assert "DatabaseError" in faults(diagnose(healthy, "--offline"))[0]


def test_another_user_s_directory_is_left_as_it_is(diagnose, healthy, tmp_path, monkeypatch):
    (tmp_path / "state").mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert "belongs to another user" in faults(diagnose(healthy, "--offline"))[0]
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/app/state", "nfs4"),
        ("/srv/app", "nfs4"),
        ("/srv/with space/x", "cifs"),
        ("/srv/apple", "ext4"),
    ],
)
def test_a_network_disk_is_seen_by_its_mount(tmp_path, path, kind):
    path = type(tmp_path)(path)
    assert file_system(path, MOUNTS) == kind
    backwards = "\n".join(reversed(MOUNTS.splitlines()))
    assert file_system(path, backwards) == kind
    assert bool(network_disk(path, MOUNTS)) == (kind != "ext4")


@pytest.mark.parametrize(
    ("url", "checks"),
    [
        ("redis://redis.test", ["redis-tls", "redis-password"]),
        ("redis://:pw@redis.test", ["redis-tls"]),
        ("rediss://redis.test?db=1", ["redis-password"]),
        ("rediss://:pw@redis.test", []),
        ("rediss://redis.test?password=pw", []),
        ("redis://127.0.0.1", []),
        ("redis://localhost", []),
        ("unix:///run/redis.sock", []),
    ],
)
def test_only_redis_on_another_host_needs_tls_and_a_password(url, checks):
    assert [each.check for each in examined.protection(url)] == checks


class Server:
    """A Redis that tells what it is to tell; what is missing it does not tell."""

    def __init__(self, **told):
        self.told = told

    def info(self, part):
        if part not in self.told:
            raise OSError("unknown command")
        return self.told[part]

    def config_get(self, name):
        return {name: self.told[name]}


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        ({}, "ok", "does not tell its maxmemory-policy"),
        ({"memory": {}}, "ok", "does not tell its maxmemory-policy"),
        ({"memory": {"maxmemory_policy": "noeviction"}}, "ok", "is noeviction."),
        ({"memory": {"maxmemory_policy": "volatile-lru"}}, "warning", "is volatile-lru"),
    ],
)
def test_what_redis_evicts_is_asked(told, level, words):
    (found,) = examined.eviction(Server(**told))
    assert (found.level, words in found.what) == (level, True)


NEVER, ALWAYS = {"aof_enabled": 0}, {"aof_enabled": 1}


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        ({"persistence": ALWAYS}, "ok", "persists what it has"),
        ({"persistence": ALWAYS, "save": ""}, "ok", "persists what it has"),
        ({"persistence": NEVER, "save": "3600 1"}, "ok", "persists what it has"),
        ({"persistence": NEVER, "save": ""}, "warning", "keeps nothing on the disk"),
        ({"persistence": NEVER}, "ok", "does not tell whether it persists"),
        ({"save": ""}, "ok", "does not tell whether it persists"),
    ],
)
def test_whether_redis_persists_is_asked(told, level, words):
    (found,) = examined.persistence(Server(**told))
    assert (found.level, words in found.what) == (level, True)


@pytest.mark.parametrize("lost", ["add", "remove"])
def test_a_file_that_does_not_keep_an_entry(diagnose, healthy, tmp_path, monkeypatch, lost):
    (tmp_path / "state").mkdir(mode=0o700)
    monkeypatch.setattr(SQLiteBackend, lost, lambda *_: False)
    assert "an entry that was written is not there" in faults(diagnose(healthy, "--offline"))[0]


@pytest.mark.parametrize("lost", ["add", "remove"])
def test_redis_that_does_not_keep_an_entry(
    diagnose, redis_settings, redis_server, monkeypatch, lost
):
    order(redis_server, "config", "set", "appendonly", "yes")
    monkeypatch.setattr(RedisBackend, lost, lambda *_: False)
    (found,) = of_redis(diagnose(redis_settings))
    assert (found["check"], found["level"]) == ("redis", "fault")


@pytest.fixture
def redis_settings(healthy, redis_server):
    del healthy["WORKOS_CACHE_DIR"]
    return {
        **healthy,
        "WORKOS_CACHE_TYPE": "redis",
        "WORKOS_CACHE_REDIS_URL": redis_server.url,
        # The online half is not what is examined here.
        "WORKOS_BASE_URL": "http://127.0.0.1:9",
    }


def of_redis(diagnosis):
    return [each for each in diagnosis.wrong if each["part"] == "Shared state"]


def order(server, *words):
    subprocess.run(["redis-cli", "-p", str(server.port), *words], check=True, capture_output=True)


def test_redis_that_persists_is_well(diagnose, redis_settings, redis_server):
    order(redis_server, "config", "set", "appendonly", "yes")
    found = diagnose(redis_settings)
    assert of_redis(found) == []
    assert "can be written and read (Redis)" in str(found.findings)


def test_redis_that_forgets(diagnose, redis_settings):
    (found,) = of_redis(diagnose(redis_settings))
    assert (found["level"], "keeps nothing on the disk" in found["what"]) == ("warning", True)


def test_redis_that_evicts(diagnose, redis_settings, redis_server):
    order(redis_server, "config", "set", "appendonly", "yes")
    order(redis_server, "config", "set", "maxmemory-policy", "allkeys-lru")
    (found,) = of_redis(diagnose(redis_settings))
    assert (found["level"], "is allkeys-lru" in found["what"]) == ("warning", True)


def test_redis_that_is_away(diagnose, redis_settings, redis_server):
    redis_server.kill()
    (found,) = of_redis(diagnose(redis_settings))
    assert (found["level"], "ConnectionError" in found["what"]) == ("fault", True)
    assert of_redis(diagnose(redis_settings, "--offline")) == []


def test_redis_with_another_password(diagnose, redis_settings, redis_server):
    order(redis_server, "config", "set", "requirepass", "right-one-of-the-test")
    url = redis_server.url.replace("//", "//:wrong-one@")
    (found,) = of_redis(diagnose({**redis_settings, "WORKOS_CACHE_REDIS_URL": url}))
    assert found["level"] == "fault"
    assert "wrong-one" not in str(found)
