"""Named inputs of the read profile, and what must not change its counts."""

from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases

from . import read_profile, reference

TOLERANCE = cases.Tolerance(relative=0.0, absolute=0.0)
_ONE = b"@r1 first\nACGTN\n+\nII!~5\n"


def fastq(reads: int, seed: int, *, shortest: int = 100, longest: int = 100) -> bytes:
    """Draw FASTQ text: bases with a few N, qualities that fall along the read."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(shortest, longest + 1, size=reads)
    found: list[bytes] = []
    for number, size in enumerate(lengths.tolist()):
        bases = np.frombuffer(b"ACGTN", dtype=np.uint8)[generator.choice(5, size, p=[0.3, 0.19, 0.2, 0.3, 0.01])]
        fall = np.clip(38 - 12 * np.arange(size) / max(1, size) + generator.normal(0, 3, size), 2, 41)
        scores = (fall.astype(np.uint8) + 33).tobytes()
        found.append(b"@read:%d/1\n%s\n+\n%s\n" % (number, bases.tobytes(), scores))
    return b"".join(found)


def _case(name: str, data: bytes, positions: int = 150) -> cases.Case:
    return cases.Case(name=name, make=lambda: {"data": data, "positions": positions})


CASES = (
    _case("empty", b""),
    _case("one read", _ONE),
    _case("a read without bases", b"@r1\n\n+\n\n"),
    _case("reads of one length", fastq(50, 1)),
    _case("reads of many lengths", fastq(60, 2, shortest=0, longest=140)),
    _case("reads longer than the positions", fastq(20, 3, longest=160), 64),
    _case("one position", fastq(5, 4), 1),
    _case("lower case, U and other letters", b"@r1\nacguRYn.\n+\nIIIIIIII\n"),
    _case("all unknown", b"@r1\nNNNN\n+\n!!!!\n"),
    _case("highest quality", b"@r1\nACGT\n+\n~~~~\n"),
    _case("a header that begins a quality line", b"@r1\nACGT\n+r1\n@@@@\n@r2\nA\n+\n+\n"),
    *(_case(f"cut after {size} bytes", (_ONE + _ONE)[: len(_ONE) + size]) for size in range(len(_ONE) + 1)),
    _case("no @", _ONE + b">r2\nAC\n+\nII\n"),
    _case("no name", _ONE + b"@\nAC\n+\nII\n"),
    _case("blank name", _ONE + b"@ r2\nAC\n+\nII\n"),
    _case("no +", _ONE + b"@r2\nAC\nGT\n+\nIIII\n"),
    _case("too few qualities", _ONE + b"@r2\nACG\n+\nII\n" + _ONE),
    _case("too few qualities at the end", _ONE + b"@r2\nACG\n+\nII\n"),
    _case("too many qualities", _ONE + b"@r2\nACG\n+\nIIII\n"),
    _case("a quality letter below !", _ONE + b"@r2\nACG\n+\nI I\n"),
    _case("a quality letter above ~", _ONE + b"@r2\nACG\n+\nI\x7fI\n"),
)


def _reversed(arguments: cases.Arguments) -> cases.Arguments:
    lines = arguments["data"].split(b"\n")
    if reference.count_records(**arguments)["fault"] or len(lines) % 4 != 1:
        return arguments
    records = [b"\n".join(lines[k : k + 4]) + b"\n" for k in range(0, len(lines) - 1, 4)]
    return arguments | {"data": b"".join(reversed(records))}


INVARIANCES: cases.Invariances = {
    "order of reads": _reversed,
    "an array for bytes": lambda a: a | {"data": np.frombuffer(a["data"], dtype=np.uint8)},
}


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Count as users do."""
    counts = read_profile(**arguments)
    return {name: np.asarray(getattr(counts, name)) for name in counts.__dataclass_fields__}


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Count letter by letter."""
    return {name: np.asarray(value) for name, value in reference.count_records(**arguments).items()}
