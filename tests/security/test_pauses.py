# SPDX-License-Identifier: Apache-2.0
"""What a pause stops (invariant 41): every state-changing function under every pause bit of every contract.

The table names, for each function, the bits that stop it. All that it does not name must go on under any
pause: leaving flat, repaying, reducing, cancelling, every step of a liquidation. A function in an ABI
without a row fails.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.evm import Reverted, reverts
from tests.security.stage import DEPLOYED, GUARDED, OWNED, PAUSABLE, Stage, stage
from tests.security.surface import changes, missing
from tests.security.test_roles import TABLE as ROLES

DEPOSIT, WITHDRAW, TRADE, PLACE, CREATE, FUND_DEPOSIT = (1 << i for i in range(6))
BITS = (DEPOSIT, WITHDRAW, TRADE, PLACE, CREATE, FUND_DEPOSIT)
PAUSES = [(contract, bit) for contract, bits in PAUSABLE.items() for bit in bits]
PAUSED = "guarded: action is paused"
OK = "ok"

STOPPED = {
    "Vault.create_account": {("Vault", CREATE)},
    "Vault.deposit": {("Vault", DEPOSIT)},
    "Vault.deposit:collateral": {("Vault", DEPOSIT)},
    "Vault.withdraw": {("Vault", WITHDRAW)},
    "Vault.withdraw:loan": {("Vault", WITHDRAW)},
    "Vault.transfer_cash": {("Vault", WITHDRAW)},
    "Ledger.fill_taker": {("Ledger", TRADE)},
    "Exchange.place": {("Exchange", PLACE), ("Ledger", TRADE)},
    "Exchange.place:take": {("Exchange", TRADE), ("Ledger", TRADE)},
    "Exchange.replace": {("Exchange", PLACE), ("Ledger", TRADE)},
    "InsuranceFund.deposit": {("InsuranceFund", FUND_DEPOSIT)},
    "InsuranceFund.mint": {("InsuranceFund", FUND_DEPOSIT)},
    "CreditDesk.deposit": {("CreditDesk", FUND_DEPOSIT)},
    "CreditDesk.grant": {("CreditDesk", CREATE)},
    "EngineSwitch.change": {("Vault", WITHDRAW)},
}
NEVER = {
    "SolvencyGuard.wire",
    "SolvencyGuard.observe_trade",
    "SolvencyGuard.observe_outflow",
    "SolvencyGuard.refresh",
    "SolvencyGuard.admit_markets",
    "SolvencyGuard.set_mode",
    "SolvencyGuard.set_underlying",
    "SolvencyGuard.remove_underlying",
    "SolvencyGuard.map_collaterals",
    "Vault.set_engine",
    "Vault.wire_engine_switch",
    "Vault.enable_lines",
    "EngineSwitch.request",
    "EngineSwitch.set_delay",
    "CreditMargin.wire",
    "CreditMargin.set_credit",
    "CreditDesk.wire",
    "CreditDesk.redeem",
    "CreditDesk.review",
    "CreditDesk.declare_default",
    "CreditDesk.draw",
    "CreditDesk.set_parameters",
    "CreditDesk.set_underwriter",
    "Vault.deposit:repay",
    "Vault.withdraw:flat",
    "Vault.withdraw:flat collateral",
    "Vault.transfer_cash:flat",
    "Vault.set_delegate",
    "Vault.accrue_interest",
    "Vault.sweep_fees",
    "Vault.apply_trade",
    "Vault.move_slice",
    "Vault.move_cash",
    "Vault.cover",
    "Vault.write_off",
    "Vault.wire",
    "Vault.register_engine",
    "Vault.list_collateral",
    "Vault.set_collateral",
    "Vault.set_interest",
    "Vault.set_stable_feed",
    "Ledger.wire",
    "Ledger.settle",
    "Ledger.settle_expired",
    "Ledger.settle_coin",
    "Vault.move_collateral",
    "CoinPool.wire",
    "CoinPool.add_market",
    "CoinPool.settle",
    "CoinPool.close_debt",
    "Ledger.fill_maker",
    "Ledger.release_orders",
    "Ledger.begin_liquidation",
    "Ledger.end_liquidation",
    "Ledger.transfer_slice",
    "Ledger.deleverage",
    "Exchange.wire",
    "Exchange.set_fees",
    "Exchange.place:reduce",
    "Exchange.place:rest to reduce",
    "Exchange.cancel",
    "Exchange.cancel_all",
    "Exchange.purge",
    "Liquidator.call_margin",
    "Liquidator.escalate",
    "Liquidator.cure",
    "Liquidator.start",
    "Liquidator.start_for",
    "Liquidator.bid",
    "Liquidator.bid:insolvent",
    "Liquidator.mark_insolvent",
    "Liquidator.mark_deleverage",
    "Liquidator.stop",
    "Liquidator.refresh",
    "Liquidator.deleverage",
    "Liquidator.write_off",
    "Liquidator.set_parameters",
    "InsuranceFund.transfer",
    "InsuranceFund.transferFrom",
    "InsuranceFund.approve",
    "InsuranceFund.permit",
    "InsuranceFund.wire",
    "InsuranceFund.contribute",
    "InsuranceFund.draw",
    "InsuranceFund.withdraw",
    "InsuranceFund.redeem",
    "Oracle.update",
    "Oracle.update_many",
    "Oracle.set_feed",
    "Oracle.set_signer",
    "Oracle.set_signer:revoke",
    "Instruments.touch",
    "Instruments.list_market",
    "Instruments.set_funding",
    "Instruments.set_open_interest_cap",
    "Instruments.set_active",
    "Instruments.set_active:restrict",
    "Instruments.wire",
    "Instruments.list_series",
    "Instruments.add_strikes",
    "Instruments.set_series_caps",
    "Instruments.set_series_active",
    "Instruments.set_series_active:restrict",
    "Instruments.delist_series",
    "RiskModel.set_model",
    "RiskModel.admit_markets",
    "RiskModel.map_collaterals",
    "RiskModel.set_contingency",
    "DynamicMargin.refresh",
    "DynamicMargin.set_scale_rules",
    "DynamicMargin.admit_markets",
    "DynamicMargin.map_collaterals",
    "Surface.update",
    "Surface.update_many",
    "Surface.set_surface",
    "Surface.accumulate",
    "Surface.finalise",
    "Surface.wire",
    "Timelock.schedule",
    "Timelock.schedule_batch",
    "Timelock.cancel",
    "Timelock.execute",
    "Timelock.execute_batch",
    "Timelock.update_delay",
    "Timelock.grantRole",
    "Timelock.revokeRole",
    "Timelock.renounceRole",
    "CrossMargin.set_markets",
    "CrossMargin.set_contingency",
    "CrossMargin.set_options",
    "CrossMargin.set_futures",
    "CrossMargin.wire",
    "IsolatedMargin.set_markets",
    "IsolatedMargin.set_contingency",
    "IsolatedMargin.set_options",
    "IsolatedMargin.set_futures",
    "IsolatedMargin.wire",
}
NEVER |= {f"{name}.{key}" for name in OWNED for key in ("transfer_ownership", "accept_ownership")}
NEVER |= {f"{name}.set_guardian" for name in GUARDED}
NEVER |= {f"{name}.{key}" for name in PAUSABLE for key in ("pause", "unpause")}


@pytest.fixture
def world() -> Iterator[Stage]:
    with stage().env.anchor():
        yield stage()


def outcomes(world: Stage) -> dict[str, str]:
    """What each function answers to the first role that may call it."""
    roles = world.roles_by_name()
    found = {}
    for key, args in changes(world).items():
        contract, function = key.partition(":")[0].split(".")
        sender = roles[(*ROLES[key].allowed, "stranger")[0]]
        try:
            world.contracts[contract].simulate(function, *args, sender=sender)
            found[key] = OK
        except Reverted as error:
            found[key] = error.reason
    return found


def test_every_function_has_a_row(world: Stage) -> None:
    assert missing(STOPPED.keys() | NEVER, DEPLOYED, view=False) == (set(), set())
    assert STOPPED.keys() | NEVER == changes(world).keys()
    assert not STOPPED.keys() & NEVER


@pytest.mark.parametrize(("contract", "bit"), PAUSES)
def test_a_bit_stops_what_the_table_says_and_nothing_else(world: Stage, contract: str, bit: int) -> None:
    before = outcomes(world)
    world.contracts[contract].pause(bit, sender=world.env.address("guardian"))
    expected = {
        key: PAUSED if (contract, bit) in STOPPED.get(key, ()) else outcome for key, outcome in before.items()
    }
    assert outcomes(world) == expected


def test_under_all_pauses_at_once(world: Stage) -> None:
    before = outcomes(world)
    for contract, bit in PAUSES:
        world.contracts[contract].pause(bit, sender=world.env.address("guardian"))
    expected = {key: PAUSED if key in STOPPED else outcome for key, outcome in before.items()}
    assert outcomes(world) == expected


def test_the_table_is_about_calls_that_work(world: Stage) -> None:
    """Without a pause every row succeeds for who may call it, or meets the role table's reason."""
    for key, outcome in outcomes(world).items():
        row = ROLES[key]
        assert outcome == (row.then if row.allowed else row.denied), key


@pytest.mark.parametrize(("contract", "bit"), PAUSES)
def test_the_guardian_pauses_and_only_the_owner_lifts(world: Stage, contract: str, bit: int) -> None:
    target = world.contracts[contract]
    target.pause(bit, sender=world.env.address("guardian"))
    assert target.paused() == bit
    for role in ("guardian", "stranger", "heir"):
        with reverts("ownable: caller is not the owner"):
            target.unpause(bit, sender=world.env.address(role))
    target.unpause(bit)
    assert target.paused() == 0


def test_every_bit_that_a_contract_takes_stops_something() -> None:
    """A pause of the wrong contract would deceive the guardian."""
    assert set().union(*STOPPED.values()) == set(PAUSES)


def test_no_bit_beyond_the_closed_set(world: Stage) -> None:
    for contract, bits in PAUSABLE.items():
        for action in (0, 3, 64, 2**255, *(bit for bit in BITS if bit not in bits)):
            with reverts("guarded: action not pausable"):
                world.contracts[contract].pause(action, sender=world.env.address("guardian"))
