# SPDX-License-Identifier: Apache-2.0
"""The plan: where a guard is deployed, who knows it, and that options have one source of sensitivities."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulation.chain.deployment import Call, Deploy, Ref, owned, plan
from simulation.config import load_scenario
from simulation.config.scenario import ProtocolSpec, RiskSpec, SolvencyGuardSpec
from tests.evm import NOBODY
from tests.protocol import default_protocol

SIGNER = ("0x" + "11" * 20,)


def steps(protocol: ProtocolSpec) -> tuple[dict[str, Deploy], list[Call]]:
    found = plan(protocol, NOBODY, SIGNER)
    deployed = [step for step in found if isinstance(step, Deploy)]
    assert len({step.name for step in deployed}) == len(deployed)
    return {step.name: step for step in deployed}, [step for step in found if isinstance(step, Call)]


def test_without_a_table_there_is_none() -> None:
    deployed, _ = steps(default_protocol())
    assert "SolvencyGuard" not in deployed
    assert deployed["Vault"].args[-1] == deployed["Exchange"].args[-1] == NOBODY


def test_vault_and_exchange_know_it_and_the_timelock_owns_it() -> None:
    protocol = replace(default_protocol(), solvency_guard=SolvencyGuardSpec(mode="refuse"))
    deployed, calls = steps(protocol)
    assert deployed["Vault"].args[-1] == deployed["Exchange"].args[-1] == Ref("SolvencyGuard")
    mine = [(call.function, call.args) for call in calls if call.target == "SolvencyGuard"]
    assert mine[0][1][-1] == NOBODY
    assert mine[1:] == [
        ("set_underlying", (1, 2_500, 5_000)),
        ("set_underlying", (2, 2_500, 5_000)),
        ("admit_markets", ((1, 2),)),
        ("map_collaterals", ((1, 2), (1, 2))),
        ("set_mode", (4, 1_000)),
    ]
    assert "SolvencyGuard" in owned(plan(protocol, NOBODY, SIGNER))


@pytest.mark.parametrize("risk", [None, RiskSpec()])
def test_series_bring_one_source_of_sensitivities(risk: RiskSpec | None) -> None:
    series = load_scenario("options-expiry").protocol
    deployed, calls = steps(replace(series, risk=risk, solvency_guard=SolvencyGuardSpec()))
    assert deployed["OptionGreeks"].args == (Ref("RiskBoard"),)
    wired = next(call for call in calls if call.target == "SolvencyGuard" and call.function == "wire")
    assert wired.args[-1] == Ref("OptionGreeks")
