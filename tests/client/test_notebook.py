"""The example notebook: committed clean, and working against a running platform."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from desk.settings.schema import ROOT
from tests.e2e.conftest import stack
from tests.e2e.platform_stack import Stack

__all__ = ["stack"]

NOTEBOOK = ROOT / "examples" / "notebooks" / "bars.ipynb"


def test_notebook_is_valid_and_carries_no_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 5
    for cell in code:
        assert (cell.outputs, cell.execution_count) == ([], None)
        compile(cell.source, NOTEBOOK.name, "exec")


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_notebook_runs_and_draws(stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QMTDESK_URL", stack.url)
    monkeypatch.setenv("QMTDESK_TOKEN", stack.token("alice", "market:read", "account:read", "orders:write"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "client"))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    tables = [output for output in outputs if "text/html" in output.get("data", {})]
    assert (len(pictures), len(tables)) == (2, 1)
