# SPDX-License-Identifier: Apache-2.0
"""What traders and market makers do on the book."""

from __future__ import annotations

from tests.stateful.actions import NANO, WAD, log_uniform, rule, trading_account
from tests.stateful.driver import Driver
from tests.stateful.margins import CROSS, ISOLATED
from tests.stateful.rig import TRADERS
from tests.stateful.world_state import INVERSE, KEEPER, MARKETS, RIVAL

__all__ = ["PLACE"]

POST_ONLY, IMMEDIATE, REDUCE_ONLY = 1, 2, 4
OPTIONS = (0, 0, 0, 0, 0, 1, 2, 2, 4, 6, 5, 3)
PLACE = "place(uint256,uint256,bool,uint256,uint256,uint256,uint256,uint256)"


def _order_terms(driver: Driver, account: int, market: int, is_bid: bool) -> tuple[int, int]:
    """A tick near the mark and lots that some leverage buys."""
    rng, (size_of_tick, size_of_lot) = driver.rng, driver.rig.sizes[market]
    mark = driver.state.markets[market].mark or 10**9
    worth = _worth(driver, market)
    offset = rng.choice([-0.01, -0.002, 0, 0, 0.002, 0.002, 0.01, 0.05]) * (1 if is_bid else -1)
    tick = max(1, round(mark * (1 + offset) / size_of_tick))
    equity = max(driver.margin(driver.state, account).equity, 10**20) / WAD
    usd = min(equity, 60_000) * log_uniform(rng, 0.05, 12)
    lots = max(1, int(usd / (worth / NANO) * NANO / size_of_lot))
    if rng.random() < 0.05:
        lots = rng.choice([1, 1, 2, 2**48 - 1])
    if rng.random() < 0.02:
        tick = rng.choice([1, 2**24 - 1])
    return tick, lots


def _worth(driver: Driver, market: int) -> int:
    """What a unit of size is compared by, nano USD: a mark may be nothing; a contract is one USD."""
    if market in INVERSE:
        return NANO
    quoted = driver.state.markets[market]
    return quoted.mark if market % 256 == 0 or market < 256 else quoted.spot or NANO


def _open_markets(driver: Driver) -> list[int]:
    """Those that have not expired."""
    return [market for market in MARKETS if not driver.state.markets[market].expired]


def _expiry(driver: Driver) -> int:
    return driver.rng.choice([0, 0, 0, driver.state.time + driver.rng.randint(1, 300)])


@rule("place")
def place(driver: Driver) -> None:
    account = trading_account(driver)
    market = driver.rng.choice(MARKETS if driver.rng.random() < 0.03 else _open_markets(driver))
    is_bid = driver.rng.random() < 0.5
    held = driver.state.account(account).positions
    if held and driver.rng.random() < 0.5:
        market = driver.rng.choice(sorted(held))
    _place(driver, account, market, is_bid, driver.rng.choice(OPTIONS))


def _place(driver: Driver, account: int, market: int, is_bid: bool, options: int) -> None:
    tick, lots = _order_terms(driver, account, market, is_bid)
    fills = driver.rng.choice([64, 64, 16, 3, 1, 0])
    terms = (account, market, is_bid, tick, lots, options, _expiry(driver), fills)
    driver.call(driver.caller_for(account), "Exchange", PLACE, *terms)


@rule("quote")
def quote(driver: Driver) -> None:
    """Post-only depth on both sides from an account with money."""
    account = driver.rng.choice([KEEPER, KEEPER, RIVAL])
    market = driver.rng.choice(_open_markets(driver))
    size_of_tick, size_of_lot = driver.rig.sizes[market]
    mark = driver.state.markets[market].mark
    offset = driver.rng.choice([0.0005, 0.001, 0.004])
    lots = max(
        1,
        int(log_uniform(driver.rng, 10_000, 300_000) / (_worth(driver, market) / NANO) * NANO / size_of_lot),
    )
    for is_bid in (True, False):
        tick = max(1, round(mark * (1 - offset if is_bid else 1 + offset) / size_of_tick))
        terms = (account, market, is_bid, tick, lots, POST_ONLY, _expiry(driver), 16)
        driver.call(driver.owners[account], "Exchange", PLACE, *terms)


@rule("take")
def take(driver: Driver) -> None:
    """A market order by a trader: leverage comes from here."""
    accounts = [
        number
        for number, role in driver.owners.items()
        if role in TRADERS and not driver.state.account(number).liquidating
    ]
    sides = [
        (market, is_bid)
        for market in _open_markets(driver)
        for is_bid in (True, False)
        if (driver.state.markets[market].asks if is_bid else driver.state.markets[market].bids)
    ]
    if not accounts or not sides:
        quote(driver)
        return
    account = driver.rng.choice(accounts)
    market, is_bid = driver.rng.choice(sides)
    if driver.engines[account] == ISOLATED and driver.state.account(account).positions:
        market = next(iter(driver.state.account(account).positions))
    size_of_tick, size_of_lot = driver.rig.sizes[market]
    margin = driver.margin(driver.state, account)
    mark = driver.state.markets[market].mark
    ratio = (driver.parameters.risks[CROSS][market].initial if market < 256 else 1_500) / 10_000
    free = max(margin.equity - margin.initial, 0) / WAD
    usd = free / ratio * driver.rng.choice([0.2, 0.5, 0.9, 0.97, 1.05])
    lots = max(1, int(usd / (_worth(driver, market) / NANO) * NANO / size_of_lot))
    tick = max(1, round(mark * (1.1 if is_bid else 0.9) / size_of_tick))
    terms = (account, market, is_bid, tick, lots, IMMEDIATE, 0, 64)
    driver.call(driver.caller_for(account), "Exchange", PLACE, *terms)


@rule("reduce")
def reduce(driver: Driver) -> None:
    """A reduce-only order against a position."""
    held = [
        (number, market, position.size)
        for number in range(1, driver.state.account_count + 1)
        for market, position in driver.state.account(number).positions.items()
        if position.size and not driver.state.account(number).liquidating
    ]
    if not held:
        take(driver)
        return
    account, market, size = driver.rng.choice(held)
    _place(driver, account, market, size < 0, driver.rng.choice([REDUCE_ONLY, REDUCE_ONLY | IMMEDIATE]))


def _any_order(driver: Driver) -> int:
    if not driver.orders or driver.rng.random() < 0.03:
        return driver.rng.choice([0, 1, 2**37 + 40, 2**62])
    return driver.rng.choice(sorted(driver.orders))


@rule("replace")
def replace(driver: Driver) -> None:
    order_id = _any_order(driver)
    order = driver.orders.get(order_id)
    if order is None:
        terms = (order_id, 1, 1, 0, 0, 1)
        caller = "attacker"
    else:
        tick, lots = _order_terms(driver, order.account, order.market, order.is_bid)
        options = driver.rng.choice(OPTIONS)
        terms = (order_id, tick, lots, options, _expiry(driver), driver.rng.choice([64, 2]))
        caller = driver.caller_for(order.account)
    driver.call(caller, "Exchange", "replace(uint256,uint256,uint256,uint256,uint256,uint256)", *terms)


@rule("cancel")
def cancel(driver: Driver) -> None:
    order_id = _any_order(driver)
    order = driver.orders.get(order_id)
    caller = driver.caller_for(order.account) if order else "attacker"
    driver.call(caller, "Exchange", "cancel(uint256)", order_id)


@rule("cancel all")
def cancel_all(driver: Driver) -> None:
    account = driver.rng.choice(driver.owned())
    driver.call(driver.caller_for(account), "Exchange", "cancel_all(uint256)", account)


@rule("purge")
def purge(driver: Driver) -> None:
    ids = [_any_order(driver) for _ in range(driver.rng.randint(0, 8))]
    driver.call("attacker", "Exchange", "purge(uint256[])", ids)
