"""The terminal's own memory: accounts, holdings, orders, fills and the clock, in one SQLite file.

A broker does not forget when the client's process dies, so nothing leaves the exchange core before it is committed here.
WAL with ``synchronous=NORMAL`` survives ``kill -9`` of the terminal (a power cut may cost the last moments, as design intends for
a simulation).
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, TypeVar

from qmt.gateway import Side
from qmt.terminal.ledger import Account, BankTransfer, Fill, Holding, Order
from qmt.terminal.types import OrderStatus

_SCHEMA_VERSION = "1"
_E = TypeVar("_E")


class StateError(Exception):
    """The state file cannot be used. The text is one sentence for a person."""


_TABLES: dict[type, tuple[str, tuple[str, ...]]] = {
    Account: ("account", ("account_id",)),
    Holding: ("holding", ("account_id", "symbol")),
    Order: ("orders", ("order_id",)),
    Fill: ("fill", ("fill_no",)),
    BankTransfer: ("bank_transfer", ("transfer_no",)),
}
_READERS: dict[str, Callable[[Any], object]] = {
    "Side": Side,
    "OrderStatus": OrderStatus,
    "dt.date": dt.date.fromisoformat,
}
_SQL_TYPES = {"int": "INTEGER", "str": "TEXT", "Side": "TEXT", "OrderStatus": "INTEGER", "dt.date": "TEXT"}


def _create_sql(entity: type) -> str:
    table, keys = _TABLES[entity]
    columns = ", ".join(f"{field.name} {_SQL_TYPES[str(field.type)]} NOT NULL" for field in fields(entity))
    return f"CREATE TABLE IF NOT EXISTS {table} ({columns}, PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID"


def _upsert_sql(entity: type) -> str:
    table, keys = _TABLES[entity]
    names = [field.name for field in fields(entity)]
    updates = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    marks = ", ".join("?" * len(names))
    insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names of our own dataclasses
    return f"{insert} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {updates}"


_UPSERT = {entity: _upsert_sql(entity) for entity in _TABLES}


def _row_values(entity: object) -> tuple[object, ...]:
    return tuple(value.isoformat() if isinstance(value, dt.date) else value for value in astuple(entity))  # type: ignore[call-overload]


class StateStore:
    """One state file.

    Parameters
    ----------
    path
        The file; its folder is created. ``":memory:"`` keeps everything in memory, for tests.
    identity
        What market the state belongs to.

    Raises
    ------
    StateError
        When the file belongs to another market or version, or is not a state file.
    """

    def __init__(self, path: Path | str, *, identity: str) -> None:
        if str(path) != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path = str(path)
        try:
            # Shared between the server's threads under the exchange's lock, never used by two at once.
            self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=20)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._prepare()
        except sqlite3.DatabaseError as error:
            raise StateError(f"The terminal's state file {self.path} cannot be read: {error}.") from error
        self._check("version", _SCHEMA_VERSION)
        self._check("identity", identity)

    def _prepare(self) -> None:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        run("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        for entity in _TABLES:
            run(_create_sql(entity))
        run("CREATE INDEX IF NOT EXISTS orders_by_day ON orders (trade_date)")
        run("CREATE INDEX IF NOT EXISTS fill_by_day ON fill (trade_date)")
        run("COMMIT")

    def _check(self, key: str, expected: str) -> None:
        found = self.meta(key)
        if found is None:
            self.save(meta={key: expected})
        elif found != expected:
            raise StateError(
                f"The terminal's state file {self.path} belongs to another {key} ({found}, now {expected}): "
                "use another state folder or remove the file."
            )

    def save(self, entities: Iterable[object] = (), *, meta: Mapping[str, str] | None = None) -> None:
        """Write entities and meta values in one committed transaction."""
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            for entity in entities:
                run(_UPSERT[type(entity)], _row_values(entity))
            for key, value in (meta or {}).items():
                run(
                    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (key, value),
                )
        except BaseException:
            run("ROLLBACK")
            raise
        run("COMMIT")

    def meta(self, key: str) -> str | None:
        """A kept value; None when never written."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def accounts(self) -> list[Account]:
        """All accounts."""
        return self._load(Account, "ORDER BY account_id")

    def holdings(self) -> list[Holding]:
        """All holdings that are not empty, and those sold out today."""
        return self._load(Holding, "WHERE quantity > 0 OR yesterday > 0 ORDER BY account_id, symbol")

    def orders(self, trade_date: dt.date) -> list[Order]:
        """Orders of one trade date, oldest first."""
        return self._load(Order, "WHERE trade_date = ? ORDER BY order_id", trade_date.isoformat())

    def fills(self, trade_date: dt.date) -> list[Fill]:
        """Fills of one trade date, oldest first."""
        return self._load(Fill, "WHERE trade_date = ? ORDER BY fill_no", trade_date.isoformat())

    def bank_transfers(self, account_id: str, first: dt.date, last: dt.date) -> list[BankTransfer]:
        """An account's transfers with its bank on these trade dates, both included, oldest first."""
        where = "WHERE account_id = ? AND trade_date BETWEEN ? AND ? ORDER BY transfer_no"
        return self._load(BankTransfer, where, account_id, first.isoformat(), last.isoformat())

    def last_transfer_number(self) -> int:
        """Largest number of a transfer ever used; 0 without any."""
        return int(self._connection.execute("SELECT COALESCE(MAX(transfer_no), 0) FROM bank_transfer").fetchone()[0])

    def _load(self, entity: type[_E], where: str, *parameters: str) -> list[_E]:
        table, names = _TABLES[entity][0], [field.name for field in fields(entity)]  # type: ignore[arg-type]
        readers = [_READERS.get(str(field.type)) for field in fields(entity)]  # type: ignore[arg-type]
        query = f"SELECT {', '.join(names)} FROM {table} {where}"  # noqa: S608 - all three are constants of this module
        rows = self._connection.execute(query, parameters)
        return [
            entity(*(reader(value) if reader else value for reader, value in zip(readers, row, strict=True)))
            for row in rows
        ]

    def last_numbers(self) -> tuple[int, int]:
        """Largest order id and fill number ever used; 0 without any."""
        order = self._connection.execute("SELECT COALESCE(MAX(order_id), 0) FROM orders").fetchone()[0]
        fill = self._connection.execute("SELECT COALESCE(MAX(fill_no), 0) FROM fill").fetchone()[0]
        return int(order), int(fill)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
