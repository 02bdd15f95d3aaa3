# SPDX-License-Identifier: Apache-2.0
"""The composition root: from a scenario to a simulation that is ready to run.

The only place that knows all parts: it deploys the protocol on the chosen chain, makes and endows the
agents, rebuilds the mirror from the setup's events and hands everything to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from eth_utils.address import to_checksum_address

from simulation.agents import (
    Agent,
    OracleRelayer,
    ProtocolOperator,
    SurfaceRelayer,
    SurfaceSigner,
    TypedDataSigner,
    address_of,
    load_agent,
    make_agent,
    make_agents,
    signing_key,
)
from simulation.assembly.endowment import endow, gifts_at, post_prices
from simulation.assembly.resolved import Resolved, resolve
from simulation.assembly.summary import identities_of, summarise
from simulation.assembly.systems import engines_of, underwriters_of
from simulation.assembly.terms import protocol_terms
from simulation.chain.backends import open_chain
from simulation.chain.deployment import own_accounts, plan
from simulation.chain.genesis import Genesis, address_named
from simulation.chain.protocol import Chain
from simulation.config import MAIN, Scenario, dump_scenario
from simulation.engine import COINBASE, VENUES, Deployed, Mirror, Recorder, Simulation

__all__ = ["Resolved", "build", "resolve"]

GAS_WALLET = 10_000 * 10**18
"""Wei that every owner of an account starts with."""


def build(
    resolved: Resolved, *, out: Path, around: Callable[[Chain], Chain] = lambda chain: chain
) -> Simulation:
    """Deploys, endows, and returns a simulation that writes to `out`.

    Args:
        resolved: what to run.
        out: the run folder.
        around: put around the chain once it is set up, such as a tape that records the run's blocks.

    Raises:
        OutputError: `out` cannot be written.
        ChainError: the setup failed.
    """
    scenario, path = resolved.scenario, resolved.path
    agents = _agents(resolved)
    owners = [
        address_named(f"{agent.name} {place}") for agent in agents for place in range(len(agent.accounts))
    ]
    genesis = Genesis(
        open_chain(scenario.chain.backend, scenario.chain.chain_id), int(path.timestamp[0]), COINBASE
    )
    keys = [signing_key(f"feed signer {place}") for place in range(scenario.protocol.oracle.signers)]
    signers = [to_checksum_address(address_of(key)) for key in keys]
    underwriters = underwriters_of(agents, owners, _first_account(scenario))
    sites = _deploy(genesis, scenario, signers, underwriters)
    signer = TypedDataSigner(keys, genesis.chain.chain_id, genesis.addresses["Oracle"])
    for agent in agents:
        if isinstance(agent, OracleRelayer):
            agent.signer = signer
        if isinstance(agent, ProtocolOperator):
            agent.guarded = scenario.protocol_of(agent.venues[0]).solvency_guard is not None
        if isinstance(agent, SurfaceRelayer):
            surface = sites[agent.venues[0]].addresses["Surface"]
            agent.signer = SurfaceSigner(keys, genesis.chain.chain_id, surface)
    post_prices(genesis, scenario.protocol, path.tick(0), signer)
    for owner in owners:
        genesis.chain.fund(owner, GAS_WALLET)
    for venue, site in sites.items():
        protocol = scenario.protocol_of(venue)
        endow(
            site,
            protocol,
            path.tick(0),
            _first_account(scenario),
            owners,
            gifts_at(agents, venue),
            engines_of(scenario, agents, venue),
            [agent.borrows for agent in agents for _ in agent.accounts],
        )
    return Simulation(
        chain=around(genesis.chain),
        venues=[
            _venue(resolved, venue, site, agents, owners, out if venue == MAIN else out / VENUES / venue)
            for venue, site in sites.items()
        ],
        path=path,
        agents=agents,
        gas=scenario.gas,
        seed=scenario.seed,
        first_block=genesis.number + 1,
        address=to_checksum_address,
    )


def _deploy(
    genesis: Genesis, scenario: Scenario, signers: Sequence[str], underwriters: Mapping[str, bytes]
) -> dict[str, Genesis]:
    """Every venue by name: an instance of the protocol each, with tokens and oracle of the first."""
    guardian, governor = (to_checksum_address(address_named(role)) for role in ("guardian", "governor"))
    common = ("CashToken", *(f"Token:{symbol}" for symbol in scenario.protocol.collaterals), "Oracle")
    sites: dict[str, Genesis] = {}
    for venue in scenario.venue_names:
        first = venue == MAIN
        protocol = scenario.protocol_of(venue)
        sites[venue] = genesis if first else genesis.beside(common)
        given = () if first else common
        grants = to_checksum_address(underwriters[venue]) if venue in underwriters else None
        steps = plan(protocol, guardian, tuple(signers), governor, scenario.start, given, grants)
        sites[venue].deploy(steps)
    return sites


def _venue(
    resolved: Resolved, name: str, site: Genesis, agents: Sequence[Agent], owners: Sequence[bytes], out: Path
) -> Deployed:
    """One venue for the engine, its mirror rebuilt from the events of the setup."""
    scenario = resolved.scenario
    first = _first_account(scenario)
    engines = engines_of(scenario, agents, name)
    terms = protocol_terms(name, site, scenario, first, engines)
    decode = site.decoder()
    mirror = Mirror(
        terms.numbers,
        [asset.contract for asset in terms.assets],
        strikes={market.number: market.strike for market in terms.markets if market.strike},
        desk=terms.addresses.get("CreditDesk", b""),
    )
    for events in site.events(decode):
        mirror.apply(events, int(resolved.path.timestamp[0]))
    here = [agent for agent in agents if name in agent.venues]
    identities = identities_of(here, owners, first)
    recorder = Recorder(out, identities, dump_scenario(scenario), scenario.recorder.sample_blocks)
    summary = summarise(resolved, name, terms, identities, [*[""] * (first - 1), *engines])
    return Deployed(name, terms, mirror, decode, recorder, summary)


def _first_account(scenario: Scenario) -> int:
    """Number of the first account of an agent; all venues have the same inverse markets, or none."""
    return 1 + own_accounts(scenario.protocol)


def _agents(resolved: Resolved) -> list[Agent]:
    """The scenario's agents, then the user's own, accounts numbered one after the other."""
    scenario = resolved.scenario
    account = _first_account(scenario)
    agents = make_agents(list(scenario.agents.values()), scenario.seed, account)
    names = {agent.name for agent in agents}
    account += sum(len(agent.accounts) for agent in agents)
    for source in resolved.agents:
        cls = load_agent(source)
        name, number = cls.__name__, 2
        while name in names:
            name, number = f"{cls.__name__}-{number}", number + 1
        names.add(name)
        agents.append(make_agent(cls, name, account, 1, None, scenario.seed))
        account += 1
    return agents
