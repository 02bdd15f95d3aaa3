# SPDX-License-Identifier: Apache-2.0
"""math/svi against its integer twin, exactly; against 60 digits of decimal; against published figures.

Figures: derivexyz/v2-core test/risk-managers/unit-tests (PMRM_2 portfolio cases, StandardManager cases).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from functools import cache
from math import isqrt
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from simulation.domain import svi as twin
from tests.evm import Contract, Env, Reverted, reverts
from tests.option_reference import PRECISION
from tests.published import published

WAD = 10**18
NANO = 10**9
LARGEST = 2**80 - 1
YEAR = 365 * 86_400

price = st.one_of(st.integers(0, LARGEST), st.integers(0, 10**15), st.sampled_from([0, 1, LARGEST]))


@st.composite
def surface(draw: st.DrawFn) -> twin.Params:
    """Parameters that pass the check: variance nowhere negative, wings within Lee's bound."""
    rho = draw(st.integers(-WAD + 1, WAD - 1))
    b = draw(st.integers(0, 2 * WAD * WAD // (WAD + abs(rho))))
    sigma = draw(st.integers(1, 2 * WAD))
    lowest = -(b * sigma * isqrt(WAD * WAD - rho * rho) // WAD**2)
    a = draw(st.integers(lowest + 4, lowest + 4 + WAD))
    params = twin.Params(a, b, rho, draw(st.integers(-2 * WAD, 2 * WAD)), sigma)
    twin.check(params)
    return params


@cache
def harness() -> Contract:
    return Env().deploy("OptionMathHarness")


def words(params: twin.Params) -> tuple[int, ...]:
    return params.a, params.b, params.rho, params.m, params.sigma


@given(params=surface(), forward=price, strike=price, seconds=st.integers(1, 2 * YEAR))
@example(params=twin.Params(4, 0, 0, 0, 1), forward=1, strike=1, seconds=1)
@example(params=twin.Params(4, 0, 0, 0, 1), forward=0, strike=0, seconds=2**40 - 1)
@example(
    params=twin.Params(WAD, WAD, WAD - 1, -(1_000 * WAD), 1_000 * WAD), forward=1, strike=LARGEST, seconds=1
)
@example(params=twin.Params(1_000 * WAD, 2 * WAD, 0, 0, 1), forward=10**12, strike=0, seconds=1)
def test_volatility_equals_the_twin(params: twin.Params, forward: int, strike: int, seconds: int) -> None:
    harness().check(words(params))
    k = harness().log_strike(words(params), forward, strike)
    assert k == twin.log_strike(params, forward, strike)
    found = harness().vol(words(params), forward, seconds, strike)
    assert found == twin.vol(params, forward, seconds, strike)
    assert harness().total_variance(words(params), k) == twin.total_variance(params, k) <= twin.MAX_VARIANCE


@given(
    params=surface(),
    forward=st.integers(10**6, 10**15),
    ratio=st.integers(NANO // 50, 50 * NANO),
    seconds=st.integers(3_600, 2 * YEAR),
)
def test_volatility_is_that_of_the_formula(
    params: twin.Params, forward: int, ratio: int, seconds: int
) -> None:
    strike = forward * ratio // NANO
    found = twin.vol(params, forward, seconds, strike)
    with localcontext() as context:
        context.prec = PRECISION
        a, b, rho, m, sigma = (Decimal(word).scaleb(-18) for word in words(params))
        limit = 4 * max(Decimal(0), a + b * sigma).sqrt()
        k = max(-limit, min(limit, (Decimal(strike) / forward).ln()))
        w = a + b * (rho * (k - m) + ((k - m) ** 2 + sigma**2).sqrt())
        w = max(Decimal(0), min(Decimal(144), w))
        # The variance is good to 1e-17 absolutely; where it is near zero its root is not as good.
        mine = (Decimal(found).scaleb(-18)) ** 2 * seconds / YEAR
        assert abs(mine - w) < Decimal("2e-17") + 3 * Decimal(found + 1).scaleb(-36) * seconds / YEAR


@given(params=surface(), forward=st.integers(1, LARGEST), k=st.integers(-10 * WAD, 10 * WAD))
def test_variance_is_never_negative_and_rises_slower_than_lees_bound(
    params: twin.Params, forward: int, k: int
) -> None:
    here, there = twin.total_variance(params, k), twin.total_variance(params, k + WAD // 10)
    assert here >= 0 and there >= 0
    assert abs(there - here) <= 2 * (WAD // 10) + 4
    at_cut = twin.log_strike(params, forward, 0)
    assert at_cut <= 0 <= twin.log_strike(params, 0, forward) == -at_cut


@given(
    b=st.integers(0, 2 * WAD),
    rho=st.integers(-WAD + 10**12, WAD - 10**12),
    m=st.integers(-WAD, WAD),
    sigma=st.integers(1, 2 * WAD),
    near=st.integers(-3, 3),
)
def test_the_least_variance_that_passes_is_read_everywhere(
    b: int, rho: int, m: int, sigma: int, near: int
) -> None:
    """At the vertex, m - rho sigma / sqrt(1 - rho**2), roundings cannot turn it negative."""
    b = min(b, 2 * WAD * WAD // (WAD + abs(rho)))
    root = isqrt(WAD * WAD - rho * rho)
    params = twin.Params(4 - b * sigma * root // WAD // WAD, b, rho, m, sigma)
    twin.check(params)
    with pytest.raises(ValueError, match="negative variance"):
        twin.check(replace(params, a=params.a - 1))
    assert harness().total_variance(words(params), m - rho * sigma // root + near) >= 0


def test_the_cut_is_at_four_deviations() -> None:
    params = twin.Params(WAD // 25, 0, 0, 0, WAD)  # a flat surface of total volatility 0.2: cut at 0.8
    forward = 1_000 * NANO
    for strike, k in ((2_225 * NANO, None), (2_226 * NANO, 8 * WAD // 10), (LARGEST, 8 * WAD // 10)):
        found = harness().log_strike(words(params), forward, strike)
        assert found == k if k is not None else 0 < found < 8 * WAD // 10
    assert harness().log_strike(words(params), forward, 449 * NANO) == -8 * WAD // 10
    assert -8 * WAD // 10 < harness().log_strike(words(params), forward, 450 * NANO) < 0


def _with(**changed: int) -> twin.Params:
    fields = {"a": WAD // 10, "b": WAD // 10, "rho": -WAD // 3, "m": 0, "sigma": WAD // 10} | changed
    return twin.Params(**fields)


LOW = _with(a=-(1_000 * WAD), b=2 * WAD, rho=0, sigma=1_000 * WAD)
STEEP = _with(b=16 * WAD // 10, rho=WAD // 4)
DEEP = _with(a=-6 * WAD + 4, b=WAD, rho=6 * WAD // 10, sigma=75 * WAD // 10)
"""Its least variance, a + b sigma 0.8, is 4 units."""


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (_with(a=1_000 * WAD), _with(a=1_000 * WAD + 1), "svi: parameter out of range"),
        (_with(b=WAD, rho=0), _with(b=1_000 * WAD + 1), "svi: parameter out of range"),
        (LOW, replace(LOW, a=LOW.a - 1), "svi: parameter out of range"),
        (_with(m=1_000 * WAD), _with(m=1_000 * WAD + 1), "svi: parameter out of range"),
        (_with(m=-(1_000 * WAD)), _with(m=-(1_000 * WAD) - 1), "svi: parameter out of range"),
        (_with(sigma=1), _with(sigma=0), "svi: sigma out of range"),
        (_with(sigma=1_000 * WAD), _with(sigma=1_000 * WAD + 1), "svi: sigma out of range"),
        (_with(b=0), _with(b=-1), "svi: negative slope"),
        (_with(rho=WAD - 1), _with(rho=WAD), "svi: rho out of range"),
        (_with(rho=1 - WAD), _with(rho=-WAD), "svi: rho out of range"),
        (_with(b=2 * WAD, rho=0), _with(b=2 * WAD + 1, rho=0), "svi: wing too steep"),
        (STEEP, replace(STEEP, b=STEEP.b + 1), "svi: wing too steep"),
        (STEEP, replace(STEEP, b=STEEP.b + 1, rho=-STEEP.rho), "svi: wing too steep"),
        (DEEP, replace(DEEP, a=DEEP.a - 1), "svi: negative variance"),
        (_with(a=4, b=0), _with(a=3, b=0), "svi: negative variance"),
    ],
)
def test_the_edge_of_each_condition(good: twin.Params, bad: twin.Params, reason: str) -> None:
    harness().check(words(good))
    twin.check(good)
    with reverts(reason):
        harness().check(words(bad))
    with pytest.raises(ValueError, match=reason):
        twin.check(bad)


@given(
    a=st.integers(-2 * WAD, 2 * WAD),
    b=st.integers(-WAD // 10, 3 * WAD),
    rho=st.integers(-11 * WAD // 10, 11 * WAD // 10),
    m=st.integers(-2 * WAD, 2 * WAD),
    sigma=st.integers(-WAD // 10, 2 * WAD),
)
def test_the_check_equals_the_twin(a: int, b: int, rho: int, m: int, sigma: int) -> None:
    params = twin.Params(a, b, rho, m, sigma)
    found = expected = ""
    try:
        twin.check(params)
    except ValueError as error:
        expected = str(error)
    try:
        harness().check(words(params))
    except Reverted as error:
        found = error.reason
    assert found == expected


@given(params=surface(), k=st.integers(-10 * WAD, 10 * WAD), lower=st.integers(0, 2 * WAD))
def test_negative_variance_is_refused_where_it_is_read(params: twin.Params, k: int, lower: int) -> None:
    """Parameters that were never checked cannot give a volatility either."""
    variance = twin.total_variance(params, k)
    assume(lower and variance < twin.MAX_VARIANCE)
    unchecked = twin.Params(params.a - variance - lower, *words(params)[1:])
    with reverts("svi: negative variance"):
        harness().total_variance(words(unchecked), k)
    with pytest.raises(ValueError, match="negative variance"):
        twin.total_variance(unchecked, k)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ((2**80, YEAR, NANO), "svi: price out of range"),
        ((NANO, YEAR, 2**80), "svi: price out of range"),
        ((NANO, 0, NANO), "svi: time out of range"),
        ((NANO, 2**40, NANO), "svi: time out of range"),
    ],
)
def test_what_is_out_of_range_is_refused(args: tuple[int, int, int], reason: str) -> None:
    with reverts(reason):
        harness().vol(words(_with()), *args)
    with pytest.raises(ValueError, match=reason):
        twin.vol(_with(), *args)
    with reverts("svi: negative variance"):
        harness().vol(words(_with(a=-WAD)), NANO, YEAR, NANO)
    with pytest.raises(ValueError, match="negative variance"):
        twin.vol(_with(a=-WAD), NANO, YEAR, NANO)


@pytest.mark.parametrize("name", ["PM_12", "PM_18", "PM_42", "PM_50"])
def test_published_volatilities_of_the_portfolio_manager(name: str) -> None:
    file, inputs = PORTFOLIOS[name]
    inputs = published(file, {"inputs": inputs})["inputs"]
    (fit,) = (expiry["svi"] for expiry in inputs["expiries"])
    params = twin.Params(*(_scaled(fit[key], 18) for key in ("a", "b", "rho", "m", "sigma")))
    harness().check(words(params))
    seconds = round(fit["tau"] * YEAR)
    for option in inputs["options"]:
        found = harness().vol(words(params), _scaled(fit["fwd"], 9), seconds, _scaled(option["strike"], 9))
        # Their reference time is a float of years, a few microseconds off the whole second.
        assert abs(found / WAD / option["mark_vol"] - 1) < 2e-13


@pytest.mark.parametrize("name", ["Test1", "Test19"])
def test_published_volatilities_of_the_standard_manager(name: str) -> None:
    inputs = published("srm_28_cases", {"cases": STANDARD})["cases"][name]["inputs"]
    params = twin.Params(*(_scaled(number, 18) for number in inputs["SVIParams"]))
    harness().check(words(params))
    for strike, vol in zip(inputs["OptionStrikes"], inputs["OptionVols"], strict=True):
        # Fitted for one year. Their figures are wad through a float; the forward is floored to nano.
        found = harness().vol(words(params), inputs["Forwards"][0] // NANO, YEAR, strike // NANO)
        assert abs(found / vol - 1) < 1e-12


def _scaled(number: float, digits: int) -> int:
    return int(Decimal(repr(number)).scaleb(digits))


_STANDARD = {
    "Forwards": [1500833279310993817600],
    "SVIParams": [1, 1.5, -0.1, -0.05, 0.05],
}
STANDARD: dict[str, Any] = {
    "Test1": {
        "inputs": _STANDARD | {"OptionStrikes": [1500000000000000000000], "OptionVols": [1047884494084986240]}
    },
    "Test19": {
        "inputs": _STANDARD | {"OptionStrikes": [1800000000000000000000], "OptionVols": [1149296483209361792]}
    },
}
_ETHER_WEEK = {
    "a": 0.007565004123347051,
    "b": 0.05665753529061742,
    "rho": -0.5501269344323543,
    "m": -0.06330675563612911,
    "sigma": 0.04832319830307816,
    "fwd": 2682.9997436016715,
    "tau": 0.02520674784373,
}
_ETHER_MONTHS = {
    "a": 0.051252167297758784,
    "b": 0.2538269542407829,
    "rho": -0.07902495377539873,
    "m": -0.08327945878121795,
    "sigma": 0.7906991394079592,
    "fwd": 2801.18485249767,
    "tau": 0.60054921359716,
}
_BITCOIN_WEEK = {
    "a": 0.002138900837067276,
    "b": 0.04163976582038121,
    "rho": -0.29089434907604955,
    "m": -0.026351062568175803,
    "sigma": 0.06256307931421391,
    "fwd": 95776.67392708939,
    "tau": 0.02520611364789,
}


def _portfolio(fit: dict[str, float], *options: tuple[float, float]) -> dict[str, Any]:
    return {
        "expiries": [{"svi": fit}],
        "options": [{"strike": strike, "mark_vol": vol} for strike, vol in options],
    }


PORTFOLIOS: dict[str, tuple[str, dict[str, Any]]] = {
    "PM_12": (
        "pm_12_risk_cancelling_naked_short_call",
        _portfolio(_BITCOIN_WEEK, (100000.0, 0.453803924321583)),
    ),
    "PM_18": (
        "pm_18_structures_OTM_call_spread",
        _portfolio(_ETHER_WEEK, (4000.0, 0.8795543651099665), (4200.0, 0.8833255402190362)),
    ),
    "PM_42": (
        "pm_42_skews_abs_as_worst_case_simple",
        _portfolio(_ETHER_MONTHS, (6000.0, 0.7390799803804741)),
    ),
    "PM_50": (
        "pm_50_discounting_simple_discounting",
        _portfolio(_ETHER_WEEK, (100.0, 1.225482363870083)),
    ),
}
