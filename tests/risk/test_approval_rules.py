"""Setting approval rules over REST: by whom, read strictly, versioned and audited."""

from __future__ import annotations

from typing import Any

import pytest

from ops.models import AuditEvent
from tests.orders.bench import Bench, make_bench
from tests.people import confirmed, signed_in
from trading.risk.models import ApprovalRule, Control

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
PATH = "/api/v1/approval-rules"


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


def create(bench: Bench, **body: Any) -> Any:
    wish = {"scope": "PLATFORM", "min_value": "5000"} | body
    return confirmed(bench.team.risk).post(PATH, wish, content_type="application/json")


def test_rule_is_versioned_audited_and_dropped_from_memory_with_each_change(bench: Bench) -> None:
    made = create(bench).json()
    first = Control.objects.get().limits_version
    client = confirmed(bench.team.risk)
    body = {"version": 1, "min_value": "6000.5"}
    changed = client.patch(f"{PATH}/{made['id']}", body, content_type="application/json").json()
    assert (changed["version"], changed["min_value"], changed["updated_by"]) == (2, "6000.5", "risk")
    assert Control.objects.get().limits_version != first
    stale = client.patch(f"{PATH}/{made['id']}", body, content_type="application/json")
    assert (stale.status_code, stale.json()["code"]) == (409, "APPROVAL_RULE_CHANGED")
    history = client.get(f"{PATH}/{made['id']}").json()["history"]
    assert [(step["version"], step["after"]["min_value"]) for step in history] == [(1, "5000"), (2, "6000.5")]
    actions = AuditEvent.objects.filter(target=f"approval_rule:{made['id']}").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["approval_rule.set", "approval_rule.changed"]


def test_change_that_changes_nothing_is_no_version(bench: Bench) -> None:
    made = create(bench).json()
    body = {"version": 1, "min_value": "5000"}
    same = confirmed(bench.team.risk).patch(f"{PATH}/{made['id']}", body, content_type="application/json")
    assert same.json()["version"] == 1


@pytest.mark.parametrize("name", ["alice", "bob", "viewer"])
def test_nobody_else_sets_rules(bench: Bench, name: str) -> None:
    client = confirmed(getattr(bench.team, name))
    answer = client.post(PATH, {"scope": "PLATFORM"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "PERMISSION_DENIED")
    assert not ApprovalRule.objects.exists()


def test_setting_a_rule_takes_a_confirmed_password(bench: Bench) -> None:
    answer = signed_in(bench.team.risk).post(PATH, {"scope": "PLATFORM"}, content_type="application/json")
    assert answer.json()["code"] == "SUDO_REQUIRED"
    assert not ApprovalRule.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "NOWHERE"}, "scope"),
        ({"scope": "ACCOUNT"}, "account"),
        ({"scope": "USER", "user": "nobody"}, "user"),
        ({"account": 1}, "account"),
        ({"min_value": "-1"}, "min_value"),
        ({"min_value": "NaN"}, "min_value"),
        ({"min_value": True}, "min_value"),
        ({"min_value": "1e30"}, "min_value"),
        ({"min_value": "1.00001"}, "min_value"),
        ({"symbols": ["nonsense"]}, "symbols"),
        ({"symbols": "600519.SH"}, "symbols"),
        ({"sides": ["HOLD"]}, "sides"),
        ({"sources": ["FLATTEN"]}, "sources"),
        ({"sources": [["API"]]}, "sources"),
        ({"expires_seconds": 0}, "expires_seconds"),
        ({"expires_seconds": 1.5}, "expires_seconds"),
        ({"max_drift_percent": "101"}, "max_drift_percent"),
        ({"enabled": "yes"}, "enabled"),
        ({"note": "x" * 201}, "note"),
        ({"more": 1}, "more"),
    ],
)
def test_malformed_rule_is_refused_and_not_stored(bench: Bench, body: dict[str, Any], field: str) -> None:
    answer = create(bench, **body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert not ApprovalRule.objects.exists()
