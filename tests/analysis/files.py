# SPDX-License-Identifier: Apache-2.0
"""Portfolio files for tests: a base of two perpetuals, one series and a collateral, changed by text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from simulation.analysis.load import load_portfolio
from simulation.analysis.portfolio import Portfolio
from simulation.analysis.stage import Stage, open_stage

__all__ = ["BASE", "EXAMPLES", "INVERSE", "changed", "staged", "written"]

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
