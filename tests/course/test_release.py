"""Release through nbgrader: solutions and hidden tests really go, and everybody gets a folder of their own."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from biolab.core import BiolabError, ConfigError, MissingExtraError
from biolab.course import Classroom, Grade, Module, Trainee, new_classroom, notebook_text, release, trainee
from biolab.course.gradebook import keep_in_gradebook
from biolab.course.grading import CheckResult
from biolab.course.release import nbgrader_environment, prove_clean

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
    release([module], classroom)
    assert (done[0].folder / "90-dilution.ipynb").read_text(encoding="utf-8") == kept
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
    with pytest.raises(ConfigError, match="name is"):
        new_classroom(tmp_path / "new", "Not a name", ["heron"])
    assert not (tmp_path / "new" / "cohort.toml").exists()


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
