"""People who check their types see ours: a view keeps its signature, a user has typed fields."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SAMPLE = Path(__file__).with_name("typing_sample.py")
ROOT = SAMPLE.parents[2]


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_mypy_sees_the_types_of_the_public_names(tmp_path: Path) -> None:
    options = ("--strict", "--follow-imports=silent", f"--cache-dir={tmp_path}")
    checked = _run("mypy", *options, str(SAMPLE), cwd=ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_pyright_sees_the_types_of_the_public_names(tmp_path: Path) -> None:
    settings = {
        "include": [str(SAMPLE)],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "strict",
        "reportUnnecessaryTypeIgnoreComment": "error",
        # mypy's comments are not for pyright.
        "enableTypeIgnoreComments": False,
    }
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps(settings))
    options = ("--pythonpath", sys.executable, "--project", str(project))
    checked = _run("pyright", *options, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
