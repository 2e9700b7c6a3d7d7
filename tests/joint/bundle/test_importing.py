"""A bundle into a store: whole, once, repeatable, and everything in it as the site signed it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from biolab.core import BiolabError, DataError
from biolab.joint import PrivateIdentity, Protocol, export_bundle, import_bundle, verify_log, verify_run
from biolab.joint.bundle import importing, verify
from biolab.tracking import Store, embedded_store, find_runs, load_released, read_table, read_text

from .conftest import write_site


@pytest.fixture(scope="module")
def imported(bundle: Path, protocol: Protocol, keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = embedded_store(tmp_path_factory.mktemp("joint"))
    report = import_bundle(store, bundle, protocol, keys=keys)
    assert len(report.created) == 3
    assert report.present == report.removed == report.changed == ()
    return store


def stored(store: Store, **words):
    return find_runs(store, protocol="made-up", status=None, latest=False, **words)


def test_everything_arrives(site_store: Store, imported: Store, keys: dict[str, str]) -> None:
    before, after = ({run.name: run for run in stored(store)} for store in (site_store, imported))
    assert before.keys() == after.keys()
    for name, run in after.items():
        there = before[name]
        assert run.run_id != there.run_id
        assert (run.params, run.metrics, run.started, run.status) == (
            there.params, there.metrics, there.started, "FINISHED",
        )  # fmt: skip
        assert verify_run(imported, run.run_id, keys).state == "verified"
    assert after["north age"].parent_id == after["north"].run_id
    assert read_table(imported, after["north"].run_id, "cohort")["patients"].to_list() == [300]
    assert after["north"].tags["mlflow.note.content"] == "**Cohort**"
    assert after["north"].tags["mlflow.user"] == "north"


def test_steps_times_and_cohort_arrive(site_store: Store, imported: Store) -> None:
    found = []
    for store in (site_store, imported):
        run = next(run for run in stored(store) if run.role == "site")
        with store.session() as client:
            points = [(p.step, p.timestamp, p.value) for p in client.get_metric_history(run.run_id, "event_free")]
            full = client.get_run(run.run_id)
        cohort = full.inputs.dataset_inputs[0]
        tags = sorted((tag.key, tag.value) for tag in cohort.tags)
        found.append((points, full.info.end_time, cohort.dataset.name, cohort.dataset.profile, tags))
    assert found[0] == found[1]


def test_model_is_registered_again_and_loads(site_store: Store, imported: Store) -> None:
    name = "models:/biolab-made-up-age-north/1"
    here, there = (load_released(store, name) / "model.json" for store in (imported, site_store))
    assert here != there
    assert here.read_bytes() == there.read_bytes()
    with imported.session() as client:
        version = client.get_model_version("biolab-made-up-age-north", "1")
        model = client.get_logged_model(version.source.removeprefix("models:/"))
    run = next(run for run in stored(imported) if run.role == "model")
    assert version.run_id == model.source_run_id == run.run_id
    assert {metric.key for metric in model.metrics} == set(run.metrics)


def test_twice_changes_nothing(bundle: Path, protocol: Protocol, keys: dict[str, str], imported: Store) -> None:
    before = {run.run_id: (run.tags, run.metrics) for run in stored(imported)}
    report = import_bundle(imported, bundle, protocol, keys=keys)
    assert report.created == ()
    assert set(report.present) == before.keys()
    assert {run.run_id: (run.tags, run.metrics) for run in stored(imported)} == before
    with imported.session() as client:
        assert len(client.search_model_versions("name = 'biolab-made-up-age-north'")) == 1


def test_the_sites_own_store_has_it_already(
    bundle: Path, protocol: Protocol, keys: dict[str, str], site_store: Store
) -> None:
    report = import_bundle(site_store, bundle, protocol, keys=keys)
    assert report.created == ()
    assert len(report.present) == 3


def test_export_of_the_same_runs_is_the_same_bundle(
    bundle: Path, site_store: Store, imported: Store, identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    for number, store in enumerate((site_store, imported)):
        export_bundle(store, "made-up", identities["north"], tmp_path / f"{number}.zip")
        assert (tmp_path / f"{number}.zip").read_bytes() == bundle.read_bytes()


def test_a_run_brings_its_parent_and_its_siblings(
    site_store: Store, identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    model = next(run for run in stored(site_store) if run.role == "model")
    facts = export_bundle(site_store, [model.run_id], identities["north"], tmp_path / "one.zip")
    assert facts.runs == 2
    assert verify(tmp_path / "one.zip").site == "north"


def test_validation_follows_its_run(
    protocol: Protocol, keys: dict[str, str], identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    source, joint = embedded_store(tmp_path / "south"), embedded_store(tmp_path / "joint")
    write_site(source, protocol, "south")
    first = export_bundle(source, "made-up", identities["south"], tmp_path / "first.zip")
    import_bundle(joint, first.path, protocol, keys=keys)
    known = {run.run_id for run in stored(joint)}
    write_site(source, protocol, "south", validate="north")
    second = export_bundle(source, "made-up", identities["south"], tmp_path / "second.zip")
    report = import_bundle(joint, second.path, protocol, keys=keys)
    assert len(report.created) == 3
    assert known.isdisjoint(report.created)


def test_audit_log_records_imports_and_refusals(
    bundle: Path, protocol: Protocol, keys: dict[str, str], imported: Store, tmp_path: Path
) -> None:
    log = tmp_path / "audit.jsonl"
    import_bundle(imported, bundle, protocol, keys=keys, log=log, actor="coordinator")
    with pytest.raises(DataError, match="stands under protocol"):
        import_bundle(imported, bundle, protocol.with_seed(99), keys=keys, log=log)
    done, refused = verify_log(log)
    assert (done.action, done.subject, done.detail["present"]) == ("import", "north", 3)
    assert refused.action == "refuse"
    assert "stands under protocol made-up 0.1.0" in refused.detail["reason"]


def test_a_changed_run_is_written_anew_beside_it(
    bundle: Path, protocol: Protocol, keys: dict[str, str], new_store: Callable[[str], Store]
) -> None:
    store = new_store("joint")
    import_bundle(store, bundle, protocol, keys=keys)
    site = next(run for run in stored(store) if run.role == "site")
    with store.session() as client:
        client.log_metric(site.run_id, "event_free", 0.99, step=12)
    report = import_bundle(store, bundle, protocol, keys=keys)
    assert report.changed == (site.run_id,)
    assert len(report.created) == 1
    model = next(run for run in stored(store) if run.role == "model")
    assert model.parent_id == report.created[0]
    assert verify_run(store, model.run_id, keys).state == "verified"
    assert import_bundle(store, bundle, protocol, keys=keys).created == ()


KILLED_AT = (
    "begin_carried_run", "write_signature", "verify_run", "end_carried_run", "second end_carried_run",
    "third end_carried_run",
)  # fmt: skip


@pytest.mark.parametrize("place", KILLED_AT)
def test_killed_in_the_middle(
    place: str,
    bundle: Path,
    protocol: Protocol,
    keys: dict[str, str],
    new_store: Callable[[str], Store],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A killed process cannot tidy up: everything after the kill point, clearing included, does not happen."""
    store = new_store("joint")
    calls = {"second": 2, "third": 3}.get(place.split(maxsplit=1)[0], 1)
    name = place.rsplit(maxsplit=1)[-1]
    after = getattr(importing, name)
    left = [calls]

    def killed(*words, **more):
        left[0] -= 1
        done = after(*words, **more) if left[0] > 0 or name != "end_carried_run" else None
        if left[0] <= 0:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patch:
        patch.setattr(importing, name, killed)
        patch.setattr(importing, "remove_run", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            import_bundle(store, bundle, protocol, keys=keys)
    assert [run for run in stored(store) if run.role == "site" and run.status == "FINISHED"] == []
    report = import_bundle(store, bundle, protocol, keys=keys)
    assert len(report.created) + len(report.present) == 3
    runs = stored(store)
    assert len(runs) == 3
    assert {verify_run(store, run.run_id, keys).state for run in runs} == {"verified"}
    parent = next(run for run in runs if run.role == "site")
    assert next(run for run in runs if run.role == "model").parent_id == parent.run_id
    with store.session() as client:
        assert len(client.search_model_versions("name = 'biolab-made-up-age-north'")) == 1
        place_id = client.get_experiment_by_name("biolab/made-up").experiment_id
        assert len(client.search_logged_models([place_id])) == 1


def test_a_run_that_comes_back_different_is_not_taken(
    bundle: Path,
    protocol: Protocol,
    keys: dict[str, str],
    new_store: Callable[[str], Store],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = new_store("joint")
    before = importing.write_signature

    def meddling(target, run_id, *words):
        before(target, run_id, *words)
        with target.session() as client:
            client.log_metric(run_id, "harrell_c", 0.99)

    monkeypatch.setattr(importing, "write_signature", meddling)
    with pytest.raises(DataError, match=r"metrics\.harrell_c.*Nothing was imported"):
        import_bundle(store, bundle, protocol, keys=keys)
    assert stored(store) == []


IMPORT = """
import json, sys
from pathlib import Path
from biolab.joint import Protocol, import_bundle
from biolab.tracking import embedded_store
protocol = Protocol.model_validate_json(Path(sys.argv[3]).read_text(encoding="utf-8"))
report = import_bundle(embedded_store(Path(sys.argv[1])), sys.argv[2], protocol, keys=json.loads(sys.argv[4]))
print(json.dumps([len(report.created), len(report.present)]))
"""


def started(store: Path, bundle: Path, protocol: Protocol, keys: dict[str, str]) -> subprocess.Popen[str]:
    (store.parent / "protocol.json").write_text(protocol.canonical, encoding="utf-8")
    words = [str(store), str(bundle), str(store.parent / "protocol.json"), json.dumps(keys)]
    return subprocess.Popen([sys.executable, "-c", IMPORT, *words], stdout=subprocess.PIPE, text=True)


def test_two_threads_import_at_once(bundle: Path, protocol: Protocol, keys: dict[str, str], tmp_path: Path) -> None:
    store = embedded_store(tmp_path / "joint")
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(import_bundle, store, bundle, protocol, keys=keys) for _ in range(2)]
        assert sorted(len(each.result().created) for each in both) == [0, 3]
    assert len(stored(store)) == 3


@pytest.mark.slow
def test_two_processes_import_at_once(bundle: Path, protocol: Protocol, keys: dict[str, str], tmp_path: Path) -> None:
    both = [started(tmp_path / "joint", bundle, protocol, keys) for _ in range(2)]
    said = sorted(json.loads(process.communicate(timeout=300)[0]) for process in both)
    assert said == [[0, 3], [3, 0]]
    assert len(stored(embedded_store(tmp_path / "joint"))) == 3


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("seed", range(8))
def test_killed_process(seed: int, bundle: Path, protocol: Protocol, keys: dict[str, str], tmp_path: Path) -> None:
    """SIGKILL as soon as so many runs stand in the store; the next import completes."""
    store = embedded_store(tmp_path / "joint")
    process = started(tmp_path / "joint", bundle, protocol, keys)
    while process.poll() is None and len(stored(store)) <= seed % 4:
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = {run.role for run in stored(store) if run.status == "FINISHED"}
    assert "site" not in finished or len(finished) == 3
    report = import_bundle(store, bundle, protocol, keys=keys)
    assert len(report.created) + len(report.present) == 3
    assert {verify_run(store, run.run_id, keys).state for run in stored(store)} == {"verified"}
    assert len(stored(store)) == 3


def test_nothing_is_written_from_a_bundle_that_is_refused(
    bundle: Path, protocol: Protocol, keys: dict[str, str], tmp_path: Path
) -> None:
    raw = bytearray(bundle.read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "changed.zip").write_bytes(raw)
    with pytest.raises(DataError):
        import_bundle(embedded_store(tmp_path / "joint"), tmp_path / "changed.zip", protocol, keys=keys)
    assert not (tmp_path / "joint" / "mlflow.db").exists()


def test_protocol_json_is_the_sites(imported: Store, protocol: Protocol) -> None:
    run = next(run for run in stored(imported) if run.role == "site")
    assert read_text(imported, run.run_id, "protocol.json") == protocol.canonical


@pytest.mark.slow
def test_into_a_server(bundle: Path, protocol: Protocol, keys: dict[str, str], tmp_path: Path) -> None:
    from biolab.tracking.ui import running_ui

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_ui(embedded_store(tmp_path / "served"), port=port):
        server = Store(tracking_uri=f"http://127.0.0.1:{port}")
        report = import_bundle(server, bundle, protocol, keys=keys)
        assert len(report.created) == 3
        runs = stored(server)
        assert {run.experiment for run in runs} == {"biolab/made-up/north"}
        assert {verify_run(server, run.run_id, keys).state for run in runs} == {"verified"}
        assert import_bundle(server, bundle, protocol, keys=keys).created == ()
        with server.session() as client:
            client.log_metric(runs[0].run_id, "harrell_c", 0.99)
        assert verify_run(server, runs[0].run_id, keys).state == "changed"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="mounts a file system")
def test_a_disk_that_fills_up_during_an_import(
    bundle: Path, protocol: Protocol, keys: dict[str, str], tmp_path: Path
) -> None:
    """Nothing half imported is shown; once there is room the same import completes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("may not mount a file system here")
    try:
        store = embedded_store(disk)
        assert stored(store) == []
        store.check()
        room = os.statvfs(disk)
        (disk / "filler").write_bytes(bytes(room.f_bavail * room.f_frsize - 40_000))
        with pytest.raises(BiolabError, match="disk is full") as caught:
            import_bundle(store, bundle, protocol, keys=keys)
        assert caught.value.exit_code == 4
        assert [run for run in stored(store) if run.status == "FINISHED"] == []
        (disk / "filler").unlink()
        report = import_bundle(store, bundle, protocol, keys=keys)
        assert len(report.created) + len(report.present) == 3
        assert {verify_run(store, run.run_id, keys).state for run in stored(store)} == {"verified"}
        assert len(stored(store)) == 3
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
