"""One self-contained HTML page of a comparison: it opens offline and prints well."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from . import figures, tables
from .answer import answer
from .comparison import Comparison
from .language import Language, Prose
from .legend import Legend, in_order, legend_of
from .metrics import MetricKey, metric_keys, metric_label, reading
from .values import known, number

_DIFFERENCES_FIRST = ("harrell_c", "uno_c", "integrated_brier_score")
_RANGE = re.compile(r"\([+−]?[\d.,]+(?:–| to | ~ )[+−]?[\d.,]+\)[.:]?")
SECTIONS = (
    "answer", "patients", "survival", "effects", "prediction", "calibration", "reading", "methods", "limitations",
    "provenance",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Plate:
    """A figure on the page: its SVG, the caption under it and, where there are several, a title above."""

    svg: Markup
    caption: str
    title: str = ""


def page(comparison: Comparison, *, language: Language = "en") -> str:
    """Write a comparison as one HTML file without any outside resource or script.

    The same comparison gives the same bytes: nothing in the page depends on the clock, the machine or its fonts.

    Raises
    ------
    ConfigError
        If biolab does not write in that language.
    """
    legend = legend_of(comparison, language=language)
    say = legend.prose
    content: dict[str, object] = {
        "comparison": comparison,
        "protocol": comparison.protocol,
        "language": language,
        "say": say,
        "pick": say.pick,
        "answer": answer(comparison, language=language),
        "facts": _facts(comparison, say),
        "sections": SECTIONS,
        "site_colours": {legend.site(site): legend.site_colour(site) for site in comparison.sites["site"]},
        "models": [(legend.model(row["model"]), say.pick(row, "description"), legend.model_colour(row["model"]))
                   for row in comparison.models.iter_rows(named=True)],
        "values": _values(comparison, legend),
        "limits": _limitations(comparison, say),
        **_tables(comparison, legend),
        **_plates(comparison, legend),
    }  # fmt: skip
    return _environment().get_template("page.html.j2").render(content)


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("biolab.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["together"] = _together
    return environment


def _together(sentence: str) -> Markup:
    """Keep an estimate's interval on one line."""
    return Markup(_RANGE.sub(r'<span class="together">\g<0></span>', str(escape(sentence))))


def _facts(comparison: Comparison, say: Prose) -> list[tuple[str, str]]:
    """Count what the page rests on; a sum over a suppressed count is itself unknown."""
    totals = []
    for name in ("patients", "events"):
        numbers = [known(value) for value in comparison.cohorts[name].to_list()]
        if numbers and all(value is not None for value in numbers):
            totals.append((say(f"page.{name}"), number(sum(value or 0.0 for value in numbers), 0)))
    sites, models = comparison.sites.height, comparison.models.height
    return [*totals, (say("page.institutions"), str(sites)), (say("page.models"), str(models))]


def _values(comparison: Comparison, legend: Legend) -> dict[str, str]:
    """Gather what the sentences of the page name."""
    say, protocol = legend.prose, comparison.protocol
    methods = sorted({str(method) for method in comparison.pooled["method"].drop_nulls()})
    return {
        "endpoint": say.pick(protocol.endpoint),
        "reference": legend.model(protocol.reference_model),
        "tau": legend.duration(protocol.tau),
        "horizons": ", ".join(legend.duration(horizon) for horizon in protocol.horizons),
        "unit": say.unit(protocol.time_unit),
        "minimum": str(protocol.minimum_cell),
        "sites": str(comparison.sites.height),
        "methods": "; ".join(methods) or say("common.missing"),
        "name": protocol.name,
        "version": str(protocol.version),
        "digest": protocol.sha256[:12],
    }


def _limitations(comparison: Comparison, say: Prose) -> list[str]:
    sites = comparison.sites.height
    first = say("limitations.few", {"sites": sites}) if sites > 1 else say("limitations.single")
    limits = [first, *(say(f"limitations.{name}") for name in ("observational", "practice", "multiple"))]
    missing = sum(known(value) is None for value in comparison.validation["estimate"].to_list())
    if missing:
        values = {"count": missing, "total": comparison.validation.height}
        limits.append(say("limitations.missing", values))
    return limits


def _tables(comparison: Comparison, legend: Legend) -> Mapping[str, object]:
    return {
        "characteristics": tables.characteristics_table(comparison, legend),
        "flow": tables.flow_table(comparison, legend),
        "survival": tables.survival_table(comparison, legend),
        "validation": tables.validation_table(comparison, legend),
        "differences": tables.differences_table(comparison, legend),
        "settings": tables.settings_table(comparison, legend),
        "runs": tables.runs_table(comparison, legend),
        "versions": tables.versions_table(comparison, legend),
    }


def _plates(comparison: Comparison, legend: Legend) -> Mapping[str, object]:
    horizons = sorted(horizon for horizon in comparison.calibration["horizon"].unique() if horizon is not None)
    return {
        "kaplan_meier": _kaplan_meier(comparison, legend),
        "forests": _forests(comparison, legend),
        "matrices": [_matrix(comparison, legend, key) for key in metric_keys(comparison.validation)],
        "differences_plate": _differences(comparison, legend),
        "calibrations": [_calibration(comparison, legend, horizon) for horizon in reversed(horizons)],
    }


def _kaplan_meier(comparison: Comparison, legend: Legend) -> Plate:
    say, protocol = legend.prose, comparison.protocol
    endpoint = say.pick(protocol.endpoint)
    figure = figures.kaplan_meier(
        comparison.survival_curves, comparison.at_risk, legend,
        endpoint=endpoint, horizons=protocol.horizons, minimum_cell=protocol.minimum_cell,
    )  # fmt: skip
    values = {"endpoint": endpoint, "sites": ", ".join(legend.sites.values())}
    picture = figures.svg(figure, name="kaplan-meier", description=say("alt.kaplan_meier", values))
    return Plate(svg=Markup(picture), caption=say("survival.caption", values))


def _forests(comparison: Comparison, legend: Legend) -> list[tuple[Plate, tables.Table]]:
    say = legend.prose
    plates = []
    for place, model in enumerate(in_order(comparison.coefficients["model"], legend.models)):
        figure = figures.forest(comparison.coefficients, comparison.pooled, legend, model=model)
        values = {"model": legend.model(model), "sites": ", ".join(legend.sites.values())}
        picture = figures.svg(figure, name=f"forest-{place}", description=say("alt.forest", values))
        methods = comparison.pooled.filter(pl.col("model") == model)["method"].drop_nulls()
        caption = say("effects.caption", values)
        if not methods.is_empty():
            caption = f"{caption} {say('effects.method', {'method': str(methods[0])})}"
        plate = Plate(svg=Markup(picture), caption=caption, title=values["model"])
        plates.append((plate, tables.hazard_table(comparison, legend, model)))
    return plates


def _matrix(comparison: Comparison, legend: Legend, key: MetricKey) -> Plate:
    figure = figures.validation_matrix(comparison.validation, legend, metric=key.metric, horizon=key.horizon)
    values = {"metric": metric_label(key, legend.prose, legend.time_unit)}
    name = "-".join(["matrix", *[str(part).replace("_", "-").replace(".", "-") for part in key if part is not None]])
    picture = figures.svg(figure, name=_identifier(name), description=legend.prose("alt.matrix", values))
    caption = legend.prose(f"prediction.caption_{reading(key.metric).better}")
    return Plate(svg=Markup(picture), caption=caption, title=values["metric"])


def _differences(comparison: Comparison, legend: Legend) -> Plate:
    keys = metric_keys(comparison.differences)
    first = [key for key in keys if key.metric in _DIFFERENCES_FIRST]
    figure = figures.differences(comparison.differences, legend, measures=first or keys)
    values = {"reference": legend.model(comparison.protocol.reference_model)}
    picture = figures.svg(figure, name="differences", description=legend.prose("alt.differences", values))
    return Plate(svg=Markup(picture), caption=legend.prose("prediction.differences_caption", values))


def _calibration(comparison: Comparison, legend: Legend, horizon: float) -> Plate:
    values = {"time": legend.duration(horizon)}
    figure = figures.calibration(comparison.calibration, legend, horizon=horizon)
    name = _identifier(f"calibration-{horizon:g}")
    picture = figures.svg(figure, name=name, description=legend.prose("alt.calibration", values))
    caption = legend.prose("calibration.caption", values)
    return Plate(svg=Markup(picture), caption=caption, title=legend.prose("calibration.title", values))


def _identifier(text: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
