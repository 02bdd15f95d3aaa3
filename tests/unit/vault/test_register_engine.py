# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.evm import reverts
from tests.protocol import World


def test_engines_are_numbered_and_stay(world: World) -> None:
    engine = world.env.address("engine")
    receipt = world.vault.register_engine(engine)
    assert receipt.value == 3 == world.vault.engine_count()
    assert receipt.named("EngineRegistered") == [{"engine_id": 3, "engine": engine}]
    assert world.vault.engines(3) == engine
    assert world.vault.engines(1) == world.contracts["CrossMargin"].address


def test_an_account_under_a_new_engine_is_judged_by_it(world: World) -> None:
    spare = world.env.deploy("CrossMargin", (5_000, 10_000, 990_000_000, 10_000))
    engine_id = world.vault.register_engine(spare.address).value
    account = world.account("trader", cash=1_000, engine=engine_id)
    # The new engine has no parameters for any market.
    with world.refuses("ledger: market not permitted"):
        world.place("trader", account, 1, True, 2_000, 0.1)


def test_refusals(world: World) -> None:
    with reverts("vault: zero address"):
        world.vault.register_engine("0x" + "00" * 20)
    with reverts("ownable: caller is not the owner"):
        world.vault.register_engine(world.env.address("engine"), sender=world.env.address("attacker"))
    assert world.vault.engine_count() == 2


def test_engine_ids_fit_in_a_byte(world: World) -> None:
    world.env.set_variable(world.vault, "vault_parameters.engine_count", 254)
    assert world.vault.register_engine(world.env.address("engine")).value == 255
    with reverts("vault: no such engine"):
        world.vault.register_engine(world.env.address("engine"))
    assert world.vault.engine_count() == 255
