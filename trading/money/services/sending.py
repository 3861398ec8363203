"""The reads worker's part: claim an approved transfer, call the terminal once, write down what is known.

A reader process of its own makes the call and is ended with it: whatever hangs in it can never be sent late, and no
password outlives it. Everything that may fail without harm comes before the claim. After it only an answer, or proof
that nothing was sent, is anything but UNKNOWN.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now

from accounts.models import BrokerAccount
from ops.clocks import database_now
from ops.errors import Code, Denied
from qmt.gateway import AccountRef
from qmt.reader import ReaderPool, ReadFailure
from qmt.registry import FunctionSpec, functions
from trading.functions.runtime import current_runtime
from trading.ledger.journal import DATABASE, account_journal
from trading.money import secretbox
from trading.money.checks import venue_denial
from trading.money.choices import NODE_DIRECTIONS, TransferKind, TransferStatus
from trading.money.models import Transfer
from trading.money.secretbox import SealBroken, scrubbed
from trading.money.services.booking import book
from trading.money.steps import SENDER, noted, take

logger = logging.getLogger(__name__)

START_SECONDS: Final = 20.0
CALL_SECONDS: Final = 45.0
#: After the claim; later than any worker that lives would say what became of it.
DEADLINE_SECONDS: Final = 90
LEFT_ALONE: Final = "left alone"
#: The reader answers with these before anything of the call has left it.
_NOT_SENT: Final = {"TERMINAL_DOWN": Code.TERMINAL_DOWN, "NOT_SIMULATED": Code.NOT_SIMULATED}
_PEOPLE: Final = ("created_by", "decided_by", "resolved_by")


def transfer_send(transfer_id: UUID, key: str) -> str:
    """Send an approved transfer of this worker's host; returns what became of it.

    Whatever the message said, the row decides: one that is unknown, was taken, belongs to another host, came too late or
    does not open with the key is left alone.
    """
    runtime = current_runtime()
    if runtime is None:
        raise RuntimeError("this process is no reads worker")
    transfer = Transfer.objects.filter(
        pk=transfer_id, host_name=runtime.host_name, status=TransferStatus.QUEUED, expires_at__gt=Now()
    ).first()
    if transfer is None:
        return LEFT_ALONE
    try:
        secrets = secretbox.unseal(transfer.sealed, key)
        pool, simulated = runtime.fresh_pool()
    except (SealBroken, ReadFailure) as error:
        logger.warning("transfer %s is not sent: %s", transfer.pk, error)
        return LEFT_ALONE
    try:
        if not pool.wait_ready(START_SECONDS):
            logger.warning("transfer %s is not sent: the reader does not start", transfer.pk)
            return LEFT_ALONE
        claimed = _claim(transfer)
        if claimed is None:
            return LEFT_ALONE
        denial = _last_look(claimed, simulated=simulated)
        if denial is not None:
            return _conclude(claimed, TransferStatus.FAILED, str(denial.code), denial.message)
        return _conclude(claimed, *_called(pool, claimed, secrets))
    finally:
        pool.close()


def _claim(seen: Transfer) -> Transfer | None:
    """QUEUED → SENDING by one conditional UPDATE, committed on return, the passwords gone with it."""
    epoch = BrokerAccount.objects.filter(pk=OuterRef("account_id")).values("epoch")[:1]
    with account_journal(seen.account_id) as journal:
        taken = Transfer.objects.filter(
            pk=seen.pk,
            status=TransferStatus.QUEUED,
            host_name=seen.host_name,
            sealed=seen.sealed,
            expires_at__gt=Now(),
            epoch=Subquery(epoch),
        ).update(
            status=TransferStatus.SENDING,
            sealed="",
            claimed_at=Now(),
            deadline_at=database_now(DATABASE) + timedelta(seconds=DEADLINE_SECONDS),
        )
        if not taken:
            return None
        claimed = Transfer.objects.select_related(*_PEOPLE).get(pk=seen.pk)
        noted(journal, claimed, SENDER, before=TransferStatus.QUEUED, data={})
    return claimed


def _last_look(transfer: Transfer, *, simulated: bool) -> Denied | None:
    """After the commit: is the authority still that of the approval, and this the right terminal?"""
    account = BrokerAccount.objects.select_related("host").get(pk=transfer.account_id)
    if account.epoch != transfer.epoch or account.host.name != transfer.host_name:
        return Denied(Code.AUTHORITY_CHANGED, account=account.pk)
    return venue_denial(account, simulated=simulated)


def _called(pool: ReaderPool, transfer: Transfer, secrets: dict[str, str]) -> tuple[TransferStatus, str, str]:
    """Make the call, once; status, code and words."""
    account = BrokerAccount.objects.get(pk=transfer.account_id)
    spec, arguments = _call_of(transfer, secrets)
    try:
        body = pool.call(
            spec, arguments, account=AccountRef(account.account_no, account.account_type), seconds=CALL_SECONDS
        )
        answer = orjson.loads(body)
        moved, words = bool(answer["moved"]), scrubbed(str(answer["words"]), secrets)
    except ReadFailure as failure:
        words = scrubbed(failure.words, secrets)
        if failure.code in _NOT_SENT:
            return TransferStatus.FAILED, str(_NOT_SENT[failure.code]), words
        return TransferStatus.UNKNOWN, str(Code.TRANSFER_UNCERTAIN), words
    except Exception as error:  # noqa: BLE001 - its words are not logged: they may repeat an argument
        logger.error("transfer %s: the call ended with %s", transfer.pk, type(error).__name__)
        return TransferStatus.UNKNOWN, str(Code.TRANSFER_UNCERTAIN), type(error).__name__
    if moved:
        return TransferStatus.DONE, "", words
    if words.strip():
        return TransferStatus.REJECTED, "", words
    # "No" without a word is what a lost link looks like, too.
    return TransferStatus.UNKNOWN, str(Code.TRANSFER_UNCERTAIN), ""


def _call_of(transfer: Transfer, secrets: dict[str, str]) -> tuple[FunctionSpec, dict[str, Any]]:
    """The SDK's function and its arguments, without the account."""
    known = functions()
    direction = NODE_DIRECTIONS.get(TransferKind(transfer.kind))
    if direction is not None:
        return known["xttrader.fund_transfer"], {"transfer_direction": direction, "price": float(transfer.amount)}
    incoming = transfer.kind == TransferKind.BANK_IN
    return known["xttrader.bank_transfer_in_async" if incoming else "xttrader.bank_transfer_out_async"], {
        "bank_no": transfer.bank_no,
        "bank_account": transfer.bank_account,
        "balance": float(transfer.amount),
        **secrets,
    }


def _conclude(transfer: Transfer, status: TransferStatus, code: str, words: str) -> str:
    """Write down what is known, with the ledger's entry where money moved. What a person has settled meanwhile stays."""
    with account_journal(transfer.account_id) as journal:
        row = Transfer.objects.select_related(*_PEOPLE).get(pk=transfer.pk)
        if row.status not in (TransferStatus.SENDING, TransferStatus.UNKNOWN) or row.status == status:
            logger.warning("transfer %s became %s, and is %s already", row.pk, status, row.status)
            return str(row.status)
        take(journal, row, status, SENDER, code=code, message=words[:400])
        if status is TransferStatus.DONE:
            book(journal, row)
    return str(status)
