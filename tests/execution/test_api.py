"""The REST API of executions."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Grant
from tests.execution.floor import Floor
from tests.orders.bench import MOUTAI
from trading.execution.models import Execution

pytestmark = pytest.mark.django_db

EXECUTIONS = "/api/v1/executions"


@pytest.fixture
def alice(floor: Floor, client: Client) -> Client:
    client.force_login(floor.bench.alice)
    return client


def split(floor: Floor, **changes: Any) -> dict[str, Any]:
    return {
        "account": floor.bench.account.pk,
        "kind": "SPLIT",
        "symbol": MOUTAI,
        "side": "BUY",
        "quantity": 500,
        "child_quantity": 200,
        "price": "10.00",
    } | changes


def post(client: Client, address: str, body: Any = None) -> Any:
    return client.post(address, body or {}, content_type="application/json")


def test_post_answers_201_then_200_for_the_same_key(floor: Floor, alice: Client) -> None:
    first = post(alice, EXECUTIONS, split(floor, client_execution_id="k"))
    again = post(alice, EXECUTIONS, split(floor, client_execution_id="k"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["state"], first.json()["quantity"]) == ("RUNNING", 500)


def test_list_by_key_answers_the_execution_it_names(floor: Floor, alice: Client) -> None:
    named = post(alice, EXECUTIONS, split(floor, client_execution_id="k")).json()
    post(alice, EXECUTIONS, split(floor, client_execution_id="other"))
    query = {"account": str(floor.bench.account.pk), "client_execution_id": "k"}
    found = alice.get(EXECUTIONS, query).json()["results"]
    assert [row["id"] for row in found] == [named["id"]]


def test_post_denied_legs_answers_422_with_each_of_them(floor: Floor, alice: Client) -> None:
    legs = [{"symbol": MOUTAI, "side": "BUY", "quantity": 100, "price": "12.00"}]
    answer = post(alice, EXECUTIONS, {"account": floor.bench.account.pk, "kind": "BASKET", "legs": legs})
    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "LEGS_DENIED"
    (leg,) = body["details"]["legs"]
    assert (leg["leg"], leg["code"], leg["details"]["limit_up"]) == (1, "PRICE_ABOVE_LIMIT_UP", "11")
    assert Execution.objects.count() == 0


def test_get_lists_open_executions_of_the_accounts_one_sees(floor: Floor, alice: Client, client: Client) -> None:
    execution = floor.split()
    address = f"{EXECUTIONS}?state=open&account={floor.bench.account.pk}"
    assert [row["id"] for row in alice.get(address).json()["results"]] == [str(execution.pk)]
    client.force_login(floor.bench.team.charlie)
    assert client.get(EXECUTIONS).json()["results"] == []
    assert client.get(f"{EXECUTIONS}/{execution.pk}").json()["code"] == "EXECUTION_NOT_FOUND"


def test_pause_resume_cancel_over_the_api(floor: Floor, alice: Client) -> None:
    execution = floor.split()
    address = f"{EXECUTIONS}/{execution.pk}"
    assert post(alice, f"{address}/pause").json()["state"] == "PAUSED"
    assert post(alice, f"{address}/pause").status_code == 200
    assert post(alice, f"{address}/resume").json()["state"] == "RUNNING"
    assert post(alice, f"{address}/resume").json()["code"] == "EXECUTION_STATE"
    assert post(alice, f"{address}/cancel").json()["state"] == "STOPPING"
    floor.turn(execution)
    assert post(alice, f"{address}/cancel").json()["code"] == "EXECUTION_FINAL"


def test_cancel_all_executions_of_a_strategy(floor: Floor, alice: Client) -> None:
    named, other = floor.split(strategy="grid"), floor.split()
    wish = {"account": floor.bench.account.pk, "strategy": "grid"}
    answer = post(alice, f"{EXECUTIONS}/cancel", wish)
    assert answer.json()["results"] == [{"execution": str(named.pk), "state": "STOPPING", "code": ""}]
    assert floor.fresh(other).state == "RUNNING"


def test_cancel_all_executions_leaves_those_of_others_and_says_so(floor: Floor, alice: Client) -> None:
    theirs = floor.split()
    Execution.objects.filter(pk=theirs.pk).update(created_by=floor.bench.team.bob)
    Grant.objects.filter(user=floor.bench.alice).update(trade="OWN")
    answer = post(alice, f"{EXECUTIONS}/cancel", {"account": floor.bench.account.pk})
    assert answer.json()["results"] == [{"execution": str(theirs.pk), "state": "RUNNING", "code": "ORDER_NOT_YOURS"}]


def test_replace_over_the_api(floor: Floor, alice: Client) -> None:
    order = floor.report(floor.bench.submit())
    answer = post(alice, f"/api/v1/orders/{order.pk}/replace", {"price": "10.10"})
    assert (answer.status_code, answer.json()["replaces"]) == (201, str(order.pk))
    assert post(alice, f"/api/v1/orders/{order.pk}/replace", {"side": "SELL"}).json()["code"] == "FIELD_UNKNOWN"


def test_cancel_all_over_the_api_answers_each_order(floor: Floor, alice: Client) -> None:
    order = floor.bench.submit()
    answer = post(alice, "/api/v1/orders/cancel", {"account": floor.bench.account.pk})
    assert answer.json()["results"] == [
        {
            "order": str(order.pk),
            "symbol": MOUTAI,
            "side": "BUY",
            "status": "CANCELLED",
            "outcome": "CANCELLED",
            "code": "",
        }
    ]


def test_api_documents_exactly_what_it_answers(floor: Floor, alice: Client) -> None:
    from trading.execution.api.serializers import ExecutionDetailSerializer

    execution = floor.split()
    floor.turn(execution)
    detail = alice.get(f"{EXECUTIONS}/{execution.pk}").json()
    fields = ExecutionDetailSerializer().fields
    assert set(detail) == set(fields)
    assert set(detail["legs"][0]) == set(fields["legs"].child.fields)  # type: ignore[attr-defined]
    assert set(detail["children"][0]) == set(fields["children"].child.fields)  # type: ignore[attr-defined]


def test_snapshot_of_an_account_shows_its_executions(floor: Floor) -> None:
    from trading.ledger.selectors import account_snapshot

    execution = floor.split()
    rows = account_snapshot(floor.bench.account)["data"]["executions"]
    assert [row["id"] for row in rows] == [str(execution.pk)]
