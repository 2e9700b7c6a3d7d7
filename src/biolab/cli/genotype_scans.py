"""``biolab genotypes associate``, ``sums`` and ``combine``: scans of one institution and of several together."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from biolab.core.errors import ConfigError

from .genotype_scores import SourceOptions, genotypes
from .options import AsJson
from .steps import Step

if TYPE_CHECKING:
    import polars as pl

Beside = Annotated[tuple[Path, ...], Parameter(name="--with", negative="")]
Names = Annotated[tuple[str, ...], Parameter(negative="")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ScanOptions:
    """What is regressed on what.

    Parameters
    ----------
    outcome
        Column of the outcome; for a Cox model twice, time and then event.
    covariate
        Column of a covariate; once for each.
    beside
        Another table by fid and iid whose columns may be covariates, such as components; once for each.
    missing
        What becomes of samples without a call: left out of that variant's model, or given the mean dosage.
    """

    outcome: Names
    covariate: Names = ()
    beside: Beside = ()
    missing: Literal["complete", "mean"] = "complete"


@genotypes.command
def associate(  # noqa: PLR0913 - one keyword an option
    files: Path,
    phenotypes: Path,
    *,
    scan: ScanOptions,
    model: Literal["linear", "logistic", "cox"] = "linear",
    firth: Literal["fallback", "always", "never"] = "fallback",
    out: Path,
    source: SourceOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Fit one model a variant: outcome on dosage and covariates.

    Parameters
    ----------
    files
        Name of the genotypes without its ending, or a .vcf, .vcf.gz or .bcf of imputed dosages.
    phenotypes
        Table of outcomes and covariates with FID and IID, or IID alone.
    model
        The kind of model.
    firth
        When a logistic model takes Firth's penalty.
    out
        Table of the scan, one row a variant.
    """
    from biolab.data import write_table
    from biolab.genotypes import associate as scan_variants

    read = source or SourceOptions()
    people, given = joined(phenotypes, scan.beside), read.open(files)
    outcome = scan.outcome[0] if len(scan.outcome) == 1 else (scan.outcome[0], scan.outcome[-1])
    if len(scan.outcome) > 2:
        raise ConfigError(f"{len(scan.outcome)} outcomes were named; expected one, or time and event for a Cox model.")
    table = scan_variants(
        given, people, outcome=outcome, covariates=scan.covariate, model=model, missing=scan.missing, firth=firth
    )
    settings = {"outcome": list(scan.outcome), "covariates": list(scan.covariate), "model": model}
    Step(
        name="associate",
        inputs=[files, phenotypes, *scan.beside],
        settings=settings | read.told() | {"missing": scan.missing} | ({"firth": firth} if model == "logistic" else {}),
        metrics=scan_metrics(table),
        outputs=[write_table(out, table)],
    ).show(as_json=as_json)


@genotypes.command
def sums(
    files: Path,
    phenotypes: Path,
    *,
    scan: ScanOptions,
    out: Path,
    source: SourceOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Write the sums of a linear scan, variant by variant, which institutions add up in place of sharing persons.

    Parameters
    ----------
    files
        Name of the genotypes without its ending, or a .vcf, .vcf.gz or .bcf of imputed dosages.
    phenotypes
        Table of outcomes and covariates with FID and IID, or IID alone.
    out
        File of the sums, .parquet.
    """
    from biolab.genotypes import linear_statistics, write_sums

    if len(scan.outcome) != 1:
        raise ConfigError(f"{len(scan.outcome)} outcomes were named; a linear scan has one.")
    people = joined(phenotypes, scan.beside)
    read = source or SourceOptions()
    found = linear_statistics(
        read.open(files), people, outcome=scan.outcome[0], covariates=scan.covariate, missing=scan.missing
    )
    Step(
        name="sums",
        inputs=[files, phenotypes, *scan.beside],
        settings={"outcome": scan.outcome[0], "covariates": list(scan.covariate), "missing": scan.missing}
        | read.told(),
        metrics={"variants": float(found.n.size), "samples": float(found.n.max(initial=0))},
        outputs=[write_sums(found, out)],
    ).show(as_json=as_json)


@genotypes.command
def combine(sums: Annotated[tuple[Path, ...], Parameter(negative="")], *, out: Path, as_json: AsJson = False) -> None:
    """Add up the sums of institutions and write the linear scan of all their persons together.

    Parameters
    ----------
    sums
        Files that biolab genotypes sums wrote.
    out
        Table of the scan, one row a variant.
    """
    from biolab.data import write_table
    from biolab.genotypes import combine as add_up
    from biolab.genotypes import read_sums

    whole = add_up([read_sums(path) for path in sums])
    table = whole.table()
    Step(
        name="combine",
        inputs=sums,
        settings={"covariates": list(whole.names[1:]), "model": "linear"},
        metrics=scan_metrics(table) | {"sites": float(len(sums))},
        outputs=[write_table(out, table)],
    ).show(as_json=as_json)


def joined(phenotypes: Path, beside: tuple[Path, ...]) -> "pl.DataFrame":
    """Read phenotypes and set other tables beside them by fid and iid.

    Raises
    ------
    ConfigError
        If two tables have a column of the same name.
    """
    from biolab.data import read_phenotypes

    whole = read_phenotypes(phenotypes).collect()
    for path in beside:
        more = read_phenotypes(path).collect()
        keys = [key for key in ("fid", "iid") if key in whole.columns and key in more.columns]
        own = [name for name in more.columns if name not in ("fid", "iid")]
        twice = [name for name in own if name in whole.columns]
        if twice:
            raise ConfigError(f"{path} and a table before it both have a column {twice[0]!r}; rename one.")
        whole = whole.join(more.select(*keys, *own), on=keys, how="left", maintain_order="left")
    return whole


def scan_metrics(table: "pl.DataFrame") -> dict[str, float]:
    """Count the variants of a scan and say how inflated it is."""
    from biolab.genotypes import genomic_inflation

    fitted = table["p_value"].drop_nulls()
    counted = {"variants": float(fitted.len()), "samples": float(table["n"].max() or 0)}  # ty: ignore[invalid-argument-type]
    inflation = genomic_inflation(fitted) if fitted.len() else float("nan")
    return counted | {"inflation": inflation, "below_5e-8": float((fitted < 5e-8).sum())}
