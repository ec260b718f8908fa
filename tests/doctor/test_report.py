"""What the doctor prints: never a secret, readable or JSON, and with an app that is broken too."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask

import flask_workos_sessions.doctor as doctor_package
from flask_workos_sessions.doctor.finding import CHECKS
from flask_workos_sessions.doctor.masking import show_url, without_secrets
from flask_workos_sessions.settings import Settings

from .conftest import invoke

CANARIES = {
    "WORKOS_API_KEY": "sk_live_canaryOfTheApiKey",
    "WORKOS_COOKIE_PASSWORD": "canary-of-the-cookie-7f3a9b2c8d1e",
    "WORKOS_COOKIE_PASSWORD_FALLBACKS": ["canary-of-a-fallback-7f3a9b2c8d1e4"],
    "WORKOS_WEBHOOK_SECRET": "canary-of-the-webhook",
    "WORKOS_WEBHOOK_SECRET_FALLBACKS": ["canary-of-another-webhook"],
    "SECRET_KEY": "canary-of-flask-itself",
}


def secrets_in(output):
    return [word for word in ("canary", "@acme") if word in output.casefold()]


@pytest.mark.parametrize("how", [(), ("--json",)])
@pytest.mark.parametrize("where", ["config", "environment"])
def test_security_t2_no_secret_is_shown(doctor, healthy, monkeypatch, how, where):
    del healthy["WORKOS_CACHE_DIR"]
    monkeypatch.delenv("WORKOS_CACHE_DIR")
    planted = {
        **CANARIES,
        "WORKOS_CACHE_REDIS_URL": "rediss://who:canary-pw@redis.example.com/1?password=canary2",
        "WORKOS_SIGN_OUT_RETURN_TO": "/bye?who=alice@acme.test",
    }
    if where == "environment":
        for name, value in planted.items():
            healthy.pop(name, None)
            monkeypatch.setenv(name, value if isinstance(value, str) else json.dumps(value))
    done = doctor({**healthy, **(planted if where == "config" else {})}, "--offline", *how)
    assert done.exit_code == 0, done.output
    assert "rediss://***@redis.example.com/1" in done.output
    assert secrets_in(done.output) == []


@pytest.mark.parametrize("how", [(), ("--json",)])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKOS_API_KEY", "client_canary_of_the_key"),
        ("WORKOS_CLIENT_ID", "sk_live_canaryOfTheKey"),
        ("WORKOS_COOKIE_PASSWORD", "canary"),
        ("WORKOS_REDIRECT_URI", "https://alice:canary@app.example.com/auth/callback"),
        ("WORKOS_CACHE_REDIS_URL", "https://:canary@host"),
        ("WORKOS_CACHE_REDIS_URL", "rediss://:canary@host:port"),
        ("WORKOS_COOKIE_NAME", "sk_live_canaryOfTheKey"),
        ("WORKOS_ISSUER", "alice@acme.test"),
    ],
)
def test_security_t2_a_value_in_the_wrong_place_is_not_shown(doctor, healthy, how, name, value):
    done = doctor({**healthy, name: value}, "--offline", *how)
    assert name in done.output
    assert secrets_in(done.output) == []


@pytest.mark.parametrize("name", ["WORKOS_COOKIE_PASSWORD", "SECRET_KEY"])
def test_security_t2_a_secret_in_two_places_is_shown_in_none(doctor, healthy, name):
    healthy["WORKOS_SIGN_IN_RETURN_TO"] = f"/{healthy[name]}"
    done = doctor(healthy, "--offline")
    assert healthy[name] not in done.output
    assert "WORKOS_SIGN_IN_RETURN_TO = /***" in done.output


def test_security_t2_a_secret_of_a_list_is_masked_too(doctor, healthy):
    earlier = os.urandom(32).hex()
    healthy["WORKOS_COOKIE_PASSWORD_FALLBACKS"] = [earlier]
    healthy["WORKOS_SIGN_IN_RETURN_TO"] = f"/{earlier}"
    assert earlier not in doctor(healthy, "--offline").output


def test_it_reads_well(doctor, healthy):
    healthy["WORKOS_CACHE_TYPE"] = "memory"
    del healthy["WORKOS_ISSUER"]
    lines = doctor(healthy, "--offline").stdout.splitlines()
    assert lines[:2] == ["App", "  ok      The app examined starts."]
    assert lines[3:5] == ["", "Settings"]
    assert "  ok      WORKOS_API_KEY = *** (app.config)" in lines
    marked = [line for line in lines if line.startswith("  ")]
    assert all(line[2:9].strip() in ("ok", "WARNING", "FAULT") for line in marked)
    assert [line[line.index("[") :] for line in marked if line[2:4] != "ok"] == [
        "[memory]",
        "[issuer]",
    ]
    count = len(marked) - 2
    assert lines[-1] == f"1 fault, 1 warning, {count} ok."


def test_settings_have_their_source(diagnose, healthy, monkeypatch):
    del healthy["WORKOS_CLIENT_ID"]
    monkeypatch.setenv("WORKOS_CLIENT_ID", "client_of_the_environment")
    found = {each["name"]: each for each in diagnose(healthy, "--offline").settings}
    assert len(found) > 40
    assert [found[f"WORKOS_{name}"] for name in ("CLIENT_ID", "API_KEY", "UI_POLL")] == [
        {
            "name": "WORKOS_CLIENT_ID",
            "source": "environment",
            "value": "client_of_the_environment",
        },
        {"name": "WORKOS_API_KEY", "source": "app.config", "value": "***"},
        {"name": "WORKOS_UI_POLL", "source": "default", "value": "30"},
    ]


def test_what_is_set_is_listed_and_no_other_setting(diagnose, healthy):
    lines = [
        each["what"]
        for each in diagnose(healthy, "--offline").findings
        if each["check"] == "settings"
    ]
    given = [name for name in healthy if name.startswith("WORKOS_")]
    assert {line.partition(" = ")[0] for line in lines[:-1]} == set(given)
    assert lines[-1] == f"{len(fields(Settings)) - len(given)} other settings have their defaults."


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("UI_POLL", 30, "30"),  # its default
        ("UI_POLL", "often", "***"),
        ("CACHE_TYPE", "redis", "redis"),  # in conflict with another one, and what was meant
        ("REDIRECT_URI", ["https://a.test/auth/callback"], '["https://a.test/auth/callback"]'),
        ("WEBHOOK_SECRET", "abc123", "***"),
        ("CACHE_REDIS_URL", "redis://redis.test:1/0?password=x", "redis://redis.test:1/0"),
        ("COOKIE_DOMAIN", None, ""),
        ("PUBLIC_PATHS", None, ""),
    ],
)
def test_a_value_is_shown_as_it_would_be_written(
    diagnose, healthy, monkeypatch, name, value, shown
):
    monkeypatch.delenv("WORKOS_CACHE_DIR")
    settings = {**healthy, f"WORKOS_{name}": value}
    found = {each["name"]: each["value"] for each in diagnose(settings, "--offline").settings}
    assert found[f"WORKOS_{name}"] == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://redis.test", "redis://redis.test"),
        ("redis://redis.test:6379/2", "redis://redis.test:6379/2"),
        ("rediss://who@redis.test/0", "rediss://***@redis.test/0"),
        ("rediss://:pw@redis.test:1/0", "rediss://***@redis.test:1/0"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock"),
        ("redis://redis.test:port", "***"),
    ],
)
def test_a_redis_url_is_shown_without_who_and_what(url, shown):
    assert show_url(url) == shown


def test_a_secret_of_twelve_characters_is_found_in_any_text_and_a_word_is_not():
    assert without_secrets("twelve-chars and eleven-char", ["twelve-chars", "eleven-char"]) == (
        "*** and eleven-char"
    )


def test_the_longer_one_of_two_secrets_goes_first():
    assert without_secrets("x-twelve-chars", ["twelve-chars", "x-twelve-chars"]) == "***"


def test_the_json_has_its_shape(doctor, healthy):
    del healthy["WORKOS_ISSUER"]
    document = json.loads(doctor(healthy, "--offline", "--json").stdout)
    assert list(document) == ["status", "counts", "findings", "settings"]
    assert document["status"] == "warning"
    assert document["counts"] == {
        "fault": 0,
        "warning": 1,
        "ignored": 0,
        "ok": len(document["findings"]) - 1,
    }
    for each in document["findings"]:
        assert list(each) == ["part", "check", "level", "what", "setting", "remedy"]
        assert CHECKS[each["check"]] == each["part"]
        assert each["level"] in ("ok", "warning", "fault")


def test_the_parts_of_the_report_come_once(doctor, healthy):
    lines = doctor(healthy, "--offline").stdout.splitlines()
    parts = [line for line in lines[:-1] if line and not line.startswith(" ")]
    assert parts == list(dict.fromkeys(CHECKS.values()))


def test_warnings_can_be_ignored_and_are_shown(diagnose, doctor, healthy):
    del healthy["WORKOS_ISSUER"], healthy["WORKOS_SESSION_MAX_LENGTH"]
    ignored = ("--ignore", "issuer", "--ignore", "max-length")
    found = diagnose(healthy, "--offline", "--strict", *ignored)
    assert (found.status, found.exit_code, found.counts["ignored"]) == ("ok", 0, 2)
    one = doctor(healthy, "--offline", "--strict", "--ignore", "issuer")
    assert one.exit_code == 1
    assert "  ignored WORKOS_ISSUER is not set" in one.stdout
    assert one.stdout.splitlines()[-1].startswith("0 faults, 1 warning, 1 ignored, ")


def test_a_fault_cannot_be_ignored(diagnose, healthy):
    healthy["WORKOS_CACHE_TYPE"] = "memory"
    found = diagnose(healthy, "--offline", "--ignore", "memory")
    assert (found.status, found.exit_code) == ("fault", 1)


def test_only_a_check_that_exists_can_be_ignored(doctor, healthy):
    done = doctor(healthy, "--offline", "--ignore", "proxies")
    assert done.exit_code == 2
    assert "'redirect-uri'" in done.output


def test_every_check_is_used_and_no_other():
    named = {
        each.args[0].value
        for path in Path(doctor_package.__file__).parent.glob("*.py")
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Name)
        and each.func.id in ("ok", "warning", "fault")
        and isinstance(each.args[0], ast.Constant)
    }
    assert named | {"app", "versions"} == set(CHECKS)


def test_the_versions_are_told(doctor, healthy):
    told = doctor(healthy, "--offline").stdout.splitlines()[2]
    for name in ("Flask-WorkOS-Sessions", "Flask", "Werkzeug"):
        assert f"{name} {importlib.metadata.version(name)}," in told
    assert told.endswith(f"Python {platform.python_version()}.")


# Without a valid app.


def test_an_app_without_the_extension(healthy):
    app = Flask("bare")
    app.config.update(healthy)
    done = invoke(lambda: app, "--offline")
    assert done.exit_code == 1
    assert "FAULT   The extension is not set up on this app." in done.output
    assert "WORKOS_CLIENT_ID = client_01HEALTHY (app.config)" in done.output


def test_an_app_without_the_extension_hears_of_conflicts_too(healthy):
    app = Flask("bare")
    app.config.update(healthy, WORKOS_SESSION_STORE="cache", WORKOS_CACHE_TYPE="memory")
    done = invoke(lambda: app, "--offline")
    assert "WORKOS_SESSION_STORE=cache needs a cache that all processes share" in done.output


def test_an_app_that_cannot_be_made_for_another_reason():
    def create_app():
        raise LookupError("canary: no such database")

    done = invoke(create_app, "--offline")
    assert done.exit_code == 1
    assert "cannot be loaded (LookupError): the environment alone is checked" in done.output
    assert "WORKOS_API_KEY is missing" in done.output
    assert secrets_in(done.output) == []


@pytest.fixture
def flask(tmp_path):
    """The command as it is typed, in an empty folder."""

    def flask(*arguments, **environ):
        clean = {n: v for n, v in os.environ.items() if not n.startswith(("FLASK_", "WORKOS_"))}
        return subprocess.run(
            [sys.executable, "-m", "flask", *arguments],
            cwd=tmp_path,
            env={**clean, **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    return flask


def test_without_an_app_the_environment_is_checked(flask, healthy):
    del healthy["SECRET_KEY"], healthy["WORKOS_CACHE_DIR"]
    environ = {name: str(value) for name, value in healthy.items()}
    done = flask("workos", "doctor", "--offline", **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "WARNING There is no app at hand" in done.stdout
    assert done.stdout.count("WARNING") == 1, "nothing is said of an app that is not there"
    assert "State is shared in Flask's instance folder" in done.stdout
    missing = flask("workos", "doctor", "--offline")
    assert missing.returncode == 1
    assert "WORKOS_COOKIE_PASSWORD is missing" in missing.stdout
    assert "is the same as" not in missing.stdout


def test_an_app_that_is_not_found_is_a_fault(flask):
    done = flask("--app", "nowhere", "workos", "doctor", "--offline")
    assert done.returncode == 1
    assert "cannot be loaded (it is not found, or cannot be imported)" in done.stdout
    assert done.stderr == ""


def test_what_an_app_prints_is_not_in_the_report(flask, tmp_path):
    (tmp_path / "loud.py").write_text(
        "print('Here I am')\nfrom flask import Flask\nraise OSError\n"
    )
    done = flask("--app", "loud", "workos", "doctor", "--offline", "--json")
    assert json.loads(done.stdout)["status"] == "fault"
    assert done.stderr == "Here I am\n"


def test_a_file_whose_settings_are_wrong_is_examined_all_the_same(flask, tmp_path):
    (tmp_path / "hello.py").write_text(
        "from flask import Flask\n"
        "from flask_workos_sessions import WorkOSSessions\n"
        "app = Flask(__name__)\n"
        "app.config.update(WORKOS_CLIENT_ID='client_1', WORKOS_COOKIE_DOMAIN='acme.test')\n"
        "WorkOSSessions(app)\n"
    )
    done = flask("--app", "hello", "workos", "doctor", "--offline")
    assert (done.returncode, done.stderr) == (1, "")
    assert "FAULT   The app does not start" in done.stdout
    assert "WORKOS_CLIENT_ID = client_1 (app.config)" in done.stdout
    assert "WARNING WORKOS_COOKIE_DOMAIN is set" in done.stdout
