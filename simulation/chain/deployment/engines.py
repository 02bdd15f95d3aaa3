# SPDX-License-Identifier: Apache-2.0
"""The margin engines that a scenario may have beside cross and isolated margin."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from simulation.chain.deployment.core import (
    BATCH,
    CONTINGENCY,
    WAD,
    feed_numbers,
    inverse_asset,
    inverse_numbers,
    market_risk,
)
from simulation.chain.deployment.steps import Call, Deploy, Ref, Step
from simulation.config.scenario import (
    DynamicSpec,
    FutureSpec,
    MarketSpec,
    OptionsSpec,
    PortfolioSpec,
    ProtocolSpec,
    RiskSpec,
)
from simulation.domain.units import FULL_CONFIDENCE

__all__ = ["dynamic", "portfolio", "risk_based", "standard"]

CONFIDENCE_UNIT = FULL_CONFIDENCE // 10_000
BPS_TO_NANO = 10**5
DAYS_A_YEAR = 365


def standard(protocol: ProtocolSpec, options: OptionsSpec) -> Iterator[Step]:
    """Options and dated futures under cross and isolated margin, one set of rules for all underlyings."""
    feeds = feed_numbers(protocol)
    assets = list(dict.fromkeys(series.asset for series in protocol.series.values()))
    numbers = tuple(feeds[asset] for asset in assets)
    futures_of: dict[str, MarketSpec | FutureSpec] = {
        market.asset: market for market in reversed(protocol.markets.values())
    }
    option_risk = (
        options.initial_spot,
        options.least_initial_spot,
        options.maintenance_call,
        options.maintenance_put,
        options.maintenance_put_mark,
        options.put_offset,
        options.initial_unpaired,
        options.maintenance_unpaired,
        options.confidence_threshold * CONFIDENCE_UNIT,
        options.confidence_factor,
    )
    futures = tuple(market_risk(futures_of.get(asset, options.futures)) for asset in assets)
    for engine in ("CrossMargin", "IsolatedMargin"):
        yield Call(engine, "wire", (Ref("RiskBoard"),))
        for start in range(0, len(numbers), BATCH):
            end = start + BATCH
            yield Call(engine, "set_options", (numbers[start:end], (option_risk,) * len(numbers[start:end])))
            yield Call(engine, "set_futures", (numbers[start:end], futures[start:end]))


def portfolio(protocol: ProtocolSpec, spec: PortfolioSpec) -> Iterator[Step]:
    """PortfolioMargin for all perpetuals and series; every collateral cancels the risk of its own price."""
    feeds = feed_numbers(protocol)
    name = "PortfolioMargin"
    parameters = (
        spec.initial_loss,
        spec.maintenance_loss,
        spec.depeg_threshold,
        spec.depeg_factor,
        spec.confidence_threshold * CONFIDENCE_UNIT,
        spec.confidence_factor,
        spec.linear_maintenance,
        spec.linear_initial,
        spec.naked_maintenance,
        spec.naked_initial,
        spec.bounded,
    )
    yield Deploy(name, name, (Ref("RiskBoard"), parameters))
    for number, market in enumerate(protocol.markets.values(), start=1):
        yield Call(name, "set_market_feed", (number, feeds[market.asset]))
    for number, inverse in zip(inverse_numbers(protocol), protocol.inverse.values(), strict=True):
        yield Call(name, "set_market_feed", (number, feeds[inverse_asset(protocol, inverse)]))
    for number, collateral in enumerate(protocol.collaterals.values(), start=1):
        yield Call(name, "set_asset_feed", (number, feeds[collateral.asset]))
    yield Call("Vault", "register_engine", (Ref(name),))


def risk_based(protocol: ProtocolSpec, spec: RiskSpec) -> Iterator[Step]:
    """RiskBasedMargin over every asset that has a price, with its RiskModel and OptionGreeks."""
    feeds = feed_numbers(protocol)
    underlyings = []
    for asset, feed in feeds.items():
        one = spec.of(asset)
        underlyings.append(
            (
                feed,
                # A day's standard deviation, 1e-9: sqrt((v / 1e9)^2 / 365), at least one unit.
                max(1, isqrt((one.volatility // 10**9) ** 2 // DAYS_A_YEAR)),
                one.vol_volatility * BPS_TO_NANO,
                one.basis,
                one.short_option,
                one.concentration_ratio,
                one.concentration_bound // WAD,
            )
        )
    correlations = tuple(bps * BPS_TO_NANO for bps in spec.lower_triangle(tuple(feeds)))
    quantiles = (spec.initial_quantile, spec.maintenance_quantile, spec.together, spec.apart)
    yield Deploy("RiskModel", "RiskModel", (Ref("Instruments"), CONTINGENCY))
    yield Call("RiskModel", "set_model", (tuple(underlyings), correlations, quantiles))
    yield from _listed(protocol, "RiskModel")
    yield Deploy("OptionGreeks", "OptionGreeks", (Ref("RiskBoard"),))
    yield Deploy("RiskBasedMargin", "RiskBasedMargin", (Ref("RiskModel"), Ref("OptionGreeks")))
    yield Call("Vault", "register_engine", (Ref("RiskBasedMargin"),))


def dynamic(protocol: ProtocolSpec, spec: DynamicSpec) -> Iterator[Step]:
    """DynamicMargin with the same rules for every feed, all markets and all collaterals."""
    name = "DynamicMargin"
    yield Deploy(name, name, (Ref("CrossMargin"), Ref("Oracle"), Ref("Instruments")))
    # Variances are in units of 1e-7, a square of bps in units of 1e-8.
    reference = spec.reference_volatility**2 // 10
    rules = (reference, spec.floor, spec.cap, spec.rise, spec.fall, spec.buffer)
    for feed in feed_numbers(protocol).values():
        yield Call(name, "set_scale_rules", (feed, rules))
    yield from _listed(protocol, name)
    yield Call("Vault", "register_engine", (Ref(name),))


def _listed(protocol: ProtocolSpec, name: str) -> Iterator[Step]:
    """Admits every perpetual and series, by its future, and maps every collateral to its price."""
    feeds = feed_numbers(protocol)
    numbers = (
        *range(1, len(protocol.markets) + 1),
        *inverse_numbers(protocol),
        *(256 * series for series in range(1, len(protocol.series) + 1)),
    )
    for start in range(0, len(numbers), BATCH):
        yield Call(name, "admit_markets", (numbers[start : start + BATCH],))
    pledged = tuple(feeds[collateral.asset] for collateral in protocol.collaterals.values())
    yield Call(name, "map_collaterals", (tuple(range(1, len(pledged) + 1)), pledged))
