"""Addresses of people, accounts and health below /api/v1/."""

from __future__ import annotations

from django.urls import path

from accounts.api import enrolment, health, schema, views

__all__ = ["schema", "urlpatterns"]  # `schema` registers itself with the document generator

urlpatterns = [
    path("me", views.MeView.as_view(), name="api-me"),
    path("accounts", views.AccountListView.as_view(), name="api-accounts"),
    path("accounts/<int:account_id>", views.AccountDetailView.as_view(), name="api-account"),
    path(
        "accounts/<int:account_id>/halt",
        views.AccountHaltView.as_view(),
        name="api-account-halt",
    ),
    path(
        "accounts/<int:account_id>/resume",
        views.AccountResumeView.as_view(),
        name="api-account-resume",
    ),
    path(
        "accounts/<int:account_id>/auto-trading",
        views.AccountAutoTradingView.as_view(),
        name="api-account-auto-trading",
    ),
    path("host-enrolments", enrolment.HostEnrolmentView.as_view(), name="api-host-enrolments"),
    path("health/live", health.HealthLiveView.as_view(), name="api-health-live"),
    path("health/web", health.HealthWebView.as_view(), name="api-health-web"),
    path("health/ready", health.HealthReadyView.as_view(), name="api-health-ready"),
]
