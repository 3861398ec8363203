"""The catalogue of plug-ins: what lies in the folder and what packages bring, as rows with versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction

from ops.clocks import wall_now
from trading.strategies.choices import Origin
from trading.strategies.loading import Found, LoadError
from trading.strategies.models import Plugin


def catalogue_refresh(found: Sequence[Found], describe: Callable[[Found], dict[str, Any]]) -> list[Plugin]:
    """Make the catalogue say what was found.

    Parameters
    ----------
    describe
        Says what a plug-in declares, or raises LoadError: then the version is kept with its problem, and cannot be run.
        Asked for versions that are new or have come back, once.

    Returns
    -------
    list of Plugin
        Versions that are new or have come back.
    """
    present = {(row.name, row.digest): row for row in Plugin.objects.filter(present=True)}
    wanted = {(plugin.name, plugin.digest): plugin for plugin in found}
    news = []
    for gone in [row for key, row in present.items() if key not in wanted]:
        Plugin.objects.filter(pk=gone.pk).update(present=False)
    for key, plugin in wanted.items():
        if key not in present:
            news.append(_add(plugin, describe))
    return news


def _add(plugin: Found, describe: Callable[[Found], dict[str, Any]]) -> Plugin:
    fields: dict[str, Any] = {
        "problem": "",
        "present": True,
        "origin": Origin.PACKAGE if plugin.packaged else Origin.FOLDER,
        "location": plugin.location[:400],
    }
    try:
        fields |= describe(plugin)
    except LoadError as error:
        fields["problem"] = str(error)[:400]
    fields["title"] = str(fields.get("title", ""))[:120]
    with transaction.atomic():
        Plugin.objects.filter(name=plugin.name, present=True).update(present=False)
        row, _created = Plugin.objects.update_or_create(
            name=plugin.name,
            digest=plugin.digest,
            defaults=fields,
            create_defaults=fields | {"found_at": wall_now()},
        )
    return row


def found_of(plugin: Plugin) -> Found:
    """Where the runner loads a version from."""
    return Found(plugin.name, plugin.location, plugin.digest, packaged=plugin.origin == Origin.PACKAGE)
