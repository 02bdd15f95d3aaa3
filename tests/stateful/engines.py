# SPDX-License-Identifier: Apache-2.0
"""Margin engines of accounts: changes after a delay, scales of dynamic margin."""

from __future__ import annotations

from tests.stateful.actions import rule
from tests.stateful.driver import Driver
from tests.stateful.margins import ENGINES
from tests.stateful.prices import refresh_prices
from tests.stateful.series import refresh_series

__all__: list[str] = []


@rule("engine request")
def request(driver: Driver) -> None:
    account = driver.rng.choice(driver.owned())
    engine = driver.rng.choice([*ENGINES, *ENGINES, 0, 9])
    driver.call(driver.owner(account), "EngineSwitch", "request(uint256,uint256)", account, engine)


@rule("engine change")
def change(driver: Driver) -> None:
    """Mostly of a request, mostly when it is due."""
    rng = driver.rng
    if not driver.requests:
        request(driver)
    account = rng.choice(sorted(driver.requests) or driver.owned())
    due = driver.rig.view("EngineSwitch", "pending(uint256)", account).word(1)
    if rng.random() < 0.7 and due > driver.rig.time:
        driver.advance(due - driver.rig.time + rng.choice([-1, 0, 0, 0, 5]))
        refresh_prices(driver)
        refresh_series(driver)
    driver.call(driver.owner(account), "EngineSwitch", "change(uint256)", account)


@rule("scales refreshed")
def refresh_scales(driver: Driver) -> None:
    feeds = driver.rng.sample([1, 2, 3, 4], driver.rng.randint(1, 4))
    if driver.rng.random() < 0.05:
        feeds.append(driver.rng.choice([0, 5, 255, 256]))
    driver.call("attacker", "DynamicMargin", "refresh(uint256[])", feeds)
