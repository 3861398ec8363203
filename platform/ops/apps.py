"""Operations layer: errors, clocks, jobs, heartbeats, audit, metrics."""

from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "ops"
    verbose_name = "Operations"
