"""Tasks of the core worker: ids in, rows decide."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="webhooks.sweep", ignore_result=True)
def sweep() -> dict[str, int]:
    """Have every webhook delivered to that has something due."""
    from ops.clocks import wall_now
    from trading.webhooks import delivering

    ids = delivering.due(wall_now())
    for webhook_id in ids:
        deliver.apply_async(args=(webhook_id,), queue="core", expires=10, retry=False)
    return {"webhooks": len(ids)}


@shared_task(name="webhooks.deliver", ignore_result=True)
def deliver(webhook_id: int) -> dict[str, int]:
    """Deliver what is due to one webhook."""
    from trading.webhooks import delivering

    return {"delivered": delivering.deliver(webhook_id)}


@shared_task(name="webhooks.prune", ignore_result=True)
def prune() -> dict[str, int]:
    """Delete log entries that have outlived their use."""
    from ops.clocks import wall_now
    from trading.webhooks import delivering

    return {"deliveries": delivering.prune(wall_now())}
