# SPDX-License-Identifier: Apache-2.0
"""The margin systems beside cross and isolated: steps that follow those of the deployment plan.

Scenario margin gets its grid; risk-based margin its model, from the portfolio's own volatilities and
correlations. Imports: chain, analysis.load.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from simulation.analysis.load import factor_correlations
from simulation.analysis.portfolio import Portfolio
from simulation.chain.deployment import SETTLEMENT_RULES, Call, Deploy, Ref, Step, feed_numbers
from simulation.domain.market_math import Kind
from simulation.domain.units import BPS, FULL_CONFIDENCE, NANO, WAD

__all__ = ["CONTINGENCY", "further_systems", "scenarios"]

CONTINGENCY = (FULL_CONFIDENCE // 2, 10_000, 990_000_000, 10_000)
"""IMarginEngine.Contingency, as the deployment plan has it for cross and isolated margin."""
FUTURE_RISK = (500, 300, 15_000, 25_000, 2_000_000, 10_000_000)
"""IMarginEngine.MarketRisk of dated futures whose asset has no perpetual: 5 % and 3 %."""
OPTION_RISK = (1_500, 1_000, 750, 750, 750, 10_100, 12_000, 11_000, FULL_CONFIDENCE // 2, 10_000)
"""IStandardOptions.OptionRisk: 15 % of spot at the money and 10 % away from it, 7.5 % in maintenance."""
PARAMETERS = (10_000, 8_000, 990_000_000, 40_000, 55 * 10**6, 10_000, 300, 100, 30, 20, True)
"""scenario_margin.Parameters."""
SHOCKS = tuple(
    round(value)
    for value in (
        *(0.5 * WAD, 0.3 * WAD, 0.3 * WAD, 0.13 * WAD, 86_400, 0.4 * WAD),
        *(0.25 * WAD, -0.1 * WAD, 0.25 * WAD, -0.1 * WAD, 0.01 * WAD, 4 * WAD, 0.6 * WAD, 0),
        *(0.95 * WAD, 1.05 * WAD, 0, 0.16 * WAD, 0, 0.16 * WAD),
        *(1.045 * WAD, 0.955 * WAD, 0.5 * WAD, 2 * WAD, 300, 100),
    )
)
"""IRiskBoard.Shocks."""
LIMITS = (500, 10**6)
"""Basis and concentration: bps of matched notional, USD above which gross notional is concentrated."""
QUANTILES = (30_000, 22_000, 2_000, 500)
"""IRiskModel.Quantiles: three and 2.2 standard deviations of a day, correlations moved by 20 % and 5 %."""
VOL_OF_VOL = 10
"""Standard deviation of a day's change of volatility, in percent of itself."""
TRADING_DAYS = 365


def further_systems(portfolio: Portfolio) -> Iterator[Step]:
    """Steps after those of `plan`: parameters of its engines for dated markets, and the other engines."""
    feeds = feed_numbers(portfolio.protocol)
    yield from _board(portfolio)
    yield from _standard_rules(portfolio, feeds)
    yield from _scenario_margin(portfolio, feeds)
    yield from _risk_based(portfolio, feeds)


def scenarios() -> list[tuple[int, int, int]]:
    """IRiskBoard.Scenario: spot factor (wad), volatility, damping (wad); 33 of them.

    Four steps of 4.5 % on either side, volatility up, unmoved and down; damped tails; two skews.
    """
    none, up, down, linear, absolute = range(5)
    rows = [(1_180, up, 10_000)]
    for spot in (1_135, 1_090, 1_045, 1_000, 955, 910, 865):
        rows += [(spot, vol, 10_000) for vol in (up, none, down)]
    rows.append((820, up, 10_000))
    tails = (
        *((340, 2_100), (670, 4_200), (1_500, 2_772), (2_000, 1_386)),
        *((3_000, 693), (4_000, 462), (5_000, 346), (6_000, 277)),
    )
    rows += [(spot, up, damping) for spot, damping in tails]
    rows += [(1_000, linear, 10_000), (1_000, absolute, 10_000)]
    return [(spot * WAD // 1_000, vol, damping * WAD // BPS) for spot, vol, damping in rows]


def _board(portfolio: Portfolio) -> Iterator[Step]:
    """The grid; where there are no series, the contracts that the plan deploys for them, which have it."""
    if not portfolio.series:
        yield Deploy("Surface", "Surface", (Ref("Oracle"), SETTLEMENT_RULES))
        yield Deploy("RiskBoard", "RiskBoard", (Ref("Oracle"), Ref("Surface"), Ref("Instruments")))
    yield Call("RiskBoard", "set_grid", (scenarios(), SHOCKS))


def _standard_rules(portfolio: Portfolio, feeds: dict[str, int]) -> Iterator[Step]:
    """Options, futures and inverse perpetuals in cross and isolated margin."""
    risks: dict[str, tuple[int, ...]] = {}
    for market in portfolio.protocol.markets.values():
        tiers = market.tiers
        multipliers = (tiers.first_multiplier, tiers.second_multiplier)
        bounds = (tiers.first_bound // WAD, tiers.second_bound // WAD)
        ratios = (market.initial_margin, market.maintenance_margin)
        risks.setdefault(market.asset, (*ratios, *multipliers, *bounds))
    assets = list(dict.fromkeys(series.asset for series in portfolio.series.values()))
    for engine in ("CrossMargin", "IsolatedMargin"):
        yield Call(engine, "wire", (Ref("RiskBoard"),))
        if assets:
            numbers = [feeds[asset] for asset in assets]
            yield Call(engine, "set_options", (numbers, [OPTION_RISK for _ in assets]))
            futures = [risks.get(asset, FUTURE_RISK) for asset in assets]
            yield Call(engine, "set_futures", (numbers, futures))


def _scenario_margin(portfolio: Portfolio, feeds: dict[str, int]) -> Iterator[Step]:
    yield Deploy("PortfolioMargin", "PortfolioMargin", (Ref("RiskBoard"), PARAMETERS))
    for number, market in enumerate(portfolio.protocol.markets.values(), start=1):
        yield Call("PortfolioMargin", "set_market_feed", (number, feeds[market.asset]))
    for number, collateral in enumerate(portfolio.protocol.collaterals.values(), start=1):
        yield Call("PortfolioMargin", "set_asset_feed", (number, feeds[collateral.asset]))


def _risk_based(portfolio: Portfolio, feeds: dict[str, int]) -> Iterator[Step]:
    basis, bound = LIMITS
    underlyings = []
    for symbol, asset in portfolio.assets.items():
        daily = asset.volatility * NANO // isqrt(TRADING_DAYS * WAD * WAD)
        vol_of_vol = asset.volatility * VOL_OF_VOL // (100 * NANO)
        underlyings.append((feeds[symbol], daily, vol_of_vol, 50, basis, 100, bound))
    yield Deploy("RiskModel", "RiskModel", (Ref("Instruments"), CONTINGENCY))
    yield Call("RiskModel", "set_model", (underlyings, factor_correlations(portfolio), QUANTILES))
    yield Call("RiskModel", "admit_markets", (_admitted(portfolio),))
    collaterals = portfolio.protocol.collaterals
    if collaterals:
        numbers = list(range(1, len(collaterals) + 1))
        mapped = [feeds[collateral.asset] for collateral in collaterals.values()]
        yield Call("RiskModel", "map_collaterals", (numbers, mapped))
    yield Deploy("OptionGreeks", "OptionGreeks", (Ref("RiskBoard"),))
    yield Deploy("RiskBasedMargin", "RiskBasedMargin", (Ref("RiskModel"), Ref("OptionGreeks")))


def _admitted(portfolio: Portfolio) -> list[int]:
    """Perpetuals, and each series by its future."""
    markets = (one for one in portfolio.instruments.values() if one.kind is not Kind.OPTION)
    return [one.market for one in markets]
