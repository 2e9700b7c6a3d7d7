"""Bundles that are whole zip files but not what a site signed, or signed but not what may come in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biolab.core import BiolabError, DataError, canonical_json
from biolab.joint import PrivateIdentity, Protocol, import_bundle
from biolab.joint.bundle import verify
from biolab.joint.bundle.archive import pack, unpack
from biolab.joint.bundle.contents import list_files
from biolab.joint.manifest import digest_of
from biolab.tracking import embedded_store

Edit = Callable[[dict[str, bytes]], None]
COHORT = "runs/0001-north/artifacts/tables/cohort.json"


def refused(path: Path, match: str, keys: dict[str, str] | None = None) -> None:
    with pytest.raises(DataError, match=match) as caught:
        verify(path, keys)
    assert caught.value.exit_code == 3


def edited(bundle: Path, target: Path, edit: Edit) -> Path:
    contents = unpack(bundle)
    edit(contents)
    target.write_bytes(pack(contents))
    return target


def listed(contents: dict[str, bytes], signer: PrivateIdentity, **changes: Any) -> None:
    """List and sign the contents again, as somebody with a key could."""
    body = json.loads(contents["manifest.json"])
    rest = {path: each for path, each in contents.items() if path not in {"manifest.json", "manifest.sig"}}
    body["files"] = [each.model_dump() for each in list_files(rest)]
    body |= {"public_key": signer.public_key} | changes
    contents["manifest.json"] = canonical_json(body)
    contents["manifest.sig"] = signer.sign(contents["manifest.json"]).encode()


def rewritten(contents: dict[str, bytes], signer: PrivateIdentity, change: Callable[[list[dict]], object]) -> None:
    """Change the runs and sign them and the list again: what a site with a key and ill will could send."""
    runs = [json.loads(line) for line in contents["runs.jsonl"].splitlines()]
    change(runs)
    renamed = {}
    for run in runs:
        facts = run["manifest"]["run"]
        facts["parent"] = renamed.get(facts["parent"], facts["parent"])
        before = run["manifest"]["run_digest"]
        run["manifest"]["run_digest"] = renamed[before] = digest_of(run["manifest"])
        run["signature"] = signer.sign(canonical_json(run["manifest"]))
    contents["runs.jsonl"] = b"".join(canonical_json(run) + b"\n" for run in runs)
    listed(contents, signer, runs=[run["manifest"]["run_digest"] for run in runs])


def test_trust_needs_a_key(bundle: Path, keys: dict[str, str]) -> None:
    assert not verify(bundle).trusted
    report = verify(bundle, keys)
    assert report.trusted
    assert (report.site, report.protocol, report.version, len(report.runs)) == ("north", "made-up", "0.1.0", 3)


def test_changed_added_and_missing_files(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    changed = edited(bundle, path, lambda c: c.update({COHORT: c[COHORT].replace(b"300", b"301")}))
    refused(changed, f"entry '{COHORT}' was changed: its SHA-256 is")
    added = edited(bundle, path, lambda c: c.update({"runs/0001-north/artifacts/extra.json": b"1"}))
    refused(added, "entry 'runs/0001-north/artifacts/extra.json' is not in the signed list")
    refused(
        edited(bundle, path, lambda c: c.pop(COHORT) and None), f"entry '{COHORT}' of the signed list .* is missing"
    )
    for needed in ("manifest.json", "manifest.sig", "runs.jsonl", "ro-crate-metadata.json"):
        refused(edited(bundle, path, lambda c, gone=needed: c.pop(gone) and None), f"has no entry '{needed}'")


def test_another_key(
    bundle: Path, keys: dict[str, str], identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    stranger = identities["stranger"]
    path = edited(bundle, tmp_path / "b.zip", lambda c: listed(c, stranger))
    refused(path, "manifest.json: site 'north' has the key ed25519:.* in the protocol; the bundle names", keys)
    refused(path, "runs.jsonl, line 1: the signature is not site 'north'")
    claimed = edited(bundle, path, lambda c: listed(c, stranger, public_key=keys["north"]))
    refused(claimed, "manifest.sig: is not the signature of site 'north'", keys)
    refused(
        edited(bundle, path, lambda c: c.update({"manifest.sig": b"\xff\xfe"})), "manifest.sig: is not the signature"
    )
    refused(bundle, "of site 'north', whose public key the protocol does not name", {"south": keys["south"]})


def test_replay_under_another_site(
    bundle: Path, keys: dict[str, str], identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    south, path = identities["south"], tmp_path / "b.zip"
    refused(edited(bundle, path, lambda c: listed(c, south, site="south")), "line 1: the run is of site 'north'", keys)

    def relabel(runs: list[dict]) -> None:
        for run in runs:
            run["manifest"]["run"]["site"] = "south"

    def replay(contents: dict[str, bytes]) -> None:
        signatures = [json.loads(line)["signature"] for line in contents["runs.jsonl"].splitlines()]
        rewritten(contents, south, relabel)
        runs = [json.loads(line) for line in contents["runs.jsonl"].splitlines()]
        for run, signature in zip(runs, signatures, strict=True):
            run["signature"] = signature
        contents["runs.jsonl"] = b"".join(canonical_json(run) + b"\n" for run in runs)
        listed(contents, south, site="south")

    refused(edited(bundle, path, replay), "the tag biolab.site says 'north', the run 'south'", keys)


MISUSE = {
    "unlisted key of a run": (lambda m: m.update(note="x"), "manifest.note is not a known key"),
    "unlisted key inside": (lambda m: m["run"].update(user="kim"), "manifest.run.user is not a known key"),
    "unlisted tag": (lambda m: m["tags"].update({"biolab.secret": "x"}), "tag 'biolab.secret' is not one"),
    "a tag of the store": (lambda m: m["tags"].update({"biolab.import.complete": "x"}), "'biolab.import.complete'"),
    "another format": (lambda m: m.update(format="biolab.manifest/2"), "manifest.format is 'biolab.manifest/2'"),
    "another role": (lambda m: m["run"].update(role="comparison"), "manifest.run.role is 'comparison'"),
    "unfinished": (lambda m: m["run"].update(status="RUNNING"), "manifest.run.status is 'RUNNING'"),
    "another protocol": (
        lambda m: (m["protocol"].update(sha256="0" * 64), m["tags"].update({"biolab.protocol.sha256": "0" * 64})),
        "line 1: the run stands under protocol made-up 0.1.0 .000000000000.",
    ),
    "a file of a kind that holds code": (
        lambda m: m["artifacts"].append({"path": "model.pkl", "sha256": "0" * 64, "bytes": 1}),
        "entry 'runs/0001-north/artifacts/model.pkl' is missing",
    ),
    "a file twice": (lambda m: m["artifacts"].append(m["artifacts"][0]), "are not each named once"),
    "a file elsewhere": (lambda m: m["artifacts"][0].update(path="../../manifest.json"), "is missing or claimed"),
    "a metric that is no number": (lambda m: m["metrics"].append(["c", 0, "x", 1]), "manifest.metrics.*expected"),
    "a key MLflow would refuse": (lambda m: m["params"].update({"a;b": "1"}), "manifest.params.a;b"),
    "a model with a site's run": (lambda m: m.update(models=[]) or m["run"].update(role="model"), "tag biolab.role"),
}


@pytest.mark.parametrize("name", MISUSE)
def test_what_a_site_may_not_send_even_signed(
    name: str, bundle: Path, identities: dict[str, PrivateIdentity], tmp_path: Path
) -> None:
    misuse, reason = MISUSE[name]
    change = lambda runs: misuse(runs[0]["manifest"])  # noqa: E731
    path = edited(bundle, tmp_path / "b.zip", lambda c: rewritten(c, identities["north"], change))
    refused(path, reason)


def test_code_is_refused_by_its_kind(bundle: Path, identities: dict[str, PrivateIdentity], tmp_path: Path) -> None:
    def smuggle(contents: dict[str, bytes]) -> None:
        contents["runs/0001-north/artifacts/model.pkl"] = b"cos\nsystem\n"
        facts = {each.path: each for each in list_files(contents)}["runs/0001-north/artifacts/model.pkl"]
        entry = {**facts.model_dump(), "path": "model.pkl"}
        rewritten(contents, identities["north"], lambda runs: runs[0]["manifest"]["artifacts"].append(entry))

    refused(edited(bundle, tmp_path / "b.zip", smuggle), r"model\.pkl cannot leave a site: only")


def test_another_loader_is_not_taken_over(
    bundle: Path,
    protocol: Protocol,
    keys: dict[str, str],
    identities: dict[str, PrivateIdentity],
    tmp_path: Path,
) -> None:
    """A site cannot name code that others run: the import writes its own loader and notices the difference."""

    def change(runs: list[dict]) -> None:
        runs[1]["manifest"]["models"][0]["loader"] = "os"

    path = edited(bundle, tmp_path / "b.zip", lambda c: _with_crate(c, identities["north"], change))
    with pytest.raises(DataError, match=r"models\.age\.loader: signed os, stored biolab\.tracking\.pyfunc_model"):
        import_bundle(embedded_store(tmp_path / "joint"), path, protocol, keys=keys)


def _with_crate(contents: dict[str, bytes], signer: PrivateIdentity, change: Callable[[list[dict]], object]) -> None:
    from biolab.joint.bundle.contents import read_runs
    from biolab.joint.bundle.crate import describe_crate

    rewritten(contents, signer, change)
    runs = read_runs(contents["runs.jsonl"])
    rest = {path: each for path, each in contents.items() if not path.startswith(("manifest", "ro-crate"))}
    contents["ro-crate-metadata.json"] = describe_crate([run.manifest for run in runs], rest)
    listed(contents, signer)


def test_order_and_repetition(bundle: Path, identities: dict[str, PrivateIdentity], tmp_path: Path) -> None:
    path, north = tmp_path / "b.zip", identities["north"]
    refused(edited(bundle, path, lambda c: rewritten(c, north, list.reverse)), "does not stand before it")
    refused(edited(bundle, path, lambda c: rewritten(c, north, lambda r: r.append(r[0]))), "the run stands twice")
    refused(edited(bundle, path, lambda c: rewritten(c, north, lambda r: r.pop())), "belongs to no run")


def test_lists_of_another_form(bundle: Path, identities: dict[str, PrivateIdentity], tmp_path: Path) -> None:
    path, north = tmp_path / "b.zip", identities["north"]
    refused(edited(bundle, path, lambda c: listed(c, north, format="biolab.bundle/2")), "format is 'biolab.bundle/2'")
    refused(edited(bundle, path, lambda c: listed(c, north, comment="hi")), "comment is not a known key")
    refused(edited(bundle, path, lambda c: listed(c, north, runs=[])), "runs is")
    spaced = lambda c: c.update({"manifest.json": c["manifest.json"] + b" "})  # noqa: E731
    refused(edited(bundle, path, spaced), "manifest.json is not in canonical form")
    twice = lambda c: c.update({"manifest.json": c["manifest.json"][:-1] + b',"site":"north"}'})  # noqa: E731
    refused(edited(bundle, path, twice), "manifest.json is not in canonical form")
    for raw in (b"", b"[]", b"[" * 100_000, b"\xff", b"nan", b'{"a":' * 50_000, b"1" * 5000):
        refused(edited(bundle, path, lambda c, raw=raw: c.update({"manifest.json": raw})), "manifest.json is not ")

        def with_line(contents: dict[str, bytes], raw: bytes = raw) -> None:
            contents["runs.jsonl"] = raw + b"\n"
            listed(contents, north)

        refused(edited(bundle, path, with_line), "runs.jsonl, line 1 is not ")


def test_the_crate_says_what_is_there(bundle: Path, identities: dict[str, PrivateIdentity], tmp_path: Path) -> None:
    def misname(contents: dict[str, bytes]) -> None:
        raw = contents["ro-crate-metadata.json"]
        contents["ro-crate-metadata.json"] = raw.replace(b"results of north", b"results of south")
        listed(contents, identities["north"])

    refused(edited(bundle, tmp_path / "b.zip", misname), "entry 'ro-crate-metadata.json' does not describe this bundle")


def test_crate_has_what_ro_crate_1_1_asks_for(bundle: Path) -> None:
    """Musts of RO-Crate 1.1: context, descriptor, root with name, description, date and licence, every file a part."""
    contents = unpack(bundle)
    crate = json.loads(contents["ro-crate-metadata.json"])
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    assert crate.keys() == {"@context", "@graph"}
    graph = {each["@id"]: each for each in crate["@graph"]}
    assert len(graph) == len(crate["@graph"])
    assert all("@type" in each for each in graph.values())
    descriptor = graph["ro-crate-metadata.json"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    root = graph["./"]
    assert root["@type"] == "Dataset"
    assert all(root[needed] for needed in ("name", "description", "datePublished", "license"))
    assert root["datePublished"][:4].isdigit()
    assert graph[root["license"]["@id"]].keys() >= {"name", "description"}
    parts = {each["@id"] for each in root["hasPart"]}
    assert parts == contents.keys() - {"ro-crate-metadata.json", "manifest.json", "manifest.sig"}
    assert {graph[part]["@type"] for part in parts} == {"File"}
    referred = [value["@id"] for each in graph.values() for value in each.values() if isinstance(value, dict)]
    assert [each for each in referred if each not in graph and not each.startswith("https://")] == []


def test_other_faults_are_errors_of_ours(bundle: Path, tmp_path: Path) -> None:
    for name in unpack(bundle):
        with pytest.raises(BiolabError):
            verify(edited(bundle, tmp_path / "b.zip", lambda c, name=name: c.update({name: b"\x00{"})))
