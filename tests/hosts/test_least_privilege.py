"""A host that has nothing but its own PostgreSQL role and Redis user: it trades, and reaches nothing else."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from tests.faults.harness import Clerk, Stack, clerk_of, until
from tests.postgres import SUPERUSER, Postgres, postgres_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROLE = "desk_host_sim"
SYMBOL = "600519.SH"
USER = "host.sim"


@dataclass
class Installation:
    """A platform on PostgreSQL and Valkey whose host `sim` was let in by `host_credentials`."""

    postgres: Postgres
    stack: Stack
    clerk: Clerk
    settings: dict[str, str]
    files: Path

    def as_owner(self, database: str, sql: str) -> None:
        run_sql(self.postgres, database, sql)

    def as_owner_of(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.postgres.home), user=SUPERUSER, dbname=database)

    def as_host(self, database: str = "DESK_DATABASE_URL") -> psycopg.Connection[Any]:
        return psycopg.connect(self.settings[database], autocommit=True)

    def refused(self) -> list[str]:
        """What PostgreSQL denied the host."""
        log = (self.postgres.home / "log").read_text(errors="replace")
        return sorted(set(re.findall(r"(?:permission denied for|violates row-level security policy) [^\n]+", log)))


def run_sql(server: Postgres, database: str, sql: str) -> None:
    """Carry out a file that was written for psql."""
    statements = "\n".join(line for line in sql.splitlines() if not line.startswith("\\"))
    with psycopg.connect(host=str(server.home), user=SUPERUSER, dbname=database, autocommit=True) as connection:
        connection.execute(statements)


def redis_url(stack: Stack, user: str = "", password: str = "") -> str:
    login = f"{user}:{password}@" if user else ""
    return f"unix://{login}{stack.folder / 'valkey.sock'}"


def administer(stack: Stack, *commands: str) -> None:
    client = redis.Redis.from_url(redis_url(stack))
    for command in commands:
        client.execute_command(*command.split())  # type: ignore[no-untyped-call]
    client.close()


@contextmanager
def installation() -> Iterator[Installation]:
    with postgres_server() as server:
        # The role proves its password; the owner stays trusted on the socket.
        hba = server.home / "data" / "pg_hba.conf"
        hba.write_text(f'local all "{ROLE}" scram-sha-256\nlocal all all trust\n')
        run_sql(server, "postgres", "SELECT pg_reload_conf()")
        stack = Stack(**server.environment())
        try:
            stack.prepare()
            stack.start_valkey()
            files = stack.folder / "credentials"
            code = stack.manage("host_credentials", "sim", "--out", str(files)).strip()
            for database, name in (("default", "desk"), ("quotes", "quotes")):
                run_sql(server, name, (files / f"sim.{database}.sql").read_text())
            administer(stack, "ACL SETUSER " + (files / "sim.acl").read_text().removeprefix("user "))
            settings = redeem(stack, code)
            # The socket's folder is no network address: the login is all that the URL needs to carry.
            password = str(urlsplit(settings["DESK_REDIS_URL"]).password)
            settings["DESK_REDIS_URL"] = redis_url(stack, USER, password)
            with clerk_of(stack) as clerk:
                yield Installation(server, stack, clerk, settings, files)
        finally:
            stack.close()


def redeem(stack: Stack, code: str) -> dict[str, str]:
    words = (
        "import json,sys,django;django.setup();from accounts.services.enrolment import enrolment_redeem;"
        f"print(json.dumps(enrolment_redeem(code={code!r}, address='127.0.0.1')['settings']))"
    )
    stack.start("redeem", [sys.executable, "-c", words])
    until(lambda: stack.exit_code("redeem") is not None, 60, "the credentials")
    settings: dict[str, str] = json.loads(stack.log("redeem").strip().splitlines()[-1])
    return settings


def start_host(there: Installation) -> None:
    for role in ("trade", "data", "reads"):
        command = [sys.executable, "manage.py", "worker", role, "--host", "sim"]
        there.stack.start(role, command, **there.settings)
    there.clerk.until_session(seconds=90)


def test_host_trades_with_its_own_credentials_reaches_nothing_else_and_is_shut_out() -> None:
    with installation() as there:
        there.stack.start_terminal("--account", "8000000001:1000000.00", "--account", "8000000002").close()
        start_host(there)
        trades(there)
        downloads(there)
        assert there.refused() == []
        assert refused_by_redis(there.stack) == []
        stays_in_its_database_role(there)
        writes_no_rows_of_other_hosts(there)
        stays_in_its_redis_user(there)
        is_shut_out(there)


def trades(there: Installation) -> None:
    """Orders rest, are cancelled and filled; the books agree with the terminal's."""
    clerk = there.clerk
    clerk.ask("limits_off")
    facts = clerk.ask("quote_instrument", symbol=SYMBOL)
    order = {"symbol": SYMBOL, "side": "BUY", "quantity": 100, "price_type": "LIMIT"}
    resting = clerk.submit(**order, price=facts["limit_down"])["id"]
    clerk.until_status(resting, "REPORTED", seconds=60)
    clerk.ask("cancel", order_id=resting)
    clerk.until_status(resting, "CANCELLED", seconds=60)
    crossing = clerk.submit(**order, price=f"{Decimal(str(facts['last'])) * Decimal('1.01'):.2f}")["id"]
    clerk.until_status(crossing, "FILLED", seconds=60)
    wrong = until(
        lambda: clerk.ask("hold_books", state=str(there.stack.terminal_state()), opening="1000000.00"), 60, "the books"
    )
    assert [words for found in wrong.values() for words in found] == []


def downloads(there: Installation) -> None:
    """Bars are downloaded, verified and stored."""
    day = there.clerk.ask("session")["trade_date"]
    start = (date.fromisoformat(str(day)) - timedelta(days=20)).strftime("%Y%m%d")
    end = (date.fromisoformat(str(day)) - timedelta(days=1)).strftime("%Y%m%d")
    until(lambda: there.clerk.ask("ensure", symbols=[SYMBOL], start=start, end=end, period="1m"), 90, "the bars")


def stays_in_its_database_role(there: Installation) -> None:
    forbidden = (
        "SELECT password FROM public.accounts_user",
        "SELECT * FROM accounts_secondfactor",
        "SELECT * FROM accounts_hostenrolment",
        "SELECT digest FROM accounts_apitoken",
        "SELECT session_data FROM django_session",
        "SELECT * FROM alerts_channel",
        "SELECT * FROM webhooks_webhook",
        "UPDATE accounts_user SET role = 'ADMIN'",
        "INSERT INTO accounts_grant (account_id) VALUES (1)",
        "UPDATE accounts_brokeraccount SET mode = 'LIVE'",
        "UPDATE accounts_qmthost SET userdata_path = ''",
        "UPDATE risk_risklimit SET enabled = false",
        "DELETE FROM risk_risklimit",
        "UPDATE ops_auditevent SET action = ''",
        "DELETE FROM ops_auditevent",
        "DELETE FROM orders_order",
        "UPDATE orders_trade SET quantity = 0",
        "UPDATE ledger_ledgerentry SET id = id",
        "DELETE FROM ledger_accountevent",
        "DROP TABLE orders_order",
        "CREATE TABLE public.mine (a int)",
        "CREATE ROLE other LOGIN",
        "COPY accounts_user TO PROGRAM 'cat'",
    )
    with there.as_host() as connection:
        seen = connection.execute("SELECT DISTINCT password, email FROM accounts_user").fetchall()
        assert seen == [("", "")]
        for statement in forbidden:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(there.settings["DESK_DATABASE_URL"].replace(f"{ROLE}:", f"{ROLE}:x"))


def writes_no_rows_of_other_hosts(there: Installation) -> None:
    """Everything of the account that just traded is handed to a second host: the first one's role changes none of it."""
    with there.as_owner_of("desk") as owner:
        found = owner.execute("SELECT account_id FROM orders_order LIMIT 1").fetchone()
        assert found is not None
        account: int = found[0]
        owner.execute(
            'INSERT INTO accounts_qmthost SELECT (jsonb_populate_record(h, \'{"id": 9001, "name": "other"}\')).* '
            "FROM accounts_qmthost h WHERE name = 'sim'"
        )
        owner.execute("UPDATE accounts_brokeraccount SET host_id = 9001 WHERE id = %s", [account])
        owner.execute("UPDATE orders_order SET host_name = 'other' WHERE account_id = %s", [account])
    try:
        reaches_no_other_row(there, account)
    finally:
        with there.as_owner_of("desk") as owner:
            owner.execute("UPDATE orders_order SET host_name = 'sim' WHERE account_id = %s", [account])
            owner.execute(
                "UPDATE accounts_brokeraccount SET host_id = (SELECT id FROM accounts_qmthost WHERE name = 'sim') WHERE id = %s",
                [account],
            )
            owner.execute("DELETE FROM accounts_qmthost WHERE id = 9001")


def reaches_no_other_row(there: Installation, account: int) -> None:
    silent = (
        "UPDATE orders_order SET status = 'QUEUED', host_name = 'sim' WHERE account_id = %s",
        "UPDATE orders_order SET cancel_requested_at = now() WHERE account_id = %s",
        "UPDATE ledger_accountbook SET version = version + 1 WHERE account_id = %s",
        "UPDATE ledger_ledgerposition SET id = id WHERE account_id = %s",
        "UPDATE ledger_tradedate SET id = id WHERE account_id = %s",
        "DELETE FROM ledger_position WHERE account_id = %s",
        "DELETE FROM accounts_accountsession WHERE account_id = %s",
        "DELETE FROM accounts_grant WHERE account_id = %s",
        "SELECT id FROM orders_order WHERE account_id = %s FOR UPDATE",
    )
    copied = ("orders_order", "orders_trade", "ledger_accountevent")
    with there.as_host() as connection:
        # It may look: the rows are there, and nothing about them changes.
        seen = connection.execute("SELECT count(*) FROM orders_order WHERE account_id = %s", [account]).fetchone()
        assert seen is not None
        assert seen[0] >= 2
        assert {words: connection.execute(words, [account]).rowcount for words in silent} == dict.fromkeys(silent, 0)
        for table in copied:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                connection.execute(
                    f"INSERT INTO {table} SELECT * FROM {table} WHERE account_id = %s LIMIT 1", [account]
                )
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("INSERT INTO orders_orderevent SELECT * FROM orders_orderevent LIMIT 1")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("UPDATE accounts_hoststatus SET host_id = 9001")


def stays_in_its_redis_user(there: Installation) -> None:
    client = redis.Redis.from_url(there.settings["DESK_REDIS_URL"])
    for command in (
        ("LPUSH", "desk:celery:qmt.other.trade", "x"),
        ("LRANGE", "desk:celery:core", "0", "-1"),
        ("PUBLISH", "desk:wake:other", "x"),
        ("SUBSCRIBE", "desk:wake:other"),
        ("GET", "desk:rates:token:1"),
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("ACL", "LIST"),
        ("KEYS", "*"),
        ("SHUTDOWN", "NOSAVE"),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)  # type: ignore[no-untyped-call]
    client.close()


def is_shut_out(there: Installation) -> None:
    stack, clerk = there.stack, there.clerk
    facts = clerk.ask("quote_instrument", symbol=SYMBOL)
    stack.manage("host_credentials", "sim", "--out", str(there.files), "--revoke")
    refused = clerk.submit(symbol=SYMBOL, side="BUY", quantity=100, price_type="LIMIT", price=facts["limit_down"])
    assert refused["status"] == "DENIED"
    sent = len(stack.broker_orders("8000000001"))
    administer(stack, *(there.files / "sim.revoke.redis").read_text().splitlines())
    for database, name in (("default", "desk"), ("quotes", "quotes")):
        run_sql(there.postgres, name, (there.files / f"sim.{database}.revoke.sql").read_text())
    with pytest.raises(psycopg.OperationalError, match=r"not permitted to log in|password authentication failed"):
        there.as_host()
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis.from_url(there.settings["DESK_REDIS_URL"]).ping()
    until(lambda: not clerk.ask("session")["alive"], 60, "the end of the host's lease")
    assert len(stack.broker_orders("8000000001")) == sent


def refused_by_redis(stack: Stack) -> list[str]:
    """What the access-control list kept from the host while it worked."""
    client = redis.Redis.from_url(redis_url(stack))
    entries: Any = client.execute_command("ACL LOG")  # type: ignore[no-untyped-call]
    client.close()
    return sorted({f"{entry[b'reason'].decode()}: {entry[b'object'].decode()}" for entry in map(as_dict, entries)})


def as_dict(entry: Any) -> dict[bytes, bytes]:
    return entry if isinstance(entry, dict) else dict(zip(entry[::2], entry[1::2], strict=True))
