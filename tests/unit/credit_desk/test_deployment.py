# SPDX-License-Identifier: Apache-2.0
"""The plan with a desk: everything wired, and in the hands of the Timelock; without one, none of it."""

from __future__ import annotations

from dataclasses import replace

from simulation.chain.deployment import Deploy, plan, run
from simulation.chain.deployment.handover import OPTIONAL
from simulation.config.scenario import CreditSpec
from tests.evm import Env
from tests.protocol import default_protocol


def test_the_timelock_owns_desk_engine_and_switch() -> None:
    env = Env()
    protocol = replace(default_protocol(), credit=CreditSpec(share=4_000), engine_delay=7_200)
    governor = env.address("governor")
    steps = plan(protocol, env.address("guardian"), (env.address("signer"),), governor)
    contracts = run(
        steps,
        lambda artifact, args: env.deploy(artifact, *args),
        lambda _artifact, contract, function, args: getattr(contract, function)(*args),
        env.address("owner"),
    )
    timelock = contracts["Timelock"].address
    desk, engine = contracts["CreditDesk"], contracts["CreditMargin"]
    for name in ("EngineSwitch", "CreditMargin", "CreditDesk"):
        assert name in OPTIONAL and contracts[name].owner() == timelock
    assert (desk.underwriter(), desk.guardian()) == (governor, env.address("guardian"))
    assert (desk.engine(), engine.desk()) == (engine.address, desk.address)
    assert (desk.liquidator(), contracts["Liquidator"].credit_desk()) == (
        contracts["Liquidator"].address,
        desk.address,
    )
    assert (engine.share(), engine.base()) == (4_000, contracts["CrossMargin"].address)
    assert contracts["EngineSwitch"].delay() == 7_200
    vault = contracts["Vault"]
    assert vault.engines(vault.engine_count()) == engine.address
    assert vault.engine_switch() == contracts["EngineSwitch"].address


def test_without_the_table_there_is_no_desk() -> None:
    env = Env()
    steps = plan(default_protocol(), env.address("guardian"), (env.address("signer"),))
    deployed = {step.name for step in steps if isinstance(step, Deploy)}
    assert not deployed & {"EngineSwitch", "CreditMargin", "CreditDesk"}
