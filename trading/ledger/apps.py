"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    name = "trading.ledger"
    label = "ledger"
    verbose_name = _("Ledger")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.services.broker_accounts import RESUME_GUARDS
        from trading.ledger.restored import refuse_unreconciled

        if refuse_unreconciled not in RESUME_GUARDS:
            RESUME_GUARDS.append(refuse_unreconciled)
