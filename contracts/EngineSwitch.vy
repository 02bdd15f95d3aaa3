# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title EngineSwitch: from one margin engine to another, after a delay
@license AGPL-3.0-only
@notice The owner of an account requests an engine; after `delay`, and for seven days, it may make the change. The new
        engine must permit every market of the account, one after the other, and the Vault demands its
        initial margin, resting orders included, at valid prices. No account in liquidation changes.
        A contract of its own because the Vault is near the size limit; it holds nothing but requests.
"""

from contracts.interfaces import IEngineSwitch
from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IVault
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: IEngineSwitch

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

NOT_AUTHORISED: constant(String[40]) = "engine_switch: caller is not the owner"
NO_ENGINE: constant(String[40]) = "engine_switch: no such engine"
NOT_DUE: constant(String[40]) = "engine_switch: no change is due"
NOT_PERMITTED: constant(String[40]) = "engine_switch: market not permitted"
OUT_OF_BOUND: constant(String[40]) = "engine_switch: delay out of bound"

MAX_POSITIONS: constant(uint256) = 64
# Seconds that a change can be made in: an old request would be a change without delay.
WINDOW: constant(uint256) = 7 * 86_400
MIN_DELAY: constant(uint256) = 600
MAX_DELAY: constant(uint256) = 30 * 86_400

interface EngineRegistry:
    def engines(engine_id: uint256) -> address: view

VAULT: immutable(IVault)
LEDGER: immutable(ILedger)

delay: public(uint256)
requests: HashMap[uint256, IEngineSwitch.Request]


@deploy
def __init__(vault: address, ledger: address, delay: uint256):
    """
    @notice Deploys with a delay in seconds, owned by the deployer.
    """
    VAULT = IVault(vault)
    LEDGER = ILedger(ledger)
    ownable.__init__()
    ownable_2step.__init__()
    self._set_delay(delay)


@external
def request(account: uint256, engine_id: uint256):
    """
    @notice Announces that the account is to change to another engine; replaces an earlier request. Owner of the
            account only.
    @param engine_id As the Vault numbers them.
    """
    self._check_owner_of(account)
    assert staticcall EngineRegistry(VAULT.address).engines(engine_id) != empty(address), NO_ENGINE
    due: uint256 = block.timestamp + self.delay
    self.requests[account] = IEngineSwitch.Request(engine_id=engine_id, due=due)
    log IEngineSwitch.EngineRequested(account=account, engine_id=engine_id, due=due)


@external
@nonreentrant
def change(account: uint256):
    """
    @notice Makes the requested change. Owner of the account only.
    """
    self._check_owner_of(account)
    request: IEngineSwitch.Request = self.requests[account]
    assert request.due != 0 and block.timestamp >= request.due, NOT_DUE
    assert block.timestamp < request.due + WINDOW, NOT_DUE
    self.requests[account] = empty(IEngineSwitch.Request)
    engine: IMarginEngine = IMarginEngine(staticcall EngineRegistry(VAULT.address).engines(request.engine_id))
    markets: DynArray[uint256, MAX_POSITIONS] = staticcall LEDGER.markets_of(account)
    listed: uint256 = 0
    for market: uint256 in markets:
        assert staticcall engine.permits(account, market, listed), NOT_PERMITTED
        listed += 1
    extcall VAULT.set_engine(account, request.engine_id)


@external
@view
def pending(account: uint256) -> IEngineSwitch.Request:
    """
    @notice The account's request; all zero without one. One that was not used in time stays until it is replaced.
    """
    return self.requests[account]


@external
def set_delay(delay: uint256):
    """
    @notice Sets the seconds from request to change, 600 to 30 days; requests that are made already keep theirs. Owner only.
    """
    ownable._check_owner()
    self._set_delay(delay)


@internal
def _set_delay(delay: uint256):
    assert delay >= MIN_DELAY and delay <= MAX_DELAY, OUT_OF_BOUND
    self.delay = delay
    log IEngineSwitch.DelaySet(delay=delay)


@internal
@view
def _check_owner_of(account: uint256):
    assert (staticcall VAULT.account(account)).owner == msg.sender, NOT_AUTHORISED
