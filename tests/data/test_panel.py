"""A panel's list has a digest, its columns are read by name, and its scale is the same on every platform."""

import numpy as np
import polars as pl
import pytest

from biolab.core import ConfigError, DataError
from biolab.data import Panel, complete_rows, feature_digest, read_panel, scale_panel
from biolab.data.panel import rank_z

GENES = ("A", "B", "C")


def panel(**changes: object) -> Panel:
    settings = {"label": "Genes", "raw": "g_{feature}", "features": GENES, "sha256": feature_digest(GENES)}
    return Panel.model_validate(settings | changes)


@pytest.fixture
def raw() -> pl.DataFrame:
    draw = np.random.default_rng(3)
    return pl.DataFrame({"pid": list("uvwxyz")} | {f"g_{gene}": draw.normal(size=6) for gene in reversed(GENES)})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"features": ("A", "B")}, "agreed on another list"),
        ({"features": ("B", "A"), "sha256": feature_digest(("B", "A"))}, "must be sorted"),
        ({"raw": "g_"}, "must hold {feature} once"),
    ],
)
def test_a_list_changed_by_hand_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        panel(**changes)


def test_columns_are_read_by_name_in_the_order_of_the_list(raw: pl.DataFrame) -> None:
    found = read_panel(raw.lazy(), panel(), "genes", file="x")
    assert found.columns == ["genes.A", "genes.B", "genes.C"]
    np.testing.assert_array_equal(found["genes.B"], raw["g_B"])
    with pytest.raises(DataError, match=r"x: 1 of the 3 columns of panel 'genes' are missing, first 'g_C'"):
        read_panel(raw.drop("g_C").lazy(), panel(), "genes", file="x")
    with pytest.raises(DataError, match="'g_A' of panel 'genes' holds String"):
        read_panel(raw.with_columns(g_A=pl.lit("1")).lazy(), panel(), "genes", file="x")


def test_the_null_rule_stops_or_leaves_out(raw: pl.DataFrame) -> None:
    gap = raw.with_columns(g_B=pl.when(pl.col("pid") == "w").then(float("nan")).otherwise("g_B"))
    found = read_panel(gap.lazy(), panel(), "genes", file="x")
    with pytest.raises(DataError, match=r"x: 1 values of panel 'genes' are missing, first in 'genes.B'"):
        complete_rows(found, panel(), "genes", file="x")
    assert complete_rows(found, panel(nulls="drop"), "genes", file="x").height == 5


def test_any_monotone_platform_gives_the_same_scale(raw: pl.DataFrame) -> None:
    values = raw.select("g_A", "g_B", "g_C").to_numpy()
    np.testing.assert_array_equal(rank_z(values), rank_z(np.exp(3 * values) + 7))
    found = rank_z(values)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    assert rank_z(np.ones((4, 3))).tolist() == np.zeros((4, 3)).tolist()


def test_scaling_leaves_other_columns_alone(raw: pl.DataFrame) -> None:
    frame = raw.select("pid").hstack(read_panel(raw.lazy(), panel(), "genes", file="x"))
    scaled = scale_panel(frame, panel(), "genes")
    assert scaled["pid"].equals(frame["pid"])
    np.testing.assert_array_equal(
        scaled.select(panel().columns("genes")).to_numpy(), rank_z(frame.drop("pid").to_numpy())
    )
    assert scale_panel(frame, panel(scale="none"), "genes").equals(frame)


def test_an_unknown_feature_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no feature 'a'"):
        panel().require(["a"], "models.index")
