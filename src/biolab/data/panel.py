"""A block of like features (the genes of an array), named by a shared list instead of one codebook entry each."""

import hashlib
from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from biolab.core import ConfigError, DataError, did_you_mean
from biolab.core.arrays import Float
from biolab.core.validation import Settings

from .codebook import Label, Variable

SLOT = "{feature}"


class Panel(Settings):
    """A block of numeric features that every site measured, and how each site's numbers become comparable.

    ``raw`` says what a feature's column is called in a site's file, with ``{feature}`` in place of its name.
    ``features`` is the shared list, ``sha256`` the digest of that list (see ``feature_digest``): a list that was
    changed by hand is refused. ``scale = "rank-z"`` replaces a patient's values by their ranks among the features and
    then standardises each feature over the site's eligible patients. That is transductive: a patient's values depend
    on who else is in the cohort, so the score of one patient alone is not defined. ``nulls`` is the rule for a missing
    value: stop, or leave the patient out.

    >>> genes = ("AURKA", "MKI67")
    >>> panel = Panel(label="Genes", raw="gene_{feature}", features=genes, sha256=feature_digest(genes))
    >>> panel.raw_column("MKI67"), panel.columns("genes")
    ('gene_MKI67', ('genes.AURKA', 'genes.MKI67'))
    """

    label: Label
    raw: str = SLOT
    features: tuple[str, ...] = Field(min_length=1)
    sha256: str
    scale: Literal["none", "rank-z"] = "rank-z"
    nulls: Literal["refuse", "drop"] = "refuse"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.raw.count(SLOT) != 1:
            raise ValueError(f"raw is {self.raw!r}; it must hold {SLOT} once, where a feature's name stands")
        if list(self.features) != sorted(set(self.features)):
            raise ValueError("features must be sorted and each stand once, so that one list has one digest")
        found = feature_digest(self.features)
        if found != self.sha256:
            raise ValueError(
                f"sha256 is {self.sha256[:12]}..., but the list of {len(self.features)} features has {found}; the "
                "sites agreed on another list"
            )
        return self

    def raw_column(self, feature: str) -> str:
        """Return the name of a feature's column in a site's file."""
        return self.raw.replace(SLOT, feature)

    def columns(self, name: str, features: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return the names of the features' columns in the harmonised frame of a panel called ``name``."""
        return tuple(f"{name}.{feature}" for feature in (self.features if features is None else features))

    def variable(self, name: str, feature: str) -> Variable:
        """Return a feature as a variable of a codebook.

        Raises
        ------
        ConfigError
            If the panel has no such feature.
        """
        self.require([feature], f"panel {name!r}")
        return self.unchecked_variable(name, feature)

    def unchecked_variable(self, name: str, feature: str) -> Variable:
        """Return a feature that is known to be the panel's as a variable of a codebook."""
        return Variable(name=f"{name}.{feature}", label=Label(en=feature, ko=feature), type="number")

    def require(self, features: Sequence[str], where: str) -> None:
        """Refuse features that the panel does not have.

        Raises
        ------
        ConfigError
            Names the first such feature and the nearest known one.
        """
        known = set(self.features)
        for feature in features:
            if feature not in known:
                raise ConfigError(f"{where}: there is no feature {feature!r}. {did_you_mean(feature, self.features)}")


def feature_digest(features: Sequence[str]) -> str:
    """Return the SHA-256 of a list of features, one a line.

    >>> feature_digest(("AURKA", "MKI67"))[:12]
    '57c53d2918b8'
    """
    return hashlib.sha256("".join(f"{feature}\n" for feature in features).encode()).hexdigest()


def read_panel(raw: pl.LazyFrame, panel: Panel, name: str, *, file: str) -> pl.DataFrame:
    """Read a panel's columns as numbers, named ``<name>.<feature>``; rows keep their number and order.

    Raises
    ------
    DataError
        If columns are missing or hold something else than numbers; names the file and the first columns.
    """
    schema = raw.collect_schema()
    columns = {feature: panel.raw_column(feature) for feature in panel.features}
    missing = [column for column in columns.values() if column not in schema]
    if missing:
        shown = ", ".join(repr(column) for column in missing[:5])
        raise DataError(
            f"{file}: {len(missing)} of the {len(columns)} columns of panel {name!r} are missing, first {shown}. Bring "
            "the file's gene names to those of the shared list, or agree on a shorter list and another protocol "
            "version."
        )
    texts = [column for column in columns.values() if not schema[column].is_numeric()]
    if texts:
        raise DataError(f"{file}: column {texts[0]!r} of panel {name!r} holds {schema[texts[0]]}; expected numbers.")
    values = raw.select(list(columns.values())).collect().to_numpy().astype(np.float64, copy=False)
    return pl.DataFrame(values, schema=list(panel.columns(name)), nan_to_null=True)


def complete_rows(frame: pl.DataFrame, panel: Panel, name: str, *, file: str) -> pl.DataFrame:
    """Apply a panel's null rule: leave out patients with a missing value, or refuse them.

    Raises
    ------
    DataError
        Under ``nulls = "refuse"``: names the file, the first column with gaps and how many cells are missing.
    """
    columns = list(panel.columns(name))
    counts = frame.select(columns).null_count().row(0)
    total = sum(counts)
    if total == 0:
        return frame
    if panel.nulls == "drop":
        return frame.drop_nulls(columns)
    first = next(column for column, count in zip(columns, counts, strict=True) if count)
    raise DataError(
        f"{file}: {total} values of panel {name!r} are missing, first in {first!r}. Impute them before the study, or "
        'set nulls = "drop" in the protocol.'
    )


def scale_panel(frame: pl.DataFrame, panel: Panel, name: str) -> pl.DataFrame:
    """Bring a panel's columns to the scale that all sites share; the other columns stay as they are."""
    if panel.scale == "none" or frame.is_empty():
        return frame
    columns = list(panel.columns(name))
    values = rank_z(frame.select(columns).to_numpy())
    return frame.drop(columns).hstack(pl.DataFrame(values, schema=columns))


def rank_z(values: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n p"]:
    """Replace values by their mid-ranks within each row, then standardise each column (divisor n); constant ones are 0.

    Ranks do away with the scale and the normalisation of the platform, standardising with the level of each gene at
    the site.

    >>> rank_z(np.array([[5.0, 1.0, 9.0], [0.1, 0.2, 0.3]])).round(1).tolist()
    [[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]]
    """
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=1)
    spread = ranks.std(axis=0)
    return (ranks - ranks.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
