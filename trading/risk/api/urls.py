"""Addresses of limits and trading states below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.risk.api import views

urlpatterns = [
    path("risk/limits", views.LimitListView.as_view(), name="api-limits"),
    path("risk/limits/<int:limit_id>", views.LimitDetailView.as_view(), name="api-limit"),
    path("trading-states", views.StatesView.as_view(), name="api-trading-states"),
]
