"""Addresses of strategies below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.strategies.api import views

urlpatterns = [
    path("strategies", views.StrategyListView.as_view(), name="api-strategies"),
    path("strategy-runs", views.RunListView.as_view(), name="api-strategy-runs"),
    path("strategy-runs/<int:strategy_run_id>", views.RunDetailView.as_view(), name="api-strategy-run"),
    path("strategy-runs/<int:strategy_run_id>/start", views.RunStartView.as_view(), name="api-strategy-run-start"),
    path("strategy-runs/<int:strategy_run_id>/stop", views.RunStopView.as_view(), name="api-strategy-run-stop"),
    path(
        "strategy-runs/<int:strategy_run_id>/orders", views.RunOrderListView.as_view(), name="api-strategy-run-orders"
    ),
    path("strategy-runs/<int:strategy_run_id>/lines", views.RunLineListView.as_view(), name="api-strategy-run-lines"),
]
