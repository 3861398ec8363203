"""Arrow answers as DataFrames."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from qmtdesk.errors import DeskError, IncompleteData

ARROW = "application/vnd.apache.arrow.stream"
#: Where the platform writes what it knows about an answer as a whole.
HEADS = (b"desk.bars", b"desk.ticks")
#: Where it stands on a DataFrame.
ATTRIBUTE = "desk"


def frame_of(contents: Sequence[bytes]) -> pd.DataFrame:
    """One DataFrame of Arrow streams, in their order.

    Returns
    -------
    DataFrame
        Columns as the platform names them; ``time`` is a timestamp of Asia/Shanghai. ``attrs["desk"]`` is what the
        platform says about the answer: ``complete``, ``missing_days``, ``failures``, ``source``, ``evidence``; of several
        streams what the first says, with their missing days and failures added up.

    Warns
    -----
    IncompleteData
        Expected rows are missing.
    """
    tables, heads = [], []
    for content in contents:
        try:
            with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
                tables.append(reader.read_all())
        except pa.ArrowException as error:
            raise DeskError("NOT_UNDERSTOOD", f"the answer is no Arrow stream: {error}") from None
        heads.append(_head(tables[-1].schema))
    table = tables[0] if len(tables) == 1 else pa.concat_tables([part.replace_schema_metadata() for part in tables])
    frame: pd.DataFrame = table.to_pandas(split_blocks=True)
    frame.attrs[ATTRIBUTE] = head = _together(heads)
    if not head.get("complete", True):
        warnings.warn(
            f"{head.get('missing_days', 0)} instrument-days are missing: {head.get('failures') or 'no reason known'}",
            IncompleteData,
            stacklevel=2,
        )
    return frame


def _head(schema: pa.Schema) -> dict[str, Any]:
    metadata = schema.metadata or {}
    text = next((metadata[name] for name in HEADS if name in metadata), b"{}")
    head: dict[str, Any] = json.loads(text)
    return head


def _together(heads: Sequence[dict[str, Any]]) -> dict[str, Any]:
    whole = dict(heads[0])
    for head in heads[1:]:
        whole["complete"] = whole.get("complete", True) and head.get("complete", True)
        whole["missing_days"] = whole.get("missing_days", 0) + head.get("missing_days", 0)
        whole["failures"] = {**whole.get("failures", {}), **head.get("failures", {})}
        evidence = dict(whole.get("evidence", {}))
        for reason, days in head.get("evidence", {}).items():
            evidence[reason] = evidence.get(reason, 0) + days
        whole["evidence"] = evidence
    return whole
