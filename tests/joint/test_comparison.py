"""A comparison rests on what the sites signed and the store still holds, and says what it left out."""

import shutil
from collections.abc import Generator
from pathlib import Path

import polars as pl
import pytest

from biolab.core import TrackingError
from biolab.joint import Comparison, Protocol, compare, create_identity
from biolab.joint.identity import PrivateIdentity
from biolab.tracking import Store, embedded_store

from .reported import MODELS, SITES, report, three_sites, write_site

Runs = dict[tuple[str | None, ...], str]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PrivateIdentity]:
    place = tmp_path_factory.mktemp("keys")
    return {site: create_identity(site, place / site) for site in SITES}


@pytest.fixture(scope="module")
def protocol(people: dict[str, PrivateIdentity]) -> Protocol:
    return three_sites({site: identity.public_key for site, identity in people.items()})


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return embedded_store(tmp_path_factory.mktemp("joint") / "store")


@pytest.fixture(scope="module")
def runs(joint: Store, protocol: Protocol, people: dict[str, PrivateIdentity]) -> Runs:
    return report(joint, protocol, people, subgroups=True)


@pytest.fixture
def own(joint: Store, runs: Runs) -> Generator[Runs]:
    """Give a test the store to spoil: it is put back afterwards."""
    place = joint.database.parent
    copy = place.with_name("copy")
    shutil.copytree(place, copy)
    yield runs
    from mlflow.tracking._model_registry.utils import _get_store as registry
    from mlflow.tracking._tracking_service.utils import _get_store as tracking

    for kept in (registry, tracking):
        kept(store_uri=joint.tracking_uri).engine.dispose()
    shutil.rmtree(place)
    copy.rename(place)


def uses(comparison: Comparison) -> dict[str, int]:
    return dict(comparison.verdicts["use"].value_counts().rows())


def of(comparison: Comparison, run: str) -> tuple[str, str]:
    return comparison.verdicts.filter(pl.col("run_id") == run).select("state", "use").row(0)


def log_metric(store: Store, run: str, value: float) -> None:
    with store.session() as client:
        client.log_metric(run, "harrell_c", value)


def test_all_that_was_signed_is_used(joint: Store, protocol: Protocol, runs: Runs) -> None:
    found = compare(protocol, joint)
    assert uses(found) == {"used": len(runs)}
    assert set(found.verdicts["state"]) == {"verified"}
    assert found.signed
    assert found.missing.is_empty()
    assert found.changes.is_empty()
    assert found.meta.pooled.filter(metric="harrell_c", evidence="external", model="full")["sites"].item() == 3
    assert found.meta.left_out.filter(metric="harrell_c", evidence="external", model="full").height == 3
    assert (found.best.model, found.best.evidence, found.best.metric) == ("full", "external", "harrell_c")
    assert found.fairness["gap"].unique().item() == pytest.approx(0.04)
    assert set(found.fairness["suppressed"]) == {1}


def test_a_changed_number_is_named_and_taken_out(joint: Store, protocol: Protocol, own: Runs) -> None:
    run = own["validation", "full", "north", "south"]
    log_metric(joint, run, 0.93)
    found = compare(protocol, joint)
    assert of(found, run) == ("changed", "refused")
    change = found.changes.row(0, named=True)
    assert {name: change[name] for name in ("run_id", "field", "signed", "stored")} == {
        "run_id": run, "field": "metrics.harrell_c", "signed": "0.662", "stored": "0.93",
    }  # fmt: skip
    assert found.missing.rows() == [("full", "north", "south", "refused")]
    assert uses(found) == {"used": len(own) - 1, "refused": 1}
    cells = found.validation.select("model", "train_site", "test_site").unique()
    assert ("full", "north", "south") not in cells.rows()


def test_a_changed_site_run_takes_its_models_out(joint: Store, protocol: Protocol, own: Runs) -> None:
    run = own["site", None, None, "east"]
    with joint.session() as client:
        client.set_tag(run, "biolab.protocol.sha256", "0" * 64)
    found = compare(protocol, joint)
    assert of(found, run) == ("changed", "refused")
    assert set(found.cohorts["site"]) == {"north", "south"}
    assert "east" not in set(found.validation["train_site"])
    assert of(found, own["model", "age", "east", "east"]) == ("verified", "unused")
    assert set(found.missing["train_site"]) == {"east"}
    assert set(found.missing["reason"]) == {"refused"}


def test_a_site_that_is_refused_does_not_fall_back_to_its_older_run(
    joint: Store, protocol: Protocol, people: dict[str, PrivateIdentity], own: Runs
) -> None:
    from biolab.joint import sign_runs

    again = write_site(joint, protocol, "north")
    sign_runs(joint, again.values(), people["north"])
    assert of(compare(protocol, joint), own["site", None, None, "north"]) == ("verified", "older")
    with joint.session() as client:
        client.update_run(again["site", None, None, "north"], status="FAILED")
    found = compare(protocol, joint)
    assert of(found, again["site", None, None, "north"]) == ("changed", "refused")
    assert "north" not in set(found.cohorts["site"])


def test_what_a_site_did_not_sign_stands_in_nobodys_way(
    joint: Store, protocol: Protocol, people: dict[str, PrivateIdentity], own: Runs, tmp_path: Path
) -> None:
    from biolab.joint import sign_runs

    unsigned = write_site(joint, protocol, "north")
    forged = write_site(joint, protocol, "south")
    sign_runs(joint, forged.values(), create_identity("south", tmp_path / "south"))
    found = compare(protocol, joint)
    assert of(found, unsigned["site", None, None, "north"]) == ("unsigned", "refused")
    assert of(found, forged["site", None, None, "south"]) == ("bad-signature", "refused")
    assert uses(found) == {"used": len(own), "refused": len(unsigned) + len(forged)}
    assert found.missing.is_empty()
    assert people.keys() == set(found.cohorts["site"])


def test_another_hash_is_shown_and_never_pooled(
    joint: Store, protocol: Protocol, people: dict[str, PrivateIdentity], own: Runs
) -> None:
    from biolab.joint import sign_runs

    before = compare(protocol, joint)
    amended = three_sites(protocol.keys, version="0.2.0")
    other = write_site(joint, amended, "north")
    sign_runs(joint, other.values(), people["north"])
    found = compare(protocol, joint)
    assert uses(found) == {"used": len(own), "other": len(other)}
    assert set(found.verdicts.filter(use="other")["version"]) == {"0.2.0"}
    assert found.metrics == before.metrics


def test_sites_report_one_after_another(protocol: Protocol, people: dict[str, PrivateIdentity], tmp_path: Path) -> None:
    store = embedded_store(tmp_path / "store")
    with pytest.raises(TrackingError, match="No site has a complete run"):
        compare(protocol, store)
    report(store, protocol, people, sites=("north",))
    found = compare(protocol, store)
    assert found.missing.height == len(MODELS) * (9 - 1)
    assert set(found.missing["reason"]) == {"no site run"}
    assert found.meta.pooled.is_empty()
    assert (found.best.evidence, found.best.sites) == ("internal", ("north",))


def test_without_keys_unsigned_runs_are_compared_and_late_edits_refused(tmp_path: Path) -> None:
    store, demo = embedded_store(tmp_path / "store"), three_sites({})
    runs = report(store, demo, {}, sites=("north", "south"))
    found = compare(demo, store)
    assert not found.signed
    assert uses(found) == {"used": len(runs)}
    assert set(found.verdicts["state"]) == {"unsigned"}
    run = runs["validation", "full", "north", "south"]
    log_metric(store, run, 0.99)
    found = compare(demo, store)
    assert of(found, run) == ("changed", "refused")
    assert found.changes.select("field", "signed", "stored").rows() == [("metrics.harrell_c", "0.662", "0.99")]
    with pytest.raises(TrackingError, match=r"that holds: 10 were refused, the first .* \(unsigned\)"):
        compare(demo, store, keys={"north": "ed25519:" + "A" * 43 + "="})
