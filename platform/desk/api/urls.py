"""Addresses of the audit trail and the configuration below /api/v1/."""

from __future__ import annotations

from django.urls import path

from desk.api import audit, configuration, system

urlpatterns = [
    path("audit", audit.AuditListView.as_view(), name="api-audit"),
    path("audit/<int:event_id>", audit.AuditDetailView.as_view(), name="api-audit-event"),
    path("audit/history", audit.AuditHistoryView.as_view(), name="api-audit-history"),
    path("audit/export.csv", audit.AuditCsvView.as_view(), name="api-audit-csv"),
    path("audit/export.jsonl", audit.AuditJsonLinesView.as_view(), name="api-audit-jsonl"),
    path("audit/verification", audit.AuditVerificationView.as_view(), name="api-audit-verification"),
    path("configuration", configuration.ConfigurationView.as_view(), name="api-configuration"),
    path("system", system.SystemView.as_view(), name="api-system"),
    path("system/latency", system.LatencyView.as_view(), name="api-system-latency"),
]
