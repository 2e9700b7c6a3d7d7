"""Four writers at once against one joint server: everything arrives whole and once, whoever is first."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from biolab.joint import Protocol, import_bundle, import_inbox, push, verify_log, verify_run
from biolab.joint.bundle import verify
from biolab.tracking import find_runs

from .conftest import SITES, Bench, JointServer

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs fork")]


def at_once(actions: list[Callable[[], object]]) -> list[int]:
    """Do each action in a process of its own, all at the same time; return their exit codes."""
    children = []
    for action in actions:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                action()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def test_four_racing_writers(joint_server: JointServer, bench: Bench, joint_protocol: Protocol) -> None:
    """Three sites push while the importer imports; then four importers race for what lies there and for one bundle."""
    bundles = {site: bench.bundle(site, "race") for site in SITES}

    def pushing(site: str) -> Callable[[], object]:
        hospital = joint_server.hospitals[site]

        def action() -> None:
            report = push(hospital.folder, hospital.invitation, bundles[site], hospital.identity)
            assert report.fault is None, report.fault

        return action

    def importing() -> object:
        return import_inbox(joint_server.study, joint_protocol)

    assert at_once([*(pushing(site) for site in SITES), importing]) == [0, 0, 0, 0]
    assert at_once([importing] * 4) == [0] * 4
    whole(joint_server, joint_protocol, bundles)
    study = joint_server.study
    again = lambda: import_bundle(study.store, bundles["north"], joint_protocol, log=study.log)  # noqa: E731
    assert at_once([again] * 4) == [0] * 4
    whole(joint_server, joint_protocol, bundles)


def whole(joint_server: JointServer, protocol: Protocol, bundles: dict[str, Path]) -> None:
    study = joint_server.study
    sent = {digest for path in bundles.values() for digest in verify(path).runs}
    runs = find_runs(study.store, protocol=protocol.name, status=None, latest=False)
    assert {run.status for run in runs} == {"FINISHED"}
    raced = [run for run in runs if run.tags["biolab.run_digest"] in sent]
    assert len(raced) == len(sent) == 2 * len(bundles)
    assert {verify_run(study.store, run.run_id, protocol.keys).state for run in raced} == {"verified"}
    assert verify_log(study.log)
