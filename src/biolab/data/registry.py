"""Real data sets with their source, licence, citation and checksum."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, Literal

import polars as pl

from biolab.core import ConfigError, DataError, did_you_mean

from . import survset
from .digest import frame_digest


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set that biolab can load, and where it comes from."""

    name: str
    title: str
    institution: str
    country: str
    patients: int
    licence: str
    source: str
    citation: str
    doi: str | None
    sha256: str
    loader: str


_SURVIVAL: Final = "PyPI package survival >=2.0,<3"
_FAMILY: Final = "survset/"
_ROYSTON: Final = "Royston P, Altman DG (2013). BMC Medical Research Methodology 13:33"

_DATASETS: Final[dict[str, Dataset]] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="rotterdam",
            title="Primary breast cancer, Rotterdam tumour bank",
            institution="Erasmus MC Rotterdam (Dr. Daniel den Hoed Cancer Center)",
            country="NL",
            patients=2982,
            licence="MIT (as shipped)",
            source=_SURVIVAL,
            citation="Foekens JA et al. (2000). Cancer Research 60:636-643; " + _ROYSTON,
            doi="10.1186/1471-2288-13-33",
            sha256="f32b6938bd59f43f8f0bb6ab51aded923f366eba0dd14d2293245523f495775d",
            loader="load_rotterdam",
        ),
        Dataset(
            name="gbsg",
            title="Node-positive breast cancer, German Breast Cancer Study Group trial",
            institution="German Breast Cancer Study Group",
            country="DE",
            patients=686,
            licence="MIT (as shipped)",
            source=_SURVIVAL,
            citation="Schumacher M et al. (1994). Journal of Clinical Oncology 12:2086-2093; " + _ROYSTON,
            doi="10.1200/JCO.1994.12.10.2086",
            sha256="15c70ff8d63e8cc448c366eaf1338c539309f2a17e6bfb8bcaaba37d7bb61d6c",
            loader="load_gbsg",
        ),
        Dataset(
            name="lung-ncctg",
            title="Advanced lung cancer, North Central Cancer Treatment Group",
            institution="North Central Cancer Treatment Group",
            country="US",
            patients=228,
            licence="MIT (as shipped)",
            source=_SURVIVAL,
            citation="Loprinzi CL et al. (1994). Journal of Clinical Oncology 12:601-607",
            doi="10.1200/JCO.1994.12.3.601",
            sha256="09e3f28084abfc91541a77093016ec19a20a20a2b434f097e77e3c44ddc3e2ab",
            loader="load_lung",
        ),
    )
}


def datasets(family: Literal["survset"] | None = None) -> pl.DataFrame:
    """List the real data sets: source, licence, citation and the checksum of their canonical content.

    Without a family, the cohorts that come with biolab; ``"survset"`` lists the 77 of SurvSet, whose rows, patients,
    events, columns, notes and checksums are known here and whose content is in the extra ``biolab[datasets]``.

    >>> datasets()["name"].to_list()
    ['rotterdam', 'gbsg', 'lung-ncctg']
    >>> datasets("survset").filter(name="survset/gse1992").select("patients", "events", "numbers").row(0)
    (124, 35, 15530)

    Raises
    ------
    ConfigError
        If there is no such family.
    """
    if family is not None:
        return _family(family)
    columns = [name for name in Dataset.__dataclass_fields__ if name != "loader"]
    return pl.DataFrame([{name: getattr(dataset, name) for name in columns} for dataset in _DATASETS.values()])


def load(name: str) -> pl.LazyFrame:
    """Load a real data set as its institution recorded it; ``survset/<name>`` loads one of SurvSet's cohorts.

    The columns of SurvSet's cohorts are told by `biolab.data.survset.read_survset`.

    >>> load("gbsg").collect().shape
    (686, 11)
    >>> load("survset/veteran").collect().columns[:5]
    ['pid', 'time', 'event', 'num_karno', 'num_diagtime']

    Raises
    ------
    ConfigError
        If no data set has that name.
    DataError
        If the content is not the one whose checksum biolab knows.
    MissingExtraError
        If a cohort of SurvSet is asked for and the package SurvSet is not installed.
    """
    if name.startswith(_FAMILY):
        return survset.read_survset(name.removeprefix(_FAMILY)).lazy()
    if name not in _DATASETS:
        known = [*_DATASETS, *(_FAMILY + cohort for cohort in survset.survset_cohorts())]
        raise ConfigError(f"No data set is called {name!r}. {did_you_mean(name, known)}")
    dataset = _DATASETS[name]
    frame = _loader(dataset)
    found = frame_digest(frame)
    if found != dataset.sha256:
        raise DataError(
            f"Data set {name!r} is not the one biolab knows: its content has SHA-256 {found}, expected "
            f"{dataset.sha256}. Install {dataset.source}, or read your own file with biolab.data.scan."
        )
    return frame.lazy()


def _family(family: str) -> pl.DataFrame:
    if family != "survset":
        raise ConfigError(f"No family of data sets is called {family!r}; known is 'survset'.")
    rows = [asdict(cohort) | {"name": _FAMILY + name} for name, cohort in survset.survset_cohorts().items()]
    told = {"licence": survset.LICENCE, "source": survset.SOURCE, "citation": survset.CITATION, "doi": survset.DOI}
    return pl.DataFrame(rows).with_columns(pl.lit(text).alias(column) for column, text in told.items())


def _loader(dataset: Dataset) -> pl.DataFrame:
    from survival import datasets as shipped

    function: Callable[[], dict[str, list[object]]] = getattr(shipped, dataset.loader)
    return pl.DataFrame(function())
