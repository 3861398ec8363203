"""Addresses of money and holdings below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.ledger.api import books, views

urlpatterns = [
    path("asset", views.AssetView.as_view(), name="api-asset"),
    path("positions", views.PositionListView.as_view(), name="api-positions"),
    path("accounts/<int:account_id>/statement", books.StatementView.as_view(), name="api-statement"),
    path("accounts/<int:account_id>/statement.xlsx", books.StatementExcelView.as_view(), name="api-statement-xlsx"),
    path("accounts/<int:account_id>/equity-curve", books.EquityCurveView.as_view(), name="api-equity-curve"),
    path("accounts/<int:account_id>/owner-positions", books.OwnerHoldingsView.as_view(), name="api-owner-positions"),
    path("accounts/<int:account_id>/profit", books.ProfitView.as_view(), name="api-profit"),
    path("accounts/<int:account_id>/ledger", books.EntryListView.as_view(), name="api-ledger"),
    path("accounts/<int:account_id>/ledger.csv", books.EntryCsvView.as_view(), name="api-ledger-csv"),
    path("accounts/<int:account_id>/ledger.xlsx", books.EntryExcelView.as_view(), name="api-ledger-xlsx"),
    path("accounts/<int:account_id>/differences", books.DifferenceListView.as_view(), name="api-differences"),
    path(
        "accounts/<int:account_id>/differences/<int:difference_id>/resolve",
        books.DifferenceResolveView.as_view(),
        name="api-difference-resolve",
    ),
]
