# SPDX-License-Identifier: Apache-2.0
"""The credit desk: lenders come and go, lines are granted, reviewed, called in and declared in default."""

from __future__ import annotations

from tests.stateful.actions import any_account, log_uniform, rule, token_amount
from tests.stateful.driver import Driver
from tests.stateful.prices import refresh_prices
from tests.stateful.world_state import LENDERS, TRANCHES

__all__ = ["open_desk"]

DAY = 86_400
NOTICE, HALF_TIME = 2, 4
DEPOSIT, REDEEM = "deposit(uint256,uint256,address)", "redeem(uint256,uint256,address)"
GRANT = "grant(uint256,uint256,uint256)"
DELEGATE = "set_delegate(uint256,address,bool)"


def open_desk(driver: Driver) -> None:
    """Money in both tranches, and a line for the accounts that are under the credit engine."""
    for tranche, usd in zip(TRANCHES, (4_000, 8_000), strict=True):
        _lend(driver, driver.rng.choice(LENDERS), tranche, token_amount(driver, 0, usd))
    for account in driver.credit_accounts():
        _consent(driver, account, True)
        margin = driver.margin(driver.state, account)
        amount = min(margin.equity // driver.scale, token_amount(driver, 0, 5_000))
        driver.call("owner", "CreditDesk", GRANT, account, max(amount, 1), driver.rig.time + 30 * DAY)


def _lend(driver: Driver, role: str, tranche: int, amount: int) -> None:
    driver.call(role, "CreditDesk", DEPOSIT, tranche, amount, driver.rig.roles[role])


def _consent(driver: Driver, account: int, allowed: bool) -> None:
    driver.call(driver.owner(account), "Vault", DELEGATE, account, driver.rig.at["CreditDesk"], allowed)


@rule("lend")
def lend(driver: Driver) -> None:
    rng = driver.rng
    tranche = rng.choice([1, 1, 2, 2, 2, 3]) if rng.random() < 0.2 else rng.choice(TRANCHES)
    amount = (
        rng.choice([0, 1, 1_000])
        if rng.random() < 0.1
        else token_amount(driver, 0, log_uniform(rng, 50, 9_000))
    )
    _lend(driver, rng.choice(LENDERS), tranche, amount)


@rule("redeem")
def redeem(driver: Driver) -> None:
    rng = driver.rng
    tranche = rng.choice(TRANCHES)
    place = rng.randrange(len(LENDERS))
    held = driver.state.desk.shares[tranche - 1][place]
    shares = rng.choice([held, held + 1, int(held * rng.choice([0.05, 0.3, 0.8]))])
    role = LENDERS[place]
    driver.call(role, "CreditDesk", REDEEM, tranche, shares, driver.rig.roles[role])


@rule("consent")
def consent(driver: Driver) -> None:
    _consent(driver, driver.rng.choice(driver.credit_accounts() or driver.owned()), driver.rng.random() < 0.8)


@rule("grant")
def grant(driver: Driver) -> None:
    """Often raised to what the margin of the account can use; lowered; ended."""
    rng = driver.rng
    account = rng.choice(driver.credit_accounts() or driver.owned())
    if rng.random() < 0.05:
        account = any_account(driver)
    elif rng.random() < 0.5 and not driver.state.desk.lines[account - 1].committed:
        _consent(driver, account, True)
    line = driver.state.desk.lines[account - 1] if account <= len(driver.state.desk.lines) else None
    free = sum(driver.state.desk.assets) - driver.state.desk.committed
    amount = int(max(free, 0) * rng.choice([0.1, 0.5, 0.5, 0.9, 1, 1.01]))
    if line is not None and line.committed and rng.random() < 0.5:
        amount = int(line.committed * rng.choice([0, 0.5, 0.9, 1, 1.1]))
    term = driver.rig.time + rng.choice([0, 60, 3_600, DAY, 30 * DAY, 30 * DAY, 180 * DAY, 181 * DAY])
    driver.call("owner", "CreditDesk", GRANT, account, amount, term)


def _line(driver: Driver, *stages: int) -> int:
    """An account with a line in one of the stages, with any line, or any at all."""
    lines = driver.lines()
    found = [number for number in lines if driver.state.desk.lines[number - 1].stage in stages]
    return driver.rng.choice(found or lines or [any_account(driver)])


@rule("review")
def review(driver: Driver) -> None:
    """Of a line that is called twice as often as of one that is not."""
    account = _line(driver, *driver.rng.choice([(1, 8), (NOTICE, HALF_TIME)]))
    if driver.rng.random() < 0.1:
        driver.advance(driver.rng.choice([600, DAY, 31 * DAY]))
        refresh_prices(driver)
    driver.call("attacker", "CreditDesk", "review(uint256)", account)


@rule("default")
def default(driver: Driver) -> None:
    """Mostly once the grace is over; a line that is past its limit is called first."""
    account = _line(driver, NOTICE, HALF_TIME)
    if account <= len(driver.state.desk.lines):
        line = driver.state.desk.lines[account - 1]
        if line.committed and line.stage not in (NOTICE, HALF_TIME):
            driver.call("attacker", "CreditDesk", "review(uint256)", account)
            line = driver.state.desk.lines[account - 1]
        if line.called and driver.rng.random() < 0.8:
            (*_, grace, _, _) = driver.rig.deployed.desk
            driver.advance(max(line.called + grace - driver.rig.time, 0))
            refresh_prices(driver)
    driver.call("attacker", "CreditDesk", "declare_default(uint256)", account)
