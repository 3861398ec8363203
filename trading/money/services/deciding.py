"""Deciding about somebody else's transfer: in person, freshly re-authenticated, once, on fresh facts.

Who approves gives the passwords. So they are nowhere while a transfer waits, a stolen session of the maker has none, and
what was approved is sent or expires within a minute.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts.actors import actor_for
from accounts.models import User
from accounts.sudo import Sudo
from ops.clocks import database_now, wall_now
from ops.errors import Code, Conflict, Denied, Forbidden
from trading.ledger.journal import DATABASE, Journal, account_journal
from trading.money import secretbox
from trading.money.checks import judge, maker_refusal, require_decider, require_sender
from trading.money.choices import TransferStatus
from trading.money.models import Transfer
from trading.money.selectors import today, transfer_get
from trading.money.steps import SWEEPER, take
from trading.money.tasks import send_wake
from trading.money.wishes import read_note, read_secret

#: From approval to claim: the passwords rest no longer than this.
SEND_SECONDS: Final = 60


def transfer_approve(
    *,
    user: User,
    transfer_id: UUID,
    sudo: Sudo | None,
    bank_password: Any = None,
    fund_password: Any = None,
    request_id: str = "",
) -> Transfer:
    """Approve somebody else's transfer and have it sent.

    Returns
    -------
    Transfer
        QUEUED, under the account's present authority; or FAILED with the code of why the maker may not any more.

    Raises
    ------
    NotFound
        TRANSFER_NOT_FOUND.
    Forbidden
        SUDO_REQUIRED, SELF_APPROVAL, MONEY_NOT_GRANTED.
    Conflict
        APPROVAL_DECIDED, APPROVAL_EXPIRED.
    Denied
        A limit, a state or the account's money forbids it; it goes on waiting.
    Unavailable
        Nobody would send it now; it goes on waiting.
    """
    _require_fresh(user, sudo)
    secrets = {
        "bank_pwd": read_secret(bank_password, field="bank_password"),
        "fund_pwd": read_secret(fund_password, field="fund_password"),
    }
    found = transfer_get(user, transfer_id)
    require_decider(user, found)
    require_sender(found.account)
    with account_journal(found.account_id) as journal:
        transfer, late = _waiting(journal, user, transfer_id)
        if not late:
            transfer.day = today()
            refusal = _authority(journal, transfer)
            if refusal is None:
                judge(journal, transfer)
            _decide(journal, transfer, user, refusal, secrets, request_id)
    if late:
        raise Conflict(Code.APPROVAL_EXPIRED, transfer=str(transfer.pk))
    return transfer


def transfer_refuse(*, user: User, transfer_id: UUID, sudo: Sudo | None, reason: Any, request_id: str = "") -> Transfer:
    """Refuse somebody else's transfer, with a reason. Raises as `transfer_approve` does."""
    _require_fresh(user, sudo)
    words = read_note(reason, field="reason")
    found = transfer_get(user, transfer_id)
    require_decider(user, found)
    with account_journal(found.account_id) as journal:
        transfer, late = _waiting(journal, user, transfer_id)
        if not late:
            take(
                journal,
                transfer,
                TransferStatus.REFUSED,
                actor_for(user),
                request_id=request_id,
                code=str(Code.APPROVAL_REFUSED),
                message=words,
                decided_by=user,
                decided_at=wall_now(),
            )
    if late:
        raise Conflict(Code.APPROVAL_EXPIRED, transfer=str(transfer.pk))
    return transfer


def _require_fresh(user: User, sudo: Sudo | None) -> None:
    if sudo is None or sudo.user_id != user.pk or not sudo.is_fresh:
        raise Forbidden(Code.SUDO_REQUIRED)


def _waiting(journal: Journal, user: User, transfer_id: UUID) -> tuple[Transfer, bool]:
    """The transfer now that the book is ours, and whether its time was over: then it has ended here."""
    transfer = transfer_get(user, transfer_id)
    if transfer.status != TransferStatus.PENDING_APPROVAL:
        raise Conflict(Code.APPROVAL_DECIDED, transfer=str(transfer.pk), state=str(transfer.status))
    require_decider(user, transfer)
    if transfer.expires_at > database_now(DATABASE):
        return transfer, False
    take(journal, transfer, TransferStatus.EXPIRED, SWEEPER, code=str(Code.APPROVAL_EXPIRED))
    return transfer, True


def _authority(journal: Journal, transfer: Transfer) -> Denied | None:
    account = journal.book.account
    if transfer.host_name != account.host.name or transfer.simulated != account.host.is_simulated:
        return Denied(Code.AUTHORITY_CHANGED, account=account.pk)
    return maker_refusal(account, maker=transfer.created_by, token=transfer.token, by_token=transfer.by_token)


def _decide(
    journal: Journal, transfer: Transfer, user: User, refusal: Denied | None, secrets: dict[str, str], request_id: str
) -> None:
    decided: dict[str, Any] = {"decided_by": user, "decided_at": wall_now()}
    if refusal is not None:
        ended: dict[str, Any] = {"code": str(refusal.code), "message": refusal.message[:400]}
        take(journal, transfer, TransferStatus.FAILED, actor_for(user), request_id=request_id, **decided, **ended)
        return
    sealed, key = secretbox.seal(secrets)
    expires_at = database_now(DATABASE) + timedelta(seconds=SEND_SECONDS)
    take(
        journal,
        transfer,
        TransferStatus.QUEUED,
        actor_for(user),
        request_id=request_id,
        **decided,
        sealed=sealed,
        day=transfer.day,
        # As read with the book: a halt or a withdrawn grant that commits after that raises it, and nothing is sent.
        epoch=journal.book.account.epoch,
        expires_at=expires_at,
    )
    wake = partial(send_wake, transfer.pk, key, transfer.host_name, expires_at)
    transaction.on_commit(wake, using=DATABASE, robust=True)
