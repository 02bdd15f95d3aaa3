# SPDX-License-Identifier: Apache-2.0
"""Settlement of Derive: the forward inside the window, payoffs of options, the exchange rate after a loss.

The split comes from Surface with prices that anyone recorded, payoffs from Surface and Instruments of the
whole protocol, the exchange rate from its Vault. Prices have nine decimals, everything else is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulation.config.scenario import SeriesSpec
from simulation.domain.market_math import option
from tests.protocol import EXCHANGE_AND_LIQUIDATOR, WAD, World, default_protocol
from tests.surfaces import NANO, Surfaces
from tests.unit.instruments.words import unpack

__all__ = ["NAMES", "check"]

NAMES = ("settlement_twap.json",)
DAY = 86_400
STEP = 60
PAYMENT = 4
"""Reason of a payment between accounts."""


def check(data: Mapping[str, Any]) -> None:
    """Asserts every expected number."""
    _check_split(data["split"])
    for case in data["payoff"]:
        _check_payoff(case)
    for case in data["socialised"]:
        _check_socialised(case)


def _check_split(case: Mapping[str, Any]) -> None:
    world = Surfaces()
    world.to(world.expiry - case["window_seconds"])
    while world.env.timestamp < world.expiry - case["seconds_to_expiry"]:
        world.price(case["spot_average_so_far"] * NANO)
        world.surface.accumulate([1])
        world.env.advance(STEP)
    difference = 5 * NANO
    world.price(case["forward_now"] * NANO - difference)
    world.push(forward_difference=difference)
    fixed, variable, _, valid = world.surface.forward_parts(1)
    assert valid
    assert abs(fixed - case["expected_fixed"] * NANO) < 1
    assert abs(variable - case["expected_variable"] * NANO) < 1


def _check_payoff(case: Mapping[str, Any]) -> None:
    series = SeriesSpec(asset="ETH", expiry=DAY, strikes=(case["K"] * NANO,))
    world = World(replace(default_protocol(), series={"ETH-1D": series}))
    surface = world.contracts["Surface"]
    world.env.advance(DAY - 1_860)
    for _ in range(33):
        world.env.advance(STEP)
        world.prices(ETH=case["S"])
        surface.accumulate([1])
    assert surface.finalise(1).value == case["S"] * NANO
    word = unpack(world.instruments.words([option(1, 0, case["call"])])[0])
    assert (word.mark, word.settled) == (case["pay"] * NANO, True)


def _check_socialised(case: Mapping[str, Any]) -> None:
    """A loan with nothing behind it is written off while its money is another account's."""
    world = World(wiring=dict(EXCHANGE_AND_LIQUIDATOR))
    trader, liquidator = (world.env.address(role) for role in ("trader", "liquidator"))
    account = world.account("trader", cash=case["deposits"])
    debtor, creditor = world.account("debtor"), world.account("creditor")
    world.vault.move_cash(debtor, creditor, case["loss"] * WAD, PAYMENT, sender=liquidator)
    world.vault.write_off(debtor, sender=liquidator)
    assert world.vault.exchange_rate() == round(case["exchange_rate"] * 100) * WAD // 100
    if "withdraw" in case:
        world.vault.withdraw(account, 0, case["withdraw"] * world.cash_unit, trader, sender=trader)
        assert world.vault.cash(account) == (case["deposits"] - case["cash_burnt"]) * WAD
        assert world.cash.balanceOf(trader) == case["withdraw"] * world.cash_unit
