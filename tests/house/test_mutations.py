"""`make mutations` takes rules away: their texts have to be there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("mutations", ROOT / "tests/mutations/run.py")
assert _SPEC is not None
assert _SPEC.loader is not None
mutations = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(mutations)


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda each: each.rule)
def test_every_mutation_finds_its_text_and_its_tests(mutation):
    for name, text, instead in [mutation[1:4], *([mutation.also] if mutation.also else [])]:
        assert text in (ROOT / mutations.PACKAGE / name).read_text()
        assert instead != text
    for each in mutation.tests.split():
        assert (ROOT / each.partition("::")[0]).exists()
