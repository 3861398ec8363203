"""Addresses of market data below /api/v1/."""

from __future__ import annotations

from django.urls import path

from marketdata.api import coverage, indicators, integrity, jobs, periods, subscriptions, ticks, transfers, views
from marketdata.api import reference_views as static

urlpatterns = [
    path("bars", views.BarsView.as_view(), name="api-bars"),
    path("indicators", indicators.IndicatorsView.as_view(), name="api-indicators"),
    path("indicators/kinds", indicators.IndicatorKindsView.as_view(), name="api-indicator-kinds"),
    path("instruments", views.InstrumentListView.as_view(), name="api-instruments"),
    path("instruments/<str:symbol>", views.InstrumentView.as_view(), name="api-instrument"),
    path("quotes", views.QuotesView.as_view(), name="api-quotes"),
    path(
        "quotes/subscriptions",
        subscriptions.QuoteSubscriptionsView.as_view(),
        name="api-quote-subscriptions",
    ),
    path("ticks", ticks.TicksView.as_view(), name="api-ticks"),
    path("live-differences", ticks.LiveDifferencesView.as_view(), name="api-live-differences"),
    path("periods", periods.PeriodListView.as_view(), name="api-periods"),
    path("calendar", views.CalendarView.as_view(), name="api-calendar"),
    path("coverage", coverage.CoverageView.as_view(), name="api-coverage"),
    path("coverage/months", coverage.CoverageMonthsView.as_view(), name="api-coverage-months"),
    path("coverage/missing", coverage.CoverageMissingView.as_view(), name="api-coverage-missing"),
    path("instruments/<str:symbol>/history", static.InstrumentHistoryView.as_view(), name="api-instrument-history"),
    path("sectors", static.SectorListView.as_view(), name="api-sectors"),
    path("sectors/<str:name>/members", static.SectorMembersView.as_view(), name="api-sector-members"),
    path("index-weights", static.IndexWeightsView.as_view(), name="api-index-weights"),
    path("financials", static.FinancialsView.as_view(), name="api-financials"),
    path("convertibles", static.ConvertiblesView.as_view(), name="api-convertibles"),
    path("etfs", static.EtfListView.as_view(), name="api-etfs"),
    path("etfs/<str:symbol>", static.EtfView.as_view(), name="api-etf"),
    path("ipos", static.IposView.as_view(), name="api-ipos"),
    path("factors", static.FactorsView.as_view(), name="api-factors"),
    path("holidays", static.HolidaysView.as_view(), name="api-holidays"),
    path("integrity/findings", integrity.FindingListView.as_view(), name="api-findings"),
    path(
        "integrity/findings/<int:finding_id>/acknowledge",
        integrity.FindingAcknowledgeView.as_view(),
        name="api-finding-acknowledge",
    ),
    path(
        "integrity/findings/<int:finding_id>/repair", integrity.FindingRepairView.as_view(), name="api-finding-repair"
    ),
    path("integrity/runs", integrity.IntegrityRunView.as_view(), name="api-integrity-runs"),
    path("imports", transfers.ImportListView.as_view(), name="api-imports"),
    path("imports/<uuid:import_id>", transfers.ImportView.as_view(), name="api-import"),
    path("imports/<uuid:import_id>/confirm", transfers.ImportConfirmView.as_view(), name="api-import-confirm"),
    path("exports", transfers.ExportListView.as_view(), name="api-exports"),
    path("exports/<uuid:job_id>/file", transfers.ExportFileView.as_view(), name="api-export-file"),
    path("static-refresh", static.StaticRefreshView.as_view(), name="api-static-refresh"),
    path("jobs", jobs.JobListView.as_view(), name="api-jobs"),
    path("jobs/<uuid:job_id>", jobs.JobView.as_view(), name="api-job"),
    path("jobs/<uuid:job_id>/items", jobs.JobItemsView.as_view(), name="api-job-items"),
    path("jobs/<uuid:job_id>/cancel", jobs.JobCancelView.as_view(), name="api-job-cancel"),
    path("jobs/<uuid:job_id>/pause", jobs.JobPauseView.as_view(), name="api-job-pause"),
    path("jobs/<uuid:job_id>/resume", jobs.JobResumeView.as_view(), name="api-job-resume"),
    path("jobs/<uuid:job_id>/retry", jobs.JobRetryView.as_view(), name="api-job-retry"),
    path("schedules", jobs.ScheduleListView.as_view(), name="api-schedules"),
    path("sync", jobs.SyncView.as_view(), name="api-sync"),
]
