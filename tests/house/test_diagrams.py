"""The pictures of docs/: a script makes each, and the drawn ones can be read on a phone."""

from __future__ import annotations

import importlib.util
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
IMAGES = DOCS / "images"
SVG = "{http://www.w3.org/2000/svg}"
#: CSS pixels: the room for a picture on the smallest phone, and the smallest text in it.
PHONE, SMALLEST = 288, 11


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


DRAWN = _script("diagrams").DIAGRAMS


def test_the_drawn_pictures_are_what_their_script_makes(tmp_path: Path) -> None:
    _script("diagrams").main(tmp_path)
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text("utf-8") for path in IMAGES.glob("*.svg")}


def test_every_picture_is_made_by_a_script() -> None:
    pictures = _script("pictures")
    taken = {f"{name}-{view}" for name in pictures.FRAMES for view in pictures.VIEWS} | {"warning"}
    assert {path.stem for path in IMAGES.iterdir()} == taken | set(DRAWN)


def test_every_picture_is_shown_with_words_for_who_does_not_see_it() -> None:
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    shown = [
        each
        for page in pages
        for each in re.findall(r"!\[(.*?)\]\((?:docs/)?images/([\w.-]+)\)", page.read_text("utf-8"))
    ]
    assert {name for _, name in shown} == {path.name for path in IMAGES.iterdir()}
    assert not [name for words, name in shown if len(words) < 12]


@pytest.mark.parametrize("name", DRAWN)
def test_a_diagram_has_texts_and_a_description(name: str) -> None:
    root = ET.parse(IMAGES / f"{name}.svg").getroot()
    assert len(root.findall(f".//{SVG}text")) > 5
    for part in ("title", "desc"):
        assert (root.findtext(f"{SVG}{part}") or "").strip()
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")


@pytest.mark.browser
def test_on_a_phone_each_diagram_is_whole_and_large_enough_to_read(chromium_path: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": PHONE, "height": 800})
        for name in DRAWN:
            svg = (IMAGES / f"{name}.svg").read_text("utf-8")
            page.set_content(f"<style>body {{ margin: 0 }} svg {{ max-width: 100% }}</style>{svg}")
            found = page.evaluate(
                """() => {
                  const box = (each) => each.getBoundingClientRect();
                  const scale = box(document.querySelector("svg")).width / 300;
                  const edge = box(document.querySelector(".ground")).right;
                  return [...document.querySelectorAll("text")].map((each) => ({
                    words: each.textContent,
                    size: parseFloat(getComputedStyle(each).fontSize) * scale,
                    room: edge - box(each).right,
                    ground: [...document.querySelectorAll("rect:not(.ground)")]
                      .map(box)
                      .filter((rect) => rect.left <= box(each).left && rect.right > box(each).left
                        && rect.top < box(each).top + 2 && rect.bottom > box(each).bottom - 2)
                      .map((rect) => rect.right - box(each).right),
                  }));
                }"""
            )
            for text in found:
                assert text["size"] >= SMALLEST, (name, text)
                assert min([text["room"], *text["ground"]]) >= 0, (name, text)
        browser.close()
