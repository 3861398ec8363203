"""Asking for a transfer: who may, what is refused with which words, and that one key is one transfer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import BrokerAccount, Grant
from ops.errors import Code, DeskError
from ops.models import AuditEvent
from tests.money.conftest import Vault
from tests.people import make_token
from trading.ledger.models import AssetSnapshot
from trading.money.models import MoneyLimit, Transfer, TransferEvent
from trading.money.services import transfer_cancel, transfer_request

pytestmark = pytest.mark.postgres


def refused(vault: Vault, **changes: Any) -> DeskError:
    with pytest.raises(DeskError) as caught:
        vault.ask(**changes)
    assert Transfer.objects.count() == 0
    return caught.value


def test_request_waits_for_somebody_else_and_nothing_is_sent(vault: Vault) -> None:
    transfer = vault.ask()

    assert (transfer.status, transfer.amount, transfer.created_by) == ("PENDING_APPROVAL", 1000, vault.alice)
    assert vault.wakes == []
    assert transfer.sealed == ""
    event = AuditEvent.objects.get(action="money.requested")
    assert event.after is not None
    assert (event.account_id, event.after["amount"], event.after["bank_account"]) == (
        vault.bench.account.pk,
        "1000.00",
        "…0001",
    )


def test_request_again_with_the_same_key_is_the_same_transfer(vault: Vault) -> None:
    first = vault.ask()
    again = transfer_request(user=vault.alice, account_id=vault.bench.account.pk, body=vault.body())

    assert (again.transfer.pk, again.created) == (first.pk, False)
    assert Transfer.objects.count() == 1


@pytest.mark.parametrize("changes", [{"amount": "1000.01"}, {"kind": "BANK_IN"}, {"note": "other"}])
def test_request_with_the_key_of_another_transfer_is_refused(vault: Vault, changes: dict[str, Any]) -> None:
    vault.ask()

    with pytest.raises(DeskError) as caught:
        vault.ask(**changes)

    assert caught.value.code == Code.IDEMPOTENCY_CONFLICT
    assert Transfer.objects.count() == 1


@pytest.mark.parametrize(
    ("person", "code"),
    [
        ("risk", Code.MONEY_NOT_GRANTED),
        ("admin", Code.MONEY_NOT_GRANTED),
        ("charlie", Code.ACCOUNT_NOT_FOUND),
        ("viewer", Code.ACCOUNT_NOT_FOUND),
    ],
)
def test_request_by_a_person_without_the_grant_is_refused(vault: Vault, person: str, code: Code) -> None:
    assert refused(vault, user=getattr(vault.bench.team, person)).code == code


def test_request_by_a_person_who_may_trade_only_is_refused(vault: Vault) -> None:
    Grant.objects.filter(user=vault.alice).update(can_move_money=False, can_approve=True, can_manage=True)

    assert refused(vault).code == Code.MONEY_NOT_GRANTED


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"amount": None}, Code.FIELD_REQUIRED, "amount"),
        ({"amount": "0"}, Code.FIELD_INVALID, "amount"),
        ({"amount": "-1"}, Code.FIELD_INVALID, "amount"),
        ({"amount": "1.001"}, Code.FIELD_INVALID, "amount"),
        ({"amount": 1.5}, Code.FIELD_INVALID, "amount"),
        ({"amount": True}, Code.FIELD_INVALID, "amount"),
        ({"amount": "1e3"}, Code.FIELD_INVALID, "amount"),
        ({"amount": "9999999999"}, Code.FIELD_INVALID, "amount"),
        ({"kind": "LOTTERY"}, Code.FIELD_INVALID, "kind"),
        ({"bank_no": ""}, Code.FIELD_REQUIRED, "bank_no"),
        ({"bank_account": "6222 0000"}, Code.FIELD_INVALID, "bank_account"),
        ({"note": ""}, Code.FIELD_REQUIRED, "note"),
        ({"client_transfer_id": None}, Code.FIELD_REQUIRED, "client_transfer_id"),
        ({"client_transfer_id": "a b"}, Code.FIELD_INVALID, "client_transfer_id"),
        ({"kind": "TO_FAST"}, Code.FIELD_INVALID, "bank_no"),
    ],
)
def test_request_that_is_malformed_names_its_field(
    vault: Vault, changes: dict[str, Any], code: Code, field: str
) -> None:
    error = refused(vault, **changes)

    assert (error.code, error.field) == (code, field)


def test_request_between_nodes_is_not_simulated(vault: Vault) -> None:
    error = refused(vault, kind="TO_FAST", bank_no="", bank_account="")

    assert (error.code, error.status) == (Code.NOT_SIMULATED, 501)


def test_request_without_a_limit_is_denied(vault: Vault) -> None:
    MoneyLimit.objects.all().delete()

    assert refused(vault).code == Code.MONEY_LIMIT_UNSET


def test_request_above_the_single_limit_is_denied(vault: Vault) -> None:
    assert refused(vault, amount="5000.01").code == Code.MONEY_SINGLE_LIMIT


def test_requests_of_a_day_count_together_in_and_out(vault: Vault) -> None:
    vault.ask(amount="5000")

    with pytest.raises(DeskError) as caught:
        vault.ask(amount="3000.01", kind="BANK_IN", client_transfer_id="k-2")

    assert (caught.value.code, caught.value.details["used"]) == (Code.MONEY_DAY_LIMIT, "5000.00")
    assert vault.ask(amount="3000", kind="BANK_IN", client_transfer_id="k-3").status == "PENDING_APPROVAL"


def test_request_cancelled_counts_no_more(vault: Vault) -> None:
    transfer_cancel(user=vault.alice, transfer_id=vault.ask(amount="5000").pk)

    assert vault.ask(amount="5000", client_transfer_id="k-2").status == "PENDING_APPROVAL"


def test_unknown_of_an_earlier_day_counts_until_it_is_settled(vault: Vault) -> None:
    transfer = vault.ask(amount="5000")
    yesterday = transfer.day - timedelta(days=1)
    Transfer.objects.filter(pk=transfer.pk).update(status="UNKNOWN", day=yesterday)

    with pytest.raises(DeskError) as caught:
        vault.ask(amount="4000", client_transfer_id="k-2")

    assert caught.value.code == Code.MONEY_DAY_LIMIT


def test_withdrawal_of_money_that_is_promised_elsewhere_is_denied(vault: Vault) -> None:
    AssetSnapshot.objects.filter(account=vault.bench.account).update(cash=1500, query_cash=1500)
    vault.ask(amount="1000")

    with pytest.raises(DeskError) as caught:
        vault.ask(amount="600", client_transfer_id="k-2")

    assert (caught.value.code, caught.value.details["available"]) == (Code.CASH_INSUFFICIENT, "500.00")
    assert vault.ask(amount="600", kind="BANK_IN", client_transfer_id="k-3").status == "PENDING_APPROVAL"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"enabled": False}, Code.ACCOUNT_DISABLED),
        ({"state": "HALTED"}, Code.ACCOUNT_HALTED),
        ({"mode": "READ_ONLY"}, Code.ACCOUNT_READ_ONLY),
    ],
)
def test_account_that_must_not_trade_moves_no_money(vault: Vault, values: dict[str, Any], code: Code) -> None:
    BrokerAccount.objects.filter(pk=vault.bench.account.pk).update(**values)

    assert refused(vault).code == code


def test_paper_account_on_a_broker_s_terminal_moves_no_money(vault: Vault) -> None:
    """The host became a broker's: nothing real may follow from an account that was not switched."""
    vault.bench.team.host.kind = "LIVE"
    vault.bench.team.host.save()

    assert refused(vault).code == Code.PAPER_NEEDS_SIMULATED_HOST


def test_cancel_by_another_is_refused_and_by_its_maker_ends_it(vault: Vault) -> None:
    transfer = vault.ask()

    with pytest.raises(DeskError) as caught:
        transfer_cancel(user=vault.bob, transfer_id=transfer.pk)

    assert caught.value.code == Code.MONEY_NOT_GRANTED
    assert transfer_cancel(user=vault.alice, transfer_id=transfer.pk).status == "CANCELLED"
    with pytest.raises(DeskError) as caught:
        transfer_cancel(user=vault.alice, transfer_id=transfer.pk)
    assert caught.value.code == Code.TRANSFER_STATE
    assert [event.status for event in TransferEvent.objects.filter(transfer=transfer)] == [
        "PENDING_APPROVAL",
        "CANCELLED",
    ]


def test_token_needs_the_scope_and_may_ask(vault: Vault) -> None:
    body = vault.body() | {"account": vault.bench.account.pk}
    for scopes, status in ((("orders:write", "account:read"), 403), (("money:write",), 201)):
        client = Client(headers={"authorization": f"Bearer {make_token(vault.alice, *scopes)[1]}"})
        answer = client.post("/api/v1/transfers", body, content_type="application/json")
        assert answer.status_code == status, answer.json()
    assert Transfer.objects.get().by_token
