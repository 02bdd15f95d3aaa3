# SPDX-License-Identifier: Apache-2.0
"""Who may call what (invariant 40): every state-changing function by every role, with the reason of a denial.

A function in an ABI without a row fails. Each call is simulated on the stage with arguments with which it
succeeds for those who may, so that a denial is about the caller and nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import cbor2
import pytest

from simulation.chain.artifacts import Artifact, load_artifact
from tests.evm import Reverted
from tests.security.stage import DEPLOYED, GUARDED, OWNED, PAUSABLE, READERS, stage
from tests.security.surface import changes, missing

OK = "ok"
ALL = (
    "owner",
    "heir",
    "guardian",
    "trader",
    "delegate",
    "stranger",
    "Exchange",
    "Ledger",
    "Liquidator",
    "InsuranceFund",
    "Vault",
    "CoinPool",
)
NOT_OWNER = "ownable: caller is not the owner"
NOT_ACCOUNT = "vault: caller not authorised"
NOT_ACCOUNT_OWNER = "engine_switch: caller is not the owner"
NOT_SHARES = "erc20: insufficient allowance"
NO_ROLE = "access_control: account is missing role"


class Row(NamedTuple):
    allowed: tuple[str, ...]
    denied: str = ""
    """The reason every other role gets."""
    then: str = OK
    """What the allowed get: success, or the reason of a state that forbids it to them too."""
    special: tuple[str, str] = ("", "")
    """A role with an outcome of its own: a contract that would pay itself."""


EVERYONE = Row(ALL)
OWNER = Row(("owner",), NOT_OWNER)
HOLDER = Row(("trader", "delegate"), NOT_ACCOUNT)

TABLE = {
    "Vault.create_account": EVERYONE,
    "Vault.set_delegate": Row(("trader",), NOT_ACCOUNT),
    "Vault.deposit": Row(ALL, special=("Vault", "vault: token delivered less")),
    "Vault.deposit:collateral": Row(ALL, special=("Vault", "vault: token delivered less")),
    "Vault.deposit:repay": Row(ALL, special=("Vault", "vault: token delivered less")),
    "Vault.withdraw": HOLDER,
    "Vault.withdraw:loan": HOLDER,
    "Vault.withdraw:flat": HOLDER,
    "Vault.withdraw:flat collateral": HOLDER,
    "Vault.transfer_cash": HOLDER,
    "Vault.transfer_cash:flat": HOLDER,
    "Vault.accrue_interest": EVERYONE,
    "Vault.sweep_fees": EVERYONE,
    "Vault.apply_trade": Row(("Ledger",), "vault: caller is not ledger"),
    "Vault.move_slice": Row(("Ledger",), "vault: caller is not ledger"),
    "Vault.move_cash": Row(("Liquidator",), "vault: caller is not liquidator"),
    "Vault.cover": Row(("Liquidator",), "vault: caller is not liquidator"),
    "Vault.write_off": Row(("Liquidator",), "vault: caller is not liquidator"),
    "Vault.wire": Row(("owner",), NOT_OWNER, "vault: already wired"),
    "Vault.register_engine": OWNER,
    "Vault.list_collateral": OWNER,
    "Vault.set_collateral": OWNER,
    "Vault.set_interest": OWNER,
    "Vault.set_stable_feed": OWNER,
    "Ledger.wire": Row(("owner",), NOT_OWNER, "ledger: already wired"),
    "Ledger.settle": EVERYONE,
    "Ledger.settle_expired": EVERYONE,
    "Ledger.settle_coin": Row(("CoinPool",), "ledger: not the coin pool"),
    "Vault.move_collateral": Row(("CoinPool",), "vault: caller is not coin pool"),
    "CoinPool.wire": Row(("owner",), NOT_OWNER, "coin_pool: already wired"),
    "CoinPool.add_market": OWNER,
    "CoinPool.settle": EVERYONE,
    "CoinPool.close_debt": EVERYONE,
    "Ledger.fill_maker": Row(("Exchange",), "ledger: caller is not exchange"),
    "Ledger.fill_taker": Row(("Exchange",), "ledger: caller is not exchange"),
    "Ledger.release_orders": Row(("Exchange",), "ledger: caller is not exchange"),
    "Ledger.begin_liquidation": Row(("Liquidator",), "ledger: not the liquidator"),
    "Ledger.end_liquidation": Row(("Liquidator",), "ledger: not the liquidator"),
    "Ledger.transfer_slice": Row(("Liquidator",), "ledger: not the liquidator"),
    "Ledger.deleverage": Row(("Liquidator",), "ledger: not the liquidator"),
    "Exchange.wire": Row(("owner",), NOT_OWNER, "exchange: already wired"),
    "Exchange.set_fees": OWNER,
    "Exchange.place": Row(("trader", "delegate"), "ledger: caller not authorised"),
    "Exchange.place:take": Row(("trader", "delegate"), "ledger: caller not authorised"),
    "Exchange.place:reduce": Row(("trader", "delegate"), "ledger: caller not authorised"),
    "Exchange.place:rest to reduce": Row(("trader", "delegate"), "ledger: caller not authorised"),
    "Exchange.replace": Row(("trader", "delegate"), "ledger: caller not authorised"),
    "Exchange.cancel": Row(("trader", "delegate"), "exchange: not authorised"),
    "Exchange.cancel_all": Row(("trader", "delegate", "Liquidator"), "exchange: not authorised"),
    "Exchange.purge": EVERYONE,
    "Liquidator.call_margin": EVERYONE,
    "Liquidator.escalate": EVERYONE,
    "Liquidator.cure": EVERYONE,
    "Liquidator.start": EVERYONE,
    "Liquidator.start_for": EVERYONE,
    "Liquidator.bid": Row(("trader", "delegate"), "liquidator: not authorised"),
    "Liquidator.bid:insolvent": Row(("trader", "delegate"), "liquidator: not authorised"),
    "Liquidator.mark_insolvent": EVERYONE,
    "Liquidator.mark_deleverage": EVERYONE,
    "Liquidator.stop": EVERYONE,
    "Liquidator.refresh": EVERYONE,
    "Liquidator.deleverage": EVERYONE,
    "Liquidator.write_off": EVERYONE,
    "Liquidator.set_parameters": OWNER,
    "InsuranceFund.transfer": Row(("trader",), "erc20: transfer amount exceeds balance"),
    "InsuranceFund.transferFrom": Row(("delegate",), NOT_SHARES),
    "InsuranceFund.approve": EVERYONE,
    "InsuranceFund.permit": EVERYONE,
    "InsuranceFund.wire": Row(("owner",), NOT_OWNER, "insurance_fund: already wired"),
    "InsuranceFund.contribute": Row(("Vault",), "insurance_fund: caller is not vault"),
    "InsuranceFund.draw": Row(("Liquidator",), "insurance_fund: caller is not liquidator"),
    "InsuranceFund.deposit": Row(ALL, special=("InsuranceFund", "insurance_fund: not delivered")),
    "InsuranceFund.mint": Row(ALL, special=("InsuranceFund", "insurance_fund: not delivered")),
    "InsuranceFund.withdraw": Row(("trader", "delegate"), NOT_SHARES),
    "InsuranceFund.redeem": Row(("trader", "delegate"), NOT_SHARES),
    "Oracle.update": EVERYONE,
    "Oracle.update_many": EVERYONE,
    "Oracle.set_feed": OWNER,
    "Oracle.set_signer": Row(("owner",), "oracle: caller not permitted"),
    "Oracle.set_signer:revoke": Row(("owner", "guardian"), "oracle: caller not permitted"),
    "Instruments.touch": EVERYONE,
    "Instruments.list_market": OWNER,
    "Instruments.set_funding": OWNER,
    "Instruments.set_open_interest_cap": OWNER,
    "Instruments.set_active": Row(("owner",), "instruments: caller not permitted"),
    "Instruments.set_active:restrict": Row(("owner", "guardian"), "instruments: caller not permitted"),
    "Instruments.wire": Row(("owner",), NOT_OWNER, "instruments: already wired"),
    "Instruments.list_series": OWNER,
    "Instruments.add_strikes": OWNER,
    "Instruments.set_series_caps": OWNER,
    "Instruments.set_series_active": Row(("owner",), "instruments: caller not permitted"),
    "Instruments.set_series_active:restrict": Row(("owner", "guardian"), "instruments: caller not permitted"),
    "Instruments.delist_series": EVERYONE,
    "RiskModel.set_model": OWNER,
    "RiskModel.admit_markets": OWNER,
    "RiskModel.map_collaterals": OWNER,
    "RiskModel.set_contingency": OWNER,
    "DynamicMargin.refresh": EVERYONE,
    "DynamicMargin.set_scale_rules": OWNER,
    "DynamicMargin.admit_markets": OWNER,
    "DynamicMargin.map_collaterals": OWNER,
    "Surface.update": EVERYONE,
    "Surface.update_many": EVERYONE,
    "Surface.accumulate": EVERYONE,
    "Surface.finalise": EVERYONE,
    "Surface.set_surface": OWNER,
    "Surface.wire": Row(("owner",), NOT_OWNER, "surface: already wired"),
    "SolvencyGuard.wire": Row(("owner",), NOT_OWNER, "solvency_guard: already wired"),
    "SolvencyGuard.observe_trade": Row(("Exchange",), "solvency_guard: not the exchange"),
    "SolvencyGuard.observe_outflow": Row(("Vault",), "solvency_guard: not the vault"),
    "SolvencyGuard.refresh": EVERYONE,
    "SolvencyGuard.admit_markets": EVERYONE,
    "SolvencyGuard.set_mode": OWNER,
    "SolvencyGuard.set_underlying": OWNER,
    "SolvencyGuard.remove_underlying": OWNER,
    "SolvencyGuard.map_collaterals": OWNER,
    "Vault.set_engine": Row((), "vault: caller is not switch"),
    "Vault.wire_engine_switch": Row(("owner",), NOT_OWNER, "vault: already wired"),
    "Vault.enable_lines": OWNER,
    "EngineSwitch.request": Row(("trader",), NOT_ACCOUNT_OWNER),
    "EngineSwitch.change": Row(("trader",), NOT_ACCOUNT_OWNER),
    "EngineSwitch.set_delay": OWNER,
    "CreditMargin.wire": Row(("owner",), NOT_OWNER, "credit_margin: already wired"),
    "CreditMargin.set_credit": OWNER,
    "CreditDesk.wire": Row(("owner",), NOT_OWNER, "credit_desk: already wired"),
    "CreditDesk.deposit": EVERYONE,
    "CreditDesk.redeem": Row(("trader",), "credit_desk: too few shares"),
    # The guardian stands in for the underwriter.
    "CreditDesk.grant": Row(("guardian",), "credit_desk: caller is not underwriter"),
    "CreditDesk.review": EVERYONE,
    "CreditDesk.declare_default": Row(ALL, then="credit_desk: line is not called"),
    "CreditDesk.draw": Row(("Liquidator",), "credit_desk: caller is not liquidator"),
    "CreditDesk.set_parameters": OWNER,
    "CreditDesk.set_underwriter": OWNER,
    # The owner role proposes and executes here; nobody administers the timelock but itself.
    "Timelock.schedule": Row(("owner",), NO_ROLE),
    "Timelock.schedule_batch": Row(("owner",), NO_ROLE),
    "Timelock.cancel": Row(("owner",), NO_ROLE),
    "Timelock.execute": Row(("owner",), NO_ROLE),
    "Timelock.execute_batch": Row(("owner",), NO_ROLE),
    "Timelock.update_delay": Row((), "timelock_controller: caller must be timelock"),
    "Timelock.grantRole": Row((), NO_ROLE),
    "Timelock.revokeRole": Row((), NO_ROLE),
    "Timelock.renounceRole": Row(("owner",), "access_control: can only renounce roles for itself"),
    "CrossMargin.set_markets": OWNER,
    "CrossMargin.set_contingency": OWNER,
    "CrossMargin.set_options": OWNER,
    "CrossMargin.set_futures": OWNER,
    "CrossMargin.wire": OWNER,
    "IsolatedMargin.set_markets": OWNER,
    "IsolatedMargin.set_contingency": OWNER,
    "IsolatedMargin.set_options": OWNER,
    "IsolatedMargin.set_futures": OWNER,
    "IsolatedMargin.wire": OWNER,
}
OWNABLE = {
    "transfer_ownership": OWNER,
    "accept_ownership": Row(("heir",), "ownable_2step: caller is not the new owner"),
}
WITH_GUARDIAN = {"set_guardian": OWNER}
PAUSES = {"pause": Row(("owner", "guardian"), "guarded: caller is not guardian"), "unpause": OWNER}
TABLE |= {f"{name}.{key}": row for name in OWNED for key, row in OWNABLE.items()}
TABLE |= {f"{name}.{key}": row for name in GUARDED for key, row in WITH_GUARDIAN.items()}
TABLE |= {f"{name}.{key}": row for name in PAUSABLE for key, row in PAUSES.items()}


def test_every_function_has_a_row() -> None:
    assert missing(TABLE, DEPLOYED, view=False) == (set(), set())
    assert set(TABLE) == set(changes(stage()))
    assert set(stage().roles_by_name()) == set(ALL)


@pytest.mark.parametrize("key", TABLE)
def test_every_role(key: str) -> None:
    world, row = stage(), TABLE[key]
    contract, function = key.partition(":")[0].split(".")
    args = changes(world)[key]
    found = {}
    for role, address in world.roles_by_name().items():
        try:
            world.contracts[contract].simulate(function, *args, sender=address)
            found[role] = OK
        except Reverted as error:
            found[role] = error.reason
    expected = {role: row.then if role in row.allowed else row.denied for role in ALL}
    if row.special[0]:
        expected[row.special[0]] = row.special[1]
    assert found == expected


@pytest.mark.parametrize("name", (*DEPLOYED, *READERS))
def test_the_first_sender_of_a_transaction_is_never_asked_for(name: str) -> None:
    """`tx.origin` in no source that is deployed, the library's included; ORIGIN in no code either."""
    root = Path(__file__).resolve().parents[2]
    artifact = load_artifact(name)
    read = 0
    for shown in artifact.sources:
        for base in (root, *root.glob(".venv/lib/python3*/site-packages")):
            if (base / shown).is_file():
                assert not re.search(r"\btx\s*\.\s*origin\b", (base / shown).read_text(encoding="utf-8")), (
                    shown
                )
                read += 1
                break
    assert read == len(artifact.sources)
    assert 0x32 not in _opcodes(artifact)


def _opcodes(artifact: Artifact) -> set[int]:
    """Operations of a runtime, without what PUSH carries and without the data behind the code.

    How long the data is stands in what the compiler appends to the creation code: CBOR of hash, runtime size,
    sizes of the data sections, size of the immutables, version; its own length in the last two bytes.
    """
    creation = bytes.fromhex(artifact.bytecode[2:])
    length = int.from_bytes(creation[-2:], "big")
    _, size, sections, _, _ = cbor2.loads(creation[-length:-2])
    code = bytes.fromhex(artifact.runtime_bytecode[2:])
    assert size == len(code)
    found, place = set(), 0
    while place < size - sum(sections):
        operation = code[place]
        found.add(operation)
        place += 1 + (operation - 0x5F if 0x60 <= operation <= 0x7F else 0)
    return found
