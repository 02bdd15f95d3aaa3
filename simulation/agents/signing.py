# SPDX-License-Identifier: Apache-2.0
"""Keys that sign prices: EIP-712 typed data of IOracle.PriceUpdate, compact signatures (EIP-2098).

Imports: coincurve, eth_hash; nothing of this package.
"""

from __future__ import annotations

from collections.abc import Sequence

from coincurve import PrivateKey
from eth_hash.auto import keccak

__all__ = ["TypedDataSigner", "address_of", "signing_key"]

DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
PRICE_UPDATE_TYPE = (
    b"PriceUpdate(uint256 feed,uint256 spot,uint256 mark,"
    b"uint256 confidence,uint256 timestamp,uint256 deadline)"
)


def signing_key(name: str) -> bytes:
    """The 32-byte private key that belongs to a name; worth nothing outside a simulation."""
    return keccak(b"plimsoll signer " + name.encode())


def address_of(key: bytes) -> bytes:
    """The 20-byte address of a private key."""
    return keccak(PrivateKey(key).public_key.format(compressed=False)[1:])[12:]


class TypedDataSigner:
    """Signs price updates for one oracle with one or more keys.

    Args:
        keys: 32-byte private keys.
        chain_id: of the EVM.
        oracle: 20-byte address of the Oracle contract.
        name, version: of its EIP-712 domain.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        chain_id: int,
        oracle: bytes,
        name: str = "Plimsoll Oracle",
        version: str = "1",
    ) -> None:
        self._keys = [PrivateKey(key) for key in sorted(keys, key=address_of)]
        self._type = keccak(PRICE_UPDATE_TYPE)
        self._prefix = b"\x19\x01" + keccak(
            keccak(DOMAIN_TYPE)
            + keccak(name.encode())
            + keccak(version.encode())
            + chain_id.to_bytes(32, "big")
            + oracle.rjust(32, b"\0")
        )

    def digest(
        self, feed: int, spot: int, mark: int, confidence: int, timestamp: int, deadline: int
    ) -> bytes:
        """The EIP-712 hash that is signed."""
        fields = (feed, spot, mark, confidence, timestamp, deadline)
        struct = keccak(self._type + b"".join(value.to_bytes(32, "big") for value in fields))
        return keccak(self._prefix + struct)

    def sign(
        self, feed: int, spot: int, mark: int, confidence: int, timestamp: int, deadline: int
    ) -> tuple[tuple[int, int], ...]:
        """One (r, vs) for each key, by rising signer address."""
        digest = self.digest(feed, spot, mark, confidence, timestamp, deadline)
        signatures = []
        for key in self._keys:
            signature = key.sign_recoverable(digest, hasher=None)
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
            signatures.append((r, s | signature[64] << 255))
        return tuple(signatures)
