"""The platform's control row, and the limits that a new installation begins with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import migrations
from django.utils import timezone

from desk.settings.schema import get_config
from trading.risk.defaults import DEFAULTS


def make(apps: Any, schema_editor: Any) -> None:
    """A test installation begins without limits: its tests set what they are about."""
    using = schema_editor.connection.alias
    apps.get_model("risk", "Control").objects.using(using).create(id=1, limits_version=uuid4().hex)
    if get_config().env == "test":
        return
    now = timezone.now()
    limits = apps.get_model("risk", "RiskLimit").objects.using(using)
    changes = apps.get_model("risk", "RiskLimitChange").objects.using(using)
    for kind, value, params in DEFAULTS:
        limit = limits.create(
            kind=kind,
            scope="PLATFORM",
            value=None if value is None else Decimal(value),
            params=params,
            note="default",
            created_at=now,
            updated_at=now,
            updated_by="system/installation",
        )
        after = {"kind": kind, "scope": "PLATFORM", "value": value, "params": params, "enabled": True}
        changes.create(limit=limit, version=1, at=now, by="system/installation", before=None, after=after)


class Migration(migrations.Migration):
    dependencies = [("risk", "0001_initial")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
