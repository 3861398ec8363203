"""Deciding about a transfer: by somebody else, in person, once; and where the passwords are meanwhile."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import BrokerAccount, Grant, Handover
from accounts.services import grant_withdraw
from ops.clocks import wall_now
from ops.errors import Code, DeskError
from ops.models import AuditEvent, ProcessHeartbeat
from tests.money.conftest import PASSWORDS, Vault, fresh
from tests.people import TEST_ACTOR, confirmed, make_token, signed_in
from trading.money.models import MoneyLimit, Transfer, TransferEvent
from trading.money.services import money_limit_set, transfer_approve, transfer_cancel, transfer_refuse
from trading.money.services.sweeping import transfers_sweep

pytestmark = pytest.mark.postgres


def refused(vault: Vault, transfer: Transfer, user: Any, **changes: Any) -> DeskError:
    """The refusal of an approval, which changed nothing."""
    before = transfer.status
    given: dict[str, Any] = {"sudo": fresh(user), **PASSWORDS}
    with pytest.raises(DeskError) as caught:
        transfer_approve(user=user, transfer_id=transfer.pk, **(given | changes))
    transfer.refresh_from_db()
    assert (transfer.status, transfer.sealed, vault.wakes) == (before, "", [])
    return caught.value


def test_approval_queues_under_the_present_authority_and_wakes_once(vault: Vault) -> None:
    transfer = vault.approve(vault.ask())

    assert (transfer.status, transfer.decided_by, transfer.epoch) == (
        "QUEUED",
        vault.bob,
        BrokerAccount.objects.get(pk=vault.bench.account.pk).epoch,
    )
    assert [(wake[0], wake[2]) for wake in vault.wakes] == [(transfer.pk, "sim")]
    assert transfer.expires_at - wall_now() <= timedelta(seconds=60)


def test_own_transfer_is_never_approved(vault: Vault) -> None:
    assert refused(vault, vault.ask(), vault.alice).code == Code.SELF_APPROVAL


def test_successor_of_the_maker_does_not_approve(vault: Vault) -> None:
    Handover.objects.create(person=vault.alice, successor=vault.bob, created_at=wall_now(), items=[])

    assert refused(vault, vault.ask(), vault.bob).code == Code.SELF_APPROVAL


@pytest.mark.parametrize("person", ["admin", "risk"])
def test_officer_without_the_grant_does_not_approve(vault: Vault, person: str) -> None:
    assert refused(vault, vault.ask(), getattr(vault.bench.team, person)).code == Code.MONEY_NOT_GRANTED


def test_approver_of_orders_does_not_approve_money(vault: Vault) -> None:
    Grant.objects.filter(user=vault.bob).update(can_approve=True, can_move_money=False)

    assert refused(vault, vault.ask(), vault.bob).code == Code.MONEY_NOT_GRANTED


@pytest.mark.parametrize("proof", ["none", "another's", "old"])
def test_approval_takes_a_fresh_proof_of_the_person(vault: Vault, proof: str) -> None:
    sudo = {"none": None, "another's": fresh(vault.alice), "old": fresh(vault.bob)}[proof]
    if proof == "old" and sudo is not None:
        sudo = type(sudo)(user_id=sudo.user_id, until=wall_now() - timedelta(seconds=1))

    assert refused(vault, vault.ask(), vault.bob, sudo=sudo).code == Code.SUDO_REQUIRED


def test_token_never_decides(vault: Vault) -> None:
    transfer = vault.ask()
    bearer = {"authorization": f"Bearer {make_token(vault.bob)[1]}"}

    for act in ("approve", "refuse", "resolve"):
        answer = signed_in(vault.bob).post(
            f"/api/v1/transfers/{transfer.pk}/{act}", {}, content_type="application/json", headers=bearer
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "TOKEN_NOT_ACCEPTED")


def test_portal_s_person_approves_after_confirming(vault: Vault) -> None:
    transfer = vault.ask()
    address = f"/api/v1/transfers/{transfer.pk}/approve"

    answer = signed_in(vault.bob).post(address, PASSWORDS, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "SUDO_REQUIRED")
    with vault.committing(execute=True):
        answer = confirmed(vault.bob).post(address, PASSWORDS, content_type="application/json")

    assert (answer.status_code, answer.json()["status"]) == (200, "QUEUED")
    assert not any(secret in answer.content.decode() for secret in PASSWORDS.values())


def test_second_approval_finds_it_decided(vault: Vault) -> None:
    transfer = vault.approve(vault.ask())

    with pytest.raises(DeskError) as caught:
        vault.approve(transfer)

    assert caught.value.code == Code.APPROVAL_DECIDED
    assert len(vault.wakes) == 1


def test_refused_transfer_keeps_the_reason(vault: Vault) -> None:
    transfer = vault.ask()

    ended = transfer_refuse(user=vault.bob, transfer_id=transfer.pk, sudo=fresh(vault.bob), reason="wrong bank")

    assert (ended.status, ended.code, ended.message) == ("REFUSED", "APPROVAL_REFUSED", "wrong bank")
    facts = AuditEvent.objects.get(action="money.refused").after
    assert facts is not None
    assert facts["message"] == "wrong bank"


def test_transfer_that_nobody_decided_expires(vault: Vault) -> None:
    transfer = vault.ask()
    Transfer.objects.filter(pk=transfer.pk).update(expires_at=wall_now() - timedelta(seconds=1))

    with pytest.raises(DeskError) as caught:
        vault.approve(transfer)

    assert caught.value.code == Code.APPROVAL_EXPIRED
    transfer.refresh_from_db()
    assert (transfer.status, transfer.code) == ("EXPIRED", "APPROVAL_EXPIRED")


def test_limit_lowered_meanwhile_denies_and_it_goes_on_waiting(vault: Vault) -> None:
    transfer = vault.ask()
    MoneyLimit.objects.update(single_amount=Decimal(500), day_amount=Decimal(500))

    assert refused(vault, transfer, vault.bob).code == Code.MONEY_SINGLE_LIMIT


def test_nobody_there_to_send_it_spends_no_approval(vault: Vault) -> None:
    ProcessHeartbeat.objects.all().delete()

    assert refused(vault, vault.ask(), vault.bob).status == 503


@pytest.mark.parametrize("end", ["grant", "token"])
def test_maker_who_may_not_any_more_ends_the_transfer(vault: Vault, end: str) -> None:
    token, _ = make_token(vault.alice, "money:write")
    transfer = vault.ask()
    Transfer.objects.filter(pk=transfer.pk).update(token=token, by_token=True)
    if end == "grant":
        grant_withdraw(actor=TEST_ACTOR, account=vault.bench.account, user=vault.alice)
    else:
        token.delete()

    ended = vault.approve(transfer)

    assert (ended.status, ended.code) == ("FAILED", {"grant": "MONEY_NOT_GRANTED", "token": "TOKEN_ENDED"}[end])
    assert (ended.sealed, vault.wakes) == ("", [])


def test_passwords_rest_sealed_and_the_row_alone_opens_nothing(vault: Vault) -> None:
    transfer = vault.approve(vault.ask())

    stored = Transfer.objects.values().get(pk=transfer.pk)
    assert stored["sealed"]
    everything = f"{stored} {list(AuditEvent.objects.values())} {list(TransferEvent.objects.values())}"
    assert not any(secret in everything for secret in PASSWORDS.values())
    assert str(vault.wakes[0][1]) not in everything


@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_passwords_are_gone_with_whatever_ends_the_wait(vault: Vault, end: str) -> None:
    transfer = vault.approve(vault.ask())
    if end == "cancel":
        transfer_cancel(user=vault.alice, transfer_id=transfer.pk)
    else:
        Transfer.objects.filter(pk=transfer.pk).update(expires_at=wall_now() - timedelta(seconds=1))
        assert transfers_sweep() == {"EXPIRED": 1}

    transfer.refresh_from_db()
    assert (transfer.status, transfer.sealed) == ({"cancel": "CANCELLED", "expire": "EXPIRED"}[end], "")
    assert vault.send() == "left alone"
    assert vault.terminal.calls == []


def test_malformed_password_is_not_repeated(vault: Vault) -> None:
    error = refused(vault, vault.ask(), vault.bob, bank_password="se\x00cret-word")

    assert (error.code, error.field) == (Code.FIELD_INVALID, "bank_password")
    assert "cret-word" not in str(error.as_dict())


@pytest.mark.parametrize(
    ("person", "code"),
    [("alice", Code.PERMISSION_DENIED), ("charlie", Code.ACCOUNT_NOT_FOUND), ("risk", None), ("admin", None)],
)
def test_limits_are_set_by_officers(vault: Vault, person: str, code: Code | None) -> None:
    user = getattr(vault.bench.team, person)
    values = {"single_amount": "10", "day_amount": "20.50"}
    if code is None:
        limit = money_limit_set(user=user, account_id=vault.bench.account.pk, sudo=fresh(user), **values)
        assert (limit.single_amount, limit.day_amount) == (10, Decimal("20.50"))
        event = AuditEvent.objects.get(action="money.limit_set")
        assert (event.before, event.after) == (
            {"single_amount": "5000.00", "day_amount": "8000.00"},
            {"single_amount": "10.00", "day_amount": "20.50"},
        )
        return
    with pytest.raises(DeskError) as caught:
        money_limit_set(user=user, account_id=vault.bench.account.pk, sudo=fresh(user), **values)
    assert caught.value.code == code
    assert MoneyLimit.objects.get().single_amount == 5000
