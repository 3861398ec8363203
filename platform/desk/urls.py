"""Every address of the platform; applications bring their own lists."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from desk.views import MetricsView, RestDocumentView, SocketDocumentView
from ops.api import UnknownRoute

urlpatterns: list[URLPattern | URLResolver] = [
    path("i18n/setlang/", set_language, name="set_language"),
    # One way in, with the second factor; one page for one's password.
    path("admin/login/", RedirectView.as_view(url=settings.LOGIN_URL, query_string=True)),
    path("admin/password_change/", RedirectView.as_view(url="/security/")),
    path("admin/", admin.site.urls),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("alerts.api.urls")),
    path("api/v1/", include("desk.api.urls")),
    path("api/v1/", include("marketdata.api.urls")),
    path("api/v1/", include("trading.orders.api.urls")),
    path("api/v1/", include("trading.execution.api.urls")),
    path("api/v1/", include("trading.strategies.api.urls")),
    path("api/v1/", include("trading.subscriptions.api.urls")),
    path("api/v1/", include("trading.signals.api.urls")),
    path("api/v1/", include("trading.grids.api.urls")),
    path("api/v1/", include("trading.barrules.api.urls")),
    path("api/v1/", include("trading.ledger.api.urls")),
    path("api/v1/", include("trading.risk.api.urls")),
    path("api/v1/", include("trading.webhooks.api.urls")),
    path("api/v1/", include("trading.backtest.api.urls")),
    path("api/v1/", include("trading.functions.api.urls")),
    path("api/v1/", include("trading.money.api.urls")),
    path("api/v1/", include("trading.approvals.api.urls")),
    path("api/asyncapi/", SocketDocumentView.as_view(), name="api-socket-document"),
    path("api/schema/", RestDocumentView.as_view(), name="api-schema"),
    # Last below /api: whatever names nothing answers in the API's own error shape.
    re_path(r"^api(?:/|$)", UnknownRoute.as_view()),
    path("", include("frontend.urls")),
]

handler400 = "desk.errors.bad_request"
handler403 = "desk.errors.permission_denied"
handler404 = "desk.errors.page_not_found"
handler500 = "desk.errors.server_error"
