"""A locked protocol says who locked it, what each version changed, and cannot be altered unnoticed."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from biolab.core import ConfigError
from biolab.joint import PrivateIdentity, Protocol, create_identity, load_lock, lock_protocol
from biolab.joint.lock import LOCK_FILE

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PrivateIdentity]:
    home = tmp_path_factory.mktemp("keys")
    return {name: create_identity(name, home / name) for name in ("coordinator", "north", "south", "stranger")}


@pytest.fixture
def experiment(people: dict[str, PrivateIdentity], tmp_path: Path) -> Path:
    """Return the experiment of the made-up sites with their keys in it."""
    folder = tmp_path / "experiment"
    shutil.copytree(HERE / "two-made-up-sites", folder)
    for site in ("north", "south"):
        edit(folder, f"[sites.{site}]\n", f'[sites.{site}]\npublic_key = "{people[site].public_key}"\n')
    return folder


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "protocol.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def meddle(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / LOCK_FILE
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_locking_and_reading(experiment: Path, people: dict[str, PrivateIdentity]) -> None:
    done = lock_protocol(experiment, people["coordinator"], now=datetime(2026, 11, 2, 9, tzinfo=UTC))
    protocol = Protocol.load(experiment)
    assert done.added
    lock = load_lock(experiment, coordinator_key=people["coordinator"].public_key)
    assert lock == done.lock
    assert (lock.latest.sha256, lock.latest.version, lock.latest.parent) == (protocol.sha256, "0.1.0", None)
    assert lock.latest.locked_at == "2026-11-02T09:00:00+00:00"
    assert lock.latest.coordinator.name == "coordinator"
    assert lock.protocol == protocol
    assert lock.latest.keys == protocol.keys == {site: people[site].public_key for site in ("north", "south")}


def test_locking_again_changes_nothing(experiment: Path, people: dict[str, PrivateIdentity]) -> None:
    lock_protocol(experiment, people["coordinator"])
    before = (experiment / LOCK_FILE).read_bytes()
    edit(experiment, "tau = 48", "tau = 48.0  # said otherwise")
    assert not lock_protocol(experiment, people["coordinator"]).added
    assert (experiment / LOCK_FILE).read_bytes() == before


def test_a_change_needs_a_higher_version(experiment: Path, people: dict[str, PrivateIdentity]) -> None:
    lock_protocol(experiment, people["coordinator"])
    edit(experiment, "seed = 5", "seed = 6")
    with pytest.raises(ConfigError, match=r"locked as 0\.1\.0 and has changed since \(evaluation\.seed: 5 -> 6\)"):
        lock_protocol(experiment, people["coordinator"])
    edit(experiment, '"0.1.0"', '"0.0.9"')
    with pytest.raises(ConfigError, match=r"Raise protocol\.version above 0\.1\.0"):
        lock_protocol(experiment, people["coordinator"])


def test_an_amendment_says_what_changed(experiment: Path, people: dict[str, PrivateIdentity]) -> None:
    first = lock_protocol(experiment, people["coordinator"]).lock.latest
    edit(experiment, '"0.1.0"', '"0.10.0"')
    edit(experiment, "iterations = 20", "iterations = 30")
    edit(experiment, "horizons = [24, 48]", "horizons = [24, 36, 48]")
    amended = lock_protocol(experiment, people["coordinator"]).lock
    assert amended.latest.parent == first.sha256
    assert [str(each) for each in amended.latest.changes] == [
        "endpoint.horizons: [24.0, 48.0] -> [24.0, 36.0, 48.0]",
        "models.boosted.iterations: 20 -> 30",
        'protocol.version: "0.1.0" -> "0.10.0"',
    ]
    assert amended.find(first.sha256) == first
    assert amended.find("0" * 64) is None
    assert load_lock(experiment) == amended


def test_removed_and_added_parts_are_named(experiment: Path, people: dict[str, PrivateIdentity]) -> None:
    lock_protocol(experiment, people["coordinator"])
    edit(experiment, '"0.1.0"', '"0.2.0"')
    edit(experiment, 'policy = "impute"', 'policy = "drop"')
    edit(experiment, "maximum = 400\n", "")
    changes = {
        each.path: (each.old, each.new) for each in lock_protocol(experiment, people["coordinator"]).lock.latest.changes
    }
    assert changes["missing.policy"] == ("impute", "drop")
    assert changes["codebook.months.maximum"] == (400, None)


MEDDLING = {
    "the protocol": (lambda c: c["versions"][0]["protocol"]["endpoint"].update(tau=60.0), "0.1.0: the signature"),
    "the hash": (lambda c: c["versions"][0].update(sha256="0" * 64), "0.1.0: the signature"),
    "the time": (lambda c: c["versions"][1].update(locked_at="2020-01-01T00:00:00+00:00"), "0.2.0: the signature"),
    "what changed": (lambda c: c["versions"][1].update(changes=[]), "0.2.0: the signature"),
    "the key": (lambda c: c["versions"][1]["coordinator"].update(public_key="ed25519:A"), "0.2.0: it was locked with"),
    "the first version": (lambda c: c["versions"].pop(0), "0.2.0: it does not follow"),
    "the order": (lambda c: c["versions"].reverse(), "0.2.0: it does not follow"),
    "a version twice": (lambda c: c["versions"].append(c["versions"][1]), "0.2.0: it does not follow"),
    "an unknown key": (lambda c: c["versions"][0].update(note="x"), "versions.0.note"),
    "the format": (lambda c: c.update(format="biolab.lock/2"), "format"),
    "everything": (lambda c: c.clear(), "versions: Field required"),
}  # fmt: skip


@pytest.mark.parametrize("name", MEDDLING)
def test_a_changed_lock_is_refused(name: str, experiment: Path, people: dict[str, PrivateIdentity]) -> None:
    lock_protocol(experiment, people["coordinator"])
    edit(experiment, '"0.1.0"', '"0.2.0"')
    lock_protocol(experiment, people["coordinator"])
    change, reason = MEDDLING[name]
    meddle(experiment, change)
    with pytest.raises(ConfigError, match=reason):
        load_lock(experiment)
    with pytest.raises(ConfigError):
        lock_protocol(experiment, people["coordinator"])


def test_nobody_else_amends(experiment: Path, people: dict[str, PrivateIdentity]) -> None:
    lock_protocol(experiment, people["coordinator"])
    edit(experiment, '"0.1.0"', '"0.2.0"')
    with pytest.raises(ConfigError, match=r"0\.1\.0: it was locked with .* expected"):
        lock_protocol(experiment, people["stranger"])
    with pytest.raises(ConfigError, match="expected"):
        load_lock(experiment, coordinator_key=people["stranger"].public_key)


def test_every_site_has_a_key_of_its_own(people: dict[str, PrivateIdentity], experiment: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(HERE / "two-made-up-sites", plain)
    with pytest.raises(ConfigError, match=r"site 'north' has no public_key.*--unsigned-sites"):
        lock_protocol(plain, people["coordinator"])
    assert lock_protocol(plain, people["coordinator"], unsigned_sites=True).lock.latest.keys == {}
    edit(experiment, people["south"].public_key, people["north"].public_key)
    with pytest.raises(ConfigError, match="two sites have the same public_key"):
        lock_protocol(experiment, people["coordinator"])
    edit(experiment, people["north"].public_key, "ed25519:AAAA")
    with pytest.raises(ConfigError, match=r"sites\.north\.public_key: 'ed25519:AAAA' is not a public key"):
        lock_protocol(experiment, people["coordinator"])


def test_files_that_are_no_lock(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not exist\. The coordinator makes it with"):
        load_lock(tmp_path)
    for raw in (b"", b"{", b"\xff", b"[" * 100_000):
        (tmp_path / LOCK_FILE).write_bytes(raw)
        with pytest.raises(ConfigError, match="cannot be read as JSON"):
            load_lock(tmp_path)
