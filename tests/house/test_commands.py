"""The commands that a newcomer types."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
        "test-min",
        "test-pythons",
        "bench",
        "lint",
        "format",
        "messages",
        "assets",
        "docs",
        "build",
        "clean",
        "help",
    ):
        assert f"  make {command} " in listed


def test_ci_runs_what_a_developer_runs() -> None:
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert run.read_text().splitlines()[-1] == "exec make test"


@pytest.mark.parametrize(
    ("target", "programs"),
    [
        ("test", {"chromium", "redis"}),
        ("bench", {"chromium", "redis"}),
        ("test-min", {"redis"}),
        ("test-pythons", {"redis"}),
        ("faults", {"redis"}),
        ("mutations", {"redis"}),
    ],
)
def test_each_target_sees_to_the_programs_that_it_needs(target: str, programs: set[str]) -> None:
    planned = _make("--dry-run", target).splitlines()
    assert {each for each in ("chromium", "redis") if f".ci/{each}" in planned} == programs
    for program in programs:
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


def test_make_test_min_installs_the_oldest_versions_in_an_environment_of_its_own(
    tmp_path: Path,
) -> None:
    # One that is not there: in the real one all may be installed already.
    new = f"VENV={tmp_path}/new"
    planned = _make("--dry-run", new, "test-min")
    assert f"install --constraint {tmp_path}/new/min/oldest.txt --editable ." in planned
    assert f"{tmp_path}/new/min/bin/python -m pytest" in planned
    assert "--constraint" not in _make("--dry-run", new, "test")


def test_make_test_pythons_runs_those_that_are_here_and_names_the_others(tmp_path: Path) -> None:
    gone = tmp_path / "python3.9"
    gone.write_text("#!/bin/sh\nexit 127\n")
    gone.chmod(0o755)
    (tmp_path / "make").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "make").chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    def run(*pythons: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / ".ci" / "pythons"), "venvs", *pythons]
        return subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=30, check=False
        )

    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    ran = run(str(gone), sys.executable, "python3.99")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        f"--no-print-directory VENV=venvs/python{version} PYTHON={sys.executable} short",
        f"Not here, and not tried: {gone} python3.99",
        f"Passed with Python: {version}",
    ]
    assert run("python3.99").returncode == 1
    (tmp_path / "make").write_text("#!/bin/sh\nexit 2\n")
    assert run(sys.executable).returncode == 2
