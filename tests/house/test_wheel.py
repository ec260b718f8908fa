"""What people install: the wheel and the source distribution, built from a copy of the sources."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "flask_workos_sessions"
SAMPLE = Path(__file__).with_name("typing_sample.py")
_LEFT_OUT = (".*_cache", ".git", ".hypothesis", ".venv", "*.egg-info", "*.pyc", "__pycache__")


def _run(*command: str, cwd: Path, stdin: str = "", **environ: str) -> str:
    ran = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=os.environ | environ,
        input=stdin,
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
    wanted |= {
        path.relative_to(ROOT).as_posix()
        for folder in (".ci", ".github", "docs", "examples", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not {"__pycache__", "instance"} & set(path.parts)
    }
    assert not wanted - names
    assert not [name for name in names if name.endswith(".pyc") or name.startswith(".venv")]


def test_the_unpacked_source_distribution_passes_its_tests(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    some = ("tests/test_lifetime.py", "tests/sealing", "tests/house/test_commands.py")
    options = ("-q", "-p", "no:cacheprovider", "--no-skips")
    ran = _run("-m", "pytest", *options, *some, cwd=unpacked, PYTHONPATH=str(unpacked))
    assert re.search(r"^\d{2,} passed", ran, re.M), ran


#: Runs the example of the README, given on standard input, as an app of its own.
_RUN_EXAMPLE = """
import json, os, re, sys
from pathlib import Path

import flask_workos_sessions
from flask_workos_sessions.testing import login_as, settings
from jinja2 import FunctionLoader

installed = Path(flask_workos_sessions.__file__)
assert installed.is_relative_to(sys.argv[1]), "this is not the wheel's"
for name, setting in settings().items():
    os.environ[name] = setting if isinstance(setting, str) else json.dumps(setting)

space = {"__name__": "readme"}
exec(compile(sys.stdin.read(), "README.md", "exec"), space)
app = space["app"]
app.testing = True
app.jinja_loader = FunctionLoader(
    lambda name: "<html><body>{{ current_user.first_name }}: {{ session_expires_in }}</body></html>"
    if not name.startswith("workos") else None
)
ours = {
    rule.rule
    for rule in app.url_map.iter_rules()
    if "GET" in rule.methods and not rule.arguments
    and rule.endpoint.partition(".")[0] not in ("static", "workos_sessions")
}
page = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
guarded = []
for path in ours:
    answer = app.test_client().get(path, headers=page)
    if answer.status_code == 302 and answer.location.startswith("/auth/login"):
        guarded.append(path)
assert guarded, "the example guards no view"
client = app.test_client()
login_as(client, user={"first_name": "Grace"}, role="admin")
for path in guarded:
    answer = client.get(path, headers=page)
    assert answer.status_code == 200, (path, answer.status)
    files = re.findall(r'(?:src|href)="([^"]*/(?:session|pages)[^"]*)"', answer.text)
    assert files, "the warning is not in the page"
    assert all(client.get(each).status_code == 200 for each in files), files
answer = app.test_client().get("/auth/signed-out", headers=page)
assert (answer.status_code, answer.mimetype) == (200, "text/html"), answer.status
print("guarded:", *guarded)
"""


def test_the_readmes_example_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    example = next(block for block in blocks if "WorkOSSessions(app)" in block)
    target = tmp_path / "installed"
    _run("-m", "pip", "install", "-q", "--no-deps", f"--target={target}", str(wheel), cwd=tmp_path)
    command = ("-W", "error", "-c", _RUN_EXAMPLE, str(target))
    assert "guarded: /" in _run(*command, cwd=tmp_path, stdin=example, PYTHONPATH=str(target))


# People who check their types see ours: a view keeps its signature, a user has typed fields.

#: Nothing from elsewhere is found.
_APART = {"PYTHONPATH": "", "MYPYPATH": "", "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which the wheel lies, and not the sources."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", scheme))
    _run("-m", "pip", "install", "-q", "--no-deps", f"--target={packages}", str(wheel), cwd=folder)
    # What the wheel needs, and no editable install: its own .pth file is not read from here.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = Path(sysconfig.get_path("scripts", "venv", scheme), "python")
    script = f"import {PACKAGE}; print({PACKAGE}.__file__)"
    command = [str(python), "-c", script]
    found = subprocess.run(
        command, cwd=folder, env=os.environ | _APART, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).is_relative_to(packages), "this is not the wheel's"
    return python


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A user's module, in a project of their own."""
    return Path(shutil.copy(SAMPLE, tmp_path / "views.py"))


def test_mypy_sees_the_types_of_the_installed_package(installed: Path, sample: Path) -> None:
    options = (f"--python-executable={installed}", "--strict", "--cache-dir=cache")
    _run("-m", "mypy", *options, "--config-file=", str(sample), cwd=sample.parent, **_APART)


def test_pyright_sees_the_types_of_the_installed_package(installed: Path, sample: Path) -> None:
    settings = {
        "include": [sample.name],
        "typeCheckingMode": "strict",
        "reportUnnecessaryTypeIgnoreComment": "error",
        # mypy's comments are not for pyright.
        "enableTypeIgnoreComments": False,
    }
    project = sample.parent / "pyrightconfig.json"
    project.write_text(json.dumps(settings))
    options = ("--pythonpath", str(installed), "--project", str(project))
    _run("-m", "pyright", *options, cwd=sample.parent, **_APART)
