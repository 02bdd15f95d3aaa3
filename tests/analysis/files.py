# SPDX-License-Identifier: Apache-2.0
"""Portfolio files for tests: a base of two perpetuals, one series and a collateral, changed by text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from simulation.analysis.load import load_portfolio
from simulation.analysis.portfolio import Portfolio
from simulation.analysis.stage import Stage, open_stage

__all__ = ["BASE", "EXAMPLES", "INVERSE", "book", "changed", "staged", "written"]

EXAMPLES = Path(__file__).parents[2] / "examples" / "portfolios"
BASE = """
[portfolio]
name = "base"
time = 2024-06-03T08:00:00Z
cash = "20_000 USD"

[assets.ETH]
spot = "2_000 USD"
mark = "2_004 USD"
volatility = "65 %/year"

[assets.BTC]
spot = "30_000 USD"
confidence = "40 %"

[series.ETH-JUN]
asset = "ETH"
expiry = 2024-06-28T08:00:00Z
forward = "2_008 USD"
rate = "5 %/year"
surface = { a = 0.012, b = 0.06, rho = -0.2, m = 0.0, sigma = 0.15 }
strikes = ["1_800 USD", "2_200 USD"]

[protocol.markets.ETH]
asset = "ETH"
initial_margin = "5 %"
maintenance_margin = "3 %"

[protocol.markets.BTC]
asset = "BTC"
tick = "0.1 USD"
lot = "0.0001 base"
initial_margin = "5 %"
maintenance_margin = "3 %"

[protocol.collaterals.WETH]
asset = "ETH"
initial_haircut = "20 %"
maintenance_haircut = "10 %"

[[positions]]
instrument = "ETH"
size = "-50 base"
entry = "2_100 USD"

[[positions]]
instrument = "BTC"
size = "4 base"

[[collaterals]]
asset = "WETH"
amount = "10 base"

[correlations]
factors = ["ETH", "BTC"]
matrix = [[1.0, 0.8], [0.8, 1.0]]
"""


INVERSE = (
    '[[positions]]\ninstrument = "BTC"\nsize = "4 base"',
    """[protocol.inverse.ETH-USD]
collateral = "WETH"
initial_margin = "6 %"
maintenance_margin = "4 %"

[[positions]]
instrument = "ETH-USD"
size = "60_000 USD"
entry = "2_400 USD\"""",
)
"""A change of BASE: no position in BTC, and 60,000 contracts of an inverse perpetual bought for 25 coins."""


def book(series: int, strikes: int, cash: int) -> str:
    """A file of two perpetuals and an option of every strike of every series, bought and sold."""
    held = [("ETH", -30), ("BTC", 2)]
    listed = []
    for number in range(series):
        levels = [1_200 + 100 * place for place in range(strikes)]
        shown = ", ".join(f'"{level} USD"' for level in levels)
        listed.append(
            f'[series.E{number}]\nasset = "ETH"\nexpiry = 2024-{7 + number:02}-26T08:00:00Z\n'
            f'forward = "{2_008 + 8 * number} USD"\nvolatility = "65 %/year"\nstrikes = [{shown}]\n'
        )
        held += [
            (
                f"E{number}-{level}-{'C' if level >= 2_000 else 'P'}",
                (-6, 3, -4, -2, 5, -1)[(place + number) % 6],
            )
            for place, level in enumerate(levels)
        ]
    assets = '[assets.ETH]\nspot = "2_000 USD"\n[assets.BTC]\nspot = "60_000 USD"\n'
    markets = "".join(
        f'[protocol.markets.{name}]\nasset = "{name}"\ninitial_margin = "5 %"\nmaintenance_margin = "3 %"\n'
        for name in ("ETH", "BTC")
    )
    positions = "".join(
        f'[[positions]]\ninstrument = "{name}"\nsize = "{size} base"\n' for name, size in held
    )
    money = f'[portfolio]\nname = "book"\ntime = 2024-06-03T08:00:00Z\ncash = "{cash} USD"\n'
    return money + assets + "".join(listed) + markets + positions


def changed(*changes: tuple[str, str]) -> str:
    """BASE with each text replaced by another; each must be there."""
    text = BASE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def written(text: str) -> Portfolio:
    """The portfolio that a file of this text says."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "portfolio.toml"
        path.write_text(text, encoding="utf-8")
        return load_portfolio(str(path))


@cache
def staged(text: str) -> Stage:
    """A portfolio on deployed contracts; deployed once a process, since questions leave it as it was."""
    return open_stage(written(text))
