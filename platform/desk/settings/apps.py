"""Installed applications, middleware, templates and entry points."""

from __future__ import annotations

from typing import Any

from .schema import get_config

_config = get_config()

DEBUG = _config.debug

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "channels",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "ops",
    "accounts",
    "alerts",
    "marketdata",
    "marketdata.quotes",
    "trading.ledger",
    "trading.risk",
    "trading.orders",
    "trading.execution",
    "trading.subscriptions",
    "trading.signals",
    "trading.grids",
    "trading.barrules",
    "trading.strategies",
    "trading.backtest",
    "trading.webhooks",
    "trading.functions",
    "trading.money",
    "frontend",
    "desk",
    "rpc",
]

MIDDLEWARE = [
    "desk.requestmetrics.RequestMetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Out here: what the ones below answer by themselves is not framed either.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "desk.middleware.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "desk.middleware.RequestContextMiddleware",
    "desk.refusals.RefusalLogMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    # In the visitor's language, and before anything that asks the database.
    "desk.middleware.DatabaseDoorMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

if _config.cors_origins:
    # Before everything that may answer by itself: a refusal without the header cannot be read over there.
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "desk.urls"
ASGI_APPLICATION = "desk.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
