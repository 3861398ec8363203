"""The coverage page is what the registry says, and the registry names only addresses that exist."""

from __future__ import annotations

import re

from qmt.registry import functions
from tests.accounts.test_permission_matrix import ENTRIES, TABLE
from trading.functions.coverage_page import COVERAGE_PAGE, coverage_page


def test_page_is_the_registry_s() -> None:
    assert COVERAGE_PAGE.read_text(encoding="utf-8") == coverage_page(), "run manage.py functions_table"


def test_every_address_that_a_function_names_exists() -> None:
    rest = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", entry) for entry in ENTRIES}
    channels = {line.partition(" | ")[0].strip() for line in TABLE.read_text().splitlines() if line.startswith("WS ")}
    named = {address for spec in functions().values() for address in spec.covered}

    assert named - rest - channels == set()
    assert len(named) > 25
