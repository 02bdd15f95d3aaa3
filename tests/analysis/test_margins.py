# SPDX-License-Identifier: Apache-2.0
"""What is valued is the Ledger's own portfolio, and every number is that of an independent model."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simulation.analysis.analyse import equity_of, profit_grid
from simulation.analysis.liquidation import liquidation_prices
from simulation.analysis.load import surface_of
from simulation.analysis.margins import assess, explain, headroom, isolated_shares, silos
from simulation.analysis.stage import Stage, open_stage
from simulation.chain.deployment import CONTINGENCY
from simulation.config.scenario import ENGINES
from simulation.domain import black76, margin_math, svi
from simulation.domain.margin_math import Contingency, MarketRisk
from simulation.domain.units import NANO, WAD
from tests.analysis.files import BASE, INVERSE, changed, staged, written

RISK = MarketRisk(500, 300, 15_000, 25_000, 2_000_000, 10_000_000)
RISKS = {1: RISK, 2: RISK}
CALLS = 'instrument = "ETH-JUN-2200-C"\nsize = "-5 base"'
PUTS = 'instrument = "ETH-JUN-1800-P"\nsize = "3 base"\nentry = "25 USD"'
OPTIONS = changed(
    ('instrument = "ETH"\nsize = "-50 base"\nentry = "2_100 USD"', CALLS),
    ('instrument = "BTC"\nsize = "4 base"', PUTS),
)


def twin(stage: Stage) -> margin_math.Assessment:
    return margin_math.assess(stage.holdings(), RISKS, Contingency(*CONTINGENCY))


def test_the_file_is_in_the_ledger() -> None:
    stage = staged(BASE)
    holdings = stage.holdings()
    assert holdings.cash == 20_000 * WAD
    short, long = holdings.positions
    assert (short.market, short.size, short.mark, short.spot) == (1, -50 * NANO, 2_004 * NANO, 2_000 * NANO)
    assert (short.unrealised, stage.entry_of(1)) == (50 * (2_100 - 2_004) * WAD, 2_100 * NANO)
    assert (long.market, long.size, long.unrealised, long.confidence) == (2, 4 * NANO, 0, 40_000_000)
    assert [one.value for one in holdings.collaterals] == [20_000 * WAD]
    assert stage.contracts.one(stage.query("Vault", "account_count")) == 2
    interest = stage.contracts.one(stage.query("Ledger", "open_interest", 1))
    assert interest == 50 * NANO, "the desk is on the other side"


def test_cross_margin_is_that_of_its_twin() -> None:
    stage = staged(BASE)
    found = assess(stage, [stage.holdings()])[0]
    assert found["cross"].assessment == twin(stage)
    # 5 % and 3 % at mark, 20 % and 10 % haircut; confidence of BTC is 40 %, all that misses is charged.
    initial = (50 * 2_004 * 5 + 4 * 30_000 * 5 + 20_000 * 20) * WAD // 100 + 4 * 30_000 * 60 * WAD // 100
    assert twin(stage).initial_margin == initial
    assert found["credit"].assessment == found["cross"].assessment, "no line, no credit"


def test_inverse_contracts_are_held_against_coin() -> None:
    """60,000 contracts for 25 coins, at a mark of 2,004: 50,100 USD of coin against 60,000."""
    stage = staged(changed(INVERSE))
    short, long = stage.holdings().positions
    assert (short.market, long.market) == (1, 128)
    assert (long.size, long.mark, long.spot) == (60_000 * NANO, 2_004 * NANO, 2_000 * NANO)
    assert long.unrealised == (25 * 2_004 - 60_000) * WAD
    coin, profit = stage.coins_of(128)
    assert coin == 25 * NANO and profit == (25 * 2_004 - 60_000) * NANO // 2_004
    assert stage.account == 2, "the first is the pool's"
    assert stage.contracts.one(stage.query("Vault", "account_count")) == 3


def test_inverse_contracts_under_every_system() -> None:
    found = assess(staged(changed(INVERSE)), [staged(changed(INVERSE)).holdings()])[0]
    answers = {name: answer.assessment for name, answer in found.items()}
    cross, portfolio = answers["cross"], answers["portfolio"]
    assert None not in answers.values() and cross is not None and portfolio is not None
    # The larger of contracts and coin, at 6 %; the linear short at 5 %; the haircut of ten coins.
    assert cross.initial_margin == (60_000 * 6 + 50 * 2_004 * 5 + 20_000 * 20) * WAD // 100
    assert cross.equity == (20_000 + 50 * 96 - 9_900 + 20_000) * WAD
    # Short 50, long 25 and ten in the Vault: short 15 coins of spot, and 4 % of what is held of perpetuals.
    delta, share = 25 * 2_004 + 20_000 - 50 * 2_004, 60_000 + 50 * 2_000
    assert portfolio.initial_margin == pytest.approx(
        (-delta * 0.18 + share * 0.04 + 20_000 * 0.2) * WAD, rel=1e-12
    )


def test_the_profit_of_inverse_contracts_is_linear_in_dollars_and_concave_in_coin() -> None:
    grid = profit_grid(staged(changed(INVERSE)))
    (coins,) = grid.coins.values()
    for move, profit, coin in zip(grid.spots, grid.profits[0], coins, strict=True):
        assert profit == (25 * 2_004 - 50 * 2_004 + 20_000) * WAD * move // 10_000
        mark = 2_004 * NANO * (10_000 + move) // 10_000
        assert coin == 25 * NANO + -60_000 * NANO * NANO // mark
    steps = [later - earlier for earlier, later in pairwise(one for one in coins if one is not None)]
    assert steps == sorted(steps, reverse=True) and steps[0] > 7 * steps[-1] > 0


def test_isolated_margin_adds_its_accounts_up() -> None:
    stage = staged(BASE)
    holdings = stage.holdings()
    parts = silos(holdings)
    assert [[position.market for position in part.positions] for part in parts] == [[1], [2]]
    alone = assess(stage, [holdings], ("isolated",))[0]["isolated"].assessment
    assert alone == twin(stage), "linear perpetuals do not offset each other in cross margin either"
    assert isolated_shares(stage, holdings) == [5_010 * WAD, (6_000 + 72_000) * WAD]


def test_a_series_is_one_isolated_account() -> None:
    stage = staged(OPTIONS)
    assert len(silos(stage.holdings())) == 1


@pytest.mark.parametrize("text", [BASE, OPTIONS, changed(INVERSE)], ids=["perpetuals", "options", "inverse"])
@pytest.mark.parametrize("system", ENGINES)
def test_terms_add_up_to_the_margin(system: str, text: str) -> None:
    stage = staged(text)
    holdings = stage.holdings()
    found = assess(stage, [holdings], (system,))[0][system].assessment
    assert found is not None
    terms, reason = explain(stage, holdings, system)
    assert reason == ""
    assert sum(term.initial_margin for term in terms) == found.initial_margin
    assert sum(term.maintenance_margin for term in terms) == found.maintenance_margin
    assert sum(term.equity for term in terms) == found.equity == equity_of(holdings)
    assert found.initial_margin >= found.maintenance_margin > 0


def test_options_are_marked_by_black_on_the_surface() -> None:
    stage = staged(OPTIONS)
    series = stage.portfolio.series["ETH-JUN"]
    tau = series.expiry - stage.portfolio.money.time
    params = surface_of(series, stage.portfolio.money.time)
    by_market = {position.market: position for position in stage.holdings().positions}
    for name, call in (("ETH-JUN-2200-C", True), ("ETH-JUN-1800-P", False)):
        one = stage.portfolio.instruments[name]
        vol = svi.vol(params, 2_008 * NANO, tau, one.strike)
        total = black76.total_vol(vol, black76.root_time(tau))
        pair = black76.prices(2_008 * NANO, one.strike, total, black76.discount(series.rate, tau))
        expected = pair[0 if call else 1] // NANO
        assert abs(by_market[one.market].mark - expected) <= 1
    assert by_market[stage.portfolio.instruments["ETH-JUN-1800-P"].market].unrealised == 3 * NANO * (
        by_market[258].mark - 25 * NANO
    )


def test_a_loan_is_cash_below_zero() -> None:
    stage = open_stage(written(changed(('cash = "20_000 USD"', 'cash = "-9_500 USD"'))))
    assert stage.holdings().cash == -9_500 * WAD
    assert stage.contracts.one(stage.query("Vault", "cash", stage.account)) == -9_500 * WAD


def test_a_line_of_credit_stands_in_for_margin() -> None:
    stage = staged(changed(('cash = "20_000 USD"', 'cash = "20_000 USD"\ncredit = "1_000 USD"')))
    found = assess(stage, [stage.holdings()], ("cross", "credit"))[0]
    cross, credit = found["cross"].assessment, found["credit"].assessment
    assert cross is not None and credit is not None
    assert cross.initial_margin - credit.initial_margin == 1_000 * WAD
    assert cross.equity == credit.equity, "a guarantee is no money of the account"


def test_calm_assets_need_less_under_dynamic_margin() -> None:
    """Ratios hold at 60 % a year; cross margin does not look at it."""
    base = assess(staged(BASE), [staged(BASE).holdings()], ("cross", "dynamic"))[0]
    wild = changed(
        ('mark = "2_004 USD"\nvolatility = "65 %/year"', 'mark = "2_004 USD"\nvolatility = "160 %/year"')
    )
    moved = assess(staged(wild), [staged(wild).holdings()], ("dynamic", "cross"))[0]
    assert base["dynamic"].assessment is not None and moved["dynamic"].assessment is not None
    assert moved["dynamic"].assessment.initial_margin > base["dynamic"].assessment.initial_margin
    assert moved["cross"].assessment == base["cross"].assessment
    variance = staged(wild).contracts.one(staged(wild).query("Oracle", "tick", 1))[4]
    assert variance == pytest.approx(1.6**2 * 1e7, rel=1e-6)


def test_a_move_is_taken_back() -> None:
    stage = staged(BASE)
    before, state = stage.holdings(), stage.contracts.chain.state_hash()
    with stage.moved({"ETH": 3_000 * NANO}) as reason:
        assert reason == ""
        moved = stage.holdings()
    assert moved.positions[0].mark == 3_006 * NANO, "the mark keeps its ratio to spot"
    assert moved.positions[1] == before.positions[1]
    assert stage.holdings() == before and stage.contracts.chain.state_hash() == state


@pytest.mark.parametrize("text", [BASE, OPTIONS, changed(INVERSE)], ids=["perpetuals", "options", "inverse"])
def test_liquidation_prices_are_exact_to_a_tick(text: str) -> None:
    stage = staged(text)
    shares = isolated_shares(stage, stage.holdings())
    for name, prices in liquidation_prices(stage, tuple(ENGINES)).items():
        for price in prices:
            tick = next(one.tick for one in stage.portfolio.instruments.values() if one.asset == price.asset)
            for spot, inward in ((price.down, tick), (price.up, -tick)):
                if spot is None:
                    continue
                left = []
                for at in (spot, spot + inward):
                    with stage.moved({price.asset: at}) as reason:
                        assert reason == ""
                        left.append(headroom(stage, stage.holdings(), (name,), shares)[name])
                assert left[0] is not None and left[0] < 0, (name, price)
                assert left[1] is not None and left[1] >= 0, (name, price)


def test_a_liquidation_price_by_hand() -> None:
    """20,000 + 50 (2,100 - m) + 10 s = 3 % 50 m + 3,600 + 10 % 10 s, with m = 1.002 s."""
    prices = {one.asset: one for one in liquidation_prices(staged(BASE), ("cross",))["cross"]}
    boundary = (20_000 + 105_000 - 3_600) / (51.5 * 1.002 - 9)
    found = prices["ETH"].up
    assert found is not None and prices["ETH"].down is None
    assert 0 <= found / NANO - boundary <= 0.02
    assert prices["BTC"].up is None and prices["BTC"].down is not None


def test_no_position_is_never_liquidated() -> None:
    text = BASE[: BASE.index("[[positions]]")] + BASE[BASE.index("[[collaterals]]") :]
    stage = open_stage(written(text))
    for prices in liquidation_prices(stage, tuple(ENGINES)).values():
        assert all(one.down is None and one.up is None and not one.now for one in prices)


def test_an_account_below_maintenance_is_liquidated_now() -> None:
    stage = open_stage(written(changed(('cash = "20_000 USD"', 'cash = "-22_000 USD"'))))
    assert all(one.now and one.up is None for one in liquidation_prices(stage, ("cross",))["cross"])


def test_profit_and_loss_of_perpetuals_is_linear() -> None:
    grid = profit_grid(staged(BASE))
    assert grid.volatilities == (0,)
    for move, profit in zip(grid.spots, grid.profits[0], strict=True):
        coins, shorts = 10 * 2_000 + 4 * 30_000, 50 * 2_004
        assert profit == (coins - shorts) * WAD * move // 10_000


def test_profit_and_loss_of_options_is_that_of_their_marks() -> None:
    grid = profit_grid(staged(OPTIONS))
    still = grid.volatilities.index(0)
    assert grid.profits[still][grid.spots.index(0)] == 0
    middle = grid.spots.index(0)
    short_vega = [row[middle] for row in grid.profits]
    assert all(one is not None for one in short_vega)
    assert short_vega == sorted(short_vega, reverse=True), "more calls are sold than puts bought"


def test_both_evms_agree_to_the_slot() -> None:
    portfolio = written(OPTIONS)
    found = []
    for backend in ("revm", "tester"):
        stage = open_stage(portfolio, backend)
        answers = assess(stage, [stage.holdings()])
        found.append((stage.holdings(), answers, stage.contracts.chain.state_hash()))
    assert found[0] == found[1]
