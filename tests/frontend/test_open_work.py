"""Open work in somebody's name, as the page about a person and a handover show it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from frontend.access.work import KINDS, WorkRow, work_rows
from ops import handover
from tests.people import make_team

pytestmark = pytest.mark.django_db


def _item(kind: str, account_id: int | None = None, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "id": "1", "title": "", "account_id": account_id, "facts": facts}


def test_order_is_named_by_account_side_and_status_with_its_price_in_full() -> None:
    account = make_team().alpha
    facts = {"symbol": "510300.SH", "side": "BUY", "price": "4.123000", "quantity": 300, "traded_quantity": 100}

    with translation.override("zh-hans"):
        (row,) = work_rows([_item("order", account.pk, status="REPORTED", **facts)])

    assert row == WorkRow(str(account), "委托", "买入 510300.SH", "已报", "4.123", 100, 300)


def test_price_of_a_whole_number_of_cents_has_two_digits() -> None:
    (row,) = work_rows([_item("order", price="10.700000")])

    assert row.price == "10.70"


def test_code_that_no_vocabulary_knows_is_shown_as_it_is() -> None:
    (row,) = work_rows([_item("grid", symbol="600519.SH", state="LATER")])

    assert (row.about, row.state, row.price, row.quantity) == ("600519.SH", "LATER", "", None)


def test_every_kind_of_work_that_is_registered_has_a_name() -> None:
    assert set(handover._providers) == set(KINDS)
