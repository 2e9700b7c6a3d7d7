"""``biolab course``: build, a class, grade, board; one JSON object each, clear words where something is wrong."""

import json
from pathlib import Path

import pytest

from biolab.cli import main
from biolab.course import Module, notebook, sandbox_fault

MODULES = Path(__file__).parents[1] / "course" / "modules"
SOLVED = "feed_volume_l = 0.2 * working_volume_l\nboluses_l = [feed_volume_l / 2] * 2"


def said(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> dict:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in ("course", *words, "--json")])
    assert ended.value.code == code
    return json.loads(capsys.readouterr().out)


def test_build_writes_both_languages(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    built = said(capsys, "build", "90", "--course", MODULES, "--output", tmp_path)["notebooks"]
    assert [(each["language"], each["audience"]) for each in built] == [
        ("en", "trainee"), ("ko", "trainee"), ("en", "instructor"), ("ko", "instructor"),
    ]  # fmt: skip
    assert all(Path(each["path"]).is_file() for each in built)
    one = said(capsys, "build", "90", "--course", MODULES, "--output", tmp_path, "--language", "ko")["notebooks"]
    assert {each["language"] for each in one} == {"ko"}


def test_what_is_wrong_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert "Did you mean '90-dilution'" in said(capsys, "build", "90-dilutio", "--course", MODULES, code=3)["error"]
    assert "cohort.toml cannot be read" in said(capsys, "grade", tmp_path, "--course", MODULES, code=3)["error"]
    assert "biolab course new makes one" in said(capsys, "release", tmp_path / "none", code=3)["error"]
    said(capsys, "new", "spring", "--class", tmp_path / "spring")
    nothing = said(capsys, "board", tmp_path / "spring", "--module", "90", "--course", MODULES, code=3)["error"]
    assert "nothing is graded yet. Run: biolab course grade" in nothing
    unreachable = said(
        capsys, "grade", tmp_path / "spring", "--course", MODULES, "--tracking-uri", "http://127.0.0.1:9", code=4
    )["error"]
    assert "cannot be reached" in unreachable
    folder = tmp_path / "91-broken"
    folder.mkdir()
    text = (MODULES / "90-dilution" / "module.md").read_text(encoding="utf-8").replace(":::ko task", ":::ko tusk")
    (folder / "module.md").write_text(text, encoding="utf-8")
    error = said(capsys, "build", folder, "--output", tmp_path, code=3)["error"]
    assert "91-broken/module.md has 2 faults" in error
    assert "key 'task': The Korean block is missing" in error


@pytest.mark.slow
@pytest.mark.skipif(sandbox_fault() is not None, reason=f"no sandbox here: {sandbox_fault()}")
def test_a_class_from_folder_to_board(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    room = tmp_path / "spring"
    made = said(capsys, "new", "spring", "--class", room, "--trainee", "heron", "--trainee", "crane")
    assert made["trainees"] == ["heron", "crane"]
    content = notebook(Module.load(MODULES / "90-dilution"), language="ko", audience="trainee")
    for cell in content["cells"]:
        cell["source"] = SOLVED if cell["id"] == "code-dilution" else cell["source"]
    path = room / "submitted" / "heron" / "90-dilution" / "90-dilution.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    (room / "submitted" / "herom").mkdir()
    (path.parents[2] / "crane" / "90-dilution").mkdir(parents=True)
    for name in ("first.ipynb", "second.ipynb"):
        (path.parents[2] / "crane" / "90-dilution" / name).write_text("{}", encoding="utf-8")
    found = said(capsys, "grade", room, "--course", MODULES)
    graded = found["grades"]
    assert [Path(each).name for each in found["strays"]] == ["herom"]
    assert any("but first.ipynb, second.ipynb; give the one" in each["message"] for each in graded)
    assert {each["trainee"]: (each["verdict"], each["points"]) for each in graded} == {
        "heron": ("graded", 4.0),
        "crane": ("missing", 0),
    }
    assert (room / "grades" / "90-dilution.json").stat().st_mode & 0o077 == 0
    assert "만점 4점" in (room / "feedback" / "heron" / "90-dilution.html").read_text(encoding="utf-8")
    rows = said(capsys, "board", room, "--module", "90", "--course", MODULES)["rows"]
    assert [(each["rank"], each["trainee"]) for each in rows] == [(1, "heron"), (None, "crane")]


@pytest.mark.slow
@pytest.mark.skipif(sandbox_fault() is not None, reason=f"no sandbox here: {sandbox_fault()}")
def test_check_finds_a_test_that_nonsense_passes(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert said(capsys, "check", "90", "--course", MODULES)["modules"][0]["sound"]
    folder = tmp_path / "91-lax"
    folder.mkdir()
    text = (MODULES / "90-dilution" / "module.md").read_text(encoding="utf-8")
    strict = "assert abs(feed_volume_l - 0.2 * working_volume_l) < 0.01 * 0.2 * working_volume_l"
    lax = "assert not abs(feed_volume_l - 0.2 * working_volume_l) > 0.01"
    (folder / "module.md").write_text(text.replace(strict, lax), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["course", "check", str(folder)])
    assert ended.value.code == 1
    assert "dilution-hidden-1 (nan): this answer passes" in capsys.readouterr().out
