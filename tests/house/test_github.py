"""What a public host reads: the workflow calls our targets, and the pages for people are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github"
WORKFLOW = yaml.safe_load((FOLDER / "workflows" / "ci.yml").read_text(encoding="utf-8"))
JOBS = WORKFLOW["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


def _targets(text: str) -> set[str]:
    return set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, re.M))


def test_the_workflow_calls_the_targets_and_nothing_else() -> None:
    commands = [step["run"] for step in STEPS if "run" in step]
    assert all(re.fullmatch(r"make [a-z-]+", command) for command in commands)
    assert {"lint", "test", "test-min", "bench"} == _targets("\n".join(commands))
    assert [step["run"] for step in JOBS["test"]["steps"] if "run" in step] == ["make test"]


def test_the_workflow_may_read_the_sources_and_nothing_else() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not [job for job in JOBS.values() if "permissions" in job]
    for step in STEPS:
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])
            assert step["with"] == {"persist-credentials": False}
    # YAML 1.1 reads "on" as true.
    assert set(WORKFLOW[True]) == {"push", "pull_request", "workflow_dispatch"}
    assert "secrets." not in (FOLDER / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_the_workflow_tests_every_python_that_is_supported() -> None:
    assert JOBS["test"]["strategy"]["matrix"]["python"] == PYTHONS
    tried = re.search(r"^PYTHONS \?= (.*)$", MAKEFILE, re.M)[1].split()
    assert tried == [f"python{version}" for version in PYTHONS]
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert f"python_requires = >={PYTHONS[0]}\n" in setup
    assert JOBS["test-min"]["container"] == f"python:{PYTHONS[0]}-bookworm"


def test_the_benchmarks_run_only_when_somebody_asks() -> None:
    assert JOBS["bench"]["if"] == "github.event_name == 'workflow_dispatch'"


def test_no_job_can_hang() -> None:
    assert all(0 < job["timeout-minutes"] <= 90 for job in JOBS.values())


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_the_pages_lead_somewhere_and_name_targets_that_exist(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", text):
        assert (FOLDER / target).exists(), target
    for path in re.findall(r"`((?:tests|docs|examples)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path
    for target in _targets(text):
        assert re.search(rf"^{target}:.* ## ", MAKEFILE, re.M), target
    assert "@" not in text, "no address that nobody reads"
