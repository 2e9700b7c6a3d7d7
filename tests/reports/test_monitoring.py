"""Figures of monitoring, in both languages: what is above a limit, what adds to it, and what left the band."""

import numpy as np
import polars as pl
import pytest

from biolab.bioprocess import GoldenBatch, Verdict
from biolab.core import ConfigError
from biolab.reports import contribution_figure, control_chart_figure, golden_batch_figure

HOURS = np.arange(0.0, 240.0, 6.0)
SPE = np.where(HOURS > 150, 9.0, 2.0) + 0.5 * np.sin(HOURS)
VERDICT = Verdict(
    charts=pl.DataFrame({
        "time_h": HOURS, "place": HOURS, "t2": 1.5 + np.sin(HOURS / 30), "t2_limit": 8.0 + 0 * HOURS,
        "spe": SPE, "spe_limit": 6.0 + 0 * HOURS,
    }),
    alarm_h=156.0, statistic="spe", settings={}, variables=("ph_measured", "titre_g_per_l_measured", "mystery"),
    parts={"t2": np.array([0.6, -0.2, 0.1]), "spe": np.array([5.0, 3.0, 1.0])},
)  # fmt: skip
BANDS = pl.DataFrame({"variable": "ph_measured", "time_h": HOURS, "mean": 7.05, "lower": 7.0, "upper": 7.1})
GOLDEN = GoldenBatch(bands=BANDS, coverage=0.95, settings={})
BATCH = pl.DataFrame({"time_h": HOURS, "ph_measured": np.where(HOURS > 100, 7.2, 7.04)})


def found(figure, gid):
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def words(figure):
    return {text.get_text() for text in figure.texts} | {t.get_text() for t in figure.legends[0].get_texts()}


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", {"this batch", "limit", "first alarm, 156 h"}), ("ko", {"이 배치", "관리 한계", "첫 경보, 156 h"})],
)
def test_charts_show_limits_and_what_is_above(language, said):
    figure = control_chart_figure(VERDICT, language=language)
    assert said <= words(figure)
    above = [line.get_xdata() * 24 for line in found(figure, "above")]
    assert above[0].size == 0
    np.testing.assert_allclose(above[1], HOURS[SPE > 6.0])
    assert [line.get_xdata()[0] * 24 for line in found(figure, "alarm")] == [156.0, 156.0]
    assert figure.get_label()


@pytest.mark.parametrize(
    ("language", "title", "name"),
    [("en", "What adds to SPE at 156 h", "pH"), ("ko", "SPE 기여 변수, 156 h", "pH")],
)
def test_contributions_name_variables_and_the_hour(language, title, name):
    figure = contribution_figure(VERDICT, language=language)
    texts = {text.get_text() for text in figure.texts}
    assert {title, name, "mystery"} <= texts
    bars = [bar.get_width() for bar in found(figure, "contribution")]
    np.testing.assert_allclose(bars, [0.6 / 0.9, -0.2 / 0.9, 0.1 / 0.9, 5 / 9, 3 / 9, 1 / 9])
    assert len(found(contribution_figure(VERDICT, most=1), "contribution")) == 2


def test_what_leaves_the_band_stands_out():
    figure = golden_batch_figure(GOLDEN, BATCH, language="ko")
    assert {"이 배치", "정상 배치 범위", "범위 이탈"} <= words(figure)
    (outside,) = found(figure, "outside")
    np.testing.assert_allclose(outside.get_xdata() * 24, HOURS[HOURS > 100])
    inside = golden_batch_figure(GOLDEN, BATCH.with_columns(ph_measured=7.05))
    assert "outside the band" not in words(inside)


def test_words_stay_inside():
    for figure in (
        control_chart_figure(VERDICT, language="ko"),
        contribution_figure(VERDICT, language="ko"),
        golden_batch_figure(GOLDEN, BATCH, language="ko"),
    ):
        figure.draw_without_rendering()
        for text in (*figure.texts, *(text for axes in figure.axes for text in axes.texts)):
            box = text.get_window_extent()
            assert -0.02 * figure.bbox.width <= box.x0, text
            assert box.x1 <= 1.02 * figure.bbox.width, text
            assert box.y1 <= 1.01 * figure.bbox.height, text


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ConfigError, match="Did you mean 'ph_measured'"):
        golden_batch_figure(GOLDEN, BATCH, variables=["ph_measure"])
    oxygen = Verdict(charts=VERDICT.charts.select("time_h", "place"), alarm_h=None, statistic=None, settings={})
    with pytest.raises(ConfigError, match="no contributions"):
        contribution_figure(oxygen)
