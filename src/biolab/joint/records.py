"""How a protocol's runs are named, tagged and described in MLflow, and what a judged model's run holds."""

from collections.abc import Mapping

import polars as pl

import biolab
from biolab.survival import Evaluation
from biolab.tracking import Role
from biolab.tracking import code_tags as tags_of_code
from biolab.tracking import run_tags as tags_of

from .outgoing import OutgoingRun
from .protocol import Protocol
from .versions import code_commit, environment_sha256

SITE_ORDER = "sites"
"""Parameter of a site's run: the protocol's sites in the order of the coordinator's file, which its JSON sorts."""


def site_parameters(protocol: Protocol) -> dict[str, object]:
    """Return the parameters of a site's run: what decides the numbers, and who takes part."""
    return {**protocol.parameters, SITE_ORDER: " ".join(protocol.sites)}


def run_tags(
    protocol: Protocol, *, role: Role, site: str | None = None, model: str | None = None, model_site: str | None = None
) -> dict[str, str]:
    """Return the tags by which runs of this protocol are found and told apart."""
    tags = tags_of(
        protocol=protocol.name,
        version=protocol.version,
        sha256=protocol.sha256,
        role=role,
        site=site,
        model=model,
        model_site=model_site,
    )
    return tags | tags_of_code(version=biolab.__version__, commit=code_commit(), environment=environment_sha256())


def describe_run(protocol: Protocol, what: str) -> str:
    """Return the description a reader finds on the run's page in MLflow."""
    return f"**{what}**\n\n{protocol.protocol.question.en}\n\nProtocol {protocol.name} {protocol.version}"


def log_performance(
    run: OutgoingRun, evaluation: Evaluation, calibration: pl.DataFrame, *, model: str, sites: tuple[str, str]
) -> None:
    """Write one model's metrics with intervals, its paired differences and its calibration.

    ``sites`` are the site the model was fitted at and the site it was judged at.
    """
    where = {"train_site": pl.lit(sites[0]), "test_site": pl.lit(sites[1])}
    run.metrics(evaluation.metrics(model))
    tables = {"performance": evaluation.table(), "differences": evaluation.differences()}
    run.tables(
        {name: table.filter(pl.col("model") == model).with_columns(**where) for name, table in tables.items()}
        | {"calibration": calibration.with_columns(model=pl.lit(model), **where)}
    )


def log_subgroups(run: OutgoingRun, tables: Mapping[str, pl.DataFrame], *, model: str) -> None:
    """Write one model's measures by subgroup, where the protocol names subgroups."""
    run.tables({name: table.filter(pl.col("model") == model) for name, table in tables.items() if not table.is_empty()})
