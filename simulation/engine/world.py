# SPDX-License-Identifier: Apache-2.0
"""From exact books to the View that agents share. Imports: other parts of engine, messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulation.domain import market_math
from simulation.domain.units import FULL_CONFIDENCE
from simulation.engine.credit import credit_view
from simulation.engine.dated import at_prices_of, series_views
from simulation.engine.margin import auction_terms, margins
from simulation.engine.mirror import Mirror
from simulation.engine.reader import RawWorld
from simulation.engine.terms import Protocol
from simulation.messages import (
    AccountsView,
    AuctionsView,
    FeedView,
    FundView,
    MarketView,
    SeriesView,
    View,
)
from simulation.messages.market import PriceTick
from simulation.messages.view import Floats

__all__ = ["ViewBuilder"]

NANO, WAD = 1e-9, 1e-18

EMPTY, NONE = np.zeros(0), np.zeros(0, np.int64)
NO_AUCTIONS = AuctionsView(NONE, NONE, NONE, EMPTY, EMPTY, EMPTY, EMPTY, np.zeros(0, np.bool_))


class ViewBuilder:
    """Makes the view after a block, and brings it to the time of the next one.

    Args:
        protocol: the deployed contracts.
        block_time: seconds between blocks.
    """

    def __init__(self, protocol: Protocol, block_time: int) -> None:
        self._protocol = protocol
        self._block_time = block_time
        self._initial_haircut = np.array([asset.initial_haircut for asset in protocol.assets[1:]])
        self._maintenance_haircut = np.array([asset.maintenance_haircut for asset in protocol.assets[1:]])
        self._units = np.array([10.0**-asset.decimals for asset in protocol.assets])
        self._symbol_of = {item.feed: item.symbol for item in reversed(protocol.feeds)}
        self._decimals = tuple(asset.decimals for asset in protocol.assets)
        markets = len(protocol.markets)
        self._inverse = list(protocol.inverse)
        self._scales = np.array([WAD, 1.0, *self._units[1:], *[NANO] * (5 * markets)])
        """Of the columns of RawWorld.table, to the units of AccountsView."""
        self._floats = np.zeros((0, len(self._scales)))
        """RawWorld.table in natural units, kept from block to block."""
        self._market_of_feed = {
            market.feed: number for number, market in reversed(list(enumerate(protocol.markets, start=1)))
        }

    def after(self, block: int, base_fee: int, tick: PriceTick, mirror: Mirror, raw: RawWorld) -> View:
        """The world after a block, at the prices and the time of that block."""
        protocol = self._protocol
        feeds = self._feeds(tick, raw)
        prices = {feed.feed: feed.spot for feed in feeds}
        asset_prices = tuple(prices.get(asset.feed, 1.0) for asset in protocol.assets)
        accounts = self._accounts(mirror, raw, np.array(asset_prices))
        return View(
            block=block,
            timestamp=tick.timestamp,
            block_time=self._block_time,
            base_fee=base_fee,
            eth_price=self.eth_price(tick),
            markets=self._markets(tick, mirror, raw),
            feeds=feeds,
            accounts=accounts,
            orders=mirror.book.view(),
            auctions=self._auctions(mirror, accounts, tick.timestamp),
            fund=FundView(
                assets=raw.fund_capacity * float(self._units[0]),
                shares=raw.fund_supply * 10.0**-protocol.share_decimals,
                share_decimals=protocol.share_decimals,
                locked=raw.fund_locked,
                deficit=raw.books.deficit * WAD,
            ),
            asset_decimals=self._decimals,
            asset_prices=asset_prices,
            rules=protocol.auction,
            series=series_views(protocol, tick, mirror.boards, mirror.settlement),
            credit=None
            if raw.desk is None
            else credit_view(
                protocol,
                mirror.desk,
                raw.desk,
                mirror.rows_of,
                accounts.equity,
                accounts.initial_margin,
                accounts.liquidating,
                tick.timestamp,
            ),
        )

    def before(self, view: View, block: int, base_fee: int, tick: PriceTick) -> View:
        """The same world as the next block meets it: new outside prices, time and base fee."""
        terms = self._protocol
        boards = {one.series: one.board for one in view.series}
        fixed = {one.series: round(one.settlement / NANO) for one in view.series if one.settlement}
        series = series_views(terms, tick, boards, fixed)
        return replace(
            view,
            series=series,
            block=block,
            timestamp=tick.timestamp,
            base_fee=base_fee,
            eth_price=self.eth_price(tick),
            markets=self._priced(
                [
                    market if market.series else replace(market, reference=self._reference(tick, market.feed))
                    for market in view.markets
                ],
                series,
                tick.timestamp,
            ),
            feeds=tuple(
                replace(feed, reference=tick.price_nano(item.symbol) * NANO)
                for feed, item in zip(view.feeds, terms.feeds, strict=True)
            ),
        )

    def _reference(self, tick: PriceTick, feed: int) -> float:
        return tick.price_nano(self._symbol_of[feed]) * NANO

    def eth_price(self, tick: PriceTick) -> float:
        """USD per ETH, of which gas is paid."""
        terms = self._protocol
        return tick.price_nano(terms.gas_symbol) * NANO if terms.gas_symbol else terms.gas_price_usd

    def _feeds(self, tick: PriceTick, raw: RawWorld) -> tuple[FeedView, ...]:
        return tuple(
            FeedView(
                feed=item.feed,
                market=self._market_of_feed.get(item.feed, 0),
                reference=tick.price_nano(item.symbol) * NANO,
                spot=found.spot * NANO,
                mark=found.mark * NANO,
                timestamp=found.timestamp,
                flags=found.flags,
            )
            for item, found in zip(self._protocol.feeds, raw.feeds, strict=True)
        )

    def _markets(self, tick: PriceTick, mirror: Mirror, raw: RawWorld) -> tuple[MarketView, ...]:
        found = []
        protocol = self._protocol
        rows = zip(protocol.numbers, protocol.markets, raw.markets, strict=True)
        for column, (number, terms, now) in enumerate(rows):
            bid_ticks, bid_lots = mirror.book.levels(number, True)
            ask_ticks, ask_lots = mirror.book.levels(number, False)
            series = market_math.series(number)
            mark, last = now.mark * NANO, int(mirror.book.last_tick[column])
            found.append(
                MarketView(
                    market=number,
                    symbol=terms.symbol,
                    feed=terms.feed,
                    tick_size=terms.tick_size * NANO,
                    lot_size=terms.lot_size * NANO,
                    reference=self._reference(tick, terms.feed),
                    spot=now.spot * NANO,
                    mark=mark,
                    confidence=now.confidence / FULL_CONFIDENCE,
                    valid=now.valid,
                    funding_rate=now.funding_rate * WAD,
                    funding_index=now.funding_index * NANO,
                    open_interest=now.open_interest * NANO,
                    last_price=last * terms.tick_size * NANO if last else mark,
                    bid_ticks=bid_ticks,
                    bid_lots=bid_lots,
                    ask_ticks=ask_ticks,
                    ask_lots=ask_lots,
                    series=series,
                    strike=terms.strike * NANO,
                    is_call=terms.strike > 0 and market_math.is_call(number),
                    expiry=protocol.series[series - 1].expiry if series else 0,
                    settled=now.settled,
                    settled_in=terms.settled_in,
                    pool=now.pool * NANO,
                )
            )
        series_now = series_views(protocol, tick, mirror.boards, mirror.settlement)
        return self._priced(found, series_now, tick.timestamp)

    @staticmethod
    def _priced(
        markets: Sequence[MarketView], series: Sequence[SeriesView], timestamp: int
    ) -> tuple[MarketView, ...]:
        """The same markets, dated ones at what they are worth elsewhere."""
        if not series:
            return tuple(markets)
        futures = {
            market.series: market.mark
            for market in markets
            if market_math.kind(market.market) is market_math.Kind.DATED_FUTURE
        }
        return tuple(
            at_prices_of(market, series[market.series - 1], futures[market.series], timestamp)
            if market.series
            else market
            for market in markets
        )

    def _accounts(self, mirror: Mirror, raw: RawWorld, prices: Floats) -> AccountsView:
        self._refresh(raw)
        now, shape = self._floats, raw.positions.low.shape
        # Interest since an account was last touched: its side's index now over the index it was touched at.
        stored, touched = now[:, 0], now[:, 1]
        index = np.where(stored < 0, mirror.borrow_index, mirror.supply_index)
        cash = stored * np.where(touched > 0, index / np.maximum(touched, 1.0), 1.0)
        first = 1 + len(prices)
        last = first + 3 * shape[1]
        collateral = now[:, 2:first].copy()
        values = collateral * prices[1:]
        funding, entry, size = now[:, first:last].reshape(shape).transpose(2, 0, 1).copy()
        asks, bids = now[:, last:].reshape(*shape[:2], 2).transpose(2, 0, 1).copy()
        result = margins(
            cash,
            size,
            entry,
            funding,
            bids,
            asks,
            values,
            np.array([market.mark * NANO for market in raw.markets]),
            np.array([market.funding_index * NANO for market in raw.markets]),
            self._protocol.markets,
            self._initial_haircut,
            self._maintenance_haircut,
        )
        entry[:, self._inverse] = 0.0
        margin = raw.margins
        view = AccountsView(
            cash=cash,
            size=size,
            entry=entry,
            unrealised=result.unrealised,
            bids=bids,
            asks=asks,
            collateral=collateral,
            collateral_value=values.sum(axis=1),
            equity=result.equity if margin is None else margin[:, 0].copy(),
            initial_margin=result.initial if margin is None else margin[:, 1].copy(),
            maintenance_margin=result.maintenance if margin is None else margin[:, 2].copy(),
            notional=result.notional,
            liquidating=mirror.liquidating.copy(),
            called=mirror.calls.told,
            call_stage=mirror.calls.stage,
            call_deadline=mirror.calls.deadline,
            call_lapses=mirror.calls.lapses,
            wallet=mirror.wallet * self._units,
            fund_shares=mirror.shares * 10.0**-self._protocol.share_decimals,
            delta=result.delta,
        )
        for name in AccountsView.__dataclass_fields__:
            getattr(view, name).setflags(write=False)
        return view

    def _refresh(self, raw: RawWorld) -> None:
        """Brings the floats of all accounts up to date: those whose words on chain changed."""
        if len(self._floats) != len(raw.cash):
            self._floats = raw.table.floats(self._scales)
        elif len(raw.changed):
            self._floats[raw.changed] = raw.table[raw.changed].floats(self._scales)

    def _auctions(self, mirror: Mirror, accounts: AccountsView, timestamp: int) -> AuctionsView:
        if not mirror.auctions:
            return NO_AUCTIONS
        live = sorted(mirror.auctions.items())
        account = np.array([number for number, _ in live], dtype=np.int64)
        phase = np.array([state.phase for _, state in live], dtype=np.int64)
        started = np.array([state.started for _, state in live], dtype=np.int64)
        reserved = np.array([state.reserved * WAD for _, state in live])
        paused = np.array([state.paused for _, state in live], dtype=np.int64)
        price, fraction, buffer_margin, over = auction_terms(
            phase,
            started,
            paused,
            reserved,
            accounts.equity[account - 1],
            accounts.maintenance_margin[account - 1],
            timestamp,
            self._protocol.auction,
        )
        return AuctionsView(account, phase, started, reserved, price, fraction, buffer_margin, over)
