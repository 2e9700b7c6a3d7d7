from collections.abc import Mapping
from typing import Annotated, Literal

import pytest
from pydantic import Field, RootModel

from biolab.core import ConfigError
from biolab.core.validation import Settings, parse_settings


class Rule(Settings):
    variable: str
    minimum: float | None = None


class Named(RootModel[dict[str, Rule]]):
    pass


class Study(Settings):
    name: str
    rules: tuple[Rule, ...] = ()
    sites: Mapping[str, Rule | None] = {}
    book: Named | None = None


def test_good_content_becomes_the_model():
    study = parse_settings(Study, {"name": "s", "rules": [{"variable": "age"}]}, source="p.toml")
    assert study.rules[0].variable == "age"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"nmae": "s", "name": "s"}, "p.toml: nmae is not a known key. Did you mean 'name'?"),
        (
            {"name": "s", "rules": [{"variable": "a"}, {"variable": "b", "minimun": 1}]},
            "p.toml: rules[2].minimun is not a known key. Did you mean 'minimum'?",
        ),
        (
            {"name": "s", "sites": {"gbsg": {"variable": "a", "maximum": 1}}},
            "p.toml: sites.gbsg.maximum is not a known key. Did you mean 'minimum'?",
        ),
        (
            {"name": "s", "book": {"age": {"varable": "a", "variable": "a"}}},
            "p.toml: book.age.varable is not a known key. Did you mean 'variable'?",
        ),
        ({}, "p.toml: name is missing."),
        (
            {"name": "s", "rules": [{"variable": "a", "minimum": "many"}]},
            "p.toml: rules[1].minimum is 'many'; expected a valid number",
        ),
    ],
)
def test_faults_name_the_path_the_value_and_the_nearest_key(content, said):
    with pytest.raises(ConfigError) as caught:
        parse_settings(Study, content, source="p.toml")
    assert str(caught.value).startswith(said)
    assert caught.value.exit_code == 3


def test_every_fault_is_listed():
    with pytest.raises(ConfigError) as caught:
        parse_settings(Study, {"nam": "s"}, source="p.toml")
    assert "2 faults" in str(caught.value)
    assert "- name is missing." in str(caught.value)


def test_long_values_are_shortened():
    with pytest.raises(ConfigError) as caught:
        parse_settings(Study, {"name": ["x" * 500]}, source="p.toml")
    assert len(str(caught.value)) < 150


class Ramp(Settings):
    mode: Literal["ramp"]
    per_h: float


class Hold(Settings):
    mode: Literal["hold"]
    value: float


class Stage(Settings):
    name: str
    course: Annotated[Ramp | Hold, Field(discriminator="mode")]


class Plan(Settings):
    stages: tuple[Stage, ...]


@pytest.mark.parametrize(
    ("course", "said"),
    [
        (
            {"mode": "rump", "per_h": 1},
            "stages[1] (warm).course.mode is 'rump', which is not known. Did you mean 'ramp'?",
        ),
        ({"per_h": 1}, "stages[1] (warm).course.mode is missing."),
        (
            {"mode": "ramp", "perh": 1, "per_h": 2},
            "stages[1] (warm).course.perh is not a known key. Did you mean 'per_h'?",
        ),
        ({"mode": "hold"}, "stages[1] (warm).course.value is missing."),
        ({"mode": "hold", "value": "hot"}, "stages[1] (warm).course.value is 'hot'; expected a valid number"),
    ],
)
def test_a_table_of_several_kinds_is_spoken_of_as_in_the_file(course, said):
    with pytest.raises(ConfigError) as caught:
        parse_settings(Plan, {"stages": [{"name": "warm", "course": course}]}, source="plan.toml")
    assert str(caught.value).startswith(f"plan.toml: {said}")
