"""A sensor on spectra with known truth, and on a real fermentation."""

import numpy as np
import pytest

from biolab.bioprocess.soft_sensor import fermentation_spectra, soft_sensor
from biolab.core import ConfigError, DataError


def made(rng, values, noise=0.02):
    wave = np.linspace(-4, 4, 150)
    peak, other = np.exp(-(wave**2)), np.exp(-((wave - 1.2) ** 2))
    base = rng.normal(size=(len(values), 2)) @ np.stack([np.ones_like(wave), wave])
    return (
        np.outer(values, peak)
        + np.outer(rng.uniform(0, 20, len(values)), other)
        + base
        + noise * rng.normal(size=(len(values), 150))
    )


def test_a_known_mixture_is_read_despite_another_analyte_and_a_base_line():
    rng = np.random.default_rng(1)
    values, new = rng.uniform(0, 40, 40), rng.uniform(0, 40, 30)
    sensor = soft_sensor(made(rng, values), values)
    found = sensor.read(made(rng, new))
    assert np.sqrt(np.mean((found["value"].to_numpy() - new) ** 2)) < 0.2
    assert 2 <= sensor.settings["components"] <= 4
    assert found["distance"].max() < 2


def test_a_spectrum_of_something_else_is_far():
    rng = np.random.default_rng(2)
    values = rng.uniform(0, 40, 40)
    sensor = soft_sensor(made(rng, values), values)
    strange = made(rng, values[:1]) + 10 * np.exp(-((np.linspace(-4, 4, 150) + 2.5) ** 2) * 8)
    assert sensor.read(strange)["distance"][0] > 5


def test_bad_input_is_named():
    x, y = np.random.default_rng(0).normal(size=(20, 50)), np.arange(20.0)
    with pytest.raises(DataError, match="20 spectra and 19 values"):
        soft_sensor(x, y[:-1])
    with pytest.raises(DataError, match="spectrum 3, wavelength 7 is nan"):
        soft_sensor(np.where((np.arange(20)[:, None] == 3) & (np.arange(50) == 7), np.nan, x), y)
    with pytest.raises(ConfigError, match="window 4"):
        soft_sensor(x, y, window=4)
    with pytest.raises(ConfigError, match="components is 40"):
        soft_sensor(x, y, components=40)
    with pytest.raises(DataError, match=r"shape \(1, 49\)"):
        soft_sensor(x, y).read(x[:1, :49])


def test_glucose_of_a_real_fermentation():
    spectra, glucose, course, hplc = fermentation_spectra()
    assert spectra.shape == (21, 1047)
    assert course.shape == (1629, 1048)
    band = [c for c in spectra.columns if 950 <= float(c) <= 1200]  # where sugars absorb
    sensor = soft_sensor(spectra.select(band), glucose)
    found = sensor.read(course.select(band))
    smooth = found["value"].rolling_mean(15, center=True, min_samples=1)
    read = np.interp(hplc["time_h"], course["time_h"], smooth)
    assert sensor.rmse < 1.5
    assert (
        np.sqrt(np.mean((read - hplc["glucose_g_per_l"].to_numpy()) ** 2)) < 4.5
    )  # another matrix than the calibration's ...
    assert np.corrcoef(read, hplc["glucose_g_per_l"])[0, 1] > 0.98
    assert found["distance"].median() > 2  # ... and the sensor says so
