# SPDX-License-Identifier: Apache-2.0
"""The composition root: from a scenario to a simulation that is ready to run.

The only place that knows all parts: it deploys the protocol on the chosen chain, makes and endows the
agents, rebuilds the mirror from the setup's events and hands everything to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from eth_utils.address import to_checksum_address

from simulation.agents import (
    SETTINGS_CLASSES,
    Agent,
    OracleRelayer,
    SurfaceRelayer,
    SurfaceSigner,
    TypedDataSigner,
    address_of,
    load_agent,
    make_agent,
    make_agents,
    signing_key,
)
from simulation.chain.backends import backend_in_use, open_chain
from simulation.chain.deployment import CALL_INTERVAL, feed_numbers, plan
from simulation.chain.genesis import DEPLOYER, MAX_AMOUNT, Genesis, address_named
from simulation.chain.protocol import Chain
from simulation.config import ProtocolSpec, Scenario, dump_scenario, load_scenario
from simulation.domain import market_math
from simulation.domain.units import BPS, FULL_CONFIDENCE, NANO, WAD, to_wad, wad_to_token_down
from simulation.engine import (
    COINBASE,
    AgentIdentity,
    AssetTerms,
    FeedTerms,
    MarketTerms,
    Mirror,
    Protocol,
    Recorder,
    SeriesTerms,
    Simulation,
)
from simulation.market import MarketPath, build_market
from simulation.messages import AuctionRules
from simulation.messages.market import PriceTick

__all__ = ["Resolved", "build", "resolve"]

GAS_WALLET = 10_000 * 10**18
"""Wei that every owner of an account starts with."""
SHARE_DECIMALS = 6
"""Decimals that shares of the insurance fund have more than the cash token (InsuranceFund)."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A checked scenario with its path and the user's own agents: all that a run depends on."""

    scenario: Scenario
    path: MarketPath
    agents: tuple[str, ...]
    """FILE.py:Class, in the order given."""

    @property
    def name(self) -> str:
        return self.scenario.name

    @property
    def seed(self) -> int:
        return self.scenario.seed

    @property
    def without_native(self) -> bool:
        """The scenario asks for the native EVM, which was not built: py-evm runs it, slower."""
        wanted = self.scenario.chain.backend
        return backend_in_use(wanted) != wanted

    @property
    def blocks(self) -> int:
        """Blocks that the run will have."""
        return len(self.path) - 1


def resolve(
    source: str, overrides: Sequence[str] = (), prices: Sequence[str] = (), agents: Sequence[str] = ()
) -> Resolved:
    """Reads and checks everything that a run depends on.

    Args:
        source: name of a shipped scenario, or a TOML file.
        overrides: `key=value`.
        prices: `SYMBOL=FILE`.
        agents: `FILE.py:Class`.

    Raises:
        InputError: anything wrong in the scenario, the options or the files.
    """
    scenario, path = build_market(load_scenario(source, overrides, prices, SETTINGS_CLASSES))
    for agent in agents:
        load_agent(agent)
    return Resolved(scenario, path, tuple(agents))


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
    protocol = scenario.protocol
    agents = _agents(resolved)
    owners = [
        address_named(f"{agent.name} {place}") for agent in agents for place in range(len(agent.accounts))
    ]
    identities = _identities(agents, owners)
    genesis = Genesis(
        open_chain(scenario.chain.backend, scenario.chain.chain_id), int(path.timestamp[0]), COINBASE
    )
    keys = [signing_key(f"feed signer {place}") for place in range(protocol.oracle.signers)]
    signers = tuple(to_checksum_address(address_of(key)) for key in keys)
    guardian, governor = (to_checksum_address(address_named(role)) for role in ("guardian", "governor"))
    genesis.deploy(plan(protocol, guardian, signers, governor, int(path.timestamp[0])))
    signer = TypedDataSigner(keys, genesis.chain.chain_id, genesis.addresses["Oracle"])
    for agent in agents:
        if isinstance(agent, OracleRelayer):
            agent.signer = signer
        if isinstance(agent, SurfaceRelayer):
            agent.signer = SurfaceSigner(keys, genesis.chain.chain_id, genesis.addresses["Surface"])
    _first_prices(genesis, protocol, path.tick(0), signer)
    _endow(genesis, protocol, path.tick(0), agents, owners, _engines(scenario, len(owners)))

    terms = _terms(protocol, genesis, scenario)
    decode = genesis.decoder()
    mirror = Mirror(
        terms.numbers,
        [asset.contract for asset in terms.assets],
        strikes={market.number: market.strike for market in terms.markets if market.strike},
    )
    for events in genesis.events(decode):
        mirror.apply(events, int(path.timestamp[0]))
    recorder = Recorder(out, identities, dump_scenario(scenario), scenario.recorder.sample_blocks)
    return Simulation(
        chain=around(genesis.chain),
        protocol=terms,
        mirror=mirror,
        path=path,
        agents=agents,
        gas=scenario.gas,
        seed=scenario.seed,
        decode=decode,
        recorder=recorder,
        first_block=genesis.number + 1,
        summary=_summary(resolved, terms, identities),
        address=to_checksum_address,
    )


def _agents(resolved: Resolved) -> list[Agent]:
    """The scenario's agents, then the user's own, accounts numbered one after the other."""
    scenario = resolved.scenario
    agents = make_agents(list(scenario.agents.values()), scenario.seed)
    names = {agent.name for agent in agents}
    account = 1 + sum(len(agent.accounts) for agent in agents)
    for source in resolved.agents:
        cls = load_agent(source)
        name, number = cls.__name__, 2
        while name in names:
            name, number = f"{cls.__name__}-{number}", number + 1
        names.add(name)
        agents.append(make_agent(cls, name, account, 1, None, scenario.seed))
        account += 1
    return agents


def _identities(agents: Sequence[Agent], owners: Sequence[bytes]) -> list[AgentIdentity]:
    return [
        AgentIdentity(
            agent.name,
            agent.role,
            to_checksum_address(owners[int(agent.accounts[0]) - 1]),
            tuple(agent.accounts.tolist()),
        )
        for agent in agents
    ]


def _engines(scenario: Scenario, accounts: int) -> list[str]:
    """Margin system of every account; the user's own agents come last and have the protocol's."""
    usual = scenario.protocol.engine
    engines = [spec.engine or usual for spec in scenario.agents.values() for _ in range(spec.count)]
    return engines + [usual] * (accounts - len(engines))


def _first_prices(genesis: Genesis, protocol: ProtocolSpec, tick: PriceTick, signer: TypedDataSigner) -> None:
    for symbol, feed in feed_numbers(protocol).items():
        price = tick.price_nano(symbol)
        update = (feed, price, price, FULL_CONFIDENCE, tick.timestamp, tick.timestamp + 600)
        genesis.call(DEPLOYER, "Oracle", "update", update, signer.sign(*update))
    genesis.flush()


def _endow(
    genesis: Genesis,
    protocol: ProtocolSpec,
    tick: PriceTick,
    agents: Sequence[Agent],
    owners: Sequence[bytes],
    engines: Sequence[str],
) -> None:
    """Seeds the insurance fund, opens every account and gives it what its agent asks for."""
    decimals = protocol.cash.decimals
    vault = genesis.addresses["Vault"]

    def cash(usd: float) -> int:
        return wad_to_token_down(to_wad(usd), decimals)

    def provide(owner: bytes, token: str, units: int, spender: bytes) -> None:
        genesis.call(DEPLOYER, token, "mint", owner, units)
        genesis.call(owner, token, "approve", spender, MAX_AMOUNT)

    def into_fund(owner: bytes, units: int) -> None:
        genesis.call(owner, "CashToken", "approve", genesis.addresses["InsuranceFund"], MAX_AMOUNT)
        if units:
            genesis.call(owner, "InsuranceFund", "deposit", units, owner)

    seed = wad_to_token_down(protocol.insurance.seed, decimals)
    if seed:
        genesis.call(DEPLOYER, "CashToken", "mint", DEPLOYER, seed)
        into_fund(DEPLOYER, seed)
    collateral = next(iter(protocol.collaterals.items()), None)
    gifts = [gift for agent in agents for gift in agent.endowments()]
    for account, (owner, gift, engine) in enumerate(zip(owners, gifts, engines, strict=True), start=1):
        genesis.chain.fund(owner, GAS_WALLET)
        genesis.call(owner, "Vault", "create_account", protocol.engines[engine])
        provide(owner, "CashToken", cash(gift.cash) + cash(gift.wallet) + cash(gift.fund), vault)
        if cash(gift.cash):
            genesis.call(owner, "Vault", "deposit", account, 0, cash(gift.cash))
        if collateral is not None:
            symbol, spec = collateral
            price = tick.price_nano(spec.asset) / NANO
            units = int(gift.collateral / price * 10**spec.decimals)
            provide(owner, f"Token:{symbol}", units, vault)
            if units:
                genesis.call(owner, "Vault", "deposit", account, 1, units)
        into_fund(owner, cash(gift.fund))
    genesis.flush()


def _terms(protocol: ProtocolSpec, genesis: Genesis, scenario: Scenario) -> Protocol:
    """What the engine must know of the protocol; ratios as shares of 1, for decisions."""
    feeds = feed_numbers(protocol)
    auction = protocol.liquidation
    engines = set(_engines(scenario, 1))
    gas_symbol = "ETH" if "ETH" in scenario.assets else next(iter(scenario.assets))
    return Protocol(
        addresses=genesis.addresses,
        markets=tuple(
            MarketTerms(
                symbol=name,
                feed=feeds[market.asset],
                tick_size=market.tick,
                lot_size=market.lot,
                initial_margin=market.initial_margin / BPS,
                maintenance_margin=market.maintenance_margin / BPS,
                tiers=(
                    (market.tiers.first_bound / WAD, market.tiers.first_multiplier / BPS),
                    (market.tiers.second_bound / WAD, market.tiers.second_multiplier / BPS),
                ),
            )
            for name, market in protocol.markets.items()
        )
        + tuple(_dated_markets(protocol)),
        assets=(
            AssetTerms("CashToken", protocol.cash.symbol, protocol.cash.decimals),
            *(
                AssetTerms(
                    f"Token:{symbol}",
                    symbol,
                    asset.decimals,
                    feeds[asset.asset],
                    asset.initial_haircut / BPS,
                    asset.maintenance_haircut / BPS,
                )
                for symbol, asset in protocol.collaterals.items()
            ),
        ),
        feeds=tuple(FeedTerms(feed, symbol) for symbol, feed in feeds.items()),
        auction=AuctionRules(
            start=auction.start_discount / BPS,
            cut=auction.cut_discount / BPS,
            fast=auction.fast,
            slow=auction.slow,
            insolvent=auction.insolvent,
            buffer=auction.buffer / BPS,
            equity_cutoff=auction.equity_cutoff / WAD,
            reward_rate=auction.reward_rate / BPS,
            reward_cap=auction.reward / WAD,
            call_interval=CALL_INTERVAL,
        ),
        share_decimals=protocol.cash.decimals + SHARE_DECIMALS,
        gas_symbol=gas_symbol,
        series=tuple(
            SeriesTerms(name, feeds[series.asset], scenario.start + series.expiry)
            for name, series in protocol.series.items()
        ),
        asks_margins=bool(protocol.series) or engines != {"cross"},
    )


def _dated_markets(protocol: ProtocolSpec) -> Iterator[MarketTerms]:
    """The future and the options of every series, by number; what margin they ask for the chain says."""
    feeds = feed_numbers(protocol)
    for number, (name, series) in enumerate(protocol.series.items(), 1):
        feed = feeds[series.asset]
        yield MarketTerms(
            name, feed, series.future_tick, series.future_lot, 0.0, 0.0, number=market_math.future(number)
        )
        for place, strike in enumerate(series.strikes):
            for call in (True, False):
                yield MarketTerms(
                    f"{name} {strike / NANO:g} {'call' if call else 'put'}",
                    feed,
                    series.option_tick,
                    series.option_lot,
                    0.0,
                    0.0,
                    number=market_math.option(number, place, call),
                    strike=strike,
                )


def _summary(resolved: Resolved, terms: Protocol, identities: Sequence[AgentIdentity]) -> dict[str, object]:
    """What summary.json says of the run beside its outcome (messages/schema.py)."""
    scenario = resolved.scenario
    market_of = {market.feed: number for number, market in reversed(list(enumerate(terms.markets, start=1)))}
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
        "user_agents": list(resolved.agents),
        "deployment": {name: to_checksum_address(address) for name, address in terms.addresses.items()},
    }
