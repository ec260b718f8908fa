"""What docs/doctor.md says of ``flask workos doctor`` is so."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from flask_workos_sessions.doctor.finding import CHECKS, Finding
from flask_workos_sessions.doctor.report import as_json
from flask_workos_sessions.doctor.subject import Subject
from flask_workos_sessions.doctor_command import doctor_command
from flask_workos_sessions.testing import settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")

#: An app whose shared state is memory, which is a fault, or that has one warning.
_APP = """
from flask import Flask
from flask_workos_sessions import WorkOSSessions
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
if {proxy}:
    app.wsgi_app = ProxyFix(app.wsgi_app)
WorkOSSessions(app)
"""


def section(heading):
    return re.split(r"^#+ ", PAGE.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.M)[0]


def rows_of(text):
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows]


def block(language, text=PAGE):
    return re.search(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)[1]


@pytest.fixture
def environ(tmp_path):
    given = settings(
        WORKOS_REDIRECT_URI="https://app.example.com/auth/callback",
        WORKOS_SESSION_MAX_LENGTH=28800,
        WORKOS_SESSION_INACTIVITY_TIMEOUT=1800,
        WORKOS_ISSUER=["https://api.workos.com"],
    )
    told = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
        if name.startswith("WORKOS_") and name != "WORKOS_BASE_URL"
    }
    stubs = tmp_path / "bin"
    stubs.mkdir()
    python = f'PYTHONPATH="{ROOT}:$PYTHONPATH" exec "{sys.executable}"'
    for name, runs in (("flask", f'{python} -m flask "$@"'), ("gunicorn", "echo Serving.")):
        (stubs / name).write_text(f"#!/bin/sh\n{runs}\n")
        (stubs / name).chmod(0o755)
    path = f"{stubs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **told, "PATH": path, "WORKOS_CACHE_DIR": str(tmp_path / "state")}


def run(command, folder, environ, *, proxy=True):
    (folder / "app.py").write_text(_APP.format(proxy=proxy))
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_check_is_there_in_its_part_and_says_what_to_do():
    told, part = {}, None
    for check, looks_at, to_do in rows_of(section("Every check"))[2:]:
        if check.startswith("**"):
            part = check.strip("*")
            continue
        assert looks_at, check
        assert to_do, check
        told[check.strip("`")] = part
    assert list(told.items()) == list(CHECKS.items())


def test_every_option_and_exit_status_is_there():
    rows = rows_of(section("Options"))
    told = [row[0].strip("`") for row in rows if row[0].startswith("`--")]
    assert told == [each.opts[0] for each in doctor_command.params]
    assert [row[0] for row in rows if row[0].isdecimal()] == ["0", "1", "2"]


def test_the_json_has_the_shape_that_is_shown():
    shown = json.loads(block("json"))
    subject = Subject.of(settings(), {})
    real = json.loads(as_json(subject, [Finding("issuer", "warning", "It is not set.")]))
    assert list(shown) == list(real)
    assert shown["counts"].keys() == real["counts"].keys()
    assert list(shown["findings"][0]) == list(real["findings"][0])
    assert all(list(each) == list(real["settings"][0]) for each in shown["settings"])


def test_the_report_is_as_shown(tmp_path, environ):
    environ |= {"WORKOS_CACHE_TYPE": "memory", "WORKOS_WEBHOOK_SECRET": secrets.token_hex(32)}
    done = run("flask --app app workos doctor --offline", tmp_path, environ, proxy=False)
    lines = done.stdout.splitlines()
    shown = block("text").splitlines()
    assert [line for line in shown if line not in lines] == []
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("planted", "status", "served"),
    [
        ({}, 0, "Serving."),
        ({"WORKOS_CACHE_TYPE": "memory"}, 1, "is memory: no other process"),
        ({"WORKOS_COOKIE_SAMESITE": "none"}, 1, "WORKOS_COOKIE_SAMESITE is none"),
        ({"WORKOS_COOKIE_PASSWORD": "short"}, 1, "at least 32 characters"),
    ],
)
def test_the_script_of_a_deployment_serves_what_is_well_only(
    tmp_path, environ, planted, status, served
):
    script = block("sh", section("In a deployment"))
    # Nothing is sent to the real WorkOS.
    script = script.replace("doctor --strict", "doctor --offline --strict")
    done = run(script, tmp_path, {**environ, **planted}, proxy=False)
    assert served in done.stdout, done.stdout
    assert ("Serving." in done.stdout, done.returncode) == (status == 0, status)
