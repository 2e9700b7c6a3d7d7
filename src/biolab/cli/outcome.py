"""What a comparison prints: one JSON object, or a short table and where to go on."""

from typing import TYPE_CHECKING

from .options import Language, StoreOptions

if TYPE_CHECKING:
    from biolab.joint import Comparison
    from biolab.reports import Published
    from biolab.tracking import Store


def outcome(comparison: "Comparison", published: "Published", store: "Store") -> dict[str, object]:
    """Return the comparison as one JSON-able object; its keys are stable."""
    import polars as pl

    protocol, meta = comparison.protocol, comparison.meta
    named = ("run_id", "name", "site", "model", "model_site", "role", "version", "sha256", "state")
    runs = comparison.runs.select("run_id", "site", "model", "role").to_dicts()
    return {
        "protocol": {"name": protocol.name, "version": protocol.version, "sha256": protocol.sha256},
        "runs": [*runs, {"run_id": published.run_id, "site": None, "model": None, "role": "comparison"}],
        "cohorts": comparison.cohorts.select("site", "patients", "events", "dropped").to_dicts(),
        "validation": comparison.validation.select(
            "model", "train_site", "test_site", "metric", "horizon", "estimate", "lower", "upper"
        ).to_dicts(),
        "matrix": [*_cells(comparison), *_empty_cells(comparison)],
        "meta": {
            "performance": meta.pooled.to_dicts(),
            "sites": meta.sites.to_dicts(),
            "leave_one_out": meta.left_out.to_dicts(),
            "hazard_ratios": comparison.pooled.drop("label_en", "label_ko").to_dicts(),
        },
        "signed": comparison.signed,
        "refused": comparison.refused.select(named).to_dicts(),
        "changed": comparison.changes.to_dicts(),
        "other_versions": comparison.verdicts.filter(pl.col("use") == "other").select(named).to_dicts(),
        "best": comparison.best.facts,
        "fairness": comparison.fairness.to_dicts(),
        "page": str(published.page),
        "tracking_uri": store.tracking_uri,
    }


def _cells(comparison: "Comparison") -> list[dict[str, object]]:
    import polars as pl

    where = ("model", "train_site", "test_site", "metric", "horizon")
    gains = comparison.differences.select(*where, "difference", difference_lower="lower", difference_upper="upper")
    cells = comparison.validation.select(*where, "estimate", "lower", "upper")
    joined = cells.join(gains, on=where, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(status=pl.lit("reported")).to_dicts()


def _empty_cells(comparison: "Comparison") -> list[dict[str, object]]:
    return [{**cell, "status": "missing"} for cell in comparison.missing.to_dicts()]


def print_outcome(comparison: "Comparison", published: "Published", *, mlflow: str, language: Language) -> None:
    """Print the short table, the path of the report and where MLflow is: an address, or the command that opens it."""
    from rich.console import Console
    from rich.table import Table

    from biolab.reports import console_table, standing_lines

    rows = console_table(comparison, language=language)
    table = Table(*rows[0], box=None, title=comparison.protocol.title[language], title_justify="left")
    for row in rows[1:]:
        table.add_row(*row)
    console = Console()
    console.print(table)
    for line in standing_lines(comparison, language=language):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    console.print(f"Report: {published.page}", soft_wrap=True, highlight=False)
    console.print(f"MLflow: {mlflow}", soft_wrap=True, highlight=False)


def ui_command(options: StoreOptions) -> str:
    """Return the command that opens MLflow on a store."""
    words = ["biolab", "ui"]
    if options.tracking_uri is not None:
        words += ["--tracking-uri", options.tracking_uri]
    if options.output != StoreOptions().output:
        words += ["--output", str(options.output)]
    return " ".join(words)
