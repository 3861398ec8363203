"""The registry: what the wheel's signatures and the written descriptions say together."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from qmt.registry.model import CallbackSpec, FunctionClass, FunctionSpec, Kind, Parameter
from qmt.registry.signatures import Signature, stored_signatures

MODULES: Final = ("xtdata", "xttrader")
DEADLINE_SECONDS: Final = 15.0

#: What a token needs for a function of this class, unless the function says more.
_SCOPES: Final = {
    FunctionClass.READ: {"xtdata": "market:read", "xttrader": "account:read"},
    FunctionClass.SUBSCRIPTION: {"xtdata": "market:read", "xttrader": "account:read"},
    FunctionClass.ORDER: dict.fromkeys(MODULES, "orders:write"),
    FunctionClass.MONEY: dict.fromkeys(MODULES, "money:write"),
    FunctionClass.HOST_FILE: dict.fromkeys(MODULES, "admin:*"),
    FunctionClass.SESSION: dict.fromkeys(MODULES, "admin:*"),
}
#: Text in general: nothing that a path, a pattern or a terminal's file format could stumble over.
_PLAIN_TEXT: Final = r'[^\\/:*?"<>|\x00-\x1f]{1,120}'
_PATTERNS: Final = {
    Kind.TEXT: _PLAIN_TEXT,
    Kind.TEXTS: _PLAIN_TEXT,
    Kind.SYMBOL: r"[A-Za-z0-9_]{1,32}\.[A-Z]{2,6}",
    Kind.SYMBOLS: r"([A-Za-z0-9_]{1,32}\.)?[A-Z]{2,6}",
    Kind.TIME: r"([0-9]{6}|[0-9]{8}|[0-9]{14})?",
    Kind.FILE: r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}(\.[A-Za-z0-9]{1,10})?",
    Kind.SECRET: r"[^\x00-\x1f]{0,100}",
}


@cache
def functions() -> dict[str, FunctionSpec]:
    """Every function by its qualified name (``xtdata.get_full_tick``), in the order of the files."""
    signatures = stored_signatures()
    meanings = _load("parameters")
    made = {}
    for module in MODULES:
        for group, entries in _load(module).items():
            for name, entry in entries.items():
                spec = _function(module, group, name, entry, signatures[module].get(name, {}), meanings)
                made[spec.qualified] = spec
    return made


@cache
def callbacks() -> dict[str, CallbackSpec]:
    """Every hook of the SDK's callback class."""
    signatures = stored_signatures()["callbacks"]
    return {
        name: CallbackSpec(name=name, parameters=tuple(signatures.get(name, {})), **entry)
        for name, entry in _load("callbacks").items()
    }


def find(name: str) -> FunctionSpec | None:
    """A function by its qualified name, or by its own where only one module has it."""
    known = functions()
    if name in known:
        return known[name]
    named = [spec for spec in known.values() if spec.name == name]
    return named[0] if len(named) == 1 else None


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def _function(
    module: str, group: str, name: str, entry: dict[str, Any], signature: Signature, meanings: dict[str, Any]
) -> FunctionSpec:
    kind = FunctionClass(entry.get("class", FunctionClass.READ))
    own = meanings.get(f"{module}.{name}", {})
    return FunctionSpec(
        module=module,
        name=name,
        group=group,
        kind=kind,
        purpose=entry["purpose"],
        result=entry["result"],
        parameters=tuple(
            _parameter(one, default, meanings["common"].get(one, {}) | own.get(one, {}))
            for one, default in signature.items()
        ),
        scope=entry.get("scope", _SCOPES[kind][module]),
        deadline_seconds=float(entry.get("seconds", DEADLINE_SECONDS)),
        covered=tuple(entry.get("covered", ())),
        simulated=entry.get("simulated", False),
        broken=entry.get("broken", ""),
        built=entry.get("built", kind in (FunctionClass.READ, FunctionClass.HOST_FILE)),
    )


def _parameter(name: str, signature: dict[str, Any], meaning: dict[str, Any]) -> Parameter:
    kind = Kind(meaning["kind"])
    return Parameter(
        name=name,
        kind=kind,
        text=meaning["text"],
        required=meaning.get("required", "default" not in signature),
        default=signature.get("default"),
        example=meaning.get("example"),
        choices=tuple(meaning.get("choices", ())),
        pattern=meaning.get("pattern") or _PATTERNS.get(kind, ""),
        low=meaning.get("low"),
        high=meaning.get("high"),
    )
