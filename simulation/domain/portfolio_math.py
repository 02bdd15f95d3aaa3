# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/modules/scenario_margin.vy: what a portfolio must keep for the worst of many scenarios.

The published model is Derive's PMRM_2. Money is wad USD, sizes nano base, prices nano USD, values of options
1e-12 USD per unit. Requirements are >= 0 and every term is rounded up by itself. Exact integers, no lanes:
each case is summed by itself. May import nothing but domain modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from simulation.domain.fixed_point import div_up
from simulation.domain.margin_math import Assessment, CollateralRisk, Portfolio, PositionRisk, Term
from simulation.domain.risk_board import BASIS_DOWN, BASIS_UP, PLAIN, Board, Scenario
from simulation.domain.units import BPS, NANO, WAD

__all__ = ["BASIS", "Parameters", "Setting", "assess", "explain"]

FULL = 10**8
TO_WAD = 10**21
"""Values times sizes times a wad, in wad USD."""
BASIS = 34
"""Id of the basis contingency as a worst scenario."""
LABELS = ("scenario", "depeg", "linear", "naked", "confidence", "haircut", "orders")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Factors and contingencies; ratios in bps."""

    initial_loss: int
    maintenance_loss: int
    depeg_threshold: int
    """Nano USD."""
    depeg_factor: int
    confidence_threshold: int
    """1e-8."""
    confidence_factor: int
    linear_maintenance: int
    linear_initial: int
    naked_maintenance: int
    naked_initial: int
    bounded: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything but the portfolio."""

    timestamp: int
    parameters: Parameters
    scenarios: Sequence[Scenario | None]
    """At their cases (risk_board.arranged)."""
    boards: Mapping[int, Board]
    market_feeds: Mapping[int, int]
    asset_feeds: Mapping[int, int]


@dataclass(slots=True)
class _Underlying:
    exposure: int = 0
    """Linear profit for a move of spot by its whole, wad USD."""
    coin: int = 0
    """Value of collateral that moves with it, wad USD."""
    relief: int = 0
    """The part of it that no fall charges."""
    notional: int = 0
    missing: int = 0
    """Of full confidence, perpetuals."""
    doubt: int = 0
    """The same of everything that is held."""
    spot: int = 0
    series: dict[int, list[PositionRisk]] = field(default_factory=dict)

    def base(self) -> int:
        """Base held as coin, nano, floored."""
        return self.coin // self.spot if self.spot else 0


@dataclass(slots=True)
class _Total:
    loss: int = 0
    worst: int = 0
    worst_loss: int = 0
    linear: int = 0
    naked: int = 0
    unsure: int = 0
    lost: int = 0
    """What can be lost at all, while `limited`."""
    limited: bool = True


def _missing(confidence: int) -> int:
    return FULL - min(confidence, FULL)


def _unsure(notional: int, missing: int, parameters: Parameters) -> int:
    return notional * missing if FULL - missing < parameters.confidence_threshold else 0


def _unsure_charge(unsure: int, parameters: Parameters) -> int:
    return div_up(unsure * parameters.confidence_factor, FULL * BPS)


def _loss_factors(parameters: Parameters, stable_price: int) -> tuple[int, int]:
    """(initial loss factor, depeg term), wad."""
    short = max(parameters.depeg_threshold - stable_price, 0)
    return parameters.initial_loss * WAD // BPS, short * parameters.depeg_factor * 10**5


def _gathered(portfolio: Portfolio, setting: Setting) -> dict[int, _Underlying]:
    found: dict[int, _Underlying] = {}
    parameters = setting.parameters
    for position in portfolio.positions:
        if position.market >= 256:
            continue
        feed = setting.market_feeds.get(position.market, 0)
        if not feed:
            raise ValueError("portfolio_margin: market without feed")
        underlying = found.setdefault(feed, _Underlying())
        underlying.missing = max(underlying.missing, _missing(position.confidence))
        if position.market < 128:
            underlying.exposure += position.size * position.mark
            underlying.notional += abs(position.size) * position.spot
        else:
            coin = position.unrealised + position.size * NANO
            underlying.exposure += coin
            underlying.notional += max(abs(position.size) * NANO, abs(coin))
    fall, factor = _fractions(setting.scenarios)[0], sum(_loss_factors(parameters, portfolio.stable_price))
    for collateral in portfolio.collaterals:
        if feed := setting.asset_feeds.get(collateral.asset, 0):
            underlying = found.setdefault(feed, _Underlying())
            underlying.coin += collateral.value
            initial, _, unsure = _haircuts(collateral, parameters)
            # The worst fall may cost what haircut and confidence charge have left, no more.
            if parameters.bounded and (worst := div_up(fall * factor, WAD)):
                left = (collateral.value - initial - unsure) * WAD // worst
                underlying.relief += max(collateral.value - left, 0)
    for position in portfolio.positions:
        if (series := position.market >> 8) == 0:
            continue
        if series not in setting.boards:
            raise ValueError("portfolio_margin: no values")
        underlying = found.setdefault(setting.boards[series].feed, _Underlying())
        # The contract walks a series from its last position to its first.
        underlying.series.setdefault(series, []).insert(0, position)
    return found


def _least_payoff(board: Board, nets: Mapping[int, int], put_strikes: int, slope: int) -> tuple[int, int]:
    """Smallest terminal payoff of a series, wad USD, and its slope beyond the last strike."""
    payoff = least = last = 0
    for place in sorted(nets):
        if not nets[place]:
            continue
        strike = board.strikes[place].strike
        payoff += slope * (strike - last)
        least = min(least, payoff)
        slope += nets[place]
        last = strike
    return put_strikes + least, slope


def _option(position: PositionRisk) -> tuple[int, bool] | None:
    index = position.market & 255
    return ((index - 1) // 2, index % 2 == 1) if index else None


def _underlying_loss(underlying: _Underlying, setting: Setting, total: _Total) -> None:
    parameters = setting.parameters
    exposure = underlying.exposure + underlying.coin
    alone = len(underlying.series) == 1
    totals = [0] * len(setting.scenarios)
    basis = 0
    for number, positions in underlying.series.items():
        board = setting.boards[number]
        missing = max(
            underlying.missing, _missing(board.confidence), *(_missing(p.confidence) for p in positions)
        )
        nets: dict[int, int] = {}
        future = puts = put_strikes = marked = gross = 0
        for position in positions:
            underlying.spot = position.spot
            option = _option(position)
            if option is None:
                future = position.size
                total.lost += position.size * position.mark
                continue
            place, is_call = option
            if place >= len(board.strikes):
                raise ValueError("portfolio_margin: no values")
            nets[place] = nets.get(place, 0) + position.size
            marked += position.size * position.mark
            gross += abs(position.size)
            if not is_call:
                puts += position.size
                put_strikes += position.size * board.strikes[place].strike
        underlying.doubt = max(underlying.doubt, missing)
        spot = underlying.spot
        total.linear += abs(future) * spot
        total.unsure += _unsure((abs(future) + gross) * spot, missing, parameters)
        total.naked += sum(max(0, -net) for net in nets.values()) * spot
        # Its payoffs are fixed, or as good as, and the board does not know it yet: nothing of it moves.
        outdated = setting.timestamp >= board.expiry > board.refreshed
        exposure += 0 if outdated else future * board.variable
        least, slope = _least_payoff(
            board, nets, put_strikes, future - puts + (underlying.base() if alone else 0)
        )
        total.lost += marked - least
        total.limited = total.limited and slope >= 0

        if outdated:
            continue
        strikes = put_strikes * board.discount // 10**15
        values = [
            sum(net * board.strikes[place].calls[case] for place, net in nets.items())
            - puts * board.forwards[case]
            + strikes
            for case in range(len(board.forwards))
        ]
        cost = marked * TO_WAD
        for case in range(len(setting.scenarios)):
            profit = values[case] * (board.assets if values[case] >= 0 else board.debts) - cost
            totals[case] += profit if case < PLAIN else -abs(profit)
        basis += min(min(values[BASIS_UP], values[BASIS_DOWN]) * WAD - cost, 0) * board.weight

    least_profit = basis // TO_WAD // WAD
    worst = BASIS if least_profit < 0 else 0
    for case, scenario in enumerate(setting.scenarios):
        if scenario is None:
            continue
        counted = exposure - (underlying.relief if scenario.spot_shock < WAD else 0)
        moved = totals[case] + counted * (scenario.spot_shock - WAD) * 1_000
        profit = moved // TO_WAD * scenario.damping // WAD
        if profit < least_profit:
            least_profit, worst = profit, case + 1
    total.loss -= least_profit
    if -least_profit > total.worst_loss:
        total.worst_loss, total.worst = -least_profit, worst
    total.linear += underlying.notional
    total.unsure += _unsure(underlying.notional, underlying.missing, parameters)
    underlying.doubt = max(underlying.doubt, underlying.missing)


def _fractions(scenarios: Iterable[Scenario | None]) -> tuple[int, int]:
    """Largest loss of a linear unit, long and short, as a share of its value, wad."""
    shocks = [(one.spot_shock, one.damping) for one in scenarios if one is not None]
    return (
        max((div_up((WAD - shock) * damping, WAD) for shock, damping in shocks if shock < WAD), default=0),
        max((div_up((shock - WAD) * damping, WAD) for shock, damping in shocks if shock >= WAD), default=0),
    )


def _orders(
    portfolio: Portfolio, setting: Setting, underlyings: Mapping[int, _Underlying], factor: int
) -> tuple[int, int, bool]:
    """(charge of resting orders, what they can lose at all, whether that is limited)."""
    parameters = setting.parameters
    linear_share = parameters.linear_maintenance + parameters.linear_initial
    naked_share = parameters.naked_maintenance + parameters.naked_initial
    charge = lost = 0
    limited = True
    for position in portfolio.positions:
        if not position.bids and not position.asks:
            continue
        option = None
        gross, bid_lost, ask_lost = position.spot, position.mark, None
        if position.market < 256:
            feed = setting.market_feeds[position.market]
            # A perpetual has no expiry: nothing bounds what it can lose.
            limited = False
            if position.market >= 128:
                gross = bid_lost = NANO
        else:
            board = setting.boards[position.market >> 8]
            feed = board.feed
            option = _option(position)
        missing = underlyings[feed].doubt
        if option is None:
            losses = tuple(div_up(bid_lost * share, 10**15) for share in _fractions(setting.scenarios))
        else:
            place, is_call = option
            values = board.strikes[place]
            losses = values.losses[:2] if is_call else values.losses[2:]
            if not is_call:
                ask_lost = max(values.strike - position.mark, 0)

        sides = []
        for size, loss, naked in ((position.bids, losses[0], 0), (position.asks, losses[1], position.spot)):
            sides.append(
                div_up(div_up(size * loss, 1_000) * factor, WAD)
                + (div_up(size * gross * linear_share, BPS) if option is None else 0)
                + (div_up(size * naked * naked_share, BPS) if option is not None else 0)
                + _unsure_charge(_unsure(size * gross, missing, parameters), parameters)
            )
        charge += max(sides)
        if position.asks:
            limited = limited and ask_lost is not None
        lost += max(position.bids * bid_lost, position.asks * (ask_lost or 0))
    return charge, lost, limited


def _haircuts(collateral: CollateralRisk, parameters: Parameters) -> tuple[int, int, int]:
    """(initial, maintenance, confidence charge that fits into what is left of the value)."""
    initial = div_up(collateral.value * max(collateral.initial_haircut, collateral.maintenance_haircut), BPS)
    maintenance = div_up(collateral.value * collateral.maintenance_haircut, BPS)
    unsure = _unsure(collateral.value, _missing(collateral.confidence), parameters)
    return initial, maintenance, min(_unsure_charge(unsure, parameters), collateral.value - initial)


def explain(portfolio: Portfolio, setting: Setting) -> tuple[tuple[Term, ...], int]:
    """The terms of the assessment and its worst scenario; terms that are zero are left out."""
    parameters = setting.parameters
    underlyings = _gathered(portfolio, setting)
    total = _Total(
        lost=sum(collateral.value for collateral in portfolio.collaterals),
        limited=not any(p.market < 256 and (p.size or p.unrealised) for p in portfolio.positions),
    )
    for underlying in underlyings.values():
        _underlying_loss(underlying, setting, total)
    factor, depeg = _loss_factors(parameters, portfolio.stable_price)
    orders, orders_lost, orders_limited = _orders(portfolio, setting, underlyings, factor + depeg)
    haircuts = [_haircuts(collateral, parameters) for collateral in portfolio.collaterals]
    linear = (parameters.linear_maintenance, parameters.linear_initial)
    naked = (parameters.naked_maintenance, parameters.naked_initial)
    initial = (
        div_up(total.loss * factor, WAD),
        div_up(total.loss * depeg, WAD),
        div_up(total.linear * sum(linear), BPS),
        div_up(total.naked * sum(naked), BPS),
        _unsure_charge(total.unsure, parameters),
        sum(one[0] + one[2] for one in haircuts),
        orders,
    )
    maintenance = (
        div_up(total.loss * parameters.maintenance_loss, BPS),
        0,
        div_up(total.linear * linear[0], BPS),
        div_up(total.naked * naked[0], BPS),
        0,
        sum(one[1] for one in haircuts),
        0,
    )
    terms = [Term("cash", 0, 0, 0, portfolio.cash)]
    terms += [Term("unrealised", p.market, 0, 0, p.unrealised) for p in portfolio.positions if p.unrealised]
    terms += [Term("collateral", one.asset, 0, 0, one.value) for one in portfolio.collaterals]
    limited = total.limited and parameters.bounded
    limits = (
        max(total.lost + orders_lost, 0) if limited and orders_limited else sum(initial),
        max(total.lost, 0) if limited else sum(maintenance),
    )
    counted = (sum(initial) <= limits[0], sum(maintenance) <= limits[1])
    for place, label in enumerate(LABELS):
        if initial[place] or maintenance[place]:
            subject = total.worst if label == "scenario" else 0
            terms.append(
                Term(label, subject, initial[place] * counted[0], maintenance[place] * counted[1], 0)
            )
    if not all(counted):
        terms.append(Term("maximum loss", 0, limits[0] * (not counted[0]), limits[1] * (not counted[1]), 0))
    return tuple(terms), total.worst


def assess(portfolio: Portfolio, setting: Setting) -> Assessment:
    """What PortfolioMargin answers."""
    terms, worst = explain(portfolio, setting)
    return Assessment(
        sum(term.initial_margin for term in terms),
        sum(term.maintenance_margin for term in terms),
        sum(term.equity for term in terms),
        worst,
    )
