# SPDX-License-Identifier: Apache-2.0
"""Liquidation, auctions, insurance, 22 to 30."""

from __future__ import annotations

from simulation.domain import auction_math, deleverage_math
from tests.stateful.driver import DELEVERAGE, ESCALATED, INSOLVENT, SOLVENT
from tests.stateful.invariants.base import View, invariant
from tests.stateful.margins import CREDIT, ONE_USD, PORTFOLIO, RISK
from tests.stateful.world_state import INVERSE

__all__: list[str] = []

WAD = 10**18
PAYMENT = 4
"""Reason of CashMoved."""
STEPS = (
    "start",
    "start_for",
    "bid",
    "mark_insolvent",
    "mark_deleverage",
    "deleverage",
    "write_off",
    "stop",
    "refresh",
)


def _subject(view: View) -> int | None:
    """The account that a successful step of the Liquidator is about."""
    if view.step.contract == "Liquidator" and view.step.ok and view.step.function in STEPS:
        return int(view.step.args[0])
    return None


@invariant(
    "INV-22",
    "A liquidation starts if and only if, at valid prices, equity is below maintenance margin, or the buffer "
    "margin below zero while the account's margin call is escalated.",
)
def inv_22_start(view: View) -> None:
    step = view.step
    if step.function not in ("start", "start_for") or step.contract != "Liquidator":
        return
    number = step.args[0]
    if number in step.auctions or not 1 <= number <= view.before.account_count:
        return
    if step.function == "start_for" and (
        step.args[1] == number or not 1 <= step.args[1] <= view.before.account_count
    ):
        assert not step.ok
        return
    margin = view.margins(number)[0]
    call = step.calls.get(number)
    liquidation = view.parameters.liquidation
    escalated = call is not None and call.stage == ESCALATED and view.after.time < call.lapses
    buffer = auction_math.buffer_margin(margin.equity, margin.maintenance, liquidation[5])
    early = bool(liquidation[12]) and escalated and buffer < 0
    due = margin.valid and (margin.equity < margin.maintenance or early)
    assert step.ok == due, f"account {number}: {margin}, {step.outcome.reason!r}"
    if step.ok:
        account = view.after.accounts[number - 1]
        assert account.liquidating
        assert not any(position.bids or position.asks for position in account.positions.values())


@invariant("INV-23", "After the start nothing in a liquidation increases the maintenance shortfall.")
def inv_23_shortfall(view: View) -> None:
    number = _subject(view)
    if number is None or view.step.function in ("start", "start_for"):
        return
    before, after = view.margins(number)
    if view.step.function == "deleverage" and _offsets(view, number):
        # Market by market it must take hedges apart; the account still loses nothing by it.
        assert after.equity >= before.equity, f"account {number}: {before} became {after}"
        return
    # What deleveraging has left is sold by the wei: each collateral's value and haircut is rounded once more.
    phase = view.step.auctions[number].phase
    room = 0
    if phase == DELEVERAGE and view.step.function == "bid":
        # Coin of inverse positions moves in nano coin, each worth the mark.
        coins = [market for market in view.before.accounts[number - 1].positions if market in INVERSE]
        room = 8 + sum(view.before.markets[market].mark for market in coins)
    assert after.missing <= before.missing + room, f"account {number}: {before} became {after}"


def _offsets(view: View, number: int) -> bool:
    """Whether one of the account's positions lowers what another needs."""
    held = view.before.accounts[number - 1].positions
    if view.driver.engines[number] in (PORTFOLIO, RISK):
        return True
    # An inverse position is margined by the larger of its two legs, contracts and coin.
    return any((market % 256 and market > 255) or market in INVERSE for market in held)


@invariant(
    "INV-24",
    "A slice of a solvent account above the cutoff stops at the target buffer, give or take a lot of "
    "each market.",
)
def inv_24_target(view: View) -> None:
    for bid in view.step.named("AuctionBid"):
        number = bid["account"]
        # No line counts in an auction, and the slice that ends it is judged as it was sold.
        before, after = (view.driver.margins.bare(state, number)[0] for state in (view.before, view.after))
        # An account below the cutoff may be taken whole: its lots are not worth a second slice.
        small = before.equity < view.parameters.liquidation[7]
        if view.step.auctions[number].phase != SOLVENT or bid["fraction"] == WAD or small:
            continue
        buffer = view.parameters.liquidation[5]
        margin = auction_math.buffer_margin(after.equity, after.maintenance, buffer)
        room = view.before.accounts[number - 1].cash // WAD + 10**6
        for market, (_, lot) in view.driver.rig.sizes.items():
            room += lot * (ONE_USD if market in INVERSE else view.after.markets[market].spot)
        assert margin <= room, f"account {number} was sold {margin} wei beyond its target"


@invariant(
    "INV-25", "Discount, fee and reward together keep their bound; a start costs no more than fee and reward."
)
def inv_25_penalty(view: View) -> None:
    liquidation = view.parameters.liquidation
    start, fee, reward = liquidation[0], liquidation[6], liquidation[8]
    assert WAD - start + fee + reward <= 3 * WAD // 10
    for maintenance, initial in view.parameters.haircuts.values():
        assert 0 <= maintenance <= initial <= 10_000
    if view.step.ok and view.step.function in ("start", "start_for"):
        number = view.step.args[0]
        before, after = view.margins(number)
        most = max(before.equity, 0) * (fee + reward) // WAD
        assert 0 <= before.equity - after.equity <= most, (
            f"account {number} paid {before.equity - after.equity}"
        )


@invariant(
    "INV-26",
    "Liquidating oneself gains nothing: what both sides own together does not grow while the account "
    "is solvent.",
)
def inv_26_self_liquidation(view: View) -> None:
    for bid in view.step.named("AuctionBid"):
        account, bidder = bid["account"], bid["bidder"]
        (one, one_after), (other, other_after) = view.margins(account), view.margins(bidder)
        gain = one_after.equity + other_after.equity - one.equity - other.equity
        drawn = sum(event["amount"] for event in view.step.named("Drawn")) * view.scale + view.paid_by_line()
        # Both values of a split collateral are rounded down on their own, as the whole was.
        assert gain <= drawn + 3, f"account {account} and bidder {bidder} gained {gain}"


@invariant(
    "INV-27",
    "A slice costs at least its share of the price of the moment, and an account with equity is never "
    "sold for nothing before a solvent auction has run out.",
)
def inv_27_price_floor(view: View) -> None:
    liquidation = view.parameters.liquidation
    for bid in view.step.named("AuctionBid"):
        number = bid["account"]
        auction = view.step.auctions[number]
        before = view.margins(number)[0]
        elapsed = view.after.time - auction.started
        if auction.phase == SOLVENT:
            curve = auction_math.Curve(*liquidation[:4])
            discount = auction_math.discount(elapsed, curve)
            # The exact value, before any rounding: fraction * (E - R) * d.
            exact = bid["fraction"] * (before.equity - auction.reserved) * discount
            assert before.equity > auction.reserved and bid["price"] > 0
            assert bid["price"] * WAD * WAD >= exact
        else:
            # Free, or paid for, is what owns nothing, or what nobody wanted at any price in all the time.
            assert before.equity <= 0 or auction.paused >= liquidation[2] + liquidation[3]
            whole = auction_math.insolvent_price_up(
                before.equity, before.maintenance, elapsed, liquidation[4]
            )
            assert bid["price"] * WAD >= whole * bid["fraction"]


@invariant(
    "INV-28",
    "Bad debt is recognised once, and each stage of the waterfall acts only when the one before is empty.",
)
def inv_28_waterfall(view: View) -> None:
    step, before, after, memory = view.step, view.before, view.after, view.memory
    socialised = sum(event["amount"] for event in step.named("DeficitSocialised"))
    assert socialised == sum(event["socialised"] for event in step.named("BadDebtRealised"))
    memory.socialised += socialised
    memory.repaid += max(before.deficit + socialised - after.deficit, 0)
    assert after.deficit == memory.socialised - memory.repaid
    if socialised:
        assert after.fund_assets == 0, "a loss was socialised while the fund had assets"
    if after.deficit < before.deficit + socialised:
        assert step.function in ("withdraw", "sweep_fees", "review")
    if step.ok and step.function == "withdraw" and step.contract == "Vault" and step.args[1] == 0:
        # A socialised loss is borne in proportion: at least the share of all claims that the tokens are.
        old, new = view.account(step.args[0])
        burnt = view.driver.cash_now(before, old) - new.cash
        paid = step.args[2] * view.scale
        assert burnt * before.backing >= paid * (before.backing + before.deficit), f"{burnt} burnt"
    number = _subject(view)
    if number is None:
        return
    phase = step.auctions[number].phase if number in step.auctions else 1
    allowed = {
        "mark_insolvent": (SOLVENT,),
        "mark_deleverage": (INSOLVENT,),
        "deleverage": (DELEVERAGE,),
        "write_off": (INSOLVENT, DELEVERAGE),
        "bid": (SOLVENT, INSOLVENT, DELEVERAGE),
    }
    assert phase in allowed.get(step.function, (phase,))
    liquidation = view.parameters.liquidation
    elapsed = after.time - step.auctions[number].started if number in step.auctions else 0
    margin = view.margins(number)[0]
    if step.function == "mark_insolvent":
        assert margin.equity <= 0 or elapsed >= liquidation[2] + liquidation[3]
    elif step.function == "mark_deleverage":
        assert margin.equity <= 0 or step.auctions[number].paused >= liquidation[2] + liquidation[3]
        if elapsed >= liquidation[4]:
            return
        price = auction_math.insolvent_price_up(margin.equity, margin.maintenance, elapsed, liquidation[4])
        line = before.desk.lines[number - 1].committed if view.driver.engines[number] == CREDIT else 0
        assert (before.fund_assets + line) * view.scale < -price, "line and fund could still have paid"
    elif step.function == "bid" and phase == DELEVERAGE:
        assert not any(p.size for p in before.accounts[number - 1].positions.values())
    elif step.function == "write_off":
        account = view.after.accounts[number - 1]
        assert (
            account.cash >= 0 and not account.liquidating and not account.positions and not any(account.units)
        )


@invariant(
    "INV-29",
    "The fund's assets change only by deposits, withdrawals, contributions and draws, and a draw "
    "pays at most what is owed.",
)
def inv_29_fund(view: View) -> None:
    step, before, after = view.step, view.before, view.after
    moved = 0
    for event in step.outcome.events:
        args = event.args
        if event.name == "Deposit" or event.name == "Contributed":
            moved += args["assets"] if event.name == "Deposit" else args["amount"]
        elif event.name == "Withdraw":
            moved -= args["assets"]
        elif event.name == "Drawn":
            moved -= args["amount"]
    assert after.fund_assets == before.fund_assets + moved >= 0
    drawn, lent = sum(event["amount"] for event in step.named("Drawn")) * view.scale, view.paid_by_line()
    if drawn or lent:
        number = _subject(view)
        assert number is not None
        margin = view.margins(number)[0]
        owed = -margin.equity
        if step.function == "bid":
            owed = -step.named("AuctionBid")[0]["price"]
        assert drawn + lent < owed + view.scale, f"line and fund paid {lent} and {drawn} for {owed}"
        assert view.after.backing == view.before.backing + drawn + lent
    if step.contract == "InsuranceFund" and step.ok and after.shares < before.shares:
        assert before.total_insolvent <= before.fund_assets * view.scale, "left while locked"


@invariant(
    "INV-30",
    "Deleveraging closes in rank order, takes at most the deficit and at most the profit, and leaves "
    "no counterparty without equity.",
)
def inv_30_deleveraging(view: View) -> None:
    closes = view.step.named("Deleveraged")
    if not closes:
        return
    driver, before = view.driver, view.before
    account = closes[0]["account"]
    deficit = max(-view.margins(account)[0].equity, 0)
    given = 0
    last = 2**256
    for close in closes:
        market = before.markets[close["market"]]
        assert close["score"] <= last, "out of rank"
        last = close["score"]
        size = close["size"] if close["size"] < 2**255 else close["size"] - 2**256
        number = close["counterparty"]
        old, new = view.account(number)
        position = old.positions[close["market"]]
        margin, after = view.margins(number)
        entry, mark = position.entry, market.mark
        if close["market"] in INVERSE:
            # At mark, its coin for cash; what is forgone is paid in cash, for one USD of each contract.
            entry = mark = ONE_USD
            funding = market.index - position.funding_index
            gain = deleverage_math.unrealised_inverse(position.size, position.coin, market.mark, funding)
            assert close["price"] == market.mark
            paid = [
                event
                for event in view.step.named("CashMoved")
                if event["account"] == number and event["reason"] == PAYMENT
            ]
            forgone = sum(2**256 - event["amount"] for event in paid if event["amount"] >= 2**255)
            forgone += sum(-event["amount"] for event in paid if event["amount"] < 0)
        else:
            gain = deleverage_math.unrealised(
                position.size, position.entry, market.mark, market.index - position.funding_index
            )
            forgone = abs(size) * abs(close["price"] - market.mark)
            assert (close["price"] - market.mark) * size <= 0, "the counterparty got more than mark"
        assert close["score"] == deleverage_math.score_down(
            gain, abs(position.size), entry, mark, margin.equity
        )
        assert forgone <= max(gain, 0) * abs(size) // abs(position.size), "more than its profit"
        assert margin.equity - after.equity == forgone, "what was forgone is not what was lost"
        assert after.equity >= 0, f"account {number} was deleveraged into insolvency"
        given += forgone
        left = new.positions.get(close["market"])
        assert abs(left.size if left else 0) == abs(position.size) - abs(size)
        assert driver.engines[number]
    assert given <= deficit, f"{given} taken for a deficit of {deficit}"
