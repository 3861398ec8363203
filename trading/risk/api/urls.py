"""Addresses of limits, approval rules and trading states below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.risk.api import approval_rules, views

urlpatterns = [
    path("risk/limits", views.LimitListView.as_view(), name="api-limits"),
    path("risk/limits/<int:limit_id>", views.LimitDetailView.as_view(), name="api-limit"),
    path("trading-states", views.StatesView.as_view(), name="api-trading-states"),
    path("approval-rules", approval_rules.ApprovalRuleListView.as_view(), name="api-approval-rules"),
    path("approval-rules/<int:rule_id>", approval_rules.ApprovalRuleDetailView.as_view(), name="api-approval-rule"),
]
