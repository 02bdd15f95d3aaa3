# SPDX-License-Identifier: Apache-2.0
"""A RiskBoard for tests, on a real Oracle and Surface, with a PortfolioMargin engine that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from simulation.domain.settlement_math import Rules
from tests.backends import CHAIN_ID
from tests.evm import Contract, Env
from tests.prices import deploy_oracle, push, sign
from tests.surfaces import SurfaceConfig, SurfaceUpdate, surface_digest

__all__ = [
    "FULL",
    "NANO",
    "PARAMETERS",
    "SCENARIOS",
    "SHOCKS",
    "VOL",
    "WAD",
    "Boards",
    "Parameters",
    "Shocks",
]

NANO = 10**9
WAD = 10**18
FULL = 10**8
VOL = {"None": 0, "Up": 1, "Down": 2, "LINEAR": 3, "ABS": 4}


@dataclass(frozen=True, slots=True)
class Shocks:
    """As IRiskBoard.Shocks, in the order of the ABI; ratios in wad."""

    vol_up: int = 5 * WAD // 10
    vol_down: int = 3 * WAD // 10
    short_term_power: int = 3 * WAD // 10
    long_term_power: int = 13 * WAD // 100
    time_floor: int = 86_400
    min_vol_up: int = 4 * WAD // 10
    linear_cap: int = 25 * WAD // 100
    linear_cap_slope: int = -10 * WAD // 100
    abs_cap: int = 25 * WAD // 100
    abs_cap_slope: int = -10 * WAD // 100
    min_width: int = WAD // 100
    width_scale: int = 4 * WAD
    width_static: int = 6 * WAD // 10
    width_slope: int = 0
    long_discount: int = 95 * WAD // 100
    short_discount: int = 105 * WAD // 100
    long_rate_scale: int = 0
    long_rate_add: int = 16 * WAD // 100
    short_rate_scale: int = 0
    short_rate_add: int = 16 * WAD // 100
    basis_up: int = 1_045 * WAD // 1_000
    basis_down: int = 955 * WAD // 1_000
    basis_add: int = WAD // 2
    basis_multiple: int = 2 * WAD
    max_age: int = 300
    max_move: int = 100

    def row(self) -> tuple[int, ...]:
        return astuple(self)


@dataclass(frozen=True, slots=True)
class Parameters:
    """As scenario_margin.Parameters, in the order of the ABI; ratios in bps."""

    initial_loss: int = 10_000
    maintenance_loss: int = 8_000
    depeg_threshold: int = 990_000_000
    depeg_factor: int = 40_000
    confidence_threshold: int = 55 * 10**6
    confidence_factor: int = 10_000
    linear_maintenance: int = 300
    linear_initial: int = 100
    naked_maintenance: int = 30
    naked_initial: int = 20
    bounded: bool = True

    def row(self) -> tuple[Any, ...]:
        return astuple(self)


SHOCKS = Shocks()
PARAMETERS = Parameters()


def _grid() -> tuple[tuple[int, int, int], ...]:
    rows: list[tuple[int, int, int]] = [(1_180, 1, 10_000)]
    for spot in (1_135, 1_090, 1_045, 1_000, 955, 910, 865):
        rows += [(spot, vol, 10_000) for vol in (1, 0, 2)]
    rows.append((820, 1, 10_000))
    tails = {
        340: 2_100,
        670: 4_200,
        1_500: 2_772,
        2_000: 1_386,
        3_000: 693,
        4_000: 462,
        5_000: 346,
        6_000: 277,
    }
    rows += [(spot, 1, damping) for spot, damping in tails.items()]
    rows += [(1_000, 3, 10_000), (1_000, 4, 10_000)]
    return tuple((spot * WAD // 1_000, vol, damping * WAD // 10_000) for spot, vol, damping in rows)


SCENARIOS = _grid()
"""The 33 scenarios of Derive's deployment: spot factor (wad), vol, damping (wad)."""


class Boards:
    """Oracle, Surface, registries, RiskBoard and engine; series are listed by the test."""

    def __init__(
        self,
        scenarios: Sequence[tuple[int, int, int]] = SCENARIOS,
        shocks: Shocks = SHOCKS,
        parameters: Parameters = PARAMETERS,
        feeds: int = 2,
        **feed: int,
    ) -> None:
        self.env = Env()
        self.oracle = deploy_oracle(self.env, feeds=feeds, **feed)
        self.registry = self.env.deploy("MockSeries")
        self.strikes = self.env.deploy("MockStrikes")
        self.surface: Contract = self.env.deploy("Surface", self.oracle.address, astuple(Rules()))
        self.surface.wire(self.registry.address)
        self.board: Contract = self.env.deploy(
            "RiskBoard", self.oracle.address, self.surface.address, self.strikes.address
        )
        self.board.set_grid(list(scenarios), shocks.row())
        self.engine: Contract = self.env.deploy("PortfolioMargin", self.board.address, parameters.row())

    def list_series(
        self, series: int, feed: int, expiry: int, strikes: Sequence[int], max_difference: int = 9_999
    ) -> None:
        """A series with these strikes, nano USD, and a configured surface."""
        self.registry.list_series(series, feed, expiry)
        self.strikes.set_strikes(series, list(strikes))
        self.surface.set_surface(series, SurfaceConfig(max_difference=max_difference).row())

    def push_surface(self, series: int, **changes: int) -> None:
        """Signs and stores a surface of now, with changes."""
        now = self.env.timestamp
        update = SurfaceUpdate(**({"series": series, "timestamp": now, "deadline": now + 60} | changes))
        digest = surface_digest(self.surface.address, update, CHAIN_ID)
        self.surface.update(update.row(), sign(digest, "signer"))

    def price(self, spot: int, feed: int = 1, **options: Any) -> None:
        """A signed price of now."""
        push(self.oracle, feed, spot, **options)

    def mark(self, market: int) -> int:
        """Mark of an option as the board has it, nano USD."""
        return int(self.board.marks([market])[0]) & (2**72 - 1)
