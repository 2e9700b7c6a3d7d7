"""Traces of a site's own patients: their identifiers, exact values and rows, looked for in what would leave."""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.core.arrays import Float

from .findings import Finding
from .rules import Rules

DIGITS = 9
"""Significant digits from which one equal number is no coincidence."""
FEATURE_PRECISION = 1e-12
"""Relative difference under which a number is a value of a panel; its millions of values are closer to each other."""
CHANCE = 1e-4
"""Most patients that may be expected to agree by chance before agreement counts as a trace."""
_FLOAT = re.compile(r"(?<![\w.])-?\d+\.\d{4,}(?:[eE][-+]?\d+)?")
_LONG_NUMBER = re.compile(r"(?<![\w.])\d{6,}(?![\w.])")
_HASH = re.compile(r"(?<![0-9a-zA-Z])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![0-9a-zA-Z])")
_TELLING = re.compile(r"(?=.*\d)(?=.*\D).{5,}|[^\W\d_]{6,}|.{9,}")


@dataclass(frozen=True, kw_only=True, repr=False)
class Traces:
    """What can be recognised of a cohort; never printed, never written."""

    patients: int
    telling: tuple[str, ...]
    numbers: frozenset[str]
    hashes: frozenset[str]
    exact: frozenset[str]
    who_has: Mapping[str, np.ndarray]
    features: Float[np.ndarray, " v"]

    def in_text(self, where: str, text: str) -> Iterator[Finding]:
        """Find identifiers of patients, also hashed, and exact values of many digits in one text."""
        yield from self.in_texts([(where, text)])

    def in_texts(self, texts: Sequence[tuple[str, str]]) -> Iterator[Finding]:
        """Find identifiers and exact values in many texts, in one pass."""
        named = pl.Series([text for _, text in texts], dtype=pl.String)
        if self.telling:
            named = named.str.contains_any(list(self.telling), ascii_case_insensitive=True)
        for (where, text), names_someone in zip(texts, named.to_list(), strict=True):
            if (self.telling and names_someone) or self._numbers_someone(text):
                yield _found(
                    where, "cohort-identifier", "it holds the identifier of a patient of this cohort, or its hash"
                )
            if any(self._is_exact(float(word)) for word in _FLOAT.findall(text)):
                yield _found(where, "cohort-value", f"it holds a patient's exact value, equal in {DIGITS} digits")

    def _is_exact(self, value: float) -> bool:
        if significant(value) in self.exact:
            return True
        near = self.features[np.searchsorted(self.features, value - abs(value) * FEATURE_PRECISION) :][:1]
        return bool(near.size and abs(near[0] - value) <= abs(value) * FEATURE_PRECISION)

    def _numbers_someone(self, text: str) -> bool:
        if not self.numbers.isdisjoint(_LONG_NUMBER.findall(text)):
            return True
        return not self.hashes.isdisjoint(word.lower() for word in _HASH.findall(text))

    def in_rows(self, where: str, rows: Iterable[Sequence[object]]) -> Iterator[Finding]:
        """Find rows that are a patient's: more values agree with one patient than chance can explain.

        A value that a share p of patients have agrees by chance with probability p (of a number with s digits at most
        10^-(s - 1)); n times the product over a row's values is how many patients would agree by chance.
        """
        listed = list(rows)
        for number, row in enumerate(listed, start=1):
            if self._is_of_a_patient(row, tests=len(listed)):
                yield _found(f"{where}, row {number}", "cohort-row", "its values together are those of one patient")
                return

    def _is_of_a_patient(self, row: Sequence[object], tests: int) -> bool:
        words = {word for value in row if (word := worded(value)) is not None and word in self.who_has}
        if len(words) < 2:
            return False
        order = sorted(words, key=lambda word: int(self.who_has[word].sum()))
        candidates = np.zeros(self.patients, dtype=np.int32)
        surprise = np.full(self.patients, math.log(self.patients * max(tests, 1)))
        for word in order:
            has = self.who_has[word]
            share = max(float(has.mean()), 1 / self.patients)
            surprise[has] += math.log(min(share, 10.0 ** -(_digits(word) - 1)))
            candidates[has] += 1
        agreeing = candidates >= max(2, math.ceil(0.6 * len(words)))
        return bool((surprise[agreeing] < math.log(CHANCE)).any())


def traces_of(cohort: pl.DataFrame, rules: Rules) -> Traces:
    """Return what can be recognised of a cohort, once for all that is checked against it."""
    unique = [name for name in cohort.columns if cohort[name].n_unique() == cohort.height > 1]
    identifiers = [name for name in cohort.columns if name in rules.identifiers]
    identifiers += [name for name in unique if name not in identifiers and cohort[name].dtype == pl.String]
    known = {str(value).strip() for name in identifiers for value in cohort[name].drop_nulls()}
    measured = [name for name in cohort.columns if name not in identifiers and cohort[name].dtype.is_numeric()]
    features = [name for name in measured if rules.variables and name not in rules.variables]
    measured = [name for name in measured if name not in set(features)]
    exact, who_has = set[str](), dict[str, np.ndarray]()
    for name in measured:
        values = cohort[name].to_numpy()
        if cohort[name].dtype.is_float():
            exact |= {significant(float(value)) for value in values if _has_many_digits(float(value))}
        for word, places in _places(values).items():
            has = who_has.setdefault(word, np.zeros(cohort.height, dtype=bool))
            has[places] = True
    return Traces(
        patients=cohort.height,
        telling=tuple(sorted(name for name in known if _TELLING.fullmatch(name) and not name.isdigit())),
        hashes=_hashes(known),
        numbers=frozenset(name for name in known if name.isdigit() and len(name) >= 6),
        exact=frozenset(exact),
        who_has=who_has,
        features=np.unique(cohort.select(features).to_numpy()) if features else np.empty(0),
    )


def _places(values: np.ndarray) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, value in enumerate(values.tolist()):
        if (word := worded(value)) is not None:
            places.setdefault(word, []).append(place)
    return places


def _hashes(identifiers: Iterable[str]) -> frozenset[str]:
    kinds = (hashlib.md5, hashlib.sha1, hashlib.sha256)
    return frozenset(kind(name.encode(), usedforsecurity=False).hexdigest() for name in identifiers for kind in kinds)


def worded(value: object) -> str | None:
    """Return a number in the form numbers are compared in; nothing for 0, 1 and what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value in {0, 1}:
        return None
    return significant(float(value))


def significant(value: float) -> str:
    """Return a number at nine significant digits.

    >>> significant(59.597535934291584), significant(53.0)
    ('59.5975359', '53')
    """
    return f"{value:.{DIGITS}g}"


def _digits(word: str) -> int:
    return max(1, len(word.split("e", maxsplit=1)[0].replace("-", "").replace(".", "").strip("0")))


def _has_many_digits(value: float) -> bool:
    return math.isfinite(value) and _digits(significant(value)) >= DIGITS - 1 and value != round(value, 4)


def _found(where: str, rule: str, what: str) -> Finding:
    return Finding(where=where, rule=rule, what=what, remedy="Release summaries, rounded; never a patient's own value.")
