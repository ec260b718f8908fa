"""The version stands in setup.cfg, and nowhere else; the changelog tells of it."""

from __future__ import annotations

import configparser
import importlib.metadata
import re
from pathlib import Path

import flask_workos_sessions

ROOT = Path(__file__).parents[2]


def _version() -> str:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup["metadata"]["version"]


def _sections() -> list[tuple[str, str]]:
    """Each version of the changelog, and the line that says when it came."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.findall(r"^## Version (\S+)\n\n(.*)\n\n- ", text, re.M)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_the_installed_version_is_that_of_setup_cfg() -> None:
    assert importlib.metadata.version("Flask-WorkOS-Sessions") == _version()


def test_the_version_stands_in_no_other_place() -> None:
    assert not hasattr(flask_workos_sessions, "__version__")
    number = re.compile(rf"(?<![\w.]){re.escape(_version())}(?![\w.]*\d)")
    suffixes = {".py", ".toml", ".md", ".yml", ".in"}
    folders = ("flask_workos_sessions", "examples", "docs", ".github", ".ci")
    texts = [*ROOT.glob("*.*"), *(path for each in folders for path in (ROOT / each).rglob("*.*"))]
    found = [
        path.relative_to(ROOT).as_posix()
        for path in texts
        if path.suffix in suffixes and number.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["CHANGELOG.md"]


def test_the_changelog_begins_with_this_version() -> None:
    assert _sections()[0][0] == _version()


def test_every_section_of_the_changelog_is_found() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert [f"Version {version}" for version, _ in _sections()] == headings


def test_the_changelog_is_in_order_and_only_the_newest_may_be_without_a_date() -> None:
    versions, dates = zip(*_sections(), strict=True)
    assert list(versions) == sorted(versions, key=_order, reverse=True)
    assert len(set(versions)) == len(versions)
    assert dates[0] == "Unreleased" or re.fullmatch(r"Released \d{4}-\d\d-\d\d", dates[0])
    assert all(re.fullmatch(r"Released \d{4}-\d\d-\d\d", each) for each in dates[1:])
