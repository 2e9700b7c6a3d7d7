import math
from xml.etree import ElementTree

import polars as pl
import pytest

from biolab.reports import Legend, figures, legend_of
from biolab.reports.metrics import MetricKey

LONG = "The University Hospital of a Very Long Name With Many Departments and Several Campuses"


def words(figure) -> list[str]:
    picture = figures.svg(figure, name="test", description="")
    return [node.text or "" for node in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def marked(figure, prefix: str) -> dict[str, object]:
    artists = figure.findobj(lambda artist: (artist.get_gid() or "").startswith(prefix))
    return {artist.get_gid(): artist for artist in artists}


def kaplan_meier(comparison, language="en", legend=None):
    legend = legend or legend_of(comparison, language=language)
    endpoint = comparison.protocol.endpoint[language]
    return figures.kaplan_meier(
        comparison.survival_curves, comparison.at_risk, legend, endpoint=endpoint, horizons=(36.0, 60.0, 999.0)
    )


class TestKaplanMeier:
    def test_numbers_at_risk_stand_under_the_axis_and_small_ones_are_suppressed(self, comparison):
        said = words(kaplan_meier(comparison))
        for number in comparison.at_risk["at_risk"].drop_nulls():
            assert f"{number:,}" in said
        assert said.count("*") == comparison.at_risk["at_risk"].null_count()

    @pytest.mark.parametrize("language", ["en", "ko"])
    def test_sites_endpoint_and_horizons_are_named(self, comparison, language):
        said = words(kaplan_meier(comparison, language))
        legend = legend_of(comparison, language=language)
        assert set(legend.sites.values()) <= set(said)
        assert comparison.protocol.endpoint[language] in said
        assert legend.duration(36.0) in said
        assert legend.duration(999.0) not in said

    def test_curves_are_the_frames(self, comparison):
        lines = marked(kaplan_meier(comparison), "curve-")
        for index, site in enumerate(comparison.sites["site"]):
            curve = comparison.survival_curves.filter(pl.col("site") == site)
            line = lines[f"curve-{index}"]
            assert list(line.get_xdata()) == curve["time"].to_list()
            assert list(line.get_ydata()) == curve["survival"].to_list()
            assert line.get_drawstyle() == "steps-post"

    def test_nothing_to_draw_is_said(self, comparison):
        figure = figures.kaplan_meier(
            comparison.survival_curves.clear(), comparison.at_risk, legend_of(comparison), endpoint="x"
        )
        assert words(figure) == ["No results to draw."]


class TestForest:
    def test_diamonds_stand_at_the_pooled_estimate(self, comparison):
        figure = figures.forest(comparison.coefficients, comparison.pooled, legend_of(comparison), model="cox")
        diamonds = marked(figure, "pooled-")
        pooled = comparison.pooled.filter(pl.col("model") == "cox")
        assert len(diamonds) == pooled.height
        limits = figure.axes[0].get_xlim()
        for index, row in enumerate(pooled.iter_rows(named=True)):
            corners = diamonds[f"pooled-{index}"].get_xy()
            assert corners[1][0] == corners[3][0] == row["hazard_ratio"]
            if limits[0] <= row["lower"] and row["upper"] <= limits[1]:
                assert (corners[0][0], corners[2][0]) == (row["lower"], row["upper"])
            else:
                assert row["term"] == "size_large"

    def test_an_endless_interval_does_not_flatten_the_others(self, comparison):
        figure = figures.forest(comparison.coefficients, comparison.pooled, legend_of(comparison), model="cox")
        low, high = figure.axes[0].get_xlim()
        assert high / low < 10
        assert "1.44 (0.40–5.11)" in words(figure)

    def test_sites_terms_and_heterogeneity_are_named(self, comparison):
        said = words(figures.forest(comparison.coefficients, comparison.pooled, legend_of(comparison), model="cox"))
        assert said.count("Rotterdam") == said.count("Pooled") == 6
        assert "Progesterone receptor (log scale)" in said
        assert any(text.startswith("I² 88%") for text in said)

    def test_one_site_has_no_diamond(self, one_site):
        figure = figures.forest(one_site.coefficients, one_site.pooled, legend_of(one_site), model="cox")
        assert not marked(figure, "pooled-")

    def test_missing_ratios_and_limits_are_said(self, comparison):
        site = pl.col("site") == "gbsg"
        blank = comparison.coefficients.with_columns(
            pl.when(site).then(float("nan")).otherwise(pl.col("hazard_ratio")).alias("hazard_ratio"),
            pl.lit(None, pl.Float64).alias("lower"),
            pl.lit(None, pl.Float64).alias("standard_error"),
        )
        said = words(figures.forest(blank, comparison.pooled.clear(), legend_of(comparison), model="reference"))
        assert said.count("not available") == 2
        assert any("interval not available" in text for text in said)


class TestValidationMatrix:
    @pytest.mark.parametrize("metric", ["harrell_c", "integrated_brier_score", "calibration_slope"])
    def test_every_estimate_stands_in_a_cell_and_home_is_notched(self, comparison, metric):
        figure = figures.validation_matrix(comparison.validation, legend_of(comparison), metric=metric)
        digits = 2 if metric == "calibration_slope" else 3
        said = words(figure)
        for value in comparison.validation.filter(pl.col("metric") == metric)["estimate"]:
            assert f"{value:.{digits}f}" in said
        notches = figure.findobj(lambda artist: (artist.get_gid() or "").startswith("internal-"))
        assert len(notches) == 2 * 4

    def test_missing_cells_are_shown_as_missing(self, missing_cells):
        legend = legend_of(missing_cells)
        said = words(figures.validation_matrix(missing_cells.validation, legend, metric="harrell_c"))
        assert said.count("n/a") == 3  # one cell gone, one not a number, one without an interval
        assert not any("nan" in text.lower() for text in said)

    def test_many_sites_and_models_get_their_rows(self):
        sites, models = [f"site {place}" for place in range(4)], [f"model {place}" for place in range(6)]
        rows = [(model, a, b, "uno_c", None, 0.7, 0.6, 0.8) for model in models for a in sites for b in sites]
        names = ["model", "train_site", "test_site", "metric", "horizon", "estimate", "lower", "upper"]
        figure = figures.validation_matrix(pl.DataFrame(rows, schema=names, orient="row"), Legend(), metric="uno_c")
        assert words(figure).count("0.700") == 6 * 16


class TestCalibration:
    def test_a_panel_a_model_and_direction_external_first(self, comparison):
        figure = figures.calibration(comparison.calibration, legend_of(comparison), horizon=60.0)
        assert len(figure.findobj(lambda artist: (artist.get_gid() or "").startswith("groups-"))) == 16
        headings = [text for text in words(figure) if text.startswith("Trained")]
        assert "resampled" not in headings[0]
        assert "resampled" in headings[-1]

    def test_points_without_a_number_are_left_out_and_empty_panels_said(self, comparison):
        model = pl.col("model")
        holes = comparison.calibration.with_columns(
            pl.when(pl.col("group") == 1).then(float("nan")).otherwise(pl.col("observed")).alias("observed"),
            pl.when(model == "cox").then(None).otherwise(pl.col("lower")).alias("lower"),
        ).filter(~((model == "boosted") & (pl.col("train_site") == "gbsg")))
        figure = figures.calibration(holes, legend_of(comparison), horizon=36.0)
        assert words(figure).count("n/a") == 2
        points = figure.findobj(lambda artist: (artist.get_gid() or "").startswith("groups-"))
        assert len(points[0].get_xdata()) == 4

    def test_a_number_has_axes_in_its_own_unit(self, comparison):
        whole = comparison.calibration.filter(pl.col("horizon") == 60).with_columns(
            pl.lit(None, dtype=pl.Float64).alias("horizon"),
            *(pl.col(name) * 1000 - 250 for name in ("predicted", "observed", "lower", "upper")),
        )
        figure = figures.calibration(whole, legend_of(comparison), horizon=None, percent=False)
        assert not [text for text in words(figure) if "%" in text]
        assert {"Predicted", "Observed mean", "0", "250"} <= set(words(figure))

    def test_an_unknown_horizon_draws_nothing(self, comparison):
        assert words(figures.calibration(comparison.calibration, legend_of(comparison), horizon=1.0)) == [
            "No results to draw."
        ]


class TestDifferences:
    def test_dots_are_filled_only_when_the_interval_is_clear_of_zero(self, comparison):
        figure = figures.differences(comparison.differences, legend_of(comparison))
        key = pl.col("metric") == "harrell_c"
        frame = comparison.differences.filter(key)
        dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
        drawn = sorted((round(line.get_xdata()[0], 9), line.get_markerfacecolor() != "white") for line in dots)
        expected = sorted(
            (round(row["difference"], 9), row["lower"] > 0 or row["upper"] < 0) for row in frame.iter_rows(named=True)
        )
        assert drawn == expected

    def test_panels_follow_the_measures_and_the_reference_is_not_drawn(self, comparison):
        keys = [MetricKey("integrated_brier_score")]
        figure = figures.differences(comparison.differences, legend_of(comparison), measures=keys)
        said = words(figure)
        assert "Integrated Brier" in said
        assert "left of zero: better than the reference" in said
        assert "Age and nodes" not in said

    def test_missing_differences_are_said(self, comparison):
        blank = comparison.differences.with_columns(difference=pl.lit(math.nan), lower=pl.lit(None, pl.Float64))
        assert words(figures.differences(blank, legend_of(comparison))).count("n/a") == 36
        assert words(figures.differences(blank.clear(), legend_of(comparison))) == ["No results to draw."]


def test_sites_and_models_keep_their_colours_and_differ(comparison):
    legend = legend_of(comparison)
    colours = [legend.site_colour(site) for site in legend.sites] + [
        legend.model_colour(name) for name in legend.models
    ]
    assert len(set(colours)) == len(colours)
    assert legend.site_colour("gbsg") == legend_of(comparison, language="ko").site_colour("gbsg")


def test_very_long_names_stay_inside_the_figure(comparison):
    legend = Legend(sites=dict.fromkeys(("rotterdam", "gbsg"), LONG), models=dict.fromkeys(("cox", "boosted"), LONG))
    built = [
        kaplan_meier(comparison, legend=legend),
        figures.forest(comparison.coefficients, comparison.pooled, legend, model="cox"),
        figures.validation_matrix(comparison.validation, legend, metric="harrell_c"),
        figures.calibration(comparison.calibration, legend, horizon=60.0),
        figures.differences(comparison.differences, legend),
    ]
    for figure in built:
        figure.draw_without_rendering()
        width = figure.bbox.width
        for text in [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]:
            box = text.get_window_extent()
            assert -0.02 * width <= box.x0, text
            assert box.x1 <= 1.04 * width, text


def test_no_figure_touches_the_global_pyplot_state(comparison):
    from matplotlib._pylab_helpers import Gcf  # what pyplot keeps its figures in

    before = Gcf.get_all_fig_managers()
    kaplan_meier(comparison)
    assert Gcf.get_all_fig_managers() == before
