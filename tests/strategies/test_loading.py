"""Finding and loading plug-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading.strategies.loading import LoadError, check_warm_up, describe, find, find_file, load

EXAMPLES = Path(__file__).parents[2] / "examples" / "strategies"

CODE = '''
from trading.strategies.interface import Integer, Strategy

class Base(Strategy):
    """Common ground."""

class Mine(Base):
    """Does little."""

    title = "Mine"
    count = Integer(3, minimum=1, maximum=9, help="How many")
    periods = ("1d",)
'''


def write(folder: Path, name: str, code: str = CODE) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    return path


def test_find_names_files_and_folders_and_passes_over_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "My_Rule.py")
    write(tmp_path, "packed/__init__.py")
    write(tmp_path, "_helper.py")
    write(tmp_path, "notes/readme.py")
    (tmp_path / "text.txt").write_text("x")
    assert [found.name for found in find(tmp_path)] == ["my-rule", "packed"]


def test_find_of_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert find(tmp_path / "absent") == []


def test_find_runs_none_of_the_code(tmp_path: Path) -> None:
    write(tmp_path, "broken.py", "raise SystemExit('run')")
    assert [found.name for found in find(tmp_path)] == ["broken"]


def test_digest_follows_the_source(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.py")
    before = find_file(path).digest
    assert find_file(path).digest == before
    write(tmp_path, "mine.py", CODE + "\n")
    assert find_file(path).digest != before


def test_digest_of_a_folder_follows_every_file(tmp_path: Path) -> None:
    write(tmp_path, "packed/__init__.py")
    write(tmp_path, "packed/rules.py", "A = 1")
    before = find_file(tmp_path / "packed").digest
    write(tmp_path, "packed/rules.py", "A = 2")
    assert find_file(tmp_path / "packed").digest != before


def test_load_gives_the_class_its_name(tmp_path: Path) -> None:
    made = load(find_file(write(tmp_path, "my_rule.py")))
    assert (made.name, made.__name__, made().values()) == ("my-rule", "Mine", {"count": 3})


def test_load_of_a_folder_follows_its_own_imports(tmp_path: Path) -> None:
    write(tmp_path, "packed/rules.py")
    write(tmp_path, "packed/__init__.py", "from .rules import Mine")
    assert load(find_file(tmp_path / "packed")).__name__ == "Mine"


def test_load_of_changed_code_is_refused(tmp_path: Path) -> None:
    found = find_file(write(tmp_path, "mine.py"))
    write(tmp_path, "mine.py", CODE + "\n")
    with pytest.raises(LoadError, match=r"mine.py was changed"):
        load(found)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1", "here: none"),
        (CODE + "\nclass Other(Strategy): pass", "here: Mine, Other"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_load_of_what_is_no_plugin_says_why(tmp_path: Path, code: str, words: str) -> None:
    with pytest.raises(LoadError, match=words):
        load(find_file(write(tmp_path, "mine.py", code)))


def test_describe_shows_what_a_person_needs(tmp_path: Path) -> None:
    assert describe(load(find_file(write(tmp_path, "mine.py")))) == {
        "title": "Mine",
        "text": "Does little.",
        "parameters": [
            {"name": "count", "kind": "integer", "default": 3, "help": "How many", "minimum": 1, "maximum": 9}
        ],
        "periods": ["1d"],
        "wants_ticks": False,
    }


def test_describe_of_an_unknown_period_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.py", CODE.replace('("1d",)', '("1w",)'))
    with pytest.raises(LoadError, match=r"periods \('1w',\): some of 1m, 5m, 1d"):
        describe(load(find_file(path)))


@pytest.mark.parametrize("warm_up", [-1, 20_001, 2.0, True, None])
def test_warm_up_out_of_reach_is_refused(warm_up: object) -> None:
    with pytest.raises(LoadError):
        check_warm_up(warm_up)


def test_find_file_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="more than 1,000,000 bytes"):
        find_file(write(tmp_path, "mine.py", "#" * 1_000_001))


def test_examples_load_with_their_defaults() -> None:
    titles = {found.name: describe(load(found))["title"] for found in find(EXAMPLES)}
    assert titles == {"ma-crossover": "Moving-average crossover", "mean-reversion": "Mean reversion"}
