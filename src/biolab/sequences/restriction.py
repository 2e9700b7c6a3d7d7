"""Restriction sites and the fragments of a digest, by Biopython's copy of REBASE."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biolab.core import ConfigError, DataError, did_you_mean

from .reading_frames import nucleotide_records

if TYPE_CHECKING:
    from Bio.Restriction.Restriction import RestrictionBatch

_SITES: Final = {
    "record_id": pl.String,
    "enzyme": pl.String,
    "site": pl.String,
    "cut": pl.Int64,
    "cut_other_strand": pl.Int64,
    "end": pl.String,
}
_FRAGMENTS: Final = {"record_id": pl.String, "start": pl.Int64, "end": pl.Int64, "length": pl.Int64}


@dataclass(frozen=True, kw_only=True, eq=False)
class RestrictionMap:
    """Where enzymes cut records; ``lengths`` are the records' own."""

    enzymes: tuple[str, ...]
    circular: bool
    lengths: dict[str, int]
    cuts: pl.DataFrame

    @property
    def settings(self) -> dict[str, object]:
        """The enzymes looked for, and whether records were taken as circles."""
        return {"enzymes": list(self.enzymes), "circular": self.circular}

    @property
    def metrics(self) -> dict[str, float]:
        """Cuts in all, and how many enzymes cut once and never."""
        times = self.cuts["enzyme"].value_counts()
        return {
            "cuts": float(self.cuts.height),
            "single_cutters": float((times["count"] == 1).sum()),
            "non_cutters": float(len(self.enzymes) - times.height),
        }

    def table(self) -> pl.DataFrame:
        """Return a row a cut; `restriction_sites` tells the columns."""
        return self.cuts

    def fragments(self, *enzymes: str) -> pl.DataFrame:
        """Return the fragments of a digest with some of the enzymes together (all of them if none is named).

        ``start`` and ``end`` are on the forward strand; of a circle, the fragment over its origin ends past its length.

        Raises
        ------
        ConfigError
            If an enzyme is not in the map.
        """
        for name in enzymes:
            if name not in self.enzymes:
                raise ConfigError(f"The map has no enzyme {name!r}. {did_you_mean(name, self.enzymes)}")
        chosen = self.cuts.filter(pl.col("enzyme").is_in(enzymes)) if enzymes else self.cuts
        rows: list[tuple[str, int, int, int]] = []
        for record, length in self.lengths.items():
            cuts = sorted(set(chosen.filter(pl.col("record_id") == record)["cut"].to_list()))
            edges = [*cuts, cuts[0] + length] if self.circular and cuts else [0, *(c for c in cuts if c), length]
            pairs = itertools.pairwise(edges)
            rows += [(record, begin, end, end - begin) for begin, end in pairs if end > begin]
        return pl.DataFrame(rows, schema=_FRAGMENTS, orient="row")


def restriction_sites(
    records: pl.DataFrame | pl.LazyFrame, *, enzymes: Sequence[str] | None = None, circular: bool = False
) -> RestrictionMap:
    """Find where restriction enzymes cut records with ``id`` and ``sequence``.

    Columns: ``record_id``, ``enzyme``, ``site`` (its recognition sequence), ``cut`` (0-based on the forward strand: the
    cut is before this base), ``cut_other_strand`` (the same place in forward coordinates; null for an enzyme that cuts
    twice or whose second cut is unknown), ``end`` (blunt, 5' or 3' overhang, or unknown). Left out, ``enzymes`` are all
    that are sold.

    >>> records = pl.DataFrame({"id": ["p"], "sequence": ["AAAGAATTCTTTGATATCAA"]})
    >>> found = restriction_sites(records, enzymes=["EcoRI", "EcoRV"])
    >>> found.table().select("enzyme", "cut", "end").rows(), found.fragments()["length"].to_list()
    ([('EcoRI', 4, "5' overhang"), ('EcoRV', 15, 'blunt')], [4, 11, 5])

    Raises
    ------
    ConfigError
        If there is no enzyme of a name.
    DataError
        If the records lack id or sequence, an id stands twice, or a sequence holds a letter that is no nucleotide.
    """
    from Bio.Seq import Seq

    batch = _batch(enzymes)
    rows: list[tuple[Any, ...]] = []
    lengths: dict[str, int] = {}
    for record, sequence in nucleotide_records(records):
        if record in lengths:
            raise DataError(f"Record {record!r} stands twice; expected an id of its own for each.")
        lengths[record] = len(sequence)
        found = batch.search(Seq(sequence), linear=not circular)
        rows += [(record, *_described(enzyme, cut - 1)) for enzyme, cuts in found.items() for cut in cuts]
    cuts = pl.DataFrame(rows, schema=_SITES, orient="row").sort("record_id", "cut", "enzyme")
    return RestrictionMap(enzymes=tuple(sorted(map(str, batch))), circular=circular, lengths=lengths, cuts=cuts)


def _batch(enzymes: Sequence[str] | None) -> "RestrictionBatch":
    from Bio.Restriction import AllEnzymes, CommOnly, RestrictionBatch

    if isinstance(enzymes, str):
        raise ConfigError(f"enzymes is the text {enzymes!r}; give a list of names, such as [{enzymes!r}].")
    if enzymes is None:
        return CommOnly
    known = {str(enzyme): enzyme for enzyme in AllEnzymes}
    for name in enzymes:
        if name not in known:
            raise ConfigError(f"No restriction enzyme is called {name!r}. {did_you_mean(name, known)}")
    return RestrictionBatch([known[name] for name in enzymes])


def _described(enzyme: Any, cut: int) -> tuple[str, str, int, int | None, str]:
    """Say of an enzyme's cut where the other strand is cut, and what ends it leaves."""
    if enzyme.is_blunt():
        end = "blunt"
    elif enzyme.is_5overhang():
        end = "5' overhang"
    else:
        end = "3' overhang" if enzyme.is_3overhang() else "unknown"
    known = end != "unknown" and not enzyme.cut_twice()
    return str(enzyme), enzyme.site, cut, cut - enzyme.ovhg if known else None, end
