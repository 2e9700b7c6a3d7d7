"""How a joint experiment is written to MLflow: names, tags and what a model's run holds."""

import polars as pl

from biolab.survival import Evaluation
from biolab.tracking import RecordedRun, Tag

from .protocol import Protocol


def experiment_name(protocol: Protocol) -> str:
    """Return the MLflow experiment of a protocol."""
    return f"biolab/{protocol.name}"


def run_tags(protocol: Protocol, *, role: str, site: str, model: str | None = None) -> dict[str, str]:
    """Return the tags by which runs of a protocol are found and told apart."""
    tags = {
        Tag.PROTOCOL_NAME: protocol.name,
        Tag.PROTOCOL_VERSION: protocol.protocol.version,
        Tag.PROTOCOL_SHA256: protocol.sha256,
        Tag.ROLE: role,
        Tag.SITE: site,
    }
    return tags | ({Tag.MODEL: model} if model else {})


def describe_run(protocol: Protocol, what: str) -> str:
    """Return the description a reader finds on the run's page in MLflow."""
    return f"**{what}**\n\n{protocol.protocol.question.en}\n\nProtocol {protocol.name} {protocol.protocol.version}"


def log_performance(
    run: RecordedRun, evaluation: Evaluation, calibration: pl.DataFrame, *, model: str, train_site: str, test_site: str
) -> None:
    """Write one model's metrics with intervals, its paired differences and its calibration."""
    where = {"train_site": pl.lit(train_site), "test_site": pl.lit(test_site)}
    run.metrics(evaluation.metrics(model))
    run.table("performance", evaluation.table().filter(pl.col("model") == model).with_columns(**where))
    run.table("differences", evaluation.differences().filter(pl.col("model") == model).with_columns(**where))
    run.table("calibration", calibration.with_columns(model=pl.lit(model), **where))
