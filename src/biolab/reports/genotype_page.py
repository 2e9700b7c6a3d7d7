"""One self-contained HTML page of a genotype study: quality, structure, scores, scans."""

from collections.abc import Sequence

import polars as pl

from biolab import __version__

from . import figures
from .genotype_study import GenotypeStudy, Scan
from .language import Language, Prose
from .legend import Legend
from .page import page_environment
from .plates import Plate, rendered
from .tables.shape import Cell, Group, Table, estimate_cell
from .values import Value, number

_REASONS = ("matched", "swapped", "flipped", "ambiguous", "absent", "mismatched", "duplicate", "multiallelic")


def genotype_page(study: GenotypeStudy, *, language: Language = "en") -> str:
    """Write a genotype study as one HTML file without any outside resource or script.

    The figure of components has a point a person: the page stays where the persons' data may stay.

    Raises
    ------
    ConfigError
        If biolab does not write in that language.
    """
    legend = Legend(language=language)
    say = legend.prose
    sections = ["quality", *(["structure"] if study.components is not None else [])]
    sections += [*(["scores"] if study.scores is not None else []), *(["association"] if study.scans else [])]
    content: dict[str, object] = {
        "study": study,
        "language": language,
        "say": say,
        "sections": [*sections, "limitations", "provenance"],
        "site_colours": {},
        "facts": _facts(study, say),
        "quality_values": _quality_values(study),
        "quality": _quality_table(study, say),
        "components": _components(study, legend),
        "components_said": _components_said(study, say),
        "matching": None if study.scores is None else _matching_table(study, say),
        "scores": _scores(study, legend),
        "scans": [
            (_scan_words(scan, say), *scan_plates(scan, legend), _leads_table(scan, say)) for scan in study.scans
        ],
        "settings": _settings_table(study, say),
        "version": __version__,
    }
    return page_environment().get_template("genotypes.html.j2").render(content)


def scan_plates(scan: Scan, legend: Legend) -> tuple[Plate, Plate]:
    """Draw a scan along the genome, and its p-values against those of chance."""
    say = legend.prose
    words = say("genotypes.alt_scan", {"scan": scan.name}), say("genotypes.manhattan_caption")
    along = rendered(figures.manhattan(scan.table, legend), f"manhattan-{scan.name}", words)
    values = scan.table.select("p_value", model=pl.lit(scan.name))
    words = say("alt.quantile_quantile", {"models": scan.name}), say("genotypes.quantile_caption")
    return along, rendered(figures.quantile_quantile(values, legend), f"quantile-quantile-{scan.name}", words)


def _facts(study: GenotypeStudy, say: Prose) -> list[tuple[str, str]]:
    counted = study.steps["qc"]["metrics"]
    return [
        (say("genotypes.persons"), f"{counted['samples']:,}"),
        (say("genotypes.variants"), f"{counted['variants']:,}"),
        (say("genotypes.scores"), str(len(study.score_names))),
        (say("genotypes.scans"), str(len(study.scans))),
    ]


def _quality_values(study: GenotypeStudy) -> dict[str, str]:
    counted = study.steps["qc"]["metrics"]
    return {
        "variants": f"{counted['variants']:,}",
        "all_variants": f"{counted['variants'] + counted['variants_removed']:,}",
        "persons": f"{counted['samples']:,}",
        "all_persons": f"{counted['samples'] + counted['samples_removed']:,}",
    }


def _quality_table(study: GenotypeStudy, say: Prose) -> Table:
    names = {
        "missing_of_variant": say("genotypes.missing_of_variant"),
        "missing_of_sample": say("genotypes.missing_of_sample"),
        "minor_allele_frequency": say("genotypes.minor_allele_frequency"),
        "hardy_weinberg": say("genotypes.hardy_weinberg"),
        "heterozygosity_sd": say("genotypes.heterozygosity_sd"),
        "kinship": say("genotypes.kinship"),
    }
    rows = [
        [Cell(text=names.get(row["step"], row["step"])), _amount(f"{row['limit']:.3g}"),
         _amount(f"{row['removed']:,}"), _amount(f"{row['remaining']:,}")]
        for row in study.quality.iter_rows(named=True)
    ]  # fmt: skip
    columns = (say("genotypes.step"), say("genotypes.limit"), say("genotypes.removed"), say("genotypes.remaining"))
    return _table(say("genotypes.quality_caption"), columns, rows)


def _components(study: GenotypeStudy, legend: Legend) -> Plate | None:
    if study.components is None or "pc2" not in study.components.columns:
        return None
    frame, say = study.components, legend.prose
    if study.scores is not None and not study.scores["in_reference"].all():
        named = _by_reference(study.scores, say).select("fid", "iid", "group")
        frame = frame.join(named, on=["fid", "iid"], how="left", maintain_order="left")
    metrics = study.steps["pca"]["metrics"]
    shares = [float(value) for k in (1, 2) if (value := metrics.get(f"share.pc{k}")) is not None]
    drawn = figures.genetic_components(frame, legend, shares=shares)
    return rendered(drawn, "components", (say("genotypes.alt_components"), say("genotypes.structure_caption")))


def _components_said(study: GenotypeStudy, say: Prose) -> str:
    metrics = study.steps["pca"]["metrics"] if study.components is not None else {}
    if "of_variants" in metrics:
        values = {"variants": f"{metrics['variants']:,}", "panel": f"{metrics['of_variants']:,}"}
        return say("genotypes.projected_said", values)
    return say("genotypes.structure_said", {"variants": f"{metrics.get('variants', 0):,}"})


def _by_reference(scores: pl.DataFrame, say: Prose) -> pl.DataFrame:
    names = pl.lit(say("genotypes.in_reference")), pl.lit(say("genotypes.not_in_reference"))
    return scores.with_columns(group=pl.when("in_reference").then(names[0]).otherwise(names[1]))


def _scores(study: GenotypeStudy, legend: Legend) -> Plate | None:
    if study.scores is None:
        return None
    say, grouped = legend.prose, _by_reference(study.scores, legend.prose)
    parts = [grouped.select("group", score=pl.lit(name), z=pl.col(f"{name}_z")) for name in study.score_names]
    frame = pl.concat(parts).with_columns(pl.col("z").cast(pl.Float64))
    size = {"reference": f"{int(study.scores['in_reference'].sum()):,}"}
    words = say("genotypes.alt_scores", {"scores": ", ".join(study.score_names)}), say("genotypes.scores_caption", size)
    return rendered(figures.score_distribution(frame, legend), "scores", words)


def _matching_table(study: GenotypeStudy, say: Prose) -> Table:
    heads = {
        "matched": say("genotypes.matched"), "swapped": say("genotypes.swapped"), "flipped": say("genotypes.flipped"),
        "ambiguous": say("genotypes.ambiguous"), "absent": say("genotypes.absent"),
        "mismatched": say("genotypes.mismatched"), "duplicate": say("genotypes.duplicate"),
        "multiallelic": say("genotypes.multiallelic"),
    }  # fmt: skip
    assert study.matching is not None
    used = dict(study.matching.group_by("score").agg(pl.col("used").sum()).iter_rows())
    rows = [
        [Cell(text=name), _amount(f"{sum(counts.values()):,}"), _amount(f"{used.get(name, 0):,}"),
         *(_amount(f"{counts.get(reason, 0):,}") for reason in _REASONS)]
        for name, counts in study.steps["score"]["counts"].items()
    ]  # fmt: skip
    columns = (say("genotypes.score"), say("genotypes.rows"), say("genotypes.used"), *heads.values())
    return _table(say("genotypes.matching_caption"), columns, rows)


def _scan_words(scan: Scan, say: Prose) -> tuple[str, str]:
    """Return a scan's title and what is said of it."""
    models = {
        "linear": say("genotypes.linear"), "logistic": say("genotypes.logistic"), "cox": say("genotypes.cox"),
    }  # fmt: skip
    outcome = scan.settings.get("outcome", scan.name)
    named = ", ".join(outcome) if isinstance(outcome, list) else str(outcome)
    model = str(scan.settings.get("model", "linear"))
    inflation = scan.metrics.get("inflation")
    values = {
        "persons": f"{scan.metrics['samples']:,}", "variants": f"{scan.metrics['variants']:,}",
        "inflation": say("common.missing") if inflation is None else number(inflation, 2),
        "found": f"{scan.metrics['below_5e-8']:,}",
    }  # fmt: skip
    title = say("genotypes.scan_model", {"outcome": named, "model": models.get(model, model)})
    return title, say("genotypes.scan_said", values)


def _leads_table(scan: Scan, say: Prose) -> Table:
    rows = []
    for row in scan.leads().iter_rows(named=True):
        beta, reach = row["beta"], 1.96 * row["standard_error"]
        rows.append(
            [
                Cell(text=row["variant_id"], kind="code"),
                Cell(text=f"{row['chromosome']}:{row['position']:,}"),
                Cell(text=f"{row['effect_allele']} / {row['other_allele']}"),
                estimate_cell(Value(estimate=beta, lower=beta - reach, upper=beta + reach), 3, say, signed=True),
                _amount(f"{row['p_value']:.1e}"),
            ]
        )
    effects = {"logistic": say("genotypes.log_odds"), "cox": say("genotypes.log_hazard")}
    effect = effects.get(str(scan.settings.get("model")), say("genotypes.effect"))
    columns = (
        say("genotypes.variant"), say("genotypes.place"), say("genotypes.alleles"), effect, say("genotypes.p_value"),
    )  # fmt: skip
    return _table(say("genotypes.leads_caption"), columns, rows)


def _settings_table(study: GenotypeStudy, say: Prose) -> Table:
    rows = []
    for part, settings in study.settings.items():
        for name, value in dict(settings).items():  # ty: ignore[no-matching-overload]
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            rows.append([Cell(text=f"{part}.{name}", kind="code"), Cell(text=text, kind="code")])
    return _table(say("genotypes.settings_caption"), (say("methods.setting"), say("methods.value")), rows)


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    return Table(caption=caption, columns=tuple(columns), groups=(Group(rows=tuple(tuple(row) for row in rows)),))


def _amount(text: str) -> Cell:
    return Cell(text=text, kind="number")
