"""What sites really release passes: fewer than 2 % of legitimate results are refused, and the figure is printed."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biolab.data import Cohort
from biolab.joint import Comparison, Protocol, fit_model, load_cohort, run_experiment
from biolab.joint.description import cohort_tables
from biolab.joint.disclosure import check, rules_of, traces_of
from biolab.joint.disclosure.gate import Leaving
from biolab.joint.example import synthetic_patients
from biolab.joint.performance import calibration_table
from biolab.reports import publish
from biolab.stats import meta_analyse
from biolab.tracking import Store, embedded_store

from .leaks import png, safetensors

MOST_REFUSED = 0.02
NONE = (None, None)


def refusals(name: str, leaving: dict[str, tuple[Leaving, object, object]]) -> float:
    """Return the share of legitimate results that the gate refuses, and print it."""
    refused = {each: check(what, rules, cohort=cohort) for each, (what, rules, cohort) in leaving.items()}  # ty: ignore
    wrong = {each: found for each, found in refused.items() if found}
    print(f"\n{name}: {len(wrong)} of {len(leaving)} legitimate results refused ({len(wrong) / len(leaving):.1%})")
    for each, found in wrong.items():
        print(f"  {each}: {found[0]}")
    return len(wrong) / len(leaving)


def in_store(store: Store) -> Iterator[tuple[str, Leaving]]:
    """Yield everything a store holds: each artifact, and each run's parameters, metric histories and tags."""
    for path in sorted(store.artifacts.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(store.artifacts)), path
    with closing(sqlite3.connect(store.database)) as database, database:
        for (run,) in database.execute("select run_uuid from runs").fetchall():
            params = dict(database.execute("select key, value from params where run_uuid = ?", (run,)))
            tags = dict(database.execute("select key, value from tags where run_uuid = ?", (run,)))
            history: dict[str, list[tuple[int, float]]] = {}
            for key, step, value in database.execute("select key, step, value from metrics where run_uuid = ?", (run,)):
                history.setdefault(key, []).append((step, value))
            metrics = {key: points[0][1] if len(points) == 1 else points for key, points in history.items()}
            yield f"params of {run}", {"params": params}
            yield f"metrics of {run}", {"metrics": metrics}
            yield f"tags of {run}", {"tags": tags}
    database.close()


@pytest.mark.slow
def test_everything_a_made_up_experiment_writes(
    protocol: Protocol, north: Cohort, store: Store, comparison: Comparison, tmp_path: Path
) -> None:
    pages = embedded_store(tmp_path / "store")
    published = [publish(comparison, pages, folder=tmp_path, language=language).page for language in ("en", "ko")]
    rules = rules_of(protocol)
    traces = traces_of(north.frame, rules)
    everything = [*in_store(store), *in_store(pages), *((path.name, path) for path in published)]
    leaving = {name: (what, rules, traces) for name, what in everything}
    assert len(leaving) > 200
    assert refusals("made-up experiment", leaving) < MOST_REFUSED


def test_tables_and_models_of_the_real_cohorts(real_protocol: Protocol, tmp_path: Path) -> None:
    leaving = {}
    for site in real_protocol.sites:
        cohort = load_cohort(real_protocol, site)
        rules = replace(rules_of(real_protocol), cohort_size=cohort.patients)
        traces = traces_of(cohort.frame, rules)
        tables = dict(cohort_tables(real_protocol, cohort, site))
        leaving[f"{site}: all tables together"] = (tables, rules, traces)
        for spec in real_protocol.models[:2]:
            fitted = fit_model(real_protocol, spec, cohort.frame, site=site)
            tables[f"coefficients of {spec.name}"] = fitted.coefficients
            tables[f"calibration of {spec.name}"] = calibration_table(
                real_protocol, cohort, fitted.released.predict(cohort.frame)
            )
            folder = tmp_path / f"{site}-{spec.name}"
            fitted.released.save(folder)
            example = synthetic_patients(fitted.released.design)
            split = {"columns": example.columns, "data": [list(row) for row in example.rows()]}
            (folder / "input_example.json").write_text(json.dumps(split), encoding="utf-8")
            leaving[f"{site}: model {spec.name}"] = (folder, rules, traces)
            leaving[f"{site}: settings of {spec.name}"] = ({"params": dict(fitted.settings)}, rules, traces)
        leaving |= {f"{site}: {name}": (table, rules, traces) for name, table in tables.items()}
    assert refusals("real tables and models", leaving) < MOST_REFUSED


def files(folder: Path) -> dict[str, str | bytes]:
    """Return other kinds of files that results come in."""
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().plot([0, 12, 24], [1.0, 0.8, 0.6], marker="o")
    figure.savefig(folder / "curve.png")
    figure.savefig(folder / "curve.svg", metadata={"Date": None, "Creator": None})
    digest = "18fac736f7a94aba2b0f7ec29c6ff02d3bf882223906f83f2de4b1741bcddd58"
    signature = "ed25519:" + "Ab1+" * 21 + "Ab=="
    manifest = {
        "format": "biolab.manifest/1", "run_digest": digest, "cohort": {"digest": digest},
        "run": {"site": "north", "started": "2026-11-22T16:20:26.614000+00:00", "model": "cox"},
        "params": {"ties": "efron"}, "tags": {"biolab.site": "north", "biolab.protocol.version": "1.0.0"},
        "metrics": [["harrell_c", 0, 0.6695], ["harrell_c.lower", 0, 0.64], ["event_free", 6, 0.9]],
        "artifacts": [{"path": "tables/cohort.json", "sha256": digest, "bytes": 120}], "code": {"version": "0.2.0"},
    }  # fmt: skip
    crate = {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [
            {"@id": "./", "@type": "Dataset", "datePublished": "2026-11-22", "hasPart": [{"@id": "manifest.json"}]}
        ],
    }
    return {
        "manifest.json": json.dumps(manifest),
        "manifest.sig": signature,
        "ro-crate-metadata.json": json.dumps(crate),
        "README.md": "# Bundle\n\nResults of one site under the protocol made-up 0.1.0. No patient's row is in it.\n",
        "requirements.txt": "biolab\nmlflow==3.17.2\ncertifi==2024.8.30\n",
        "runs.jsonl": json.dumps({"run": {"site": "north"}, "metrics": {"harrell_c": 0.66}}) + "\n",
        "pixel.png": png(),
        "linear.safetensors": safetensors({"coefficients": np.zeros(6)}),
        "performance.csv": "metric,horizon,estimate,lower,upper\nharrell_c,,0.66,0.63,0.69\nuno_c,,0.65,0.62,0.68\n",
    }


def test_other_files_results_come_in(protocol: Protocol, north: Cohort, tmp_path: Path) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for name, content in files(tmp_path).items():
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    numbers = north.frame.select("age", "months").to_numpy()
    skops.io.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(numbers, north.event), tmp_path / "m.skops")
    rules = replace(rules_of(protocol), cohort_size=north.patients)
    leaving = {path.name: (path, rules, north.frame) for path in sorted(tmp_path.iterdir())}
    assert len(leaving) >= 12
    assert refusals("other files", leaving) == 0


def test_other_tables_results_come_in(protocol: Protocol, north: Cohort) -> None:
    rules = replace(rules_of(protocol), cohort_size=north.patients)
    pooled = meta_analyse(np.array([0.1, 0.3]), np.array([0.1, 0.2]))
    thresholds = np.round(np.linspace(0.05, 0.5, 10), 2)
    tables = {
        "counts": pl.DataFrame({"stage": ["I", "II", "III"], "patients": [80, 119, 100]}),
        "cross-table": pl.DataFrame({"stage": ["I", "II"], "yes": [80, 70], "no": [90, 59]}),
        "hidden": pl.DataFrame({"stage": ["I", "II", "III"], "patients": [180, None, None], "percent": [60, *NONE]}),
        "decision curve": pl.DataFrame({"threshold": thresholds, "net_benefit": thresholds / 3}),
        "pooled": pl.DataFrame({"term": ["age"], "estimate": [pooled.estimate], "i2": [pooled.i2]}),
        "genes": pl.DataFrame({"gene": ["TP53", "BRCA1", "ESR1", "MKI67"], "coefficient": [0.1, -0.2, 0.3, 0.4]}),
        "subgroups": pl.DataFrame({"variable": ["stage"] * 2, "level": ["I", "II"], "patients": [120, 140]}),
        "versions": pl.DataFrame({"name": ["numpy", "polars"], "version": ["2.4.6", "1.44.2"]}),
        "curve": pl.DataFrame({"time": [0.0, 12.0, 24.0], "at_risk": [299, 230, 150], "survival": [1.0, 0.8, 0.55]}),
    }  # fmt: skip
    leaving = {name: (table, rules, north.frame) for name, table in tables.items()}
    assert refusals("other tables", leaving) == 0


@pytest.mark.slow
def test_everything_the_real_experiment_writes(real_protocol: Protocol, tmp_path: Path) -> None:
    store = embedded_store(tmp_path / "store")
    comparison = run_experiment(real_protocol, store)
    page = publish(comparison, store, folder=tmp_path).page
    rules = rules_of(real_protocol)
    leaving = {name: (what, rules, None) for name, what in in_store(store)} | {page.name: (page, rules, None)}
    assert len(leaving) > 250
    assert refusals("real experiment", leaving) < MOST_REFUSED
    cohorts = {site: traces_of(load_cohort(real_protocol, site).frame, rules) for site in real_protocol.sites}
    for site, traces in cohorts.items():
        assert [found for found in check(store.artifacts, rules, cohort=traces) if "cohort" in found.rule] == [], site
