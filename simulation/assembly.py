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
    Endowment,
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
from simulation.chain.deployment import (
    CALL_INTERVAL,
    feed_numbers,
    inverse_asset,
    inverse_numbers,
    own_accounts,
    plan,
)
from simulation.chain.genesis import DEPLOYER, MAX_AMOUNT, Genesis, address_named
from simulation.chain.protocol import Chain
from simulation.config import (
    MAIN,
    ProtocolSpec,
    Scenario,
    TierSpec,
    VenueSpec,
    dump_scenario,
    load_scenario,
)
from simulation.domain import market_math
from simulation.domain.units import BPS, FULL_CONFIDENCE, NANO, WAD, to_wad, wad_to_token_down
from simulation.engine import (
    COINBASE,
    VENUES,
    AgentIdentity,
    AssetTerms,
    Deployed,
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
    agents = _agents(resolved)
    owners = [
        address_named(f"{agent.name} {place}") for agent in agents for place in range(len(agent.accounts))
    ]
    genesis = Genesis(
        open_chain(scenario.chain.backend, scenario.chain.chain_id), int(path.timestamp[0]), COINBASE
    )
    keys = [signing_key(f"feed signer {place}") for place in range(scenario.protocol.oracle.signers)]
    sites = _deploy(genesis, scenario, [to_checksum_address(address_of(key)) for key in keys])
    signer = TypedDataSigner(keys, genesis.chain.chain_id, genesis.addresses["Oracle"])
    for agent in agents:
        if isinstance(agent, OracleRelayer):
            agent.signer = signer
        if isinstance(agent, SurfaceRelayer):
            surface = sites[agent.venues[0]].addresses["Surface"]
            agent.signer = SurfaceSigner(keys, genesis.chain.chain_id, surface)
    _first_prices(genesis, scenario.protocol, path.tick(0), signer)
    for owner in owners:
        genesis.chain.fund(owner, GAS_WALLET)
    for venue, site in sites.items():
        protocol = scenario.protocol_of(venue)
        _endow(
            site,
            protocol,
            path.tick(0),
            _first_account(scenario),
            owners,
            _gifts(agents, venue),
            _engines(scenario, venue, len(owners)),
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


def _deploy(genesis: Genesis, scenario: Scenario, signers: Sequence[str]) -> dict[str, Genesis]:
    """Every venue by name: an instance of the protocol each, with tokens and oracle of the first."""
    guardian, governor = (to_checksum_address(address_named(role)) for role in ("guardian", "governor"))
    common = ("CashToken", *(f"Token:{symbol}" for symbol in scenario.protocol.collaterals), "Oracle")
    sites: dict[str, Genesis] = {}
    for venue in scenario.venue_names:
        first = venue == MAIN
        protocol = scenario.protocol_of(venue)
        sites[venue] = genesis if first else genesis.beside(common)
        given = () if first else common
        sites[venue].deploy(plan(protocol, guardian, tuple(signers), governor, scenario.start, given))
    return sites


def _venue(
    resolved: Resolved, name: str, site: Genesis, agents: Sequence[Agent], owners: Sequence[bytes], out: Path
) -> Deployed:
    """One venue for the engine, its mirror rebuilt from the events of the setup."""
    scenario = resolved.scenario
    terms = _terms(name, site, scenario)
    decode = site.decoder()
    mirror = Mirror(
        terms.numbers,
        [asset.contract for asset in terms.assets],
        strikes={market.number: market.strike for market in terms.markets if market.strike},
    )
    for events in site.events(decode):
        mirror.apply(events, int(resolved.path.timestamp[0]))
    here = [agent for agent in agents if name in agent.venues]
    identities = _identities(here, owners, _first_account(scenario))
    recorder = Recorder(out, identities, dump_scenario(scenario), scenario.recorder.sample_blocks)
    summary = _summary(resolved, name, terms, identities)
    return Deployed(name, terms, mirror, decode, recorder, summary)


def _first_account(scenario: Scenario) -> int:
    """Number of the first account of an agent, at every venue."""
    return 1 + max(own_accounts(scenario.protocol_of(venue)) for venue in scenario.venue_names)


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


def _identities(agents: Sequence[Agent], owners: Sequence[bytes], first: int) -> list[AgentIdentity]:
    """`owners` are those of all accounts from `first` on."""
    return [
        AgentIdentity(
            agent.name,
            agent.role,
            to_checksum_address(owners[int(agent.accounts[0]) - first]),
            tuple(agent.accounts.tolist()),
        )
        for agent in agents
    ]


def _engines(scenario: Scenario, venue: str, accounts: int) -> list[str]:
    """Margin system of every account at a venue; the user's own agents come last and have the protocol's."""
    usual = scenario.protocol_of(venue).engine
    engines = [
        (spec.engine if venue in spec.venues else None) or usual
        for spec in scenario.agents.values()
        for _ in range(spec.count)
    ]
    return engines + [usual] * (accounts - len(engines))


def _gifts(agents: Sequence[Agent], venue: str) -> list[Endowment | None]:
    """What every account starts with at a venue; None where its agent has no business there."""
    return [
        gift
        for agent in agents
        for gift in (
            agent.endowments_at(agent.venues.index(venue))
            if venue in agent.venues
            else [None] * len(agent.accounts)
        )
    ]


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
    first: int,
    owners: Sequence[bytes],
    gifts: Sequence[Endowment | None],
    engines: Sequence[str],
) -> None:
    """Seeds the insurance fund, opens accounts from `first` on and gives each what its agent asks for."""
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
    # An account has one number at every venue, whether or not a pool has an account there.
    for _ in range(own_accounts(protocol), first - 1):
        genesis.call(DEPLOYER, "Vault", "create_account", protocol.engines["cross"])
    for account, (owner, gift, engine) in enumerate(zip(owners, gifts, engines, strict=True), start=first):
        genesis.call(owner, "Vault", "create_account", protocol.engines[engine])
        if gift is None:
            continue
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


def _terms(venue: str, genesis: Genesis, scenario: Scenario) -> Protocol:
    """What the engine must know of a venue's protocol; ratios as shares of 1, for decisions."""
    protocol = scenario.protocol_of(venue)
    feeds = feed_numbers(protocol)
    auction = protocol.liquidation
    engines = set(_engines(scenario, venue, 1))
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
                tiers=_tiers(market.tiers),
            )
            for name, market in protocol.markets.items()
        )
        + tuple(_inverse_markets(protocol))
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
        # Of a coin balance that outlasts its contracts the engines alone know what it asks for.
        asks_margins=bool(protocol.series) or bool(protocol.inverse) or engines != {"cross"},
    )


def _tiers(tiers: TierSpec) -> tuple[tuple[float, float], ...]:
    return (
        (tiers.first_bound / WAD, tiers.first_multiplier / BPS),
        (tiers.second_bound / WAD, tiers.second_multiplier / BPS),
    )


def _inverse_markets(protocol: ProtocolSpec) -> Iterator[MarketTerms]:
    feeds, assets = feed_numbers(protocol), list(protocol.collaterals)
    for number, (name, market) in zip(inverse_numbers(protocol), protocol.inverse.items(), strict=True):
        yield MarketTerms(
            name,
            feeds[inverse_asset(protocol, market)],
            market.tick,
            market.lot,
            market.initial_margin / BPS,
            market.maintenance_margin / BPS,
            _tiers(market.tiers),
            number=number,
            settled_in=1 + assets.index(market.collateral),
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


def _summary(
    resolved: Resolved, venue: str, terms: Protocol, identities: Sequence[AgentIdentity]
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
        "user_agents": list(resolved.agents),
        "venue": venue,
        "venues": _opinions(scenario, venue),
        "deployment": {name: to_checksum_address(address) for name, address in terms.addresses.items()},
    }


def _opinions(scenario: Scenario, own: str) -> list[dict[str, object]]:
    """What the scenario thinks of every venue, that of the folder first."""
    others = [name for name in scenario.venue_names if name != own]
    specs = {name: scenario.venues.get(name) or VenueSpec() for name in (own, *others)}
    return [
        {"venue": name, "default_probability": spec.default_probability, "recovery": spec.recovery}
        for name, spec in specs.items()
    ]
