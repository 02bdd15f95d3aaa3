# SPDX-License-Identifier: Apache-2.0
"""A Surface for tests: its oracle, a registry of series, signed surfaces with an everyday smile."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import Any

from eth_abi import encode
from eth_utils import keccak

from simulation.domain.settlement_math import Rules
from tests.backends import CHAIN_ID
from tests.evm import Contract, Env, Receipt
from tests.prices import DOMAIN_TYPE_HASH, deploy_oracle, push, sign

__all__ = [
    "DEFAULT_CONFIG",
    "FULL",
    "NANO",
    "RULES",
    "SPOT",
    "SurfaceConfig",
    "SurfaceUpdate",
    "Surfaces",
    "surface_digest",
]

NANO = 10**9
WAD = 10**18
FULL = 10**8
SPOT = 2_000 * NANO
RULES = Rules()
SIGNED = (
    "uint256 series,int256 forward_difference,int256 rate,int256 a,int256 b,int256 rho,int256 m,int256 sigma,"
    "uint256 reference_forward,uint256 reference_tau,uint256 forward_confidence,uint256 vol_confidence,"
    "uint256 rate_confidence,uint256 timestamp,uint256 deadline"
)
TYPE_HASH = keccak(text=f"SurfaceUpdate({SIGNED})")
TYPES = [part.split(" ")[0] for part in SIGNED.split(",")]


@dataclass(frozen=True, slots=True)
class SurfaceConfig:
    """As ISurface.SurfaceConfig, in the order of the ABI."""

    forward_heartbeat: int = 3_600
    vol_heartbeat: int = 1_200
    rate_heartbeat: int = 43_200
    max_difference: int = 1_000
    confidence_threshold: int = FULL // 2
    required_signers: int = 1

    def row(self) -> tuple[int, ...]:
        return astuple(self)

    def but(self, **changes: int) -> SurfaceConfig:
        return replace(self, **changes)


DEFAULT_CONFIG = SurfaceConfig()


@dataclass(frozen=True, slots=True)
class SurfaceUpdate:
    """As ISurface.SurfaceUpdate, in the order of the ABI; two weeks to expiry at a volatility near 60 %."""

    series: int = 1
    forward_difference: int = 5 * NANO
    rate: int = 5 * WAD // 100
    a: int = 7 * WAD // 1_000
    b: int = 5 * WAD // 100
    rho: int = -3 * WAD // 10
    m: int = -5 * WAD // 100
    sigma: int = 5 * WAD // 100
    reference_forward: int = SPOT + 5 * NANO
    reference_tau: int = 14 * 86_400
    forward_confidence: int = 98_000_000
    vol_confidence: int = 97_000_000
    rate_confidence: int = 96_000_000
    timestamp: int = 0
    deadline: int = 0

    def row(self) -> tuple[int, ...]:
        return astuple(self)

    def but(self, **changes: int) -> SurfaceUpdate:
        return replace(self, **changes)


def surface_digest(surface: str, update: SurfaceUpdate, chain_id: int = CHAIN_ID) -> bytes:
    """EIP-712 hash of an update for the Surface at this address."""
    domain = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [DOMAIN_TYPE_HASH, keccak(text="Plimsoll Surface"), keccak(text="1"), chain_id, surface],
        )
    )
    return keccak(b"\x19\x01" + domain + keccak(encode(["bytes32", *TYPES], [TYPE_HASH, *update.row()])))


class Surfaces:
    """Oracle, registry and Surface; series 1 on feed 1 and series 2 on feed 2 expire in a day."""

    def __init__(self, rules: Rules = RULES, **feed: int) -> None:
        self.env = Env()
        self.rules = rules
        self.oracle = deploy_oracle(
            self.env, feeds=2, signers=("signer", "second signer", "third signer"), **feed
        )
        self.registry = self.env.deploy("MockSeries")
        self.surface: Contract = self.env.deploy("Surface", self.oracle.address, astuple(rules))
        self.surface.wire(self.registry.address)
        self.expiry = self.env.timestamp + 86_400
        for series in (1, 2):
            self.registry.list_series(series, series, self.expiry)
            self.surface.set_surface(series, DEFAULT_CONFIG.row())

    def to(self, timestamp: int) -> None:
        """Moves time to `timestamp`."""
        self.env.advance(timestamp - self.env.timestamp)

    def price(self, spot: int = SPOT, feed: int = 1, **options: Any) -> Receipt:
        """A signed price of now."""
        return push(self.oracle, feed, spot, **options)

    def signed(self, *signers: str, **changes: int) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
        """An update of now, with changes, and its signatures."""
        now = self.env.timestamp
        update = SurfaceUpdate(**({"timestamp": now, "deadline": now + 60} | changes))
        return update.row(), sign(surface_digest(self.surface.address, update), *(signers or ("signer",)))

    def push(self, *signers: str, **changes: int) -> Receipt:
        """Signs and stores an update."""
        receipt: Receipt = self.surface.update(*self.signed(*signers, **changes))
        return receipt

    def state(self, series: int = 1) -> tuple[Any, ...]:
        """Everything stored for a series."""
        surface = self.surface
        return (
            tuple(surface.surface(series)),
            tuple(surface.config(series)),
            tuple(surface.accumulator(series)),
            surface.settlement(series),
        )
