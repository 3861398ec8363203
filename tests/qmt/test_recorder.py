"""The recorder: it keeps shapes and nothing else, it only reads, and two records are compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.settings.schema import ROOT
from qmt.gateway import AccountRef
from qmt.reader import ReaderPool
from qmt.recorder import Observation, Trace, differences, read_probes, record
from qmt.recorder.shapes import known_names, merged, shape
from qmt.registry import FunctionClass, functions
from tests.contract.faces import FaceA
from tests.functions.conftest import setup_of

RECORDED = ROOT / "tests" / "fixtures" / "recorded"
ACCOUNT = AccountRef("7700000001", 2)
WORDS = {"null", "flag", "integer", "number", "text", "deep", "list", "object", "*"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("account_id"), inner, max_size=4),
    max_leaves=20,
)


def words_of(shaped: object) -> set[str]:
    if isinstance(shaped, str):
        return set(shaped.split("|"))
    if isinstance(shaped, list):
        return {word for one in shaped for word in words_of(one)}
    assert isinstance(shaped, dict)
    return set(shaped) | {word for one in shaped.values() for word in words_of(one)}


@given(JSON)
def test_shape_is_made_of_our_words_and_the_sdk_s_names_only(value: object) -> None:
    assert words_of(shape(value)) <= WORDS | known_names()


def test_shape_of_a_position_says_nothing_of_it() -> None:
    answer = [{"account_id": "8000000001", "stock_code": "600519.SH", "volume": 300, "张三": {"600519.SH": 1.5}}]
    assert shape(answer) == [{"*": {"*": "number"}, "account_id": "text", "stock_code": "text", "volume": "integer"}]
    assert "8000000001" not in json.dumps(shape(answer))


def test_shapes_of_items_that_differ_are_joined() -> None:
    assert shape([{"volume": 1}, {"volume": None}, {"volume": 1.5, "open": 2}]) == [
        {"open": "integer", "volume": "integer|null|number"}
    ]
    assert merged([]) is None


def test_probes_only_read() -> None:
    probes = read_probes(with_account=True)
    assert {spec.kind for spec in probes} == {FunctionClass.READ}
    assert [
        spec.name for spec in probes if spec.name.startswith(("order", "cancel", "download", "bank_", "fund_"))
    ] == []


def test_probe_that_acts_is_refused_before_anything_is_asked() -> None:
    acting = functions()["xttrader.order_stock"]
    with pytest.raises(ValueError, match=r"not read-only: xttrader\.order_stock"):
        record(None, [acting], against="simulated")  # type: ignore[arg-type]  # never reached


@pytest.fixture(scope="module")
def trace(shared_terminal: FaceA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trace]:
    """A record of the simulated terminal: it proves the recorder, not the terminal."""
    pool = ReaderPool(setup_of(shared_terminal, tmp_path_factory.mktemp("recorder")))
    names = ("xtdata.get_full_tick", "xtdata.get_instrument_detail", "xtdata.get_trading_dates",
             "xttrader.query_stock_positions", "xttrader.query_stock_asset")  # fmt: skip
    try:
        pool.wait_ready(60)
        yield record(pool, [functions()[name] for name in names], against="simulated", account=ACCOUNT)
    finally:
        pool.close()


def test_record_of_the_simulated_terminal_holds_shapes_without_values(trace: Trace, tmp_path: Path) -> None:
    seen = trace.by_name()
    assert seen["xtdata.get_full_tick"].outcome == "answer"
    assert seen["xtdata.get_full_tick"].shape["*"]["lastPrice"] in ("number", "integer")
    assert (seen["xttrader.query_stock_asset"].outcome, seen["xttrader.query_stock_asset"].arguments) == (
        "answer", {"account": "<account>"},
    )  # fmt: skip
    path = tmp_path / "trace.jsonl"
    trace.write(path)
    assert ACCOUNT.account_no not in path.read_text(encoding="utf-8")
    assert Trace.read(path) == trace


def test_two_records_of_one_terminal_do_not_differ(trace: Trace) -> None:
    assert differences(trace, trace) == []


def test_simulated_terminal_answers_as_its_committed_record_says(trace: Trace) -> None:
    recorded = Trace.read(RECORDED / "simulated-250807.jsonl")
    assert len(recorded.observations) > 50
    assert set(trace.by_name()) <= set(recorded.by_name())
    assert differences(recorded, trace) == []


def test_record_with_another_outcome_or_shape_is_told(trace: Trace) -> None:
    first = trace.observations[0]
    other = replace(trace, observations=(replace(first, shape={"*": {"lastPrice": "text"}}),))
    told = {(one.path, one.recorded, one.found) for one in differences(other, trace)}
    assert ("*.lastPrice", "text") in {(path.lstrip("."), recorded) for path, recorded, _found in told}
    failed = replace(trace, observations=(replace(first, outcome="FUNCTION_TIMEOUT", shape=None),))
    (difference,) = differences(failed, trace)
    assert (difference.path, difference.recorded, difference.found) == ("", "FUNCTION_TIMEOUT", "answer")


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', "no json", '{"format": 1, "against": "real"}'])
def test_file_that_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError):
        Trace.read(path)


def test_committed_records_hold_nothing_but_shapes_and_say_what_they_were_made_from() -> None:
    """Whoever adds a record of a real terminal: this is the last look before it is everybody's."""
    examples = {name: spec.example() for name, spec in functions().items()}
    for path in RECORDED.glob("*.jsonl"):
        found = Trace.read(path)
        assert path.name.startswith(found.against)
        for one in found.observations:
            assert isinstance(one, Observation)
            assert one.shape is None or words_of(one.shape) <= WORDS | known_names(), (path.name, one.name)
            own = functions()[one.name].account_parameter
            for name, value in one.arguments.items():
                assert value == ("<account>" if own and own.name == name else examples[one.name][name])
