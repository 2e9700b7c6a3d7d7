"""A small joint experiment of two made-up institutions, and the protocol of the main job."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biolab.data import UniformCensoring, synthetic_cohort
from biolab.joint import Comparison, Protocol, load_cohort, run_experiment
from biolab.tracking import Store, embedded_store

HERE = Path(__file__).resolve().parent
PATIENTS = 300


@pytest.fixture(scope="session")
def real_protocol() -> Protocol:
    """Return the protocol of the main job."""
    return Protocol.load(HERE.parents[1] / "experiments" / "breast-prognosis")


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    """Return the protocol of the two made-up institutions."""
    return Protocol.load(HERE / "two-made-up-sites")


def made_up(seed: int) -> pl.DataFrame:
    """Draw 300 patients whose hazard rises with age, marker and stage; some markers are missing."""
    draw = np.random.default_rng(seed)
    effects = {"age": 0.3, "marker": 0.5, "stage": 0.4}
    frame = synthetic_cohort(PATIENTS, log_hazard_ratios=effects, censoring=UniformCensoring(), seed=seed)
    return frame.with_columns(
        patient=pl.Series([f"CANARY-{seed}-{number:04d}" for number in range(PATIENTS)]),
        age=60 + 9 * pl.col("age"),
        marker=pl.when(pl.Series(draw.random(PATIENTS) < 0.05)).then(None).otherwise((4 + pl.col("marker")).exp()),
        stage=1 + (pl.col("stage") > -0.4).cast(pl.Int8) + (pl.col("stage") > 0.8).cast(pl.Int8),
    )


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write each institution's file in its own coding."""
    folder = tmp_path_factory.mktemp("sites")
    north = made_up(1).select(
        id="patient",
        time_days=pl.col("time_months") * 30.4375,
        event=pl.col("event").cast(pl.Int8),
        age="age",
        marker="marker",
        stage="stage",
    )
    south = made_up(2).select(
        chart="patient",
        years=pl.col("time_months") / 12,
        dead=pl.col("event").cast(pl.Int8),
        age_years="age",
        marker="marker",
        stage=pl.col("stage").cast(pl.String).replace({"1": "I", "2": "II", "3": "III"}),
    )
    north.write_csv(folder / "north.csv")
    south.write_parquet(folder / "south.parquet")
    return {"north": folder / "north.csv", "south": folder / "south.parquet"}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return an embedded store of its own."""
    return embedded_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def comparison(protocol: Protocol, files: dict[str, Path], store: Store) -> Comparison:
    """Run the joint experiment of the made-up institutions once."""
    return run_experiment(protocol, store, files=files)


@pytest.fixture(scope="session")
def north(protocol: Protocol, files: dict[str, Path]):
    """Return the cohort of the northern institution."""
    return load_cohort(protocol, "north", file=files["north"])
