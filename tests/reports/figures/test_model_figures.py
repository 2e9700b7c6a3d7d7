"""Figures of models and scans: what is drawn is the frame, words stay apart, and nothing to draw is said."""

import re
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.reports import Legend, figures
from biolab.reports.figures.layout import seen_apart, spread_apart
from biolab.reports.figures.quantile_quantile import inflation
from biolab.reports.figures.residual_trend import smooth_trend

LONG = "A feature or model with a very long name that somebody really gave to it, twice over"
GENERATOR = np.random.default_rng(3)


def words(figure) -> list[str]:
    picture = figures.svg(figure, name="test", description="")
    return [node.text or "" for node in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def marked(figure, name: str):
    (found,) = figure.findobj(lambda artist: artist.get_gid() == name)
    return found


def path_frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    lambdas = np.geomspace(1.0, 0.01, 20)
    shrunk = np.maximum(1 - lambdas[:, None] * np.array([1.0, 2.0, 4.0]), 0) * np.array([1.0, -0.5, 0.1])
    wide = pl.DataFrame(shrunk, schema=["nodes", "hormone", LONG]).with_columns(pl.Series("lambda", lambdas))
    validation = pl.DataFrame(
        {
            "lambda": lambdas,
            "log_likelihood": -((np.arange(20) - 12.0) ** 2),
            "standard_error": np.full(20, 20.0),
            "degrees_of_freedom": (shrunk != 0).sum(axis=1),
            "chosen": np.arange(20) == 8,
        }
    )
    return wide.unpivot(index="lambda", variable_name="feature", value_name="coefficient"), validation


def incidence_frame() -> pl.DataFrame:
    rows = [
        (cause, t, 0.01 * t * cause, 0.008 * t * cause, 0.012 * t * cause) for cause in (1, 2) for t in range(1, 20)
    ]
    return pl.DataFrame(rows, schema=["cause", "time", "incidence", "lower", "upper"], orient="row")


def residual_frame() -> pl.DataFrame:
    x = np.linspace(0, 10, 300)
    return pl.DataFrame({"term": ["age"] * 300, "x": x, "residual": 0.3 * x + GENERATOR.normal(size=300)})


def benefit_frame() -> pl.DataFrame:
    cuts = np.linspace(0.1, 0.6, 11)
    known = {"Cox": 0.4 - 0.5 * cuts, "boosted": 0.38 - 0.5 * cuts, "treat all": 0.5 - cuts, "treat none": 0 * cuts}
    return pl.concat(
        pl.DataFrame({"strategy": name, "threshold": cuts, "net_benefit": y, "lower": y - 0.05, "upper": y + 0.05})
        for name, y in known.items()
    )


def calibration_frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    at = np.linspace(0.1, 0.7, 9)
    curves = pl.DataFrame({"model": "Cox", "predicted": at, "observed": 0.9 * at, "note": "ICI 0.04"})
    return curves, curves.with_columns(lower=pl.col("observed") - 0.05, upper=pl.col("observed") + 0.05)


def bin_frame() -> pl.DataFrame:
    lower = np.arange(10) / 10
    counts = {"model": "Cox", "lower": lower, "upper": lower + 0.1, "observed": 60 + 9 * lower, "expected": 65.0}
    return pl.DataFrame({**counts, "note": "p = 0.5"})


def scan_frame() -> pl.DataFrame:
    z = GENERATOR.normal(size=2000)
    z[:3] = (7.0, -6.0, 5.5)
    p = np.exp(-0.717 * np.abs(z) - 0.416 * z**2)
    names = [LONG, *(f"gene{k}" for k in range(1, 2000))]
    return pl.DataFrame({"feature": names, "coef": z / 8, "z": z, "p_value": p, "q_value": np.minimum(p * 2000, 1)})


def genome_frame() -> pl.DataFrame:
    names = [str(number) for number in range(1, 23)] + ["X"]
    place = np.arange(2000)
    return scan_frame().select(
        "p_value",
        variant_id="feature",
        chromosome=pl.Series([names[k] for k in place * 23 // 2000]),
        position=pl.Series(place * 1000 % 87_000),
    )


def pair_frame() -> pl.DataFrame:
    return scan_frame().with_columns(
        z_other=pl.col("z") * 0.5 + pl.Series(GENERATOR.normal(size=2000)), selected=pl.col("z").abs() > 2.5
    )


def draw(name: str, legend: Legend, *, nothing: bool = False):
    path, validation = path_frames()
    curves, groups = calibration_frames()
    scans = scan_frame().with_columns(model=pl.lit(LONG))

    def cut(frame):
        return frame.clear() if nothing else frame

    causes = {1: "recurrence", 2: LONG}
    made = {
        "penalised_path": lambda: figures.penalised_path(cut(path), legend, validation=validation),
        "cumulative_incidence": lambda: figures.cumulative_incidence(cut(incidence_frame()), legend, causes=causes),
        "residual_trend": lambda: figures.residual_trend(cut(residual_frame()), legend, across="Months", up="Residual"),
        "decision_curve": lambda: figures.decision_curve(cut(benefit_frame()), legend, horizon=60),
        "smooth_calibration": lambda: figures.smooth_calibration(cut(curves), legend, horizon=60, groups=groups),
        "d_calibration": lambda: figures.d_calibration(cut(bin_frame()), legend),
        "quantile_quantile": lambda: figures.quantile_quantile(cut(scans), legend),
        "volcano": lambda: figures.volcano(cut(scan_frame()), legend),
        "manhattan": lambda: figures.manhattan(cut(genome_frame()), legend),
        "replication": lambda: figures.replication(cut(pair_frame()), legend, names=("here", LONG)),
    }
    return made[name]()


NAMES = (
    "penalised_path", "cumulative_incidence", "residual_trend", "decision_curve", "smooth_calibration", "d_calibration",
    "quantile_quantile", "volcano", "manhattan", "replication",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_draw_is_said(name):
    assert words(draw(name, Legend(), nothing=True)) == ["No results to draw."]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", NAMES)
def test_words_stay_inside_and_the_figure_describes_itself(name, language):
    figure = draw(name, Legend(language=language, models={"Cox": LONG}))
    figure.draw_without_rendering()
    width = figure.bbox.width
    legends = [text for axes in figure.axes if axes.get_legend() for text in axes.get_legend().get_texts()]
    shown = [*figure.texts, *(text for axes in figure.axes for text in axes.texts), *legends]
    for text in shown:
        box = text.get_window_extent()
        assert -0.02 * width <= box.x0, text
        assert box.x1 <= 1.04 * width, text
    assert figure.get_label()
    assert f'aria-label="{figure.get_label()[:20]}' in figure._repr_html_()


def test_two_figures_of_a_notebook_share_no_id():
    first, second = (draw(name, Legend())._repr_html_() for name in ("volcano", "d_calibration"))
    ids = [set(re.findall(r'\bid="([^"]+)"', picture)) for picture in (first, second)]
    assert not ids[0] & ids[1]


def test_a_path_runs_to_weaker_penalties_and_marks_the_chosen_and_the_best():
    path, validation = path_frames()
    figure = figures.penalised_path(path, Legend(), validation=validation)
    line, curve = marked(figure, "path-nodes"), marked(figure, "curve")
    lower = curve.axes
    assert line.axes.get_xlim() == lower.get_xlim() == pytest.approx((1.0, 0.01))
    mine = path.filter(feature="nodes").sort("lambda", descending=True)
    assert line.get_ydata().tolist() == mine["coefficient"].to_list()
    assert marked(figure, "best").get_xdata()[0] == pytest.approx(validation["lambda"][12])
    chosen = [one.get_xdata()[0] for one in lower.lines if list(one.get_ydata()) == [0, 1]]
    assert chosen == pytest.approx([validation["lambda"][8]])


def test_incidences_are_the_frames():
    figure = draw("cumulative_incidence", Legend())
    assert marked(figure, "curve-1").get_ydata().tolist() == pytest.approx([0.01 * t for t in range(1, 20)])


def test_a_trend_is_found_and_its_band_covers_it():
    frame = residual_frame()
    at, trend, error = smooth_trend(frame["x"].to_numpy(), frame["residual"].to_numpy())
    assert (np.abs(trend - 0.3 * at) < 4 * error).all()
    assert error.max() < 0.5


@pytest.mark.parametrize("values", [np.repeat([0.0, 1.0], 50), np.zeros(100)])
def test_a_trend_over_two_values_or_one_is_finite(values):
    _, trend, error = smooth_trend(values, GENERATOR.normal(size=100))
    assert np.isfinite(trend).all()
    assert np.isfinite(error).all()


def test_only_one_model_has_a_band_of_net_benefit():
    figure = figures.decision_curve(benefit_frame(), Legend(), horizon=60, band="boosted")
    bands = figure.findobj(lambda artist: (artist.get_gid() or "").startswith("band-"))
    assert [band.get_gid() for band in bands] == ["band-boosted"]
    assert {"treat all", "treat none", "Cox", "boosted"} <= set(words(figure))


def test_calibration_keeps_curve_groups_and_note():
    curves, groups = calibration_frames()
    figure = figures.smooth_calibration(curves, Legend(), horizon=60, groups=groups)
    assert marked(figure, "curve-Cox").get_ydata().tolist() == pytest.approx(curves["observed"].to_list())
    assert marked(figure, "groups-Cox").get_xdata().tolist() == pytest.approx(groups["predicted"].to_list())
    assert "Cox: ICI 0.04" in words(figure)


def test_inflation_of_chance_is_one_and_of_shifted_statistics_is_not():
    even = (np.arange(2000) + 0.5) / 2000
    assert inflation(even) == pytest.approx(1.0, abs=0.01)
    assert inflation(even**2) > 2


def test_a_volcano_colours_what_is_below_the_limit_and_names_the_strongest():
    frame = scan_frame()
    figure = figures.volcano(frame, Legend(), named=3, limit=0.05)
    below = frame.filter(pl.col("q_value") < 0.05)
    drawn = len(marked(figure, "harmful").get_xdata()) + len(marked(figure, "protective").get_xdata())
    assert drawn <= below.height
    assert "gene1" in words(figure)
    assert f"q < 0.05: {below.height} of 2,000 features, in colour" in words(figure)


def test_a_manhattan_plot_colours_and_names_what_is_below_the_limit():
    frame = genome_frame()
    figure = figures.manhattan(frame, Legend(), limit=1e-4, named=2)
    below = frame.filter(pl.col("p_value") < 1e-4)
    assert len(marked(figure, "below-limit").get_xdata()) == below.height
    assert f"p < 0.0001: {below.height} of 2,000 variants, in colour" in words(figure)
    drawn = [len(marked(figure, name).get_xdata()) for name in ("even", "odd")]
    assert 500 < sum(drawn) <= 2000 - below.height
    assert {"1", "X", "Chromosome"} <= set(words(figure))


def test_replication_counts_directions():
    frame = pair_frame()
    chosen = frame.filter("selected")
    same = int((chosen["z"] * chosen["z_other"] > 0).sum())
    said = words(figures.replication(frame, Legend(), names=("a", "b")))
    assert f"followed up, same direction: {same}" in said
    assert f"followed up, opposite direction: {chosen.height - same}" in said


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=8))
def test_labels_stand_apart_in_order_and_within_their_limits(places):
    found = spread_apart(sorted(places), 1.0, 0.0, 10.0)
    assert (np.diff(found) >= 1 - 1e-9).all()
    assert min(found) >= -1e-9
    assert max(found) <= 10 + 1e-9


def test_dots_hidden_behind_others_are_left_out():
    figure = draw("volcano", Legend())
    axes = figure.axes[0]
    x = np.concatenate([np.zeros(500), [0.5, 99.0]])
    assert seen_apart(x, np.ones(502), axes).tolist() == [0, 500]
