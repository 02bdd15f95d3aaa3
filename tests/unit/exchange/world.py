# SPDX-License-Identifier: Apache-2.0
"""An Exchange between a recording ledger and a one-word registry, with four accounts and two markets.

Market 1 has ticks of 0.01 USD and lots of 0.001; market 2 has the largest tick and lot that fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simulation.domain.orders import Option
from tests.evm import NOBODY, Env, Receipt, Reverted

__all__ = [
    "ACCOUNTS",
    "MAKER",
    "MAKER_FEE_BPS",
    "MARKETS",
    "MAX_TICK",
    "POSITIONED",
    "SECOND_MAKER",
    "TAKER_FEE_BPS",
    "TRADER",
    "World",
]

MAKER, TRADER, SECOND_MAKER, POSITIONED = 1, 2, 3, 4
ACCOUNTS = {MAKER: "maker", TRADER: "trader", SECOND_MAKER: "second maker", POSITIONED: "hedger"}
"""Account to the role that owns it."""
MARKETS = {1: (10**7, 10**6), 2: (2**56 - 1, 2**64 - 1)}
"""Market to nano USD per tick and nano base per lot."""
MAKER_FEE_BPS, TAKER_FEE_BPS = 2, 5
MAX_TICK = 2**24 - 1


class World:
    def __init__(self, backend: str | None = None) -> None:
        self.env = Env(backend)
        self.ledger = self.env.deploy("MockLedger")
        self.instruments = self.env.deploy("MockInstruments")
        self.guardian = self.env.address("guardian")
        self.exchange = self.env.deploy(
            "Exchange", self.ledger, self.instruments, self.guardian, MAKER_FEE_BPS, TAKER_FEE_BPS, NOBODY
        )
        self.liquidator = self.env.address("liquidator")
        self.exchange.wire(self.liquidator)
        self.attacker = self.env.address("attacker")
        self.owners = {account: self.env.address(role) for account, role in ACCOUNTS.items()}
        for account, owner in self.owners.items():
            self.ledger.set_owner(account, owner)
        for market, (tick_size, lot_size) in MARKETS.items():
            self.instruments.list_market(market, tick_size, lot_size, True)
        self._base = self.env.snapshot()

    def reset(self) -> None:
        """Back to the moment after deployment."""
        self.env.revert(self._base)

    def place(
        self,
        account: int,
        is_bid: bool,
        tick: int,
        lots: int,
        options: Option | int = 0,
        *,
        expiry: int = 0,
        max_fills: int = 64,
        market: int = 1,
        sender: str | None = None,
    ) -> Receipt:
        receipt = self.exchange.place(
            account,
            market,
            is_bid,
            tick,
            lots,
            int(options),
            expiry,
            max_fills,
            sender=sender or self.owners[account],
        )
        assert isinstance(receipt, Receipt)
        return receipt

    def bid(self, account: int, tick: int, lots: int, options: Option | int = 0, **more: Any) -> int:
        """Places a bid and returns the id of what rests."""
        return int(self.place(account, True, tick, lots, options, **more).value[0])

    def ask(self, account: int, tick: int, lots: int, options: Option | int = 0, **more: Any) -> int:
        """Places an ask and returns the id of what rests."""
        return int(self.place(account, False, tick, lots, options, **more).value[0])

    def depth(self, is_bid: bool, market: int = 1) -> list[tuple[int, int, int]]:
        """(tick, lots, orders) from the best outward."""
        return [tuple(level) for level in self.exchange.depth(market, is_bid, 64)]

    def lots(self, order_id: int) -> int:
        """Open lots; 0 when the order is gone."""
        return int(self.exchange.order(order_id).lots)

    def reserved(self, account: int, market: int = 1) -> tuple[int, int]:
        """Resting size that the ledger holds margin for, nano base: bids, asks."""
        position = self.ledger.position(account, market)
        return position.bids, position.asks

    def size(self, account: int, market: int = 1) -> int:
        return int(self.ledger.position(account, market).size)

    def state(self) -> dict[str, Any]:
        """Everything that can be read of the book and of what it told the ledger."""
        open_orders = {account: self.exchange.orders_of(account) for account in ACCOUNTS}
        return {
            "open": open_orders,
            "orders": [
                tuple(self.exchange.order(order_id)) for ids in open_orders.values() for order_id in ids
            ],
            "depth": [self.depth(is_bid, market) for market in MARKETS for is_bid in (True, False)],
            "best": [self.exchange.best(market) for market in MARKETS],
            "ledger": [
                tuple(self.ledger.position(account, market)) for account in ACCOUNTS for market in MARKETS
            ],
            "fees": self.exchange.fees(),
            "paused": self.exchange.paused(),
            "guardian": self.exchange.guardian(),
            "liquidator": self.exchange.liquidator(),
        }

    @contextmanager
    def reverts_unchanged(self, reason: str) -> Iterator[None]:
        """Expects a revert with exactly this reason, after which everything reads as before."""
        before = self.state()
        try:
            yield
        except Reverted as error:
            assert error.reason == reason
        else:
            raise AssertionError(f"did not revert, expected {reason!r}")
        assert self.state() == before
