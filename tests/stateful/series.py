# SPDX-License-Identifier: Apache-2.0
"""The life of a dated series: surfaces, boards, prices recorded for settlement, settlement, a race."""

from __future__ import annotations

from tests.stateful.actions import NANO, WAD, any_account, rule, trading_account
from tests.stateful.driver import Driver
from tests.stateful.prices import refresh_prices
from tests.stateful.trading import PLACE
from tests.stateful.world_state import KEEPER, RIVAL, SERIES, SERIES_FEEDS
from tests.surfaces import SurfaceUpdate

__all__ = ["SURFACE_UPDATE", "refresh_series", "signed_surface"]

SURFACE_UPDATE = (
    "update((" + ",".join(["uint256", *["int256"] * 7, *["uint256"] * 7]) + "),(uint256,uint256)[])"
)
REFRESH = "refresh(uint256)"
SETTLE = "settle_expired(uint256,uint256)"
WINDOW = 1_800


def signed_surface(
    driver: Driver, series: int, timestamp: int = 0, deadline: int = 0
) -> tuple[SurfaceUpdate, list[tuple[int, int]]]:
    """A surface of now, or of other times, by two of the three signers."""
    rng = driver.rng
    spot = driver.prices[SERIES_FEEDS[series]][0]
    left = max(driver.expiries[series] - driver.rig.time, 60)
    update = SurfaceUpdate(
        series=series,
        forward_difference=int(spot * rng.choice([0, 0.002, -0.001, 0.01])),
        a=rng.choice([7, 7, 7, 30]) * WAD * left // (1_000 * 14 * 86_400) + 1,
        b=WAD * left // (20 * 14 * 86_400),
        reference_forward=spot,
        reference_tau=left,
        vol_confidence=rng.choice([97_000_000] * 6 + [40_000_000]),
        timestamp=timestamp or driver.rig.time,
        deadline=deadline or driver.rig.time + 60,
    )
    signatures = driver.rig.surface_signer.sign(update)
    signatures.pop(rng.randrange(3))
    return update, signatures


def _surface(driver: Driver, series: int) -> None:
    """Now and then two are signed in a row and the first of them stays with whoever may want to replay it."""
    if driver.rng.random() < 0.2:
        early = max(driver.state.time - 1, 1)
        driver.older_surface = signed_surface(driver, series, early, driver.rig.time + 3_600)
    update, signatures = signed_surface(driver, series, deadline=driver.rig.time + 3_600)
    if driver.call("relayer", "Surface", SURFACE_UPDATE, update.row(), signatures).ok:
        driver.last_surface = (update, signatures)


def refresh_series(driver: Driver) -> None:
    """Surface and board of every series that has not been settled."""
    for series in SERIES:
        if driver.state.series[series].price is None:
            if driver.rig.time < driver.expiries[series]:
                _surface(driver, series)
            driver.call("keeper", "RiskBoard", REFRESH, series)


@rule("surface")
def surface(driver: Driver) -> None:
    driver.advance(driver.rng.randint(1, 5))
    _surface(driver, driver.rng.choice(list(SERIES)))


@rule("board")
def board(driver: Driver) -> None:
    driver.call("keeper", "RiskBoard", REFRESH, driver.rng.choice(list(SERIES)))


@rule("series refreshed")
def refreshed(driver: Driver) -> None:
    refresh_series(driver)


@rule("accumulate")
def accumulate(driver: Driver) -> None:
    numbers = driver.rng.choice([[1], [2], [1, 2], [2, 1, 1]])
    driver.call("attacker", "Surface", "accumulate(uint256[])", numbers)


@rule("finalise")
def finalise(driver: Driver) -> None:
    """Now and then a series that is fixed already."""
    ready = [n for n in SERIES if driver.rig.time >= driver.expiries[n] and not driver.state.series[n].price]
    series = driver.rng.choice(ready or list(SERIES))
    driver.call("attacker", "Surface", "finalise(uint256)", series)


@rule("expiry comes")
def expiry_comes(driver: Driver) -> None:
    """The window of a series near its end, with prices recorded, thick or thin; then the second of expiry."""
    live = [n for n in SERIES if driver.rig.time < driver.expiries[n]]
    rng = driver.rng
    series = rng.choice(live or list(SERIES))
    if not live or driver.expiries[series] - driver.rig.time > 6 * 3_600:
        driver.call("keeper", "Surface", "accumulate(uint256[])", [series])
        return
    start = driver.expiries[series] - WINDOW - rng.randint(0, 300)
    driver.advance(max(start - driver.rig.time, 0))
    for _ in range(rng.choice([1, 3, 5])):
        refresh_series_prices(driver)
        driver.call("keeper", "Surface", "accumulate(uint256[])", [series])
        driver.advance(rng.randint(1, 600))
    if rng.random() < 0.7:
        _race(driver, series)
    if rng.random() < 0.7:
        driver.advance(max(driver.expiries[series] - driver.rig.time, 0) + rng.randint(0, 30))
        refresh_prices(driver)
        driver.call("attacker", "Surface", "finalise(uint256)", series)


def refresh_series_prices(driver: Driver) -> None:
    """Every price of now, and the series that follow from them."""
    refresh_prices(driver)
    refresh_series(driver)


def _race(driver: Driver, series: int) -> None:
    """An order of a series about to expire: one side cancels, the other takes, in one block, either first."""
    rng = driver.rng
    driver.advance(max(driver.expiries[series] - rng.choice([0, 1, 1, 2, 30]) - driver.rig.time, 0))
    resting = [order for order in driver.orders.values() if order.market // 256 == series]
    if not resting:
        maker, market = KEEPER, 256 * series
        tick, lot = driver.rig.sizes[market]
        at = max(1, driver.state.markets[market].mark // tick)
        terms = (maker, market, True, at, max(1, NANO // lot), 0, 0, 8)
        driver.call(driver.owners[maker], "Exchange", PLACE, *terms)
        resting = [order for order in driver.orders.values() if order.market == market]
        if not resting:
            return
    order = rng.choice(sorted(resting, key=lambda found: found.order_id))
    taker = rng.choice([RIVAL, RIVAL, trading_account(driver)])
    take = (taker, order.market, not order.is_bid, order.tick, order.lots, 2, 0, 64)

    def cancel() -> None:
        driver.call(driver.owners[order.account], "Exchange", "cancel(uint256)", order.order_id)

    def fill() -> None:
        driver.call(driver.owners[taker], "Exchange", PLACE, *take)

    for act in (cancel, fill) if rng.random() < 0.5 else (fill, cancel):
        act()


@rule("settle expired")
def settle_expired(driver: Driver) -> None:
    """Anybody settles anybody, now and then before there is a price."""
    rng = driver.rng
    held = [
        (number, market // 256)
        for number in range(1, driver.state.account_count + 1)
        for market, position in driver.state.account(number).positions.items()
        if position.size and market > 255
    ]
    ready = [(number, series) for number, series in held if driver.state.series[series].price is not None]
    account, series = rng.choice(ready or held or [(any_account(driver), rng.choice([0, 1, 2, 3]))])
    driver.call("attacker", "Ledger", SETTLE, account, series)


@rule("purge expired")
def purge_expired(driver: Driver) -> None:
    found = [number for number, order in driver.orders.items() if driver.state.markets[order.market].expired]
    ids = sorted(found)[:32] or sorted(driver.orders)[:2]
    driver.call("attacker", "Exchange", "purge(uint256[])", ids)


@rule("series opens or closes")
def set_series_active(driver: Driver) -> None:
    closed = [series for series in SERIES if not driver.parameters.series_active[series]]
    series, active = (
        (closed[0], True) if closed else (driver.rng.choice(list(SERIES)), driver.rng.random() < 0.6)
    )
    driver.call("owner", "Instruments", "set_series_active(uint256,bool)", series, active)
