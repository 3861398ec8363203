"""Executions of a restored installation: ended. Their children since the backup are not in the rows, and would be placed again."""

from __future__ import annotations

from ops import audit
from ops.audit import Actor
from ops.errors import Code
from trading.execution.choices import State
from trading.execution.models import Child, Execution, Leg
from trading.execution.services.drive import change, tell
from trading.ledger.journal import account_journal


def executions_after_restore(actor: Actor) -> int:
    """End every open execution; what it has at the broker works on until somebody cancels it. Returns how many there were."""
    rows = list(Execution.objects.filter(final_at__isnull=True).values_list("pk", "account_id"))
    for pk, account_id in rows:
        with account_journal(account_id) as journal:
            execution = Execution.objects.get(pk=pk)
            before = str(execution.state)
            Child.objects.filter(leg__execution=execution, order=None).update(void=True)
            Leg.objects.filter(execution=execution, ended=False).update(ended=True, code=str(Code.RESTORED))
            change(execution, state=State.STOPPED, ending="", code=str(Code.RESTORED), final_at=journal.at)
            tell(journal, execution)
            audit.record(
                actor=actor,
                action="execution.stopped",
                target=f"execution:{pk}",
                before={"state": before},
                after={"state": str(State.STOPPED), "code": str(Code.RESTORED)},
                account_id=account_id,
            )
    return len(rows)
