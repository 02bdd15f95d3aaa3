# SPDX-License-Identifier: Apache-2.0
"""What the owner and the guardian do."""

from __future__ import annotations

from tests.stateful.actions import rule
from tests.stateful.driver import Driver
from tests.stateful.rig import USD_FEED
from tests.stateful.world_state import ASSETS, FEEDS, PERPETUALS

__all__ = ["CONTINGENCY", "FEED", "PARAMETERS", "RISK"]

WAD = 10**18
PAUSES = {"Vault": (1, 2, 16), "Ledger": (4,), "Exchange": (4, 8), "InsuranceFund": (32,)}
RISK = "set_markets(uint256[],(uint256,uint256,uint256,uint256,uint256,uint256)[])"
CONTINGENCY = "set_contingency((uint256,uint256,uint256,uint256))"
PARAMETERS = f"set_parameters(({','.join(['uint256'] * 12)},bool))"
FEED = "set_feed(uint256,(uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256))"


# --- guardian and owner


@rule("pause")
def pause(driver: Driver) -> None:
    contract = driver.rng.choice(sorted(PAUSES))
    bit = driver.rng.choice(PAUSES[contract])
    driver.call(driver.rng.choice(["guardian", "owner"]), contract, "pause(uint256)", bit)


@rule("unpause")
def unpause(driver: Driver) -> None:
    found = [
        (contract, bit)
        for contract, bits in sorted(driver.parameters.paused.items())
        for bit in (1, 2, 4, 8, 16, 32)
        if bits & bit
    ]
    contract, bit = driver.rng.choice(found) if found else ("Vault", 1)
    driver.call("owner", contract, "unpause(uint256)", bit)


@rule("fees change")
def set_fees(driver: Driver) -> None:
    fees = driver.rng.choice([(0, 0), (2, 5), (2, 5), (10, 30), (100, 100), (101, 0)])
    driver.call("owner", "Exchange", "set_fees(uint256,uint256)", *fees)


@rule("interest changes")
def set_interest(driver: Driver) -> None:
    rng = driver.rng
    rates = tuple(rng.choice([0, 2 * WAD // 100, WAD // 2, 4 * WAD]) for _ in range(3))
    optimal, fee = rng.choice([0, WAD // 2, WAD]), rng.choice([0, WAD // 5, WAD])
    driver.call(
        "owner", "Vault", "set_interest(uint256,uint256,uint256,uint256,uint256)", *rates, optimal, fee
    )


@rule("collateral changes")
def set_collateral(driver: Driver) -> None:
    asset = driver.rng.choice(ASSETS)
    haircuts = driver.rng.choice([(1_000, 2_000), (1_000, 2_000), (300, 500), (0, 0), (5_000, 10_000)])
    cap = driver.rng.choice([10**24, 10**24, 2**128 - 1, 0])
    driver.call(
        "owner",
        "Vault",
        "set_collateral(uint256,uint256,uint256,uint256,uint256)",
        asset,
        driver.parameters.collateral_feeds[asset],
        *haircuts,
        cap,
    )


@rule("stable feed changes")
def set_stable_feed(driver: Driver) -> None:
    driver.call("owner", "Vault", "set_stable_feed(uint256)", driver.rng.choice([0, 0, USD_FEED]))


@rule("risk changes")
def set_risk(driver: Driver) -> None:
    market = driver.rng.choice(PERPETUALS)
    initial, maintenance = driver.rng.choice(
        [(1_000, 500), (1_000, 500), (800, 400), (2_000, 1_000), (400, 390)]
    )
    risk = (initial, maintenance, 15_000, 25_000, 1_000_000, 2_000_000)
    if driver.rng.random() < 0.1:
        risk = (500, 600, 15_000, 25_000, 1_000_000, 2_000_000)
    engine = driver.rng.choice(["CrossMargin", "IsolatedMargin"])
    driver.call("owner", engine, RISK, [market], [risk])


@rule("contingency changes")
def set_contingency(driver: Driver) -> None:
    usual, strict = (5 * 10**7, 10_000, 990_000_000, 10_000), (9 * 10**7, 5_000, 10**9, 20_000)
    contingency = driver.rng.choice([usual, strict])
    engine = driver.rng.choice(["CrossMargin", "IsolatedMargin"])
    driver.call("owner", engine, CONTINGENCY, contingency)


@rule("funding changes")
def set_funding(driver: Driver) -> None:
    most = driver.rng.choice([0, 10**15, 75 * 10**14, 2 * 10**16])
    static = driver.rng.choice([0, most, -most, most // 3])
    hours = driver.rng.choice([1, 8, 168])
    driver.call(
        "owner",
        "Instruments",
        "set_funding(uint256,uint256,int256,uint256)",
        driver.rng.choice(PERPETUALS),
        hours,
        static,
        most,
    )


@rule("open interest cap changes")
def set_cap(driver: Driver) -> None:
    market = driver.rng.choice(PERPETUALS)
    cap = driver.rng.choice([10**15, 10**15, 10**13, driver.state.markets[market].open_interest])
    driver.call("owner", "Instruments", "set_open_interest_cap(uint256,uint256)", market, cap)


@rule("market opens or closes")
def set_active(driver: Driver) -> None:
    closed = [market for market in PERPETUALS if not driver.parameters.active[market]]
    market, active = (
        (closed[0], True) if closed else (driver.rng.choice(PERPETUALS), driver.rng.random() < 0.6)
    )
    driver.call("owner", "Instruments", "set_active(uint256,bool)", market, active)


@rule("auction parameters change")
def set_parameters(driver: Driver) -> None:
    rng = driver.rng
    start = rng.choice([95, 100, 80]) * WAD // 100
    parameters = (
        start,
        rng.choice([start, 70 * WAD // 100]),
        rng.choice([0, 300, 900]),
        rng.choice([600, 900, 3_600]),
        rng.choice([600, 1, 3_600]),
        rng.choice([1, 15, 50]) * WAD // 100,
        rng.choice([0, 5, 10]) * WAD // 100,
        rng.choice([0, 100, 10_000]) * WAD,
        rng.choice([0, WAD // 200]),
        100 * WAD,
        rng.choice([600, 3_600]),
        rng.choice([0, 600, 7_200, 86_400]),
        rng.choice([0, 1, 1]),
    )
    if rng.random() < 0.1:
        parameters = (0, *parameters[1:])
    driver.call("owner", "Liquidator", PARAMETERS, parameters)


@rule("feed changes")
def set_feed(driver: Driver) -> None:
    heartbeat = driver.rng.choice([3_600, 3_600, 600, 65_535])
    jump = driver.rng.choice([0, 0, 2_000])
    deviation = driver.parameters.deviation
    config = (heartbeat, deviation, 5 * 10**7, jump, 86_400, 2, 1, 2**72 - 1)
    feed = driver.rng.choice(FEEDS[:4])
    driver.call("owner", "Oracle", FEED, feed, config)
