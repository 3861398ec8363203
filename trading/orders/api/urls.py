"""Addresses of orders and fills below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.orders.api import checks, views

urlpatterns = [
    path("orders", views.OrderListView.as_view(), name="api-orders"),
    path("orders/cancel", views.OrdersCancelView.as_view(), name="api-orders-cancel"),
    path("orders/check", checks.OrderCheckView.as_view(), name="api-order-check"),
    path("risk/limits/effective", checks.EffectiveLimitsView.as_view(), name="api-limits-effective"),
    path("orders/<uuid:order_id>", views.OrderDetailView.as_view(), name="api-order"),
    path("orders/<uuid:order_id>/cancel", views.OrderCancelView.as_view(), name="api-order-cancel"),
    path(
        "orders/<uuid:order_id>/release",
        views.OrderReleaseView.as_view(),
        name="api-order-release",
    ),
    path("trades", views.TradeListView.as_view(), name="api-trades"),
]
