# SPDX-License-Identifier: Apache-2.0
"""Positions, margin, and what a fill, a slice or a deleveraging does to them. Imports domain modules."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from simulation.domain import credit_math, market_math
from simulation.domain.ledger_math import cash_change, entry_after
from simulation.domain.margin_math import (
    Assessment,
    CollateralRisk,
    Portfolio,
    PositionRisk,
    worst_size,
)
from simulation.domain.market_math import coins_down, is_inverse
from simulation.domain.model.credit import Desk, Measure
from simulation.domain.model.engines import AnyEngine, CreditEngine
from simulation.domain.model.markets import Markets
from simulation.domain.model.money import Money
from simulation.domain.model.solvency_guard import SolvencyGuard
from simulation.domain.model.state import Account, Collateral, Position
from simulation.domain.orders import Refused

__all__ = ["Positions"]

WAD = 10**18
NANO = 10**9
MAX_ACCOUNTS = 2**32 - 1


@dataclass(slots=True)
class Positions:
    """The Ledger: implements the order book's `Ledger` protocol for whoever is `now`."""

    money: Money
    markets: Markets
    engines: dict[int, AnyEngine]
    collaterals: dict[int, Collateral]
    accounts: dict[int, Account] = field(default_factory=dict)
    desk: Desk | None = None
    """Whose lines stand in for margin under the credit engine."""
    stable_feed: int = 0
    trading_paused: bool = False
    now: int = 0
    opened_interest: int | None = None
    """Open interest before the first fill of the call in progress."""
    guard: SolvencyGuard | None = None
    """What watches exposures, if anything."""

    # --- who

    def authorised(self, account: int, caller: str) -> bool:
        known = self.accounts.get(account)
        return known is not None and (known.owner == caller or caller in known.delegates)

    def in_liquidation(self, account: int) -> bool:
        return account in self.accounts and self.accounts[account].in_liquidation

    def position(self, account: int, market: int) -> int:
        known = self.accounts.get(account)
        held = known.positions.get(market) if known else None
        return held.size if held else 0

    # --- margin

    def unrealised(self, market: int, position: Position) -> int:
        """PnL at mark less funding that is due, wad."""
        funding = self.markets.index(market, self.now) - position.funding_index
        if is_inverse(market):
            return position.coin * self.markets.mark(market, self.now) - position.size * (NANO + funding)
        return position.size * (self.markets.mark(market, self.now) - position.entry - funding)

    def portfolio(self, account: Account) -> tuple[Portfolio, bool]:
        """The account as its engine sees it, and whether every price in it is valid."""
        valid = True
        stable = NANO
        if self.stable_feed:
            stable = self.markets.feeds[self.stable_feed].tick.spot
            valid = self.markets.feed_valid(self.stable_feed, self.now)
        positions = []
        for market, held in account.positions.items():
            quote = self.markets.quote(market, self.now)
            valid = valid and quote.valid
            positions.append(
                PositionRisk(
                    market,
                    held.size,
                    quote.mark,
                    quote.spot,
                    quote.confidence,
                    self.unrealised(market, held),
                    held.bids,
                    held.asks,
                )
            )
        collaterals = []
        for asset, units in account.units.items():
            if units == 0:
                continue
            terms = self.collaterals[asset]
            tick = self.markets.feeds[terms.feed].tick
            valid = valid and self.markets.feed_valid(terms.feed, self.now)
            value = units * tick.spot * NANO // 10**terms.decimals
            collaterals.append(
                CollateralRisk(
                    asset, value, tick.confidence, terms.maintenance_haircut, terms.initial_haircut
                )
            )
        cash = self.money.cash_now(account, self.now)
        return Portfolio(cash, stable, tuple(positions), tuple(collaterals)), valid

    def assess(self, account: Account) -> tuple[Assessment, bool]:
        portfolio, valid = self.portfolio(account)
        engine = self.engines[account.engine]
        found = engine.assess(portfolio, self.markets, self.now)
        if isinstance(engine, CreditEngine) and self.desk is not None:
            line = self.desk.credit(account.number, account.in_liquidation)
            found = credit_math.assess(found, line, engine.share, engine.multiple)
        return found, valid

    def measure(self, account: Account, desk: str) -> Measure:
        """What the desk, a delegate called so, asks about an account."""
        portfolio, valid = self.portfolio(account)
        engine = self.engines[account.engine]
        found = engine.assess(portfolio, self.markets, self.now)
        return Measure(
            found.equity,
            found.initial_margin,
            not account.positions,
            desk in account.delegates,
            isinstance(engine, CreditEngine),
            account.in_liquidation,
            valid,
        )

    def permits(self, account: Account, market: int) -> bool:
        """Whether the account may list the market beside its others."""
        others = [other for other in account.positions if other != market]
        return self.engines[account.engine].permits(market, others, self.markets)

    # --- trades

    def fill_maker(self, account: int, market: int, size: int, price: int, fee: int, reserved: bool) -> bool:
        """One fill of a resting order; False: the maker may not carry it and nothing changed."""
        maker = self.accounts[account]
        if maker.in_liquidation:
            return False
        self.markets.touch(market, self.now)
        if self.opened_interest is None:
            self.opened_interest = self.markets.terms(market).open_interest
        held = maker.positions.get(market, Position())
        adds_risk = _adds_risk(held.size, held.size + size)
        if adds_risk and not self.markets.valid(market, self.now):
            raise Refused("ledger: stale price")
        bids = held.bids - (max(size, 0) if reserved else 0)
        asks = held.asks - (max(-size, 0) if reserved else 0)
        return self._trade(maker, market, size, _quote(market, size, price), fee, bids, asks, adds_risk)

    def observe(self, account: int, market: int, size: int, quote: int, fee: int, resting: int) -> int:
        """Shows the guard the arriving side before it is booked; returns its charge, wad. Raises Refused."""
        if self.guard is None:
            return 0
        taker = self.accounts[account]
        held = taker.positions.get(market, Position())
        after, change = copy.copy(held), 0
        if size:
            after, change = self._traded(market, held, size, quote)
        after.bids, after.asks = held.bids + max(resting, 0), held.asks + max(-resting, 0)
        now, _ = self.portfolio(taker)
        then, valid = self.portfolio(self._changed(taker, market, after, change - fee))
        measure = self.guard.measure(then)
        worst = worst_size(after.size, after.bids, after.asks) > worst_size(held.size, held.bids, held.asks)
        if valid and (worst or _adds_risk(held.size, after.size)):
            return self.guard.judge(account, self.guard.measure(now), measure)
        if valid:
            self.guard.record(account, measure)
        return 0

    def fill_taker(self, account: int, market: int, size: int, quote: int, fee: int, resting: int) -> None:
        """The arriving side of all fills of a call, and what rests of it. Raises Refused."""
        taker = self.accounts[account]
        if taker.in_liquidation:
            raise Refused("ledger: account in liquidation")
        if self.markets.is_expired(market, self.now):
            raise Refused("ledger: market has expired")
        held = taker.positions.get(market, Position())
        bids, asks = held.bids + max(resting, 0), held.asks + max(-resting, 0)
        before = worst_size(held.size, held.bids, held.asks)
        adds_risk = _adds_risk(held.size, held.size + size) or (
            worst_size(held.size + size, bids, asks) > before
        )
        if adds_risk and self.trading_paused:
            raise Refused("guarded: action is paused")
        if market not in taker.positions and not self.permits(taker, market):
            raise Refused("ledger: market not permitted")
        if not self._trade(taker, market, size, quote, fee, bids, asks, adds_risk):
            raise Refused("ledger: below initial margin")
        if size:
            cap = max(self.opened_interest or 0, self.markets.cap_in_force(market, self.now))
            if self.markets.terms(market).open_interest > cap:
                raise Refused("ledger: open interest cap")

    def release(self, account: int, market: int, bids: int, asks: int) -> None:
        """Gives back what orders had reserved."""
        if bids == 0 and asks == 0:
            return
        holder = self.accounts[account]
        held = holder.positions[market]
        held.bids -= bids
        held.asks -= asks
        _tidy(holder, market)

    def _trade(
        self,
        account: Account,
        market: int,
        size: int,
        quote: int,
        fee: int,
        bids: int,
        asks: int,
        adds_risk: bool,
    ) -> bool:
        held = account.positions.get(market, Position())
        after = Position(held.size, held.entry, held.funding_index, bids, asks, held.coin)
        change = 0
        if size:
            after, change = self._traded(market, held, size, quote)
            after.bids, after.asks = bids, asks
        change -= fee
        if not self._admits(account, market, after, change, adds_risk):
            return False
        self._write(account, market, after)
        if size or fee:
            self.money.settle(account, change, fee, self.now)
        return True

    def _traded(self, market: int, held: Position, size: int, quote: int) -> tuple[Position, int]:
        """The position after a trade, and what becomes cash: s'e' - se - Q less funding.

        Of an inverse market the quote is nano coin, which goes to the coin balance, and only funding is cash.
        """
        if is_inverse(market):
            index = self.markets.index(market, self.now)
            after = Position(held.size + size, 0, index, held.bids, held.asks, held.coin + quote)
            return after, -held.size * (index - held.funding_index)
        entry = entry_after(held.size, held.entry, size, quote)
        index = self.markets.index(market, self.now)
        realised = cash_change(held.size, held.entry, held.size + size, entry, quote)
        realised -= held.size * (index - held.funding_index)
        return Position(held.size + size, entry, index, held.bids, held.asks), realised

    def _admits(self, account: Account, market: int, after: Position, change: int, adds_risk: bool) -> bool:
        """Initial margin afterwards; without more risk, a shortfall that does not grow is enough."""
        found, valid = self.assess(self._changed(account, market, after, change))
        shortfall = found.initial_margin - found.equity
        if shortfall <= 0 and (valid or not adds_risk):
            return True
        if adds_risk:
            return False
        before, _ = self.assess(account)
        return shortfall <= before.initial_margin - before.equity

    def _changed(self, account: Account, market: int, after: Position, change: int) -> Account:
        """The account with one position replaced and cash changed, as if it stood so now."""
        then = copy.copy(account)
        then.positions = {**account.positions, market: after}
        then.cash = self.money.cash_now(account, self.now) + change
        borrow_index, supply_index, _ = self.money.indexes(self.now)
        then.cash_index = supply_index if then.cash > 0 else borrow_index
        return then

    def _write(self, account: Account, market: int, after: Position) -> None:
        held = account.positions.get(market, Position())
        self.markets.terms(market).open_interest += max(after.size, 0) - max(held.size, 0)
        account.positions[market] = after
        _tidy(account, market)

    # --- settlement, slices, deleveraging

    def settle(self, account: Account) -> None:
        """PnL and funding of every position become cash at mark. Raises Refused at stale prices."""
        total = 0
        changed = False
        for market, held in account.positions.items():
            if held.size == 0:
                continue
            if not self.markets.valid(market, self.now):
                raise Refused("ledger: stale price")
            total += self._due(market, held)
            changed |= self._to_mark(market, held)
        if changed:
            self.money.settle(account, total, 0, self.now)

    def settle_expired(self, account: Account, series: int) -> None:
        """All positions in a settled series become cash at their payoff. Raises Refused before that."""
        total = 0
        markets = [
            market
            for market, held in account.positions.items()
            if held.size and market_math.series(market) == series
        ]
        for market in markets:
            if not self.markets.is_settled(market):
                raise Refused("ledger: market is not settled")
            held = account.positions[market]
            total += self.unrealised(market, held)
            self._write(account, market, Position(bids=held.bids, asks=held.asks))
        if markets:
            self.money.settle(account, total, 0, self.now)

    def _due(self, market: int, held: Position) -> int:
        """What settlement turns into cash: all that is unrealised, of an inverse position its funding."""
        if is_inverse(market):
            return -held.size * (self.markets.index(market, self.now) - held.funding_index)
        return self.unrealised(market, held)

    def _to_mark(self, market: int, held: Position) -> bool:
        before = (held.entry, held.funding_index)
        if not is_inverse(market):
            held.entry = self.markets.mark(market, self.now) if held.size else 0
        held.funding_index = self.markets.index(market, self.now)
        return before != (held.entry, held.funding_index)

    def slice(self, sender: Account, receiver: Account, fraction: int, reserved: int) -> None:
        """Moves a fraction of all positions (whole lots, at mark), collateral and free cash."""
        if receiver.in_liquidation:
            raise Refused("ledger: account in liquidation")
        kept = self._slice_positions(sender, receiver, fraction) if sender.positions else 0
        for asset, units in list(sender.units.items()):
            moved = units * fraction // WAD
            sender.units[asset] -= moved
            receiver.units[asset] += moved
        free = self.money.cash_now(sender, self.now) + kept - reserved
        share = free * fraction // WAD
        if share:
            self.money.move(sender, receiver, share, self.now)

    def _slice_positions(self, sender: Account, receiver: Account, fraction: int) -> int:
        """Value that the sender's inverse positions keep, wad: the fraction is one of that as well."""
        given = taken = kept = 0
        settled = shifted = False
        for market, held in list(sender.positions.items()):
            if held.size == 0 and held.coin == 0:
                continue
            lot = self.markets.terms(market).lot_size
            moved = abs(held.size)
            if fraction != WAD:
                moved = abs(held.size) * fraction // WAD // lot * lot
            moved = moved if held.size > 0 else -moved
            coin = _toward_zero(held.coin * fraction, WAD)
            mark = self.markets.mark(market, self.now)
            given += self._due(market, held)
            if is_inverse(market):
                given += coin * mark - moved * NANO
                kept += (held.coin - coin) * mark - (held.size - moved) * NANO
            settled |= self._to_mark(market, held) or moved != 0 or coin != 0
            if moved == 0 and coin == 0:
                continue
            shifted = True
            rest = Position(
                held.size - moved, held.entry, held.funding_index, held.bids, held.asks, held.coin - coin
            )
            rest.entry = rest.entry if rest.size else 0
            self._write(sender, market, rest)
            taken += self._shift(receiver, market, moved, mark, coin)
        if settled:
            self.money.settle(sender, given, 0, self.now)
        if shifted:
            self.money.settle(receiver, taken, 0, self.now)
        if receiver.positions:
            last = next(reversed(receiver.positions))
            if not self.permits(receiver, last):
                raise Refused("ledger: market not permitted")
        return kept

    def _shift(self, account: Account, market: int, size: int, price: int, coin: int = 0) -> int:
        """A trade without fee and without a check; returns what becomes cash.

        An inverse position is given away with coin, and both are paid for in cash.
        """
        held = account.positions.get(market, Position())
        inverse = is_inverse(market)
        after, realised = self._traded(market, held, size, coin if inverse else size * price)
        self._write(account, market, after)
        return realised - (coin * price - size * NANO if inverse else 0)

    def settle_coin(self, account: Account, market: int, coin: int, price: int) -> None:
        """Coin that an inverse position is given, for cash at a price, or for collateral at none."""
        self.markets.touch(market, self.now)
        realised = self._shift(account, market, 0, price, coin)
        self.money.settle(account, realised, 0, self.now)

    def close(self, account: Account, counterparty: Account, market: int, size: int, price: int) -> None:
        """Closes `size`, signed for the account, between two accounts at a price; never a payoff."""
        if self.markets.is_settled(market):
            raise Refused("ledger: market is settled")
        self.markets.touch(market, self.now)
        held = account.positions[market]
        coin = _toward_zero(held.coin * abs(size), abs(held.size))
        for side, signed, moved in ((account, size, -coin), (counterparty, -size, coin)):
            realised = self._shift(side, market, signed, price, moved)
            self.money.settle(side, realised, 0, self.now)


def _adds_risk(before: int, after: int) -> bool:
    """A position that grows or changes sides."""
    return abs(after) > abs(before) or before * after < 0


def _quote(market: int, size: int, price: int) -> int:
    """What a signed size costs: wad, or nano coin of an inverse perpetual, toward zero."""
    if not is_inverse(market):
        return size * price
    coins = coins_down(abs(size), price)
    return coins if size > 0 else -coins


def _toward_zero(numerator: int, denominator: int) -> int:
    """A quotient by a positive denominator without its fraction."""
    quotient = abs(numerator) // denominator
    return quotient if numerator >= 0 else -quotient


def _tidy(account: Account, market: int) -> None:
    """A market without a size and without orders is forgotten."""
    held = account.positions[market]
    if held.size == 0 and held.coin == 0 and held.bids == 0 and held.asks == 0:
        del account.positions[market]
