"""``flask workos sessions``: what it prints, what it ends, and what its status says."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from flask_workos_sessions.cli import workos_group

ALICE, BOB = "alice@acme.test", "bob@acme.test"
REVOKE = "/user_management/sessions/revoke"


def runner_of(app):
    """A runner that keeps apart what is printed on which stream: before click 8.2 one had to say
    so, and since then one must not."""
    older = "mix_stderr" in signature(CliRunner).parameters
    return app.test_cli_runner(**({"mix_stderr": False} if older else {}))


@pytest.fixture
def shared(tmp_path):
    return {
        "WORKOS_COOKIE_PASSWORD": secrets.token_hex(32),
        "WORKOS_CACHE_TYPE": "sqlite",
        "WORKOS_CACHE_DIR": str(tmp_path / "state"),
    }


@pytest.fixture
def served(make_site, shared):
    """The site whose people's sessions are at stake, as another process serves it."""
    return make_site(**shared)


@pytest.fixture
def run(make_site, shared):
    """Runs a command, in a process of its own as far as the shared state is concerned."""

    def run(*arguments: str, **keywords: Any) -> Any:
        app = make_site(**{**shared, **keywords.pop("settings", {})}).app
        return runner_of(app).invoke(workos_group, ["sessions", *arguments], **keywords)

    return run


@pytest.fixture
def alice(workos):
    return workos.user(ALICE).id


def sign_in(site, who=ALICE):
    browser = site.browser()
    browser.sign_in(who)
    return browser


def id_of(browser):
    return browser.fetch("/api/me").json["session"]


def is_served(browser):
    browser.site.clock.advance(1)
    return browser.get("/dashboard").status_code == 200


def test_the_sessions_of_somebody_are_listed(served, run, alice, workos):
    first, second = sign_in(served), sign_in(served)
    workos.sessions[0].user_agent = "Firefox \x1b[2J" + "x" * 100
    done = run("list", alice)
    assert done.exit_code == 0
    newest, oldest = done.stdout.splitlines()
    assert newest.startswith(f"{id_of(second)}  since 20")
    assert oldest.startswith(id_of(first))
    assert "127.0.0.1  Firefox ?[2Jxxx" in oldest, "nothing in it moves the terminal's cursor"
    assert not oldest.endswith("x" * 60)


def test_somebody_without_sessions(run, alice):
    done = run("list", alice)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "There are none.\n")


@pytest.mark.parametrize("command", ["list", "revoke --user"])
def test_an_unknown_person_is_said(run, command):
    done = run(*command.split(), "user_unknown")
    assert done.exit_code == 1
    assert "nobody with th" in done.stderr


@pytest.mark.parametrize("command", ["list", "revoke --user"])
@pytest.mark.parametrize("user", ["alice@acme.test", ""])
def test_an_address_is_no_user_id(run, command, user):
    done = run(*command.split(), user)
    assert done.exit_code == 2
    assert "A user id of WorkOS is needed" in done.stderr


def test_security_w1_one_session_of_a_person_ends_and_no_other(served, run, alice, workos):
    stolen, other, bob = sign_in(served), sign_in(served), sign_in(served, BOB)
    refused = run("revoke", id_of(bob), "--user", alice)
    assert (refused.exit_code, "Nothing was ended" in refused.stderr) == (1, True)
    session_id = id_of(stolen)
    done = run("revoke", session_id, "--user", alice)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "The session has ended.\n", "")
    assert [is_served(each) for each in (stolen, other, bob)] == [False, True, True]
    assert [each.id for each in workos.sessions if each.status == "revoked"] == [session_id]


def test_security_w3_all_of_a_persons_end_but_one(served, run, alice):
    gone, kept, bob = sign_in(served), sign_in(served), sign_in(served, BOB)
    mistaken = run("revoke", "--user", alice, "--keep", "session_unknown")
    assert (mistaken.exit_code, "Nothing was ended" in mistaken.stderr) == (1, True)
    assert is_served(gone)
    done = run("revoke", "--user", alice, "--keep", id_of(kept))
    assert (done.exit_code, done.stdout) == (0, "1 session has ended.\n")
    assert [is_served(each) for each in (gone, kept, bob)] == [False, True, True]
    assert run("revoke", "--user", alice).stdout == "1 session has ended.\n"
    assert run("revoke", "--user", alice).stdout == "0 sessions have ended.\n"
    assert [is_served(each) for each in (kept, bob)] == [False, True]


def test_security_w3_everybody_is_signed_out_after_a_question(served, run):
    people = [sign_in(served), sign_in(served, BOB)]
    asked = run("revoke", "--everybody", input="n\n")
    assert asked.exit_code == 1
    assert "This signs everybody out." in asked.stdout
    assert all(map(is_served, people))
    assert run("revoke", "--everybody", input="y\n").exit_code == 0
    assert not any(map(is_served, people))
    again = sign_in(served)
    assert is_served(again)
    done = run("revoke", "--everybody", "--yes")
    assert (done.exit_code, done.stdout[:13]) == (0, "Every session")
    assert not is_served(again)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "session_1",
        "--keep session_1",
        "--yes",
        "--everybody --user user_1",
        "--everybody session_1",
        "--everybody --keep session_1",
        "--user user_1 --yes",
        "session_1 --user user_1 --keep session_2",
        "'' --user user_1",
        "--user user_1 --keep ''",
    ],
)
def test_what_is_not_clear_ends_nothing(run, served, arguments):
    alice = sign_in(served)
    given = ["" if each == "''" else each for each in arguments.split()]
    assert run("revoke", *given).exit_code == 2
    assert is_served(alice)


def test_while_workos_is_away_one_is_told_what_holds(served, run, alice, workos):
    gone = sign_in(served)
    session_id = id_of(gone)
    with workos.down():
        listed, one = run("list", alice), run("revoke", session_id, "--user", alice)
        assert (listed.exit_code, one.exit_code) == (1, 1)
        assert "cannot be looked up just now" in listed.stderr
        assert is_served(gone)
        done = run("revoke", "--user", alice)
        assert done.exit_code == 1
        assert "Your app refuses all of their sessions from now on" in done.stderr
        assert not is_served(gone)
    assert run("revoke", "--user", alice).exit_code == 0
    assert workos.sessions[0].status == "revoked"


def test_what_workos_has_not_confirmed_is_a_failure(served, run, alice, workos):
    gone = sign_in(served)
    session_id = id_of(gone)
    workos.fail_next(1, status=503, only=REVOKE)
    done = run("revoke", session_id, "--user", alice)
    assert done.exit_code == 1
    assert "WorkOS has not confirmed the end of 1. Run it again." in done.stderr
    assert not is_served(gone)
    assert run("revoke", session_id, "--user", alice).exit_code == 0
    assert workos.sessions[0].status == "revoked"


def test_with_memory_nobody_hears_of_it_and_that_is_said(run, make_site, alice, workos):
    workos.sign_in(ALICE)
    settings = {"WORKOS_CACHE_TYPE": "memory"}
    done = run("revoke", "--user", alice, settings=settings)
    assert (done.exit_code, done.stdout) == (0, "1 session has ended.\n")
    assert 'Warning: WORKOS_CACHE_TYPE is "memory"' in done.stderr
    done = run("revoke", "--everybody", "--yes", settings=settings)
    assert done.exit_code == 1
    assert "Nobody's session was ended." in done.stderr


def test_a_shared_state_that_cannot_be_used_is_a_failure(run, alice, tmp_path, workos):
    workos.sign_in(ALICE)
    file = tmp_path / "file"
    file.write_text("in the way")
    done = run("revoke", "--user", alice, settings={"WORKOS_CACHE_DIR": str(file)})
    assert done.exit_code == 1
    assert "may not have heard of this" in done.stderr


def test_an_app_without_the_extension_is_told(alice):
    done = runner_of(Flask("bare")).invoke(workos_group, ["sessions", "list", alice])
    assert done.exit_code == 1
    assert "not set up on this app" in done.stderr


def test_without_an_app_only_these_commands_say_so(tmp_path: Path):
    def flask(*arguments: str) -> Any:
        command = [sys.executable, "-m", "flask", "workos", *arguments]
        clean = {n: v for n, v in os.environ.items() if not n.startswith("FLASK_")}
        return subprocess.run(
            command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
        )

    listed = flask("sessions", "list", "user_1")
    assert listed.returncode == 2
    assert "Could not locate a Flask application" in listed.stderr
    assert len(flask("secret").stdout) == 65
    assert flask("local", "--help").returncode == 0
    assert "--everybody" in flask("sessions", "revoke", "--help").stdout
