# SPDX-License-Identifier: Apache-2.0
"""The tables of a run folder: one Arrow schema each, with the unit of every column.

    RUN/
      scenario.toml         the resolved scenario, overrides, seed and chain included: what replay runs again
      summary.json          identity and outcome (`SUMMARY_KEYS`); metrics are added when the run has ended
      blocks.parquet        one row per block
      markets.parquet       one row per block and market
      transactions.parquet  one row per transaction that left the pool: executed, replaced, expired, dropped
      events.parquet        one row per decoded log
      accounts.parquet      all of them every `sample_blocks` blocks, in the first and in the last block; in
                            between, in each block, those below initial margin or in liquidation
      stress.parquet        one row per block and shock of the ladder: what accounts would owe after it
      agents.parquet        what agents measure of themselves, long form, every `sample_blocks` blocks and in
                            the last
      holdings.parquet      what owners who spread over venues have at each, and their twins, every
                            `sample_blocks` blocks and in the last; empty in a run with one venue
      report.html           one self-contained page
      venues/NAME/          the same files for every venue but the first

Units: `_usd` columns of type decimal are exact (18 places: one unit in the last place is one wei of wad USD);
float columns are rounded once, when recorded, and serve statistics only. Prices are USD per unit of base.
Sizes are units of base, in inverse markets (128 to 255) contracts of one USD.
Times are unix seconds. Gas prices are gwei. Account, market and transaction numbers are those of the chain.
Rows are ordered by block, and inside a block by index, market, account, or agent and measure, so that equal
runs give equal bytes.

Imports: pyarrow only.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

__all__ = [
    "ACCOUNTS",
    "AGENTS",
    "BLOCKS",
    "EVENTS",
    "HOLDINGS",
    "MARKETS",
    "SCHEMAS",
    "STRESS",
    "SUMMARY_KEYS",
    "TRANSACTIONS",
    "TRANSACTION_STATUSES",
    "USD",
]

USD: Final = pa.decimal128(38, 18)
"""Exact wad USD: `Decimal(wad).scaleb(-18)`."""

BLOCKS: Final = pa.schema(
    [
        ("block", pa.uint32()),  # number; the first simulated block, after deployment, is the smallest
        ("timestamp", pa.uint64()),  # unix seconds
        ("base_fee_gwei", pa.float64()),
        ("gas_used", pa.uint64()),  # receipts of the block, external demand included
        ("gas_limit", pa.uint64()),
        ("pending", pa.uint32()),  # transactions left in the pool after the block
        ("included", pa.uint32()),  # transactions executed, reverted ones included
        ("reverted", pa.uint32()),
        ("accounts", pa.uint32()),  # that hold cash, collateral or a position
        ("below_initial", pa.uint32()),  # accounts with equity < initial margin
        ("below_maintenance", pa.uint32()),  # accounts with equity < maintenance margin
        ("in_liquidation", pa.uint32()),
        ("shortfall_usd", pa.float64()),  # sum over accounts of max(0, maintenance margin - equity), >= 0
        ("bad_debt_usd", pa.float64()),  # sum over accounts of max(0, -equity) at mark, >= 0
        ("equity_usd", pa.float64()),  # sum over accounts, signed
        ("initial_margin_usd", pa.float64()),  # sum over accounts
        ("maintenance_margin_usd", pa.float64()),  # sum over accounts
        ("fund_assets_usd", USD),  # cash tokens of the insurance fund
        ("backing_usd", USD),  # Vault.reconcile().assets
        ("claims_usd", USD),  # Vault.reconcile().claims; == backing + deficit
        ("deficit_usd", USD),  # Vault.reconcile().deficit, socialised and not yet burnt
        ("fees_usd", USD),  # held by the vault
        ("total_borrow_usd", USD),
        ("total_supply_usd", USD),
        ("lent_junior_usd", pa.float64()),  # assets of the credit desk's tranches; 0 without a desk
        ("lent_senior_usd", pa.float64()),
        ("committed_usd", pa.float64()),  # what lenders can lose by all credit lines
        ("line_use_usd", pa.float64()),  # part of the commitments that stands in for initial margin
        ("called_lines", pa.uint32()),  # credit lines called or in default
        ("state_hash", pa.string()),  # 0x + 64 hex digits, of the whole EVM state after the block
        ("block_hash", pa.string()),  # 0x + 64 hex digits, chains the receipts, logs and state of all blocks
    ]
)

MARKETS: Final = pa.schema(
    [
        ("block", pa.uint32()),
        ("market", pa.uint16()),
        ("symbol", pa.string()),  # base, as in the scenario: ETH
        ("reference", pa.float64()),  # the price path itself, what a fresh and honest oracle would say
        ("spot", pa.float64()),  # oracle, as stored on chain
        ("mark", pa.float64()),  # oracle, as stored on chain, bounded around spot
        ("confidence", pa.float64()),  # ratio, 1 is full
        ("oracle_time", pa.uint64()),  # unix seconds of the observation on chain
        ("oracle_valid", pa.bool_()),  # may be used by actions that add risk
        ("funding_rate", pa.float64()),  # per hour, ratio of spot; positive: longs pay shorts
        ("open_interest", pa.float64()),  # base units, or contracts of one USD; one side
        ("best_bid", pa.float64()),  # null when that side is empty
        ("best_ask", pa.float64()),  # null when that side is empty
        (
            "bid_depth_usd",
            pa.float64(),
        ),  # resting bids within 1 % of the mid (of mark when one side is empty)
        ("ask_depth_usd", pa.float64()),  # resting asks likewise
    ]
)

TRANSACTION_STATUSES: Final = ("success", "reverted", "replaced", "expired", "dropped")
"""`success` and `reverted` were executed and paid gas; the others left the pool without being executed."""

TRANSACTIONS: Final = pa.schema(
    [
        ("block", pa.uint32()),  # in which it was executed, or left the pool
        (
            "index",
            pa.uint32(),
        ),  # place in the block; of those not executed, place after the last executed one
        ("submitted", pa.uint32()),  # block in which it entered the pool
        ("sender", pa.string()),  # checksummed address
        ("agent", pa.string()),  # name of the agent; "" for the environment (deployment, external gas demand)
        ("role", pa.string()),  # keeper, trader, maker, relayer, ... as the agent declares it
        ("function", pa.string()),  # Contract.function: Exchange.place
        ("account", pa.uint32()),  # the account it acts for; null where none
        ("nonce", pa.uint64()),
        ("status", pa.string()),  # one of TRANSACTION_STATUSES
        ("gas_limit", pa.uint64()),
        ("gas_used", pa.uint64()),  # receipt gas; 0 when not executed
        ("gas_price_gwei", pa.float64()),  # effective; the maximal fee when not executed
        ("fee_eth", pa.float64()),  # gas used * effective price, paid by the sender
        ("reason", pa.string()),  # revert reason, or why it left the pool; "" on success
    ]
)

EVENTS: Final = pa.schema(
    [
        ("block", pa.uint32()),
        ("index", pa.uint32()),  # transaction in the block
        ("log_index", pa.uint32()),  # log in the block
        ("contract", pa.string()),  # Vault, Exchange, ...
        ("event", pa.string()),  # as in contracts/interfaces
        ("account", pa.uint32()),  # the event's `account`, or `maker` of a fill; null where none
        ("counterparty", pa.uint32()),  # `taker`, `bidder` or `counterparty`; null where none
        ("market", pa.uint16()),  # null where none
        # JSON object of every field under its name, compact: integers exact, true/false, "0x..." for the rest
        ("fields", pa.string()),
    ]
)

ACCOUNTS: Final = pa.schema(
    [
        ("block", pa.uint32()),
        ("account", pa.uint32()),
        ("agent", pa.string()),
        ("role", pa.string()),
        ("equity_usd", pa.float64()),  # cash + unrealised + collateral at full value, signed
        ("initial_margin_usd", pa.float64()),
        ("maintenance_margin_usd", pa.float64()),
        ("cash_usd", pa.float64()),  # interest included, signed
        ("collateral_usd", pa.float64()),  # full value at spot, cash excluded
        ("notional_usd", pa.float64()),  # sum over markets of |size| * mark
        ("in_liquidation", pa.bool_()),
    ]
)

STRESS: Final = pa.schema(
    [
        ("block", pa.uint32()),
        ("shock_bps", pa.int32()),  # relative move of spot, mark and forward of every underlying together
        ("deficit_usd", pa.float64()),  # sum over accounts of max(0, -stressed equity), >= 0
        ("lines_usd", pa.float64()),  # the part of it that credit lines of these accounts bear
        ("insolvent", pa.uint32()),  # accounts whose stressed equity is negative
    ]
)

AGENTS: Final = pa.schema(
    [
        ("block", pa.uint32()),
        ("agent", pa.string()),
        ("role", pa.string()),
        ("measure", pa.string()),  # wealth_usd, gas_eth and gas_usd (cumulative), and whatever the agent adds
        ("value", pa.float64()),
    ]
)

HOLDINGS: Final = pa.schema(
    [
        ("block", pa.uint32()),
        ("agent", pa.string()),
        ("book", pa.string()),  # random stream of the agent: populations that trade the same book share it
        ("account", pa.uint32()),  # the same number at every venue
        ("venue", pa.string()),
        ("posted_usd", pa.float64()),  # cash and collateral there, signed
        ("claim_usd", pa.float64()),  # max(0, equity)
        ("cash_claim_usd", pa.float64()),  # max(0, equity - collateral): what a deficit of the venue falls on
        ("initial_margin_usd", pa.float64()),  # as the venue's own engine asks for it
        ("alone_usd", pa.float64()),  # initial margin of this part under the engine of the first venue
        ("merged_usd", pa.float64()),  # of all parts in one portfolio under that engine; equal in all rows
        ("exchange_rate", pa.float64()),  # of the venue: min(1, backing / claims)
        ("forgone_usd", pa.float64()),  # taken from the account by deleveraging so far, at mark
    ]
)

SCHEMAS: Final = {
    "blocks": BLOCKS,
    "markets": MARKETS,
    "transactions": TRANSACTIONS,
    "events": EVENTS,
    "accounts": ACCOUNTS,
    "stress": STRESS,
    "agents": AGENTS,
    "holdings": HOLDINGS,
}
"""File stem to schema."""

SUMMARY_KEYS: Final = {
    "plimsoll": "version that wrote the folder",
    "scenario": "name",
    "description": "one line",
    "seed": "root seed, integer",
    "chain": "revm or tester",
    "status": "complete, or interrupted: what was recorded before Ctrl-C or an error",
    "reason": "why an interrupted run stopped; empty when complete",
    "blocks": "number of simulated blocks",
    "first_block": "number of the first simulated block",
    "start": "unix seconds of the first simulated block",
    "end": "unix seconds of the last simulated block",
    "block_seconds": "seconds between blocks",
    "sample_blocks": "how often every account and agent is recorded, in blocks",
    "gas_market": "market whose reference price turns ETH into USD; 0: eth_usd does",
    "eth_usd": "USD per ETH where gas_market is 0",
    "final_hash": "block_hash of the last block",
    "assets": "list of {asset, symbol, decimals, market}: 0 is the cash token; market prices it, 0: none",
    "markets": "list of {market, symbol, tick_size, lot_size}: nano USD per tick, nano units of size per lot",
    "agents": "list of {agent, role, address, accounts}",
    "venue": "name of the venue whose folder this is",
    "venues": "list of {venue, default_probability, recovery}: all of the run, that of its folder first",
    "watched": "list of {feed, symbol, stress, share}: of the SolvencyGuard, bps; empty without one",
    "engines": "margin system of every account, account 1 first; empty for accounts of the protocol itself",
    "deployment": "contract name to {address, bytes}",
}
"""What `summary.json` holds when the engine hands it over."""
