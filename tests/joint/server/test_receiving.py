"""The importer's round, with an embedded store in the server's place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from biolab.core import TrackingError, sha256_hex
from biolab.joint import Invitation, Protocol, Study, import_inbox, joint_progress, push, verify_log
from biolab.joint import receiving as receiving_module
from biolab.tracking import find_runs
from biolab.tracking.inbox import deliver, deliveries

from .conftest import Bench

StandIn = Callable[[str], tuple[Invitation, Study]]


def test_taken_in_once(
    stand_in: StandIn, north_bundle: Path, identities, joint_protocol: Protocol, tmp_path: Path
) -> None:
    invitation, study = stand_in("north")
    before = joint_progress(joint_protocol, study.store, study=study)
    push(tmp_path / "home", invitation, north_bundle, identities["north"])
    sent = joint_progress(joint_protocol, study.store, study=study)
    first = import_inbox(study, joint_protocol)
    again = import_inbox(study, joint_protocol)
    after = joint_progress(joint_protocol, study.store, study=study)
    assert [(each.site, each.state, each.runs) for each in first.received] == [("north", "imported", 2)]
    assert again.received == ()
    assert [deliveries(study.store, invitation.inbox)[0].state] == ["imported"]
    rows = [each.sites[0] for each in (before, sent, after)]
    assert [(row.pushed, row.waiting, row.imported, row.verified) for row in rows] == [
        (0, 0, 0, 0),
        (1, 1, 0, 0),
        (1, 0, 2, 2),
    ]
    assert (after.cells, after.filled) == (27, 1)
    assert ("age", "north") not in rows[2].missing
    assert ("age", "south") in rows[2].missing
    assert [site.invited is None for site in after.sites] == [False, True, True]


def test_refusals_are_told_and_judged_once(
    stand_in: StandIn, bench: Bench, joint_protocol: Protocol, tmp_path: Path
) -> None:
    invitation, study = stand_in("north")
    rubbish = tmp_path / "rubbish.zip"
    rubbish.write_bytes(b"PK\x03\x04 no bundle at all")
    foreign = bench.bundle("south", "foreign", model=False)
    for path in (rubbish, foreign):
        deliver(invitation.store, invitation.inbox, path, sha256_hex(path.read_bytes()), tags={})
    lying = tmp_path / "lying.zip"
    lying.write_bytes(b"not what it says")
    with study.store.session() as client:
        run = client.create_run(invitation.inbox, tags={"biolab.bundle.sha256": "ab" * 32})
        client.set_terminated(run.info.run_id, "FINISHED")
        client.create_run(invitation.inbox, tags={"biolab.bundle.sha256": "cd" * 32})
    report = import_inbox(study, joint_protocol)
    reasons = {each.sha256: each.reason for each in report.received}
    assert {each.state for each in report.received} == {"refused"}
    assert "is not a whole zip file" in reasons[sha256_hex(rubbish.read_bytes())]
    assert "is of site 'south' and came through the inbox of 'north'" in reasons[sha256_hex(foreign.read_bytes())]
    assert "holds no such bundle" in reasons["ab" * 32]
    assert str(tmp_path) not in "".join(reasons.values())
    assert report.unfinished == 1
    assert import_inbox(study, joint_protocol).received == ()
    assert len(import_inbox(study, joint_protocol, again=True).received) == 3
    assert find_runs(study.store, protocol="made-up", status=None, latest=False) == []
    assert {entry.action for entry in verify_log(study.log)} == {"refuse"}
    status = joint_progress(joint_protocol, study.store, study=study)
    assert len(status.sites[0].refused) == 3


def test_another_protocol_is_refused_until_it_is_the_protocol(
    stand_in: StandIn, north_bundle: Path, identities, joint_protocol: Protocol, tmp_path: Path
) -> None:
    invitation, study = stand_in("north")
    push(tmp_path / "home", invitation, north_bundle, identities["north"])
    other = joint_protocol.with_seed(99)
    refused = import_inbox(study, other).received
    assert "stands under protocol" in refused[0].reason
    taken = import_inbox(study, joint_protocol, again=True).received
    assert [each.state for each in taken] == ["imported"]
    status = joint_progress(other, study.store, study=study)
    assert (status.other_protocol, status.filled) == (2, 0)


def test_a_lost_server_is_asked_again(
    stand_in: StandIn,
    north_bundle: Path,
    identities,
    joint_protocol: Protocol,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invitation, study = stand_in("north")
    push(tmp_path / "home", invitation, north_bundle, identities["north"])
    monkeypatch.setattr(receiving_module, "_PAUSES_S", (0.0, 0.0))
    real, calls = receiving_module.import_bundle, []

    def gone_at_first(*words, **more):
        calls.append(1)
        if len(calls) < 3:
            raise TrackingError("gone")
        return real(*words, **more)

    monkeypatch.setattr(receiving_module, "import_bundle", gone_at_first)
    assert [each.state for each in import_inbox(study, joint_protocol).received] == ["imported"]
    calls[:] = [1] * -10
    monkeypatch.setattr(
        receiving_module, "import_bundle", lambda *_, **__: (_ for _ in ()).throw(TrackingError("gone"))
    )
    study.log.unlink()
    with pytest.raises(TrackingError, match="gone"):
        import_inbox(study, joint_protocol)
    assert deliveries(study.store, invitation.inbox)[0].state == "imported"
