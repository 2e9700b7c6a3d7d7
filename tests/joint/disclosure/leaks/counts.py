"""Small cells, and what gives them back."""

import polars as pl

from biolab.joint.disclosure.gate import Leaving

from .world import World, html, leak


@leak
def small_count(world: World) -> Leaving:
    return pl.DataFrame({"stage": ["I", "II", "III"], "patients": [180, 117, 3]})


@leak
def small_count_in_metrics(world: World) -> Leaving:
    return {"metrics": {"stage_III.patients": 4.0}}


@leak
def small_count_in_params(world: World) -> Leaving:
    return {"params": {"n_events": "7"}}


@leak
def small_count_in_json(world: World) -> Leaving:
    return world.json({"summary": {"n_patients": 6}})


@leak
def small_count_in_page(world: World) -> Leaving:
    rows = "<tr><td>I</td><td>290</td></tr><tr><td>II</td><td>4</td></tr>"
    return world.file(
        "page.html", html(f"<table><thead><tr><th>Stage</th><th>Patients</th></tr></thead>{rows}</table>")
    )


@leak
def withheld_count_beside_its_total(world: World) -> Leaving:
    return pl.DataFrame({"stage": ["I", "II", "III", "total"], "patients": [180, 116, None, 300]})


@leak
def withheld_count_without_total_but_known_cohort(world: World) -> Leaving:
    return pl.DataFrame({"stage": ["I", "II", "III"], "patients": [180, 116, None]})


@leak
def two_withheld_counts_of_few(world: World) -> Leaving:
    return pl.DataFrame({"stage": ["I", "II", "III", "total"], "patients": [293, None, None, 300]})


@leak
def percentage_of_withheld_count(world: World) -> Leaving:
    return pl.DataFrame({"stage": ["I", "II", "III"], "patients": [180, None, None], "percent": [60.0, 38.7, 1.3]})


@leak
def percentage_alone(world: World) -> Leaving:
    return pl.DataFrame({"stage": ["I", "II", "III"], "percent": [60.0, 38.7, 1.3]})


@leak
def all_but_a_few(world: World) -> Leaving:
    return pl.DataFrame({"stage": ["I"], "percent": [98.0]})


@leak
def events_of_nearly_everybody(world: World) -> Leaving:
    return pl.DataFrame({"site": ["north"], "patients": [300], "events": [296]})


@leak
def cross_table_with_row_totals(world: World) -> Leaving:
    return pl.DataFrame(
        {"stage": ["I", "II", "total"], "younger": [80, None, 96], "older": [70, 134, 204], "total": [150, None, 300]}
    )


@leak
def cross_table_solved_from_both_margins(world: World) -> Leaving:
    return pl.DataFrame(
        {"stage": ["I", "II", "III", "total"], "a": [None, None, 50, 120], "b": [None, 60, 30, 110],
         "c": [20, 30, 20, 70], "total": [70, 130, 100, 300]}
    )  # fmt: skip


@leak
def margin_in_another_table(world: World) -> Leaving:
    both = pl.DataFrame({"stage": ["I", "I", "II", "II"], "sex": ["f", "m", "f", "m"], "patients": [90, 60, 144, None]})
    return {"both": both, "stage": pl.DataFrame({"stage": ["I", "II"], "patients": [150, 150]})}


@leak
def margin_in_another_file(world: World) -> Leaving:
    both = pl.DataFrame({"stage": ["I", "I", "II", "II"], "sex": ["f", "m", "f", "m"], "patients": [90, 60, 144, None]})
    world.file("run/tables/both.csv", both.write_csv())
    world.file("run/tables/stage.csv", pl.DataFrame({"stage": ["I", "II"], "patients": [150, 150]}).write_csv())
    return world.folder / "run"


@leak
def small_implied_rest(world: World) -> Leaving:
    return pl.DataFrame({"stage": ["I", "II", "total"], "patients": [180, 116, 300]})


@leak
def minimum_and_maximum(world: World) -> Leaving:
    return pl.DataFrame({"variable": ["age"], "minimum": [34.0], "maximum": [85.0]})


@leak
def range_among_statistics(world: World) -> Leaving:
    return pl.DataFrame({"variable": ["age"] * 3, "statistic": ["median", "min", "max"], "value": [60.0, 34.0, 85.0]})


@leak
def maximum_as_metric(world: World) -> Leaving:
    return {"metrics": {"age.max": 91.0}}


@leak
def oldest_patient_in_json(world: World) -> Leaving:
    return world.json({"oldest": 97})


@leak
def exact_median(world: World) -> Leaving:
    return pl.DataFrame(
        {"variable": ["marker"], "kind": ["quartiles"], "value": [world.frame["marker"].drop_nulls()[0]]}
    )
