"""Addresses of the portal's pages."""

from __future__ import annotations

from django.urls import include, path

from frontend import instrumentpages, marketpages, oversight, risk, statements, strategypages, views
from frontend.access.urls import urlpatterns as access_patterns
from frontend.apipage import ApiPage
from frontend.approvals import approval_rules, approvals
from frontend.executions import executions, new_issues
from frontend.money import transfers
from frontend.systempage import system
from frontend.webhooks import webhooks

app_name = "frontend"

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("data/", marketpages.sync, name="data"),
    path("instruments/", instrumentpages.instruments, name="instruments"),
    path("instruments/<str:symbol>/", instrumentpages.instrument, name="instrument"),
    path("sectors/", instrumentpages.sectors, name="sectors"),
    path("data/coverage/", marketpages.coverage, name="data-coverage"),
    path("data/integrity/", marketpages.integrity, name="data-integrity"),
    path("data/files/", marketpages.files, name="data-files"),
    path("data/status/", marketpages.status, name="data-status"),
    path("executions/", executions, name="executions"),
    path("executions/new-issues/", new_issues, name="new-issues"),
    path("approvals/", approvals, name="approvals"),
    path("approvals/rules/", approval_rules, name="approval-rules"),
    path("alerts/", oversight.alerts, name="alerts"),
    path("alerts/settings/", oversight.alert_settings, name="alert-settings"),
    path("strategies/", strategypages.runs, name="strategies"),
    path("strategies/backtests/", strategypages.backtests, name="backtests"),
    path("strategies/exits/", strategypages.exits, name="exits"),
    path("risk/", risk.risk, name="risk"),
    path("statements/", statements.statements, name="statements"),
    path("transfers/", transfers, name="transfers"),
    path("audit/", oversight.audit, name="audit"),
    path("configuration/", oversight.configuration, name="configuration"),
    path("system/", system, name="system"),
    path("developer/", ApiPage.as_view(), name="api"),
    path("developer/webhooks/", webhooks, name="webhooks"),
    path("preferences/", views.preferences, name="preferences"),
    path("login/", views.PortalLoginView.as_view(), name="login"),
    path("logout/", views.PortalLogoutView.as_view(), name="logout"),
    path("", include(access_patterns)),
]
