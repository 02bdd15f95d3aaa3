# SPDX-License-Identifier: Apache-2.0
"""Inverse perpetuals: settlement in coin, losses that are owed in a coin that nobody holds, their end."""

from __future__ import annotations

from tests.stateful.actions import NANO, PRICES, WAD, any_account, rule
from tests.stateful.driver import Driver
from tests.stateful.prices import send_prices
from tests.stateful.rig import TRADERS
from tests.stateful.trading import PLACE
from tests.stateful.waterfall import START
from tests.stateful.world_state import COINS, FEEDS, INVERSE, KEEPER, RIVAL, Position

__all__: list[str] = []

SETTLE = "settle(uint256,uint256)"
CLOSE_DEBT = "close_debt(uint256,uint256,uint256)"
NOTHING = Position(0, 0, 0, 0, 0)
POST_ONLY, IMMEDIATE = 1, 2


@rule("settle in coin")
def settle(driver: Driver) -> None:
    """Anybody settles anybody; losers who hold the coin before winners, often."""
    found = [
        (number, market)
        for number, account in enumerate(driver.state.accounts, 1)
        for market, position in account.positions.items()
        if market in INVERSE and (position.size or position.coin)
    ]
    able = [
        (number, market)
        for number, market in found
        if driver.state.account(number).units[COINS[market] - 1] or driver.state.pools[market]
    ]
    account, market = driver.rng.choice(able or found or [(any_account(driver), driver.rng.choice(INVERSE))])
    if driver.rng.random() < 0.05:
        account, market = any_account(driver), driver.rng.choice([1, 128, 130, 256])
    driver.call("attacker", "CoinPool", SETTLE, account, market)


@rule("loss in coin")
def lose(driver: Driver) -> None:
    """Somebody buys dear of two makers and sells cheap to them; without the coin he takes out what he may."""
    rng = driver.rng
    market = rng.choice(INVERSE)
    able = [
        number
        for number, role in driver.owners.items()
        if role in TRADERS and not driver.state.account(number).liquidating
    ]
    poor = [number for number in able if not driver.state.account(number).units[COINS[market] - 1]]
    if not able:
        return
    account = rng.choice(poor if poor and rng.random() < 0.7 else able)
    tick, lot = driver.rig.sizes[market]
    mark = driver.state.markets[market].mark
    margin = driver.margin(driver.state, account)
    usd = max(margin.equity - margin.initial, 0) // WAD * 5
    lots = min(usd, 200_000) * NANO // lot // 2
    if lots == 0:
        return
    for is_bid, factor in ((True, 1.02), (False, 0.98)):
        at = max(1, round(mark * factor / tick))
        for maker in (KEEPER, RIVAL):
            resting = (maker, market, not is_bid, at, lots, POST_ONLY, 0, 0)
            driver.call(driver.owner(maker), "Exchange", PLACE, *resting)
        taking = (account, market, is_bid, at, 2 * lots, IMMEDIATE, 0, 64)
        driver.call(driver.owner(account), "Exchange", PLACE, *taking)
    if account not in poor:
        driver.call("attacker", "CoinPool", SETTLE, account, market)
        return
    margin = driver.margin(driver.state, account)
    units = max(margin.equity - margin.initial, 0) // driver.scale
    if units and rng.random() < 0.8:
        role = driver.owner(account)
        withdraw = "withdraw(uint256,uint256,uint256,address)"
        driver.call(role, "Vault", withdraw, account, 0, units, driver.rig.roles[role])


def _debtors(driver: Driver) -> list[tuple[int, int]]:
    """Accounts in liquidation that owe coin and have neither contracts nor the coin."""
    return [
        (number, market)
        for number, account in enumerate(driver.state.accounts, 1)
        for market, position in account.positions.items()
        if market in INVERSE
        and account.liquidating
        and position.size == 0
        and position.coin < 0
        and not account.units[COINS[market] - 1]
    ]


@rule("close coin debt")
def close_debt(driver: Driver) -> None:
    """Where nobody owes coin in an auction yet, the coin gets dearer for whoever owes it."""
    rng = driver.rng
    if not _debtors(driver) and rng.random() < 0.6:
        _ruin(driver)
    found = _debtors(driver)
    if not found:
        return
    debtor, market = rng.choice(found)
    claims = [
        number
        for number, account in enumerate(driver.state.accounts, 1)
        if number != debtor and _claim(driver, account.positions.get(market, NOTHING), market) > 0
    ]
    creditor = rng.choice(claims) if claims and rng.random() < 0.9 else any_account(driver)
    driver.call("attacker", "CoinPool", CLOSE_DEBT, debtor, creditor, market)


def _claim(driver: Driver, position: Position, market: int) -> int:
    """About what the position has won, nano coin."""
    mark = driver.state.markets[market].mark or 1
    return position.coin - position.size * NANO // mark


def _ruin(driver: Driver) -> None:
    """The price of a coin that somebody owes goes up until he is below maintenance margin."""
    owing = [
        (number, market)
        for number, account in enumerate(driver.state.accounts, 1)
        for market, position in account.positions.items()
        if market in INVERSE and position.size == 0 and position.coin < 0 and not account.liquidating
    ]
    if not owing:
        return
    account, market = driver.rng.choice(owing)
    feed = COINS[market]
    spot = driver.prices[feed][0]
    for _ in range(3):
        spot = min(spot * 11 // 10, 4 * PRICES[feed])
        driver.prices[feed] = (spot, spot)
        driver.advance(1)
        send_prices(driver, FEEDS)
        margin = driver.margin(driver.state, account)
        if margin.equity < margin.maintenance:
            break
    driver.call("keeper", "Liquidator", START, account)
