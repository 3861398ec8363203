"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "trading.orders"
    label = "orders"
    verbose_name = _("Orders")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Contribute orders and fills to every account snapshot, and a leaving person's orders to the handover."""
        from ops import handover, metrics
        from trading.ledger.sections import register_section
        from trading.orders.metrics import OrdersCollector
        from trading.orders.selectors import orders_section, trades_section, working_orders_of

        register_section("orders", orders_section)
        register_section("trades", trades_section)
        handover.register("order", working_orders_of)
        metrics.provide(OrdersCollector())
