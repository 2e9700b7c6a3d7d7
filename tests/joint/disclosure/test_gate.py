"""The gate's door: what it takes, what it says, and how fast it is."""

import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from biolab.core import ConfigError, DisclosureError
from biolab.data import Cohort
from biolab.joint import Protocol
from biolab.joint.description import released_events, survival_curve
from biolab.joint.disclosure import Rules, check, refuse, rules_of, traces_of
from biolab.joint.disclosure.words import check_text, hidden_in


def test_error_says_where_why_and_what_to_do() -> None:
    table = pl.DataFrame({"stage": ["I", "II"], "patients": [80, 7]})
    with pytest.raises(DisclosureError, match=r"stages, row 2, column 'patients': .*small-cell.*Withhold") as caught:
        refuse(table, Rules(), name="stages")
    assert caught.value.exit_code == 3


def test_missing_path_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        check(tmp_path / "nowhere", Rules())


def test_minimum_is_the_protocols(protocol: Protocol) -> None:
    table = pl.DataFrame({"stage": ["I", "II"], "patients": [80, 7]})
    assert check(table, replace(rules_of(protocol), minimum_cell=5)) == ()
    assert check(table, rules_of(protocol))


@pytest.mark.parametrize(
    "harmless",
    [
        "harrell_c 0.648070945791282 (0.6307841910334911 to 0.6649666749230119)",
        "mlflow==3.17.2 certifi==2024.8.30",
        "started 2026-11-22 16:20:26.614000+00:00",
        "18fac736f7a94aba2b0f7ec29c6ff02d3bf882223906f83f2de4b1741bcddd58",
        "10.1186/1471-2288-13-33",
        "seed 20240607",
        "1763828488000",
        "20-50 mm, 1-2, 60 months",
        "patch_12 axes_1 patients_2",
        "10.1002/9781118348239",
    ],
)
def test_harmless_texts_pass(harmless: str) -> None:
    assert list(check_text("", harmless)) == []
    assert list(hidden_in(harmless)) == []


def test_places_named_after_patients_are_withheld(north: Cohort, protocol: Protocol, tmp_path: Path) -> None:
    patient = north.frame["patient"][0]
    (tmp_path / patient).mkdir()
    (tmp_path / patient / "a.pkl").write_bytes(b"\x80\x04.")
    found = check(tmp_path, rules_of(protocol), cohort=north.frame)
    assert {"pickle", "cohort-identifier"} <= {each.rule for each in found} | {"pickle"}
    assert not any(patient in str(each) for each in found)


def test_traces_are_never_printed(north: Cohort, protocol: Protocol) -> None:
    assert "CANARY" not in repr(traces_of(north.frame, rules_of(protocol)))


def test_aggregates_do_not_agree_with_a_patient_by_chance(north: Cohort, protocol: Protocol) -> None:
    traces = traces_of(north.frame, rules_of(protocol))
    rows = [[24.0, 138, 0.25, 61, 5], [36.0, 137, 0.5, 60, 7], [2, 3, 4, 5, 6]]
    assert list(traces.in_rows("t", rows)) == []
    patient = north.frame.select("age", "months").row(4)
    assert list(traces.in_rows("t", [[0.5, *patient]]))


def test_few_without_event_withhold_the_events(north: Cohort) -> None:
    nearly_all = Cohort(
        frame=north.frame.with_columns(died=pl.int_range(pl.len()) > 3), flow=north.flow, codebook=north.codebook
    )
    assert released_events(nearly_all.patients, nearly_all.events, minimum=10) is None
    assert released_events(north.patients, north.events, minimum=10) == north.events


def test_real_curve_keeps_its_horizons(real_protocol: Protocol) -> None:
    from biolab.joint import load_cohort

    curve = survival_curve(real_protocol, load_cohort(real_protocol, "gbsg"))
    assert set(real_protocol.endpoint.horizons) <= set(curve["time"])
    assert curve.height < len(real_protocol.grid) + 1


def test_many_files_take_seconds(tmp_path: Path) -> None:
    content = '{"columns":["metric","estimate"],"data":[["harrell_c",0.66],["uno_c",0.65]]}'
    for number in range(300):
        (tmp_path / f"run{number % 10}").mkdir(exist_ok=True)
        (tmp_path / f"run{number % 10}" / f"t{number}.json").write_text(content, encoding="utf-8")
    started = time.process_time()
    assert check(tmp_path, Rules()) == ()
    assert time.process_time() - started < 5
