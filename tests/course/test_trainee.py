"""Who works on a module: seeds that follow from names, the card beside the notebook, runs in MLflow."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError
from biolab.course import Trainee, trainee, trainee_seed
from biolab.tracking import COURSE_TAGS, embedded_store, find_course_runs

words = st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)


@given(words, words, words, words)
@settings(max_examples=30, derandomize=True, deadline=None)
def test_another_name_is_another_plant(cohort: str, one: str, other: str, module: str):
    assert (trainee_seed(cohort, one, module) == trainee_seed(cohort, other, module)) == (one == other)
    assert 0 <= trainee_seed(cohort, one, module) < 2**31


def test_draws_are_stable_and_within_their_bounds(heron: Trainee):
    drawn = [heron.draw(name, 0.9, 1.1) for name in ("growth", "uptake", "growth")]
    assert drawn[0] == drawn[2] != drawn[1]
    assert all(0.9 <= each <= 1.1 for each in drawn)


def test_the_card_says_who_and_not_which_plant(heron: Trainee, tmp_path: Path):
    assert trainee(tmp_path).is_guest
    (tmp_path / "trainee.toml").write_text(heron.card(), encoding="utf-8")
    assert trainee(tmp_path) == heron
    (tmp_path / "trainee.toml").write_text(heron.card() + "seed = 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="seed is not a known key"):
        trainee(tmp_path)
    (tmp_path / "trainee.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="Take the file that came with the notebook"):
        trainee(tmp_path)


def test_runs_carry_pseudonym_cohort_module_seed_and_language(heron: Trainee, tmp_path: Path, monkeypatch):
    store = embedded_store(tmp_path)
    run_id = heron.record("first try", {"titre_g_per_l": 2.5}, store=store)
    other = Trainee(pseudonym="crane", cohort="autumn", module="90-dilution")
    other.record("first try", {"titre_g_per_l": 2.0}, store=store)
    found = find_course_runs(store, module="90-dilution", cohort="spring")
    assert [run.run_id for run in found] == [run_id]
    assert {name: found[0].tags[tag] for name, tag in COURSE_TAGS.items()} == heron.tags
    assert found[0].experiment == "biolab/course/90-dilution"
    assert found[0].metrics == {"titre_g_per_l": 2.5}
    assert len(find_course_runs(store, module="90-dilution")) == 2
    monkeypatch.setenv("BIOLAB_COURSE_GRADING", "1")
    assert heron.record("while graded", {"titre_g_per_l": 9.0}, store=store) is None
    assert len(find_course_runs(store, module="90-dilution")) == 2
