"""HGVS names of variants on a coding sequence (c.): the smallest change, moved as far to the 3' end as it goes."""

from collections.abc import Iterator
from dataclasses import dataclass

from .coding_sequence import CodingSequence
from .reading_frames import reverse_complement


@dataclass(frozen=True, kw_only=True)
class Change:
    """Bases ``start`` to ``end`` of the sense strand become ``alternate``; trimmed and moved to the 3' end."""

    start: int
    end: int
    reference: str
    alternate: str


def normalised(coding: CodingSequence, start: int, reference: str, alternate: str) -> Change:
    """Turn a variant of the record (forward strand, 0-based) into the smallest change of the sense strand.

    Shared letters are trimmed; an insertion or deletion that could stand in several places is moved to the last of
    them in reading direction (the 3' rule), also from an exon into the intron after it.
    """
    begin, end = coding.to_sense(start, start + len(reference))
    old, new = (text if coding.forward else reverse_complement(text) for text in (reference, alternate))
    while old and new and old[0] == new[0]:
        old, new, begin = old[1:], new[1:], begin + 1
    while old and new and old[-1] == new[-1]:
        old, new, end = old[:-1], new[:-1], end - 1
    moving = old or new
    if not (old and new) and moving:
        while end < len(coding.sense) and coding.sense[end] == moving[0]:
            moving = moving[1:] + moving[0]
            begin, end = begin + 1, end + 1
        old, new = (moving, "") if old else ("", moving)
    return Change(start=begin, end=end, reference=old, alternate=new)


def moved_back(coding: CodingSequence, change: Change) -> Iterator[Change]:
    """Yield a change and then, of an insertion or deletion, the places before it that give the same sequence."""
    yield change
    moving, begin, end = change.reference or change.alternate, change.start, change.end
    if change.reference and change.alternate:
        return
    while begin > 0 and coding.sense[begin - 1] == moving[-1]:
        moving, begin, end = moving[-1] + moving[:-1], begin - 1, end - 1
        old, new = (moving, "") if change.reference else ("", moving)
        yield Change(start=begin, end=end, reference=old, alternate=new)


def hgvs_coding(coding: CodingSequence, change: Change) -> str | None:  # noqa: PLR0911 - one answer a kind of change
    """Name a change: c.76A>C, c.76_78del, c.76dup, c.76_77insT, c.76_78delinsTG, c.76_78inv, c.76=.

    None if a base of it lies outside the transcript.
    """
    old, new, begin, end = change.reference, change.alternate, change.start, change.end
    if not old and not new:
        return None
    if not old:
        copy = coding.sense[begin - len(new) : begin]
        if copy == new:
            return _named(coding, begin - len(new), begin, "dup")
        return _named(coding, begin - 1, begin + 1, f"ins{new}")
    if len(old) == len(new) == 1:
        return _named(coding, begin, end, f"{old}>{new}")
    if not new:
        return _named(coding, begin, end, "del")
    if reverse_complement(old) == new:
        return _named(coding, begin, end, "inv")
    return _named(coding, begin, end, f"delins{new}")


def _named(coding: CodingSequence, begin: int, end: int, what: str) -> str | None:
    if begin < 0 or end > len(coding.sense):
        return None
    first, last = coding.place(begin).label, coding.place(end - 1).label
    if not first or not last:
        return None
    return f"c.{first}{what}" if end - begin == 1 else f"c.{first}_{last}{what}"
