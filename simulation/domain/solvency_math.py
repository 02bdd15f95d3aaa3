# SPDX-License-Identifier: Apache-2.0
"""What of a portfolio's deltas its own capital does not cover, twin of math/solvency_math.vy. Imports domain.

Deltas are USD for a relative move of one; sides, contributions and what is owed in nano USD. Nothing is
negative: a long side loses when the price falls, a short side when it rises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulation.domain.margin_math import Portfolio
from simulation.domain.market_math import Kind, kind
from simulation.domain.risk_model import Greeks

__all__ = [
    "MAX_SIDE",
    "Measure",
    "Sides",
    "buffer_down",
    "capital",
    "charge_up",
    "contributions",
    "sides",
    "stressed_up",
]

BPS = 10_000
NANO = 10**9
MAX_SIDE = 2**80 - 1

Sides = dict[int, tuple[int, int]]
"""Long and short by feed; feeds where both are zero are left out."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What an account adds to what the backstop would carry."""

    sides: Sides
    owed: int
    """Negative capital."""


def capital(portfolio: Portfolio) -> int:
    """Equity and credit line, wad: what an account has before anyone pays for it."""
    unrealised = sum(position.unrealised for position in portfolio.positions)
    return portfolio.cash + unrealised + sum(one.value for one in portfolio.collaterals)


def sides(
    portfolio: Portfolio,
    market_feed: Callable[[int], int | None],
    asset_feed: Callable[[int], int | None],
    greeks: Mapping[int, Greeks | None],
) -> Sides:
    """Both sides of each feed, with all bids filled and with all asks filled, rounded up.

    Options without greeks count in full on both: what is or would be bought at mark, what is or would be
    short at the higher of mark and spot.
    """
    net: dict[int, int] = {}
    up: dict[int, int] = {}
    down: dict[int, int] = {}
    unknown: dict[int, int] = {}

    def add(to: dict[int, int], feed: int, amount: int) -> None:
        to[feed] = to.get(feed, 0) + amount

    for position in portfolio.positions:
        feed = market_feed(position.market)
        if feed is None:
            continue
        size, bids, asks = position.size, position.bids, position.asks
        slope, fixed = position.mark, 0
        match kind(position.market):
            case Kind.INVERSE_PERPETUAL:
                slope, fixed = NANO, position.unrealised
            case Kind.OPTION:
                known = greeks.get(position.market)
                if known is None:
                    bought = max(size + bids, 0) * position.mark
                    written = max(asks - size, 0) * max(position.mark, position.spot)
                    add(unknown, feed, max(bought, written))
                    continue
                slope = known.delta if known.seconds else 0
        add(net, feed, size * slope + fixed)
        add(up, feed, bids * slope if slope > 0 else -asks * slope)
        add(down, feed, asks * slope if slope > 0 else -bids * slope)
    for collateral in portfolio.collaterals:
        feed = asset_feed(collateral.asset)
        if feed is not None:
            add(net, feed, collateral.value)
    found = {}
    for feed in {**net, **unknown}:
        extra = unknown.get(feed, 0)
        long = max(net.get(feed, 0) + up.get(feed, 0), 0) + extra
        short = max(down.get(feed, 0) - net.get(feed, 0), 0) + extra
        if long or short:
            found[feed] = (_nano_up(long), _nano_up(short))
    return found


def contributions(found: Sides, stresses: Mapping[int, int], held: int) -> Measure:
    """What of the sides is not covered when every feed moves by its stress (bps) against its larger side.

    With loss L = sum of stress * larger side and deficit = L - capital, each side shrinks to deficit / L of
    itself, rounded up: the stressed contributions sum to the deficit. `held` is the capital, wad.
    """
    loss = sum(stresses.get(feed, 0) * max(pair) for feed, pair in found.items())
    owed = _nano_up(max(-held, 0))
    deficit = loss - max(held, 0) // NANO * BPS
    if deficit <= 0:
        return Measure({}, owed)
    uncovered = {
        feed: (-(-long * deficit // loss), -(-short * deficit // loss))
        for feed, (long, short) in found.items()
        if stresses.get(feed, 0)
    }
    return Measure(uncovered, owed)


def stressed_up(side: int, stress: int) -> int:
    """What a side loses at the stress, bps."""
    return -(-side * stress // BPS)


def buffer_down(assets: int, owed: int, share: int) -> int:
    """Share, bps, of what is left of the assets when all that is owed has been paid, nano USD."""
    return max(assets - owed, 0) * share // BPS


def charge_up(past: int, rate: int) -> int:
    """Wad USD for nano USD of stressed exposure past the buffer; rate in bps."""
    return -(-past * NANO * rate // BPS)


def _nano_up(amount: int) -> int:
    return min(-(-amount // NANO), MAX_SIDE)
