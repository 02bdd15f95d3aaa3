# pragma version 0.4.3
# pragma optimize codesize
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Ledger: positions, open interest, and the margin check
@license AGPL-3.0-only
@notice Every change of a position goes through here: trades from the Exchange, slices and deleveraging from the Liquidator. Every
        trade sums to zero, and an account that takes risk must pass initial margin under its engine at valid prices.
        Reducing needs neither: it needs a shortfall (IM - equity) that does not grow, at the last known prices.
        An account in liquidation cannot trade until the Liquidator gives it back.
"""

from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.math import ledger_math
from contracts.math import market_math
from contracts.modules import expiry
from contracts.modules import guarded
from contracts.modules import margin_check
from contracts.modules import position_ledger
from contracts.modules import trading

implements: ILedger

initializes: guarded
initializes: position_ledger
initializes: margin_check[position_ledger := position_ledger]
initializes: trading[margin_check := margin_check, position_ledger := position_ledger]
initializes: expiry[margin_check := margin_check, position_ledger := position_ledger, trading := trading]

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
    # margin, asked by anyone and by the Vault
    margin_check.assess,
    margin_check.portfolio,
    margin_check.check_outflow,
    # anyone, for positions in settled series
    expiry.settle_expired,
)

NOT_EXCHANGE: constant(String[32]) = "ledger: caller is not exchange"
NOT_LIQUIDATOR: constant(String[32]) = "ledger: not the liquidator"
NOT_COIN_POOL: constant(String[32]) = "ledger: not the coin pool"
NOT_AUTHORISED: constant(String[32]) = "ledger: caller not authorised"
WIRED: constant(String[32]) = "ledger: already wired"
NO_ADDRESS: constant(String[32]) = "ledger: zero address"
SAME_ACCOUNT: constant(String[32]) = "ledger: same account"
LIQUIDATING: constant(String[32]) = "ledger: account in liquidation"
NOT_LIQUIDATING: constant(String[32]) = "ledger: not in liquidation"
BELOW_MARGIN: constant(String[32]) = "ledger: below initial margin"
OVER_CAP: constant(String[32]) = "ledger: open interest cap"
NOT_REDUCING: constant(String[32]) = "ledger: must reduce both"
BAD_FRACTION: constant(String[32]) = "ledger: fraction out of bound"

WAD: constant(uint256) = 10**18
MAX_POSITIONS: constant(uint256) = 64
MASK_72: constant(uint256) = 2**72 - 1

event Wired:
    exchange: address
    liquidator: address

# What pays the coin of inverse positions; the zero address where there is no such market.
COIN_POOL: immutable(address)

exchange: public(address)
liquidator: public(address)


@deploy
def __init__(vault: address, instruments: address, guardian: address, coin_pool: address):
    """
    @notice Deploys an empty ledger owned by the deployer.
    @param coin_pool What settles inverse positions in coin, or the zero address.
    """
    COIN_POOL = coin_pool
    guarded.__init__(guardian, guarded.TRADE)
    margin_check.__init__(vault, instruments)


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
    trading._settle(account)
    return staticcall margin_check.VAULT.cash(account)


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
    trading._open_leg(market)
    quote: int256 = trading._quote(market, size, price)
    old: uint256 = position_ledger._position(account, market)
    bids: uint256 = 0
    asks: uint256 = 0
    bids, asks = position_ledger._orders(account, market, old)
    if reserved:
        bids, asks = trading._less(bids, asks, convert(max(size, 0), uint256), convert(max(-size, 0), uint256))
    adds_risk: bool = trading._adds_risk(ledger_math._size(old), ledger_math._size(old) + size)
    if adds_risk:
        assert trading.leg_word >> 255 == 1, margin_check.STALE_PRICE
    admitted: bool = False
    valid: bool = False
    admitted, valid = trading._trade(account, market, old, size, quote, fee, bids, asks, adds_risk)
    if not admitted:
        return False
    trading.leg_size += size
    trading.leg_quote += quote
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
    assert staticcall margin_check.VAULT.authorised(account, caller, skip_contract_check=True), NOT_AUTHORISED
    self._check_not_liquidating(account)
    expiry._check_tradable(market)
    assert trading.leg_size + size == 0 and trading.leg_quote + quote == 0, trading.UNBALANCED
    assert size == 0 or market == trading.leg_market, trading.UNBALANCED

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
        trading._adds_risk(old_size, old_size + size)
        or ledger_math._worst_size(old_size + size, bids, asks) > worst_before
    )
    if adds_risk:
        guarded._check_active(guarded.TRADE)
    admitted: bool = False
    valid: bool = False
    admitted, valid = trading._trade(account, market, old, size, quote, fee, bids, asks, adds_risk)
    if not admitted:
        assert valid or not adds_risk, margin_check.STALE_PRICE
        raise BELOW_MARGIN
    if size != 0:
        assert position_ledger.open_interest[market] <= max(trading.leg_open_interest, trading.leg_cap), OVER_CAP
        trading.leg_market = 0
        trading.leg_size = 0
        trading.leg_quote = 0


@external
def release_orders(account: uint256, market: uint256, bids: uint256, asks: uint256):
    """
    @notice Gives back the reservation of orders that left the book unfilled, nano base. Exchange only.
    @dev Needs no lock: it calls nobody, and the Exchange, its only caller, holds one of its own.
    """
    self._check_exchange()
    assert position_ledger._release(account, market, bids, asks), trading.RESTING_UNDERFLOW


# ---------------------------------------------------------------- Liquidator only


@external
@nonreentrant
def begin_liquidation(account: uint256):
    """
    @notice Shuts the account for its owner. Liquidator only.
    @dev Settles nothing: equity counts what is unsettled, and each slice settles what it moves.
    """
    self._check_liquidator()
    self._check_not_liquidating(account)
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
            whole lots (toward zero), so that the receiver can close them; the last slice moves all. Inverse positions keep
            their value in coin: the fraction of the cash is taken as if all of it had been paid out.
    @param fraction Wad, at most 1e18.
    @param reserved Cash (wad) of the account that is not for sale: the payments of earlier bidders.
    """
    self._check_liquidator()
    assert fraction != 0 and fraction <= WAD, BAD_FRACTION
    assert sender_account != receiver_account, SAME_ACCOUNT
    self._check_liquidating(sender_account)
    self._check_not_liquidating(receiver_account)
    # The receiver's fraction is also one of the value that inverse positions keep: it counts as cash. 64 values below
    # 2**161 cannot overflow.
    unsold: int256 = convert(reserved, int256)
    markets: DynArray[uint256, MAX_POSITIONS] = position_ledger._markets(
        sender_account, position_ledger.headers[sender_account]
    )
    if len(markets) != 0:
        sender_cash: int256 = staticcall margin_check.VAULT.cash(sender_account)
        receiver_cash: int256 = staticcall margin_check.VAULT.cash(receiver_account)
        sender_before: int256 = sender_cash
        receiver_before: int256 = receiver_cash
        settled: bool = False
        shifted: bool = False
        words: DynArray[uint256, MAX_POSITIONS] = staticcall margin_check.INSTRUMENTS.words(markets, skip_contract_check=True)
        lots: DynArray[uint256, MAX_POSITIONS] = staticcall margin_check.INSTRUMENTS.lot_sizes(markets)
        for i: uint256 in range(len(markets), bound=MAX_POSITIONS):
            held: uint256 = position_ledger._position(sender_account, markets[i])
            if ledger_math._is_empty(held):
                continue
            size: int256 = ledger_math._size(held)
            coin: int256 = 0
            if markets[i] >> 7 == market_math.INVERSE_BLOCK:
                coin = trading._coin_part(held, convert(fraction, int256), convert(WAD, int256))
            moved: int256 = size
            if fraction != WAD:
                # |size| < 2**79 and fraction <= 1e18: the product stays below 2**139, and what is left of it after
                # both divisions below |size|. `//` on a positive divisor truncates toward zero here on purpose.
                lot: int256 = convert(lots[i], int256)
                moved = unsafe_mul(unsafe_mul(size, convert(fraction, int256)) // convert(WAD, int256) // lot, lot)
            logged: bool = False
            sender_cash, logged = trading._settle_one(
                sender_account, markets[i], moved, coin, words[i], sender_cash
            )
            settled = settled or logged
            if markets[i] >> 7 == market_math.INVERSE_BLOCK:
                unsold = unsafe_sub(unsold, margin_check._risk(sender_account, markets[i], words[i]).unrealised)
            if moved == 0 and coin == 0:
                continue
            shifted = True
            trading._count_exchange(
                markets[i], size, ledger_math._size(position_ledger._position(receiver_account, markets[i])), moved
            )
            receiver_cash = trading._shift(
                receiver_account, markets[i], moved, coin, words[i] & MASK_72, words[i], receiver_cash
            )
        if settled:
            trading._book(sender_account, sender_cash - sender_before)
        if shifted:
            trading._book(receiver_account, receiver_cash - receiver_before)
        # Once for all: an engine that admits the last market beside the others admits a slice of them.
        trading._check_last_permitted(receiver_account)
    extcall margin_check.VAULT.move_slice(sender_account, receiver_account, fraction, unsold)


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
    held: uint256 = position_ledger._position(account, market)
    mine: int256 = ledger_math._size(held)
    theirs: int256 = ledger_math._size(position_ledger._position(counterparty, market))
    assert not (
        size == 0 or trading._adds_risk(mine, mine + size) or trading._adds_risk(theirs, theirs - size)
    ), NOT_REDUCING
    word: uint256 = 0
    cap: uint256 = 0
    word, cap = extcall margin_check.INSTRUMENTS.touch(market)
    expiry._check_open(word)
    # What belongs to the contracts that are closed, of what the account holds: the last of them take all of it.
    coin: int256 = trading._coin_part(held, size, mine) if market >> 7 == market_math.INVERSE_BLOCK else 0
    trading._count_exchange(market, mine, theirs, -size)
    trading._move(account, market, size, coin, price, word)
    trading._move(counterparty, market, -size, -coin, price, word)


# ---------------------------------------------------------------- CoinPool only


@external
@nonreentrant
def settle_coin(account: uint256, market: uint256, coin: int256, price: uint256):
    """
    @notice Adds to the coin balance of an inverse position what the CoinPool moved the other way. CoinPool only.
    @param coin Nano coin, signed.
    @param price Nano USD at which the coin is paid for in cash; 0 when collateral has paid for it.
    """
    assert msg.sender == COIN_POOL, NOT_COIN_POOL
    word: uint256 = 0
    cap: uint256 = 0
    word, cap = extcall margin_check.INSTRUMENTS.touch(market)
    trading._move(account, market, 0, coin, price, word)


# ---------------------------------------------------------------- views


@external
@view
def coin_pool() -> address:
    """
    @notice What settles inverse positions in coin.
    """
    return COIN_POOL


@external
@view
def authorised(account: uint256, caller: address) -> bool:
    """
    @notice Whether `caller` owns the account or is its delegate.
    """
    return staticcall margin_check.VAULT.authorised(account, caller, skip_contract_check=True)


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
def open_interest(market: uint256) -> uint256:
    """
    @notice Long size of a market, nano base; equal to the short size.
    """
    return position_ledger.open_interest[market]


@external
@view
def words_of(first: uint256, count: uint256, markets: DynArray[uint256, MAX_POSITIONS]) -> DynArray[uint256, 2048]:
    """
    @notice Raw positions of accounts first..first+count-1 for batch readers: per account its header word, then
            per market the position word and the orders word (0 without resting orders).
    """
    words: DynArray[uint256, 2048] = []
    for account: uint256 in range(first, first + count, bound=2048):
        words.append(position_ledger.headers[account])
        for market: uint256 in markets:
            word: uint256 = position_ledger._position(account, market)
            words.append(word)
            if word & (ledger_math.HAS_ORDERS << 248) == 0:
                words.append(0)
            else:
                words.append(position_ledger.orders[(account << 16) | market])
    return words


# ---------------------------------------------------------------- internal: trades


# ---------------------------------------------------------------- internal: access


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
