"""What people and programs see of transfers: judged beforehand, in the queue, as events of the account."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Grant
from ops.errors import Code, DeskError
from tests.money.conftest import Vault, fresh
from trading.approvals.selectors import approvals_waiting
from trading.ledger.models import AccountEvent
from trading.ledger.sections import read_sections
from trading.money.models import MoneyLimit, Transfer
from trading.money.services import transfer_check, transfer_refuse

pytestmark = pytest.mark.postgres


def judged(vault: Vault, **changes: Any) -> dict[str, Any]:
    body = {"kind": "BANK_OUT", "amount": "1000.00"} | changes
    return transfer_check(user=vault.alice, account_id=vault.bench.account.pk, body=body)


def codes(verdict: dict[str, Any]) -> list[str]:
    return [denial["code"] for denial in verdict["denials"]]


def events(vault: Vault) -> list[tuple[str, str]]:
    rows = AccountEvent.objects.filter(account=vault.bench.account, kind="transfer").order_by("version")
    return [(row.payload["id"], row.payload["status"]) for row in rows]


# ------------------------------------------------------------------------- judged beforehand
def test_check_of_what_may_be_says_so_and_stores_nothing(vault: Vault) -> None:
    verdict = judged(vault)

    assert (verdict["accepted"], verdict["denials"], verdict["free_cash"]) == (True, [], "1000000.00")
    assert Transfer.objects.count() == 0
    assert events(vault) == []


def test_check_names_everything_that_speaks_against_it(vault: Vault) -> None:
    vault.ask(amount="5000")

    verdict = judged(vault, amount="999000")

    assert verdict["accepted"] is False
    assert codes(verdict) == [Code.MONEY_SINGLE_LIMIT, Code.MONEY_DAY_LIMIT, Code.CASH_INSUFFICIENT]
    assert verdict["denials"][2]["details"]["available"] == "995000.00"


def test_check_says_what_the_request_would(vault: Vault) -> None:
    MoneyLimit.objects.all().delete()

    with pytest.raises(DeskError) as caught:
        vault.ask()

    assert codes(judged(vault)) == [caught.value.code]


@pytest.mark.parametrize(("changes", "field"), [({"amount": "x"}, "amount"), ({"kind": "LOTTERY"}, "kind")])
def test_check_of_what_is_malformed_names_its_field(vault: Vault, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(DeskError) as caught:
        judged(vault, **changes)

    assert (caught.value.code, caught.value.field) == (Code.FIELD_INVALID, field)


def test_check_without_the_grant_is_refused(vault: Vault) -> None:
    Grant.objects.filter(user=vault.alice).update(can_move_money=False)

    with pytest.raises(DeskError) as caught:
        judged(vault)

    assert caught.value.code == Code.MONEY_NOT_GRANTED


# ------------------------------------------------------------------------- the queue
def test_queue_shows_a_transfer_to_its_maker_and_to_who_may_decide(vault: Vault) -> None:
    transfer = vault.ask()
    team = vault.bench.team

    shown = {
        name: [(row["id"], row["decidable"]) for row in approvals_waiting(getattr(team, name))["transfers"]]
        for name in ("alice", "bob", "charlie", "viewer", "risk", "admin")
    }

    own, others = [(str(transfer.pk), False)], [(str(transfer.pk), True)]
    assert shown == {"alice": own, "bob": others, "charlie": [], "viewer": [], "risk": [], "admin": []}


def test_queue_forgets_a_transfer_that_was_decided(vault: Vault) -> None:
    vault.approve(vault.ask())

    assert approvals_waiting(vault.bob)["transfers"] == []


def test_queue_is_read_again_when_a_transfer_waits_and_when_it_does_not_any_more(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("trading.orders.holding.publish", lambda channel, _: told.append(channel))
    with vault.committing(execute=True):
        transfer = vault.ask()
    waiting = told.copy()
    vault.approve(transfer)

    assert (waiting, told) == (["approvals"], ["approvals", "approvals"])


def test_queue_over_rest_has_the_broker_account_and_no_bank_account(vault: Vault, client: Client) -> None:
    vault.ask()
    client.force_login(vault.bob)

    (row,) = client.get("/api/v1/approvals").json()["transfers"]

    assert (row["account_name"], row["bank_account"], row["decidable"]) == ("Alpha", "…0001", True)


# ------------------------------------------------------------------------- events of the account
def test_every_step_is_an_event_of_the_account(vault: Vault) -> None:
    transfer = vault.sent()

    assert events(vault) == [(str(transfer.pk), status) for status in ("PENDING_APPROVAL", "QUEUED", "SENDING", "DONE")]


def test_event_carries_what_rest_shows_and_no_password(vault: Vault, client: Client) -> None:
    transfer = vault.sent()
    client.force_login(vault.alice)

    shown = client.get(f"/api/v1/transfers/{transfer.pk}").json()
    last = AccountEvent.objects.filter(kind="transfer").latest("version").payload

    assert last == {name: value for name, value in shown.items() if name not in ("steps", "decidable")}
    stored = str(list(AccountEvent.objects.filter(kind="transfer").values_list("payload", flat=True)))
    assert "secret" not in stored
    assert "62228000000001" not in stored


def test_snapshot_has_what_is_open_and_what_is_of_today(vault: Vault) -> None:
    ended = vault.ask(client_transfer_id="k-ended")
    transfer_refuse(user=vault.bob, transfer_id=ended.pk, sudo=fresh(vault.bob), reason="no")
    earlier = vault.ask(client_transfer_id="k-earlier")
    unknown = vault.ask(client_transfer_id="k-unknown")
    yesterday = {"day": "2020-01-02"}
    Transfer.objects.filter(pk=earlier.pk).update(**yesterday, status="DONE", final_at=earlier.created_at)
    Transfer.objects.filter(pk=unknown.pk).update(**yesterday, status="UNKNOWN")

    section = read_sections(vault.bench.account)["transfers"]

    assert {row["id"] for row in section} == {str(ended.pk), str(unknown.pk)}
