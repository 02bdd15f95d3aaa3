# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What a line is worth now: use, limit, credit and what it would pay
@license AGPL-3.0-only
@notice Reads the account from Vault and Ledger and asks the engine; changes nothing. The previews and the desk's actions use
        the same calculators.
"""

from contracts.interfaces import ICreditDesk
from contracts.interfaces import ICreditMargin
from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IVault
from contracts.math import credit_math
from contracts.modules import credit_lines

uses: credit_lines

STALE_PRICE: constant(String[32]) = "credit_desk: stale price"

BPS: constant(uint256) = 10_000

VAULT: immutable(IVault)
LEDGER: immutable(ILedger)
ENGINE: immutable(ICreditMargin)
# Wad per token unit.
SCALE: immutable(uint256)


@deploy
def __init__(vault: address, ledger: address, engine: address, scale: uint256):
    VAULT = IVault(vault)
    LEDGER = ILedger(ledger)
    ENGINE = ICreditMargin(engine)
    SCALE = scale


@external
@view
def engine() -> address:
    """
    @notice The engine whose accounts may have lines.
    """
    return ENGINE.address


@external
@view
def capacity(account: uint256) -> uint256:
    """
    @notice Token units that `draw` would pay for the account.
    """
    return self._capacity(account)


@external
@view
def line_word(account: uint256) -> uint256:
    """
    @notice What the Vault adds to the account's portfolio: credit (wad) uint128 | bps of it that do not count for
            initial margin << 128. No credit after a default or in liquidation; none for new risk while
            the line is being lowered or past its term.
    """
    word: uint256 = credit_lines.words[account]
    if word == 0 or credit_lines._stage(word) == ICreditDesk.Stage.DEFAULTED:
        return 0
    if staticcall LEDGER.in_liquidation(account):
        return 0
    committed: uint256 = word & credit_lines.MASK_96
    credit: uint256 = min(committed * SCALE, 2**128 - 1)
    lowered: bool = committed > (word >> 96) & credit_lines.MASK_96
    if lowered or block.timestamp >= (word >> 192) & credit_lines.MASK_40:
        return credit | (BPS << 128)
    return credit


@external
@view
def preview(account: uint256) -> (uint256, uint256, bool):
    """
    @notice Use and limit that a review would find (wad), before it takes fees, and whether every price is valid.
    """
    return self._measured(account, credit_lines._load(account))


@external
@view
def owed(account: uint256) -> uint256:
    """
    @notice Fees to this block, wad, rounded up.
    """
    return credit_lines._accrued(credit_lines._load(account), SCALE).owed


@internal
@view
def _is_credit_account(account: uint256) -> bool:
    return (staticcall VAULT.account(account)).engine == ENGINE.address


@internal
@view
def _capacity(account: uint256) -> uint256:
    """
    @dev An account that has left the engine passed initial margin without a line then: lenders bear no more of it.
    """
    committed: uint256 = credit_lines.words[account] & credit_lines.MASK_96
    if committed == 0 or not self._is_credit_account(account):
        return 0
    return committed


@internal
@view
def _measure(account: uint256, line: ICreditDesk.Line) -> (uint256, uint256):
    use: uint256 = 0
    limit: uint256 = 0
    valid: bool = False
    use, limit, valid = self._measured(account, line)
    assert valid, STALE_PRICE
    return use, limit


@internal
@view
def _measured(account: uint256, line: ICreditDesk.Line) -> (uint256, uint256, bool):
    """
    @dev The one calculator of use and limit. An account that has left the engine uses nothing.
    """
    if not self._is_credit_account(account):
        return 0, 0, True
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    view, valid = staticcall LEDGER.portfolio(account)
    equity: int256 = 0
    margin: uint256 = 0
    cap: uint256 = 0
    equity, margin, cap = staticcall ENGINE.measure(view)
    return credit_math._use(margin, equity), min(credit_lines._ceiling(line) * SCALE, cap), valid
