"""A whole joint experiment carried by bundles: the comparison at the coordinator's is the one of a single computer."""

from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from biolab.joint import (
    Comparison,
    Protocol,
    compare,
    create_identity,
    export_bundle,
    import_bundle,
    sign_runs,
    verify_run,
)
from biolab.joint.description import cohort_tables
from biolab.joint.one_site import check_site
from biolab.tracking import Store, embedded_store, find_runs

from .conftest import made_up

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def carried(
    protocol: Protocol, store: Store, comparison: Comparison, tmp_path_factory: pytest.TempPathFactory
) -> Store:
    """Sign every site's runs, send a bundle each, and take both into another store."""
    assert comparison.sites.height == 2
    place = tmp_path_factory.mktemp("carried")
    people = {site: create_identity(site, place / "keys" / site) for site in protocol.sites}
    for site, identity in people.items():
        runs = find_runs(store, protocol=protocol.name, site=site, latest=False)
        sign_runs(store, [run.run_id for run in runs if run.role != "validation"], identity)
    joint = embedded_store(place / "joint")
    keys = {site: identity.public_key for site, identity in people.items()}
    for site, identity in people.items():
        facts = export_bundle(store, protocol.name, identity, place / f"{site}.zip")
        assert facts.runs == 1 + 2 * len(protocol.models)
        import_bundle(joint, facts.path, protocol, keys=keys)
    runs = find_runs(joint, protocol=protocol.name, latest=False)
    assert {verify_run(joint, run.run_id, keys).state for run in runs} == {"verified"}
    return joint


def test_the_comparison_is_the_same(protocol: Protocol, carried: Store, comparison: Comparison) -> None:
    there = compare(protocol, carried)
    for name in ("validation", "differences", "calibration", "cohorts", "characteristics", "coefficients", "pooled"):
        assert_frame_equal(getattr(there, name), getattr(comparison, name))
    assert there.metrics == comparison.metrics


def test_no_patient_is_in_a_bundle(carried: Store) -> None:
    bundles = sorted(Path(carried.database).parents[1].glob("*.zip"))
    raw = b"".join(path.read_bytes() for path in bundles)
    assert len(bundles) == 2
    needles = set()
    for seed in (1, 2):
        frame = made_up(seed)
        needles |= set(frame["patient"])
        for column in ("age", "marker", "time_months"):
            needles |= {f"{value:.9f}"[:10] for value in frame[column].drop_nulls()}
    assert [needle for needle in needles if needle.encode() in raw] == []


def test_check_releases_what_the_run_does(protocol: Protocol, files: dict[str, Path], north) -> None:
    checked = check_site(protocol, "north", files["north"])
    for name, table in cohort_tables(protocol, north, "north").items():
        assert_frame_equal(checked[name], table)
