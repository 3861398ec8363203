"""`config/market_data.yaml`: values, overrides, and refusals that name the key and its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from desk.settings.effective import effective_settings
from desk.settings.marketdata_file import DEFAULT_FILE, leaves, marketdata_load
from desk.settings.marketdata_schema import MarketDataConfig
from desk.settings.schema import ROOT, DeskConfig


def write(folder: Path, text: str) -> Path:
    path = folder / "market_data.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_file_holds_every_key_at_its_default() -> None:
    assert MarketDataConfig.model_validate(yaml.safe_load(DEFAULT_FILE.read_text("utf-8"))) == MarketDataConfig()
    text = yaml.safe_load(DEFAULT_FILE.read_text("utf-8"))
    missing = [leaf.path for leaf in leaves() if leaf.path[0] != "schedules" and leaf.path[1] not in text[leaf.path[0]]]
    assert missing == []


def test_every_key_is_read_somewhere() -> None:
    code = "\n".join(
        path.read_text("utf-8")
        for folder in ("marketdata", "platform/desk/settings")
        for path in (ROOT / folder).rglob("*.py")
        if not path.name.startswith("marketdata_")
    )
    assert [".".join(leaf.path) for leaf in leaves() if f".{leaf.path[-1]}" not in code] == []


def test_file_gives_values_and_the_environment_wins(tmp_path: Path) -> None:
    path = write(tmp_path, "repair:\n  attempts: 7\n  backoff_seconds: [2, 4]\n")

    config = marketdata_load(path, {"DESK_MARKETDATA__REPAIR__ATTEMPTS": "9", "DESK_MARKETDATA__POOLS__MAX_SIZE": "3"})

    assert (config.repair.attempts, config.repair.backoff_seconds, config.pools.max_size) == (9, (2.0, 4.0), 3)
    assert config.bars == MarketDataConfig().bars


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "bars:\n  minute_bars: 239\n",
            r"market_data.yaml line 2: bars.minute_bars: input should be 240 or 241, not 239",
        ),
        (
            "\nrepair:\n  atempts: 3\n",
            r"line 3: there is no setting 'repair.atempts' \(did you mean 'repair.attempts'\?\)",
        ),
        ("repiar:\n  attempts: 3\n", r"line 1: there is no setting 'repiar' \(did you mean 'repair'\?\)"),
        ("repair:\n  attempts: 3\n  attempts: 4\n", r"line 3: the key repair.attempts stands there twice"),
        ("repair: 5\n", r"line 1: repair: "),
        ("repair:\n  backoff_seconds: [1, fast]\n", r"line 2: repair.backoff_seconds.1: .* not 'fast'"),
        ("repair:\n  backoff_seconds: []\n", r"line 2: repair.backoff_seconds"),
        ("repair:\n  settle_seconds: .nan\n", r"line 2: repair.settle_seconds"),
        ("schedules:\n  report: {at: '25:00'}\n", r"line 2: schedules.report.at"),
        ("pools:\n  min_size: 5\n  max_size: 2\n", r"pools: .*max_size \(2\) must not be below min_size \(5\)"),
        ("- a\n", r"must hold sections"),
        ("a: [", r"cannot be read"),
    ],
)
def test_file_that_is_not_understood_is_refused_by_key_and_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        marketdata_load(write(tmp_path, text), {})


def test_everything_wrong_is_named_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "repair:\n  attempts: 0\nbars:\n  max_rows: many\n")

    with pytest.raises(ImproperlyConfigured) as refused:
        marketdata_load(path, {"DESK_MARKETDATA__NO_SUCH__KEY": "1"})

    text = str(refused.value)
    assert "line 2: repair.attempts" in text
    assert "line 4: bars.max_rows" in text
    assert "DESK_MARKETDATA__NO_SUCH__KEY: there is no setting 'no_such'" in text


@pytest.mark.parametrize(
    "environ",
    [
        {"DESK_MARKETDATA__REPAIR__ATTEMPTS": "none"},
        {"DESK_MARKETDATA__REPAIR__ATTEMPTS__X": "1"},
        {"DESK_MARKETDATA__REPAIR": "3"},
        {"DESK_MARKETDATA__REPAIR__BACKOFF_SECONDS": "[1"},
    ],
)
def test_variable_that_is_not_understood_is_refused_by_name(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured, match=next(iter(environ))):
        marketdata_load(write(tmp_path, "repair:\n  attempts: 3\n"), environ)


def test_changed_copy_is_checked() -> None:
    assert MarketDataConfig().changed(repair={"attempts": 5}).repair.attempts == 5
    with pytest.raises(ValidationError, match="attempts"):
        MarketDataConfig().changed(repair={"attempts": 0})


def test_keys_are_shown_with_value_and_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESK_MARKETDATA_FILE", str(write(tmp_path, "repair:\n  attempts: 7\n")))

    shown = {
        item.name: item
        for item in effective_settings(DeskConfig(), {"DESK_MARKETDATA__BARS__WAIT_SECONDS": "2"})
        if item.name.startswith("market_data.")
    }

    assert (shown["market_data.repair.attempts"].value, shown["market_data.repair.attempts"].source) == ("7", "file")
    wait = shown["market_data.bars.wait_seconds"]
    assert (wait.value, wait.source, wait.default, wait.variable) == (
        "2.0",
        "environment",
        "8.0",
        "DESK_MARKETDATA__BARS__WAIT_SECONDS",
    )
    assert shown["market_data.repair.backoff_seconds"].value == "1.0, 5.0, 15.0"


def test_named_file_has_to_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESK_MARKETDATA_FILE", str(tmp_path / "missing.yaml"))
    with pytest.raises(ImproperlyConfigured, match="there is no such file"):
        effective_settings(DeskConfig(), {})
