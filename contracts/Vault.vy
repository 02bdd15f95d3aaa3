# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Vault: accounts, collateral, cash with interest
@license AGPL-3.0-only
@notice The only holder of tokens and the only place where money changes. Trades and slices come from the Ledger, liquidation
        payments from the Liquidator; both are wired once. Money leaves an account only if the Ledger agrees
        that the account keeps initial margin (or is flat and owes nothing).
"""

from ethereum.ercs import IERC20
from contracts.interfaces import IInsuranceFund
from contracts.interfaces import ILedger
from contracts.interfaces import ISolvencyGuard
from contracts.interfaces import IVault
from contracts.math import fixed_point
from contracts.math import ledger_math
from contracts.modules import accounts
from contracts.modules import cash_ledger
from contracts.modules import collateral_store
from contracts.modules import guarded
from contracts.modules import vault_parameters
from contracts.modules import vault_views
from snekmate.auth import ownable

implements: IVault

uses: ownable
initializes: guarded
initializes: accounts
initializes: cash_ledger
initializes: collateral_store
initializes: vault_parameters[
    ownable := ownable, cash_ledger := cash_ledger, collateral_store := collateral_store
]
initializes: vault_views[
    accounts := accounts,
    cash_ledger := cash_ledger,
    collateral_store := collateral_store,
    vault_parameters := vault_parameters,
]

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
    # parameters, owner only
    vault_parameters.register_engine,
    vault_parameters.list_collateral,
    vault_parameters.set_collateral,
    vault_parameters.set_interest,
    vault_parameters.set_stable_feed,
    vault_parameters.wire_engine_switch,
    vault_parameters.enable_lines,
    vault_parameters.engine_switch,
    vault_parameters.engines,
    vault_parameters.engine_count,
    vault_parameters.stable_feed,
    # views
    vault_views.authorised,
    vault_views.account_count,
    vault_views.account,
    vault_views.cash,
    vault_views.collateral,
    vault_views.money,
    vault_views.reconcile,
    vault_views.exchange_rate,
    vault_views.interest_indexes,
    vault_views.cash_token,
    vault_views.collateral_token,
    vault_views.collateral_held,
    vault_views.words_of,
)

NOT_LEDGER: constant(String[32]) = "vault: caller is not ledger"
NOT_LIQUIDATOR: constant(String[32]) = "vault: caller is not liquidator"
NOT_COIN_POOL: constant(String[32]) = "vault: caller is not coin pool"
NOT_SWITCH: constant(String[32]) = "vault: caller is not switch"
ZERO_AMOUNT: constant(String[32]) = "vault: zero amount"
SAME_ACCOUNT: constant(String[32]) = "vault: same account"
LIQUIDATING: constant(String[32]) = "vault: account in liquidation"
NOT_FLAT: constant(String[32]) = "vault: account not flat"
BELOW_MARGIN: constant(String[32]) = "vault: below initial margin"
UNDELIVERED: constant(String[32]) = "vault: cover not delivered"

WAD: constant(uint256) = 10**18
MAX_COLLATERALS: constant(uint256) = 8
# An account word with a cash of -1.
IN_DEBT: constant(uint256) = 2**128 - 1

# Reasons of CashMoved (IVault).
TRANSFER: constant(uint256) = 1
SLICE: constant(uint256) = 3
COVER: constant(uint256) = 5
WRITE_OFF: constant(uint256) = 6
CHARGE: constant(uint256) = 8

event Wired:
    ledger: address
    liquidator: address
    fee_receiver: address

event FeesSwept:
    receiver: indexed(address)
    amount: uint256

# What watches exposures; the zero address where nothing does.
SOLVENCY_GUARD: immutable(ISolvencyGuard)

ledger: public(ILedger)
liquidator: public(address)
fee_receiver: public(address)


@deploy
def __init__(cash_token: address, oracle: address, guardian: address, solvency_guard: address):
    """
    @notice Deploys an empty vault owned by the deployer.
    @param cash_token USD stablecoin, at most 18 decimals: asset 0.
    @param solvency_guard What watches exposures, or the zero address.
    """
    SOLVENCY_GUARD = ISolvencyGuard(solvency_guard)
    guarded.__init__(guardian, guarded.DEPOSIT | guarded.WITHDRAW | guarded.CREATE)
    cash_ledger.__init__()
    collateral_store.__init__(cash_token)
    vault_views.__init__(oracle)


# ---------------------------------------------------------------- accounts


@external
@nonreentrant
def create_account(engine_id: uint256) -> uint256:
    """
    @notice Opens the caller's next subaccount under a margin engine.
    @return uint256 The account's number.
    """
    guarded._check_active(guarded.CREATE)
    engine: address = vault_parameters._engine(engine_id)
    assert engine != empty(address), vault_parameters.NO_ENGINE
    return accounts._create(msg.sender, engine_id, engine)


@external
@nonreentrant
def set_delegate(account: uint256, delegate: address, allowed: bool):
    """
    @notice Lets `delegate` trade, withdraw and cancel for the account, or no longer. Owner of the account only.
    """
    assert accounts._owner(account) == msg.sender, accounts.NOT_AUTHORISED
    accounts._set_delegate(account, delegate, allowed)


# ---------------------------------------------------------------- money


@external
@nonreentrant
def deposit(account: uint256, asset: uint256, amount: uint256) -> uint256:
    """
    @notice Deposits tokens of the caller into any account; asset 0 becomes cash and repays a loan first.
            A deposit that leaves a loan, or none and less than a token unit, is a repayment and cannot be paused.
            After a socialised loss what is left of it after the loan takes part in the loss (`exchange_rate`).
    @param amount Token units; exactly this must arrive.
    @return uint256 `amount`.
    """
    assert amount != 0, ZERO_AMOUNT
    accounts._check_exists(account)
    word: uint256 = accounts.words[account]
    balance: int256 = 0
    if asset == 0:
        collateral_store._pull(collateral_store.CASH_TOKEN, msg.sender, amount)
        credit: uint256 = amount * collateral_store.CASH_SCALE
        word = cash_ledger._change(word, convert(credit, int256))
        cash_ledger.backing += credit
        accounts.words[account] = word
        balance = ledger_math._cash(word)
        # Interest leaves loans between two token units: what rounds the last payment up is part of it.
        if balance >= convert(collateral_store.CASH_SCALE, int256):
            guarded._check_active(guarded.DEPOSIT)
    else:
        guarded._check_active(guarded.DEPOSIT)
        collateral_store._pull(collateral_store._token(asset), msg.sender, amount)
        collateral_store._add_held(asset, amount)
        balance = convert(collateral_store._add(account, asset, amount), int256)
        accounts.words[account] = ledger_math._with_bitmap(word, ledger_math._bitmap(word) | (1 << (asset - 1)))
    log IVault.Deposited(account=account, asset=asset, sender=msg.sender, amount=amount, balance=balance)
    return amount


@external
@nonreentrant
def withdraw(account: uint256, asset: uint256, amount: uint256, receiver: address):
    """
    @notice Withdraws tokens; the account must keep initial margin. Owner or delegate. Withdrawing more cash
            than there is borrows it. After a socialised loss cash is burnt at `exchange_rate`, rounded up.
            A flat account without a loan needs no price and cannot be paused.
    """
    accounts._check_authorised(account, msg.sender)
    assert amount != 0, ZERO_AMOUNT
    assert receiver != empty(address), vault_parameters.NO_ADDRESS
    word: uint256 = accounts.words[account]
    token: IERC20 = collateral_store._token(asset)
    balance: int256 = 0
    if asset == 0:
        paid: uint256 = amount * collateral_store.CASH_SCALE
        burnt: uint256 = cash_ledger._burn_up(paid)
        word = cash_ledger._change(word, -convert(burnt, int256))
        cash_ledger._pay_out(paid, burnt)
        balance = ledger_math._cash(word)
    else:
        left: uint256 = collateral_store._take(account, asset, amount)
        collateral_store.held[asset] -= amount
        balance = convert(left, int256)
        if left == 0:
            word = ledger_math._with_bitmap(word, ledger_math._bitmap(word) & ~(1 << (asset - 1)))
    accounts.words[account] = word
    log IVault.Withdrawn(account=account, asset=asset, receiver=receiver, amount=amount, balance=balance)
    self._check_outflow(account, word)
    collateral_store._push(token, receiver, amount)


@external
@nonreentrant
def transfer_cash(sender_account: uint256, receiver_account: uint256, amount: uint256):
    """
    @notice Moves cash (wad USD) to another account; the sender must keep initial margin. Owner or delegate of the sender.
    """
    accounts._check_authorised(sender_account, msg.sender)
    assert amount != 0, ZERO_AMOUNT
    self._move_cash(sender_account, receiver_account, convert(amount, int256), TRANSFER)
    self._check_outflow(sender_account, accounts.words[sender_account])


@external
@nonreentrant
def accrue_interest():
    """
    @notice Brings the interest indexes to this block; anyone.
    """
    cash_ledger._accrue()


@external
@nonreentrant
def sweep_fees() -> uint256:
    """
    @notice Contributes the fees collected so far, whole token units, to the fee receiver, the insurance fund; anyone.
            After a socialised loss fees leave at `exchange_rate`, like all other cash.
    @return uint256 Token units sent.
    """
    worth: uint256 = cash_ledger._fees() * cash_ledger._exchange_rate() // WAD
    amount: uint256 = min(worth, cash_ledger.backing) // collateral_store.CASH_SCALE
    receiver: address = self.fee_receiver
    assert amount != 0, ZERO_AMOUNT
    assert receiver != empty(address), vault_parameters.NO_ADDRESS
    paid: uint256 = amount * collateral_store.CASH_SCALE
    burnt: uint256 = cash_ledger._burn_up(paid)
    cash_ledger._take_fees(burnt)
    cash_ledger._pay_out(paid, burnt)
    collateral_store._push(collateral_store.CASH_TOKEN, receiver, amount)
    # The fund counts only what it is told of, so that a stray transfer moves no share price.
    extcall IInsuranceFund(receiver).contribute(amount)
    log FeesSwept(receiver=receiver, amount=amount)
    return amount


# ---------------------------------------------------------------- Ledger only


@external
@nonreentrant
def apply_trade(account: uint256, delta: int256, fee: uint256) -> int256:
    """
    @notice Books the money of a trade or settlement. Ledger only.
    @param delta Realised PnL and funding less `fee`, wad, signed.
    @return int256 Cash afterwards, wad.
    """
    self._check_ledger()
    word: uint256 = cash_ledger._change(accounts.words[account], delta)
    accounts.words[account] = word
    cash_ledger._book(delta + convert(fee, int256), 0)
    if fee != 0:
        cash_ledger._add_fees(fee)
    return ledger_math._cash(word)


@external
@nonreentrant
def move_slice(sender_account: uint256, receiver_account: uint256, fraction: uint256, reserved: int256):
    """
    @notice Moves a fraction of the collateral and of the cash that is not reserved. Ledger only, who moves the positions.
    @param fraction Wad, at most 1e18. Collateral is rounded down, cash toward minus infinity: the giver keeps the dust.
    @param reserved Cash (wad) that is not for sale; less, also below zero, what else counts as cash of the giver.
    """
    self._check_ledger()
    bitmap: uint256 = ledger_math._bitmap(accounts.words[sender_account])
    for asset: uint256 in range(1, MAX_COLLATERALS + 1):
        bit: uint256 = 1 << (asset - 1)
        if bitmap & bit == 0:
            continue
        units: uint256 = collateral_store._balance(sender_account, asset) * fraction // WAD
        if units != 0:
            self._move_collateral(sender_account, receiver_account, asset, units)
    free: int256 = cash_ledger._cash_now(accounts.words[sender_account]) - reserved
    share: int256 = fixed_point._div_floor(free * convert(fraction, int256), convert(WAD, int256))
    if share != 0:
        self._move_cash(sender_account, receiver_account, share, SLICE)


# ---------------------------------------------------------------- Liquidator only


@external
@nonreentrant
def move_cash(sender_account: uint256, receiver_account: uint256, amount: uint256, reason: uint256):
    """
    @notice Pays cash (wad) between accounts; receiver 0 is the fees. Liquidator only, who checks margin.
    """
    self._check_liquidator()
    if receiver_account != 0:
        self._move_cash(sender_account, receiver_account, convert(amount, int256), reason)
        return
    accounts._check_exists(sender_account)
    self._charge(sender_account, amount, reason)


@external
@nonreentrant
def cover(account: uint256, amount: uint256) -> uint256:
    """
    @notice Credits cash for token units that the insurance fund has just sent. Liquidator only.
    @return uint256 Cash credited, wad.
    """
    self._check_liquidator()
    accounts._check_exists(account)
    credit: uint256 = amount * collateral_store.CASH_SCALE
    # Tokens beyond the internal backing must be there: the credit can never outrun what was delivered.
    assert (
        staticcall collateral_store.CASH_TOKEN.balanceOf(self) * collateral_store.CASH_SCALE
        >= cash_ledger.backing + credit
    ), UNDELIVERED
    cash_ledger.backing += credit
    self._credit(account, convert(credit, int256), COVER)
    return credit


@external
@nonreentrant
def write_off(account: uint256) -> uint256:
    """
    @notice Recognises the loan of an account without positions and collateral as a socialised loss. Liquidator only.
    @return uint256 The loss, wad.
    """
    self._check_liquidator()
    word: uint256 = accounts.words[account]
    assert ledger_math._bitmap(word) == 0 and staticcall self.ledger.listed(account) == 0, NOT_FLAT
    cash: int256 = cash_ledger._cash_now(word)
    if cash >= 0:
        return 0
    loss: uint256 = convert(-cash, uint256)
    self._credit(account, -cash, WRITE_OFF)
    deficit: uint256 = cash_ledger._add_deficit(loss)
    log IVault.DeficitSocialised(account=account, amount=loss, deficit=deficit)
    return loss


# ---------------------------------------------------------------- CoinPool only


@external
@nonreentrant
def move_collateral(sender_account: uint256, receiver_account: uint256, asset: uint256, units: uint256):
    """
    @notice Moves token units of a collateral between accounts. The Ledger's CoinPool only, who checks margin.
    """
    assert msg.sender == staticcall self.ledger.coin_pool(), NOT_COIN_POOL
    self._move_collateral(sender_account, receiver_account, asset, units)


# ---------------------------------------------------------------- EngineSwitch only


@external
@nonreentrant
def set_engine(account: uint256, engine_id: uint256):
    """
    @notice Puts an account under another margin engine, whose initial margin it must meet at valid prices. EngineSwitch
            only, which asks the owner, the engine and the clock.
    """
    assert msg.sender == vault_parameters.engine_switch, NOT_SWITCH
    assert vault_parameters.engine_words[engine_id] != 0, vault_parameters.NO_ENGINE
    accounts._set_engine(account, engine_id)
    # As an account with a loan: one without positions must pass the check too.
    self._check_outflow(account, IN_DEBT)


# ---------------------------------------------------------------- owner only


@external
def wire(ledger: address, liquidator: address, fee_receiver: address):
    """
    @notice Names the Ledger, the Liquidator and who receives fees; once. Owner only.
    """
    ownable._check_owner()
    assert self.liquidator == empty(address), vault_parameters.WIRED
    assert ledger != empty(address) and liquidator != empty(address), vault_parameters.NO_ADDRESS
    self.ledger = ILedger(ledger)
    self.liquidator = liquidator
    self.fee_receiver = fee_receiver
    log Wired(ledger=ledger, liquidator=liquidator, fee_receiver=fee_receiver)


# ---------------------------------------------------------------- internal


@internal
def _credit(account: uint256, delta: int256, reason: uint256):
    """
    @dev Changes cash and says why. No check of margin or access; the caller books the other side.
    """
    word: uint256 = cash_ledger._change(accounts.words[account], delta)
    accounts.words[account] = word
    log IVault.CashMoved(account=account, reason=reason, amount=delta, cash=ledger_math._cash(word))


@internal
def _charge(account: uint256, amount: uint256, reason: uint256):
    """
    @dev Cash of the account to the fees.
    """
    self._credit(account, -convert(amount, int256), reason)
    cash_ledger._add_fees(amount)


@internal
def _move_collateral(sender_account: uint256, receiver_account: uint256, asset: uint256, units: uint256):
    bit: uint256 = 1 << (asset - 1)
    left: uint256 = collateral_store._take(sender_account, asset, units)
    if left == 0:
        word: uint256 = accounts.words[sender_account]
        accounts.words[sender_account] = ledger_math._with_bitmap(word, ledger_math._bitmap(word) & ~bit)
    got: uint256 = collateral_store._add(receiver_account, asset, units)
    if got == units:
        word: uint256 = accounts.words[receiver_account]
        accounts.words[receiver_account] = ledger_math._with_bitmap(word, ledger_math._bitmap(word) | bit)
    log IVault.CollateralMoved(account=sender_account, asset=asset, amount=-convert(units, int256), balance=left)
    log IVault.CollateralMoved(account=receiver_account, asset=asset, amount=convert(units, int256), balance=got)


@internal
def _move_cash(sender_account: uint256, receiver_account: uint256, amount: int256, reason: uint256):
    """
    @dev Signed: a negative amount moves a loan the other way. No check of margin or access.
    """
    assert sender_account != receiver_account, SAME_ACCOUNT
    accounts._check_exists(sender_account)
    accounts._check_exists(receiver_account)
    self._credit(sender_account, -amount, reason)
    self._credit(receiver_account, amount, reason)


@internal
def _check_outflow(account: uint256, word: uint256):
    """
    @dev A flat account without a loan is free to go, any other must pass initial margin and can be paused. What it
         is charged for exposure is taken before margin is checked.
    """
    ledger: ILedger = self.ledger
    assert not staticcall ledger.in_liquidation(account), LIQUIDATING
    if ledger_math._cash(word) >= 0 and staticcall ledger.listed(account) == 0:
        return
    guarded._check_active(guarded.WITHDRAW)
    if SOLVENCY_GUARD.address != empty(address):
        charge: uint256 = extcall SOLVENCY_GUARD.observe_outflow(account)
        if charge != 0:
            self._charge(account, charge, CHARGE)
    assert staticcall ledger.check_outflow(account), BELOW_MARGIN


@internal
@view
def _check_ledger():
    assert msg.sender == self.ledger.address, NOT_LEDGER


@internal
@view
def _check_liquidator():
    assert msg.sender == self.liquidator, NOT_LIQUIDATOR
