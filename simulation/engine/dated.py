# SPDX-License-Identifier: Apache-2.0
"""What dated markets are worth elsewhere right now, in floats, for decisions.

Imports: engine.terms, domain, messages.
"""

from __future__ import annotations

import math
from dataclasses import replace

from simulation.domain import market_math
from simulation.engine.terms import Protocol
from simulation.messages import MarketView, SeriesView
from simulation.messages.market import PriceTick

__all__ = ["WINDOW", "at_prices_of", "black", "series_views"]

WINDOW = 1_800
"""Seconds before expiry over which the settlement price is averaged."""
YEAR = 365 * 86_400
NANO = 1e-9


def black(is_call: bool, forward: float, strike: float, deviation: float) -> tuple[float, float, float]:
    """Undiscounted price, delta with respect to the forward, and derivative by `deviation` (F. Black, 1976).

    Args:
        is_call: or a put.
        forward, strike: USD, > 0.
        deviation: volatility times the square root of time.
    """
    side = 1.0 if is_call else -1.0
    if deviation <= 0.0:
        inside = side * (forward - strike) > 0.0
        return max(side * (forward - strike), 0.0), side * inside, 0.0
    above = math.log(forward / strike) / deviation + deviation / 2
    first, second = _normal(side * above), _normal(side * (above - deviation))
    density = math.exp(-above * above / 2) / math.sqrt(2 * math.pi)
    return side * (forward * first - strike * second), side * first, forward * density


def series_views(
    protocol: Protocol, tick: PriceTick, boards: dict[int, int], settlement: dict[int, int]
) -> tuple[SeriesView, ...]:
    """All series at the prices of a block, by number.

    Args:
        boards: unix seconds of the latest board by series.
        settlement: nano USD by series, once it is fixed.
    """
    symbols = {item.feed: item.symbol for item in protocol.feeds}
    found = []
    for number, terms in enumerate(protocol.series, 1):
        spot = tick.price_nano(symbols[terms.feed]) * NANO
        smile = tick.smile(symbols[terms.feed])
        years = max(terms.expiry - tick.timestamp, 0) / YEAR
        found.append(
            SeriesView(
                series=number,
                feed=terms.feed,
                expiry=terms.expiry,
                spot=spot,
                forward=smile.forward(spot, years),
                smile=smile,
                board=boards.get(number, 0),
                settlement=settlement.get(number, 0) * NANO,
            )
        )
    return tuple(found)


def at_prices_of(market: MarketView, series: SeriesView, future: float, timestamp: int) -> MarketView:
    """A dated market with its price elsewhere, delta and vega at a time, unix seconds.

    Args:
        future: mark of the series' future on chain, USD: in the window part of it is fixed already.
    """
    left = series.expiry - timestamp
    if market.settled or left <= 0:
        return replace(market, reference=market.mark, delta=0.0, vega=0.0)
    # Inside the window only the part of the average that is still to come moves.
    share = min(left / WINDOW, 1.0)
    forward = future + share * (series.spot - market.spot) if share < 1.0 else series.forward
    if market_math.kind(market.market) is market_math.Kind.DATED_FUTURE:
        return replace(market, reference=forward, delta=share)
    years = left / YEAR
    volatility = series.smile.volatility(forward, market.strike, years)
    price, delta, vega = black(market.is_call, forward, market.strike, volatility * math.sqrt(years))
    return replace(market, reference=price, delta=share * delta, vega=vega * math.sqrt(years))


def _normal(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2.0))
