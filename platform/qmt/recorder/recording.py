"""Asks a terminal one function after the other and keeps what may be kept."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable
from typing import Final

from qmt.gateway import AccountRef
from qmt.reader import ReaderPool, ReadFailure
from qmt.recorder.shapes import shape
from qmt.recorder.trace import Against, Observation, Trace
from qmt.registry import FunctionClass, FunctionSpec, functions
from qmt.sdk import PINNED_VERSION

ACCOUNT: Final = "<account>"


def read_probes(*, with_account: bool, downloads: bool = False) -> list[FunctionSpec]:
    """Every function that only asks; those of an account only where one was named.

    Parameters
    ----------
    downloads
        Whether to ask for downloads too: they change nothing but what the terminal keeps of the market, and take long.
    """
    asked = [spec for spec in functions().values() if spec.kind is FunctionClass.READ and spec.is_run]
    return [
        spec
        for spec in asked
        if (with_account or spec.account_parameter is None) and (downloads or not spec.name.startswith("download_"))
    ]


def record(
    pool: ReaderPool,
    probes: Iterable[FunctionSpec],
    *,
    against: Against,
    account: AccountRef | None = None,
    on_probe: Callable[[Observation], None] = lambda _observation: None,
) -> Trace:
    """Ask each probe once, with the registry's example arguments.

    Parameters
    ----------
    probes
        Only functions of class READ are asked.

    Raises
    ------
    ValueError
        One of the probes does more than ask; nothing was asked then.
    """
    chosen = list(probes)
    acting = [spec.qualified for spec in chosen if spec.kind is not FunctionClass.READ]
    if acting:
        raise ValueError(f"not read-only: {', '.join(acting)}")
    seen = []
    for spec in chosen:
        observation = _observe(pool, spec, account)
        on_probe(observation)
        seen.append(observation)
    return Trace(against, PINNED_VERSION, platform.python_version(), platform.system(), tuple(seen))


def _observe(pool: ReaderPool, spec: FunctionSpec, account: AccountRef | None) -> Observation:
    own = spec.account_parameter
    given = {name: value for name, value in spec.example().items() if own is None or name != own.name}
    began = time.perf_counter()
    try:
        body = pool.call(spec, given, account=account if own is not None else None, seconds=spec.deadline_seconds)
        outcome, found = "answer", shape(json.loads(body))
    except ReadFailure as failure:
        outcome, found = failure.code, None
    milliseconds = round((time.perf_counter() - began) * 1000, 1)
    arguments = {**given, **({own.name: ACCOUNT} if own is not None else {})}
    return Observation(spec.qualified, arguments, outcome, found, milliseconds, spec.calls_back)
