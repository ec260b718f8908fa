"""The guards that tests/conftest.py puts around every test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hypothesis

TESTS = Path(__file__).parents[1]


def _run(
    tmp_path: Path, source: str, *options: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text())
    (tmp_path / "test_sample.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, f"--rootdir={tmp_path}", "-c", os.devnull, *options, str(tmp_path)],
        env=os.environ | {"HYPOTHESIS_PROFILE": "ci"} | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_workos_variables_of_the_machine_do_not_reach_a_test(tmp_path: Path) -> None:
    source = "import os\ndef test_it(): assert 'WORKOS_API_KEY' not in os.environ\n"
    run = _run(tmp_path, source, WORKOS_API_KEY="from-outside")
    assert run.returncode == 0, run.stdout


def test_a_pushed_context_fails_the_test_that_left_it_and_no_other(tmp_path: Path) -> None:
    source = """
import flask
app = flask.Flask("sample")
def test_app(): app.app_context().push()
def test_request(): app.test_request_context().push()
def test_clean(): assert not flask.has_app_context()
"""
    run = _run(tmp_path, source)
    assert "3 passed, 2 errors" in run.stdout
    assert "left a Flask context pushed" in run.stdout


def test_a_skipped_test_fails_the_run_when_none_may_be_skipped(tmp_path: Path) -> None:
    source = "import pytest\ndef test_it(): pytest.skip('no time')\n"
    assert _run(tmp_path, source).returncode == 0
    run = _run(tmp_path, source, "--no-skips")
    assert run.returncode == 1
    assert "no time" in run.stdout.split("--no-skips forbids")[1]


def test_a_skipped_test_is_seen_among_parallel_workers(tmp_path: Path) -> None:
    source = "import pytest\ndef test_it(): pytest.skip('no time')\ndef test_other(): pass\n"
    assert _run(tmp_path, source, "--no-skips", "-n", "1").returncode == 1


def test_hypothesis_tries_the_same_examples_in_every_run() -> None:
    profile = hypothesis.settings.get_profile("ci")
    assert (profile.derandomize, profile.deadline) == (True, None)
