"""The sizes that docs/cost.md and docs/session-end.md tell are those of the files, and their limits
those of the benchmark."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from flask_workos_sessions.ui.assets import asset_name, find_asset

ROOT = Path(__file__).parents[2]
COST, END = ((ROOT / "docs" / name).read_text("utf-8") for name in ("cost.md", "session-end.md"))
BENCHMARK = (ROOT / "tests" / "benchmarks" / "page.py").read_text("utf-8")

_SIZE = re.compile(r"^\| `([\w.]+)`, once.*? \| ([\d,]+) \| ([\d,]+) \|$", re.M)


def sizes(page: str) -> dict[str, tuple[int, int]]:
    """Bytes and their limit, by file."""
    return {
        name: (int(size.replace(",", "")), int(limit.replace(",", "")))
        for name, size, limit in _SIZE.findall(page)
    }


@pytest.mark.parametrize("page", [COST, END], ids=["cost.md", "session-end.md"])
def test_the_sizes_that_are_told_are_those_of_the_files(page: str) -> None:
    told = sizes(page)
    assert {"session.js", "session.css"} <= set(told)
    for name, (size, limit) in told.items():
        asset = find_asset(asset_name(name))
        assert asset is not None
        assert size == pytest.approx(len(gzip.compress(asset.body, 9)), rel=0.02), name
        assert f'("{name}", {limit})' in BENCHMARK, name


def test_both_pages_tell_the_same() -> None:
    cost, end = sizes(COST), sizes(END)
    assert end.items() <= cost.items()
    for poll in (30, 60, 0):
        row = re.compile(rf"^\| `WORKOS_UI_POLL = {poll}` \| (\d+) \| (\d+) \| (\d+) \|", re.M)
        assert row.findall(COST) == row.findall(END) != []
    assert "| … |" not in COST + END


def test_the_benchmark_keeps_what_a_page_asks_below_what_is_told() -> None:
    """A limit that is lower than a figure would be broken by every run."""
    limits = dict(
        re.findall(r'limits\.at_most\("(1 visible tab|10 tabs)[^"]*", .*?, (\d+)\)', BENCHMARK)
    )
    visible, tabs = re.findall(r"^\| `WORKOS_UI_POLL = 30` \| (\d+) \| (\d+)", COST, re.M)[0]
    assert int(visible) <= int(limits["1 visible tab"])
    assert int(tabs) <= int(limits["10 tabs"])
