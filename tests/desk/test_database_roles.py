"""The platform's own PostgreSQL role: the order path works under it; the trail, the books and the schema are out of its reach."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction

from desk.database_roles import RoleError, role_bound
from ops.models import AuditEvent
from tests.orders.bench import Bench, make_bench
from trading.ledger.models import LedgerEntry
from trading.orders.choices import Status
from trading.orders.models import Order, OrderEvent

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(databases=["default", "quotes"]),
]
on_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no roles; make test runs this on PostgreSQL"
)
#: Roles belong to the server: test processes beside each other need names of their own.
ROLE = f"desk_app_{os.getpid()}"


@pytest.fixture
def bench() -> Bench:
    return make_bench()


@pytest.fixture
def bounded(db: None) -> Iterator[None]:
    """Everything after it is done by the platform's role. All of it is rolled back, the role too."""
    execute(f"CREATE ROLE {ROLE}")
    assert role_bound("default", ROLE).append_only == ("ledger_ledgerentry", "ops_auditevent", "orders_orderevent")
    execute(f"SET LOCAL ROLE {ROLE}")
    yield
    execute("RESET ROLE")


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def refused(statement: str) -> str:
    """What PostgreSQL says to a statement that it does not carry out."""
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        execute(statement)
    return str(error.value)


@on_postgres
@pytest.mark.parametrize("model", [AuditEvent, OrderEvent, LedgerEntry])
def test_append_only_rows_cannot_be_changed_removed_or_truncated(bounded: None, model: type) -> None:
    table = model._meta.db_table  # type: ignore[attr-defined]
    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        assert f"permission denied for table {table}" in refused(statement)


@on_postgres
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE orders_order",
        "ALTER TABLE orders_order DISABLE TRIGGER ALL",
        "ALTER TABLE ops_auditevent ADD COLUMN more int",
        "CREATE TABLE more (id int)",
        "CREATE INDEX more ON orders_order (status)",
        "TRUNCATE orders_order CASCADE",
        "DELETE FROM django_migrations",
        "CREATE ROLE more",
        "COPY orders_order TO PROGRAM 'cat'",
    ],
)
def test_schema_roles_and_programs_are_out_of_reach(bounded: None, statement: str) -> None:
    words = refused(statement)
    assert "must be owner" in words or "permission denied" in words


@on_postgres
def test_order_path_works_under_the_role(bench: Bench, bounded: None) -> None:
    order = bench.reported()
    bench.apply(bench.fill(order, 100))
    denied = bench.submit(quantity=99)

    assert Order.objects.get(pk=order.pk).status == Status.FILLED
    assert LedgerEntry.objects.filter(account=bench.account, symbol=order.symbol).exists()
    assert denied.status == Status.DENIED
    assert AuditEvent.objects.filter(target=f"order:{order.pk}").exists()


@on_postgres
@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ("SUPERUSER", "superuser"),
        ("CREATEROLE", "may create roles"),
        ("IN ROLE CURRENT_USER", "owner"),
    ],
)
def test_role_that_no_grant_bounds_is_refused(attribute: str, words: str) -> None:
    execute(f"CREATE ROLE {ROLE} {attribute}".replace("CURRENT_USER", connection.settings_dict["USER"]))
    with pytest.raises(RoleError, match=words):
        role_bound("default", ROLE)


@on_postgres
def test_command_says_what_it_granted_and_names_a_missing_role() -> None:
    with pytest.raises(CommandError, match="There is no role nobody_at_all"):
        call_command("database_roles", application="nobody_at_all", stdout=StringIO())
    with pytest.raises(CommandError, match="no plain role name"):
        call_command("database_roles", application="x; DROP TABLE y", stdout=StringIO())


@pytest.mark.skipif(connection.vendor != "sqlite", reason="what SQLite answers")
def test_sqlite_has_no_roles() -> None:
    with pytest.raises(CommandError, match="only PostgreSQL has roles"):
        call_command("database_roles", application="desk_app", stdout=StringIO())
