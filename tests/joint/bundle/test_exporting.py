"""Nothing is written that the gate would hold back; a bundle holds one site's finished runs of one protocol."""

import io
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from biolab.core import BiolabError, ConfigError, DisclosureError
from biolab.joint import PrivateIdentity, Protocol, export_bundle
from biolab.joint.bundle.archive import unpack
from biolab.joint.records import run_tags
from biolab.tracking import RecordedRun, Store, embedded_store, recorded_run

from .conftest import write_site

LEAKS: dict[str, tuple[Callable[[RecordedRun], object], str]] = {
    "a small cell": (
        lambda run: run.table("counts", pl.DataFrame({"stage": ["I", "III"], "patients": [120, 4]})), "small-cell",
    ),
    "rows": (
        lambda run: run.text("tables/rows.csv", "patient,age\n" + "".join(f"P-{i:03},{40 + i}\n" for i in range(40))),
        r"rows\.csv",
    ),
    "an identifier in a parameter": (lambda run: run.params({"note": "see patient MRN 12345678"}), "note"),
    "a kind of file that holds code": (lambda run: run.text("model.pkl", "cos\nsystem\n"), r"model\.pkl"),
    "a notebook": (lambda run: run.text("look.ipynb", "{}"), r"look\.ipynb"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_stops_the_export(
    name: str, protocol: Protocol, identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    leak, reason = LEAKS[name]
    store = embedded_store(tmp_path / "north")
    with recorded_run(
        store, experiment="biolab/made-up", name="north", tags=run_tags(protocol, role="site", site="north")
    ) as run:
        run.text("protocol.json", protocol.canonical)
        leak(run)
    with pytest.raises(BiolabError, match=reason) as caught:
        export_bundle(store, "made-up", identities["north"], tmp_path / "north.zip")
    assert caught.value.exit_code == 3
    assert "12345678" not in str(caught.value)
    assert list(tmp_path.glob("*.zip")) == []


def test_the_rules_are_the_protocols(
    protocol: Protocol, identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    store = embedded_store(tmp_path / "north")
    release = protocol.release.model_copy(update={"minimum_cell": 200})
    strict = protocol.model_copy(update={"release": release, "models": protocol.models[:1]})
    write_site(store, strict, "north")
    with pytest.raises(DisclosureError, match="small-cell"):
        export_bundle(store, "made-up", identities["north"], tmp_path / "north.zip")


def test_what_cannot_be_exported(
    protocol: Protocol, site_store: Store, identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    north, path = identities["north"], tmp_path / "b.zip"
    with pytest.raises(ConfigError, match="Site 'stranger' has no complete run of 'made-up'"):
        export_bundle(site_store, "made-up", identities["stranger"], path)
    with pytest.raises(ConfigError, match="No run was named"):
        export_bundle(site_store, [], north, path)
    store = embedded_store(tmp_path / "store")
    here = write_site(store, protocol, "north")
    other = write_site(store, protocol.with_seed(99), "north")
    with pytest.raises(ConfigError, match="several protocols"):
        export_bundle(store, [here, other], north, path)
    with pytest.raises(ConfigError, match="of site 'north', not of 'south'"):
        export_bundle(store, [here], identities["south"], path)
    with store.session() as client:
        client.set_terminated(here, "FAILED")
    with pytest.raises(ConfigError, match="is FAILED; only finished runs leave"):
        export_bundle(store, [here], north, path)
    assert not path.exists()


def test_a_person_can_look_into_a_bundle(bundle: Path) -> None:
    names = list(unpack(bundle))
    assert names[:2] == ["manifest.json", "manifest.sig"]
    assert "runs/0001-north/artifacts/tables/cohort.json" in names
    assert "runs/0002-north-age/models/age/model.json" in names
    frame = pl.read_ndjson(io.BytesIO(unpack(bundle)["runs.jsonl"]))
    assert frame["folder"].to_list() == ["runs/0001-north", "runs/0002-north-age", "runs/0003-age-of-south-at-north"]


def test_a_protocol_made_laxer_in_the_store_is_noticed(
    protocol: Protocol, identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    store = embedded_store(tmp_path / "north")
    with recorded_run(
        store, experiment="biolab/made-up", name="north", tags=run_tags(protocol, role="site", site="north")
    ) as run:
        run.text("protocol.json", protocol.canonical.replace('"minimum_cell":10', '"minimum_cell":3'))
    with pytest.raises(ConfigError, match=r"protocol\.json of run north .* is not the protocol"):
        export_bundle(store, "made-up", identities["north"], tmp_path / "north.zip")
