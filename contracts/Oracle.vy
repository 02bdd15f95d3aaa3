# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Signed price feeds
@license AGPL-3.0-only
@notice Anyone may bring a price that enough signers have signed (EIP-712). A feed's state is one word, its
        configuration another, so an update costs two slots and one slot per signer.
        A price is stored even when it is doubtful, with a flag that makes it unfit for actions that add
        risk: mark too far from spot (and then clamped), low confidence, spot at the feed's bound, or a
        jump since the stored price, which a second update near the new price confirms. An update that is
        not newer than the stored one changes nothing, so relayers may race without failing.
        A signature binds one number, so a minority of faulty signers below the threshold moves nothing;
        with a threshold of one, `max_jump` bounds what a single faulty signer can make valid at once.
"""

from contracts.interfaces import IOracle
from contracts.math import oracle_math
from contracts.modules import guarded
from snekmate.auth import ownable
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator

implements: IOracle

initializes: guarded
initializes: eip712_domain_separator
uses: ownable

exports: (
    # ownership in two steps
    guarded.owner,
    guarded.pending_owner,
    guarded.transfer_ownership,
    guarded.accept_ownership,
    # the guardian
    guarded.guardian,
    guarded.set_guardian,
    # the signing domain
    eip712_domain_separator.eip712Domain,
)

UNKNOWN_FEED: constant(String[32]) = "oracle: unknown feed"
DEADLINE_PASSED: constant(String[32]) = "oracle: deadline passed"
FUTURE: constant(String[32]) = "oracle: timestamp in the future"
BAD_SPOT: constant(String[32]) = "oracle: spot out of range"
BAD_MARK: constant(String[32]) = "oracle: mark out of range"
BAD_CONFIDENCE: constant(String[32]) = "oracle: confidence above one"
NOT_SIGNER: constant(String[32]) = "oracle: not a signer"
NOT_ASCENDING: constant(String[32]) = "oracle: signers not ascending"
TOO_FEW_SIGNERS: constant(String[32]) = "oracle: too few signers"
LENGTH_MISMATCH: constant(String[32]) = "oracle: length mismatch"
NOT_PERMITTED: constant(String[32]) = "oracle: caller not permitted"
BAD_SIGNER: constant(String[32]) = "oracle: signer is zero"
BAD_FEED: constant(String[32]) = "oracle: feed out of range"
BAD_HEARTBEAT: constant(String[32]) = "oracle: heartbeat out of range"
BAD_DEVIATION: constant(String[32]) = "oracle: deviation out of range"
BAD_THRESHOLD: constant(String[32]) = "oracle: threshold out of range"
BAD_JUMP: constant(String[32]) = "oracle: jump out of range"
BAD_WINDOW: constant(String[32]) = "oracle: window out of range"
BAD_BOUNDS: constant(String[32]) = "oracle: bounds out of range"

PRICE_UPDATE_TYPE_HASH: constant(bytes32) = keccak256(
    "PriceUpdate(uint256 feed,uint256 spot,uint256 mark,uint256 confidence,uint256 timestamp,uint256 deadline)"
)

BPS: constant(uint256) = oracle_math.BPS
FULL_CONFIDENCE: constant(uint256) = oracle_math.FULL_CONFIDENCE
PRICE_MASK: constant(uint256) = oracle_math.PRICE_MASK
MASK_32: constant(uint256) = oracle_math.MASK_32
MASK_28: constant(uint256) = oracle_math.MASK_28
MASK_16: constant(uint256) = oracle_math.MASK_16
MASK_24: constant(uint256) = 2**24 - 1
MASK_8: constant(uint256) = 2**8 - 1

# A feed's number fits in 8 bits of a market's word.
MAX_FEED: constant(uint256) = 255
FEED_SLOTS: constant(uint256) = MAX_FEED + 1
MAX_SIGNERS: constant(uint256) = 8
MAX_BATCH: constant(uint256) = 16
# A mark further than half away from spot is no mark; a window under a minute is noise.
MAX_DEVIATION: constant(uint256) = 5_000
MIN_WINDOW: constant(uint256) = 60

is_signer: public(HashMap[address, bool])
signer_count: public(uint256)

# Tick words (IOracle). A configured feed without a price holds its heartbeat alone, so it is never zero.
_ticks: uint256[FEED_SLOTS]

# floor 72 | ceiling 72 | heartbeat 16 | max_deviation 16 | confidence_threshold 28 | max_jump 16 |
# variance_window 24 | required_signers 8, from the lowest bit. Zero: no such feed.
_configs: uint256[FEED_SLOTS]


@deploy
def __init__(guardian: address):
    """
    @notice The deployer becomes the owner.
    @param guardian May revoke a signer at once.
    """
    guarded.__init__(guardian, 0)
    eip712_domain_separator.__init__("Plimsoll Oracle", "1")


# --- prices, for everyone


@external
def update(price: IOracle.PriceUpdate, signatures: DynArray[IOracle.Signature, MAX_SIGNERS]) -> bool:
    """
    @notice Stores a signed price.
    @param price Prices in nano USD, confidence in 1e-8, times in unix seconds.
    @param signatures EIP-2098 signatures of the EIP-712 hash, in ascending order of signer.
    @return False when the stored price is as new or newer; nothing changes then.
    """
    return self._update(price, signatures)


@external
def update_many(
    prices: DynArray[IOracle.PriceUpdate, MAX_BATCH],
    signatures: DynArray[DynArray[IOracle.Signature, MAX_SIGNERS], MAX_BATCH],
) -> uint256:
    """
    @notice Stores several signed prices; all or, on a revert, none.
    @param prices As in `update`.
    @param signatures The n-th list belongs to the n-th price.
    @return How many were newer than what was stored.
    """
    assert len(prices) == len(signatures), LENGTH_MISMATCH
    stored: uint256 = 0
    for i: uint256 in range(len(prices), bound=MAX_BATCH):
        if self._update(prices[i], signatures[i]):
            stored += 1
    return stored


@external
@view
def word(feed: uint256) -> uint256:
    """
    @notice The tick word of one feed; see IOracle for the layout.
    @param feed Number of the feed.
    @return 0 for a feed that does not exist.
    """
    return self._ticks[feed]


@external
@view
def words(feeds: DynArray[uint256, 72]) -> DynArray[uint256, 72]:
    """
    @notice The tick words of several feeds, in order.
    @param feeds Numbers of feeds, repeats allowed.
    @return One word for each.
    """
    found: DynArray[uint256, 72] = feeds
    i: uint256 = 0
    for feed: uint256 in feeds:
        found[i] = self._ticks[feed]
        i = unsafe_add(i, 1)
    return found


@external
@view
def tick(feed: uint256) -> IOracle.Tick:
    """
    @notice The stored price of one feed, unpacked.
    @param feed Number of the feed.
    @return All zero, and not valid, where there is no price.
    """
    stored: uint256 = self._ticks[feed]
    return IOracle.Tick(
        spot=stored & PRICE_MASK,
        mark=(stored >> 72) & PRICE_MASK,
        confidence=(stored >> 144) & MASK_28,
        timestamp=(stored >> 172) & MASK_32,
        variance=(stored >> 204) & MASK_32,
        heartbeat=(stored >> 236) & MASK_16,
        flags=stored >> 252,
        valid=oracle_math._is_valid(stored, block.timestamp),
    )


@external
@view
def config(feed: uint256) -> IOracle.FeedConfig:
    """
    @notice The configuration of one feed.
    @param feed Number of the feed.
    @return All zero for a feed that does not exist.
    """
    packed: uint256 = self._configs[feed]
    return IOracle.FeedConfig(
        heartbeat=(packed >> 144) & MASK_16,
        max_deviation=(packed >> 160) & MASK_16,
        confidence_threshold=(packed >> 176) & MASK_28,
        max_jump=(packed >> 204) & MASK_16,
        variance_window=(packed >> 220) & MASK_24,
        required_signers=packed >> 244,
        floor=packed & PRICE_MASK,
        ceiling=(packed >> 72) & PRICE_MASK,
    )


@external
@view
def check_signatures(
    digest: bytes32, signatures: DynArray[IOracle.Signature, MAX_SIGNERS], required: uint256
) -> bool:
    """
    @notice Reverts unless enough signers of this Oracle have signed. For contracts that take data from the same
            signers under a signing domain of their own, such as the Surface.
    @param digest EIP-712 hash of what was signed.
    @param signatures EIP-2098 signatures, in ascending order of signer.
    @param required How many there must be at least.
    @return True.
    """
    self._check_signatures(digest, signatures, required)
    return True


# --- the owner


@external
def set_feed(feed: uint256, config: IOracle.FeedConfig):
    """
    @notice Creates or changes a feed. A new heartbeat holds at once, the rest from the next update. Owner only.
    @param feed Number of the feed, 1 to 255.
    @param config Bounded: heartbeat 1..65_535 s; deviation 1..5_000 bps; confidence threshold <= 1e8;
           jump <= 10_000 bps; window 60..2**24 - 1 s; 1..8 signers, no more than there are; floor < ceiling < 2**72.
    """
    ownable._check_owner()
    assert feed != 0 and feed <= MAX_FEED, BAD_FEED
    assert config.heartbeat != 0 and config.heartbeat <= MASK_16, BAD_HEARTBEAT
    assert config.max_deviation != 0 and config.max_deviation <= MAX_DEVIATION, BAD_DEVIATION
    assert config.confidence_threshold <= FULL_CONFIDENCE, BAD_CONFIDENCE
    assert config.max_jump <= BPS, BAD_JUMP
    assert config.variance_window >= MIN_WINDOW and config.variance_window <= MASK_24, BAD_WINDOW
    assert config.required_signers != 0 and config.required_signers <= MAX_SIGNERS, BAD_THRESHOLD
    assert config.required_signers <= self.signer_count, BAD_THRESHOLD
    assert config.floor < config.ceiling and config.ceiling <= PRICE_MASK, BAD_BOUNDS

    self._configs[feed] = (
        config.floor
        | (config.ceiling << 72)
        | (config.heartbeat << 144)
        | (config.max_deviation << 160)
        | (config.confidence_threshold << 176)
        | (config.max_jump << 204)
        | (config.variance_window << 220)
        | (config.required_signers << 244)
    )
    self._ticks[feed] = (self._ticks[feed] & ~(MASK_16 << 236)) | (config.heartbeat << 236)
    log IOracle.FeedSet(feed=feed, config=config)


@external
def set_signer(signer: address, allowed: bool):
    """
    @notice Admits or revokes a signer. The owner does either; the guardian can only revoke. A feed that is
            left with fewer signers than it requires goes stale, which refuses risk: it fails safe.
    @param signer Address of the signing key, not zero.
    @param allowed False revokes.
    """
    assert msg.sender == ownable.owner or (msg.sender == guarded.guardian and not allowed), NOT_PERMITTED
    assert signer != empty(address), BAD_SIGNER
    if self.is_signer[signer] != allowed:
        self.is_signer[signer] = allowed
        if allowed:
            self.signer_count += 1
        else:
            self.signer_count -= 1
    log IOracle.SignerSet(signer=signer, allowed=allowed)


# --- internals


@internal
def _update(price: IOracle.PriceUpdate, signatures: DynArray[IOracle.Signature, MAX_SIGNERS]) -> bool:
    assert price.feed <= MAX_FEED, UNKNOWN_FEED
    packed: uint256 = self._configs[price.feed]
    assert packed != 0, UNKNOWN_FEED
    assert block.timestamp <= price.deadline, DEADLINE_PASSED
    assert price.timestamp <= block.timestamp, FUTURE

    last: uint256 = self._ticks[price.feed]
    last_timestamp: uint256 = (last >> 172) & MASK_32
    if price.timestamp <= last_timestamp:
        return False

    assert price.spot != 0 and price.spot <= PRICE_MASK, BAD_SPOT
    assert price.mark != 0 and price.mark <= PRICE_MASK, BAD_MARK
    assert price.confidence <= FULL_CONFIDENCE, BAD_CONFIDENCE
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(
        keccak256(abi_encode(PRICE_UPDATE_TYPE_HASH, price))
    )
    self._check_signatures(digest, signatures, packed >> 244)

    mark: uint256 = oracle_math._bounded_mark(price.spot, price.mark, (packed >> 160) & MASK_16)
    flags: uint256 = 0
    if mark != price.mark:
        flags = oracle_math.FLAG_DEVIATION
    if price.confidence < (packed >> 176) & MASK_28:
        flags |= oracle_math.FLAG_CONFIDENCE
    if price.spot <= packed & PRICE_MASK or price.spot >= (packed >> 72) & PRICE_MASK:
        flags |= oracle_math.FLAG_BOUND

    last_spot: uint256 = last & PRICE_MASK
    variance: uint256 = 0
    if last_spot != 0:
        if oracle_math._jumped(price.spot, last_spot, (packed >> 204) & MASK_16):
            flags |= oracle_math.FLAG_JUMP
        # Time is monotone here, so the difference is positive.
        variance = oracle_math._variance(
            (last >> 204) & MASK_32,
            last_spot,
            price.spot,
            unsafe_sub(price.timestamp, last_timestamp),
            (packed >> 220) & MASK_24,
        )

    stored: uint256 = oracle_math._pack_tick(
        price.spot, mark, price.confidence, price.timestamp, variance, (packed >> 144) & MASK_16, flags
    )
    self._ticks[price.feed] = stored
    log IOracle.PriceUpdated(
        feed=price.feed,
        spot=price.spot,
        mark=mark,
        confidence=price.confidence,
        timestamp=price.timestamp,
        tick=stored,
    )
    return True


@internal
@view
def _check_signatures(
    digest: bytes32, signatures: DynArray[IOracle.Signature, MAX_SIGNERS], required: uint256
):
    """
    @dev Ascending order makes the signers distinct. snekmate's ecdsa refuses a high s and the zero signer.
    """
    assert len(signatures) >= required, TOO_FEW_SIGNERS
    previous: uint256 = 0
    for signature: IOracle.Signature in signatures:
        signer: address = ecdsa._try_recover_r_vs(digest, signature.r, signature.vs)
        assert convert(signer, uint256) > previous, NOT_ASCENDING
        assert self.is_signer[signer], NOT_SIGNER
        previous = convert(signer, uint256)
