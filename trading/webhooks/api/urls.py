"""Addresses of webhooks below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.webhooks.api import views

urlpatterns = [
    path("webhooks", views.WebhookListView.as_view(), name="api-webhooks"),
    path("webhooks/<int:webhook_id>", views.WebhookDetailView.as_view(), name="api-webhook"),
    path("webhooks/<int:webhook_id>/secret", views.WebhookSecretView.as_view(), name="api-webhook-secret"),
    path("webhooks/<int:webhook_id>/test", views.WebhookTestView.as_view(), name="api-webhook-test"),
    path("webhooks/<int:webhook_id>/deliveries", views.DeliveryListView.as_view(), name="api-webhook-deliveries"),
    path("webhook-deliveries/<uuid:delivery_id>/repeat", views.DeliveryRepeatView.as_view(), name="api-webhook-repeat"),
]
