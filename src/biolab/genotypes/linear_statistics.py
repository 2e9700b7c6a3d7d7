"""The sums that a linear scan needs, variant by variant: what sites can add up instead of sharing persons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from scipy.special import stdtr

from biolab import kernels
from biolab.core import DataError, FitError
from biolab.core.arrays import Float, Int

from .calls import HET, HOM_EFFECT, MISSING
from .dosage_statistics import MissingDosage, dosage_statistics
from .dosages import DosageBlock, Dosages
from .handle import Block, Genotypes
from .scan_table import scan_table
from .selection import variant_table

# What covariates leave of a variant's variance, below which it is said to be one of their combinations.
_COLLINEAR = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearStatistics:
    """Sums over the samples of each variant, of intercept and covariates x, dosage g and outcome y.

    ``xx`` holds the rows of the lower triangle of sum x x' (one row for all variants if they share their samples), and
    the others sum x y, y^2, x g, g^2 and g y. Sums of sites add up; none of them is a person's.
    """

    variants: pl.DataFrame
    names: tuple[str, ...]
    n: Int[np.ndarray, " m"]
    xx: Float[np.ndarray, "s t"]
    xy: Float[np.ndarray, "s c"]
    yy: Float[np.ndarray, " s"]
    xg: Float[np.ndarray, "m c"]
    gg: Float[np.ndarray, " m"]
    gy: Float[np.ndarray, " m"]

    def table(self) -> pl.DataFrame:
        """Return the linear scan of these sums."""
        return solve_linear(self)

    def swapped(self, rows: Int[np.ndarray, " k"]) -> Self:
        """Count the other allele at some variants: g becomes 2 - g."""
        whole = self.spread()
        xg, gg, gy = whole.xg.copy(), whole.gg.copy(), whole.gy.copy()
        sums = whole.xx[rows][:, [k * (k + 1) // 2 for k in range(len(self.names))]]  # of x times the intercept
        gg[rows] += 4 * (sums[:, 0] - xg[rows, 0])
        xg[rows] = 2 * sums - xg[rows]
        gy[rows] = 2 * whole.xy[rows, 0] - gy[rows]
        names = pl.Series(np.isin(np.arange(self.variants.height), rows))
        effect, other = pl.col("effect_allele"), pl.col("other_allele")
        variants = self.variants.with_columns(
            effect_allele=pl.when(names).then(other).otherwise(effect),
            other_allele=pl.when(names).then(effect).otherwise(other),
        )
        return type(self)(
            variants=variants, names=self.names, n=whole.n, xx=whole.xx, xy=whole.xy, yy=whole.yy, xg=xg, gg=gg, gy=gy
        )

    def spread(self) -> Self:
        """Give every variant its own row of the sums that are shared."""
        if len(self.xx) == self.variants.height:
            return self
        m = self.variants.height
        shared = {name: np.repeat(getattr(self, name), m, axis=0) for name in ("xx", "xy", "yy")}
        return type(self)(
            variants=self.variants, names=self.names, n=self.n, xg=self.xg, gg=self.gg, gy=self.gy, **shared
        )


def linear_statistics(
    genotypes: Genotypes | Dosages,
    phenotypes: pl.DataFrame | pl.LazyFrame,
    *,
    outcome: str,
    covariates: Sequence[str] = (),
    missing: MissingDosage = "complete",
) -> LinearStatistics:
    """Add up what a linear scan of one site needs.

    With ``missing="complete"`` a variant's sums are over samples called there; with "mean" a missing dosage is the
    site's own mean, so that sites with missing calls pool to what each imputing by itself gives.

    Raises
    ------
    DataError
        If a column is missing or no sample is left.
    """
    table = scan_table(genotypes, phenotypes, [outcome], covariates)
    design = np.column_stack([np.ones(len(table.outcome)), table.covariates])
    names = ("intercept", *table.covariate_names)
    parts = [
        block_statistics(table.genotypes.variants, block, design, table.outcome[:, 0], names, missing)
        for block in table.genotypes.blocks()
    ]
    return joined_blocks(parts)


def combine(sites: Sequence[LinearStatistics]) -> LinearStatistics:
    """Add up the sums of sites over the variants that all of them have; alleles are turned to the first site's.

    The scan of the result is that of all samples together. Add a covariate for the site where sites differ in level.

    Raises
    ------
    DataError
        If there is no site, one stands twice, covariates differ, or the sites share no variant.

    Examples
    --------
    >>> from biolab.genotypes import genotypes_from_dosage
    >>> genotypes = genotypes_from_dosage([[0, 1, 2, 0, 1, 2, 1, 0]])
    >>> people = genotypes.samples.select("iid", y=pl.Series([1.0, 2, 4, 0, 3, 3, 2, 1]))
    >>> first, second = (genotypes.select(samples=part) for part in ([0, 1, 2, 3], [4, 5, 6, 7]))
    >>> pooled = combine([linear_statistics(site, people, outcome="y") for site in (first, second)]).table()
    >>> whole = linear_statistics(genotypes, people, outcome="y").table()
    >>> bool(np.isclose(pooled["beta"][0], whole["beta"][0], rtol=1e-12))
    True
    """
    if not sites:
        raise DataError("combine needs the sums of one site or more.")
    first = sites[0]
    for site in sites[1:]:
        if site.names != first.names:
            raise DataError(f"Sites differ in covariates: {', '.join(first.names)} and {', '.join(site.names)}.")
    for k, site in enumerate(sites):
        for j, other in enumerate(sites[:k]):
            if np.array_equal(site.gy, other.gy) and np.array_equal(site.xg, other.xg):
                raise DataError(f"Sites {j + 1} and {k + 1} have the very same sums; a site is to be given once.")
    shared = first.variants
    for site in sites[1:]:
        shared = _with_places(shared, site).filter(pl.col("place").is_not_null()).drop("place", "turned")
    if shared.is_empty():
        raise DataError("The sites share no variant with the same name and alleles; are names made alike?")
    total: LinearStatistics | None = None
    for site in sites:
        placed = _with_places(shared, site)
        turned = placed.filter("turned")["place"].to_numpy().astype(np.int64)
        turned_site = site.swapped(turned) if turned.size else site
        part = _rows(turned_site, placed["place"].to_numpy().astype(np.int64))
        total = part if total is None else _added(total, part)
    assert total is not None
    return total


def block_statistics(
    whole: pl.DataFrame,
    block: Block | DosageBlock,
    design: Float[np.ndarray, "n c"],
    outcome: Float[np.ndarray, " n"],
    names: tuple[str, ...],
    missing: MissingDosage,
) -> LinearStatistics:
    """Add up the sums of one block of the variants of a whole."""
    variants = whole[block.places]
    if isinstance(block, DosageBlock):
        return LinearStatistics(
            variants=variants,
            names=names,
            **dosage_statistics(block.dosage, design, outcome, missing),
        )
    samples, c = design.shape
    coding = kernels.Coding.of(len(block.packed))
    products = kernels.packed_products(block.packed, samples, np.column_stack([design, outcome]), coding)
    calls = kernels.packed_counts(block.packed, samples)
    absent = calls[:, MISSING]
    low = np.tril_indices(c)
    xg, gy = products[:, :c].copy(), products[:, c].copy()
    gg = 4.0 * calls[:, HOM_EFFECT] + calls[:, HET]
    xx, xy = (design.T @ design)[low][None], (design.T @ outcome)[None]
    yy, n = np.array([outcome @ outcome]), np.full(len(absent), samples)
    some = np.flatnonzero(absent)
    if some.size and missing == "complete":
        columns = np.column_stack([design[:, low[0]] * design[:, low[1]], design * outcome[:, None], outcome**2])
        gone = np.zeros((len(absent), columns.shape[1]))
        gone[some] = kernels.packed_missing_sums(block.packed[some], samples, columns)
        t = xx.shape[1]
        xx, xy, yy, n = xx - gone[:, :t], xy - gone[:, t : t + c], yy - gone[:, -1], samples - absent
    elif some.size:
        gone = kernels.packed_missing_sums(block.packed[some], samples, np.column_stack([design, outcome]))
        called = samples - absent[some]
        mean = np.divide(
            2.0 * calls[some, HOM_EFFECT] + calls[some, HET], called, out=np.zeros(some.size), where=called > 0
        )
        xg[some] += mean[:, None] * gone[:, :c]
        gy[some] += mean * gone[:, c]
        gg[some] += mean**2 * absent[some]
    return LinearStatistics(variants=variants, names=names, n=n, xx=xx, xy=xy, yy=yy, xg=xg, gg=gg, gy=gy)


def joined_blocks(parts: Sequence[LinearStatistics]) -> LinearStatistics:
    """Set blocks of variants one below the other."""
    first = parts[0]
    shared = all(len(part.xx) == 1 and np.array_equal(part.xx, first.xx) for part in parts)
    rows = list(parts) if shared else [part.spread() for part in parts]
    stacked = {
        name: getattr(rows[0], name) if shared else np.concatenate([getattr(part, name) for part in rows])
        for name in ("xx", "xy", "yy")
    }
    whole = {name: np.concatenate([getattr(part, name) for part in rows]) for name in ("n", "xg", "gg", "gy")}
    return LinearStatistics(
        variants=pl.concat([part.variants for part in parts]), names=parts[0].names, **stacked, **whole
    )


def solve_linear(statistics: LinearStatistics) -> pl.DataFrame:
    """Regress the outcome on each dosage beside the covariates: t-tests with n - c - 1 degrees of freedom.

    Raises
    ------
    FitError
        If the covariates alone are collinear or leave no degree of freedom.
    """
    c = len(statistics.names)
    factor, solvable = _factor(statistics.xx, c)
    u, v = _forward(factor, statistics.xg.T), _forward(factor, statistics.xy.T)
    gg = statistics.gg - (u * u).sum(axis=0)
    gy = statistics.gy - (u * v).sum(axis=0)
    yy = statistics.yy - (v * v).sum(axis=0)
    freedom = statistics.n - c - 1
    first = statistics.xg[:, 0]
    centred = statistics.gg - np.divide(first**2, statistics.n, out=np.zeros(first.size), where=statistics.n > 0)
    constant = centred <= _COLLINEAR * np.maximum(statistics.gg, 1.0)
    fits = ~constant & (gg > _COLLINEAR * centred) & (freedom > 0) & solvable
    with np.errstate(invalid="ignore", divide="ignore"):
        beta = np.where(fits, gy / gg, np.nan)
        rest = np.maximum(yy - beta * gy, 0.0)
        error = np.sqrt(rest / freedom / gg)
        t = beta / error
        p_value = 2 * stdtr(freedom.astype(np.float64), -np.abs(t))
    reason = np.where(fits, "ok", np.where(constant, "constant", np.where(freedom > 0, "collinear", "too few samples")))
    return association_frame(statistics.variants, statistics.n, beta, error, t, p_value, reason)


def association_frame(  # noqa: PLR0913, PLR0917 - the columns of the table
    variants: pl.DataFrame,
    n: Int[np.ndarray, " m"],
    beta: Float[np.ndarray, " m"],
    standard_error: Float[np.ndarray, " m"],
    statistic: Float[np.ndarray, " m"],
    p_value: Float[np.ndarray, " m"],
    reason: Sequence[str] | np.ndarray,
) -> pl.DataFrame:
    """Return the table of a scan; numbers that are not there are null."""
    found = {"n": n, "beta": beta, "standard_error": standard_error, "statistic": statistic, "p_value": p_value}
    return variant_table(variants, found).with_columns(reason=pl.Series(reason, dtype=pl.String))


def _factor(triangles: Float[np.ndarray, "s t"], c: int) -> tuple[Float[np.ndarray, "c c s"], np.ndarray]:
    """Return Cholesky factors side by side, and where there is one; without any the covariates are at fault."""
    s = len(triangles)
    lower, good = np.zeros((c, c, s)), np.ones(s, dtype=bool)
    for i in range(c):
        for j in range(i + 1):
            rest = triangles[:, i * (i + 1) // 2 + j] - (lower[i, :j] * lower[j, :j]).sum(axis=0)
            if j < i:
                lower[i, j] = rest / lower[j, j]
                continue
            enough = rest > _COLLINEAR * np.maximum(triangles[:, i * (i + 1) // 2 + i], 1e-300)
            good &= enough
            lower[i, i] = np.sqrt(np.where(enough, rest, 1.0))
    if s and not good.any():
        raise FitError("A covariate is constant or a combination of the others among these samples; leave it out.")
    return lower, good


def _forward(lower: Float[np.ndarray, "c c s"], right: Float[np.ndarray, "c m"]) -> Float[np.ndarray, "c m"]:
    """Solve L u = right for each factor, or for the one that all share."""
    c = len(lower)
    found = np.empty((c, max(lower.shape[2], right.shape[1])))
    for i in range(c):
        rest = right[i] - (lower[i, :i] * found[:i]).sum(axis=0) if i else right[i]
        found[i] = rest / lower[i, i]
    return found


def _with_places(variants: pl.DataFrame, site: LinearStatistics) -> pl.DataFrame:
    """Add each variant's row at a site and whether its alleles stand the other way round there."""
    there = site.variants.with_row_index("place").select("variant_id", "place", e="effect_allele", o="other_allele")
    joined = variants.join(there, on="variant_id", how="left", maintain_order="left")
    effect, other = pl.col("effect_allele"), pl.col("other_allele")
    same, turned = (pl.col("e") == effect) & (pl.col("o") == other), (pl.col("e") == other) & (pl.col("o") == effect)
    place = pl.when(same | turned).then("place").cast(pl.Int64)
    return joined.with_columns(place=place, turned=turned.fill_null(value=False)).drop("e", "o")


def _rows(site: LinearStatistics, places: Int[np.ndarray, " k"]) -> LinearStatistics:
    own = {name: getattr(site, name)[places] for name in ("n", "xg", "gg", "gy")}
    shared = len(site.xx) == 1 and site.variants.height != 1
    sums = {name: getattr(site, name) if shared else getattr(site, name)[places] for name in ("xx", "xy", "yy")}
    return LinearStatistics(variants=site.variants[places], names=site.names, **own, **sums)


def _added(one: LinearStatistics, two: LinearStatistics) -> LinearStatistics:
    sums = {name: getattr(one, name) + getattr(two, name) for name in ("n", "xx", "xy", "yy", "xg", "gg", "gy")}
    return LinearStatistics(variants=one.variants, names=one.names, **sums)
