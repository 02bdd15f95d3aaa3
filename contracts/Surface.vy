# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Signed forwards and volatility surfaces, and settlement prices, of dated series
@license AGPL-3.0-only
@notice Anyone may bring a surface that enough of the Oracle's signers have signed (EIP-712). It holds for a series:
        the forward as a difference to spot, so that only spot must be fresh to the second, the interest rate,
        and the volatility as SVI parameters, each with a confidence and a heartbeat of its own. A surface
        with negative variance, wings beyond Lee's bound, or a volatility or time of zero is refused. An update
        that is not newer than the stored one, or comes after expiry, changes nothing.
        Inside the last 1,800 seconds before expiry the forward has a fixed part, what the settlement average
        has accumulated, and a variable part (modules/settlement_store.vy). At expiry it is the settlement price.
"""

from contracts.interfaces import IOracle
from contracts.interfaces import ISurface
from contracts.math import fixed_point
from contracts.math import oracle_math
from contracts.math import settlement_math
from contracts.math import svi
from contracts.modules import settlement_store
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.utils import eip712_domain_separator

implements: ISurface

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: settlement_store[ownable := ownable]
initializes: eip712_domain_separator

exports: (
    # the settlement price
    settlement_store.accumulate,
    settlement_store.finalise,
    settlement_store.settlement,
    settlement_store.accumulator,
    settlement_store.settlement_parameters,
    # the registry of series
    settlement_store.wire,
    settlement_store.instruments,
    # ownership in two steps
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    # the signing domain
    eip712_domain_separator.eip712Domain,
)

UNKNOWN_SERIES: constant(String[32]) = "surface: unknown series"
DEADLINE_PASSED: constant(String[32]) = "surface: deadline passed"
FUTURE: constant(String[40]) = "surface: timestamp in the future"
BAD_DIFFERENCE: constant(String[40]) = "surface: difference out of range"
BAD_RATE: constant(String[32]) = "surface: rate out of range"
BAD_CONFIDENCE: constant(String[40]) = "surface: confidence above one"
ZERO_VOL: constant(String[32]) = "surface: vol of zero"
ZERO_FORWARD: constant(String[40]) = "surface: reference forward of zero"
BAD_FORWARD: constant(String[48]) = "surface: reference forward out of range"
ZERO_TIME: constant(String[32]) = "surface: time of zero"
BAD_TIME: constant(String[32]) = "surface: time out of range"
LENGTH_MISMATCH: constant(String[32]) = "surface: length mismatch"
BAD_HEARTBEAT: constant(String[40]) = "surface: heartbeat out of range"
BAD_BOUND: constant(String[40]) = "surface: max difference out of range"
BAD_THRESHOLD: constant(String[40]) = "surface: threshold out of range"

SURFACE_UPDATE_TYPE_HASH: constant(bytes32) = keccak256(
    "SurfaceUpdate(uint256 series,int256 forward_difference,int256 rate,int256 a,int256 b,int256 rho,int256 m,int256 sigma,uint256 reference_forward,uint256 reference_tau,uint256 forward_confidence,uint256 vol_confidence,uint256 rate_confidence,uint256 timestamp,uint256 deadline)"
)

BPS: constant(uint256) = 10_000
FULL_CONFIDENCE: constant(uint256) = 10**8

PRICE_MASK: constant(uint256) = settlement_math.PRICE_MASK
MASK_72: constant(uint256) = 2**72 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_8: constant(uint256) = 2**8 - 1

MAX_SERIES: constant(uint256) = settlement_store.MAX_SERIES
SERIES_SLOTS: constant(uint256) = MAX_SERIES + 1
MAX_SIGNERS: constant(uint256) = 8
MAX_BATCH: constant(uint256) = 16
# A forward stays above zero and below twice spot.
MAX_DIFFERENCE: constant(uint256) = BPS - 1
# 500 % a year; eight are what 64 bits of a word can hold.
MAX_RATE: constant(int256) = 5 * 10**18
MAX_PRICE_DIFFERENCE: constant(int256) = 2**72

# Three words hold a surface, from the lowest bit. Signed fields are two's complement; svi bounds its parameters.
# forward difference 80 | rate 64 | timestamp 32 | forward confidence 28 | forward heartbeat 24 | max difference 16 |
# low confidence 1
_forwards: uint256[SERIES_SLOTS]
# a 72 | b 64 | rho 64 | vol confidence 28 | rate confidence 28
_levels: uint256[SERIES_SLOTS]
# m 72 | sigma 72 | reference forward 72 | reference tau 32
_vertices: uint256[SERIES_SLOTS]

# forward heartbeat 24 | vol heartbeat 24 | rate heartbeat 24 | max difference 16 | confidence threshold 28 |
# required signers 8. Zero: no surface of this series.
_configs: uint256[SERIES_SLOTS]


@deploy
def __init__(oracle: address, parameters: ISurface.SettlementParameters):
    """
    @notice The deployer becomes the owner.
    @param oracle Gives spot and says who signs.
    @param parameters Rules of the settlement average, for ever: gap 1..900 s; coverage 900..1_800 s; patience
           3_600..604_800 s.
    """
    ownable.__init__()
    ownable_2step.__init__()
    settlement_store.__init__(oracle, parameters)
    eip712_domain_separator.__init__("Plimsoll Surface", "1")


# --- surfaces, for everyone


@external
def update(update: ISurface.SurfaceUpdate, signatures: DynArray[IOracle.Signature, MAX_SIGNERS]) -> bool:
    """
    @notice Stores a signed surface.
    @param update Units as in ISurface.
    @param signatures EIP-2098 signatures of the EIP-712 hash, in ascending order of signer.
    @return False when the stored surface is as new or newer, or the series has expired; nothing changes then.
    """
    return self._update(update, signatures)


@external
def update_many(
    updates: DynArray[ISurface.SurfaceUpdate, MAX_BATCH],
    signatures: DynArray[DynArray[IOracle.Signature, MAX_SIGNERS], MAX_BATCH],
) -> uint256:
    """
    @notice Stores several signed surfaces; all or, on a revert, none.
    @param updates As in `update`.
    @param signatures The n-th list belongs to the n-th update.
    @return How many were newer than what was stored.
    """
    assert len(updates) == len(signatures), LENGTH_MISMATCH
    stored: uint256 = 0
    for i: uint256 in range(len(updates), bound=MAX_BATCH):
        if self._update(updates[i], signatures[i]):
            stored += 1
    return stored


@external
@view
def forward(series: uint256) -> (uint256, uint256, bool):
    """
    @notice What a series would settle at as of now: its forward, inside the window with the part that is fixed
            already; the settlement price once there is one.
    @param series Number of the series.
    @return Nano USD; confidence of the difference to spot, 1e-8; whether actions that add risk may use it.
    """
    parts: ISurface.ForwardParts = self._parts(series)
    return parts.fixed + parts.variable, parts.confidence, parts.valid


@external
@view
def forward_parts(series: uint256) -> ISurface.ForwardParts:
    """
    @notice The forward as a fixed part and one that moves in proportion to spot; see `forward`.
    @param series Number of the series.
    @return Nano USD, each part floored.
    """
    return self._parts(series)


@external
@view
def surface(series: uint256) -> ISurface.SeriesSurface:
    """
    @notice Everything stored for a series that values its options.
    @param series Number of the series.
    @return As last stored; the signed difference, not bounded around the spot of now.
    """
    word: uint256 = settlement_store._word(series)
    first: uint256 = self._forwards[series]
    level: uint256 = self._levels[series]
    vertex: uint256 = self._vertices[series]
    packed: uint256 = self._configs[series]
    timestamp: uint256 = (first >> 144) & MASK_32
    vol_confidence: uint256 = (level >> 200) & MASK_28
    return ISurface.SeriesSurface(
        feed=(word >> 200) & MASK_8,
        expiry=(word >> 208) & MASK_32,
        forward_difference=fixed_point._signed_field(first, 0, 80),
        rate=fixed_point._signed_field(first, 80, 64),
        a=fixed_point._signed_field(level, 0, 72),
        b=convert((level >> 72) & MASK_64, int256),
        rho=fixed_point._signed_field(level, 136, 64),
        m=fixed_point._signed_field(vertex, 0, 72),
        sigma=convert((vertex >> 72) & MASK_72, int256),
        reference_forward=(vertex >> 144) & PRICE_MASK,
        reference_tau=(vertex >> 216) & MASK_32,
        forward_confidence=(first >> 176) & MASK_28,
        vol_confidence=vol_confidence,
        rate_confidence=level >> 228,
        timestamp=timestamp,
        vol_valid=(
            timestamp != 0
            and block.timestamp <= timestamp + ((packed >> 24) & MASK_24)
            and vol_confidence >= (packed >> 88) & MASK_28
        ),
        rate_valid=timestamp != 0 and block.timestamp <= timestamp + ((packed >> 48) & MASK_24),
    )


@external
@view
def config(series: uint256) -> ISurface.SurfaceConfig:
    """
    @notice The configuration of a series' surface.
    @param series Number of the series.
    @return All zero where there is none.
    """
    assert series <= MAX_SERIES, UNKNOWN_SERIES
    packed: uint256 = self._configs[series]
    return ISurface.SurfaceConfig(
        forward_heartbeat=packed & MASK_24,
        vol_heartbeat=(packed >> 24) & MASK_24,
        rate_heartbeat=(packed >> 48) & MASK_24,
        max_difference=(packed >> 72) & MASK_16,
        confidence_threshold=(packed >> 88) & MASK_28,
        required_signers=packed >> 116,
    )


# --- the owner


@external
def set_surface(series: uint256, config: ISurface.SurfaceConfig):
    """
    @notice Creates or changes the surface of a listed series. What the forward needs holds from the next update,
            the rest at once. Owner only.
    @param series Number of the series.
    @param config Bounded: heartbeats 1..2**24 - 1 s; difference <= 9_999 bps; confidence threshold <= 1e8;
           1..8 signers.
    """
    ownable._check_owner()
    assert config.forward_heartbeat != 0 and config.forward_heartbeat <= MASK_24, BAD_HEARTBEAT
    assert config.vol_heartbeat != 0 and config.vol_heartbeat <= MASK_24, BAD_HEARTBEAT
    assert config.rate_heartbeat != 0 and config.rate_heartbeat <= MASK_24, BAD_HEARTBEAT
    assert config.max_difference <= MAX_DIFFERENCE, BAD_BOUND
    assert config.confidence_threshold <= FULL_CONFIDENCE, BAD_CONFIDENCE
    assert config.required_signers != 0 and config.required_signers <= MAX_SIGNERS, BAD_THRESHOLD

    settlement_store._remember(series)
    self._configs[series] = (
        config.forward_heartbeat
        | (config.vol_heartbeat << 24)
        | (config.rate_heartbeat << 48)
        | (config.max_difference << 72)
        | (config.confidence_threshold << 88)
        | (config.required_signers << 116)
    )
    log ISurface.SurfaceSet(series=series, config=config)


# --- internals


@internal
def _update(update: ISurface.SurfaceUpdate, signatures: DynArray[IOracle.Signature, MAX_SIGNERS]) -> bool:
    assert update.series <= MAX_SERIES, UNKNOWN_SERIES
    packed: uint256 = self._configs[update.series]
    assert packed != 0, UNKNOWN_SERIES
    assert block.timestamp <= update.deadline, DEADLINE_PASSED
    assert update.timestamp <= block.timestamp, FUTURE
    if update.timestamp <= (self._forwards[update.series] >> 144) & MASK_32:
        return False
    if block.timestamp >= (settlement_store._word(update.series) >> 208) & MASK_32:
        return False

    self._check(update)
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(
        keccak256(abi_encode(SURFACE_UPDATE_TYPE_HASH, update))
    )
    assert staticcall settlement_store.ORACLE.check_signatures(digest, signatures, packed >> 116)

    low: uint256 = convert(update.forward_confidence < (packed >> 88) & MASK_28, uint256)
    self._forwards[update.series] = (
        fixed_point._pack_signed(update.forward_difference, 0, 80)
        | fixed_point._pack_signed(update.rate, 80, 64)
        | (update.timestamp << 144)
        | (update.forward_confidence << 176)
        | ((packed & MASK_24) << 204)
        | (((packed >> 72) & MASK_16) << 228)
        | (low << 244)
    )
    self._levels[update.series] = (
        fixed_point._pack_signed(update.a, 0, 72)
        | (convert(update.b, uint256) << 72)
        | fixed_point._pack_signed(update.rho, 136, 64)
        | (update.vol_confidence << 200)
        | (update.rate_confidence << 228)
    )
    self._vertices[update.series] = (
        fixed_point._pack_signed(update.m, 0, 72)
        | (convert(update.sigma, uint256) << 72)
        | (update.reference_forward << 144)
        | (update.reference_tau << 216)
    )
    log ISurface.SurfaceUpdated(series=update.series, update=update)
    return True


@internal
@pure
def _check(update: ISurface.SurfaceUpdate):
    """
    @dev Ranges of what is stored, and what would make an option's value wrong or impossible.
    """
    assert abs(update.forward_difference) < MAX_PRICE_DIFFERENCE, BAD_DIFFERENCE
    assert abs(update.rate) <= MAX_RATE, BAD_RATE
    assert update.forward_confidence <= FULL_CONFIDENCE, BAD_CONFIDENCE
    assert update.vol_confidence <= FULL_CONFIDENCE, BAD_CONFIDENCE
    assert update.rate_confidence <= FULL_CONFIDENCE, BAD_CONFIDENCE
    assert update.reference_forward != 0, ZERO_FORWARD
    assert update.reference_forward <= PRICE_MASK, BAD_FORWARD
    assert update.reference_tau != 0, ZERO_TIME
    assert update.reference_tau <= MASK_32, BAD_TIME
    assert update.a != 0 or update.b != 0, ZERO_VOL
    svi._check(svi.Params(a=update.a, b=update.b, rho=update.rho, m=update.m, sigma=update.sigma))


@internal
@view
def _parts(series: uint256) -> ISurface.ForwardParts:
    word: uint256 = settlement_store._word(series)
    if word & settlement_math.SETTLED != 0:
        return ISurface.ForwardParts(
            fixed=(word >> 96) & PRICE_MASK, variable=0, confidence=FULL_CONFIDENCE, valid=True
        )
    tick: uint256 = staticcall settlement_store.ORACLE.word((word >> 200) & MASK_8)
    forward: uint256 = tick & PRICE_MASK
    valid: bool = oracle_math._is_valid(tick, block.timestamp)
    confidence: uint256 = FULL_CONFIDENCE
    # At expiry the forward is spot.
    if block.timestamp < (word >> 208) & MASK_32:
        first: uint256 = self._forwards[series]
        bounded: bool = False
        forward, bounded = self._bounded_forward(forward, first)
        confidence = (first >> 176) & MASK_28
        valid = (
            valid
            and not bounded
            and first >> 244 == 0
            and block.timestamp <= ((first >> 144) & MASK_32) + ((first >> 204) & MASK_24)
        )
    fixed: uint256 = 0
    variable: uint256 = 0
    fixed, variable = settlement_store._parts(word, tick, forward)
    return ISurface.ForwardParts(fixed=fixed, variable=variable, confidence=confidence, valid=valid)


@internal
@pure
def _bounded_forward(spot: uint256, first: uint256) -> (uint256, bool):
    """
    @dev spot + clamp(difference, +- max difference of spot), the edge rounded inward, and whether it was clamped.
         At most 9,999 bps, so a forward of a positive spot is positive; cut at 72 bits.
    """
    difference: int256 = fixed_point._signed_field(first, 0, 80)
    limit: int256 = convert(spot * ((first >> 228) & MASK_16) // BPS, int256)
    bounded: int256 = max(min(difference, limit), -limit)
    forward: uint256 = convert(convert(spot, int256) + bounded, uint256)
    return min(forward, PRICE_MASK), bounded != difference
