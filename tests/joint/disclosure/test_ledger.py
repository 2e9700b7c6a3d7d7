"""Two releases of one site cannot be subtracted from each other."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from biolab.core import ConfigError, DisclosureError
from biolab.joint.disclosure import ReleaseLedger, Rules

RULES = Rules()


def tables(*counts: int | None, total: int | None = None) -> dict[str, pl.DataFrame]:
    grades = [f"g{i}" for i in range(len(counts))]
    return {"grade": pl.DataFrame({"grade": [*grades, "total"], "patients": [*counts, total]})}


@pytest.fixture
def ledger(tmp_path: Path) -> ReleaseLedger:
    return ReleaseLedger(path=tmp_path / "site" / "released.json")


def test_nothing_released_yet(ledger: ReleaseLedger) -> None:
    assert ledger.check(tables(40, 60, total=100), RULES) == ()
    assert not ledger.path.exists()


@pytest.mark.parametrize(("now", "refused"), [((40, 60), False), ((41, 60), True), ((50, 60), False), ((49, 60), True)])
def test_small_differences_are_refused(ledger: ReleaseLedger, now: tuple[int, int], refused: bool) -> None:
    ledger.record(tables(40, 60), RULES, release="first")
    assert bool(ledger.check(tables(*now), RULES)) == refused


def test_what_was_withheld_stays_withheld_while_the_cohort_is_nearly_the_same(ledger: ReleaseLedger) -> None:
    ledger.record(tables(None, None, 80, total=100), RULES, release="first")
    with pytest.raises(DisclosureError, match="withheld in one of two releases"):
        ledger.refuse(tables(None, 14, 80, total=100), RULES)
    assert ledger.check(tables(12, 25, 95, total=132), RULES) == ()


def test_every_earlier_release_counts(ledger: ReleaseLedger) -> None:
    for number, count in enumerate((40, 60, 80)):
        ledger.record(tables(count), RULES, release=str(number))
    assert [found.rule for found in ledger.check(tables(61), RULES)] == ["differencing"]


def test_folder_of_artifacts(ledger: ReleaseLedger, tmp_path: Path) -> None:
    for name, count in (("first", 40), ("second", 43)):
        (tmp_path / name / "tables").mkdir(parents=True)
        content = f'{{"columns":["grade","patients"],"data":[["3",{count}],["1-2",90]]}}'
        (tmp_path / name / "tables" / "grade.json").write_text(content, encoding="utf-8")
    ledger.record(tmp_path / "first", RULES, release="first")
    assert ledger.check(tmp_path / "first", RULES) == ()
    assert ledger.check(tmp_path / "second", RULES)


def test_ledger_holds_only_what_was_released(ledger: ReleaseLedger) -> None:
    ledger.record(tables(None, None, 80, total=100), RULES, release="first")
    before = ledger.path.read_bytes()
    ledger.record(tables(None, None, 80, total=100), RULES, release="again")
    assert ledger.path.read_bytes() == before
    assert b"null" in before


def test_concurrent_releases_are_all_kept(ledger: ReleaseLedger) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: ledger.record(tables(100 + 20 * i), RULES, release=str(i)), range(8)))
    assert len(ledger._content()["releases"]) == 8


def test_damaged_ledger_stops_everything(ledger: ReleaseLedger) -> None:
    ledger.path.parent.mkdir()
    ledger.path.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="Restore it from a backup"):
        ledger.check(tables(40), RULES)
