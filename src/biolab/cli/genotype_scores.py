"""``biolab genotypes score``: polygenic scores of samples from one or more files of weights."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from biolab.core.errors import ConfigError, DataError

from .genotypes import SourceOptions, genotypes
from .options import AsJson
from .steps import Step

if TYPE_CHECKING:
    import polars as pl

    from biolab.genotypes import PolygenicScores


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """How alleles are matched and summed.

    Parameters
    ----------
    missing
        What a missing call adds: the mean of its variant, or nothing.
    scaling
        Dosages as they are, less their mean, or standardised.
    ambiguous
        What becomes of rows with A/T or C/G alleles.
    plink_compatible
        Rules of plink2 --score: no strand flips, a missing call 2p also when centred.
    match_by
        Find variants by name or by chromosome and position; by name where the weights have names, if not said.
    """

    missing: Literal["mean", "zero"] = "mean"
    scaling: Literal["center", "standardize"] | None = None
    ambiguous: Literal["exclude", "keep"] = "exclude"
    plink_compatible: bool = False
    match_by: Literal["variant_id", "position"] | None = None


@genotypes.command
def score(  # noqa: PLR0913 - one keyword an option
    files: Path,
    weights: Annotated[tuple[Path, ...], Parameter(negative="")],
    *,
    out: Path,
    reference: Path | None = None,
    options: ScoreOptions | None = None,
    source: SourceOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Score samples by one or more files of weights, and place them in a reference group.

    Parameters
    ----------
    files
        Name of the genotypes without its ending, or a .vcf, .vcf.gz or .bcf of imputed dosages.
    weights
        PGS Catalog scoring files, or tables with variant_id (or chromosome and position), effect_allele and weights.
    out
        Table of the scores: of each score the sum, NAME_average, NAME_z and NAME_percentile. Beside it OUT.matching.tsv
        is written, with one reason for each row of the weights.
    reference
        Table of the samples (FID, IID) of the reference group; without it, all samples.
    """
    from biolab.data import write_table
    from biolab.genotypes import score as polygenic_score

    read, chosen = source or SourceOptions(), options or ScoreOptions()
    given = read.open(files)
    found: dict[str, PolygenicScores] = {}
    for path in weights:
        for name, scores in _named(path, polygenic_score(given, path, **asdict(chosen))).items():
            if name in found:
                raise ConfigError(f"Two files of weights have a score {name!r}; rename one of the files or columns.")
            found[name] = scores
    table, size = _table(found, reference)
    matching = _matching(found)
    beside = out.with_name(f"{Path(out.name.removesuffix('.gz')).stem}.matching.tsv")
    rows = {f"{name}.{key}": value for name, one in found.items() for key, value in one.metrics.items()}
    Step(
        name="score",
        inputs=[files, *weights, *([reference] if reference else [])],
        settings=asdict(chosen) | read.told(),
        metrics=rows | {"reference": float(size)},
        outputs=[write_table(out, table), write_table(beside, matching)],
        found={"scores": list(found), "counts": {name: one.counts for name, one in found.items()}},
    ).show(as_json=as_json)


def _named(path: Path, scores: "PolygenicScores") -> "dict[str, PolygenicScores]":
    """Split a result by score; the only score of a file takes the file's name."""
    from dataclasses import replace

    single = path.name.split(".")[0] if len(scores.names) == 1 else None
    found = {}
    for name in scores.names:
        label = single or name
        renamed = {name: label, f"{name}_average": f"{label}_average"}
        table = scores.scores.select("fid", "iid", "allele_count", name, f"{name}_average").rename(renamed)
        found[label] = replace(scores, scores=table, names=(label,))
    return found


def _table(found: "dict[str, PolygenicScores]", reference: Path | None) -> "tuple[pl.DataFrame, int]":
    """Set scores, z and percentiles side by side; return how many samples the reference group has."""
    first = next(iter(found.values())).scores.select("fid", "iid")
    inside = _members(first, reference)
    table = first.with_columns(in_reference=inside)
    for name, one in found.items():
        placed = one.percentiles(inside).select(f"{name}_z", f"{name}_percentile")
        table = table.hstack(one.scores.select(name, f"{name}_average")).hstack(placed)
    return table, int(inside.sum())


def _members(samples: "pl.DataFrame", reference: Path | None) -> "pl.Series":
    import polars as pl

    from biolab.data import read_phenotypes

    if reference is None:
        return pl.repeat(value=True, n=samples.height, dtype=pl.Boolean, eager=True).alias("in_reference")
    listed = read_phenotypes(reference).collect()
    keys = [key for key in ("fid", "iid") if key in listed.columns]
    marked = listed.select(keys).with_columns(in_reference=pl.lit(value=True))
    inside = samples.join(marked, on=keys, how="left", maintain_order="left")["in_reference"].fill_null(value=False)
    if inside.sum() < 2:
        raise DataError(f"{reference}: {inside.sum()} of its samples are among the genotypes; expected two or more.")
    return inside


def _matching(found: "dict[str, PolygenicScores]") -> "pl.DataFrame":
    import polars as pl

    tables = [one.matching.select(pl.lit(name).alias("score"), pl.all()) for name, one in found.items()]
    return pl.concat(tables, how="diagonal")
