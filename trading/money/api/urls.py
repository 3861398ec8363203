"""Addresses of transfers below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.money.api import views

urlpatterns = [
    path("transfers", views.TransferListView.as_view(), name="api-transfers"),
    path("transfers/check", views.TransferCheckView.as_view(), name="api-transfers-check"),
    path("transfers/<uuid:transfer_id>", views.TransferDetailView.as_view(), name="api-transfer"),
    path("transfers/<uuid:transfer_id>/cancel", views.TransferCancelView.as_view(), name="api-transfer-cancel"),
    path("transfers/<uuid:transfer_id>/approve", views.TransferApproveView.as_view(), name="api-transfer-approve"),
    path("transfers/<uuid:transfer_id>/refuse", views.TransferRefuseView.as_view(), name="api-transfer-refuse"),
    path("transfers/<uuid:transfer_id>/resolve", views.TransferResolveView.as_view(), name="api-transfer-resolve"),
    path("money-limits", views.MoneyLimitListView.as_view(), name="api-money-limits"),
    path("money-limits/<int:account_id>", views.MoneyLimitView.as_view(), name="api-money-limit"),
]
