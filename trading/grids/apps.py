"""App registration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GridsConfig(AppConfig):
    name = "trading.grids"
    label = "grids"
    verbose_name = _("Grids")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Contribute grids to every account snapshot, and a leaving person's to the handover."""
        from ops import handover
        from trading.grids.selectors import grids_section, open_grids_of
        from trading.ledger.sections import register_section

        register_section("grids", grids_section)
        handover.register("grid", open_grids_of)
