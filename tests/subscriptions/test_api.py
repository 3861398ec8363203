"""The REST API of subscriptions."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.subscriptions.window import BEIJING_ISSUE, SHANGHAI_ISSUE, Window, issue

ADDRESS = "/api/v1/ipo-subscriptions"


@pytest.fixture
def alice(window: Window, client: Client) -> Client:
    window.offer(issue())
    window.quota(SH=6000)
    client.force_login(window.bench.alice)
    return client


def post(client: Client, address: str, body: Any) -> Any:
    return client.post(address, body, content_type="application/json")


def test_post_answers_201_then_200_for_the_same_issue(window: Window, alice: Client) -> None:
    wish = {"account": window.account.pk, "symbol": SHANGHAI_ISSUE}

    first, again = post(alice, ADDRESS, wish), post(alice, ADDRESS, wish)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["quantity"], first.json()["price"], first.json()["status"]) == (6000, "23.56", "QUEUED")


def test_post_denied_answers_422_with_what_would_be_allowed(window: Window, alice: Client) -> None:
    answer = post(alice, ADDRESS, {"account": window.account.pk, "symbol": SHANGHAI_ISSUE, "quantity": 6500})

    assert answer.status_code == 422
    assert answer.json()["code"] == "IPO_QUOTA_INSUFFICIENT"
    assert answer.json()["details"]["allowed_quantity"] == 6000
    assert window.orders() == []


def test_post_with_an_unknown_field_is_refused(window: Window, alice: Client) -> None:
    answer = post(alice, ADDRESS, {"account": window.account.pk, "symbol": SHANGHAI_ISSUE, "price": "1"})

    assert (answer.status_code, answer.json()["field"]) == (400, "price")


def test_all_answers_a_row_per_issue_and_may_be_repeated(window: Window, alice: Client) -> None:
    window.offer(issue(), issue(BEIJING_ISSUE))
    address = f"{ADDRESS}/all"

    first, again = (post(alice, address, {"account": window.account.pk}).json()["results"] for _ in range(2))

    assert [(row["symbol"], row["created"], row["quantity"], row["code"]) for row in first] == [
        (SHANGHAI_ISSUE, True, 6000, ""),
        (BEIJING_ISSUE, False, None, "ORDER_KIND_NOT_BUILT"),
    ]
    assert [(row["order"], row["created"]) for row in again] == [(first[0]["order"], False), (None, False)]
    assert len(window.orders()) == 1


def test_all_before_the_terminal_told_its_issues_answers_503(window: Window, client: Client) -> None:
    client.force_login(window.bench.alice)

    answer = post(client, f"{ADDRESS}/all", {"account": window.account.pk})

    assert (answer.status_code, answer.json()["code"]) == (503, "IPO_ISSUES_UNKNOWN")


def test_issues_show_quota_unit_and_order(window: Window, alice: Client) -> None:
    order = post(alice, ADDRESS, {"account": window.account.pk, "symbol": SHANGHAI_ISSUE, "quantity": 500}).json()

    offer = alice.get(f"{ADDRESS}/issues", {"account": window.account.pk}).json()

    assert offer["trade_date"] == "2026-11-20"
    assert offer["asked_at"]
    assert offer["issues"] == [
        {
            "symbol": SHANGHAI_ISSUE,
            "name": "翔宇材料",
            "kind": "STOCK",
            "price": "23.56",
            "minimum": 500,
            "maximum": 9000,
            "step": 500,
            "quota_of": "SH",
            "quota": 6000,
            "largest": 6000,
            "order": order["id"],
            "status": "QUEUED",
        }
    ]


def test_list_shows_what_became_of_each_issue(window: Window, alice: Client) -> None:
    post(alice, ADDRESS, {"account": window.account.pk, "symbol": SHANGHAI_ISSUE})

    rows = alice.get(ADDRESS, {"account": str(window.account.pk), "date": "2026-11-20"}).json()["results"]

    assert [(row["symbol"], row["state"], row["quantity"], row["status"]) for row in rows] == [
        (SHANGHAI_ISSUE, "SUBSCRIBED", 6000, "QUEUED")
    ]
    assert alice.get(ADDRESS, {"date": "2026-11-19"}).json()["results"] == []


def test_plan_is_set_shown_and_taken_back(window: Window, alice: Client) -> None:
    address = f"{ADDRESS}/plans"

    on = alice.put(address, {"account": window.account.pk, "enabled": True}, content_type="application/json")
    shown = alice.get(address).json()["results"]
    off = alice.put(address, {"account": window.account.pk, "enabled": False}, content_type="application/json")

    assert (on.status_code, off.status_code) == (200, 200)
    assert shown == [on.json()]
    assert (on.json()["enabled"], on.json()["user"], off.json()["enabled"]) == (True, "alice", False)
