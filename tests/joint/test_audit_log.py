"""The audit log: every line hangs on the one before, writers wait for each other, breaks are found and named."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from biolab.core import DataError
from biolab.joint.audit_log import append, verify_log


def fill(path: Path, lines: int) -> None:
    for number in range(lines):
        append(path, actor="coordinator", action="import", subject="north", detail={"runs": number, "키": "값"})


def test_lines_follow_each_other(tmp_path: Path) -> None:
    log = tmp_path / "folder" / "audit.jsonl"
    assert verify_log(log) == ()
    fill(log, 3)
    entries = verify_log(log)
    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert entries[0].previous == "0" * 64
    assert [later.previous for later in entries[1:]] == [entry.digest for entry in entries[:-1]]
    assert entries[2].detail == {"runs": 2, "키": "값"}


BREAKS = {
    "a word": (lambda lines: [lines[0], lines[1].replace(b"north", b"south"), *lines[2:]], "line 2: its content"),
    "a line removed": (lambda lines: lines[:1] + lines[2:], "line 2: it does not follow"),
    "the first removed": (lambda lines: lines[1:], "line 1: it does not follow"),
    "a line twice": (lambda lines: lines[:2] + lines[1:], "line 3: it does not follow"),
    "two exchanged": (lambda lines: [lines[0], lines[2], lines[1], lines[3]], "line 2: it does not follow"),
    "spaces": (lambda lines: [lines[0].replace(b":", b": ", 1), *lines[1:]], "line 1: it is not in canonical form"),
    "another line": (lambda lines: [*lines, b"hello\n"], "line 5: it is not a line of a log"),
    "an unfinished line": (lambda lines: [*lines[:-1], lines[-1][:20]], "line 4: it is unfinished"),
    "a key more": (lambda lines: [*lines, b'{"a":1}\n'], "line 5: it is not a line"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_first_broken_line_is_named(name: str, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    fill(log, 4)
    change, reason = BREAKS[name]
    log.write_bytes(b"".join(change(log.read_bytes().splitlines(keepends=True))))
    with pytest.raises(DataError, match=reason):
        verify_log(log)


def test_a_forged_line_needs_all_later_ones(tmp_path: Path) -> None:
    from biolab.core import canonical_json, sha256_hex

    log = tmp_path / "audit.jsonl"
    fill(log, 3)
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    lines[1]["subject"] = "south"
    lines[1]["digest"] = sha256_hex(canonical_json({k: v for k, v in lines[1].items() if k != "digest"}))
    log.write_bytes(b"".join(canonical_json(line) + b"\n" for line in lines))
    with pytest.raises(DataError, match="line 3: it does not follow"):
        verify_log(log)


def test_a_cut_end_is_noticed_by_who_kept_a_digest(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    fill(log, 3)
    head = verify_log(log)[-1].digest
    assert len(verify_log(log, head=head)) == 3
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    assert len(verify_log(log)) == 2
    with pytest.raises(DataError, match="its end was cut off"):
        verify_log(log, head=head)


def test_an_unfinished_line_is_removed_and_the_removal_recorded(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    fill(log, 2)
    with log.open("ab") as file:
        file.write(b'{"sequence":3,"ti')
    append(log, actor="coordinator", action="lock", subject="made-up 0.2.0")
    entries = verify_log(log)
    assert [entry.action for entry in entries] == ["import", "import", "repair", "lock"]
    assert entries[2].detail == {"removed_bytes": 17}


def test_nothing_is_appended_to_what_is_no_log(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_bytes(b"a diary\n")
    with pytest.raises(DataError, match="Nothing was appended"):
        fill(log, 1)
    assert log.read_bytes() == b"a diary\n"


def test_long_lines_and_many_writers(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    append(log, actor="a", action="x", subject="long", detail={"text": "한" * 100_000})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: append(log, actor=str(number), action="x", subject="s"), range(24)))
    assert [entry.sequence for entry in verify_log(log)] == list(range(1, 26))
