import dataclasses

import polars as pl
import pytest

from biolab.reports import LANGUAGES, console_table, legend_of, tables


def texts(table: tables.Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_characteristics_show_quartiles_counts_and_suppression(comparison):
    table = tables.characteristics_table(comparison, legend_of(comparison))
    rows = {row[0].text: row for row in table.rows}
    assert table.columns == ("Characteristic", "Rotterdam", "German group (GBSG)")
    assert [cell.text for cell in rows["Patients"]] == ["Patients", "1,546", "686"]
    assert (rows["Age, years"][1].text, rows["Age, years"][1].detail) == ("55", "46–65")
    assert (rows["1"][1].text, rows["1"][1].kind, rows["1"][1].detail) == ("*", "suppressed", "")
    assert rows["missing"][0].indented
    assert rows["missing"][2].text == "*"


def test_flow_keeps_its_order_and_suppresses(comparison):
    table = tables.flow_table(comparison, legend_of(comparison, language="ko"))
    assert [group.heading for group in table.groups] == ["로테르담", "독일 연구회(GBSG)"]
    assert texts(table)[1] == ["양성 림프절 없음", "1,436", "1,546"]
    assert texts(table)[3] == ["양성 림프절 없음", "*", "686"]


def test_survival_is_read_off_the_curve_and_missing_beyond_it(comparison):
    protocol = dataclasses.replace(comparison.protocol, horizons=(0.0, 60.0, 400.0))
    table = tables.survival_table(dataclasses.replace(comparison, protocol=protocol), legend_of(comparison))
    curve = comparison.survival_curves.filter((pl.col("site") == "rotterdam") & (pl.col("time") <= 60))
    assert table.rows[0][1].text == "1.00"
    assert table.rows[0][2].text == f"{curve['survival'][-1]:.2f}"
    assert table.rows[0][3].kind == "missing"


def test_all_results_stand_in_the_table_and_missing_ones_are_said(comparison, missing_cells):
    full = tables.validation_table(comparison, legend_of(comparison))
    assert len(full.groups) == 4
    assert not [cell for row in full.rows for cell in row if cell.kind == "missing"]
    table = tables.validation_table(missing_cells, legend_of(comparison))
    missing = [cell for row in table.rows for cell in row if cell.kind == "missing"]
    assert [cell.text for cell in missing] == ["not available"] * 2
    assert "interval not available" in {cell.detail for row in table.rows for cell in row}


def test_differences_carry_their_sign(comparison):
    table = tables.differences_table(comparison, legend_of(comparison))
    assert texts(table)[0][1] == "+0.022"
    assert table.rows[0][1].detail == "+0.008 to +0.036"


def test_hazard_ratios_stand_beside_the_pooled_ones(comparison, one_site):
    table = tables.hazard_table(comparison, legend_of(comparison), "cox")
    assert table.columns[-1] == "Pooled"
    assert len(table.rows) == 6
    alone = tables.hazard_table(one_site, legend_of(one_site), "cox")
    assert {row[-1].kind for row in alone.rows} == {"missing"}


def test_settings_are_flattened_by_name(comparison):
    rows = dict(texts(tables.settings_table(comparison, legend_of(comparison))))
    assert rows["resampling.folds"] == "5"
    assert rows["eligibility"] == "nodes >= 1, age >= 18"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_console_table_has_a_row_a_model_and_direction(comparison, language):
    heads, *rows = console_table(comparison, language=language)
    assert len(heads) == 5
    assert len(rows) == 16
    assert {len(row) for row in rows} == {5}
    assert rows[1][3] == "0.660 (0.632–0.688)"
    assert rows[1][4] == "0.87 (0.73–1.01)"


def test_the_console_table_says_what_is_missing(comparison):
    empty = dataclasses.replace(comparison, validation=comparison.validation.clear())
    assert len(console_table(empty)) == 1
    no_c = comparison.validation.filter(~pl.col("metric").str.ends_with("_c"))
    rows = console_table(dataclasses.replace(comparison, validation=no_c))
    assert rows[1][3] == "not available"
