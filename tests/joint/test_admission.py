"""A changed run leaves its place empty until the very run is there again, whatever identifiers the store gave them."""

from datetime import UTC, datetime

import pytest

from biolab.joint.admission import Verdict, _newest
from biolab.tracking import RunRecord, conventions


def verdict(run_id: str, state: str, digest: str = "d1") -> Verdict:
    run = RunRecord(
        run_id=run_id, experiment="biolab/made-up", name="north cox", site="north", model="cox", model_site="north",
        role="model", protocol_sha256="0" * 64, status="FINISHED", started=datetime(2026, 1, 5, tzinfo=UTC),
        tags={conventions.RUN_DIGEST: digest}, params={}, metrics={}, parent_id=None,
    )  # fmt: skip
    return Verdict(run=run, state=state, has_manifest=True)


def chosen(*verdicts: Verdict) -> list[str]:
    return [each.run.run_id for each in _newest(verdicts, "model", lambda run: (run.site, run.model))]


@pytest.mark.parametrize(("changed", "anew"), [("a", "z"), ("z", "a")])
def test_a_run_imported_anew_takes_the_place_of_its_changed_copy(changed: str, anew: str) -> None:
    assert chosen(verdict(changed, "changed"), verdict(anew, "verified")) == [anew]


def test_no_other_run_takes_the_place_of_a_changed_one() -> None:
    assert chosen(verdict("z", "changed"), verdict("a", "verified", "d2")) == []
