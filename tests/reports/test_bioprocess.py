"""Figure and deviation report of a batch, in both languages."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from xml.etree import ElementTree

import polars as pl
import pytest

from biolab.bioprocess import TamperedRecord, batch_record
from biolab.reports.bioprocess import batch_figure, deviation_report
from biolab.reports.figures import svg

from ..bioprocess.made_up_batch import made_up_batch  # noqa: TID252

DRIFT = SimpleNamespace(kind="probe-drift", probe="ph", start_h=120.0)
BATCH = made_up_batch(ph_drift_per_h=0.003)
FAULTY = replace(BATCH, faults=(DRIFT,))
RECORD = batch_record(BATCH, author="kim")


@cache
def drawn(language: str):
    return batch_figure(FAULTY, language=language)


def written(figure) -> set[str]:
    return {text.get_text() for text in figure.texts}


def found(figure, gid: str):
    return figure.findobj(lambda artist: artist.get_gid() == gid)


@pytest.mark.parametrize(
    ("language", "said"), [("en", {"Day", "measured", "pH", "Phases"}), ("ko", {"배양 일수", "용존산소, %", "단계"})]
)
def test_the_figure_says_what_it_shows(language, said):
    figure = drawn(language)
    picture = ElementTree.fromstring(svg(figure, name="test", description=""))
    assert said <= {node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert figure.get_label()
    (line,) = found(figure, "measured-ph")
    assert line.get_ydata().tolist() == BATCH.trajectories["ph_measured"].to_list()
    (dots,) = found(figure, "measured-viable_cells_1e6_per_ml")
    assert len(dots.get_ydata()) == 15
    assert found(figure, "alarm")


def test_faults_and_truth_are_shown_to_who_may_see_them():
    assert "pH probe drifts" in written(drawn("en"))
    assert not found(drawn("en"), "true-ph")
    instructor = batch_figure(FAULTY, truth=True, show_faults=False)
    assert "pH probe drifts" not in written(instructor)
    assert found(instructor, "true-ph")


def test_bands_of_good_batches_stand_behind():
    time = BATCH.trajectories["time_h"]
    band = pl.DataFrame({"variable": "ph_measured", "time_h": time, "mean": 7.05, "lower": 7.0, "upper": 7.1})
    assert len(found(batch_figure(BATCH, bands=band), "band")) == 1


def test_words_stay_inside():
    figure = drawn("ko")
    figure.draw_without_rendering()
    for text in (*figure.texts, *(text for axes in figure.axes for text in axes.texts)):
        box = text.get_window_extent()
        assert -0.02 * figure.bbox.width <= box.x0, text
        assert box.x1 <= 1.02 * figure.bbox.width, text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_report_says_what_is_open_and_what_was_found(language):
    report = deviation_report(RECORD, language=language)
    assert "DEV-001" in report
    assert RECORD.trail.head in report
    assert {"en": "not yet assessed", "ko": "아직 평가하지 않음"}[language] in report
    tampered = TamperedRecord(time_h=24.0).apply(RECORD)
    assert "(row 25): changed in ph_measured" in deviation_report(tampered, language=language)
    quiet = batch_record(made_up_batch(hours=48), author="kim")
    assert {"en": "No deviation", "ko": "일탈이 없습니다"}[language] in deviation_report(quiet, language=language)


def test_the_report_names_who_answered_and_who_reviewed():
    done = RECORD.assess(
        "DEV-001", who="kim", impact="none", root_cause="electrode", corrective_action="calibrated",
        preventive_action="exchange plan",
    ).review(who="lee", decision="approve", why="no impact")  # fmt: skip
    report = deviation_report(done)
    assert "- **Root cause**: electrode" in report
    assert "- **Reviewed by**: lee" in report
    assert "approved by lee on" in report
