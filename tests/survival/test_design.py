import json
import pickle

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from biolab.core import ConfigError, DataError, FitError
from biolab.data import Codebook
from biolab.survival.design import Design, Term

CODEBOOK = Codebook.model_validate(
    {
        "patient": {"type": "text", "role": "id"},
        "age": {"type": "number", "unit": "year"},
        "nodes": {"type": "integer", "minimum": 0},
        "size": {"type": "category", "codes": ["<=20", "20-50", ">50"]},
        "hormone": {"type": "boolean"},
    }
)
TERMS = [
    Term(variable="age"),
    Term(variable="nodes", transform="log1p"),
    Term(variable="size"),
    Term(variable="hormone"),
]


def patients(n: int, seed: int = 0, *, gaps: float = 0.1) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "age": draw.normal(55, 10, n),
            "nodes": draw.poisson(3, n),
            "size": draw.choice(["<=20", "20-50", ">50"], n, p=[0.2, 0.5, 0.3]),
            "hormone": draw.random(n) < 0.4,
        },
        schema={name: CODEBOOK[name].dtype for name in ("age", "nodes", "size", "hormone")},
    )
    return frame.with_columns(
        pl.when(pl.Series(draw.random(n) >= gaps)).then(pl.col(name)).alias(name) for name in frame.columns
    )


def test_agrees_with_scikit_learn_steps():
    frame = patients(200)
    design = Design(TERMS, CODEBOOK)
    expected = ColumnTransformer(
        [
            ("age", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["age"]),
            (
                "nodes",
                make_pipeline(SimpleImputer(strategy="median"), FunctionTransformer(np.log1p), StandardScaler()),
                ["nodes"],
            ),
            (
                "size",
                make_pipeline(
                    SimpleImputer(strategy="most_frequent", missing_values=None),
                    OneHotEncoder(categories=[["<=20", "20-50", ">50"]], drop="first", sparse_output=False),
                ),
                ["size"],
            ),
        ]
    )
    table = frame.select(pl.col("age"), pl.col("nodes").cast(pl.Float64), pl.col("size").cast(pl.String)).to_pandas()
    np.testing.assert_allclose(
        design.fit_transform(frame)[:, :4], expected.fit_transform(table.astype({"size": object})), atol=1e-12
    )


def test_names_scales_and_references():
    design = Design(TERMS, CODEBOOK).fit(patients(100))
    assert design.names_ == ("age", "log1p(nodes)", "size[20-50]", "size[>50]", "hormone[true]")
    assert design.get_feature_names_out().tolist() == list(design.names_)
    assert [column.reference for column in design.columns_] == [None, None, "<=20", "<=20", "false"]
    assert design.natural_scale_[2:].tolist() == [1.0, 1.0, 1.0]


def test_a_coefficient_over_its_scale_is_per_natural_unit():
    design = Design(TERMS, CODEBOOK).fit(patients(100))
    coefficient = np.arange(1.0, 6.0)
    young, old = (
        pl.DataFrame({"age": [age], "nodes": [1], "size": ["<=20"], "hormone": [False]}) for age in (50.0, 60.0)
    )
    difference = float(((design.transform(old) - design.transform(young)) @ coefficient)[0])
    assert difference == pytest.approx(10 * coefficient[0] / design.natural_scale_[0], rel=1e-12)


@settings(derandomize=True, max_examples=15)
@given(seed=st.integers(0, 100), cut=st.integers(1, 39))
def test_rows_are_independent_of_each_other(seed, cut):
    frame = patients(40, seed)
    design = Design(TERMS, CODEBOOK).fit(patients(60, 1))
    whole = design.transform(frame)
    np.testing.assert_array_equal(whole, np.vstack([design.transform(frame[:cut]), design.transform(frame[cut:])]))
    assert np.isfinite(whole).all()


def test_gaps_of_a_test_fold_are_filled_from_the_training_fold():
    design = Design([Term(variable="age"), Term(variable="size")], CODEBOOK)
    design.fit(pl.DataFrame({"age": [40.0, 50.0, 90.0], "size": [">50", ">50", "<=20"]}))
    gap = pl.DataFrame(
        {"age": [None, float("nan")], "size": [None, None]}, schema={"age": pl.Float64, "size": pl.String}
    )
    known = pl.DataFrame({"age": [50.0, 50.0], "size": [">50", ">50"]})
    np.testing.assert_array_equal(design.transform(gap), design.transform(known))


def test_json_round_trip_is_exact():
    design = Design(TERMS, CODEBOOK).fit(patients(101))
    content = json.loads(json.dumps(design.to_dict()))
    again = Design.from_dict(content)
    assert again.to_dict() == design.to_dict()
    assert again.columns_ == design.columns_
    frame = patients(20, 5)
    np.testing.assert_array_equal(again.transform(frame), design.transform(frame))


def test_what_is_no_design_is_refused():
    with pytest.raises(ConfigError, match="not the stored content of a design"):
        Design.from_dict({"terms": []})


def test_it_is_a_scikit_learn_transformer():
    design = Design(TERMS, CODEBOOK)
    assert clone(design).get_params().keys() == {"terms", "codebook"}
    fitted = design.fit(patients(30))
    frame = patients(5, 2)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).transform(frame), fitted.transform(frame))


def test_a_constant_number_is_a_column_of_zeros():
    frame = pl.DataFrame({"age": [0.1] * 7})
    assert Design([Term(variable="age")], CODEBOOK).fit_transform(frame) == pytest.approx(np.zeros((7, 1)), abs=1e-15)


def test_no_rows_transform_to_no_rows():
    design = Design(TERMS, CODEBOOK).fit(patients(30))
    assert design.transform(patients(3).head(0)).shape == (0, 5)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ([], "at least one term"),
        ([Term(variable="agee")], "no variable 'agee'. Did you mean 'age'"),
        ([Term(variable="patient")], "'patient' has role 'id'; only covariates"),
        ([Term(variable="age"), Term(variable="age")], "'age' stands twice"),
        ([Term(variable="size", transform="log1p")], "log1p needs a number, not type 'category'"),
        ([Term(variable="age", transform="log1p")], "log1p needs a codebook minimum of 0 or more"),
    ],
)
def test_terms_that_do_not_fit_the_codebook(terms, said):
    with pytest.raises(ConfigError, match=said):
        Design(terms, CODEBOOK).fit(patients(10))


def test_frames_that_do_not_fit_the_design():
    design = Design([Term(variable="nodes", transform="log1p"), Term(variable="size")], CODEBOOK)
    with pytest.raises(FitError, match="0 patients"):
        design.fit(patients(3).head(0))
    with pytest.raises(FitError, match="'nodes' is missing in all 5"):
        design.fit(patients(5, gaps=2.0))
    design.fit(patients(20))
    with pytest.raises(DataError, match="no column 'size'"):
        design.transform(pl.DataFrame({"nodes": [1]}))
    with pytest.raises(DataError, match="Row 2, column 'size': '30' is not a code; expected <=20, 20-50, >50"):
        design.transform(pl.DataFrame({"nodes": [1, 1], "size": [">50", "30"]}))
    with pytest.raises(DataError, match=r"Row 1, column 'nodes': -1.0 cannot enter 'log1p'"):
        design.transform(pl.DataFrame({"nodes": [-1, 1], "size": [">50", ">50"]}))
