"""Atomic writes: the old content or the new, never half."""

from pathlib import Path

import pytest

from biolab.core import BiolabError, write_atomically


def test_writes_replaces_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    assert write_atomically(path, "환자").read_text(encoding="utf-8") == "환자"
    assert write_atomically(path, b"new").read_bytes() == b"new"
    assert [child.name for child in path.parent.iterdir()] == ["b.txt"]


def test_failure_leaves_the_old_content_and_no_debris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_atomically(tmp_path / "b.txt", "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("biolab.core.files.os.fsync", full)
    with pytest.raises(BiolabError, match=r"No space left on device.*--output"):
        write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["b.txt"]


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x", encoding="utf-8")
    with pytest.raises(BiolabError, match="cannot be written"):
        write_atomically(tmp_path / "taken" / "b.txt", "new")
