# SPDX-License-Identifier: Apache-2.0
"""What no single key can tell: conditions between the values of a scenario."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from simulation.config.check_systems import check_systems
from simulation.config.scenario import (
    DESK_KINDS,
    MIXED,
    SECTION_OF,
    InverseSpec,
    MarketSpec,
    ProtocolSpec,
    ReplaySpec,
    Scenario,
    WaypointSpec,
)
from simulation.config.schema import Problems, one_of
from simulation.domain.units import BPS

__all__ = ["check_protocol", "check_scenario"]

TIER_STEP = 1_000 * 10**18
"""Wad: the contracts keep tier bounds in thousands of USD."""
HOUR = 3_600
MAX_STRIKES = 64
"""What one board of the RiskBoard holds."""
MAX_INVERSE = 128
"""Market numbers that inverse perpetuals have."""
MAX_PENALTY = 3_000
"""Bps: the Liquidator's bound on what a liquidation may cost its account."""


def check_scenario(scenario: Scenario, problems: Problems) -> None:
    """Add every contradiction between keys."""
    _check_clock(scenario, problems)
    _check_assets(scenario, problems)
    check_protocol(scenario.protocol, scenario.assets, problems)
    dated = {series.asset for series in scenario.protocol.series.values()}
    for symbol, smile in scenario.smiles.items():
        if symbol not in dated:
            problems.add(f"smiles.{symbol}", "no series is on this asset", one_of(symbol, sorted(dated)))
        if smile.wing * smile.width >= 1.0:
            problems.add(f"smiles.{symbol}.wing", "times width no less than one", "variance above zero")
    for name, agent in scenario.agents.items():
        if agent.engine is not None:
            _check_engine(scenario.protocol, f"agents.{name}.engine", agent.engine, problems)
        perpetuals = (*scenario.protocol.markets, *scenario.protocol.inverse)
        for place, market in enumerate(getattr(agent.settings, "markets", ())):
            if market not in perpetuals:
                expected = one_of(market, perpetuals)
                problems.add(f"agents.{name}.markets[{place}]", f'got "{market}"', expected)
    _check_desk(scenario, problems)


def check_protocol(protocol: ProtocolSpec, assets: Collection[str], problems: Problems) -> None:
    """Add every contradiction within [protocol], and every asset that it names and the file has not."""
    for name, market in protocol.markets.items():
        if market.asset not in assets:
            problems.add(
                f"protocol.markets.{name}.asset", f'got "{market.asset}"', one_of(market.asset, assets)
            )
    for name, series in protocol.series.items():
        key = f"protocol.series.{name}"
        if series.asset not in assets:
            problems.add(f"{key}.asset", f'got "{series.asset}"', one_of(series.asset, assets))
        rising = all(low < high for low, high in pairwise((0, *series.strikes)))
        if not rising or len(series.strikes) > MAX_STRIKES:
            problems.add(f"{key}.strikes", "not ascending, or too many", f"at most {MAX_STRIKES}, ascending")
    for name, inverse in protocol.inverse.items():
        if name in protocol.markets or name in protocol.series:
            problems.add(f"protocol.inverse.{name}", "another market has this name", "a name of its own")
        if inverse.collateral not in protocol.collaterals:
            problems.add(
                f"protocol.inverse.{name}.collateral",
                f'got "{inverse.collateral}"',
                one_of(inverse.collateral, protocol.collaterals),
            )
    if len(protocol.inverse) > MAX_INVERSE:
        problems.add("protocol.inverse", f"{len(protocol.inverse)} markets", f"at most {MAX_INVERSE}")
    for name, collateral in protocol.collaterals.items():
        if collateral.asset not in assets:
            place = f"protocol.collaterals.{name}.asset"
            problems.add(place, f'got "{collateral.asset}"', one_of(collateral.asset, assets))
    _check_margins(protocol, problems)
    _check_liquidation(protocol, problems)
    _check_engine(protocol, "protocol.engine", protocol.engine, problems)
    check_systems(protocol, problems)


def _check_engine(protocol: ProtocolSpec, key: str, engine: str, problems: Problems) -> None:
    if engine != MIXED and engine not in protocol.engines:
        problems.add(
            key, f'got "{engine}", which is not deployed', f"a table [protocol.{SECTION_OF[engine]}]"
        )


def _check_desk(scenario: Scenario, problems: Problems) -> None:
    """Lenders and underwriters need a desk; one address alone may grant lines."""
    for venue in scenario.venue_names:
        protocol, here = scenario.protocol_of(venue), 0
        for name, agent in scenario.agents.items():
            if agent.kind not in DESK_KINDS or not agent.count or venue not in agent.venues:
                continue
            here += agent.count * (agent.kind == "underwriter")
            if protocol.credit is None:
                found = f'got "{agent.kind}" without a desk'
                problems.add(f"agents.{name}.kind", found, "a table [protocol.credit]")
            if here > 1:
                problems.add(f"agents.{name}.count", "a second underwriter", "one in all")


def _check_clock(scenario: Scenario, problems: Problems) -> None:
    if scenario.blocks < 1:
        problems.add("scenario.duration", "shorter than one block", "at least scenario.block_time")
    replays = any(isinstance(model, ReplaySpec) for model in scenario.assets.values())
    if scenario.time.start is None and not replays:
        problems.add(
            "scenario.start", 'got "worst day" without a replay', "a UTC time such as 2020-03-12T00:00:00Z"
        )


def _check_assets(scenario: Scenario, problems: Problems) -> None:
    for symbol, model in scenario.assets.items():
        key = f"assets.{symbol}"
        if isinstance(model, ReplaySpec) and not model.file:
            problems.add(f"{key}.file", "missing", f"a price file, for instance by --prices {symbol}=FILE")
        if isinstance(model, WaypointSpec):
            _check_grid(scenario, f"{key}.points", model.points, problems)
    _check_grid(scenario, "gas.external_price", scenario.gas.external_price, problems)


def _check_grid(
    scenario: Scenario, key: str, points: tuple[tuple[int, int], ...], problems: Problems
) -> None:
    """Points must start at 0 and fall into different blocks, or one of them could not be hit."""
    if not points or points[0][0] != 0:
        problems.add(f"{key}[0]", "no point at the start", "the first time to be 0 s")
        return
    step = scenario.time.block_time
    for place, (earlier, later) in enumerate(pairwise(points), start=1):
        if earlier[0] // step == later[0] // step:
            problems.add(
                f"{key}[{place}]", "in the same block as the point before", f"points at least {step} s apart"
            )


def _check_margins(protocol: ProtocolSpec, problems: Problems) -> None:
    perpetuals: list[tuple[str, MarketSpec | InverseSpec]] = [
        *((f"protocol.markets.{name}", market) for name, market in protocol.markets.items()),
        *((f"protocol.inverse.{name}", market) for name, market in protocol.inverse.items()),
    ]
    for key, market in perpetuals:
        if market.maintenance_margin > market.initial_margin:
            problems.add(f"{key}.maintenance_margin", "above initial_margin", "at most initial_margin")
        tiers = market.tiers
        if tiers.second_bound <= tiers.first_bound:
            problems.add(f"{key}.tiers.second_bound", "not above first_bound", "above first_bound")
        if tiers.second_multiplier < tiers.first_multiplier:
            problems.add(f"{key}.tiers.second_multiplier", "below first_multiplier", "no less than it")
        for bound in ("first_bound", "second_bound"):
            if getattr(tiers, bound) % TIER_STEP:
                problems.add(f"{key}.tiers.{bound}", "no multiple of 1_000 USD", "whole thousands of USD")
        if market.funding.convergence % HOUR:
            problems.add(
                f"{key}.funding.convergence", "not in whole hours", "whole hours, as the contract keeps"
            )
        if market.initial_margin * tiers.second_multiplier > BPS * BPS:
            problems.add(f"{key}.tiers.second_multiplier", "initial margin beyond 100 %", "100 % at most")
    for name, collateral in protocol.collaterals.items():
        if collateral.maintenance_haircut > collateral.initial_haircut:
            key = f"protocol.collaterals.{name}.maintenance_haircut"
            problems.add(key, "above initial_haircut", "at most initial_haircut")


def _check_liquidation(protocol: ProtocolSpec, problems: Problems) -> None:
    liquidation, oracle = protocol.liquidation, protocol.oracle
    if liquidation.cut_discount > liquidation.start_discount:
        problems.add("protocol.liquidation.cut_discount", "above start_discount", "at most start_discount")
    penalty = BPS - liquidation.start_discount + liquidation.fee + liquidation.reward_rate
    if penalty > MAX_PENALTY:
        problems.add("protocol.liquidation.fee", "penalty and bonus above 30 % in all", "less in all")
    if oracle.threshold > oracle.signers:
        problems.add("protocol.oracle.threshold", "more than signers", "at most signers")
