# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title SolvencyGuard: what the backstop would have to carry, against what it has
@license AGPL-3.0-only
@notice Keeps one record for each account, the part of its delta that its own capital would not cover if every
        underlying moved against it by the stress (math/solvency_math.vy), and the totals of all records by
        underlying and side. Capital is equity and the account's credit line, which pays before the fund.
        Resting orders count at their worst for either side, so that a maker's fill later surprises nobody.
        The buffer of an underlying is a share of the insurance fund less what accounts owe already; shares are
        at most 100 % together, so that no combination of moves up to the stress takes more than the fund.

        An action that raises an account's own contribution to a side that is then past its buffer is refused or
        charged, by mode; one that lowers or keeps it never is. Trades are compared at the same prices before
        and after; money that leaves is compared with the record, which anyone may bring up to date first.
        Liquidation, settlement, reduce-only orders and cancels never ask; a trade that adds no size is recorded
        when it can be, and goes on when not. Prices that are not valid change no record: actions that add risk
        are refused by the margin check anyway.
"""

from ethereum.ercs import IERC20Detailed
from contracts.interfaces import IInstruments
from contracts.interfaces import IInsuranceFund
from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.interfaces import ISolvencyGuard
from contracts.math import ledger_math
from contracts.math import market_math
from contracts.math import solvency_math
from contracts.modules import exposures
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: ISolvencyGuard

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

interface IAsset:
    def asset() -> address: view

PAST_BUFFER: constant(String[40]) = "solvency_guard: past the buffer"
NOT_EXCHANGE: constant(String[40]) = "solvency_guard: not the exchange"
NOT_VAULT: constant(String[40]) = "solvency_guard: not the vault"
NO_ADDRESS: constant(String[40]) = "solvency_guard: zero address"
WIRED: constant(String[40]) = "solvency_guard: already wired"
BAD_MODE: constant(String[40]) = "solvency_guard: one mode"
BAD_RATE: constant(String[40]) = "solvency_guard: rate out of bound"
BAD_STRESS: constant(String[40]) = "solvency_guard: stress out of bound"
BAD_SHARE: constant(String[40]) = "solvency_guard: shares above 100 %"
NO_UNDERLYING: constant(String[40]) = "solvency_guard: no such underlying"
TOO_MANY: constant(String[40]) = "solvency_guard: too many underlyings"
BAD_MARKET: constant(String[40]) = "solvency_guard: no such market"
BAD_ASSET: constant(String[40]) = "solvency_guard: asset out of range"

# Places of underlyings count from 1; exposures has a line for each and line 0 for what belongs to none.
MAX_UNDERLYINGS: constant(uint256) = exposures.LINES - 1
LINES: constant(uint256) = exposures.LINES
BPS: constant(uint256) = solvency_math.BPS
NANO: constant(uint256) = solvency_math.NANO
INANO: constant(int256) = 10**9
# Two measures and a word that says whether they count.
MEASURE_WORDS: constant(uint256) = 2 * (1 + LINES) + 1
GREEKS_BYTES: constant(uint256) = 64 + 32 * 64
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1
MASK_112: constant(uint256) = 2**112 - 1
MASK_128: constant(uint256) = 2**128 - 1
# `places`: 256 perpetuals, 256 series, 32 collaterals, a byte each.
SERIES_WORD: constant(uint256) = 8
COLLATERAL_WORD: constant(uint256) = 16
MAX_COLLATERAL: constant(uint256) = 31

event Wired:
    vault: address
    ledger: address
    exchange: address
    fund: address
    greeks: address

struct Measure:
    owed: uint256                   # nano USD
    sides: uint256[LINES]           # by place, nano USD: long | short << 128

INSTRUMENTS: immutable(IInstruments)

vault: public(address)
ledger: public(ILedger)
exchange: public(address)
fund: public(IInsuranceFund)
# Sensitivities of options (IGreeks); without it they are exposed in full.
greeks: public(address)

# Wad of a token unit of the fund.
scale: uint256
# mode 8 | rate 16 | number of underlyings 8 | owed by all 112, nano USD
settings: uint256
# feed of the underlying at place p: 16 bits from 16 * (p - 1)
feeds: uint256
place_of_feed: HashMap[uint256, uint256]
# by place: long 112 | short 112 | stress 16 | share 16; nano USD, bps
totals: uint256[LINES]
places: uint256[17]
# account -> owed 80 | bitmap of the places where it has a record, from bit 80
heads: HashMap[uint256, uint256]
# account << 8 | place -> long | short << 128, nano USD
records: HashMap[uint256, uint256]


@deploy
def __init__(instruments: address):
    """
    @notice Deploys a guard that knows no underlying and observes; owned by the deployer.
    @param instruments The registry, which says which feed a market has.
    """
    assert instruments != empty(address), NO_ADDRESS
    ownable.__init__()
    ownable_2step.__init__()
    INSTRUMENTS = IInstruments(instruments)
    self._set_mode(ISolvencyGuard.Mode.OBSERVE, 0)


@external
def wire(vault: address, ledger: address, exchange: address, fund: address, greeks: address):
    """
    @notice Names, once, who asks and who is asked. Owner only.
    @param greeks Sensitivities of options; the zero address where there are none.
    """
    ownable._check_owner()
    assert self.vault == empty(address), WIRED
    assert vault != empty(address) and ledger != empty(address), NO_ADDRESS
    assert exchange != empty(address) and fund != empty(address), NO_ADDRESS
    self.vault = vault
    self.ledger = ILedger(ledger)
    self.exchange = exchange
    self.fund = IInsuranceFund(fund)
    self.scale = 10 ** convert(18 - staticcall IERC20Detailed(staticcall IAsset(fund).asset()).decimals(), uint256)
    self.greeks = greeks
    log Wired(vault=vault, ledger=ledger, exchange=exchange, fund=fund, greeks=greeks)


# ---------------------------------------------------------------- Exchange and Vault only


@external
@nonreentrant
def observe_trade(account: uint256, trade: ISolvencyGuard.Trade) -> uint256:
    """
    @notice Records what the account will contribute once the trade is booked. Exchange only, before it books.
    @param trade The taker's side; its makers are booked already.
    @return uint256 Charge, wad, which the Exchange adds to the fee.
    """
    assert msg.sender == self.exchange, NOT_EXCHANGE
    before: Measure = empty(Measure)
    after: Measure = empty(Measure)
    valid: bool = False
    if self._adds_size(account, trade):
        before, after, valid = self._measured(account, trade)
        return self._observed(account, before, after, valid)
    # Whoever only reduces must not depend on anything asked here. Too little gas for the measurement leaves the
    # record as it was, which is too high if anything.
    success: bool = False
    answer: Bytes[32 * MEASURE_WORDS] = b""
    success, answer = raw_call(
        self,
        abi_encode(account, trade, method_id=method_id("measure(uint256,(uint256,int256,int256,uint256,int256))")),
        max_outsize=32 * MEASURE_WORDS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if success:
        before, after, valid = abi_decode(answer, (Measure, Measure, bool))
        if valid:
            self._record(account, after)
    return 0


@external
@nonreentrant
def observe_outflow(account: uint256) -> uint256:
    """
    @notice Records what the account contributes without what has left it. Vault only, before it checks margin.
    @return uint256 Charge, wad, for what has been added to the record, which the Vault takes from cash.
    """
    assert msg.sender == self.vault, NOT_VAULT
    before: Measure = empty(Measure)
    after: Measure = empty(Measure)
    valid: bool = False
    before, after, valid = self._measured(account, empty(ISolvencyGuard.Trade))
    return self._observed(account, self._recorded(account), after, valid)


# ---------------------------------------------------------------- everyone


@external
@nonreentrant
def refresh(accounts: DynArray[uint256, 64]):
    """
    @notice Brings records to now: prices have moved, or a liquidation has. Skips accounts whose prices are not valid
            or that cannot be measured. Refuses and charges nothing; anyone.
    """
    for account: uint256 in accounts:
        success: bool = False
        answer: Bytes[32 * MEASURE_WORDS] = b""
        success, answer = raw_call(
            self,
            abi_encode(
                account,
                empty(ISolvencyGuard.Trade),
                method_id=method_id("measure(uint256,(uint256,int256,int256,uint256,int256))"),
            ),
            max_outsize=32 * MEASURE_WORDS,
            is_static_call=True,
            revert_on_failure=False,
        )
        if success:
            before: Measure = empty(Measure)
            after: Measure = empty(Measure)
            valid: bool = False
            before, after, valid = abi_decode(answer, (Measure, Measure, bool))
            if valid:
                self._record(account, after)


@external
def admit_markets(markets: DynArray[uint256, 64]):
    """
    @notice Counts perpetuals, and series by any of their markets, to the underlying of the feed that the registry names;
            anyone. What is not admitted is in equity and in no delta.
    """
    for market: uint256 in markets:
        assert market != 0 and market <= market_math.MAX_MARKET, BAD_MARKET
        feed: uint256 = (staticcall INSTRUMENTS.spec(market)).feed
        place: uint256 = self.place_of_feed[feed]
        assert place != 0, NO_UNDERLYING
        if market <= MASK_8:
            self._set_place(market, place)
        else:
            self._set_place(32 * SERIES_WORD + (market >> 8), place)
        log ISolvencyGuard.MarketAdmitted(market=market, feed=feed)


@external
@view
def measure(account: uint256, trade: ISolvencyGuard.Trade) -> (Measure, Measure, bool):
    """
    @notice What the account contributes by place, now and after a trade, nano USD packed as in `records`.
    @return bool Whether every price was valid.
    """
    return self._measured(account, trade)


@external
@view
def preview_trade(account: uint256, trade: ISolvencyGuard.Trade) -> (uint256, bool):
    """
    @notice What `observe_trade` would answer.
    @return uint256 Charge, wad.
    @return bool Whether it would be refused.
    """
    if not self._adds_size(account, trade):
        return 0, False
    before: Measure = empty(Measure)
    after: Measure = empty(Measure)
    valid: bool = False
    before, after, valid = self._measured(account, trade)
    return self._judged(account, before, after)


@external
@view
def preview(account: uint256) -> (DynArray[ISolvencyGuard.Contribution, 16], uint256, bool):
    """
    @notice What `refresh` would record.
    @return Contributions other than zero, wad USD; what the account owes already, wad; whether every price is valid.
    """
    before: Measure = empty(Measure)
    after: Measure = empty(Measure)
    valid: bool = False
    before, after, valid = self._measured(account, empty(ISolvencyGuard.Trade))
    return self._listed(after), after.owed * NANO, valid


@external
@view
def contribution(account: uint256) -> (DynArray[ISolvencyGuard.Contribution, 16], uint256):
    """
    @notice The account's record.
    @return Contributions other than zero, wad USD; what it owed already, wad.
    """
    found: Measure = self._recorded(account)
    return self._listed(found), found.owed * NANO


@external
@view
def solvency_delta(feed: uint256) -> ISolvencyGuard.SolvencyDelta:
    """
    @notice Sums of all records of an underlying against its buffer, wad USD.
    """
    place: uint256 = self.place_of_feed[feed]
    assert place != 0, NO_UNDERLYING
    word: uint256 = self.totals[place]
    long: uint256 = word & MASK_112
    short: uint256 = (word >> 112) & MASK_112
    stressed: uint256 = solvency_math._stressed_up(max(long, short), (word >> 224) & MASK_16)
    buffer: uint256 = solvency_math._buffer_down(self._assets(), self.settings >> 32, word >> 240)
    return ISolvencyGuard.SolvencyDelta(
        long=long * NANO,
        short=short * NANO,
        stressed=stressed * NANO,
        buffer=buffer * NANO,
        room=(max(buffer, stressed) - stressed) * NANO,
    )


@external
@view
def owed() -> uint256:
    """
    @notice What accounts owe already by their records, wad.
    """
    return (self.settings >> 32) * NANO


@external
@view
def mode() -> (ISolvencyGuard.Mode, uint256):
    """
    @notice What happens past the buffer, and the rate of the charge in bps.
    """
    return convert(self.settings & MASK_8, ISolvencyGuard.Mode), (self.settings >> 8) & MASK_16


@external
@view
def underlying(feed: uint256) -> (uint256, uint256):
    """
    @notice Stress and share of an underlying, bps; both 0 where it is not watched.
    """
    word: uint256 = self.totals[self.place_of_feed[feed]]
    return (word >> 224) & MASK_16, word >> 240


@external
@view
def underlying_of(market: uint256) -> uint256:
    """
    @notice Feed whose underlying a market counts to; 0 where it was not admitted.
    """
    place: uint256 = self._place_of(market)
    if place == 0:
        return 0
    return self._feed_at(place)


# ---------------------------------------------------------------- owner only


@external
def set_mode(mode: ISolvencyGuard.Mode, rate: uint256):
    """
    @notice Says what happens past the buffer. Owner only.
    @param rate Bps of the stressed exposure past the buffer that PRICE charges, at most 10_000.
    """
    ownable._check_owner()
    self._set_mode(mode, rate)


@external
def set_underlying(feed: uint256, stress: uint256, share: uint256):
    """
    @notice Watches an underlying. Records made under an older stress stay until they are refreshed. Owner only.
    @param stress Relative move that is feared, bps, 1 to 10_000.
    @param share Bps of the fund that may stand behind this underlying; all shares at most 10_000.
    """
    ownable._check_owner()
    assert feed != 0 and feed <= MASK_16, NO_UNDERLYING
    assert stress != 0 and stress <= BPS, BAD_STRESS
    place: uint256 = self.place_of_feed[feed]
    if place == 0:
        place = ((self.settings >> 24) & MASK_8) + 1
        assert place <= MAX_UNDERLYINGS, TOO_MANY
        self.settings += 1 << 24
        self.feeds |= feed << (16 * (place - 1))
        self.place_of_feed[feed] = place
    self._set_underlying(feed, place, stress, share)
    shares: uint256 = 0
    for i: uint256 in range(1, LINES):
        shares += self.totals[i] >> 240
    assert shares <= BPS, BAD_SHARE


@external
def remove_underlying(feed: uint256):
    """
    @notice Watches an underlying no longer: nothing of it is refused or charged, and its records go when they are
            refreshed. `set_underlying` brings it back. Owner only.
    """
    ownable._check_owner()
    place: uint256 = self.place_of_feed[feed]
    assert place != 0, NO_UNDERLYING
    self._set_underlying(feed, place, 0, 0)


@external
def map_collaterals(assets: DynArray[uint256, 8], feeds: DynArray[uint256, 8]):
    """
    @notice Says which underlying's price moves a collateral. Owner only.
    @param assets Numbers of collaterals, 1 to 31.
    @param feeds Feed of each; 0: its value moves with none.
    """
    ownable._check_owner()
    assert len(assets) == len(feeds), BAD_ASSET
    for i: uint256 in range(len(assets), bound=8):
        assert assets[i] != 0 and assets[i] <= MAX_COLLATERAL, BAD_ASSET
        place: uint256 = self.place_of_feed[feeds[i]]
        assert place != 0 or feeds[i] == 0, NO_UNDERLYING
        self._set_place(32 * COLLATERAL_WORD + assets[i], place)
        log ISolvencyGuard.CollateralMapped(asset=assets[i], feed=feeds[i])


# ---------------------------------------------------------------- internal: an account


@internal
@view
def _adds_size(account: uint256, trade: ISolvencyGuard.Trade) -> bool:
    """
    @dev As the Ledger decides whether risk is added: a position that grows or changes side, or a worst size that grows.
    """
    now: ILedger.Position = staticcall self.ledger.position(account, trade.market)
    after: int256 = now.size + trade.size
    bids: uint256 = now.bids + convert(max(trade.resting, 0), uint256)
    asks: uint256 = now.asks + convert(max(-trade.resting, 0), uint256)
    return (
        max(after, 0) > max(now.size, 0)
        or min(after, 0) < min(now.size, 0)
        or ledger_math._worst_size(after, bids, asks) > ledger_math._worst_size(now.size, now.bids, now.asks)
    )


@internal
@view
def _measured(account: uint256, trade: ISolvencyGuard.Trade) -> (Measure, Measure, bool):
    """
    @dev Contributions as the account stands and after the trade, at the same prices, and whether all are valid.
    """
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    view, valid = staticcall self.ledger.portfolio(account)
    options: DynArray[uint256, 64] = []
    traded: IMarginEngine.PositionRisk = empty(IMarginEngine.PositionRisk)
    capital: int256 = view.cash
    for position: IMarginEngine.PositionRisk in view.positions:
        capital += position.unrealised
        if market_math._kind(position.market) == market_math.OPTION:
            options.append(position.market)
        if position.market == trade.market:
            traded = position
    is_option: bool = market_math._kind(trade.market) == market_math.OPTION
    unlisted: bool = traded.market == 0 and trade.market != 0
    if unlisted and is_option and len(options) < 64:
        options.append(trade.market)
    words: DynArray[uint256, 64] = self._sensitivities(options)
    lines: exposures.Line[LINES] = empty(exposures.Line[LINES])
    option: uint256 = 0
    traded_word: uint256 = 0
    for position: IMarginEngine.PositionRisk in view.positions:
        word: uint256 = 0
        if market_math._kind(position.market) == market_math.OPTION:
            word = words[option]
            option += 1
        if position.market == trade.market:
            traded_word = word
            continue
        place: uint256 = self._place_of(position.market)
        if place != 0:
            lines[place] = exposures._added(lines[place], position, True, word, 0, 0)
    for collateral: IMarginEngine.CollateralRisk in view.collaterals:
        # A credit line is the last of them and has no place.
        capital += convert(collateral.value, int256)
        place: uint256 = self._place_of_collateral(collateral.asset)
        if place != 0:
            lines[place].long += collateral.value
    place: uint256 = 0
    if trade.market != 0:
        place = self._place_of(trade.market)
    rest: exposures.Line = lines[place]
    if place != 0 and traded.market != 0:
        lines[place] = exposures._added(rest, traded, True, traded_word, 0, 0)
    reaches: uint256[LINES] = empty(uint256[LINES])
    for i: uint256 in range(1, self._end(), bound=LINES):
        reaches[i] = self._sides(lines[i])
    before: Measure = self._covered(reaches, capital)
    if trade.market == 0:
        return before, before, valid

    market_word: uint256 = 0
    inverse: bool = trade.market >> 7 == market_math.INVERSE_BLOCK
    if unlisted or inverse:
        market_word = (staticcall INSTRUMENTS.words([trade.market]))[0]
    if unlisted:
        valid = valid and market_word >> 255 == 1
        traded.market = trade.market
        traded.mark = market_word & MASK_72
        traded.spot = (market_word >> 72) & MASK_72
        if is_option and option < len(words):
            traded_word = words[option]
    mark: int256 = convert(traded.mark, int256)
    if trade.size == 0:
        pass
    elif inverse:
        # A trade settles the funding that is due: out of the coin's part and out of cash, the same amount.
        gained: int256 = trade.quote * mark - trade.size * INANO
        index: int256 = (staticcall self.ledger.position(account, trade.market)).funding_index
        now: int256 = convert(convert(market_word << 32, bytes32), int256) >> 176
        traded.unrealised += gained + traded.size * (now - index)
        capital += gained
    else:
        capital += trade.size * mark - trade.quote
    capital -= convert(trade.fee, int256)
    traded.size += trade.size
    traded.bids += convert(max(trade.resting, 0), uint256)
    traded.asks += convert(max(-trade.resting, 0), uint256)
    if place != 0:
        reaches[place] = self._sides(exposures._added(rest, traded, True, traded_word, 0, 0))
    return before, self._covered(reaches, capital), valid


@internal
@view
def _sensitivities(options: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @dev Words of IGreeks; all zero, exposed in full, where the contract is missing or fails.
    """
    markets: DynArray[uint256, 64] = []
    words: DynArray[uint256, 64] = []
    for market: uint256 in options:
        markets.append(market)
        words.append(0)
    greeks: address = self.greeks
    if len(markets) == 0 or greeks == empty(address):
        return words
    success: bool = False
    answer: Bytes[GREEKS_BYTES] = b""
    success, answer = raw_call(
        greeks,
        abi_encode(markets, method_id=method_id("greeks(uint256[])")),
        max_outsize=GREEKS_BYTES,
        is_static_call=True,
        revert_on_failure=False,
    )
    if success and len(answer) == 64 + 32 * len(markets):
        words = abi_decode(answer, DynArray[uint256, 64])
    return words


@internal
@pure
def _sides(line: exposures.Line) -> uint256:
    """
    @dev `initial` of a line holds the options of which nothing is known.
    """
    if line.long | line.short | line.up | line.down | line.initial == 0:
        return 0
    return solvency_math._sides_up(
        convert(line.long, int256) - convert(line.short, int256), line.up, line.down, line.initial
    )


@internal
@view
def _covered(reaches: uint256[LINES], capital: int256) -> Measure:
    """
    @dev Of each side what the capital does not cover when every underlying moves against its larger side.
    """
    found: Measure = empty(Measure)
    end: uint256 = self._end()
    # bps of nano USD: 16 underlyings, sides below 2**80, stresses up to 10_000
    loss: uint256 = 0
    for i: uint256 in range(1, end, bound=LINES):
        if reaches[i] != 0:
            stress: uint256 = (self.totals[i] >> 224) & MASK_16
            loss += stress * max(reaches[i] & MASK_128, reaches[i] >> 128)
    cover: uint256 = 0
    if capital < 0:
        found.owed = solvency_math._nano_up(convert(-capital, uint256))
    else:
        cover = convert(capital, uint256) // NANO * BPS
    if loss <= cover:
        return found
    for i: uint256 in range(1, end, bound=LINES):
        if reaches[i] != 0 and (self.totals[i] >> 224) & MASK_16 != 0:
            long: uint256 = solvency_math._uncovered_up(reaches[i] & MASK_128, loss - cover, loss)
            short: uint256 = solvency_math._uncovered_up(reaches[i] >> 128, loss - cover, loss)
            found.sides[i] = long | (short << 128)
    return found


# ---------------------------------------------------------------- internal: records and totals


@internal
def _observed(account: uint256, before: Measure, after: Measure, valid: bool) -> uint256:
    """
    @dev Without valid prices nothing is recorded: the margin check that follows refuses.
    """
    if not valid:
        return 0
    charge: uint256 = 0
    refused: bool = False
    charge, refused = self._judged(account, before, after)
    assert not refused, PAST_BUFFER
    self._record(account, after)
    if charge != 0:
        log ISolvencyGuard.ExposureCharged(account=account, charge=charge)
    return charge


@internal
@view
def _judged(account: uint256, before: Measure, after: Measure) -> (uint256, bool):
    """
    @return (charge in wad, whether it is refused) of going from `before` to `after`
    """
    settings: uint256 = self.settings
    mode: uint256 = settings & MASK_8
    if mode == convert(ISolvencyGuard.Mode.OBSERVE, uint256):
        return 0, False
    recorded: Measure = self._recorded(account)
    owed: uint256 = (settings >> 32) - recorded.owed + after.owed
    assets: uint256 = 0
    asked: bool = False
    past: uint256 = 0
    for i: uint256 in range(1, self._end(), bound=LINES):
        added_long: uint256 = self._excess(after.sides[i] & MASK_128, before.sides[i] & MASK_128)
        added_short: uint256 = self._excess(after.sides[i] >> 128, before.sides[i] >> 128)
        if added_long | added_short == 0:
            continue
        if not asked:
            assets = self._assets()
            asked = True
        word: uint256 = self.totals[i]
        stress: uint256 = (word >> 224) & MASK_16
        buffer: uint256 = solvency_math._buffer_down(assets, owed, word >> 240)
        long: uint256 = (word & MASK_112) - (recorded.sides[i] & MASK_128) + (after.sides[i] & MASK_128)
        short: uint256 = ((word >> 112) & MASK_112) - (recorded.sides[i] >> 128) + (after.sides[i] >> 128)
        past += max(
            min(
                solvency_math._stressed_up(added_long, stress),
                self._excess(solvency_math._stressed_up(long, stress), buffer),
            ),
            min(
                solvency_math._stressed_up(added_short, stress),
                self._excess(solvency_math._stressed_up(short, stress), buffer),
            ),
        )
    if mode == convert(ISolvencyGuard.Mode.REFUSE, uint256):
        return 0, past != 0
    return solvency_math._charge_up(past, (settings >> 8) & MASK_16), False


@internal
@pure
def _excess(amount: uint256, bound: uint256) -> uint256:
    return amount - min(amount, bound)


@internal
def _record(account: uint256, after: Measure):
    """
    @dev Replaces the account's record and moves the totals by the difference.
    """
    head: uint256 = self.heads[account]
    bitmap: uint256 = 0
    for i: uint256 in range(1, self._end(), bound=LINES):
        key: uint256 = (account << 8) | i
        old: uint256 = 0
        if (head >> (80 + i)) & 1 == 1:
            old = self.records[key]
        new: uint256 = after.sides[i]
        if new != 0:
            bitmap |= 1 << i
        if new == old:
            continue
        self.records[key] = new
        word: uint256 = self.totals[i]
        long: uint256 = (word & MASK_112) - (old & MASK_128) + (new & MASK_128)
        short: uint256 = ((word >> 112) & MASK_112) - (old >> 128) + (new >> 128)
        self.totals[i] = long | (short << 112) | (word >> 224 << 224)
        log ISolvencyGuard.ContributionChanged(
            account=account,
            feed=self._feed_at(i),
            long=(new & MASK_128) * NANO,
            short=(new >> 128) * NANO,
            total_long=long * NANO,
            total_short=short * NANO,
        )
    owed: uint256 = head & MASK_80
    if after.owed != owed:
        settings: uint256 = self.settings
        total: uint256 = (settings >> 32) - owed + after.owed
        self.settings = (settings & MASK_32) | (total << 32)
        log ISolvencyGuard.OwedChanged(account=account, owed=after.owed * NANO, total=total * NANO)
    now: uint256 = after.owed | (bitmap << 80)
    if now != head:
        self.heads[account] = now


@internal
@view
def _recorded(account: uint256) -> Measure:
    found: Measure = empty(Measure)
    head: uint256 = self.heads[account]
    found.owed = head & MASK_80
    if head >> 80 != 0:
        for i: uint256 in range(1, self._end(), bound=LINES):
            if (head >> (80 + i)) & 1 == 1:
                found.sides[i] = self.records[(account << 8) | i]
    return found


@internal
@view
def _listed(found: Measure) -> DynArray[ISolvencyGuard.Contribution, 16]:
    contributions: DynArray[ISolvencyGuard.Contribution, 16] = []
    for i: uint256 in range(1, self._end(), bound=LINES):
        if found.sides[i] != 0:
            contributions.append(
                ISolvencyGuard.Contribution(
                    feed=self._feed_at(i),
                    long=(found.sides[i] & MASK_128) * NANO,
                    short=(found.sides[i] >> 128) * NANO,
                )
            )
    return contributions


# ---------------------------------------------------------------- internal: parameters


@internal
@view
def _assets() -> uint256:
    """
    @dev What the fund can pay, nano USD, rounded down.
    """
    return min(staticcall self.fund.capacity(), MASK_128) * self.scale // NANO


@internal
def _set_mode(mode: ISolvencyGuard.Mode, rate: uint256):
    number: uint256 = convert(mode, uint256)
    assert number != 0 and number & (number - 1) == 0, BAD_MODE
    assert rate <= BPS, BAD_RATE
    self.settings = (self.settings >> 24 << 24) | number | (rate << 8)
    log ISolvencyGuard.ModeSet(mode=number, rate=rate)


@internal
def _set_underlying(feed: uint256, place: uint256, stress: uint256, share: uint256):
    assert share <= BPS, BAD_SHARE
    self.totals[place] = (self.totals[place] & (2**224 - 1)) | (stress << 224) | (share << 240)
    log ISolvencyGuard.UnderlyingSet(feed=feed, stress=stress, share=share)


@internal
def _set_place(at: uint256, place: uint256):
    bit: uint256 = 8 * (at & 31)
    word: uint256 = at >> 5
    self.places[word] = (self.places[word] & ~(MASK_8 << bit)) | (place << bit)


@internal
@view
def _place_of(market: uint256) -> uint256:
    at: uint256 = market
    if market > MASK_8:
        at = 32 * SERIES_WORD + (market >> 8)
    return (self.places[at >> 5] >> (8 * (at & 31))) & MASK_8


@internal
@view
def _place_of_collateral(asset: uint256) -> uint256:
    return (self.places[COLLATERAL_WORD] >> (8 * min(asset, MAX_COLLATERAL))) & MASK_8


@internal
@view
def _end() -> uint256:
    """
    @dev Places count from 1 up to here.
    """
    return ((self.settings >> 24) & MASK_8) + 1


@internal
@view
def _feed_at(place: uint256) -> uint256:
    return (self.feeds >> (16 * (place - 1))) & MASK_16
