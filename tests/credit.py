# SPDX-License-Identifier: Apache-2.0
"""A protocol with a credit desk: roles `junior` and `senior` lend, `underwriter` grants, `trader` borrows.

desk = CreditWorld()
account = desk.borrower("trader", cash=1_000, line=1_000)
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from simulation.config.scenario import CreditSpec
from tests.evm import Receipt
from tests.protocol import World, default_protocol

__all__ = [
    "CREDIT",
    "DAY",
    "DEFAULTED",
    "HALF_TIME",
    "JUNIOR",
    "NOTICE",
    "QUIET",
    "SENIOR",
    "UNIT",
    "CreditWorld",
    "fresh_credit_world",
]

CREDIT = 3
"""Engine id of CreditMargin in this world."""
JUNIOR, SENIOR = 1, 2
QUIET, NOTICE, HALF_TIME, DEFAULTED = 1, 2, 4, 8
"""ICreditDesk.Stage."""
UNIT = 10**6
DAY = 86_400


class CreditWorld(World):
    """The default protocol with the desk of CreditSpec's defaults and changes of engine after an hour."""

    def __init__(self, **options: Any) -> None:
        super().__init__(replace(default_protocol(), credit=CreditSpec(), engine_delay=3_600), **options)
        self.desk = self.contracts["CreditDesk"]
        self.credit = self.contracts["CreditMargin"]
        self.switch = self.contracts["EngineSwitch"]
        self.underwriter = self.env.address("underwriter")
        self.desk.set_underwriter(self.underwriter)

    def lend(self, role: str, tranche: int, units: int) -> Receipt:
        """Mints token units and deposits them."""
        lender = self.env.address(role)
        self.cash.mint(lender, units)
        self.cash.approve(self.desk.address, 2**256 - 1, sender=lender)
        return self.desk.deposit(tranche, units, lender, sender=lender)  # type: ignore[no-any-return]

    def borrower(self, role: str, cash: float = 0, line: float = 0, days: int = 30) -> int:
        """An account on the credit engine whose owner consents to a line of so many tokens."""
        account = self.account(role, cash, CREDIT)
        self.vault.set_delegate(account, self.desk.address, True, sender=self.env.address(role))
        if line:
            self.grant(account, round(line * UNIT), days)
        return account

    def grant(self, account: int, units: int, days: int = 30) -> Receipt:
        term = self.env.timestamp + days * DAY
        return self.desk.grant(account, units, term, sender=self.underwriter)  # type: ignore[no-any-return]

    def books(self) -> tuple[int, ...]:
        """Tokens at the desk and everything it counts inside."""
        desk = self.desk
        return (
            self.cash.balanceOf(desk.address),
            desk.total_committed(),
            desk.open_calls(),
            *(
                read(tranche)
                for tranche in (JUNIOR, SENIOR)
                for read in (desk.tranche_assets, desk.tranche_supply, desk.tranche_series)
            ),
        )

    def check(self) -> None:
        """The ledger identity, and that the desk holds what it owes."""
        super().check()
        desk = self.desk
        assets = desk.tranche_assets(JUNIOR) + desk.tranche_assets(SENIOR)
        assert self.cash.balanceOf(desk.address) >= assets >= desk.total_committed()
        lines = [desk.line(account) for account in range(1, self.vault.account_count() + 1)]
        assert desk.total_committed() == sum(line.committed for line in lines)
        assert desk.open_calls() == sum(line.committed > 0 and line.stage != QUIET for line in lines)


@cache
def _deployed() -> tuple[CreditWorld, Any]:
    world = CreditWorld()
    world.prices(ETH=2_000, BTC=30_000)
    return world, world.env.snapshot()


def fresh_credit_world() -> CreditWorld:
    """The world at 2,000 and 30,000 USD, no accounts, nothing lent; deployed once a process, rewound here."""
    world, snapshot = _deployed()
    world.env.revert(snapshot)
    return world
