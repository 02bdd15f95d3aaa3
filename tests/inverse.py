# SPDX-License-Identifier: Apache-2.0
"""The whole protocol with inverse perpetuals: 128 settled in WETH (18 decimals), 129 in WBTC (8).

The pool's own account is the first. Contracts of 1 USD, fees of the Exchange as everywhere. `by_hand`: the
Exchange and the Liquidator of the Ledger are the roles of EXCHANGE_AND_LIQUIDATOR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from simulation.config.scenario import FundingSpec, InverseSpec, ProtocolSpec, TierSpec
from tests.evm import Receipt
from tests.protocol import EXCHANGE_AND_LIQUIDATOR, NANO, World, default_protocol

__all__ = ["BTC_USD", "ETH_USD", "WBTC", "WETH", "InverseWorld", "fresh_inverse_world", "inverse_protocol"]

ETH_USD, BTC_USD = 128, 129
WETH, WBTC = 1, 2


def inverse_protocol() -> ProtocolSpec:
    """The default protocol and two inverse perpetuals."""
    spec = InverseSpec(
        collateral="WETH",
        tick=10**7,
        lot=NANO,
        initial_margin=1_000,
        maintenance_margin=500,
        tiers=TierSpec(),
        open_interest_cap=10**8 * NANO,
        funding=FundingSpec(),
    )
    return replace(
        default_protocol(),
        inverse={"ETH-USD": spec, "BTC-USD": replace(spec, collateral="WBTC", tick=10**8)},
    )


class InverseWorld(World):
    """A deployed protocol with a coin pool."""

    def __init__(self, wiring: Mapping[str, tuple[str, ...]] | None = None) -> None:
        super().__init__(inverse_protocol(), wiring=wiring)
        self.pool = self.contracts["CoinPool"]
        self.prices(ETH=2_000, BTC=30_000)

    def fill(self, taker: int, maker: int, market: int, price: int, contracts: int, fee: int = 0) -> Receipt:
        """As `match`, of nano contracts, positive when the taker buys; price in nano USD."""
        coins = abs(contracts) * NANO // price
        caller = self.vault.account(taker).owner
        return self.as_exchange(
            ("fill_maker", maker, market, -contracts, price, fee, False),
            ("fill_taker", caller, taker, market, contracts, coins if contracts > 0 else -coins, fee, 0),
        )

    def equity(self, account: int) -> int:
        """Wad."""
        return int(self.ledger.assess(account)[0].equity)

    def held(self, account: int, market: int) -> tuple[int, int]:
        """Nano contracts and nano coin."""
        return self.ledger.position(account, market).size, self.coin(account, market)


@cache
def _deployed(wiring: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[InverseWorld, Any]:
    world = InverseWorld(dict(wiring))
    return world, world.env.snapshot()


def fresh_inverse_world(by_hand: bool = True) -> InverseWorld:
    """Rewound to its deployment."""
    world, snapshot = _deployed(EXCHANGE_AND_LIQUIDATOR if by_hand else ())
    world.env.revert(snapshot)
    return world
