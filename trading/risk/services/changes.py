"""What every change of a limit or an approval rule leaves behind, in the transaction that made it."""

from __future__ import annotations

from uuid import uuid4

from ops import audit
from ops.audit import Actor
from trading.risk.models import ApprovalRuleChange, Control, RiskLimitChange


def change_keep(
    change: RiskLimitChange | ApprovalRuleChange,
    *,
    actor: Actor,
    action: str,
    target: str,
    account_id: int | None,
    request_id: str,
) -> None:
    """The history, the audit trail, and the word by which every process drops what it holds."""
    change.save(force_insert=True)
    Control.objects.update_or_create(pk=Control.ONLY, defaults={"limits_version": uuid4().hex})
    audit.record(
        actor=actor,
        action=action,
        target=target,
        before=change.before,
        after=change.after,
        account_id=account_id,
        request_id=request_id,
    )
