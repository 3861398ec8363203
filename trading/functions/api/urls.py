"""Addresses of the SDK's functions below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.functions.api import views

urlpatterns = [
    path("qmt/functions", views.FunctionListView.as_view(), name="api-functions"),
    path("qmt/functions/<str:name>", views.FunctionView.as_view(), name="api-function"),
    path("qmt/answers/<uuid:job_id>", views.AnswerFileView.as_view(), name="api-function-file"),
]
