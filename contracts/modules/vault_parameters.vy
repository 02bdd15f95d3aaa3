# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Parameters of the Vault: margin engines, collateral, interest, the feed of the cash token
@license AGPL-3.0-only
@notice All of them are the owner's, which is the Timelock.
        Engine word: address uint160 | bit 160: portfolios of its accounts end with their credit line.
"""

from contracts.interfaces import ICreditMargin
from contracts.interfaces import IMarginEngine
from contracts.math import interest_math
from contracts.modules import cash_ledger
from contracts.modules import collateral_store
from snekmate.auth import ownable

uses: ownable
uses: cash_ledger
uses: collateral_store

NO_ENGINE: constant(String[32]) = "vault: no such engine"
NO_ADDRESS: constant(String[32]) = "vault: zero address"
WIRED: constant(String[32]) = "vault: already wired"

MASK_160: constant(uint256) = 2**160 - 1
HAS_LINES: constant(uint256) = 1 << 160

event EngineRegistered:
    engine_id: indexed(uint256)
    engine: indexed(address)

event StableFeedSet:
    feed: uint256

event EngineSwitchWired:
    engine_switch: address

event LinesEnabled:
    engine_id: indexed(uint256)

stable_feed: public(uint256)        # 0: the cash token is taken at one USD
engine_count: public(uint256)
engine_words: HashMap[uint256, uint256]
# Who changes the engine of an account; the zero address: nobody.
engine_switch: public(address)
# Whether any engine has lines.
lines_enabled: bool


@external
@view
def engines(engine_id: uint256) -> address:
    """
    @notice The margin engine of an id; the zero address if there is none.
    """
    return self._engine(engine_id)


@external
def register_engine(engine: address) -> uint256:
    """
    @notice Adds a margin engine that accounts can be created under; engines are never removed. Owner only.
    """
    ownable._check_owner()
    assert engine != empty(address), NO_ADDRESS
    engine_id: uint256 = self.engine_count + 1
    assert engine_id <= 255, NO_ENGINE
    self.engine_count = engine_id
    self.engine_words[engine_id] = convert(engine, uint256)
    log EngineRegistered(engine_id=engine_id, engine=engine)
    return engine_id


@external
def list_collateral(
    token: address, feed: uint256, maintenance_haircut: uint256, initial_haircut: uint256, cap: uint256
) -> uint256:
    """
    @notice Accepts a token as collateral. Owner only.
    @param cap Token units that may be held in all.
    """
    ownable._check_owner()
    assert token != collateral_store.CASH_TOKEN.address, collateral_store.NO_ASSET
    asset: uint256 = collateral_store._list(token, feed, maintenance_haircut, initial_haircut, cap)
    self._check_room()
    return asset


@external
def set_collateral(
    asset: uint256, feed: uint256, maintenance_haircut: uint256, initial_haircut: uint256, cap: uint256
):
    """
    @notice Changes the parameters of a collateral (bps, token units). Owner only.
    """
    ownable._check_owner()
    collateral_store._set(asset, feed, maintenance_haircut, initial_haircut, cap)


@external
def set_interest(minimum: uint256, slope: uint256, high_slope: uint256, optimal: uint256, fee: uint256):
    """
    @notice Changes the interest curve (wad per year, bounded) and the protocol's share (wad). Owner only.
    """
    ownable._check_owner()
    cash_ledger._set_rates(
        interest_math.RateParams(minimum=minimum, slope=slope, high_slope=high_slope, optimal=optimal), fee
    )


@external
def wire_engine_switch(engine_switch: address):
    """
    @notice Names the contract that changes the engine of accounts; once. Owner only.
    """
    ownable._check_owner()
    assert self.engine_switch == empty(address), WIRED
    self.engine_switch = engine_switch
    log EngineSwitchWired(engine_switch=engine_switch)


@external
def enable_lines(engine_id: uint256):
    """
    @notice From now on portfolios under this engine end with the account's credit line, for which the engine is asked
            (ICreditMargin). For good. Owner only.
    """
    ownable._check_owner()
    # An engine that knows no lines would leave its accounts without a margin check for good.
    probe: IMarginEngine.CollateralRisk = staticcall ICreditMargin(self._engine(engine_id)).line(0)
    assert probe.asset > collateral_store.MAX_ASSETS, NO_ENGINE
    self.lines_enabled = True
    self.engine_words[engine_id] |= HAS_LINES
    self._check_room()
    log LinesEnabled(engine_id=engine_id)


@external
def set_stable_feed(feed: uint256):
    """
    @notice Names the feed of the cash token; 0 takes it at one USD. Owner only.
    """
    ownable._check_owner()
    self.stable_feed = feed
    log StableFeedSet(feed=feed)


@internal
@view
def _engine(engine_id: uint256) -> address:
    return convert(self.engine_words[engine_id] & MASK_160, address)


@internal
@view
def _check_room():
    """
    @dev A portfolio has eight places beside the cash. One is the line's: strangers may deposit any collateral into
         any account, and must not be able to crowd its line out.
    """
    assert (
        not self.lines_enabled or collateral_store.asset_count < collateral_store.MAX_ASSETS
    ), collateral_store.TOO_MANY_ASSETS
