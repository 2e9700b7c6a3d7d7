import pytest

from biolab.core import ConfigError
from biolab.core.validation import parse_settings
from biolab.data import SiteMapping


def changed(mapping: SiteMapping, name: str, column: dict | None) -> SiteMapping:
    table = mapping.model_dump(exclude_none=True)
    table["columns"].pop(name, None)
    if column is not None:
        table["columns"][name] = column
    return SiteMapping.model_validate(table)


def test_raw_columns_are_each_named_once(mapping):
    doubled = changed(mapping, "age", {"column": "nodes", "unit": "year"})
    assert doubled.raw_columns.count("nodes") == 1


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("age", {"column": "age"}, "columns.age names no unit; say which the site records in, for example 'year'"),
        ("age", {"column": "age", "unit": "yaer"}, "columns.age: Unit 'yaer' .* Did you mean 'year'"),
        ("nodes", {"column": "n", "unit": "mm"}, "columns.nodes names the unit 'mm', but no numbers with a unit"),
        ("nodes", {"column": "n", "codes": {"1": "1"}}, "columns.nodes: codes belong to categories"),
        ("nodes", None, "variable 'nodes' is not mapped"),
        ("nods", {"column": "n"}, "columns.nods: no such variable. Did you mean 'nodes'"),
        ("size", {"column": "s", "unit": "mm", "cut": [20]}, "1 cut points make 2 ordered codes; .* 3 codes"),
        ("size", {"column": "s", "cut": [20, 50]}, "columns.size names no unit"),
        ("grade", {"column": "g", "codes": {"1": "1"}}, "raw code '1' is mapped to '1'; the codebook knows '1-2', '3'"),
        ("death", {"column": "d", "codes": {"1": "yes"}}, "mapped to 'yes'; the codebook knows False, True"),
    ],
)
def test_a_mapping_that_does_not_fit_the_codebook(mapping, codebook, name, column, said):
    with pytest.raises(ConfigError, match=said):
        changed(mapping, name, column).check(codebook)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"column": "a", "codes": {"1": "x"}, "cut": [1]}, "columns.a: codes and cut exclude each other"),
        ({"column": "a", "codes": {"1": "x"}, "unit": "mm"}, "columns.a: codes and unit exclude each other"),
        ({"column": "a", "cut": [2, 1]}, "columns.a: cut points must ascend"),
        ({"colum": "a"}, "columns.a.colum is not a known key. Did you mean 'column'"),
    ],
)
def test_a_faulty_column_says_where(column, said):
    with pytest.raises(ConfigError, match=said):
        parse_settings(SiteMapping, {"columns": {"a": column}}, source="protocol.toml")


def test_the_endpoint_is_mapped_once(mapping, codebook):
    table = mapping.model_dump(exclude_none=True)
    table["endpoint"] = {"first_of": [{"time": "days", "event": "status"}], "unit": "day"}
    with pytest.raises(ConfigError, match=r"columns\.months: the endpoint is mapped twice"):
        SiteMapping.model_validate(table).check(codebook)
