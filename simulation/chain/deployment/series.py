# SPDX-License-Identifier: Apache-2.0
"""Surface and RiskBoard, with the grid of scenarios that options are valued in, and all series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulation.chain.deployment.core import BPS_TO_WAD, feed_numbers
from simulation.chain.deployment.steps import Call, Deploy, Ref, Step
from simulation.config.scenario import GridSpec, ProtocolSpec
from simulation.domain.units import FULL_CONFIDENCE

__all__ = ["MAX_DIFFERENCE", "SETTLEMENT_RULES", "grid", "steps"]

SETTLEMENT_RULES = (900, 1_500, 86_400)
"""ISurface.SettlementParameters, seconds: gap, coverage of the window of 1,800, patience."""
MAX_DIFFERENCE = 2_000
"""Bps of spot by which a forward may differ."""
RATE_HEARTBEAT = 43_200
"""Seconds: half a day."""
VOLATILITY = {"unmoved": 0, "up": 1, "down": 2, "linear skew": 3, "absolute skew": 4}
"""What a scenario does to volatility, as the RiskBoard numbers it."""


def steps(protocol: ProtocolSpec, start: int) -> Iterator[Step]:
    """Both contracts and every series; expiries count from `start`, unix seconds."""
    feeds = feed_numbers(protocol)
    yield Deploy("Surface", "Surface", (Ref("Oracle"), SETTLEMENT_RULES))
    yield Deploy("RiskBoard", "RiskBoard", (Ref("Oracle"), Ref("Surface"), Ref("Instruments")))
    yield Call("Surface", "wire", (Ref("Instruments"),))
    yield Call("Instruments", "wire", (Ref("Surface"), Ref("RiskBoard"), Ref("Ledger")))
    yield Call("RiskBoard", "set_grid", grid(protocol.grid))
    for number, series in enumerate(protocol.series.values(), 1):
        terms = (
            feeds[series.asset],
            start + series.expiry,
            series.future_tick,
            series.future_lot,
            series.option_tick,
            series.option_lot,
            series.future_open_interest_cap,
            series.option_open_interest_cap,
        )
        yield Call("Instruments", "list_series", (terms,))
        yield Call("Instruments", "add_strikes", (number, series.strikes))
        yield Call("Surface", "set_surface", (number, _surface(protocol)))


def grid(spec: GridSpec) -> tuple[Any, ...]:
    """Arguments of RiskBoard.set_grid: IRiskBoard.Scenario of each and IRiskBoard.Shocks, ratios in wad."""
    scenarios = tuple(
        (one.spot * BPS_TO_WAD, VOLATILITY[one.volatility], one.damping * BPS_TO_WAD)
        for one in spec.scenarios
    )
    before = (spec.vol_up, spec.vol_down, spec.short_term_power, spec.long_term_power)
    after = (
        spec.min_vol_up,
        spec.linear_cap,
        spec.linear_cap_slope,
        spec.absolute_cap,
        spec.absolute_cap_slope,
        spec.min_width,
        spec.width_scale,
        spec.width_static,
        spec.width_slope,
        spec.long_discount,
        spec.short_discount,
        spec.long_rate_scale,
        spec.long_rate_add,
        spec.short_rate_scale,
        spec.short_rate_add,
        spec.basis_up,
        spec.basis_down,
        spec.basis_add,
        spec.basis_multiple,
    )
    shocks = (
        *(ratio * BPS_TO_WAD for ratio in before),
        spec.time_floor,
        *(ratio * BPS_TO_WAD for ratio in after),
        spec.max_age,
        spec.max_move,
    )
    return scenarios, shocks


def _surface(protocol: ProtocolSpec) -> tuple[int, ...]:
    """ISurface.SurfaceConfig: forward and vol as fresh as spot, rates half a day; signers as of prices."""
    fresh = protocol.oracle.heartbeat
    half = FULL_CONFIDENCE // 2
    return (fresh, fresh, RATE_HEARTBEAT, MAX_DIFFERENCE, half, protocol.oracle.threshold)
