"""Tables of rows."""

import json

import numpy as np
import polars as pl

from biolab.joint.disclosure.gate import Leaving

from .world import World, html, leak


@leak
def rows_as_frame(world: World) -> Leaving:
    return world.frame


@leak
def one_row(world: World) -> Leaving:
    return world.frame.head(1)


@leak
def rows_without_identifier(world: World) -> Leaving:
    return world.frame.drop("patient")


@leak
def rows_under_opaque_names(world: World) -> Leaving:
    return world.opaque


@leak
def five_rows_under_opaque_names(world: World) -> Leaving:
    return world.opaque.head(5)


@leak
def two_rows_under_opaque_names(world: World) -> Leaving:
    return world.opaque.head(2)


@leak
def one_patient_among_aggregates(world: World) -> Leaving:
    row = world.opaque.row(3)
    return pl.DataFrame({"term": ["age", "marker"], "estimate": [0.1, row[0]], "lower": [0.0, row[1]]})


@leak
def rows_with_noise_in_one_column(world: World) -> Leaving:
    return world.opaque.with_columns(pl.col("x1") + 0.5).head(20)


@leak
def rounded_rows_under_opaque_names(world: World) -> Leaving:
    return world.opaque.with_columns(pl.all().round(1)).head(40)


@leak
def rows_with_running_number(world: World) -> Leaving:
    return world.opaque.with_row_index("group")


@leak
def rows_transposed(world: World) -> Leaving:
    return world.opaque.transpose(include_header=True)


@leak
def rows_as_csv(world: World) -> Leaving:
    return world.file("t.csv", world.opaque.write_csv())


@leak
def rows_as_text(world: World) -> Leaving:
    return world.file("t.txt", world.opaque.write_csv(separator=" "))


@leak
def rows_as_markdown(world: World) -> Leaving:
    lines = [f"| {a} | {b} |" for a, b, _ in world.opaque.head(30).iter_rows()]
    return world.file("t.md", "\n".join(["| a | b |", "|---|---|", *lines]))


@leak
def rows_as_records(world: World) -> Leaving:
    return world.json(world.opaque.to_dicts())


@leak
def rows_as_columns(world: World) -> Leaving:
    return world.json(world.opaque.to_dict(as_series=False))


@leak
def rows_by_index(world: World) -> Leaving:
    return world.json({name: dict(enumerate(values)) for name, values in world.opaque.to_dict(as_series=False).items()})


@leak
def rows_as_matrix(world: World) -> Leaving:
    return world.json(world.opaque.rows())


@leak
def rows_as_json_lines(world: World) -> Leaving:
    return world.file("t.jsonl", "\n".join(json.dumps(row) for row in world.opaque.to_dicts()))


@leak
def rows_deep_inside_json(world: World) -> Leaving:
    return world.json({"report": {"parts": [{"title": "x", "content": world.opaque.to_dicts()}]}})


@leak
def rows_in_page(world: World) -> Leaving:
    rows = "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b, _ in world.opaque.iter_rows())
    return world.file("page.html", html(f"<table><thead><tr><th>a</th><th>b</th></tr></thead>{rows}</table>"))


@leak
def few_rows_in_page(world: World) -> Leaving:
    rows = "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b, _ in world.opaque.head(4).iter_rows())
    return world.file("page.html", html(f"<table><thead><tr><th>a</th><th>b</th></tr></thead>{rows}</table>"))


@leak
def real_patient_as_input_example(world: World) -> Leaving:
    row = world.frame.select("age", "marker", "stage").head(1)
    return world.json({"columns": row.columns, "data": [list(each) for each in row.rows()]}, "input_example.json")


@leak
def list_as_long_as_the_cohort(world: World) -> Leaving:
    return world.json({"weights": [round(float(x), 3) for x in np.random.default_rng(0).random(world.frame.height)]})


@leak
def column_of_lists(world: World) -> Leaving:
    return pl.DataFrame({"term": ["age"], "values": [world.frame["age"].to_list()]})


@leak
def identifiers_as_keys(world: World) -> Leaving:
    return world.json(dict.fromkeys(world.frame["patient"].head(3), 1.0))
