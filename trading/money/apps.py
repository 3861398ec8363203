"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MoneyConfig(AppConfig):
    name = "trading.money"
    label = "money"
    verbose_name = _("Transfers of money")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Contribute transfers to every account snapshot."""
        from trading.ledger.sections import register_section
        from trading.money.selectors import transfers_section

        register_section("transfers", transfers_section)
