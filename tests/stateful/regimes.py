# SPDX-License-Identifier: Apache-2.0
"""How often which rule is drawn: several regimes, so that rare paths are really reached."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.stateful import (
    actions,
    attackers,
    coins,
    control,
    credit,
    engines,
    margin_calls,
    prices,
    series,
    trading,
    waterfall,
)
from tests.stateful.actions import PRICES, RULES, log_uniform, setup_account, token_amount
from tests.stateful.driver import DELEVERAGE, INSOLVENT, SOLVENT, Driver
from tests.stateful.invariants import Checker
from tests.stateful.margins import CROSS, ENGINES
from tests.stateful.prices import send_prices
from tests.stateful.rig import TRADERS, Rig
from tests.stateful.world_state import ATTACKER, FEEDS, KEEPER, RIVAL

__all__ = ["REGIMES", "RULES", "begin", "open_protocol", "play", "wait"]

_REGISTERED = (
    actions,
    trading,
    prices,
    series,
    coins,
    engines,
    credit,
    waterfall,
    margin_calls,
    control,
    attackers,
)

BASE = dict.fromkeys(RULES, 1.0)
TRADING = {
    "place": 12,
    "quote": 16,
    "take": 14,
    "reduce": 5,
    "replace": 5,
    "cancel": 3,
    "cancel all": 1,
    "purge": 2,
    "deposit cash": 2,
    "deposit collateral": 3,
    "withdraw cash": 4,
    "withdraw collateral": 2,
    "transfer cash": 2,
    "settle": 3,
    "price drifts": 6,
    "price jumps": 2,
    "prices refreshed": 3,
    "surface": 3,
    "board": 3,
    "series refreshed": 3,
    "expiry comes": 0.6,
    "finalise": 1.5,
    "settle expired": 3,
    "purge expired": 0.7,
    "settle in coin": 4,
    "loss in coin": 2,
    "close coin debt": 1.5,
    "review": 1.5,
}
RARE = {
    "series opens or closes": 0.5,
    "pause": 0.3,
    "unpause": 1.5,
    "open interest cap changes": 0.4,
    "market opens or closes": 0.7,
    "stable feed changes": 0.4,
    "cash token depegs": 0.5,
    "price of low confidence": 0.4,
    "mark out of bound": 0.4,
    "old price": 0.4,
    "feed changes": 0.3,
    "risk changes": 0.4,
    "contingency changes": 0.3,
    "collateral changes": 0.4,
    "interest changes": 0.4,
    "auction parameters change": 0.3,
    "remind": 0.2,
    "escalate": 0.4,
    "cure": 0.4,
    "early auction": 0.4,
    "recovery": 0.2,
    "solvent again": 0.3,
}
CRASH = {
    "price jumps": 12,
    "price drifts": 4,
    "prices refreshed": 6,
    "call margin": 2,
    "start": 4,
    "start for a reward": 4,
    "bid": 12,
    "bid on an insolvent account": 9,
    "mark insolvent": 1.5,
    "mark for deleveraging": 3,
    "deleverage": 6,
    "bid on what deleveraging left": 3,
    "write off": 3,
    "stop": 1.5,
    "refresh": 1,
    "rescue": 1,
    "restart": 0.7,
    "take": 10,
    "quote": 10,
    "withdraw cash": 5,
}
NO_BIDS = {"bid": 0.5, "bid on an insolvent account": 0.6, "rescue": 0.2, "restart": 0.5}

REGIMES: Mapping[str, tuple[Mapping[str, float], float]] = {
    "trading": ({**BASE, **RARE, **TRADING}, 20_000.0),
    "crash": ({**BASE, **RARE, **TRADING, **CRASH}, 5_000.0),
    "no keepers": ({**BASE, **RARE, **TRADING, **CRASH, **NO_BIDS}, 0.0),
    "poor fund": ({**BASE, **RARE, **TRADING, **CRASH, **NO_BIDS}, 50.0),
    "anything": (BASE, 500.0),
}
"""Weights of the rules and the fund that the run begins with, USD."""


def open_protocol(driver: Driver, fund_usd: float) -> None:
    """Prices, accounts of every kind and a fund."""
    driver.prices = {feed: (price, price) for feed, price in PRICES.items()}
    send_prices(driver, FEEDS)
    series.refresh_series(driver)
    for i, role in enumerate(TRADERS):
        setup_account(driver, role, ENGINES[i], log_uniform(driver.rng, 300, 30_000), i % 4)
    for number, role, usd in ((KEEPER, "keeper", 3_000_000), (RIVAL, "rival", 200_000)):
        assert setup_account(driver, role, CROSS, usd) == number
    assert setup_account(driver, "attacker", CROSS, 5_000) == ATTACKER
    credit.open_desk(driver)
    if fund_usd:
        amount = token_amount(driver, 0, fund_usd)
        driver.call(
            "depositor",
            "InsuranceFund",
            "deposit(uint256,address)",
            amount,
            driver.rig.roles["depositor"],
        )


def begin(rng: Random, regime: str, rig: Rig | None = None) -> tuple[Driver, Checker]:
    """A fresh protocol with accounts and money in it, watched from its first call."""
    driver = Driver(rng, rig=rig)
    checker = Checker().watch(driver)
    open_protocol(driver, REGIMES[regime][1])
    return driver, checker


def wait(driver: Driver) -> None:
    """Time passes, mostly seconds, now and then longer than a heartbeat or an auction."""
    draw = driver.rng.random()
    if draw < 0.25:
        driver.advance(driver.rng.randint(1, 30))
    elif draw < 0.29:
        driver.advance(driver.rng.randint(60, 1_500))
    elif draw < 0.297:
        driver.advance(driver.rng.randint(3_000, 100_000))
        if driver.rng.random() < 0.7:
            driver.rule = "prices refreshed"
            RULES["prices refreshed"](driver)
            series.refresh_series(driver)


NEEDS: Mapping[str, int] = {
    "mark insolvent": SOLVENT,
    "rescue": SOLVENT | INSOLVENT,
    "recovery": INSOLVENT | DELEVERAGE,
    "solvent again": INSOLVENT | DELEVERAGE,
    "bid on an insolvent account": INSOLVENT,
    "mark for deleveraging": INSOLVENT,
    "deleverage": DELEVERAGE,
    "bid on what deleveraging left": DELEVERAGE,
    "write off": INSOLVENT | DELEVERAGE,
    "stop": SOLVENT | INSOLVENT | DELEVERAGE,
    "refresh": INSOLVENT | DELEVERAGE,
}
"""Phases of an auction that a rule is about: without one it is tried now and then, to be refused."""


def play(driver: Driver, regime: str, calls: int) -> None:
    """Draws rules until so many calls have been made."""
    weights = REGIMES[regime][0]
    names = list(weights)
    tables: dict[int, list[float]] = {}
    last = driver.rig.calls + calls
    while driver.rig.calls < last:
        wait(driver)
        phases = 0
        for auction in driver.auctions.values():
            phases |= auction.phase
        odds = tables.get(phases)
        if odds is None:
            odds = tables[phases] = [
                weights[name] * (1.0 if name not in NEEDS else 3.0 if NEEDS[name] & phases else 0.15)
                for name in names
            ]
        driver.rule = driver.rng.choices(names, odds)[0]
        RULES[driver.rule](driver)
