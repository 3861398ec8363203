"""Asking for a transfer, and taking it back. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from accounts.actors import actor_for
from accounts.models import ApiToken, User
from accounts.selectors import account_get, acts_for
from desk.settings.schema import get_config
from ops.clocks import database_now
from ops.errors import Code, Conflict, Forbidden
from trading.ledger.journal import DATABASE, account_journal
from trading.money.checks import judge, require_mover, require_simulated
from trading.money.choices import TransferStatus
from trading.money.models import Transfer
from trading.money.selectors import today, transfer_get
from trading.money.steps import begin, take
from trading.money.wishes import Wish


@dataclass(frozen=True, slots=True)
class Requested:
    """The transfer as it stands, and whether it was made just now."""

    transfer: Transfer
    created: bool


def transfer_request(
    *,
    user: User,
    account_id: int,
    body: Mapping[str, Any],
    token: ApiToken | None = None,
    request_id: str = "",
) -> Requested:
    """Ask for a transfer. It waits for a second person; it takes no password.

    Parameters
    ----------
    body
        See `Wish`. The same `client_transfer_id` again answers the stored transfer, whatever became of it.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Forbidden
        MONEY_NOT_GRANTED.
    Invalid
        A field is missing or malformed.
    Conflict
        IDEMPOTENCY_CONFLICT: the key belongs to another transfer.
    Denied
        A limit, a state or the account's money forbids it; nothing is stored.
    DeskError
        501 NOT_SIMULATED.
    """
    account = account_get(user, account_id)
    require_mover(user, account)
    wish = Wish.read(body)
    with account_journal(account.pk) as journal:
        require_mover(user, journal.book.account)
        stored = (
            Transfer.objects.select_related("created_by", "decided_by", "resolved_by")
            .filter(account=account, client_transfer_id=wish.client_transfer_id)
            .first()
        )
        if stored is not None:
            if stored.digest != wish.digest or stored.created_by_id != user.pk:
                raise Conflict(Code.IDEMPOTENCY_CONFLICT, field="client_transfer_id")
            return Requested(stored, created=False)
        account = journal.book.account
        require_simulated(account, wish.kind)
        now = database_now(DATABASE)
        transfer = Transfer(
            account=account,
            kind=wish.kind,
            amount=wish.amount,
            bank_no=wish.bank_no,
            bank_account=wish.bank_account,
            note=wish.note,
            client_transfer_id=wish.client_transfer_id,
            digest=wish.digest,
            host_name=account.host.name,
            simulated=account.host.is_simulated,
            day=today(),
            created_by=user,
            token=token,
            by_token=token is not None,
            created_at=now,
            expires_at=now + timedelta(seconds=get_config().approval_seconds),
        )
        judge(journal, transfer)
        begin(journal, transfer, actor_for(user, token), request_id=request_id)
    return Requested(transfer, created=True)


def transfer_cancel(*, user: User, transfer_id: UUID, token: ApiToken | None = None, request_id: str = "") -> Transfer:
    """Take a transfer back before it is sent: whoever asked for it, or their successor. Sent, it can only be awaited.

    Raises
    ------
    NotFound
        TRANSFER_NOT_FOUND.
    Forbidden
        MONEY_NOT_GRANTED: somebody else's.
    Conflict
        TRANSFER_STATE: it is being sent, or has ended.
    """
    found = transfer_get(user, transfer_id)
    if not acts_for(user, found.created_by_id):
        raise Forbidden(Code.MONEY_NOT_GRANTED, account=found.account_id)
    with account_journal(found.account_id) as journal:
        transfer = transfer_get(user, transfer_id)
        take(journal, transfer, TransferStatus.CANCELLED, actor_for(user, token), request_id=request_id)
    return transfer
