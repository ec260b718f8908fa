"""Static files under names that carry a hash of their content."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from flask_workos_sessions.ui import assets

STATIC = Path(assets.__file__).parent / "static"


@pytest.mark.parametrize("name", ["session.js", "session.css", "pages.css"])
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
def test_the_script_keeps_to_a_strict_policy(word: str) -> None:
    assert word not in (STATIC / "session.js").read_text()


def test_the_script_is_small() -> None:
    assert len((STATIC / "session.js").read_bytes()) < 7_500
