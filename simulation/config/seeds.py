# SPDX-License-Identifier: Apache-2.0
"""Named random streams: one root seed, one independent generator for each name."""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["stream"]


def stream(seed: int, *name: str) -> np.random.Generator:
    """The generator that belongs to a name, such as `stream(seed, "market", "ETH")`.

    The child is spawned by the hash of its name, not by the order of asking, so adding an asset or an agent
    leaves the draws of all others as they were.
    """
    digest = hashlib.sha256("\x1f".join(name).encode()).digest()
    words = tuple(int.from_bytes(digest[start : start + 4], "big") for start in range(0, 16, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=words)))
