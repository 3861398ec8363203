"""The registry against the installed wheel: nothing missing, nothing invented, nothing re-signed."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from qmt.registry import FunctionClass, FunctionSpec, Kind, callbacks, find, functions
from qmt.registry.arguments import check_arguments
from qmt.registry.model import JSON_TYPES
from qmt.registry.signatures import stored_signatures, wheel_signatures
from qmt.sdk import Sdk, verify_package

SPECS = list(functions().values())


def test_signatures_are_those_of_the_installed_wheel() -> None:
    assert stored_signatures() == wheel_signatures(verify_package())


def test_registry_describes_every_callable_of_the_wheel_once() -> None:
    signatures = stored_signatures()
    known = [f"{module}.{name}" for module in ("xtdata", "xttrader") for name in signatures[module]]

    assert sorted(functions()) == sorted(known)
    assert len(functions()) == 195
    assert sorted(callbacks()) == sorted(signatures["callbacks"])
    assert len(callbacks()) == 16


def test_signatures_are_what_the_loaded_sdk_takes(sdk: Sdk) -> None:
    """Read from source text above, asked of the live objects here."""
    homes: dict[str, Any] = {"xtdata": sdk.xtdata, "xttrader": sdk.xttrader.XtQuantTrader}
    for spec in SPECS:
        names = [
            name for name in inspect.signature(getattr(homes[spec.module], spec.name)).parameters if name != "self"
        ]
        if names == ["args", "kwargs"]:
            continue  # hidden behind the SDK's own decorator
        assert [one.name for one in spec.parameters] == [name for name in names if name != "kwargs"], spec.qualified


def test_changed_signature_is_noticed(tmp_path: Any) -> None:
    package = tmp_path / "xtquant"
    (package / "metatable").mkdir(parents=True)
    (package / "metatable" / "__init__.py").write_text("")
    (package / "xtdata.py").write_text("def get_full_tick(code_list, fresh=True): ...\n")
    (package / "xttrader.py").write_text(
        "class XtQuantTraderCallback:\n    def on_new(self): ...\nclass XtQuantTrader:\n    def fresh(self, a): ...\n"
    )

    assert wheel_signatures(package) == {
        "xtdata": {"get_full_tick": {"code_list": {}, "fresh": {"default": True}}},
        "xttrader": {"fresh": {"a": {}}},
        "callbacks": {"on_new": {}},
    }


def test_name_without_module_finds_what_only_one_module_has() -> None:
    assert find("get_full_tick") is functions()["xtdata.get_full_tick"]
    assert find("xttrader.connect") is functions()["xttrader.connect"]
    assert find("connect") is None
    assert find("nothing") is None


def test_classes_divide_the_functions() -> None:
    counts = {kind: sum(spec.kind is kind for spec in SPECS) for kind in FunctionClass}

    assert counts == {
        FunctionClass.READ: 124,
        FunctionClass.SUBSCRIPTION: 9,
        FunctionClass.ORDER: 14,
        FunctionClass.MONEY: 13,
        FunctionClass.HOST_FILE: 18,
        FunctionClass.SESSION: 17,
    }
    assert sum(bool(spec.broken) for spec in SPECS) == 7


@pytest.mark.parametrize("word", ["order_stock", "cancel_", "transfer", "smart_algo_order"])
def test_nothing_that_acts_is_run(word: str) -> None:
    acting = [spec for spec in SPECS if word in spec.name and not spec.name.startswith(("query_", "get_"))]

    assert acting
    assert [spec.qualified for spec in acting if spec.is_run] == []


def test_everything_the_trader_runs_is_a_query() -> None:
    run = {spec.name for spec in SPECS if spec.module == "xttrader" and spec.is_run}

    assert [name for name in run if not name.startswith(("query_", "smt_query_", "get_smart_algo_param"))] == []


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.is_run], ids=lambda spec: spec.qualified)
def test_example_of_a_function_fits_it(spec: FunctionSpec) -> None:
    assert check_arguments(spec, spec.example()) == spec.example()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.qualified)
def test_description_is_complete(spec: FunctionSpec) -> None:
    assert spec.purpose.endswith(".")
    assert spec.result
    assert 0 < spec.deadline_seconds <= 60
    for one in spec.parameters:
        assert one.text.endswith((".", "limit."))
        assert one.kind is Kind.OURS or one.kind in JSON_TYPES
        re.compile(one.pattern)
