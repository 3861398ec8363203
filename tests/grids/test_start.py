"""Starting grids: defaults, refusals, rights; over REST."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import HostStatus
from ops.errors import Code, Conflict, Denied, Forbidden, Invalid, NotFound, Unavailable
from ops.handover import open_work
from ops.models import AuditEvent
from tests.grids.field import Field
from tests.orders.bench import MOUTAI, TODAY
from tests.people import PASSWORD, make_token
from trading.grids.choices import GridState
from trading.grids.models import GridSession
from trading.grids.services import grid_pause, grid_preview, grid_resume, grid_stop
from trading.ledger.models import LedgerPosition

pytestmark = pytest.mark.django_db

D = Decimal


def client_of(field: Field, name: str = "alice") -> Client:
    client = Client()
    assert client.login(username=name, password=PASSWORD)
    return client


def body(field: Field, **changes: Any) -> dict[str, Any]:
    return {"account": field.bench.account.pk, "symbol": MOUTAI, "center": "10.00", **changes}


# ----------------------------------------------------------------------------- defaults
def test_start_without_numbers_takes_the_moderate_template(field: Field) -> None:
    field.price("10.00")
    grid = field.start(max_investment=None)
    assert (grid.template, grid.interval, grid.ratio, grid.callback) == ("moderate", D("0.05"), D("0.25"), D("0.005"))
    assert grid.max_investment == D("10000.00")  # half of 2,000 × 10.00
    assert grid.expires_at - field.market_time() == timedelta(days=7)
    assert grid.user == field.bench.alice


def test_start_with_numbers_changes_the_template(field: Field) -> None:
    grid = field.start(template="aggressive", interval="0.04", days=30)
    assert (grid.template, grid.interval, grid.ratio, grid.days) == ("aggressive", D("0.04"), D("0.30"), 30)


def test_start_without_a_centre_takes_the_highest_price_since_opening(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    field.price("10.20", high=10.4)
    LedgerPosition.objects.create(
        account=field.bench.account,
        symbol=MOUTAI,
        quantity=2000,
        base_cost=D("19000"),
        opened_on=TODAY - timedelta(days=10),
    )
    asked: list[tuple[Any, Any]] = []

    def highs(_symbol: str, first: Any, last: Any) -> list[Decimal]:
        asked.append((first, last))
        return [D("10.10"), D("10.70")]

    monkeypatch.setattr("trading.grids.services.start._daily_highs", highs)
    assert field.start(center=None).center == D("10.70")
    assert asked == [(TODAY - timedelta(days=9), TODAY - timedelta(days=1))]


def test_start_without_a_centre_on_the_day_of_the_purchase_counts_what_was_paid(field: Field) -> None:
    field.price("10.20", high=10.9)
    LedgerPosition.objects.create(
        account=field.bench.account, symbol=MOUTAI, quantity=2000, base_cost=D("20800"), opened_on=TODAY
    )
    assert field.start(center=None).center == D("10.40")


def test_start_without_a_centre_that_nobody_knows_asks_for_one(field: Field) -> None:
    with pytest.raises(Invalid) as refusal:
        field.start(center=None)
    assert (refusal.value.code, refusal.value.field) == (Code.FIELD_REQUIRED, "center")


# ----------------------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"center": "0"}, "center"),
        ({"center": "0.99"}, "center"),
        ({"center": "200.01"}, "center"),
        ({"center": "1e9"}, "center"),
        ({"center": "NaN"}, "center"),
        ({"center": "10.0000001"}, "center"),
        ({"max_investment": "-1"}, "max_investment"),
        ({"max_investment": "3999.99"}, "max_investment"),  # × 0.25 does not buy 100 at 10.00
        ({"max_investment": "4000.001"}, "max_investment"),
        ({"template": "reckless"}, "template"),
        ({"interval": "0.3"}, "interval"),
        ({"symbol": None}, "symbol"),
        ({"symbol": "999999.SH"}, "symbol"),
    ],
)
def test_start_with_a_wrong_field_names_it_and_stores_nothing(
    field: Field, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        field.start(**changes)
    assert refusal.value.field == named
    assert not GridSession.objects.exists()


def test_start_whose_investment_just_buys_a_lot_is_accepted(field: Field) -> None:
    assert field.start(max_investment="4000").max_investment == D("4000")


def test_start_without_a_holding_is_denied(field: Field) -> None:
    field.shares(0)
    with pytest.raises(Denied) as refusal:
        field.start()
    assert refusal.value.code == Code.GRID_NO_POSITION


def test_start_of_a_second_grid_on_a_holding_conflicts_until_the_first_has_ended(field: Field) -> None:
    first = field.start()
    with pytest.raises(Conflict) as refusal:
        field.start()
    assert refusal.value.code == Code.GRID_EXISTS
    grid_stop(user=field.bench.alice, grid_id=first.pk)
    field.turn()
    assert field.start().pk != first.pk


def test_start_while_the_host_is_silent_is_refused(field: Field) -> None:
    HostStatus.objects.update(updated_at=field.now - timedelta(minutes=1))
    with pytest.raises(Unavailable) as refusal:
        field.start()
    assert refusal.value.code == Code.MARKET_CLOCK_UNKNOWN


def test_start_by_who_may_only_look_or_not_even_that_is_refused(field: Field) -> None:
    from trading.grids.services import grid_start

    team = field.bench.team
    wish = {"symbol": MOUTAI, "center": "10"}
    with pytest.raises(Forbidden):
        grid_start(user=team.bob, account_id=team.alpha.pk, body=wish)
    with pytest.raises(NotFound):
        grid_start(user=team.charlie, account_id=team.alpha.pk, body=wish)
    assert not GridSession.objects.exists()


def test_preview_stores_nothing(field: Field) -> None:
    grid = grid_preview(user=field.bench.alice, account_id=field.bench.account.pk, body=body(field))
    assert not GridSession.objects.filter(pk=grid.pk).exists()
    assert grid.center == D("10.00")
    assert not GridSession.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="grid.").exists()


# ------------------------------------------------------------------------------ control
def test_pause_resume_stop_are_repeatable_and_refuse_what_makes_no_sense(field: Field) -> None:
    alice, grid = field.bench.alice, field.start()
    with pytest.raises(Conflict):
        grid_resume(user=alice, grid_id=grid.pk)
    assert grid_pause(user=alice, grid_id=grid.pk).state == GridState.PAUSED
    assert grid_pause(user=alice, grid_id=grid.pk).state == GridState.PAUSED
    assert grid_resume(user=alice, grid_id=grid.pk).state == GridState.ACTIVE
    assert grid_stop(user=alice, grid_id=grid.pk).state == GridState.STOPPING
    assert grid_stop(user=alice, grid_id=grid.pk).state == GridState.STOPPING
    with pytest.raises(Conflict):
        grid_pause(user=alice, grid_id=grid.pk)
    field.turn()
    with pytest.raises(Conflict) as refusal:
        grid_stop(user=alice, grid_id=grid.pk)
    assert refusal.value.code == Code.GRID_FINAL
    actions = AuditEvent.objects.filter(target=f"grid:{grid.pk}").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["grid.started", "grid.paused", "grid.resumed", "grid.stopping", "grid.stopped"]


def test_control_of_somebody_who_may_only_look_changes_nothing(field: Field) -> None:
    grid = field.start()
    for act in (grid_pause, grid_resume, grid_stop):
        with pytest.raises(Forbidden):
            act(user=field.bench.team.bob, grid_id=grid.pk)
        with pytest.raises(NotFound):
            act(user=field.bench.team.charlie, grid_id=grid.pk)
    assert field.fresh(grid).state == GridState.ACTIVE


def test_open_grids_are_named_when_their_person_leaves(field: Field) -> None:
    grid = field.start()
    assert [item.id for item in open_work(field.bench.alice.pk) if item.kind == "grid"] == [str(grid.pk)]


# --------------------------------------------------------------------------------- REST
def test_rest_start_shows_levels_for_the_chart(field: Field) -> None:
    field.price("10.00")
    answer = client_of(field).post("/api/v1/grids", body(field), content_type="application/json")
    assert answer.status_code == 201
    shown = answer.json()
    levels = shown["levels"]
    assert (levels["center"], levels["sell_above"], levels["buy_below"]) == ("10", "10.5", "9.5")
    assert (shown["max_investment"], shown["terms"]["callback"], shown["state"]) == ("10000.00", "0.005", "ACTIVE")


def test_rest_detail_lists_signals_orders_lots_and_the_ledger(field: Field) -> None:
    grid = field.start()
    field.price("9.40", "9.20", "9.25")
    field.fill(field.orders(grid)[0], 200)
    field.turn()
    alice = client_of(field)
    shown = alice.get(f"/api/v1/grids/{grid.pk}").json()
    (signal,) = shown["signals"]
    assert (signal["state"], signal["quantity"], signal["traded_quantity"]) == ("WORKING", 500, 200)
    assert signal["orders"][0]["status"] == "PARTIALLY_FILLED"
    assert [lot["open_quantity"] for lot in shown["lots"]] == [200]
    assert shown["figures"]["bought_amount"] == "1852.00"
    ledger = alice.get(f"/api/v1/grids/{grid.pk}/fills").json()["results"]
    assert [(line["side"], line["quantity"], line["price"]) for line in ledger] == [("BUY", 200, "9.26")]


def test_rest_list_filters_by_state_and_symbol(field: Field) -> None:
    grid = field.start()
    alice = client_of(field)

    def ids(query: str) -> list[int]:
        return [row["id"] for row in alice.get(f"/api/v1/grids?{query}").json()["results"]]

    assert ids("state=open") == [grid.pk]
    assert ids(f"symbol={MOUTAI}&state=ACTIVE") == [grid.pk]
    assert ids("state=STOPPED") == []
    assert alice.get("/api/v1/grids?state=asleep").status_code == 400


def test_rest_refuses_fields_that_nobody_knows(field: Field) -> None:
    answer = client_of(field).post("/api/v1/grids", body(field, levels=5), content_type="application/json")
    assert (answer.status_code, answer.json()["field"]) == (400, "levels")


def test_rest_templates_name_the_ranges(field: Field) -> None:
    shown = client_of(field).get("/api/v1/grids/templates").json()
    assert [row["name"] for row in shown["results"]] == ["aggressive", "moderate", "conservative"]
    assert {"name": "callback", "least": "0.001", "most": "0.1"} in shown["ranges"]


def test_rest_start_by_a_token_is_in_its_name(field: Field) -> None:
    token, secret = make_token(field.bench.alice)
    answer = Client().post(
        "/api/v1/grids", body(field), content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 201
    grid = GridSession.objects.get()
    assert (grid.token_id, grid.by_token) == (token.pk, True)


def test_snapshot_of_the_account_holds_its_open_grids(field: Field) -> None:
    from trading.ledger.sections import read_sections

    grid = field.start()
    (shown,) = read_sections(field.bench.account)["grids"]
    assert (shown["id"], shown["last_signal"]) == (grid.pk, None)
