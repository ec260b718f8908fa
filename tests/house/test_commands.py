"""The commands that a newcomer types."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _make(*arguments: str) -> str:
    # A make that runs these tests hands its own options down.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    ran = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return ran.stdout


def test_make_alone_lists_the_commands() -> None:
    listed = _make()
    for command in (
        "demo",
        "test",
        "bench",
        "lint",
        "format",
        "messages",
        "assets",
        "build",
        "clean",
        "help",
    ):
        assert f"  make {command} " in listed


def test_ci_runs_what_a_developer_runs() -> None:
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert run.read_text().splitlines()[-1] == "exec make test"


def test_make_test_sees_to_the_programs_that_it_needs() -> None:
    planned = _make("--dry-run", "test").splitlines()
    for program in ("chromium", "redis"):
        assert f".ci/{program}" in planned
        assert os.access(ROOT / ".ci" / program, os.X_OK)


def test_make_test_runs_every_kind_of_check_and_allows_no_skips() -> None:
    planned = _make("--dry-run", "test")
    for check in (
        "ruff check",
        "ruff format --check",
        "bin/mypy",
        "bin/pyright",
        "bin/python -m pytest",
    ):
        assert check in planned
    pytest_lines = [line for line in planned.splitlines() if "-m pytest" in line]
    assert all("--no-skips" in line for line in pytest_lines)
    marks = [re.search(r"-m (\w+|\"[^\"]+\") --no-skips", line)[1] for line in pytest_lines]
    for alone in (False, True):
        for idle in (False, True):
            chosen = [eval(each.strip('"'), {"alone": alone, "idle": idle}) for each in marks]
            assert chosen.count(True) == 1, "every test is run, and once"
