# SPDX-License-Identifier: Apache-2.0
"""A recorded run, opened for reading: its tables in DuckDB, and the joins that several metrics need.

Imports: duckdb, numpy, messages. Money leaves this module as float USD; exact decimals stay in the files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt

from simulation.errors import InputError
from simulation.messages.schema import SCHEMAS

__all__ = ["Column", "RunTables"]

Column = npt.NDArray[Any]
T = TypeVar("T")

_TABLES = """
-- Size times price, USD; sizes of inverse markets are contracts of one USD.
CREATE TEMP MACRO notional(market, size, price) AS
    CASE WHEN market BETWEEN 128 AND 255 THEN size ELSE size * price END;

CREATE TEMP TABLE eth AS
    SELECT b.block, coalesce(m.reference, $eth_usd) AS eth_usd
    FROM blocks b LEFT JOIN markets m ON m.block = b.block AND m.market = $gas_market;

CREATE TEMP TABLE owners AS
    SELECT account, min(agent) AS agent, min(role) AS role FROM accounts GROUP BY account;

CREATE TEMP TABLE sampled AS
    SELECT block FROM blocks, (SELECT min(block) AS first, max(block) AS last FROM blocks)
    WHERE (block - first) % $sample_blocks = 0 OR block = last;

CREATE TEMP TABLE fills AS
    SELECT e.block, e.index, e.log_index, e.market, e.account AS maker, e.counterparty AS taker,
           json_extract_string(fields, 'taker_buys') = 'true' AS taker_buys,
           json_extract_string(fields, 'tick')::DOUBLE * s.tick_size / 1e9 AS price,
           json_extract_string(fields, 'lots')::DOUBLE * s.lot_size / 1e9 AS size,
           notional(e.market, size, price) AS notional_usd,
           json_extract_string(fields, 'maker_fee')::DOUBLE / 1e18 AS maker_fee_usd,
           json_extract_string(fields, 'taker_fee')::DOUBLE / 1e18 AS taker_fee_usd
    FROM events e JOIN specs s USING (market) WHERE event = 'OrderFilled';

CREATE TEMP TABLE starts AS
    SELECT block, index, log_index, account,
           json_extract_string(fields, 'starter') AS starter,
           json_extract_string(fields, 'equity')::DOUBLE / 1e18 AS equity_usd,
           json_extract_string(fields, 'maintenance_margin')::DOUBLE / 1e18 AS maintenance_margin_usd,
           json_extract_string(fields, 'insolvent') = 'true' AS insolvent
    FROM (
        SELECT *, lag(event) OVER (PARTITION BY account ORDER BY block, log_index) AS before
        FROM events WHERE event IN ('AuctionStarted', 'AuctionEnded')
    )
    -- A live auction that is started again, late or because its account has recovered, is no new one.
    WHERE event = 'AuctionStarted' AND before IS DISTINCT FROM 'AuctionStarted';

CREATE TEMP TABLE ends AS
    SELECT block, index, log_index, account, json_extract_string(fields, 'reason')::INTEGER AS reason
    FROM events WHERE event = 'AuctionEnded';

CREATE TEMP TABLE taken AS
    SELECT p.block, p.index, p.account,
           sum(notional(p.market, abs(json_extract_string(p.fields, 'delta')::DOUBLE) / 1e9, m.mark))
               AS notional_usd
    FROM events p JOIN markets m ON m.block = p.block AND m.market = p.market
    WHERE p.event = 'PositionModified'
      AND (p.block, p.index, p.account) IN
          (SELECT (block, index, account) FROM events WHERE event = 'AuctionBid')
    GROUP BY ALL;

CREATE TEMP TABLE bids AS
    SELECT e.block, e.index, e.log_index, e.account, e.counterparty AS bidder,
           coalesce(o.agent, '') AS agent,
           json_extract_string(fields, 'fraction')::DOUBLE / 1e18 AS fraction,
           json_extract_string(fields, 'price')::DOUBLE / 1e18 AS price_usd,
           json_extract_string(fields, 'equity')::DOUBLE / 1e18 AS equity_usd,
           json_extract_string(fields, 'maintenance_margin')::DOUBLE / 1e18 AS maintenance_margin_usd,
           coalesce(t.notional_usd, 0)
               / count(*) OVER (PARTITION BY e.block, e.index, e.account) AS notional_usd
    FROM events e
    LEFT JOIN owners o ON o.account = e.counterparty
    LEFT JOIN taken t ON t.block = e.block AND t.index = e.index AND t.account = e.account
    WHERE e.event = 'AuctionBid';

CREATE TEMP TABLE draws AS
    SELECT block, account, json_extract_string(fields, 'amount')::DOUBLE / $cash_unit AS amount_usd
    FROM events WHERE event = 'InsuranceDrawn';

CREATE TEMP TABLE incomes AS
    SELECT block, account, json_extract_string(fields, 'junior')::DOUBLE / $cash_unit AS junior_usd,
           json_extract_string(fields, 'senior')::DOUBLE / $cash_unit AS senior_usd
    FROM events WHERE event = 'IncomePaid';

CREATE TEMP TABLE losses AS
    SELECT block, account, json_extract_string(fields, 'junior')::DOUBLE / $cash_unit AS junior_usd,
           json_extract_string(fields, 'senior')::DOUBLE / $cash_unit AS senior_usd
    FROM events WHERE event = 'LossBorne';

CREATE TEMP TABLE realised AS
    SELECT block, account, json_extract_string(fields, 'amount')::DOUBLE / 1e18 AS amount_usd,
           json_extract_string(fields, 'socialised')::DOUBLE / 1e18 AS socialised_usd
    FROM events WHERE event = 'BadDebtRealised';

CREATE TEMP TABLE deleveraged AS
    SELECT e.block, e.account, e.counterparty, e.market,
           abs(json_extract_string(fields, 'size')::DOUBLE) / 1e9 AS size,
           json_extract_string(fields, 'price')::DOUBLE / 1e9 AS price,
           notional(e.market, size, m.mark) AS notional_usd,
           -- Inverse contracts are closed at mark; what is given up is paid in cash.
           CASE WHEN e.market BETWEEN 128 AND 255 THEN coalesce(p.usd, 0) ELSE size * abs(m.mark - price) END
               AS forgone_usd
    FROM events e JOIN markets m ON m.block = e.block AND m.market = e.market
    LEFT JOIN (
        SELECT block, index, account, -sum(json_extract_string(fields, 'amount')::DOUBLE) / 1e18 AS usd
        FROM events WHERE event = 'CashMoved' AND json_extract_string(fields, 'reason') = '4' GROUP BY ALL
    ) p ON p.block = e.block AND p.index = e.index AND p.account = e.counterparty
    WHERE event = 'Deleveraged';
"""


class RunTables:
    """The tables of one run folder.

    `notional(market, size, price)` is USD of a size in any market. Tables beside the recorded ones, made once
    and held in memory, all in USD and base units, of inverse markets contracts of one USD:
        eth          block, eth_usd: what turns gas into USD
        owners       account, agent, role
        specs        market, symbol, tick_size (nano USD), lot_size (nano base)
        assets       asset, unit (token units in one), market that prices it
        venues       venue, default_probability (of a year), recovery (share of a claim)
        sampled      blocks in which every account and agent is recorded
        fills        one row per matched order, price, size and notional included
        starts, bids, ends, taken    the steps of auctions; `taken` is the notional that changed hands at mark
        draws, realised, deleveraged the waterfall: insurance, bad debt, deleveraging
        incomes, losses              of lenders, by tranche
        systems      account, engine: margin system by name

    Args:
        folder: a run folder, complete or interrupted.

    Raises:
        InputError: the folder does not hold a recorded run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary = _read_summary(folder)
        self._connection = duckdb.connect(config={"threads": 1})
        self._remembered: dict[str, Any] = {}
        for name, schema in SCHEMAS.items():
            path = folder / f"{name}.parquet"
            if not path.is_file():
                raise InputError(f"{path}: missing; expected a table of a recorded run")
            try:
                self._connection.read_parquet(str(path)).create_view(name)
                found = {row[0] for row in self.rows(f"DESCRIBE {name}")}
            except duckdb.Error as error:
                raise InputError(f"{path}: {str(error).splitlines()[0]}; expected a Parquet file") from error
            lacking = [column for column in schema.names if column not in found]
            if lacking:
                raise InputError(f"{path}: no column {', '.join(lacking)}; expected the columns of {name}")
        self._create_tables()

    def __enter__(self) -> RunTables:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the files."""
        self._connection.close()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return list(self._connection.execute(sql, list(parameters)).fetchall())

    def columns(self, sql: str, parameters: Sequence[object] = ()) -> dict[str, Column]:
        """The columns of a query as arrays; nulls of float columns become NaN."""
        fetched = self._connection.execute(sql, list(parameters)).fetchnumpy()
        return {
            name: np.where(column.mask, np.nan, column.data)
            if isinstance(column, np.ma.MaskedArray) and column.dtype.kind in "fiu"
            else np.asarray(column)
            for name, column in fetched.items()
        }

    def scalar(self, sql: str, parameters: Sequence[object] = ()) -> float | None:
        """The single number a query answers with; None when it is null or there is no row."""
        row = self._connection.execute(sql, list(parameters)).fetchone()
        return None if row is None or row[0] is None else float(row[0])

    def total(self, sql: str, parameters: Sequence[object] = ()) -> float:
        """`scalar` of a sum or a count, where nothing to add up is zero."""
        return self.scalar(sql, parameters) or 0.0

    def remember(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returned when it was first asked under this name: several metrics share it."""
        if name not in self._remembered:
            self._remembered[name] = make()
        found: T = self._remembered[name]
        return found

    @property
    def block_seconds(self) -> float:
        """Seconds between blocks."""
        return float(self.summary["block_seconds"])

    @cached_property
    def symbols(self) -> dict[int, str]:
        """Market number to symbol."""
        return {int(market["market"]): str(market["symbol"]) for market in self.summary["markets"]}

    def _create_tables(self) -> None:
        summary = self.summary
        cash = next((asset for asset in summary["assets"] if int(asset["asset"]) == 0), {"decimals": 18})
        self._connection.execute(
            "CREATE TABLE specs (market USMALLINT, symbol VARCHAR, tick_size DOUBLE, lot_size DOUBLE)"
        )
        for market in summary["markets"]:
            self._connection.execute(
                "INSERT INTO specs VALUES (?, ?, ?, ?)",
                [market["market"], market["symbol"], market["tick_size"], market["lot_size"]],
            )
        self._connection.execute("CREATE TABLE assets (asset INTEGER, unit DOUBLE, market USMALLINT)")
        for asset in summary["assets"]:
            self._connection.execute(
                "INSERT INTO assets VALUES (?, ?, ?)",
                [asset["asset"], float(10 ** int(asset["decimals"])), asset["market"]],
            )
        self._connection.execute("CREATE TABLE systems (account UINTEGER, engine VARCHAR)")
        for account, engine in enumerate(summary.get("engines", ()), 1):
            self._connection.execute("INSERT INTO systems VALUES (?, ?)", [account, engine])
        self._connection.execute(
            "CREATE TABLE venues (venue VARCHAR, default_probability DOUBLE, recovery DOUBLE)"
        )
        for venue in summary.get("venues", ()):
            self._connection.execute(
                "INSERT INTO venues VALUES (?, ?, ?)",
                [venue["venue"], venue["default_probability"], venue["recovery"]],
            )
        values = {
            "$eth_usd": repr(float(summary["eth_usd"])),
            "$gas_market": str(int(summary["gas_market"])),
            "$sample_blocks": str(int(summary["sample_blocks"])),
            "$cash_unit": repr(float(10 ** int(cash["decimals"]))),
        }
        views = _TABLES
        for name, value in values.items():
            views = views.replace(name, value)
        self._connection.execute(views)


def _read_summary(folder: Path) -> dict[str, Any]:
    path = folder / "summary.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected the folder of a recorded run") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); expected the summary of a recorded run") from error
    needed = ("block_seconds", "markets", "assets", "gas_market", "eth_usd", "sample_blocks")
    lacking = [key for key in needed if not isinstance(summary, dict) or key not in summary]
    if lacking:
        raise InputError(f"{path}: no key {', '.join(lacking)}; expected the summary of a recorded run")
    return dict(summary)
