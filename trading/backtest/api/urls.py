"""Addresses of back-tests below /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.backtest.api import views

urlpatterns = [
    path("backtests", views.BacktestListView.as_view(), name="api-backtests"),
    path("backtests/<uuid:backtest_id>", views.BacktestDetailView.as_view(), name="api-backtest"),
    path("backtests/<uuid:backtest_id>/cancel", views.BacktestCancelView.as_view(), name="api-backtest-cancel"),
    path("backtests/<uuid:backtest_id>/days", views.DayListView.as_view(), name="api-backtest-days"),
    path("backtests/<uuid:backtest_id>/orders", views.OrderListView.as_view(), name="api-backtest-orders"),
    path("backtests/<uuid:backtest_id>/trades", views.TradeListView.as_view(), name="api-backtest-trades"),
    path("backtests/<uuid:backtest_id>/trips", views.TripListView.as_view(), name="api-backtest-trips"),
    path("backtests/<uuid:backtest_id>/lines", views.LineListView.as_view(), name="api-backtest-lines"),
    path("backtests/<uuid:backtest_id>/plots/<str:plot>.svg", views.PlotView.as_view(), name="api-backtest-plot"),
    path("backtests/<uuid:backtest_id>/<str:table>.csv", views.TableCsvView.as_view(), name="api-backtest-csv"),
]
