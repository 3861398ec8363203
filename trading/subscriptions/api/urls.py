"""Addresses of subscriptions below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.subscriptions.api import views

urlpatterns = [
    path("ipo-subscriptions", views.SubscriptionListView.as_view(), name="api-ipo-subscriptions"),
    path("ipo-subscriptions/all", views.SubscribeAllView.as_view(), name="api-ipo-subscriptions-all"),
    path("ipo-subscriptions/issues", views.SubscriptionOfferView.as_view(), name="api-ipo-subscriptions-issues"),
    path("ipo-subscriptions/plans", views.SubscriptionPlanView.as_view(), name="api-ipo-subscription-plans"),
]
