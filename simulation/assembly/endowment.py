# SPDX-License-Identifier: Apache-2.0
"""What accounts, funds and lenders hold before the first block, and who consents to a credit line."""

from __future__ import annotations

from collections.abc import Sequence

from simulation.agents import Agent, Endowment, TypedDataSigner
from simulation.chain.deployment import feed_numbers
from simulation.chain.genesis import DEPLOYER, MAX_AMOUNT, Genesis
from simulation.config import ProtocolSpec
from simulation.domain.units import FULL_CONFIDENCE, NANO, to_wad, wad_to_token_down
from simulation.messages.market import PriceTick

__all__ = ["endow", "gifts_at", "post_prices"]


def gifts_at(agents: Sequence[Agent], venue: str) -> list[Endowment | None]:
    """What every account starts with at a venue; None where its agent has no business there."""
    return [
        gift
        for agent in agents
        for gift in (
            agent.endowments_at(agent.venues.index(venue))
            if venue in agent.venues
            else [None] * len(agent.accounts)
        )
    ]


def post_prices(genesis: Genesis, protocol: ProtocolSpec, tick: PriceTick, signer: TypedDataSigner) -> None:
    """A first price in every feed of the oracle."""
    for symbol, feed in feed_numbers(protocol).items():
        price = tick.price_nano(symbol)
        update = (feed, price, price, FULL_CONFIDENCE, tick.timestamp, tick.timestamp + 600)
        genesis.call(DEPLOYER, "Oracle", "update", update, signer.sign(*update))
    genesis.flush()


def endow(
    genesis: Genesis,
    protocol: ProtocolSpec,
    tick: PriceTick,
    first: int,
    owners: Sequence[bytes],
    gifts: Sequence[Endowment | None],
    engines: Sequence[str],
    borrows: Sequence[bool],
) -> None:
    """Seeds the insurance fund, opens accounts from `first` on and gives each what its agent asks for.

    Who `borrows` makes the credit desk a delegate of its account on the credit engine.
    """
    decimals = protocol.cash.decimals
    vault = genesis.addresses["Vault"]

    def cash(usd: float) -> int:
        return wad_to_token_down(to_wad(usd), decimals)

    def provide(owner: bytes, token: str, units: int, spender: bytes) -> None:
        genesis.call(DEPLOYER, token, "mint", owner, units)
        genesis.call(owner, token, "approve", spender, MAX_AMOUNT)

    def into_fund(owner: bytes, units: int) -> None:
        genesis.call(owner, "CashToken", "approve", genesis.addresses["InsuranceFund"], MAX_AMOUNT)
        if units:
            genesis.call(owner, "InsuranceFund", "deposit", units, owner)

    seed = wad_to_token_down(protocol.insurance.seed, decimals)
    if seed:
        genesis.call(DEPLOYER, "CashToken", "mint", DEPLOYER, seed)
        into_fund(DEPLOYER, seed)
    collateral = next(iter(protocol.collaterals.items()), None)
    desk = genesis.addresses.get("CreditDesk")
    rows = zip(owners, gifts, engines, borrows, strict=True)
    for account, (owner, gift, engine, willing) in enumerate(rows, start=first):
        genesis.call(owner, "Vault", "create_account", protocol.engines[engine])
        if gift is None:
            continue
        lent = (cash(gift.junior), cash(gift.senior))
        provide(owner, "CashToken", cash(gift.cash) + cash(gift.wallet) + cash(gift.fund) + sum(lent), vault)
        if cash(gift.cash):
            genesis.call(owner, "Vault", "deposit", account, 0, cash(gift.cash))
        if collateral is not None:
            symbol, spec = collateral
            price = tick.price_nano(spec.asset) / NANO
            units = int(gift.collateral / price * 10**spec.decimals)
            provide(owner, f"Token:{symbol}", units, vault)
            if units:
                genesis.call(owner, "Vault", "deposit", account, 1, units)
        into_fund(owner, cash(gift.fund))
        if sum(lent) and desk is not None:
            genesis.call(owner, "CashToken", "approve", desk, MAX_AMOUNT)
            for tranche, units in enumerate(lent, 1):
                if units:
                    genesis.call(owner, "CreditDesk", "deposit", tranche, units, owner)
        if engine == "credit" and willing:
            genesis.call(owner, "Vault", "set_delegate", account, desk, True)
    genesis.flush()
