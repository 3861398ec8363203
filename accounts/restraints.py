"""Why an account does not trade freely, since when and by whom: read from the trail, which is written with the state itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Max

from accounts.choices import TradingState
from accounts.models import BrokerAccount
from ops.models import AuditEvent

#: What sets an account's trading state (`accounts.services`).
_ACTIONS: Final = ("account.halted", "account.reduced", "account.resumed", "account.restored")


@dataclass(frozen=True, slots=True)
class Restraint:
    """The change that led to the present state; the reason is blank where nobody gave one."""

    reason: str
    by: str
    since: datetime


def restraints_of(accounts: Iterable[BrokerAccount]) -> dict[int, Restraint]:
    """By account, for those that are not ACTIVE and whose change is on the trail; one query, none when all trade freely."""
    bound = [account.pk for account in accounts if account.state != TradingState.ACTIVE]
    if not bound:
        return {}
    changes = AuditEvent.objects.filter(account_id__in=bound, action__in=_ACTIONS).order_by()
    newest = changes.values("account_id").annotate(newest=Max("pk")).values("newest")
    return {
        event.account_id: Restraint(
            reason=str((event.after or {}).get("reason", "")), by=event.actor_label, since=event.at
        )
        for event in AuditEvent.objects.filter(pk__in=newest)
        if event.account_id is not None
    }
