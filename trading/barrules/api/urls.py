"""Addresses of rules on bars below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.barrules.api import views

urlpatterns = [path("macd-rules", views.MacdRuleView.as_view(), name="api-macd-rules")]
