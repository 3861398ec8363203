"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExecutionConfig(AppConfig):
    name = "trading.execution"
    label = "execution"
    verbose_name = _("Executions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Contribute executions to every account snapshot, and a leaving person's open ones to the handover."""
        from ops import handover
        from trading.execution.selectors import executions_section, open_executions_of
        from trading.ledger.sections import register_section

        register_section("executions", executions_section)
        handover.register("execution", open_executions_of)
