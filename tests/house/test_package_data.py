"""Every file of the package that is no Python source is named in setup.cfg's package_data."""

from __future__ import annotations

import configparser
import importlib.metadata
import importlib.resources
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "flask_workos_sessions"


def _patterns() -> list[str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup["options.package_data"]["flask_workos_sessions"].split()


def test_every_file_beside_the_sources_is_package_data() -> None:
    named = {path for pattern in _patterns() for path in PACKAGE.glob(pattern)}
    there = {
        path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert not there - named


@pytest.mark.parametrize("pattern", _patterns())
def test_every_pattern_of_package_data_finds_something(pattern: str) -> None:
    assert list(PACKAGE.glob(pattern)), "a pattern that finds nothing hides a file that is lost"


def test_every_folder_with_sources_is_a_package() -> None:
    """``find:`` leaves out a folder without ``__init__.py``, and its sources with it."""
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert not [str(each) for each in folders if not (each / "__init__.py").exists()]


def test_the_package_says_that_it_is_typed() -> None:
    assert importlib.resources.files("flask_workos_sessions").joinpath("py.typed").is_file()


def test_the_command_is_an_entry_point_of_flask() -> None:
    found = importlib.metadata.entry_points(group="flask.commands", name="workos")
    assert [each.value for each in found] == ["flask_workos_sessions.cli:workos_group"]


def test_the_metadata_names_the_licence_and_the_oldest_python() -> None:
    metadata = importlib.metadata.metadata("Flask-WorkOS-Sessions")
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"
