# SPDX-License-Identifier: Apache-2.0
"""An InsuranceFund with a Vault and a Liquidator that tests speak for."""

from __future__ import annotations

from tests.evm import Env, Receipt

__all__ = ["UNIT", "WAD", "World"]

UNIT = 10**6
"""One USD in token units."""
WAD = 10**18
SHARE = 10**12
"""One whole share."""


class World:
    """`vault` may transfer and contribute, `liquidator` may draw and say what insolvent auctions lack."""

    def __init__(self) -> None:
        self.env = Env()
        self.token = self.env.deploy("MockToken", "USD Coin", "USDC", 6)
        self.guardian = self.env.address("guardian")
        self.fund = self.env.deploy("InsuranceFund", self.token, self.guardian)
        self.vault = self.env.deploy("MockMarginVault", self.token)
        self.liquidator = self.env.deploy("MockInsolvency")
        self.fund.wire(self.vault, self.liquidator)
        self.depositor = self.env.address("depositor")
        self.attacker = self.env.address("attacker")
        self.snapshot = self.env.snapshot()

    def reset(self) -> None:
        self.env.revert(self.snapshot)

    def hold(self, owner: str, amount: int) -> None:
        """Gives tokens to an address, which approves the fund."""
        if amount:
            self.token.mint(owner, amount)
        self.token.approve(self.fund, 2**256 - 1, sender=owner)

    def deposit(self, amount: int, owner: str | None = None) -> int:
        owner = owner or self.depositor
        self.hold(owner, amount)
        return int(self.fund.deposit(amount, owner, sender=owner).value)

    def contribute(self, amount: int) -> Receipt:
        """What the Vault does when it sweeps fees."""
        self.token.mint(self.vault.address, amount)
        return self.vault.pay_and_contribute(self.fund, amount, amount)  # type: ignore[no-any-return]

    def draw(self, amount: int) -> Receipt:
        return self.liquidator.draw(self.fund, 1, amount)  # type: ignore[no-any-return]
