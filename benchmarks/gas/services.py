# SPDX-License-Identifier: Apache-2.0
"""Receipt gas of what stands beside trading: changes of engine, credit lines, coin, scales of margin.

One figure each, one transaction on cold storage. The accounts hold one position or none; what grows with
positions is the margin check inside, which `Ledger.assess` measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from simulation.config.scenario import DynamicSpec
from tests.credit import DAY, JUNIOR, SENIOR, UNIT, CreditWorld, fresh_credit_world
from tests.evm import Receipt
from tests.inverse import ETH_USD, WETH, InverseWorld, fresh_inverse_world
from tests.protocol import ISOLATED, NANO, World, default_protocol

__all__ = ["SERVICE_ROWS", "measure_services"]

HOUR = 3_600
COIN = 10**18


def _desk() -> CreditWorld:
    """5,000 of junior and 10,000 of senior assets."""
    world = fresh_credit_world()
    world.lend("junior", JUNIOR, 5_000 * UNIT)
    world.lend("senior", SENIOR, 10_000 * UNIT)
    return world


def _borrower() -> tuple[CreditWorld, int]:
    """Long 12 ETH at 2,000 with 1,500 of cash, so that a line of 1,000 is in use."""
    world = _desk()
    maker = world.account("maker", cash=10**6)
    account = world.borrower("trader", 1_500, 1_000)
    world.trade(account, maker, 1, 2_000, 12)
    world.advance(60, ETH=2_000)
    return world, account


def _lend() -> Receipt:
    return _desk().lend("another", JUNIOR, 1_000 * UNIT)


def _redeem() -> Receipt:
    world = _desk()
    lender = world.env.address("another")
    shares = world.lend("another", JUNIOR, 1_000 * UNIT).value // 2
    return world.desk.redeem(JUNIOR, shares, lender, sender=lender)


def _grant() -> Receipt:
    world = _desk()
    return world.grant(world.borrower("trader", 1_500), 1_000 * UNIT)


def _review(price: int) -> Receipt:
    world, account = _borrower()
    world.advance(DAY // 24, ETH=price)
    return world.desk.review(account, sender=world.env.address("keeper"))


def _declare_default() -> Receipt:
    world, account = _borrower()
    for seconds in (60, DAY // 2):
        world.advance(seconds, ETH=1_960)
        world.desk.review(account)
    world.advance(DAY // 2, ETH=1_960)
    return world.desk.declare_default(account, sender=world.env.address("keeper"))


def _request() -> Receipt:
    world = _desk()
    account = world.account("trader", cash=5_000)
    return world.switch.request(account, ISOLATED, sender=world.env.address("trader"))


def _change() -> Receipt:
    world = _desk()
    account, maker = world.account("trader", cash=5_000), world.account("maker", cash=10**6)
    world.trade(account, maker, 1, 2_000, 1)
    trader = world.env.address("trader")
    world.switch.request(account, ISOLATED, sender=trader)
    world.advance(HOUR, ETH=2_000, BTC=30_000)
    return world.switch.change(account, sender=trader)


def _coin() -> tuple[InverseWorld, int, int]:
    """A long that won a coin on 10,000 contracts and a short that lost it, both flat."""
    world = fresh_inverse_world()
    winner, loser = world.account("trader", cash=10_000), world.account("maker", cash=10_000)
    world.fill(winner, loser, ETH_USD, 2_000 * NANO, 10_000 * NANO)
    world.fill(winner, loser, ETH_USD, 2_500 * NANO, -10_000 * NANO)
    return world, winner, loser


def _pays() -> Receipt:
    world, _, loser = _coin()
    world.deposit("maker", loser, WETH, 3 * COIN)
    return world.pool.settle(loser, ETH_USD, sender=world.env.address("keeper"))


def _is_paid() -> Receipt:
    world, winner, loser = _coin()
    world.deposit("maker", loser, WETH, 3 * COIN)
    world.pool.settle(loser, ETH_USD)
    return world.pool.settle(winner, ETH_USD, sender=world.env.address("keeper"))


def _close_debt() -> Receipt:
    world, winner, loser = _coin()
    world.ledger.begin_liquidation(loser, sender=world.env.address("liquidator"))
    return world.pool.close_debt(loser, winner, ETH_USD, sender=world.env.address("keeper"))


def _scale() -> Receipt:
    world = World(replace(default_protocol(), dynamic=DynamicSpec()))
    for price in (2_000, 2_100):
        world.advance(HOUR, ETH=price, BTC=15 * price)
    engine = world.contracts["DynamicMargin"]
    return engine.refresh([1, 2], sender=world.env.address("keeper"))


SERVICE_ROWS: Mapping[str, Callable[[], Receipt]] = {
    "EngineSwitch.request": _request,
    "EngineSwitch.change, 1 position": _change,
    "CreditDesk.deposit": _lend,
    "CreditDesk.redeem": _redeem,
    "CreditDesk.grant": _grant,
    "CreditDesk.review, within the limit": lambda: _review(2_000),
    "CreditDesk.review, a call": lambda: _review(1_960),
    "CreditDesk.declare_default": _declare_default,
    "CoinPool.settle, a loser pays": _pays,
    "CoinPool.settle, a winner is paid": _is_paid,
    "CoinPool.close_debt": _close_debt,
    "DynamicMargin.refresh of 2": _scale,
}


def measure_services() -> dict[str, int]:
    """Receipt gas by row."""
    return {name: row().gas_used for name, row in SERVICE_ROWS.items()}
