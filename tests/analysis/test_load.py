# SPDX-License-Identifier: Apache-2.0
"""Portfolio files: names of instruments, defaults, and one clear line for every mistake, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.analysis.load import load_portfolio, surface_of
from simulation.domain import market_math, svi
from simulation.errors import InputError, ScenarioError
from tests.analysis.files import BASE, EXAMPLES, changed, written

NANO = 10**9
LAST = '[correlations]\nfactors = ["ETH", "BTC"]\nmatrix = [[1.0, 0.8], [0.8, 1.0]]'
SURFACE = "surface = { a = 0.012, b = 0.06, rho = -0.2, m = 0.0, sigma = 0.15 }"
INVERSE = """[protocol.inverse.ETH-USD]
collateral = "WETH"
initial_margin = "5 %"
maintenance_margin = "3 %"

"""
SHORT = 'instrument = "ETH"\nsize = "-50 base"\nentry = "2_100 USD"'


def test_instruments_have_names_and_market_numbers() -> None:
    found = {name: one.market for name, one in written(BASE).instruments.items()}
    assert found == {
        "ETH": 1,
        "BTC": 2,
        "ETH-JUN": market_math.future(1),
        "ETH-JUN-1800-C": market_math.option(1, 0, True),
        "ETH-JUN-1800-P": market_math.option(1, 0, False),
        "ETH-JUN-2200-C": market_math.option(1, 1, True),
        "ETH-JUN-2200-P": market_math.option(1, 1, False),
    }


def test_an_inverse_perpetual_has_contracts_of_one_dollar() -> None:
    found = written(changed(("[protocol.collaterals.WETH]", f"{INVERSE}[protocol.collaterals.WETH]")))
    one = found.instruments["ETH-USD"]
    assert (one.market, one.asset, one.unit, one.lot) == (128, "ETH", "USD", NANO)
    assert one.notional(5 * NANO, 2_000 * NANO) == 5 * 10**18
    # Bought at 2,500 and valued at 2,000, and the other way round: 4/5 of a coin for 2,000 contracts.
    assert one.worse(2_000 * NANO, 2_500 * NANO, 2_000 * NANO) == 400 * 10**18
    assert one.worse(-2_000 * NANO, 2_500 * NANO, 2_000 * NANO) == -400 * 10**18


def test_a_strike_between_dollars_is_in_the_name() -> None:
    portfolio = written(changed(('"1_800 USD"', '"1_800.5 USD"')))
    assert portfolio.instruments["ETH-JUN-1800.5-P"].strike == 1_800_500_000_000


def test_a_flat_volatility_is_read_back_from_its_surface() -> None:
    portfolio = written(changed((SURFACE, 'volatility = "60 %/year"')))
    series = portfolio.series["ETH-JUN"]
    tau = series.expiry - portfolio.money.time
    for strike in (1_000, 2_000, 5_000):
        found = svi.vol(surface_of(series, portfolio.money.time), 2_008 * NANO, tau, strike * NANO)
        assert abs(found - 6 * 10**17) <= 10**3


def test_correlations_stand_in_the_order_of_the_model() -> None:
    matrix = (
        'factors = ["BTC volatility", "ETH", "BTC"]\nmatrix = [[1, 0.2, 0.3], [0.2, 1, 0.8], [0.3, 0.8, 1]]'
    )
    portfolio = written(changed((LAST, f"[correlations]\n{matrix}")))
    risk = portfolio.protocol.risk
    assert risk is not None
    # Prices of ETH and BTC, then their volatilities; what the file does not name is as usual.
    usual, both = risk.price_volatility_correlation, risk.volatility_correlation
    assert risk.lower_triangle(("ETH", "BTC")) == (8_000, usual, usual, 2_000, 3_000, both)
    assert risk.of("ETH").volatility == 65 * 10**16


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_examples_load(path: Path) -> None:
    assert load_portfolio(str(path)).positions


MISTAKES = {
    "unknown instrument": (
        ('instrument = "BTC"', 'instrument = "ETH-JUNE"'),
        'positions[1].instrument: unknown instrument "ETH-JUNE"; expected one of ETH, BTC, ETH-JUN',
    ),
    "instrument twice": (
        ('instrument = "BTC"', 'instrument = "ETH"'),
        'positions[1].instrument: "ETH" a second',
    ),
    "part of a lot": (('size = "4 base"', 'size = "4.00001 base"'), "positions[1].size: got 4.00001 base"),
    "no size": (('size = "4 base"', 'size = "0 base"'), "positions[1].size: got 0 base; expected a multiple"),
    "entry between ticks": (("2_100 USD", "2_100.001 USD"), "positions[0].entry: got"),
    "expired series": (
        ("expiry = 2024-06-28T08:00:00Z", "expiry = 2024-05-28T08:00:00Z"),
        "series.ETH-JUN.expiry: got 2024-05-28T08:00:00Z, which has expired; expected a time after",
    ),
    "no time left": (
        ("expiry = 2024-06-28T08:00:00Z", "expiry = 2024-06-03T08:00:00Z"),
        "series.ETH-JUN.expiry: got 2024-06-03T08:00:00Z, which has expired",
    ),
    "volatility of zero": (
        (SURFACE, 'volatility = "0 %/year"'),
        'series.ETH-JUN.volatility: got "0 %/year"; expected from "0.1 %/year"',
    ),
    "no volatility": ((f"{SURFACE}\n", ""), "series.ETH-JUN.volatility: missing; expected a yearly rate"),
    "two volatilities": (
        (SURFACE, f'{SURFACE}\nvolatility = "60 %/year"'),
        "series.ETH-JUN.surface: given beside volatility",
    ),
    "steep wings": (
        ("b = 0.06", "b = 1.9"),
        "series.ETH-JUN.surface: allows arbitrage or is no surface (wing too",
    ),
    "negative variance": (("a = 0.012", "a = -0.2"), "is no surface (negative variance)"),
    "a butterfly": (
        (SURFACE, "surface = { a = 0.005, b = 0.4, rho = -0.9, m = 0.0, sigma = 0.01 }"),
        "series.ETH-JUN.surface: allows arbitrage by a butterfly, at a log-strike of",
    ),
    "a calendar": (
        (
            "[protocol.markets.ETH]",
            '[series.ETH-SEP]\nasset = "ETH"\nexpiry = 2024-09-27T08:00:00Z\nvolatility = "20 %/year"\n'
            "[protocol.markets.ETH]",
        ),
        "series.ETH-SEP: allows arbitrage by a calendar against ETH-JUN, at a log-strike of",
    ),
    "base of an inverse perpetual": (
        (
            '[[positions]]\ninstrument = "BTC"\nsize = "4 base"',
            f'{INVERSE}[[positions]]\ninstrument = "ETH-USD"\nsize = "4 base"',
        ),
        'positions[1].size: got "4 base"; expected contracts in USD',
    ),
    "dollars of a linear perpetual": (
        ('size = "4 base"', 'size = "4 USD"'),
        'positions[1].size: got "4 USD"; expected units of base',
    ),
    "part of a contract": (
        (
            '[[positions]]\ninstrument = "BTC"\nsize = "4 base"',
            f'{INVERSE}[[positions]]\ninstrument = "ETH-USD"\nsize = "4.5 USD"',
        ),
        "positions[1].size: got 4.5 USD; expected a multiple of the lot, 1 USD",
    ),
    "inverse in no coin": (
        ("[protocol.markets.BTC]", INVERSE.replace("WETH", "WBTC") + "[protocol.markets.BTC]"),
        'protocol.inverse.ETH-USD.collateral: got "WBTC"',
    ),
    "no size at all": (
        ('size = "4 base"', 'size = "four"'),
        'positions[1].size: got "four"; expected a size',
    ),
    "correlation of one": (("rho = -0.2", "rho = -1.0"), "is no surface (rho out of range)"),
    "text in a surface": (("a = 0.012", 'a = "12"'), "series.ETH-JUN.surface.a: got"),
    "forward far from spot": (("2_008 USD", "3_008 USD"), "series.ETH-JUN.forward: got"),
    "mark far from spot": (("2_004 USD", "2_104 USD"), "assets.ETH.mark: got"),
    "strikes fall": (
        ('["1_800 USD", "2_200 USD"]', '["2_200 USD", "1_800 USD"]'),
        "series.ETH-JUN.strikes: not",
    ),
    "series on nothing": (
        ('[series.ETH-JUN]\nasset = "ETH"', '[series.ETH-JUN]\nasset = "EHT"'),
        "did you mean ETH",
    ),
    "unused asset": (
        ("[series.ETH-JUN]", '[assets.DOGE]\nspot = "1 USD"\n[series.ETH-JUN]'),
        "assets.DOGE: not used",
    ),
    "spot of zero": (('spot = "2_000 USD"', 'spot = "0 USD"'), "assets.ETH.spot: got"),
    "no spot": (('spot = "30_000 USD"\n', ""), "assets.BTC.spot: missing"),
    "unknown collateral": (
        ('asset = "WETH"\n', 'asset = "WBTC"\n'),
        'collaterals[0].asset: unknown collateral "WBTC"',
    ),
    "unknown engine": (("cash =", 'engine = "spna"\ncash ='), "portfolio.engine: got"),
    "part of a token": (('"20_000 USD"', '"20_000.0000001 USD"'), "portfolio.cash: got"),
    "unknown section": (("[correlations]", "[corelations]"), "corelations: unknown section; expected one of"),
    "unknown key": (("[assets.ETH]", "[assets.ETH]\nspread = 1"), "assets.ETH.spread: unknown key"),
    "series of a scenario": (
        (
            "[protocol.markets.ETH]",
            '[protocol.series.X]\nasset = "ETH"\nexpiry = "2 d"\n[protocol.markets.ETH]',
        ),
        "protocol.series: unknown here; expected [series.NAME]",
    ),
    "margins upside down": (
        (
            'initial_margin = "5 %"\nmaintenance_margin = "3 %"\n\n[protocol.markets.BTC]',
            'initial_margin = "2 %"\nmaintenance_margin = "3 %"\n\n[protocol.markets.BTC]',
        ),
        "protocol.markets.ETH.maintenance_margin: above",
    ),
    "a name twice": (
        ("[protocol.markets.BTC]", "[protocol.markets.ETH-JUN]"),
        'gives the name "ETH-JUN" a second time',
    ),
    "matrix of no numbers": (("[0.8, 1.0]]", '[0.8, "x"]]'), "correlations.matrix: got"),
    "matrix not square": (("[[1.0, 0.8], [0.8, 1.0]]", "[[1.0, 0.8]]"), "correlations.matrix: not square"),
    "matrix not symmetric": (("[0.8, 1.0]]", "[0.7, 1.0]]"), "correlations.matrix: not symmetric"),
    "diagonal": (("[0.8, 1.0]]", "[0.8, 0.9]]"), "correlations.matrix: not a correlation matrix"),
    "unknown factor": (('["ETH", "BTC"]', '["ETH", "BCT"]'), 'correlations.factors[1]: unknown factor "BCT"'),
    "not positive semi-definite": (
        (
            LAST,
            '[correlations]\nfactors = ["ETH", "BTC", "ETH volatility"]\n'
            "matrix = [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]",
        ),
        "correlations.matrix: not positive semi-definite",
    ),
    "unknown hedge": (
        ("[correlations]", '[hedge]\ninstruments = ["XRP"]\n[correlations]'),
        "hedge.instruments[0]",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_one_line(name: str) -> None:
    change, expected = MISTAKES[name]
    with pytest.raises(ScenarioError) as caught:
        written(changed(change))
    lines = [str(problem).split(": ", 1)[1] for problem in caught.value.problems]
    assert any(expected in line for line in lines), lines
    assert all("; expected " in line for line in lines)


def test_every_mistake_is_told_at_once() -> None:
    text = changed(("2_004 USD", "2_104 USD"), ('"WETH"\namount', '"WBTC"\namount'), ("b = 0.06", "b = 1.9"))
    with pytest.raises(ScenarioError) as caught:
        written(text)
    keys = [problem.key for problem in caught.value.problems]
    assert keys == ["assets.ETH.mark", "series.ETH-JUN.surface", "collaterals[0].asset"]
    assert SHORT in text


@pytest.mark.parametrize(
    ("content", "expected"), [(None, "no such file"), ("[portfolio", "expected a TOML file")]
)
def test_what_is_no_file_of_ours(tmp_path: Path, content: str | None, expected: str) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=expected):
        load_portfolio(str(path))
