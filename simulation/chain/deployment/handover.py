# SPDX-License-Identifier: Apache-2.0
"""Ownership of everything to the Timelock, the last part of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from eth_hash.auto import keccak

from simulation.chain.deployment.steps import Call, Deploy, Deployer, Ref, Step

__all__ = ["OWNED", "owned", "steps"]

OWNED = (
    "Oracle",
    "Instruments",
    "CrossMargin",
    "IsolatedMargin",
    "Vault",
    "Ledger",
    "Exchange",
    "InsuranceFund",
    "Liquidator",
)
"""Contracts with an owner, which is the Timelock once deployment is over."""
OPTIONAL = (
    "Surface",
    "RiskBoard",
    "EngineSwitch",
    "DynamicMargin",
    "CreditMargin",
    "CreditDesk",
    "PortfolioMargin",
    "RiskModel",
    "CoinPool",
    "SolvencyGuard",
)
"""Contracts with an owner that only some plans deploy."""


def owned(plan: Iterable[Step]) -> tuple[str, ...]:
    """Names of the contracts of a plan that have an owner."""
    deployed = {step.name for step in plan if isinstance(step, Deploy)}
    return OWNED + tuple(name for name in OPTIONAL if name in deployed)


def steps(delay: int, governor: str, names: tuple[str, ...]) -> Iterator[Step]:
    """Ownership of everything to a Timelock, which accepts it and then takes up its delay.

    Until then its delay is nothing and the deployer is a proposer; both end with the last step.
    """
    deployer = Deployer()
    yield Deploy("Timelock", "Timelock", (0, (deployer, governor), (deployer, governor), deployer))
    for name in names:
        yield Call(name, "transfer_ownership", (Ref("Timelock"),))
    targets = (*(Ref(name) for name in names), Ref("Timelock"))
    accept = keccak(b"accept_ownership()")[:4]
    payloads = (*(accept for _ in names), keccak(b"update_delay(uint256)")[:4] + delay.to_bytes(32, "big"))
    batch = (targets, (0,) * len(targets), payloads, bytes(32), bytes(32))
    yield Call("Timelock", "schedule_batch", (*batch, 0))
    yield Call("Timelock", "execute_batch", batch)
    for role in ("PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE"):
        yield Call("Timelock", "renounceRole", (keccak(role.encode()), deployer))
    yield Call("Timelock", "renounceRole", (bytes(32), deployer))
