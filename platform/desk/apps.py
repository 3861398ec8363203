"""The project as an application: it brings the process commands and the Celery application."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "desk"
    verbose_name = "QMT Desk"

    def ready(self) -> None:
        # Whoever sends a task needs the application to be the current one.
        from desk import celery_app  # noqa: F401
        from desk.pools import close_pools_at_exit
        from desk.system.collector import SystemCollector
        from ops import metrics

        metrics.provide(SystemCollector())
        close_pools_at_exit()
