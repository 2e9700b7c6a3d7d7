import polars as pl
import pytest

from biolab.data import frame_digest

FRAME = pl.DataFrame({"a": [1, 2, None], "b": ["x", None, "yz"], "c": [0.5, 1.0, 2.0], "d": [True, None, False]})


@pytest.mark.parametrize(
    "other",
    [
        FRAME.reverse(),
        FRAME.rename({"a": "e"}),
        FRAME.select("b", "a", "c", "d"),
        FRAME.with_columns(a=pl.col("a").fill_null(0)),
        FRAME.with_columns(b=pl.col("b").fill_null("")),
        FRAME.with_columns(b=pl.Series(["xy", None, "z"])),
        FRAME.with_columns(a=pl.col("a").cast(pl.Float64)),
        FRAME.with_columns(b=pl.col("b").cast(pl.Enum(["x", "yz"]))),
        FRAME.with_columns(c=pl.col("c") + 1e-15),
        FRAME.head(2),
    ],
)
def test_any_change_changes_the_digest(other):
    assert frame_digest(other) != frame_digest(FRAME)


@pytest.mark.parametrize(
    "same",
    [
        FRAME.with_columns(a=pl.col("a").cast(pl.Int32)),
        FRAME.with_columns(c=pl.col("c").cast(pl.Float32)),
        pl.concat([FRAME.head(1), FRAME.tail(2)], rechunk=False),
        FRAME.with_columns(c=pl.col("c") * -1 * -1),
    ],
)
def test_storage_does_not_change_it(same):
    assert frame_digest(same) == frame_digest(FRAME)


def test_golden_value():
    """Recomputed by hand from the rule in the docstring: hashlib over the bytes of one column of two integers."""
    assert frame_digest(pl.DataFrame({"a": [1, None]})) == _by_hand()


def _by_hand() -> str:
    import hashlib

    parts = [b"2\n", (1).to_bytes(8, "little"), b"a", (7).to_bytes(8, "little"), b"integer", b"\x00\x01"]
    parts += [(1).to_bytes(8, "little"), (0).to_bytes(8, "little")]
    return hashlib.sha256(b"".join(parts)).hexdigest()
