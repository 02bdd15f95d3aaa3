# SPDX-License-Identifier: Apache-2.0
"""Margin calls, auctions and the waterfall in exact integers. May import domain modules only."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulation.domain import auction_math, deleverage_math
from simulation.domain.margin_math import Assessment
from simulation.domain.market_math import is_inverse
from simulation.domain.model.engines import CreditEngine
from simulation.domain.model.fund import Fund
from simulation.domain.model.positions import Positions
from simulation.domain.model.state import Account, Auction, AuctionRules, Call, CallStage, Phase
from simulation.domain.orders import Refused

__all__ = ["Liquidation"]

WAD = 10**18
NANO = 10**9


@dataclass(slots=True)
class Liquidation:
    ledger: Positions
    fund: Fund
    rules: AuctionRules
    scale: int
    """Wad for a unit of the cash token."""
    auctions: dict[int, Auction] = field(default_factory=dict)

    @property
    def total_insolvent(self) -> int:
        return sum(auction.shortfall for auction in self.auctions.values())

    @property
    def locked(self) -> bool:
        """Whether insolvent auctions lack more than the fund has."""
        return self.total_insolvent > self.fund.assets * self.scale

    # --- calling and starting

    def call_of(self, number: int) -> Call | None:
        """The margin call in force."""
        account = self.ledger.accounts.get(number)
        call = account.call if account is not None else None
        return call if call is not None and self.ledger.now < call.lapses else None

    def call_margin(self, number: int) -> None:
        """Notice, or after half of the grace the one reminder."""
        account, now = self._account(number), self.ledger.now
        if account.in_liquidation:
            raise Refused("liquidator: wrong phase")
        self._assess_below(account)
        call = self.call_of(number)
        if call is None:
            deadline = now + self.rules.grace
            account.call = Call(CallStage.NOTICE, now, deadline, deadline + self.rules.window)
        elif call.stage == CallStage.NOTICE and now >= call.called + (call.deadline - call.called) // 2:
            call.stage = CallStage.HALF_TIME
        else:
            raise Refused("liquidator: called too recently")

    def escalate(self, number: int) -> None:
        """The clock's part; afterwards the account's orders leave the book and `after_cancel` is asked."""
        call = self.call_of(number)
        if call is None or call.stage == CallStage.ESCALATED:
            raise Refused("liquidator: no call in force")
        if self.ledger.now < call.deadline:
            raise Refused("liquidator: grace is not over")
        self._assess_below(self._account(number))
        call.stage = CallStage.ESCALATED

    def after_cancel(self, number: int) -> None:
        """Orders may have been all that was wrong: then the call is cured."""
        account = self._account(number)
        found = self._assess(account)
        if found.equity >= found.initial_margin:
            account.call = None

    def cure(self, number: int) -> None:
        if self.call_of(number) is None:
            raise Refused("liquidator: no call in force")
        account = self._account(number)
        found = self._assess(account)
        if found.equity < found.initial_margin:
            raise Refused("liquidator: margin not restored")
        account.call = None

    def _assess_below(self, account: Account) -> None:
        found = self._assess(account)
        if found.equity >= found.initial_margin:
            raise Refused("liquidator: account is healthy")

    def _is_due(self, number: int, found: Assessment) -> bool:
        """Whether a new auction may start: below maintenance margin, or below the buffer once escalated."""
        if found.equity < found.maintenance_margin:
            return True
        call = self.call_of(number)
        escalated = call is not None and call.stage == CallStage.ESCALATED
        return self.rules.early_auction and escalated and self._buffer_margin(found) < 0

    def start(self, number: int, keeper: int | None) -> bool:
        """Returns whether the account's orders have to leave the book first: a new auction."""
        account = self._account(number)
        if keeper is not None and (keeper == number or keeper not in self.ledger.accounts):
            raise Refused("liquidator: no such account")
        found = self._assess(account)
        auction = self.auctions.get(number)
        if auction is not None:
            if self._buffer_margin(found) >= 0 or not self._restarts(account, auction, found):
                raise Refused("liquidator: wrong phase")
        elif not self._is_due(number, found):
            raise Refused("liquidator: account is healthy")
        return auction is None

    def begin(self, number: int, keeper: int | None, new: bool) -> None:
        """The second half of a start, once the orders are gone; `found` is as before they went."""
        account = self._account(number)
        found = self._assess(account)
        if new:
            account.in_liquidation = True
            account.call = None
            self._charge(account, keeper, found)
            self.auctions[number] = Auction(Phase.SOLVENT, self.ledger.now)
            if found.equity <= 0:
                self.auctions[number] = Auction(Phase.INSOLVENT, self.ledger.now, shortfall=_missing(found))
            return
        auction = self.auctions[number]
        if auction.phase == Phase.SOLVENT:
            auction.started, auction.reserved = self.ledger.now, 0
        else:
            self._change(auction, Phase.SOLVENT, 0)

    def _charge(self, account: Account, keeper: int | None, found: Assessment) -> None:
        if found.equity <= 0:
            return
        fraction = self._max_fraction(found, 0, WAD)
        fee = auction_math.liquidation_fee_down(fraction, found.equity, self.rules.fee)
        money, now = self.ledger.money, self.ledger.now
        if fee:
            money.change(account, -fee, now)
            money.fees += fee
        if keeper is None:
            return
        reward = auction_math.liquidation_fee_down(WAD, found.equity, self.rules.reward_rate)
        reward = min(reward, self.rules.reward_cap)
        if reward:
            money.move(account, self.ledger.accounts[keeper], reward, now)

    # --- bidding

    def bid(self, number: int, bidder_number: int, fraction: int, max_price: int) -> None:
        auction = self.auctions.get(number)
        if number == bidder_number or auction is None:
            raise Refused("liquidator: wrong phase")
        account, bidder = self._account(number), self._account(bidder_number)
        before = self._assess(account)
        margin = self._buffer_margin(before)
        elapsed = self.ledger.now - auction.started
        if auction.phase == Phase.SOLVENT:
            discount = auction_math.discount(elapsed, self._curve())
            whole = auction_math.bid_price_up(before.equity, auction.reserved, discount)
            if before.equity <= 0 or whole <= 0:
                raise Refused("liquidator: auction is over")
            most = self._max_fraction(before, auction.reserved, discount)
        else:
            if auction.phase == Phase.DELEVERAGE and any(held.size for held in account.positions.values()):
                raise Refused("liquidator: has positions")
            if self._is_recovered(auction, before):
                raise Refused("liquidator: needs a restart")
            whole = auction_math.insolvent_price_up(
                before.equity, before.maintenance_margin, elapsed, self.rules.insolvent_length
            )
            most = WAD if margin < 0 else 0
        taken = min(fraction, most)
        if taken == 0:
            raise Refused("liquidator: zero fraction")
        price = auction_math.slice_price_up(whole, taken)
        if price > max_price:
            raise Refused("liquidator: price above limit")

        self.ledger.slice(account, bidder, taken, auction.reserved)
        money, now = self.ledger.money, self.ledger.now
        if price > 0:
            auction.reserved += price
            money.move(bidder, account, price, now)
        elif price < 0:
            if auction.phase == Phase.INSOLVENT and self._draw(account, -price) < -price:
                raise Refused("liquidator: fund is empty")
            money.move(account, bidder, -price, now)

        holder = self._assess(bidder)
        if holder.equity < holder.initial_margin:
            raise Refused("liquidator: bidder below margin")
        after = self._assess(account)
        if taken != WAD and auction.phase != Phase.DELEVERAGE:
            thin = after.maintenance_margin * 2 * WAD > before.maintenance_margin * (2 * WAD - taken)
            worse = self._buffer_margin(after) < margin or _missing(after) > _missing(before)
            if thin or worse:
                raise Refused("liquidator: margin worse")
        self._conclude(number, after, taken == most)

    # --- changing phase

    def mark_insolvent(self, number: int) -> None:
        auction, found = self._in(number, Phase.SOLVENT)
        if self._buffer_margin(found) >= 0 or not (found.equity <= 0 or self._is_over(auction)):
            raise Refused("liquidator: margin not restored")
        self._change(auction, Phase.INSOLVENT, _missing(found))

    def mark_deleverage(self, number: int) -> None:
        auction, found = self._in(number, Phase.INSOLVENT)
        if self._buffer_margin(found) >= 0:
            raise Refused("liquidator: account is healthy")
        if self._is_recovered(auction, found):
            raise Refused("liquidator: needs a restart")
        elapsed = self.ledger.now - auction.started
        price = auction_math.insolvent_price_up(
            found.equity, found.maintenance_margin, elapsed, self.rules.insolvent_length
        )
        account = self._account(number)
        able = self.fund.assets + self._line_capacity(account)
        if elapsed < self.rules.insolvent_length and able * self.scale >= -price:
            raise Refused("liquidator: fund can still pay")
        if found.equity < 0:
            self._draw(account, -found.equity)
            found = self._assess(account)
        # A clock of its own; that of the solvent phase goes on standing still.
        auction.phase, auction.started, auction.shortfall = Phase.DELEVERAGE, self.ledger.now, _missing(found)

    def stop(self, number: int) -> None:
        if number not in self.auctions or self._buffer_margin(self._assess(self._account(number))) < 0:
            raise Refused("liquidator: margin not restored")
        self._end(number)

    def refresh(self, number: int) -> None:
        auction, found = self._in(number, Phase.INSOLVENT, Phase.DELEVERAGE)
        auction.shortfall = _missing(found)

    # --- the end of the waterfall

    def deleverage(self, number: int, market: int, counterparties: list[int]) -> None:
        self._in(number, Phase.DELEVERAGE)
        ledger, account = self.ledger, self._account(number)
        held = account.positions.get(market)
        if held is None or held.size == 0 or ledger.markets.is_settled(market):
            raise Refused("liquidator: no position")
        size, mark = held.size, ledger.markets.mark(market, ledger.now)
        inverse = is_inverse(market)
        worth = NANO if inverse else mark
        total = sum(
            abs(each.size) * (NANO if is_inverse(at) else ledger.markets.mark(at, ledger.now))
            for at, each in account.positions.items()
            if not ledger.markets.is_settled(at)
        )
        left = abs(size)
        missing = max(-self._assess(account).equity, 0)
        deficit = deleverage_math.deficit_share_up(missing, left * worth, total)
        last: int | None = None
        for other_number in counterparties:
            if left == 0:
                break
            other = self._account(other_number)
            theirs = other.positions.get(market)
            if theirs is None or theirs.size * size >= 0 or other.in_liquidation:
                raise Refused("liquidator: bad counterparty")
            equity = ledger.assess(other)[0].equity
            if equity <= 0:
                raise Refused("liquidator: bad counterparty")
            profit = ledger.unrealised(market, theirs)
            entry = NANO if inverse else theirs.entry
            score = deleverage_math.score_down(profit, abs(theirs.size), entry, worth, equity)
            if last is not None and score > last:
                raise Refused("liquidator: rank not descending")
            last = score
            closed = min(left, abs(theirs.size))
            given = deleverage_math.contribution_down(
                deficit, closed, left, min(profit, equity), abs(theirs.size)
            )
            price = mark if inverse else deleverage_math.bankruptcy_price(mark, given, size > 0)
            ledger.close(account, other, market, -closed if size > 0 else closed, price)
            given = closed * (given if inverse else abs(price - mark))
            if inverse and given:
                ledger.money.move(other, account, given, ledger.now)
            deficit -= given
            left -= closed
        self._conclude(number, self._assess(account), False)

    def write_off(self, number: int) -> None:
        auction = self.auctions.get(number)
        if auction is None or auction.phase == Phase.SOLVENT:
            raise Refused("liquidator: wrong phase")
        ledger, account = self.ledger, self._account(number)
        cash = ledger.money.cash_now(account, ledger.now)
        if account.positions or cash >= 0 or any(account.units.values()):
            raise Refused("liquidator: account not flat")
        self._draw(account, -cash)
        loss = -ledger.money.cash_now(account, ledger.now)
        if loss > 0:
            ledger.money.change(account, loss, ledger.now)
            ledger.money.deficit += loss
        self._end(number)

    # --- parts

    def _account(self, number: int) -> Account:
        account = self.ledger.accounts.get(number)
        if account is None:
            raise Refused("liquidator: no such account")
        return account

    def _assess(self, account: Account) -> Assessment:
        found, valid = self.ledger.assess(account)
        if not valid:
            raise Refused("liquidator: stale price")
        return found

    def _in(self, number: int, *phases: Phase) -> tuple[Auction, Assessment]:
        auction = self.auctions.get(number)
        if auction is None or auction.phase not in phases:
            raise Refused("liquidator: wrong phase")
        return auction, self._assess(self._account(number))

    def _buffer_margin(self, found: Assessment) -> int:
        return auction_math.buffer_margin(found.equity, found.maintenance_margin, self.rules.buffer)

    def _curve(self) -> auction_math.Curve:
        return auction_math.Curve(self.rules.start, self.rules.cut, self.rules.fast, self.rules.slow)

    def _is_over(self, auction: Auction) -> bool:
        return self.ledger.now >= auction.started + self.rules.fast + self.rules.slow

    def _max_fraction(self, found: Assessment, reserved: int, discount: int) -> int:
        """The whole of a small account, else what brings the buffer margin to zero."""
        margin = self._buffer_margin(found)
        if margin < 0 and found.equity < self.rules.equity_cutoff:
            return WAD
        return auction_math.max_fraction_up(margin, found.equity, reserved, discount)

    def _restarts(self, account: Account, auction: Auction, found: Assessment) -> bool:
        """Whether a live auction may be started again: run out, paid up, or of a recovered account."""
        if auction.phase == Phase.SOLVENT:
            return found.equity > 0 and (auction.reserved >= found.equity or self._is_over(auction))
        given_up = auction.phase == Phase.DELEVERAGE and bool(account.positions)
        return self._is_recovered(auction, found) and not given_up

    def _is_recovered(self, auction: Auction, found: Assessment) -> bool:
        """Below the solvent phase, with equity again, and never offered down to a price of zero."""
        unsold = auction.paused >= self.rules.fast + self.rules.slow
        return auction.phase != Phase.SOLVENT and found.equity > 0 and not unsold

    def _change(self, auction: Auction, phase: Phase, shortfall: int) -> None:
        """Stops one clock and lets the other go on. What earlier bidders paid is for sale again."""
        now = self.ledger.now
        auction.started, auction.paused = now - auction.paused, now - auction.started
        auction.phase, auction.reserved, auction.shortfall = phase, 0, shortfall

    def _draw(self, account: Account, wanted: int) -> int:
        """Cash out of the account's line, and only what that lacks out of the fund."""
        lent = self._cover(account, self._draw_line(account, -(-wanted // self.scale)))
        if lent >= wanted:
            return lent
        units = min(-(-(wanted - lent) // self.scale), self.fund.assets)
        self.fund.assets -= units
        return lent + self._cover(account, units)

    def _cover(self, account: Account, units: int) -> int:
        """Tokens that have come for an account; wad."""
        if units:
            self.ledger.money.backing += units * self.scale
            self.ledger.money.change(account, units * self.scale, self.ledger.now)
        return units * self.scale

    def _has_line(self, account: Account) -> bool:
        return isinstance(self.ledger.engines[account.engine], CreditEngine)

    def _line_capacity(self, account: Account) -> int:
        """Token units that the account's line would pay."""
        desk = self.ledger.desk
        if desk is None or account.number not in desk.lines or not self._has_line(account):
            return 0
        return desk.lines[account.number].committed

    def _draw_line(self, account: Account, units: int) -> int:
        desk = self.ledger.desk
        if desk is None or not self._has_line(account):
            return 0
        return sum(desk.draw(account.number, units))

    def _conclude(self, number: int, after: Assessment, capped: bool) -> None:
        """Ends an auction that has reached its target, else counts what is still missing."""
        auction = self.auctions[number]
        if self._buffer_margin(after) >= 0:
            self._end(number)
        elif auction.phase != Phase.SOLVENT:
            auction.shortfall = _missing(after)
        elif capped and after.equity >= after.maintenance_margin:
            self._end(number)

    def _end(self, number: int) -> None:
        del self.auctions[number]
        self._account(number).in_liquidation = False


def _missing(found: Assessment) -> int:
    return auction_math.shortfall(found.equity, found.maintenance_margin)
