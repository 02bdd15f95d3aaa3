# SPDX-License-Identifier: Apache-2.0
"""Contradictions within the sections of margin systems that a scenario may have or not."""

from __future__ import annotations

from math import isqrt

from simulation.config.scenario import (
    FutureSpec,
    GridSpec,
    OptionsSpec,
    PortfolioSpec,
    ProtocolSpec,
    RiskSpec,
    SolvencyGuardSpec,
    UnderlyingSpec,
)
from simulation.config.schema import Problems, one_of
from simulation.domain.risk_model import is_positive_definite
from simulation.domain.units import BPS, WAD

__all__ = ["check_systems"]

MAX_PLAIN = 31
"""Scenarios of the RiskBoard that are no skew."""
MAX_UNDERLYINGS = 16
"""Of a RiskModel, and of a SolvencyGuard."""
BOUND_STEP = 1_000 * WAD
"""Wad: the RiskModel keeps bounds of concentration in thousands of USD."""
BPS_TO_NANO = 10**5
DAYS_A_YEAR = 365


def check_systems(protocol: ProtocolSpec, problems: Problems) -> None:
    """Add every contradiction that a contract would refuse at deployment."""
    if protocol.options is not None:
        _check_options(protocol.options, problems)
    if protocol.portfolio is not None:
        _check_portfolio(protocol.portfolio, problems)
    if protocol.risk is not None:
        _check_risk(protocol, protocol.risk, problems)
    if protocol.solvency_guard is not None:
        _check_guard(protocol, protocol.solvency_guard, problems)


def _at_most(key: str, settings: object, low: str, high: str, problems: Problems) -> None:
    if getattr(settings, low) > getattr(settings, high):
        problems.add(f"{key}.{low}", f"above {high}", f"at most {high}")


def _check_options(options: OptionsSpec, problems: Problems) -> None:
    key = "protocol.options"
    for low, high in (
        ("least_initial_spot", "initial_spot"),
        ("maintenance_call", "least_initial_spot"),
        ("maintenance_put", "least_initial_spot"),
        ("maintenance_unpaired", "initial_unpaired"),
    ):
        _at_most(key, options, low, high, problems)
    futures: FutureSpec = options.futures
    _at_most(f"{key}.futures", futures, "maintenance_margin", "initial_margin", problems)


def _check_portfolio(portfolio: PortfolioSpec, problems: Problems) -> None:
    key = "protocol.portfolio"
    _at_most(key, portfolio, "maintenance_loss", "initial_loss", problems)
    grid: GridSpec = portfolio.grid
    _at_most(f"{key}.grid", grid, "long_discount", "short_discount", problems)
    kinds = [one.volatility for one in grid.scenarios]
    for skew in ("linear skew", "absolute skew"):
        if kinds.count(skew) > 1:
            problems.add(f"{key}.grid.scenarios", f"more than one {skew}", "one at most")
    plain = sum(not kind.endswith("skew") for kind in kinds)
    if not kinds or plain > MAX_PLAIN:
        problems.add(f"{key}.grid.scenarios", f"{plain} without a skew", f"from 1 up to {MAX_PLAIN}")
    for place, one in enumerate(grid.scenarios):
        if one.volatility.endswith("skew") and one.spot != BPS:
            problems.add(f"{key}.grid.scenarios[{place}].spot", "moved in a skew", "100 %")


def _check_risk(protocol: ProtocolSpec, risk: RiskSpec, problems: Problems) -> None:
    key = "protocol.risk"
    assets = _assets(protocol)
    _at_most(key, risk, "maintenance_quantile", "initial_quantile", problems)
    if len(assets) > MAX_UNDERLYINGS:
        problems.add(key, f"{len(assets)} assets in all", f"at most {MAX_UNDERLYINGS}")
    for asset in risk.underlyings:
        if asset not in assets:
            problems.add(f"{key}.underlyings.{asset}", "no asset of the protocol", one_of(asset, assets))
    _check_underlying(f"{key}.all_underlyings", risk, risk.all_underlyings, problems)
    for asset, underlying in risk.underlyings.items():
        _check_underlying(f"{key}.underlyings.{asset}", risk, underlying, problems)
    factors = (*assets, *(f"{asset} volatility" for asset in assets))
    for place, pair in enumerate(risk.correlations):
        for end in ("first", "second"):
            if getattr(pair, end) not in factors:
                name = getattr(pair, end)
                problems.add(f"{key}.correlations[{place}].{end}", f'got "{name}"', one_of(name, factors))
        if pair.first == pair.second:
            problems.add(f"{key}.correlations[{place}]", "of a factor with itself", "two factors")
    triangle = [entry * BPS_TO_NANO for entry in risk.lower_triangle(assets)]
    if not is_positive_definite(triangle, len(factors)):
        problems.add(
            f"{key}.correlations", "not positive semi-definite", "correlations that random numbers can have"
        )


def _check_guard(protocol: ProtocolSpec, guard: SolvencyGuardSpec, problems: Problems) -> None:
    key = "protocol.solvency_guard"
    assets = _assets(protocol)
    if len(assets) > MAX_UNDERLYINGS:
        problems.add(key, f"{len(assets)} assets in all", f"at most {MAX_UNDERLYINGS}")
    for asset in guard.underlyings:
        if asset not in assets:
            problems.add(f"{key}.underlyings.{asset}", "no asset of the protocol", one_of(asset, assets))
    total = sum(guard.shares(assets).values())
    if total > BPS:
        problems.add(f"{key}.underlyings", f"shares of {total / 100:g} % together", "at most 100 %")


def _assets(protocol: ProtocolSpec) -> tuple[str, ...]:
    """Everything that has a price."""
    listed = (protocol.markets, protocol.series, protocol.collaterals)
    return tuple(dict.fromkeys(one.asset for group in listed for one in group.values()))


def _check_underlying(key: str, risk: RiskSpec, underlying: UnderlyingSpec, problems: Problems) -> None:
    if underlying.concentration_bound % BOUND_STEP:
        problems.add(f"{key}.concentration_bound", "no multiple of 1_000 USD", "whole thousands of USD")
    daily = isqrt((underlying.volatility // 10**9) ** 2 // DAYS_A_YEAR)
    charges = (underlying.basis + underlying.concentration_ratio) * 10**9
    if daily * risk.initial_quantile + charges > BPS * 10**9:
        problems.add(
            f"{key}.volatility",
            "takes all of a position at the initial quantile",
            "less: a day's move at that quantile, basis and concentration_ratio at most 100 % together",
        )
