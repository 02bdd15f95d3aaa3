# SPDX-License-Identifier: Apache-2.0
"""The hedge: nothing cheaper passes, the contracts do what it says, and it says when there is none."""

from __future__ import annotations

from itertools import product

import pytest

from simulation.analysis import hedge as search
from simulation.analysis.hedge import GAP, Hedge, Trade, find_hedge
from simulation.analysis.margins import assess
from simulation.analysis.stage import Stage, open_stage
from simulation.config.scenario import ENGINES
from simulation.domain.units import NANO, WAD
from tests.analysis.files import INVERSE, book, changed, staged, written

POOR = ('cash = "20_000 USD"', 'cash = "-14_500 USD"')
SURE = ('confidence = "40 %"', 'confidence = "100 %"')


def hedged(*changes: tuple[str, str], system: str = "cross") -> tuple[Stage, Hedge]:
    stage = open_stage(written(changed(SURE, *changes)))
    hedge = find_hedge(stage, system)
    assert hedge is not None
    return stage, hedge


def traded(stage: Stage, system: str, trades: tuple[Trade, ...]) -> tuple[int, int] | None:
    """Initial margin and equity after trades on the Exchange; None where it refused."""
    instruments = stage.portfolio.instruments
    with stage.traded([(instruments[one.instrument], one.size, one.price) for one in trades]) as reason:
        if reason:
            return None
        found = assess(stage, [stage.holdings()], (system,))[0][system].assessment
    assert found is not None
    return found.initial_margin, found.equity


@pytest.mark.parametrize("system", ENGINES)
def test_a_hedge_brings_back_initial_margin(system: str) -> None:
    stage, hedge = hedged(POOR, system=system)
    assert hedge.needed and hedge.found, "such a portfolio is below initial margin under every system"
    assert hedge.before.equity < hedge.before.initial_margin
    after = traded(stage, system, hedge.trades)
    assert after == (hedge.after.initial_margin, hedge.after.equity)
    assert hedge.after.equity >= hedge.after.initial_margin
    assert hedge.before.equity - hedge.after.equity == hedge.cost == sum(one.cost for one in hedge.trades)
    assert hedge.bound <= hedge.cost
    for one in hedge.trades:
        instrument = stage.portfolio.instruments[one.instrument]
        assert one.size % instrument.lot == 0 and one.price % instrument.tick == 0


def test_a_cost_by_hand() -> None:
    """BTC costs half of 2 bps of spread and 5 bps of fee; 5 % of margin is what a unit of it gives back."""
    only = ("[correlations]", '[hedge]\ninstruments = ["BTC"]\n[correlations]')
    stage, hedge = hedged(('cash = "20_000 USD"', 'cash = "-10_500 USD"'), only)
    (trade,) = hedge.trades
    assert (trade.instrument, trade.price) == ("BTC", 29_997 * NANO)
    lacking = hedge.before.initial_margin - hedge.before.equity
    each = 30_000 * WAD * 5 // 100 - 3 * WAD - 29_997 * WAD * 5 // 10_000
    lots = -(-lacking * 10_000 // each)
    assert trade.size == -lots * 100_000
    assert trade.cost == lots * (3 * WAD // 10_000 + 29_997 * WAD * 5 // 10_000 // 10_000)
    assert traded(stage, "cross", (trade,)) is not None


def test_a_cost_of_contracts_by_hand() -> None:
    """Inverse contracts are sold: each needs 6 cents, costs its fee and the spread of the coin behind it."""
    only = ("[correlations]", '[hedge]\ninstruments = ["ETH-USD"]\n[correlations]')
    stage, hedge = hedged(INVERSE, ('cash = "20_000 USD"', 'cash = "-2_500 USD"'), only)
    (trade,) = hedge.trades
    assert (trade.instrument, trade.price) == ("ETH-USD", 2_003_790_000_000)
    sold = -trade.size
    coins = sold * NANO // trade.price
    assert trade.cost == coins * 2_004 * NANO - sold * NANO + sold * NANO * 5 // 10_000
    # Each dollar sold frees 6 cents and costs 5 bps and what 2,004 is above 2,003.79; lots are of a dollar.
    lacking = hedge.before.initial_margin - hedge.before.equity
    freed = 6 * WAD // 100 - 5 * WAD // 10_000 - WAD * 21 // 200_379
    assert 0 <= sold * freed // NANO - lacking < 2 * freed
    assert traded(stage, "cross", (trade,)) == (hedge.after.initial_margin, hedge.after.equity)


@pytest.mark.parametrize("system", ENGINES)
def test_contracts_and_base_hedge_each_other(system: str) -> None:
    cash = "-13_000" if system == "risk-based" else "-5_000"
    stage, hedge = hedged(INVERSE, ('cash = "20_000 USD"', f'cash = "{cash} USD"'), system=system)
    assert hedge.needed and hedge.found
    after = traded(stage, system, hedge.trades)
    assert after == (hedge.after.initial_margin, hedge.after.equity) and after[1] >= after[0]
    assert hedge.before.equity - hedge.after.equity == hedge.cost


@pytest.mark.parametrize("system", ["cross", "portfolio", "risk-based"])
def test_no_combination_of_lots_is_cheaper(system: str) -> None:
    """Coarse lots, every combination of two instruments tried on the contracts."""
    coarse = (
        ('asset = "ETH"\ninitial_margin', 'asset = "ETH"\nlot = "10 base"\ninitial_margin'),
        ('lot = "0.0001 base"', 'lot = "0.5 base"'),
        ("[correlations]", '[hedge]\ninstruments = ["ETH", "BTC"]\n[correlations]'),
    )
    cash = {"cross": "-12_000", "portfolio": "5_000", "risk-based": "-16_000"}[system]
    stage, hedge = hedged(*coarse, ('cash = "20_000 USD"', f'cash = "{cash} USD"'), system=system)
    assert hedge.needed and hedge.found
    costs = []
    for eth, btc in product(range(-1, 7), range(-10, 3)):
        trades = []
        for name, mark, spread, lots, lot in (
            ("ETH", 2_004, 0.21, eth, 10 * NANO),
            ("BTC", 30_000, 3.0, btc, NANO // 2),
        ):
            if lots:
                price = round((mark + (spread if lots > 0 else -spread)) * NANO)
                size = lots * lot
                fee = -(-abs(size) * price * 5 // 10_000)
                trades.append(Trade(name, size, price, size * (price - mark * NANO) + fee))
        after = traded(stage, system, tuple(trades))
        if after is not None and after[1] >= after[0]:
            costs.append(sum(one.cost for one in trades))
    assert hedge.cost == min(costs)


def test_no_hedge_is_needed() -> None:
    stage, hedge = hedged()
    assert not hedge.needed and hedge.found and hedge.trades == () and hedge.cost == 0
    assert hedge.before == hedge.after
    assert stage.portfolio.name == "base"


def test_no_hedge_is_found() -> None:
    _, hedge = hedged(('cash = "20_000 USD"', 'cash = "-60_000 USD"'))
    assert hedge.before.equity < 0
    assert hedge.needed and not hedge.found and hedge.trades == ()


def test_options_hedge_options() -> None:
    calls = 'instrument = "ETH-JUN-1800-C"\nsize = "-5 base"'
    _, hedge = hedged(
        ('instrument = "ETH"\nsize = "-50 base"\nentry = "2_100 USD"', calls),
        ('\n[[positions]]\ninstrument = "BTC"\nsize = "4 base"\n', ""),
        ('\n[[collaterals]]\nasset = "WETH"\namount = "10 base"\n', ""),
        ('cash = "20_000 USD"', 'cash = "1_700 USD"'),
        system="portfolio",
    )
    assert hedge.found and hedge.needed
    assert all(one.size != 0 for one in hedge.trades)
    assert hedge.bound >= hedge.cost * (1 - GAP), "the solver's bound says that it is the cheapest"


BOOK = book(series=4, strikes=10, cash=10_000)
"""42 positions, 164 sides."""


@pytest.mark.parametrize(("system", "gap"), [("cross", 50), ("portfolio", 10)])
def test_a_large_book_is_hedged_within_a_bound(system: str, gap: int) -> None:
    stage = staged(BOOK)
    assert len(stage.holdings().positions) == 42
    hedge = find_hedge(stage, system)
    assert hedge is not None and hedge.needed and hedge.found
    assert hedge.gap is not None and hedge.gap <= gap, "bps"
    assert traded(stage, system, hedge.trades) == (hedge.after.initial_margin, hedge.after.equity)
    assert hedge.before.equity - hedge.after.equity == hedge.cost


def test_a_few_sides_are_as_good_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are left out are priced by the duals, so the cost and the bound are those of all sides."""
    few = find_hedge(staged(BOOK), "portfolio")
    monkeypatch.setattr(search, "FEW", 1_000)
    every = find_hedge(staged(BOOK), "portfolio")
    assert few is not None and every is not None
    assert few.cost == pytest.approx(every.cost, rel=GAP) and few.bound == pytest.approx(every.bound, rel=GAP)


def test_the_same_file_has_the_same_hedge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is counted and not timed, also where it runs out."""
    monkeypatch.setattr(search, "WORK", 900)
    found = [find_hedge(staged(BOOK), "cross") for _ in range(2)]
    assert found[0] == found[1] and found[0] is not None and found[0].found
