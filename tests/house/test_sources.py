"""What every source file keeps to: its size, its words, nothing of one person's machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "flask_workos_sessions"

MODULES = sorted(PACKAGE.rglob("*.py"))
_TOP = ("*.md", "*.toml", "*.cfg", "*.in", "Makefile", ".ci/*", ".github/**/*", ".editorconfig")
_FOLDERS = ("flask_workos_sessions", "examples", "tests", "docs")
_TEXT = {
    ".cfg",
    ".css",
    ".html",
    ".ini",
    ".js",
    ".json",
    ".md",
    ".py",
    ".sh",
    ".toml",
    ".txt",
    ".yml",
}
TEXTS = sorted(
    path
    for path in (
        *(path for pattern in _TOP for path in ROOT.glob(pattern)),
        *(path for folder in _FOLDERS for path in (ROOT / folder).rglob("*")),
    )
    if path.is_file()
    and (path.suffix in _TEXT or path.parent in (ROOT, ROOT / ".ci"))
    and not {"__pycache__", "instance"} & set(path.parts)
    and path != Path(__file__)  # it spells what it forbids
)

LONGEST = 300
_VAGUE_MODULES = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common"}
_VAGUE_NAME = re.compile(r"^_*handle_|(Manager|Helper|Utils?)$")
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
_OF_ONE_MACHINE = re.compile(r"(?<![\w.}])/(home|Users|root|work)/\w|[A-Z]:\\Users\\")
# Links and addresses may have such a path.
_URL = re.compile(r"https?://\S+")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=_shown)
def test_a_module_is_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines < LONGEST, f"{lines} lines: it holds more than one noun"


@pytest.mark.parametrize("path", MODULES, ids=_shown)
def test_names_say_what_a_thing_is(path: Path) -> None:
    assert path.stem not in _VAGUE_MODULES
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = [each.name for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, kinds)]
    assert not [name for name in names if _VAGUE_NAME.search(name)]


@pytest.mark.parametrize("path", MODULES, ids=_shown)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    source = path.read_text()
    if source.strip():
        assert ast.get_docstring(ast.parse(source)), "a docstring at the top"


@pytest.mark.parametrize("path", MODULES, ids=_shown)
def test_nothing_is_unpickled_or_evaluated(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }
    assert not imported & {"pickle", "marshal", "shelve", "dill"}
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"eval", "exec"}


@pytest.mark.parametrize("path", TEXTS, ids=_shown)
def test_a_text_is_finished_and_of_no_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not _UNFINISHED.findall(text)
    assert not [each.group() for each in _OF_ONE_MACHINE.finditer(_URL.sub("", text))]


@pytest.mark.parametrize("path", TEXTS, ids=_shown)
def test_a_text_has_plain_line_ends(path: Path) -> None:
    raw = path.read_bytes()
    assert b"\r" not in raw
    assert not raw or raw.endswith(b"\n")


def test_the_texts_are_found() -> None:
    shown = {_shown(path) for path in TEXTS}
    assert {
        "Makefile",
        "setup.cfg",
        "CHANGELOG.md",
        ".ci/run",
        ".github/workflows/ci.yml",
        "tests/conftest.py",
    } <= shown


@pytest.mark.parametrize(
    "line", ["# TODO later", "see /home/somebody/x.py", "/work/shared", "C:\\Users\\x"]
)
def test_the_rules_for_texts_find_what_they_forbid(line: str) -> None:
    assert _UNFINISHED.search(line) or _OF_ONE_MACHINE.search(line)


def test_the_rules_for_texts_leave_other_paths_alone() -> None:
    for line in ("/app/work/list", "url_for('home')", "href='/home'", "{prefix}/work/x"):
        assert not _OF_ONE_MACHINE.search(line), line
