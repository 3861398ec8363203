"""Tasks of the core worker: ids in, rows decide."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="alerts.route", ignore_result=True)
def route(alert_id: int) -> dict[str, int]:
    """Make and send the deliveries of one alert."""
    from alerts import routing

    ids = routing.route(alert_id)
    for delivery_id in ids:
        deliver.apply_async(args=(delivery_id,), queue="core", expires=60, retry=False)
    return {"deliveries": len(ids)}


@shared_task(name="alerts.deliver", ignore_result=True)
def deliver(delivery_id: str) -> dict[str, str]:
    """Send one delivery."""
    from alerts import delivering

    return {"status": delivering.deliver(delivery_id)}


@shared_task(name="alerts.sweep", ignore_result=True)
def sweep() -> dict[str, int]:
    """Whatever no wake-up came for: alerts to route, deliveries whose time has come."""
    from alerts import delivering, routing
    from ops.clocks import wall_now

    alerts = routing.unrouted()
    for alert_id in alerts:
        routing.route(alert_id)
    ids = delivering.due(wall_now())
    for delivery_id in ids:
        deliver.apply_async(args=(delivery_id,), queue="core", expires=60, retry=False)
    return {"alerts": len(alerts), "deliveries": len(ids)}


@shared_task(name="alerts.prune", ignore_result=True)
def prune() -> dict[str, int]:
    """Delete alerts and log entries that have outlived their use."""
    from alerts import delivering
    from ops.clocks import wall_now

    return delivering.prune(wall_now())
