# SPDX-License-Identifier: Apache-2.0
"""Arguments for every external function of every contract, with which it does its work on the stage.

A key is "Contract.function", or "Contract.function:case" where one function has several cases. `changes` are
the functions that change state, `views` the others; both are held against the ABIs, so that a new function
without arguments fails the tables.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from eth_account.messages import encode_typed_data

from simulation.chain.artifacts import load_artifact
from tests.evm import account_key
from tests.prices import price_digest
from tests.protocol import BUY, IMMEDIATE, NANO, REDUCE_ONLY, SELL, WAD
from tests.security.stage import (
    DEPLOYED,
    GUARDED,
    OWNED,
    PAUSABLE,
    READERS,
    RISK_MODEL,
    SCALE_RULES,
    ZERO_HASH,
    Stage,
)
from tests.surfaces import DEFAULT_CONFIG

__all__ = ["changes", "functions", "missing", "views"]

NEVER = 2**255


def functions(contract: str, *, view: bool) -> list[str]:
    """Names in the ABI that change state, or that do not; each keyed "Contract.function"."""
    found = [
        f"{contract}.{item['name']}"
        for item in load_artifact(contract).abi
        if item["type"] == "function" and (item["stateMutability"] in ("view", "pure")) == view
    ]
    assert len(found) == len(set(found)), "an overloaded function needs a key of its own"
    return found


def missing(rows: Any, contracts: tuple[str, ...], *, view: bool) -> tuple[set[str], set[str]]:
    """Functions of the ABIs without a row, and rows without a function."""
    known = {name for contract in contracts for name in functions(contract, view=view)}
    named = {key.partition(":")[0] for key in rows}
    return known - named, named - known


def changes(stage: Stage) -> dict[str, tuple[Any, ...]]:
    """Arguments of what changes state."""
    env = stage.env
    someone = env.address("stranger")
    trader, flat = stage.trader, stage.flat
    receiver = env.address("trader")
    risk = (1_000, 500, 15_000, 25_000, 2_000_000, 10_000_000)
    contingency = (5 * 10**7, 10_000, 990_000_000, 10_000)
    option_risk = (1_500, 1_000, 750, 750, 750, 10_500, 12_000, 11_000, 4 * 10**7, 4_000)
    feed = (3_600, 300, 5_000, 0, 86_400, 1, 1, 2**72 - 1)
    price, signatures = stage.signed_price()
    surface, surface_signatures = stage.signed_surface()
    expiry = env.timestamp + 1_000
    calls: dict[str, tuple[Any, ...]] = {
        "Vault.create_account": (1,),
        "Vault.set_delegate": (trader, someone, True),
        "Vault.deposit": (trader, 0, 10**6),
        "Vault.deposit:collateral": (trader, 1, 10**6),
        "Vault.deposit:repay": (stage.borrower, 0, 10**6),
        "Vault.withdraw": (trader, 0, 10**6, receiver),
        "Vault.withdraw:loan": (stage.borrower, 1, 10**6, receiver),
        "Vault.withdraw:flat": (flat, 0, 10**6, receiver),
        "Vault.withdraw:flat collateral": (flat, 1, 10**6, receiver),
        "Vault.transfer_cash": (trader, flat, WAD),
        "Vault.transfer_cash:flat": (flat, trader, WAD),
        "Vault.accrue_interest": (),
        "Vault.sweep_fees": (),
        "Vault.apply_trade": (trader, WAD, 1),
        "Vault.move_slice": (flat, trader, WAD // 2, 0),
        "Vault.move_cash": (trader, flat, WAD, 4),
        "Vault.cover": (trader, 10),
        "Vault.write_off": (stage.drowned,),
        "Vault.wire": (someone, someone, someone),
        "Vault.register_engine": (someone,),
        "Vault.list_collateral": (stage.token(1).address, 1, 1_000, 2_000, 10**24),
        "Vault.set_collateral": (1, 1, 1_000, 2_000, 10**24),
        "Vault.set_interest": (0, 0, 0, WAD, 0),
        "Vault.set_stable_feed": (0,),
        "Ledger.wire": (someone, someone),
        "Ledger.settle": (trader,),
        "Ledger.settle_expired": (stage.dated, 2),
        "Ledger.settle_coin": (stage.winner, 128, -1, 0),
        "Vault.move_collateral": (stage.loser, stage.winner, 1, 1),
        "CoinPool.wire": (stage.ledger.address, 1),
        "CoinPool.add_market": (200, 1),
        "CoinPool.settle": (stage.loser, 128),
        "CoinPool.close_debt": (stage.owing, stage.winner, 128),
        "Ledger.fill_maker": (flat, 1, NANO, 1_795 * NANO, 1, False),
        "Ledger.fill_taker": (receiver, trader, 1, 0, 0, 0, NANO // 10),
        "Ledger.release_orders": (trader, 2, NANO // 100, 0),
        "Ledger.begin_liquidation": (stage.startable,),
        "Ledger.end_liquidation": (stage.auctioned,),
        "Ledger.transfer_slice": (stage.auctioned, stage.keeper, WAD // 2, 0),
        "Ledger.deleverage": (stage.deleveraged, stage.maker, 1, -NANO, 1_795 * NANO),
        "Exchange.wire": (someone,),
        "Exchange.set_fees": (1, 2),
        "Exchange.place": (trader, 1, BUY, 170_000, 100, 0, expiry, 16),
        "Exchange.place:take": (trader, 1, BUY, 181_000, 100, IMMEDIATE, 0, 16),
        "Exchange.place:reduce": (trader, 1, SELL, 179_000, 100, IMMEDIATE | REDUCE_ONLY, 0, 16),
        "Exchange.place:rest to reduce": (trader, 1, SELL, 190_000, 100, REDUCE_ONLY, 0, 16),
        "Exchange.replace": (stage.order, 210_000, 100, 0, expiry, 16),
        "Exchange.cancel": (stage.order,),
        "Exchange.cancel_all": (trader,),
        "Exchange.purge": ([stage.expired],),
        "Liquidator.call_margin": (stage.callable,),
        "Liquidator.escalate": (stage.escalatable,),
        "Liquidator.cure": (stage.curable,),
        "Liquidator.start": (stage.startable,),
        "Liquidator.start_for": (stage.startable, stage.keeper),
        "Liquidator.bid": (stage.auctioned, trader, WAD // 10, 2**200),
        "Liquidator.bid:insolvent": (stage.insolvent, trader, WAD, 2**200),
        "Liquidator.mark_insolvent": (stage.sinking,),
        "Liquidator.mark_deleverage": (stage.insolvent,),
        "Liquidator.stop": (stage.restored,),
        "Liquidator.refresh": (stage.insolvent,),
        "Liquidator.deleverage": (stage.deleveraged, 1, [stage.maker]),
        "Liquidator.write_off": (stage.drowned,),
        "Liquidator.set_parameters": (tuple(stage.liquidator.parameters()),),
        "InsuranceFund.transfer": (someone, 10**6),
        "InsuranceFund.transferFrom": (receiver, someone, 10**6),
        "InsuranceFund.approve": (someone, 1),
        "InsuranceFund.permit": _permit(stage),
        "InsuranceFund.wire": (someone, someone),
        "InsuranceFund.contribute": (0,),
        "InsuranceFund.draw": (stage.insolvent, 10),
        "InsuranceFund.deposit": (10**6, receiver),
        "InsuranceFund.mint": (10**12, receiver),
        "InsuranceFund.withdraw": (100, receiver, receiver),
        "InsuranceFund.redeem": (10**8, receiver, receiver),
        "Oracle.update": (price, signatures),
        "Oracle.update_many": ([price], [signatures]),
        "Oracle.set_feed": (1, feed),
        "Oracle.set_signer": (someone, True),
        "Oracle.set_signer:revoke": (someone, False),
        "Instruments.touch": (1,),
        "Instruments.list_market": (1, 1, 10**7, 10**6, 10**12, 8, 0, 10**15),
        "Instruments.set_funding": (1, 8, 0, 10**15),
        "Instruments.set_open_interest_cap": (1, 10**12),
        "Instruments.set_active": (1, True),
        "Instruments.set_active:restrict": (1, False),
        "Instruments.wire": (someone, someone, someone),
        "Instruments.list_series": (stage.terms,),
        "Instruments.add_strikes": (1, [10**12]),
        "Instruments.set_series_caps": (1, 1, 1),
        "Instruments.set_series_active": (1, True),
        "Instruments.set_series_active:restrict": (1, False),
        "Instruments.delist_series": (3,),
        "RiskModel.set_model": RISK_MODEL,
        "RiskModel.admit_markets": ([1],),
        "RiskModel.map_collaterals": ([1], [1]),
        "RiskModel.set_contingency": (contingency,),
        "DynamicMargin.refresh": ([1, 2],),
        "DynamicMargin.set_scale_rules": (1, SCALE_RULES),
        "DynamicMargin.admit_markets": ([1],),
        "DynamicMargin.map_collaterals": ([1], [1]),
        "Surface.update": (surface, surface_signatures),
        "Surface.update_many": ([surface], [surface_signatures]),
        "Surface.set_surface": (1, DEFAULT_CONFIG.row()),
        "Surface.accumulate": ([1],),
        "Surface.finalise": (2,),
        "Surface.wire": (someone,),
        "SolvencyGuard.wire": (someone,) * 5,
        "SolvencyGuard.observe_trade": (trader, (1, 0, 0, 0, NANO // 10)),
        "SolvencyGuard.observe_outflow": (trader,),
        "SolvencyGuard.refresh": ([stage.auctioned, stage.insolvent, trader],),
        "SolvencyGuard.admit_markets": ([1, 128],),
        "SolvencyGuard.set_mode": (2, 1_000),
        "SolvencyGuard.set_underlying": (1, 2_000, 5_000),
        "SolvencyGuard.remove_underlying": (1,),
        "SolvencyGuard.map_collaterals": ([1], [0]),
        "Vault.set_engine": (flat, 2),
        "Vault.wire_engine_switch": (someone,),
        "Vault.enable_lines": (3,),
        "EngineSwitch.request": (flat, 2),
        "EngineSwitch.change": (flat,),
        "EngineSwitch.set_delay": (600,),
        "CreditMargin.wire": (someone,),
        "CreditMargin.set_credit": (5_000, 10_000),
        "CreditDesk.wire": (someone,),
        "CreditDesk.deposit": (1, 10**6, receiver),
        "CreditDesk.redeem": (1, 10**12, receiver),
        "CreditDesk.grant": (stage.credited, 1_001 * 10**6, expiry),
        "CreditDesk.review": (stage.credited,),
        "CreditDesk.declare_default": (stage.credited,),
        "CreditDesk.draw": (stage.credited, 10),
        "CreditDesk.set_parameters": (tuple(stage.contracts["CreditDesk"].parameters()),),
        "CreditDesk.set_underwriter": (someone,),
        "Timelock.schedule": (*stage.operation, ZERO_HASH, b"\1" * 32, 60),
        "Timelock.schedule_batch": (*stage.batch, ZERO_HASH, b"\1" * 32, 60),
        "Timelock.cancel": (stage.scheduled,),
        "Timelock.execute": (*stage.operation, ZERO_HASH, ZERO_HASH),
        "Timelock.execute_batch": (*stage.batch, ZERO_HASH, ZERO_HASH),
        "Timelock.update_delay": (60,),
        "Timelock.grantRole": (b"\2" * 32, someone),
        "Timelock.revokeRole": (b"\2" * 32, someone),
        "Timelock.renounceRole": (stage.timelock.EXECUTOR_ROLE(), env.address("owner")),
    }
    for engine in ("CrossMargin", "IsolatedMargin"):
        calls[f"{engine}.set_markets"] = ([1], [risk])
        calls[f"{engine}.set_contingency"] = (contingency,)
        calls[f"{engine}.set_options"] = ([1], [option_risk])
        calls[f"{engine}.set_futures"] = ([1], [risk])
        calls[f"{engine}.wire"] = (someone,)
    for name in OWNED:
        calls[f"{name}.transfer_ownership"] = (someone,)
        calls[f"{name}.accept_ownership"] = ()
    for name in GUARDED:
        calls[f"{name}.set_guardian"] = (someone,)
    for name, (bit, *_) in PAUSABLE.items():
        calls[f"{name}.pause"] = (bit,)
        calls[f"{name}.unpause"] = (bit,)
    return calls


@cache
def _typed_permit(chain: int, fund: str, owner: str, spender: str, nonce: int) -> tuple[int, bytes, bytes]:
    kinds = [("owner", "address"), ("spender", "address"), ("value", "uint256"), ("nonce", "uint256")]
    message = {"owner": owner, "spender": spender, "value": 7, "nonce": nonce, "deadline": NEVER}
    name = "Plimsoll Insurance Fund"
    signable = encode_typed_data(
        {"name": name, "version": "1", "chainId": chain, "verifyingContract": fund},
        {"Permit": [{"name": key, "type": kind} for key, kind in (*kinds, ("deadline", "uint256"))]},
        message,
    )
    signed = account_key("trader").sign_message(signable)
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


def _permit(stage: Stage) -> tuple[Any, ...]:
    owner, spender = stage.env.address("trader"), stage.env.address("stranger")
    nonce = stage.fund.nonces(owner)
    return (owner, spender, 7, NEVER, *_typed_permit(1337, stage.fund.address, owner, spender, nonce))


def views(stage: Stage) -> dict[str, tuple[Any, ...]]:
    """Arguments of what only reads."""
    env = stage.env
    trader, address = stage.trader, env.address("trader")
    portfolio = tuple(stage.ledger.portfolio(stage.insolvent)[0])
    operation = (*stage.operation, ZERO_HASH, ZERO_HASH)
    price, signatures = stage.signed_price()
    calls: dict[str, tuple[Any, ...]] = {
        "Vault.authorised": (trader, address),
        "Vault.account": (trader,),
        "Vault.cash": (trader,),
        "Vault.cash:insolvent": (stage.insolvent,),
        "Vault.collateral": (stage.flat, 1),
        "Vault.money": (stage.flat,),
        "Vault.collateral_token": (1,),
        "Vault.collateral_held": (1,),
        "Vault.words_of": (1, 13, 2),
        "Vault.engines": (1,),
        "Ledger.check_outflow": (trader,),
        "Ledger.authorised": (trader, address),
        "Ledger.position": (trader, 1),
        "Ledger.markets_of": (trader,),
        "Ledger.listed": (trader,),
        "Ledger.in_liquidation": (stage.insolvent,),
        "Ledger.portfolio": (trader,),
        "Ledger.assess": (trader,),
        "Ledger.assess:insolvent": (stage.insolvent,),
        "Ledger.open_interest": (1,),
        "Ledger.words_of": (1, 13, [1, 2]),
        "CoinPool.asset": (128,),
        "CoinPool.pool": (128,),
        "CoinPool.view": (stage.winner, 128),
        "Exchange.order": (stage.order,),
        "Exchange.orders_of": (trader,),
        "Exchange.best": (1,),
        "Exchange.depth": (1, BUY, 8),
        "Exchange.next_order_id": (trader,),
        "Liquidator.auction": (stage.insolvent,),
        "Liquidator.margin_call": (stage.escalatable,),
        "InsuranceFund.balanceOf": (address,),
        "InsuranceFund.allowance": (address, env.address("delegate")),
        "InsuranceFund.nonces": (address,),
        "Oracle.word": (1,),
        "Oracle.words": ([1, 2],),
        "Oracle.tick": (1,),
        "Oracle.config": (1,),
        "Oracle.is_signer": (address,),
        "Oracle.check_signatures": (price_digest(stage.oracle.address, price), signatures, 1),
        "Instruments.words": ([1, 2],),
        "Instruments.lot_sizes": ([1, 2],),
        "Instruments.spec": (1,),
        "Instruments.funding": (1,),
        "Instruments.is_active": (1,),
        "Instruments.is_expired": (1,),
        "Instruments.dated_words": ([1, 256, 512],),
        "Instruments.inverse_word": (128,),
        "Instruments.terms": (256,),
        "Instruments.series": (1,),
        "Instruments.strikes": (1,),
        "RiskModel.correlation": (0, 1),
        "RiskModel.underlying_of": (1,),
        "RiskModel.mapped_feed": (1,),
        "RiskBasedMargin.assess": (portfolio,),
        "RiskBasedMargin.explain": (portfolio,),
        "RiskBasedMargin.permits": (trader, 1, 0),
        "DynamicMargin.assess": (portfolio,),
        "DynamicMargin.explain": (portfolio,),
        "DynamicMargin.permits": (trader, 1, 0),
        "DynamicMargin.scale": (1,),
        "DynamicMargin.target": (1,),
        "DynamicMargin.scale_rules": (1,),
        "DynamicMargin.market_feed": (1,),
        "DynamicMargin.mapped_feed": (1,),
        "Surface.forward": (1,),
        "Surface.forward_parts": (1,),
        "Surface.surface": (1,),
        "Surface.config": (1,),
        "Surface.settlement": (2,),
        "Surface.accumulator": (1,),
        "EngineSwitch.pending": (stage.flat,),
        "CreditMargin.assess": (portfolio,),
        "CreditMargin.explain": (portfolio,),
        "CreditMargin.credit": (portfolio,),
        "CreditMargin.measure": (portfolio,),
        "CreditMargin.line": (stage.credited,),
        "CreditMargin.permits": (trader, 1, 0),
        "CreditDesk.tranche_assets": (1,),
        "CreditDesk.tranche_supply": (1,),
        "CreditDesk.tranche_series": (1,),
        "CreditDesk.shares_of": (1, address),
        "CreditDesk.convert_to_shares": (1, 10**9),
        "CreditDesk.convert_to_assets": (1, 10**9),
        "CreditDesk.redeemable": (1,),
        "CreditDesk.line": (stage.credited,),
        "CreditDesk.capacity": (stage.credited,),
        "CreditDesk.line_word": (stage.credited,),
        "CreditDesk.preview": (stage.credited,),
        "CreditDesk.owed": (stage.credited,),
        "SolvencyGuard.measure": (trader, (1, 0, 0, 0, NANO)),
        "SolvencyGuard.preview_trade": (trader, (1, NANO, 1_795 * NANO * NANO, 0, 0)),
        "SolvencyGuard.preview": (stage.insolvent,),
        "SolvencyGuard.contribution": (trader,),
        "SolvencyGuard.solvency_delta": (1,),
        "SolvencyGuard.underlying": (1,),
        "SolvencyGuard.underlying_of": (128,),
        "Timelock.hash_operation": operation,
        "Timelock.hash_operation_batch": (*stage.batch, ZERO_HASH, ZERO_HASH),
        "Timelock.hasRole": (stage.timelock.EXECUTOR_ROLE(), address),
        "Timelock.getRoleAdmin": (stage.timelock.EXECUTOR_ROLE(),),
        "OptionGreeks.greeks": ([513],),
        "Lens.accounts": (1, 13),
        "Lens.explain": (trader,),
        "Lens.solvency": (),
        "Lens.stressed": ([-5_000, 0, 5_000], 1, 13),
        "Lens.dated_changes": ([512, 513], [-5_000, 0, 5_000]),
        "Lens.system": ([1, 2], 2, 4),
    }
    for name in ("is_operation", "is_operation_pending", "is_operation_ready", "is_operation_done"):
        calls[f"Timelock.{name}"] = (stage.scheduled,)
    for name in ("get_timestamp", "get_operation_state"):
        calls[f"Timelock.{name}"] = (stage.scheduled,)
    for name in ("maxDeposit", "maxMint", "maxWithdraw", "maxRedeem"):
        calls[f"InsuranceFund.{name}"] = (address,)
    for name in ("convertToShares", "convertToAssets"):
        calls[f"InsuranceFund.{name}"] = (10**9,)
    for name in ("previewDeposit", "previewMint", "previewWithdraw", "previewRedeem"):
        calls[f"InsuranceFund.{name}"] = (10**9,)
    for engine in ("CrossMargin", "IsolatedMargin"):
        calls[f"{engine}.assess"] = calls[f"{engine}.explain"] = calls[f"{engine}.charges"] = (portfolio,)
        calls[f"{engine}.option_risk"] = calls[f"{engine}.future_risk"] = (1,)
        calls[f"{engine}.market_risk"] = (1,)
        calls[f"{engine}.permits"] = (trader, 1, 0)
    # What takes no arguments needs no entry above.
    for contract in (*DEPLOYED, *READERS):
        for item in load_artifact(contract).abi:
            reads = item["type"] == "function" and item["stateMutability"] in ("view", "pure")
            if reads and not item["inputs"]:
                calls.setdefault(f"{contract}.{item['name']}", ())
    return calls
