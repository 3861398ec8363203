"""Addresses of market data below /api/v1/."""

from __future__ import annotations

from django.urls import path

from marketdata.api import subscriptions, views

urlpatterns = [
    path("bars", views.BarsView.as_view(), name="api-bars"),
    path("instruments", views.InstrumentListView.as_view(), name="api-instruments"),
    path("instruments/<str:symbol>", views.InstrumentView.as_view(), name="api-instrument"),
    path("quotes", views.QuotesView.as_view(), name="api-quotes"),
    path(
        "quotes/subscriptions",
        subscriptions.QuoteSubscriptionsView.as_view(),
        name="api-quote-subscriptions",
    ),
    path("calendar", views.CalendarView.as_view(), name="api-calendar"),
    path("coverage", views.CoverageView.as_view(), name="api-coverage"),
    path("jobs", views.JobListView.as_view(), name="api-jobs"),
    path("jobs/<uuid:job_id>", views.JobView.as_view(), name="api-job"),
    path("jobs/<uuid:job_id>/cancel", views.JobCancelView.as_view(), name="api-job-cancel"),
]
