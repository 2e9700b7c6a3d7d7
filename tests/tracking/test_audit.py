import gzip
import zipfile

import numpy as np
import polars as pl
import pytest

from biolab.core import ConfigError
from biolab.tracking import Store, store_files, store_texts

SECRET = "patient-4711"


def places(store):
    return {stored.where.split("!")[0].rsplit("/", 1)[-1] for stored in store_texts(store) if SECRET in stored.text}


def hide(run, kind, folder):
    match kind:
        case "tag":
            run.tags({"x": SECRET})
        case "param":
            run.params({"x": SECRET})
        case "metric name":
            run.metrics({SECRET: 1.0})
        case "table":
            run.table("t", pl.DataFrame({"id": [SECRET]}))
        case "file name":
            run.text(f"{SECRET}.txt", "")
        case "gzip":
            (folder / "a.gz").write_bytes(gzip.compress(SECRET.encode()))
            run.file(folder / "a.gz")
        case "zip in zip":
            with zipfile.ZipFile(folder / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a.txt", SECRET)
            with zipfile.ZipFile(folder / "out.zip", "w") as archive:
                archive.write(folder / "in.zip", "in.zip")
            run.file(folder / "out.zip")
        case "array":
            np.savez_compressed(folder / "a.npz", ids=np.array([SECRET]))
            run.file(folder / "a.npz")
        case "data set":
            run.dataset(name="d", digest="d", schema={}, profile={"x": SECRET}, context="fit")


KINDS = ["tag", "param", "metric name", "table", "file name", "gzip", "zip in zip", "array", "data set"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_patient_is_found_wherever_it_hides(store, start, tmp_path, kind):
    before = sum(SECRET in stored.text for stored in store_texts(store))
    with start(experiment="biolab/audit") as run:
        hide(run, kind, tmp_path)
    assert sum(SECRET in stored.text for stored in store_texts(store)) > before


def test_what_was_deleted_from_the_database_is_still_seen(store, start):
    with start(experiment="biolab/audit") as run:
        run.tags({"y": "deleted-1234"})
        store.client().delete_tag(run.run_id, "y")
    raw = [stored for stored in store_texts(store) if stored.where == str(store.database)]
    assert len(raw) == 1


def test_every_file_is_listed_once(store, start):
    with start(experiment="biolab/audit") as run:
        run.text("seen.txt", "x")
    files = list(store_files(store))
    assert len(files) == len(set(files))
    assert store.database in files
    assert any(path.name == "seen.txt" for path in files)


def test_a_server_cannot_be_audited_from_here():
    with pytest.raises(ConfigError, match="not an embedded store"):
        next(store_texts(Store(tracking_uri="http://mlflow.example.org")))
