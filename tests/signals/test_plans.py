"""Exit plans: who sets them, their ranges, versions and audit, which one holds, and the prices they lead to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.choices import TradeRight
from accounts.models import Grant
from ops.errors import Code, Conflict, Forbidden, Invalid, NotFound
from ops.models import AuditEvent
from tests.orders.bench import MOUTAI, Bench
from tests.people import signed_in
from trading.ledger.models import OwnerPosition, Position
from trading.signals.inforce import Plans
from trading.signals.models import ExitPlan, ExitPlanVersion
from trading.signals.selectors import plans_of, triggers_of
from trading.signals.services import exit_plan_set
from trading.signals.terms import DEFAULT, ExitTerms, terms_parse


def set_plan(bench: Bench, **changes: Any) -> ExitPlan:
    wish: dict[str, Any] = {"user": bench.alice, "account_id": bench.account.pk, "enabled": True}
    return exit_plan_set(**(wish | changes))


def test_plan_set_keeps_the_defaults_and_the_person(bench: Bench) -> None:
    plan = set_plan(bench)
    assert (plan.user, plan.version, plan.enabled, plan.strategy, plan.symbol) == (bench.alice, 1, True, "", "")
    assert ExitTerms.stored(plan.terms) == DEFAULT
    assert plan.terms["stop_loss_drop"] == "0.075"
    assert plan.terms["trailing_steps"][0] == ["0.05", "0.96"]


def test_plan_set_again_with_the_same_changes_nothing(bench: Bench) -> None:
    first = set_plan(bench, terms={"stop_loss_drop": "0.08"})
    again = set_plan(bench, terms={"stop_loss_drop": 0.08})
    assert (again.pk, again.version) == (first.pk, 1)
    assert ExitPlanVersion.objects.count() == 1


@pytest.mark.postgres
def test_plan_changed_keeps_every_version_and_is_audited(bench: Bench) -> None:
    set_plan(bench)
    plan = set_plan(bench, terms={"first_gain": "0.07"}, version=1)
    assert plan.version == 2
    rows = [(row.version, row.terms["first_gain"]) for row in plan.versions.all()]
    assert rows == [(2, "0.07"), (1, "0.06")]
    event = AuditEvent.objects.filter(action="exit_plan.set").latest("pk")
    assert event.before is not None
    assert event.after is not None
    assert event.before["terms"]["first_gain"] == "0.06"
    assert (event.after["terms"]["first_gain"], event.after["version"]) == ("0.07", 2)


def test_plan_changed_by_somebody_else_meanwhile_is_a_conflict(bench: Bench) -> None:
    set_plan(bench)
    with pytest.raises(Conflict) as refusal:
        set_plan(bench, version=0, terms={"first_gain": "0.07"})
    assert refusal.value.code == Code.EXIT_PLAN_CHANGED
    assert ExitPlan.objects.get().terms["first_gain"] == "0.06"


def test_plan_taken_over_by_somebody_else_trades_in_their_name(bench: Bench) -> None:
    set_plan(bench)
    Grant.objects.filter(user=bench.team.bob).update(trade=TradeRight.OWN)
    plan = set_plan(bench, user=bench.team.bob)
    assert (plan.authority.user_id, plan.version) == (bench.team.bob.pk, 2)


def test_plan_of_an_account_that_one_may_not_trade_is_refused(bench: Bench) -> None:
    with pytest.raises(NotFound):
        set_plan(bench, user=bench.team.charlie)
    with pytest.raises(Forbidden):
        set_plan(bench, user=bench.team.admin)
    assert not ExitPlan.objects.exists()


def test_plan_of_an_instrument_starts_from_the_accounts(bench: Bench) -> None:
    set_plan(bench, terms={"stop_loss_drop": "0.08"})
    own = set_plan(bench, symbol="600519", terms={"first_gain": "0.10"})
    assert own.symbol == MOUTAI
    assert (own.terms["stop_loss_drop"], own.terms["first_gain"]) == ("0.08", "0.10")


def test_plan_of_both_strategy_and_instrument_is_refused(bench: Bench) -> None:
    with pytest.raises(Invalid) as refusal:
        set_plan(bench, symbol=MOUTAI, strategy="alpha")
    assert refusal.value.field == "symbol"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"stop_loss_drop": "0.6"}, "terms.stop_loss_drop"),
        ({"stop_loss_drop": "nan"}, "terms.stop_loss_drop"),
        ({"stop_loss_drop": "0.0750001"}, "terms.stop_loss_drop"),
        ({"first_callback": "0.0001"}, "terms.first_callback"),
        ({"first_callback": "0.1", "first_gain": "0.05"}, "terms.first_callback"),
        ({"first_share": "1.01"}, "terms.first_share"),
        ({"trailing_steps": []}, "terms.trailing_steps"),
        ({"trailing_steps": [["0.1", "0.9"], ["0.1", "0.8"]]}, "terms.trailing_steps"),
        ({"trailing_steps": [["0.1", "1.2"]]}, "terms.trailing_steps"),
        ({"trailing_steps": "0.1"}, "terms.trailing_steps"),
        ({"add_drop_from": "0.08"}, "terms.add_drop_from"),
        ({"add": True, "add_drop_to": "0.09"}, "terms.add_drop_to"),
        ({"add_min_amount": "40000"}, "terms.add_min_amount"),
        ({"add_cooldown_seconds": 0}, "terms.add_cooldown_seconds"),
        ({"max_requotes": True}, "terms.max_requotes"),
        ({"stop_loss": "yes"}, "terms.stop_loss"),
        ({"stop": 1}, "terms.stop"),
        ([], "terms"),
    ],
)
def test_terms_out_of_range_name_their_field(terms: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        terms_parse(terms)
    assert refusal.value.field == field


def test_terms_stored_and_read_are_the_same() -> None:
    terms = terms_parse({"trailing_steps": [["0.2", "0.9"]], "add": True, "max_requotes": 1})
    assert ExitTerms.stored(terms.as_json()) == terms


# -------------------------------------------------------------------------------- in force
def test_plan_in_force_is_the_most_special_one(bench: Bench) -> None:
    default = set_plan(bench)
    of_strategy = set_plan(bench, strategy="alpha")
    own = set_plan(bench, symbol="000001.SZ")
    account = bench.account
    for symbol, strategies in ((MOUTAI, ["alpha"]), ("300750.SZ", ["alpha", "beta"]), ("000001.SZ", ["alpha"])):
        for strategy in strategies:
            OwnerPosition.objects.create(
                account=account, owner=f"1:{strategy}", strategy=strategy, symbol=symbol, quantity=100
            )
    plans = Plans([account.pk])
    found = [plans.of(account.pk, symbol) for symbol in (MOUTAI, "300750.SZ", "000001.SZ")]
    assert [plan.plan for plan in found if plan] == [of_strategy, default, own]
    assert plans.accounts == {account.pk}


def test_plan_of_an_account_without_any_is_none(bench: Bench) -> None:
    assert Plans([bench.account.pk]).of(bench.account.pk, MOUTAI) is None


def test_plans_of_a_leaving_person_are_open_work(bench: Bench) -> None:
    plan = set_plan(bench, symbol=MOUTAI)
    (work,) = plans_of(bench.alice.pk)
    assert (work.kind, work.id, work.account_id) == ("exit_plan", str(plan.pk), bench.account.pk)


# --------------------------------------------------------------------------------- levels
def levels_of(bench: Bench) -> dict[str, tuple[str, str]]:
    (row,) = triggers_of(bench.account)
    return {level["kind"]: (level["price"], level["state"]) for level in row["levels"]}


def test_triggers_of_a_fresh_position_are_todays_prices(bench: Bench) -> None:
    set_plan(bench, terms={"add": True})
    bench.hold(1000)
    Position.objects.update(avg_price=Decimal("10.00"), last_price=Decimal("10.20"))
    assert levels_of(bench) == {
        "STOP_LOSS": ("9.25", "waiting"),
        "FIRST_ARM": ("10.6", "waiting"),
        "TRAILING": ("9.25", "later"),
        "ADD_FROM": ("9.3", "waiting"),
        "ADD_TO": ("9.25", "waiting"),
    }


def test_triggers_without_a_plan_are_none(bench: Bench) -> None:
    bench.hold(1000)
    assert triggers_of(bench.account) == []


# ------------------------------------------------------------------------------------ REST
def put(client: Client, **body: Any) -> Any:
    return client.put("/api/v1/exit-plans", body, content_type="application/json")


def test_plans_over_rest_are_set_listed_and_remembered(bench: Bench) -> None:
    client = signed_in(bench.alice)
    answer = put(client, account=bench.account.pk, enabled=True, terms={"stop_loss_drop": "0.09"})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["user"], answer.json()["terms"]["stop_loss_drop"]) == ("alice", "0.09")
    put(client, account=bench.account.pk, enabled=False)
    listed = client.get("/api/v1/exit-plans", {"account": bench.account.pk}).json()["results"]
    assert [(row["enabled"], row["version"]) for row in listed] == [(False, 2)]
    versions = client.get(f"/api/v1/exit-plans/{listed[0]['id']}/versions").json()["results"]
    assert [(row["version"], row["enabled"]) for row in versions] == [(2, False), (1, True)]


def test_plans_over_rest_with_an_unknown_field_are_refused(bench: Bench) -> None:
    answer = put(signed_in(bench.alice), account=bench.account.pk, enabled=True, stop=1)
    assert (answer.status_code, answer.json()["code"]) == (400, "FIELD_UNKNOWN")


def test_triggers_over_rest_name_each_positions_levels(bench: Bench) -> None:
    set_plan(bench)
    bench.hold(1000)
    Position.objects.update(avg_price=Decimal("10.00"), last_price=Decimal("10.00"))
    answer = signed_in(bench.alice).get("/api/v1/exit-plans/triggers", {"account": bench.account.pk})
    (row,) = answer.json()["results"]
    assert (row["symbol"], row["followed"], row["cost"]) == (MOUTAI, False, "10")
    assert {"kind": "STOP_LOSS", "price": "9.25", "state": "waiting"} in row["levels"]
