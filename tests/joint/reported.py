"""Three institutions whose signed runs are written by hand in moments, with every table a comparison reads."""

import tomllib
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import polars as pl

from biolab.joint import Protocol, sign_runs
from biolab.joint.identity import PrivateIdentity
from biolab.joint.records import run_tags
from biolab.tracking import RecordedRun, Store, experiment_name, log_model, recorded_run

HERE = Path(__file__).resolve().parent
SITES = ("north", "south", "east")
MODELS = ("age", "full")
LEVEL = {"north": 0.68, "south": 0.64, "east": 0.71}
ERROR = {"north": 0.015, "south": 0.02, "east": 0.03}
GAIN = {"north": 0.030, "south": 0.042, "east": 0.036}


def three_sites(keys: Mapping[str, str], *, version: str = "0.1.0") -> Protocol:
    """Return the made-up protocol with a third site, two Cox models and the sites' keys."""
    content = tomllib.loads((HERE / "two-made-up-sites" / "protocol.toml").read_text(encoding="utf-8"))
    content["protocol"] |= {"name": "three-sites", "version": version}
    content["sites"]["east"] = {**content["sites"]["north"], "label": {"en": "East", "ko": "동부"}}
    full = {key: value for key, value in content["models"][1].items() if key != "penalty"} | {"name": "full"}
    content["models"] = [content["models"][0], full]
    for site, key in keys.items():
        content["sites"][site] = {**content["sites"][site], "public_key": key}
    return Protocol.model_validate(content)


def report(
    store: Store,
    protocol: Protocol,
    identities: Mapping[str, PrivateIdentity],
    *,
    sites: tuple[str, ...] = SITES,
    subgroups: bool = False,
) -> dict[tuple[str | None, ...], str]:
    """Write and sign the runs of the sites and their validations; return the runs by role, model, train and test."""
    runs: dict[tuple[str | None, ...], str] = {}
    for site in sites:
        runs |= write_site(store, protocol, site)
        if site in identities:
            sign_runs(store, [run for key, run in runs.items() if key[3] == site], identities[site])
    for train, test in permutations(sites, 2):
        written = {}
        for model in MODELS:
            tags = run_tags(protocol, role="validation", site=test, model=model, model_site=train)
            with _run(store, protocol, f"{model} of {train} at {test}", tags) as run:
                run.params({"model_run_id": runs["model", model, train, train]})
                _judged(run, model, train, test)
                if subgroups:
                    run.table("subgroups", _subgroups(model))
            written["validation", model, train, test] = run.run_id
        if test in identities:
            sign_runs(store, written.values(), identities[test])
        runs |= written
    return runs


def write_site(store: Store, protocol: Protocol, site: str) -> dict[tuple[str | None, ...], str]:
    """Write a site's own run and those of its models, unsigned."""
    with _run(store, protocol, site, run_tags(protocol, role="site", site=site)) as parent:
        parent.text("protocol.json", protocol.canonical)
        for name, table in _cohort(site).items():
            parent.table(name, table)
    runs: dict[tuple[str | None, ...], str] = {("site", None, None, site): parent.run_id}
    for model in MODELS:
        tags = run_tags(protocol, role="model", site=site, model=model, model_site=site)
        with _run(store, protocol, f"{site} {model}", tags, parent=parent.run_id) as run:
            _judged(run, model, site, site)
            run.table("coefficients", _coefficients(model, site))
            _release(run, store, model)
        runs["model", model, site, site] = run.run_id
    return runs


def _run(store: Store, protocol: Protocol, name: str, tags: dict[str, str], parent: str | None = None):
    return recorded_run(store, experiment=experiment_name(protocol.name), name=name, tags=tags, parent=parent)


def _cohort(site: str) -> dict[str, pl.DataFrame]:
    quartiles = {"variable": "age", "label_en": "Age", "label_ko": "나이", "unit": "year", "unit_en": "years",
                 "unit_ko": "세", "level": None, "level_en": None, "level_ko": None, "kind": "quartiles", "value": 60.0,
                 "lower": 52.0, "upper": 68.0, "percent": None}  # fmt: skip
    tables = {
        "cohort": [{"patients": 300, "events": 120, "dropped": 0, "median_follow_up": 40.1}],
        "characteristics": [quartiles],
        "flow": [{"step": "read", "reason_en": "Read", "reason_ko": "읽음", "dropped": 0, "remaining": 300}],
        "survival_curve": [
            {"time": 12.0 * n, "at_risk": 300 - 60 * n, "survival": s, "lower": s - 0.03, "upper": min(1.0, s + 0.03)}
            for n, s in enumerate((1.0, 0.9, 0.8, 0.7, 0.62))
        ],
    }
    return {name: pl.DataFrame([{"site": site, **row} for row in rows]) for name, rows in tables.items()}


def _judged(run: RecordedRun, model: str, train: str, test: str) -> None:
    """Write the measures, the differences to the age model and the calibration of one model at one site."""
    gain = GAIN[test] if model == "full" else 0.0
    level, error = LEVEL[test] + gain - (0.0 if train == test else 0.02), ERROR[test]
    where = {"model": model, "train_site": train, "test_site": test}
    measures = [("harrell_c", None, level, error), ("time_dependent_auc", 48.0, level + 0.03, error),
                ("calibration_slope", None, 0.9, 0.1), ("observed_expected", 48.0, 1.1, 0.12),
                ("integrated_brier_score", None, 0.18 - gain / 2, 0.006)]  # fmt: skip
    rows = [{**where, "metric": metric, "horizon": at, "estimate": value, **_limits(value, deviation)}
            for metric, at, value, deviation in measures]  # fmt: skip
    gaps = [] if model == "age" else [
        {**where, "reference": "age", "metric": "harrell_c", "horizon": None, "difference": gain,
         **_limits(gain, error / 3)}
    ]  # fmt: skip
    fifths = [
        {**where, "horizon": 48.0, "group": n, "predicted": n / 8, "observed": n / 8 + 0.01, "lower": n / 8 - 0.05,
         "upper": n / 8 + 0.06, "patients": 60} for n in range(1, 6)
    ]  # fmt: skip
    number = {"horizon": pl.Float64}
    schema = {**dict.fromkeys((*where, "reference", "metric"), pl.String),
              **dict.fromkeys(("horizon", "difference", "standard_error", "lower", "upper"), pl.Float64),
              "replicates": pl.Int64}  # fmt: skip
    run.metrics({"harrell_c": level, "harrell_c.lower": level - 2 * error, "harrell_c.upper": level + 2 * error})
    run.table("performance", pl.DataFrame(rows, schema_overrides=number))
    run.table("differences", pl.DataFrame(gaps, schema=schema))
    run.table("calibration", pl.DataFrame(fifths))


def _limits(value: float, error: float) -> dict[str, float | int]:
    return {"standard_error": error, "lower": value - 1.96 * error, "upper": value + 1.96 * error, "replicates": 100}


def _coefficients(model: str, site: str) -> pl.DataFrame:
    effects = {"north": 0.30, "south": 0.22, "east": 0.35}
    effect, error = effects[site], 0.08
    ratio = {name: 2.718281828 ** (effect + z * error) for name, z in
             (("hazard_ratio", 0), ("lower", -1.96), ("upper", 1.96))}  # fmt: skip
    row = {"model": model, "site": site, "term": "age", "label_en": "Age", "label_ko": "나이"}
    return pl.DataFrame([row | {"log_hazard_ratio": effect, "standard_error": error} | ratio])


def _subgroups(model: str) -> pl.DataFrame:
    rows = [("stage I", 100, 0.66), ("stage II", 120, 0.70), ("stage III", None, None)]
    return pl.DataFrame(
        [{"model": model, "variable": "stage", "subgroup": name, "patients": n, "events": n and n // 2,
          "metric": "harrell_c", "horizon": None, "estimate": value, "lower": value and value - 0.05,
          "upper": value and value + 0.05} for name, n, value in rows],
        schema_overrides={"horizon": pl.Float64},
    )  # fmt: skip


def _release(run: RecordedRun, store: Store, model: str) -> None:
    folder = store.artifacts.parent / "to-release"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text('{"coefficients": [0.3]}', encoding="utf-8")
    patients = pl.DataFrame({"age": [50.0, 60.0]})
    risk = pl.DataFrame({"risk_score": [0.1, 0.2]})
    log_model(run, name=model, folder=folder, signature_input=patients, signature_output=risk,
              registered_name=f"three-sites-{model}", pip_requirements=["biolab"])  # fmt: skip
