"""Static files under names that carry a hash of their content."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flask_workos_sessions.ui import assets

ROOT = Path(__file__).parents[2]
STATIC = Path(assets.__file__).parent / "static"


@pytest.mark.parametrize("name", ["session.js", "push.js", "session.css", "pages.css"])
def test_a_name_carries_the_hash_of_what_is_served_under_it(name: str) -> None:
    served = assets.asset_name(name)
    found = assets.find_asset(served)
    assert found is not None
    assert found.body == (STATIC / name).read_bytes()
    assert hashlib.sha256(found.body).hexdigest().startswith(found.etag)
    assert served == name.replace(".", f".{found.etag}.")


def test_types_are_those_that_nosniff_accepts() -> None:
    types = {
        name: assets.find_asset(assets.asset_name(name)) for name in ("session.js", "pages.css")
    }
    assert [asset and asset.mimetype for asset in types.values()] == ["text/javascript", "text/css"]


@pytest.mark.parametrize(
    "name",
    [
        "session.js",
        "session.000000000000.js",
        "../assets.py",
        "",
        ".",
        "session..js",
        "SESSION.JS",
        "static/session.js",
    ],
)
def test_other_names_have_no_answer(name: str) -> None:
    assert assets.find_asset(name) is None


def test_a_file_that_is_not_there_has_no_name() -> None:
    with pytest.raises(KeyError):
        assets.asset_name("missing.js")


def test_nothing_in_the_files_is_fetched_from_elsewhere() -> None:
    """A strict Content-Security-Policy is kept, and nobody else learns who is signed in."""
    for path in STATIC.iterdir():
        assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", path.read_text()), path.name


@pytest.mark.parametrize(
    "word", ["innerHTML", "insertAdjacentHTML", "eval(", "Function(", ".style", "document.write"]
)
def test_the_scripts_keep_to_a_strict_policy(word: str) -> None:
    for name in ("session.js", "push.js"):
        assert word not in (STATIC / name).read_text()


LIMITS = {"session.js": 4608, "session.css": 1228, "push.js": 768}


@pytest.mark.parametrize(("name", "most"), LIMITS.items(), ids=LIMITS)
def test_what_a_browser_loads_is_small(name: str, most: int) -> None:
    """4.5, 1.2 and 0.75 KiB, compressed as well as gzip can."""
    assert len(gzip.compress((STATIC / name).read_bytes(), 9)) <= most


def test_what_is_served_is_what_make_assets_makes() -> None:
    make = [sys.executable, "-W", "error", str(ROOT / ".ci" / "assets.py"), "--check"]
    made = subprocess.run(make, capture_output=True, text=True, timeout=60)
    assert (made.returncode, made.stderr) == (0, "")


def test_what_is_stale_is_named_and_made_anew(tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    ui = tmp_path / "flask_workos_sessions" / "ui"
    for folder in ("source", "static"):
        shutil.copytree(STATIC.parent / folder, ui / folder)
    (ui / "source" / "session.css").write_text("p {\n  color: red;\n}\n")
    command = [sys.executable, "-W", "error", str(tmp_path / ".ci" / "assets.py")]

    def run(*options: str) -> tuple[int, str]:
        ran = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
        return ran.returncode, ran.stderr

    assert run("--check") == (1, "Run `make assets`: session.css changed.\n")
    assert run() == (0, "")
    assert (ui / "static" / "session.css").read_text() == "p{color:red}\n"
    assert run("--check") == (0, "")
