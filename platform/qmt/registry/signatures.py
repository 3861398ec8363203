"""Signatures of the SDK's public callables, read from the wheel's source without importing it.

``python -m qmt.registry.signatures`` writes them to ``signatures.json`` beside this file; a test compares that file
with the installed wheel, so that a function that came, went or changed its parameters is noticed.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

SIGNATURES: Final = Path(__file__).with_name("signatures.json")

#: Public by their names only: the module's own tools, and aliases of what is listed.
_PLUMBING: Final = frozenset(
    {
        "try_except",
        "create_array",
        "hello",
        "get_client",
        "get_field_list",
        "subscribe_callback_wrapper",
        "subscribe_callback_wrapper_1820",
        "subscribe_callback_wrapper_convert",
        "timetagToDateTime",
        "getDividFactors",
        "common_op_async_with_seq",
        "common_op_sync_with_seq",
    }
)

Signature = dict[str, Any]
"""Parameter name to its default; a required one has no default key: ``{"name": {"default": ""}, "other": {}}``."""


def wheel_signatures(package: Path) -> dict[str, dict[str, Signature]]:
    """Read the installed package.

    Parameters
    ----------
    package : Path
        The folder ``xtquant``.

    Returns
    -------
    dict
        ``xtdata``, ``xttrader`` and ``callbacks``, each from names to signatures.
    """
    xtdata = _tree(package / "xtdata.py")
    trader = _tree(package / "xttrader.py")
    return {
        "xtdata": dict(sorted({**_tabular(package / "metatable"), **_functions(xtdata)}.items())),
        "xttrader": dict(sorted(_functions(_class(trader, "XtQuantTrader"), method=True).items())),
        "callbacks": dict(sorted(_functions(_class(trader, "XtQuantTraderCallback"), method=True).items())),
    }


def stored_signatures() -> dict[str, dict[str, Signature]]:
    """What the committed file says."""
    loaded: dict[str, dict[str, Signature]] = json.loads(SIGNATURES.read_text(encoding="utf-8"))
    return loaded


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _class(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def _functions(node: ast.Module | ast.ClassDef, *, method: bool = False) -> dict[str, Signature]:
    found = (one for one in node.body if isinstance(one, ast.FunctionDef))
    return {one.name: _signature(one, method=method) for one in found if _is_public(one.name)}


def _is_public(name: str) -> bool:
    return not name.startswith("_") and name not in _PLUMBING


def _tabular(folder: Path) -> dict[str, Signature]:
    """What ``xtdata`` takes over from the package ``metatable``, under the names it has there."""
    parts = {path.stem: _functions(_tree(path)) for path in folder.glob("*.py")}
    public: dict[str, Signature] = {}
    for node in _tree(folder / "__init__.py").body:
        match node:
            case ast.ImportFrom(module=str(module)):
                known = parts.get(module, {})
                public |= {one.asname or one.name: known[one.name] for one in node.names if one.name in known}
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute(value=ast.Name(id=module), attr=original)):
                public[name] = parts[module][original]
            case _:
                pass
    return public


def _signature(function: ast.FunctionDef, *, method: bool) -> Signature:
    names = [one.arg for one in function.args.args][1 if method else 0 :]
    defaults = [_value(one) for one in function.args.defaults]
    required = len(names) - len(defaults)
    return {name: {} for name in names[:required]} | {
        name: {"default": default} for name, default in zip(names[required:], defaults, strict=True)
    }


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)  # float('nan'), for one


def _lines(signatures: dict[str, dict[str, Signature]]) -> Iterator[str]:
    """JSON with one function per line, so that a change of the wheel shows as such."""
    yield "{"
    for position, (group, functions) in enumerate(signatures.items()):
        yield f"  {json.dumps(group)}: {{"
        rows = [f"    {json.dumps(name)}: {json.dumps(one)}" for name, one in functions.items()]
        yield ",\n".join(rows)
        yield "  }" + ("," if position < len(signatures) - 1 else "")
    yield "}"


def main() -> None:
    """Write the file from the installed wheel."""
    from qmt.sdk import verify_package

    SIGNATURES.write_text("\n".join(_lines(wheel_signatures(verify_package()))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
