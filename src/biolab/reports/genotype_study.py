"""A genotype study on disk: the tables and summaries that the steps of a workflow left in one folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from biolab.core import DataError

LEADS: Final = 10
_APART_BP: Final = 250_000
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One scan of a study: what was regressed on what, and its table, one row a variant."""

    name: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]
    table: pl.DataFrame

    def leads(self, *, most: int = LEADS) -> pl.DataFrame:
        """Return the strongest variants, none within 250,000 bases of a stronger one."""
        kept: list[dict[str, Any]] = []
        for row in self.table.drop_nulls("p_value").sort("p_value").head(50 * most).iter_rows(named=True):
            near = any(
                row["chromosome"] == other["chromosome"] and abs(row["position"] - other["position"]) < _APART_BP
                for other in kept
            )
            if not near:
                kept.append(row)
            if len(kept) == most:
                break
        return pl.DataFrame(kept, schema=self.table.schema)


@dataclass(frozen=True, kw_only=True)
class GenotypeStudy:
    """What one institution's workflow found; ``components`` and ``scores`` have a row a person, all else has none.

    ``steps`` maps each step (qc, pca, score) to its summary: settings, metrics and what else it told.
    """

    name: str
    steps: Mapping[str, Mapping[str, Any]]
    quality: pl.DataFrame
    components: pl.DataFrame | None
    scores: pl.DataFrame | None
    matching: pl.DataFrame | None
    scans: tuple[Scan, ...]
    run_id: str | None

    @property
    def settings(self) -> dict[str, object]:
        """The settings of every step and scan."""
        found: dict[str, object] = {name: step["settings"] for name, step in self.steps.items()}
        return found | {f"scan.{scan.name}": dict(scan.settings) for scan in self.scans}

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers of every step and scan that are known, under the step's name."""
        parts = [*((name, step["metrics"]) for name, step in self.steps.items())]
        parts += [(f"scan.{scan.name}", scan.metrics) for scan in self.scans]
        return {
            f"{part}.{name}": float(value) for part, each in parts for name, value in each.items() if value is not None
        }

    @property
    def score_names(self) -> list[str]:
        """The names of the scores."""
        return list(self.steps.get("score", {}).get("scores", []))

    def score_quantiles(self) -> pl.DataFrame:
        """Return quantiles of each score among all persons, to three digits: no person's own value."""
        rows = []
        for name in self.score_names if self.scores is not None else []:
            values = self.scores[name].drop_nulls()  # ty: ignore[not-subscriptable]
            rows += [(name, level, values.quantile(level, "linear")) for level in QUANTILES]
        frame = pl.DataFrame(rows, schema={"score": pl.String, "level": pl.Float64, "value": pl.Float64}, orient="row")
        return frame.with_columns(pl.col("value").round_sig_figs(3))

    def matching_counts(self) -> pl.DataFrame:
        """Return how many rows of the weights of each score have each reason."""
        rows = [
            (score, reason, count)
            for score, counts in self.steps.get("score", {}).get("counts", {}).items()
            for reason, count in counts.items()
        ]
        return pl.DataFrame(rows, schema={"score": pl.String, "reason": pl.String, "rows": pl.Int64}, orient="row")


def read_study(folder: str | Path, *, name: str | None = None) -> GenotypeStudy:
    """Read a folder with clean.json and clean.steps.tsv of ``qc`` and what there is of the other steps.

    components.json and .tsv of ``pca``; scores.json, .tsv and .matching.tsv of ``score``; scan.NAME.json and
    scan.NAME.tsv.gz of ``associate``, one pair a scan; run.json of ``record``. The JSON files are what the commands
    print with ``--json``.

    Raises
    ------
    DataError
        If clean.json is missing, or a file is not what its step writes.
    """
    place = Path(folder)
    steps = {"qc": _summary(place / "clean.json", "qc")}
    for step, file in (("pca", "components"), ("score", "scores")):
        if (place / f"{file}.json").exists():
            steps[step] = _summary(place / f"{file}.json", step)
    scored = "score" in steps
    scans = [
        Scan(
            name=path.name.removeprefix("scan.").removesuffix(".json"),
            settings=(summary := _summary(path, "associate", "combine"))["settings"],
            metrics=summary["metrics"],
            table=_table(path.with_suffix(".tsv.gz"), text=("chromosome", "variant_id", "reason")),
        )
        for path in sorted(place.glob("scan.*.json"))
    ]
    run = place / "run.json"
    return GenotypeStudy(
        name=name or place.resolve().name,
        steps=steps,
        quality=_table(place / "clean.steps.tsv"),
        components=_table(place / "components.tsv", text=("fid", "iid")) if "pca" in steps else None,
        scores=_table(place / "scores.tsv", text=("fid", "iid")) if scored else None,
        matching=_table(place / "scores.matching.tsv", text=("chromosome",)) if scored else None,
        scans=tuple(scans),
        run_id=_summary(run, "record")["run_id"] if run.exists() else None,
    )


def _summary(path: Path, *steps: str) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path} does not exist; write it with: biolab genotypes {steps[0]} ... --json > {path}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not the JSON that biolab genotypes {steps[0]} prints: {error}") from error
    if not isinstance(found, dict) or found.get("step") not in steps:
        raise DataError(f"{path} is not what biolab genotypes {steps[0]} --json prints; expected its key step.")
    return found


def _table(path: Path, *, text: tuple[str, ...] = ()) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(f"{path} does not exist; the step whose summary stands beside it writes it.")
    kinds = dict.fromkeys(text, pl.String)
    try:
        return pl.read_csv(path, separator="\t", null_values="NA", schema_overrides=kinds, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} cannot be read as a table: {error}. Write it again.") from error
