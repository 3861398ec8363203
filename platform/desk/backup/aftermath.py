"""What a restored installation is given before anybody works with it; everything here happens before it takes the old one's place.

Its rows are as old as the backup, and what was sent since is not in them. So nothing in it may lead to an order by itself: accounts
are halted and their automatic trading is off, queued orders and transfers have ended, executions, signals, grids, strategies and plans stand
still, and an account is resumed by a person, after its terminal was asked.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.services.restored import accounts_after_restore
from desk.backup.manifest import Manifest
from ops import audit
from ops.alerts import AlertKind, Severity, alert_raise
from ops.audit import Actor
from ops.clocks import wall_now
from ops.installation import new_code
from ops.models import Installation, Job
from trading.execution.services.restored import executions_after_restore
from trading.grids.services.restored import grids_after_restore
from trading.ledger.restored import books_after_restore
from trading.money.services.restored import transfers_after_restore
from trading.orders.services.restored import orders_after_restore
from trading.signals.services.restored import signals_after_restore
from trading.strategies.services.restored import runs_after_restore
from trading.subscriptions.services.restored import plans_after_restore

ACTOR = Actor.system("restore")
ALERT_KEY = "platform.restored"


def calm(manifest: Manifest, *, folder: str, as_copy: bool) -> dict[str, Any]:
    """Take away everything by which old rows could send an order; returns what there was.

    Parameters
    ----------
    as_copy
        The original lives on: the copy gets a code of its own, so that the tags of their orders differ.
    """
    made_at = manifest.made_at.isoformat(timespec="seconds")
    reason = f"restored from the backup of {made_at}"
    now = wall_now()
    with transaction.atomic():
        facts: dict[str, Any] = {"accounts": accounts_after_restore(ACTOR, reason)}
        facts |= orders_after_restore(reason)
        facts |= {
            "executions": executions_after_restore(ACTOR),
            "signals": signals_after_restore(),
            "grids": grids_after_restore(),
            "strategies": runs_after_restore(),
            "plans": plans_after_restore(),
            "transfers": transfers_after_restore(ACTOR),
        }
        books_after_restore()
        # Whatever ran on the old installation's machine does not run here.
        Job.objects.filter(kind="backup").exclude(status__in=Job.FINAL).update(
            status=Job.Status.FAILED, error=reason, finished_at=now
        )
        code = new_code() if as_copy else manifest.installation
        Installation.objects.update_or_create(pk=Installation.SINGLETON, defaults={"code": code, "restored_at": now})
        audit.record(
            actor=ACTOR,
            action="platform.restored",
            target="platform",
            before={"installation": manifest.installation, "made_at": made_at, "version": manifest.version},
            after={"folder": folder, "installation": code, **facts},
        )
        alert_raise(
            AlertKind.RESTORED,
            Severity.CRITICAL,
            format_lazy(
                _("The platform was restored from the backup of {made_at}: every account is halted"), made_at=made_at
            ),
            {"made_at": made_at, **facts},
            dedup_key=f"{ALERT_KEY}:{secrets.token_hex(4)}",
        )
    return facts
