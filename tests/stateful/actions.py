# SPDX-License-Identifier: Apache-2.0
"""What people do: traders and their orders, money, the fund, the oracle. One rule is one function of a driver.

Most arguments are drawn to be plausible, so that calls succeed, some at the edge of what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.stateful.driver import Driver
from tests.stateful.rig import ACCOUNTS, ASSETS, FEEDS, HOLDERS, MARKETS, TRADERS, USD_FEED

__all__ = ["RULES", "any_account", "open_protocol", "rule", "send_prices", "setup_account"]

Rule = Callable[[Driver], None]
RULES: dict[str, Rule] = {}

NANO = 10**9
WAD = 10**18
POST_ONLY, IMMEDIATE, REDUCE_ONLY = 1, 2, 4
OPTIONS = (0, 0, 0, 0, 0, 1, 2, 2, 4, 6, 5, 3)
PRICES = {1: 2_000 * NANO, 2: 30_000 * NANO, 3: 50 * NANO, 4: 11 * NANO // 10, 5: NANO}
BOOK_ROLES = (*TRADERS, "keeper", "rival", "attacker")
PLACE = "place(uint256,uint256,bool,uint256,uint256,uint256,uint256,uint256)"
TRANSFER = "transfer(address,uint256)"
TOKENS = ("CashToken", "Token:WETH", "Token:WBTC", "Token:EURC")


def rule(name: str) -> Callable[[Rule], Rule]:
    """Registers a rule; its name is what is counted."""

    def register(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return register


# --- choices


def any_account(driver: Driver) -> int:
    """An account that exists; now and then one that does not."""
    if driver.rng.random() < 0.01:
        return driver.rng.choice([0, ACCOUNTS + 5, 2**32, 2**256 - 1])
    return driver.rng.randint(1, driver.state.account_count)


def trading_account(driver: Driver) -> int:
    """An account that is not in liquidation where there is one."""
    for _ in range(6):
        account = driver.rng.randint(1, driver.state.account_count)
        if not driver.state.account(account).liquidating:
            return account
    return account


def price_of(driver: Driver, asset: int) -> float:
    """USD of a whole token."""
    if asset == 0:
        return 1.0
    feed = driver.parameters.collateral_feeds[asset]
    return (driver.state.feeds[feed] & (2**72 - 1)) / NANO or 1.0


def token_amount(driver: Driver, asset: int, usd: float) -> int:
    decimals = driver.rig.protocol.cash.decimals if asset == 0 else driver.parameters.decimals[asset]
    return int(usd / price_of(driver, asset) * 10**decimals)


def log_uniform(rng: Random, low: float, high: float) -> float:
    return float(low * (high / low) ** rng.random())


def setup_account(driver: Driver, role: str, engine: int, usd: float, asset: int = 0) -> int:
    """A new account of a role with money in it."""
    account = driver.call(role, "Vault", "create_account(uint256)", engine).word()
    if usd:
        amount = token_amount(driver, asset, usd)
        driver.call(role, "Vault", "deposit(uint256,uint256,uint256)", account, asset, amount)
    return account


def open_protocol(driver: Driver, fund_usd: float) -> None:
    """Prices, accounts of every kind and a fund."""
    driver.prices = {feed: (price, price) for feed, price in PRICES.items()}
    send_prices(driver, FEEDS)
    for i, role in enumerate(TRADERS):
        setup_account(driver, role, 2 if i % 3 == 2 else 1, log_uniform(driver.rng, 300, 30_000), i % 4)
    setup_account(driver, "keeper", 1, 3_000_000)
    setup_account(driver, "rival", 1, 200_000)
    setup_account(driver, "attacker", 1, 5_000)
    if fund_usd:
        amount = token_amount(driver, 0, fund_usd)
        driver.call(
            "depositor",
            "InsuranceFund",
            "deposit(uint256,address)",
            amount,
            driver.rig.roles["depositor"],
        )


# --- accounts and money


@rule("create account")
def create_account(driver: Driver) -> None:
    if driver.state.account_count >= ACCOUNTS:
        deposit_cash(driver)
        return
    engine = driver.rng.choice([1, 1, 2, 2, 3]) if driver.rng.random() < 0.2 else driver.rng.choice([1, 2])
    driver.call(driver.rng.choice(BOOK_ROLES), "Vault", "create_account(uint256)", engine)


@rule("delegate")
def delegate(driver: Driver) -> None:
    account = driver.rng.randint(1, driver.state.account_count)
    role = driver.rng.choice(TRADERS)
    driver.call(
        driver.owners[account],
        "Vault",
        "set_delegate(uint256,address,bool)",
        account,
        driver.rig.roles[role],
        driver.rng.random() < 0.5,
    )


@rule("deposit cash")
def deposit_cash(driver: Driver) -> None:
    account = any_account(driver)
    amount = token_amount(driver, 0, log_uniform(driver.rng, 10, 20_000))
    if driver.rng.random() < 0.1:
        amount = driver.rng.choice([0, 1, 2, 10**25])
    driver.call(
        driver.owners.get(account, "attacker"), "Vault", "deposit(uint256,uint256,uint256)", account, 0, amount
    )


@rule("deposit collateral")
def deposit_collateral(driver: Driver) -> None:
    account = any_account(driver)
    asset = driver.rng.choice([*ASSETS, *ASSETS, *ASSETS, 4])
    amount = token_amount(driver, min(asset, 3), log_uniform(driver.rng, 10, 10_000))
    if driver.rng.random() < 0.1:
        amount = driver.rng.choice([1, 2, 7, 10**30])
    driver.call(
        driver.owners.get(account, "attacker"), "Vault", "deposit(uint256,uint256,uint256)", account, asset, amount
    )


def _withdraw(driver: Driver, account: int, asset: int, amount: int) -> None:
    role = driver.caller_for(account)
    driver.call(
        role,
        "Vault",
        "withdraw(uint256,uint256,uint256,address)",
        account,
        asset,
        amount,
        driver.rig.roles[role],
    )


@rule("withdraw cash")
def withdraw_cash(driver: Driver) -> None:
    account = trading_account(driver)
    margin = driver.margin(driver.state, account)
    free = max(margin.equity - margin.initial, 0)
    wad = int(free * driver.rng.choice([0.1, 0.5, 0.9, 1, 1, 1.0001, 2]))
    if driver.rng.random() < 0.2:
        wad = max(driver.state.account(account).cash, 0)
    amount = wad // driver.scale + driver.rng.choice([0, 0, 0, 1, -1])
    _withdraw(driver, account, 0, max(amount, 0))


@rule("withdraw collateral")
def withdraw_collateral(driver: Driver) -> None:
    holders = [
        (number, asset)
        for number in range(1, driver.state.account_count + 1)
        for asset in ASSETS
        if driver.state.account(number).units[asset - 1]
    ]
    if not holders:
        deposit_collateral(driver)
        return
    account, asset = driver.rng.choice(holders)
    units = driver.state.account(account).units[asset - 1]
    amount = int(units * driver.rng.choice([0.01, 0.3, 0.8])) or 1
    _withdraw(driver, account, asset, driver.rng.choice([amount, amount, units, units + 1]))


@rule("transfer cash")
def transfer_cash(driver: Driver) -> None:
    sender, receiver = trading_account(driver), any_account(driver)
    margin = driver.margin(driver.state, sender)
    free = max(margin.equity - margin.initial, 0)
    amount = int(free * driver.rng.choice([0.01, 0.1, 0.4, 1])) + driver.rng.choice([0, 0, 1])
    driver.call(
        driver.caller_for(sender),
        "Vault",
        "transfer_cash(uint256,uint256,uint256)",
        sender,
        receiver,
        amount,
    )


@rule("donate")
def donate(driver: Driver) -> None:
    token = driver.rng.choice(TOKENS)
    contract = driver.rng.choice(["Vault", "InsuranceFund", "Exchange", "Liquidator", "Ledger"])
    amount = driver.rng.choice([1, 10**6, 10**12, 10**18])
    driver.call("attacker", token, TRANSFER, driver.rig.at[contract], amount)


@rule("settle")
def settle(driver: Driver) -> None:
    driver.call(driver.rng.choice(BOOK_ROLES), "Ledger", "settle(uint256)", any_account(driver))


@rule("accrue interest")
def accrue(driver: Driver) -> None:
    driver.call("keeper", "Vault", "accrue_interest()")


@rule("touch market")
def touch(driver: Driver) -> None:
    driver.call("keeper", "Instruments", "touch(uint256)", driver.rng.choice([*MARKETS, *MARKETS, 4]))


@rule("sweep fees")
def sweep(driver: Driver) -> None:
    driver.call("keeper", "Vault", "sweep_fees()")


# --- the book


def _order_terms(driver: Driver, account: int, market: int, is_bid: bool) -> tuple[int, int]:
    """A tick near the mark and lots that some leverage buys."""
    rng, spec = driver.rng, list(driver.rig.protocol.markets.values())[market - 1]
    mark = driver.state.markets[market].mark or 10**9
    offset = rng.choice([-0.01, -0.002, 0, 0, 0.002, 0.002, 0.01, 0.05]) * (1 if is_bid else -1)
    tick = max(1, round(mark * (1 + offset) / spec.tick))
    equity = max(driver.margin(driver.state, account).equity, 10**20) / WAD
    usd = min(equity, 60_000) * log_uniform(rng, 0.05, 12)
    lots = max(1, int(usd / (mark / NANO) * NANO / spec.lot))
    if rng.random() < 0.05:
        lots = rng.choice([1, 1, 2, 2**48 - 1])
    if rng.random() < 0.02:
        tick = rng.choice([1, 2**24 - 1])
    return tick, lots


def _expiry(driver: Driver) -> int:
    return driver.rng.choice([0, 0, 0, driver.state.time + driver.rng.randint(1, 300)])


@rule("place")
def place(driver: Driver) -> None:
    account = trading_account(driver)
    market = driver.rng.choice(MARKETS)
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
    account = driver.rng.choice([7, 7, 8])
    market = driver.rng.choice(MARKETS)
    spec = list(driver.rig.protocol.markets.values())[market - 1]
    mark = driver.state.markets[market].mark
    offset = driver.rng.choice([0.0005, 0.001, 0.004])
    lots = max(1, int(log_uniform(driver.rng, 10_000, 300_000) / (mark / NANO) * NANO / spec.lot))
    for is_bid in (True, False):
        tick = max(1, round(mark * (1 - offset if is_bid else 1 + offset) / spec.tick))
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
        for market in MARKETS
        for is_bid in (True, False)
        if (driver.state.markets[market].asks if is_bid else driver.state.markets[market].bids)
    ]
    if not accounts or not sides:
        quote(driver)
        return
    account = driver.rng.choice(accounts)
    market, is_bid = driver.rng.choice(sides)
    if driver.engines[account] == 2 and driver.state.account(account).positions:
        market = next(iter(driver.state.account(account).positions))
    spec = list(driver.rig.protocol.markets.values())[market - 1]
    margin = driver.margin(driver.state, account)
    mark = driver.state.markets[market].mark
    ratio = driver.parameters.risks[1][market].initial / 10_000
    free = max(margin.equity - margin.initial, 0) / WAD
    usd = free / ratio * driver.rng.choice([0.2, 0.5, 0.9, 0.97, 1.05])
    lots = max(1, int(usd / (mark / NANO) * NANO / spec.lot))
    tick = max(1, round(mark * (1.1 if is_bid else 0.9) / spec.tick))
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
    account = driver.rng.randint(1, driver.state.account_count)
    driver.call(driver.caller_for(account), "Exchange", "cancel_all(uint256)", account)


@rule("purge")
def purge(driver: Driver) -> None:
    ids = [_any_order(driver) for _ in range(driver.rng.randint(0, 8))]
    driver.call("attacker", "Exchange", "purge(uint256[])", ids)


# --- the oracle


def signed_price(driver: Driver, feed: int, spot: int, mark: int, confidence: int, age: int) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """An update and its signatures by two of the three signers."""
    update = (feed, spot, mark, confidence, driver.rig.time - age, driver.rig.time + 3_600)
    signatures = list(driver.rig.signer.sign(*update))
    signatures.pop(driver.rng.randrange(3))
    return update, [(int(r), int(vs)) for r, vs in signatures]


UPDATE = "update((uint256,uint256,uint256,uint256,uint256,uint256),(uint256,uint256)[])"
UPDATE_MANY = "update_many((uint256,uint256,uint256,uint256,uint256,uint256)[],(uint256,uint256)[][])"


def send_prices(driver: Driver, feeds: tuple[int, ...]) -> None:
    """One batch of the prices as they stand."""
    signed = [signed_price(driver, feed, *driver.prices[feed], 10_000, 0) for feed in feeds]
    driver.call("relayer", "Oracle", UPDATE_MANY, [row[0] for row in signed], [row[1] for row in signed])


def _send_price(driver: Driver, feed: int, confidence: int = 10_000, age: int = 0) -> None:
    update, signatures = signed_price(driver, feed, *driver.prices[feed], confidence, age)
    if driver.call("relayer", "Oracle", UPDATE, update, signatures).ok:
        driver.last_update = (update, signatures)


def _tick_time(driver: Driver) -> None:
    """Prices are monotone in time: a second price of the same second would change nothing."""
    driver.advance(driver.rng.randint(1, 12))


def _move(driver: Driver, feed: int, factor: float) -> None:
    spot = min(max(int(driver.prices[feed][0] * factor), 10**6), 10**16)
    mark = int(spot * (1 + driver.rng.choice([0, 0, 0, -0.002, 0.002, 0.01, -0.01])))
    driver.prices[feed] = (spot, mark)


@rule("price drifts")
def drift(driver: Driver) -> None:
    feed = driver.rng.choice([1, 2, 3, 4])
    _move(driver, feed, 1 + driver.rng.gauss(0, 0.01))
    _tick_time(driver)
    _send_price(driver, feed)


@rule("price jumps")
def jump(driver: Driver) -> None:
    feed = driver.rng.choice([1, 1, 2, 3])
    base = PRICES[feed]
    level = driver.prices[feed][0] / base
    size = driver.rng.choice([0.02, 0.04, 0.06, 0.06, 0.08, 0.1, 0.15, 0.4])
    up = driver.rng.random() < (0.8 if level < 0.3 else 0.2 if level > 3 else 0.5)
    _move(driver, feed, 1 + size if up else 1 / (1 + size))
    _tick_time(driver)
    _send_price(driver, feed)


@rule("prices refreshed")
def refresh_prices(driver: Driver) -> None:
    _tick_time(driver)
    send_prices(driver, FEEDS)


@rule("cash token depegs")
def depeg(driver: Driver) -> None:
    price = int(NANO * driver.rng.choice([0.9, 0.97, 0.985, 1, 1, 1, 1.01]))
    driver.prices[USD_FEED] = (price, price)
    _tick_time(driver)
    _send_price(driver, USD_FEED)


@rule("price of low confidence")
def low_confidence(driver: Driver) -> None:
    _tick_time(driver)
    _send_price(driver, driver.rng.choice(FEEDS), confidence=driver.rng.choice([0, 1_000, 4_999, 5_000, 7_000]))


@rule("mark out of bound")
def wild_mark(driver: Driver) -> None:
    feed = driver.rng.choice([1, 2, 3])
    spot, mark = driver.prices[feed]
    driver.prices[feed] = spot, int(spot * driver.rng.choice([0.5, 0.9, 1.1, 2]))
    _tick_time(driver)
    _send_price(driver, feed)
    driver.prices[feed] = spot, mark


@rule("old price")
def old_price(driver: Driver) -> None:
    _tick_time(driver)
    _send_price(driver, driver.rng.choice(FEEDS), age=driver.rng.choice([1, 10, 3_599, 4_000]))


# --- the fund

FUND_ARGUMENTS = "(uint256,address)"


@rule("fund deposit")
def fund_deposit(driver: Driver) -> None:
    role = driver.rng.choice(HOLDERS)
    amount = driver.rng.choice([1, 1_000, token_amount(driver, 0, log_uniform(driver.rng, 10, 5_000))])
    name = driver.rng.choice(["deposit", "deposit", "mint"])
    if name == "mint":
        amount *= driver.rng.choice([1, 10**6])
    driver.call(role, "InsuranceFund", name + FUND_ARGUMENTS, amount, driver.rig.roles[role])


def _leave(driver: Driver, name: str) -> None:
    place = driver.rng.randrange(len(HOLDERS))
    role, shares = HOLDERS[place], driver.state.share_balances[place]
    amount = int(shares * driver.rng.choice([0.05, 0.5, 1]))
    amount = driver.rng.choice([amount, amount, shares, shares + 1])
    if name == "withdraw":
        amount = amount * driver.state.share_value // 10**12
    address = driver.rig.roles[role]
    driver.call(role, "InsuranceFund", name + "(uint256,address,address)", amount, address, address)


@rule("fund withdraw")
def fund_withdraw(driver: Driver) -> None:
    _leave(driver, "withdraw")


@rule("fund redeem")
def fund_redeem(driver: Driver) -> None:
    _leave(driver, "redeem")
