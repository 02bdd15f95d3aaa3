# SPDX-License-Identifier: Apache-2.0
"""SolvencyGuard, which the Vault and the Exchange must know, over every asset that has a price."""

from __future__ import annotations

from collections.abc import Iterator

from simulation.chain.deployment.core import BATCH, NOBODY, feed_numbers, inverse_numbers
from simulation.chain.deployment.steps import Call, Deploy, Ref, Step
from simulation.config.scenario import MODES, ProtocolSpec, SolvencyGuardSpec

__all__ = ["watch"]

NAME = "SolvencyGuard"


def watch(protocol: ProtocolSpec, spec: SolvencyGuardSpec) -> Iterator[Step]:
    """Underlyings, markets, collaterals and mode, once everything that it asks is there."""
    feeds = feed_numbers(protocol)
    shares = spec.shares(feeds)
    greeks: Ref | str = NOBODY
    if protocol.series:
        greeks = Ref("OptionGreeks")
        if protocol.risk is None:
            yield Deploy("OptionGreeks", "OptionGreeks", (Ref("RiskBoard"),))
    parts = (Ref("Vault"), Ref("Ledger"), Ref("Exchange"), Ref("InsuranceFund"), greeks)
    yield Call(NAME, "wire", parts)
    for asset, feed in feeds.items():
        yield Call(NAME, "set_underlying", (feed, spec.of(asset).stress, shares[asset]))
    numbers = (
        *range(1, len(protocol.markets) + 1),
        *inverse_numbers(protocol),
        *(256 * series for series in range(1, len(protocol.series) + 1)),
    )
    for start in range(0, len(numbers), BATCH):
        yield Call(NAME, "admit_markets", (numbers[start : start + BATCH],))
    pledged = tuple(feeds[collateral.asset] for collateral in protocol.collaterals.values())
    yield Call(NAME, "map_collaterals", (tuple(range(1, len(pledged) + 1)), pledged))
    yield Call(NAME, "set_mode", (1 << MODES.index(spec.mode), spec.rate))
