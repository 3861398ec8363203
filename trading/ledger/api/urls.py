"""Addresses of money and holdings below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.ledger.api import views

urlpatterns = [
    path("asset", views.AssetView.as_view(), name="api-asset"),
    path("positions", views.PositionListView.as_view(), name="api-positions"),
]
