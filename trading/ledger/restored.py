"""Books of a restored installation: numbered on behind what clients may have seen, and compared before anybody trades."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from accounts.models import BrokerAccount
from ops.clocks import wall_now
from ops.errors import Code, Conflict
from ops.models import Installation
from trading.ledger.journal import DATABASE
from trading.ledger.models import AccountBook, AccountEvent

VERSIONS_SKIPPED = 1_000_000
"""More events than an account can have had between the backup and the restore."""


def books_after_restore() -> None:
    """Skip the event numbers that were given out since the backup, and ask for a comparison with the terminal.

    A client, or a webhook's receiver, may have seen an event 4711 that these books do not have; another one under the same number
    would be taken for a repetition. The log itself goes too: whoever asks for what followed an old number then gets a snapshot.
    """
    with transaction.atomic(using=DATABASE):
        AccountEvent.objects.using(DATABASE).all().delete()
        AccountBook.objects.using(DATABASE).update(
            version=F("version") + VERSIONS_SKIPPED, reconcile_wanted_at=wall_now()
        )


def refuse_unreconciled(account: BrokerAccount) -> None:
    """Keep an account of a restored installation halted until its terminal was asked since.

    Raises
    ------
    Conflict
        RESTORE_UNRECONCILED.
    """
    restored_at = Installation.objects.filter(pk=Installation.SINGLETON).values_list("restored_at", flat=True).first()
    if restored_at is None:
        return
    reconciled = AccountBook.objects.filter(pk=account.pk).values_list("reconciled_at", flat=True).first()
    if reconciled is None or reconciled < restored_at:
        raise Conflict(Code.RESTORE_UNRECONCILED, account=account.pk, restored_at=restored_at.isoformat())
