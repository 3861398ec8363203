"""Subscribing: one issue, all of a day, and by plan."""

from __future__ import annotations

from trading.subscriptions.services.byhand import Outcome, issue_subscribe, issues_subscribe
from trading.subscriptions.services.plans import plan_set
from trading.subscriptions.services.scheduled import run_plans

__all__ = ["Outcome", "issue_subscribe", "issues_subscribe", "plan_set", "run_plans"]
