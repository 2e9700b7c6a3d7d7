import numpy as np
import polars as pl
import pytest

from biolab.bioprocess import CHOFedBatch, begin, ensemble, faults, simulate, tampered
from biolab.core import ConfigError

HOURS = 192


@pytest.fixture(scope="module")
def normal():
    return simulate(CHOFedBatch(), hours=HOURS, seed=5).trajectories


def run(*what):
    return simulate(CHOFedBatch(), hours=HOURS, seed=5, faults=what).trajectories


def after(frame, start):
    return frame.filter(pl.col("time_h") > start)


def test_a_fault_changes_nothing_before_it_starts(normal):
    for fault in (
        faults.ProbeDrift("ph", start_h=100, per_h=0.01),
        faults.FeedBlockage(start_h=100),
        faults.Contamination(start_h=100),
        faults.FoamOut(start_h=100),
    ):
        assert run(fault).filter(pl.col("time_h") < 100).equals(normal.filter(pl.col("time_h") < 100))


def test_controller_hides_a_drifting_probe():
    frame = after(run(faults.ProbeDrift("ph", start_h=96, per_h=0.004)), 150)
    assert (frame["ph_measured"] - 7.05).abs().max() < 0.1
    assert (frame["ph"] - 7.05).max() < -0.1
    frame = after(run(faults.ProbeDrift("dissolved_oxygen", start_h=96, per_h=0.2)), 180)
    assert (frame["dissolved_oxygen_percent_measured"] - 40).abs().max() < 5
    assert frame["dissolved_oxygen_percent"].max() < 30


def test_a_calibrated_probe_reads_right_again():
    frame = after(run(faults.ProbeDrift("ph", start_h=96, per_h=0.01, end_h=120)), 140)
    assert (frame["ph"] - 7.05).abs().max() < 0.12


def test_cascade_failure_starves_cells_of_oxygen(normal):
    frame = run(faults.CascadeFailure(start_h=120, agitation_rpm=120))
    assert after(frame, 150)["dissolved_oxygen_percent"].max() < 10
    assert frame["lactate_g_per_l"][-1] > normal["lactate_g_per_l"][-1]


def test_feed_faults_show_in_volume_not_on_the_pump(normal):
    blocked, over = run(faults.FeedBlockage(start_h=90)), run(faults.Overfeed(start_h=90, factor=1.5))
    assert blocked["volume_l"][-1] < normal["volume_l"][-1] < over["volume_l"][-1]
    assert blocked["feed_l_per_h_measured"].sum() == pytest.approx(normal["feed_l_per_h_measured"].sum())
    assert blocked["feed_total_l"][-1] == pytest.approx(0.12)


def test_contamination_takes_over():
    frame = run(faults.Contamination(start_h=100))
    assert frame["contaminant_mmol_c_per_l"][-1] > 10
    assert frame["glucose_g_per_l"][-1] < 1
    assert frame["viability"][-1] < 0.8


def test_jacket_failure_lets_the_vessel_cool():
    frame = run(faults.JacketFailure(start_h=120, end_h=140))
    assert frame.filter(time_h=139.0)["temperature_c"].item() < 33
    assert abs(frame["temperature_c"][-1] - 37) < 0.3


def test_dilution_error_is_in_samples_alone(normal):
    frame = run(faults.SamplingDilutionError(start_h=90, end_h=100, factor=0.5))
    true = [name for name in frame.columns if not name.endswith("_measured")]
    assert frame.select(true).equals(normal.select(true))
    ratio = frame["titre_g_per_l_measured"] / normal["titre_g_per_l_measured"]
    np.testing.assert_allclose(ratio.drop_nulls().to_list(), [1, 1, 1, 0.5, 1, 1, 1, 1])


def test_foam_out_loses_broth(normal):
    frame = run(faults.FoamOut(start_h=150, lost_fraction=0.1))
    assert frame["volume_l"][-1] < 0.93 * normal["volume_l"][-1]
    assert frame["titre_g_per_l"][-1] == pytest.approx(normal["titre_g_per_l"][-1], rel=0.03)


def test_faults_are_events(normal):
    result = simulate(CHOFedBatch(), hours=48, faults=[faults.FeedBlockage(start_h=10)])
    assert result.events.filter(kind="fault")["source"].to_list() == ["feed-blockage"]


def test_faults_are_read_and_written_as_tables():
    tables = [
        {"kind": "probe-drift", "probe": "ph", "start_h": 96.0, "per_h": 0.01},
        {"kind": "foam-out", "start_h": 20.0},
        {"kind": "tampered-record", "target": "entry"},
    ]
    read = faults.read_faults(tables)
    assert faults.read_faults([faults.fault_content(fault) for fault in read]) == read


EVERY_KIND = """
[[faults]]
kind = "probe-drift"
probe = "ph"
start_h = 50
per_h = 0.004
[[faults]]
kind = "probe-drift"
probe = "dissolved_oxygen"
start_h = 40
per_h = 0.2
[[faults]]
kind = "cascade-failure"
start_h = 60
[[faults]]
kind = "feed-blockage"
start_h = 72
[[faults]]
kind = "overfeed"
start_h = 80
[[faults]]
kind = "contamination"
start_h = 85
[[faults]]
kind = "jacket-failure"
start_h = 30
end_h = 34
[[faults]]
kind = "sampling-dilution-error"
start_h = 47
[[faults]]
kind = "foam-out"
start_h = 66
[[faults]]
kind = "tampered-record"
column = "glucose_g_per_l_measured"
time_h = 48
"""


def test_all_ten_faults_come_from_a_file_and_are_the_same_each_time(tmp_path):
    file = tmp_path / "faults.toml"
    file.write_text(EVERY_KIND, encoding="utf-8")
    read = faults.load_faults(file)
    assert {one.kind for one in read} == set(faults.KINDS)
    once, again = (simulate(CHOFedBatch(), hours=96, seed=4, faults=faults.load_faults(file)) for _ in range(2))
    assert once.trajectories.equals(again.trajectories)
    assert once.events.filter(kind="fault").height == 9
    found = tampered(once.record, read, seed=4).findings()
    assert [(one.where, one.what) for one in found] == [
        ("measurements at 48 h (row 49)", "changed in glucose_g_per_l_measured")
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[faults]\n", "cannot be read as TOML"),
        ("[[fault]]\nkind = 'foam-out'\n", "fault is not known; a file of faults holds tables"),
        ("faults = 3\n", "faults is 3; expected tables"),
        ("[[faults]]\nkind = 'foam-out'\n", r"faults\[1\] \(foam-out\): missing 1 required"),
    ],
)
def test_a_wrong_file_of_faults_is_named(tmp_path, content, said):
    file = tmp_path / "faults.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        faults.load_faults(file)
    with pytest.raises(ConfigError, match="does not exist"):
        faults.load_faults(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "probe-drif"}, r"faults\[1\]: kind is 'probe-drif'. Did you mean 'probe-drift'"),
        ({"kind": "foam-out", "start": 3}, "start is not a known key. Did you mean 'start_h'"),
        ({"kind": "foam-out"}, "missing 1 required keyword-only argument: 'start_h'"),
        ({"kind": "foam-out", "start_h": -1}, "a fault starts at 0 h or later"),
        ({"kind": "foam-out", "start_h": 5, "hours": -1}, "hours is -1; expected above 0"),
        ({"kind": "foam-out", "start_h": "abc"}, "start_h is 'abc'; expected a number"),
        ({"kind": "overfeed", "start_h": True}, "start_h is True; expected a number"),
        ({"kind": "tampered-record", "target": "readng"}, "target is 'readng'. Did you mean 'reading'"),
        ({"kind": "overfeed", "start_h": 5, "factor": 0.5}, "factor is 0.5"),
        ({"kind": "probe-drift", "probe": "p", "start_h": 1, "per_h": 1}, "probe is 'p'. "),
        ({"kind": "jacket-failure", "start_h": 5, "end_h": 4}, "end_h is 4, not after start_h 5"),
        ({"kind": "feed-blockage", "start_h": 5, "remaining": 2}, "remaining is 2; expected a share"),
        ({"kind": "contamination", "start_h": 5, "inoculum_mmol_c": 0}, "inoculum_mmol_c is 0"),
    ],
)
def test_wrong_faults_are_refused(table, said):
    with pytest.raises(ConfigError, match=said):
        faults.read_faults([table])


@pytest.mark.parametrize("start", [simulate, begin])
def test_a_fault_after_the_batch_is_refused(start):
    late = faults.Overfeed(start_h=48.0)
    with pytest.raises(ConfigError, match=r"overfeed begins at 48 h, but the batch ends at 48 h. Let it begin earlier"):
        start(CHOFedBatch(), hours=48, faults=[late])


def test_a_fault_after_an_ensemble_is_refused():
    with pytest.raises(ConfigError, match=r"overfeed begins at 50 h, but the batch ends at 48 h"):
        ensemble(CHOFedBatch(), {"mu_max_per_h": [0.03, 0.04]}, hours=48, faults=[faults.Overfeed(start_h=50.0)])


@pytest.mark.parametrize("kind", [faults.FeedBlockage, faults.JacketFailure, faults.CascadeFailure, faults.Overfeed])
def test_a_fault_ends_after_its_start(kind):
    with pytest.raises(ConfigError, match=r"end_h is 10.0, not after start_h 20"):
        kind(start_h=20.0, end_h=10.0)
    with pytest.raises(ConfigError, match=r"end_h is 10.0, not after start_h 20"):
        faults.ProbeDrift("ph", start_h=20.0, per_h=0.1, end_h=10.0)
