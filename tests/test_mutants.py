"""ci/mutants breaks the rules of the verdict: here, that each still has a place in the code."""

from __future__ import annotations

import ast

import pytest

from tests.mutants import MUTANTS, broken


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_has_a_place_and_is_python(mutant):
    ast.parse(broken(mutant))
