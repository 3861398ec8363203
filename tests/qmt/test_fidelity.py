"""The fidelity ledger says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from qmt.terminal.fidelity import BEGIN, END, generated, quote_calls, trade_operations
from qmt.terminal.native.strict import manifest

LEDGER = Path(__file__).resolve().parents[2] / "docs" / "fidelity.md"
TAGS = ("doc", "native", "recorded", "assumed", "ours", "not simulated")


def test_generated_part_is_what_the_code_has() -> None:
    page = LEDGER.read_text(encoding="utf-8")

    assert page[page.index(BEGIN) : page.index(END) + len(END)] == generated()


def test_every_behaviour_carries_a_known_tag() -> None:
    rows = re.findall(r"^\| (?!behaviour|tag|\*\*|-)(.+) \| (.+) \|$", LEDGER.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(rows) > 40
    assert [row for row in rows if not row[1].startswith(TAGS)] == []


def test_every_native_call_is_either_simulated_or_listed_as_not() -> None:
    operations = {
        name.removesuffix("WithSeq") for name in manifest("xtpythonclient")["client"] if name.endswith("WithSeq")
    }

    assert set(trade_operations()[0]) | set(trade_operations()[1]) == operations
    assert set(quote_calls()[0]) | set(quote_calls()[1]) == set(manifest("datacenter")["client"])
