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
from contracts.interfaces import IInsuranceFund
from contracts.interfaces import ILedger
from contracts.interfaces import ISolvencyGuard
from contracts.math import market_math
from contracts.math import solvency_math
from contracts.modules import exposures
from contracts.modules import solvency_measure
from contracts.modules import solvency_records
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: ISolvencyGuard

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: solvency_records
initializes: solvency_measure[solvency_records := solvency_records]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    solvency_measure.ledger,
    solvency_measure.greeks,
)

interface IAsset:
    def asset() -> address: view

PAST_BUFFER: constant(String[40]) = "solvency_guard: past the buffer"
NOT_EXCHANGE: constant(String[40]) = "solvency_guard: not the exchange"
NOT_VAULT: constant(String[40]) = "solvency_guard: not the vault"
NO_ADDRESS: constant(String[40]) = "solvency_guard: zero address"
WIRED: constant(String[40]) = "solvency_guard: already wired"
BAD_STRESS: constant(String[40]) = "solvency_guard: stress out of bound"
NO_UNDERLYING: constant(String[40]) = "solvency_guard: no such underlying"
TOO_MANY: constant(String[40]) = "solvency_guard: too many underlyings"
BAD_MARKET: constant(String[40]) = "solvency_guard: no such market"
BAD_ASSET: constant(String[40]) = "solvency_guard: asset out of range"

# Places of underlyings count from 1; exposures has a line for each and line 0 for what belongs to none.
MAX_UNDERLYINGS: constant(uint256) = exposures.LINES - 1
LINES: constant(uint256) = exposures.LINES
BPS: constant(uint256) = solvency_math.BPS
NANO: constant(uint256) = solvency_math.NANO
# Two measures and a word that says whether they count.
MEASURE_WORDS: constant(uint256) = 2 * (1 + LINES) + 1
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_112: constant(uint256) = 2**112 - 1
MASK_128: constant(uint256) = 2**128 - 1

event Wired:
    vault: address
    ledger: address
    exchange: address
    fund: address
    greeks: address

vault: public(address)
exchange: public(address)
fund: public(IInsuranceFund)

# Wad of a token unit of the fund.
scale: uint256


@deploy
def __init__(instruments: address):
    """
    @notice Deploys a guard that knows no underlying and observes; owned by the deployer.
    @param instruments The registry, which says which feed a market has.
    """
    assert instruments != empty(address), NO_ADDRESS
    ownable.__init__()
    ownable_2step.__init__()
    solvency_measure.__init__(instruments)
    solvency_records._set_mode(ISolvencyGuard.Mode.OBSERVE, 0)


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
    solvency_measure.ledger = ILedger(ledger)
    self.exchange = exchange
    self.fund = IInsuranceFund(fund)
    self.scale = 10 ** convert(18 - staticcall IERC20Detailed(staticcall IAsset(fund).asset()).decimals(), uint256)
    solvency_measure.greeks = greeks
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
    before: solvency_records.Measure = empty(solvency_records.Measure)
    after: solvency_records.Measure = empty(solvency_records.Measure)
    valid: bool = False
    if solvency_measure._adds_size(account, trade):
        before, after, valid = solvency_measure._measured(account, trade)
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
        before, after, valid = abi_decode(answer, (solvency_records.Measure, solvency_records.Measure, bool))
        if valid:
            solvency_records._record(account, after)
    return 0


@external
@nonreentrant
def observe_outflow(account: uint256) -> uint256:
    """
    @notice Records what the account contributes without what has left it. Vault only, before it checks margin.
    @return uint256 Charge, wad, for what has been added to the record, which the Vault takes from cash.
    """
    assert msg.sender == self.vault, NOT_VAULT
    before: solvency_records.Measure = empty(solvency_records.Measure)
    after: solvency_records.Measure = empty(solvency_records.Measure)
    valid: bool = False
    before, after, valid = solvency_measure._measured(account, empty(ISolvencyGuard.Trade))
    return self._observed(account, solvency_records._recorded(account), after, valid)


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
            before: solvency_records.Measure = empty(solvency_records.Measure)
            after: solvency_records.Measure = empty(solvency_records.Measure)
            valid: bool = False
            before, after, valid = abi_decode(answer, (solvency_records.Measure, solvency_records.Measure, bool))
            if valid:
                solvency_records._record(account, after)


@external
def admit_markets(markets: DynArray[uint256, 64]):
    """
    @notice Counts perpetuals, and series by any of their markets, to the underlying of the feed that the registry names;
            anyone. What is not admitted is in equity and in no delta.
    """
    for market: uint256 in markets:
        assert market != 0 and market <= market_math.MAX_MARKET, BAD_MARKET
        feed: uint256 = (staticcall solvency_measure.INSTRUMENTS.spec(market)).feed
        place: uint256 = solvency_records.place_of_feed[feed]
        assert place != 0, NO_UNDERLYING
        if market <= MASK_8:
            solvency_records._set_place(market, place)
        else:
            solvency_records._set_place(32 * solvency_records.SERIES_WORD + (market >> 8), place)
        log ISolvencyGuard.MarketAdmitted(market=market, feed=feed)


@external
@view
def measure(account: uint256, trade: ISolvencyGuard.Trade) -> (solvency_records.Measure, solvency_records.Measure, bool):
    """
    @notice What the account contributes by place, now and after a trade, nano USD packed as in `records`.
    @return bool Whether every price was valid.
    """
    return solvency_measure._measured(account, trade)


@external
@view
def preview_trade(account: uint256, trade: ISolvencyGuard.Trade) -> (uint256, bool):
    """
    @notice What `observe_trade` would answer.
    @return uint256 Charge, wad.
    @return bool Whether it would be refused.
    """
    if not solvency_measure._adds_size(account, trade):
        return 0, False
    before: solvency_records.Measure = empty(solvency_records.Measure)
    after: solvency_records.Measure = empty(solvency_records.Measure)
    valid: bool = False
    before, after, valid = solvency_measure._measured(account, trade)
    return self._judged(account, before, after)


@external
@view
def preview(account: uint256) -> (DynArray[ISolvencyGuard.Contribution, 16], uint256, bool):
    """
    @notice What `refresh` would record.
    @return Contributions other than zero, wad USD; what the account owes already, wad; whether every price is valid.
    """
    before: solvency_records.Measure = empty(solvency_records.Measure)
    after: solvency_records.Measure = empty(solvency_records.Measure)
    valid: bool = False
    before, after, valid = solvency_measure._measured(account, empty(ISolvencyGuard.Trade))
    return solvency_records._listed(after), after.owed * NANO, valid


@external
@view
def contribution(account: uint256) -> (DynArray[ISolvencyGuard.Contribution, 16], uint256):
    """
    @notice The account's record.
    @return Contributions other than zero, wad USD; what it owed already, wad.
    """
    found: solvency_records.Measure = solvency_records._recorded(account)
    return solvency_records._listed(found), found.owed * NANO


@external
@view
def solvency_delta(feed: uint256) -> ISolvencyGuard.SolvencyDelta:
    """
    @notice Sums of all records of an underlying against its buffer, wad USD.
    """
    place: uint256 = solvency_records.place_of_feed[feed]
    assert place != 0, NO_UNDERLYING
    word: uint256 = solvency_records.totals[place]
    long: uint256 = word & MASK_112
    short: uint256 = (word >> 112) & MASK_112
    stressed: uint256 = solvency_math._stressed_up(max(long, short), (word >> 224) & MASK_16)
    buffer: uint256 = solvency_math._buffer_down(self._assets(), solvency_records.settings >> 32, word >> 240)
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
    return (solvency_records.settings >> 32) * NANO


@external
@view
def mode() -> (ISolvencyGuard.Mode, uint256):
    """
    @notice What happens past the buffer, and the rate of the charge in bps.
    """
    return convert(solvency_records.settings & MASK_8, ISolvencyGuard.Mode), (solvency_records.settings >> 8) & MASK_16


@external
@view
def underlying(feed: uint256) -> (uint256, uint256):
    """
    @notice Stress and share of an underlying, bps; both 0 where it is not watched.
    """
    word: uint256 = solvency_records.totals[solvency_records.place_of_feed[feed]]
    return (word >> 224) & MASK_16, word >> 240


@external
@view
def underlying_of(market: uint256) -> uint256:
    """
    @notice Feed whose underlying a market counts to; 0 where it was not admitted.
    """
    place: uint256 = solvency_records._place_of(market)
    if place == 0:
        return 0
    return solvency_records._feed_at(place)


# ---------------------------------------------------------------- owner only


@external
def set_mode(mode: ISolvencyGuard.Mode, rate: uint256):
    """
    @notice Says what happens past the buffer. Owner only.
    @param rate Bps of the stressed exposure past the buffer that PRICE charges, at most 10_000.
    """
    ownable._check_owner()
    solvency_records._set_mode(mode, rate)


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
    place: uint256 = solvency_records.place_of_feed[feed]
    if place == 0:
        place = ((solvency_records.settings >> 24) & MASK_8) + 1
        assert place <= MAX_UNDERLYINGS, TOO_MANY
        solvency_records.settings += 1 << 24
        solvency_records.feeds |= feed << (16 * (place - 1))
        solvency_records.place_of_feed[feed] = place
    solvency_records._set_underlying(feed, place, stress, share)
    shares: uint256 = 0
    for i: uint256 in range(1, LINES):
        shares += solvency_records.totals[i] >> 240
    assert shares <= BPS, solvency_records.BAD_SHARE


@external
def remove_underlying(feed: uint256):
    """
    @notice Watches an underlying no longer: nothing of it is refused or charged, and its records go when they are
            refreshed. `set_underlying` brings it back. Owner only.
    """
    ownable._check_owner()
    place: uint256 = solvency_records.place_of_feed[feed]
    assert place != 0, NO_UNDERLYING
    solvency_records._set_underlying(feed, place, 0, 0)


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
        assert assets[i] != 0 and assets[i] <= solvency_records.MAX_COLLATERAL, BAD_ASSET
        place: uint256 = solvency_records.place_of_feed[feeds[i]]
        assert place != 0 or feeds[i] == 0, NO_UNDERLYING
        solvency_records._set_place(32 * solvency_records.COLLATERAL_WORD + assets[i], place)
        log ISolvencyGuard.CollateralMapped(asset=assets[i], feed=feeds[i])


# ---------------------------------------------------------------- internal


@internal
def _observed(account: uint256, before: solvency_records.Measure, after: solvency_records.Measure, valid: bool) -> uint256:
    """
    @dev Without valid prices nothing is recorded: the margin check that follows refuses.
    """
    if not valid:
        return 0
    charge: uint256 = 0
    refused: bool = False
    charge, refused = self._judged(account, before, after)
    assert not refused, PAST_BUFFER
    solvency_records._record(account, after)
    if charge != 0:
        log ISolvencyGuard.ExposureCharged(account=account, charge=charge)
    return charge


@internal
@view
def _judged(account: uint256, before: solvency_records.Measure, after: solvency_records.Measure) -> (uint256, bool):
    """
    @return (charge in wad, whether it is refused) of going from `before` to `after`
    """
    settings: uint256 = solvency_records.settings
    mode: uint256 = settings & MASK_8
    if mode == convert(ISolvencyGuard.Mode.OBSERVE, uint256):
        return 0, False
    recorded: solvency_records.Measure = solvency_records._recorded(account)
    owed: uint256 = (settings >> 32) - recorded.owed + after.owed
    assets: uint256 = 0
    asked: bool = False
    past: uint256 = 0
    for i: uint256 in range(1, solvency_records._end(), bound=LINES):
        added_long: uint256 = self._excess(after.sides[i] & MASK_128, before.sides[i] & MASK_128)
        added_short: uint256 = self._excess(after.sides[i] >> 128, before.sides[i] >> 128)
        if added_long | added_short == 0:
            continue
        if not asked:
            assets = self._assets()
            asked = True
        word: uint256 = solvency_records.totals[i]
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
@view
def _assets() -> uint256:
    """
    @dev What the fund can pay, nano USD, rounded down.
    """
    return min(staticcall self.fund.capacity(), MASK_128) * self.scale // NANO
