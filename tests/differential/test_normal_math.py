# SPDX-License-Identifier: Apache-2.0
"""math/normal, and snekmate's exponential and logarithm: integer twins, exactly, and 60 digits of decimal."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulation.domain import elementary, normal
from tests.evm import Contract, Env, reverts
from tests.option_reference import PRECISION, normal_cdf, normal_pdf

WAD = 10**18
Q96 = 2**96


@cache
def harness() -> Contract:
    return Env().deploy("OptionMathHarness")


@given(x=st.integers(-42 * WAD, 136 * WAD))
@example(x=0)
@example(x=-41_446_531_673_892_822_313)
@example(x=-41_446_531_673_892_822_312)
@example(x=135_305_999_368_893_231_588)
def test_exponential(x: int) -> None:
    if x >= 135_305_999_368_893_231_589:
        with reverts("math: wad_exp overflow"):
            harness().wad_exp(x)
        with pytest.raises(OverflowError):
            elementary.wad_exp(x)
        return
    result = elementary.wad_exp(x)
    assert harness().wad_exp(x) == result
    with localcontext() as context:
        context.prec = PRECISION
        exact = Decimal(x).scaleb(-18).exp().scaleb(18)
        assert abs(result - exact) <= 2 + exact * Decimal("2e-20")


@given(x=st.one_of(st.integers(0, 2**255 - 1), st.integers(0, 255).map(lambda bits: 2**bits - 1)))
@example(x=1)
@example(x=WAD)
@example(x=WAD - 1)
def test_logarithm(x: int) -> None:
    result = elementary.wad_ln(x)
    assert harness().wad_ln(x) == result
    if x:
        with localcontext() as context:
            context.prec = PRECISION
            assert abs(result - Decimal(x).scaleb(-18).ln().scaleb(18)) <= Decimal("1.1")


def test_logarithm_of_a_negative_number() -> None:
    with reverts("math: wad_ln undefined"):
        harness().wad_ln(-1)
    with pytest.raises(ValueError, match="negative"):
        elementary.wad_ln(-1)


@given(t=st.integers(0, 37 * Q96))
@example(t=0)
@example(t=37 * Q96)
def test_mills_ratio(t: int) -> None:
    result = normal.mills(t)
    assert harness().mills(t) == result
    with localcontext() as context:
        context.prec = PRECISION
        distance = Decimal(t) / Q96
        exact = normal_cdf(-distance) / normal_pdf(distance)
        assert abs(Decimal(result) / Q96 / exact - 1) < Decimal("1e-18")


@given(t=st.integers(0, normal.FAR - 1))
@example(t=0)
@example(t=normal.FAR - 1)
def test_density(t: int) -> None:
    result = normal.density(t)
    assert harness().density(t) == result
    with localcontext() as context:
        context.prec = PRECISION
        exact = normal_pdf(Decimal(t) / Q96)
        error = abs(Decimal(result) / 2**145 / exact - 1)
        assert error < (Decimal("3e-18") if exact > Decimal("1e-26") else Decimal("1e-6"))


@given(x=st.integers(-14 * WAD, 14 * WAD))
@example(x=0)
@example(x=1)
@example(x=-1)
@example(x=13 * WAD)
@example(x=13 * WAD - 1)
@example(x=-(2**158))
def test_distribution(x: int) -> None:
    result = normal.cdf(x)
    assert harness().cdf(x) == result
    assert harness().pdf(x) == normal.pdf(x)
    assert result + normal.cdf(-x) == WAD
    with localcontext() as context:
        context.prec = PRECISION
        assert abs(result - normal_cdf(Decimal(x).scaleb(-18)).scaleb(18)) < 2
        assert abs(normal.pdf(x) - normal_pdf(Decimal(x).scaleb(-18)).scaleb(18)) < 2


@given(x=st.integers(-13 * WAD, 13 * WAD), step=st.integers(0, WAD))
def test_distribution_rises(x: int, step: int) -> None:
    assert normal.cdf(x) <= normal.cdf(x + step)
