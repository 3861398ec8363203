"""Which application lives in which database."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

QUOTES = "quotes"


class QuotesRouter:
    """Send the `quotes` application to the `quotes` database, everything else to `default`."""

    @staticmethod
    def _alias(app_label: str) -> str:
        return QUOTES if app_label == QUOTES else "default"

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return self._alias(model._meta.app_label)

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return self._alias(model._meta.app_label)

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool:
        return self._alias(obj1._meta.app_label) == self._alias(obj2._meta.app_label)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == self._alias(app_label)
