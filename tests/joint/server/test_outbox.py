"""The outbox, with an embedded store in the server's place: what is sent, what waits, what is refused before."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from biolab.core import BiolabError, ConfigError, DataError, TrackingError, sha256_hex
from biolab.joint import Invitation, Study, push, verify_log
from biolab.joint import outbox as outbox_module
from biolab.joint.outbox import outbox
from biolab.tracking import inbox as inbox_module

from .conftest import Bench

StandIn = Callable[[str], tuple[Invitation, Study]]


def test_sent_once(stand_in: StandIn, north_bundle: Path, identities, tmp_path: Path) -> None:
    invitation, _ = stand_in("north")
    home = tmp_path / "home"
    first = push(home, invitation, north_bundle, identities["north"])
    again = push(home, invitation, north_bundle, identities["north"])
    assert (first.sent, first.present, first.waiting) == ((north_sha(north_bundle),), (), ())
    assert (again.sent, again.present, again.waiting) == ((), first.sent, ())
    assert again.facts["inbox"] == [{"sha256": first.sent[0], "state": None, "reason": None}]
    assert not list(outbox(home, "made-up").glob("*"))
    assert [(entry.action, entry.subject) for entry in verify_log(home / "push.jsonl")] == [("push", first.sent[0])]


def north_sha(path: Path) -> str:
    return sha256_hex(path.read_bytes())


@pytest.mark.parametrize("stage", ["create_run", "log_artifact", "download", "set_terminated"])
def test_cut_off_at_each_step(
    stage: str, stand_in: StandIn, north_bundle: Path, identities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the connection breaks, the bundle waits and the next push completes the same delivery."""
    import mlflow

    invitation, study = stand_in("north")
    home = tmp_path / "home"

    def cut(*words, **more):
        raise ConnectionError("the line is dead")

    with monkeypatch.context() as patch:
        if stage == "download":
            patch.setattr(inbox_module, "_fetched", cut)
        else:
            patch.setattr(mlflow.MlflowClient, stage, cut)
        broken = push(home, invitation, north_bundle, identities["north"])
    assert "cannot be reached" in str(broken.fault)
    assert (broken.sent, len(broken.waiting)) == ((), 1)
    whole = push(home, invitation, None, identities["north"])
    assert (len(whole.sent), whole.waiting, whole.fault) == (1, (), None)
    with study.store.session() as client:
        assert len(client.search_runs([invitation.inbox])) == 1


def test_other_bytes_come_back(
    stand_in: StandIn, north_bundle: Path, identities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invitation, _ = stand_in("north")
    with monkeypatch.context() as patch:
        patch.setattr(inbox_module, "_fetched", lambda *_: b"something else")
        report = push(tmp_path / "home", invitation, north_bundle, identities["north"])
    assert "gives back another bundle" in str(report.fault)
    assert len(report.waiting) == 1


def test_refused_before_anything_is_sent(
    stand_in: StandIn, north_bundle: Path, identities, bench: Bench, tmp_path: Path
) -> None:
    invitation, _ = stand_in("north")
    home = tmp_path / "home"
    damaged = tmp_path / "damaged.zip"
    content = bytearray(north_bundle.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged\.zip"):
        push(home, invitation, damaged, identities["north"])
    with pytest.raises(DataError, match="south"):
        push(home, invitation, bench.bundle("south", "wrong", model=False), identities["north"])
    with pytest.raises(DataError, match="'made-up'; the invitation is to 'another'"):
        push(home, replace(invitation, protocol="another"), north_bundle, identities["north"])
    with pytest.raises(ConfigError, match="for site 'north'; the key is of 'south'"):
        push(home, invitation, north_bundle, identities["south"])
    assert not outbox(home, "made-up").exists()


def test_damaged_on_the_disk(stand_in: StandIn, identities, tmp_path: Path) -> None:
    invitation, _ = stand_in("north")
    waiting = outbox(tmp_path / "home", "made-up")
    waiting.mkdir(parents=True)
    (waiting / f"{'0' * 64}.zip").write_bytes(b"rotten")
    with pytest.raises(BiolabError, match="damaged on this disk"):
        push(tmp_path / "home", invitation, None, identities["north"])


def test_faults_of_the_server_only(
    stand_in: StandIn, north_bundle: Path, identities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk of the site itself is no fault of the server and is not swallowed."""
    invitation, _ = stand_in("north")

    def full(*words, **more):
        raise BiolabError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(outbox_module, "write_atomically", full)
        with pytest.raises(BiolabError, match="disk is full"):
            push(tmp_path / "home", invitation, north_bundle, identities["north"])
    with monkeypatch.context() as patch:
        patch.setattr(outbox_module, "deliveries", lambda *_: (_ for _ in ()).throw(TrackingError("gone")))
        assert push(tmp_path / "home", invitation, north_bundle, identities["north"]).fault == "gone"
