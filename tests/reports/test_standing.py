"""What a page says of its own standing: the best model, what was refused or changed, and what is still missing."""

import dataclasses
from itertools import product

import polars as pl
import pytest

from biolab.joint.pooled_performance import META_SCHEMA
from biolab.reports import LANGUAGES, Plates, figures, legend_of, page, standing_lines, tables
from biolab.reports.legend import Legend
from biolab.reports.metrics import MetricKey
from biolab.reports.standing import best_method, best_sentences, verification_sentences

from .conftest import InventedComparison


def with_faults(comparison: InventedComparison) -> InventedComparison:
    """Refuse one run for a changed number, put one under another version, and leave a direction empty."""
    first, second = comparison.verdicts["run_id"][:2]
    run = pl.col("run_id")
    verdicts = comparison.verdicts.with_columns(
        state=pl.when(run == first).then(pl.lit("changed")).otherwise("state"),
        use=pl.when(run == first).then(pl.lit("refused")).when(run == second).then(pl.lit("other")).otherwise("use"),
    )
    changes = pl.DataFrame(
        [(first, "rotterdam cox", "rotterdam", "cox", "model", "metrics.harrell_c", "0.682", "0.991")],
        schema=comparison.changes.columns, orient="row",
    )  # fmt: skip
    missing = pl.DataFrame(
        [(model, "gbsg", "rotterdam", "not validated yet") for model in ("cox", "reference")],
        schema=comparison.missing.columns, orient="row",
    )  # fmt: skip
    there = (pl.col("train_site") == "gbsg") & (pl.col("test_site") == "rotterdam")
    return dataclasses.replace(
        comparison, verdicts=verdicts, changes=changes, missing=missing,
        validation=comparison.validation.filter(~there),
        differences=comparison.differences.filter(~there),
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_names_what_was_changed_and_what_is_missing(
    small: InventedComparison, small_plates: Plates, language
) -> None:
    html = page(with_faults(small), language=language, drawn=small_plates)
    for text in ("metrics.harrell_c", "0.682", "0.991"):
        assert text in html
    legend = legend_of(small, language=language)
    for key in ("verification.changes_title", "missing.title", "missing.not_validated_yet", "use.refused", "use.other"):
        assert legend.prose(key) in html


def test_sentences_say_whether_runs_hold(small: InventedComparison) -> None:
    legend = legend_of(small)
    assert "Every one of the 8 runs used here holds." in verification_sentences(small, legend)
    told = " ".join(verification_sentences(with_faults(small), legend))
    assert "none of the numbers above: 1" in told
    assert "never pooled: 1" in told
    unsigned = verification_sentences(dataclasses.replace(small, signed=False), legend)
    assert ["demonstration" in sentence for sentence in unsigned] == [True]


def test_the_terminal_is_told_the_same(small: InventedComparison) -> None:
    lines = standing_lines(with_faults(small))
    assert "rotterdam cox (changed after it was finished): metrics.harrell_c: 0.682 → 0.991" in lines
    assert lines[-1] == "Results still to come: 2."


def test_sentences_of_the_best_model(comparison: InventedComparison) -> None:
    legend = legend_of(comparison)
    first, others, where = best_sentences(comparison, legend)
    assert first.startswith("Cox with ridge gains most")
    assert "Cox" in others
    assert "no part in the training" in where
    assert "Bonferroni" in best_method(comparison, legend)
    none = dataclasses.replace(comparison, validation=comparison.validation.clear())
    assert best_sentences(none, legend) == ("No model has been judged yet.",)
    assert best_method(none, legend) == ""


def test_ranking_names_reference_and_best(comparison: InventedComparison) -> None:
    table = tables.ranking_table(comparison, legend_of(comparison))
    texts = [[cell.text for cell in row] for row in table.rows]
    assert next(row[0] for row in texts) == "Cox with ridge"
    assert sum("reference" in row for row in texts) == 1
    assert sum("best" in row for row in texts) == 1


def test_missing_places_are_hatched_for_a_site_that_has_not_reported(comparison: InventedComparison) -> None:
    only = comparison.validation.filter((pl.col("train_site") == "gbsg") & (pl.col("test_site") == "gbsg"))
    legend = legend_of(comparison)
    figure = figures.validation_matrix(only, legend, metric="harrell_c")
    drawn = figures.svg(figure, name="m", description="d")
    assert drawn.count(legend.prose("common.missing_short")) >= 3 * 4


def three_sites() -> tuple[pl.DataFrame, pl.DataFrame]:
    from biolab.joint import pool_performance

    rows = [("cox", train, test, metric, None, value, 0.02)
            for (train, test), value in zip(product("ab", "cde"), (0.7, 0.66, 0.73, 0.69, 0.64, 0.74), strict=True)
            for metric in ("harrell_c", "calibration_slope")]  # fmt: skip
    columns = ("model", "train_site", "test_site", "metric", "horizon", "estimate", "standard_error")
    found = pool_performance(pl.DataFrame(rows, schema=columns, orient="row").cast({"horizon": pl.Float64}))
    assert found.pooled.schema == META_SCHEMA
    return found.sites, found.pooled


@pytest.mark.parametrize("metric", ["harrell_c", "calibration_slope"])
def test_pooled_figures_show_every_site(comparison: InventedComparison, metric: str) -> None:
    sites, pooled = three_sites()
    legend = legend_of(comparison)
    forest = figures.svg(figures.pooled_forest(sites, pooled, legend, key=MetricKey(metric)), name="f", description="d")
    assert legend.prose("figure.new_site") in forest
    funnel = figures.svg(figures.funnel(sites, pooled, legend, key=MetricKey(metric)), name="f", description="d")
    assert legend.prose("figure.standard_error") in funnel
    for draw in (figures.pooled_forest, figures.funnel):
        empty = figures.svg(draw(sites, pooled, legend, key=MetricKey("none")), name="f", description="d")
        assert legend.prose("figure.nothing") in empty


def test_a_pooled_forest_shows_what_is_below_zero_and_diamonds_too_wide_for_the_axis() -> None:
    columns = ("evidence", "model", "metric", "horizon", "site", "estimate", "lower", "upper", "weight")
    rows = [("external", "m", "r2", None, site, value, value - 0.1, value + 0.1, 0.5)
            for site, value in (("a", -0.05), ("b", 0.07))]  # fmt: skip
    sites = pl.DataFrame(rows, schema=columns, orient="row")
    told = {"evidence": "external", "model": "m", "metric": "r2", "horizon": None, "estimate": 0.01}
    pooled = pl.DataFrame([told | {"lower": -3.0, "upper": 3.0, "tau2": 0.1, "i2": 0.5, "prediction_lower": None}])
    figure = figures.pooled_forest(sites, pooled, Legend(sites={"a": "A", "b": "B"}), key=MetricKey("r2"))
    axes = figure.axes[-1]
    squares = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "s"]
    assert squares == [-0.05, 0.07]
    (diamond,) = [patch for patch in axes.patches if patch.get_gid()]
    assert sorted(diamond.get_xy()[:4, 0])[1:3] == [0.01, 0.01]
