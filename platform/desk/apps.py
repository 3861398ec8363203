"""The project as an application: it brings the process commands."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "desk"
    verbose_name = "QMT Desk"
