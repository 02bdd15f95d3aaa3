# SPDX-License-Identifier: Apache-2.0
"""What the relayer sends: prices that drift, jump, are doubtful, late, or refreshed all at once."""

from __future__ import annotations

from tests.stateful.actions import NANO, PRICES, rule
from tests.stateful.driver import Driver
from tests.stateful.rig import USD_FEED
from tests.stateful.world_state import FEEDS

__all__ = ["UPDATE", "send_prices", "signed_price"]


def signed_price(
    driver: Driver, feed: int, spot: int, mark: int, confidence: int, age: int
) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """An update and its signatures by two of the three signers."""
    update = (feed, spot, mark, confidence, driver.rig.time - age, driver.rig.time + 3_600)
    signatures = list(driver.rig.signer.sign(*update))
    signatures.pop(driver.rng.randrange(3))
    return update, [(int(r), int(vs)) for r, vs in signatures]


UPDATE = "update((uint256,uint256,uint256,uint256,uint256,uint256),(uint256,uint256)[])"
UPDATE_MANY = "update_many((uint256,uint256,uint256,uint256,uint256,uint256)[],(uint256,uint256)[][])"


def send_prices(driver: Driver, feeds: tuple[int, ...]) -> None:
    """One batch of the prices as they stand."""
    signed = [signed_price(driver, feed, *driver.prices[feed], 10**8, 0) for feed in feeds]
    driver.call("relayer", "Oracle", UPDATE_MANY, [row[0] for row in signed], [row[1] for row in signed])


def _send_price(driver: Driver, feed: int, confidence: int = 10**8, age: int = 0) -> None:
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
    _send_price(
        driver,
        driver.rng.choice(FEEDS),
        confidence=driver.rng.choice([0, 10**7, 5 * 10**7 - 1, 5 * 10**7, 7 * 10**7]),
    )


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
