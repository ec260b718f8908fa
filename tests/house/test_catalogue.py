"""The catalogue for translators has every text of our pages, and every text is in it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from flask_workos_sessions.views.pages import _PROBLEMS

ROOT = Path(__file__).parents[2]
UI = ROOT / "flask_workos_sessions" / "ui"
CATALOGUE = UI / "translations" / "workos_sessions.pot"
TEMPLATES = sorted((UI / "templates").rglob("*.html"))


def _command() -> list[str]:
    """What `make messages` runs, without what it installs first."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    planned = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "messages"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout
    (line,) = (each for each in planned.replace("\\\n", "").splitlines() if " extract " in each)
    return shlex.split(line)[1:]


def _texts(path: Path) -> dict[str, list[str]]:
    """The texts of a catalogue, and where they come from."""
    with path.open("rb") as file:
        found = read_po(file)
    return {each.id: sorted(place for place, _ in each.locations) for each in found if each.id}


def test_the_catalogue_is_what_babel_extracts_now(tmp_path: Path) -> None:
    command = _command()
    target = command.index(str(CATALOGUE.relative_to(ROOT)))
    command[target] = str(tmp_path / "now.pot")
    pybabel = [sys.executable, "-m", "babel.messages.frontend", *command]
    subprocess.run(pybabel, cwd=ROOT, timeout=60, check=True)
    now = _texts(tmp_path / "now.pot")
    assert now == _texts(CATALOGUE), "`make messages` makes it anew"


def test_the_texts_of_every_problem_are_in_it() -> None:
    known = _texts(CATALOGUE).keys()
    assert {each for problem in _PROBLEMS.values() for each in problem[:2]} <= known
    assert {"Go to the start page", "Sign in"} <= known


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_text_stands_in_a_template_untranslated(path: Path) -> None:
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>", "", path.read_text(), flags=re.S)
    assert not text.strip()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_text_in_quotes_with_a_space_is_marked(path: Path) -> None:
    code = " ".join(re.findall(r"\{[%{].*?[%}]\}", path.read_text(), re.S))
    unmarked = re.sub(r'_\("[^"]*"', "", code)
    assert not [each for each in re.findall(r'"([^"]*)"', unmarked) if " " in each]
