# SPDX-License-Identifier: Apache-2.0
"""A plan with every optional section: deployed within the gas of a transaction, numbered, owned, usable."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_hash.auto import keccak

from simulation.chain.artifacts import load_artifact
from simulation.chain.backends import open_chain
from simulation.chain.deployment import Call, Deploy, owned, plan
from simulation.chain.genesis import Genesis, address_named
from simulation.config.scenario import (
    ENGINES,
    CreditSpec,
    DynamicSpec,
    GridSpec,
    OptionsSpec,
    PortfolioSpec,
    ProtocolSpec,
    RiskSpec,
    SeriesSpec,
)
from simulation.messages.chain import Call as MessageCall
from tests.boards import PARAMETERS, SCENARIOS, SHOCKS
from tests.inverse import BTC_USD, ETH_USD, inverse_protocol
from tests.protocol import NANO, World, default_protocol, many_markets

DAY = 86_400
START = 1_700_000_000
SERIES = {
    f"{asset}-{days}D": SeriesSpec(asset=asset, expiry=days * DAY, strikes=strikes)
    for asset, strikes in (("ETH", (2_000 * NANO, 2_500 * NANO)), ("BTC", (30_000 * NANO,)))
    for days in (7, 30)
}


def everything(base: ProtocolSpec | None = None) -> ProtocolSpec:
    """Series of both assets and all margin systems."""
    return replace(
        base or default_protocol(),
        series={} if base is not None else SERIES,
        engine_delay=3_600,
        options=OptionsSpec(),
        portfolio=PortfolioSpec(),
        risk=RiskSpec(),
        dynamic=DynamicSpec(),
        credit=CreditSpec(),
    )


@pytest.fixture(scope="module")
def world() -> World:
    return World(everything())


def test_engines_have_the_numbers_that_the_protocol_says(world: World) -> None:
    assert list(world.protocol.engines) == list(ENGINES)
    found = {name: world.vault.engines(number) for name, number in world.protocol.engines.items()}
    assert found == {name: world.contracts[contract].address for name, contract in ENGINES.items()}
    assert world.vault.engine_count() == len(ENGINES)


@pytest.mark.parametrize(
    ("sections", "numbers"),
    [
        ({}, {"cross": 1, "isolated": 2}),
        ({"dynamic": DynamicSpec()}, {"cross": 1, "isolated": 2, "dynamic": 3}),
        (
            {"credit": CreditSpec(), "risk": RiskSpec()},
            {"cross": 1, "isolated": 2, "risk-based": 3, "credit": 4},
        ),
    ],
)
def test_only_what_is_deployed_has_a_number(sections: dict[str, object], numbers: dict[str, int]) -> None:
    protocol = replace(default_protocol(), **sections)  # type: ignore[arg-type]
    assert protocol.engines == numbers
    steps = plan(protocol, address_named("guardian").hex(), ())
    registered = [step.args[0].name for step in steps if getattr(step, "function", "") == "register_engine"]
    assert registered == [ENGINES[name] for name in numbers]


def test_default_parameters_are_those_of_the_published_deployment(world: World) -> None:
    board, engine = world.contracts["RiskBoard"], world.contracts["PortfolioMargin"]
    assert sorted(tuple(row) for row in board.scenarios()) == sorted(SCENARIOS)
    assert tuple(board.shocks()) == SHOCKS.row()
    assert tuple(engine.parameters()) == PARAMETERS.row()
    assert len(GridSpec().scenarios) == 33
    assert [engine.market_feed(market) for market in (1, 2)] == [1, 2]
    assert [engine.asset_feed(asset) for asset in (0, 1, 2)] == [0, 1, 2]


def test_the_risk_model_knows_every_underlying_market_and_collateral(world: World) -> None:
    model = world.contracts["RiskModel"]
    found = model.underlyings()
    assert [underlying.feed for underlying in found] == [1, 2]
    # 80 % a year over sqrt(365), 1e-9, rounded down.
    assert found[0].volatility == 41_873_913
    assert (found[0].vol_volatility, found[0].concentration_bound) == (80_000_000, 1_000_000)
    assert [model.underlying_of(market) for market in (1, 2, 256, 512, 768, 1_024)] == [1, 2, 1, 1, 2, 2]
    assert [model.mapped_feed(asset) for asset in (1, 2)] == [1, 2]
    assert (model.correlation(1, 0), model.correlation(17, 16)) == (8 * 10**8, 6 * 10**8)
    assert model.correlation(16, 0) == model.correlation(17, 0) == -3 * 10**8
    greeks = world.contracts["RiskBasedMargin"]
    assert greeks.BOARD() == world.contracts["OptionGreeks"].address


def test_inverse_perpetuals_are_known_to_every_engine() -> None:
    found = World(replace(everything(), inverse=inverse_protocol().inverse))
    for contract in ENGINES.values():
        assert all(found.contracts[contract].permits(1, market, 0) for market in (ETH_USD, BTC_USD)), contract
    assert [found.contracts["PortfolioMargin"].market_feed(market) for market in (ETH_USD, BTC_USD)] == [1, 2]
    assert [found.contracts["RiskModel"].underlying_of(market) for market in (ETH_USD, BTC_USD)] == [1, 2]


def test_cross_and_isolated_margin_have_rules_for_dated_markets(world: World) -> None:
    for name in ("CrossMargin", "IsolatedMargin"):
        engine = world.contracts[name]
        assert engine.risk_board() == world.contracts["RiskBoard"].address
        for feed in (1, 2):
            assert tuple(engine.option_risk(feed)) == (
                *(1_500, 1_000, 750, 750, 750, 10_100, 12_000, 11_000),
                *(50_000_000, 10_000),
            )
            assert engine.future_risk(feed) == engine.market_risk(feed)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_account_of_any_engine_opens_a_perpetual(engine: str) -> None:
    deployed = World(everything())
    deployed.prices(ETH=2_000, BTC=30_000)
    trader = deployed.account("trader", cash=10_000, engine=deployed.protocol.engines[engine])
    maker = deployed.account("maker", cash=1_000_000)
    deployed.trade(trader, maker, 1, 2_000, 1)
    answer = deployed.ledger.assess(trader)[0]
    assert 0 < answer.maintenance_margin <= answer.initial_margin < answer.equity
    deployed.check()


@pytest.mark.parametrize(
    "protocol", [everything(), everything(many_markets(16))], ids=["series", "16 assets"]
)
def test_everything_fits_in_transactions_and_belongs_to_the_timelock(protocol: ProtocolSpec) -> None:
    """On the chain of a run, where a transaction beyond the cap, or that reverts, ends the set-up."""
    genesis = Genesis(open_chain("revm", 1337), START, bytes(20))
    guardian, governor, signer = (
        "0x" + address_named(role).hex() for role in ("guardian", "governor", "signer")
    )
    steps = plan(protocol, guardian, (signer,), governor, START)
    genesis.deploy(steps)
    names = owned(steps)
    deployed = [step for step in steps if isinstance(step, Deploy)]
    with_owner = {
        step.name
        for step in deployed
        if any(entry.get("name") == "transfer_ownership" for entry in load_artifact(step.artifact).abi)
    }
    assert set(names) == with_owner
    handed = [
        step.target for step in steps if isinstance(step, Call) and step.function == "transfer_ownership"
    ]
    assert handed == list(names)
    owner = keccak(b"owner()")[:4]
    result = genesis.chain.call_many(
        genesis.env(), [MessageCall(genesis.addresses[name], owner) for name in names]
    )
    owners = {name: result.output(row)[12:32] for row, name in enumerate(names)}
    assert owners == dict.fromkeys(names, genesis.addresses["Timelock"])
