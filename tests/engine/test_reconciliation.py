# SPDX-License-Identifier: Apache-2.0
"""A world that agrees with itself, and every way in which it may stop to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulation.engine import Mirror
from simulation.engine.reader import RawWorld, WorldReader
from simulation.engine.reconciliation import reconcile
from simulation.errors import ReconciliationError
from tests.engine.books import PROTOCOL, VAULT, Account, Chain, Position, created, events, owner

LOT = 1_000_000
WAD = 10**18


def chain() -> Chain:
    """Long against short, a resting bid, some collateral; nothing is owed that is not there."""
    return Chain(
        accounts=[
            Account(cash=900 * WAD, positions=[Position(3 * LOT, 10**9, 0, bids=5 * LOT), Position()]),
            Account(cash=100 * WAD, weth=7, positions=[Position(-3 * LOT, 10**9, 0), Position()]),
            Account(liquidating=True),
        ],
        best=[(11, 0), (0, 0)],
        backing=1_000 * WAD,
    )


def mirror() -> Mirror:
    nobody = bytes(20)
    found = Mirror([1, 2], ["CashToken", "Token:WETH"])

    def deposit(account: int, asset: int, balance: int) -> dict[str, int | bytes]:
        return {"account": account, "asset": asset, "sender": owner(account), "amount": 1, "balance": balance}

    def position(account: int, size: int, cash: int) -> dict[str, int]:
        return {
            "account": account,
            "market": 1,
            "size": size,
            "entry_price": 10**9,
            "funding_index": 0,
            "cash": cash,
        }

    order = {
        "order_id": 2**37,
        "account": 1,
        "market": 1,
        "is_bid": True,
        "tick": 11,
        "lots": 5,
        "options": 1,
    }
    found.apply(
        [
            created(3),
            events("Vault", "Deposited", [deposit(2, 1, 7)]),
            events(
                "Ledger",
                "PositionModified",
                [position(1, 3 * LOT, 900 * WAD), position(2, -3 * LOT, 100 * WAD)],
                1,
            ),
            events("Ledger", "LiquidationSet", [{"account": 3, "in_liquidation": True}]),
            events("Exchange", "OrderPlaced", [order]),
            events("CashToken", "Transfer", [{"sender": nobody, "receiver": VAULT, "value": 10**9}]),
            events("Token:WETH", "Transfer", [{"sender": nobody, "receiver": VAULT, "value": 7}]),
        ],
        1_000,
    )
    return found


def read(world: Chain, reader: WorldReader | None = None) -> RawWorld:
    return (reader or WorldReader(PROTOCOL, 3)).decode(world.answers())


def test_books_that_agree_pass_and_pass_again() -> None:
    reader, books = WorldReader(PROTOCOL, 3), mirror()
    for block in (1, 2):
        reconcile(block, books, read(chain(), reader), PROTOCOL)


def _set(place: Callable[[Chain], object], name: str, value: int) -> Callable[[Chain], None]:
    return lambda world: setattr(place(world), name, value)


def position(account: int) -> Callable[[Chain], object]:
    return lambda world: world.accounts[account - 1].positions[0]


def account(number: int) -> Callable[[Chain], object]:
    return lambda world: world.accounts[number - 1]


BREAKS: list[tuple[Callable[[Chain], None], str]] = [
    (_set(account(2), "cash", 100 * WAD + 1), r"account 2: cash \(wad\): expected 10{20}, found 10{19}1"),
    (_set(account(2), "weth", 8), "account 2: collateral WETH .*: expected 7, found 8"),
    (_set(account(3), "liquidating", 0), "account 3: in liquidation: expected 1, found 0"),
    (_set(position(2), "size", -2 * LOT), r"account 2: position \(nano base\) in market 1 \(ETH\)"),
    (_set(position(1), "entry", 10**9 + 1), r"account 1: entry price .* in market 1 \(ETH\)"),
    (_set(position(1), "funding", -1), r"account 1: funding index .* in market 1 \(ETH\)"),
    (_set(position(1), "bids", 4 * LOT), "account 1: bids in market 1 .*: expected 5000000, found 4000000"),
    (_set(position(3), "asks", LOT), "account 3: asks in market 1 .*: expected 0, found 1000000"),
    (
        _set(lambda world: world, "best", [(12, 0), (0, 0)]),
        r"market 1 \(ETH\): best bid .*expected 11, found 12",
    ),
    (
        _set(lambda world: world, "best", [(11, 0), (0, 3)]),
        r"market 2 \(BTC\): best ask .*expected 0, found 3",
    ),
    (_set(lambda world: world, "fees", 1), r"sum of cash \+ fees \+ interest reserve"),
    (_set(lambda world: world, "reserve", -1), r"sum of cash \+ fees \+ interest reserve"),
    (_set(lambda world: world, "deficit", 1), r"sum of cash \+ fees \+ interest reserve"),
    (_set(lambda world: world, "backing", 999 * WAD), "sum of cash"),
    (_set(lambda world: world, "fund_shares", 1), "insurance fund shares: expected 0, found 1"),
]


@pytest.mark.parametrize(("spoil", "expected"), BREAKS)
@pytest.mark.parametrize("later", [False, True])
def test_every_difference_is_found_and_named(
    spoil: Callable[[Chain], None], expected: str, later: bool
) -> None:
    reader, books = WorldReader(PROTOCOL, 3), mirror()
    if later:
        reconcile(41, books, read(chain(), reader), PROTOCOL)
        books.apply([], 1_000)
    world = chain()
    spoil(world)
    with pytest.raises(ReconciliationError, match=expected) as caught:
        reconcile(42, books, read(world, reader), PROTOCOL)
    assert str(caught.value).startswith("block 42: ")


def test_an_event_that_the_chain_does_not_know_is_found() -> None:
    reader, books = WorldReader(PROTOCOL, 3), mirror()
    reconcile(1, books, read(chain(), reader), PROTOCOL)
    moved = [{"account": 1, "reason": 1, "amount": 1, "cash": 900 * WAD + 1}]
    books.apply([events("Vault", "CashMoved", moved)], 1_000)
    with pytest.raises(ReconciliationError, match="account 1: cash"):
        reconcile(2, books, read(chain(), reader), PROTOCOL)


def test_trades_that_do_not_sum_to_zero_are_found() -> None:
    world, books = chain(), mirror()
    world.accounts[2].positions[0].size = LOT
    row = {"account": 3, "market": 1, "size": LOT, "entry_price": 0, "funding_index": 0, "cash": 0}
    books.apply([events("Ledger", "PositionModified", [row])], 1_000)
    with pytest.raises(
        ReconciliationError, match=r"market 1 \(ETH\): sum of positions .*expected 0, found 1000000"
    ):
        reconcile(1, books, read(world), PROTOCOL)


def test_tokens_that_left_without_a_transfer_are_found() -> None:
    books = mirror()
    books.tokens["CashToken"].balances[VAULT] -= 1
    with pytest.raises(ReconciliationError, match="USDC at the vault"):
        reconcile(1, books, read(chain()), PROTOCOL)
