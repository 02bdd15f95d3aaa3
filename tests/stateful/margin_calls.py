# SPDX-License-Identifier: Apache-2.0
"""What keepers and owners do with the clocks of margin calls."""

from __future__ import annotations

from tests.stateful.actions import RULES, any_account, rule, token_amount
from tests.stateful.control import PARAMETERS
from tests.stateful.driver import ESCALATED, HALF_TIME, NOTICE, Driver
from tests.stateful.waterfall import START_FOR, below
from tests.stateful.world_state import KEEPER, RIVAL

__all__: list[str] = []

WAD = 10**18
CALL, ESCALATE, CURE = "call_margin(uint256)", "escalate(uint256)", "cure(uint256)"
BUFFER, EARLY = 5, 12
"""Places in ILiquidator.Parameters."""


def _pressed(driver: Driver) -> int:
    """An account below initial margin; where there is none an owner first takes out all that may go."""
    account = below(driver, False)
    for _ in range(3):
        if account not in driver.owners:
            break
        free = -driver.margin(driver.state, account).shortfall
        if free < 0:
            break
        if driver.state.account(account).positions:
            units = max(min(free, driver.state.account(account).cash), 0) // driver.scale
            withdraw = "withdraw(uint256,uint256,uint256,address)"
            owner = driver.owners[account]
            driver.call(owner, "Vault", withdraw, account, 0, units, driver.rig.roles[owner])
            RULES["price drifts"](driver)
        else:
            account = any_account(driver)
    return account


def _called(driver: Driver, *stages: int) -> int:
    """An account with a call in force in one of the stages, or one that is called now; sometimes any."""
    now = driver.rig.time
    found = [number for number, call in driver.calls.items() if call.stage in stages and now < call.lapses]
    if driver.rng.random() < 0.05:
        return any_account(driver)
    if found:
        return driver.rng.choice(sorted(found))
    RULES["prices refreshed"](driver)
    account = _pressed(driver)
    driver.call("keeper", "Liquidator", CALL, account)
    return account


def _wait(driver: Driver, until: int) -> None:
    """Nobody answers; prices are fresh again afterwards."""
    if until > driver.rig.time:
        driver.advance(until - driver.rig.time)
        RULES["prices refreshed"](driver)
        RULES["series refreshed"](driver)


@rule("call margin")
def call_margin(driver: Driver) -> None:
    driver.call("keeper", "Liquidator", CALL, _pressed(driver))


@rule("remind")
def remind(driver: Driver) -> None:
    account = _called(driver, NOTICE)
    call = driver.calls.get(account)
    if call is not None:
        _wait(driver, (call.called + call.deadline) // 2 - (driver.rng.random() < 0.1))
    driver.call("rival", "Liquidator", CALL, account)


def _escalate(driver: Driver) -> int:
    """Mostly when the grace is over; sometimes a second early, or when the window is over as well."""
    account = _called(driver, NOTICE, HALF_TIME)
    call = driver.calls.get(account)
    if call is not None:
        _wait(driver, driver.rng.choice([*[call.deadline] * 8, call.deadline - 1, call.lapses]))
    driver.call("keeper", "Liquidator", ESCALATE, account)
    return account


@rule("escalate")
def escalate(driver: Driver) -> None:
    _escalate(driver)


@rule("cure")
def cure(driver: Driver) -> None:
    """The owner may top up before; whoever calls need not be the owner."""
    account = _called(driver, NOTICE, HALF_TIME, ESCALATED)
    if account in driver.owners and driver.rng.random() < 0.6:
        missing = max(driver.margin(driver.state, account).shortfall, 0) / WAD
        units = token_amount(driver, 0, min(1.01 * missing, 10**6)) + 1
        deposit = "deposit(uint256,uint256,uint256)"
        driver.call(driver.owners[account], "Vault", deposit, account, 0, units)
    driver.call("rival", "Liquidator", CURE, account)


@rule("early auction")
def early_auction(driver: Driver) -> None:
    """An escalated account is put up for auction; for a while the largest buffer may be in force."""
    account = _called(driver, ESCALATED)
    call = driver.calls.get(account)
    if call is not None and call.stage != ESCALATED:
        account = _escalate(driver)
    old = driver.parameters.liquidation
    if driver.rng.random() < 0.5:
        driver.call("owner", "Liquidator", PARAMETERS, (*old[:BUFFER], WAD, *old[BUFFER + 1 : EARLY], 1))
    driver.call("keeper", "Liquidator", START_FOR, account, driver.rng.choice([KEEPER, RIVAL]))
    driver.call("owner", "Liquidator", PARAMETERS, old)
