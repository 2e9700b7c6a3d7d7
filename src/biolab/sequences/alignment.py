"""Scores of many pairwise alignments, Biopython's to the last point, at parasail's speed where it is installed."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Literal, get_args

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError, did_you_mean
from biolab.core.arrays import Int

Mode = Literal["global", "local"]
Sequences = Sequence[str] | Mapping[str, str] | pl.DataFrame | pl.LazyFrame
_LARGEST: Final = 1 << 20


@dataclass(frozen=True, kw_only=True, eq=False)
class AlignmentScores:
    """The score of each query against each target."""

    queries: tuple[str, ...]
    targets: tuple[str, ...]
    score: Int[np.ndarray, "q t"]
    matrix: str
    open: int
    extend: int
    mode: Mode
    engine: str

    @property
    def settings(self) -> dict[str, object]:
        """How sequences were aligned."""
        names = ("matrix", "open", "extend", "mode", "engine")
        return {name: getattr(self, name) for name in names}

    @property
    def metrics(self) -> dict[str, float]:
        """Number of alignments, and the least, mean and largest score."""
        scores = self.score
        return {
            "alignments": float(scores.size),
            "score_min": float(scores.min()),
            "score_mean": float(scores.mean()),
            "score_max": float(scores.max()),
        }

    def table(self) -> pl.DataFrame:
        """Return a row a query and target with their score."""
        return pl.DataFrame(
            {
                "query": np.repeat(np.array(self.queries, dtype=object), len(self.targets)).tolist(),
                "target": list(self.targets) * len(self.queries),
                "score": self.score.ravel(),
            }
        )


def align_scores(  # noqa: PLR0913 - who is aligned, and how
    queries: Sequences,
    targets: Sequences,
    *,
    matrix: str = "BLOSUM62",
    open: int = -11,
    extend: int = -1,
    mode: Mode = "global",
    threads: int = 1,
) -> AlignmentScores:
    """Score the best alignment of every query with every target.

    A gap of length g scores open + (g - 1) extend, as in Biopython (programs that count a gap of length g as
    open + g extend call this -10, -1). In mode "global" sequences are aligned from end to end and gaps at the ends cost
    what others do; in mode "local" the best pair of stretches counts, at least 0. ``matrix`` is one of Biopython's.
    Lower case counts as upper case. The scores are those of ``Bio.Align.PairwiseAligner``; parasail (extra
    ``biolab[genomics]``) finds them many times faster, without it Biopython is used.

    >>> scores = align_scores({"a": "HEAGAWGHEE"}, {"b": "PAWHEAE", "c": "HEAGAWGHEE"})
    >>> scores.table().rows()
    [('a', 'b', 2), ('a', 'c', 62)]

    Parameters
    ----------
    queries, targets
        Sequences; or sequences by name; or a frame with ``id`` and ``sequence``.

    Raises
    ------
    DataError
        If there is no query or target, one is empty, or holds a letter that the matrix lacks; with its name.
    ConfigError
        If the matrix is unknown or not of whole numbers, a penalty is not a whole number <= 0, a gap costs less to
        open than to extend, or ``mode`` or ``threads`` is out of range.

    References
    ----------
    Gotoh (1982), Journal of Molecular Biology 162:705-708, doi:10.1016/0022-2836(82)90398-9

    Daily (2016), BMC Bioinformatics 17:81, doi:10.1186/s12859-016-0930-z
    """
    alphabet, values = substitution_matrix(matrix)
    _check(open, extend, mode, threads)
    named_queries, named_targets = _named(queries, "query", alphabet), _named(targets, "target", alphabet)
    engine = "parasail" if find_spec("parasail") else "biopython"
    scorer = _parasail_row if engine == "parasail" else _biopython_row
    row = scorer(alphabet, values, open, extend, mode)
    texts = list(named_targets.values())
    with ThreadPoolExecutor(threads) as pool:
        rows = list(pool.map(lambda query: row(query, texts), named_queries.values()))
    return AlignmentScores(
        queries=tuple(named_queries),
        targets=tuple(named_targets),
        score=np.array(rows, dtype=np.int64),
        matrix=matrix,
        open=open,
        extend=extend,
        mode=mode,
        engine=engine,
    )


@lru_cache
def substitution_matrix(name: str) -> tuple[str, Int[np.ndarray, "a a"]]:
    """Return the alphabet and the whole scores of one of Biopython's matrices.

    Raises
    ------
    ConfigError
        If the matrix is unknown, not of single letters or not of whole numbers.
    """
    from Bio.Align import substitution_matrices

    known = substitution_matrices.load()
    if name not in known:
        raise ConfigError(f"No substitution matrix {name!r}. {did_you_mean(name, known)}")
    loaded: Any = substitution_matrices.load(name)
    values = np.array(loaded, dtype=np.float64)
    if not isinstance(loaded.alphabet, str) or (values != np.round(values)).any():
        raise ConfigError(f"Matrix {name!r} is not one of single letters and whole scores, which align_scores needs.")
    return loaded.alphabet, values.astype(np.int64)


def _check(gap_open: int, extend: int, mode: str, threads: int) -> None:
    for name, value in (("open", gap_open), ("extend", extend)):
        if isinstance(value, bool) or not isinstance(value, int) or not -_LARGEST < value <= 0:
            raise ConfigError(f"{name} is {value!r}; expected a whole number <= 0, a score and not a penalty.")
    if gap_open > extend:
        raise ConfigError(f"open is {gap_open}, extend {extend}; opening a gap must not cost less than extending it.")
    if mode not in get_args(Mode):
        raise ConfigError(f"mode is {mode!r}; expected one of {', '.join(get_args(Mode))}.")
    if threads < 1:
        raise ConfigError(f"threads is {threads}; expected 1 or more.")


def _named(sequences: Sequences, role: str, alphabet: str) -> dict[str, str]:
    if isinstance(sequences, str):
        raise DataError(f"The {role} is one text; expected a list of sequences.")
    if isinstance(sequences, pl.LazyFrame):
        sequences = sequences.collect()
    if isinstance(sequences, pl.DataFrame):
        absent = {"id", "sequence"} - set(sequences.columns)
        if absent:
            raise DataError(
                f"The frame of {role} sequences has no column {sorted(absent)[0]!r}; it needs id and sequence."
            )
        pairs = list(sequences.select("id", "sequence").iter_rows())
    elif isinstance(sequences, Mapping):
        pairs = list(sequences.items())
    else:
        pairs = [(f"{role} {k}", text) for k, text in enumerate(sequences, 1)]
    for name, text in pairs:
        if not isinstance(text, str):
            raise DataError(f"{role.capitalize()} {name!r} is {text!r}; expected a sequence as text.")
    found = {str(name): text.upper() for name, text in pairs}
    if not found or len(found) < len(pairs):
        raise DataError(f"Expected one {role} or more, each under a name of its own; {len(pairs)} were given.")
    for name, text in found.items():
        other = set(text) - set(alphabet)
        if not text or other:
            said = f"{sorted(other)[0]!r} is no letter of the matrix" if other else "it is empty"
            raise DataError(f"{role.capitalize()} {name!r} cannot be aligned: {said}; expected letters of {alphabet}.")
    return found


def _parasail_row(
    alphabet: str, values: Int[np.ndarray, "a a"], gap_open: int, extend: int, mode: Mode
) -> Callable[[str, Sequence[str]], list[int]]:
    parasail: Any = import_module("parasail")
    matrix = parasail.matrix_create(alphabet, 1, 0)
    for i, scores in enumerate(values.tolist()):
        for j, value in enumerate(scores):
            matrix[i, j] = value
    # parasail 1.3's striped kernels miss alignments where a gap costs the same to open and to extend; scan is right
    kernel = "scan" if gap_open == extend else "striped"
    align = getattr(parasail, f"{'nw' if mode == 'global' else 'sw'}_{kernel}_profile_sat")

    def row(query: str, targets: Sequence[str]) -> list[int]:
        profile = parasail.profile_create_sat(query, matrix)
        return [align(profile, target, -gap_open, -extend).score for target in targets]

    return row


def _biopython_row(
    alphabet: str, values: Int[np.ndarray, "a a"], gap_open: int, extend: int, mode: Mode
) -> Callable[[str, Sequence[str]], list[int]]:
    from Bio.Align import PairwiseAligner, substitution_matrices

    aligner = PairwiseAligner(mode=mode, open_gap_score=gap_open, extend_gap_score=extend)
    aligner.substitution_matrix = substitution_matrices.Array(alphabet, dims=2, data=values.astype(np.float64))

    def row(query: str, targets: Sequence[str]) -> list[int]:
        return [round(aligner.score(target, query)) for target in targets]

    return row
