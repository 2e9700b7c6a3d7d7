"""One self-contained HTML page of a comparison: it opens offline and prints well."""

import re
from collections.abc import Mapping
from functools import lru_cache

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from . import tables
from .answer import answer
from .comparison import Comparison
from .language import Language, Prose
from .legend import OTHERS, Legend, legend_of
from .plates import Plates, headline_metric, plates
from .standing import best_method, best_sentences, verification_sentences
from .values import known, number

_RANGE = re.compile(r"\([+−]?[\d.,]+(?:–| to | ~ )[+−]?[\d.,]+\)[.:]?")
SECTIONS = (
    "answer", "best", "patients", "survival", "effects", "prediction", "pooled", "calibration", "subgroups", "reading",
    "methods", "limitations", "verification", "provenance",
)  # fmt: skip

_MANY = 9  # directions beyond which the long tables are folded away
_TERMS = {
    "c": {"harrell_c", "uno_c"},
    "versions": {"harrell_c", "uno_c"},
    "auc": {"time_dependent_auc"},
    "brier": {"integrated_brier_score"},
    "class_auc": {"auc"},
    "score": {"brier_score"},
    "r2": {"r2"},
    "error": {"rmse", "mae"},
    "slope": {"calibration_slope"},
    "ratio": {"observed_expected"},
}


def page(comparison: Comparison, *, language: Language = "en", drawn: Plates | None = None) -> str:
    """Write a comparison as one HTML file without any outside resource or script.

    The same comparison gives the same bytes: nothing in the page depends on the clock, the machine or its fonts.

    Parameters
    ----------
    comparison
        What to show.
    language
        Language of the page.
    drawn
        The figures of this comparison in this language, if they have been drawn already.

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
        "best": best_sentences(comparison, legend),
        "best_method": best_method(comparison, legend),
        "verified": verification_sentences(comparison, legend),
        "facts": _facts(comparison, say),
        "sections": _sections(comparison),
        "reading": _reading(comparison),
        "methods": _methods(comparison),
        "panels": _panels(comparison, say),
        "site_colours": {legend.site(site): legend.site_colour(site) for site in comparison.sites["site"]},
        "models": [(legend.model(row["model"]), say.pick(row, "description"), legend.model_colour(row["model"]))
                   for row in comparison.models.iter_rows(named=True)],
        "values": _values(comparison, legend),
        "limits": _limitations(comparison, say),
        **_tables(comparison, legend),
        "plates": drawn or plates(comparison, legend),
    }  # fmt: skip
    return page_environment().get_template("page.html.j2").render(content)


@lru_cache
def page_environment() -> Environment:
    """Return what sets values into the templates of pages."""
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
    counted = {"patients": "patients", "events": "events" if comparison.protocol.outcome == "survival" else "positive"}
    for name, told in counted.items():
        numbers = [known(value) for value in comparison.cohorts[name].to_list()]
        if numbers and all(value is not None for value in numbers):
            totals.append((say(f"page.{told}"), number(sum(value or 0.0 for value in numbers), 0)))
    withheld = comparison.withheld.filter(pl.col("model").is_null()).height
    sites, models = comparison.sites.height, comparison.models.height
    left_out = [(say("page.withheld"), str(withheld))] if withheld else []
    return [*totals, (say("page.institutions"), str(sites)), *left_out, (say("page.models"), str(models))]


def _sections(comparison: Comparison) -> tuple[str, ...]:
    """List the sections that this comparison fills."""
    left_out = {"survival", "effects"} if comparison.protocol.outcome != "survival" else set()
    left_out |= {"subgroups"} if comparison.subgroups.is_empty() else set()
    return tuple(name for name in SECTIONS if name not in left_out)


def _reading(comparison: Comparison) -> list[str]:
    there = set(comparison.validation["metric"])
    terms = [term for term, metrics in _TERMS.items() if there & metrics]
    return [*terms, *(["hr"] if comparison.coefficients.height else []), "interval"]


def _methods(comparison: Comparison) -> list[str]:
    trains = set(comparison.validation["train_site"])
    terms = ["outcome" if comparison.protocol.outcome == "survival" else "class", "internal", "external"]
    terms += ["pooled"] if OTHERS in trains else []
    terms += ["interval"]
    terms += ["censoring"] if comparison.protocol.outcome == "survival" else []
    terms += [] if comparison.pooled.is_empty() else ["pooling"]
    return [*terms, "release"]


def _panels(comparison: Comparison, say: Prose) -> list[str]:
    keys = {"rank-z": "methods.panel_rank_text"}
    return [
        say(keys.get(panel["scale"], "methods.panel_text"), {**panel, "label": say.pick(panel)})
        for panel in comparison.protocol.panels
    ]


def _values(comparison: Comparison, legend: Legend) -> dict[str, str]:
    """Gather what the sentences of the page name."""
    say, protocol = legend.prose, comparison.protocol
    methods = [say.word("pooling_method", name) for name in sorted(set(comparison.pooled["method"].drop_nulls()))]
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
    notes = [
        f"{say.pick(row, 'label') or row['site']}: {note}"
        for row in comparison.sites.iter_rows(named=True)
        if (note := say.pick(row, "note"))
    ]
    limits = [first, *notes, *(say(f"limitations.{name}") for name in ("observational", "practice", "multiple"))]
    missing = sum(known(value) is None for value in comparison.validation["estimate"].to_list())
    if missing:
        values = {"count": missing, "total": comparison.validation.height}
        limits.append(say("limitations.missing", values))
    return limits


def _tables(comparison: Comparison, legend: Legend) -> Mapping[str, object]:
    metric = headline_metric(comparison)
    return {
        "characteristics": tables.characteristics_table(comparison, legend),
        "flow": tables.flow_table(comparison, legend),
        "survival": tables.survival_table(comparison, legend),
        "validation": tables.validation_table(comparison, legend),
        "differences": tables.differences_table(comparison, legend),
        "transport": None if metric is None else tables.transport_table(comparison, legend, metric),
        "withheld": None if comparison.withheld.is_empty() else tables.withheld_table(comparison, legend),
        "signatures": [
            tables.signature_table(comparison, legend, model) for model in tables.trained_signatures(comparison)
        ],
        "subgroup_tables": tables.subgroup_tables(comparison, legend),
        "subgroup_sentences": tables.subgroup_sentences(comparison, legend),
        "pooled_models": OTHERS in set(comparison.validation["train_site"]),
        "across": comparison.cohorts.height > 5,
        "many": comparison.validation.select("train_site", "test_site").n_unique() > _MANY,
        "settings": tables.settings_table(comparison, legend),
        "ranking": tables.ranking_table(comparison, legend),
        "pooled": tables.pooled_table(comparison, legend),
        "fairness": tables.fairness_table(comparison, legend),
        "missing": tables.missing_table(comparison, legend),
        "verification": tables.verification_table(comparison, legend),
        "changes": tables.changes_table(comparison, legend),
        "runs": tables.runs_table(comparison, legend),
        "versions": tables.versions_table(comparison, legend),
    }
