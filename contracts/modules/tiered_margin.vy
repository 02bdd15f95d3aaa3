# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Margin of perpetuals by size tiers, of collateral, and the sum of all charges
@license AGPL-3.0-only
@notice Requirement of a portfolio, all terms >= 0 and rounded up:
            position    sum over tiers of |size| * mark times the tier's ratio; initial margin on the worst
                        size with resting orders, maintenance margin on the position as it is
            confidence  initial only, below a threshold: (1 - confidence) * factor of the notional at spot
            depeg       initial only, cash token below a threshold: (threshold - price) * factor of the same
            haircut     the collateral's haircut, so that equity keeps the collateral at full value
        A collateral of low confidence pays a confidence term as well; haircut and confidence together never
        exceed its value, so that no deposit makes an account worse.
        Equity = cash + unrealised + collateral values.
        The parameters of all markets are the code of one contract without functions, a table of 256 entries
        of 128 bits: entry n is market n's risk, entry 0 the contingencies. Reading the table costs one cold
        account whatever the number of positions; a change writes a new table (about a million gas) and so
        is atomic for all markets that it names.
@dev `assess` works on arguments that the Vault has made. Others may ask too: sizes, prices and amounts out
     of range are refused, so that nothing below can wrap (margin_math states the bounds).
"""

from contracts.interfaces import IMarginEngine
from contracts.interfaces import IStandardOptions
from contracts.math import margin_math
from snekmate.auth import ownable

uses: ownable

OUT_OF_RANGE: constant(String[40]) = "tiered_margin: portfolio out of range"
LENGTH_MISMATCH: constant(String[40]) = "tiered_margin: length mismatch"
BAD_MARKET: constant(String[40]) = "tiered_margin: market out of range"
BAD_RATIO: constant(String[40]) = "tiered_margin: ratio out of range"
BAD_MULTIPLIER: constant(String[40]) = "tiered_margin: multiplier out of range"
BAD_BOUND: constant(String[40]) = "tiered_margin: bound out of range"
BAD_CONTINGENCY: constant(String[40]) = "tiered_margin: contingency out of range"

BPS: constant(uint256) = margin_math.BPS
FULL_CONFIDENCE: constant(uint256) = margin_math.FULL_CONFIDENCE
MASK_16: constant(uint256) = margin_math.MASK_16
MASK_28: constant(uint256) = 2**28 - 1
MASK_32: constant(uint256) = margin_math.MASK_32
MASK_128: constant(uint256) = 2**128 - 1
BOUND_UNIT: constant(uint256) = margin_math.BOUND_UNIT

MAX_MARKET: constant(uint256) = 255
# Above it markets of other kinds (market_math): modules/standard_options.vy charges them.
LAST_LINEAR: constant(uint256) = 127
TABLE_WORDS: constant(uint256) = (MAX_MARKET + 1) // 2
TABLE_BYTES: constant(uint256) = 32 * TABLE_WORDS
# Returns what follows it as code: PUSH1 11, MSIZE, DUP2, CODESIZE, SUB, DUP1, SWAP3, MSIZE, CODECOPY, RETURN.
# The STOP that stands before the data makes a call of the table do nothing.
TABLE_PREFIX: constant(Bytes[12]) = x"600b5981380380925939f300"

# A market that has no parameters is charged in full.
FULL_CHARGE: constant(uint256) = BPS | (BPS << 16) | (BPS << 32) | (BPS << 48)

# Contingency word: confidence threshold 28 | confidence factor 16 | depeg factor 16 | depeg threshold 32.
MAX_CONFIDENCE_FACTOR: constant(uint256) = BPS
MAX_DEPEG_FACTOR: constant(uint256) = 5 * BPS
MAX_DEPEG_THRESHOLD: constant(uint256) = 10**9

# Bounds of what a portfolio may hold (margin_math). Signed numbers are checked with a bias, as unsigned.
SIZE_BITS: constant(uint256) = 81
SIZE_BIAS: constant(uint256) = 2**80
PRICE_BITS: constant(uint256) = 80
AMOUNT_BITS: constant(uint256) = 200
AMOUNT_BIAS: constant(uint256) = 2**199

# Contract whose code is the table.
table: public(address)


@deploy
def __init__(contingency: IMarginEngine.Contingency):
    self._store(
        self._with_entry(empty(uint256[TABLE_WORDS]), 0, self._checked_contingency(contingency))
    )
    log IMarginEngine.ContingencySet(contingency=contingency)


# --- the question


@external
@view
def assess(portfolio: IMarginEngine.Portfolio) -> IMarginEngine.Assessment:
    """
    @notice What a portfolio must keep and what it is worth.
    @param portfolio As IMarginEngine describes it.
    @return Requirements in wad USD rounded up, equity in wad USD; worst_scenario is 0, there is one case.
    """
    risks: Bytes[TABLE_BYTES] = slice(self.table.code, 1, TABLE_BYTES)
    contingency: uint256 = extract32(risks, 0, output_type=uint256) >> 128
    threshold: uint256 = contingency & MASK_28
    pegged: bool = portfolio.stable_price >= contingency >> 60

    initial: uint256 = 0
    maintenance: uint256 = 0
    equity: int256 = portfolio.cash
    # Every price and amount is or-ed into one of these, so that their ranges are checked once, at the end.
    prices: uint256 = 0
    amounts: uint256 = unsafe_add(convert(convert(portfolio.cash, bytes32), uint256), AMOUNT_BIAS)

    others: bool = False
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        sizes: uint256 = (
            position.bids
            | position.asks
            | unsafe_add(convert(convert(position.size, bytes32), uint256), SIZE_BIAS)
        )
        assert sizes >> SIZE_BITS == 0, OUT_OF_RANGE
        prices |= position.mark | position.spot
        amounts |= unsafe_add(convert(convert(position.unrealised, bytes32), uint256), AMOUNT_BIAS)
        equity = unsafe_add(equity, position.unrealised)
        if unsafe_sub(position.market, 1) >= LAST_LINEAR:
            assert position.market != 0, BAD_MARKET
            others = True
            continue

        risk: uint256 = MASK_128 & extract32(
            risks, unsafe_mul(unsafe_sub(position.market, 1), 16), output_type=uint256
        )
        if risk == 0:
            risk = FULL_CHARGE
        held: uint256 = convert(abs(position.size), uint256)
        worst: uint256 = held
        weighted: uint256 = margin_math._weighted(unsafe_mul(held, position.mark), risk)
        maintenance = unsafe_add(
            maintenance, margin_math._requirement_up(weighted, (risk >> 16) & MASK_16)
        )
        if position.bids | position.asks != 0:
            worst = margin_math._worst_size(position.size, position.bids, position.asks)
            weighted = margin_math._weighted(unsafe_mul(worst, position.mark), risk)
        initial = unsafe_add(initial, margin_math._requirement_up(weighted, risk & MASK_16))
        if position.confidence < threshold:
            initial = unsafe_add(
                initial,
                margin_math._confidence_up(
                    unsafe_mul(worst, position.spot),
                    position.confidence,
                    threshold,
                    (contingency >> 28) & MASK_16,
                ),
            )
        if not pegged:
            initial = unsafe_add(
                initial,
                margin_math._depeg_up(
                    unsafe_mul(worst, position.spot),
                    portfolio.stable_price,
                    contingency >> 60,
                    (contingency >> 44) & MASK_16,
                ),
            )

    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        haircuts: uint256[3] = self._haircuts(collateral, contingency)
        equity = unsafe_add(equity, convert(collateral.value, int256))
        initial = unsafe_add(initial, unsafe_add(haircuts[0], haircuts[2]))
        maintenance = unsafe_add(maintenance, haircuts[1])

    assert prices >> PRICE_BITS == 0 and amounts >> AMOUNT_BITS == 0, OUT_OF_RANGE
    if others:
        for charge: IStandardOptions.Charge in staticcall IStandardOptions(self).charges(
            portfolio, skip_contract_check=True
        ):
            initial = unsafe_add(
                initial, unsafe_add(charge.initial_margin, unsafe_add(charge.confidence, charge.depeg))
            )
            maintenance = unsafe_add(maintenance, charge.maintenance_margin)
    return IMarginEngine.Assessment(
        initial_margin=initial, maintenance_margin=maintenance, equity=equity, worst_scenario=0
    )


@external
@view
def explain(portfolio: IMarginEngine.Portfolio) -> DynArray[IMarginEngine.Term, 256]:
    """
    @notice The terms of `assess`, which sum to it exactly: cash, then each position with its contingencies,
            then each collateral. Contingencies that are zero are left out.
    @param portfolio As IMarginEngine describes it.
    @return At most 1 + 3 * 64 + 2 * 8 terms.
    """
    terms: DynArray[IMarginEngine.Term, 256] = [
        IMarginEngine.Term(
            label="cash", subject=0, initial_margin=0, maintenance_margin=0, equity=portfolio.cash
        )
    ]
    contingency: uint256 = self._entry(0)
    amounts: uint256 = unsafe_add(convert(convert(portfolio.cash, bytes32), uint256), AMOUNT_BIAS)
    others: bool = False
    for position: IMarginEngine.PositionRisk in portfolio.positions:
        sizes: uint256 = (
            position.bids
            | position.asks
            | unsafe_add(convert(convert(position.size, bytes32), uint256), SIZE_BIAS)
        )
        prices: uint256 = position.mark | position.spot
        amounts |= unsafe_add(convert(convert(position.unrealised, bytes32), uint256), AMOUNT_BIAS)
        assert sizes >> SIZE_BITS == 0 and prices >> PRICE_BITS == 0, OUT_OF_RANGE
        if unsafe_sub(position.market, 1) >= LAST_LINEAR:
            assert position.market != 0, BAD_MARKET
            others = True
            continue
        risk: uint256 = self._entry(position.market)
        if risk == 0:
            risk = FULL_CHARGE
        held: uint256 = convert(abs(position.size), uint256)
        worst: uint256 = margin_math._worst_size(position.size, position.bids, position.asks)
        terms.append(
            IMarginEngine.Term(
                label="position",
                subject=position.market,
                initial_margin=margin_math._requirement_up(
                    margin_math._weighted(worst * position.mark, risk), risk & MASK_16
                ),
                maintenance_margin=margin_math._requirement_up(
                    margin_math._weighted(held * position.mark, risk), (risk >> 16) & MASK_16
                ),
                equity=position.unrealised,
            )
        )
        charge: uint256 = margin_math._confidence_up(
            worst * position.spot, position.confidence, contingency & MASK_28, (contingency >> 28) & MASK_16
        )
        if charge != 0:
            terms.append(self._initial_term("confidence", position.market, charge))
        charge = margin_math._depeg_up(
            worst * position.spot, portfolio.stable_price, contingency >> 60, (contingency >> 44) & MASK_16
        )
        if charge != 0:
            terms.append(self._initial_term("depeg", position.market, charge))
    assert amounts >> AMOUNT_BITS == 0, OUT_OF_RANGE
    if others:
        for charge: IStandardOptions.Charge in staticcall IStandardOptions(self).charges(portfolio):
            terms.append(
                IMarginEngine.Term(
                    label="options" if charge.options else "position",
                    subject=charge.subject,
                    initial_margin=charge.initial_margin,
                    maintenance_margin=charge.maintenance_margin,
                    equity=charge.unrealised,
                )
            )
            if charge.confidence != 0:
                terms.append(self._initial_term("confidence", charge.subject, charge.confidence))
            if charge.depeg != 0:
                terms.append(self._initial_term("depeg", charge.subject, charge.depeg))
    for collateral: IMarginEngine.CollateralRisk in portfolio.collaterals:
        haircuts: uint256[3] = self._haircuts(collateral, contingency)
        terms.append(
            IMarginEngine.Term(
                label="haircut",
                subject=collateral.asset,
                initial_margin=haircuts[0],
                maintenance_margin=haircuts[1],
                equity=convert(collateral.value, int256),
            )
        )
        if haircuts[2] != 0:
            terms.append(self._initial_term("collateral confidence", collateral.asset, haircuts[2]))
    return terms


# --- parameters


@external
@view
def market_risk(market: uint256) -> IMarginEngine.MarketRisk:
    """
    @notice The parameters of one market.
    @param market Number of the market, 1 to 255.
    @return All zero where none are set; such a market is not permitted, and charged in full.
    """
    return self._unpacked(self._entry(market))


@external
@view
def contingency() -> IMarginEngine.Contingency:
    """
    @notice The parameters of the confidence and depeg terms.
    @return Threshold of confidence in 1e-8, factors in bps, the depeg threshold in nano USD.
    """
    packed: uint256 = self._entry(0)
    return IMarginEngine.Contingency(
        confidence_threshold=packed & MASK_28,
        confidence_factor=(packed >> 28) & MASK_16,
        depeg_threshold=packed >> 60,
        depeg_factor=(packed >> 44) & MASK_16,
    )


@external
def set_markets(markets: DynArray[uint256, 64], risks: DynArray[IMarginEngine.MarketRisk, 64]):
    """
    @notice Sets the parameters of markets, all in one new table. Owner only.
    @param markets Numbers of markets, 1 to 255.
    @param risks Bounded: 1 <= maintenance <= initial, 1x <= first <= second multiplier, initial times second
           multiplier at most 100 %, 0 < first bound < second bound < 2**32 thousand USD, whole thousands.
    """
    ownable._check_owner()
    assert len(markets) == len(risks), LENGTH_MISMATCH
    words: uint256[TABLE_WORDS] = self._load()
    for i: uint256 in range(len(markets), bound=64):
        assert markets[i] != 0 and markets[i] <= MAX_MARKET, BAD_MARKET
        words = self._with_entry(words, markets[i], self._checked_risk(risks[i]))
        log IMarginEngine.MarketRiskSet(market=markets[i], risk=risks[i])
    self._store(words)


@external
def set_contingency(contingency: IMarginEngine.Contingency):
    """
    @notice Sets the parameters of the confidence and depeg terms. Owner only.
    @param contingency Bounded: threshold and factor of confidence at most 1x, depeg threshold at most
           1 USD, depeg factor at most 5x.
    """
    ownable._check_owner()
    self._store(self._with_entry(self._load(), 0, self._checked_contingency(contingency)))
    log IMarginEngine.ContingencySet(contingency=contingency)


# --- internals


@internal
@view
def _has_risk(market: uint256) -> bool:
    return market != 0 and market <= MAX_MARKET and self._entry(market) != 0


@internal
@view
def _entry(index: uint256) -> uint256:
    assert index <= MAX_MARKET, BAD_MARKET
    return convert(slice(self.table.code, 1 + 16 * index, 16), uint256)


@internal
@pure
def _with_entry(words: uint256[TABLE_WORDS], index: uint256, entry: uint256) -> uint256[TABLE_WORDS]:
    """
    @dev The table with one entry replaced; an even entry is the upper half of its word, as in the code.
    """
    changed: uint256[TABLE_WORDS] = words
    word: uint256 = words[index // 2]
    if index % 2 == 0:
        changed[index // 2] = (word & MASK_128) | (entry << 128)
    else:
        changed[index // 2] = (word >> 128 << 128) | entry
    return changed


@internal
@view
def _load() -> uint256[TABLE_WORDS]:
    return abi_decode(slice(self.table.code, 1, TABLE_BYTES), uint256[TABLE_WORDS])


@internal
def _store(words: uint256[TABLE_WORDS]):
    self.table = raw_create(concat(TABLE_PREFIX, abi_encode(words)))


@internal
@pure
def _haircuts(collateral: IMarginEngine.CollateralRisk, contingency: uint256) -> uint256[3]:
    """
    @dev Initial and maintenance haircut, and the confidence charge that fits into what is left of the value.
    """
    assert collateral.value < AMOUNT_BIAS, OUT_OF_RANGE
    assert max(collateral.initial_haircut, collateral.maintenance_haircut) <= BPS, OUT_OF_RANGE
    initial: uint256 = margin_math._haircut_up(
        collateral.value, max(collateral.initial_haircut, collateral.maintenance_haircut)
    )
    charge: uint256 = margin_math._confidence_up(
        collateral.value, collateral.confidence, contingency & MASK_28, (contingency >> 28) & MASK_16
    )
    return [
        initial,
        margin_math._haircut_up(collateral.value, collateral.maintenance_haircut),
        min(charge, unsafe_sub(collateral.value, initial)),
    ]


@internal
@pure
def _initial_term(label: String[24], subject: uint256, charge: uint256) -> IMarginEngine.Term:
    return IMarginEngine.Term(
        label=label, subject=subject, initial_margin=charge, maintenance_margin=0, equity=0
    )


@internal
@pure
def _unpacked(risk: uint256) -> IMarginEngine.MarketRisk:
    return IMarginEngine.MarketRisk(
        initial=risk & MASK_16,
        maintenance=(risk >> 16) & MASK_16,
        first_multiplier=(risk >> 32) & MASK_16,
        second_multiplier=(risk >> 48) & MASK_16,
        first_bound=((risk >> 64) & MASK_32) * BOUND_UNIT,
        second_bound=(risk >> 96) * BOUND_UNIT,
    )


@internal
@pure
def _checked_risk(risk: IMarginEngine.MarketRisk) -> uint256:
    assert risk.maintenance != 0 and risk.maintenance <= risk.initial and risk.initial <= BPS, BAD_RATIO
    assert risk.first_multiplier >= BPS and risk.second_multiplier >= risk.first_multiplier, BAD_MULTIPLIER
    assert risk.second_multiplier <= MASK_16, BAD_MULTIPLIER
    assert risk.initial * risk.second_multiplier <= BPS * BPS, BAD_MULTIPLIER
    assert risk.first_bound != 0 and risk.first_bound < risk.second_bound, BAD_BOUND
    assert risk.first_bound % BOUND_UNIT == 0 and risk.second_bound % BOUND_UNIT == 0, BAD_BOUND
    assert risk.second_bound // BOUND_UNIT <= MASK_32, BAD_BOUND
    return margin_math._pack_risk(
        risk.initial,
        risk.maintenance,
        risk.first_multiplier,
        risk.second_multiplier,
        risk.first_bound // BOUND_UNIT,
        risk.second_bound // BOUND_UNIT,
    )


@internal
@pure
def _checked_contingency(contingency: IMarginEngine.Contingency) -> uint256:
    assert contingency.confidence_threshold <= FULL_CONFIDENCE, BAD_CONTINGENCY
    assert contingency.confidence_factor <= MAX_CONFIDENCE_FACTOR, BAD_CONTINGENCY
    assert contingency.depeg_threshold <= MAX_DEPEG_THRESHOLD, BAD_CONTINGENCY
    assert contingency.depeg_factor <= MAX_DEPEG_FACTOR, BAD_CONTINGENCY
    return (
        contingency.confidence_threshold
        | (contingency.confidence_factor << 28)
        | (contingency.depeg_factor << 44)
        | (contingency.depeg_threshold << 60)
    )
