# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title CreditDesk: credit lines that stand in for margin, at the risk of lenders
@license AGPL-3.0-only
@notice Lenders deposit the cash token into the junior or the senior tranche (modules/tranches.vy). The underwriter grants lines; a
        line reduces what one account on the CreditMargin engine must keep (engines/CreditMargin.vy)
        and pays for what its liquidation cannot cover. Nothing is ever paid out to a borrower.

        Limit   min(granted, share of initial margin, multiple of own equity), from the net portfolio risk
                that the engine measures now.
        Use     the part of initial margin that own equity does not meet.
        Call    anyone may review an account. Use above the limit, a line past its term or with fees overdue
                starts the clock: notice, half-time, default (modules/credit_lines.vy). A defaulted line gives
                no credit, so that the account is an ordinary one below its margin, which the
                Liquidator may take; it still pays, up to the commitment, until a review
                finds that the account needs no line. In liquidation no line gives credit.
        Losses  of an account with a line: the desk first, up to the line - the junior tranche, then the senior one,
                all shares of a tranche alike - then the insurance fund, deleveraging, socialised loss.
        Locks   what is committed to lines cannot be redeemed, nor can junior assets that lines ask for; nobody redeems while
                any line is called or in default. Among lenders first come is first served.
        Fees    are taken out of the account's cash, for which its owner makes the desk a delegate: that is also
                its consent to the line. They are income when they arrive, not before.

        All claims are counted inside: sum of both tranches <= tokens held, commitments <= sum of both tranches.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

from contracts.interfaces import ICreditDesk
from contracts.math import credit_math
from contracts.modules import credit_lines
from contracts.modules import credit_measure
from contracts.modules import credit_parameters
from contracts.modules import guarded
from contracts.modules import tranches

implements: ICreditDesk

initializes: guarded
initializes: tranches
initializes: credit_parameters[guarded := guarded]
initializes: credit_lines[credit_parameters := credit_parameters]
initializes: credit_measure[credit_lines := credit_lines]

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
    credit_parameters.parameters,
    credit_parameters.set_parameters,
    credit_parameters.underwriter,
    credit_parameters.set_underwriter,
    credit_lines.line,
    credit_lines.total_committed,
    credit_lines.open_calls,
    credit_measure.engine,
    credit_measure.capacity,
    credit_measure.line_word,
    credit_measure.preview,
    credit_measure.owed,
    tranches.tranche_assets,
    tranches.tranche_supply,
    tranches.tranche_series,
    tranches.shares_of,
    tranches.convert_to_shares,
    tranches.convert_to_assets,
)

NOT_LIQUIDATOR: constant(String[37]) = "credit_desk: caller is not liquidator"
NOT_UNDERWRITER: constant(String[38]) = "credit_desk: caller is not underwriter"
WIRED: constant(String[32]) = "credit_desk: already wired"
NO_ADDRESS: constant(String[32]) = "credit_desk: zero address"
ZERO_AMOUNT: constant(String[32]) = "credit_desk: zero amount"
LOCKED: constant(String[32]) = "credit_desk: assets are bound"
TOO_FEW_SHARES: constant(String[32]) = "credit_desk: too few shares"
UNCOVERED: constant(String[32]) = "credit_desk: not enough assets"
BAD_TERM: constant(String[32]) = "credit_desk: term out of bound"
NO_CONSENT: constant(String[32]) = "credit_desk: not a delegate"
WRONG_ENGINE: constant(String[33]) = "credit_desk: not a credit account"
NO_LINE: constant(String[32]) = "credit_desk: no line"
CALLED: constant(String[32]) = "credit_desk: line is called"
NOT_CALLED: constant(String[32]) = "credit_desk: line is not called"
IN_GRACE: constant(String[32]) = "credit_desk: grace is not over"
CURED: constant(String[32]) = "credit_desk: use is within limit"
LIQUIDATING: constant(String[35]) = "credit_desk: account in liquidation"
TRANSFER_FAILED: constant(String[32]) = "credit_desk: transfer failed"
UNDELIVERED: constant(String[32]) = "credit_desk: not delivered"

TOKEN: immutable(IERC20)

event Wired:
    liquidator: address

liquidator: public(address)


@deploy
def __init__(asset: address, vault: address, ledger: address, engine: address, guardian: address):
    """
    @notice Deploys an empty desk owned by the deployer.
    @param asset The cash token of `vault`.
    @param engine The CreditMargin engine whose accounts may have lines.
    """
    TOKEN = IERC20(asset)
    scale: uint256 = 10 ** convert(18 - staticcall IERC20Detailed(asset).decimals(), uint256)
    credit_measure.__init__(vault, ledger, engine, scale)
    guarded.__init__(guardian, guarded.FUND_DEPOSIT | guarded.CREATE)
    credit_parameters.__init__()


@external
def wire(liquidator: address):
    """
    @notice Names the Liquidator, which draws; once. Owner only.
    """
    guarded.ownable._check_owner()
    assert self.liquidator == empty(address), WIRED
    assert liquidator != empty(address), NO_ADDRESS
    self.liquidator = liquidator
    log Wired(liquidator=liquidator)


# ---------------------------------------------------------------- lenders


@external
@nonreentrant
def deposit(tranche: uint256, amount: uint256, receiver: address) -> uint256:
    """
    @notice Lends `amount` token units to a tranche (1 junior, 2 senior) and mints shares to `receiver`, rounded down.
    @return uint256 Shares minted.
    """
    guarded._check_active(guarded.FUND_DEPOSIT)
    assert receiver != empty(address), NO_ADDRESS
    before: uint256 = staticcall TOKEN.balanceOf(self)
    assert extcall TOKEN.transferFrom(msg.sender, self, amount, default_return_value=True), TRANSFER_FAILED
    # A token that takes a fee cannot mint shares for what it kept.
    assert staticcall TOKEN.balanceOf(self) == before + amount, UNDELIVERED
    shares: uint256 = tranches._mint(tranche, amount, receiver)
    assert amount != 0 and shares != 0, ZERO_AMOUNT
    log ICreditDesk.Deposited(
        tranche=tranche, sender=msg.sender, receiver=receiver, amount=amount, shares=shares
    )
    return shares


@external
@nonreentrant
def redeem(tranche: uint256, shares: uint256, receiver: address) -> uint256:
    """
    @notice Burns shares of the caller and sends token units, rounded down; at most `redeemable`.
    @return uint256 Token units sent.
    """
    assert shares != 0, ZERO_AMOUNT
    assert receiver != empty(address), NO_ADDRESS
    assert shares <= tranches.shares[tranche][tranches.series[tranche]][msg.sender], TOO_FEW_SHARES
    most: uint256 = self._redeemable(tranche)
    amount: uint256 = tranches._burn(tranche, shares, msg.sender)
    assert amount <= most, LOCKED
    self._send(receiver, amount)
    log ICreditDesk.Redeemed(
        tranche=tranche, holder=msg.sender, receiver=receiver, amount=amount, shares=shares
    )
    return amount


# ---------------------------------------------------------------- lines


@external
@nonreentrant
def grant(account: uint256, amount: uint256, term: uint256):
    """
    @notice Grants, raises, prolongs or lowers a line. Underwriter only. The owner of the account must have made the desk a
            delegate. A raise is in force at once and must be covered; a lower amount binds new risk at
            once, and existing risk from a review on, with the grace of a call.
    @param amount Token units; 0 ends the line.
    @param term Unix seconds at which the line is called in.
    """
    assert msg.sender == credit_parameters.underwriter, NOT_UNDERWRITER
    line: ICreditDesk.Line = credit_lines._load(account)
    if line.committed == 0:
        line.accrued = block.timestamp
        line.paid = block.timestamp
    line = credit_lines._accrued(line, credit_measure.SCALE)
    line.granted = amount
    line.term = term
    if amount != 0:
        guarded._check_active(guarded.CREATE)
        assert line.stage == ICreditDesk.Stage.QUIET, CALLED
        assert term > block.timestamp, BAD_TERM
        assert term <= block.timestamp + credit_parameters.settings.max_term, BAD_TERM
        assert credit_measure._is_credit_account(account), WRONG_ENGINE
        assert staticcall credit_measure.VAULT.authorised(account, self), NO_CONSENT
        assert not staticcall credit_measure.LEDGER.in_liquidation(account), LIQUIDATING
    raised: bool = amount > line.committed
    line.committed = max(line.committed, amount)
    credit_lines._save(account, line)
    if raised:
        committed: uint256 = credit_lines.total_committed
        assert committed <= tranches._total(), UNCOVERED
        assert self._first_loss(committed) <= tranches.assets[tranches.JUNIOR], UNCOVERED
    log ICreditDesk.LineGranted(account=account, granted=amount, committed=line.committed, term=term)


@external
@nonreentrant
def review(account: uint256) -> ICreditDesk.Stage:
    """
    @notice Takes the fees of a line, measures its use and its limit at valid prices, and moves its call on; anyone. Releases what
            the line no longer needs.
    @return ICreditDesk.Stage Where the line stands now.
    """
    line: ICreditDesk.Line = credit_lines._accrued(self._open_line(account), credit_measure.SCALE)
    assert not staticcall credit_measure.LEDGER.in_liquidation(account), LIQUIDATING
    line = self._collected(account, line)
    if not credit_measure._is_credit_account(account):
        line.granted = 0
    use: uint256 = 0
    limit: uint256 = 0
    use, limit = credit_measure._measure(account, line)
    before: ICreditDesk.Stage = line.stage
    line = credit_lines._judged(line, use, limit)
    if before == ICreditDesk.Stage.DEFAULTED and use == 0:
        # The account stands by itself: what is left of the guarantee is the lenders' again.
        line.committed = 0
    line.used = min(use, line.committed * credit_measure.SCALE)
    credit_lines._announce(account, before, line, use, limit)
    log ICreditDesk.LineReviewed(
        account=account, use=use, limit=limit, committed=line.committed, owed=line.owed
    )
    credit_lines._save(account, line)
    return line.stage


@external
@nonreentrant
def declare_default(account: uint256):
    """
    @notice Withdraws a called line whose grace is over and whose use is still above the limit, at valid prices; anyone.
            From here on the account must meet the margin of the base engine or be liquidated.
    """
    line: ICreditDesk.Line = credit_lines._accrued(self._open_line(account), credit_measure.SCALE)
    assert not staticcall credit_measure.LEDGER.in_liquidation(account), LIQUIDATING
    assert line.stage in (ICreditDesk.Stage.NOTICE | ICreditDesk.Stage.HALF_TIME), NOT_CALLED
    assert block.timestamp >= credit_lines._deadline(line.called), IN_GRACE
    use: uint256 = 0
    limit: uint256 = 0
    use, limit = credit_measure._measure(account, line)
    assert use > limit, CURED
    before: ICreditDesk.Stage = line.stage
    if before == ICreditDesk.Stage.NOTICE:
        line.stage = ICreditDesk.Stage.HALF_TIME
        credit_lines._announce(account, before, line, use, limit)
        before = line.stage
    line.stage = ICreditDesk.Stage.DEFAULTED
    line.used = min(use, line.committed * credit_measure.SCALE)
    credit_lines._announce(account, before, line, use, limit)
    credit_lines._save(account, line)


# ---------------------------------------------------------------- Liquidator only


@external
def draw(account: uint256, amount: uint256) -> uint256:
    """
    @notice Sends up to `amount` token units to the Vault for a loss of the account, at most its commitment. Liquidator only. A line
            that has paid is in default.
    @dev Takes no lock: a token that calls back from a deposit or a redemption could hold it and have the desk passed
         over. All state is written before the transfer; a deposit under way finds its balance wrong
         and reverts, and a review under way holds the Vault's lock, which the Liquidator needs next.
    @return uint256 Token units sent.
    """
    assert msg.sender == self.liquidator, NOT_LIQUIDATOR
    paid: uint256 = min(amount, credit_measure._capacity(account))
    if paid == 0:
        return 0
    line: ICreditDesk.Line = credit_lines._accrued(credit_lines._load(account), credit_measure.SCALE)
    before: ICreditDesk.Stage = line.stage
    line.stage = ICreditDesk.Stage.DEFAULTED
    line.committed -= paid
    line.used = min(line.used, line.committed * credit_measure.SCALE)
    if line.called == 0:
        line.called = block.timestamp
    # Every commitment is within the assets, so `_lose` finds what it asks for.
    junior: uint256 = 0
    senior: uint256 = 0
    junior, senior = tranches._lose(paid)
    if before != ICreditDesk.Stage.DEFAULTED:
        log ICreditDesk.LineCalled(
            account=account, stage=line.stage, use=line.used, limit=0, deadline=block.timestamp
        )
    log ICreditDesk.LossBorne(account=account, junior=junior, senior=senior, committed=line.committed)
    credit_lines._save(account, line)
    self._send(credit_measure.VAULT.address, paid)
    return paid


# ---------------------------------------------------------------- views


@external
@view
def asset() -> address:
    """
    @notice The cash token.
    """
    return TOKEN.address


@external
@view
def redeemable(tranche: uint256) -> uint256:
    """
    @notice Token units that all lenders of a tranche together can redeem now.
    """
    return self._redeemable(tranche)


# ---------------------------------------------------------------- internal


@internal
@view
def _open_line(account: uint256) -> ICreditDesk.Line:
    line: ICreditDesk.Line = credit_lines._load(account)
    assert line.committed != 0, NO_LINE
    return line


@internal
def _collected(account: uint256, line: ICreditDesk.Line) -> ICreditDesk.Line:
    """
    @dev Takes what is owed, whole token units, out of the account's cash. It may fail, because the account is below
         initial margin or the desk no longer its delegate; then it stays owed, and in time calls
         the line in. A caller cannot make it fail by leaving too little gas: a 64th of what the withdrawal's own
         margin check needs is not enough for the measurement that follows.
    """
    now: ICreditDesk.Line = line
    units: uint256 = line.owed // credit_measure.SCALE
    if units != 0:
        before: uint256 = staticcall TOKEN.balanceOf(self)
        success: bool = raw_call(
            credit_measure.VAULT.address,
            abi_encode(
                account, convert(0, uint256), units, self,
                method_id=method_id("withdraw(uint256,uint256,uint256,address)"),
            ),
            revert_on_failure=False,
        )
        if success:
            # What did not arrive is no income.
            assert staticcall TOKEN.balanceOf(self) >= before + units, UNDELIVERED
            now.owed -= units * credit_measure.SCALE
            junior: uint256 = 0
            senior: uint256 = 0
            junior, senior = tranches._earn(units, credit_parameters.settings.junior_income)
            log ICreditDesk.IncomePaid(account=account, junior=junior, senior=senior)
    if now.owed < credit_measure.SCALE:
        now.paid = block.timestamp
    return now


@internal
@view
def _first_loss(committed: uint256) -> uint256:
    return credit_math._first_loss_up(committed, credit_parameters.settings.subordination)


@internal
@view
def _redeemable(tranche: uint256) -> uint256:
    if credit_lines.open_calls != 0:
        return 0
    committed: uint256 = credit_lines.total_committed
    free: uint256 = tranches._total() - committed
    if tranche == tranches.SENIOR:
        return min(free, tranches.assets[tranches.SENIOR])
    if tranche != tranches.JUNIOR:
        return 0
    bound: uint256 = self._first_loss(committed)
    return min(free, tranches.assets[tranches.JUNIOR] - min(bound, tranches.assets[tranches.JUNIOR]))


@internal
def _send(receiver: address, amount: uint256):
    assert extcall TOKEN.transfer(receiver, amount, default_return_value=True), TRANSFER_FAILED
