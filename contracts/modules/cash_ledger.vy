# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Cash in USD, its interest, and the identity that the ledger keeps
@license AGPL-3.0-only
@notice Exact in wad after every call (docs/architecture.md):
            sum(cash) + fees + interest_reserve == backing + net_settled + deficit
        Cash of an account earns or owes interest only when it is touched; until then the difference
        between what borrowers have been charged and lenders credited waits in `interest_reserve`.
        Words: totals = supply uint128 | borrow uint128; indexes = borrow uint96 | supply uint96 | time uint64;
        book = net_settled int128 | interest_reserve int128; buckets = fees uint128 | deficit uint128.
"""

from contracts.interfaces import IVault
from contracts.math import interest_math
from contracts.math import ledger_math

WAD: constant(uint256) = 10**18
MASK_96: constant(uint256) = 2**96 - 1
MASK_128: constant(uint256) = 2**128 - 1

RATE_BOUND: constant(String[32]) = "vault: interest out of bound"
BOOK_OUT_OF_RANGE: constant(String[32]) = "vault: book out of range"
NO_CASH: constant(String[32]) = "vault: not enough cash tokens"
# 400 % a year on each slope is beyond any market seen, and keeps the growth formula far from its cap.
MAX_RATE: constant(uint256) = 4 * 10**18

event InterestParametersSet:
    minimum: uint256
    slope: uint256
    high_slope: uint256
    optimal: uint256
    fee: uint256

totals: uint256
indexes: uint256
book: uint256
buckets: uint256
backing: uint256            # wad USD of cash token, by internal accounting; donations do not count
rate_params: interest_math.RateParams
interest_fee: uint256       # wad share of interest kept for the insurance fund


@deploy
def __init__():
    self.indexes = WAD | (WAD << 96) | (block.timestamp << 192)


@internal
def _set_rates(params: interest_math.RateParams, fee: uint256):
    assert (
        params.minimum <= MAX_RATE
        and params.slope <= MAX_RATE
        and params.high_slope <= MAX_RATE
        and params.optimal <= WAD
        and fee <= WAD
    ), RATE_BOUND
    self._accrue()
    self.rate_params = params
    self.interest_fee = fee
    log InterestParametersSet(
        minimum=params.minimum, slope=params.slope, high_slope=params.high_slope, optimal=params.optimal, fee=fee
    )


@internal
@view
def _net_settled() -> int256:
    return convert(convert(self.book << 128, bytes32), int256) >> 128


@internal
@view
def _interest_reserve() -> int256:
    return convert(convert(self.book, bytes32), int256) >> 128


@internal
@view
def _fees() -> uint256:
    return self.buckets & MASK_128


@internal
@view
def _deficit() -> uint256:
    return self.buckets >> 128


@internal
@view
def _indexes_now() -> (uint256, uint256, uint256):
    """
    @return (borrow index, supply index, interest charged to all borrowers since the last accrual, wad)
    """
    packed: uint256 = self.indexes
    borrow_index: uint256 = packed & MASK_96
    supply_index: uint256 = (packed >> 96) & MASK_96
    elapsed: uint256 = block.timestamp - (packed >> 192)
    borrow: uint256 = self.totals >> 128
    if elapsed == 0 or borrow == 0:
        return borrow_index, supply_index, 0
    lendable: uint256 = self.totals & MASK_128
    net_settled: int256 = self._net_settled()
    utilisation: uint256 = interest_math._utilisation(lendable, borrow, net_settled)
    growth: uint256 = interest_math._growth(interest_math._borrow_rate(utilisation, self.rate_params), elapsed)
    grown: uint256 = interest_math._accrue_index_up(borrow_index, growth)
    if grown > MASK_96:
        # The index is at the width of its field: interest may stop after e**25, the protocol may not.
        return borrow_index, supply_index, 0
    # Loans that mirror profits not yet settled were lent by nobody: what they pay goes to the protocol, or a
    # last lender of one unit would earn it all. So the supply index never outgrows the borrow index.
    lendable += convert(max(-net_settled, 0), uint256)
    supply_growth: uint256 = interest_math._supply_growth(growth, max(lendable, borrow), borrow, self.interest_fee)
    return grown, interest_math._accrue_index_down(supply_index, supply_growth), borrow * growth // WAD


@internal
def _accrue() -> (uint256, uint256):
    """
    @dev Brings both indexes to this block; the protocol's share goes to the fees. Calls in the same block change nothing.
    @return (borrow index, supply index)
    """
    packed: uint256 = self.indexes
    if packed >> 192 == block.timestamp:
        return packed & MASK_96, (packed >> 96) & MASK_96
    borrow_index: uint256 = 0
    supply_index: uint256 = 0
    charged: uint256 = 0
    borrow_index, supply_index, charged = self._indexes_now()
    self.indexes = borrow_index | (supply_index << 96) | (block.timestamp << 192)
    if charged != 0:
        supply: uint256 = self.totals & MASK_128
        old_supply_index: uint256 = (packed >> 96) & MASK_96
        credited: uint256 = supply * (supply_index - old_supply_index) // old_supply_index
        borrow: uint256 = (self.totals >> 128) + charged
        assert (supply + credited | borrow) >> 128 == 0, BOOK_OUT_OF_RANGE
        self.totals = (supply + credited) | (borrow << 128)
        kept: uint256 = charged - min(charged, credited)
        self._add_fees(kept)
        self._book(0, -convert(kept, int256))
        log IVault.InterestAccrued(
            borrow_index=borrow_index, supply_index=supply_index, total_borrow=borrow, total_supply=supply + credited
        )
    return borrow_index, supply_index


@internal
@view
def _cash_now(word: uint256) -> int256:
    """
    @dev Cash of an account word with interest to this block, rounded toward minus infinity; changes nothing.
    """
    cash: int256 = ledger_math._cash(word)
    if cash == 0:
        return 0
    borrow_index: uint256 = 0
    supply_index: uint256 = 0
    charged: uint256 = 0
    borrow_index, supply_index, charged = self._indexes_now()
    return interest_math._with_interest(
        cash, ledger_math._cash_index(word), supply_index if cash > 0 else borrow_index
    )


@internal
def _change(word: uint256, delta: int256) -> uint256:
    """
    @dev Books interest since the last touch, then `delta` (wad, signed), into an account word. The
         caller stores the word and books the other side of `delta`.
    @return uint256 The new account word.
    """
    borrow_index: uint256 = 0
    supply_index: uint256 = 0
    borrow_index, supply_index = self._accrue()
    stored: int256 = ledger_math._cash(word)
    accrued: int256 = interest_math._with_interest(
        stored, ledger_math._cash_index(word), supply_index if stored > 0 else borrow_index
    )
    if accrued != stored:
        self._book(0, stored - accrued)
    cash: int256 = accrued + delta

    packed: uint256 = self.totals
    supply: uint256 = packed & MASK_128
    borrow: uint256 = packed >> 128
    # Totals are rounded once for all accounts, accounts each for itself: the subtraction may miss by the
    # rounding of the last account to leave, never by more, so it is clamped at zero.
    if accrued > 0:
        supply -= min(supply, convert(accrued, uint256))
    else:
        borrow -= min(borrow, convert(-accrued, uint256))
    if cash > 0:
        supply += convert(cash, uint256)
    else:
        borrow += convert(-cash, uint256)
    assert (supply | borrow) >> 128 == 0, BOOK_OUT_OF_RANGE
    self.totals = supply | (borrow << 128)
    return ledger_math._with_cash(word, cash, supply_index if cash > 0 else borrow_index)


@internal
def _book(net_settled: int256, interest_reserve: int256):
    """
    @dev Adds to both fields of the book, wad, signed.
    """
    settled: int256 = self._net_settled() + net_settled
    reserve: int256 = self._interest_reserve() + interest_reserve
    assert settled > -2**127 and settled < 2**127 and reserve > -2**127 and reserve < 2**127, BOOK_OUT_OF_RANGE
    self.book = (convert(convert(settled, bytes32), uint256) & MASK_128) | (convert(convert(reserve, bytes32), uint256) << 128)


@internal
def _add_fees(amount: uint256):
    packed: uint256 = self.buckets
    fees: uint256 = (packed & MASK_128) + amount
    assert fees <= MASK_128, BOOK_OUT_OF_RANGE
    self.buckets = (packed >> 128 << 128) | fees


@internal
def _take_fees(amount: uint256):
    packed: uint256 = self.buckets
    self.buckets = (packed >> 128 << 128) | ((packed & MASK_128) - amount)


@internal
def _add_deficit(amount: uint256) -> uint256:
    """
    @return uint256 The deficit after it, wad.
    """
    deficit: uint256 = self._deficit() + amount
    assert deficit <= MASK_128, BOOK_OUT_OF_RANGE
    self.buckets = (deficit << 128) | self._fees()
    return deficit


@internal
@view
def _burn_up(amount: uint256) -> uint256:
    """
    @dev Cash (wad) that a withdrawal of `amount` (wad of cash token) burns: amount * claims / backing, up.
         Equal to `amount` as long as nothing was socialised.
    """
    deficit: uint256 = self._deficit()
    if deficit == 0:
        return amount
    assert self.backing != 0, NO_CASH
    return (amount * (self.backing + deficit) + self.backing - 1) // self.backing


@internal
@view
def _exchange_rate() -> uint256:
    """
    @return uint256 Tokens per unit of cash, wad, rounded down; 1e18 unless a loss was socialised.
    """
    deficit: uint256 = self._deficit()
    if deficit == 0:
        return WAD
    return self.backing * WAD // (self.backing + deficit)


@internal
def _pay_out(amount: uint256, burnt: uint256):
    """
    @dev Books a withdrawal of `amount` (wad) against `burnt` (wad) of cash: the excess repays the deficit.
    """
    backing: uint256 = self.backing
    assert amount <= backing, NO_CASH
    self.backing = unsafe_sub(backing, amount)
    excess: uint256 = burnt - amount
    if excess != 0:
        packed: uint256 = self.buckets
        deficit: uint256 = packed >> 128
        # Rounding up can burn one wei more than is missing; it stays with the protocol as a fee.
        over: uint256 = excess - min(excess, deficit)
        self.buckets = ((deficit - (excess - over)) << 128) | ((packed & MASK_128) + over)
