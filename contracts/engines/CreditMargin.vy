# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Margin of another engine, less what a credit line stands for
@license AGPL-3.0-only
@notice With IM and MM of the base engine, own equity E and a line L (all wad):
            initial         IM - min(L', share * IM, multiple * max(E, 0)),    L' = L less its initial haircut
            maintenance     MM - min(L, share * MM)
        Equity is that of the base engine: a line is a guarantee, never money of the account. As x - min(L, share * x) grows
        with x, initial margin stays at least maintenance margin. Between the two lies the
        time of a call: new risk needs the limit of today, maintenance has the whole line until
        CreditDesk withdraws it.
        The line is the last collateral of the portfolio, asset 9 (ICreditMargin); the base engine never sees it.
        Credit is rounded down.
"""

from contracts.interfaces import ICreditMargin
from contracts.interfaces import IMarginEngine
from contracts.math import credit_math
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: IMarginEngine
implements: ICreditMargin

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

BAD_LINE: constant(String[40]) = "credit_margin: line must come last"
OUT_OF_BOUND: constant(String[40]) = "credit_margin: out of bound"

WIRED: constant(String[40]) = "credit_margin: already wired"
NO_ADDRESS: constant(String[40]) = "credit_margin: zero address"

BPS: constant(uint256) = 10_000
FULL_CONFIDENCE: constant(uint256) = 10**8
# What the desk may spend on an answer, a multiple of what it needs. A caller who leaves it less cannot make a line
# vanish and go on: of the gas that it lacked a 63rd at most would be left, too little for the margin check.
LINE_GAS: constant(uint256) = 100_000
MAX_LINE: constant(uint256) = 2**128
# Above the numbers of collaterals.
LINE_ASSET: constant(uint256) = 9
# A borrower keeps a fifth of every requirement in own equity, whatever the owner sets.
MAX_SHARE: constant(uint256) = 8_000
MAX_MULTIPLE: constant(uint256) = 100_000

struct Credit:
    initial: uint256
    maintenance: uint256

BASE: immutable(IMarginEngine)

share: public(uint256)
multiple: public(uint256)
desk: public(address)


@deploy
def __init__(base: address, share: uint256, multiple: uint256):
    """
    @notice The deployer becomes the owner.
    @param base The engine whose requirements a line reduces.
    @param share, multiple As in `set_credit`.
    """
    ownable.__init__()
    ownable_2step.__init__()
    BASE = IMarginEngine(base)
    self._set_credit(share, multiple)


@external
@view
def assess(portfolio: IMarginEngine.Portfolio) -> IMarginEngine.Assessment:
    """
    @notice What a portfolio must keep beside its line, and what it is worth without it.
    @param portfolio As IMarginEngine describes it; may end with a line (ICreditMargin).
    @return Requirements in wad USD, equity and worst_scenario of the base engine.
    """
    found: IMarginEngine.Assessment = staticcall BASE.assess(self._bare(portfolio))
    credit: Credit = self._credit(self._line(portfolio), found)
    found.initial_margin -= credit.initial
    found.maintenance_margin -= credit.maintenance
    return found


@external
@view
def explain(portfolio: IMarginEngine.Portfolio) -> DynArray[IMarginEngine.Term, 256]:
    """
    @notice The base engine's terms, each less what the line pays of it: the line pays the first ones first.
            `credit` says how much it pays in all; the base engine's own `explain` what it started from.
    @return Terms that sum exactly to `assess`.
    """
    bare: IMarginEngine.Portfolio = self._bare(portfolio)
    credit: Credit = self._credit(self._line(portfolio), staticcall BASE.assess(bare))
    terms: DynArray[IMarginEngine.Term, 256] = staticcall BASE.explain(bare)
    for i: uint256 in range(len(terms), bound=256):
        paid: uint256 = min(credit.initial, terms[i].initial_margin)
        terms[i].initial_margin -= paid
        credit.initial -= paid
        paid = min(credit.maintenance, terms[i].maintenance_margin)
        terms[i].maintenance_margin -= paid
        credit.maintenance -= paid
    return terms


@external
@view
def credit(portfolio: IMarginEngine.Portfolio) -> (uint256, uint256):
    """
    @notice What the line of a portfolio stands for in its initial and its maintenance margin, wad, rounded down.
    """
    credit: Credit = self._credit(self._line(portfolio), staticcall BASE.assess(self._bare(portfolio)))
    return credit.initial, credit.maintenance


@external
@view
def measure(portfolio: IMarginEngine.Portfolio) -> (int256, uint256, uint256):
    """
    @notice What decides the limit of a line, whatever the line itself.
    @return int256 Equity, wad.
    @return uint256 Initial margin of the base engine, wad.
    @return uint256 The most that a line may stand for in it, wad, rounded down.
    """
    found: IMarginEngine.Assessment = staticcall BASE.assess(self._bare(portfolio))
    return (
        found.equity,
        found.initial_margin,
        credit_math._cap_down(found.initial_margin, found.equity, self.share, self.multiple),
    )


@external
@view
def line(account: uint256) -> IMarginEngine.CollateralRisk:
    """
    @notice The account's line as the last entry of its portfolio. A desk that fails or answers nonsense costs its
            accounts their credit, never the margin check.
    """
    line: IMarginEngine.CollateralRisk = empty(IMarginEngine.CollateralRisk)
    line.asset = LINE_ASSET
    line.confidence = FULL_CONFIDENCE
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        self.desk,
        abi_encode(account, method_id=method_id("line_word(uint256)")),
        max_outsize=32,
        gas=LINE_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if success:
        word: uint256 = convert(answer, uint256)
        line.value = word & (MAX_LINE - 1)
        line.initial_haircut = min(word >> 128, BPS)
    return line


@external
@view
def permits(account: uint256, market: uint256, listed: uint256) -> bool:
    """
    @notice Whether an account may list one more market: as the base engine says.
    """
    return staticcall BASE.permits(account, market, listed)


@external
@view
def base() -> address:
    """
    @notice The engine whose requirements a line reduces.
    """
    return BASE.address


@external
def set_credit(share: uint256, multiple: uint256):
    """
    @notice Sets what a line may stand for at most. Owner only.
    @param share Bps of a requirement, at most 8_000.
    @param multiple Bps of own equity, at most 100_000; initial margin only.
    """
    ownable._check_owner()
    self._set_credit(share, multiple)


@external
def wire(desk: address):
    """
    @notice Names the desk that grants lines; once. Owner only.
    """
    ownable._check_owner()
    assert self.desk == empty(address), WIRED
    assert desk != empty(address), NO_ADDRESS
    self.desk = desk
    log ICreditMargin.DeskWired(desk=desk)


@internal
def _set_credit(share: uint256, multiple: uint256):
    assert share <= MAX_SHARE and multiple <= MAX_MULTIPLE, OUT_OF_BOUND
    self.share = share
    self.multiple = multiple
    log ICreditMargin.CreditSet(share=share, multiple=multiple)


@internal
@pure
def _bare(portfolio: IMarginEngine.Portfolio) -> IMarginEngine.Portfolio:
    """
    @dev The portfolio without its line. A line anywhere but at the end would be taken for collateral.
    """
    bare: IMarginEngine.Portfolio = portfolio
    if len(bare.collaterals) != 0 and bare.collaterals[len(bare.collaterals) - 1].asset == LINE_ASSET:
        bare.collaterals.pop()
    for collateral: IMarginEngine.CollateralRisk in bare.collaterals:
        assert collateral.asset != LINE_ASSET, BAD_LINE
    return bare


@internal
@pure
def _line(portfolio: IMarginEngine.Portfolio) -> IMarginEngine.CollateralRisk:
    if len(portfolio.collaterals) == 0:
        return empty(IMarginEngine.CollateralRisk)
    last: IMarginEngine.CollateralRisk = portfolio.collaterals[len(portfolio.collaterals) - 1]
    if last.asset != LINE_ASSET:
        return empty(IMarginEngine.CollateralRisk)
    assert last.value < MAX_LINE and last.initial_haircut <= BPS, OUT_OF_BOUND
    return last


@internal
@view
def _credit(line: IMarginEngine.CollateralRisk, found: IMarginEngine.Assessment) -> Credit:
    share: uint256 = self.share
    initial: uint256 = line.value * (BPS - line.initial_haircut) // BPS
    return Credit(
        initial=min(
            initial, credit_math._cap_down(found.initial_margin, found.equity, share, self.multiple)
        ),
        maintenance=credit_math._maintenance_credit_down(line.value, found.maintenance_margin, share),
    )
