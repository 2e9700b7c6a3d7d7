"""The figures of a page with their names, captions and spoken descriptions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl
from markupsafe import Markup
from matplotlib.figure import Figure

from . import figures, tables
from .comparison import Comparison
from .legend import OTHERS, Legend, in_order
from .metrics import MetricKey, metric_keys, metric_label, reading

_FUNNEL_FROM = 3
_MOST_DIRECTIONS = 12
_DIFFERENCES_FIRST = ("harrell_c", "uno_c", "integrated_brier_score", "auc", "brier_score", "r2", "rmse")


@dataclass(frozen=True, kw_only=True)
class Plate:
    """A figure on the page: its SVG, the caption under it and, where there are several, a title above."""

    name: str
    svg: Markup
    caption: str
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Plates:
    """All figures of a comparison in the order of the page; each forest comes with the table of its numbers."""

    kaplan_meier: Plate | None
    forests: tuple[tuple[Plate, tables.Table], ...]
    matrices: tuple[Plate, ...]
    transport: Plate | None
    differences: Plate
    calibrations: tuple[Plate, ...]
    pooled: tuple[Plate, ...]
    funnel: Plate | None

    @property
    def files(self) -> dict[str, str]:
        """Every figure as a file of its own: ``kaplan-meier.svg`` and its content."""
        forests = (plate for plate, _ in self.forests)
        plates = (self.kaplan_meier, *forests, self.transport, *self.matrices, self.differences, *self.calibrations)
        plates += (*self.pooled, self.funnel)
        return {f"{plate.name}.svg": str(plate.svg) for plate in plates if plate is not None}


def plates(comparison: Comparison, legend: Legend) -> Plates:
    """Draw every figure of a comparison in the legend's language; calibration starts with the last horizon."""
    horizons = sorted(horizon for horizon in comparison.calibration["horizon"].unique() if horizon is not None)
    survival = comparison.protocol.outcome == "survival"
    timeless = not survival and not comparison.calibration.is_empty()
    models = in_order(comparison.coefficients["model"], legend.models)
    trains = in_order(comparison.validation["train_site"], legend.sites)
    paired = len([site for site in trains if site != OTHERS]) > 1 and _is_paired(comparison)
    keys = metric_keys(comparison.validation) if paired or len(trains) == 1 else []
    return Plates(
        kaplan_meier=_kaplan_meier(comparison, legend) if survival else None,
        forests=tuple(_forest(comparison, legend, model) for model in models),
        matrices=tuple(_matrix(comparison, legend, key) for key in keys),
        transport=_transport(comparison, legend),
        differences=_differences(comparison, legend),
        calibrations=tuple(
            _calibration(comparison, legend, horizon) for horizon in ([None] if timeless else reversed(horizons))
        ),
        pooled=tuple(_pooled(comparison, legend, key) for key in _pooled_keys(comparison)),
        funnel=_funnel(comparison, legend),
    )


def _is_paired(comparison: Comparison) -> bool:
    """Say whether any model of a single site was tested at another: else a matrix would only have a diagonal."""
    single = pl.col("train_site") != OTHERS
    return not comparison.validation.filter(single & (pl.col("train_site") != pl.col("test_site"))).is_empty()


def _transport(comparison: Comparison, legend: Legend) -> Plate | None:
    metric = headline_metric(comparison)
    if metric is None or comparison.transport.filter(pl.col("setting") != "home").is_empty():
        return None
    figure = figures.transport(comparison.validation, comparison.transport, legend, metric=metric)
    values = {"metric": metric_label(MetricKey(metric), legend.prose, legend.time_unit)}
    return rendered(figure, "transport", (legend.prose("alt.transport", values),
                                        " ".join(_transport_caption(comparison, legend, values))))  # fmt: skip


def _transport_caption(comparison: Comparison, legend: Legend, values: dict[str, str]) -> Iterator[str]:
    yield legend.prose("transport.figure_caption", values)
    settings = set(comparison.transport["setting"])
    yield from (legend.prose(f"transport.{name}_mark") for name in ("abroad", "pooled") if name in settings)
    yield legend.prose("transport.chance")


def headline_metric(comparison: Comparison) -> str | None:
    """Return the first measure that the summary over testing sites has."""
    return next(iter(comparison.transport["metric"]), None)


def rendered(figure: Figure, name: str, words: tuple[str, str], title: str = "") -> Plate:
    """Render a figure under a name that serves as id and file name; ``words`` are description and caption."""
    description, caption = words
    safe = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
    picture = figures.svg(figure, name=safe, description=description)
    return Plate(name=safe, svg=Markup(picture), caption=caption, title=title)


def _kaplan_meier(comparison: Comparison, legend: Legend) -> Plate:
    say, protocol = legend.prose, comparison.protocol
    endpoint = say.pick(protocol.endpoint)
    is_curve = pl.len().over("site") > 1
    curves, numbers = comparison.survival_curves.filter(is_curve), comparison.at_risk.filter(is_curve)
    drawn, every = (in_order(frame["site"], legend.sites) for frame in (curves, comparison.survival_curves))
    small = ", ".join(legend.site(site) for site in every if site not in drawn)
    apart = replace(legend, sites={site: legend.site(site) for site in drawn}) if small else legend
    figure = figures.kaplan_meier(curves, numbers, apart, endpoint=endpoint, horizons=protocol.horizons, joined=True)
    values = {"endpoint": endpoint, "sites": ", ".join(legend.site(site) for site in drawn), "small": small}
    told = [say("survival.caption", values), *([say("survival.too_small", values)] if small else [])]
    return rendered(figure, "kaplan-meier", (say("alt.kaplan_meier", values), " ".join(told)))


def _forest(comparison: Comparison, legend: Legend, model: str) -> tuple[Plate, tables.Table]:
    say = legend.prose
    figure = figures.forest(comparison.coefficients, comparison.pooled, legend, model=model)
    values = {"model": legend.model(model), "sites": ", ".join(legend.sites.values())}
    methods = comparison.pooled.filter(pl.col("model") == model)["method"].drop_nulls()
    how = "" if methods.is_empty() else say("effects.method", {"method": say.word("pooling_method", methods[0])})
    caption = f"{say('effects.caption')} {how}".strip()
    plate = rendered(figure, f"forest-{model}", (say("alt.forest", values), caption), legend.model(model))
    return plate, tables.hazard_table(comparison, legend, model)


def _matrix(comparison: Comparison, legend: Legend, key: MetricKey) -> Plate:
    figure = figures.validation_matrix(comparison.validation, legend, metric=key.metric, horizon=key.horizon)
    title = metric_label(key, legend.prose, legend.time_unit)
    name = f"matrix-{key.metric}" if key.horizon is None else f"matrix-{key.metric}-{key.horizon:g}"
    caption = legend.prose(f"prediction.caption_{reading(key.metric).better}")
    return rendered(figure, name, (legend.prose("alt.matrix", {"metric": title}), caption), title)


def _differences(comparison: Comparison, legend: Legend) -> Plate:
    keys = metric_keys(comparison.differences)
    first = [key for key in keys if key.metric in _DIFFERENCES_FIRST]
    figure = figures.differences(_few(comparison.differences), legend, measures=first or keys)
    values = {"reference": legend.model(comparison.protocol.reference_model)}
    words = legend.prose("alt.differences", values), legend.prose("prediction.differences_caption", values)
    return rendered(figure, "differences", words)


def _few(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep the directions a figure has room for: of many, those between institutions, pooled ones if there are any."""
    if frame.select("train_site", "test_site").n_unique() <= _MOST_DIRECTIONS:
        return frame
    external = frame.filter(pl.col("train_site") != pl.col("test_site"))
    pooled = external.filter(pl.col("train_site") == OTHERS)
    return external if pooled.is_empty() else pooled


def _calibration(comparison: Comparison, legend: Legend, horizon: float | None) -> Plate:
    say, is_number = legend.prose, comparison.protocol.outcome == "number"
    figure = figures.calibration(_few(comparison.calibration), legend, horizon=horizon, percent=not is_number)
    if horizon is None:
        values = {"endpoint": say.pick(comparison.protocol.endpoint)}
        words = say("alt.class", values), say("calibration.class_caption", values)
        title = say("calibration.class_title", values)
        if is_number:
            words = say("alt.number", values), say("calibration.number_caption", values)
            title = say("calibration.number_title", values)
        return rendered(figure, "calibration", words, title)
    values = {"time": legend.duration(horizon)}
    words = legend.prose("alt.calibration", values), legend.prose("calibration.caption", values)
    return rendered(figure, f"calibration-{horizon:g}", words, legend.prose("calibration.title", values))


def _pooled_keys(comparison: Comparison) -> list[MetricKey]:
    """Choose one measure of ranking and one of calibration for the figures; the table has them all."""
    keys = metric_keys(_evidence(comparison.meta.pooled, comparison))
    best = MetricKey(comparison.best.metric or "", comparison.best.horizon)
    return [key for key in keys if key in {best, MetricKey("calibration_slope")}]


def _evidence(frame: pl.DataFrame, comparison: Comparison) -> pl.DataFrame:
    return frame.filter(pl.col("evidence") == comparison.best.evidence)


def _pooled(comparison: Comparison, legend: Legend, key: MetricKey) -> Plate:
    sites, pooled = (_evidence(frame, comparison) for frame in (comparison.meta.sites, comparison.meta.pooled))
    label = metric_label(key, legend.prose, legend.time_unit)
    figure = figures.pooled_forest(sites, pooled, legend, key=key)
    told = [legend.prose("pooled.figure_caption")]
    if pooled["prediction_lower"].drop_nulls().len():
        told.append(legend.prose("pooled.bars"))
    words = legend.prose("alt.pooled_forest", {"metric": label}), " ".join(told)
    evidence = {"metric": label, "evidence": legend.prose(f"pooled.{comparison.best.evidence}")}
    return rendered(figure, f"pooled-{key.metric}", words, legend.prose("pooled.heading", evidence))


def _funnel(comparison: Comparison, legend: Legend) -> Plate | None:
    """Draw the funnels of the measure that decides; fewer than three sites have no shape."""
    best = MetricKey(comparison.best.metric or "", comparison.best.horizon)
    sites, pooled = (_evidence(frame, comparison) for frame in (comparison.meta.sites, comparison.meta.pooled))
    at = pl.col("horizon").is_null() if best.horizon is None else pl.col("horizon") == best.horizon
    enough = pooled.filter((pl.col("metric") == best.metric) & at & (pl.col("sites") >= _FUNNEL_FROM))
    if enough.is_empty():
        return None
    figure = figures.funnel(sites, enough, legend, key=best)
    label = metric_label(best, legend.prose, legend.time_unit)
    words = legend.prose("alt.funnel", {"metric": label}), legend.prose("pooled.funnel_caption")
    return rendered(figure, f"funnel-{best.metric}", words, legend.prose("pooled.funnel_title"))
