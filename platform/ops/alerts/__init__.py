"""Alerts: raised from anywhere below, told to people by the application of the same name."""

from ops.alerts.raising import alert_clear, alert_raise, alerts_directly, alerts_in_background
from ops.models import AlertKind, Severity

__all__ = ["AlertKind", "Severity", "alert_clear", "alert_raise", "alerts_directly", "alerts_in_background"]
