"""PostgreSQL's side: tables copied out of one snapshot; restored into a schema of their own, which then takes the tables' place.

No binary of PostgreSQL is needed: COPY travels over Django's own connection, in its text form, which every server version reads.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from desk.backup.streams import gathered

SCHEMA_PREFIX = "desk_restore_"
KEPT_PREFIX = "desk_replaced_"
LOCK_TIMEOUT = "10s"


@dataclass(slots=True)
class PostgresSnapshot:
    """One database as it was at one moment (REPEATABLE READ, read only): nobody waits for it."""

    alias: str
    _connection: BaseDatabaseWrapper

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement without parameters."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def tables(self) -> list[str]:
        """The tables of the platform's schema."""
        return present_tables(self._connection)

    def columns(self, table: str) -> tuple[str, ...]:
        """Columns that hold values of their own, in order."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() "
                "AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
                [table],
            )
            return tuple(name for (name,) in cursor.fetchall())

    def rows(self, table: str, columns: tuple[str, ...]) -> Iterator[bytes]:
        """The table's rows in COPY's text form."""
        with (
            self._connection.cursor() as cursor,
            self._connection.wrap_database_errors,
            cursor.copy(f"COPY {_quoted(table)} ({_list(columns)}) TO STDOUT") as copy,
        ):
            yield from gathered(copy)

    def count(self, table: str) -> int:
        """How many rows it has."""
        return int(self.query(f"SELECT count(*) FROM {_quoted(table)}")[0][0])  # noqa: S608

    def size(self) -> int:
        """Bytes that the database takes on its server."""
        return int(self.query("SELECT pg_database_size(current_database())")[0][0])


def plain_settings(connection: BaseDatabaseWrapper, schema: str = "") -> dict[str, Any]:
    """Settings of a connection outside of the pool, its tables in `schema`."""
    options = {name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "pool"}
    if schema:
        options["options"] = f"{options.get('options', '')} -c search_path={schema}".strip()
    return {"OPTIONS": options, "CONN_HEALTH_CHECKS": False}


def own_connection(alias: str, schema: str = "") -> BaseDatabaseWrapper:
    """A new connection to an alias's database."""
    usual = connections[alias]
    return type(usual)({**usual.settings_dict, **plain_settings(usual, schema)}, alias)


@contextmanager
def postgres_snapshot(alias: str) -> Iterator[PostgresSnapshot]:
    """Pin a database as it is now, on a connection of its own."""
    connection = own_connection(alias)
    try:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # The first statement takes the snapshot.
            cursor.execute("SELECT 1")
        yield PostgresSnapshot(alias, connection)
    finally:
        connection.close()


def present_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """Ordinary tables of the connection's schema, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename")
        return [name for (name,) in cursor.fetchall()]


@contextmanager
def scratch_schema(alias: str) -> Iterator[str]:
    """A new schema in an alias's database; what is still there at the end goes with it."""
    name = SCHEMA_PREFIX + secrets.token_hex(6)
    connection = own_connection(alias)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {name}")
        try:
            yield name
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
    finally:
        connection.close()


def empty_tables(connection: BaseDatabaseWrapper) -> None:
    """Remove what migrations put into the tables: the backup has its own."""
    tables = present_tables(connection)
    if tables:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {_list(tuple(tables))}")


def copy_in(connection: BaseDatabaseWrapper, table: str, columns: tuple[str, ...], chunks: Iterable[bytes]) -> None:
    """Read rows in COPY's text form into a table."""
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY {_quoted(table)} ({_list(columns)}) FROM STDIN") as copy,
    ):
        for chunk in chunks:
            copy.write(chunk)


def row_counts(connection: BaseDatabaseWrapper) -> dict[str, int]:
    """Number of rows by table of the connection's schema."""
    counts = {}
    with connection.cursor() as cursor:
        for table in present_tables(connection):
            cursor.execute(f"SELECT count(*) FROM {_quoted(table)}")  # noqa: S608
            counts[table] = int(cursor.fetchone()[0])
    return counts


def set_sequences(connection: BaseDatabaseWrapper) -> None:
    """Let every numbered column go on behind its greatest value."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND is_identity = 'YES'"
        )
        for table, column in cursor.fetchall():
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence(%s, %s), coalesce(max({_quoted(column)}), 1), "  # noqa: S608
                f"max({_quoted(column)}) IS NOT NULL) FROM {_quoted(table)}",
                [_quoted(table), column],
            )
        cursor.execute("ANALYZE")


@contextmanager
def exchanging(alias: str, staged: str, kept: str) -> Iterator[Callable[[], bool]]:
    """Tables of the schema `staged` take the place of the platform's, which go to the new schema `kept`.

    Nobody sees it before the yielded function is called, which commits and says whether anything was replaced; without that call
    nothing has happened. Waits ten seconds at most for whoever uses the tables.
    """
    connection = own_connection(alias)
    try:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            replaced = _move(connection, staged, kept)

            def commit() -> bool:
                cursor.execute("COMMIT")
                return replaced

            yield commit
    finally:
        connection.close()


def _move(connection: BaseDatabaseWrapper, staged: str, kept: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute("SELECT current_schema()")
        home = _quoted(cursor.fetchone()[0])
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename", [staged])
        incoming = [name for (name,) in cursor.fetchall()]
        outgoing = sorted(set(present_tables(connection)) & (set(incoming) | set(platform_tables(connection))))
        if outgoing:
            cursor.execute(f"CREATE SCHEMA {kept}")
        for table in outgoing:
            cursor.execute(f"ALTER TABLE {home}.{_quoted(table)} SET SCHEMA {kept}")
        for table in incoming:
            cursor.execute(f"ALTER TABLE {staged}.{_quoted(table)} SET SCHEMA {home}")
    return bool(outgoing)


def platform_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """Tables of the platform that stand in the connection's schema."""
    present = set(present_tables(connection))
    return sorted(present & {*connection.introspection.django_table_names(), "django_migrations"})


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(_quoted(name) for name in names)
