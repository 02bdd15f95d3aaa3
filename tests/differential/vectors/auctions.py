# SPDX-License-Identifier: Apache-2.0
"""Auctions of Derive's DutchAuction, bid by bid, through the Liquidator and the InsuranceFund.

Derive's margin is equity less requirement, so the requirement is mtm - mm. An account holds what has them: a
perpetual at its entry price, of which maintenance margin is 5 % (MockMarginVault), and cash. Sizes are
nano base at 1 USD. Tolerance: 1e-8 of the account's requirement.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.unit.liquidator.world import MARKET, NANO, WAD, World

__all__ = ["NAMES", "check"]

NAMES = ("auction_*.json",)
NOTIONAL = 20
"""Notional over maintenance margin."""
RICH = 10**9
"""USD of the bidder and of the fund."""
RELATIVE = Decimal("1e-8")


def check(data: Mapping[str, Any]) -> None:
    """Asserts every expected number of a file of either kind."""
    world = World()
    world.mark(1)
    world.vault.set_cash(world.bidder, RICH * WAD)
    world.insure(RICH)
    if "sims" in data:
        for sim in data["sims"].values():
            with world.env.anchor():
                _check_simulation(world, data["params"], sim, _at_the_start(data["sims"]))
        return
    params = data["params_default"]
    for case in data["solvent"]:
        with world.env.anchor():
            _check_solvent(world, params, case)
    for case in data["insolvent"]:
        with world.env.anchor():
            _check_insolvent(world, params, case)
    _check_perpetual(world, params | data["perp_short"]["params"], data["perp_short"])
    for case in data["withdraw_lock"]:
        _check_lock(params, case)


def wad(number: float) -> int:
    return int(Decimal(str(number)).scaleb(18))


def _near(found: int, expected: float, scale: int) -> None:
    assert abs(found - wad(expected)) <= RELATIVE * max(abs(wad(expected)), scale), f"{found}, not {expected}"


def _set_parameters(world: World, params: Mapping[str, Any]) -> None:
    """Derive's parameters: no cut-off, no reward; a cut below the first discount only."""
    start = wad(params["startingMtM"])
    world.parameters(
        start=start,
        cut=min(wad(params["fastCutoff"]), start),
        fast=params["fastLength"],
        slow=params["slowLength"],
        insolvent_length=params["insolventLength"],
        buffer=wad(params["bufferMargin"]),
        fee=wad(params["liquidatorFeeRate"]),
        equity_cutoff=0,
        reward_rate=0,
    )


def _hold(world: World, account: int, mtm: int, mm: int) -> None:
    """Gives an account this equity and the requirement mtm - mm, wad."""
    world.vault.set_position(account, MARKET, NOTIONAL * (mtm - mm) // NANO, NANO)
    world.vault.set_cash(account, mtm)


def _open(world: World, mtm: int, mm: int) -> int:
    account = int(world.vault.open(world.trader, 0, 0).value)
    _hold(world, account, mtm, mm)
    return account


def _check_solvent(world: World, params: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    _set_parameters(world, params)
    account = _open(world, wad(case["mtm"]), wad(case.get("mm", -100)))
    world.start(account)
    world.env.advance(case["t"])
    auction = world.state(account)
    found: dict[str, Any] = {"bid_price": auction.bid_price, "fmax_floor_1e3": auction.max_fraction // 10**15}
    if found["bid_price"]:
        part = wad(case["percent"]) if "percent" in case else WAD
        taken, paid = world.bid(part, account=account).value
        assert taken == min(part, auction.max_fraction)
        found |= {"cash_from_bidder": paid, "cash_from_bidder_floor": paid // WAD}
    compared = [key for key in found if key in case]
    assert compared
    for key in compared:
        assert found[key] == (case[key] if "floor" in key else wad(case[key])), key


def _check_insolvent(world: World, params: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    """What has a value left was first offered at every price."""
    _set_parameters(world, params)
    account = _open(world, wad(case["mtm"]), wad(case["mm"]))
    world.start(account)
    if case["mtm"] > 0:
        world.env.advance(params["fastLength"] + params["slowLength"])
        world.liquidator.mark_insolvent(account)
    world.env.advance(case["t"])
    taken, paid = world.bid(wad(case["percent"]), account=account).value
    assert (taken, -paid) == (wad(case["percent"]), wad(case["cash_to_bidder"]))


def _check_perpetual(world: World, params: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    """A short perpetual whose price has risen: two bids restore the buffer."""
    _set_parameters(world, params)
    expected = case["expected"]
    account = int(world.vault.open(world.trader, wad(case["cash"]), 0).value)
    world.hold(account, case["size"], case["perp_price_open"])
    world.mark(case["perp_price_now"])
    world.start(account)
    auction = world.state(account)
    assert auction.maintenance_margin == wad(case["mm_req"]) * case["perp_price_now"]
    assert auction.equity == wad(expected["mtm"])
    assert auction.equity - auction.maintenance_margin == wad(expected["mm"])
    assert auction.buffer_margin == wad(expected["bm"])
    assert auction.max_fraction * 10_000 // WAD == expected["fmax_floor_1e4"]
    world.bid(WAD // 10, account=account)
    assert (
        world.state(account).max_fraction * 10_000 // WAD == expected["second_bid_fmax_after_10pct_floor_1e4"]
    )
    world.bid(account=account)
    _near(world.state(account).buffer_margin, expected["bm_after"], auction.maintenance_margin)
    world.mark(1)


def _check_lock(params: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    """Shares of the fund while insolvent accounts lack that much."""
    world = World()
    world.mark(1)
    _set_parameters(world, params)
    if case["sm_balance"]:
        world.insure(case["sm_balance"])
    missing = wad(case["total_insolvent_mm"])
    account = _open(world, -missing // 3, -missing)
    world.start(account)
    assert world.liquidator.total_insolvent() == missing
    assert world.fund.locked() is case["blocked"]


def _at_the_start(sims: Mapping[str, Any]) -> tuple[int, int]:
    """Equity and margin at time zero, with which every simulation starts: prices move afterwards."""
    (first,) = (sim["actions"][0] for sim in sims.values() if sim["actions"][0]["t"] == 0)
    return wad(first["pre_mtm"]), wad(first["pre_mm"])


def _check_simulation(
    world: World, params: Mapping[str, Any], sim: Mapping[str, Any], at_the_start: tuple[int, int]
) -> None:
    """What stands before each bid is given, after prices moved; earlier payments stay."""
    _set_parameters(world, params)
    mtm, mm = at_the_start
    fee = wad(sim["liquidation_fee"])
    # The fee is taken when the auction starts: the first bid meets what is left.
    account = _open(world, mtm + fee, mm + fee)
    world.start(account)
    began = world.env.timestamp
    taken_fee = mtm + fee - world.state(account).equity
    assert abs(taken_fee - fee) <= RELATIVE * WAD, sim["liquidation_fee"]
    for action in sim["actions"]:
        expected = action["expected"]
        mtm, mm = wad(action["pre_mtm"]), wad(action["pre_mm"])
        _hold(world, account, mtm, mm)
        world.env.advance(began + action["t"] - world.env.timestamp)
        auction, scale = world.state(account), mtm - mm
        _near(auction.buffer_margin, expected["pre_bm"], scale)
        _near(auction.max_fraction, expected["pre_fmax"], WAD)
        taken, paid = world.bid(action["percent_want"], account=account).value
        assert taken == min(action["percent_want"], auction.max_fraction)
        _near(paid, expected["bid"], scale)
        after = world.state(account)
        _near(after.equity, expected["post_mtm"], scale)
        _near(after.equity - after.maintenance_margin, expected["post_mm"], scale)
        _near(after.buffer_margin, expected["post_bm"], scale)
