"""The queue's address below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.approvals.api import views

urlpatterns = [path("approvals", views.ApprovalListView.as_view(), name="api-approvals")]
