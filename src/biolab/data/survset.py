"""The cohorts of SurvSet, read from the optional package of that name; the only module that imports it."""

import csv
import warnings
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import polars as pl

from biolab.core import ConfigError, DataError, MissingExtraError, did_you_mean

from .digest import frame_digest

if TYPE_CHECKING:
    import pandas as pd

LICENCE: Final = "GPL-3 (the package SurvSet)"
SOURCE: Final = "PyPI package SurvSet >=0.2.11, extra biolab[datasets]"
CITATION: Final = "Drysdale E (2022). SurvSet: An open-source time-to-event dataset repository. arXiv:2203.03094"
DOI: Final = "10.48550/arXiv.2203.03094"

_KINDS: Final = {"num_": "number", "fac_": "factor"}


@dataclass(frozen=True, kw_only=True)
class SurvSetCohort:
    """What biolab knows of one cohort of SurvSet without opening it.

    ``rows`` equals the patients unless the cohort is time dependent or counts two eyes of one patient. ``events``
    counts rows with an observed event of any cause. ``described_at`` is the address SurvSet names for the columns.
    """

    name: str
    rows: int
    patients: int
    events: int
    numbers: int
    factors: int
    time_dependent: bool
    described_at: str
    note: str
    sha256: str


@cache
def survset_cohorts() -> dict[str, SurvSetCohort]:
    """Return all cohorts of SurvSet by name; works without the package.

    >>> survset_cohorts()["gse1992"].numbers
    15530
    """
    text = resources.files("biolab.data").joinpath("survset.csv").read_text(encoding="utf-8")
    return {row["name"]: _cohort(row) for row in csv.DictReader(text.splitlines())}


def read_survset(name: str) -> pl.DataFrame:
    """Read one cohort and check it against the content biolab knows.

    Columns, in this order: ``pid`` (text), ``entry`` (number, only in time-dependent cohorts), ``time`` (number),
    ``event`` (integer: 1 observed, 0 censored, 2 a competing event in follic), then the covariates under SurvSet's
    names, which say their kind: ``num_*`` numbers, ``fac_*`` factors (an ordered Enum of text). A row of a
    time-dependent cohort is at risk in (entry, time]. Missing is null everywhere: the level "missing" that SurvSet
    gives a factor is null here, while codes such as "na" or "x" that a cohort's own owners wrote stay as they are.

    Raises
    ------
    ConfigError
        If SurvSet has no cohort of that name.
    MissingExtraError
        If the package SurvSet is not installed.
    DataError
        If the content is not the one whose checksum biolab knows.

    References
    ----------
    Drysdale E (2022). SurvSet: An open-source time-to-event dataset repository. arXiv:2203.03094.
    """
    cohorts = survset_cohorts()
    if name not in cohorts:
        raise ConfigError(f"SurvSet has no cohort called {name!r}. {did_you_mean(name, cohorts)}")
    frame = survset_frame(_shipped(name))
    found = frame_digest(frame)
    if found != cohorts[name].sha256:
        raise DataError(
            f"Data set 'survset/{name}' is not the one biolab knows: its content has SHA-256 {found}, expected "
            f"{cohorts[name].sha256}. Install SurvSet 0.2.11, or read your own file with biolab.data.scan."
        )
    return frame


def survset_frame(shipped: "pd.DataFrame") -> pl.DataFrame:
    """Bring a frame as SurvSet ships it to biolab's columns and types (see `read_survset`).

    Raises
    ------
    DataError
        If a column is neither a key nor prefixed num_ or fac_.
    """
    dependent = "time2" in shipped.columns
    ends = {"entry": "time", "time": "time2"} if dependent else {"time": "time"}
    columns = [pl.Series("pid", [str(pid) for pid in shipped["pid"]], dtype=pl.String)]
    columns += [_number(name, shipped[column]) for name, column in ends.items()]
    columns.append(pl.Series("event", shipped["event"].to_numpy(dtype="int64")))
    covariates = [str(name) for name in shipped.columns if name not in {"pid", "time", "time2", "event"}]
    unknown = [name for name in covariates if name[:4] not in _KINDS]
    if unknown:
        raise DataError(f"SurvSet column {unknown[0]!r} starts neither with num_ nor with fac_: its kind is unknown.")
    numbers = [name for name in covariates if _KINDS[name[:4]] == "number"]
    block = iter(shipped[numbers].to_numpy(dtype="float64").T.copy())  # at once: one by one a genome takes seconds
    for name in covariates:
        number = _KINDS[name[:4]] == "number"
        columns.append(pl.Series(name, next(block), nan_to_null=True) if number else _factor(name, shipped[name]))
    return pl.DataFrame(columns)


def _shipped(name: str) -> "pd.DataFrame":
    try:
        from SurvSet.data import SurvLoader
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Data set 'survset/{name}' needs the optional package SurvSet (GPL-3). "
            "Install it with: pip install 'biolab[datasets]'"
        ) from error
    with warnings.catch_warnings():  # the pickles name modules of numpy 1
        warnings.simplefilter("ignore", DeprecationWarning)
        return SurvLoader().load_pickle(name)


def _number(name: str, values: "pd.Series") -> pl.Series:
    return pl.Series(name, values.to_numpy(dtype="float64"), nan_to_null=True)


def _factor(name: str, values: "pd.Series") -> pl.Series:
    labels = [str(level) for level in values.cat.categories]
    kept = [label for label in labels if label != "missing"]
    codes: list[str | None] = [
        labels[code] if code >= 0 and labels[code] != "missing" else None for code in values.cat.codes
    ]
    return pl.Series(name, codes, dtype=pl.Enum(kept))


def _cohort(row: dict[str, str]) -> SurvSetCohort:
    return SurvSetCohort(
        name=row["name"],
        rows=int(row["rows"]),
        patients=int(row["patients"]),
        events=int(row["events"]),
        numbers=int(row["numbers"]),
        factors=int(row["factors"]),
        time_dependent=row["time_dependent"] == "yes",
        described_at=row["described_at"],
        note=row["note"],
        sha256=row["sha256"],
    )
