"""Files that hold rows or objects."""

import io
import pickle
import sqlite3
import zlib
from contextlib import closing

import numpy as np

from biolab.joint.disclosure.gate import Leaving

from .world import World, leak, packed


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
    with closing(sqlite3.connect(world.folder / "t.db")) as database, database:
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
