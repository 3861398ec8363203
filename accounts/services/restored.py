"""What a restored installation's people and accounts are given before anybody works with them.

The rows are as old as the backup. Whatever was sent since is not in them: no account may trade before its terminal was asked and a
person has looked.
"""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.choices import SessionState, TradingState
from accounts.models import BrokerAccount, HostEnrolment, HostStatus, PersonSession
from ops import audit
from ops.alerts import AlertKind, Severity, alert_raise
from ops.audit import Actor
from ops.clocks import wall_now


def accounts_after_restore(actor: Actor, reason: str) -> int:
    """Halt every account and switch its automatic trading off, whatever it was; returns how many there are.

    Epochs rise, so that nothing accepted before is ever sent. Everybody has to sign in again, and no worker of before holds a host.
    """
    with transaction.atomic():
        accounts = list(BrokerAccount.objects.select_for_update().order_by("pk"))
        for account in accounts:
            BrokerAccount.objects.filter(pk=account.pk).update(
                state=TradingState.HALTED, auto_trading=False, epoch=F("epoch") + 1
            )
            audit.record(
                actor=actor,
                action="account.restored",
                target=f"account:{account.pk}",
                before={"state": account.state, "auto_trading": account.auto_trading, "epoch": account.epoch},
                after={
                    "state": TradingState.HALTED,
                    "auto_trading": False,
                    "epoch": account.epoch + 1,
                    "reason": reason,
                },
                account_id=account.pk,
            )
            alert_raise(
                AlertKind.ACCOUNT_HALTED,
                Severity.CRITICAL,
                format_lazy(_("{account} takes no new orders: {reason}"), account=account.name, reason=reason),
                {"by": actor.label, "reason": reason},
                dedup_key=f"account.halted:{account.pk}",
                account_id=account.pk,
            )
        # Codes that were used since the backup would open once more.
        HostEnrolment.objects.filter(used_at=None).update(sealed_bundle="", expires_at=wall_now())
        HostStatus.objects.update(lease_holder="", lease_until=None, session_state=SessionState.DOWN)
        Session.objects.all().delete()
        PersonSession.objects.all().delete()
    return len(accounts)
