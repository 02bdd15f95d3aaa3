# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Parameters of the Vault: margin engines, collateral, interest, the feed of the cash token
@license AGPL-3.0-only
@notice All of them are the owner's, which is the Timelock.
"""

from contracts.math import interest_math
from contracts.modules import cash_ledger
from contracts.modules import collateral_store
from snekmate.auth import ownable

uses: ownable
uses: cash_ledger
uses: collateral_store

NO_ENGINE: constant(String[32]) = "vault: no such engine"
NO_ADDRESS: constant(String[32]) = "vault: zero address"

event EngineRegistered:
    engine_id: indexed(uint256)
    engine: indexed(address)

event StableFeedSet:
    feed: uint256

stable_feed: public(uint256)        # 0: the cash token is taken at one USD
engine_count: public(uint256)
engines: public(HashMap[uint256, address])


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
    self.engines[engine_id] = engine
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
    return collateral_store._list(token, feed, maintenance_haircut, initial_haircut, cap)


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
def set_stable_feed(feed: uint256):
    """
    @notice Names the feed of the cash token; 0 takes it at one USD. Owner only.
    """
    ownable._check_owner()
    self.stable_feed = feed
    log StableFeedSet(feed=feed)
