"""Release through nbgrader: solutions and hidden tests really go, and everybody gets a folder of their own."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from biolab.core import BiolabError, ConfigError, DataError, MissingExtraError
from biolab.course import Classroom, Grade, Module, Trainee, new_classroom, notebook_text, release, trainee
from biolab.course.gradebook import keep_in_gradebook, require_gradebook
from biolab.course.grading import CheckResult
from biolab.course.grading.submission import read_submission
from biolab.course.release import nbgrader_environment, prove_clean
from biolab.reports import grade_and_report

needs_nbgrader = pytest.mark.skipif(find_spec("nbgrader") is None, reason="nbgrader (biolab[course]) is not installed")
COHORT = """
name = "spring"
language = "ko"

[[trainees]]
pseudonym = "heron"

[[trainees]]
pseudonym = "crane"
language = "en"
"""


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    (tmp_path / "cohort.toml").write_text(COHORT, encoding="utf-8")
    return Classroom.open(tmp_path)


@pytest.mark.slow
@needs_nbgrader
def test_nbgrader_takes_out_what_we_take_out(module: Module, classroom: Classroom):
    done = release([module], classroom)
    assert [(each.trainee.pseudonym, each.trainee.language) for each in done] == [("heron", "ko"), ("crane", "en")]
    assert done[0].trainee.seed != done[1].trainee.seed
    for each in done:
        text = (each.folder / "90-dilution.ipynb").read_text(encoding="utf-8")
        prove_clean(module, each.trainee.language, text)
        for secret in ("SOLUTION", "HIDDEN", "0.2 * working_volume_l", "titre_g_per_l / 2.5", "feed_excess"):
            assert secret not in text
        assert ("희석" in text) == (each.trainee.language == "ko")
        assert trainee(each.folder) == each.trainee
    kept = "a trainee's work"
    (done[0].folder / "90-dilution.ipynb").write_text(kept, encoding="utf-8")
    again = release([module], classroom)
    assert [(each.kept, each.outdated) for each in again] == [(True, True), (True, False)]
    assert (done[0].folder / "90-dilution.ipynb").read_text(encoding="utf-8") == kept
    release([module], classroom, again=True)
    assert (done[0].folder / "90-dilution.replaced-1.ipynb").read_text(encoding="utf-8") == kept, "nothing is lost"
    assert (done[0].folder / "90-dilution.ipynb").read_text(encoding="utf-8") != kept
    assert len(list(done[1].folder.glob("*.ipynb"))) == 1, "a notebook that was not changed needs no copy"
    assert (classroom.folder / "gradebook.db").stat().st_mode & 0o077 == 0, "it holds hidden tests"
    grade = Grade(
        module="90-dilution", cohort="spring", trainee="heron", language="ko", seed=1, verdict="graded", answers={},
        checks=(
            CheckResult(name="dilution-hidden-1", exercise="dilution", hidden=True, points=2, passed=True, message=""),
        ),
    )  # fmt: skip
    assert keep_in_gradebook(classroom.folder, [grade]) == 1
    assert gradebook_score(classroom.folder) == (2.0, 4.0)


def gradebook_score(folder: Path) -> tuple[float, float]:
    import subprocess
    import sys

    code = (
        "import sys\nfrom nbgrader.api import Gradebook\nwith Gradebook(sys.argv[1]) as book:\n"
        "    found = book.find_submission('90-dilution', 'heron')\n    print(found.score, found.max_score)"
    )
    database = f"sqlite:///{folder / 'gradebook.db'}"
    out = subprocess.run(
        [sys.executable, "-c", code, database], capture_output=True, text=True, check=True, env=nbgrader_environment()
    ).stdout
    score, most = out.split()
    return float(score), float(most)


@pytest.mark.skipif(find_spec("nbgrader") is not None, reason="nbgrader is installed")
def test_without_nbgrader_the_extra_is_named(module: Module, classroom: Classroom):
    with pytest.raises(MissingExtraError, match=r"biolab\[course\]"):
        release([module], classroom)


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells[5].update(source="feed_volume_l = 0.4"),
        lambda cells: cells.pop(3),
        lambda cells: cells[5].update(outputs=[{"output_type": "stream", "name": "stdout", "text": "0.4"}]),
        lambda cells: cells[5]["metadata"].update(
            left="assert abs(feed_volume_l - 0.2 * working_volume_l) < 0.01 * 0.2 * working_volume_l"
        ),
    ],
    ids=["source", "cell", "output", "metadata"],
)
def test_a_release_that_holds_more_is_not_handed_out(module: Module, change: Callable[[list[dict]], object]):
    clean = notebook_text(module, language="ko", audience="trainee")
    prove_clean(module, "ko", clean)
    content = json.loads(clean)
    change(content["cells"])
    with pytest.raises(BiolabError):
        prove_clean(module, "ko", json.dumps(content, ensure_ascii=False))


def test_a_class_is_read_and_its_faults_are_named(classroom: Classroom, tmp_path: Path):
    heron = classroom.cohort.member("heron", "90-dilution")
    assert heron == Trainee(pseudonym="heron", cohort="spring", module="90-dilution", language="ko")
    with pytest.raises(ConfigError, match="Did you mean 'heron'"):
        classroom.cohort.member("herom", "90-dilution")
    (tmp_path / "cohort.toml").write_text(COHORT.replace('"crane"', '"heron"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="'heron' is given to 2 trainees"):
        Classroom.open(tmp_path)
    (tmp_path / "cohort.toml").write_text(COHORT.replace('"crane"', '"../crane"'), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"trainees\[2\]\.pseudonym"):
        Classroom.open(tmp_path)
    with pytest.raises(ConfigError, match="is there already"):
        new_classroom(tmp_path, "spring", ["heron"])
    (tmp_path / "cohort.toml").write_text("name = 'spring'\ntrainees = []", encoding="utf-8")
    with pytest.raises(ConfigError, match="trainees is empty"):
        Classroom.open(tmp_path)


@pytest.mark.parametrize("name", ["Not a name", "송도", 'x"y', "a/b", "..", "-x", "", "x\n", "a" * 42])
def test_a_name_that_can_be_no_folder_is_refused_before_anything_is_written(tmp_path: Path, name: str):
    for given, trainees in ((name, ["heron"]), ("spring", ["crane", name])):
        with pytest.raises(ConfigError) as refused:
            new_classroom(tmp_path / "new", given, trainees)
        assert repr(name) in str(refused.value)
        assert "expected a-z, 0-9" in str(refused.value)
        assert "faults" not in str(refused.value), "one fault, said once"
    assert not (tmp_path / "new").exists()


def make_gradebook(path: Path, *modules: str) -> None:
    with closing(sqlite3.connect(path)) as book:
        book.execute("CREATE TABLE assignment (name TEXT)")
        book.executemany("INSERT INTO assignment VALUES (?)", [(each,) for each in modules])
        book.commit()


@pytest.mark.slow  # runs where nbgrader is: in `make check`
@needs_nbgrader
def test_a_gradebook_is_looked_at_before_anything_is_graded(tmp_path: Path):
    path = tmp_path / "gradebook.db"
    with pytest.raises(DataError, match="Release the module: biolab course release"):
        require_gradebook(tmp_path, "90-dilution")
    path.write_text("no database", encoding="utf-8")
    with pytest.raises(DataError, match=r"is damaged: file is not a database\. Bring it back"):
        require_gradebook(tmp_path, "90-dilution")
    path.unlink()
    make_gradebook(path, "91-other")
    with pytest.raises(DataError, match="does not know 90-dilution"):
        require_gradebook(tmp_path, "90-dilution")
    assert require_gradebook(tmp_path, "91-other") == path.resolve()
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BiolabError, match=r"cannot be written: database is locked. Make it writable, or end"):
            require_gradebook(tmp_path, "91-other", patience_s=0.05)


@pytest.mark.parametrize("gradebook", [pytest.param(True, marks=[pytest.mark.slow, needs_nbgrader]), False])
def test_what_cannot_be_kept_is_said_before_grading(
    module: Module, classroom: Classroom, monkeypatch: pytest.MonkeyPatch, gradebook: bool
):
    monkeypatch.setattr("biolab.reports.course_grading.grade_class", lambda *_, **__: pytest.fail("it graded"))
    if not gradebook:
        (classroom.folder / "grades").mkdir()
        (classroom.folder / "grades" / "90-dilution.json").write_text("{half", encoding="utf-8")
    with pytest.raises(DataError, match="release" if gradebook else "move it away and grade all"):
        grade_and_report(module, classroom, None, gradebook=gradebook)


def test_a_renamed_notebook_is_found(classroom: Classroom):
    heron = classroom.cohort.member("heron", "90-dilution")
    wanted = classroom.submitted(heron)
    assert wanted.name == "90-dilution.ipynb"
    renamed = wanted.with_name("90-dilution (1).ipynb")
    renamed.parent.mkdir(parents=True)
    renamed.write_text("{}", encoding="utf-8")
    assert classroom.submitted(heron) == renamed
    wanted.write_text("{}", encoding="utf-8")
    assert classroom.submitted(heron) == wanted


def test_a_folder_that_may_not_be_looked_into_is_said_of_its_trainee(
    module: Module, classroom: Classroom, monkeypatch: pytest.MonkeyPatch
):
    def closed(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "glob", closed)
    monkeypatch.setattr(Path, "is_symlink", closed)
    path = classroom.submitted(classroom.cohort.member("heron", "90-dilution"))
    assert path.name == "90-dilution.ipynb"
    with pytest.raises(DataError, match=r"ipynb cannot be read: Permission denied"):
        read_submission(path, module)


@pytest.mark.parametrize(
    ("name", "said"), [("submitted", "looked into"), ("grades", "written"), ("feedback", "written")]
)
def test_folders_that_are_none_stop_grading_before_it_begins(
    module: Module, classroom: Classroom, monkeypatch: pytest.MonkeyPatch, name: str, said: str
):
    monkeypatch.setattr("biolab.reports.course_grading.grade_class", lambda *_, **__: pytest.fail("it graded"))
    (classroom.folder / name).write_text("a file where a folder belongs", encoding="utf-8")
    with pytest.raises(BiolabError, match=rf"{name} cannot be {said}: .*\. Nothing was graded"):
        grade_and_report(module, classroom, None, gradebook=False)
