"""Addresses of executions below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.execution.api import approvals, views

urlpatterns = [
    path(
        "approvals/executions/<uuid:execution_id>/approve",
        approvals.ExecutionApproveView.as_view(),
        name="api-execution-approve",
    ),
    path(
        "approvals/executions/<uuid:execution_id>/refuse",
        approvals.ExecutionRefuseView.as_view(),
        name="api-execution-refuse",
    ),
    path("executions", views.ExecutionListView.as_view(), name="api-executions"),
    path("executions/check", views.ExecutionCheckView.as_view(), name="api-executions-check"),
    path("executions/cancel", views.ExecutionsCancelView.as_view(), name="api-executions-cancel"),
    path("executions/<uuid:execution_id>", views.ExecutionDetailView.as_view(), name="api-execution"),
    path("executions/<uuid:execution_id>/pause", views.ExecutionPauseView.as_view(), name="api-execution-pause"),
    path("executions/<uuid:execution_id>/resume", views.ExecutionResumeView.as_view(), name="api-execution-resume"),
    path("executions/<uuid:execution_id>/cancel", views.ExecutionCancelView.as_view(), name="api-execution-cancel"),
    path("orders/<uuid:order_id>/replace", views.OrderReplaceView.as_view(), name="api-order-replace"),
]
