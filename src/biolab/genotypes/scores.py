"""Polygenic scores: sums of effect alleles times weights, many at once, with every row of the weights accounted for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from biolab.core import DataError, did_you_mean
from biolab.data.pgs_catalog import read_scoring_file
from biolab.data.plink import chromosome_names
from biolab.data.readers import scan

from .dosages import Dosages
from .handle import Genotypes
from .matching import Ambiguous, MatchBy, match_alleles
from .score_sums import MissingCalls, Scaling, ScoreRule, WeightsUsed, effect_frequency, score_sums

_NOT_WEIGHTS: Final = {"variant_id", "chromosome", "position", "effect_allele", "other_allele"}
# What the Catalog says of a weight that is not one an effect allele.
_NOT_ADDITIVE: Final = {"is_dominant", "is_recessive", "is_interaction", "is_haplotype", "is_diplotype"}
# Columns of a PGS Catalog file, harmonised ones before those the authors gave.
_CATALOGUE: Final = {
    "variant_id": ("hm_rsID", "rsID"),
    "chromosome": ("hm_chr", "chr_name"),
    "position": ("hm_pos", "chr_position"),
    "effect_allele": ("effect_allele",),
    "other_allele": ("other_allele", "hm_inferOtherAllele"),
    "weight": ("effect_weight",),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PolygenicScores:
    """Scores of samples with how their weights were matched.

    ``scores`` has fid, iid, allele_count (alleles called), and for each column of weights the sum
    over alleles and ``*_average``. ``matching`` has one reason for every row of the weights.
    """

    scores: pl.DataFrame
    matching: pl.DataFrame
    counts: dict[str, int]
    names: tuple[str, ...]
    settings: dict[str, object]

    @property
    def metrics(self) -> dict[str, float]:
        """How many rows of the weights have each reason, and mean and standard deviation of each score."""
        found = {f"rows.{reason}": float(count) for reason, count in self.counts.items()}
        for name in self.names:
            values = self.scores[name].to_numpy()
            found |= {
                f"{name}.mean": float(values.mean()),
                f"{name}.sd": float(values.std(ddof=1)) if values.size > 1 else 0.0,
            }
        return found

    def table(self) -> pl.DataFrame:
        """Return the scores, one row a sample."""
        return self.scores

    def percentiles(self, reference: Any = None) -> pl.DataFrame:
        """Place each sample in the distribution of a reference group: ``*_z`` and ``*_percentile`` (0 to 100).

        ``reference`` is a mask or a polars expression over ``scores``; all samples if left out. The percentile is the
        share of the reference below, ties counted half.

        Raises
        ------
        DataError
            If the reference has fewer than two samples.
        """
        group = self.scores if reference is None else self.scores.filter(reference)
        if group.height < 2:
            raise DataError(f"The reference group has {group.height} samples; percentiles need two or more.")
        found = self.scores.select("fid", "iid")
        for name in self.names:
            against, values = np.sort(group[name].to_numpy()), self.scores[name].to_numpy()
            spread = against.std(ddof=1)
            below, up_to = (np.searchsorted(against, values, side=side) for side in ("left", "right"))
            found = found.with_columns(
                pl.Series(
                    f"{name}_z", (values - against.mean()) / spread if spread > 0 else np.full(values.size, np.nan)
                ),
                pl.Series(f"{name}_percentile", 50.0 * (below + up_to) / against.size),
            )
        return found.with_columns(pl.col(pl.Float64).fill_nan(None))


def score(  # noqa: PLR0913 - all but two are keyword-only
    genotypes: Genotypes | Dosages,
    weights: pl.DataFrame | str | Path,
    *,
    missing: MissingCalls = "mean",
    scaling: Scaling | None = None,
    ambiguous: Ambiguous = "exclude",
    plink_compatible: bool = False,
    match_by: MatchBy | None = None,
    frequencies: pl.DataFrame | None = None,
) -> PolygenicScores:
    """Score samples: S_i = sum over variants j of w_j x_ij, with x the dosage of the effect allele.

    ``weights`` is a PGS Catalog file, another table with a path, or a frame: variant_id (or chromosome and position),
    effect_allele, perhaps other_allele, and one or more columns of numbers; null counts as 0. With p the frequency of
    the effect allele among founders (or of ``frequencies``, a table of `allele_frequency`):

    - scaling: None x; "center" x - 2p; "standardize" (x - 2p) / sqrt(2p (1 - p)), 0 where p is 0 or 1.
    - missing: "mean" a missing call is the mean of x so scaled (2p, or 0); "zero" it adds nothing.
    - ambiguous: rows with A/T or C/G alleles are left out or kept as if on the genotypes' strand.
    - plink_compatible: as ``plink2 --score``: never flips strands, keeps ambiguous rows, looks at the effect allele
      alone, and gives a missing call 2p (times the scale) also when centred.

    Imputed dosages (`read_dosages`) are scored by the same rules, missing where neither dosage nor call is known.

    The average is the sum over the number of alleles: 2 x variants if missing calls are imputed, else of those called.

    Raises
    ------
    DataError
        If a column is missing, a weight is not finite, no row can be used, or ``frequencies`` lacks a variant used.

    References
    ----------
    Chang et al. (2015), GigaScience 4:7, doi:10.1186/s13742-015-0047-8

    Lambert et al. (2021), Nat. Genet. 53:420-425, doi:10.1038/s41588-021-00783-5 (PGS Catalog)

    Examples
    --------
    >>> from biolab.genotypes import genotypes_from_dosage
    >>> genotypes = genotypes_from_dosage([[0, 1, 2], [2, None, 0]])
    >>> weights = pl.DataFrame(
    ...     {"variant_id": ["v1", "v2", "v9"], "effect_allele": ["A", "G", "A"], "weight": [1.0, 0.5, 2.0]}
    ... )
    >>> found = score(genotypes, weights)
    >>> found.scores["weight"].to_list(), found.matching["reason"].to_list()
    ([0.0, 1.5, 3.0], ['matched', 'swapped', 'absent'])
    """
    table = _read(weights)
    label = "The weights" if isinstance(weights, pl.DataFrame) else f"{weights}: the weights"
    by = match_by or ("variant_id" if "variant_id" in table.columns else "position")
    _refuse_unnamed(table, label, by)
    names = _weight_columns(table, label)
    given = table.drop("other_allele", strict=False) if plink_compatible else table
    kept_policy: Ambiguous = "keep" if plink_compatible else ambiguous
    matching = match_alleles(given, genotypes.variants, by=by, ambiguous=kept_policy, flip=not plink_compatible)
    if not matching.weight_rows.size:
        counts = ", ".join(f"{count} {reason}" for reason, count in matching.counts.items() if count)
        raise DataError(
            f"No row of the weights can be used: {counts}. {_remedy(table, genotypes, by, matching.counts)}"
        )
    _refuse_infinite(table, names)
    kept = genotypes.select(variants=matching.variant_rows)
    used = WeightsUsed(table=table.select(names), rows=matching.weight_rows, swapped=matching.swapped)
    rule = ScoreRule(missing=missing, scaling=scaling, plink_compatible=plink_compatible)
    given_frequency = None if frequencies is None else effect_frequency(kept.variants, matching.swapped, frequencies)
    sums, called = score_sums(kept, used, rule, given_frequency)
    alleles = np.full(called.size, 2.0 * matching.weight_rows.size) if missing == "mean" else called.astype(np.float64)
    averages = np.divide(sums, alleles[:, None], out=np.full(sums.shape, np.nan), where=alleles[:, None] > 0)
    scores = genotypes.samples.select("fid", "iid").with_columns(
        pl.Series("allele_count", called),
        *[pl.Series(name, sums[:, k]) for k, name in enumerate(names)],
        *[pl.Series(f"{name}_average", averages[:, k]).fill_nan(None) for k, name in enumerate(names)],
    )
    settings: dict[str, object] = {
        "missing": missing, "scaling": scaling, "ambiguous": kept_policy, "plink_compatible": plink_compatible,
        "match_by": by, "frequencies": "founders" if frequencies is None else "given",
    }  # fmt: skip
    return PolygenicScores(
        scores=scores, matching=matching.table, counts=matching.counts, names=tuple(names), settings=settings
    )


def _read(weights: pl.DataFrame | str | Path) -> pl.DataFrame:
    if isinstance(weights, pl.DataFrame):
        return weights
    path = Path(weights)
    named = {".csv", ".tsv", ".parquet", ".arrow"}
    if path.suffixes and path.suffixes[0] in named:
        return scan(path).collect()
    return _catalogued(read_scoring_file(path).variants.collect(), path)


def _catalogued(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Name the columns of a PGS Catalog file as weights are named, harmonised ones first."""
    if "effect_weight" not in frame.columns:
        raise DataError(f"{path} has weights by genotype, not by allele; only additive weights are scored.")
    for flag in _NOT_ADDITIVE & set(frame.columns):
        rows = frame[flag].str.to_lowercase().is_in(["true", "1"]).fill_null(value=False).arg_true()
        if rows.len():
            raise DataError(
                f"{path}: {rows.len():,} variant(s) have {flag} true, the first is row {rows[0] + 1} of the table; "
                "only additive weights are scored. Leave those rows out to score the others."
            )
    found: dict[str, pl.Expr] = {}
    for name, candidates in _CATALOGUE.items():
        given = [pl.col(column) for column in candidates if column in frame.columns]
        if given:
            found[name] = pl.coalesce(given)
    named = frame.select(**found)
    if "chromosome" in named.columns:
        named = named.with_columns(chromosome_names(pl.col("chromosome").cast(pl.String)))
    complete = "variant_id" in named.columns and not named["variant_id"].null_count()
    return named if complete else named.drop("variant_id", strict=False)


def _refuse_unnamed(table: pl.DataFrame, label: str, by: MatchBy) -> None:
    keys = ["variant_id"] if by == "variant_id" else ["chromosome", "position"]
    if {*keys} - {*table.columns}:
        wanted = "variant_id, or chromosome and position" if "variant_id" not in table.columns else " and ".join(keys)
        raise DataError(f"{label} do not name their variants: expected {wanted}; found {', '.join(table.columns)}.")
    if "effect_allele" not in table.columns:
        raise DataError(f"{label} have no column 'effect_allele'. {did_you_mean('effect_allele', table.columns)}")


def _weight_columns(table: pl.DataFrame, label: str) -> list[str]:
    names = [name for name, kind in table.schema.items() if name not in _NOT_WEIGHTS and kind.is_numeric()]
    if not names:
        raise DataError(
            f"{label} have no column of numbers beside the key; found {', '.join(table.columns)}. A column with one "
            "word in it is read as words."
        )
    return names


def _remedy(table: pl.DataFrame, genotypes: Genotypes | Dosages, by: MatchBy, counts: dict[str, int]) -> str:
    """Show how the weights and the genotypes name their first variants, where none was found."""
    if not table.height or not genotypes.variants.height or counts["absent"] < table.height:
        return "Are these weights for the same genome build, and effect alleles in the column effect_allele?"
    keys = ["variant_id"] if by == "variant_id" else ["chromosome", "position"]
    theirs, ours = (":".join(map(str, frame.select(keys).row(0))) for frame in (table, genotypes.variants))
    other = "position" if by == "variant_id" else "variant_id"
    return (
        f"Their first variant is called {theirs}, that of the genotypes {ours}: are names of one kind and positions of "
        f"one genome build? If weights have {'chromosome and position' if by == 'variant_id' else 'names'}, too, "
        f"match by {other} (match_by='{other}', on the command line --match-by {other})."
    )


def _refuse_infinite(table: pl.DataFrame, names: list[str]) -> None:
    finite = table.select(pl.col(names).cast(pl.Float64).is_finite().all())
    for name in names:
        if not finite[name][0]:
            row = int(table.select(~pl.col(name).cast(pl.Float64).is_finite()).to_series().arg_true()[0])
            raise DataError(f"Weight {name!r} is {table[name][row]} in row {row} (counted from 0); expected a number.")
