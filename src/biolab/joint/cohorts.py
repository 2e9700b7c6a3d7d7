"""One site's patients under the protocol: load, check against the codebook, harmonise, select."""

from pathlib import Path

import polars as pl

from biolab.core import ConfigError
from biolab.data import Cohort, harmonise, load, scan, select_cohort

from .protocol import Protocol


def load_cohort(protocol: Protocol, site: str, *, file: Path | None = None) -> Cohort:
    """Read a site's raw data and return the patients its protocol admits.

    Parameters
    ----------
    protocol
        The protocol; its site table says which columns become which variables.
    site
        Name of the site in the protocol.
    file
        The site's own data file; without it, the registered data set the protocol names.

    Raises
    ------
    ConfigError
        If the protocol does not know the site, or there is neither a file nor a data set.
    DataError
        If a value stands outside the codebook: names file, row, column and value.
    """
    table = protocol.site(site)
    raw, source = _raw(table.dataset, site, file)
    frame = harmonise(raw, table.mapping, protocol.codebook, file=source)
    return select_cohort(frame, protocol.eligibility, protocol.codebook, missing=protocol.missing.policy, file=source)


def _raw(dataset: str | None, site: str, file: Path | None) -> tuple[pl.LazyFrame, str]:
    if file is not None:
        return scan(file), file.name
    if dataset is None:
        raise ConfigError(f"Site {site!r} names no data set. Give its file: --site {site} --data FILE.")
    return load(dataset), dataset
