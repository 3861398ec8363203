"""Addresses of signals below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.signals.api import views

urlpatterns = [
    path("exit-plans", views.ExitPlanListView.as_view(), name="api-exit-plans"),
    path("exit-plans/triggers", views.TriggersView.as_view(), name="api-exit-plan-triggers"),
    path("exit-plans/<int:plan_id>/versions", views.ExitPlanVersionsView.as_view(), name="api-exit-plan-versions"),
    path("signals", views.SignalListView.as_view(), name="api-signals"),
    path("signals/<int:signal_id>", views.SignalDetailView.as_view(), name="api-signal"),
]
