"""Three institutions on three computers: the matrix that their bundles fill is the one of a single computer."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from biolab.cli import main
from biolab.core import DataError
from biolab.joint import (
    Comparison,
    compare,
    import_bundle,
    joint_progress,
    run_experiment,
    verified_models,
    verify_run,
)
from biolab.tracking import Store, embedded_store, find_runs, load_released

from .conftest import made_up
from .three_sites import SITES, Institution, institutions

pytestmark = pytest.mark.slow

CELLS = 2 * 12  # two models; three sites at home, six pairs, three times all others pooled
OWN = 2 * 3  # what a site judges abroad: two models of two others and of both pooled


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("three")


@pytest.fixture(scope="module")
def three(place: Path, files: dict[str, Path]) -> dict[str, Institution]:
    """Let each institution run its part on its own computer."""
    east = made_up(3).select(
        id="patient",
        time_days=pl.col("time_months") * 30.4375,
        event=pl.col("event").cast(pl.Int8),
        age="age",
        marker="marker",
        stage="stage",
    )
    east.write_csv(place / "east.csv")
    found = institutions(place, files | {"east": place / "east.csv"})
    for each in found.values():
        assert each.run().signed
    return found


@pytest.fixture(scope="module")
def first(three: dict[str, Institution]) -> dict[str, Path]:
    """Return the bundle that each institution sent to the others: its run and its models."""
    return {site: each.export("models") for site, each in three.items()}


@pytest.fixture(scope="module")
def joint(three: dict[str, Institution], first: dict[str, Path], place: Path) -> Store:
    """Return the coordinator's store with what every institution sent at first."""
    store = embedded_store(place / "joint")
    for bundle in first.values():
        import_bundle(store, bundle, three["north"].protocol)
    return store


@pytest.fixture(scope="module")
def filled(three: dict[str, Institution], first: dict[str, Path], joint: Store, place: Path) -> Store:
    """Let one institution after the other judge the models of the others and send what it found."""
    protocol = three["north"].protocol
    stand = []
    for number, each in enumerate(three.values(), start=1):
        each.take(*(bundle for site, bundle in first.items() if site != each.site))
        done = each.validate()
        assert (len(done.written), done.standing, done.refused, done.waiting, done.signed) == (OWN, (), (), (), True)
        import_bundle(joint, each.export("all"), protocol)
        stand.append(joint_progress(protocol, joint).filled)
        missing = compare(protocol, joint).missing
        assert set(missing["reason"]) <= {"not validated yet"}
        assert set(missing["test_site"]) == set(SITES[number:])
    assert stand == [6 + OWN * number for number in (1, 2, 3)]
    return joint


def test_cells_are_missing_until_a_site_has_judged_them(three: dict[str, Institution], first, tmp_path: Path) -> None:
    protocol, store = three["north"].protocol, embedded_store(tmp_path / "joint")
    import_bundle(store, first["north"], protocol)
    missing = compare(protocol, store).missing
    assert missing.height == CELLS - 2
    assert set(missing["reason"]) == {"no site run"}
    assert set(missing.filter(test_site="east")["train_site"]) == {"north", "south", "east", "others"}
    progress = joint_progress(protocol, store)
    assert (progress.filled, progress.cells) == (2, CELLS)


def test_the_matrix_is_that_of_one_computer(three: dict[str, Institution], filled: Store, place: Path) -> None:
    protocol = three["north"].protocol
    unsigned = protocol.model_copy(
        update={"sites": {name: site.model_copy(update={"public_key": None}) for name, site in protocol.sites.items()}}
    )
    alone = run_experiment(unsigned, embedded_store(place / "alone"), files={s: each.file for s, each in three.items()})
    there = compare(protocol, filled)
    assert_same(there, alone)
    assert there.signed
    assert there.missing.is_empty()
    assert there.refused.is_empty()
    assert set(there.verdicts["state"]) == {"verified"}


def assert_same(there: Comparison, alone: Comparison) -> None:
    for name in ("validation", "differences", "calibration", "cohorts", "characteristics", "coefficients", "pooled"):
        assert_frame_equal(getattr(there, name), getattr(alone, name), check_exact=True)
    assert there.metrics == alone.metrics
    assert there.meta.pooled.equals(alone.meta.pooled)
    assert there.best.facts == alone.best.facts


def test_a_validation_names_the_signed_run_it_judged(three: dict[str, Institution], filled: Store) -> None:
    protocol = three["north"].protocol
    models = find_runs(filled, protocol=protocol.name, role="model", latest=False)
    digests = {(run.model, run.site): run.tags["biolab.run_digest"] for run in models}
    validations = find_runs(filled, protocol=protocol.name, role="validation", latest=False)
    assert len(validations) == 3 * OWN
    for run in validations:
        others = [site for site in SITES if site != run.site] if run.model_site == "others" else [run.model_site]
        assert run.tags["biolab.model.run_digest"] == " ".join(digests[run.model, site] for site in others)
        assert verify_run(filled, run.run_id, protocol.keys).state == "verified"


def test_what_was_judged_is_not_judged_again(three: dict[str, Institution], filled: Store) -> None:
    east = three["east"]
    before = {run.run_id for run in find_runs(east.store, protocol="made-up", role="validation", latest=False)}
    again = east.validate()
    assert again.written == ()
    assert set(again.standing) == before
    assert len(before) == OWN
    assert filled.database.exists()


def test_a_tampered_model_is_refused(three: dict[str, Institution], first: dict[str, Path], tmp_path: Path) -> None:
    north, source = three["north"], embedded_store(tmp_path / "source")
    for site in ("south", "east"):
        import_bundle(source, first[site], north.protocol)
    run = next(run for run in find_runs(source, protocol="made-up", role="model", site="south") if run.model == "full")
    models = verified_models(north.protocol, source, ["south", "east"])
    file = load_released(source, run.run_id) / "model.json"
    file.write_text(file.read_text(encoding="utf-8").replace("0.", "0.1", 1), encoding="utf-8")
    with pytest.raises(DataError, match="its files are not those that south signed"):
        models.load(north.protocol, models.models["south"]["full"])
    done = north.validate(store=embedded_store(tmp_path / "own"), source=source)
    (refused,) = done.refused
    assert (refused.site, refused.model) == ("south", "full")
    assert refused.reason.startswith("changed: models.full.files.model.json, signed ")
    runs = find_runs(embedded_store(tmp_path / "own"), protocol="made-up", role="validation", latest=False)
    assert {(run.model, run.model_site) for run in runs} == {
        ("age", "south"), ("age", "east"), ("full", "east"), ("age", "others"),
    }  # fmt: skip
    assert len(done.written) == 4


def biolab(*words: str | Path) -> tuple[int, dict]:
    """Run a command in this process; return its exit code and what it says as JSON."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()), pytest.raises(SystemExit) as caught:
        main([*map(str, words), "--json"])
    return int(caught.value.code or 0), json.loads(out.getvalue())


def test_by_command(three: dict[str, Institution], filled: Store, place: Path, tmp_path: Path) -> None:
    assert filled.database.exists()
    north = three["north"]
    experiment = place / "experiments" / "made-up"
    own = ("--home", north.home, "--output", north.output)
    code, done = biolab("site", "validate", experiment, north.file, *own, "--from", place / "joint")
    assert (code, done["written"], len(done["standing"]), done["refused"]) == (0, [], OWN, [])
    assert done["from"] == str(place / "joint" / "mlflow.db")
    code, done = biolab("site", "export", "made-up", "-o", tmp_path / "north.zip", "--data", north.file, *own)
    assert (code, done["runs"], done["traced"]) == (0, 1 + 2 + OWN, True)
    code, said = biolab("site", "validate", experiment, north.file, *own, "--from", tmp_path / "nothing")
    assert (code, "holds no mlflow.db" in said["error"]) == (3, True)
    code, said = biolab("site", "validate", experiment, north.file, *own, "--from", "http://127.0.0.1:9")
    assert code == 4
    code, said = biolab("site", "validate", experiment, three["south"].file, *own)
    assert code == 3
    code, said = biolab("site", "export", "made-up", "-o", tmp_path / "n.zip", "--data", three["east"].file, *own)
    assert (code, "not those of the run 'north'" in said["error"]) == (3, True)


def test_no_patient_is_in_a_bundle(three: dict[str, Institution], filled: Store, place: Path) -> None:
    assert filled.database.exists()
    bundles = sorted(place.glob("*/*.zip"))
    raw = b"".join(path.read_bytes() for path in bundles)
    assert len(bundles) == 2 * len(three)
    needles = set()
    for seed in (1, 2, 3):
        frame = made_up(seed)
        needles |= set(frame["patient"])
        for column in ("age", "marker", "time_months"):
            needles |= {f"{value:.9f}"[:10] for value in frame[column].drop_nulls()}
    assert [needle for needle in needles if needle.encode() in raw] == []
