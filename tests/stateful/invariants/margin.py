# SPDX-License-Identifier: Apache-2.0
"""Margin, 8 to 14, and the prices it needs, 36."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulation.domain import portfolio_math
from simulation.domain.margin_math import PositionRisk, requirement_up, weighted
from tests.stateful.driver import Driver
from tests.stateful.invariants.base import View, invariant, worst_sizes
from tests.stateful.margins import CROSS, ISOLATED, PORTFOLIO, RISK
from tests.stateful.world_state import INVERSE, LINEAR, Account, Position

__all__ = ["adds_risk", "funding_due"]

NOTHING = Position(0, 0, 0, 0, 0)
WAD = 10**18
ROUNDING = 10
"""Wei by which a deposit may add to a shortfall."""
EVERY = 5
"""Calls between two looks at an account under portfolio margin."""


def _touched(view: View) -> Iterator[tuple[int, Account, Account]]:
    """Accounts in nobody's auction whose storage changed by something else than a parameter."""
    if view.is_parameter_change:
        return
    for number in view.changed:
        old, new = view.account(number)
        if not (old.liquidating or new.liquidating):
            yield number, old, new


def adds_risk(old: Account, new: Account) -> bool:
    """A position that grew or changed sides, a larger worst size by more orders, less of a collateral.

    A position that shrinks by a reduce-only order while other orders rest is a reduction, although what these
    could still open is counted from a smaller position.
    """
    if any(left < had for left, had in zip(new.units, old.units, strict=True)):
        return True
    worst_before, worst_after = worst_sizes(old), worst_sizes(new)
    for market, position in new.positions.items():
        was = old.positions.get(market, NOTHING)
        if abs(position.size) > abs(was.size) or position.size * was.size < 0:
            return True
        more_rests = position.bids > was.bids or position.asks > was.asks
        if more_rests and worst_after[market] > worst_before[market]:
            return True
    return False


def _takes_money(view: View, number: int) -> bool:
    """The owner's side of a withdrawal or transfer, or of a fee that the credit desk withdraws."""
    leaves = view.step.function in ("withdraw", "transfer_cash") or view.step.contract == "CreditDesk"
    return leaves and view.step.args[0] == number


def funding_due(view: View, number: int) -> int:
    """Of inverse positions, wad: engines see it with the coin until it is cash, and no more than it."""
    account, markets = view.before.account(number), view.before.markets
    return sum(
        abs(position.size * (markets[market].index - position.funding_index))
        for market, position in account.positions.items()
        if market in INVERSE
    )


def _still_moves(view: View, number: int) -> bool:
    """Whether the engine of an account moves a payoff that is fixed.

    Under portfolio margin by a board made between expiry and settlement; under risk-based margin a future,
    of which nothing tells the engine that it has expired.
    """
    margins, series = view.driver.margins, view.step.args[1]
    if margins.engines.get(number) == RISK:
        held = view.before.account(number).positions.get(series << 8)
        return held is not None and held.size != 0
    if margins.engines.get(number) != PORTFOLIO or series not in margins.boards:
        return False
    inputs = margins.inputs[series]
    return inputs.timestamp >= inputs.expiry and inputs.variable > 0


@invariant(
    "INV-08",
    "Whatever adds risk to an account or takes money out of it leaves equity at or above initial margin.",
)
def inv_08_initial_margin(view: View) -> None:
    if view.step.contract == "CoinPool":
        return  # Coin for what is owed in coin: invariant 9 says what that may do to the margin.
    for number, old, new in _touched(view):
        if adds_risk(old, new) or _takes_money(view, number):
            margin = view.margins(number)[1]
            assert margin.equity >= margin.initial, f"account {number}: {margin}"


@invariant("INV-09", "Below initial margin only what does not increase the shortfall succeeds.")
def inv_09_shortfall(view: View) -> None:
    if view.step.function == "deleverage":
        return  # A counterparty forgoes profit there: invariant 30 says how much.
    for number, _, _ in _touched(view):
        before, after = view.margins(number)
        # Each term of what coin needs under portfolio margin is rounded up by itself.
        coin = view.step.function == "deposit" and view.driver.engines.get(number) == PORTFOLIO
        room = funding_due(view, number) + (ROUNDING if coin else 0)
        if view.step.function == "settle_expired" and _still_moves(view, number):
            assert after.equity == before.equity
            continue
        assert after.shortfall <= max(before.shortfall, 0) + room, (
            f"account {number}: {before} became {after}"
        )


@invariant(
    "INV-10",
    "Initial margin is at least maintenance margin, which is not negative, and the contracts say "
    "what the exact integers say.",
)
def inv_10_requirements(view: View) -> None:
    driver, state = view.driver, view.after
    for number in range(1, state.account_count + 1):
        margin = driver.margin(state, number)
        assert margin.initial >= margin.maintenance >= 0, f"account {number}: {margin}"
    # One account a step, in turn: the engine through the Ledger, with everything that it reads.
    if state.account_count:
        number = driver.rig.calls % state.account_count + 1
        margin = driver.margin(state, number)
        said = driver.rig.view("Ledger", "assess(uint256)", number)
        assert said.ok, f"assess({number}) reverts"
        found = (said.word(0), said.word(1), said.signed(2), bool(said.word(4)))
        assert found == (margin.initial, margin.maintenance, margin.equity, margin.valid), f"account {number}"


@invariant(
    "INV-12",
    "At undoubted prices portfolio margin is at most the sum of what each position needs alone, and "
    "at least the worst scenario of a perpetual.",
)
def inv_12_portfolio(view: View) -> None:
    driver, state = view.driver, view.after
    found = [number for number, engine in driver.engines.items() if engine == PORTFOLIO]
    if driver.rig.calls % EVERY or not found:
        return
    portfolio, _ = driver.margins.portfolio(state, found[driver.rig.calls // EVERY % len(found)])
    positions = portfolio.positions
    doubts = [position.confidence for position in positions]
    doubts += [collateral.confidence for collateral in portfolio.collaterals]
    doubts += [board.confidence for board in driver.margins.boards.values()]
    parameters = driver.rig.deployed.portfolio
    if not positions or min(doubts) < parameters.confidence_threshold:
        return
    whole = driver.margins.required(state, portfolio, PORTFOLIO)
    # Alone nothing is capped by what can be lost at all, which is no sum of its parts.
    setting = driver.margins.setting(state, replace(parameters, bounded=False))
    parts = [
        portfolio_math.assess(replace(portfolio, cash=0, positions=(each,), collaterals=()), setting)
        for each in positions
    ]
    parts.append(portfolio_math.assess(replace(portfolio, cash=0, positions=()), setting))
    room = 10 * len(parts)
    assert whole.initial_margin <= sum(part.initial_margin for part in parts) + room
    assert whole.maintenance_margin <= sum(part.maintenance_margin for part in parts) + room
    if len(positions) == 1 and positions[0].market in LINEAR and not portfolio.collaterals:
        assert whole.initial_margin >= _worst_loss(driver, positions[0])


def _worst_loss(driver: Driver, position: PositionRisk) -> int:
    """Of a perpetual, in the scenarios as the owner gave them, rounded down."""
    moves = [scenario for scenario in driver.rig.deployed.grid if scenario is not None]
    losses = [position.size * position.mark * (WAD - one.spot_shock) * one.damping // WAD**2 for one in moves]
    return max(losses)


@invariant(
    "INV-13",
    "A new account changes nobody's margin, and two halves of a position need at least what the "
    "whole needs below the first tier.",
)
def inv_13_splitting(view: View) -> None:
    if view.step.function == "create_account" and view.step.ok:
        assert all(number == view.after.account_count for number in view.changed)
        assert view.after.markets == view.before.markets
    for change in view.changes:
        if change.market not in LINEAR:
            continue  # Tiers are those of a feed there, options charge each other, coin its own part.
        risk = view.parameters.risks[CROSS][change.market]
        mark = view.after.markets[change.market].mark
        whole, part = abs(change.size), abs(change.size) // 3
        if whole * mark >= risk.first_bound * 10**18:
            continue
        parts = sum(
            requirement_up(weighted(size * mark, risk), risk.initial) for size in (part, whole - part)
        )
        assert parts >= requirement_up(weighted(whole * mark, risk), risk.initial)


@invariant(
    "INV-14",
    "An isolated account holds one perpetual or one series; no step changes an account without naming it.",
)
def inv_14_silo(view: View) -> None:
    for number in view.changed:
        if view.driver.engines.get(number) == ISOLATED:
            held = view.after.accounts[number - 1].positions
            series = {market >> 8 for market in held}
            assert len(held) <= 1 or (len(series) == 1 and 0 not in series), f"account {number}"
    if not view.changed:
        return
    named: set[int] = set()
    for event in view.step.outcome.events:
        named.update(
            event.args[key]
            for key in ("account", "maker", "taker", "bidder", "counterparty")
            if key in event.args
        )
    if view.step.contract != "Oracle":
        assert set(view.changed) <= named, f"{set(view.changed) - named} changed without an event"


@invariant(
    "INV-36",
    "With a price that is stale, flagged or of low confidence, nothing adds risk or takes collateral.",
)
def inv_36_valid_prices(view: View) -> None:
    if view.step.contract == "CoinPool":
        return  # Coin for what is owed in it needs the price of its own market: invariant 51.
    for number, old, new in _touched(view):
        if not (adds_risk(old, new) or _takes_money(view, number)):
            continue
        flat = not new.positions and new.cash >= 0
        assert flat or view.margins(number)[1].valid, (
            f"account {number} took risk at prices that are not valid"
        )
