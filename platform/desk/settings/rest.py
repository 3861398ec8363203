"""REST API: JSON in and out, one error shape, session or bearer token."""

from __future__ import annotations

from typing import Any

from ops.version import VERSION as _VERSION

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerTokenAuthentication",
        "accounts.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.SignedIn"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api.throttling.TokenThrottle"],
    # No browsable renderer: the strict CSP forbids its inline scripts.
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["ops.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "ops.negotiation.StrictNegotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "ops.api.exception_handler",
    "STRICT_JSON": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "QMT Desk API",
    "DESCRIPTION": "Market data, accounts and orders of shared QMT terminals.",
    "VERSION": _VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    # Its shapes are JSON Schema as such: the live socket's document refers to them.
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Only what scripts and the portal call: the catch-all and the document itself are left out.
    "SERVE_PUBLIC": True,
    # Fields of one name with different vocabularies: each gets the name of what it describes.
    "ENUM_NAME_OVERRIDES": {
        "OrderStatusEnum": "trading.orders.choices.Status",
        "JobStatusEnum": "ops.models.Job.Status",
        "InstrumentKindEnum": "marketdata.choices.Kind",
        "AliasKindEnum": "marketdata.choices.AliasKind",
        "FindingStateEnum": "marketdata.choices.FindingState",
        "FindingSeverityEnum": "marketdata.choices.FindingSeverity",
        "ImportStateEnum": "marketdata.choices.ImportState",
        "StoredPeriodEnum": ["1d", "1m", "5m"],
        "HostKindEnum": "accounts.choices.HostKind",
        "AlertKindEnum": "ops.models.AlertKind",
        "AlertSeverityEnum": "ops.models.Severity",
        "AlertChannelKindEnum": "alerts.choices.ChannelKind",
        "AlertDeliveryStatusEnum": "alerts.choices.DeliveryStatus",
        "OrderSourceEnum": "trading.orders.choices.Source",
        "SignalStateEnum": "trading.signals.choices.SignalState",
        "SignalKindEnum": "trading.signals.choices.SignalKind",
        "BarRulePeriodEnum": "trading.barrules.choices.RulePeriod",
        "GridStateEnum": "trading.grids.choices.GridState",
        "StrategyRunStateEnum": "trading.strategies.choices.RunState",
        "StrategyOrderStateEnum": "trading.strategies.interface.OrderState",
        "BacktestStateEnum": "trading.backtest.choices.BacktestState",
        "GridEndEnum": "trading.grids.choices.GridEnd",
        "SubscriptionStateEnum": "trading.subscriptions.choices.ResultState",
        "NewIssueKindEnum": "trading.ledger.choices.IssueKind",
        "ExecutionStateEnum": "trading.execution.choices.State",
        "ExecutionKindEnum": "trading.execution.choices.Kind",
        "TradingStateEnum": "accounts.choices.TradingState",
        "LimitKindEnum": "trading.risk.choices.LimitKind",
        "LimitScopeEnum": "trading.risk.choices.LimitScope",
        "SessionStateEnum": "accounts.choices.SessionState",
        "DifferenceKindEnum": "trading.ledger.choices.DifferenceKind",
        "DifferenceStateEnum": "trading.ledger.choices.DifferenceState",
        "LedgerEntryKindEnum": "trading.ledger.choices.EntryKind",
        "HandEntryKindEnum": [
            (kind, kind)
            for kind in [
                "ADJUSTMENT",
                "ALLOTMENT",
                "BONUS",
                "DIVIDEND",
                "GIFT",
                "INTEREST",
                "TAX",
                "TRANSFER_IN",
                "TRANSFER_OUT",
            ]
        ],
        "AccountEventKindEnum": "trading.ledger.choices.EventKind",
        "WebhookStateEnum": "trading.webhooks.choices.WebhookState",
        "EventDeliveryStatusEnum": "trading.webhooks.choices.EventDeliveryStatus",
        "TradeDateStateEnum": "trading.ledger.choices.TradeDateState",
        "HeldSourceEnum": "trading.risk.choices.HeldSource",
        "TransferKindEnum": "trading.money.choices.TransferKind",
        "TransferStatusEnum": "trading.money.choices.TransferStatus",
        "KillScopeEnum": "trading.orders.choices.KillScope",
        "SettingSourceEnum": [(source, source) for source in ("default", "file", "secret_file", "environment")],
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "ops.openapi.document_errors",
    ],
}
