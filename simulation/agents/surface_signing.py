# SPDX-License-Identifier: Apache-2.0
"""Keys that sign surfaces: EIP-712 typed data of ISurface.SurfaceUpdate, compact signatures (EIP-2098).

Imports: coincurve, eth_hash; agents.signing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from coincurve import PrivateKey
from eth_hash.auto import keccak

from simulation.agents.signing import DOMAIN_TYPE, address_of

__all__ = ["SurfaceSigner", "SurfaceUpdate"]


class SurfaceUpdate(NamedTuple):
    """As ISurface.SurfaceUpdate, in the order of the ABI; units as there."""

    series: int
    forward_difference: int
    rate: int
    a: int
    b: int
    rho: int
    m: int
    sigma: int
    reference_forward: int
    reference_tau: int
    forward_confidence: int
    vol_confidence: int
    rate_confidence: int
    timestamp: int
    deadline: int


SIGNED = {"forward_difference", "rate", "a", "b", "rho", "m", "sigma"}
TYPE = "SurfaceUpdate({})".format(
    ",".join(f"{'int256' if name in SIGNED else 'uint256'} {name}" for name in SurfaceUpdate._fields)
)


class SurfaceSigner:
    """Signs surface updates for one Surface with one or more keys.

    Args:
        keys: 32-byte private keys.
        chain_id: of the EVM.
        surface: 20-byte address of the Surface contract.
    """

    def __init__(self, keys: Sequence[bytes], chain_id: int, surface: bytes) -> None:
        self._keys = [PrivateKey(key) for key in sorted(keys, key=address_of)]
        self._type = keccak(TYPE.encode())
        domain = (
            keccak(DOMAIN_TYPE),
            keccak(b"Plimsoll Surface"),
            keccak(b"1"),
            chain_id.to_bytes(32, "big"),
        )
        self._prefix = b"\x19\x01" + keccak(b"".join(domain) + surface.rjust(32, b"\0"))

    def sign(self, update: SurfaceUpdate) -> tuple[tuple[int, int], ...]:
        """One (r, vs) for each key, by rising signer address."""
        words = b"".join(value.to_bytes(32, "big", signed=value < 0) for value in update)
        digest = keccak(self._prefix + keccak(self._type + words))
        signatures = []
        for key in self._keys:
            signature = key.sign_recoverable(digest, hasher=None)
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
            signatures.append((r, s | signature[64] << 255))
        return tuple(signatures)
