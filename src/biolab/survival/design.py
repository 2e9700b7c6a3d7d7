"""From codebook variables to the numbers a model is fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from biolab.core import ConfigError, DataError, FitError, did_you_mean
from biolab.core.arrays import Float
from biolab.core.validation import Settings
from biolab.data import Codebook, Variable

Transform = Literal["identity", "log1p"]


class Term(Settings):
    """A variable of the codebook in a model, as it is or as log(1 + x)."""

    variable: str
    transform: Transform = "identity"


@dataclass(frozen=True, kw_only=True)
class DesignColumn:
    """One column of the design matrix and what was learned for it from the training patients.

    The entry is ``(transform(x) - centre) / scale`` of a number and 0/1 of a level; ``fill`` stands in for a missing
    value: the training median, or the most common code. The entries of a level compare it with ``reference``.
    """

    name: str
    variable: str
    transform: Transform = "identity"
    level: str | None = None
    reference: str | None = None
    fill: float | str = 0.0
    centre: float = 0.0
    scale: float = 1.0

    def natural(self, entry: float) -> float:
        """Return the value of the variable that an entry of this column stands for."""
        value = entry * self.scale + self.centre
        return float(np.expm1(value)) if self.transform == "log1p" else value

    def standardised(self, value: float) -> float:
        """Return the entry of this column for a value of the variable."""
        return float((np.log1p(value) if self.transform == "log1p" else value) - self.centre) / self.scale


class Design(TransformerMixin, BaseEstimator):
    """Turn a harmonised frame into a float64 design matrix; a scikit-learn transformer.

    Numbers are transformed, then centred and scaled by mean and standard deviation (divisor n) of the training
    patients; categories become 0/1 columns against their first code; booleans become 0/1. Missing values are filled
    with what ``fit`` learned, so that inside cross-validation nothing of a test fold is used.

    >>> codebook = Codebook.model_validate(
    ...     {
    ...         "nodes": {"type": "integer", "minimum": 0},
    ...         "grade": {"type": "category", "codes": ["1-2", "3"]},
    ...     }
    ... )
    >>> design = Design([Term(variable="nodes"), Term(variable="grade")], codebook)
    >>> design.fit_transform(pl.DataFrame({"nodes": [1, 3], "grade": ["3", "1-2"]}))
    array([[-1.,  1.],
           [ 1.,  0.]])
    >>> design.names_
    ('nodes', 'grade[3]')

    Parameters
    ----------
    terms
        The variables in the order of the columns.
    codebook
        Their types, codes and ranges.
    """

    columns_: tuple[DesignColumn, ...]

    def __init__(self, terms: Sequence[Term], codebook: Codebook) -> None:
        self.terms = terms
        self.codebook = codebook

    def fit(self, frame: pl.DataFrame, y: object = None) -> Self:
        """Learn centre, scale and what fills gaps from the training patients; ``y`` is not used.

        Raises
        ------
        ConfigError
            If a term is not a covariate of the codebook, stands twice, or takes log1p of what can be negative.
        DataError
            If the frame lacks a variable.
        FitError
            If the frame has no rows, or a variable has no known value.
        """
        _check_terms(self.terms, self.codebook)
        if frame.is_empty():
            raise FitError("The design cannot be learned from 0 patients. Look at the eligibility rules and the folds.")
        self.columns_ = tuple(
            column for term in self.terms for column in _learn(term, self.codebook[term.variable], frame)
        )
        return self

    def transform(self, frame: pl.DataFrame) -> Float[np.ndarray, "n p"]:
        """Return one row a patient and one column a design column, without missing entries.

        Raises
        ------
        DataError
            If the frame lacks a variable, or holds a code or number that the codebook does not allow.
        """
        check_is_fitted(self, "columns_")
        matrix = np.empty((frame.height, len(self.columns_)), dtype=np.float64)
        for position, column in enumerate(self.columns_):
            matrix[:, position] = _entries(column, self.codebook[column.variable], frame)
        return matrix

    @property
    def names_(self) -> tuple[str, ...]:
        """The names of the design columns: ``age``, ``log1p(nodes)``, ``size[>50]``."""
        check_is_fitted(self, "columns_")
        return tuple(column.name for column in self.columns_)

    @property
    def natural_scale_(self) -> Float[np.ndarray, " p"]:
        """What a coefficient is divided by to be per unit of the transformed variable (per year, per level)."""
        check_is_fitted(self, "columns_")
        return np.array([column.scale for column in self.columns_])

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return ``names_`` as scikit-learn expects them; ``input_features`` is not used."""
        return np.array(self.names_, dtype=object)

    def to_dict(self) -> dict[str, object]:
        """Return terms, codebook and what was learned, JSON-able and free of rows; floats survive JSON exactly."""
        check_is_fitted(self, "columns_")
        return {
            "terms": [term.model_dump() for term in self.terms],
            "codebook": self.codebook.model_dump(mode="json"),
            "columns": [asdict(column) for column in self.columns_],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, object]) -> Self:
        """Rebuild a fitted design from ``to_dict``.

        Raises
        ------
        ConfigError
            If the content is not that of a design.
        """
        try:
            stored = _StoredDesign.model_validate(content)
        except ValueError as error:
            raise ConfigError(f"This is not the stored content of a design: {error}") from error
        design = cls(list(stored.terms), stored.codebook)
        design.columns_ = stored.columns
        return design


class _StoredDesign(Settings):
    terms: tuple[Term, ...]
    codebook: Codebook
    columns: tuple[DesignColumn, ...]


def _check_terms(terms: Sequence[Term], codebook: Codebook) -> None:
    if not terms:
        raise ConfigError("A design needs at least one term.")
    seen: set[str] = set()
    for term in terms:
        variable = codebook[term.variable]
        if variable.role != "covariate":
            raise ConfigError(f"Term {term.variable!r} has role {variable.role!r}; only covariates enter a model.")
        if term.variable in seen:
            raise ConfigError(f"Term {term.variable!r} stands twice; keep one of them.")
        seen.add(term.variable)
        if term.transform != "log1p":
            continue
        if variable.type not in {"number", "integer"}:
            raise ConfigError(f"Term {term.variable!r}: log1p needs a number, not type {variable.type!r}.")
        if variable.minimum is None or variable.minimum < 0:
            raise ConfigError(f"Term {term.variable!r}: log1p needs a codebook minimum of 0 or more.")


def _learn(term: Term, variable: Variable, frame: pl.DataFrame) -> list[DesignColumn]:
    values = _values(variable.name, frame)
    known = values.drop_nulls()
    if known.is_empty():
        raise FitError(f"{variable.name!r} is missing in all {frame.height} training patients. Leave the term out.")
    if variable.type in {"number", "integer"}:
        return [_learn_number(term, values.cast(pl.Float64))]
    levels = variable.codes if variable.type == "category" else ("false", "true")
    text = known.cast(pl.String)
    common = max(levels, key=lambda level: int((text == level).sum()))
    return [
        DesignColumn(
            name=f"{variable.name}[{level}]", variable=variable.name, level=level, reference=levels[0], fill=common
        )
        for level in levels[1:]
    ]


def _learn_number(term: Term, values: pl.Series) -> DesignColumn:
    fill = float(np.median(values.drop_nulls().to_numpy()))
    transformed = _transformed(values.fill_null(fill).to_numpy(), term.transform, term.variable)
    return DesignColumn(
        name=term.variable if term.transform == "identity" else f"{term.transform}({term.variable})",
        variable=term.variable,
        transform=term.transform,
        fill=fill,
        centre=float(np.mean(transformed)),
        scale=float(np.std(transformed)) if np.ptp(transformed) > 0 else 1.0,
    )


def _entries(column: DesignColumn, variable: Variable, frame: pl.DataFrame) -> Float[np.ndarray, " n"]:
    values = _values(variable.name, frame)
    if column.level is None:
        numbers = values.cast(pl.Float64).fill_null(float(column.fill)).to_numpy()
        return (_transformed(numbers, column.transform, variable.name) - column.centre) / column.scale
    levels = variable.codes if variable.type == "category" else ("false", "true")
    text = values.cast(pl.String).fill_null(str(column.fill))
    unknown = ~text.is_in(levels)
    if unknown.any():
        row = int(unknown.arg_true()[0])
        raise DataError(
            f"Row {row + 1}, column {variable.name!r}: {text[row]!r} is not a code; expected {', '.join(levels)}. "
            "Harmonise the frame to the codebook first."
        )
    return (text == column.level).cast(pl.Float64).to_numpy()


def _values(name: str, frame: pl.DataFrame) -> pl.Series:
    if name not in frame.columns:
        raise DataError(f"The frame has no column {name!r}. {did_you_mean(name, frame.columns)}")
    values = frame[name]
    return values.fill_nan(None) if values.dtype.is_float() else values


def _transformed(values: Float[np.ndarray, " n"], transform: Transform, name: str) -> Float[np.ndarray, " n"]:
    smallest = -1.0 if transform == "log1p" else -np.inf
    wrong = np.flatnonzero(~np.isfinite(values) | (values <= smallest))
    if wrong.size:
        raise DataError(
            f"Row {wrong[0] + 1}, column {name!r}: {values[wrong[0]]} cannot enter {transform!r}; expected a finite "
            "number in the codebook's range. Harmonise the frame to the codebook first."
        )
    return np.log1p(values) if transform == "log1p" else values
