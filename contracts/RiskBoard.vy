# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Values of every option in every scenario, computed once and shared by all accounts
@license AGPL-3.0-only
@notice The risk arrays of clearing houses: a scenario margin costs an account a weighted sum of numbers that are there
        already, instead of a valuation of each of its options in each scenario. Anyone may refresh a series,
        once for every new price, surface or forward; it is valued with what the Oracle and the Surface say
        then. A board may be used to add risk while it is younger than `max_age` and spot is within `max_move`
        of what it was valued at, and only if forward, volatility and rate were valid then; marks say so. Older
        ones still value what is held, so that reducing and liquidation stay possible: whoever needs
        better values, refreshes.
        Strikes of a series ascend, at most 64; a longer strip is a second series of the same expiry.
"""

from contracts.interfaces import IOracle
from contracts.interfaces import IRiskBoard
from contracts.interfaces import ISurface
from contracts.math import black76
from contracts.math import scenario_math
from contracts.math import svi
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.utils import math

implements: IRiskBoard

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

interface Strikes:
    def strikes(series: uint256) -> DynArray[uint256, 127]: view

NO_GRID: constant(String[32]) = "risk_board: no grid"
UNKNOWN_SERIES: constant(String[32]) = "risk_board: unknown series"
NO_PRICE: constant(String[32]) = "risk_board: no price"
TOO_MANY_STRIKES: constant(String[32]) = "risk_board: too many strikes"
NOT_ASCENDING: constant(String[40]) = "risk_board: strikes not ascending"
VALUE_TOO_LARGE: constant(String[32]) = "risk_board: value too large"
BAD_SCENARIO: constant(String[40]) = "risk_board: scenario out of range"
BAD_SKEW: constant(String[40]) = "risk_board: skew out of range"
BAD_SHOCK: constant(String[40]) = "risk_board: shock out of range"
BAD_DISCOUNT: constant(String[40]) = "risk_board: discount out of range"
NOT_AN_OPTION: constant(String[32]) = "risk_board: not an option"
NO_BOARD: constant(String[32]) = "risk_board: no board"

WAD: constant(uint256) = 10**18
IWAD: constant(int256) = 10**18
NANO: constant(uint256) = 10**9
UNIT: constant(uint256) = 10**6     # wad of the unit of values, 1e-12 USD
# Marks in nano USD times this are values times a wad.
MARK_SCALE: constant(int256) = 10**21
# nano USD times wad, in units of value
TO_UNIT: constant(uint256) = 10**15
BPS: constant(uint256) = 10_000
YEAR: constant(uint256) = 365 * 86_400

MAX_SCENARIOS: constant(uint256) = 33
# The last two scenarios are the skews.
MAX_PLAIN: constant(uint256) = MAX_SCENARIOS - 2
BASIS_UP: constant(uint256) = MAX_SCENARIOS
BASIS_DOWN: constant(uint256) = MAX_SCENARIOS + 1
CASES: constant(uint256) = 36
VALUE_WORDS: constant(uint256) = CASES // 4
HEADER_WORDS: constant(uint256) = 3 + VALUE_WORDS
# Largest losses and values; strike and marks stand before those of all strikes.
STRIKE_WORDS: constant(uint256) = 1 + VALUE_WORDS
MAX_STRIKES: constant(uint256) = 64
TABLE_WORDS: constant(uint256) = HEADER_WORDS + MAX_STRIKES
SHOCK_WORDS: constant(uint256) = 26
GRID_WORDS: constant(uint256) = SHOCK_WORDS + MAX_SCENARIOS
MAX_SERIES: constant(uint256) = 255

VOL_UP: constant(uint256) = 1
VOL_DOWN: constant(uint256) = 2
LINEAR: constant(uint256) = 3
ABSOLUTE: constant(uint256) = 4

# A bit of a mark word (IRiskBoard).
EXPIRED: constant(uint256) = 1 << 236

MAX_FACTOR: constant(uint256) = 10 * 10**18
MAX_RATIO: constant(uint256) = 100 * 10**18
MAX_AGE: constant(uint256) = 86_400
# Largest magnitude of each of the shocks, in their order, and which of them may be negative.
LIMITS: constant(uint256[SHOCK_WORDS]) = [
    MAX_FACTOR, MAX_FACTOR, WAD, WAD, scenario_math.MONTH, MAX_RATIO,
    MAX_RATIO, MAX_RATIO, MAX_RATIO, MAX_RATIO, MAX_RATIO, MAX_RATIO, MAX_RATIO, MAX_RATIO,
    WAD, MAX_FACTOR, MAX_FACTOR, MAX_FACTOR, MAX_FACTOR, MAX_FACTOR,
    MAX_FACTOR, MAX_FACTOR, MAX_FACTOR, MAX_FACTOR, MAX_AGE, BPS,
]
SIGNED: constant(uint256) = (1 << 6) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << 13)

MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1

# Returns what follows it as code: PUSH1 11, MSIZE, DUP2, CODESIZE, SUB, DUP1, SWAP3, MSIZE, CODECOPY, RETURN.
# The STOP that stands before the data makes a call of it do nothing.
PREFIX: constant(Bytes[12]) = x"600b5981380380925939f300"

ORACLE: public(immutable(IOracle))
SURFACE: public(immutable(ISurface))
STRIKES: immutable(Strikes)

# Contract whose code is the grid: its parameters, counts, and a word for each scenario.
grid: public(address)
grid_version: public(uint256)

# board uint160 | fresh until uint40 | largest move uint16 | strikes uint8, for each series
_boards: uint256[MAX_SERIES + 1]

struct Inputs:
    fixed: uint256
    variable: uint256
    forward: uint256        # the sum of both
    seconds: uint256
    root_time: uint256      # base 2**96
    discount: uint256
    assets: uint256         # static discount of positive values
    debts: uint256          # of negative ones
    weight: uint256         # of the basis contingency
    vol: uint256            # of the strike at hand

struct Case:
    used: bool
    forward: uint256
    log_forward: int256     # against the unshocked one
    discounted: uint256     # forward, 1e-12 USD
    factor: uint256         # of volatility
    least: uint256          # volatility
    assets: int256          # static discount of positive values, wad
    debts: int256           # of negative ones
    damping: int256         # or weight of the basis contingency, wad
    skew: uint256           # LINEAR or ABSOLUTE, in which gains count as losses


@deploy
def __init__(oracle: IOracle, surface: ISurface, strikes: address):
    """
    @notice The deployer becomes the owner. There are no values until a grid is set.
    @param oracle Where spot comes from.
    @param surface Where forwards, volatilities and rates come from.
    @param strikes Registry that answers `strikes(series)`, nano USD, ascending.
    """
    ownable.__init__()
    ownable_2step.__init__()
    ORACLE = oracle
    SURFACE = surface
    STRIKES = Strikes(strikes)


# --- for everyone


@external
def refresh(series: uint256) -> bool:
    """
    @notice Values all options of a series in every scenario, with prices, forward and volatilities of now. Anyone may.
    @param series Number of the series.
    @return False, with nothing done, while the prices, the grid and the strikes are those of the present
            board and it has not aged.
    """
    assert series != 0 and series <= MAX_SERIES, UNKNOWN_SERIES
    assert self.grid != empty(address), NO_GRID
    surface: ISurface.SeriesSurface = staticcall SURFACE.surface(series)
    assert surface.expiry != 0, UNKNOWN_SERIES
    parts: ISurface.ForwardParts = staticcall SURFACE.forward_parts(series)
    strikes: DynArray[uint256, 127] = staticcall STRIKES.strikes(series)
    assert len(strikes) <= MAX_STRIKES, TOO_MANY_STRIKES
    tick: uint256 = staticcall ORACLE.word(surface.feed)
    spot: uint256 = tick & MASK_72
    assert spot != 0 and parts.fixed + parts.variable != 0, NO_PRICE

    data: Bytes[32 * GRID_WORDS] = slice(self.grid.code, 1, 32 * GRID_WORDS)
    shocks: IRiskBoard.Shocks = abi_decode(slice(data, 0, 32 * SHOCK_WORDS), IRiskBoard.Shocks)
    confidence: uint256 = min(parts.confidence, (tick >> 144) & MASK_28)
    valid: bool = parts.valid
    # An expired option is its payoff, whatever volatility and rate are.
    if block.timestamp < surface.expiry:
        confidence = min(confidence, min(surface.vol_confidence, surface.rate_confidence))
        valid = valid and surface.vol_valid and surface.rate_valid
    timestamps: uint256 = (((tick >> 172) & MASK_32) << 192) | (surface.timestamp << 224)
    identity: uint256 = (
        spot
        | (surface.feed << 72)
        | (len(strikes) << 80)
        | (surface.expiry << 128)
        | (self.grid_version << 168)
        | (confidence << 184)
    )
    stored: uint256 = self._boards[series]
    if stored != 0:
        head: Bytes[96] = slice(convert(stored & (2**160 - 1), address).code, 1, 96)
        before: uint256 = extract32(head, 0, output_type=uint256)
        if (
            before & ~(MASK_40 << 88) == identity
            and extract32(head, 32, output_type=uint256) & (2**160 - 1) == parts.fixed | (parts.variable << 80)
            and extract32(head, 64, output_type=uint256) >> 192 == timestamps >> 192
            and block.timestamp <= ((before >> 88) & MASK_40) + shocks.max_age
            and (valid == (block.timestamp <= (stored >> 160) & MASK_40))
        ):
            return False

    inputs: Inputs = self._inputs(spot, surface, parts, shocks)
    cases: Case[CASES] = self._cases(data, inputs, shocks)
    words: DynArray[uint256, TABLE_WORDS] = [
        identity | (block.timestamp << 88),
        parts.fixed | (parts.variable << 80) | (inputs.discount << 160),
        inputs.assets | (inputs.debts << 64) | (inputs.weight << 128) | timestamps,
    ]
    for i: uint256 in range(VALUE_WORDS):
        words.append(
            cases[4 * i].discounted
            | (cases[4 * i + 1].discounted << 64)
            | (cases[4 * i + 2].discounted << 128)
            | (cases[4 * i + 3].discounted << 192)
        )
    params: svi.Params = svi.Params(a=surface.a, b=surface.b, rho=surface.rho, m=surface.m, sigma=surface.sigma)
    records: DynArray[uint256, MAX_STRIKES * STRIKE_WORDS] = []
    last: uint256 = 0
    for strike: uint256 in strikes:
        assert strike > last, NOT_ASCENDING
        last = strike
        if inputs.seconds != 0:
            inputs.vol = svi._vol(params, surface.reference_forward, surface.reference_tau, strike)
        record: uint256[1 + STRIKE_WORDS] = self._record(cases, inputs, shocks, strike)
        words.append(record[0])
        for i: uint256 in range(STRIKE_WORDS):
            records.append(record[1 + i])

    table: Bytes[64 + 32 * TABLE_WORDS] = abi_encode(words)
    values: Bytes[64 + 32 * MAX_STRIKES * STRIKE_WORDS] = abi_encode(records)
    board: address = raw_create(
        concat(PREFIX, slice(table, 64, 32 * len(words)), slice(values, 64, 32 * len(records)))
    )
    fresh_until: uint256 = 0
    if valid:
        fresh_until = block.timestamp + shocks.max_age
    self._boards[series] = (
        convert(board, uint256) | (fresh_until << 160) | (shocks.max_move << 200) | (len(strikes) << 216)
    )
    log IRiskBoard.BoardRefreshed(
        series=series,
        board=board,
        spot=spot,
        forward=inputs.forward,
        strikes=len(strikes),
        valid=valid,
    )
    return True


@external
@view
def boards(series: DynArray[uint256, 64]) -> (address, DynArray[address, 64]):
    """
    @notice Where the numbers are.
    @param series Numbers of series.
    @return The contract whose code is the grid, and for each series, in order, the one whose code is its
            board; empty where there is none.
    """
    found: DynArray[address, 64] = []
    for one: uint256 in series:
        found.append(convert(self._boards[one] & (2**160 - 1), address))
    return self.grid, found


@external
@view
def marks(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @notice Marks of options as the last boards have them. Cheapest when markets of one series follow each other.
    @param markets Numbers of option markets.
    @return A mark word for each (IRiskBoard), in order; 0 where a series has no board or no such strike yet, and of what is no option.
    """
    found: DynArray[uint256, 64] = markets
    series: uint256 = 0
    shared: uint256 = 0
    count: uint256 = 0
    # Eight strikes are read at a time; behind the last ones stand their values, so that much is always there.
    read: uint256 = 0
    strikes: Bytes[256] = b""
    board: address = empty(address)
    i: uint256 = 0
    for market: uint256 in markets:
        if market >> 8 != series:
            series = market >> 8
            stored: uint256 = 0
            # The number 0 is that of perpetuals.
            if unsafe_sub(series, 1) < MAX_SERIES:
                stored = self._boards[series]
            count = stored >> 216
            if count != 0:
                board = convert(stored & (2**160 - 1), address)
                read = max_value(uint256)
                head: uint256 = convert(slice(board.code, 1, 32), uint256)
                shared = (
                    ((head & MASK_72) << 72)
                    | (((head >> 184) & MASK_28) << 144)
                    | (((stored >> 160) & MASK_56) << 172)
                    | (((head >> 72) & MASK_8) << 228)
                )
                if block.timestamp >= (head >> 128) & MASK_40:
                    shared |= EXPIRED
        # The future's place is far beyond every strike's.
        place: uint256 = unsafe_sub(market & MASK_8, 1) >> 1
        word: uint256 = 0
        if place < count:
            if place >> 3 != read:
                read = place >> 3
                strikes = slice(
                    board.code, unsafe_add(1 + 32 * HEADER_WORDS, unsafe_mul(256, read)), 256
                )
            word = extract32(strikes, unsafe_mul(32, place & 7), output_type=uint256)
            # Calls have odd numbers; above the mark of the put is the volatility.
            word = ((word >> unsafe_sub(144, unsafe_mul(72, market & 1))) & MASK_72) | shared
        found[i] = word
        i = unsafe_add(i, 1)
    return found


@external
@view
def value(market: uint256) -> IRiskBoard.OptionValue:
    """
    @notice All values of one option, for people.
    @param market Number of an option market.
    @return Marks in nano USD, the value of call and put in each case in 1e-12 USD (IRiskBoard).
    """
    board: address = convert(self._boards[market >> 8] & (2**160 - 1), address)
    assert board != empty(address), NO_BOARD
    header: Bytes[32 * HEADER_WORDS] = slice(board.code, 1, 32 * HEADER_WORDS)
    place: uint256 = (market & MASK_8) - 1 >> 1
    count: uint256 = (extract32(header, 0, output_type=uint256) >> 80) & MASK_8
    assert place < count, NOT_AN_OPTION
    first: uint256 = convert(slice(board.code, 1 + 32 * (HEADER_WORDS + place), 32), uint256)
    record: Bytes[32 * STRIKE_WORDS] = slice(
        board.code, 1 + 32 * (HEADER_WORDS + count + STRIKE_WORDS * place), 32 * STRIKE_WORDS
    )
    discount: uint256 = extract32(header, 32, output_type=uint256) >> 160
    found: IRiskBoard.OptionValue = IRiskBoard.OptionValue(
        strike=first & MASK_72,
        call_mark=(first >> 72) & MASK_72,
        put_mark=(first >> 144) & MASK_72,
        calls=[],
        puts=[],
    )
    for i: uint256 in range(BASIS_DOWN + 1):
        lane: uint256 = 64 * (i % 4)
        call: uint256 = (extract32(record, 32 + 32 * (i // 4), output_type=uint256) >> lane) & MASK_64
        forward: uint256 = (extract32(header, 96 + 32 * (i // 4), output_type=uint256) >> lane) & MASK_64
        found.calls.append(call)
        found.puts.append(self._put(call, forward, found.strike, discount))
    return found


@external
@view
def scenarios() -> DynArray[IRiskBoard.Scenario, MAX_SCENARIOS]:
    """
    @notice The scenarios in order: 31 that move spot, the linear and the absolute skew.
    @return Factors in wad; a damping of 0 where there is none.
    """
    data: Bytes[32 * GRID_WORDS] = slice(self.grid.code, 1, 32 * GRID_WORDS)
    found: DynArray[IRiskBoard.Scenario, MAX_SCENARIOS] = []
    for i: uint256 in range(MAX_SCENARIOS):
        word: uint256 = extract32(data, 32 * (SHOCK_WORDS + i), output_type=uint256)
        found.append(
            IRiskBoard.Scenario(spot_shock=word & MASK_64, vol=word >> 128, damping=(word >> 64) & MASK_64)
        )
    return found


@external
@view
def shocks() -> IRiskBoard.Shocks:
    """
    @notice The parameters of valuation.
    @return As they were set.
    """
    return abi_decode(slice(self.grid.code, 1, 32 * SHOCK_WORDS), IRiskBoard.Shocks)


# --- the owner


@external
def set_grid(scenarios: DynArray[IRiskBoard.Scenario, MAX_SCENARIOS], shocks: IRiskBoard.Shocks):
    """
    @notice Sets scenarios and parameters, atomically. Boards of the former grid are used until they are
            refreshed, each with the scenarios it was made for as far as they still exist. Owner only.
    @param scenarios At most 31 that move spot or volatility, and of each skew at most one, with a factor of spot of 1;
           factors of spot and dampings at most 10.
    @param shocks Bounded: ratios at most 100, discounts of assets at most 1 and at most those of debts, age at
           most a day, move at most 100 %.
    """
    ownable._check_owner()
    assert len(scenarios) != 0, BAD_SCENARIO
    self._check_shocks(shocks)
    words: uint256[MAX_SCENARIOS] = empty(uint256[MAX_SCENARIOS])
    place: uint256 = 0
    for scenario: IRiskBoard.Scenario in scenarios:
        assert scenario.spot_shock <= MAX_FACTOR and scenario.damping <= MAX_FACTOR, BAD_SCENARIO
        assert scenario.vol <= ABSOLUTE, BAD_SCENARIO
        word: uint256 = scenario.spot_shock | (scenario.damping << 64) | (scenario.vol << 128)
        if scenario.vol >= LINEAR:
            assert scenario.spot_shock == WAD and words[MAX_PLAIN + scenario.vol - LINEAR] == 0, BAD_SKEW
            words[MAX_PLAIN + scenario.vol - LINEAR] = word
        else:
            assert place < MAX_PLAIN, BAD_SCENARIO
            words[place] = word
            place += 1
    self.grid_version += 1
    self.grid = raw_create(concat(PREFIX, abi_encode(shocks), abi_encode(words)))
    log IRiskBoard.GridSet(version=self.grid_version, scenarios=scenarios, shocks=shocks)


# --- internals


@internal
@pure
def _check_shocks(shocks: IRiskBoard.Shocks):
    # Every word as a number; of the signed ones the magnitude, of which two's complement is the only other form.
    words: uint256[SHOCK_WORDS] = abi_decode(abi_encode(shocks), uint256[SHOCK_WORDS])
    for i: uint256 in range(SHOCK_WORDS):
        assert min(words[i], unsafe_sub(0, words[i])) <= LIMITS[i], BAD_SHOCK
        assert words[i] <= LIMITS[i] or SIGNED & (1 << i) != 0, BAD_SHOCK
    assert min(shocks.time_floor, min(shocks.min_width, shocks.max_age)) != 0, BAD_SHOCK
    assert shocks.long_discount <= shocks.short_discount, BAD_DISCOUNT


@internal
@view
def _inputs(
    spot: uint256, surface: ISurface.SeriesSurface, parts: ISurface.ForwardParts, shocks: IRiskBoard.Shocks
) -> Inputs:
    seconds: uint256 = 0
    if surface.expiry > block.timestamp:
        seconds = surface.expiry - block.timestamp
    rate: uint256 = convert(max(surface.rate, 0), uint256)
    discount: uint256 = black76._discount(rate, seconds)
    assets: uint256 = (
        shocks.long_discount
        * convert(
            math._wad_exp(
                -scenario_math._growth(rate, shocks.long_rate_scale, shocks.long_rate_add, seconds)
            ),
            uint256,
        )
        // WAD
    )
    debts: uint256 = (
        shocks.short_discount
        * convert(
            math._wad_exp(
                scenario_math._growth(rate, shocks.short_rate_scale, shocks.short_rate_add, seconds)
            ),
            uint256,
        )
        // WAD
    )
    debts = min(WAD * WAD // discount, debts)
    weight: uint256 = shocks.basis_add + shocks.basis_multiple * seconds // YEAR
    assert debts <= MASK_64 and weight <= MASK_64, BAD_DISCOUNT
    return Inputs(
        fixed=parts.fixed,
        variable=parts.variable,
        forward=parts.fixed + parts.variable,
        seconds=seconds,
        root_time=black76._root_time(seconds),
        discount=discount,
        assets=assets,
        debts=debts,
        weight=weight,
        vol=0,
    )


@internal
@pure
def _cases(data: Bytes[32 * GRID_WORDS], inputs: Inputs, shocks: IRiskBoard.Shocks) -> Case[CASES]:
    """
    @dev The forward, the discounted forward and the shock of volatility of each case, the same for all strikes.
         A skew's factor depends on the strike.
    """
    scale: uint256 = scenario_math._vol_shock(
        inputs.seconds, shocks.time_floor, shocks.short_term_power, shocks.long_term_power
    )
    cases: Case[CASES] = empty(Case[CASES])
    for i: uint256 in range(BASIS_DOWN + 1):
        shock: uint256 = shocks.basis_up
        one: Case = Case(
            used=True,
            forward=0,
            log_forward=0,
            discounted=0,
            factor=WAD,
            least=0,
            assets=convert(inputs.assets, int256),
            debts=convert(inputs.debts, int256),
            damping=0,
            skew=0,
        )
        if i < MAX_SCENARIOS:
            word: uint256 = extract32(data, 32 * (SHOCK_WORDS + i), output_type=uint256)
            if word == 0:
                continue
            shock = word & MASK_64
            one.damping = convert((word >> 64) & MASK_64, int256)
            kind: uint256 = word >> 128
            if kind == VOL_UP:
                one.factor = WAD + shocks.vol_up * scale // WAD
                one.least = shocks.min_vol_up
            elif kind == VOL_DOWN:
                one.factor = WAD - min(WAD, shocks.vol_down * scale // WAD)
            elif kind != 0:
                one.skew = kind
        else:
            one.assets = IWAD
            one.debts = IWAD
            one.damping = convert(inputs.weight, int256)
            if i == BASIS_DOWN:
                shock = shocks.basis_down
        one.forward = inputs.fixed + inputs.variable * shock // WAD
        if one.forward != inputs.forward:
            one.log_forward = black76._log_moneyness(one.forward, inputs.forward)
        one.discounted = one.forward * inputs.discount // TO_UNIT
        assert one.discounted <= MASK_64, VALUE_TOO_LARGE
        cases[i] = one
    return cases


@internal
@pure
def _record(
    cases: Case[CASES], inputs: Inputs, shocks: IRiskBoard.Shocks, strike: uint256
) -> uint256[1 + STRIKE_WORDS]:
    """
    @dev The words of one strike, strike and marks first. Every value is below 2**64, or the strike is refused.
    """
    words: uint256[1 + STRIKE_WORDS] = empty(uint256[1 + STRIKE_WORDS])
    log_moneyness: int256 = black76._log_moneyness(inputs.forward, strike)
    call: uint256 = 0
    put: uint256 = 0
    call, put = black76._prices_from_log(
        inputs.forward,
        strike,
        log_moneyness,
        black76._total_vol(inputs.vol, inputs.root_time),
        inputs.discount,
    )
    assert max(strike, max(call, put) // NANO) <= MASK_64 // 1_000, VALUE_TOO_LARGE
    words[0] = (
        strike | (call // NANO << 72) | (put // NANO << 144) | (min(inputs.vol // NANO, MASK_40) << 216)
    )
    # Marks in the unit of values, times a wad; below 2**64 * 2**60, as values times a discount are below 2**128.
    call_mark: int256 = unsafe_mul(convert(call // NANO, int256), MARK_SCALE)
    put_mark: int256 = unsafe_mul(convert(put // NANO, int256), MARK_SCALE)
    with_strike: uint256 = strike * inputs.discount // TO_UNIT
    # The least profit of one unit of call long, call short, put long and put short, times a discount and a damping.
    least: int256[4] = empty(int256[4])
    place: uint256 = 0
    for one: Case in cases:
        if one.used:
            factor: uint256 = one.factor
            if one.skew != 0:
                factor = self._skew(one.skew, -log_moneyness, inputs.root_time, shocks)
            call, put = black76._prices_from_log(
                one.forward,
                strike,
                one.log_forward + log_moneyness,
                black76._total_vol(max(one.least, inputs.vol * factor // WAD), inputs.root_time),
                inputs.discount,
            )
            call = unsafe_div(call, UNIT)
            assert call <= MASK_64, VALUE_TOO_LARGE
            words[unsafe_add(2, place >> 2)] |= call << unsafe_mul(64, place & 3)
            put = unsafe_add(call, with_strike)
            put = unsafe_sub(put, min(put, one.discounted))
            call_value: int256 = convert(call, int256)
            put_value: int256 = convert(put, int256)
            profits: int256[4] = [
                unsafe_mul(unsafe_sub(unsafe_mul(call_value, one.assets), call_mark), one.damping),
                unsafe_mul(unsafe_sub(call_mark, unsafe_mul(call_value, one.debts)), one.damping),
                unsafe_mul(unsafe_sub(unsafe_mul(put_value, one.assets), put_mark), one.damping),
                unsafe_mul(unsafe_sub(put_mark, unsafe_mul(put_value, one.debts)), one.damping),
            ]
            if one.skew != 0:
                for j: uint256 in range(4):
                    profits[j] = min(profits[j], unsafe_sub(0, profits[j]))
            least = [
                min(least[0], profits[0]),
                min(least[1], profits[1]),
                min(least[2], profits[2]),
                min(least[3], profits[3]),
            ]
        place = unsafe_add(place, 1)
    for j: uint256 in range(4):
        loss: uint256 = (convert(-least[j], uint256) + WAD * WAD - 1) // (WAD * WAD)
        assert loss <= MASK_64, VALUE_TOO_LARGE
        words[1] |= loss << 64 * j
    # The lane of the case that there is not.
    words[STRIKE_WORDS] |= strike << 192
    return words


@internal
@pure
def _skew(kind: uint256, log_strike: int256, root_time: uint256, shocks: IRiskBoard.Shocks) -> uint256:
    root: int256 = convert(root_time * WAD >> 96, int256)
    cap: int256 = shocks.linear_cap + scenario_math._scaled_down(root, shocks.linear_cap_slope)
    distance: int256 = log_strike
    if kind == ABSOLUTE:
        cap = shocks.abs_cap + scenario_math._scaled_down(root, shocks.abs_cap_slope)
        distance = abs(log_strike)
    return scenario_math._skew(
        distance,
        cap,
        scenario_math._width(
            root, shocks.min_width, shocks.width_scale, shocks.width_static, shocks.width_slope
        ),
    )


@internal
@pure
def _put(call: uint256, discounted: uint256, strike: uint256, discount: uint256) -> uint256:
    """
    @dev Value of a put by parity, 1e-12 USD, not below 0.
    """
    with_strike: uint256 = call + strike * discount // TO_UNIT
    return with_strike - min(with_strike, discounted)
