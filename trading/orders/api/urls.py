"""Addresses of orders and fills below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.orders.api import approvals, checks, kills, reconciliation, reports, views

urlpatterns = [
    path("orders", views.OrderListView.as_view(), name="api-orders"),
    path("orders/cancel", views.OrdersCancelView.as_view(), name="api-orders-cancel"),
    path("orders/check", checks.OrderCheckView.as_view(), name="api-order-check"),
    path("approval-rules/trial", approvals.ApprovalTrialView.as_view(), name="api-approval-trial"),
    path("approvals/orders/<uuid:order_id>", approvals.ApprovalDetailView.as_view(), name="api-approval"),
    path("approvals/orders/<uuid:order_id>/approve", approvals.ApproveView.as_view(), name="api-approve"),
    path("approvals/orders/<uuid:order_id>/refuse", approvals.RefuseView.as_view(), name="api-refuse"),
    path("reports/trading", reports.TradingReportView.as_view(), name="api-trading-report"),
    path("reports/trading.csv", reports.TradingReportCsvView.as_view(), name="api-trading-report-csv"),
    path("kill-switch", kills.KillListView.as_view(), name="api-kill-switch"),
    path("kill-switch/<uuid:run_id>", kills.KillDetailView.as_view(), name="api-kill-switch-run"),
    path("risk/limits/effective", checks.EffectiveLimitsView.as_view(), name="api-limits-effective"),
    path("orders/<uuid:order_id>", views.OrderDetailView.as_view(), name="api-order"),
    path("orders/<uuid:order_id>/cancel", views.OrderCancelView.as_view(), name="api-order-cancel"),
    path(
        "orders/<uuid:order_id>/release",
        views.OrderReleaseView.as_view(),
        name="api-order-release",
    ),
    path(
        "accounts/<int:account_id>/reconciliation",
        reconciliation.ReconciliationView.as_view(),
        name="api-reconciliation",
    ),
    path("accounts/<int:account_id>/trade-dates", reconciliation.TradeDateListView.as_view(), name="api-trade-dates"),
    path(
        "accounts/<int:account_id>/trade-dates/<str:date>/settle",
        reconciliation.TradeDateSettleView.as_view(),
        name="api-trade-date-settle",
    ),
    path("accounts/<int:account_id>/parked", reconciliation.ParkedListView.as_view(), name="api-parked"),
    path(
        "accounts/<int:account_id>/parked/<int:parked_id>",
        reconciliation.ParkedDecideView.as_view(),
        name="api-parked-decide",
    ),
    path("trades", views.TradeListView.as_view(), name="api-trades"),
]
