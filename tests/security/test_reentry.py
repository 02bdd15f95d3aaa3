# SPDX-License-Identifier: Apache-2.0
"""Re-entry (invariant 42): from inside every transfer of a token, every external function of every contract.

The tokens of the stage call back once, before balances move or after. They are delegates of the trader and
hold shares and allowances, so what fails inside fails because of where it is called from. A function that
changes state must fail unless a table here allows it, and then the books must balance; a view must answer as
before the outer call or as after it. A function without arguments in surface.py fails.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.evm import Contract, Reverted
from tests.protocol import WAD
from tests.security.stage import DEPLOYED, READERS, Stage, stage
from tests.security.surface import changes, missing, views
from tests.security.test_roles import TABLE as ROLES

CALL_SITES = (
    "Vault.deposit",
    "Vault.deposit:collateral",
    "Vault.withdraw:flat",
    "Vault.withdraw:flat collateral",
    "Vault.sweep_fees",
    "InsuranceFund.deposit",
    "InsuranceFund.mint",
    "InsuranceFund.withdraw",
    "InsuranceFund.redeem",
    "CreditDesk.deposit",
    "CreditDesk.redeem",
    "CreditDesk.review",
    "Liquidator.bid:insolvent",
    "Liquidator.mark_deleverage",
    "Liquidator.write_off",
)
"""Every function that moves a token: the outer calls. Those of the Liquidator draw from the fund."""

ANYWHERE = {
    # Prices, surfaces, settlement prices and funding have no lock and no token; resting and cancelling books
    # no money.
    "Oracle.update",
    "Oracle.update_many",
    "Instruments.touch",
    "Instruments.delist_series",
    "SolvencyGuard.refresh",
    "SolvencyGuard.admit_markets",
    "DynamicMargin.refresh",
    "Surface.update",
    "Surface.update_many",
    "Surface.accumulate",
    "Surface.finalise",
    "Exchange.place",
    "Exchange.place:rest to reduce",
    "Exchange.replace",
    "Exchange.cancel",
    "Exchange.cancel_all",
    "Exchange.purge",
    # Shares move without the token.
    "InsuranceFund.approve",
    "InsuranceFund.permit",
    "InsuranceFund.transfer",
    "InsuranceFund.transferFrom",
}
WHILE_THE_VAULT_IS_FREE = {
    "Vault.create_account",
    "Vault.accrue_interest",
    "Vault.deposit",
    "Vault.deposit:collateral",
    "Vault.deposit:repay",
    "Vault.withdraw",
    "Vault.withdraw:loan",
    "Vault.withdraw:flat",
    "Vault.withdraw:flat collateral",
    "Vault.transfer_cash",
    "Vault.transfer_cash:flat",
    "Ledger.settle",
    "Ledger.settle_expired",
    "CoinPool.settle",
    "CoinPool.close_debt",
    "Exchange.place:take",
    "Exchange.place:reduce",
}
WHILE_THE_FUND_IS_FREE = {
    "InsuranceFund.deposit",
    "InsuranceFund.mint",
    "InsuranceFund.withdraw",
    "InsuranceFund.redeem",
}
# A review finds no fee to take while the Vault is locked, and goes on.
WHILE_THE_DESK_IS_FREE = {
    "CreditDesk.deposit",
    "CreditDesk.redeem",
    "CreditDesk.review",
}
WHILE_THE_LIQUIDATOR_IS_FREE = {
    "Liquidator.call_margin",
    "Liquidator.escalate",
    "Liquidator.cure",
    "Liquidator.mark_insolvent",
    "Liquidator.refresh",
    "Liquidator.stop",
}
# Steps of a liquidation that book money in the Vault, and none from the fund.
WHILE_LIQUIDATOR_AND_VAULT_ARE_FREE = {
    "Liquidator.start",
    "Liquidator.start_for",
    "Liquidator.bid",
    "Liquidator.deleverage",
}
WHILE_ALL_WHO_PAY_ARE_FREE = {
    "Vault.sweep_fees",
    "Liquidator.bid:insolvent",
    "Liquidator.mark_deleverage",
    "Liquidator.write_off",
}
ALLOWED = {
    "Vault": ANYWHERE | WHILE_THE_FUND_IS_FREE | WHILE_THE_LIQUIDATOR_IS_FREE | WHILE_THE_DESK_IS_FREE,
    "InsuranceFund": ANYWHERE
    | WHILE_THE_DESK_IS_FREE
    | WHILE_THE_VAULT_IS_FREE
    | WHILE_THE_LIQUIDATOR_IS_FREE
    | WHILE_LIQUIDATOR_AND_VAULT_ARE_FREE,
    "Liquidator": ANYWHERE | WHILE_THE_VAULT_IS_FREE | WHILE_THE_DESK_IS_FREE,
    # The desk's draw takes no lock: with the desk under way the fund is asked as ever.
    "CreditDesk": ANYWHERE
    | WHILE_THE_FUND_IS_FREE
    | WHILE_THE_VAULT_IS_FREE
    | WHILE_THE_LIQUIDATOR_IS_FREE
    | WHILE_LIQUIDATOR_AND_VAULT_ARE_FREE
    | WHILE_ALL_WHO_PAY_ARE_FREE,
    # Its fees come out of the Vault.
    "CreditDesk.review": ANYWHERE | WHILE_THE_FUND_IS_FREE | WHILE_THE_LIQUIDATOR_IS_FREE,
}

# Batches over several contracts: each figure is checked by itself.
BATCHES = {"Lens.solvency", "Lens.system"}


def act(world: Stage, key: str) -> None:
    contract, function = key.partition(":")[0].split(".")
    args = changes(world)[key]
    getattr(world.contracts[contract], function)(*args, sender=world.env.address("trader"))


def payload(world: Stage, key: str, args: tuple[Any, ...]) -> tuple[Contract, bytes]:
    contract, function = key.partition(":")[0].split(".")
    target = world.contracts[contract]
    return target, target.encode(function, *args)


def answers(world: Stage, caller: Contract) -> dict[str, bytes | None]:
    """What every view answers now; None where it reverts."""
    found: dict[str, bytes | None] = {}
    for key, args in views(world).items():
        target, data = payload(world, key, args)
        try:
            found[key] = world.env.backend_call(target.address, data, caller.address).output
        except Reverted:
            found[key] = None
    return found


def from_inside(world: Stage, site: str, before: bool, key: str, args: tuple[Any, ...]) -> bytes | None:
    """The answer of a call from inside the transfer of an outer call; None where it reverted."""
    token = world.token(1) if "collateral" in site else world.cash
    target, data = payload(world, key, args)
    token.arm(target.address, data, before)
    act(world, site)
    assert token.calls() == 1, f"{site} made no transfer for {key} to come from"
    return token.answer() if token.succeeded() else None


def check(world: Stage) -> None:
    """The books balance and nobody holds less than it counts."""
    world.check()
    assert world.cash.balanceOf(world.fund.address) >= world.fund.totalAssets()
    desk = world.contracts["CreditDesk"]
    lent = desk.tranche_assets(1) + desk.tranche_assets(2)
    assert world.cash.balanceOf(desk.address) >= lent >= desk.total_committed()
    for asset in (1, 2):
        assert world.token(asset).balanceOf(world.vault.address) >= world.vault.collateral_held(asset)


def test_every_function_has_arguments() -> None:
    assert missing(changes(stage()), DEPLOYED, view=False) == (set(), set())
    assert missing(views(stage()), (*DEPLOYED, *READERS), view=True) == (set(), set())


def test_the_token_may_do_outside_what_a_delegate_may() -> None:
    """What the matrix finds refused is refused because of the lock, not for want of rights or state."""
    world = stage()
    for key, args in changes(world).items():
        if "delegate" not in ROLES[key].allowed or ROLES[key].then != "ok":
            continue
        target, data = payload(world, key, args)
        with world.env.anchor():
            world.cash.invoke(target.address, data)
            check(world)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("site", CALL_SITES)
def test_what_changes_state(site: str, before: bool) -> None:
    world = stage()
    succeeded = set()
    for key, args in changes(world).items():
        with world.env.anchor():
            if from_inside(world, site, before, key, args) is not None:
                succeeded.add(key)
                check(world)
    assert succeeded == ALLOWED.get(site, ALLOWED[site.partition(".")[0]])


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("site", CALL_SITES)
def test_what_reads(site: str, before: bool) -> None:
    world = stage()
    token = world.token(1) if "collateral" in site else world.cash
    first = answers(world, token)
    with world.env.anchor():
        act(world, site)
        last = answers(world, token)
    strange = set()
    for key, args in views(world).items():
        with world.env.anchor():
            seen = from_inside(world, site, before, key, args)
        if seen is None or seen in (first[key], last[key]):
            continue
        if key not in BATCHES:
            strange.add(key)
        else:
            consistent(key, seen, first[key] or b"", last[key] or b"")
    assert strange == set()


def consistent(key: str, seen: bytes, first: bytes, last: bytes) -> None:
    """Each word of a batch is as before or as after, and the surplus of tokens (7) never less than both.

    The shocks that use the fund up (10, 11) follow from two of the others, the fund and the deficits.
    """
    rows = [[data[i : i + 32] for i in range(0, len(data), 32)] for data in (seen, first, last)]
    assert len(rows[0]) == len(rows[1]) == len(rows[2]), key
    for place, (now, *ends) in enumerate(zip(*rows, strict=True)):
        if now in ends or (key == "Lens.solvency" and place in (10, 11)):
            continue
        # Tokens have left or come and the books not yet, or the other way round.
        assert key == "Lens.solvency" and place == 7, (key, place)
        surplus = int.from_bytes(now, "big")
        assert min(int.from_bytes(end, "big") for end in ends) <= surplus < WAD


def test_the_call_sites_are_all_there_are() -> None:
    """No other function that a holder may call makes a token call back."""
    world = stage()
    reached = set()
    for key in changes(world):
        contract, function = key.partition(":")[0].split(".")
        with world.env.anchor():
            for token in (world.cash, world.token(1)):
                token.arm(world.cash.address, world.cash.encode("totalSupply"), True)
            try:
                getattr(world.contracts[contract], function)(
                    *changes(world)[key], sender=world.env.address("trader")
                )
            except Reverted:
                continue
            if world.cash.calls() or world.token(1).calls():
                reached.add(key.partition(":")[0])
    assert reached == {name.partition(":")[0] for name in CALL_SITES}
