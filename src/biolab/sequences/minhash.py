"""Distances between sequence sets from small sketches of their k-mers (MinHash)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Int, UInt

from .kmers import check_k, kmer_codes, sequence_batches

_Z95 = 1.959963984540054
_MIX = tuple(np.uint64(value) for value in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


@dataclass(frozen=True, kw_only=True, eq=False)
class MinHashDistances:
    """Shared hashes of each pair of sets among the ``compared`` smallest of both together."""

    names: tuple[str, ...]
    k: int
    size: int
    seed: int
    shared: Int[np.ndarray, "n n"]
    compared: Int[np.ndarray, "n n"]

    @property
    def settings(self) -> dict[str, object]:
        """Length of k-mers, size of the sketches, seed of the hash."""
        return {"k": self.k, "size": self.size, "seed": self.seed}

    @property
    def metrics(self) -> dict[str, float]:
        """The number of pairs, and the least and largest distance."""
        distance = self.table()["distance"]
        if distance.is_empty():
            return {"pairs": 0.0}
        return {
            "pairs": float(distance.len()),
            "distance_min": _low(distance.min()),
            "distance_max": _low(distance.max()),
        }

    def table(self) -> pl.DataFrame:
        """Return a row a pair: Jaccard index and Mash distance, each with its 95 % interval.

        The interval of the Jaccard index is Wilson's for ``shared`` of ``compared``; the distance is a falling function
        of the index, so its limits are those of the index. A distance without shared hashes is infinite.
        """
        first, second = np.triu_indices(len(self.names), 1)
        rows = [self._row(int(a), int(b)) for a, b in zip(first, second, strict=True)]
        floats = ("jaccard", "jaccard_lower", "jaccard_upper", "distance", "distance_lower", "distance_upper")
        schema = {"first": pl.String, "second": pl.String, "shared": pl.Int64, "compared": pl.Int64}
        return pl.DataFrame(rows, schema=schema | dict.fromkeys(floats, pl.Float64), orient="row")

    def _row(self, a: int, b: int) -> tuple[str | int | float, ...]:
        shared, compared = int(self.shared[a, b]), int(self.compared[a, b])
        lower, upper = _wilson(shared, compared)
        indices = (shared / compared, lower, upper)
        distances = (mash_distance(index, self.k) for index in (indices[0], upper, lower))
        return (self.names[a], self.names[b], shared, compared, *indices, *distances)


def minhash_distances(
    sets: Mapping[str, pl.DataFrame | pl.LazyFrame], *, k: int = 21, size: int = 1000, seed: int = 42
) -> MinHashDistances:
    """Estimate Jaccard index and mutation distance of each pair of sequence sets (genomes, read sets).

    A sketch holds the ``size`` smallest hashes of a set's canonical k-mers. Of the ``size`` smallest hashes of two
    sketches together, the share in both estimates the Jaccard index j of their k-mers;
    distance = -ln(2 j / (1 + j)) / k estimates substitutions a site, if these are few, random and the sets of one size.

    >>> genome = "ACGTTGCAACGGTCATTGCAGGCATCAACGT"
    >>> sets = {"a": pl.DataFrame({"sequence": [genome]}), "b": pl.DataFrame({"sequence": [genome[::-1]]})}
    >>> minhash_distances(sets | {"c": sets["a"]}, k=7).table().row(1, named=True)["distance"]
    0.0

    Raises
    ------
    ConfigError
        If k is not between 1 and 31, or size not positive.
    DataError
        If there are fewer than two sets, or one has no k-mer.

    References
    ----------
    Ondov et al. (2016), Genome Biology 17:132, doi:10.1186/s13059-016-0997-x
    """
    check_k(k)
    if size < 1:
        raise ConfigError(f"size is {size}; a sketch holds one hash or more.")
    if len(sets) < 2:
        raise DataError(f"{len(sets)} set(s) given; a distance needs two.")
    sketches = {name: sketch(records, k=k, size=size, seed=seed) for name, records in sets.items()}
    for name, hashes in sketches.items():
        if not hashes.size:
            raise DataError(f"Set {name!r} has no {k}-mer of known letters; is k longer than its sequences?")
    names = tuple(sketches)
    shared = np.zeros((len(names), len(names)), dtype=np.int64)
    compared = shared.copy()
    for a, left in enumerate(sketches.values()):
        for b, right in enumerate(sketches.values()):
            together = np.union1d(left, right)[:size]
            compared[a, b] = together.size
            shared[a, b] = np.intersect1d(np.intersect1d(left, right, assume_unique=True), together).size
    return MinHashDistances(names=names, k=k, size=size, seed=seed, shared=shared, compared=compared)


def sketch(records: pl.DataFrame | pl.LazyFrame, *, k: int, size: int, seed: int) -> UInt[np.ndarray, " s"]:
    """Return the smallest distinct hashes of the canonical k-mers of a column ``sequence``, ascending."""
    kept = np.empty(0, dtype=np.uint64)
    for batch in sequence_batches(records, "sequence"):
        hashes = hashed(kmer_codes(batch, k, canonical=True), seed)
        if kept.size == size:
            hashes = hashes[hashes < kept[-1]]
        kept = np.unique(np.concatenate([kept, hashes]))[:size]
    return kept


def hashed(codes: UInt[np.ndarray, " w"], seed: int) -> UInt[np.ndarray, " w"]:
    """Scatter codes over 64 bits by SplitMix64's one-to-one mixing function."""
    with np.errstate(over="ignore"):
        mixed = (codes ^ np.uint64(seed)) + _MIX[0]
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[1]
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[2]
    return mixed ^ (mixed >> np.uint64(31))


def mash_distance(jaccard: float, k: int) -> float:
    """Turn a Jaccard index of k-mers into substitutions a site.

    >>> mash_distance(1.0, 21), mash_distance(0.0, 21)
    (0.0, inf)
    """
    if jaccard <= 0:
        return math.inf
    return max(0.0, -math.log(2 * jaccard / (1 + jaccard)) / k)


def _wilson(found: int, total: int) -> tuple[float, float]:
    share, z2 = found / total, _Z95**2
    centre, spread = share + z2 / (2 * total), _Z95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    lower, upper = ((centre + sign * spread) / (1 + z2 / total) for sign in (-1, 1))
    return (0.0 if found == 0 else max(lower, 0.0)), (1.0 if found == total else min(upper, 1.0))


def _low(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan
