"""What people enter, over the API: who may, once, audited, and the books agree afterwards."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import BrokerAccount, User
from ops.clocks import wall_now
from ops.models import AuditEvent
from tests.orders.bench import MOUTAI, TODAY, Bench
from tests.people import confirmed, make_token, signed_in
from trading.ledger.choices import EntryKind
from trading.ledger.dates import trade_date_close, trade_date_miss, trade_date_open
from trading.ledger.entries import Posting
from trading.ledger.journal import account_journal
from trading.ledger.models import AccountDay, Difference, LedgerEntry, PositionDay, TradeDate
from trading.ledger.verification import ledger_verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(bench: Bench) -> Bench:
    """Alpha's books: a million, 300 Moutai at 9.50, and Alice's 100 more at 10.00."""
    with account_journal(bench.account.pk) as journal:
        journal.post(
            Posting(TODAY, EntryKind.OPENING, "opening", cash=Decimal(1_000_000)),
            Posting(TODAY, EntryKind.OPENING, "o", symbol=MOUTAI, quantity=300, price=Decimal("9.5")),
        )
        journal.change_book(ledger_since=TODAY)
    order = bench.reported(quantity=100)
    bench.apply(bench.fill(order, 100))
    bench.query(asset=bench.asset("998994.99"), positions=(bench.position(400),))
    return bench


def differs(bench: Bench, kind: str, key: str, ours: str, theirs: str) -> Difference:
    now = wall_now()
    with account_journal(bench.account.pk) as journal:
        journal.change_book(restricted={MOUTAI: "position differs: …"} if kind == "POSITION" else {})
    return Difference.objects.create(
        account=bench.account, kind=kind, key=key, ours=ours, theirs=theirs, trade_date=TODAY, first_seen_at=now, last_seen_at=now
    )  # fmt: skip


def url(bench: Bench, path: str) -> str:
    return f"/api/v1/accounts/{bench.account.pk}/{path}"


def post(client: Client, bench: Bench, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    response = client.post(url(bench, path), body, content_type="application/json")
    return response.status_code, response.json()


def get(bench: Bench, path: str, user: User | None = None) -> dict[str, Any]:
    response = signed_in(user or bench.alice).get(url(bench, path))
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def test_difference_in_shares_is_settled_by_an_adjustment_and_lifts_the_restriction(opened: Bench) -> None:
    row = differs(opened, "POSITION", MOUTAI, "400", "350")
    status, body = post(
        confirmed(opened.team.risk), opened, f"differences/{row.pk}/resolve", {"note": "sold by phone", "price": "10.2"}
    )
    assert (status, body["state"], body["settled_by"]) == (200, "RESOLVED", "risk")
    entry = LedgerEntry.objects.get(pk=body["entry"])
    assert (entry.kind, entry.quantity, entry.price, entry.created_by) == (
        "ADJUSTMENT",
        -50,
        Decimal("10.2"),
        opened.team.risk,
    )
    assert opened.book.restricted == {}
    assert AuditEvent.objects.filter(action="ledger.difference_resolved", actor_label="risk").count() == 1
    assert ledger_verify(opened.account).faults == []


def test_difference_in_money_can_be_named_a_transfer(opened: Bench) -> None:
    row = differs(opened, "CASH", "CNY", "998994.99", "1098994.99")
    status, _ = post(
        confirmed(opened.team.admin),
        opened,
        f"differences/{row.pk}/resolve",
        {"note": "paid in", "kind": "TRANSFER_IN"},
    )
    assert status == 200
    assert LedgerEntry.objects.filter(kind="TRANSFER_IN").values_list("cash", flat=True).get() == 100_000
    assert opened.book.ledger_cash == Decimal("1098994.99")


def test_difference_named_against_its_sign_is_refused_and_stays_open(opened: Bench) -> None:
    row = differs(opened, "CASH", "CNY", "10.00", "4.00")
    status, body = post(
        confirmed(opened.team.admin), opened, f"differences/{row.pk}/resolve", {"note": "n", "kind": "TRANSFER_IN"}
    )
    assert (status, body["code"], body["field"]) == (400, "FIELD_INVALID", "cash")
    row.refresh_from_db()
    assert row.state == "OPEN"


def test_difference_is_settled_once(opened: Bench) -> None:
    row = differs(opened, "CASH", "CNY", "10.00", "14.00")
    client = confirmed(opened.team.admin)
    post(client, opened, f"differences/{row.pk}/resolve", {"note": "n"})
    assert post(client, opened, f"differences/{row.pk}/resolve", {"note": "n"})[0] == 409
    assert LedgerEntry.objects.filter(kind="ADJUSTMENT").count() == 1


def test_difference_of_another_account_is_not_found(opened: Bench) -> None:
    row = differs(opened, "CASH", "CNY", "10.00", "14.00")
    client = confirmed(opened.team.admin)
    response = client.post(
        f"/api/v1/accounts/{opened.team.beta.pk}/differences/{row.pk}/resolve",
        {"note": "n"},
        content_type="application/json",
    )
    assert response.status_code == 404


@pytest.mark.parametrize("who", ["alice", "bob", "viewer"])
def test_traders_do_not_explain_their_own_differences(opened: Bench, who: str) -> None:
    before = LedgerEntry.objects.count()
    client = confirmed(getattr(opened.team, who))
    status, body = post(client, opened, "ledger", {"kind": "INTEREST", "key": "k", "note": "n", "cash": "3"})
    assert status in (403, 404)
    assert (body["code"] in ("PERMISSION_DENIED", "ACCOUNT_NOT_FOUND"), LedgerEntry.objects.count()) == (True, before)


def test_token_of_an_administrator_cannot_enter_anything(opened: Bench) -> None:
    _, plain = make_token(opened.team.admin)
    response = Client().post(
        url(opened, "ledger"),
        {"kind": "INTEREST", "key": "k", "note": "n", "cash": "3"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {plain}"},
    )
    assert (response.status_code, response.json()["code"]) == (403, "SUDO_REQUIRED")


def test_entry_by_hand_is_entered_once_per_key(opened: Bench) -> None:
    client, wish = confirmed(opened.team.admin), {"kind": "INTEREST", "key": "q4", "note": "quarter", "cash": "12.34"}
    status, body = post(client, opened, "ledger", wish)
    assert (status, body["cash"], body["created_by"], body["reference"]) == (201, "12.34", "admin", "hand:q4")
    assert post(client, opened, "ledger", wish)[0] == 409
    assert AuditEvent.objects.filter(action="ledger.entry_added").count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "TRADE"}, "kind"),
        ({"kind": "OPENING"}, "kind"),
        ({"kind": "TRANSFER_OUT", "cash": "5"}, "cash"),
        ({"kind": "INTEREST", "cash": "0"}, "cash"),
        ({"kind": "BONUS", "symbol": MOUTAI, "quantity": 0, "cash": "0"}, "quantity"),
        ({"kind": "ADJUSTMENT", "symbol": MOUTAI, "quantity": 5, "cash": "0"}, "price"),
        ({"kind": "ADJUSTMENT", "quantity": 5, "cash": "0"}, "symbol"),
        ({"note": ""}, "note"),
        ({"cash": "NaN"}, "cash"),
    ],
)
def test_entry_that_makes_no_sense_is_refused_and_changes_nothing(
    opened: Bench, changes: dict[str, Any], field: str
) -> None:
    before = LedgerEntry.objects.count()
    wish = {"kind": "INTEREST", "key": "k", "note": "n", "cash": "1"}
    status, body = post(confirmed(opened.team.admin), opened, "ledger", wish | changes)
    assert (status, body["field"], LedgerEntry.objects.count()) == (400, field, before)


# ---------------------------------------------------------------------------- reading
def test_ledger_pages_hold_every_entry_once(opened: Bench) -> None:
    seen: list[int] = []
    path = "ledger?limit=2"
    while True:
        page = get(opened, path)
        seen += [entry["id"] for entry in page["results"]]
        if page["next"] is None:
            break
        path = f"ledger?limit=2&cursor={page['next']}"
    assert seen == sorted(LedgerEntry.objects.values_list("pk", flat=True), reverse=True)


def test_profit_by_user_adds_up_to_the_account(opened: Bench) -> None:
    users = get(opened, "profit?by=user")["results"]
    (whole,) = get(opened, "profit?by=instrument")["results"]
    assert {line["name"]: line["quantity"] for line in users} == {"alice": 100, "": 300}
    assert sum(Decimal(line["total"]) for line in users) == Decimal(whole["total"]) == Decimal("144.99")
    assert whole["fees"] == {"COMMISSION": "5.00", "STAMP_DUTY": "0.00", "TRANSFER_FEE": "0.01"}


def test_statement_of_the_present_date_shows_our_cost_beside_the_brokers(opened: Bench) -> None:
    body = get(opened, f"statement?date={TODAY}")
    (held,) = body["positions"]
    assert (body["closed"], body["equity"], body["cash"]) == (False, "1002994.99", "998994.99")
    assert (held["average_cost"], held["base_cost"], held["broker_cost"]) == ("9.6375", "9.625", "9.5")
    assert (held["opened_on"], held["holding_days"]) == (TODAY.isoformat(), 0)


def test_owner_positions_are_each_persons_part_and_tell_what_t_plus_one_keeps_back(opened: Bench) -> None:
    nobody, alice = get(opened, "owner-positions")["results"]
    assert (nobody["user"], nobody["quantity"], nobody["sellable"], nobody["average_cost"]) == (None, 300, 300, "9.5")
    assert (alice["user"], alice["symbol"], alice["quantity"], alice["sellable"]) == ("alice", MOUTAI, 100, 0)
    (account,) = get(opened, f"statement?date={TODAY}")["positions"]
    assert nobody["quantity"] + alice["quantity"] == account["quantity"]


def opening_day(bench: Bench) -> None:
    """The point that opening books leaves: the day before, when nothing was earned yet."""
    AccountDay.objects.create(
        account=bench.account, date=TODAY - timedelta(days=1), cash=Decimal(1_000_000), market_value=Decimal(2_850),
        external=Decimal(1_002_850), at=wall_now(),
    )  # fmt: skip


def adds_up(statement: dict[str, Any]) -> bool:
    named = ("opening_equity", "external", "profit")
    return Decimal(statement["equity"]) == sum(Decimal(statement[name]) for name in named)


def test_statement_of_the_opening_day_counts_the_opening_balance_once(opened: Bench) -> None:
    opening_day(opened)
    today = get(opened, f"statement?date={TODAY}")
    assert (today["opening_equity"], today["external"], today["closed"]) == ("1002850.00", "0.00", False)
    assert adds_up(today)


def test_statement_tells_what_was_paid_in_from_what_was_earned_open_and_closed(opened: Bench) -> None:
    opening_day(opened)
    with account_journal(opened.account.pk) as journal:
        journal.post(Posting(TODAY, EntryKind.TRANSFER_IN, "t", cash=Decimal(5_000)))
    opened.query(asset=opened.asset("1003994.99"), positions=(opened.position(400),))
    present = get(opened, f"statement?date={TODAY}")
    with account_journal(opened.account.pk) as journal:
        trade_date_open(journal, TODAY)
        trade_date_close(journal, TODAY)
    closed = get(opened, f"statement?date={TODAY}")
    assert (present["external"], closed["external"], closed["closed"]) == ("5000.00", "5000.00", True)
    assert adds_up(present)
    assert adds_up(closed)


def test_statement_of_an_unknown_date_is_not_found(opened: Bench) -> None:
    assert signed_in(opened.alice).get(url(opened, "statement?date=2020-01-02")).status_code == 404


def test_closed_date_is_kept_and_the_brokers_fees_replace_our_estimate(opened: Bench) -> None:
    opened.query(asset=opened.asset("998996.49"), positions=(opened.position(400),))
    with account_journal(opened.account.pk) as journal:
        trade_date_open(journal, TODAY)
        trade_date_close(journal, TODAY)
    assert LedgerEntry.objects.get(kind="FEE_TRUE_UP").cash == Decimal("1.50")
    assert (opened.book.ledger_cash, opened.book.estimated_fees) == (Decimal("998996.49"), 0)
    day = AccountDay.objects.get(date=TODAY)
    assert (day.equity, day.external) == (Decimal("1002996.49"), Decimal(1_002_850))
    assert PositionDay.objects.values_list("symbol", "quantity", "cost").get() == (MOUTAI, 400, Decimal("3855.01"))
    (point,) = get(opened, "equity-curve")["results"]
    assert (point["date"], point["equity"]) == (TODAY.isoformat(), "1002996.49")
    assert get(opened, f"statement?date={TODAY}")["closed"] is True
    assert ledger_verify(opened.account).faults == []


def test_exports_hold_the_entries_and_no_formula(opened: Bench) -> None:
    post(
        confirmed(opened.team.admin),
        opened,
        "ledger",
        {"kind": "INTEREST", "key": "k", "note": "=HYPERLINK(1)", "cash": "1"},
    )
    client = signed_in(opened.alice)
    text = b"".join(client.get(url(opened, "ledger.csv")).streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == LedgerEntry.objects.count()
    assert rows[-1]["note"] == "'=HYPERLINK(1)"
    for path in ("ledger.xlsx", f"statement.xlsx?date={TODAY}"):
        book = zipfile.ZipFile(io.BytesIO(client.get(url(opened, path)).content))
        sheets = [book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert sheets
        assert not any(b"<f>" in sheet for sheet in sheets)


def test_positions_carry_the_version_of_the_accounts_events(opened: Bench) -> None:
    body = signed_in(opened.alice).get(f"/api/v1/positions?account={opened.account.pk}").json()
    assert body["version"] == opened.book.version
    assert signed_in(opened.alice).get("/api/v1/positions").json()["version"] is None


# ----------------------------------------------------------------------- missed dates
def test_missed_date_is_settled_with_entries(opened: Bench) -> None:
    differs(opened, "POSITION", MOUTAI, "400", "300")
    differs(opened, "CASH", "CNY", "998994.99", "999994.99")
    with account_journal(opened.account.pk) as journal:
        trade_date_open(journal, TODAY)
        trade_date_miss(journal, TODAY)
    client = confirmed(opened.team.risk)
    assert post(client, opened, f"trade-dates/{TODAY}/settle", {})[0] == 200
    assert TradeDate.objects.get(date=TODAY).state == "CLOSED"
    made = LedgerEntry.objects.filter(kind="ADJUSTMENT").order_by("id").values_list("trade_date", "quantity", "cash")
    assert list(made) == [(TODAY, -100, Decimal(0)), (TODAY, 0, Decimal(1000))]
    assert set(Difference.objects.values_list("state", flat=True)) == {"RESOLVED"}
    assert BrokerAccount.objects.get(pk=opened.account.pk).state == "ACTIVE"
    assert ledger_verify(opened.account).faults == []


def test_missed_date_needs_a_fresh_password(opened: Bench) -> None:
    with account_journal(opened.account.pk) as journal:
        trade_date_open(journal, TODAY)
        trade_date_miss(journal, TODAY)
    status, body = post(signed_in(opened.team.risk), opened, f"trade-dates/{TODAY}/settle", {})
    assert (status, body["code"]) == (403, "SUDO_REQUIRED")
    assert TradeDate.objects.get(date=TODAY).state == "MISSED"
