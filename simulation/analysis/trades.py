# SPDX-License-Identifier: Apache-2.0
"""What may be traded, at which price, and what that costs. Imports: analysis.portfolio, analysis.stage."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulation.analysis.portfolio import Instrument
from simulation.analysis.stage import Stage
from simulation.domain.book_math import fee_up
from simulation.domain.margin_math import Portfolio as Holdings
from simulation.domain.margin_math import PositionRisk
from simulation.domain.market_math import Kind
from simulation.domain.units import BPS, NANO

__all__ = ["Side", "Trade", "cost_of", "sides_of"]

REACH = 3
"""No trade is larger than this multiple of everything held on the same asset."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of a hedge, at the taker's price."""

    instrument: str
    size: int
    """Nano base, positive buys; of an inverse perpetual nano contracts of one USD."""
    price: int
    """Nano USD: the mark and half the spread, to a tick against the taker."""
    cost: int
    """Wad USD: what the price is worse than the mark, and the fee."""


@dataclass(frozen=True, slots=True)
class Side:
    """Buying or selling one instrument."""

    instrument: Instrument
    quote: PositionRisk
    sign: int
    price: int
    lot_cost: int
    """Wad USD a lot, the fee rounded up."""
    most: int
    """Lots."""


def sides_of(stage: Stage, holdings: Holdings) -> list[Side]:
    """Both sides of every instrument on an asset that the portfolio depends on."""
    portfolio = stage.portfolio
    names = portfolio.hedge.instruments or tuple(portfolio.instruments)
    gross: dict[str, int] = {}
    for position in holdings.positions:
        held = portfolio.by_market(position.market)
        base = abs(position.size) * NANO // position.mark if held.inverse else abs(position.size)
        gross[held.asset] = gross.get(held.asset, 0) + base
    for token in portfolio.collaterals:
        asset = portfolio.protocol.collaterals[token.asset].asset
        gross[asset] = gross.get(asset, 0) + token.amount
    instruments = [one for name in names if gross.get((one := portfolio.instruments[name]).asset)]
    quotes = stage.quotes(instruments) if instruments else {}
    sides = []
    for one in instruments:
        quote = quotes[one.market]
        for sign in (1, -1):
            price = _price(stage, one, quote.mark, sign)
            if price is None:
                continue
            reach = REACH * gross[one.asset]
            if one.inverse:
                reach = reach * quote.mark // NANO
            side = Side(one, quote, sign, price, 0, reach // one.lot)
            sides.append(replace(side, lot_cost=cost_of(stage, side, 1)))
    return sides


def cost_of(stage: Stage, side: Side, lots: int) -> int:
    """What so many lots lose against the mark, and their fee, rounded up; wad USD."""
    size = lots * side.instrument.lot
    notional = side.instrument.notional(size, side.price)
    fee: int = fee_up(notional, stage.portfolio.protocol.fees.taker)
    return side.instrument.worse(side.sign * size, side.price, side.quote.mark) + fee


def _price(stage: Stage, one: Instrument, mark: int, sign: int) -> int | None:
    """What a taker pays or gets; None where a sale would fetch nothing."""
    spec = stage.portfolio.hedge
    option = one.kind is Kind.OPTION
    half = -(-mark * (spec.option_spread if option else spec.spread) // (2 * BPS))
    if option:
        half = max(half, one.tick)
    if sign > 0:
        return -(-(mark + half) // one.tick) * one.tick
    price = (mark - half) // one.tick * one.tick
    return price if price > 0 else None
