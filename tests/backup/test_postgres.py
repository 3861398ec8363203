"""On PostgreSQL: out of one snapshot, into another server's databases, and over those that are there."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.harness import Stack
from tests.postgres import SUPERUSER, Postgres, postgres_server

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]
KEY = {
    "DESK_ENCRYPTION_KEY": "a key that both installations have, of many characters",
    "DESK_BACKUP_PASSPHRASE": "words",
}


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres_server() as made:
        yield made


def ask(server: Postgres, database: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(host=str(server.home), user=SUPERUSER, dbname=database, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


def test_postgres_backup_comes_back_elsewhere_and_in_place(server: Postgres) -> None:
    first = Stack(**KEY, **server.environment())
    server.create("desk_again", "quotes_again")
    again = Stack(**KEY, **server.environment("desk_again", "quotes_again"))
    try:
        first.prepare()
        first.manage("backup", "--verify")
        people = ask(server, "desk", "SELECT username FROM accounts_user ORDER BY id")
        (folder,) = (first.folder / "backups").glob("desk-*")
        again.manage("restore", str(folder))
        assert ask(server, "desk_again", "SELECT username FROM accounts_user ORDER BY id") == people
        assert set(ask(server, "desk_again", "SELECT state FROM accounts_brokeraccount")) == {("HALTED",)}
        assert "0 findings" in again.manage("verify")
        # Numbers go on behind the restored rows.
        again.manage("token_create", "alice", "--scopes", "account:read")
        ask(server, "desk", "UPDATE accounts_user SET username = username || '2' RETURNING id")
        first.manage("restore", str(folder), "--replace")
        assert ask(server, "desk", "SELECT username FROM accounts_user ORDER BY id") == people
        schemas = [
            str(name) for (name,) in ask(server, "desk", "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'desk%'")
        ]
        assert len(schemas) == 1
        assert schemas[0].startswith("desk_replaced_")
        kept = ask(server, "desk", f"SELECT username FROM {schemas[0]}.accounts_user ORDER BY id")
        assert kept == [(f"{name}2",) for (name,) in people]
    finally:
        first.close()
        again.close()
