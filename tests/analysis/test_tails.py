# SPDX-License-Identifier: Apache-2.0
"""Losses under each law against closed forms and values by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from simulation.analysis.load import load_portfolio
from simulation.analysis.margins import assess
from simulation.analysis.stage import Stage
from simulation.analysis.tails import DRAWS, losses, measure_tails
from simulation.domain.margin_math import Assessment
from simulation.domain.units import WAD
from simulation.errors import InputError
from simulation.market.option_prices import Black
from simulation.market.tails import LAWS
from tests.analysis.files import BASE, changed, staged

ETH = ('instrument = "ETH"\nsize = "-50 base"\nentry = "2_100 USD"', 'instrument = "ETH"\nsize = "10 base"')
ALONE = changed(
    ETH,
    ('[[positions]]\ninstrument = "BTC"\nsize = "4 base"\n', ""),
    ('[[collaterals]]\nasset = "WETH"\namount = "10 base"\n', ""),
)
OPTION = changed(
    (ETH[0], 'instrument = "ETH-JUN-2200-C"\nsize = "-5 base"'),
    ('[[positions]]\ninstrument = "BTC"\nsize = "4 base"\n', ""),
    ('[[collaterals]]\nasset = "WETH"\namount = "10 base"\n', ""),
)


def lost(text: str, eth: float, btc: float = 1.0) -> float:
    stage = staged(text)
    return float(losses(stage, stage.holdings(), {"ETH": np.array([eth]), "BTC": np.array([btc])})[0])


def test_linear_losses_by_hand() -> None:
    # Short 50 at a mark of 2,004, long 4 at 30,000, ten coins at 2,000.
    assert lost(BASE, 1.1, 0.95) == pytest.approx(50 * 200.4 + 4 * 1_500 - 10 * 200)
    assert lost(BASE, 1.0) == 0


def test_an_option_is_valued_anew_a_day_later() -> None:
    stage = staged(OPTION)
    seconds = stage.portfolio.series["ETH-JUN"].expiry - stage.portfolio.money.time
    years, later = seconds / 31_536_000, (seconds - 86_400) / 31_536_000

    def value(forward: float, left: float) -> float:
        k = math.log(2_200 / forward)
        variance = 0.012 + 0.06 * (-0.2 * k + math.sqrt(k * k + 0.15**2))
        price = Black(math.sqrt(variance / years)).price(True, forward, 2_200.0, left)
        return math.exp(-0.05 * left) * price

    assert value(2_008, years) == pytest.approx(stage.holdings().positions[0].mark / 1e9, abs=1e-7)
    by_hand = 5 * (value(2_008 + 200, later) - value(2_008, years))
    assert lost(OPTION, 1.1) == pytest.approx(by_hand, rel=1e-9)
    assert lost(OPTION, 1.0) < 0, "a day less to run"


def test_the_present_value_is_the_mark() -> None:
    stage = staged(OPTION)
    held = stage.holdings().positions[0]
    tails = measure_tails(stage, stage.holdings(), {})
    assert tails.options[0].mark == held.mark / 1e9
    assert set(tails.options[0].prices) == set(LAWS)
    # Of a surface that leans to puts, a call above the money is worth more flat.
    assert tails.options[0].prices["normal"] == pytest.approx(held.mark / 1e9, rel=0.25)


def test_chances_of_a_linear_loss_are_the_normal_law_s() -> None:
    stage = staged(ALONE)
    kept = {"here": Assessment(int(1_500 * WAD), int(700 * WAD), 0, 0)}
    tails = measure_tails(stage, stage.holdings(), kept)
    deviation = 0.65 / math.sqrt(365)
    for found, requirement in ((tails.initial, 1_500), (tails.maintenance, 700)):
        exact = norm.cdf((math.log(1 - requirement / 20_040) + deviation**2 / 2) / deviation)
        one = found["here"]["normal"]
        assert one.error == pytest.approx(math.sqrt(exact * (1 - exact) / DRAWS), rel=0.1)
        assert abs(one.chance - exact) < 5 * one.error
        assert 0 < one.beyond < requirement
    quantile = 20_040 * (1 - math.exp(norm.ppf(0.01) * deviation - deviation**2 / 2))
    by_law = {one.law: one for one in tails.laws}
    assert by_law["normal"].value_at_risk == pytest.approx(quantile, rel=0.02)
    for name in ("jumps", "heavy tails"):
        assert by_law[name].expected_shortfall > 1.1 * by_law["normal"].expected_shortfall
        assert by_law[name].insolvent >= by_law["normal"].insolvent


def test_more_margin_is_exceeded_less_often_and_answers_repeat() -> None:
    stage = staged(ALONE)
    found = assess(stage, [stage.holdings()])[0]["cross"].assessment
    assert found is not None
    twice = [
        measure_tails(
            stage,
            stage.holdings(),
            {"a": found, "b": replace(found, initial_margin=2 * found.initial_margin)},
        )
        for _ in range(2)
    ]
    assert json.dumps(twice[0].as_json()) == json.dumps(twice[1].as_json())
    for law in LAWS:
        assert twice[0].initial["b"][law].chance < twice[0].initial["a"][law].chance


def test_laws_that_cannot_be_are_one_line(tmp_path: Path) -> None:

    path = tmp_path / "mine.toml"
    path.write_text(BASE + "\n[tails]\nskewness = -2.0\nexcess_kurtosis = 3.0\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"tails: no law of ETH with .* has skewness -2 and excess kurtosis 3"
    ):
        load_portfolio(str(path))


def test_stage_is_left_as_it_was() -> None:
    stage: Stage = staged(ALONE)
    before = stage.holdings()
    measure_tails(stage, before, {})
    assert stage.holdings() == before
