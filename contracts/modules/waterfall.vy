# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The insolvency waterfall: credit line, insurance fund, deleveraging, write-off
@license AGPL-3.0-only
@notice Every stage acts only when the one before has nothing left, and each wei of bad debt is recognised by one
        BadDebtRealised or forgone by one counterparty. Of an account with a credit line the desk that granted it pays
        first, up to the line (ICreditDesk); a desk that fails or has nothing is passed over.
"""

from ethereum.ercs import IERC20Detailed
from ethereum.ercs import IERC4626

from contracts.interfaces import IInstruments
from contracts.interfaces import IInsuranceFund
from contracts.interfaces import ILedger
from contracts.interfaces import ILiquidator
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IVault
from contracts.math import deleverage_math
from contracts.math import fixed_point
from contracts.math import ledger_math
from contracts.math import market_math
from contracts.modules import auction_phases
from contracts.modules import auction_quote
from contracts.modules import auction_store
from contracts.modules import liquidation_parameters

uses: auction_phases
uses: auction_quote
uses: auction_store
uses: liquidation_parameters

FUND_ABLE: constant(String[32]) = "liquidator: fund can still pay"
NO_POSITION: constant(String[32]) = "liquidator: no position"
COUNTERPARTY: constant(String[32]) = "liquidator: bad counterparty"
RANK: constant(String[32]) = "liquidator: rank not descending"
NOT_FLAT: constant(String[32]) = "liquidator: account not flat"

# What the desk may spend, a multiple of what it needs. A caller who leaves it less cannot make it fail and go on: of
# the gas that it lacked a 63rd at most would be left, too little for the assessment that follows every draw.
DRAW_GAS: constant(uint256) = 500_000
CAPACITY_GAS: constant(uint256) = 100_000
MAX_UNITS: constant(uint256) = 2**128

# Reason of CashMoved (IVault): a liquidation payment.
PAYMENT: constant(uint256) = 4

MAX_COUNTERPARTIES: constant(uint256) = 8
MAX_POSITIONS: constant(uint256) = 64
# Market numbers above it are of dated series (math/market_math.vy).
MAX_PERPETUAL: constant(uint256) = 255
# Bit of a market word (IInstruments).
SETTLED_BIT: constant(uint256) = 1 << 253

VAULT: immutable(IVault)
INSTRUMENTS: immutable(IInstruments)
FUND: immutable(IInsuranceFund)
# Wad per unit of the cash token.
SCALE: immutable(uint256)
# The zero address: no account has a line. Fixed, because every draw would pay for reading it.
DESK: immutable(address)


@deploy
def __init__(vault: address, instruments: address, insurance_fund: address, credit_desk: address):
    VAULT = IVault(vault)
    INSTRUMENTS = IInstruments(instruments)
    FUND = IInsuranceFund(insurance_fund)
    DESK = credit_desk
    asset: address = staticcall IERC4626(insurance_fund).asset()
    SCALE = 10 ** convert(18 - staticcall IERC20Detailed(asset).decimals(), uint256)


@external
@view
def credit_desk() -> address:
    """
    @notice The desk that pays first for accounts with a credit line; the zero address without one.
    """
    return DESK


@external
@nonreentrant
def mark_deleverage(account: uint256):
    """
    @notice Gives up an insolvent auction that credit line and fund cannot pay for, or that nobody took until its end;
            anyone. They first pay what they can of the deficit.
    """
    state: auction_store.State = auction_store._load(account)
    assert state.phase == ILiquidator.Phase.INSOLVENT, auction_phases.WRONG_PHASE
    now: IMarginEngine.Assessment = auction_quote._assess(account)
    quote: auction_quote.Quote = auction_quote._quote(state, now)
    assert quote.buffer_margin < 0, auction_phases.HEALTHY
    assert not auction_quote._is_recovered(state, now), auction_phases.RESTART
    if block.timestamp < state.started + liquidation_parameters.settings.insolvent_length:
        able: uint256 = staticcall FUND.capacity() + self._line_capacity(account)
        assert able * SCALE < convert(-quote.price, uint256), FUND_ABLE
    if now.equity < 0:
        covered: uint256 = min(self._draw(account, convert(-now.equity, uint256)), convert(-now.equity, uint256))
        if covered != 0:
            log ILiquidator.BadDebtRealised(account=account, amount=covered, socialised=0)
        now = auction_quote._assess(account)
    auction_phases._enter_deleverage(account, state, now)


@external
@nonreentrant
def deleverage(account: uint256, market: uint256, counterparties: DynArray[uint256, MAX_COUNTERPARTIES]):
    """
    @notice Closes the account's position in one market against ranked counterparties; anyone.
            Without a deficit it closes at mark and nobody forgoes anything. Settled positions stay (the
            Ledger's `settle_expired` closes them) and the deficit is shared among the others. The order is verified: scores (profit ratio times leverage) must not increase along the list.
            That nobody better was left out cannot be; it costs a counterparty at most its own profit, and
            at most its equity. An inverse position closes at mark, its coin for cash, and what a counterparty forgoes it pays in cash.
    @param counterparties Accounts on the other side, with positive equity, not in liquidation.
    """
    assert auction_store._load(account).phase == ILiquidator.Phase.DELEVERAGE, auction_phases.WRONG_PHASE
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    view, valid = staticcall auction_quote.LEDGER.portfolio(account)
    assert valid, auction_quote.STALE_PRICE
    # Only what expires can be settled; the registry is not asked again for perpetuals.
    dated: DynArray[uint256, MAX_POSITIONS] = []
    for held: IMarginEngine.PositionRisk in view.positions:
        if held.market > MAX_PERPETUAL:
            dated.append(held.market)
    words: DynArray[uint256, MAX_POSITIONS] = []
    if len(dated) != 0:
        words = staticcall INSTRUMENTS.words(dated)
    size: int256 = 0
    mark: uint256 = 0
    total: uint256 = 0
    i: uint256 = 0
    for held: IMarginEngine.PositionRisk in view.positions:
        if held.market > MAX_PERPETUAL:
            word: uint256 = words[i]
            i += 1
            # A payoff is not deleveraged, so it bears no part of the deficit either.
            if word & SETTLED_BIT != 0:
                continue
        total += convert(abs(held.size), uint256) * self._worth(held.market, held.mark)
        if held.market == market:
            size = held.size
            mark = held.mark
    assert size != 0, NO_POSITION

    left: uint256 = convert(abs(size), uint256)
    missing: uint256 = convert(max(-auction_quote._assess(account).equity, 0), uint256)
    worth: uint256 = self._worth(market, mark)
    is_inverse: bool = market >> 7 == market_math.INVERSE_BLOCK
    deficit: uint256 = deleverage_math._deficit_share_up(missing, left * worth, total)
    funding_index: int256 = fixed_point._signed_field((staticcall INSTRUMENTS.words([market]))[0], 144, 80)
    last: uint256 = max_value(uint256)
    for counterparty: uint256 in counterparties:
        if left == 0:
            break
        position: ILedger.Position = staticcall auction_quote.LEDGER.position(counterparty, market)
        assert position.size != 0 and (position.size > 0) != (size > 0), COUNTERPARTY
        assert not staticcall auction_quote.LEDGER.in_liquidation(counterparty), COUNTERPARTY
        other: uint256 = convert(abs(position.size), uint256)
        entry: uint256 = position.entry_price
        unrealised: int256 = 0
        if is_inverse:
            unrealised = deleverage_math._unrealised_inverse(
                position.size, ledger_math._coin(entry), mark, funding_index - position.funding_index
            )
            entry = worth
        else:
            unrealised = deleverage_math._unrealised(
                position.size, entry, mark, funding_index - position.funding_index
            )
        equity: int256 = self._equity(counterparty)
        score: uint256 = deleverage_math._score_down(
            unrealised, other, entry, worth, convert(equity, uint256)
        )
        assert score <= last, RANK
        last = score
        closed: uint256 = min(left, other)
        # Profit that was lost elsewhere or withdrawn cannot be forgone: nobody is deleveraged into insolvency.
        forgone: uint256 = deleverage_math._contribution_down(deficit, closed, left, min(unrealised, equity), other)
        price: uint256 = mark
        if not is_inverse:
            price = deleverage_math._bankruptcy_price(mark, forgone, size > 0)
            forgone = max(price, mark) - min(price, mark)
        delta: int256 = convert(closed, int256)
        if size > 0:
            delta = -delta
        extcall auction_quote.LEDGER.deleverage(account, counterparty, market, delta, price)
        forgone *= closed
        if is_inverse and forgone != 0:
            extcall VAULT.move_cash(counterparty, account, forgone, PAYMENT)
        deficit -= forgone
        left -= closed
        log ILiquidator.Deleveraged(
            account=account, counterparty=counterparty, market=market, size=delta, price=price, score=score
        )
    auction_phases._conclude(account, ILiquidator.Phase.DELEVERAGE, auction_quote._assess(account), False, 0)


@external
@nonreentrant
def write_off(account: uint256) -> uint256:
    """
    @notice Ends the auction of an account that has nothing left but a loan; anyone. Credit line and fund pay what they
            can, the rest is socialised.
    @return uint256 Socialised loss, wad.
    """
    state: auction_store.State = auction_store._load(account)
    assert state.phase in (ILiquidator.Phase.INSOLVENT | ILiquidator.Phase.DELEVERAGE), auction_phases.WRONG_PHASE
    cash: int256 = staticcall VAULT.cash(account)
    assert staticcall auction_quote.LEDGER.listed(account) == 0 and cash < 0, NOT_FLAT
    assert (staticcall VAULT.account(account)).assets == 0, NOT_FLAT
    debt: uint256 = convert(-cash, uint256)
    self._draw(account, debt)
    socialised: uint256 = extcall VAULT.write_off(account)
    log ILiquidator.BadDebtRealised(account=account, amount=debt, socialised=socialised)
    auction_phases._end(account, auction_phases.WRITTEN_OFF)
    return socialised


@internal
@pure
def _worth(market: uint256, mark: uint256) -> uint256:
    """
    @dev Notional of a unit of size, nano USD: the mark, or one USD of an inverse contract.
    """
    return market_math.NANO if market >> 7 == market_math.INVERSE_BLOCK else mark


@internal
def _draw(account: uint256, wanted: uint256) -> uint256:
    """
    @dev Takes up to `wanted` wad into the account's cash: from its credit line, and only what that lacks from the fund.
    @return uint256 Wad credited; less than `wanted` only when both are empty, more by less than a token unit.
    """
    lent: uint256 = self._draw_line(account, wanted)
    if lent >= wanted:
        return lent
    units: uint256 = min(fixed_point._div_up(wanted - lent, SCALE), staticcall FUND.capacity())
    if units == 0:
        return lent
    paid: uint256 = extcall FUND.draw(account, units)
    credit: uint256 = extcall VAULT.cover(account, paid)
    log ILiquidator.InsuranceDrawn(account=account, amount=paid, fund_left=staticcall FUND.capacity())
    return lent + credit


@internal
def _draw_line(account: uint256, wanted: uint256) -> uint256:
    """
    @return uint256 Wad credited out of the account's credit line.
    """
    if DESK == empty(address):
        return 0
    units: uint256 = fixed_point._div_up(wanted, SCALE)
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        DESK,
        abi_encode(account, units, method_id=method_id("draw(uint256,uint256)")),
        max_outsize=32,
        gas=DRAW_GAS,
        revert_on_failure=False,
    )
    paid: uint256 = min(convert(answer, uint256), units) if success else 0
    if paid == 0:
        return 0
    credit: uint256 = extcall VAULT.cover(account, paid)
    log ILiquidator.CreditDrawn(account=account, amount=paid)
    return credit


@internal
@view
def _line_capacity(account: uint256) -> uint256:
    """
    @dev Token units that the desk says it would pay for the account.
    """
    if DESK == empty(address):
        return 0
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        DESK,
        abi_encode(account, method_id=method_id("capacity(uint256)")),
        max_outsize=32,
        gas=CAPACITY_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    return min(convert(answer, uint256), MAX_UNITS) if success else 0


@internal
@view
def _equity(counterparty: uint256) -> int256:
    """
    @dev Positive: an account without equity is to be liquidated, not deleveraged.
    """
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    now, valid = staticcall auction_quote.LEDGER.assess(counterparty)
    assert now.equity > 0, COUNTERPARTY
    return now.equity
