"""Addresses of the portal's pages."""

from __future__ import annotations

from django.urls import include, path

from frontend import oversight, views
from frontend.access.urls import urlpatterns as access_patterns

app_name = "frontend"

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("data/", views.market_data, name="data"),
    path("data/status/", views.data_status, name="data-status"),
    path("alerts/", oversight.alerts, name="alerts"),
    path("alerts/settings/", oversight.alert_settings, name="alert-settings"),
    path("audit/", oversight.audit, name="audit"),
    path("configuration/", oversight.configuration, name="configuration"),
    path("preferences/", views.preferences, name="preferences"),
    path("login/", views.PortalLoginView.as_view(), name="login"),
    path("logout/", views.PortalLogoutView.as_view(), name="logout"),
    path("", include(access_patterns)),
]
