# SPDX-License-Identifier: Apache-2.0
"""What one batch of views answers, decoded into a `State`."""

from __future__ import annotations

from simulation.domain.ledger_math import coin
from simulation.domain.market_math import is_inverse
from tests.stateful.world_state import (
    ACCOUNTS,
    ASSETS,
    DATED,
    FEEDS,
    HOLDERS,
    INVERSE,
    LENDERS,
    MARKETS,
    PERPETUALS,
    SERIES,
    SERIES_FEEDS,
    TRANCHES,
    Account,
    Desk,
    Line,
    Market,
    Position,
    Series,
    State,
    signed,
)

__all__ = ["StateReader"]


class StateReader:
    """Decodes the answers to the rig's batch; equal words of an account become one object."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], Account] = {}

    def decode(self, raw: tuple[bytes, ...]) -> State:
        system = _words(raw[0])
        place = 16 + 2 * len(ASSETS)
        ticks = _words(raw[3])
        holders = len(HOLDERS)
        first = 8 + holders
        fundings = raw[first : first + len(PERPETUALS)]
        first += len(PERPETUALS)
        pools = {market: int.from_bytes(raw[first + i], "big") for i, market in enumerate(INVERSE)}
        first += len(INVERSE)
        desk = _desk(raw[first : first + DESK_VIEWS])
        first += DESK_VIEWS
        dated, series = self._dated(raw[first:], ticks)
        quotes = raw[first : first + 1 + 2 * len(SERIES)]
        markets = {}
        for number in PERPETUALS:
            tick, word, rate, index, interest = system[place : place + 5]
            place += 5
            sides = []
            for _ in range(2):
                count = system[place]
                levels = system[place + 1 : place + 1 + count]
                sides.append(tuple((level >> 64, level & (2**64 - 1)) for level in levels))
                place += 1 + count
            markets[number] = Market(
                tick=tick,
                mark=word & (2**72 - 1),
                spot=(word >> 72) & (2**72 - 1),
                index=signed((word >> 144) & (2**80 - 1), 80),
                confidence=(word >> 224) & (2**28 - 1),
                valid=word >> 255 == 1,
                rate=signed(rate, 256),
                stored_index=signed(index, 256),
                open_interest=interest,
                bids=sides[0],
                asks=sides[1],
            )
        markets |= dated
        return State(
            raw=raw,
            time=system[0],
            account_count=system[1],
            backing=system[2],
            deficit=system[4],
            net_settled=signed(system[5], 256),
            fees=system[6],
            reserve=signed(system[7], 256),
            total_supply=system[8],
            total_borrow=system[9],
            borrow_index=system[10],
            supply_index=system[11],
            vault_cash_tokens=system[12],
            fund_assets=system[13],
            total_insolvent=system[14],
            exchange_rate=system[15],
            held=tuple(system[16 : 16 + 2 * len(ASSETS) : 2]),
            vault_tokens=tuple(system[17 : 17 + 2 * len(ASSETS) : 2]),
            markets=markets,
            accounts=self._accounts(raw[1], raw[2]),
            feeds=dict(zip(FEEDS, ticks, strict=True)),
            shares=int.from_bytes(raw[4], "big"),
            share_balances=tuple(int.from_bytes(raw[5 + i], "big") for i in range(holders)),
            fund_tokens=int.from_bytes(raw[5 + holders], "big"),
            share_value=int.from_bytes(raw[6 + holders], "big"),
            stable_feed=int.from_bytes(raw[7 + holders], "big"),
            accrued_until=tuple(int.from_bytes(funding[64:96], "big") for funding in fundings),
            series=series,
            quotes=quotes,
            pools=pools,
            desk=desk,
        )

    def _dated(self, raw: tuple[bytes, ...], ticks: list[int]) -> tuple[dict[int, Market], dict[int, Series]]:
        """Market words; forward and settlement of each series; interest and both sides of each market."""
        series = {}
        for place, number in enumerate(SERIES):
            parts, settlement = (_plain(answer) for answer in raw[1 + 2 * place : 3 + 2 * place])
            series[number] = Series(parts[0], parts[1], settlement[0] if settlement[1] else None)
        rest = raw[1 + 2 * len(SERIES) :]
        markets = {}
        for place, (number, word) in enumerate(zip(DATED, _words(raw[0]), strict=True)):
            interest, bids, asks = rest[3 * place : 3 * place + 3]
            markets[number] = Market(
                tick=ticks[FEEDS.index(SERIES_FEEDS[number >> 8])],
                mark=word & (2**72 - 1),
                spot=(word >> 72) & (2**72 - 1),
                index=signed((word >> 144) & (2**80 - 1), 80),
                confidence=(word >> 224) & (2**28 - 1),
                valid=word >> 255 == 1,
                rate=0,
                stored_index=0,
                open_interest=int.from_bytes(interest, "big"),
                bids=_levels(bids),
                asks=_levels(asks),
                expired=word >> 252 & 1 == 1,
                settled=word >> 253 & 1 == 1,
            )
        return markets, series

    def _accounts(self, money: bytes, books: bytes) -> tuple[Account, ...]:
        money_width, book_width = 32 * (1 + len(ASSETS)), 32 * (1 + 2 * len(MARKETS))
        accounts = []
        last = self._known
        for i in range(ACCOUNTS):
            start, first = 64 + i * money_width, 64 + i * book_width
            words = money[start : start + money_width] + books[first : first + book_width]
            found = last.get((i, words))
            if found is None:
                found = last[i, words] = _decode_account(words)
            accounts.append(found)
        return tuple(accounts)


DESK_VIEWS = 3 + len(TRANCHES) * (4 + len(LENDERS)) + ACCOUNTS


def _desk(raw: tuple[bytes, ...]) -> Desk:
    """Tokens, commitments, calls; four figures and the shares of each tranche; the line of each account."""
    plain = [int.from_bytes(answer, "big") for answer in raw[: DESK_VIEWS - ACCOUNTS]]
    width = 4 + len(LENDERS)
    tranches = [plain[3 + i * width : 3 + (i + 1) * width] for i in range(len(TRANCHES))]
    return Desk(
        *plain[:3],
        *(tuple(tranche[place] for tranche in tranches) for place in range(4)),
        tuple(tuple(tranche[4:]) for tranche in tranches),
        tuple(Line(*_plain(answer)) for answer in raw[DESK_VIEWS - ACCOUNTS :]),
    )


def _plain(answer: bytes) -> list[int]:
    """Returned values of a word each."""
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(0, len(answer), 32)]


def _levels(answer: bytes) -> tuple[tuple[int, int], ...]:
    """(tick, lots) of what `depth` returned."""
    words = _words(answer)
    return tuple(zip(words[0::3], words[1::3], strict=True))


def _words(answer: bytes) -> list[int]:
    """A returned dynamic array."""
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(64, len(answer), 32)]


def _decode_account(data: bytes) -> Account:
    words = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
    money, header = words[0], words[1 + len(ASSETS)]
    positions = {}
    for i, market in enumerate(MARKETS):
        word, orders = words[2 + len(ASSETS) + 2 * i : 4 + len(ASSETS) + 2 * i]
        if word:
            field = (word >> 80) & (2**80 - 1)
            positions[market] = Position(
                size=signed(word & (2**80 - 1), 80),
                entry=0 if is_inverse(market) else field,
                funding_index=signed((word >> 160) & (2**80 - 1), 80),
                bids=orders & (2**128 - 1),
                asks=orders >> 128,
                coin=coin(field) if is_inverse(market) else 0,
            )
    return Account(
        cash=signed(money & (2**128 - 1), 128),
        cash_index=(money >> 128) & (2**96 - 1),
        bitmap=(money >> 224) & 255,
        units=tuple(words[1 : 1 + len(ASSETS)]),
        liquidating=header & 1 != 0,
        listed=(header >> 8) & 255,
        positions=positions,
    )
