# SPDX-License-Identifier: Apache-2.0
"""What the engine must know of a deployed protocol, from the scenario's parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from simulation.assembly.systems import credit_terms
from simulation.chain.deployment import feed_numbers, inverse_asset, inverse_numbers
from simulation.chain.genesis import Genesis
from simulation.config import ProtocolSpec, Scenario, TierSpec
from simulation.domain import market_math
from simulation.domain.units import BPS, NANO, WAD
from simulation.engine import AssetTerms, FeedTerms, MarketTerms, Protocol, SeriesTerms
from simulation.messages import AuctionRules

__all__ = ["protocol_terms"]

SHARE_DECIMALS = 6
"""Decimals that shares of the insurance fund have more than the cash token (InsuranceFund)."""


def protocol_terms(
    venue: str, genesis: Genesis, scenario: Scenario, first: int, engines: Sequence[str]
) -> Protocol:
    """What the engine must know of a venue's protocol; ratios as shares of 1, for decisions.

    Args:
        first: number of the first account of an agent.
        engines: margin systems of all accounts from it on.
    """
    protocol = scenario.protocol_of(venue)
    feeds = feed_numbers(protocol)
    auction = protocol.liquidation
    gas_symbol = "ETH" if "ETH" in scenario.assets else next(iter(scenario.assets))
    return Protocol(
        addresses=genesis.addresses,
        markets=tuple(
            MarketTerms(
                symbol=name,
                feed=feeds[market.asset],
                tick_size=market.tick,
                lot_size=market.lot,
                initial_margin=market.initial_margin / BPS,
                maintenance_margin=market.maintenance_margin / BPS,
                tiers=_tiers(market.tiers),
            )
            for name, market in protocol.markets.items()
        )
        + tuple(_inverse_markets(protocol))
        + tuple(_dated_markets(protocol)),
        assets=(
            AssetTerms("CashToken", protocol.cash.symbol, protocol.cash.decimals),
            *(
                AssetTerms(
                    f"Token:{symbol}",
                    symbol,
                    asset.decimals,
                    feeds[asset.asset],
                    asset.initial_haircut / BPS,
                    asset.maintenance_haircut / BPS,
                )
                for symbol, asset in protocol.collaterals.items()
            ),
        ),
        feeds=tuple(FeedTerms(feed, symbol) for symbol, feed in feeds.items()),
        auction=AuctionRules(
            start=auction.start_discount / BPS,
            cut=auction.cut_discount / BPS,
            fast=auction.fast,
            slow=auction.slow,
            insolvent=auction.insolvent,
            buffer=auction.buffer / BPS,
            equity_cutoff=auction.equity_cutoff / WAD,
            reward_rate=auction.reward_rate / BPS,
            reward_cap=auction.reward / WAD,
            grace=auction.grace,
            window=auction.window,
            early_auction=auction.early_auction,
        ),
        share_decimals=protocol.cash.decimals + SHARE_DECIMALS,
        gas_symbol=gas_symbol,
        series=tuple(
            SeriesTerms(name, feeds[series.asset], scenario.start + series.expiry)
            for name, series in protocol.series.items()
        ),
        # Of a coin balance that outlasts its contracts the engines alone know what it asks for.
        asks_margins=bool(protocol.series) or bool(protocol.inverse) or set(engines) != {"cross"},
        credit=credit_terms(protocol, first, engines),
    )


def _tiers(tiers: TierSpec) -> tuple[tuple[float, float], ...]:
    return (
        (tiers.first_bound / WAD, tiers.first_multiplier / BPS),
        (tiers.second_bound / WAD, tiers.second_multiplier / BPS),
    )


def _inverse_markets(protocol: ProtocolSpec) -> Iterator[MarketTerms]:
    feeds, assets = feed_numbers(protocol), list(protocol.collaterals)
    for number, (name, market) in zip(inverse_numbers(protocol), protocol.inverse.items(), strict=True):
        yield MarketTerms(
            name,
            feeds[inverse_asset(protocol, market)],
            market.tick,
            market.lot,
            market.initial_margin / BPS,
            market.maintenance_margin / BPS,
            _tiers(market.tiers),
            number=number,
            settled_in=1 + assets.index(market.collateral),
        )


def _dated_markets(protocol: ProtocolSpec) -> Iterator[MarketTerms]:
    """The future and the options of every series, by number; what margin they ask for the chain says."""
    feeds = feed_numbers(protocol)
    for number, (name, series) in enumerate(protocol.series.items(), 1):
        feed = feeds[series.asset]
        yield MarketTerms(
            name, feed, series.future_tick, series.future_lot, 0.0, 0.0, number=market_math.future(number)
        )
        for place, strike in enumerate(series.strikes):
            for call in (True, False):
                yield MarketTerms(
                    f"{name} {strike / NANO:g} {'call' if call else 'put'}",
                    feed,
                    series.option_tick,
                    series.option_lot,
                    0.0,
                    0.0,
                    number=market_math.option(number, place, call),
                    strike=strike,
                )
