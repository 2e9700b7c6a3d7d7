"""A comparison's keys come from the coordinator's lock where there is one, and else it is said where from."""

from pathlib import Path

import pytest

from biolab.core import TrackingError
from biolab.joint import Protocol, create_identity, known_protocol, lock_protocol
from biolab.joint.withheld import record_withheld_site
from biolab.tracking import embedded_store

from .reported import HERE, three_sites, write_site


def test_lock_before_folder_before_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = embedded_store(tmp_path / "store")
    with pytest.raises(TrackingError, match="No site has a complete run of 'three-sites'"):
        known_protocol("three-sites", store)
    recorded = three_sites({})
    write_site(store, recorded, "north")
    found = known_protocol("three-sites", store)
    assert (found.source, found.protocol) == ("runs", recorded)
    folder = tmp_path / "experiments" / "three-sites"
    folder.mkdir(parents=True)
    text = (HERE / "two-made-up-sites" / "protocol.toml").read_text(encoding="utf-8")
    (folder / "protocol.toml").write_text(text.replace('name = "made-up"', 'name = "three-sites"'), encoding="utf-8")
    assert known_protocol("three-sites", store).source == "runs"
    assert known_protocol(str(folder), store).source == "folder"
    lock_protocol(folder, create_identity("coordinator", tmp_path / "keys"), unsigned_sites=True)
    found = known_protocol("three-sites", store)
    assert (found.source, set(found.protocol.sites)) == ("lock", {"north", "south"})


def test_sites_stand_in_the_order_of_the_file_without_the_file_and_under_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (HERE / "two-made-up-sites" / "protocol.toml").read_text(encoding="utf-8")
    north, south = text.index("[sites.north]"), text.index("[sites.south]")
    folder = tmp_path / "experiments" / "made-up"
    folder.mkdir(parents=True)
    (folder / "protocol.toml").write_text(f"{text[:north]}{text[south:]}\n{text[north:south]}", encoding="utf-8")
    written = Protocol.load(folder)
    assert list(written.sites) == ["south", "north"]
    store = embedded_store(tmp_path / "store")
    record_withheld_site(written, "north", store)
    for source in ("runs", "lock"):
        if source == "lock":
            lock_protocol(folder, create_identity("coordinator", tmp_path / "keys"), unsigned_sites=True)
        found = known_protocol("made-up", store)
        assert (found.source, list(found.protocol.sites)) == (source, ["south", "north"])
        assert found.protocol.sha256 == written.sha256
