"""A site's data become a cohort, or an error that names file, row, column and remedy and no patient."""

from pathlib import Path

import polars as pl
import pytest

from biolab.core import BiolabError, ConfigError, DataError
from biolab.joint import Protocol, load_cohort


def damaged(
    files: dict[str, Path], folder: Path, change: pl.Expr | dict[str, str], keep: pl.Expr | None = None
) -> Path:
    """Write the northern file with one change."""
    frame = pl.read_csv(files["north"])
    frame = frame.rename(change) if isinstance(change, dict) else frame.with_columns(change)
    frame = frame if keep is None else frame.filter(keep)
    frame.write_csv(folder / "north.csv")
    return folder / "north.csv"


def at(row: int, column: str, value: object) -> pl.Expr:
    return pl.when(pl.int_range(pl.len()) == row - 1).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)


FAULTS = {
    "missing column": ({"stage": "stages"}, ["stage", "Did you mean "]),
    "code outside the codebook": (at(3, "stage", 7), ["row 3", "stage", "7"]),
    "negative time": (at(5, "time_days", -1.0), ["row 5", "time_days", "-1"]),
    "zero time": (at(5, "time_days", 0.0), ["row 5", "time_days", "0"]),
    "event neither 0 nor 1": (at(8, "event", 2), ["row 8", "event", "2"]),
    "age outside its range": (at(2, "age", 190.0), ["row 2", "age", "190"]),
    "duplicated patient": (at(2, "id", "CANARY-1-0000"), ["1", "2", "id"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_located(name: str, protocol: Protocol, files: dict[str, Path], tmp_path: Path) -> None:
    change, said = FAULTS[name]
    path = damaged(files, tmp_path, change)
    with pytest.raises(DataError) as caught:
        load_cohort(protocol, "north", file=path)
    assert [word for word in ["north.csv", *said] if word not in str(caught.value)] == []
    assert "CANARY" not in str(caught.value)


def test_nulls_follow_the_policy(protocol: Protocol, files: dict[str, Path]) -> None:
    def under(policy: str) -> Protocol:
        return Protocol.model_validate(protocol.model_dump(mode="json") | {"missing": {"policy": policy}})

    kept, dropped = (load_cohort(under(policy), "north", file=files["north"]) for policy in ("impute", "drop"))
    assert kept.frame["marker"].null_count() > 0
    assert dropped.patients == kept.patients - kept.frame["marker"].null_count()
    with pytest.raises(DataError, match=r"marker.*missing"):
        load_cohort(under("refuse"), "north", file=files["north"])


def test_too_few_events_and_unnamed_units_are_refused(
    protocol: Protocol, files: dict[str, Path], tmp_path: Path
) -> None:
    few = damaged(files, tmp_path, pl.col("age"), keep=(pl.col("event") == 0) | (pl.int_range(pl.len()) < 4))
    with pytest.raises(DataError, match="events"):
        load_cohort(protocol, "north", file=few)
    content = protocol.model_dump(mode="json")
    content["sites"]["north"]["columns"]["time_days"] = None
    del content["sites"]["north"]["columns"]["time_days"]
    content["sites"]["north"]["columns"]["months"]["unit"] = "fortnight"
    with pytest.raises(BiolabError, match="fortnight"):
        load_cohort(Protocol.model_validate(content), "north", file=files["north"])


def test_unknown_site_and_missing_data_are_named(protocol: Protocol) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'north'"):
        load_cohort(protocol, "nort")
    with pytest.raises(ConfigError, match="names no data set"):
        load_cohort(protocol, "north")
