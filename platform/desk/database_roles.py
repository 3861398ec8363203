"""What the platform's own PostgreSQL role may do: work with rows, add to what is append-only, change no table.

Migrations run as the owner of the schema; the platform's processes as another role, so that whoever gets hold of one of
them, or of its password, cannot rewrite the audit trail or the ledger, and cannot drop, create or alter anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connections, transaction

#: Rows that are added and never changed: the trail, each step of an order, and the books.
APPEND_ONLY = ("ops.AuditEvent", "orders.OrderEvent", "ledger.LedgerEntry")
#: Which migrations are applied is the owner's to write.
READ_ONLY = ("django_migrations",)
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class RoleError(RuntimeError):
    """The role cannot be bounded; the message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """What was granted in one database."""

    alias: str
    tables: int
    append_only: tuple[str, ...]


def role_bound(alias: str, role: str) -> Bounded:
    """Grant the application role what it needs in one database and take everything else, in one transaction.

    Run it as the owner, after each migration: new tables are not covered by themselves.

    Raises
    ------
    RoleError
        Not PostgreSQL, no such role, or one that no grant bounds (a superuser, an owner of tables, one that may create).
    """
    connection = connections[alias]
    if connection.vendor != "postgresql":
        raise RoleError(f"The {alias} database is {connection.vendor}: only PostgreSQL has roles.")
    if not _ROLE.fullmatch(role):
        raise RoleError(f"{role!r} is no plain role name: lower-case letters, digits and _.")
    tables = set(connection.introspection.table_names())
    append_only = tuple(sorted(tables & {apps.get_model(name)._meta.db_table for name in APPEND_ONLY}))
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        _refuse_unbounded(cursor, role)
        for statement in _statements(role, append_only, tuple(sorted(tables & set(READ_ONLY)))):
            cursor.execute(statement)
        _refuse_creating(cursor, role)
    return Bounded(alias, len(tables), append_only)


def _statements(role: str, append_only: tuple[str, ...], read_only: tuple[str, ...]) -> list[str]:
    """Names come from the schema and a checked role, so they can stand in the text."""
    everywhere = "IN SCHEMA public"
    statements = [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"REVOKE ALL ON ALL TABLES {everywhere} FROM {role}",
        f"REVOKE ALL ON ALL SEQUENCES {everywhere} FROM {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES {everywhere} TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES {everywhere} TO {role}",
    ]
    statements += [f'REVOKE UPDATE, DELETE ON "{table}" FROM {role}' for table in append_only]
    statements += [f'REVOKE INSERT, UPDATE, DELETE ON "{table}" FROM {role}' for table in read_only]
    return statements


def _refuse_unbounded(cursor: Any, role: str) -> None:
    cursor.execute("SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s", [role])
    found = cursor.fetchone()
    if found is None:
        raise RoleError(f"There is no role {role}: docker/postgres/roles.sql makes it.")
    if any(found):
        raise RoleError(f"The role {role} is a superuser, or may create roles or databases: no grant bounds it.")
    cursor.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND pg_has_role(%s, relowner, 'USAGE')",
        [role],
    )
    if cursor.fetchone()[0]:
        raise RoleError(f"The role {role} owns tables, or is a member of their owner: no grant bounds it.")


def _refuse_creating(cursor: Any, role: str) -> None:
    cursor.execute("SELECT has_schema_privilege(%s, 'public', 'CREATE')", [role])
    if cursor.fetchone()[0]:
        raise RoleError(f"The role {role} may create tables in the schema public: run this as the schema's owner.")
