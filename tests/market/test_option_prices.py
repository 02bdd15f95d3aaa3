# SPDX-License-Identifier: Apache-2.0
"""Option laws against the chain's price, closed forms, numerical integrals and the paths they belong to."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from simulation.config import JumpSpec
from simulation.domain import black76
from simulation.domain.units import NANO, WAD
from simulation.market.generated import SECONDS_PER_YEAR, jump_diffusion
from simulation.market.option_prices import (
    Black,
    MertonJumps,
    NormalInverseGaussian,
    OptionLaw,
    implied_volatility,
    tail_gap,
)

FORWARD = 2_000.0
STRIKES = (500.0, 1_000.0, 1_500.0, 1_999.0, 2_000.0, 2_001.0, 2_500.0, 4_000.0, 9_000.0)
MERTON = MertonJumps(0.6, 8.0, -0.05, 0.15)
NIG = NormalInverseGaussian.of_moments(0.8, -0.4, 6.0, 7 / 365)
LAWS: tuple[OptionLaw, ...] = (Black(0.8), MERTON, NIG)


@pytest.mark.parametrize("strike", STRIKES)
@pytest.mark.parametrize("days", [1, 30, 365])
@pytest.mark.parametrize("volatility", [0.2, 0.8, 3.0])
def test_black_is_the_price_of_the_chain(strike: float, days: int, volatility: float) -> None:
    width = black76.total_vol(int(volatility * WAD), black76.root_time(days * 86_400))
    call, put = black76.prices(int(FORWARD * NANO), int(strike * NANO), width, WAD)
    for is_call, exact in ((True, call), (False, put)):
        found = Black(volatility).price(is_call, FORWARD, strike, days / 365)
        assert found == pytest.approx(exact / WAD, abs=2e-12)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
@pytest.mark.parametrize("years", [1 / 365, 7 / 365, 1.0])
def test_parity_bounds_and_shape(law: OptionLaw, years: float) -> None:
    calls = [law.price(True, FORWARD, strike, years) for strike in STRIKES]
    puts = [law.price(False, FORWARD, strike, years) for strike in STRIKES]
    for strike, call, put in zip(STRIKES, calls, puts, strict=True):
        assert call - put == pytest.approx(FORWARD - strike, abs=1e-9)
        assert max(0.0, FORWARD - strike) - 1e-9 <= call <= FORWARD
        assert law.price(True, FORWARD, strike, 0.0) == max(0.0, FORWARD - strike)
        assert law.price(False, FORWARD, strike, 0.0) == max(0.0, strike - FORWARD)
    slopes = [
        (right - left) / (high - low)
        for (low, left), (high, right) in itertools.pairwise(zip(STRIKES, calls, strict=True))
    ]
    assert all(-1 - 1e-9 <= slope <= 1e-9 for slope in slopes)
    assert all(first <= second + 1e-9 for first, second in itertools.pairwise(slopes))


def test_no_jumps_is_black() -> None:
    for law in (MertonJumps(0.8, 0.0, -0.1, 0.2), MertonJumps(0.8, 5.0, 0.0, 0.0)):
        for strike in STRIKES:
            expected = Black(0.8).price(False, FORWARD, strike, 0.25)
            assert law.price(False, FORWARD, strike, 0.25) == pytest.approx(expected, abs=1e-10)


def test_merton_prices_the_paths_of_the_simulation() -> None:
    """The mean payoff over many independent days of a generated path, within four standard errors."""
    spec = JumpSpec(
        price=int(FORWARD) * NANO,
        volatility=MERTON.volatility,
        drift=0.0,
        jump_rate=MERTON.jump_rate,
        jump_mean=MERTON.jump_mean,
        jump_deviation=MERTON.jump_deviation,
    )
    day = 86_400
    path = jump_diffusion(spec, 5, "ETH", 200_000, day)
    ends = FORWARD * np.exp(np.diff(np.log(path)))
    for is_call, strike in ((True, 2_000.0), (True, 2_200.0), (False, 1_900.0), (False, 1_600.0)):
        payoff = np.maximum(0.0, ends - strike if is_call else strike - ends)
        expected = MERTON.price(is_call, FORWARD, strike, day / SECONDS_PER_YEAR)
        assert abs(payoff.mean() - expected) < 4 * payoff.std() / math.sqrt(len(payoff))
        assert expected > 0.02


def test_nig_has_the_moments_asked_for() -> None:
    years = 7 / 365
    scale = NIG.delta * years
    found = stats.norminvgauss.stats(NIG.alpha * scale, NIG.beta * scale, scale=scale, moments="vsk")
    variance, skewness, kurtosis = (float(moment) for moment in found)
    assert math.sqrt(variance / years) == pytest.approx(0.8, rel=1e-9)
    assert (skewness, kurtosis) == (pytest.approx(-0.4, rel=1e-9), pytest.approx(6.0, rel=1e-9))


@pytest.mark.parametrize("strike", [1_000.0, 1_600.0, 2_000.0, 2_400.0, 3_500.0])
@pytest.mark.parametrize("years", [7 / 365, 0.5])
def test_nig_is_the_integral_of_the_payoff(strike: float, years: float) -> None:
    """By SciPy's own density and adaptive quadrature."""
    scale = NIG.delta * years
    shift = scale * (math.sqrt(NIG.alpha**2 - (NIG.beta + 1) ** 2) - math.sqrt(NIG.alpha**2 - NIG.beta**2))
    law = stats.norminvgauss(NIG.alpha * scale, NIG.beta * scale, loc=shift, scale=scale)
    k = math.log(strike / FORWARD)
    call = strike >= FORWARD
    value, _ = integrate.quad(
        lambda x: abs(FORWARD * math.exp(x) - strike) * law.pdf(x),
        k if call else k - 12.0,
        k + 12.0 if call else k,
        points=[k + 0.05, k + 0.3] if call else [k - 0.3, k - 0.05],
        limit=500,
        epsabs=1e-10,
        epsrel=1e-11,
    )
    assert NIG.price(call, FORWARD, strike, years) == pytest.approx(value, abs=1e-7, rel=1e-8)


def test_heavy_tails_are_dearer_far_out() -> None:
    week = 7 / 365
    for law in (MERTON, NIG):
        assert tail_gap(law, False, FORWARD, 1_300.0, week) > 0.01
        assert abs(tail_gap(law, True, FORWARD, FORWARD, week)) < 1e-9
    assert tail_gap(Black(0.8), False, FORWARD, 1_300.0, week) == pytest.approx(0.0, abs=1e-9)
    # Independent returns add up toward the normal law: the smile two deviations out flattens with time.
    smile = []
    for years in (week, 26 * week):
        strike = FORWARD * math.exp(-2 * 0.8 * math.sqrt(years))
        put = NIG.price(False, FORWARD, strike, years)
        at_money = NIG.price(False, FORWARD, FORWARD, years)
        smile.append(
            implied_volatility(put, False, FORWARD, strike, years)
            / implied_volatility(at_money, False, FORWARD, FORWARD, years)
        )
    assert smile[0] > smile[1] > 1.0


def test_implied_volatility_comes_back() -> None:
    for strike, volatility, years in itertools.product((1_500.0, 2_000.0, 2_600.0), (0.3, 1.2), (0.02, 1.0)):
        for is_call in (True, False):
            price = Black(volatility).price(is_call, FORWARD, strike, years)
            if price > 1e-6 and price - max(0.0, (FORWARD - strike) * (1 if is_call else -1)) > 1e-6:
                found = implied_volatility(price, is_call, FORWARD, strike, years)
                assert found == pytest.approx(volatility, rel=1e-6)


@pytest.mark.parametrize("price", [0.0, 100.0, 2_000.0, 2_001.0])
def test_a_price_beyond_its_bounds_has_no_volatility(price: float) -> None:
    with pytest.raises(ValueError, match="no volatility"):
        implied_volatility(price, True, FORWARD, 1_900.0, 1.0)
    with pytest.raises(ValueError, match="no volatility"):
        implied_volatility(150.0, True, FORWARD, 1_900.0, 0.0)


def test_laws_without_a_mean_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        NormalInverseGaussian(2.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="not finite"):
        NormalInverseGaussian(2.0, -2.0, 1.0)
    with pytest.raises(ValueError, match="5/3"):
        NormalInverseGaussian.of_moments(0.8, -2.0, 6.0, 1.0)
