# SPDX-License-Identifier: Apache-2.0
"""The deployment plan: from risk parameters to the transactions that build the protocol.

A plan is data, a sequence of steps that any EVM can run, so that tests, scripts and simulations deploy the
same thing. Addresses are not known in advance: `Ref("Vault")` stands for one. May import config and below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak

from simulation.config.scenario import CreditSpec, DynamicSpec, LiquidationSpec, MarketSpec, ProtocolSpec
from simulation.domain.units import FULL_CONFIDENCE

__all__ = [
    "CALL_INTERVAL",
    "CROSS",
    "ISOLATED",
    "OWNED",
    "Call",
    "Deploy",
    "Ref",
    "Step",
    "feed_numbers",
    "owned",
    "plan",
    "resolve",
    "run",
]

CROSS = 1
"""Engine id of CrossMargin."""
ISOLATED = 2
"""Engine id of IsolatedMargin."""

MAX_UINT128 = 2**128 - 1
WAD = 10**18
BPS_TO_WAD = 10**14
LINEAR_PERPETUAL = 1
"""IInstruments.Kind as a flag value."""
OWNED = (
    "Oracle",
    "Instruments",
    "CrossMargin",
    "IsolatedMargin",
    "Vault",
    "Ledger",
    "Exchange",
    "InsuranceFund",
    "Liquidator",
)
"""Contracts with an owner, which is the Timelock once deployment is over."""
OPTIONAL = ("Surface", "RiskBoard", "EngineSwitch", "DynamicMargin", "CreditMargin", "CreditDesk")
"""Contracts with an owner that only some plans deploy."""
NOBODY = "0x" + "00" * 20
CALL_INTERVAL = 3_600
"""Seconds between two margin calls of one account."""
SETTLEMENT_RULES = (900, 1_500, 86_400)
"""ISurface.SettlementParameters, seconds: gap, coverage of the window of 1,800, patience."""
MAX_DIFFERENCE = 2_000
"""Bps of spot by which a forward may differ."""
VARIANCE_WINDOW = 86_400
"""Seconds: time constant of the oracle's EWMA variance, one day."""


@dataclass(frozen=True, slots=True)
class Ref:
    """The address of a contract that an earlier step deploys."""

    name: str


@dataclass(frozen=True, slots=True)
class Deployer:
    """The address of whoever runs the plan."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """Deploys `artifact` with constructor arguments and calls the result `name`."""

    name: str
    artifact: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """Sends a transaction of the deployer to a deployed contract."""

    target: str
    function: str
    args: tuple[Any, ...] = ()


Step = Deploy | Call


def resolve(value: Any, addresses: Mapping[str, Any], deployer: Any) -> Any:
    """`value` with every Ref and Deployer replaced by an address, inside tuples and lists too."""
    if isinstance(value, Ref):
        return addresses[value.name]
    if isinstance(value, Deployer):
        return deployer
    if isinstance(value, (tuple, list)):
        return type(value)(resolve(part, addresses, deployer) for part in value)
    return value


def run(
    steps: Iterator[Step] | tuple[Step, ...],
    deploy: Callable[[str, tuple[Any, ...]], Any],
    call: Callable[[str, Any, str, tuple[Any, ...]], None],
    deployer: Any = None,
) -> dict[str, Any]:
    """Runs a plan.

    Args:
        deploy: (artifact, args) -> address.
        call: (artifact, address, function, args); raises when the transaction reverts.
        deployer: address of the sender of both; needed by plans with a governor.

    Returns:
        What `deploy` returned, by the names of the plan.
    """
    addresses: dict[str, Any] = {}
    artifacts: dict[str, str] = {}
    for step in steps:
        args = resolve(step.args, addresses, deployer)
        if isinstance(step, Deploy):
            addresses[step.name] = deploy(step.artifact, args)
            artifacts[step.name] = step.artifact
        else:
            call(artifacts[step.target], addresses[step.target], step.function, args)
    return addresses


def feed_numbers(protocol: ProtocolSpec) -> dict[str, int]:
    """Feed number of every asset that needs a price: markets first, then series, collaterals, from 1."""
    feeds: dict[str, int] = {}
    for market in protocol.markets.values():
        feeds.setdefault(market.asset, len(feeds) + 1)
    for series in protocol.series.values():
        feeds.setdefault(series.asset, len(feeds) + 1)
    for collateral in protocol.collaterals.values():
        feeds.setdefault(collateral.asset, len(feeds) + 1)
    return feeds


def plan(
    protocol: ProtocolSpec,
    guardian: str,
    signers: tuple[str, ...],
    governor: str | None = None,
    start: int = 0,
) -> tuple[Step, ...]:
    """All steps from an empty chain to a protocol that is ready for its first price.

    Args:
        protocol: risk parameters, integers in the chain's units.
        guardian: address that may pause actions.
        signers: addresses of the oracle's keys.
        governor: address that proposes and executes through the Timelock, to which all ownership then goes;
            None leaves it with the deployer.
        start: unix seconds from which expiries count; needed by a protocol with series.
    """
    steps = [*_steps(protocol, guardian, signers, start)]
    if protocol.engine_delay is not None:
        steps.append(
            Deploy("EngineSwitch", "EngineSwitch", (Ref("Vault"), Ref("Ledger"), protocol.engine_delay))
        )
        steps.append(Call("Vault", "wire_engine_switch", (Ref("EngineSwitch"),)))
    if protocol.dynamic is not None:
        steps.extend(_dynamic(protocol, protocol.dynamic))
    if protocol.credit is not None:
        engines = sum(isinstance(step, Call) and step.function == "register_engine" for step in steps)
        steps.extend(_lines(engines + 1))
        if governor is not None:
            steps.append(Call("CreditDesk", "set_underwriter", (governor,)))
    if governor is not None:
        steps.extend(_hand_over(protocol.timelock, governor, owned(steps)))
    return tuple(steps)


def owned(steps: Iterable[Step]) -> tuple[str, ...]:
    """Names of the contracts of a plan that have an owner."""
    deployed = {step.name for step in steps if isinstance(step, Deploy)}
    return OWNED + tuple(name for name in OPTIONAL if name in deployed)


def _dynamic(protocol: ProtocolSpec, dynamic: DynamicSpec) -> Iterator[Step]:
    """DynamicMargin with the same rules for every feed, all markets and all collaterals."""
    feeds = feed_numbers(protocol)
    name = "DynamicMargin"
    yield Deploy(name, name, (Ref("CrossMargin"), Ref("Oracle"), Ref("Instruments")))
    # Variances are in units of 1e-7, a square of bps in units of 1e-8.
    reference = dynamic.reference_volatility**2 // 10
    rules = (reference, dynamic.floor, dynamic.cap, dynamic.rise, dynamic.fall, dynamic.buffer)
    for feed in feeds.values():
        yield Call(name, "set_scale_rules", (feed, rules))
    numbers = (
        *range(1, len(protocol.markets) + 1),
        *(256 * series for series in range(1, len(protocol.series) + 1)),
    )
    for start in range(0, len(numbers), 64):
        yield Call(name, "admit_markets", (numbers[start : start + 64],))
    pledged = tuple(feeds[collateral.asset] for collateral in protocol.collaterals.values())
    yield Call(name, "map_collaterals", (tuple(range(1, len(pledged) + 1)), pledged))
    yield Call("Vault", "register_engine", (Ref(name),))


def _credit(credit: CreditSpec, guardian: str) -> Iterator[Step]:
    """The desk, which the Liquidator must know, and its engine; who lends is up to whoever plans."""
    yield Deploy("CreditMargin", "CreditMargin", (Ref("CrossMargin"), credit.share, credit.multiple))
    yield Deploy(
        "CreditDesk",
        "CreditDesk",
        (Ref("CashToken"), Ref("Vault"), Ref("Ledger"), Ref("CreditMargin"), guardian),
    )
    parameters = (
        credit.use_rate,
        credit.commitment_rate,
        credit.junior_income,
        credit.subordination,
        credit.grace,
        credit.fee_period,
        credit.max_term,
    )
    yield Call("CreditDesk", "set_parameters", (parameters,))


def _lines(engine_id: int) -> Iterator[Step]:
    """Lines in force, under the engine that is registered last."""
    yield Call("Vault", "register_engine", (Ref("CreditMargin"),))
    yield Call("CreditDesk", "wire", (Ref("Liquidator"),))
    yield Call("CreditMargin", "wire", (Ref("CreditDesk"),))
    yield Call("Vault", "enable_lines", (engine_id,))


def _hand_over(delay: int, governor: str, names: tuple[str, ...]) -> Iterator[Step]:
    """Ownership of everything to a Timelock, which accepts it and then takes up its delay.

    Until then its delay is nothing and the deployer is a proposer; both end with the last step.
    """
    deployer = Deployer()
    yield Deploy("Timelock", "Timelock", (0, (deployer, governor), (deployer, governor), deployer))
    for name in names:
        yield Call(name, "transfer_ownership", (Ref("Timelock"),))
    targets = (*(Ref(name) for name in names), Ref("Timelock"))
    accept = keccak(b"accept_ownership()")[:4]
    payloads = (*(accept for _ in names), keccak(b"update_delay(uint256)")[:4] + delay.to_bytes(32, "big"))
    batch = (targets, (0,) * len(targets), payloads, bytes(32), bytes(32))
    yield Call("Timelock", "schedule_batch", (*batch, 0))
    yield Call("Timelock", "execute_batch", batch)
    for role in ("PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE"):
        yield Call("Timelock", "renounceRole", (keccak(role.encode()), deployer))
    yield Call("Timelock", "renounceRole", (bytes(32), deployer))


def _steps(protocol: ProtocolSpec, guardian: str, signers: tuple[str, ...], epoch: int) -> Iterator[Step]:
    feeds = feed_numbers(protocol)
    yield Deploy("CashToken", "MockToken", _token(protocol.cash.symbol, protocol.cash.decimals))
    for symbol, collateral in protocol.collaterals.items():
        yield Deploy(f"Token:{symbol}", "MockToken", _token(symbol, collateral.decimals))

    yield Deploy("Oracle", "Oracle", (guardian,))
    for signer in signers:
        yield Call("Oracle", "set_signer", (signer, True))
    for feed in feeds.values():
        yield Call("Oracle", "set_feed", (feed, _feed(protocol)))

    yield Deploy("Instruments", "Instruments", (Ref("Oracle"), guardian))
    for market in protocol.markets.values():
        yield Call("Instruments", "list_market", _listing(market, feeds[market.asset]))

    contingency = (FULL_CONFIDENCE // 2, 10_000, 990_000_000, 10_000)
    numbers = tuple(range(1, len(protocol.markets) + 1))
    risks = tuple(_risk(market) for market in protocol.markets.values())
    for engine in ("CrossMargin", "IsolatedMargin"):
        yield Deploy(engine, engine, (contingency,))
        for start in range(0, len(numbers), 64):
            yield Call(engine, "set_markets", (numbers[start : start + 64], risks[start : start + 64]))

    yield Deploy("Vault", "Vault", (Ref("CashToken"), Ref("Oracle"), guardian))
    yield Call("Vault", "register_engine", (Ref("CrossMargin"),))
    yield Call("Vault", "register_engine", (Ref("IsolatedMargin"),))
    interest = protocol.interest
    yield Call(
        "Vault",
        "set_interest",
        (
            interest.minimum,
            interest.slope,
            interest.high_slope,
            interest.optimal * BPS_TO_WAD,
            interest.reserve_fee * BPS_TO_WAD,
        ),
    )
    for symbol, collateral in protocol.collaterals.items():
        cap = min(collateral.cap * 10**collateral.decimals, MAX_UINT128)
        yield Call(
            "Vault",
            "list_collateral",
            (
                Ref(f"Token:{symbol}"),
                feeds[collateral.asset],
                collateral.maintenance_haircut,
                collateral.initial_haircut,
                cap,
            ),
        )

    yield Deploy("Ledger", "Ledger", (Ref("Vault"), Ref("Instruments"), guardian))
    yield Deploy(
        "Exchange",
        "Exchange",
        (Ref("Ledger"), Ref("Instruments"), guardian, protocol.fees.maker, protocol.fees.taker),
    )
    yield Deploy("InsuranceFund", "InsuranceFund", (Ref("CashToken"), guardian))
    if protocol.credit is not None:
        yield from _credit(protocol.credit, guardian)
    yield Deploy(
        "Liquidator",
        "Liquidator",
        (
            Ref("Vault"),
            Ref("Ledger"),
            Ref("Instruments"),
            Ref("Exchange"),
            Ref("InsuranceFund"),
            NOBODY if protocol.credit is None else Ref("CreditDesk"),
        ),
    )
    yield Call("Liquidator", "set_parameters", (_auction(protocol.liquidation),))
    yield Call("Vault", "wire", (Ref("Ledger"), Ref("Liquidator"), Ref("InsuranceFund")))
    yield Call("Ledger", "wire", (Ref("Exchange"), Ref("Liquidator")))
    yield Call("Exchange", "wire", (Ref("Liquidator"),))
    yield Call("InsuranceFund", "wire", (Ref("Vault"), Ref("Liquidator")))
    yield Deploy(
        "Lens",
        "Lens",
        tuple(
            Ref(name)
            for name in (
                "Vault",
                "Ledger",
                "Instruments",
                "Oracle",
                "Exchange",
                "Liquidator",
                "InsuranceFund",
            )
        ),
    )
    if protocol.series:
        yield from _dated(protocol, feeds, epoch)


def _dated(protocol: ProtocolSpec, feeds: Mapping[str, int], start: int) -> Iterator[Step]:
    """Surface, RiskBoard and all series; the board's grid is set by whoever brings its engine."""
    yield Deploy("Surface", "Surface", (Ref("Oracle"), SETTLEMENT_RULES))
    yield Deploy("RiskBoard", "RiskBoard", (Ref("Oracle"), Ref("Surface"), Ref("Instruments")))
    yield Call("Surface", "wire", (Ref("Instruments"),))
    yield Call("Instruments", "wire", (Ref("Surface"), Ref("RiskBoard"), Ref("Ledger")))
    for number, series in enumerate(protocol.series.values(), 1):
        terms = (
            feeds[series.asset],
            start + series.expiry,
            series.future_tick,
            series.future_lot,
            series.option_tick,
            series.option_lot,
            series.future_open_interest_cap,
            series.option_open_interest_cap,
        )
        yield Call("Instruments", "list_series", (terms,))
        yield Call("Instruments", "add_strikes", (number, series.strikes))
        yield Call("Surface", "set_surface", (number, _surface(protocol)))


def _surface(protocol: ProtocolSpec) -> tuple[int, ...]:
    """ISurface.SurfaceConfig: forward and vol as fresh as spot, rates half a day; signers as of prices."""
    fresh = protocol.oracle.heartbeat
    half = FULL_CONFIDENCE // 2
    return (fresh, fresh, 43_200, MAX_DIFFERENCE, half, protocol.oracle.threshold)


def _token(symbol: str, decimals: int) -> tuple[Any, ...]:
    return (symbol, symbol, decimals)


def _feed(protocol: ProtocolSpec) -> tuple[int, ...]:
    """IOracle.FeedConfig; jumps are left to the deviation bound and the signers' threshold."""
    oracle = protocol.oracle
    half = FULL_CONFIDENCE // 2
    return (oracle.heartbeat, oracle.max_spread, half, 0, VARIANCE_WINDOW, oracle.threshold, 1, 2**72 - 1)


def _listing(market: MarketSpec, feed: int) -> tuple[Any, ...]:
    funding = market.funding
    hours = max(1, round(funding.convergence / 3600))
    return (
        LINEAR_PERPETUAL,
        feed,
        market.tick,
        market.lot,
        market.open_interest_cap,
        hours,
        funding.static_rate,
        funding.max_rate,
    )


def _risk(market: MarketSpec) -> tuple[int, ...]:
    """IMarginEngine.MarketRisk: marginal rates over two notional bounds, from the tiers of the scenario."""
    tiers = market.tiers
    return (
        market.initial_margin,
        market.maintenance_margin,
        tiers.first_multiplier,
        tiers.second_multiplier,
        tiers.first_bound // WAD,
        tiers.second_bound // WAD,
    )


def _auction(spec: LiquidationSpec) -> tuple[int, ...]:
    """ILiquidator.Parameters."""
    return (
        spec.start_discount * BPS_TO_WAD,
        spec.cut_discount * BPS_TO_WAD,
        spec.fast,
        spec.slow,
        spec.insolvent,
        spec.buffer * BPS_TO_WAD,
        spec.fee * BPS_TO_WAD,
        spec.equity_cutoff,
        spec.reward_rate * BPS_TO_WAD,
        spec.reward,
        CALL_INTERVAL,
    )
