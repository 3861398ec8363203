"""Finding strategies and loading them: from a folder, or from installed packages. Knows no Django.

A plug-in is a Python file, or a folder with an ``__init__.py``, in which exactly one class derives from `Strategy` and is
defined; or an entry point of the group ``qmt_desk.strategies`` that names such a class. Names that begin with ``_`` or ``.`` are
passed over. Finding one runs none of its code: its version is the digest of its source.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from trading.strategies.interface import PERIODS, Strategy

ENTRY_POINTS: Final = "qmt_desk.strategies"
MAX_SOURCE_BYTES: Final = 1_000_000
MAX_WARM_UP: Final = 20_000
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")


class LoadError(Exception):
    """A plug-in that cannot be used; the text says why, for its author."""


@dataclass(frozen=True, slots=True)
class Found:
    """One plug-in as it was found.

    Attributes
    ----------
    name
        Of its file, folder or entry point, in lower case with hyphens.
    location
        Path of the file or folder, or ``module:Class`` of an entry point.
    digest
        SHA-256 of its source, in hexadecimal.
    packaged
        It is an entry point.
    """

    name: str
    location: str
    digest: str
    packaged: bool = False


def find(folder: Path | None) -> list[Found]:
    """Every plug-in of a folder and of the installed packages, by name; of two with one name the folder's.

    Raises
    ------
    OSError
        The folder cannot be read. One that does not exist holds nothing.
    """
    found: dict[str, Found] = {plugin.name: plugin for plugin in _packaged()}
    if folder is not None and folder.is_dir():
        found |= {plugin.name: plugin for plugin in _in_folder(folder)}
    return [found[name] for name in sorted(found)]


def find_file(path: Path) -> Found:
    """The plug-in in one file or folder.

    Raises
    ------
    LoadError
        No file or folder of Python code, a name that is none, or too much of it.
    """
    name = path.stem.lower().replace("_", "-")
    if not _NAME.fullmatch(name):
        raise LoadError(f"{path.name}: a strategy's name is made of letters, digits and hyphens, at most 48")
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    if not files or not all(file.suffix == ".py" and file.is_file() for file in files):
        raise LoadError(f"{path} is no Python file, and no folder of them")
    return Found(name, str(path.resolve()), _digest(files, path))


def load(found: Found) -> type[Strategy]:
    """Run the plug-in's code and return its class.

    Raises
    ------
    LoadError
        It changed since it was found, fails, or holds no strategy, or several.
    """
    try:
        made = _load_entry_point(found) if found.packaged else _load_path(found)
    except LoadError:
        raise
    except (Exception, SystemExit) as error:
        raise LoadError(f"{type(error).__name__}: {error}") from error
    made.name = found.name
    return made


def describe(made: type[Strategy]) -> dict[str, Any]:
    """What people and programs see of a strategy before it runs, as JSON has it.

    Raises
    ------
    LoadError
        It declares something that no runner could honour.
    """
    try:
        example = made()
        warm_up = example.warm_up
    except Exception as error:
        raise LoadError(f"with its defaults it cannot be made: {type(error).__name__}: {error}") from error
    if not made.periods or not set(made.periods) <= set(PERIODS):
        raise LoadError(f"periods {made.periods!r}: some of {', '.join(PERIODS)}")
    check_warm_up(warm_up)
    return {
        "title": made.title or made.name,
        "text": inspect.cleandoc(made.__doc__ or "")[:4000],
        "parameters": [parameter.declaration() for parameter in made.parameters().values()],
        "periods": list(made.periods),
        "wants_ticks": bool(made.wants_ticks),
    }


def check_warm_up(warm_up: object) -> int:
    """How far back a strategy looks, checked.

    Raises
    ------
    LoadError
        Not a whole number from 0 to 20,000.
    """
    if isinstance(warm_up, bool) or not isinstance(warm_up, int) or not 0 <= warm_up <= MAX_WARM_UP:
        raise LoadError(f"warm_up {warm_up!r}: a whole number from 0 to {MAX_WARM_UP}")
    return warm_up


def _in_folder(folder: Path) -> Iterator[Found]:
    for path in sorted(folder.iterdir()):
        package = path.is_dir() and (path / "__init__.py").is_file()
        if path.name.startswith(("_", ".")) or not (package or path.suffix == ".py"):
            continue
        try:
            yield find_file(path)
        except LoadError:
            continue  # no name that could be asked for; `describe` tells the author of everything else


def _packaged() -> Iterator[Found]:
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        files = [file.locate() for file in (point.dist.files or ()) if file.suffix == ".py"] if point.dist else []
        name = point.name.lower().replace("_", "-")
        try:
            digest = _digest([Path(str(file)) for file in files], None)
        except LoadError:
            continue  # an installation that is damaged, or being replaced just now
        if _NAME.fullmatch(name):
            yield Found(name, point.value, digest, packaged=True)


def _digest(files: list[Path], root: Path | None) -> str:
    digest = hashlib.sha256()
    total = 0
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise LoadError(f"{file} cannot be read: {error.strerror}") from error
        total += len(content)
        if root is not None and total > MAX_SOURCE_BYTES:
            raise LoadError(f"{root} holds more than {MAX_SOURCE_BYTES:,} bytes of code")
        name = file.name if root is None or root == file else file.relative_to(root).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _load_path(found: Found) -> type[Strategy]:
    path = Path(found.location)
    if find_file(path).digest != found.digest:
        raise LoadError(f"{path.name} was changed since this version was found")
    module_name = f"desk_strategy_{found.name.replace('-', '_')}_{found.digest[:12]}"
    file = path / "__init__.py" if path.is_dir() else path
    spec = importlib.util.spec_from_file_location(
        module_name, file, submodule_search_locations=[str(path)] if path.is_dir() else None
    )
    if spec is None or spec.loader is None:
        raise LoadError(f"{file} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return _only_strategy(module, module_name)


def _load_entry_point(found: Found) -> type[Strategy]:
    points = importlib.metadata.entry_points(group=ENTRY_POINTS)
    now = {plugin.location: plugin.digest for plugin in _packaged()}
    point = next((point for point in points if point.value == found.location), None)
    if point is None or now.get(found.location) != found.digest:
        raise LoadError(f"{found.location} is not installed any more, or in another version")
    made = point.load()
    if not (isinstance(made, type) and issubclass(made, Strategy)):
        raise LoadError(f"{found.location} is no class derived from Strategy")
    return made


def _only_strategy(module: ModuleType, name: str) -> type[Strategy]:
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and (value.__module__ == name or value.__module__.startswith(f"{name}."))
    ]
    # What others here derive from is their common ground, not a strategy of its own.
    leaves = [value for value in own if not any(other is not value and issubclass(other, value) for other in own)]
    if len(leaves) != 1:
        names = ", ".join(value.__name__ for value in leaves) or "none"
        raise LoadError(f"exactly one class derives from Strategy in a plug-in; here: {names}")
    return leaves[0]
