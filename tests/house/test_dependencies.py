"""What the package imports is declared, with its oldest version, which `make test-min` installs."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "flask_workos_sessions"

#: Imported only where the application has it, and never needed.
OPTIONAL = {"flask_babel", "flask_wtf", "pytest"}


def _setup() -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup


def _requirements(text: str) -> dict[str, str]:
    """Version bounds by the name that is imported."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", each).groups() for each in lines)


def _imported() -> set[str]:
    names = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {PACKAGE.name, "_typeshed"}


def _oldest(folder: Path = ROOT) -> dict[str, str]:
    command = [sys.executable, str(folder / ".ci" / "oldest.py")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if ran.returncode:
        raise ValueError(ran.stderr)
    return dict(line.split("==") for line in ran.stdout.splitlines())


def test_what_is_imported_is_declared_and_nothing_else() -> None:
    setup = _setup()
    always = _requirements(setup["options"]["install_requires"])
    extra = _requirements(setup["options.extras_require"]["redis"])
    declared = {name.replace("-", "_") for name in {**always, **extra}}
    assert _imported() - OPTIONAL == declared


def test_the_oldest_versions_are_those_of_setup_cfg() -> None:
    setup = _setup()
    extra = setup["options.extras_require"]["redis"]
    assert _oldest() == _requirements(setup["options"]["install_requires"] + extra)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "oldest.py").write_text((ROOT / ".ci" / "oldest.py").read_text())
    (tmp_path / "setup.cfg").write_text(
        "[options]\ninstall_requires =\n    # Why.\n    flask>=3.9\n    Blinker.x>=1\n"
        "[options.extras_require]\nredis =\n    redis>=5\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        "[dependency-groups]\ntest = ['redis>=4', 'flask[async]>=3.10', 'pytest>=8', 'gevent']\n"
    )
    return tmp_path


def test_where_the_tests_need_a_newer_version_it_counts(project: Path) -> None:
    assert _oldest(project) == {"flask": "3.10", "blinker-x": "1", "redis": "5"}


@pytest.mark.parametrize(
    ("line", "told"), [("flask", "how old flask may be"), ("flask~=3.1", "another form")]
)
def test_a_dependency_without_an_oldest_version_is_an_error(
    project: Path, line: str, told: str
) -> None:
    setup = (project / "setup.cfg").read_text()
    (project / "setup.cfg").write_text(setup.replace("flask>=3.9", line))
    with pytest.raises(ValueError, match=told):
        _oldest(project)
