# SPDX-License-Identifier: Apache-2.0
"""Generated paths reproduce the parameters they were made from, within confidence bounds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.config import GbmSpec, JumpSpec
from simulation.domain.units import NANO
from simulation.market.generated import SECONDS_PER_YEAR, gbm, jump_diffusion, normals, to_nano_column

HOUR = 3600
YEARS = 20
BLOCKS = YEARS * SECONDS_PER_YEAR // HOUR
Z = 4.0
"""Bounds in standard errors: a right path leaves them once in 16,000 seeds, and the seeds are fixed."""


def log_returns(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    returns: NDArray[np.float64] = np.diff(np.log(prices))
    return returns


@pytest.mark.parametrize("volatility", [0.2, 0.8, 2.5])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_gbm_has_its_volatility_and_drift(seed: int, volatility: float) -> None:
    spec = GbmSpec(price=2_000 * NANO, volatility=volatility, drift=0.3)
    returns = log_returns(gbm(spec, seed, "ETH", BLOCKS, HOUR))
    per_year = SECONDS_PER_YEAR / HOUR
    fitted = returns.std() * np.sqrt(per_year)
    assert abs(fitted / volatility - 1) < Z / np.sqrt(2 * BLOCKS)
    drift = returns.mean() * per_year + volatility**2 / 2
    assert abs(drift - 0.3) < Z * volatility / np.sqrt(YEARS)


def test_a_path_starts_at_its_price_and_a_still_one_stays() -> None:
    spec = GbmSpec(price=2_000 * NANO, volatility=0.0)
    assert gbm(spec, 1, "ETH", 10, HOUR).tolist() == [2000.0] * 11


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_jump_diffusion_has_its_moments(seed: int) -> None:
    spec = JumpSpec(
        price=100 * NANO, volatility=0.5, jump_rate=200.0, jump_mean=-0.02, jump_deviation=0.03, drift=0.1
    )
    returns = log_returns(jump_diffusion(spec, seed, "ETH", BLOCKS, HOUR))
    variance_per_year = spec.volatility**2 + spec.jump_rate * (spec.jump_mean**2 + spec.jump_deviation**2)
    per_year = SECONDS_PER_YEAR / HOUR
    compensation = spec.jump_rate * (np.exp(spec.jump_mean + spec.jump_deviation**2 / 2) - 1)
    mean = spec.drift - compensation - spec.volatility**2 / 2 + spec.jump_rate * spec.jump_mean
    assert abs(returns.mean() * per_year - mean) < Z * np.sqrt(variance_per_year / YEARS)
    fourth = ((returns - returns.mean()) ** 4).mean()
    error = np.sqrt((fourth - returns.var() ** 2) / BLOCKS)
    assert abs(returns.var() - variance_per_year / per_year) < Z * error


def test_jumps_are_as_frequent_as_stated() -> None:
    spec = JumpSpec(price=100 * NANO, volatility=0.0, jump_rate=365.0, jump_mean=0.01, jump_deviation=0.0)
    returns = log_returns(jump_diffusion(spec, 5, "ETH", BLOCKS, HOUR))
    jumps = np.rint((returns - returns.min()) / 0.01).sum()
    expected = spec.jump_rate * YEARS
    assert abs(jumps - expected) < Z * np.sqrt(expected)


@pytest.mark.parametrize(("one", "two"), [(0.9, 0.9), (0.95, -0.5), (1.0, 1.0), (0.0, 0.9)])
def test_assets_correlate_at_the_product_of_their_loadings(one: float, two: float) -> None:
    count = 100_000
    first, second = normals(3, "ETH", one, count), normals(3, "BTC", two, count)
    bound = Z * (1 - (one * two) ** 2) / np.sqrt(count) + 1e-12
    assert abs(np.corrcoef(first, second)[0, 1] - one * two) < bound
    assert abs(first.std() - 1) < Z / np.sqrt(2 * count)


def test_nano_prices_are_whole_and_above_zero() -> None:
    assert to_nano_column(np.array([1.0, 0.1, 1e-12, 2_000.123456789])).tolist() == [
        NANO,
        NANO // 10,
        1,
        2_000_123_456_789,
    ]
