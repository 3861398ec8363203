"""Addresses of grids below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.grids.api import views

urlpatterns = [
    path("grids", views.GridListView.as_view(), name="api-grids"),
    path("grids/preview", views.GridPreviewView.as_view(), name="api-grids-preview"),
    path("grids/templates", views.GridTemplatesView.as_view(), name="api-grids-templates"),
    path("grids/<int:grid_id>", views.GridView.as_view(), name="api-grid"),
    path("grids/<int:grid_id>/fills", views.GridFillsView.as_view(), name="api-grid-fills"),
    path("grids/<int:grid_id>/pause", views.GridPauseView.as_view(), name="api-grid-pause"),
    path("grids/<int:grid_id>/resume", views.GridResumeView.as_view(), name="api-grid-resume"),
    path("grids/<int:grid_id>/stop", views.GridStopView.as_view(), name="api-grid-stop"),
]
