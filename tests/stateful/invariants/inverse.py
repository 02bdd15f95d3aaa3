# SPDX-License-Identifier: Apache-2.0
"""Inverse perpetuals: coin, contracts and the pool, 49 to 51."""

from __future__ import annotations

from collections import Counter

from simulation.domain.market_math import coins_down
from tests.stateful.invariants.base import View, invariant
from tests.stateful.margins import ONE_USD
from tests.stateful.world_state import COINS, INVERSE, POOL, Position

__all__: list[str] = []

NANO_DECIMALS = 9
NOTHING = Position(0, 0, 0, 0, 0)


def _fine(view: View, asset: int) -> tuple[int, int]:
    """What a nano coin and a token unit are in the finer of the two."""
    decimals = view.parameters.decimals[asset]
    return 10 ** max(decimals - NANO_DECIMALS, 0), 10 ** max(NANO_DECIMALS - decimals, 0)


@invariant(
    "INV-49",
    "Per inverse market the coin balances sum to what the pool counts, and the pool's collateral covers it.",
)
def inv_49_pool(view: View) -> None:
    after = view.after
    owed: Counter[int] = Counter()
    for market in INVERSE:
        held = [account.positions[market] for account in after.accounts if market in account.positions]
        assert sum(position.coin for position in held) == after.pools[market] >= 0, f"market {market}"
        assert all(position.entry == 0 for position in held)
        nano, _ = _fine(view, COINS[market])
        owed[COINS[market]] += after.pools[market] * nano
    for asset, finest in owed.items():
        _, unit = _fine(view, asset)
        assert after.account(POOL).units[asset - 1] * unit >= finest, f"asset {asset}"


@invariant(
    "INV-50",
    "A trade of inverse contracts gives both sides the coin of its price, rounded down, and no cash but fee "
    "and funding; elsewhere coin and contracts are exchanged for cash at mark, or for the coin itself.",
)
def inv_50_coin_of_trades(view: View) -> None:
    step = view.step
    changes = [change for change in view.changes if change.market in INVERSE]
    if not changes:
        return
    expected: dict[tuple[int, int], tuple[int, int]] = {}
    for fill in step.named("OrderFilled"):
        if fill["market"] in INVERSE:
            tick, lot = view.driver.rig.sizes[fill["market"]]
            size = fill["lots"] * lot
            coin = coins_down(size, fill["tick"] * tick)
            for account, buys in (
                (fill["taker"], fill["taker_buys"]),
                (fill["maker"], not fill["taker_buys"]),
            ):
                key, sign = (account, fill["market"]), 1 if buys else -1
                known = expected.get(key, (0, 0))
                expected[key] = (known[0] + sign * size, known[1] + sign * coin)
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for change in changes:
        key = (change.account, change.market)
        delta, coin = found.get(key, (0, 0))
        found[key] = (delta + change.delta, coin + change.coin)
        if expected:
            assert change.quote == 0, f"{change} moved cash"
        elif (step.contract, step.function) == ("CoinPool", "settle"):
            assert change.quote == 0 and change.delta == 0, f"{change} is no exchange of coin"
        else:
            # `quote` is what was paid: coin at mark less one USD for each contract that came with it.
            mark = view.after.markets[change.market].mark
            assert change.quote == change.coin * mark - change.delta * ONE_USD, f"{change} is not at mark"
    if expected:
        assert found == expected


@invariant(
    "INV-51",
    "Settlement in coin pays what is due and no more: a loser at most its loss and what it holds, a winner "
    "at most its profit and what the pool has; tokens are rounded for the pool, by less than one.",
)
def inv_51_settlement(view: View) -> None:
    step = view.step
    if step.contract != "CoinPool" or not step.ok:
        return
    before, after, market = view.before, view.after, step.args[-1]
    account, asset = step.args[0], COINS[market]
    old = (
        before.account(account).positions.get(market, NOTHING) if account <= before.account_count else NOTHING
    )
    if step.function == "close_debt":
        creditor = step.args[1]
        new, claim = after.account(account).positions.get(market, NOTHING), before.account(creditor)
        assert old.size == 0 and old.coin < new.coin <= 0 and before.account(account).liquidating
        assert not claim.liquidating and not before.account(account).units[asset - 1]
        assert new.coin - old.coin <= _profit(view, claim.positions[market], market)
        assert after.pools == before.pools and after.held == before.held
        return
    moved = step.outcome.signed()
    assert after.pools[market] == before.pools[market] - moved
    if moved == 0:
        assert not view.changed
        return
    new = after.account(account).positions.get(market, NOTHING)
    assert new.coin == old.coin - moved and new.size == old.size
    nano, unit = _fine(view, asset)
    index = asset - 1
    paid = (before.account(account).units[index] - after.account(account).units[index]) * unit
    if account != POOL:
        came = (after.account(POOL).units[index] - before.account(POOL).units[index]) * unit
        assert paid == came
    profit = _profit(view, old, market)
    if moved < 0:
        assert profit <= moved and -moved * nano <= before.account(account).units[index] * unit
        assert 0 <= paid + moved * nano < max(nano, unit), "the pool was paid short"
    else:
        assert moved <= min(profit, before.pools[market])
        assert 0 <= moved * nano + paid < max(nano, unit), "the pool paid too much"
    if old.size:
        # Called in a row, rounding would cost a token unit each time: only whole ones move.
        assert after.markets[market].valid and paid + moved * nano == 0


def _profit(view: View, position: Position, market: int) -> int:
    """c - N / m in nano coin, rounded toward minus infinity."""
    if position.size == 0:
        return position.coin
    return position.coin + -position.size * ONE_USD // view.after.markets[market].mark
