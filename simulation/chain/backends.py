# SPDX-License-Identifier: Apache-2.0
"""The backends by name. Imports: chain.protocol; a backend only when it is asked for."""

from __future__ import annotations

from importlib.util import find_spec

from simulation.chain.protocol import CHAIN_ID, Chain

__all__ = ["backend_in_use", "open_chain"]


def backend_in_use(wanted: str) -> str:
    """`wanted`, or `tester` where the native EVM was not built."""
    return "tester" if wanted == "revm" and find_spec("plimsoll_evm") is None else wanted


def open_chain(wanted: str, chain_id: int = CHAIN_ID) -> Chain:
    """An empty chain on `revm` or `tester`; see `backend_in_use`."""
    if backend_in_use(wanted) == "revm":
        from simulation.chain.revm import RevmChain

        return RevmChain(chain_id)
    from simulation.chain.tester import PyEvmChain

    return PyEvmChain(chain_id)
