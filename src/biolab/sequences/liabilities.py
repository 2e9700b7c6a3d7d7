"""Motifs of an antibody's sequence that tend to be modified, glycosylated or left unpaired."""

import re
from collections.abc import Iterator
from typing import Final, Literal

Risk = Literal["high", "medium", "low"]
Found = tuple[str, str, int, str, Risk]

# Looked up in overlapping places; the first letter is the residue concerned.
_MOTIFS: Final[tuple[tuple[str, str, Risk], ...]] = (
    ("deamidation", "NG", "high"),
    ("deamidation", "N[ST]", "medium"),
    ("deamidation", "N[NHAD]", "low"),
    ("isomerisation", "DG", "high"),
    ("isomerisation", "D[ST]", "medium"),
    ("isomerisation", "D[DH]", "low"),
    ("oxidation", "M", "medium"),
    ("oxidation", "W", "low"),
    ("N-glycosylation", "N[^P][ST]", "high"),
    ("fragmentation", "DP", "medium"),
)
_SPAN: Final = range(50, 86)  # residues between the two cysteines of an immunoglobulin domain
_BETWEEN_CHAINS: Final = (
    r"C(?=SRSTSE)",  # CH1 to light chain in IgG2 and IgG4
    r"(?<=EPKS)C(?=DK)",
    r"(?<=THT)CPPC(?=P)",
    r"(?<=ERK)CCVECPPC(?=P)",
    r"(?<=YGPP)CP[SP]C(?=P)",
    r"(?<=GE)C$",  # light chain kappa
    r"(?<=TE)C(?=S?$)",  # light chain lambda
)


def liabilities(sequence: str) -> Iterator[Found]:
    """Yield kind, motif, place (from 0), residue as people write it (N55) and risk, along the sequence.

    Deamidation of N before G, S, T, N, H, A, D; isomerisation of D before G, S, T, D, H; oxidation of M and W;
    N-glycosylation sequons N-X-S/T with X not P; fragmentation of D-P; cysteines without a partner, as
    `free_cysteines` guesses. The risk is of the motif in an exposed place; burial and structure change it.

    >>> [found[:3] for found in liabilities("ANGSMDP")]
    [('deamidation', 'NG', 1), ('N-glycosylation', 'NGS', 1), ('oxidation', 'M', 4), ('fragmentation', 'DP', 5)]
    """
    found: list[Found] = []
    for kind, motif, risk in _MOTIFS:
        for match in re.finditer(f"(?=({motif}))", sequence):
            at = match.start()
            found.append((kind, match[1], at, f"{sequence[at]}{at + 1}", risk))
    found += [("free cysteine", "C", at, f"C{at + 1}", "high") for at in free_cysteines(sequence)]
    yield from sorted(found, key=lambda row: row[2])


def free_cysteines(sequence: str) -> list[int]:
    """Guess from the sequence alone which cysteines have no partner; places from 0.

    Cysteines of the hinge and those that join heavy and light chain of human IgG are known by their neighbours and
    taken as paired. The others are paired with the next one if 50 to 85 residues part them, as in an immunoglobulin
    domain. What is left is named: right for usual IgG, a hint elsewhere.

    >>> free_cysteines("A" * 22 + "C" + "A" * 30 + "C" + "A" * 42 + "C")
    [53]
    """
    joined = {
        match.start() + k
        for pattern in _BETWEEN_CHAINS
        for match in re.finditer(pattern, sequence)
        for k, letter in enumerate(match[0])
        if letter == "C"
    }
    waiting = [at for at, letter in enumerate(sequence) if letter == "C" and at not in joined]
    free: list[int] = []
    while waiting:
        at = waiting.pop(0)
        partner = next((other for other in waiting if other - at in _SPAN), None)
        if partner is None:
            free.append(at)
        else:
            waiting.remove(partner)
    return free
