# SPDX-License-Identifier: Apache-2.0
"""Who is in a run, and what its summary says beside the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from eth_utils.address import to_checksum_address

from simulation.agents import Agent
from simulation.assembly.resolved import Resolved
from simulation.chain.backends import backend_in_use
from simulation.chain.deployment import feed_numbers
from simulation.config import ProtocolSpec, Scenario, VenueSpec
from simulation.engine import AgentIdentity, Protocol

__all__ = ["identities_of", "summarise"]


def identities_of(agents: Sequence[Agent], owners: Sequence[bytes], first: int) -> list[AgentIdentity]:
    """Who is who in tables; `owners` are those of all accounts from `first` on."""
    return [
        AgentIdentity(
            agent.name,
            agent.role,
            to_checksum_address(owners[int(agent.accounts[0]) - first]),
            tuple(agent.accounts.tolist()),
        )
        for agent in agents
    ]


def summarise(
    resolved: Resolved,
    venue: str,
    terms: Protocol,
    identities: Sequence[AgentIdentity],
    engines: Sequence[str],
) -> dict[str, object]:
    """What summary.json says of the run beside its outcome (messages/schema.py)."""
    scenario = resolved.scenario
    pairs = [*zip(terms.numbers, terms.markets, strict=True)]
    market_of = {market.feed: number for number, market in reversed(pairs)}
    gas_feed = next(feed.feed for feed in terms.feeds if feed.symbol == terms.gas_symbol)
    return {
        "plimsoll": version("plimsoll"),
        "scenario": scenario.name,
        "description": scenario.time.description,
        "seed": scenario.seed,
        "chain": backend_in_use(scenario.chain.backend),
        "block_seconds": scenario.time.block_time,
        "sample_blocks": scenario.recorder.sample_blocks,
        "gas_market": market_of.get(gas_feed, 0),
        "eth_usd": 0.0,
        "assets": [
            {
                "asset": number,
                "symbol": asset.symbol,
                "decimals": asset.decimals,
                "market": market_of.get(asset.feed, 0),
            }
            for number, asset in enumerate(terms.assets)
        ],
        "markets": [
            {
                "market": number,
                "symbol": market.symbol,
                "tick_size": market.tick_size,
                "lot_size": market.lot_size,
            }
            for number, market in zip(terms.numbers, terms.markets, strict=True)
        ],
        "agents": [
            {"agent": one.name, "role": one.role, "address": one.address, "accounts": list(one.accounts)}
            for one in identities
        ],
        "engines": list(engines),
        "user_agents": list(resolved.agents),
        "watched": _watched(scenario.protocol_of(venue)),
        "venue": venue,
        "venues": _opinions(scenario, venue),
        "deployment": {name: to_checksum_address(address) for name, address in terms.addresses.items()},
    }


def _watched(protocol: ProtocolSpec) -> list[dict[str, object]]:
    """Underlyings of the SolvencyGuard, bps; none without one."""
    guard = protocol.solvency_guard
    if guard is None:
        return []
    feeds = feed_numbers(protocol)
    shares = guard.shares(feeds)
    return [
        {"feed": feed, "symbol": asset, "stress": guard.of(asset).stress, "share": shares[asset]}
        for asset, feed in feeds.items()
    ]


def _opinions(scenario: Scenario, own: str) -> list[dict[str, object]]:
    """What the scenario thinks of every venue, that of the folder first."""
    others = [name for name in scenario.venue_names if name != own]
    specs = {name: scenario.venues.get(name) or VenueSpec() for name in (own, *others)}
    return [
        {"venue": name, "default_probability": spec.default_probability, "recovery": spec.recovery}
        for name, spec in specs.items()
    ]
