# SPDX-License-Identifier: Apache-2.0
"""Run folders made by hand: a builder with plain defaults, and one eventful run that looks like a crash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulation.domain.stress import LADDER
from simulation.messages.schema import SCHEMAS, USD

WAD = 10**18
START = 1_583_971_200
OTHER_SIDE = ("taker", "bidder", "counterparty")
KEEPER_ADDRESS = "0x00000000000000000000000000000000000000A1"


class RunBuilder:
    """Collects rows; what a test does not name has a plain default."""

    def __init__(self, folder: Path, blocks: int = 10, block_seconds: int = 12, first: int = 100) -> None:
        self.folder = folder
        self.first = first
        self.blocks = blocks
        self.block_seconds = block_seconds
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
        self.logs: dict[int, int] = {}
        self.summary: dict[str, Any] = {
            "plimsoll": "0.1.0",
            "scenario": "hand-made",
            "description": "Rows written by a test",
            "seed": 1,
            "chain": "revm",
            "status": "complete",
            "reason": "",
            "blocks": blocks,
            "first_block": first,
            "start": START,
            "end": START + (blocks - 1) * block_seconds,
            "block_seconds": block_seconds,
            "sample_blocks": 10,
            "gas_market": 1,
            "eth_usd": 0.0,
            "final_hash": "0x" + "00" * 32,
            "assets": [
                {"asset": 0, "symbol": "USDC", "decimals": 6, "market": 0},
                {"asset": 1, "symbol": "WETH", "decimals": 18, "market": 1},
            ],
            "markets": [{"market": 1, "symbol": "ETH", "tick_size": 10_000_000, "lot_size": 1_000_000}],
            "agents": [],
            "deployment": {},
        }

    def block(self, block: int, stressed: Mapping[int, float] | None = None, **values: Any) -> None:
        """`stressed`: deficits in USD by shock in bps; 0 where none is named."""
        defaults: dict[str, Any] = {
            "timestamp": START + (block - self.first) * self.block_seconds,
            "base_fee_gwei": 10.0,
            "gas_used": 15_000_000,
            "gas_limit": 30_000_000,
            "backing_usd": 1_000_000,
            "claims_usd": 1_000_000,
            "fund_assets_usd": 1_000,
            "equity_usd": 1_000_000.0,
            "state_hash": f"0x{block:064x}",
            "block_hash": f"0x{block:064x}",
        }
        self._add("blocks", {"block": block} | defaults | values)
        for shock in LADDER:
            owed = (stressed or {}).get(shock, 0.0)
            row = {
                "block": block,
                "shock_bps": shock,
                "deficit_usd": owed,
                "lines_usd": 0.0,
                "insolvent": int(owed > 0),
            }
            self._add("stress", row)

    def market(self, block: int, market: int = 1, price: float = 100.0, **values: Any) -> None:
        defaults = {
            "symbol": "ETH",
            "reference": price,
            "spot": price,
            "mark": price,
            "confidence": 1.0,
            "oracle_time": START + (block - self.first) * self.block_seconds,
            "oracle_valid": True,
            "best_bid": price - 0.1,
            "best_ask": price + 0.1,
        }
        self._add("markets", {"block": block, "market": market} | defaults | values)

    def plain_blocks(self) -> None:
        """Every block and the ETH market at 100 USD, nothing happening."""
        for block in range(self.first, self.first + self.blocks):
            self.block(block)
            self.market(block)

    def transaction(self, block: int, index: int, function: str, agent: str, **values: Any) -> None:
        defaults = {
            "submitted": block,
            "sender": KEEPER_ADDRESS,
            "role": "trader",
            "status": "success",
            "gas_limit": 1_000_000,
            "gas_used": 100_000,
            "gas_price_gwei": 10.0,
        }
        row = {"block": block, "index": index, "function": function, "agent": agent} | defaults | values
        row.setdefault("fee_eth", row["gas_used"] * row["gas_price_gwei"] * 1e-9)
        self._add("transactions", row)

    def event(self, block: int, index: int, contract: str, event: str, **fields: Any) -> None:
        """`fields` as the contract logs them; who and which market they concern is taken from them."""
        log_index = self.logs[block] = self.logs.get(block, -1) + 1
        account = fields.get("account", fields.get("maker"))
        counterparty = next(
            (fields[key] for key in ("taker", "bidder", "counterparty") if key in fields), None
        )
        row = {
            "block": block,
            "index": index,
            "log_index": log_index,
            "contract": contract,
            "event": event,
            "account": account,
            "counterparty": counterparty,
            "market": fields.get("market"),
            "fields": json.dumps(fields, separators=(",", ":")),
        }
        self._add("events", row)

    def account(self, block: int, account: int, agent: str, role: str = "trader", **values: Any) -> None:
        self._add("accounts", {"block": block, "account": account, "agent": agent, "role": role} | values)

    def measure(self, block: int, agent: str, role: str, measure: str, value: float) -> None:
        row = {"block": block, "agent": agent, "role": role, "measure": measure, "value": value}
        self._add("agents", row)

    def holding(self, block: int, agent: str, account: int, venue: str, claim: float, **values: Any) -> None:
        defaults = {"book": "spread", "posted_usd": claim, "cash_claim_usd": claim, "exchange_rate": 1.0}
        row = {"block": block, "agent": agent, "account": account, "venue": venue, "claim_usd": claim}
        self._add("holdings", row | defaults | values)

    def write(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, schema in SCHEMAS.items():
            columns = [[_value(row.get(field.name), field) for row in self.rows[name]] for field in schema]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            pq.write_table(pa.table(arrays, schema=schema), self.folder / f"{name}.parquet")
        text = json.dumps(self.summary, indent=2)
        (self.folder / "summary.json").write_text(text, encoding="utf-8")
        (self.folder / "scenario.toml").write_text('[scenario]\nname = "hand-made"\n', encoding="utf-8")
        return self.folder

    def _add(self, table: str, row: dict[str, Any]) -> None:
        unknown = set(row) - set(SCHEMAS[table].names)
        assert not unknown, unknown
        self.rows[table].append(row)


NULLABLE = {"account", "counterparty", "market", "best_bid", "best_ask"}


def _value(value: Any, field: Any) -> Any:
    if field.type == USD:
        return Decimal(0) if value is None else Decimal(str(value)).quantize(Decimal("1e-18"))
    if value is None and field.name not in NULLABLE:
        return "" if field.type == pa.string() else (False if field.type == pa.bool_() else 0)
    return value


def crash(folder: Path, blocks: int = 2_160, seed: int = 7) -> Path:
    """A 36-hour crash in two markets: three keepers liquidate, the fund empties, a loss is socialised."""
    rng = np.random.default_rng(seed)
    run = RunBuilder(folder, blocks=blocks, block_seconds=60)
    run.summary |= {
        "scenario": "black-thursday",
        "description": "ETH and BTC on 12 and 13 March 2020, keepers with static gas",
        "seed": seed,
        "deployment": {"CreditDesk": "0x00000000000000000000000000000000000000C0"},
        "markets": [
            {"market": 1, "symbol": "ETH", "tick_size": 10_000_000, "lot_size": 1_000_000},
            {"market": 2, "symbol": "BTC", "tick_size": 100_000_000, "lot_size": 100_000},
        ],
    }
    run.summary["venues"] = [
        {"venue": "main", "default_probability": 0.01, "recovery": 0.5},
        {"venue": "far", "default_probability": 0.1, "recovery": 0.2},
    ]
    run.summary["watched"] = [
        {"feed": feed, "symbol": symbol, "stress": 2_500, "share": 5_000}
        for feed, symbol in ((1, "ETH"), (2, "BTC"))
    ]
    hours = np.arange(blocks) / 60
    waypoints = [0, 10.5, 10.9, 16, 20, 23.7, 24, 26.25, 28, 36]
    eth = np.interp(hours, waypoints, [194, 168, 125, 139, 138, 101, 108, 86, 122, 128])
    noise = np.exp(np.cumsum(rng.normal(0, 0.0012, blocks)) * 0.6)
    paths = {1: eth * noise, 2: eth * noise * 41}
    stress = np.interp(hours, waypoints, [0, 0.1, 1, 0.6, 0.5, 1.2, 1.3, 2.0, 1.2, 0.6])
    fee = 13 + 50 * stress * np.exp(rng.normal(0, 0.2, blocks))
    keepers = [f"keeper-{n}" for n in (1, 2, 3)]
    equity = {keeper: 50_000.0 for keeper in keepers}
    fund, deficit, open_loss, live = 100_000.0, 0.0, 0.0, 0
    traders = list(range(10, 130))
    dead: set[int] = set()
    for n in range(blocks):
        block = run.first + n
        marks = {}
        for market, path in paths.items():
            lag = max(0, n - 2)
            mark = float(path[lag] * (1 + rng.normal(0, 0.0006)))
            marks[market] = mark
            depth = 900_000 / (1 + 4 * stress[n])
            run.market(
                block,
                market,
                float(path[n]),
                symbol="ETH" if market == 1 else "BTC",
                spot=float(path[lag]),
                mark=mark,
                oracle_time=START + lag * 60,
                funding_rate=float(1e-5 - 6e-5 * stress[n] + rng.normal(0, 5e-6)),
                open_interest=(60_000 if market == 1 else 900) / (1 + stress[n]),
                best_bid=mark * 0.9995,
                best_ask=mark * 1.0005,
                bid_depth_usd=depth * (0.6 + rng.random()),
                ask_depth_usd=depth * (0.6 + rng.random()),
            )
        if n % 10 == 0:
            long = round(100_000 * stress[n]) * WAD
            run.event(
                block, 0, "SolvencyGuard", "ContributionChanged", account=4, feed=1 + n // 10 % 2,
                long=0, short=0, total_long=long, total_short=WAD,
            )  # fmt: skip
        hits = rng.poisson(0.06 * stress[n] ** 2)
        for index in range(hits):
            account = int(rng.choice(traders))
            keeper = keepers[int(rng.choice(3, p=[0.55, 0.3, 0.15]))]
            bidder = keepers.index(keeper) + 1
            size = float(rng.lognormal(2.5, 1.1))
            loss = max(0.0, rng.normal(300, 1_800)) * stress[n]
            run.event(
                block, index, "Liquidator", "MarginCalled", account=account, stage=2, deadline=2**40,
                lapses=2**40, equity=900 * WAD, initial_margin=1_200 * WAD, maintenance_margin=800 * WAD,
            )  # fmt: skip
            run.event(
                block, index, "Liquidator", "AuctionStarted", account=account, starter=KEEPER_ADDRESS,
                equity=int((700 - loss) * WAD), maintenance_margin=800 * WAD, insolvent=bool(loss > 700),
            )  # fmt: skip
            run.event(
                block, index, "Vault", "PositionModified", account=account, market=1,
                delta=-int(size * 1e9), size=0, entry_price=0, funding_index=0, cash=0, fee=0,
            )  # fmt: skip
            run.event(
                block, index, "Liquidator", "AuctionBid", account=account, bidder=bidder,
                fraction=WAD // 2, price=300 * WAD, equity=900 * WAD, maintenance_margin=820 * WAD,
            )  # fmt: skip
            equity[keeper] += size * marks[1] * 0.01 - 60 * stress[n]
            reason = 1
            if loss > 0:
                paid = min(fund, loss)
                fund -= paid
                deficit += loss - paid
                run.event(
                    block, index, "Liquidator", "InsuranceDrawn", account=account,
                    amount=int(paid * 1e6), fund_left=int(fund * 1e6),
                )  # fmt: skip
                run.event(
                    block, index, "Liquidator", "BadDebtRealised", account=account,
                    amount=int(paid * WAD), socialised=0,
                )  # fmt: skip
                if loss > paid:
                    reason = 3
                    run.event(
                        block, index, "Liquidator", "BadDebtRealised", account=account,
                        amount=int((loss - paid) * WAD), socialised=int((loss - paid) * WAD),
                    )  # fmt: skip
                    dead.add(account)
            ended = rng.random() < 0.97
            live += 0 if ended else 1
            if ended:
                run.event(block, index, "Liquidator", "AuctionEnded", account=account, reason=reason)
            run.transaction(
                block, index, "Liquidator.bid", keeper, role="keeper", account=bidder,
                gas_used=int(rng.normal(520_000, 40_000)), gas_price_gwei=float(fee[n] * 1.1),
            )  # fmt: skip
            if rng.random() < 0.3:
                run.transaction(
                    block, index + 50, "Liquidator.bid", keepers[2], role="keeper", account=3,
                    status="reverted", gas_used=61_000, gas_price_gwei=float(fee[n] * 1.1),
                    reason="liquidator: no auction",
                )  # fmt: skip
        if n == 5:
            # Answered within the block: the account is below initial margin in none.
            run.event(
                block, 99, "Liquidator", "MarginCalled", account=traders[0], stage=2, deadline=2**40,
                lapses=2**40, equity=900 * WAD, initial_margin=1_200 * WAD, maintenance_margin=800 * WAD,
            )  # fmt: skip
        for index in range(100, 100 + int(rng.integers(2, 6))):
            trader, market = int(rng.choice(traders)), int(rng.integers(1, 3))
            buys = bool(rng.random() < 0.5)
            spec = run.summary["markets"][market - 1]
            impact = (1 if buys else -1) * abs(rng.normal(0, 0.0008)) * (1 + stress[n])
            run.event(
                block, index, "Exchange", "OrderFilled", order_id=n, maker=4, taker=trader, market=market,
                taker_buys=buys, tick=int(marks[market] * (1 + impact) * 1e9 / spec["tick_size"]),
                lots=int(rng.lognormal(7, 1)), maker_fee=WAD // 10, taker_fee=WAD // 4, remaining=0,
            )  # fmt: skip
            run.transaction(
                block, index, "Exchange.place", f"trader-{trader}", account=trader,
                gas_used=int(rng.normal(240_000, 30_000)), gas_price_gwei=float(fee[n] * 1.02),
            )  # fmt: skip
        if n % 100 == 0:
            account = traders[n // 100 % len(traders)]
            run.event(
                block, 0, "CreditDesk", "LineGranted", account=account, granted=2_000 * 10**6,
                committed=2_000 * 10**6, term=0,
            )  # fmt: skip
            for stage in (2, 4, 8):
                run.event(
                    block, 0, "CreditDesk", "LineCalled", account=account, stage=stage, use=WAD, limit=0,
                    deadline=0,
                )  # fmt: skip
            run.event(
                block, 0, "CreditDesk", "IncomePaid", account=account, junior=40 * 10**6, senior=60 * 10**6
            )
            run.event(
                block, 0, "CreditDesk", "LossBorne", account=account, junior=500 * 10**6, senior=0,
                committed=0,
            )  # fmt: skip
            run.event(block, 0, "CreditDesk", "CallCured", account=account, use=0, limit=WAD)
        open_loss = max(0.0, 0.98 * open_loss + rng.normal(0, 300) * stress[n])
        below = int(max(0, rng.normal(5, 2) * stress[n]))
        run.block(
            block,
            base_fee_gwei=float(fee[n]),
            gas_used=int(min(30e6, 15e6 * (0.7 + 0.5 * stress[n]) * rng.uniform(0.7, 1.2))),
            pending=int(30 * stress[n]),
            included=hits + 4,
            reverted=int(hits > 1),
            accounts=len(traders) + 4,
            below_initial=below * 3,
            below_maintenance=below,
            in_liquidation=live + below // 2,
            shortfall_usd=float(below * rng.uniform(200, 900)),
            bad_debt_usd=open_loss,
            stressed={
                shock: open_loss + (abs(shock) / 1_000) ** 2 * (9_000 if shock < 0 else 4_000) * stress[n]
                for shock in LADDER
            },
            fund_assets_usd=round(fund, 6),
            backing_usd=5_000_000 - 200 * n,
            claims_usd=Decimal(5_000_000 - 200 * n) + Decimal(str(round(deficit, 6))),
            deficit_usd=round(deficit, 6),
            equity_usd=4_200_000.0 * (1 - 0.2 * float(stress[n])),
            initial_margin_usd=1_200_000.0,
            maintenance_margin_usd=700_000.0,
            total_borrow_usd=300_000,
            lent_junior_usd=100_000.0 - 460.0 * (n // 100),
            lent_senior_usd=200_000.0 + 60.0 * (n // 100),
            committed_usd=40_000.0,
            line_use_usd=10_000.0 * float(stress[n]),
            called_lines=int(stress[n] > 0.5),
            total_supply_usd=5_000_000,
        )
        if n % 10 == 0 or n == blocks - 1:
            for number, keeper in enumerate(keepers, 1):
                run.account(
                    block, number, keeper, "keeper", equity_usd=equity[keeper], cash_usd=equity[keeper]
                )
            for trader in traders:
                own = 2_000 * float(rng.lognormal(0, 0.4)) * (1 - 0.25 * stress[n])
                run.account(
                    block, trader, f"trader-{trader}", equity_usd=own, initial_margin_usd=own * 0.6,
                    maintenance_margin_usd=own * 0.4, cash_usd=own,
                    notional_usd=0.0 if trader in dead else own * float(rng.lognormal(1.2, 0.6)),
                )  # fmt: skip
            for keeper in keepers:
                run.measure(block, keeper, "keeper", "wealth_usd", equity[keeper])
            # One account spreads over two venues, one keeps the same book at the first.
            far = 4_000.0 - 1_000.0 * float(stress[n])
            run.holding(block, "spread", 200, "main", 5_000.0, alone_usd=900.0, merged_usd=1_100.0)
            run.holding(
                block, "spread", 200, "far", far, alone_usd=800.0, merged_usd=1_100.0, exchange_rate=0.9
            )
            run.holding(block, "whole", 201, "main", 9_000.0, alone_usd=1_100.0, merged_usd=1_100.0)
    return run.write()
