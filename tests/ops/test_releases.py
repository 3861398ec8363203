"""Databases of every release become today's: from empty, over the release's state with rows in it, to the newest migration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from accounts.models import BrokerAccount
from desk.backup import postgres, staging
from desk.verify.run import verify_all
from marketdata.quotes.models import LatestQuote
from trading.orders.models import Order, OrderEvent

RELEASES = Path(__file__).with_name("releases.txt")
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ORDER = UUID(int=7)


def releases() -> dict[str, dict[str, str]]:
    """By release, the newest migration of each application."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for line in RELEASES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            release, app, name = line.split()
            found[release][app] = name
    return dict(found)


@pytest.mark.parametrize("release", releases())
def test_release_every_migration_of_it_is_still_there(release: str) -> None:
    nodes = MigrationLoader(None, ignore_no_migrations=True).graph.nodes
    assert [leaf for leaf in releases()[release].items() if leaf not in nodes] == []


@contextmanager
def empty(alias: str, folder: Path) -> Iterator[BaseDatabaseWrapper]:
    """An empty database under a usual alias."""
    with ExitStack() as stack:
        if connections[alias].vendor == "sqlite":
            settings: dict[str, Any] = {"NAME": folder / f"{alias}.sqlite3"}
        else:
            schema = stack.enter_context(postgres.scratch_schema(alias))
            settings = postgres.plain_settings(connections[alias], schema)
        yield stack.enter_context(staging.connected(alias, settings))


def fill(apps: Any) -> None:
    """A person, an account and an order with its first step, as the release's own tables have them."""
    user = apps.get_model("accounts", "User").objects.create(username="alice", password="!")
    host = apps.get_model("accounts", "QmtHost").objects.create(name="sim")
    account = apps.get_model("accounts", "BrokerAccount").objects.create(host=host, account_no="1", name="Alpha")
    apps.get_model("ledger", "AccountBook").objects.create(account=account, version=0)
    order = apps.get_model("orders", "Order").objects.create(
        pk=ORDER, account=account, created_by=user, source="WEB", symbol="600519.SH", side="BUY", price_type="LIMIT",
        price=Decimal("10.00"), quantity=100, traded_amount=0, status="CANCELLED", epoch=1, trade_date=date(2026, 11, 20),
        host_name="sim", simulated=True, tag="HOME-1", submitted_at=AT, expires_at=AT, final_at=AT, reserved_cash=0,
    )  # fmt: skip
    apps.get_model("orders", "OrderEvent").objects.create(
        order=order, seq=1, kind="ACCEPTED", to_status="CANCELLED", at=AT
    )


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(300)
@pytest.mark.django_db(databases=["default", "quotes"], transaction=True)
@pytest.mark.parametrize("release", releases())
def test_database_of_a_release_with_rows_in_it_becomes_todays(release: str, tmp_path: Path) -> None:
    leaves = sorted(releases()[release].items())
    with empty("default", tmp_path) as default, empty("quotes", tmp_path) as quotes:
        for connection in (default, quotes):
            MigrationExecutor(connection).migrate(leaves)
        # Drawn anew: what the migrations left of the models on their way has relations of several ages.
        fill(MigrationExecutor(default).loader.project_state(leaves).apps)
        LatestQuote.objects.create(
            instrument_id=1, ts=1, last=1, open=1, high=1, low=1, pre_close=1, volume=1, amount=1, received_at=1
        )
        for connection in (default, quotes):
            staging.migrate_to_head(connection)
            executor = MigrationExecutor(connection)
            assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
        assert BrokerAccount.objects.get().name == "Alpha"
        assert (Order.objects.get().pk, Order.objects.get().price) == (ORDER, Decimal("10.00"))
        assert OrderEvent.objects.get().order_id == ORDER
        assert LatestQuote.objects.get().instrument_id == 1
        subjects = {finding.subject for finding in verify_all().findings}
        assert subjects == {"quotes_latestquote"}  # its instrument was never there
