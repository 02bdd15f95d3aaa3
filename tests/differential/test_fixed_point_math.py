# SPDX-License-Identifier: Apache-2.0
"""math/fixed_point against its integer twin, exactly."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulation.domain import fixed_point as twin
from tests.evm import Contract, Env, reverts

signed = st.integers(-(2**255), 2**255 - 1)
unsigned = st.integers(0, 2**256 - 1)


@cache
def harness() -> Contract:
    return Env().deploy("FixedPointHarness")


@given(numerator=signed, denominator=st.integers(1, 2**255 - 1))
@example(numerator=-1, denominator=10**18)
@example(numerator=-(2**255), denominator=1)
@example(numerator=-(10**18) - 1, denominator=10**18)
def test_signed_divisions(numerator: int, denominator: int) -> None:
    down = harness().div_floor(numerator, denominator)
    up = harness().div_ceil(numerator, denominator)
    assert down == twin.div_floor(numerator, denominator)
    assert up == twin.div_ceil(numerator, denominator)
    assert up - down == (numerator % denominator != 0)


@pytest.mark.parametrize("denominator", [0, -1, -(2**255)])
@pytest.mark.parametrize("name", ["div_floor", "div_ceil"])
def test_a_denominator_that_is_not_positive_is_refused(name: str, denominator: int) -> None:
    with reverts("fixed_point: denominator"):
        getattr(harness(), name)(1, denominator)
    with pytest.raises(ValueError, match="denominator"):
        getattr(twin, name)(1, denominator)


@given(numerator=unsigned, denominator=st.integers(1, 2**256 - 1))
@example(numerator=2**256 - 1, denominator=2**256 - 1)
def test_div_up(numerator: int, denominator: int) -> None:
    assert harness().div_up(numerator, denominator) == twin.div_up(numerator, denominator)


@given(word=unsigned, data=st.data())
def test_signed_field(word: int, data: st.DataObject) -> None:
    bits = data.draw(st.integers(2, 255))
    offset = data.draw(st.integers(0, 256 - bits))
    assert harness().signed_field(word, offset, bits) == twin.signed_field(word, offset, bits)


@given(data=st.data())
def test_a_packed_amount_comes_back(data: st.DataObject) -> None:
    bits = data.draw(st.integers(2, 254))
    offset = data.draw(st.integers(0, 256 - bits))
    amount = data.draw(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
    word = harness().pack_signed(amount, offset, bits)
    assert word == twin.pack_signed(amount, offset, bits)
    assert harness().signed_field(word, offset, bits) == amount


@pytest.mark.parametrize("amount", [2**79, -(2**79) - 1])
def test_an_amount_too_large_for_its_field_is_refused(amount: int) -> None:
    with reverts("fixed_point: field overflow"):
        harness().pack_signed(amount, 0, 80)
    with pytest.raises(ValueError, match="field overflow"):
        twin.pack_signed(amount, 0, 80)
