"""`manage.py verify`: sound books have no findings, and each kind of damage has its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from io import StringIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import F

from accounts.models import BrokerAccount
from desk.verify.report import Finding
from desk.verify.run import AREAS, Options, verify_all
from marketdata.models import TickArchive
from marketdata.quotes.models import LatestQuote, QuoteSegment
from ops.anchor_file import AnchorFile
from ops.audit import Actor, record
from ops.clocks import wall_now
from tests.backup.home import Home
from tests.backup.test_round_trip import seal_bars
from tests.orders.bench import Bench
from trading.ledger.models import AccountBook, AccountEvent, LedgerEntry, LedgerPosition
from trading.orders.choices import Status
from trading.orders.models import Order, OrderEvent, Trade

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


@pytest.fixture
def desk(home: Home, bench: Bench) -> Bench:
    """Books with something of everything in them, all of it sound."""
    bench.query(orders=(), trades=(), asset=bench.asset(), positions=())
    order = bench.reported(quantity=200)
    bench.apply(bench.fill(order, 100), bench.update(order, 55, traded_quantity=100))
    bench.submit(user=bench.alice)
    seal_bars(bench.instruments["600519.SH"].pk)
    path = home.folder / "archive" / "day.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"a": [1, 2, 3]}), path)
    TickArchive.objects.create(
        trade_date=date(2026, 11, 9), path="day.parquet", rows=3, instruments=1, size=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(), archived_at=wall_now(),
    )  # fmt: skip
    with transaction.atomic():
        record(actor=Actor.system("tests"), action="test.noted", target="one")
    AnchorFile(home.folder).append()
    assert verify_all().findings == []
    return bench


def sql(statement: str, *parameters: Any, alias: str = "default") -> None:
    """Change a row behind everybody's back."""
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA defer_foreign_keys = ON")
        cursor.execute(statement, parameters)


def break_payload() -> None:
    """Change one bit of what a segment holds."""
    segment = QuoteSegment.objects.get()
    payload = bytearray(segment.payload)
    payload[len(payload) // 2] ^= 1
    sql("UPDATE quotes_quotesegment SET payload = %s", bytes(payload), alias="quotes")


def cut_chains() -> None:
    """Remove the trail as if it had never been."""
    sql("DELETE FROM ops_auditevent")
    sql("DELETE FROM ops_auditchain")


DAMAGE: dict[str, tuple[str, str, Callable[[], object]]] = {
    "an audit event was rewritten": (
        "audit", "hashes to", lambda: sql("UPDATE ops_auditevent SET target = 'two' WHERE target = 'one'")
    ),
    "an audit event was removed": (
        "audit", "missing", lambda: sql("DELETE FROM ops_auditevent WHERE action = 'account.granted' OR target = 'one'")
    ),
    "an audit chain was cut, its head too": ("audit", "signed on", cut_chains),
    "a segment's payload": ("quotes", "checksum differs", break_payload),
    "a segment's header": ("quotes", "checksum differs", lambda: QuoteSegment.objects.update(rows=F("rows") + 1)),
    "a segment under another instrument": (
        "quotes", "checksum differs", lambda: QuoteSegment.objects.update(instrument_id=F("instrument_id") + 1)
    ),
    "an archive that its row does not fit": ("quotes", "not 4", lambda: TickArchive.objects.update(rows=4)),
    "an archive of another content": ("quotes", "SHA-256", lambda: TickArchive.objects.update(sha256="0" * 64)),
    "an archive that is gone": ("quotes", "not there", lambda: TickArchive.objects.update(path="gone.parquet")),
    "the account's cash": ("ledger", "cash is", lambda: AccountBook.objects.update(ledger_cash=F("ledger_cash") + 1)),
    "a holding": ("ledger", "600519.SH", lambda: LedgerPosition.objects.update(quantity=F("quantity") + 100)),
    "an entry that is gone": (
        "ledger", "no entry records it", lambda: LedgerEntry.objects.filter(kind="TRADE")._raw_delete("default")
    ),
    "a fill's shares": ("ledger", "its entry says", lambda: Trade.objects.update(quantity=50)),
    "a fill that is gone": ("ledger", "no such fill", lambda: Trade.objects.all().delete()),
    "what an order says was traded": (
        "orders", "its fills have 100", lambda: Order.objects.filter(traded_quantity=100).update(traded_quantity=200)
    ),
    "what an order says it cost": (
        "orders", "its fills have 1000", lambda: Order.objects.filter(traded_quantity=100).update(traded_amount=1)
    ),
    "a fill of another account's order": (
        "orders", "differ from its order",
        lambda: Trade.objects.update(account=BrokerAccount.objects.get(name="Beta")),
    ),
    "an order filled beyond its quantity": (
        "orders", "of 50 shares filled", lambda: Order.objects.filter(traded_quantity=100).update(quantity=50)
    ),
    "an order FILLED in part": (
        "orders", "FILLED with", lambda: Order.objects.filter(traded_quantity=100).update(status=Status.FILLED)
    ),
    "an order that ended and is open": (
        "orders", "final_at", lambda: Order.objects.filter(status=Status.QUEUED).update(final_at=wall_now())
    ),
    "a step of a timeline": ("orders", "its timeline has", lambda: OrderEvent.objects.filter(seq=2).delete()),
    "the end of a timeline": (
        "orders", "its timeline ends", lambda: Order.objects.filter(status=Status.QUEUED).update(status=Status.UNKNOWN)
    ),
    "a promise nobody made": (
        "orders", "its orders promise", lambda: AccountBook.objects.update(reserved_cash=F("reserved_cash") + 7)
    ),
    "a promise that outlived its order": (
        "orders", "still reserves",
        lambda: Order.objects.filter(status=Status.QUEUED).update(status=Status.EXPIRED, final_at=wall_now()),
    ),
    "an event of the account": ("orders", "gaps", lambda: AccountEvent.objects.filter(version=2).delete()),
    "the last event of the account": (
        "orders", "its book is at", lambda: AccountBook.objects.update(version=F("version") + 1)
    ),
    "an order of no account": ("links", "orders_order.account_id", lambda: sql("UPDATE orders_order SET account_id = 999")),
    "a quote of no instrument": (
        "links", "no instrument 999",
        lambda: LatestQuote.objects.create(
            instrument_id=999, ts=1, last=1, open=1, high=1, low=1, pre_close=1, volume=1, amount=1, received_at=1
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("area", sorted({area for area, _words, _act in DAMAGE.values()}))
def test_every_kind_of_damage_is_found(desk: Bench, area: str) -> None:
    missed = {}
    for damage, (where, words, act) in DAMAGE.items():
        if where != area:
            continue
        with transaction.atomic("default"), transaction.atomic("quotes"):
            act()
            findings = verify_all(Options(areas=(area,))).findings
            if not any(words in str(finding) for finding in findings):
                missed[damage] = findings
            for alias in ("default", "quotes"):
                transaction.set_rollback(True, using=alias)
        assert verify_all(Options(areas=(area,))).findings == [], f"{damage} is still there"
    assert missed == {}


def test_money_whose_binary_sum_is_inexact_is_no_finding(desk: Bench) -> None:
    order = Order.objects.get(traded_quantity=100)
    desk.apply(desk.fill(order, 100), desk.update(order, 56, traded_quantity=200))
    first, second = order.trades.order_by("pk").values_list("pk", flat=True)
    # In binary 0.1 + 0.2 is 0.30000000000000004.
    Trade.objects.filter(pk=first).update(amount="0.1")
    Trade.objects.filter(pk=second).update(amount="0.2")
    Order.objects.filter(pk=order.pk).update(traded_amount="0.3")
    assert verify_all(Options(areas=("orders",))).findings == []
    Order.objects.filter(pk=order.pk).update(traded_amount="0.3001")
    (finding,) = verify_all(Options(areas=("orders",))).findings
    assert "0.3001 traded, its fills have 0.3" in str(finding)


def test_damaged_file_is_found_and_the_other_areas_are_looked_at(home: Home, desk: Bench) -> None:
    home.content()
    path = home.file("quotes")
    content = bytearray(path.read_bytes())
    for at in range(4096, len(content), 4096):
        content[at : at + 64] = b"\xff" * 64
    path.write_bytes(content)
    report = verify_all()
    assert {finding.area for finding in report.findings} >= {"files"}
    assert report.checked["orders"] == 2


def test_command_says_what_it_looked_at_and_ends_well(desk: Bench) -> None:
    out = StringIO()
    call_command("verify", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert report["sound"] is True
    assert report["findings"] == []
    assert report["checked"]["orders"] == 2
    assert report["checked"]["fills"] == 1
    assert report["checked"]["segments"] == 1
    assert report["checked"]["bars and ticks"] == 3
    assert report["checked"]["signed anchors"] == 1


def test_command_ends_with_one_when_something_is_wrong(desk: Bench) -> None:
    AccountBook.objects.update(ledger_cash=F("ledger_cash") + 1)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify", stdout=out)
    assert ended.value.code == 1
    assert "ledger: account" in out.getvalue()


def test_command_looks_only_where_it_is_told(desk: Bench) -> None:
    AccountBook.objects.update(ledger_cash=F("ledger_cash") + 1)
    call_command("verify", "--only", "orders", stdout=StringIO())


def test_finding_names_area_subject_and_problem() -> None:
    assert str(Finding("orders", "order 1", "lost")) == "orders: order 1: lost"
    assert set(AREAS) == {"files", "links", "audit", "ledger", "orders", "quotes"}
