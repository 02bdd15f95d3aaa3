# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Ledger: positions, open interest, and the margin check
@license AGPL-3.0-only
@notice Every change of a position goes through here: trades from the Exchange, slices and deleveraging from the Liquidator. Every
        trade sums to zero, and an account that takes risk must pass initial margin under its engine at valid prices.
        Reducing needs neither: it needs a shortfall (IM - equity) that does not grow, at the last known prices.
        An account in liquidation cannot trade until the Liquidator gives it back.
"""

from contracts.interfaces import IInstruments
from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IVault
from contracts.math import ledger_math
from contracts.modules import guarded
from contracts.modules import position_ledger

implements: ILedger

initializes: guarded
initializes: position_ledger

exports: (
    guarded.owner,
    guarded.pending_owner,
    guarded.transfer_ownership,
    guarded.accept_ownership,
    guarded.guardian,
    guarded.set_guardian,
    guarded.paused,
    guarded.pause,
    guarded.unpause,
)

NOT_EXCHANGE: constant(String[32]) = "ledger: caller is not exchange"
NOT_LIQUIDATOR: constant(String[32]) = "ledger: not the liquidator"
NOT_AUTHORISED: constant(String[32]) = "ledger: caller not authorised"
WIRED: constant(String[32]) = "ledger: already wired"
NO_ADDRESS: constant(String[32]) = "ledger: zero address"
SAME_ACCOUNT: constant(String[32]) = "ledger: same account"
LIQUIDATING: constant(String[32]) = "ledger: account in liquidation"
NOT_LIQUIDATING: constant(String[32]) = "ledger: not in liquidation"
BELOW_MARGIN: constant(String[32]) = "ledger: below initial margin"
STALE_PRICE: constant(String[32]) = "ledger: stale price"
NOT_PERMITTED: constant(String[32]) = "ledger: market not permitted"
UNBALANCED: constant(String[32]) = "ledger: trade is not zero-sum"
OVER_CAP: constant(String[32]) = "ledger: open interest cap"
RESTING_UNDERFLOW: constant(String[32]) = "ledger: resting size"
NOT_REDUCING: constant(String[32]) = "ledger: must reduce both"
BAD_FRACTION: constant(String[32]) = "ledger: fraction out of bound"

WAD: constant(uint256) = 10**18
MAX_POSITIONS: constant(uint256) = 64
MASK_16: constant(uint256) = 2**16 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1
MASK_128: constant(uint256) = 2**128 - 1

event Wired:
    exchange: address
    liquidator: address

struct Overlay:
    market: uint256     # 0: the account as it stands
    size: int256
    entry: uint256
    funding_index: int256
    bids: uint256
    asks: uint256

VAULT: immutable(IVault)
INSTRUMENTS: immutable(IInstruments)

exchange: public(address)
liquidator: public(address)

# The trade in progress: what the makers of this call have taken on, to be matched by its one taker.
leg_market: transient(uint256)
leg_size: transient(int256)
leg_quote: transient(int256)
leg_word: transient(uint256)
leg_cap: transient(uint256)
leg_open_interest: transient(uint256)


@deploy
def __init__(vault: address, instruments: address, guardian: address):
    """
    @notice Deploys an empty ledger owned by the deployer.
    """
    VAULT = IVault(vault)
    INSTRUMENTS = IInstruments(instruments)
    guarded.__init__(guardian)


@external
def wire(exchange: address, liquidator: address):
    """
    @notice Names the Exchange and the Liquidator; once. Owner only.
    """
    guarded.ownable._check_owner()
    assert self.exchange == empty(address), WIRED
    assert exchange != empty(address) and liquidator != empty(address), NO_ADDRESS
    self.exchange = exchange
    self.liquidator = liquidator
    log Wired(exchange=exchange, liquidator=liquidator)


@external
@nonreentrant
def settle(account: uint256) -> int256:
    """
    @notice Turns unrealised PnL and unpaid funding of all positions into cash at the mark price; anyone. Changes no equity.
    @return int256 Cash afterwards, wad.
    """
    self._check_not_liquidating(account)
    self._settle(account)
    return staticcall VAULT.cash(account)


# ---------------------------------------------------------------- Exchange only


@external
@nonreentrant
def fill_maker(
    account: uint256, market: uint256, size: int256, price: uint256, fee: uint256, reserved: bool
) -> bool:
    """
    @notice Applies one fill to a resting order's account. Exchange only; the same call must end in `fill_taker`.
    @param size Signed for the maker, nano base.
    @param price Nano USD.
    @param fee Wad USD.
    @param reserved Whether the order reserved its size when it was placed; then the reservation shrinks by |size|.
    @return bool False: the account may not carry the fill and nothing has changed.
    """
    self._check_exchange()
    if ledger_math._is_liquidating(position_ledger.headers[account]):
        return False
    self._open_leg(market)
    quote: int256 = size * convert(price, int256)
    old: uint256 = position_ledger._position(account, market)
    bids: uint256 = 0
    asks: uint256 = 0
    bids, asks = position_ledger._orders(account, market, old)
    if reserved:
        bids, asks = self._less(bids, asks, convert(max(size, 0), uint256), convert(max(-size, 0), uint256))
    adds_risk: bool = self._adds_risk(ledger_math._size(old), ledger_math._size(old) + size)
    if adds_risk:
        assert self.leg_word >> 240 == 1, STALE_PRICE
    if not self._trade(account, market, old, size, quote, fee, bids, asks, adds_risk):
        return False
    self.leg_size += size
    self.leg_quote += quote
    return True


@external
@nonreentrant
def fill_taker(
    caller: address, account: uint256, market: uint256, size: int256, quote: int256, fee: uint256, resting: int256
):
    """
    @notice Closes a trade: applies the taker's side, reserves what rests, checks margin once. Exchange only.
    @param caller Who asks; must be owner or delegate.
    @param size Signed for the taker, nano base; with the makers' it sums to zero.
    @param quote Sum of size * price, wad, positive when buying.
    @param fee Wad USD.
    @param resting Size that now rests, nano base: positive a bid, negative an ask.
    """
    self._check_exchange()
    assert staticcall VAULT.authorised(account, caller, skip_contract_check=True), NOT_AUTHORISED
    self._check_not_liquidating(account)
    assert self.leg_size + size == 0 and self.leg_quote + quote == 0, UNBALANCED
    assert size == 0 or market == self.leg_market, UNBALANCED

    old: uint256 = position_ledger._position(account, market)
    old_size: int256 = ledger_math._size(old)
    bids: uint256 = 0
    asks: uint256 = 0
    bids, asks = position_ledger._orders(account, market, old)
    worst_before: uint256 = ledger_math._worst_size(old_size, bids, asks)
    if resting > 0:
        bids += convert(resting, uint256)
    else:
        asks += convert(-resting, uint256)
    adds_risk: bool = (
        self._adds_risk(old_size, old_size + size)
        or ledger_math._worst_size(old_size + size, bids, asks) > worst_before
    )
    if adds_risk:
        guarded._check_active(guarded.TRADE)
    if not self._trade(account, market, old, size, quote, fee, bids, asks, adds_risk):
        now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
        valid: bool = False
        now, valid = self._assess(
            account, 0, Overlay(market=market, size=0, entry=0, funding_index=0, bids=0, asks=0)
        )
        assert valid or not adds_risk, STALE_PRICE
        raise BELOW_MARGIN
    if size != 0:
        assert position_ledger.open_interest[market] <= max(self.leg_open_interest, self.leg_cap), OVER_CAP
        self.leg_market = 0
        self.leg_size = 0
        self.leg_quote = 0


@external
def release_orders(account: uint256, market: uint256, bids: uint256, asks: uint256):
    """
    @notice Gives back the reservation of orders that left the book unfilled, nano base. Exchange only.
    @dev Needs no lock: it calls nobody, and the Exchange, its only caller, holds one of its own.
    """
    self._check_exchange()
    assert position_ledger._release(account, market, bids, asks), RESTING_UNDERFLOW


# ---------------------------------------------------------------- Liquidator only


@external
@nonreentrant
def begin_liquidation(account: uint256):
    """
    @notice Settles everything at mark and shuts the account for its owner. Liquidator only.
    """
    self._check_liquidator()
    self._check_not_liquidating(account)
    self._settle(account)
    position_ledger.headers[account] = position_ledger.headers[account] | ledger_math.IN_LIQUIDATION
    log ILedger.LiquidationSet(account=account, in_liquidation=True)


@external
@nonreentrant
def end_liquidation(account: uint256):
    """
    @notice Gives the account back to its owner. Liquidator only.
    """
    self._check_liquidator()
    self._check_liquidating(account)
    position_ledger.headers[account] = position_ledger.headers[account] & ~ledger_math.IN_LIQUIDATION
    log ILedger.LiquidationSet(account=account, in_liquidation=False)


@external
@nonreentrant
def transfer_slice(sender_account: uint256, receiver_account: uint256, fraction: uint256, reserved: uint256):
    """
    @notice Moves a fraction of every balance of an account in liquidation. Liquidator only, who then takes the payment and
            checks the receiver's margin. Positions are settled and move at mark, so they carry no value, and in
            whole lots (toward zero), so that the receiver can close them; the last slice moves all.
    @param fraction Wad, at most 1e18.
    @param reserved Cash (wad) of the account that is not for sale: the payments of earlier bidders.
    """
    self._check_liquidator()
    assert fraction != 0 and fraction <= WAD, BAD_FRACTION
    assert sender_account != receiver_account, SAME_ACCOUNT
    self._check_liquidating(sender_account)
    self._check_not_liquidating(receiver_account)
    markets: DynArray[uint256, MAX_POSITIONS] = position_ledger._markets(
        sender_account, position_ledger.headers[sender_account]
    )
    if len(markets) != 0:
        sender_cash: int256 = staticcall VAULT.cash(sender_account)
        receiver_cash: int256 = staticcall VAULT.cash(receiver_account)
        sender_before: int256 = sender_cash
        receiver_before: int256 = receiver_cash
        settled: bool = False
        shifted: bool = False
        words: DynArray[uint256, MAX_POSITIONS] = staticcall INSTRUMENTS.words(markets, skip_contract_check=True)
        lots: DynArray[uint256, MAX_POSITIONS] = staticcall INSTRUMENTS.lot_sizes(markets)
        for i: uint256 in range(len(markets), bound=MAX_POSITIONS):
            size: int256 = ledger_math._size(position_ledger._position(sender_account, markets[i]))
            if size == 0:
                continue
            moved: int256 = size
            if fraction != WAD:
                # |size| < 2**79 and fraction <= 1e18: the product stays below 2**139. `//` on a positive
                # divisor truncates toward zero here on purpose.
                lot: int256 = convert(lots[i], int256)
                moved = size * convert(fraction, int256) // convert(WAD, int256) // lot * lot
            logged: bool = False
            sender_cash, logged = self._settle_one(sender_account, markets[i], moved, words[i], sender_cash)
            settled = settled or logged
            if moved == 0:
                continue
            shifted = True
            self._count_exchange(
                markets[i], size, ledger_math._size(position_ledger._position(receiver_account, markets[i])), moved
            )
            receiver_cash = self._shift(
                receiver_account, markets[i], moved, words[i] & MASK_72, words[i], receiver_cash
            )
        if settled:
            self._book(sender_account, sender_cash - sender_before)
        if shifted:
            self._book(receiver_account, receiver_cash - receiver_before)
        # Once for all: an engine that admits the last market beside the others admits a slice of them.
        assert self._permits_last(receiver_account), NOT_PERMITTED
    extcall VAULT.move_slice(sender_account, receiver_account, fraction, reserved)


@external
@nonreentrant
def deleverage(account: uint256, counterparty: uint256, market: uint256, size: int256, price: uint256):
    """
    @notice Closes part of an account in liquidation against a counterparty at `price`, without fee. Liquidator only.
    @param size Signed for the account, nano base; both positions must shrink.
    """
    self._check_liquidator()
    assert account != counterparty, SAME_ACCOUNT
    self._check_liquidating(account)
    self._check_not_liquidating(counterparty)
    mine: int256 = ledger_math._size(position_ledger._position(account, market))
    theirs: int256 = ledger_math._size(position_ledger._position(counterparty, market))
    assert size != 0 and self._reduces(mine, size) and self._reduces(theirs, -size), NOT_REDUCING
    word: uint256 = 0
    cap: uint256 = 0
    word, cap = extcall INSTRUMENTS.touch(market)
    self._count_exchange(market, mine, theirs, -size)
    before: int256 = staticcall VAULT.cash(account)
    self._book(account, self._shift(account, market, size, price, word, before) - before)
    before = staticcall VAULT.cash(counterparty)
    self._book(counterparty, self._shift(counterparty, market, -size, price, word, before) - before)


# ---------------------------------------------------------------- views


@external
@view
def check_outflow(account: uint256) -> bool:
    """
    @notice Whether the account passes initial margin as it stands; reverts when a price it needs is not valid.
    """
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    now, valid = self._assess(account, 0, empty(Overlay))
    assert valid, STALE_PRICE
    return now.equity >= convert(now.initial_margin, int256)


@external
@view
def authorised(account: uint256, caller: address) -> bool:
    """
    @notice Whether `caller` owns the account or is its delegate.
    """
    return staticcall VAULT.authorised(account, caller, skip_contract_check=True)


@external
@view
def position(account: uint256, market: uint256) -> ILedger.Position:
    """
    @notice A position and its resting totals, nano units.
    """
    word: uint256 = position_ledger._position(account, market)
    bids: uint256 = 0
    asks: uint256 = 0
    bids, asks = position_ledger._orders(account, market, word)
    return ILedger.Position(
        size=ledger_math._size(word),
        entry_price=ledger_math._entry(word),
        funding_index=ledger_math._funding_index(word),
        bids=bids,
        asks=asks,
    )


@external
@view
def markets_of(account: uint256) -> DynArray[uint256, MAX_POSITIONS]:
    """
    @notice Markets where the account has a position or resting orders.
    """
    return position_ledger._markets(account, position_ledger.headers[account])


@external
@view
def listed(account: uint256) -> uint256:
    """
    @notice Number of markets where the account has a position or resting orders.
    """
    return ledger_math._listed(position_ledger.headers[account])


@external
@view
def in_liquidation(account: uint256) -> bool:
    """
    @notice Whether the Liquidator holds the account.
    """
    return ledger_math._is_liquidating(position_ledger.headers[account])


@external
@view
def portfolio(account: uint256) -> (IMarginEngine.Portfolio, bool):
    """
    @notice What the account's engine is asked about, and whether every price in it is valid.
    """
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    engine: address = empty(address)
    view.cash, view.stable_price, view.collaterals, valid, engine = staticcall VAULT.money(account, skip_contract_check=True)
    markets: DynArray[uint256, MAX_POSITIONS] = position_ledger._markets(account, position_ledger.headers[account])
    words: DynArray[uint256, MAX_POSITIONS] = staticcall INSTRUMENTS.words(markets, skip_contract_check=True)
    for i: uint256 in range(len(markets), bound=MAX_POSITIONS):
        valid = valid and words[i] >> 240 == 1
        view.positions.append(self._stored_risk(account, markets[i], words[i]))
    return view, valid


@external
@view
def assess(account: uint256) -> (IMarginEngine.Assessment, bool):
    """
    @notice Margin of the account under its engine, and whether every price used is valid.
    """
    return self._assess(account, 0, empty(Overlay))


@external
@view
def open_interest(market: uint256) -> uint256:
    """
    @notice Long size of a market, nano base; equal to the short size.
    """
    return position_ledger.open_interest[market]


@external
@view
def words_of(first: uint256, count: uint256, markets: DynArray[uint256, MAX_POSITIONS]) -> DynArray[uint256, 16384]:
    """
    @notice Raw positions of accounts first..first+count-1 for batch readers: per account its header word, then
            per market the position word and the orders word (0 without resting orders).
    """
    words: DynArray[uint256, 16384] = []
    for account: uint256 in range(first, first + count, bound=8192):
        words.append(position_ledger.headers[account])
        for market: uint256 in markets:
            word: uint256 = position_ledger._position(account, market)
            words.append(word)
            if word & (ledger_math.HAS_ORDERS << 248) == 0:
                words.append(0)
            else:
                words.append(position_ledger.orders[(account << 16) | market])
    return words


# ---------------------------------------------------------------- internal: margin


@internal
@view
def _assess(account: uint256, change: int256, after: Overlay) -> (IMarginEngine.Assessment, bool):
    """
    @dev Margin of the account with cash changed by `change` (wad) and one market replaced by `after` if given.
         It builds its own Portfolio: that is 17 kB of memory, and every copy of it would cost each check gas.
    """
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    engine: address = empty(address)
    view.cash, view.stable_price, view.collaterals, valid, engine = staticcall VAULT.money(account, skip_contract_check=True)
    view.cash += change
    markets: DynArray[uint256, MAX_POSITIONS] = position_ledger._markets(account, position_ledger.headers[account])
    if after.market != 0 and position_ledger._position(account, after.market) == 0:
        assert len(markets) < MAX_POSITIONS, position_ledger.TOO_MANY_POSITIONS
        markets.append(after.market)
    if len(markets) != 0:
        words: DynArray[uint256, MAX_POSITIONS] = staticcall INSTRUMENTS.words(markets, skip_contract_check=True)
        i: uint256 = 0
        for market: uint256 in markets:
            word: uint256 = words[i]
            i = unsafe_add(i, 1)
            if word >> 240 != 1:
                valid = False
            size: int256 = after.size
            entry: uint256 = after.entry
            funding_index: int256 = after.funding_index
            bids: uint256 = after.bids
            asks: uint256 = after.asks
            if market != after.market:
                key: uint256 = (account << 16) | market
                position: uint256 = position_ledger.positions[key]
                size = convert(convert(position << 176, bytes32), int256) >> 176
                entry = (position >> 80) & MASK_80
                funding_index = convert(convert(position << 16, bytes32), int256) >> 176
                bids = 0
                asks = 0
                if position & (ledger_math.HAS_ORDERS << 248) != 0:
                    bids = position_ledger.orders[key]
                    asks = bids >> 128
                    bids = bids & MASK_128
            # As in _unrealised: |size| < 2**79 and both differences below 2**81.
            view.positions.append(
                IMarginEngine.PositionRisk(
                    market=market,
                    size=size,
                    mark=word & MASK_72,
                    spot=(word >> 72) & MASK_72,
                    confidence=(word >> 224) & MASK_16,
                    unrealised=unsafe_mul(
                        size,
                        unsafe_sub(
                            unsafe_sub(convert(word & MASK_72, int256), convert(entry, int256)),
                            unsafe_sub(convert(convert(word << 32, bytes32), int256) >> 176, funding_index),
                        ),
                    ),
                    bids=bids,
                    asks=asks,
                )
            )
    return staticcall IMarginEngine(engine).assess(view, skip_contract_check=True), valid


@internal
@view
def _stored_risk(account: uint256, market: uint256, word: uint256) -> IMarginEngine.PositionRisk:
    position: uint256 = position_ledger._position(account, market)
    bids: uint256 = 0
    asks: uint256 = 0
    bids, asks = position_ledger._orders(account, market, position)
    return self._risk(
        market,
        word,
        ledger_math._size(position),
        ledger_math._entry(position),
        ledger_math._funding_index(position),
        bids,
        asks,
    )


@internal
@pure
def _risk(
    market: uint256,
    word: uint256,
    size: int256,
    entry: uint256,
    funding_index: int256,
    bids: uint256,
    asks: uint256,
) -> IMarginEngine.PositionRisk:
    """
    @dev One market of an account as its engine sees it.
    """
    return IMarginEngine.PositionRisk(
        market=market,
        size=size,
        mark=word & MASK_72,
        spot=(word >> 72) & MASK_72,
        confidence=(word >> 224) & 65535,
        unrealised=self._unrealised(size, entry, funding_index, word),
        bids=bids,
        asks=asks,
    )


@internal
@view
def _admits(account: uint256, change: int256, after: Overlay, adds_risk: bool) -> bool:
    """
    @dev Initial margin after the change; or, when no risk is added, a shortfall that does not grow. The
         second needs no fresh price: reducing must stay possible when the oracle is silent.
    """
    then: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    then, valid = self._assess(account, change, after)
    shortfall: int256 = convert(then.initial_margin, int256) - then.equity
    if shortfall <= 0 and (valid or not adds_risk):
        return True
    if adds_risk:
        return False
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    now, valid = self._assess(account, 0, empty(Overlay))
    return shortfall <= convert(now.initial_margin, int256) - now.equity


# ---------------------------------------------------------------- internal: trades


@internal
def _open_leg(market: uint256):
    """
    @dev First fill of a call: accrues funding once and remembers open interest as it was. A leg that took no fill
         is opened anew, since an earlier call of the same transaction may have left it.
    """
    if self.leg_size != 0:
        assert self.leg_market == market, UNBALANCED
        return
    word: uint256 = 0
    cap: uint256 = 0
    word, cap = extcall INSTRUMENTS.touch(market)
    self.leg_market = market
    self.leg_word = word
    self.leg_cap = cap
    self.leg_open_interest = position_ledger.open_interest[market]


@internal
def _trade(
    account: uint256,
    market: uint256,
    old: uint256,
    size: int256,
    quote: int256,
    fee: uint256,
    bids: uint256,
    asks: uint256,
    adds_risk: bool,
) -> bool:
    """
    @dev Checks and books one side of a trade in the open leg and the resting totals after it.
    @return bool False: margin forbids it and nothing has changed.
    """
    old_size: int256 = ledger_math._size(old)
    after: Overlay = Overlay(
        market=market,
        size=old_size + size,
        entry=ledger_math._entry(old),
        funding_index=ledger_math._funding_index(old),
        bids=bids,
        asks=asks,
    )
    change: int256 = 0
    if size != 0:
        after.entry = ledger_math._entry_after(old_size, ledger_math._entry(old), size, quote)
        after.funding_index = self._index_of(self.leg_word)
        change = self._realised(old, after, quote) - convert(fee, int256)
    if old == 0:
        # A market that is not listed yet: the engine may silo the account.
        assert self._permits(account, market), NOT_PERMITTED
    if not self._admits(account, change, after, adds_risk):
        return False
    position_ledger._store(account, market, old, after.size, after.entry, after.funding_index, bids, asks)
    if size != 0:
        self._log(account, market, size, after, extcall VAULT.apply_trade(account, change, fee), fee)
    return True


@internal
def _shift(account: uint256, market: uint256, delta: int256, price: uint256, word: uint256, cash: int256) -> int256:
    """
    @dev Adds `delta` to a position at `price` without fee or check; resting totals stay. The caller books the
         money and counts open interest.
    @param cash Of the account before, wad.
    @return int256 Cash after.
    """
    old: uint256 = position_ledger._position(account, market)
    size: int256 = ledger_math._size(old)
    quote: int256 = delta * convert(price, int256)
    bids: uint256 = 0
    asks: uint256 = 0
    bids, asks = position_ledger._orders(account, market, old)
    after: Overlay = Overlay(
        market=market,
        size=size + delta,
        entry=ledger_math._entry_after(size, ledger_math._entry(old), delta, quote),
        funding_index=self._index_of(word),
        bids=bids,
        asks=asks,
    )
    cash_after: int256 = cash + self._realised(old, after, quote)
    position_ledger._write(account, market, old, after.size, after.entry, after.funding_index, bids, asks)
    self._log(account, market, delta, after, cash_after, 0)
    return cash_after


@internal
def _settle_one(account: uint256, market: uint256, moved: int256, word: uint256, cash: int256) -> (int256, bool):
    """
    @dev Realises a position at mark (entry := mark, funding index := now) and takes `moved` away at that price:
         value-neutral once the caller has booked the money. The caller counts open interest.
    @param cash Of the account before, wad.
    @return int256 Cash after.
    @return bool Whether anything changed and an event says so.
    """
    old: uint256 = position_ledger._position(account, market)
    size: int256 = ledger_math._size(old)
    after: Overlay = empty(Overlay)
    after.market = market
    after.size = size - moved
    after.entry = word & MASK_72
    after.funding_index = self._index_of(word)
    if (
        moved == 0
        and after.entry == ledger_math._entry(old)
        and after.funding_index == ledger_math._funding_index(old)
    ):
        return cash, False
    if after.size == 0:
        after.entry = 0
    after.bids, after.asks = position_ledger._orders(account, market, old)
    cash_after: int256 = cash + self._unrealised(
        size, ledger_math._entry(old), ledger_math._funding_index(old), word
    )
    position_ledger._write(
        account, market, old, after.size, after.entry, after.funding_index, after.bids, after.asks
    )
    self._log(account, market, -moved, after, cash_after, 0)
    return cash_after, True


@internal
def _count_exchange(market: uint256, size: int256, other: int256, moved: int256):
    """
    @dev Open interest when `moved` goes from a position to another: mostly nothing changes and nothing is written.
    """
    position_ledger._count_open_interest(
        market, max(size, 0) + max(other, 0), max(size - moved, 0) + max(other + moved, 0)
    )


@internal
def _settle(account: uint256):
    """
    @dev Settles every position of the account at mark; every price must be valid.
    """
    markets: DynArray[uint256, MAX_POSITIONS] = position_ledger._markets(account, position_ledger.headers[account])
    if len(markets) == 0:
        return
    words: DynArray[uint256, MAX_POSITIONS] = staticcall INSTRUMENTS.words(markets, skip_contract_check=True)
    before: int256 = staticcall VAULT.cash(account)
    cash: int256 = before
    settled: bool = False
    for i: uint256 in range(len(markets), bound=MAX_POSITIONS):
        if ledger_math._size(position_ledger._position(account, markets[i])) != 0:
            assert words[i] >> 240 == 1, STALE_PRICE
            logged: bool = False
            cash, logged = self._settle_one(account, markets[i], 0, words[i], cash)
            settled = settled or logged
    # Cash that no event states must not be touched, or books rebuilt from events would miss its interest.
    if settled:
        self._book(account, cash - before)


@internal
def _book(account: uint256, change: int256):
    """
    @dev The money of what was settled or shifted, wad. Even when it is nothing: the events above state cash with
         interest to now, and what they state must be what the Vault has stored.
    """
    extcall VAULT.apply_trade(account, change, 0)


@internal
def _log(account: uint256, market: uint256, delta: int256, after: Overlay, cash: int256, fee: uint256):
    log ILedger.PositionModified(
        account=account,
        market=market,
        delta=delta,
        size=after.size,
        entry_price=after.entry,
        funding_index=after.funding_index,
        cash=cash,
        fee=fee,
    )


# ---------------------------------------------------------------- internal: arithmetic and access


@internal
@pure
def _index_of(word: uint256) -> int256:
    """
    @dev Funding index of a market word (IInstruments).
    """
    return convert(convert(word << 32, bytes32), int256) >> 176


@internal
@pure
def _unrealised(size: int256, entry: uint256, funding_index: int256, word: uint256) -> int256:
    """
    @dev size * ((mark - entry) - (index now - index then)), wad. |size| < 2**79 and both differences are
         below 2**81, so the product stays below 2**161 and nothing here can overflow.
    """
    moved: int256 = unsafe_sub(
        unsafe_sub(convert(word & MASK_72, int256), convert(entry, int256)),
        unsafe_sub(convert(convert(word << 32, bytes32), int256) >> 176, funding_index),
    )
    return unsafe_mul(size, moved)


@internal
@pure
def _realised(old: uint256, after: Overlay, quote: int256) -> int256:
    """
    @dev Realised PnL less funding of a trade, before its fee, wad.
    """
    size: int256 = ledger_math._size(old)
    return (
        ledger_math._cash_change(size, ledger_math._entry(old), after.size, after.entry, quote)
        - size * (after.funding_index - ledger_math._funding_index(old))
    )


@internal
@pure
def _adds_risk(before: int256, after: int256) -> bool:
    """
    @dev A position that grows or changes side.
    """
    return abs(after) > abs(before) or (after > 0 and before < 0) or (after < 0 and before > 0)


@internal
@pure
def _reduces(size: int256, delta: int256) -> bool:
    return abs(size + delta) < abs(size) and not self._adds_risk(size, size + delta)


@internal
@pure
def _less(bids: uint256, asks: uint256, bought: uint256, sold: uint256) -> (uint256, uint256):
    assert bids >= bought and asks >= sold, RESTING_UNDERFLOW
    return bids - bought, asks - sold


@internal
@view
def _permits(account: uint256, market: uint256) -> bool:
    """
    @dev Asks the account's engine whether it may hold one more market.
    """
    listed: uint256 = ledger_math._listed(position_ledger.headers[account])
    state: IVault.AccountState = staticcall VAULT.account(account)
    return staticcall IMarginEngine(state.engine).permits(account, market, listed)


@internal
@view
def _permits_last(account: uint256) -> bool:
    """
    @dev Whether the account's engine would still let it list the last market of its list.
    """
    header: uint256 = position_ledger.headers[account]
    listed: uint256 = ledger_math._listed(header)
    if listed == 0:
        return True
    state: IVault.AccountState = staticcall VAULT.account(account)
    return staticcall IMarginEngine(state.engine).permits(
        account, position_ledger._market_at(account, header, listed - 1), listed - 1
    )


@internal
@view
def _check_not_liquidating(account: uint256):
    assert not ledger_math._is_liquidating(position_ledger.headers[account]), LIQUIDATING


@internal
@view
def _check_liquidating(account: uint256):
    assert ledger_math._is_liquidating(position_ledger.headers[account]), NOT_LIQUIDATING


@internal
@view
def _check_exchange():
    assert msg.sender == self.exchange, NOT_EXCHANGE


@internal
@view
def _check_liquidator():
    assert msg.sender == self.liquidator, NOT_LIQUIDATOR
