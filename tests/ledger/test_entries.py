"""Fills as entries: each once, with its fees by rule, owned by whoever ordered it; nothing is ever changed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmt.codes import Kind
from qmt.fees import Tariff, fill_fees
from qmt.gateway import Side
from tests.orders.bench import MOUTAI, TODAY, Bench
from trading.ledger.choices import EntryKind
from trading.ledger.entries import Posting
from trading.ledger.fees import cost_of_fill
from trading.ledger.journal import account_journal
from trading.ledger.models import LedgerEntry, LedgerPosition, OwnerPosition
from trading.ledger.verification import ledger_verify

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def bought(bench: Bench, quantity: int = 100, price: str = "10.00") -> None:
    order = bench.reported(quantity=quantity, price=price)
    bench.apply(bench.fill(order, quantity, price))


def test_fill_is_a_trade_and_its_fees_each_with_its_rule(bench: Bench) -> None:
    bought(bench)
    rows = LedgerEntry.objects.order_by("id").values_list("kind", "quantity", "cash", "rule", "user__username")
    assert list(rows) == [
        ("TRADE", 100, Decimal(-1000), "", "alice"),
        ("COMMISSION", 0, Decimal(-5), "250 ppm, at least 5.00 an order", "alice"),
        ("TRANSFER_FEE", 0, Decimal("-0.01"), "10 ppm from 2022-04-29", "alice"),
    ]
    assert bench.book.ledger_cash == Decimal("-1005.01")
    assert bench.book.estimated_fees == Decimal("5.01")


def test_fill_told_again_is_entered_once(bench: Bench) -> None:
    order = bench.reported()
    fill = bench.fill(order, 100)
    bench.apply(fill)
    bench.apply(fill)
    bench.query(trades=(fill,))
    assert LedgerEntry.objects.filter(kind="TRADE").count() == 1


def test_fill_of_two_people_is_two_parts_of_one_holding(bench: Bench) -> None:
    bought(bench)
    bench.apply(bench.update(bench.order(bench.sent(user=bench.alice)), 50))
    with account_journal(bench.account.pk) as journal:
        journal.post(Posting(TODAY, EntryKind.OPENING, "o", symbol=MOUTAI, quantity=300, price=Decimal(9)))
    parts = dict(OwnerPosition.objects.values_list("owner", "quantity"))
    assert parts == {f"{bench.alice.pk}:": 100, "-:": 300}
    assert LedgerPosition.objects.get().quantity == 400
    assert ledger_verify(bench.account).faults == []


def test_posting_the_same_reference_again_is_refused_and_leaves_nothing(bench: Bench) -> None:
    posting = Posting(TODAY, EntryKind.INTEREST, "x", cash=Decimal(3))
    with account_journal(bench.account.pk) as journal:
        journal.post(posting)
    with pytest.raises(IntegrityError), account_journal(bench.account.pk) as journal:
        journal.post(posting)
    assert (LedgerEntry.objects.count(), bench.book.ledger_cash) == (1, Decimal(3))


def test_entry_cannot_be_changed_or_deleted(bench: Bench) -> None:
    bought(bench)
    entry = LedgerEntry.objects.first()
    assert entry is not None
    for act in (
        entry.save,
        entry.delete,
        LedgerEntry.objects.all().delete,
        lambda: LedgerEntry.objects.update(cash=0),
    ):
        with pytest.raises(TypeError):
            act()


@pytest.mark.parametrize("column", ["quantity", "cost", "realised"])
def test_ledger_verify_names_a_sum_that_was_tampered_with(bench: Bench, column: str) -> None:
    bought(bench)
    LedgerPosition.objects.update(**{column: 7})
    assert next(fault.subject for fault in ledger_verify(bench.account).faults) == MOUTAI


def test_ledger_verify_names_money_without_entries(bench: Bench) -> None:
    bought(bench)
    type(bench.book).objects.update(ledger_cash=1)
    assert [str(fault) for fault in ledger_verify(bench.account).faults] == [
        f"account {bench.account.pk}: cash is 1.0000, its entries say -1005.0100"
    ]


# ------------------------------------------------------------------------------- properties
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    fills=st.lists(
        st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 50).map(lambda lots: lots * 100), st.integers(1, 3)),
        min_size=1,
        max_size=8,
    )
)
def test_any_fills_add_up_and_owners_make_the_account(bench: Bench, fills: list[tuple[str, int, int]]) -> None:
    with account_journal(bench.account.pk) as journal:
        start = LedgerEntry.objects.count()
        for number, (side, quantity, owner) in enumerate(fills):
            amount = Decimal(quantity * 10)
            journal.post(
                Posting(
                    TODAY,
                    EntryKind.TRADE,
                    f"t:{start}:{number}",
                    symbol=MOUTAI,
                    side=side,
                    quantity=quantity if side == "BUY" else -quantity,
                    price=Decimal(10),
                    cash=-amount if side == "BUY" else amount,
                    user_id=None if owner == 1 else bench.alice.pk,
                    strategy="s" if owner == 3 else "",
                )
            )
    assert ledger_verify(bench.account).faults == []


@given(
    amounts=st.lists(st.integers(1, 10**9), min_size=1, max_size=6),
    side=st.sampled_from(list(Side)),
    kind=st.sampled_from([Kind.STOCK, Kind.ETF, Kind.CONVERTIBLE]),
    day=st.dates(date(2022, 1, 1), date(2026, 12, 31)),
)
def test_fees_of_an_order_equal_an_independent_computation(
    amounts: list[int], side: Side, kind: Kind, day: date
) -> None:
    """Commission of the whole order by rate or minimum; stamp duty and transfer fee by dated rate, share by share."""

    class Account:
        commission_rate, min_commission = Decimal("0.00025"), Decimal(5)

    charged = Decimal(0)
    others = Decimal(0)
    for number, cents in enumerate(amounts):
        cost = cost_of_fill(
            account=Account(),  # type: ignore[arg-type]
            kind=kind,
            side=side,
            amount=Decimal(cents) / 100,
            day=day,
            earlier_amounts=[Decimal(earlier) / 100 for earlier in amounts[:number]],
        )
        charged += cost.commission
        others += cost.stamp_duty + cost.transfer_fee
    rated = sum((cents * 250 * 2 + 1_000_000) // 2_000_000 for cents in amounts)
    assert charged == Decimal(max(rated, 500)) / 100
    duty = 1000 if day < date(2023, 8, 28) else 500
    transfer = 20 if day < date(2022, 4, 29) else 10
    ppm = [transfer, duty] if side is Side.SELL else [transfer]
    expected = sum((cents * one * 2 + 1_000_000) // 2_000_000 for cents in amounts for one in ppm)
    assert others == (Decimal(expected) / 100 if kind is Kind.STOCK else 0)
    assert (
        fill_fees(
            kind=kind, side=side, amount_cents=100, day=day, tariff=Tariff(0, 0), accrued_before=0, is_first=True
        ).commission
        == 0
    )
