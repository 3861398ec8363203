"""Sending a transfer: once, by whoever claims it; and what is known afterwards, never more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.db.models import F

from accounts.models import BrokerAccount
from accounts.services import grant_withdraw
from ops.clocks import wall_now
from ops.errors import Code, DeskError
from ops.models import AuditEvent
from qmt.reader import ReadFailure
from tests.money.conftest import PASSWORDS, Vault, fresh
from tests.people import TEST_ACTOR
from trading.ledger.models import AccountBook, LedgerEntry
from trading.money.models import Transfer, TransferEvent
from trading.money.services import sending as sending_module
from trading.money.services import transfer_resolve
from trading.money.services.sending import transfer_send
from trading.money.services.sweeping import transfers_sweep

pytestmark = pytest.mark.postgres


class Crash(BaseException):
    """The process dies here."""


def raising(error: BaseException) -> Callable[[], bytes]:
    def answer() -> bytes:
        raise error

    return answer


def open_books(vault: Vault) -> None:
    AccountBook.objects.update_or_create(account=vault.bench.account, defaults={"ledger_since": wall_now().date()})


@pytest.mark.parametrize(
    ("kind", "function", "entry", "cash"),
    [
        ("BANK_OUT", "xttrader.bank_transfer_out_async", "TRANSFER_OUT", Decimal(-1000)),
        ("BANK_IN", "xttrader.bank_transfer_in_async", "TRANSFER_IN", Decimal(1000)),
    ],
)
def test_transfer_is_sent_with_the_passwords_and_entered_in_the_books(
    vault: Vault, kind: str, function: str, entry: str, cash: Decimal
) -> None:
    open_books(vault)

    transfer = vault.sent(kind=kind)

    assert (transfer.status, transfer.message, transfer.sealed) == ("DONE", "成功", "")
    sent = {"bank_no": "9999", "bank_account": "62228000000001", "balance": 1000.0}
    secrets = {"bank_pwd": PASSWORDS["bank_password"], "fund_pwd": PASSWORDS["fund_password"]}
    assert vault.terminal.calls == [(function, sent | secrets)]
    row = LedgerEntry.objects.get()
    assert (row.kind, row.cash, row.reference) == (entry, cash, f"transfer:{transfer.pk}")
    assert [step.status for step in TransferEvent.objects.filter(transfer=transfer)] == [
        "PENDING_APPROVAL",
        "QUEUED",
        "SENDING",
        "DONE",
    ]
    assert vault.terminal.closed == 1


def test_books_that_are_not_open_yet_get_no_entry(vault: Vault) -> None:
    assert vault.sent().status == "DONE"
    assert LedgerEntry.objects.count() == 0


def test_second_wake_sends_nothing(vault: Vault) -> None:
    vault.sent()

    assert vault.send() == "left alone"
    assert len(vault.terminal.calls) == 1


def test_wake_while_another_worker_is_about_to_claim_sends_once(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the row; the conditional UPDATE lets one through."""
    vault.approve(vault.ask())
    claim = sending_module._claim
    outcomes = []

    def overtaken(seen: Transfer) -> Transfer | None:
        monkeypatch.setattr(sending_module, "_claim", claim)
        outcomes.append(vault.send())
        return claim(seen)

    monkeypatch.setattr(sending_module, "_claim", overtaken)

    assert vault.send() == "left alone"
    assert outcomes == ["DONE"]
    assert len(vault.terminal.calls) == 1


@pytest.mark.parametrize("forgery", ["key", "garbage", "id"])
def test_forged_wake_changes_nothing(vault: Vault, forgery: str) -> None:
    transfer = vault.approve(vault.ask())
    other = vault.approve(vault.ask(client_transfer_id="k-2", amount="1"))
    key = {"key": vault.wakes[1][1], "garbage": "x", "id": vault.wakes[0][1]}[forgery]

    assert transfer_send(other.pk if forgery == "id" else transfer.pk, key) == "left alone"
    assert Transfer.objects.filter(status="QUEUED").exclude(sealed="").count() == 2
    assert vault.terminal.calls == []


def test_transfer_past_its_time_is_not_sent(vault: Vault) -> None:
    transfer = vault.approve(vault.ask())
    Transfer.objects.filter(pk=transfer.pk).update(expires_at=wall_now() - timedelta(seconds=1))

    assert vault.send() == "left alone"
    assert vault.terminal.calls == []


@pytest.mark.parametrize("change", ["grant", "halt", "host"])
def test_authority_withdrawn_after_the_approval_sends_nothing(vault: Vault, change: str) -> None:
    vault.approve(vault.ask())
    if change == "grant":
        grant_withdraw(actor=TEST_ACTOR, account=vault.bench.account, user=vault.alice)
    else:
        BrokerAccount.objects.filter(pk=vault.bench.account.pk).update(epoch=F("epoch") + 1)
    if change == "host":
        vault.bench.team.host.enabled = False
        vault.bench.team.host.save()

    assert vault.send() == "left alone"
    assert vault.terminal.calls == []
    Transfer.objects.update(expires_at=wall_now() - timedelta(seconds=1))
    assert transfers_sweep() == {"EXPIRED": 1}
    assert Transfer.objects.get().code == "TRANSFER_NOT_SENT"


@pytest.mark.parametrize("change", ["epoch", "mode", "terminal"])
def test_last_look_stops_what_changed_between_claim_and_call(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    vault.approve(vault.ask())
    claim = sending_module._claim
    accounts = BrokerAccount.objects.filter(pk=vault.bench.account.pk)

    def then(seen: Transfer) -> Transfer | None:
        claimed = claim(seen)
        if change == "epoch":
            accounts.update(epoch=F("epoch") + 1)
        elif change == "mode":
            accounts.update(mode="READ_ONLY")
        else:
            vault.bench.team.host.kind = "LIVE"
            vault.bench.team.host.save()
        return claimed

    monkeypatch.setattr(sending_module, "_claim", then)

    assert vault.send() == "FAILED"
    assert vault.terminal.calls == []
    assert (
        Transfer.objects.get().code
        == {
            "epoch": "AUTHORITY_CHANGED",
            "mode": "ACCOUNT_READ_ONLY",
            "terminal": "PAPER_NEEDS_SIMULATED_HOST",
        }[change]
    )


def test_reader_that_does_not_start_costs_no_claim(vault: Vault) -> None:
    transfer = vault.approve(vault.ask())
    vault.terminal.ready = False

    assert vault.send() == "left alone"
    transfer.refresh_from_db()
    assert transfer.status == "QUEUED"
    vault.terminal.ready = True
    assert vault.send() == "DONE"


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (lambda: orjson.dumps({"moved": False, "words": "可取资金不足"}), "REJECTED", ""),
        (lambda: orjson.dumps({"moved": False, "words": " "}), "UNKNOWN", "TRANSFER_UNCERTAIN"),
        (lambda: b"nonsense", "UNKNOWN", "TRANSFER_UNCERTAIN"),
        (raising(ReadFailure("FUNCTION_TIMEOUT", "no answer")), "UNKNOWN", "TRANSFER_UNCERTAIN"),
        (raising(ReadFailure("MONEY_UNCERTAIN", "raised")), "UNKNOWN", "TRANSFER_UNCERTAIN"),
        (raising(ReadFailure("UNAVAILABLE", "the reader process ended")), "UNKNOWN", "TRANSFER_UNCERTAIN"),
        (raising(ReadFailure("FUNCTION_FAILED", "what")), "UNKNOWN", "TRANSFER_UNCERTAIN"),
        (raising(RuntimeError("bank-secret-1")), "UNKNOWN", "TRANSFER_UNCERTAIN"),
        (raising(ReadFailure("TERMINAL_DOWN", "refused")), "FAILED", "TERMINAL_DOWN"),
        (raising(ReadFailure("NOT_SIMULATED", "no")), "FAILED", "NOT_SIMULATED"),
    ],
)
def test_answer_says_what_is_known_and_never_more(
    vault: Vault, answer: Callable[[], bytes], status: str, code: str
) -> None:
    open_books(vault)
    vault.terminal.answer = answer

    transfer = vault.sent()

    assert (transfer.status, transfer.code) == (status, code)
    assert LedgerEntry.objects.count() == 0
    assert vault.terminal.closed == 1
    assert vault.send() == "left alone"


def test_words_that_repeat_a_password_are_stored_without_it(vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    words = f"bad {PASSWORDS['bank_password']} / {PASSWORDS['fund_password']}"
    vault.terminal.answer = lambda: orjson.dumps({"moved": False, "words": words})

    transfer = vault.sent()

    assert (transfer.status, transfer.message) == ("REJECTED", "bad ••• / •••")
    everything = f"{list(AuditEvent.objects.values())} {list(TransferEvent.objects.values())} {caplog.text}"
    assert not any(secret in everything for secret in PASSWORDS.values())


def test_crash_between_claim_and_call_is_unknown_and_never_sent_again(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.approve(vault.ask())
    monkeypatch.setattr(sending_module, "_last_look", lambda *_, **__: (_ for _ in ()).throw(Crash()))

    with pytest.raises(Crash):
        vault.send()

    monkeypatch.undo()
    transfer = Transfer.objects.get()
    assert (transfer.status, transfer.sealed) == ("SENDING", "")
    assert transfers_sweep() == {}
    Transfer.objects.update(deadline_at=wall_now() - timedelta(seconds=1))
    assert transfers_sweep() == {"UNKNOWN": 1}
    assert vault.terminal.calls == []


def test_crash_after_the_call_is_unknown_and_never_sent_again(vault: Vault) -> None:
    transfer = vault.approve(vault.ask())
    vault.terminal.answer = raising(Crash())

    with pytest.raises(Crash):
        vault.send()

    Transfer.objects.update(deadline_at=wall_now() - timedelta(seconds=1))
    assert transfers_sweep() == {"UNKNOWN": 1}
    assert vault.wakes[-1][0] == transfer.pk
    assert len(vault.terminal.calls) == 1


def unknown(vault: Vault) -> Transfer:
    vault.terminal.answer = raising(ReadFailure("FUNCTION_TIMEOUT", "no answer"))
    transfer = vault.sent()
    assert transfer.status == "UNKNOWN"
    return transfer


def resolve(vault: Vault, transfer: Transfer, **changes: Any) -> Transfer:
    values: dict[str, Any] = {"user": vault.bob, "moved": True, "note": "statement of the 20th"} | changes
    return transfer_resolve(transfer_id=transfer.pk, sudo=fresh(values["user"]), **values)


@pytest.mark.parametrize(
    ("said", "status", "entries"),
    [({"moved": True}, "DONE", 1), ({"moved": True, "entered": True}, "DONE", 0), ({"moved": False}, "NOT_MOVED", 0)],
)
def test_person_who_has_seen_the_statement_settles_it(
    vault: Vault, said: dict[str, Any], status: str, entries: int
) -> None:
    open_books(vault)
    transfer = unknown(vault)

    settled = resolve(vault, transfer, **said)

    assert (settled.status, settled.resolved_by, settled.message) == (status, vault.bob, "statement of the 20th")
    assert LedgerEntry.objects.count() == entries
    with pytest.raises(DeskError) as caught:
        resolve(vault, transfer)
    assert caught.value.code == Code.TRANSFER_STATE


def test_maker_does_not_settle_their_own(vault: Vault) -> None:
    transfer = unknown(vault)

    with pytest.raises(DeskError) as caught:
        resolve(vault, transfer, user=vault.alice)

    assert caught.value.code == Code.SELF_APPROVAL


@pytest.mark.parametrize(
    ("said", "field"), [({"moved": None}, "moved"), ({"moved": "yes"}, "moved"), ({"note": ""}, "note")]
)
def test_settling_is_read_strictly(vault: Vault, said: dict[str, Any], field: str) -> None:
    transfer = unknown(vault)

    with pytest.raises(DeskError) as caught:
        resolve(vault, transfer, **said)

    assert caught.value.field == field
