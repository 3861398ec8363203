"""Alerts: how long repeats are folded, and which private addresses may be told."""

from __future__ import annotations

from .schema import get_config

ALERT_WINDOW_SECONDS = get_config().alert_window_seconds
ALERT_TARGETS = list(get_config().alert_targets)
"""Hosts and networks inside one's own network that webhooks may reach."""
