"""One site's patients under the protocol: load, check against the codebook, harmonise, select."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from biolab.core import ConfigError, DataError
from biolab.data import (
    Cohort,
    RowFilter,
    TooFewEventsError,
    complete_rows,
    harmonise,
    load,
    read_panel,
    scale_panel,
    scan,
    select_cohort,
)

from .protocol import Protocol
from .tabular import outcome_values


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
    TooFewEventsError
        If fewer events remain than the protocol lets a site show.
    """
    table = protocol.site(site)
    raw, source = _raw(table.dataset, site, file)
    raw, source = _own_rows(raw, table.rows, source)
    frame = harmonise(raw, table.mapping, protocol.codebook, file=source)
    for name, panel in protocol.panels.items():
        frame = frame.hstack(read_panel(raw, panel, name, file=source))
        frame = complete_rows(frame, panel, name, file=source)
    cohort = select_cohort(
        frame,
        protocol.eligibility,
        protocol.codebook,
        missing=protocol.missing.policy,
        minimum_events=protocol.release.minimum_events if protocol.is_survival else 0,
        file=source,
    )
    if not protocol.is_survival:
        _refuse_few(protocol, cohort, source)
    scaled = cohort.frame
    for name, panel in protocol.panels.items():
        scaled = scale_panel(scaled, panel, name)
    return replace(cohort, frame=scaled)


def _raw(dataset: str | None, site: str, file: Path | None) -> tuple[pl.LazyFrame, str]:
    if file is not None:
        return scan(file), file.name
    if dataset is None:
        raise ConfigError(f"Site {site!r} names no data set. Give its file: --site {site} --data FILE.")
    return load(dataset), dataset


def _own_rows(raw: pl.LazyFrame, rows: RowFilter | None, source: str) -> tuple[pl.LazyFrame, str]:
    if rows is None:
        return raw, source
    schema = raw.collect_schema()
    if rows.column not in schema:
        raise DataError(f"{source}: column {rows.column!r}, which tells the sites apart, is missing.")
    return raw.filter(rows.expression(schema[rows.column])), f"{source} where {rows.column} is {rows.equals}"


def _refuse_few(protocol: Protocol, cohort: Cohort, source: str) -> None:
    """Refuse a site where either class, or all patients of a number, are fewer than the minimum of events."""
    outcome = outcome_values(protocol, cohort.frame)
    classes = [int(outcome.sum()), int((1 - outcome).sum())] if protocol.endpoint.kind == "binary" else [len(outcome)]
    if min(classes) < protocol.release.minimum_events:
        raise TooFewEventsError(
            f"{source}: fewer than {protocol.release.minimum_events} patients in a class of the outcome; so many are "
            "needed to fit and to protect patients. Widen the eligibility rules, or leave this site out."
        )
