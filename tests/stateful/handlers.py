# SPDX-License-Identifier: Apache-2.0
"""How each function of the contracts reaches the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulation.domain.interest_math import RateParams
from simulation.domain.margin_math import Contingency, MarketRisk
from simulation.domain.model import AuctionRules, DynamicEngine, Engine, Refused
from simulation.domain.oracle_math import FeedConfig
from simulation.domain.orders import NewOrder, Option
from tests.stateful.driver import Step
from tests.stateful.margins import CROSS, DYNAMIC, ISOLATED
from tests.stateful.world_state import ASSETS

if TYPE_CHECKING:
    from tests.stateful.mirror import Mirror

__all__ = ["HANDLERS", "TOKENS", "name_of"]

Handler = Callable[["Mirror", Step], Any]
TOKENS = ("CashToken", "Token:WETH", "Token:WBTC", "Token:EURC")
MAX_PENALTY = 3 * 10**17
"""Wad: what a start may cost an owner, first discount included."""
PREFIXES = {"CoinPool": "pool_", "CreditDesk": "desk_", "EngineSwitch": "switch_", "DynamicMargin": "scales_"}


def name_of(step: Step) -> str:
    """The handler of a call: names that more than one contract has carry a prefix."""
    if step.contract in TOKENS:
        return "transfer_token"
    if step.contract == "InsuranceFund" and step.function in ("deposit", "mint", "withdraw", "redeem"):
        return f"fund_{step.function}"
    return PREFIXES.get(step.contract, "") + step.function


def _pause(mirror: Mirror, step: Step, on: bool) -> None:
    model, bit = mirror.model, step.args[0]
    if step.contract == "Vault":
        name = {1: "deposits_paused", 2: "withdrawals_paused", 16: "accounts_paused"}[bit]
        setattr(model, name, on)
    elif step.contract == "Ledger":
        model.ledger.trading_paused = on
    elif step.contract == "Exchange":
        setattr(model.book, {4: "trade_paused", 8: "place_paused"}[bit], on)
    else:
        model.fund.paused = on


def _place(mirror: Mirror, step: Step) -> None:
    account, market, is_bid, tick, lots, options, expiry, fills = step.args
    if not 0 <= account < 2**32 or options > 7:
        raise Refused("exchange: order out of range")
    new = NewOrder(account, market, bool(is_bid), tick, lots, Option(options), expiry, fills)
    mirror.model.place(step.caller, new)


def _replace(mirror: Mirror, step: Step) -> None:
    order_id, tick, lots, options, expiry, fills = step.args
    mirror.model.replace(step.caller, order_id, tick, lots, Option(options), expiry, fills)


def _update(mirror: Mirror, step: Step) -> None:
    mirror.model.markets.store(step.args[0], len(step.args[1]), mirror.model.now)


def _update_many(mirror: Mirror, step: Step) -> None:
    for price, signatures in zip(*step.args, strict=True):
        mirror.model.markets.store(price, len(signatures), mirror.model.now)


def _set_feed(mirror: Mirror, step: Step) -> None:
    feed, (heartbeat, deviation, confidence, jump, window, signers, floor, ceiling) = step.args
    config = FeedConfig(heartbeat, deviation, confidence, jump, window, floor, ceiling)
    mirror.model.markets.configure(feed, config, signers)


def _set_funding(mirror: Mirror, step: Step) -> None:
    market, hours, static, most = step.args
    state = mirror.model.markets.markets[market]
    state.convergence_hours, state.static_rate, state.max_rate = hours, static, most
    mirror.model.markets.touch(market, mirror.model.now)


def _set_active(mirror: Mirror, step: Step) -> None:
    market, active = step.args
    mirror.model.markets.markets[market].active = bool(active)
    mirror.model.book.markets[market] = replace(mirror.model.book.markets[market], active=bool(active))


def _set_series_active(mirror: Mirror, step: Step) -> None:
    number, active = step.args
    mirror.model.markets.series[number].active = bool(active)
    for market, listed in mirror.model.book.markets.items():
        if market // 256 == number:
            mirror.model.book.markets[market] = replace(listed, active=bool(active))


def _set_collateral(mirror: Mirror, step: Step) -> None:
    asset, feed, maintenance, initial, cap = step.args
    terms = mirror.model.ledger.collaterals[asset]
    terms.feed, terms.maintenance_haircut, terms.initial_haircut, terms.cap = feed, maintenance, initial, cap


def _set_interest(mirror: Mirror, step: Step) -> None:
    minimum, slope, high_slope, optimal, fee = step.args
    mirror.model.set_interest(RateParams(minimum, slope, high_slope, optimal), fee)


def _engine(mirror: Mirror, step: Step) -> Engine:
    found = mirror.model.ledger.engines[CROSS if step.contract == "CrossMargin" else ISOLATED]
    assert isinstance(found, Engine)
    return found


def _set_markets(mirror: Mirror, step: Step) -> None:
    for market, risk in zip(*step.args, strict=True):
        if risk[1] > risk[0]:
            raise Refused("tiered_margin: ratio out of range")
        _engine(mirror, step).risks[market] = MarketRisk(*risk)


def _set_contingency(mirror: Mirror, step: Step) -> None:
    _engine(mirror, step).contingency = Contingency(*step.args[0])


def _set_fees(mirror: Mirror, step: Step) -> None:
    if max(step.args) > 100:
        raise Refused("exchange: fee out of range")
    mirror.model.book.maker_fee_bps, mirror.model.book.taker_fee_bps = step.args


def _set_parameters(mirror: Mirror, step: Step) -> None:
    rules = AuctionRules(*step.args[0])
    penalty = 10**18 - rules.start + rules.fee + rules.reward_rate
    if rules.cut > rules.start or penalty > MAX_PENALTY:
        raise Refused("liquidator: out of bound")
    mirror.model.liquidation.rules = rules


def _transfer_token(mirror: Mirror, step: Step) -> None:
    asset = TOKENS.index(step.contract)
    if mirror.model.wallets[asset, step.caller] < step.args[1]:
        raise Refused("erc20: insufficient")
    mirror.model.wallets[asset, step.caller] -= step.args[1]


def _deposit(mirror: Mirror, step: Step) -> None:
    account, asset, amount = step.args
    if asset not in (0, *ASSETS):
        raise Refused("vault: no such asset")
    mirror.model.deposit(step.caller, account, asset, amount)


def _withdraw(mirror: Mirror, step: Step) -> None:
    account, asset, amount, receiver = step.args
    if asset not in (0, *ASSETS):
        raise Refused("vault: no such asset")
    mirror.model.withdraw(step.caller, account, asset, amount, mirror.role(receiver))


def _delegate(mirror: Mirror, step: Step) -> None:
    account, address, allowed = step.args
    mirror.model.set_delegate(step.caller, account, mirror.role(address), bool(allowed))


def _change_engine(mirror: Mirror, step: Step) -> None:
    """The pause of withdrawals stops it: a lower margin is as good as an outflow."""
    if mirror.model.withdrawals_paused:
        raise Refused("guarded: action is paused")
    mirror.switch.change(step.caller, *step.args)


def _set_cap(mirror: Mirror, step: Step) -> None:
    market, cap = step.args
    mirror.model.markets.markets[market].cap = cap


def _refresh_scales(mirror: Mirror, step: Step) -> None:
    model = mirror.model
    engine = model.ledger.engines[DYNAMIC]
    assert isinstance(engine, DynamicEngine)
    engine.refresh(step.args[0], model.markets, model.now)


HANDLERS: dict[str, Handler] = {
    "create_account": lambda m, s: m.model.create_account(s.caller, *s.args),
    "set_delegate": _delegate,
    "deposit": _deposit,
    "withdraw": _withdraw,
    "transfer_cash": lambda m, s: m.model.transfer_cash(s.caller, *s.args),
    "transfer_token": _transfer_token,
    "accrue_interest": lambda m, s: m.model.accrue_interest(),
    "sweep_fees": lambda m, s: m.model.sweep_fees(),
    "settle": lambda m, s: m.model.settle(*s.args),
    "settle_expired": lambda m, s: m.model.settle_expired(*s.args),
    "accumulate": lambda m, s: m.model.markets.accumulate(*s.args),
    "finalise": lambda m, s: m.model.markets.finalise(s.args[0], m.model.now),
    "set_series_active": _set_series_active,
    "place": _place,
    "replace": _replace,
    "cancel": lambda m, s: m.model.cancel(s.caller, *s.args),
    "cancel_all": lambda m, s: m.model.cancel_all(s.caller, *s.args),
    "purge": lambda m, s: m.model.purge(*s.args),
    "call_margin": lambda m, s: m.model.liquidation.call_margin(*s.args),
    "escalate": lambda m, s: m.model.escalate(*s.args),
    "cure": lambda m, s: m.model.liquidation.cure(*s.args),
    "start": lambda m, s: m.model.start(*s.args),
    "start_for": lambda m, s: m.model.start(*s.args),
    "bid": lambda m, s: m.model.bid(s.caller, s.args[0], s.args[1], s.args[2], _int256(s.args[3])),
    "mark_insolvent": lambda m, s: m.model.liquidation.mark_insolvent(*s.args),
    "mark_deleverage": lambda m, s: m.model.liquidation.mark_deleverage(*s.args),
    "deleverage": lambda m, s: m.model.liquidation.deleverage(*s.args),
    "write_off": lambda m, s: m.model.liquidation.write_off(*s.args),
    "stop": lambda m, s: m.model.liquidation.stop(*s.args),
    "refresh": lambda m, s: m.model.liquidation.refresh(*s.args),
    "fund_deposit": lambda m, s: m.model.fund_deposit(s.caller, s.args[0]),
    "fund_mint": lambda m, s: m.model.fund_mint(s.caller, s.args[0]),
    "fund_withdraw": lambda m, s: m.model.fund_withdraw(s.caller, s.args[0]),
    "fund_redeem": lambda m, s: m.model.fund_redeem(s.caller, s.args[0]),
    "pool_settle": lambda m, s: m.pool.settle(*s.args),
    "pool_close_debt": lambda m, s: m.pool.close_debt(*s.args),
    "desk_deposit": lambda m, s: m.model.lend(s.caller, *s.args[:2], m.role(s.args[2])),
    "desk_redeem": lambda m, s: m.model.redeem_loan(s.caller, *s.args[:2], m.role(s.args[2])),
    "desk_grant": lambda m, s: m.model.grant(s.caller, *s.args),
    "desk_review": lambda m, s: m.model.review(*s.args),
    "desk_declare_default": lambda m, s: m.model.declare_default(*s.args),
    "switch_request": lambda m, s: m.switch.request(s.caller, *s.args),
    "switch_change": _change_engine,
    "scales_refresh": _refresh_scales,
    "touch": lambda m, s: m.model.markets.touch(s.args[0], m.model.now),
    "update": _update,
    "update_many": _update_many,
    "set_feed": _set_feed,
    "set_funding": _set_funding,
    "set_active": _set_active,
    "set_open_interest_cap": _set_cap,
    "set_collateral": _set_collateral,
    "set_interest": _set_interest,
    "set_stable_feed": lambda m, s: setattr(m.model.ledger, "stable_feed", s.args[0]),
    "set_markets": _set_markets,
    "set_contingency": _set_contingency,
    "set_fees": _set_fees,
    "set_parameters": _set_parameters,
    "pause": lambda m, s: _pause(m, s, True),
    "unpause": lambda m, s: _pause(m, s, False),
}


def _int256(value: int) -> int:
    """As the contract reads a drawn argument."""
    value %= 2**256
    return value - 2**256 if value >> 255 else value
