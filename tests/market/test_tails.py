# SPDX-License-Identifier: Apache-2.0
"""Joint returns have the moments that they are asked for, and price options as their own laws do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from simulation.config.seeds import stream
from simulation.market.option_prices import Black, NormalInverseGaussian, implied_volatility
from simulation.market.tails import (
    LAWS,
    TailShape,
    joint_returns,
    law_at_the_money,
    law_of,
    merton_of_moments,
    option_values,
)

DAY = TailShape(1 / 365, -0.5, 6.0, 12.0)
DRAWS = 400_000
TOGETHER = np.array([[1.0, 0.7], [0.7, 1.0]])


@pytest.mark.parametrize(
    "shape", [DAY, TailShape(7 / 365, 0.3, 2.0, 50.0), TailShape(1 / 365, 0.0, 9.0, 20.0)]
)
def test_jumps_have_the_moments_asked_for(shape: TailShape) -> None:
    law = merton_of_moments(0.65, shape)
    m, d = law.jump_mean, law.jump_deviation
    expected = shape.jump_rate * shape.years
    variance = law.volatility**2 * shape.years + expected * (m**2 + d**2)
    assert variance == pytest.approx(0.65**2 * shape.years, rel=1e-12)
    third, fourth = expected * (m**3 + 3 * m * d**2), expected * (m**4 + 6 * m**2 * d**2 + 3 * d**4)
    assert third / variance**1.5 == pytest.approx(shape.skewness, abs=1e-9)
    assert fourth / variance**2 == pytest.approx(shape.excess_kurtosis, rel=1e-9)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (TailShape(1 / 365, -0.5, 0.5, 3_650.0), "more variance"),
        (TailShape(1 / 365, -3.0, 3.0, 12.0), "that skewed"),
    ],
)
def test_jumps_that_cannot_be_are_refused(shape: TailShape, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        merton_of_moments(0.65, shape)


@pytest.mark.parametrize("name", LAWS)
def test_joint_returns(name: str) -> None:
    moves = joint_returns(name, [0.65, 0.9], TOGETHER, DAY, DRAWS, stream(1, name))
    assert moves.shape == (DRAWS, 2)
    deviation = np.array([0.65, 0.9]) / math.sqrt(365)
    assert np.all(np.abs(moves.mean(axis=0) - 1) < 5 * deviation / math.sqrt(DRAWS))
    logs = np.log(moves)
    assert logs.std(axis=0) == pytest.approx(deviation, rel=0.015)
    shape = ((logs - logs.mean(axis=0)) ** 4).mean(axis=0) / logs.var(axis=0) ** 2 - 3
    assert shape == pytest.approx([0.0 if name == "normal" else 6.0] * 2, rel=0.2, abs=0.05)
    assert np.corrcoef(logs.T)[0, 1] == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(("is_call", "strike"), [(False, 1_850.0), (True, 2_000.0), (True, 2_120.0)])
def test_draws_price_options_as_the_law_does(name: str, is_call: bool, strike: float) -> None:
    moves = joint_returns(name, [0.65], np.eye(1), DAY, DRAWS, stream(2, name))[:, 0]
    payoff = np.maximum((2_000 * moves - strike) * (1 if is_call else -1), 0.0)
    price = law_of(name, 0.65, DAY).price(is_call, 2_000.0, strike, DAY.years)
    assert abs(payoff.mean() - price) < 5 * payoff.std() / math.sqrt(DRAWS)


def test_tails_are_heavier_than_normal() -> None:
    far = {name: law_of(name, 0.65, DAY).price(False, 2_000.0, 1_700.0, DAY.years) for name in LAWS}
    assert min(far["jumps"], far["heavy tails"]) > 1_000 * far["normal"]


def test_draws_repeat_and_are_the_stream_s() -> None:
    drawn = [joint_returns("jumps", [0.65], np.eye(1), DAY, 100, stream(3, "a")) for _ in range(2)]
    other = joint_returns("jumps", [0.65], np.eye(1), DAY, 100, stream(3, "b"))
    assert np.array_equal(*drawn) and not np.array_equal(drawn[0], other)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("years", [7 / 365, 0.5])
def test_a_law_agrees_at_the_money(name: str, years: float) -> None:
    law = law_at_the_money(name, 0.7, 2_000.0, years, DAY)
    price = law.price(True, 2_000.0, 2_000.0, years)
    assert implied_volatility(price, True, 2_000.0, 2_000.0, years) == pytest.approx(0.7, abs=1e-9)


def test_shape_fades_with_time() -> None:
    """Kurtosis of a sum of independent days falls like one over their number."""
    law = law_of("heavy tails", 0.65, DAY)
    assert isinstance(law, NormalInverseGaussian)
    year = NormalInverseGaussian.of_moments(0.65, -0.5 / math.sqrt(365), 6 / 365, 1.0)
    assert (law.alpha, law.beta, law.delta) == pytest.approx((year.alpha, year.beta, year.delta), rel=1e-9)


@pytest.mark.parametrize("is_call", [True, False])
def test_option_values_are_black_s(is_call: bool) -> None:
    forwards = np.array([1_000.0, 1_900.0, 2_000.0, 2_600.0])
    found = option_values(is_call, forwards, 2_000.0, np.full(4, 0.5**2 / 4), 0.98)
    by_hand = [0.98 * Black(0.5).price(is_call, forward, 2_000.0, 0.25) for forward in forwards]
    assert found == pytest.approx(by_hand, rel=1e-12)
    paid = option_values(is_call, forwards, 2_000.0, np.zeros(4), 1.0)
    payoff = np.maximum((forwards - 2_000.0) * (1 if is_call else -1), 0.0)
    assert paid == pytest.approx(payoff, abs=1e-5)


def test_the_normal_law_is_the_textbook_s() -> None:
    moves = joint_returns("normal", [0.8], np.eye(1), DAY, DRAWS, stream(4, "x"))[:, 0]
    deviation = 0.8 / math.sqrt(365)
    chance = float((moves < 0.92).mean())
    exact = norm.cdf((math.log(0.92) + deviation**2 / 2) / deviation)
    assert abs(chance - exact) < 5 * math.sqrt(exact * (1 - exact) / DRAWS)
