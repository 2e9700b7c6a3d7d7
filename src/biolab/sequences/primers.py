"""Primers: melting temperature by nearest neighbours, composition, and what they do to each other and themselves."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import polars as pl

from biolab.core import ConfigError, DataError

from .reading_frames import reverse_complement

_SHORTEST_LOOP = 3
_CARRIED = ("melting_temperature_c", "gc_share")
_PLACES = {"name": pl.String, "start": pl.Int64, "end": pl.Int64, "strand": pl.Int64} | dict.fromkeys(
    _CARRIED, pl.Float64
)


@dataclass(frozen=True, kw_only=True)
class PrimerConditions:
    """What is in the tube: salts in mM, strands in nM; the values are Primer3's usual ones.

    ``template_nm`` 0 means that the template is so little that the primers alone set the equilibrium.
    """

    sodium_mm: float = 50.0
    magnesium_mm: float = 1.5
    nucleotides_mm: float = 0.6
    primer_nm: float = 50.0
    template_nm: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (0 <= value < float("inf")):
                raise ConfigError(f"{name} is {value}; expected a concentration >= 0.")
        if self.primer_nm <= self.template_nm / 2 or self.sodium_mm + self.magnesium_mm == 0:
            raise ConfigError("A melting temperature needs salt, and more primer than half of the template.")


@dataclass(frozen=True, kw_only=True, eq=False)
class PrimerProperties:
    """One row a primer, and the conditions that melting temperatures are for."""

    conditions: PrimerConditions
    rows: pl.DataFrame

    @property
    def settings(self) -> dict[str, object]:
        """The conditions."""
        return dict(asdict(self.conditions))

    @property
    def metrics(self) -> dict[str, float]:
        """Number of primers and the spread of their melting temperatures."""
        melting = self.rows["melting_temperature_c"].to_list()
        return {
            "primers": float(len(melting)),
            "melting_temperature_c.min": min(melting),
            "melting_temperature_c.max": max(melting),
        }

    def table(self) -> pl.DataFrame:
        """Return the properties, one row a primer; `primer_properties` tells the columns."""
        return self.rows

    def sites(self, template: str) -> pl.DataFrame:
        """Find where the primers fit a template without a mismatch, on both strands.

        Columns: ``name``, ``start`` (0-based) and ``end`` (excluded) on the template as it is given, ``strand`` (+1
        where the primer is the template's own text and is lengthened to the right, -1 where it is the other
        strand's), ``melting_temperature_c`` and ``gc_share``; a row a place, in their order.

        >>> primer_properties({"left": "ACGTTGCA"}).sites("ccACGTTGCAcc").select("start", "strand").rows()
        [(2, 1)]

        Raises
        ------
        DataError
            If the template is empty, or no text.
        """
        if not isinstance(template, str) or not template:
            raise DataError("The template is empty or no text; expected one sequence, such as that of a plasmid.")
        text, found = template.upper(), []
        for row in self.rows.iter_rows(named=True):
            for strand, sought in ((1, row["sequence"]), (-1, reverse_complement(row["sequence"]))):
                at = text.find(sought)
                while at >= 0:
                    found.append((row["name"], at, at + row["length"], strand, *(row[name] for name in _CARRIED)))
                    at = text.find(sought, at + 1)
        return pl.DataFrame(found, schema=_PLACES, orient="row").sort("start", "name", "strand", maintain_order=True)


def primer_properties(
    primers: Mapping[str, str] | Sequence[str], *, conditions: PrimerConditions | None = None
) -> PrimerProperties:
    """Work out what a primer does, from its sequence of A, C, G and T.

    Columns: ``name``, ``sequence``, ``length``, ``gc_share``, ``melting_temperature_c`` (nearest neighbours of Allawi
    and SantaLucia with SantaLucia's salt correction, sodium equivalents for magnesium; by Biopython),
    ``molecular_weight`` (in g/mol, 5' phosphate as Biopython has it), ``longest_run`` (of one base), ``gc_clamp`` (G
    and C among the last five), ``self_dimer`` and ``end_dimer`` (longest stretch of base pairs between two copies,
    anywhere and including the 3' end), ``hairpin`` (longest stem round a loop of three or more). Stretches are without
    gaps and say nothing of energies.

    >>> primer_properties(["GTAAAACGACGGCCAGT"]).table().select("gc_share", "gc_clamp", "hairpin").row(0)
    (0.5294117647058824, 3, 2)

    Raises
    ------
    DataError
        If there is no primer, or one is shorter than 8 letters or holds another letter.
    ConfigError
        If a concentration is negative.

    References
    ----------
    Allawi and SantaLucia (1997), Biochemistry 36:10581-10594, doi:10.1021/bi962590c

    SantaLucia (1998), PNAS 95:1460-1465, doi:10.1073/pnas.95.4.1460
    """
    conditions = conditions or PrimerConditions()
    named = (
        dict(primers) if isinstance(primers, Mapping) else {f"primer {k}": text for k, text in enumerate(primers, 1)}
    )
    if not named or isinstance(primers, str):
        raise DataError("No list of primers was given; expected sequences, or names with sequences.")
    for name, sequence in named.items():
        if not isinstance(sequence, str):
            raise DataError(f"Primer {name!r} is {sequence!r}; expected a sequence as text.")
    rows = [_row(name, sequence.upper(), conditions) for name, sequence in named.items()]
    return PrimerProperties(conditions=conditions, rows=pl.DataFrame(rows))


def _row(name: str, sequence: str, conditions: PrimerConditions) -> dict[str, object]:
    from Bio.SeqUtils import MeltingTemp, molecular_weight

    if len(sequence) < 8 or set(sequence) - set("ACGT"):
        raise DataError(
            f"Primer {name!r} is {sequence!r}; expected 8 or more of A, C, G and T. Of a mixture (R, Y, N ...), give "
            "the sequences that it stands for one by one: each has its own melting temperature."
        )
    melting = MeltingTemp.Tm_NN(
        sequence,
        dnac1=conditions.primer_nm,
        dnac2=conditions.template_nm,
        Na=conditions.sodium_mm,
        Mg=conditions.magnesium_mm,
        dNTPs=conditions.nucleotides_mm,
        saltcorr=5,
        selfcomp=sequence == reverse_complement(sequence),
    )
    anywhere, at_end = _dimers(sequence)
    return {
        "name": name,
        "sequence": sequence,
        "length": len(sequence),
        "gc_share": sum(letter in "GC" for letter in sequence) / len(sequence),
        "melting_temperature_c": float(melting),
        "molecular_weight": float(molecular_weight(sequence, "DNA")),
        "longest_run": _longest_run([a == b for a, b in itertools.pairwise(sequence)]) + 1,
        "gc_clamp": sum(letter in "GC" for letter in sequence[-5:]),
        "self_dimer": anywhere,
        "end_dimer": at_end,
        "hairpin": _hairpin(sequence),
    }


def _longest_run(pairs: Sequence[bool]) -> int:
    longest = here = 0
    for paired in pairs:
        here = here + 1 if paired else 0
        longest = max(longest, here)
    return longest


def _dimers(sequence: str) -> tuple[int, int]:
    """Slide a copy along the primer, antiparallel, and find stretches of pairs.

    >>> _dimers("AAAAGCGC")
    (4, 4)
    """
    other, n = reverse_complement(sequence), len(sequence)
    anywhere = at_end = 0
    for shift in range(-n + 1, n):
        # base k of the primer meets the base of its copy whose complement stands at k - shift of ``other``
        pairs = [sequence[k] == other[k - shift] for k in range(max(0, shift), min(n, n + shift))]
        anywhere = max(anywhere, _longest_run(pairs))
        if shift >= 0:
            tail = 0
            while tail < len(pairs) and pairs[-1 - tail]:
                tail += 1
            at_end = max(at_end, tail)
    return anywhere, at_end


def _hairpin(sequence: str) -> int:
    """Return the length of the longest stem whose two halves leave a loop of three bases or more."""
    n, longest = len(sequence), 0
    pair = {"A": "T", "T": "A", "C": "G", "G": "C"}
    for turn in range(2 * n):  # i + j = turn for all pairs of one stem
        here = 0
        for i in range(max(0, turn - n + 1), turn // 2 + 1):
            j = turn - i
            if j - i <= _SHORTEST_LOOP:
                break
            here = here + 1 if pair[sequence[i]] == sequence[j] else 0
            longest = max(longest, here)
    return longest
