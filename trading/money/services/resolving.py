"""What became of a transfer without an answer, said by somebody who has looked at the bank's statement."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accounts.actors import actor_for
from accounts.models import User
from accounts.sudo import Sudo
from ops.errors import Code, Conflict, Forbidden, Invalid
from ops.inputs import shown
from trading.ledger.journal import account_journal
from trading.money.checks import require_decider
from trading.money.choices import TransferStatus
from trading.money.models import Transfer
from trading.money.selectors import transfer_get
from trading.money.services.booking import book
from trading.money.steps import take
from trading.money.wishes import read_note


def transfer_resolve(
    *,
    user: User,
    transfer_id: UUID,
    sudo: Sudo | None,
    moved: Any,
    note: Any,
    entered: Any = False,
    request_id: str = "",
) -> Transfer:
    """Settle an UNKNOWN transfer: not by whoever asked for it, in person, freshly re-authenticated.

    Parameters
    ----------
    moved
        Whether the statement shows it.
    entered
        The ledger has it already, because its difference was settled by hand.

    Raises
    ------
    NotFound
        TRANSFER_NOT_FOUND.
    Forbidden
        SUDO_REQUIRED, SELF_APPROVAL, MONEY_NOT_GRANTED.
    Invalid
        A field is missing or malformed.
    Conflict
        TRANSFER_STATE: it is not unknown.
    """
    if sudo is None or sudo.user_id != user.pk or not sudo.is_fresh:
        raise Forbidden(Code.SUDO_REQUIRED)
    if moved is None:
        raise Invalid(Code.FIELD_REQUIRED, field="moved")
    for field, value in (("moved", moved), ("entered", entered)):
        if not isinstance(value, bool):
            raise Invalid(Code.FIELD_INVALID, field=field, value=shown(value))
    words = read_note(note, field="note")
    found = transfer_get(user, transfer_id)
    require_decider(user, found)
    with account_journal(found.account_id) as journal:
        transfer = transfer_get(user, transfer_id)
        require_decider(user, transfer)
        if transfer.status != TransferStatus.UNKNOWN:
            raise Conflict(Code.TRANSFER_STATE, transfer=str(transfer.pk), state=str(transfer.status))
        after = TransferStatus.DONE if moved else TransferStatus.NOT_MOVED
        take(
            journal,
            transfer,
            after,
            actor_for(user),
            data={"note": words, "entered": entered},
            request_id=request_id,
            message=words,
            resolved_by=user,
        )
        if moved and not entered:
            book(journal, transfer)
    return transfer
