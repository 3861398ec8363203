"""Whether an order would wait, asked without placing it."""

from __future__ import annotations

from typing import Any

import pytest

from ops.errors import Code, DeskError
from tests.orders.approvals import make_approver, set_rule
from tests.orders.bench import MOUTAI, Bench
from trading.orders.models import Order
from trading.orders.services.approval_trial import approval_trial

pytestmark = pytest.mark.django_db


def trial(bench: Bench, asker: Any = None, **changes: Any) -> dict[str, Any]:
    wish = {"symbol": MOUTAI, "side": "BUY", "quantity": 1000, "price": "10.00"} | changes
    return approval_trial(user=asker or bench.team.risk, account_id=bench.account.pk, **wish)


def test_trial_names_rule_terms_and_who_could_decide(bench: Bench) -> None:
    rule = set_rule(bench, expires_seconds=300, max_drift_percent="1", note="half a car")
    make_approver(bench)

    told = trial(bench, maker="alice")

    assert told == {
        "account": bench.account.pk,
        "maker": "alice",
        "waits": True,
        "value": "10000.00",
        "rules": [{"id": rule.pk, "version": 1, "note": "half a car"}],
        "expires_seconds": 300,
        "max_drift_percent": "1",
        "approvers": ["dora"],
    }
    assert Order.objects.count() == 0


def test_trial_of_the_maker_who_may_approve_leaves_them_out(bench: Bench) -> None:
    set_rule(bench)
    make_approver(bench)

    assert trial(bench, maker="dora")["approvers"] == []


@pytest.mark.parametrize(
    ("rule", "order", "waits"),
    [
        ({"min_value": "10000"}, {}, True),
        ({"min_value": "10000.01"}, {}, False),
        ({"min_value": None, "scope": "USER", "user": "bob"}, {"maker": "alice"}, False),
        ({"min_value": None, "scope": "USER", "user": "alice"}, {"maker": "alice"}, True),
        ({"sources": ["STRATEGY"]}, {}, False),
        ({"sources": ["STRATEGY"]}, {"source": "STRATEGY"}, True),
        ({"sides": ["SELL"]}, {}, False),
        ({"scope": "STRATEGY", "strategy": "grid"}, {"strategy": "grid"}, True),
    ],
)
def test_trial_asks_the_rule_as_an_order_does(
    bench: Bench, rule: dict[str, Any], order: dict[str, Any], waits: bool
) -> None:
    set_rule(bench, **rule)

    assert trial(bench, **order)["waits"] is waits


def test_trial_about_somebody_else_takes_an_officer(bench: Bench) -> None:
    assert trial(bench, bench.alice)["maker"] == "alice"
    with pytest.raises(DeskError) as caught:
        trial(bench, bench.alice, maker="bob")
    assert caught.value.code == Code.PERMISSION_DENIED


@pytest.mark.parametrize("field", ["maker", "source"])
def test_trial_names_the_malformed_field(bench: Bench, field: str) -> None:
    with pytest.raises(DeskError) as caught:
        trial(bench, **{field: "nobody"})
    assert (caught.value.code, caught.value.field) == (Code.FIELD_INVALID, field)
