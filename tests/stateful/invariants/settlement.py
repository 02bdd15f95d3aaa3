# SPDX-License-Identifier: Apache-2.0
"""PnL, funding, open interest and interest, 16 to 21 and 46."""

from __future__ import annotations

from simulation.domain.funding_math import accrue, index_nano
from simulation.domain.oracle_math import fresh_until, unpack_tick
from tests.stateful.driver import Driver
from tests.stateful.invariants.base import View, invariant
from tests.stateful.margins import ONE_USD
from tests.stateful.world_state import ACCOUNTS, INVERSE, MARKETS, PERPETUALS, SERIES, State

__all__ = ["time_accrues_linearly"]

WAD = 10**18


@invariant(
    "INV-16",
    "Per market the longs equal the shorts and the open interest; once settled, the longs equal it.",
)
def inv_16_open_interest(view: View) -> None:
    for market in MARKETS:
        longs = shorts = 0
        for account in view.after.accounts:
            position = account.positions.get(market)
            if position is not None:
                if position.size > 0:
                    longs += position.size
                else:
                    shorts -= position.size
        quoted = view.after.markets[market]
        assert longs == quoted.open_interest, f"market {market}"
        # One side of a settled market may have been settled before the other.
        assert quoted.settled or longs == shorts, f"market {market}"


@invariant(
    "INV-17", "Per market, what was realised and what is unrealised, before fees, sum to zero exactly."
)
def inv_17_zero_sum(view: View) -> None:
    realised = view.memory.realised
    for change in view.changes:
        realised[change.market] += change.realised
    for market in MARKETS:
        quoted = view.after.markets[market]
        open_value = 0
        for account in view.after.accounts:
            position = account.positions.get(market)
            if position is not None:
                if market in INVERSE:
                    # What such a position realises is its coin, which is counted there: invariant 49.
                    open_value -= position.size * (quoted.index - position.funding_index)
                    continue
                open_value += view.driver.margins.unrealised(view.after, market, position)
        # One payoff serves both sides, so a half-settled market still sums to zero.
        assert realised[market] + open_value == 0, f"market {market}"


@invariant(
    "INV-18",
    "A change of position books exactly size times price, whatever the rounding of the average entry.",
)
def inv_18_exact_pnl(view: View) -> None:
    changes = [change for change in view.changes if change.market not in INVERSE]
    if not changes:
        return
    step = view.step
    quotes: dict[tuple[int, int], int] = {}
    sold: dict[tuple[int, int], int] = {}
    sizes = view.driver.rig.sizes
    for fill in step.named("OrderFilled"):
        market = fill["market"]
        if market in INVERSE:
            continue
        tick, lot = sizes[market]
        size = fill["lots"] * lot * (1 if fill["taker_buys"] else -1)
        quote = size * fill["tick"] * tick
        for account, sign in ((fill["taker"], 1), (fill["maker"], -1)):
            quotes[account, market] = quotes.get((account, market), 0) + sign * quote
            sold[account, market] = sold.get((account, market), 0) + sign * size
    for closed in step.named("Deleveraged"):
        if closed["market"] in INVERSE:
            continue
        size = closed["size"] if closed["size"] < 2**255 else closed["size"] - 2**256
        for account, sign in ((closed["account"], 1), (closed["counterparty"], -1)):
            key = (account, closed["market"])
            quotes[key] = quotes.get(key, 0) + sign * size * closed["price"]
            sold[key] = sold.get(key, 0) + sign * size
    traded = bool(sold)
    totals: dict[tuple[int, int], tuple[int, int]] = {}
    for change in changes:
        key = (change.account, change.market)
        delta, quote = totals.get(key, (0, 0))
        totals[key] = (delta + change.delta, quote + change.quote)
        assert change.size == change.old_size + change.delta
        if not traded:
            mark = view.after.markets[change.market].mark
            assert change.quote == change.delta * mark, f"{change} is not at mark"
    if traded:
        assert totals == {key: (sold[key], quotes[key]) for key in sold}


@invariant("INV-19", "Funding paid and received, booked or not, sum to zero exactly.")
def inv_19_funding(view: View) -> None:
    paid = view.memory.funding_paid
    for change in view.changes:
        paid[change.market] += change.funding
    for market in MARKETS:
        index = view.after.markets[market].index
        pending = 0
        for account in view.after.accounts:
            position = account.positions.get(market)
            if position is not None:
                pending -= position.size * (index - position.funding_index)
        assert paid[market] + pending == 0, f"market {market}"


@invariant(
    "INV-20",
    "The funding index is what the rate in force makes of the time since the last touch; touching "
    "does not move it; the rate keeps its cap.",
)
def inv_20_funding_index(view: View) -> None:
    before, after = view.before, view.after
    for place, market in enumerate(PERPETUALS):
        quoted = after.markets[market]
        if not view.moves_prices:
            assert quoted.index == before.markets[market].index, f"market {market}: a call moved the index"
        assert abs(quoted.rate) <= view.parameters.max_rate[market], f"market {market}: rate above its cap"
        assert quoted.index == _index_now(after, market, after.accrued_until[place]), f"market {market}"
    number = view.step.args[0] if (view.step.contract, view.step.function) == ("Ledger", "settle") else 0
    if view.step.ok and 1 <= number <= after.account_count:
        for market, position in after.accounts[number - 1].positions.items():
            quoted = after.markets[market]
            if position.size:
                # Settled: a second settlement would pay nothing.
                entry = 0 if market in INVERSE else quoted.mark
                assert (position.entry, position.funding_index) == (entry, quoted.index)


def _index_now(state: State, market: int, accrued_until: int) -> int:
    quoted = state.markets[market]
    tick = unpack_tick(quoted.tick)
    until = max(min(state.time, fresh_until(tick)), accrued_until)
    worth = ONE_USD if market in INVERSE else tick.spot
    return index_nano(accrue(quoted.stored_index, quoted.rate, until - accrued_until, worth))


@invariant(
    "INV-21",
    "Interest indexes never fall, and total loans and balances are the sums of accounts within rounding.",
)
def inv_21_interest(view: View) -> None:
    before, after = view.before, view.after
    assert after.borrow_index >= before.borrow_index and after.supply_index >= before.supply_index
    assert after.borrow_index >= after.supply_index
    if not view.step.named("InterestAccrued"):
        return
    loans = balances = 0
    for account in after.accounts:
        cash = view.driver.cash_now(after, account)
        if cash < 0:
            loans -= cash
        else:
            balances += cash
    room = view.memory.interest_tolerance + 4 * ACCOUNTS
    assert abs(loans - after.total_borrow) <= room, (loans, after.total_borrow, room)
    assert abs(balances - after.total_supply) <= room, (balances, after.total_supply, room)


@invariant("INV-46", "Calls in one block accrue nothing; time moves the indexes by its own length alone.")
def inv_46_time(view: View) -> None:
    before, after = view.before, view.after
    assert after.time == before.time
    assert (after.borrow_index, after.supply_index) == (before.borrow_index, before.supply_index)


def time_accrues_linearly(driver: Driver, before: State, after: State) -> None:
    """INV-46, INV-20, INV-21 where nothing but time passes."""
    assert after.time > before.time, "INV-46: time went backward"
    assert after.borrow_index >= before.borrow_index, "INV-21: the borrow index fell"
    assert after.supply_index >= before.supply_index, "INV-21: the supply index fell"
    assert after.accounts == before.accounts, "INV-46: time changed an account"
    for place, market in enumerate(PERPETUALS):
        old, new = before.markets[market], after.markets[market]
        tick = unpack_tick(new.tick)
        seconds = after.time - before.time
        worth = ONE_USD if market in INVERSE else tick.spot
        bound = abs(old.rate) * seconds * worth // (3_600 * WAD) + 1
        assert abs(new.index - old.index) <= bound, f"INV-46: market {market} accrued more than linearly"
        assert new.index == _index_now(after, market, after.accrued_until[place]), f"INV-20: market {market}"


@invariant(
    "INV-38", "A settlement price is fixed once, and every market of the series is its payoff for ever."
)
def inv_38_settlement_price(view: View) -> None:
    step, before, after = view.step, view.before, view.after
    for number in SERIES:
        old, new = before.series[number].price, after.series[number].price
        if old is not None:
            assert new == old, f"series {number}: {old} became {new}"
        elif new is not None:
            assert step.function == "finalise" and after.time >= view.driver.expiries[number]
        for market in MARKETS:
            if market >> 8 == number:
                quoted = after.markets[market]
                assert quoted.settled == (new is not None)
                assert quoted.expired == (after.time >= view.driver.expiries[number])
                if new is not None:
                    assert quoted.valid and quoted.mark == _payoff(view, market, new), f"market {market}"
    for fill in step.named("OrderFilled"):
        assert not after.markets[fill["market"]].expired, "a fill after expiry"
    for order in step.named("OrderPlaced"):
        assert not after.markets[order["market"]].expired, "an order after expiry"


def _payoff(view: View, market: int, price: int) -> int:
    index = market % 256
    if index == 0:
        return price
    strike = view.driver.margins.strikes[market // 256][(index - 1) // 2]
    return max(price - strike if index % 2 else strike - price, 0)
