"""What people install: the wheel and the source distribution, built from a copy of the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "flask_workos_sessions"
_LEFT_OUT = (".*_cache", ".git", ".hypothesis", ".venv", "*.egg-info", "*.pyc", "__pycache__")


def _run(*command: str, cwd: Path, **environ: str) -> str:
    ran = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both distributions; the wheel is made from the sdist, as ``build`` does."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*_LEFT_OUT, "build", "dist"))
    _run("-m", "build", "--no-isolation", "--outdir", str(folder), ".", cwd=source)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_of_the_package(in_wheel: set[str]) -> None:
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / PACKAGE).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert not package - in_wheel
    assert f"{PACKAGE}/py.typed" in in_wheel


def test_the_wheel_holds_nothing_else(in_wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in in_wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {PACKAGE}


def test_the_wheel_holds_the_licence(in_wheel: set[str]) -> None:
    assert [name for name in in_wheel if name.endswith(".dist-info/licenses/LICENSE")]


def test_the_source_distribution_can_be_tested(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"CHANGELOG.md", "LICENSE", "Makefile", "README.md", "setup.cfg", "pyproject.toml"}
    wanted |= {".ci/run", "tests/conftest.py", "tests/house/test_wheel.py", "examples", "docs"}
    assert not wanted - names
    assert not [name for name in names if name.endswith(".pyc") or name.startswith(".venv")]
