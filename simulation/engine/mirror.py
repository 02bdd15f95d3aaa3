# SPDX-License-Identifier: Apache-2.0
"""All balances rebuilt from events alone, exact: what reconciliation holds against the chain.

Events state resulting balances, so the last one of a block wins and whole columns are applied at once.
Imports: domain, engine.book, engine.margin_calls, messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from simulation.domain import market_math
from simulation.engine.book import BookMirror
from simulation.engine.credit import DESK, DeskMirror
from simulation.engine.margin_calls import CallMirror
from simulation.messages import DELEVERAGE, INSOLVENT, SOLVENT, EventColumns, Wide, int128

__all__ = ["ENTRY", "FUNDING", "SIZE", "AuctionState", "Mirror", "TokenMirror"]

ZERO_ADDRESS = bytes(20)
NO_STRIKES: Mapping[int, int] = MappingProxyType({})

FUNDING, ENTRY, SIZE = range(3)
"""Places of a position's figures, in the order of its word from the highest bits."""


@dataclass(slots=True)
class AuctionState:
    """A live auction."""

    phase: int
    started: int
    """Unix seconds, at which the running clock would have begun had it never stood still."""
    reserved: int = 0
    """Wad that earlier bidders paid."""
    paused: int = 0
    """Seconds on the clock that stands still: that of the solvent phase, or that of the phases below."""

    def turned(self, phase: int, timestamp: int) -> AuctionState:
        """In another phase, with the other clock."""
        return AuctionState(phase, timestamp - self.paused, 0, timestamp - self.started)


class TokenMirror:
    """Balances of one token from its Transfer events, by address."""

    def __init__(self) -> None:
        self.balances: dict[bytes, int] = {}
        self.supply = 0

    def apply(self, transfers: EventColumns) -> set[bytes]:
        """Takes in transfers in their order; returns the addresses whose balance changed."""
        sender_name, receiver_name, amount_name = list(transfers.fields)[:3]
        senders, receivers = transfers.address(sender_name), transfers.address(receiver_name)
        balances = self.balances
        touched = set()
        for sender, receiver, amount in zip(
            senders, receivers, transfers.wide(amount_name).ints(), strict=True
        ):
            if sender == ZERO_ADDRESS:
                self.supply += amount
            else:
                balances[sender] = balances.get(sender, 0) - amount
                touched.add(sender)
            if receiver == ZERO_ADDRESS:
                self.supply -= amount
            else:
                balances[receiver] = balances.get(receiver, 0) + amount
                touched.add(receiver)
        return touched


class Mirror:
    """The protocol's books from events.

    Args:
        numbers: of all markets, in the order of every column of markets.
        tokens: contract names of assets 0.. as events name them.
        fund: contract name of the insurance fund, whose shares are a token too.
        strikes: nano USD, of options by market number.
        desk: address of the credit desk, 20 bytes; empty: none is deployed.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        tokens: Sequence[str],
        fund: str = "InsuranceFund",
        strikes: Mapping[int, int] = NO_STRIKES,
        desk: bytes = b"",
    ) -> None:
        markets = len(numbers)
        self.accounts = 0
        self.cash = Wide.zeros(0)
        self.collateral = Wide.zeros((0, len(tokens) - 1))
        """(accounts, assets 1..), token units."""
        self.positions = Wide.zeros((0, markets, 3))
        """(accounts, markets, 3): funding index and entry price, nano USD, and size, nano base; of an inverse
        market coin balance, nano coin, for entry price, and nano contracts."""
        self.liquidating = np.zeros(0, np.bool_)
        self.calls = CallMirror()
        self.owners: list[bytes] = []
        self.wallet = np.zeros((0, len(tokens)))
        """(accounts, assets 0..), token units that owners hold outside the Vault, nearest floats."""
        self.shares = np.zeros(0)
        """Fund shares of owners, nearest floats."""
        self.borrow_index = self.supply_index = 1e18
        """Interest indexes at the last accrual, nearest floats; no balance is made from them."""
        self.net_settled = 0
        """Sum over positions of size * (entry - funding index), wad; `owed` comes off it. Inverse positions
        have no entry in it."""
        self.size_sum = [0] * markets
        """Sum of positions by market, nano base; 0 as long as every trade is zero-sum."""
        self.long_sum = [0] * markets
        """Sum of long positions by market, nano base."""
        self.coin_sum = [0] * markets
        """Sum of the coin balances of an inverse market, nano coin; what its pool has, in the same market."""
        self.pools: dict[int, int] = {}
        """Nano coin in the CoinPool by column of an inverse market, once any was settled."""
        self.touched = np.zeros(0, np.int64)
        """Rows of accounts that the latest block's events name; they may have changed, no other has."""
        self.book = BookMirror(numbers)
        self.payoffs: dict[int, int] = {}
        """Nano USD by column of a settled market: what its positions are closed at."""
        self.settlement: dict[int, int] = {}
        """Nano USD by series, once it is fixed."""
        self.boards: dict[int, int] = {}
        """Unix seconds of the latest board by series."""
        self._numbers, self._strikes = tuple(numbers), strikes
        self._inverse = np.array([market_math.is_inverse(number) for number in numbers])
        self.desk = DeskMirror(desk)
        self.auctions: dict[int, AuctionState] = {}
        self.liquidations = 0
        """Auctions begun, of accounts without a live one."""
        self.tokens = {name: TokenMirror() for name in (*tokens, fund)}
        self._names = (*tokens, fund)
        self._rows_of: dict[bytes, list[int]] = {}
        self._worth: dict[tuple[int, int], tuple[int, int, int]] = {}
        """By account and market: size, its part of `net_settled`, coin balance."""

    @property
    def size(self) -> Wide:
        """(accounts, markets), nano base; a window on `positions`."""
        return self.positions[..., SIZE]

    @property
    def entry(self) -> Wide:
        """(accounts, markets), nano USD, or nano coin of an inverse market; a window on `positions`."""
        return self.positions[..., ENTRY]

    @property
    def funding(self) -> Wide:
        """(accounts, markets), nano USD; a window on `positions`."""
        return self.positions[..., FUNDING]

    @property
    def owed(self) -> int:
        """Wad that one side of settled markets has booked and the other has not yet: sum of payoff * size."""
        return sum(payoff * self.size_sum[column] for column, payoff in self.payoffs.items())

    def apply(self, events: Sequence[EventColumns], timestamp: int) -> None:
        """Takes in all events of one block at its time, unix seconds."""
        self.apply_market(events, timestamp)
        self.apply_money(events)

    def apply_market(self, events: Sequence[EventColumns], timestamp: int) -> None:
        """The part that decisions need at once: orders, auctions, wallets and interest indexes."""
        by_name = _by_name(events)
        if "AccountCreated" in by_name:
            self._create(by_name["AccountCreated"])
        if "InterestAccrued" in by_name:
            accrued = by_name["InterestAccrued"]
            self.borrow_index = float(accrued.wide("borrow_index").floats()[-1])
            self.supply_index = float(accrued.wide("supply_index").floats()[-1])
        if "BoardRefreshed" in by_name:
            for series in by_name["BoardRefreshed"].small("series").tolist():
                self.boards[series] = timestamp
        if "SettlementPriceSet" in by_name:
            settled = by_name["SettlementPriceSet"]
            self.settlement.update(
                zip(settled.small("series").tolist(), settled.wide("price").ints(), strict=True)
            )
        self.book.apply(by_name)
        self._apply_liquidation(by_name, timestamp)
        self.desk.apply(events)
        for columns in events:
            if columns.name == "Transfer" and columns.contract in self.tokens:
                self._apply_transfers(columns)

    def apply_money(self, events: Sequence[EventColumns]) -> None:
        """The part that only reconciliation needs: cash, collateral and positions."""
        by_name = _by_name(events)
        if "SettlementPriceSet" in by_name:
            self._apply_settlements(by_name["SettlementPriceSet"])
        self._apply_cash(by_name)
        self._apply_collateral(by_name)
        if "PositionModified" in by_name:
            self._apply_positions(by_name["PositionModified"])
        if "CoinSettled" in by_name:
            settled = by_name["CoinSettled"]
            columns = self.book.columns[settled.small("market")].tolist()
            self.pools.update(zip(columns, settled.wide("pool").ints(), strict=True))
        self._note_touched(by_name)

    def _note_touched(self, events: Mapping[str, EventColumns]) -> None:
        named = [
            events[name].small(column)
            for name, column in (
                ("AccountCreated", "account"),
                ("PositionModified", "account"),
                ("CashMoved", "account"),
                ("CollateralMoved", "account"),
                ("Deposited", "account"),
                ("Withdrawn", "account"),
                ("LiquidationSet", "account"),
                ("OrderPlaced", "account"),
                ("OrderFilled", "maker"),
                ("OrderRemoved", "account"),
            )
            if name in events
        ]
        rows = np.unique(np.concatenate(named)) - 1 if named else np.zeros(0, np.int64)
        self.touched = rows[rows >= 0]

    def _create(self, created: EventColumns) -> None:
        owners = created.address("owner")
        for account, owner in zip(created.small("account").tolist(), owners, strict=True):
            if account != len(self.owners) + 1:
                raise ValueError(f"account {account} was created after {len(self.owners)} accounts")
            self._rows_of.setdefault(owner, []).append(account - 1)
            self.owners.append(owner)
        more = len(self.owners) - self.accounts
        self.accounts = len(self.owners)
        self.cash, self.collateral = _longer(self.cash, more), _longer(self.collateral, more)
        self.positions = _longer(self.positions, more)
        self.liquidating = np.concatenate([self.liquidating, np.zeros(more, np.bool_)])
        self.calls.create(more)
        self.wallet = np.concatenate([self.wallet, np.zeros((more, self.wallet.shape[1]))])
        self.shares = np.concatenate([self.shares, np.zeros(more)])
        for owner in set(owners):
            self._show_wallet(owner)

    def _apply_cash(self, events: Mapping[str, EventColumns]) -> None:
        logs, rows, words = [], [], []
        for name, column, asset in (
            ("PositionModified", "cash", ""),
            ("CashMoved", "cash", ""),
            ("Deposited", "balance", "asset"),
            ("Withdrawn", "balance", "asset"),
        ):
            columns = events.get(name)
            if columns is None:
                continue
            value, account, log = (
                columns.words[:, columns.fields[column]],
                columns.small("account"),
                columns.log,
            )
            if asset:
                is_cash = columns.small(asset) == 0
                value, account, log = value[is_cash], account[is_cash], log[is_cash]
            logs.append(log)
            rows.append(account - 1)
            words.append(value)
        if logs:
            order = np.argsort(np.concatenate(logs), kind="stable")
            row = np.concatenate(rows)[order]
            # Account 0 stands for the protocol's fees; it has no row.
            order, row = order[row >= 0], row[row >= 0]
            self.cash.put(row, int128(np.concatenate(words)[order]))

    def _apply_collateral(self, events: Mapping[str, EventColumns]) -> None:
        logs, rows, assets, words = [], [], [], []
        for name in ("CollateralMoved", "Deposited", "Withdrawn"):
            columns = events.get(name)
            if columns is None:
                continue
            asset = columns.small("asset")
            other = asset != 0
            logs.append(columns.log[other])
            rows.append(columns.small("account")[other] - 1)
            assets.append(asset[other] - 1)
            words.append(columns.words[other, columns.fields["balance"]])
        if logs:
            order = np.argsort(np.concatenate(logs), kind="stable")
            place = (np.concatenate(rows)[order], np.concatenate(assets)[order])
            self.collateral.put(place, int128(np.concatenate(words)[order]))

    def _apply_positions(self, modified: EventColumns) -> None:
        rows, columns = modified.small("account") - 1, self.book.columns[modified.small("market")]
        place = (rows, columns)
        sizes, entries, fundings = self.size, self.entry, self.funding
        sizes.put(place, modified.wide("size"))
        entry = modified.wide("entry_price")
        if self._inverse[columns].any():
            # A coin balance is two's complement in 80 bits, of which sixteen are in the upper half.
            sign = np.where(self._inverse[columns], 2**15, 0)
            entry = Wide((entry.high ^ sign) - sign, entry.low)
        entries.put(place, entry)
        fundings.put(place, modified.wide("funding_index"))
        for key in set(zip(rows.tolist(), columns.tolist(), strict=True)):
            size, column = sizes.item(key), key[1]
            coin = entries.item(key) if self._inverse[column] else 0
            bought = 0 if self._inverse[column] else entries.item(key)
            worth = size * (bought - fundings.item(key)) if size else 0
            old_size, old_worth, old_coin = self._worth.get(key, (0, 0, 0))
            self.net_settled += worth - old_worth
            self.size_sum[column] += size - old_size
            self.long_sum[column] += max(size, 0) - max(old_size, 0)
            self.coin_sum[column] += coin - old_coin
            self._worth[key] = size, worth, coin

    def _apply_settlements(self, settled: EventColumns) -> None:
        for series, price in zip(settled.small("series").tolist(), settled.wide("price").ints(), strict=True):
            for column, number in enumerate(self._numbers):
                if market_math.series(number) == series:
                    strike = self._strikes.get(number)
                    self.payoffs[column] = (
                        price
                        if strike is None
                        else market_math.payoff(price, strike, market_math.is_call(number))
                    )

    def _apply_liquidation(self, events: Mapping[str, EventColumns], timestamp: int) -> None:
        if "LiquidationSet" in events:
            columns = events["LiquidationSet"]
            self.liquidating[columns.small("account") - 1] = columns.small("in_liquidation") != 0
        self.calls.apply(events, timestamp)
        steps: list[tuple[int, str, int, int]] = []
        for name, extra in (
            ("AuctionStarted", "insolvent"),
            ("AuctionInsolvent", ""),
            ("DeleverageStarted", ""),
            ("AuctionBid", "price"),
            ("AuctionEnded", ""),
        ):
            found = events.get(name)
            if found is not None:
                values = found.wide(extra).ints() if extra else [0] * len(found)
                accounts = found.small("account").tolist()
                steps += [
                    (log, name, account, value)
                    for log, account, value in zip(found.log.tolist(), accounts, values, strict=True)
                ]
        for _, name, account, value in sorted(steps):
            self._step(name, account, value, timestamp)

    def _step(self, name: str, account: int, value: int, timestamp: int) -> None:
        known = self.auctions.get(account)
        if name == "AuctionEnded":
            self.auctions.pop(account, None)
        elif known is None:
            if name == "AuctionStarted":
                self.auctions[account] = AuctionState(INSOLVENT if value else SOLVENT, timestamp)
                self.liquidations += 1
        elif name == "AuctionBid":
            known.reserved += max(value, 0)
        elif name == "DeleverageStarted":
            self.auctions[account] = AuctionState(DELEVERAGE, timestamp, 0, known.paused)
        elif name == "AuctionInsolvent":
            # An auction that begins without equity is told twice.
            if known.phase == SOLVENT:
                self.auctions[account] = known.turned(INSOLVENT, timestamp)
        elif known.phase == SOLVENT:
            self.auctions[account] = AuctionState(SOLVENT, timestamp, 0, known.paused)
        else:
            self.auctions[account] = known.turned(SOLVENT, timestamp)

    def _apply_transfers(self, columns: EventColumns) -> None:
        for address in self.tokens[columns.contract].apply(columns):
            if address in self._rows_of:
                self._show_wallet(address)

    @property
    def rows_of(self) -> Mapping[bytes, Sequence[int]]:
        """Rows of the accounts of an owner."""
        return self._rows_of

    def _show_wallet(self, owner: bytes) -> None:
        rows = self._rows_of[owner]
        for place, name in enumerate(self._names):
            balance = float(self.tokens[name].balances.get(owner, 0))
            if place < self.wallet.shape[1]:
                self.wallet[rows, place] = balance
            else:
                self.shares[rows] = balance


def _by_name(events: Sequence[EventColumns]) -> dict[str, EventColumns]:
    """Events of the exchange; those of tokens and of the desk share names with them and go their own way."""
    return {
        columns.name: columns for columns in events if columns.name != "Transfer" and columns.contract != DESK
    }


def _longer(column: Wide, more: int) -> Wide:
    return Wide.joined([column, Wide.zeros((more, *column.low.shape[1:]))])
