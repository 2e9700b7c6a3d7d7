"""Linkage disequilibrium: pruning to variants that say different things, clumping of a scan's findings."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from biolab import kernels
from biolab.core import DataError
from biolab.core.arrays import Bool, Float, Int

from .calls import HET, HOM_EFFECT, MISSING, call_counts, founders
from .handle import Genotypes

_NO_CHROMOSOME: Final = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pruning:
    """Which variants stay, and for each that goes the variant it was too like."""

    variants: pl.DataFrame
    kept: Bool[np.ndarray, " m"]
    because_of: Int[np.ndarray, " m"]
    r2: Float[np.ndarray, " m"]
    settings: dict[str, object]

    @property
    def metrics(self) -> dict[str, float]:
        """How many variants stay and go."""
        return {"kept": float(self.kept.sum()), "removed": float((~self.kept).sum())}

    def table(self) -> pl.DataFrame:
        """Return one row a variant: kept or not, the variant it was removed for, and their r2."""
        names = self.variants["variant_id"]
        other = [names[place] if place >= 0 else None for place in self.because_of.tolist()]
        return self.variants.select("chromosome", "position", "variant_id").with_columns(
            kept=pl.Series(self.kept),
            because_of=pl.Series(other, dtype=pl.String),
            r2=pl.Series(self.r2).fill_nan(None),
        )


def prune(genotypes: Genotypes, *, window: int = 50, step: int = 5, r2: float = 0.2) -> Pruning:
    """Prune variants as ``--indep-pairwise window step r2``: no pair left in a window has a larger squared correlation.

    Windows of so many variants slide along each chromosome; of a pair above the limit the one with the rarer minor
    allele goes (the later if equal). Correlations are of dosages over founders called at both; variants that do
    not vary go.

    Raises
    ------
    DataError
        If the window holds fewer than two variants or variants are not in order of chromosome and position.
    """
    if window < 2 or step < 1:
        raise DataError(f"window is {window} and step {step} variants; expected at least 2 and 1.")
    counted = founders(genotypes)
    m = genotypes.variants.height
    calls = call_counts(counted)
    copies = 2.0 * calls[:, :MISSING].sum(axis=1)
    frequency = np.divide(2.0 * calls[:, HOM_EFFECT] + calls[:, HET], copies, out=np.zeros(m), where=copies > 0)
    rarity = np.minimum(frequency, 1 - frequency)
    kept, because, largest = rarity > 0, np.full(m, -1), np.full(m, np.nan)
    for first, last in _chromosomes(genotypes.variants):
        _prune_chromosome(counted, (first, last), (window, step, r2), rarity, (kept, because, largest))
    settings: dict[str, object] = {"window": window, "step": step, "r2": r2}
    return Pruning(variants=genotypes.variants, kept=kept, because_of=because, r2=largest, settings=settings)


def _prune_chromosome(
    genotypes: Genotypes,
    span: tuple[int, int],
    rule: tuple[int, int, float],
    rarity: Float[np.ndarray, " m"],
    found: tuple[Bool[np.ndarray, " m"], Int[np.ndarray, " m"], Float[np.ndarray, " m"]],
) -> None:
    window, step, limit = rule
    kept = found[0]
    (first, last), held, planes = span, 0, np.empty(0)
    for start in range(first, last, step):
        stop = min(start + window, last)
        if held < stop or start == first:
            held = min(max(stop, start + 32 * window), last)
            planes = _planes(genotypes, start, held)
            base = start
        fresh = start if start == first else min(start - step + window, last)
        rows = np.flatnonzero(kept[start:stop]) + start
        a, b = _new_pairs(rows, fresh)
        correlation = kernels.correlations(planes, a - base, b - base) ** 2
        above = correlation > limit
        _remove_one_by_one(a[above], b[above], correlation[above], rarity, found)
        if stop == last:
            return


def _remove_one_by_one(
    first: Int[np.ndarray, " p"],
    second: Int[np.ndarray, " p"],
    r2: Float[np.ndarray, " p"],
    rarity: Float[np.ndarray, " m"],
    found: tuple[Bool[np.ndarray, " m"], Int[np.ndarray, " m"], Float[np.ndarray, " m"]],
) -> None:
    """Remove until no pair above the limit is left, in PLINK's order: in each pass a variant meets one such partner."""
    kept, because, largest = found
    partners: dict[int, list[tuple[int, float]]] = {}
    for i, j, value in zip(first.tolist(), second.tolist(), r2.tolist(), strict=True):
        partners.setdefault(i, []).append((j, value))
    removed = bool(partners)
    while removed:
        removed = False
        for i, others in partners.items():
            j, value = next(((j, value) for j, value in others if kept[j]), (-1, 0.0)) if kept[i] else (-1, 0.0)
            if j >= 0:
                loser, winner = (i, j) if rarity[i] < rarity[j] * (1 - 1e-12) else (j, i)
                kept[loser], because[loser], largest[loser] = False, winner, value
                removed = True


def _new_pairs(rows: Int[np.ndarray, " k"], fresh: int) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
    """List pairs whose later variant was not in the window before, in order of the first, then of the second."""
    i, j = np.triu_indices(rows.size, 1)
    new = rows[j] >= fresh
    return rows[i[new]], rows[j[new]]


def clump(
    genotypes: Genotypes,
    scan: pl.DataFrame,
    *,
    p1: float = 1e-4,
    p2: float = 1e-2,
    r2: float = 0.5,
    window_bp: int = 250_000,
) -> pl.DataFrame:
    """Group a scan's findings around the strongest: one row a clump.

    Variants with p below ``p1``, strongest first, take all not yet taken within ``window_bp`` with a squared
    correlation above ``r2`` to them, as ``--clump`` does. Returns chromosome, position, variant_id, p_value, members
    (how many others) and member_ids (those of them with p up to ``p2``, comma separated).

    Raises
    ------
    DataError
        If the scan lacks variant_id or p_value.
    """
    for name in ("variant_id", "p_value"):
        if name not in scan.columns:
            raise DataError(f"The scan has no column {name!r}; give a table of associate.")
    counted = founders(genotypes)
    frame = genotypes.variants.with_row_index("place").join(
        scan.select("variant_id", "p_value").drop_nulls(), on="variant_id", how="inner", maintain_order="left"
    )
    p_value = frame["p_value"].to_numpy()
    chromosome = frame["chromosome"].fill_null(_NO_CHROMOSOME).to_list()
    position, place = frame["position"].to_numpy(), frame["place"].to_numpy().astype(np.int64)
    by_chromosome: dict[str, list[int]] = {}
    for row, name in enumerate(chromosome):
        by_chromosome.setdefault(name, []).append(row)
    free, clumps = np.ones(frame.height, dtype=bool), []
    for lead in np.argsort(p_value, kind="stable").tolist():
        if p_value[lead] > p1:
            break
        if not free[lead]:
            continue
        near = np.array(by_chromosome[chromosome[lead]])
        near = near[(np.abs(position[near] - position[lead]) <= window_bp) & free[near] & (near != lead)]
        members = near[_r2_with(counted, place[lead], place[near]) > r2] if near.size else near
        free[lead], free[members] = False, False
        clumps.append((lead, members))
    leads = [lead for lead, _ in clumps]
    return frame.select("chromosome", "position", "variant_id", "p_value")[leads].with_columns(
        members=pl.Series([len(members) for _, members in clumps], dtype=pl.Int64),
        member_ids=pl.Series(
            [",".join(frame["variant_id"][members[p_value[members] <= p2]].to_list()) for _, members in clumps],
            dtype=pl.String,
        ),
    )


def _r2_with(genotypes: Genotypes, lead: int, others: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    chosen = genotypes.select(variants=np.r_[lead, others])
    planes = _planes(chosen, 0, chosen.variants.height)
    found = kernels.correlations(planes, np.zeros(others.size, dtype=np.int64), np.arange(1, others.size + 1))
    return np.nan_to_num(found) ** 2


def _planes(genotypes: Genotypes, start: int, stop: int) -> np.ndarray:
    part = genotypes.select(variants=np.arange(start, stop))
    packed = [block.packed for block in part.blocks()]
    return kernels.packed_planes(np.concatenate(packed), genotypes.samples.height)


def _chromosomes(variants: pl.DataFrame) -> list[tuple[int, int]]:
    """Return where each chromosome begins and ends.

    Raises
    ------
    DataError
        If one begins twice or positions go back.
    """
    names = variants["chromosome"].fill_null(_NO_CHROMOSOME)
    starts = np.flatnonzero((names != names.shift(1)).fill_null(value=True).to_numpy())
    labels = [names[int(start)] for start in starts]
    if len(set(labels)) != len(labels):
        raise DataError("Variants of one chromosome do not stand together; sort the files (plink2 --sort-vars).")
    ends = [*starts[1:].tolist(), variants.height]
    position = variants["position"].to_numpy()
    for start, end, label in zip(starts.tolist(), ends, labels, strict=True):
        back = np.flatnonzero(np.diff(position[start:end]) < 0)
        if back.size:
            row = start + int(back[0]) + 1
            raise DataError(
                f"Variant {variants['variant_id'][row]!r} on chromosome {label} stands after a larger position; sort "
                "the files (plink2 --sort-vars)."
            )
    return list(zip(starts.tolist(), ends, strict=True))
