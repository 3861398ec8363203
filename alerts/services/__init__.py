"""Writes of this app."""

from alerts.services.acknowledge import alert_acknowledge
from alerts.services.channels import channel_add, channel_change, channel_remove, channel_test
from alerts.services.subscriptions import (
    quiet_hours_remove,
    quiet_hours_set,
    subscription_add,
    subscription_change,
    subscription_remove,
)

__all__ = [
    "alert_acknowledge",
    "channel_add",
    "channel_change",
    "channel_remove",
    "channel_test",
    "quiet_hours_remove",
    "quiet_hours_set",
    "subscription_add",
    "subscription_change",
    "subscription_remove",
]
