# SPDX-License-Identifier: Apache-2.0
"""What people do with accounts, money and the fund; the registry of rules, each a function of a driver.

Most arguments are drawn to be plausible, so that calls succeed, some at the edge of what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.stateful.driver import Driver
from tests.stateful.margins import ENGINES
from tests.stateful.rig import TRADERS
from tests.stateful.world_state import ACCOUNTS, ASSETS, HOLDERS, MARKETS

__all__ = [
    "NANO",
    "PRICES",
    "RULES",
    "WAD",
    "any_account",
    "log_uniform",
    "price_of",
    "rule",
    "setup_account",
    "token_amount",
    "trading_account",
]

Rule = Callable[[Driver], None]
RULES: dict[str, Rule] = {}

NANO = 10**9
WAD = 10**18
PRICES = {1: 2_000 * NANO, 2: 30_000 * NANO, 3: 50 * NANO, 4: 11 * NANO // 10, 5: NANO}
BOOK_ROLES = (*TRADERS, "keeper", "rival", "attacker")
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
        account = driver.rng.choice(driver.owned())
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


# --- accounts and money


@rule("create account")
def create_account(driver: Driver) -> None:
    if driver.state.account_count >= ACCOUNTS:
        deposit_cash(driver)
        return
    engine = driver.rng.choice([*ENGINES, 9] if driver.rng.random() < 0.2 else ENGINES)
    driver.call(driver.rng.choice(BOOK_ROLES), "Vault", "create_account(uint256)", engine)


@rule("delegate")
def delegate(driver: Driver) -> None:
    account = driver.rng.choice(driver.owned())
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
        driver.owner(account),
        "Vault",
        "deposit(uint256,uint256,uint256)",
        account,
        0,
        amount,
    )


@rule("deposit collateral")
def deposit_collateral(driver: Driver) -> None:
    account = any_account(driver)
    asset = driver.rng.choice([*ASSETS, *ASSETS, *ASSETS, 4])
    amount = token_amount(driver, min(asset, 3), log_uniform(driver.rng, 10, 10_000))
    if driver.rng.random() < 0.1:
        amount = driver.rng.choice([1, 2, 7, 10**30])
    driver.call(
        driver.owner(account),
        "Vault",
        "deposit(uint256,uint256,uint256)",
        account,
        asset,
        amount,
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
    driver.call("keeper", "Instruments", "touch(uint256)", driver.rng.choice([*MARKETS, *MARKETS, 4, 384]))


@rule("sweep fees")
def sweep(driver: Driver) -> None:
    driver.call("keeper", "Vault", "sweep_fees()")


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
