# SPDX-License-Identifier: Apache-2.0
"""Signatures, oracle, roles, pauses, extremes, gas, 35, 37 and 39 to 45."""

from __future__ import annotations

from tests.stateful.invariants.base import View, invariant
from tests.stateful.invariants.margin import adds_risk
from tests.stateful.world_state import MARKETS, PERPETUALS

__all__: list[str] = []

PRICE = 2**72 - 1
BPS = 10_000
GAS_CAP = 16_777_216


@invariant(
    "INV-35",
    "A price or a surface with too few, repeated, malleable or foreign signatures is refused; one that was "
    "used before, or is older than what is stored, changes nothing.",
)
def inv_35_signatures(view: View) -> None:
    step = view.step
    if step.rule == "attacker forges a price":
        assert not step.ok, "a forged price was stored"
    if step.rule == "attacker replays a price":
        assert view.after.feeds == view.before.feeds, "a price was stored twice"
    if step.rule == "attacker forges a surface":
        assert step.outcome.changed_slots == 0, "a forged surface was stored"
    if step.rule == "attacker replays a surface":
        assert step.outcome.changed_slots == 0, "a surface that was used, or an older one, was stored"


@invariant("INV-37", "A mark is within its bound of spot, so that no minority of signers moves it further.")
def inv_37_bounded_mark(view: View) -> None:
    deviation = view.parameters.deviation
    for feed, tick in view.after.feeds.items():
        spot, mark = tick & PRICE, (tick >> 72) & PRICE
        assert abs(mark - spot) * BPS <= spot * deviation, f"feed {feed}: mark {mark}, spot {spot}"


@invariant("INV-39", "No call but a signed price, or the owner's change of a feed, moves a price.")
def inv_39_prices(view: View) -> None:
    if view.step.contract != "Oracle":
        assert view.after.feeds == view.before.feeds
        derived = view.step.contract in ("Surface", "RiskBoard")
        for market in PERPETUALS if derived else MARKETS:
            assert view.after.markets[market].mark == view.before.markets[market].mark


@invariant("INV-40", "A caller without the right to a call is refused.")
def inv_40_roles(view: View) -> None:
    assert not (view.step.forbidden and view.step.ok), f"{view.step.caller} called {view.step.function}"


@invariant("INV-41", "A paused action does not happen; leaving flat, repaying and cancelling always do.")
def inv_41_pauses(view: View) -> None:
    step, before, after = view.step, view.before, view.after
    paused = step.paused
    if step.contract == "Exchange" and step.function in ("place", "replace") and step.ok:
        if step.named("OrderFilled") and paused.get("Ledger", 0) & 4:
            account = step.named("OrderFilled")[0]["taker"]
            assert not adds_risk(*view.account(account)), "a taker added risk while trading is paused"
        options = step.args[5] if step.function == "place" else step.args[3]
        if not options & 4:
            bits = paused.get("Exchange", 0)
            assert not (bits & 4 and step.named("OrderFilled")), "traded while paused"
            assert not (bits & 8 and step.named("OrderPlaced")), "placed while paused"
    if step.contract == "Vault":
        bits = paused.get("Vault", 0)
        if step.function == "create_account":
            assert not (step.ok and bits & 16)
        elif step.function == "deposit" and step.ok and bits & 1:
            cash = after.accounts[step.args[0] - 1].cash
            assert step.args[1] == 0 and cash < view.scale, "deposited while paused"
        elif step.function in ("withdraw", "transfer_cash"):
            number = step.args[0]
            if step.ok and bits & 2:
                account = after.accounts[number - 1]
                assert account.listed == 0 and account.cash >= 0, "money left while paused"
            _leaves_flat(view, number)
    if step.contract == "InsuranceFund" and paused.get("InsuranceFund", 0) & 32 and step.ok:
        assert after.shares <= before.shares, "shares were minted while paused"


def _leaves_flat(view: View, number: int) -> None:
    """A flat account gets its cash out, whatever is paused and however stale prices are."""
    step, before = view.step, view.before
    if step.function != "withdraw" or step.args[1] != 0 or not 1 <= number <= before.account_count:
        return
    account = before.accounts[number - 1]
    paid = step.args[2] * view.scale
    if account.positions or account.liquidating or paid == 0 or paid > before.backing:
        return
    burnt = paid
    if before.deficit:
        burnt = -(-paid * (before.backing + before.deficit) // before.backing)
    if burnt <= view.driver.cash_now(before, account) and view.driver.authorised(number, step.caller):
        assert step.ok, f"account {number} is flat and could not leave: {step.outcome.reason!r}"


@invariant("INV-43", "Extreme arguments revert or are right; nothing halts.")
def inv_43_extremes(view: View) -> None:
    assert not view.step.outcome.halted, f"{view.step.function} halted"


@invariant("INV-44", "Every call fits into 16,777,216 gas.")
def inv_44_gas(view: View) -> None:
    assert view.step.outcome.gas < GAS_CAP, f"{view.step.function} took {view.step.outcome.gas} gas"


@invariant("INV-45", "Nobody can keep an owner from cancelling.")
def inv_45_liveness(view: View) -> None:
    step = view.step
    if step.contract != "Exchange" or step.forbidden:
        return
    if step.function == "cancel" and step.args[0] in step.orders:
        if view.driver.authorised(step.orders[step.args[0]].account, step.caller):
            assert step.ok, step.outcome.reason
    elif step.function == "cancel_all" and view.driver.authorised(step.args[0], step.caller):
        assert step.ok, step.outcome.reason
        assert not any(order.account == step.args[0] for order in view.driver.orders.values())
    elif step.function == "purge" and step.rule == "purge":
        assert step.ok, step.outcome.reason
