"""What a site hands over is held against its own patients and against all that it handed over before."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from biolab.core import ConfigError, DisclosureError
from biolab.data import Cohort, Eligibility, Label
from biolab.joint import PrivateIdentity, Protocol, create_identity, export_site, run_one_site
from biolab.joint.records import run_tags
from biolab.tracking import Store, embedded_store, recorded_run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("north")


@pytest.fixture(scope="module")
def identity(home: Path) -> PrivateIdentity:
    return create_identity("north", home / "keys")


@pytest.fixture(scope="module")
def small(protocol: Protocol) -> Protocol:
    return protocol.model_copy(update={"models": protocol.models[:1]})


@pytest.fixture(scope="module")
def store(home: Path, small: Protocol, files: dict[str, Path]) -> Store:
    """Return the site's store with its run under the first version."""
    made = embedded_store(home / "output")
    run_one_site(small, made, site="north", file=files["north"])
    return made


def amended(protocol: Protocol, cohort: Cohort, *, version: str, dropping: int) -> Protocol:
    """Return the protocol with a higher version that leaves out so many of the youngest patients."""
    ages = sorted(cohort.frame["age"].to_list())
    youngest = (ages[dropping - 1] + ages[dropping]) / 2
    rule = Eligibility(variable="age", minimum=round(youngest, 6), reason=Label(en="Young", ko="젊은 환자"))
    header = protocol.protocol.model_copy(update={"version": version})
    return protocol.model_copy(update={"protocol": header, "eligibility": (rule,)})


def test_two_versions_that_differ_by_three_patients(
    small: Protocol, store: Store, identity: PrivateIdentity, north: Cohort, files: dict[str, Path], tmp_path: Path
) -> None:
    def export(name: str) -> bytes:
        path = tmp_path / f"{name}.zip"
        export_site(store, small.name, identity, path, folder=tmp_path, file=files["north"])
        return path.read_bytes()

    assert export("first") == export("again")
    ledger = tmp_path / "released" / "made-up.json"
    assert len(json.loads(ledger.read_text(encoding="utf-8"))["releases"]) == 1
    run_one_site(amended(small, north, version="0.2.0", dropping=3), store, site="north", file=files["north"])
    with pytest.raises(DisclosureError, match=r"beside the release 'made-up 0\.1\.0 .*by fewer than 10") as caught:
        export("three-fewer")
    assert "table 'cohort'" in str(caught.value)
    assert str(ledger) in str(caught.value)
    assert not (tmp_path / "three-fewer.zip").exists()


def test_the_patients_themselves_are_looked_for(
    small: Protocol, identity: PrivateIdentity, north: Cohort, files: dict[str, Path], tmp_path: Path
) -> None:
    store = embedded_store(tmp_path / "output")
    tags = run_tags(small, role="site", site="north")
    with recorded_run(store, experiment="biolab/made-up", name="north", tags=tags) as run:
        run.text("protocol.json", small.canonical)
        run.table("pooled", pl.DataFrame({"term": ["age"], "estimate": [north.frame["age"][7]]}))
    folder = tmp_path / "keys"
    facts = export_site(store, small.name, identity, tmp_path / "unseen.zip", folder=folder)
    assert not facts.traced
    with pytest.raises(DisclosureError, match="a patient's exact value"):
        export_site(store, small.name, identity, tmp_path / "seen.zip", folder=folder, file=files["north"])
    assert not (tmp_path / "seen.zip").exists()


def test_other_patients_than_those_of_the_run(
    small: Protocol, store: Store, identity: PrivateIdentity, files: dict[str, Path], tmp_path: Path
) -> None:
    other = tmp_path / "north.csv"
    pl.read_csv(files["north"]).head(250).write_csv(other)
    with pytest.raises(ConfigError, match="not those of the run 'north'"):
        export_site(store, small.name, identity, tmp_path / "n.zip", folder=tmp_path, file=other)


def test_an_input_example_must_be_made_up(
    small: Protocol, store: Store, identity: PrivateIdentity, north: Cohort, tmp_path: Path
) -> None:
    from biolab.joint.bundle.gate import ReleaseCheck, check_release
    from biolab.joint.disclosure import rules_of, traces_of
    from biolab.joint.manifest import ExampleFacts, build_manifest
    from biolab.joint.signing import sign_runs
    from biolab.tracking import find_runs

    runs = find_runs(store, protocol=small.name, sha256=small.sha256, latest=False)
    sign_runs(store, [run.run_id for run in runs], identity)
    manifest = build_manifest(store, next(run.run_id for run in runs if run.role == "model"))
    rules = replace(rules_of(small), cohort_size=north.patients)
    check = ReleaseCheck(rules=rules, traces=traces_of(north.frame, rules))
    check_release(check, manifest, tmp_path)
    example = ExampleFacts(columns=("age",), data=((north.frame["age"][7],), (north.frame["age"][8],)))
    spoilt = manifest.models[0].model_copy(update={"example": example})
    with pytest.raises(DisclosureError, match="input example of model 'age'"):
        check_release(check, manifest.model_copy(update={"models": (spoilt,)}), tmp_path)
