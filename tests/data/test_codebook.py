import polars as pl
import pytest

from biolab.core import ConfigError
from biolab.core.validation import parse_settings
from biolab.data import Codebook, Label, Variable


def test_frame_schema_follows_types(codebook):
    assert codebook.frame_schema == pl.Schema(
        {
            "patient": pl.String,
            "months": pl.Float64,
            "death": pl.Boolean,
            "age": pl.Float64,
            "size": pl.Enum(["<=20", "20-50", ">50"]),
            "grade": pl.Enum(["1-2", "3"]),
            "nodes": pl.Int64,
        }
    )


def test_roles_are_found(codebook):
    assert (codebook.id.name, codebook.time.name, codebook.event.name) == ("patient", "months", "death")
    assert [variable.name for variable in codebook.covariates] == ["age", "size", "grade", "nodes"]


def test_only_covariates_may_be_missing_unless_told():
    assert Variable(name="age", label=Label(en="a", ko="b"), type="number").allows_nulls
    assert not Variable.model_validate({"name": "age", "type": "number", "nulls": False}).allows_nulls


def test_label_serves_both_languages():
    assert Label.model_validate("Age")["ko"] == "Age"
    assert Variable.model_validate({"name": "age", "type": "number"}).label["en"] == "age"


def test_codebook_survives_json(breast_codebook):
    assert Codebook.model_validate(breast_codebook.model_dump(mode="json")) == breast_codebook
    assert Codebook.model_validate_json(breast_codebook.model_dump_json()) == breast_codebook


def test_unknown_variable_is_named_with_the_nearest(codebook):
    with pytest.raises(ConfigError, match=r"no variable 'grad'\. Did you mean 'grade'"):
        codebook["grad"]
    assert "grade" in codebook


def test_a_codebook_without_a_role_says_so():
    with pytest.raises(ConfigError, match="no variable of role 'time'"):
        _ = Codebook.model_validate({"age": {"type": "number"}}).time


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"age": {"type": "numbr"}}, "age.type is 'numbr'; expected 'number', 'integer'"),
        ({"age": {"type": "number", "unti": "year"}}, "age.unti is not a known key. Did you mean 'unit'?"),
        ({"age": {"type": "number", "label": {"en": "Age"}}}, "age.label.ko is missing"),
        ({"age": {"type": "number", "codes": ["a"]}}, "age: codes belong to a variable of type 'category'"),
        ({"grade": {"type": "category"}}, "grade: codes belong to"),
        ({"grade": {"type": "category", "codes": ["1", "1"]}}, "grade: codes holds a code twice"),
        ({"grade": {"type": "boolean", "minimum": 1}}, "grade: minimum and maximum belong"),
        ({"age": {"type": "number", "minimum": 9, "maximum": 1}}, "age: minimum 9 is above maximum 1"),
        ({"t": {"type": "integer", "role": "time"}}, "t: type 'integer' cannot have role 'time'; it needs 'number'"),
        ({"t": {"type": "number", "role": "time"}}, "t: a variable of role 'time' needs a unit"),
        ({"e": {"type": "boolean", "role": "event", "nulls": True}}, "e: a variable of role 'event' can never be"),
        (
            {"e": {"type": "boolean", "role": "event"}, "f": {"type": "boolean", "role": "event"}},
            "only one variable can have role 'event', not 'e' and 'f'",
        ),
        ({}, "a codebook needs at least one variable"),
    ],
)
def test_a_faulty_codebook_says_where(table, said):
    with pytest.raises(ConfigError) as caught:
        parse_settings(Codebook, table, source="protocol.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("protocol.toml: ")
