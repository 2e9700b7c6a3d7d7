"""A report on monoclonal antibodies from the sequences of their chains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from biolab.core import DataError

from .liabilities import liabilities

_AMINO_ACIDS: Final = frozenset("ACDEFGHIKLMNPQRSTVWY")
_HYDROGEN: Final = 1.00794
_ROLES: Final = ("heavy", "light")
_LIABILITIES: Final = {
    "antibody": pl.String,
    "chain": pl.String,
    "kind": pl.String,
    "motif": pl.String,
    "start": pl.Int64,
    "residue": pl.String,
    "risk": pl.String,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class AntibodyReport:
    """What follows from the sequences of a panel of antibodies, each of two heavy and two light chains."""

    antibodies: tuple[str, ...]
    bridged: bool
    whole: pl.DataFrame
    by_chain: pl.DataFrame
    liabilities: pl.DataFrame
    identity: pl.DataFrame

    @property
    def settings(self) -> dict[str, object]:
        """The antibodies, and whether cysteines were taken as bridged."""
        return {"antibodies": list(self.antibodies), "bridged": self.bridged}

    @property
    def metrics(self) -> dict[str, float]:
        """Of each antibody mass, isoelectric point, extinction and number of liabilities of high risk, flat."""
        names = ("mass_da", "isoelectric_point", "extinction_per_m_cm", "high_risk_liabilities")
        many = len(self.antibodies) > 1
        return {
            f"{row['antibody']}.{name}" if many else name: float(row[name])
            for row in self.whole.iter_rows(named=True)
            for name in names
        }

    def table(self) -> pl.DataFrame:
        """Return a row an antibody; `antibody_report` tells the columns."""
        return self.whole


def antibody_report(
    heavy: str | Mapping[str, str], light: str | Mapping[str, str], *, bridged: bool = True
) -> AntibodyReport:
    """Report mass, charge, extinction, liabilities and likeness of antibodies made of two heavy and two light chains.

    ``.table()``, one row an antibody: ``antibody``, ``mass_da`` (average mass of 2 H + 2 L without glycans),
    ``disulfides``, ``isoelectric_point``, ``extinction_per_m_cm`` (at 280 nm: 5500 a W, 1490 a Y, 125 a bridge),
    ``absorbance_1_g_per_l`` (extinction over mass), ``gravy`` (mean hydropathy), ``high_risk_liabilities`` (in one H
    and one L). ``.by_chain`` has the same of single chains, reduced, as ProtParam has it. ``.liabilities``: antibody,
    chain, kind, motif, ``start`` (0-based), ``residue`` (from 1, as N55), risk. ``.identity``: first, second, chain,
    identical residues and columns of their global alignment (BLOSUM62, gaps -11 -1), and their ratio.

    With ``bridged`` all cysteines stand in disulfides, as many as there are pairs of cysteines in 2 H + 2 L: each
    bridge takes two hydrogens off the mass, adds its extinction, and cysteines carry no charge. Otherwise all are free.
    The isoelectric point sums the charges of all chains (pK values of Bjellqvist as in Biopython) and is 0 to 14 wide.
    Glycans, clipped lysine and pyroglutamate are not in the mass.

    Parameters
    ----------
    heavy, light
        The chains of one antibody, or of several by the antibody's name: the same names in both.

    >>> report = antibody_report("EVQLVESGGGLVQPGGSLRLSCAAS", "DIQMTQSPSSLSASVGDRVTITC")
    >>> report.liabilities.filter(pl.col("chain") == "light")["residue"].to_list()
    ['M4', 'C23']

    Raises
    ------
    DataError
        If names differ between heavy and light chains, a chain is empty or holds a letter that is no amino acid; with
        antibody, chain and place.

    References
    ----------
    Pace et al. (1995), Protein Science 4:2411-2423, doi:10.1002/pro.5560041120

    Bjellqvist et al. (1994), Electrophoresis 15:529-539, doi:10.1002/elps.1150150171
    """
    panel = _panel(heavy, light)
    found = pl.DataFrame(
        [
            (name, role, *row)
            for name, chains in panel.items()
            for role, sequence in chains.items()
            for row in liabilities(sequence)
        ],
        schema=_LIABILITIES,
        orient="row",
    )
    high = found.filter(pl.col("risk") == "high")["antibody"].to_list()
    whole = [
        _whole(name, chains, bridged) | {"high_risk_liabilities": high.count(name)} for name, chains in panel.items()
    ]
    return AntibodyReport(
        antibodies=tuple(panel),
        bridged=bridged,
        whole=pl.DataFrame(whole),
        by_chain=pl.DataFrame(
            [_chain(name, role, text) for name, chains in panel.items() for role, text in chains.items()]
        ),
        liabilities=found,
        identity=_identity(panel),
    )


def _panel(heavy: str | Mapping[str, str], light: str | Mapping[str, str]) -> dict[str, dict[str, str]]:
    for role, side in zip(_ROLES, (heavy, light), strict=True):
        if not isinstance(side, (str, Mapping)):
            raise DataError(f"{role} is {side!r}; expected a sequence as text, or sequences by the antibody's name.")
    sides = [{"antibody": side} if isinstance(side, str) else dict(side) for side in (heavy, light)]
    apart = set(sides[0]) ^ set(sides[1])
    if apart or not sides[0]:
        said = f"{sorted(apart)[0]!r} has one chain only" if apart else "there is none"
        raise DataError(f"Heavy and light chains must come under the same names of antibodies: {said}.")
    panel = {name: {"heavy": sides[0][name], "light": sides[1][name]} for name in sides[0]}
    return {name: {role: _checked(name, role, text) for role, text in chains.items()} for name, chains in panel.items()}


def _checked(name: str, role: str, text: str) -> str:
    if not isinstance(text, str):
        raise DataError(f"Antibody {name!r}: its {role} chain is {text!r}; expected a sequence as text.")
    sequence = "".join(text.split()).upper()
    if not sequence:
        raise DataError(f"Antibody {name!r}: its {role} chain is empty.")
    if set(sequence) <= set("ACGT"):  # letters of four amino acids, too, but no chain is made of these alone
        raise DataError(
            f"Antibody {name!r}: its {role} chain looks like DNA; expected amino acids. Use translate first."
        )
    for place, letter in enumerate(sequence, 1):
        if letter not in _AMINO_ACIDS:
            raise DataError(
                f"Antibody {name!r}, {role} chain, residue {place} is {letter!r}; expected one of the 20 amino acids."
            )
    return sequence


def _chain(name: str, role: str, sequence: str) -> dict[str, object]:
    from Bio.SeqUtils.ProtParam import ProteinAnalysis

    protein = ProteinAnalysis(sequence)
    return {
        "antibody": name,
        "chain": role,
        "residues": len(sequence),
        "cysteines": sequence.count("C"),
        "mass_da": float(protein.molecular_weight()),
        "isoelectric_point": float(protein.isoelectric_point()),
        "extinction_per_m_cm": int(protein.molar_extinction_coefficient()[0]),
        "gravy": float(protein.gravy()),
    }


def _whole(name: str, chains: Mapping[str, str], bridged: bool) -> dict[str, object]:  # noqa: FBT001 - inner
    from Bio.SeqUtils.ProtParam import ProteinAnalysis

    proteins = [ProteinAnalysis(chains[role]) for role in _ROLES for _ in range(2)]
    text = 2 * (chains["heavy"] + chains["light"])
    bridges = text.count("C") // 2 if bridged else 0
    mass = sum(float(protein.molecular_weight()) for protein in proteins) - 2 * _HYDROGEN * bridges
    extinction = 5500 * text.count("W") + 1490 * text.count("Y") + 125 * bridges
    return {
        "antibody": name,
        "mass_da": mass,
        "disulfides": bridges,
        "isoelectric_point": isoelectric_point([chains[role] for role in _ROLES], bridged=bridged),
        "extinction_per_m_cm": extinction,
        "absorbance_1_g_per_l": extinction / mass,
        "gravy": float(ProteinAnalysis(text).gravy()),
    }


def isoelectric_point(chains: list[str], *, bridged: bool) -> float:
    """Return the pH at which chains together carry no charge, by halving; charges fall with pH.

    >>> round(isoelectric_point(["INGAR"], bridged=False), 2)
    9.75
    """
    from Bio.SeqUtils.IsoelectricPoint import IsoelectricPoint

    # a bridged cysteine is neutral at every pH, as serine is
    models = [IsoelectricPoint(chain.replace("C", "S") if bridged else chain) for chain in chains]
    low, high = 0.0, 14.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        if sum(float(model.charge_at_pH(middle)) for model in models) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _identity(panel: Mapping[str, Mapping[str, str]]) -> pl.DataFrame:
    from Bio.Align import PairwiseAligner, substitution_matrices

    aligner = PairwiseAligner(mode="global", open_gap_score=-11, extend_gap_score=-1)
    aligner.substitution_matrix = substitution_matrices.load("BLOSUM62")
    names = list(panel)
    rows: list[tuple[str, str, str, int, int, float]] = []
    for k, first in enumerate(names):
        for second in names[k + 1 :]:
            for role in _ROLES:
                alignment = next(iter(aligner.align(panel[first][role], panel[second][role])))
                same = sum(a == b for a, b in zip(str(alignment[0]), str(alignment[1]), strict=True))
                rows.append((first, second, role, same, alignment.length, same / alignment.length))
    schema = {"first": pl.String, "second": pl.String, "chain": pl.String, "identical": pl.Int64, "columns": pl.Int64}
    return pl.DataFrame(rows, schema=schema | {"identity": pl.Float64}, orient="row")
