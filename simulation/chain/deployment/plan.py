# SPDX-License-Identifier: Apache-2.0
"""The order of everything: core, series, margin engines, credit, hand-over."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from simulation.chain.deployment import core, credit, engines, guard, handover, series
from simulation.chain.deployment.core import CROSS
from simulation.chain.deployment.steps import Call, Deploy, Ref, Step
from simulation.config.scenario import ProtocolSpec

__all__ = ["CROSS", "ISOLATED", "plan"]

ISOLATED = 2
"""Engine id of IsolatedMargin."""


def plan(
    protocol: ProtocolSpec,
    guardian: str,
    signers: tuple[str, ...],
    governor: str | None = None,
    start: int = 0,
    common: Collection[str] = (),
    underwriter: str | None = None,
) -> tuple[Step, ...]:
    """All steps from an empty chain to a protocol that is ready for its first price.

    Engines are registered in the order of `config.scenario.ENGINES`, so that `protocol.engines` tells the id
    of each.

    Args:
        protocol: risk parameters, integers in the chain's units.
        guardian: address that may pause actions.
        signers: addresses of the oracle's keys.
        governor: address that proposes and executes through the Timelock, to which all ownership then goes;
            None leaves it with the deployer.
        start: unix seconds from which expiries count; needed by a protocol with series.
        common: names of contracts that exist already, such as tokens and the oracle of an earlier instance;
            the plan refers to them and leaves them as they are.
        underwriter: address that grants credit lines; None: the governor.
    """
    steps = [step for step in _steps(protocol, guardian, signers, start) if _subject(step) not in common]
    grants = underwriter or governor
    if protocol.credit is not None and grants is not None:
        steps.append(Call("CreditDesk", "set_underwriter", (grants,)))
    if governor is not None:
        owned = tuple(name for name in handover.owned(steps) if name not in common)
        steps.extend(handover.steps(protocol.timelock, governor, owned))
    return tuple(steps)


def _subject(step: Step) -> str:
    """Name of the contract that a step makes or changes."""
    return step.name if isinstance(step, Deploy) else step.target


def _steps(protocol: ProtocolSpec, guardian: str, signers: tuple[str, ...], start: int) -> Iterator[Step]:
    yield from core.steps(protocol, guardian, signers)
    if protocol.has_board:
        yield from series.steps(protocol, start)
    if protocol.engine_delay is not None:
        yield Deploy("EngineSwitch", "EngineSwitch", (Ref("Vault"), Ref("Ledger"), protocol.engine_delay))
        yield Call("Vault", "wire_engine_switch", (Ref("EngineSwitch"),))
    if protocol.options is not None:
        yield from engines.standard(protocol, protocol.options)
    if protocol.portfolio is not None:
        yield from engines.portfolio(protocol, protocol.portfolio)
    if protocol.risk is not None:
        yield from engines.risk_based(protocol, protocol.risk)
    if protocol.dynamic is not None:
        yield from engines.dynamic(protocol, protocol.dynamic)
    if protocol.credit is not None:
        yield from credit.lines(protocol.engines["credit"])
    if protocol.solvency_guard is not None:
        yield from guard.watch(protocol, protocol.solvency_guard)
