"""The site of the documentation: it is made without a warning, is whole, and fetches nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from blinker import NamedSignal

import flask_workos_sessions
from flask_workos_sessions import errors, local, signals, testing

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
QUESTIONS = 8


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the built pages, made as ``make docs`` does."""
    folder = tmp_path_factory.mktemp("site")
    ran = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", DOCS, folder],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return folder


def _page(site: Path, name: str) -> str:
    return (site / name).read_text(encoding="utf-8")


def test_every_page_is_in_the_contents(site: Path) -> None:
    contents = _page(site, "index.html")
    for page in DOCS.glob("*.md"):
        if page.name != "index.md":
            assert f'href="{page.stem}.html"' in contents, page.name


def test_every_link_between_the_pages_leads_somewhere(site: Path) -> None:
    pages = {each.name: each.read_text(encoding="utf-8") for each in site.glob("*.html")}
    anchors = {name: set(re.findall(r'\bid="([^"]+)"', text)) for name, text in pages.items()}
    for name, text in pages.items():
        for target in re.findall(r'<a\b[^>]*?href="(?!https?:|mailto:)([^"]+)"', text):
            path, _, fragment = target.partition("#")
            assert not path or (site / path).exists(), f"{name}: {target}"
            if fragment and (path or name) in anchors:
                assert unquote(fragment) in anchors[path or name], f"{name}: {target}"


def test_a_page_fetches_nothing_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|img|iframe)\b[^>]*?src="([^"]+)"', text)
        fetched += re.findall(r'<link\b[^>]*?rel="stylesheet"[^>]*?href="([^"]+)"', text)
        assert not [each for each in fetched if re.match("https?:|//", each)], page.name


def test_no_folder_of_the_machine_is_in_it(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert str(ROOT) not in page.read_text(encoding="utf-8"), page.name


def test_each_question_of_a_team_has_one_link() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    asked = index.partition("## Questions that a team asks\n\n")[2].partition("\n\n")[0]
    lines = asked.splitlines()
    assert len(lines) == QUESTIONS
    for line in lines:
        assert re.fullmatch(r"\* \[[^]]+\?\]\([\w-]+\.md#[\w-]+\)", line), line


@pytest.mark.parametrize(
    "module", [flask_workos_sessions, errors, local, testing], ids=lambda each: each.__name__
)
def test_every_public_name_is_in_the_reference(site: Path, module: object) -> None:
    names = set(module.__all__) - {"errors", "signals"}
    assert not names - _documented(site)


def test_every_signal_is_in_the_reference(site: Path) -> None:
    kept = {name for name, each in vars(signals).items() if isinstance(each, NamedSignal)}
    assert kept
    assert not kept - _documented(site)


def _documented(site: Path) -> set[str]:
    found = re.findall(r'<dt [^>]*?id="flask_workos_sessions\.([\w.]+)"', _page(site, "api.html"))
    return {name.rpartition(".")[2] for name in found}
