# SPDX-License-Identifier: Apache-2.0
"""Options and dated futures: the standard rules, the grid of the RiskBoard, scenario margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulation.config.kinds import BPS, FLAG, PRICE_NANO, SECONDS, choice
from simulation.config.scenario.markets import TierSpec
from simulation.config.schema import Array, Table, knob

__all__ = ["FutureSpec", "GridSpec", "OptionsSpec", "PortfolioSpec", "ShockSpec"]


def _scenarios() -> list[dict[str, Any]]:
    """Four steps of 4.5 % on either side, volatility up, unmoved and down; damped tails; two skews."""

    def row(spot: str, volatility: str, damping: str = "100 %") -> dict[str, Any]:
        return {"spot": f"{spot} %", "volatility": volatility, "damping": damping}

    rows = [row("118", "up")]
    for spot in ("113.5", "109", "104.5", "100", "95.5", "91", "86.5"):
        rows += [row(spot, volatility) for volatility in ("up", "unmoved", "down")]
    rows.append(row("82", "up"))
    tails = {"34": "21 %", "67": "42 %", "150": "27.72 %", "200": "13.86 %"}
    tails |= {"300": "6.93 %", "400": "4.62 %", "500": "3.46 %", "600": "2.77 %"}
    rows += [row(spot, "up", damping) for spot, damping in tails.items()]
    return [*rows, row("100", "linear skew"), row("100", "absolute skew")]


@dataclass(frozen=True, slots=True)
class FutureSpec:
    """[protocol.options.futures]: dated futures of an asset that has no perpetual."""

    initial_margin: int = knob(BPS, "5 %", low="0.01 %", high="100 %")
    maintenance_margin: int = knob(BPS, "3 %", low="0.01 %", high="100 %")
    tiers: TierSpec = knob(Table(TierSpec), {})


@dataclass(frozen=True, slots=True)
class OptionsSpec:
    """[protocol.options]: dated markets under cross and isolated margin, by the standard rules.

    Shares of spot unless they say otherwise. A dated future is margined as the perpetual of its asset.
    """

    initial_spot: int = knob(BPS, "15 %", low="0 %", high="100 %")
    least_initial_spot: int = knob(BPS, "10 %", low="0 %", high="100 %")
    maintenance_call: int = knob(BPS, "7.5 %", low="0.01 %", high="100 %")
    maintenance_put: int = knob(BPS, "7.5 %", low="0.01 %", high="100 %")
    maintenance_put_mark: int = knob(BPS, "7.5 %", low="0 %", high="100 %")
    """Of the put's mark."""
    put_offset: int = knob(BPS, "101 %", low="100 %", high="650 %")
    """Of the put's mark and maintenance margin together."""
    initial_unpaired: int = knob(BPS, "120 %", low="100 %", high="650 %")
    """Of the forward, for each call that is short on balance."""
    maintenance_unpaired: int = knob(BPS, "110 %", low="100 %", high="650 %")
    confidence_threshold: int = knob(BPS, "50 %", low="0 %", high="100 %")
    confidence_factor: int = knob(BPS, "100 %", low="0 %", high="100 %")
    futures: FutureSpec = knob(Table(FutureSpec), {})


@dataclass(frozen=True, slots=True)
class ShockSpec:
    """[[protocol.portfolio.grid.scenarios]]: one scenario."""

    spot: int = knob(BPS, low="0 %", high="1000 %")
    """Of spot as it is: 118 % is a rise by 18 %."""
    volatility: str = knob(choice("unmoved", "up", "down", "linear skew", "absolute skew"), "unmoved")
    damping: int = knob(BPS, "100 %", low="0.01 %", high="1000 %")
    """Share of the profit or loss that counts."""


@dataclass(frozen=True, slots=True)
class GridSpec:
    """[protocol.portfolio.grid]: what the RiskBoard values options in; with series there is always one.

    Ratios; the formulas are those of IRiskBoard.Shocks.
    """

    scenarios: tuple[ShockSpec, ...] = knob(Array(Table(ShockSpec)), _scenarios())
    """At most 31 that move spot or volatility, and of each skew one."""
    vol_up: int = knob(BPS, "50 %", low="0 %", high="1000 %")
    vol_down: int = knob(BPS, "30 %", low="0 %", high="1000 %")
    short_term_power: int = knob(BPS, "30 %", low="0 %", high="100 %")
    """Of 30 days over the time to expiry, below 30 days."""
    long_term_power: int = knob(BPS, "13 %", low="0 %", high="100 %")
    """Above 30 days."""
    time_floor: int = knob(SECONDS, "1 d", low="1 s", high="30 d")
    min_vol_up: int = knob(BPS, "40 %", low="0 %", high="10000 %")
    """Least volatility where it goes up."""
    linear_cap: int = knob(BPS, "25 %", low="0 %", high="10000 %")
    linear_cap_slope: int = knob(BPS, "-10 %", low="-10000 %", high="10000 %")
    absolute_cap: int = knob(BPS, "25 %", low="-10000 %", high="10000 %")
    absolute_cap_slope: int = knob(BPS, "-10 %", low="-10000 %", high="10000 %")
    min_width: int = knob(BPS, "1 %", low="0.01 %", high="10000 %")
    width_scale: int = knob(BPS, "400 %", low="0 %", high="10000 %")
    width_static: int = knob(BPS, "60 %", low="0 %", high="10000 %")
    width_slope: int = knob(BPS, "0 %", low="-10000 %", high="10000 %")
    long_discount: int = knob(BPS, "95 %", low="0 %", high="100 %")
    """Of positive values, static; rates discount them further."""
    short_discount: int = knob(BPS, "105 %", low="0 %", high="1000 %")
    long_rate_scale: int = knob(BPS, "0 %", low="0 %", high="1000 %")
    long_rate_add: int = knob(BPS, "16 %", low="0 %", high="1000 %")
    short_rate_scale: int = knob(BPS, "0 %", low="0 %", high="1000 %")
    short_rate_add: int = knob(BPS, "16 %", low="0 %", high="1000 %")
    basis_up: int = knob(BPS, "104.5 %", low="0 %", high="1000 %")
    basis_down: int = knob(BPS, "95.5 %", low="0 %", high="1000 %")
    basis_add: int = knob(BPS, "50 %", low="0 %", high="1000 %")
    basis_multiple: int = knob(BPS, "200 %", low="0 %", high="1000 %")
    """Per year to expiry."""
    max_age: int = knob(SECONDS, "5 min", low="1 s", high="1 d")
    """Of a board that risk may be added on."""
    max_move: int = knob(BPS, "1 %", low="0 %", high="100 %")
    """Of spot since the board was made."""


@dataclass(frozen=True, slots=True)
class PortfolioSpec:
    """[protocol.portfolio]: the PortfolioMargin engine, scenario margin over the grid of the RiskBoard."""

    initial_loss: int = knob(BPS, "100 %", low="0 %", high="500 %")
    """Of the loss in the worst scenario."""
    maintenance_loss: int = knob(BPS, "80 %", low="0 %", high="500 %")
    depeg_threshold: int = knob(PRICE_NANO, "0.99 USD", low="0 USD", high="1 USD")
    depeg_factor: int = knob(BPS, "400 %", low="0 %", high="500 %")
    confidence_threshold: int = knob(BPS, "55 %", low="0 %", high="100 %")
    confidence_factor: int = knob(BPS, "100 %", low="0 %", high="500 %")
    linear_maintenance: int = knob(BPS, "3 %", low="0 %", high="100 %")
    """Of the notional of perpetuals and futures at spot."""
    linear_initial: int = knob(BPS, "1 %", low="0 %", high="100 %")
    """On top of it."""
    naked_maintenance: int = knob(BPS, "0.3 %", low="0 %", high="100 %")
    """Of the notional of naked short options at spot."""
    naked_initial: int = knob(BPS, "0.2 %", low="0 %", high="100 %")
    bounded: bool = knob(FLAG, True)
    """Requirements end where the account cannot lose more."""
    grid: GridSpec = knob(Table(GridSpec), {})
