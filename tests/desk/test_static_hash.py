"""The name of the static tree."""

from __future__ import annotations

from pathlib import Path

from desk.settings.static import tree_hash


def test_tree_hash_of_the_same_content_is_the_same(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "js").mkdir(parents=True)
        (tmp_path / name / "js" / "app.mjs").write_text("export {}")
    assert tree_hash([tmp_path / "a"]) == tree_hash([tmp_path / "b"])


def test_tree_hash_changes_with_content_and_with_names(tmp_path: Path) -> None:
    file = tmp_path / "app.mjs"
    file.write_text("export {}")
    first = tree_hash([tmp_path])
    file.write_text("export { }")
    second = tree_hash([tmp_path])
    file.rename(tmp_path / "main.mjs")
    third = tree_hash([tmp_path])
    assert len({first, second, third}) == 3
