"""The red team's corpus: every kind of leak it could think of, each made from the patients of one made-up site."""

import base64
import hashlib
import io
import json
import pickle
import sqlite3
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from biolab.data import Cohort
from biolab.joint import Protocol, fit_model
from biolab.joint.disclosure.gate import Leaving
from biolab.survival import kaplan_meier


@dataclass(frozen=True, kw_only=True)
class World:
    """What the red team has: the cohort of a site, its protocol and a folder to write into."""

    cohort: Cohort
    protocol: Protocol
    folder: Path

    @property
    def frame(self) -> pl.DataFrame:
        """The patients."""
        return self.cohort.frame

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def json(self, content: object, name: str = "result.json") -> Path:
        """Write JSON."""
        return self.file(name, json.dumps(content, ensure_ascii=False, default=str))

    def model(self) -> dict:
        """Return the content of a released Cox model, to be tampered with."""
        released = fit_model(self.protocol, self.protocol.models[0], self.frame, site="north").released
        return json.loads(released.save(self.folder).read_text(encoding="utf-8"))

    @property
    def opaque(self) -> pl.DataFrame:
        """The patients' numbers under names that say nothing."""
        return self.frame.select(x1="age", x2="months", x3="marker")


LEAKS: dict[str, Callable[[World], Leaving]] = {}


def leak(build: Callable[[World], Leaving]) -> Callable[[World], Leaving]:
    """Add a leak to the corpus."""
    LEAKS[build.__name__] = build
    return build


def png(chunks: list[tuple[bytes, bytes]] = (), *, after: bytes = b"", extra: bytes = b"") -> bytes:
    """Return a PNG of one black pixel with more chunks, bytes after its end, or bytes behind its pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    body = b"".join(chunk(*each) for each in chunks) + chunk(b"IDAT", zlib.compress(b"\0\0" + extra))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"") + after


def svg(inside: str) -> str:
    """Return a figure."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{inside}</svg>'


def html(inside: str) -> str:
    """Return a page."""
    return f"<!doctype html><html lang='en'><head><title>Result</title></head><body>{inside}</body></html>"


def packed(members: dict[str, bytes | str]) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# --- files that hold rows or objects ---------------------------------------------------------------------------------


@leak
def pickle_file(world: World) -> Leaving:
    return world.file("model.pkl", pickle.dumps(world.frame.rows()))


@leak
def pickle_named_json(world: World) -> Leaving:
    return world.file("model.json", pickle.dumps(world.frame.rows()))


@leak
def text_pickle_named_txt(world: World) -> Leaving:
    return world.file("notes.txt", pickle.dumps([1.5, 2.5, [3]], protocol=0))


@leak
def joblib_dump(world: World) -> Leaving:
    import joblib

    joblib.dump(world.frame.to_numpy(), world.folder / "model.joblib", compress=3)
    return world.folder / "model.joblib"


@leak
def joblib_named_csv(world: World) -> Leaving:
    return world.file("model.csv", zlib.compress(pickle.dumps(world.frame.rows())))


@leak
def torch_checkpoint(world: World) -> Leaving:
    import torch

    torch.save({"rows": torch.tensor(world.opaque.to_numpy())}, world.folder / "weights.pt")
    return world.folder / "weights.pt"


@leak
def torch_checkpoint_named_zip(world: World) -> Leaving:
    import torch

    buffer = io.BytesIO()
    torch.save({"rows": torch.tensor(world.opaque.to_numpy())}, buffer)
    return world.file("weights.zip", buffer.getvalue())


@leak
def numpy_array(world: World) -> Leaving:
    np.save(world.folder / "scores.npy", world.opaque.to_numpy())
    return world.folder / "scores.npy"


@leak
def numpy_object_array_named_txt(world: World) -> Leaving:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"row": 1}, None], dtype=object), allow_pickle=True)
    return world.file("scores.txt", buffer.getvalue())


@leak
def parquet(world: World) -> Leaving:
    world.frame.write_parquet(world.folder / "t.parquet")
    return world.folder / "t.parquet"


@leak
def parquet_named_json(world: World) -> Leaving:
    world.frame.write_parquet(world.folder / "t.json")
    return world.folder / "t.json"


@leak
def arrow(world: World) -> Leaving:
    world.frame.write_ipc(world.folder / "t.arrow")
    return world.folder / "t.arrow"


@leak
def sqlite(world: World) -> Leaving:
    with sqlite3.connect(world.folder / "t.db") as database:
        database.execute("create table t (a real)")
    database.close()
    return world.folder / "t.db"


@leak
def excel(world: World) -> Leaving:
    return world.file("t.xlsx", packed({"xl/workbook.xml": "<x/>", "xl/worksheets/sheet1.xml": "<x/>"}))


@leak
def hdf5(world: World) -> Leaving:
    return world.file("t.h5ad", b"\x89HDF\r\n\x1a\n" + bytes(64))


@leak
def r_data(world: World) -> Leaving:
    return world.file("t.rds", b"\x1f\x8b\x08" + bytes(64))


@leak
def stata(world: World) -> Leaving:
    return world.file("t.dta", b"<stata_dta><header>" + bytes(64))


@leak
def dicom_named_txt(world: World) -> Leaving:
    return world.file("scan.txt", bytes(128) + b"DICM" + bytes(64))


@leak
def genotypes(world: World) -> Leaving:
    return world.file("variants.txt", "##fileformat=VCFv4.2\n#CHROM\tPOS\n1\t100\n")


@leak
def notebook_with_outputs(world: World) -> Leaving:
    cell = {"cell_type": "code", "source": "frame.head()", "outputs": [{"text": str(world.frame.head(2))}]}
    return world.json({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}, "work.ipynb")


@leak
def notebook_named_json(world: World) -> Leaving:
    return world.json({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []})


@leak
def program(world: World) -> Leaving:
    return world.file("run.py", "rows = [1, 2, 3]\n")


@leak
def word_file(world: World) -> Leaving:
    return world.file("report.docx", packed({"word/document.xml": "<x/>"}))


@leak
def pdf(world: World) -> Leaving:
    return world.file("report.pdf", "%PDF-1.7\n")


@leak
def jpeg_named_png(world: World) -> Leaving:
    return world.file("scan.png", b"\xff\xd8\xff\xe0" + bytes(64))


@leak
def symbolic_link(world: World) -> Leaving:
    (world.folder / "run").mkdir()
    (world.folder / "run" / "table.json").symlink_to(world.file("rows.csv", world.frame.write_csv()))
    return world.folder / "run"


# --- archives and what is hidden in other files ----------------------------------------------------------------------


@leak
def archive_of_rows(world: World) -> Leaving:
    return world.file("bundle.zip", packed({"tables/rows.csv": world.frame.write_csv()}))


@leak
def archive_of_pickle(world: World) -> Leaving:
    return world.file("bundle.zip", packed({"a.json": "{}", "model.pkl": pickle.dumps([1, 2])}))


@leak
def archive_in_archive(world: World) -> Leaving:
    return world.file("bundle.zip", packed({"more.zip": packed({"a.json": "{}"})}))


@leak
def archive_comment(world: World) -> Leaving:
    buffer = io.BytesIO(packed({"a.json": "{}"}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = world.frame.write_csv()[:2000].encode()
    return world.file("bundle.zip", buffer.getvalue())


@leak
def bytes_before_archive(world: World) -> Leaving:
    return world.file("bundle.zip", world.frame.write_csv().encode() + packed({"a.json": "{}"}))


@leak
def zip_bomb(world: World) -> Leaving:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", bytes(8 * 2**20))
    return world.file("bundle.zip", buffer.getvalue())


@leak
def tar_archive(world: World) -> Leaving:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.json"), io.BytesIO())
    return world.file("bundle.json", buffer.getvalue())


@leak
def base64_of_rows_in_json(world: World) -> Leaving:
    return world.json({"note_of_model": base64.b64encode(world.frame.write_csv().encode()).decode()})


@leak
def base64_of_pickle_in_tag(world: World) -> Leaving:
    return {"tags": {"state": base64.b64encode(pickle.dumps(world.frame.rows())).decode()}}


@leak
def urlsafe_base64_in_param(world: World) -> Leaving:
    return {"params": {"state": base64.urlsafe_b64encode(zlib.compress(world.frame.write_csv().encode())).decode()}}


@leak
def data_uri_in_page(world: World) -> Leaving:
    payload = base64.b64encode(world.frame.write_csv().encode()).decode()
    return world.file("page.html", html(f'<a href="data:text/csv;base64,{payload}">table</a>'))


@leak
def plain_data_uri_in_page(world: World) -> Leaving:
    return world.file("page.html", html("<a href='data:text/plain,jane.doe@hospital.org'>table</a>"))


@leak
def data_uri_in_figure(world: World) -> Leaving:
    payload = base64.b64encode(world.frame.write_ipc(None).getvalue()).decode()
    return world.file("f.svg", svg(f'<image href="data:image/png;base64,{payload}"/>'))


@leak
def hexadecimal_of_rows(world: World) -> Leaving:
    return world.json({"fingerprint": world.frame.write_csv().encode().hex()})


@leak
def script_in_page(world: World) -> Leaving:
    rows = json.dumps(world.opaque.rows()[:4])
    return world.file("page.html", html(f"<script type='application/json'>{rows}</script>"))


@leak
def comment_in_page(world: World) -> Leaving:
    return world.file("page.html", html("<!-- patient 00123 died early -->"))


@leak
def text_after_page(world: World) -> Leaving:
    return world.file("page.html", html("<p>ok</p>") + "x1,x2\n1,2\n")


@leak
def data_attribute_in_page(world: World) -> Leaving:
    return world.file("page.html", html("<div data-of='MRN 0012345'>ok</div>"))


@leak
def png_text_chunk(world: World) -> Leaving:
    return world.file("f.png", png([(b"tEXt", b"Comment\0" + world.frame.write_csv()[:500].encode())]))


@leak
def png_private_chunk(world: World) -> Leaving:
    return world.file("f.png", png([(b"rOWs", b"1,2,3")]))


@leak
def png_bytes_after_end(world: World) -> Leaving:
    return world.file("f.png", png(after=world.frame.write_csv().encode()))


@leak
def png_bytes_behind_pixels(world: World) -> Leaving:
    return world.file("f.png", png(extra=world.frame.write_csv().encode()))


@leak
def svg_metadata(world: World) -> Leaving:
    return world.file("f.svg", svg(f"<metadata>{' '.join(map(str, world.opaque.rows()[:30]))}</metadata>"))


@leak
def svg_script(world: World) -> Leaving:
    return world.file("f.svg", svg("<script>fetch('//elsewhere')</script>"))


@leak
def svg_foreign_address(world: World) -> Leaving:
    return world.file("f.svg", svg('<image href="https://elsewhere.example/a.png"/>'))


@leak
def svg_entities(world: World) -> Leaving:
    return world.file("f.svg", f'<!DOCTYPE svg [<!ENTITY a "{world.frame["patient"][0]}">]>' + svg("<text>&a;</text>"))


# --- figures with a mark or a point a patient ------------------------------------------------------------------------


@leak
def scatter_of_circles(world: World) -> Leaving:
    marks = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="1"/>' for a, b, _ in world.opaque.fill_null(0).iter_rows())
    return world.file("f.svg", svg(f"<g>{marks}</g>"))


@leak
def scatter_by_matplotlib(world: World) -> Leaving:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().scatter(world.frame["age"].to_numpy(), world.frame["months"].to_numpy())
    figure.savefig(world.folder / "scatter.svg", metadata={"Date": None})
    return world.folder / "scatter.svg"


@leak
def scatter_of_wrapped_marks(world: World) -> Leaving:
    marks = "".join(f'<g><use href="#m" x="{i}" y="{i % 7}"/></g>' for i in range(60))
    return world.file("f.svg", svg(f"<g>{marks}</g>"))


@leak
def kaplan_meier_with_every_step(world: World) -> Leaving:
    steps = kaplan_meier(world.cohort.time, world.cohort.event).table()
    line = " ".join(f"L {t} {s}" for t, s in steps.select("time", "survival").iter_rows())
    return world.file("f.svg", svg(f'<path d="M 0 1 {line}"/>'))


@leak
def polyline_with_a_point_a_patient(world: World) -> Leaving:
    points = " ".join(f"{i},{age:.0f}" for i, age in enumerate(world.frame["age"]))
    return world.file("f.svg", svg(f'<polyline points="{points}"/>'))


@leak
def patients_named_in_figure(world: World) -> Leaving:
    return world.file("f.svg", svg(f"<text>{world.frame['patient'][7]}</text>"))


# --- tables of rows --------------------------------------------------------------------------------------------------


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


# --- identifiers and free text ---------------------------------------------------------------------------------------


@leak
def numbering_of_patients(world: World) -> Leaving:
    return pl.DataFrame({"code": [f"BRC-{i:04d}" for i in range(12)], "estimate": [0.5] * 12})


@leak
def hashed_identifiers(world: World) -> Leaving:
    digest = hashlib.sha256(world.frame["patient"][0].encode()).hexdigest()
    return world.json({"member": digest})


@leak
def identifier_in_file_name(world: World) -> Leaving:
    world.json({"auc": 0.7}, f"run/roc-{world.frame['patient'][5]}.json")
    return world.folder / "run"


@leak
def identifier_in_tag(world: World) -> Leaving:
    return {"tags": {"worst": str(world.frame["patient"][9])}}


@leak
def identifier_in_exception_text(world: World) -> Leaving:
    return {"tags": {"biolab.failure": f"ValueError: row of {world.frame['patient'][9]} is singular"}}


@leak
def record_number(world: World) -> Leaving:
    return {"tags": {"case": "MRN: 00482913"}}


@leak
def e_mail_address(world: World) -> Leaving:
    return world.json({"contact": "kim.minji@example.org"})


@leak
def korean_resident_number(world: World) -> Leaving:
    return world.json({"key": "850101-2123456"})


@leak
def resident_number_without_hyphen(world: World) -> Leaving:
    return world.json({"key": "8501012123459"})


@leak
def social_security_number(world: World) -> Leaving:
    return {"params": {"of": "078-05-1120"}}


@leak
def korean_telephone_number(world: World) -> Leaving:
    return world.file("notes.md", "문의: 010-1234-5678")


@leak
def american_telephone_number(world: World) -> Leaving:
    return world.file("notes.md", "Call (410) 555-0199 for more.")


@leak
def date_of_birth(world: World) -> Leaving:
    return pl.DataFrame({"term": ["age"], "dob": ["1961-04-02"]})


@leak
def dates_under_another_name(world: World) -> Leaving:
    return pl.DataFrame({"site": ["north", "south"], "of": ["14/03/1950", "02/11/1961"]})


@leak
def korean_date(world: World) -> Leaving:
    return world.file("notes.md", "수술은 2019년 3월 14일")


@leak
def date_in_words(world: World) -> Leaving:
    return world.file("notes.md", "Operated on 14 March 2019.")


@leak
def column_of_dates(world: World) -> Leaving:
    return pl.DataFrame({"site": ["north"], "of": ["2020-01-05"]}).with_columns(pl.col("of").str.to_date())


@leak
def free_text_column(world: World) -> Leaving:
    return pl.DataFrame(
        {"level": ["tall woman from the village by the lake, twins", "retired teacher"], "estimate": [0.1, 0.2]}
    )


@leak
def notes_column(world: World) -> Leaving:
    return pl.DataFrame({"site": ["north"], "clinical_notes": [""]})


@leak
def names_of_people(world: World) -> Leaving:
    return pl.DataFrame({"surname": ["Kim", "Lee"], "estimate": [0.1, 0.2]})


# --- small cells and what gives them back ----------------------------------------------------------------------------


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
        {"stage": ["I", "II", "III", "total"], "a": [None, None, 50, 120], "b": [None, 60, 30, 110], "c": [20, 30, 20, 70],
         "total": [70, 130, 100, 300]}
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


# --- curves, predictions, metric histories ---------------------------------------------------------------------------


@leak
def kaplan_meier_at_every_event(world: World) -> Leaving:
    steps = kaplan_meier(world.cohort.time, world.cohort.event).table()
    return steps.select("time", "survival").with_columns(at_risk=pl.lit(100))


@leak
def kaplan_meier_beyond_the_minimum_at_risk(world: World) -> Leaving:
    return pl.DataFrame({"time": [0.0, 12.0, 24.0], "at_risk": [300, 150, 4], "survival": [1.0, 0.6, 0.3]})


@leak
def kaplan_meier_step_of_one(world: World) -> Leaving:
    return pl.DataFrame({"time": [0.0, 6.0, 12.0], "at_risk": [300, 280, 260], "survival": [1.0, 1 - 1 / 290, 0.9]})


@leak
def few_lost_between_two_points(world: World) -> Leaving:
    return pl.DataFrame({"time": [0.0, 6.0, 12.0], "at_risk": [300, 297, 200], "survival": [1.0, 1.0, 0.7]})


@leak
def residuals(world: World) -> Leaving:
    return pl.DataFrame({"step": range(20), "martingale_residual": np.linspace(-1, 1, 20)})


@leak
def predictions_in_json(world: World) -> Leaving:
    return world.json({"predictions": [0.1, 0.25, 0.7, 0.9, 0.4]})


@leak
def roc_curve_with_a_threshold_a_patient(world: World) -> Leaving:
    draw = np.sort(np.random.default_rng(3).random((40, 3)), axis=0)
    return pl.DataFrame({"threshold": draw[:, 0], "tpr": draw[:, 1], "fpr": draw[:, 2]})


@leak
def metric_a_patient(world: World) -> Leaving:
    return {"metrics": {f"risk.{i:04d}": 0.5 for i in range(40)}}


@leak
def history_with_a_step_a_patient(world: World) -> Leaving:
    return {"metrics": {"loss": [(i, 0.5) for i in range(world.frame.height)]}}


@leak
def history_at_event_times(world: World) -> Leaving:
    return {"metrics": {"event_free": [(t, 0.5) for t in (1, 2, 5, 11, 13)]}}


@leak
def list_in_param(world: World) -> Leaving:
    return {"params": {"order": json.dumps([round(float(x)) for x in world.frame["age"]])}}


@leak
def list_in_tag(world: World) -> Leaving:
    return {"tags": {"order": ";".join(f"{x:.0f}" for x in world.frame["age"])}}


@leak
def exact_value_in_param(world: World) -> Leaving:
    return {"params": {"cut": str(world.frame["marker"].drop_nulls()[3])}}


# --- models that memorise --------------------------------------------------------------------------------------------


@leak
def nearest_neighbours(world: World) -> Leaving:
    import skops.io
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier().fit(world.opaque.fill_null(0).to_numpy(), world.cohort.event)
    skops.io.dump(model, world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def support_vectors(world: World) -> Leaving:
    import skops.io
    from sklearn.svm import SVC

    skops.io.dump(SVC().fit(world.opaque.fill_null(0).to_numpy(), world.cohort.event), world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def gaussian_process(world: World) -> Leaving:
    import skops.io
    from sklearn.gaussian_process import GaussianProcessRegressor

    model = GaussianProcessRegressor().fit(world.opaque.fill_null(0).to_numpy()[:40], world.cohort.time[:40])
    skops.io.dump(model, world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def unpruned_tree(world: World) -> Leaving:
    import skops.io
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier().fit(world.opaque.fill_null(0).to_numpy(), world.cohort.event)
    skops.io.dump(model, world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def forest_with_small_leaves(world: World) -> Leaving:
    import skops.io
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=3, min_samples_leaf=1)
    skops.io.dump(model.fit(world.opaque.fill_null(0).to_numpy(), world.cohort.event), world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def minima_in_a_scaler(world: World) -> Leaving:
    import skops.io
    from sklearn.preprocessing import MinMaxScaler

    skops.io.dump(MinMaxScaler().fit(world.opaque.fill_null(0).to_numpy()), world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def support_vectors_as_json(world: World) -> Leaving:
    return world.json({"kind": "svm", "support_vectors": [[1.0, 2.0]]})


@leak
def training_rows_in_model(world: World) -> Leaving:
    return world.json(world.model() | {"training_data": world.opaque.head(3).to_dicts()}, "model.json")


@leak
def model_of_another_kind(world: World) -> Leaving:
    return world.json(world.model() | {"kind": "nearest_neighbours"}, "model.json")


@leak
def saturated_model(world: World) -> Leaving:
    content = world.model()
    content["hazard"]["coefficients"] = np.random.default_rng(0).normal(size=150).tolist()
    return world.json(content, "model.json")


@leak
def baseline_at_event_times(world: World) -> Leaving:
    content = world.model()
    content["grid"] = sorted(world.cohort.time[world.cohort.event])[:8]
    return world.json(content, "model.json")


@leak
def unrounded_fill(world: World) -> Leaving:
    content = world.model()
    content["design"]["columns"][0]["fill"] = float(world.frame["age"][0])
    return world.json(content, "model.json")


@leak
def patient_in_codebook_of_model(world: World) -> Leaving:
    content = world.model()
    content["design"]["codebook"]["age"]["label"]["en"] = "Age of Kim"
    return world.json(content, "model.json")


@leak
def knot_a_patient(world: World) -> Leaving:
    return world.json({"spline": {"knots": np.linspace(0, 1, 80).tolist()}})


def safetensors(tensors: dict[str, np.ndarray], metadata: dict[str, str] | None = None) -> bytes:
    """Return a safetensors file."""
    header, body = {"__metadata__": metadata} if metadata else {}, b""
    for name, values in tensors.items():
        kind = {"f": "F64", "i": "I64"}[values.dtype.kind]
        header[name] = {
            "dtype": kind,
            "shape": list(values.shape),
            "data_offsets": [len(body), len(body) + values.nbytes],
        }
        body += values.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@leak
def embedding_of_patients(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"embedding": np.zeros((world.frame.height, 4))}))


@leak
def network_larger_than_the_cohort(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"hidden": np.zeros((20, 20))}))


@leak
def whole_numbers_as_weights(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"w": np.arange(5)}))


@leak
def text_in_metadata_of_weights(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"w": np.zeros(2)}, {"of": "kim@example.org"}))


@leak
def bytes_behind_weights(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"w": np.zeros(2)}) + world.frame.write_csv().encode())


@leak
def pickled_mlflow_model(world: World) -> Leaving:
    flavour = "flavors:\n  sklearn:\n    pickled_model: model.pkl\n    serialization_format: cloudpickle\n"
    return world.file("MLmodel", flavour)
