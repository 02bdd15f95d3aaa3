# SPDX-License-Identifier: Apache-2.0
"""A Liquidator and an InsuranceFund on MockMarginVault: flat margins, one collateral at par, no interest.

Maintenance margin is 5 % and initial margin 10 % of notional, prices are USD, sizes whole units of base.
"""

from __future__ import annotations

from typing import Any

from tests.evm import Contract, Env, Receipt

__all__ = ["ANY_PRICE", "FROM_START", "NANO", "WAD", "World", "wad"]

NANO = 10**9
WAD = 10**18
ANY_PRICE = 2**200
"""A price limit that never binds."""
IDLE, SOLVENT, INSOLVENT, DELEVERAGE = 1, 2, 4, 8
MARKET = 1

FROM_START = {
    "start": 95 * WAD // 100,
    "cut": 70 * WAD // 100,
    "fast": 900,
    "slow": 43_200,
    "insolvent_length": 3_600,
    "buffer": 15 * WAD // 100,
    "fee": 10 * WAD // 100,
    "equity_cutoff": 100 * WAD,
    "reward_rate": WAD // 100,
    "reward_cap": 100 * WAD,
    "grace": 3_600,
    "window": 3_600,
    "early_auction": True,
}
"""What the contract is deployed with."""


def wad(usd: float) -> int:
    return round(usd * 10**6) * 10**12


class World:
    """Roles: trader is liquidated, keeper bids, maker is the other side, depositor funds the insurance."""

    def __init__(self) -> None:
        self.env = Env()
        self.token = self.env.deploy("MockToken", "USD Coin", "USDC", 6)
        self.vault = self.env.deploy("MockMarginVault", self.token)
        self.guardian = self.env.address("guardian")
        self.fund = self.env.deploy("InsuranceFund", self.token, self.guardian)
        self.liquidator: Contract = self.env.deploy(
            "Liquidator", self.vault, self.vault, self.vault, self.vault, self.fund, "0x" + "00" * 20
        )
        self.fund.wire(self.vault, self.liquidator)
        self.vault.set_mark(MARKET, 100 * NANO)
        self.trader = self.env.address("trader")
        self.keeper = self.env.address("keeper")
        self.account = self.open("trader", cash=1_000)
        self.bidder = self.open("keeper", cash=1_000_000)
        self.snapshot = self.env.snapshot()

    def reset(self) -> None:
        self.env.revert(self.snapshot)

    def open(self, role: str, cash: float, size: float = 0, entry: float = 100, collateral: float = 0) -> int:
        """An account of a role with cash, collateral and a position in the first market."""
        owner = self.env.address(role)
        account = int(self.vault.open(owner, wad(cash), wad(collateral)).value)
        if size:
            self.hold(account, size, entry)
        return account

    def hold(self, account: int, size: float, entry: float = 100, market: int = MARKET) -> None:
        self.vault.set_position(account, market, round(size * NANO), round(entry * NANO))

    def mark(self, price: float, market: int = MARKET) -> None:
        self.vault.set_mark(market, round(price * NANO))

    def insure(self, usd: int) -> None:
        """Deposits into the fund."""
        depositor = self.env.address("depositor")
        self.token.mint(depositor, usd * 10**6)
        self.token.approve(self.fund, usd * 10**6, sender=depositor)
        self.fund.deposit(usd * 10**6, depositor, sender=depositor)

    def parameters(self, **changes: int) -> None:
        self.liquidator.set_parameters(tuple((FROM_START | changes).values()))

    def equity(self, account: int) -> int:
        return int(self.vault.assess(account)[0].equity)

    def maintenance(self, account: int) -> int:
        return int(self.vault.assess(account)[0].maintenance_margin)

    def shortfall(self, account: int) -> int:
        return max(self.maintenance(account) - self.equity(account), 0)

    def state(self, account: int) -> Any:
        return self.liquidator.auction(account)

    def start(self, account: int | None = None) -> Receipt:
        return self.liquidator.start(account or self.account, sender=self.keeper)  # type: ignore[no-any-return]

    def bid(self, fraction: int = WAD, limit: int = ANY_PRICE, account: int | None = None) -> Receipt:
        return self.liquidator.bid(  # type: ignore[no-any-return]
            account or self.account, self.bidder, fraction, limit, sender=self.keeper
        )

    # -- usual situations

    def under_water(self, size: float = 100, mark: float = 94) -> None:
        """Long 100 at 100 with 1,000 of cash: at 94 equity is 400 and maintenance margin 470."""
        self.hold(self.account, size)
        self.mark(mark)

    def solvent(self) -> None:
        """The auction just started: fee 10 % of the first slice."""
        self.under_water()
        self.start()

    def insolvent(self) -> None:
        """At 88 equity is -200 and maintenance margin 440."""
        self.under_water(mark=88)
        self.start()

    def deleveraging(self) -> None:
        """The insolvent account, with an empty fund."""
        self.insolvent()
        self.liquidator.mark_deleverage(self.account, sender=self.keeper)
