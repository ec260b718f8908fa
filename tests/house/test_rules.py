"""Every rule of the security page, and every bug class of the peers, is named by a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
RULES = [
    *(f"S{number}" for number in range(1, 11)),
    *(f"C{number}" for number in range(1, 11)),
    *(f"G{number}" for number in range(1, 7)),
    *(f"P{number}" for number in range(1, 8)),
    *(f"R{number}" for number in range(1, 10)),
    "W1",
    "W2",
    "W3",
    "W4",
    "T1",
    "T2",
    "T3",
]
BUG_CLASSES = "ABCDEFGHIJKLMNOPQR"

SOURCES = "\n".join(
    path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py") if path != Path(__file__)
)


@pytest.mark.parametrize("rule", RULES)
def test_every_security_rule_is_named_by_a_test(rule: str) -> None:
    assert re.search(rf"security[ _](?:\w+[ _,]+(?:and )?)*?{rule}(?:\b|_)", SOURCES, re.IGNORECASE)


@pytest.mark.parametrize("letter", BUG_CLASSES)
def test_every_bug_class_of_the_peers_is_named_by_a_test(letter: str) -> None:
    assert re.search(rf"bug class {letter}\b", SOURCES)
