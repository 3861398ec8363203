"""The portal: server-rendered pages and the browser code behind them."""

from __future__ import annotations

from django.apps import AppConfig


class FrontendConfig(AppConfig):
    """Pages, static modules and catalogues of the portal."""

    name = "frontend"
    verbose_name = "Portal"
