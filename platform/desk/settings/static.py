"""Static files, served unchanged under `/static/<tree hash>/`.

The hash names the whole tree, not each file: relative imports between ES modules keep working,
and every address may be cached for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from .schema import ROOT, get_config

_PACKAGES_WITH_STATIC = ("Django", "drf-spectacular-sidecar")


def tree_hash(folders: Iterable[Path], packages: Iterable[str] = _PACKAGES_WITH_STATIC) -> str:
    """Name the content of `folders` (paths and bytes) and the versions of `packages`."""
    digest = hashlib.sha256()
    for package in packages:
        digest.update(f"{package}=={version(package)}\n".encode())
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


STATIC_URL = f"/static/{tree_hash([ROOT / 'frontend' / 'static'])}/"
STATIC_ROOT = get_config().state_dir / "static"
