"""HGVS names of what a variant does to the protein (p.), predicted from the two sequences."""

from dataclasses import dataclass
from typing import Final, NamedTuple

_THREE: Final = {
    "A": "Ala", "R": "Arg", "N": "Asn", "D": "Asp", "C": "Cys", "Q": "Gln", "E": "Glu", "G": "Gly", "H": "His",
    "I": "Ile", "L": "Leu", "K": "Lys", "M": "Met", "F": "Phe", "P": "Pro", "S": "Ser", "T": "Thr", "W": "Trp",
    "Y": "Tyr", "V": "Val",
    "U": "Sec", "O": "Pyl", "X": "Xaa", "B": "Asx", "Z": "Glx", "J": "Xle", "*": "Ter",
}  # fmt: skip


class ProteinEffect(NamedTuple):
    """The HGVS name, and the consequence in the words of the Sequence Ontology."""

    hgvs: str
    consequence: str


@dataclass(frozen=True, kw_only=True)
class CodonChange:
    """The codons from ``first`` to before ``last`` of the reference (none: between two) are changed for others.

    ``added`` bases more are there than before, less where it is negative; ``substitution`` says that one was replaced.
    """

    first: int
    last: int
    added: int
    substitution: bool


def protein_effect(reference: str, altered: str, change: CodonChange) -> ProteinEffect:  # noqa: PLR0911 - one a kind
    """Name the difference of two proteins, each with its stop as ``*`` (the altered one without if none was found)."""
    if change.first == 0 and altered[:1] != reference[:1]:
        return ProteinEffect("p.(Met1?)", "start_lost")
    at_stop = change.last >= len(reference)
    if altered == reference:
        name = f"p.({_residue(reference, change.first)}=)" if change.substitution else "p.(=)"
        return ProteinEffect(name, "stop_retained_variant" if at_stop else "synonymous_variant")
    first = _shared(reference, altered)
    if first == len(altered):  # nothing follows what is shared: the reading runs off the end of the sequence
        return ProteinEffect("p.?", "stop_lost")
    if reference[first] == "*":
        return _extension(reference, altered, first)
    if altered[first] == "*":
        return ProteinEffect(f"p.({_residue(reference, first)}Ter)", "stop_gained")
    if change.added % 3:
        return _frameshift(reference, altered, first)
    whole = len(reference) + change.added // 3
    if at_stop and ("*" not in altered or len(altered) > whole):  # HGVS names a deletion of the stop as a frameshift
        return _frameshift(reference, altered, first)._replace(consequence="stop_lost")
    if len(altered) < whole:
        return _early_stop(reference, altered, first, change)
    return _in_frame(reference, altered, first)


def _residue(protein: str, at: int) -> str:
    return f"{_THREE[protein[at]]}{at + 1}"


def _letters(protein: str) -> str:
    return "".join(_THREE[letter] for letter in protein)


def _shared(one: str, other: str) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _frameshift(reference: str, altered: str, first: int) -> ProteinEffect:
    stop = altered.find("*", first)
    length = "?" if stop < 0 else str(stop - first + 1)
    return ProteinEffect(f"p.({_residue(reference, first)}{_THREE[altered[first]]}fsTer{length})", "frameshift_variant")


def _extension(reference: str, altered: str, first: int) -> ProteinEffect:
    stop = altered.find("*", first)
    length = "?" if stop < 0 else str(stop - first)
    return ProteinEffect(f"p.({_residue(reference, first)}{_THREE[altered[first]]}extTer{length})", "stop_lost")


def _early_stop(reference: str, altered: str, first: int, change: CodonChange) -> ProteinEffect:
    """Name new residues with a stop among them: what follows in the reference is gone, but not named as replaced."""
    new = altered[first:]
    replaced = min(max(change.last - first, 0), len(new))
    if not replaced:
        between = f"{_residue(reference, first - 1)}_{_residue(reference, first)}"
        return ProteinEffect(f"p.({between}ins{_letters(new)})", "stop_gained")
    return ProteinEffect(f"p.({_span(reference, first, replaced)}delins{_letters(new)})", "stop_gained")


def _in_frame(reference: str, altered: str, first: int) -> ProteinEffect:
    """Name a change that leaves the frame; what both ends share is trimmed, the start first (the 3' rule)."""
    tail = 0
    most = min(len(reference), len(altered)) - first
    while tail < most and reference[-1 - tail] == altered[-1 - tail]:
        tail += 1
    old, new = reference[first : len(reference) - tail], altered[first : len(altered) - tail]
    if len(old) == len(new) == 1:
        return ProteinEffect(f"p.({_residue(reference, first)}{_THREE[new]})", "missense_variant")
    if not new:
        return ProteinEffect(f"p.({_span(reference, first, len(old))}del)", "inframe_deletion")
    if not old:
        if reference[first - len(new) : first] == new:
            return ProteinEffect(f"p.({_span(reference, first - len(new), len(new))}dup)", "inframe_insertion")
        between = f"{_residue(reference, first - 1)}_{_residue(reference, first)}"
        return ProteinEffect(f"p.({between}ins{_letters(new)})", "inframe_insertion")
    if len(old) == len(new):
        consequence = "missense_variant"
    else:
        consequence = "inframe_deletion" if len(new) < len(old) else "inframe_insertion"
    return ProteinEffect(f"p.({_span(reference, first, len(old))}delins{_letters(new)})", consequence)


def _span(protein: str, first: int, length: int) -> str:
    if length == 1:
        return _residue(protein, first)
    return f"{_residue(protein, first)}_{_residue(protein, first + length - 1)}"
