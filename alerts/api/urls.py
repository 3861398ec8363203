"""Addresses of alerts below /api/v1/."""

from __future__ import annotations

from django.urls import path

from alerts.api import views

urlpatterns = [
    path("alerts", views.AlertListView.as_view(), name="api-alerts"),
    path("alerts/<int:alert_id>", views.AlertDetailView.as_view(), name="api-alert"),
    path(
        "alerts/<int:alert_id>/acknowledge",
        views.AlertAcknowledgeView.as_view(),
        name="api-alert-acknowledge",
    ),
    path("alert-kinds", views.AlertKindsView.as_view(), name="api-alert-kinds"),
    path("alert-channels", views.ChannelListView.as_view(), name="api-alert-channels"),
    path("alert-channels/<int:channel_id>", views.ChannelDetailView.as_view(), name="api-alert-channel"),
    path("alert-channels/<int:channel_id>/test", views.ChannelTestView.as_view(), name="api-alert-channel-test"),
    path("alert-subscriptions", views.SubscriptionListView.as_view(), name="api-alert-subscriptions"),
    path(
        "alert-subscriptions/<int:subscription_id>",
        views.SubscriptionDetailView.as_view(),
        name="api-alert-subscription",
    ),
    path("alert-deliveries", views.DeliveryListView.as_view(), name="api-alert-deliveries"),
    path("alert-quiet-hours", views.QuietHoursView.as_view(), name="api-alert-quiet-hours"),
]
