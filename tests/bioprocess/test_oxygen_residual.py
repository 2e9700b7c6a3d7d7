"""The oxygen residual on batches whose stirring is what their cells need, and on the plant itself."""

import numpy as np
import polars as pl
import pytest

from biolab.bioprocess import CHOFedBatch, OxygenResidual, Reactor, faults, oxygen_transfer, simulate
from biolab.bioprocess.monitoring import TooEarlyError
from biolab.core import DataError
from biolab.kernels.fed_batch import layout

HOURS = np.arange(0.0, 241.0)
REACTOR = Reactor()


def batch(rng, *, drift_per_h=0.0, start_h=100.0, appetite=1.0, count_noise=0.04):
    """A vessel whose loop holds the reading at 40 %: stirring follows from the true oxygen and what cells take."""
    cells = 0.5 * np.exp(4.0 / (1.0 + np.exp(-(HOURS - 90.0) / 30.0)))
    taken = 0.2 * rng.lognormal(0, 0.03) * cells * np.where(start_h < HOURS, appetite, 1.0)
    true = 40.0 - drift_per_h * np.maximum(HOURS - start_h, 0.0)
    solubility, volume, flow, oxygen = REACTOR.oxygen_air_saturation_mmol_per_l / layout.AIR_OXYGEN, 3.0, 0.1, 0.35
    effective = taken / (solubility * oxygen - REACTOR.oxygen_air_saturation_mmol_per_l * true / 100.0)
    kla = effective / (1.0 - effective * volume * solubility / (flow * layout.GAS_MMOL))
    stirred = kla / REACTOR.kla_per_h / (flow / volume / REACTOR.kla_reference_gas_per_min) ** REACTOR.kla_gas_exponent
    counted = np.where((HOURS % 24 == 0) & (HOURS > 0), cells * (1 + count_noise * rng.normal(size=HOURS.size)), np.nan)
    return pl.DataFrame({
        "time_h": HOURS, "dissolved_oxygen_percent_measured": 40.0 + 0.3 * rng.normal(size=HOURS.size),
        "agitation_rpm": REACTOR.kla_reference_agitation_rpm * stirred ** (1 / REACTOR.kla_agitation_exponent),
        "oxygen_fraction": oxygen, "co2_fraction": 0.0, "gas_flow_l_per_min": flow, "volume_l": volume,
        "temperature_c_measured": 37.0, "viable_cells_1e6_per_ml_measured": counted, "taken": taken,
    }).with_columns(pl.col("viable_cells_1e6_per_ml_measured").fill_nan(None))  # fmt: skip


@pytest.fixture(scope="module")
def monitor():
    rng = np.random.default_rng(1)
    return OxygenResidual().fit([batch(rng) for _ in range(100)])


def test_transfer_is_what_the_cells_take():
    frame = batch(np.random.default_rng(0)).with_columns(dissolved_oxygen_percent_measured=pl.lit(40.0))
    found = oxygen_transfer(frame, REACTOR)["oxygen_transfer_mmol_per_l_h"]
    np.testing.assert_allclose(found, frame["taken"], rtol=1e-9)


def test_a_drifting_probe_is_found_and_the_reading_alone_shows_nothing(monitor):
    rng = np.random.default_rng(2)
    found = [monitor.check(batch(rng, drift_per_h=0.3), false_alarm_rate=0.02) for _ in range(10)]
    assert sum(f.alarm for f in found) >= 9
    assert all(f.alarm_h > 100.0 for f in found if f.alarm)
    assert found[0].statistic == "oxygen_residual"
    assert found[0].charts["oxygen_per_cell_log"][-1] < -0.1  # the probe reads high: too little oxygen seems to go over


def test_cells_that_change_are_seen_as_well(monitor):
    assert monitor.check(batch(np.random.default_rng(3), appetite=1.6), false_alarm_rate=0.02).alarm


def test_normal_batches_pass_and_later_rows_change_nothing(monitor):
    rng = np.random.default_rng(4)
    new = [batch(rng) for _ in range(60)]
    assert np.mean([monitor.check(b, false_alarm_rate=0.1).alarm for b in new]) < 0.25
    whole, part = (
        monitor.check(new[0], false_alarm_rate=0.1),
        monitor.check(new[0], false_alarm_rate=0.1, until_h=170.0),
    )
    np.testing.assert_allclose(part.charts["oxygen_residual"], whole.charts["oxygen_residual"][: part.charts.height])


def test_what_is_missing_is_named(monitor):
    frame = batch(np.random.default_rng(5))
    with pytest.raises(DataError, match="no column 'viable_cells_1e6_per_ml_measured'"):
        monitor.check(frame.drop("viable_cells_1e6_per_ml_measured"), false_alarm_rate=0.1)
    with pytest.raises(DataError, match="3 cell counts after its start; expected more than the 4"):
        monitor.check(frame, until_h=80.0, false_alarm_rate=0.1)
    with pytest.raises(DataError, match="no column 'agitation_rpm'"):
        monitor.check(frame.drop("agitation_rpm"), false_alarm_rate=0.1)
    with pytest.raises(DataError, match="the gas seems to give"):
        monitor.check(frame.with_columns(dissolved_oxygen_percent_measured=pl.lit(500.0)), false_alarm_rate=0.1)


@pytest.mark.slow
def test_a_drift_on_the_plant_itself():
    def run(seed, wrong=()):
        rng = np.random.default_rng([7, seed])
        made = CHOFedBatch(
            mu_max_per_h=0.039 * rng.lognormal(0, 0.02), reactor=Reactor(kla_per_h=6.0 * rng.lognormal(0, 0.05))
        )
        return simulate(made, faults=wrong, seed=seed)

    monitor = OxygenResidual().fit([run(seed) for seed in range(100)])
    drift = [faults.ProbeDrift("dissolved_oxygen", start_h=120.0, per_h=0.2)]
    assert np.mean([monitor.check(run(s, drift), false_alarm_rate=0.02).alarm for s in range(200, 210)]) >= 0.9


def test_before_the_fifth_count_it_is_too_early(monitor):
    one = batch(np.random.default_rng(6))
    with pytest.raises(TooEarlyError, match="4 cell counts"):
        monitor.check(one, false_alarm_rate=0.02, until_h=100.0)
    assert monitor.check(one, false_alarm_rate=0.02, until_h=120.0).charts["time_h"].to_list() == [120.0]
