"""A set of samples without relatives: who stays, who goes, and because of whom."""

import heapq
from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.core.arrays import Bool, Float, Int

from .handle import Genotypes
from .hardy_weinberg import autosomal
from .missing_calls import missingness
from .relatedness import kinship


@dataclass(frozen=True, kw_only=True, eq=False)
class Unrelated:
    """Which samples stay, and for each that goes its closest relative among those left then."""

    samples: pl.DataFrame
    kept: Bool[np.ndarray, " n"]
    because_of: Int[np.ndarray, " n"]
    kinship: Float[np.ndarray, " n"]
    at_most: float

    @property
    def settings(self) -> dict[str, object]:
        """The limit."""
        return {"at_most": self.at_most}

    @property
    def metrics(self) -> dict[str, float]:
        """How many samples stay and go."""
        return {"kept": float(self.kept.sum()), "removed": float((~self.kept).sum())}

    def table(self) -> pl.DataFrame:
        """Return one row a sample: kept or not, the relative it was removed for, and their kinship."""
        names = self.samples.select("fid", "iid")
        relative = names[np.maximum(self.because_of, 0)].select(
            pl.when(pl.Series(~self.kept)).then(pl.col(name)).alias(f"because_of_{name}") for name in names.columns
        )
        table = names.with_columns(kept=pl.Series(self.kept), kinship=pl.Series(self.kinship).fill_nan(None))
        return table.hstack(relative).select("fid", "iid", "kept", "because_of_fid", "because_of_iid", "kinship")


def unrelated(genotypes: Genotypes, *, at_most: float = 0.0884) -> Unrelated:
    """Leave out samples until no two have a kinship (`kinship`, KING-robust) above ``at_most``.

    The default parts second-degree relatives and closer ones. Who has most relatives left goes first, of equals who
    has more missing calls, then the later one, so that many stay: to keep the most is a problem without a fast
    solution. Of a pair of twins one stays.

    Examples
    --------
    >>> from biolab.genotypes import genotypes_from_dosage, synthetic_genotypes
    >>> dosage = synthetic_genotypes(500, 20, seed=1).genotypes.dosage()
    >>> twice = genotypes_from_dosage(np.column_stack([dosage, dosage[:, 3]]))
    >>> unrelated(twice, at_most=0.3).table().filter(~pl.col("kept")).select("iid", "because_of_iid").rows()
    [('s21', 's4')]

    References
    ----------
    Manichaikul et al. (2010), Bioinformatics 26:2867-2873, doi:10.1093/bioinformatics/btq559
    """
    n = genotypes.samples.height
    relatives = _relatives(genotypes, at_most)
    absent = missingness(autosomal(genotypes)).missing_of_sample if any(relatives) else np.zeros(n, dtype=np.int64)
    kept, because, closest = np.ones(n, dtype=bool), np.full(n, -1), np.full(n, np.nan)
    waiting = [_entry(i, relatives, absent) for i in range(n) if relatives[i]]
    heapq.heapify(waiting)
    while waiting:
        count, _, place = heapq.heappop(waiting)
        i = -place
        if -count != len(relatives[i]) or not relatives[i]:  # it has lost relatives since
            continue
        kept[i] = False
        because[i], closest[i] = max(relatives[i].items(), key=lambda pair: (pair[1], -pair[0]))
        for j in relatives[i]:
            del relatives[j][i]
            heapq.heappush(waiting, _entry(j, relatives, absent))
        relatives[i] = {}
    return Unrelated(samples=genotypes.samples, kept=kept, because_of=because, kinship=closest, at_most=at_most)


def _relatives(genotypes: Genotypes, at_most: float) -> list[dict[int, float]]:
    """Return the relatives of each sample with their kinship."""
    place = {pair: k for k, pair in enumerate(genotypes.samples.select("fid", "iid").iter_rows())}
    found: list[dict[int, float]] = [{} for _ in place]
    pairs = kinship(genotypes, at_least=at_most).filter(pl.col("kinship") > at_most)
    for fid1, iid1, fid2, iid2, value in pairs.select("fid1", "iid1", "fid2", "iid2", "kinship").iter_rows():
        i, j = place[fid1, iid1], place[fid2, iid2]
        found[i][j] = found[j][i] = value
    return found


def _entry(i: int, relatives: list[dict[int, float]], absent: Int[np.ndarray, " n"]) -> tuple[int, int, int]:
    """Order samples by relatives, then missing calls, then place, the most first."""
    return -len(relatives[i]), -int(absent[i]), -i
