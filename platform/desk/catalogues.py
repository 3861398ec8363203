"""Finding every translatable text of the project, with Babel and Django's own template reader."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from desk.settings.effective import description
from desk.settings.marketdata_file import leaves
from desk.settings.schema import DeskConfig

KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
}
_SKIPPED = {"migrations", "node_modules"}
FOLDERS = ("platform", "accounts", "alerts", "marketdata", "trading", "frontend")


def _source(path: Path) -> bytes:
    text = path.read_text(encoding="utf-8")
    return (templatize(text, origin=str(path)) if path.suffix == ".html" else text).encode()


def _files(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".html") and not _SKIPPED.intersection(path.parts):
                yield path


def collect(root: Path) -> Catalog:
    """Read every message id of the project's code and templates, with the files that use it."""
    catalogue = Catalog(project="QMT Desk", charset="utf-8")
    for path in _files(root):
        where = [(path.relative_to(root).as_posix(), 0)]
        for _line, message, _comments, _context in extract(
            "python", BytesIO(_source(path)), keywords=KEYWORDS, options={"encoding": "utf-8"}
        ):
            catalogue.add(message, locations=where)
    for field in DeskConfig.model_fields.values():
        catalogue.add(description(field), locations=[("platform/desk/settings/schema.py", 0)])
    for leaf in leaves():
        catalogue.add(description(leaf.field), locations=[("platform/desk/settings/marketdata_schema.py", 0)])
    return catalogue


def read_catalogue(path: Path) -> Catalog:
    """Read a `.po` file; the locale is its folder's name."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, abort_invalid=True)


def update(path: Path, found: Catalog) -> Catalog:
    """Bring a `.po` file up to date: new ids are added empty, unused ones dropped, texts kept."""
    catalogue = read_catalogue(path) if path.exists() else Catalog(locale=path.parent.parent.name)
    catalogue.update(found, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=100, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return catalogue


def untranslated(catalogue: Catalog) -> list[str]:
    """Ids without a text, and texts that Babel marked as guesses."""
    return [
        str(message.id)
        for message in catalogue
        if message.id and (not message.string or not any(message.string) or message.fuzzy)
    ]
