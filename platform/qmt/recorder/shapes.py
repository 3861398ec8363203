"""The shape of an answer: what kinds of things it is made of. Never a value, never a name that is not the SDK's own.

This is an allow-list by construction: a shape is built of the words below and of names that stand in the committed manifests
of the SDK (struct members, parameters, columns of bars and ticks). Everything else (accounts, people, amounts, codes, words
of the broker, keys that are data) leaves no trace, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from qmt.registry import functions
from qmt.terminal.native.strict import manifest

#: Names that the SDK's Python layer gives to columns and facts, beside those of the native manifests.
_LAYER_NAMES: Final = frozenset(
    [
        "index",
        "columns",
        "base64",
        "time",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "amount",
        "settelementPrice",
        "openInterest",
        "preClose",
        "suspendFlag",
        "lastPrice",
        "lastClose",
        "pvolume",
        "stockStatus",
        "openInt",
        "lastSettlementPrice",
        "askPrice",
        "bidPrice",
        "askVol",
        "bidVol",
        "transactionNum",
        "tickvol",
        "InstrumentID",
        "InstrumentName",
        "ExchangeID",
        "UpStopPrice",
        "DownStopPrice",
        "PriceTick",
        "VolumeMultiple",
        "IsTrading",
        "PreClose",
        "OpenDate",
        "ExpireDate",
        "FloatVolume",
        "TotalVolume",
        "InstrumentStatus",
        "interest",
        "stockBonus",
        "stockGift",
        "allotNum",
        "allotPrice",
        "gugai",
        "dr",
        "purchaseDate",
    ]
)
_DEEPEST: Final = 12


@cache
def known_names() -> frozenset[str]:
    """Every name that a shape may carry."""
    members = {name for fields in manifest("xtpythonclient")["classes"].values() for name in fields}
    parameters = {one.name for spec in functions().values() for one in spec.parameters}
    return _LAYER_NAMES | members | parameters


def shape(value: Any, depth: int = _DEEPEST) -> Any:
    """The shape of what JSON holds.

    Returns
    -------
    str, list or dict
        ``"null"``, ``"flag"``, ``"integer"``, ``"number"``, ``"text"``, ``"deep"``; a list of at most one shape, that of all
        its items together; an object of its known names, with ``"*"`` for the shape of everything under other names.
        Where items differ, a text joins their kinds: ``"integer|null"``.
    """
    if depth == 0:
        return "deep"
    match value:
        case None:
            return "null"
        case bool():
            return "flag"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "text"
        case list():
            return [merged(shape(one, depth - 1) for one in value)] if value else []
        case _:
            named = {name: shape(one, depth - 1) for name, one in value.items() if name in known_names()}
            others = [shape(one, depth - 1) for name, one in value.items() if name not in known_names()]
            return {**dict(sorted(named.items())), **({"*": merged(others)} if others else {})}


def merged(shapes: Iterable[Any]) -> Any:
    """One shape for several: what is alike stays, what differs is joined."""
    whole: Any = None
    for one in shapes:
        whole = one if whole is None else _both(whole, one)
    return whole


def _both(one: Any, other: Any) -> Any:
    if one == other:
        return one
    if isinstance(one, list) and isinstance(other, list):
        return [merged([*one, *other])]
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: merged(each[name] for each in (one, other) if name in each) for name in sorted({*one, *other})}
    return "|".join(sorted({*_kinds(one), *_kinds(other)}))


def _kinds(one: Any) -> list[str]:
    if isinstance(one, str):
        return one.split("|")
    return ["list" if isinstance(one, list) else "object"]
